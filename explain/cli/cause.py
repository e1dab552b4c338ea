"""``explain cause``: the page of a root cause, the list of all, and from a message to its causes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from explain.cli.options import HELP, json_option, language_option
from explain.cli.page import block, bold, give, paragraphs, width
from explain.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.pages import Page

_FEW_RIVALS = 8
_PARTS = ("see", "why", "tell", "mend")
_WORDS = {
    "en": {
        "see": "What you see",
        "why": "Why it happens",
        "tell": "How to tell it from others",
        "mend": "How to mend it",
        "rivals": "Looks alike from the sender ({count})",
        "more": "and {count} more: explain cause {id} --all",
        "lab": "Make it yourself",
        "sources": "Behind it",
        "addresses": "In the examples: sender 192.0.2.1, router 192.0.2.254 (interface lan) and 198.51.100.254 (wan), "
        "target 198.51.100.1.",
        "message": "{count} causes lead to this message. The likely first; `explain cause ID` tells each apart.",
        "one": "One cause leads to this message.",
        "list": 'explain cause ID shows a page; explain cause "TEXT" finds the causes of a message.',
    },
    "ja": {
        "see": "何が見えるか",
        "why": "なぜ起きるか",
        "tell": "ほかとの見分け方",
        "mend": "直し方",
        "rivals": "送信側からは同じに見えるもの ({count})",
        "more": "ほかに {count} 個: explain cause {id} --all",
        "lab": "自分で作ってみる",
        "sources": "よりどころ",
        "addresses": "例のアドレス: 送信側 192.0.2.1、ルーター 192.0.2.254 (インタフェース lan) と 198.51.100.254 "
        "(wan)、相手 198.51.100.1。",
        "message": "この文面に至る原因は {count} 個ある。ありそうなものから並べる。見分け方は `explain cause ID`。",
        "one": "この文面に至る原因は 1 個である。",
        "list": 'explain cause ID でページを、explain cause "文面" でその原因を示す。',
    },
}


@click.command("cause", context_settings=HELP)
@click.argument("name", metavar="[ID | TEXT]", nargs=-1)
@language_option()
@json_option()
@click.option("--all", "everything", is_flag=True)
def cause(name: tuple[str, ...], lang: str, as_json: bool, everything: bool) -> int:
    """Tell what a cause is, how it is recognised and how it is mended."""
    from explain.causes.pages import all_ids, causes_for_message, nearest, page

    asked = " ".join(name).strip()
    if not asked:
        give(_chapters_json() if as_json else _chapter_rows(lang))
        return 0
    if asked.casefold() in all_ids():
        told = page(asked.casefold())
        give(_page_json(told) if as_json else _page_rows(told, lang, everything))
        return 0
    if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", asked) and nearest(asked):
        raise UnknownNameError("cause", asked, nearest(asked))
    found = causes_for_message(asked)
    if not found:
        raise UnknownNameError("message", asked, nearest(asked))
    give(_message_json(asked, found) if as_json else _message_rows(found, lang))
    return 0


def _page_rows(told: Page, lang: str, everything: bool) -> Iterator[str]:
    from explain.causes.pages import chapters

    words, telling, columns = _WORDS[lang], told.tellings[lang], width()
    yield bold(told.id)
    yield from (bold(row) for row in block(telling.title, "", "", columns))
    chapter = chapters()[told.chapter]
    yield f"({chapter.number} {chapter.names[lang]})"
    for part in _PARTS:
        yield ""
        yield bold(words[part])
        yield from paragraphs(getattr(telling, part), columns)
    yield ""
    yield bold(words["rivals"].format(count=len(told.rivals)))
    yield from block(_rivals(told, lang, everything), "  ", "  ", columns)
    if _is_there(told.lab):
        yield ""
        yield bold(words["lab"])
        yield f"  explain lab run {told.lab}"
    yield ""
    yield bold(words["sources"])
    for source in told.sources:
        yield from block(source, "  ", "    ", columns)
    yield ""
    yield from block(words["addresses"], "", "", columns)


def _rivals(told: Page, lang: str, everything: bool) -> str:
    """The rivals, those that the page itself tells apart first."""
    text = told.tellings["en"].tell
    ordered = sorted(told.rivals, key=lambda rival: text.find(f"`{rival}`") % (len(text) + 1))
    if everything or len(ordered) <= _FEW_RIVALS + 1:
        return ", ".join(ordered)
    rest = _WORDS[lang]["more"].format(count=len(ordered) - _FEW_RIVALS, id=told.id)
    return f"{', '.join(ordered[:_FEW_RIVALS])} ({rest})"


def _is_there(lab: str) -> bool:
    from explain.lab.catalogue import find

    try:
        find(lab)
    except UnknownNameError:
        return False
    return True


def _entries(ids: tuple[str, ...] | list[str], lang: str) -> Iterator[str]:
    """Ids with their titles under them."""
    from explain.causes.pages import page

    for one in ids:
        yield bold(f"  {one}")
        yield from block(page(one).tellings[lang].title, " " * 6, " " * 6, width())


def _chapter_rows(lang: str) -> Iterator[str]:
    from explain.causes.pages import chapters

    for chapter in chapters():
        yield bold(f"{chapter.number} {chapter.names[lang]}")
        yield from _entries(chapter.ids, lang)
        yield ""
    yield from block(_WORDS[lang]["list"], "", "", width())


def _message_rows(found: list[tuple[str, str]], lang: str) -> Iterator[str]:
    words = _WORDS[lang]
    yield from block(words["one"] if len(found) == 1 else words["message"].format(count=len(found)), "", "", width())
    last = ""
    for one, message in found:
        if message != last:
            yield ""
            yield from block(message, "", "    ", width())
        last = message
        yield from _entries([one], lang)


def _page_json(told: Page) -> dict[str, Any]:
    from dataclasses import asdict

    from explain.causes.pages import chapters

    chapter = chapters()[told.chapter]
    texts = {language: asdict(telling) for language, telling in told.tellings.items()}
    return {
        "schema": "explain-cause/1",
        "id": told.id,
        "chapter": {"number": chapter.number, "name": chapter.names},
        **texts,
        "messages": list(told.messages),
        "rivals": list(told.rivals),
        "lab": told.lab,
        "sources": list(told.sources),
    }


def _titled(one: str) -> dict[str, Any]:
    from explain.causes.pages import page

    return {"id": one, "title": {language: telling.title for language, telling in page(one).tellings.items()}}


def _chapters_json() -> dict[str, Any]:
    from explain.causes.pages import chapters

    listed = [
        {"number": chapter.number, "name": chapter.names, "causes": [_titled(one) for one in chapter.ids]}
        for chapter in chapters()
    ]
    return {"schema": "explain-causes/1", "chapters": listed}


def _message_json(asked: str, found: list[tuple[str, str]]) -> dict[str, Any]:
    causes = [{**_titled(one), "message": message} for one, message in found]
    return {"schema": "explain-causes-of-message/1", "text": asked, "causes": causes}
