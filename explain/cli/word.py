"""``explain word``: what a word on the screen means, and the list of all words by family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from explain.cli.options import HELP, json_option, language_option
from explain.cli.page import block, bold, give, paragraphs, width
from explain.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.glossary import Word

_WORDS = {
    "en": {
        "is": "What it is",
        "not": "What it is not",
        "example": "As it was recorded (pcaps/{recording}/{file})",
        "see": "See also",
        "sources": "Where it stands",
        "list": "explain word TERM tells what one of these {count} words means.",
        "families": "{term} has several meanings; all of them follow.",
        "joint": "; ",
    },
    "ja": {
        "is": "意味",
        "not": "間違えやすい点",
        "example": "実際の記録から (pcaps/{recording}/{file})",
        "see": "あわせて読む",
        "sources": "よりどころ",
        "list": "explain word 語 で、この {count} 語のそれぞれの意味を示す。",
        "families": "{term} には複数の意味がある。順に示す。",
        "joint": "、",
    },
}


@click.command("word", context_settings={**HELP, "ignore_unknown_options": True})
@click.argument("term", metavar="[TERM]", nargs=-1)
@language_option()
@json_option()
def word(term: tuple[str, ...], lang: str, as_json: bool) -> int:
    """Tell what a word on the screen means: STALE, scope link, LOWER_UP, Flags [S.], MASQUERADE."""
    from explain.glossary import nearest

    asked = " ".join(" ".join(term).split())
    if not asked:
        give(_list_json() if as_json else _list_rows(lang))
        return 0
    found = _found(asked)
    if not found:
        raise UnknownNameError("word", asked, nearest(asked))
    give(_json(asked, found) if as_json else _rows(found, lang))
    return 0


def _found(asked: str) -> tuple[Word, ...]:
    """By its name; else as a reader of terminals would take it apart: ``win 64240`` is ``win``."""
    from explain.glossary import lookup
    from explain.glossary.families import FIRST_FAMILIES
    from explain.symptoms.fields import fields_of

    if found := lookup(asked):
        return found
    best: tuple[int, tuple[Word, ...]] = (0, ())
    for kind in FIRST_FAMILIES:
        fields = [(each, lookup(each.term, kind)) for each in fields_of(kind, asked[:200])]
        told = [(each.end - each.start, words) for each, words in fields if words]
        covered = sum(length for length, _ in told)
        is_most = 2 * covered > len(asked.replace(" ", ""))
        if is_most and covered > best[0]:
            best = covered, tuple({words[0].term: words[0] for _, words in told}.values())
    return best[1]


def _rows(found: tuple[Word, ...], lang: str) -> Iterator[str]:
    if len({one.term for one in found}) < len(found):
        yield from block(_WORDS[lang]["families"].format(term=found[0].term), "", "", width())
        yield ""
    for number, one in enumerate(found):
        if number:
            yield ""
        yield from _page_rows(one, lang)


def _page_rows(one: Word, lang: str) -> Iterator[str]:
    from explain.glossary.families import FAMILIES

    words, meaning, columns = _WORDS[lang], one.meanings[lang], width()
    yield bold(one.term)
    yield FAMILIES[one.family][lang]
    yield ""
    yield bold(words["is"])
    yield from paragraphs(meaning.what, columns)
    yield ""
    yield bold(words["not"])
    yield from paragraphs(meaning.unlike, columns)
    yield ""
    yield bold(words["example"].format(recording=one.example.recording, file=one.example.file))
    for row in one.example.text.split("\n"):
        yield from block(row.expandtabs(), "    ", "        ", columns)
    for part, texts in (("see", one.see), ("sources", one.sources)):
        yield ""
        yield bold(words[part])
        yield from block(words["joint"].join(texts), "  ", "  ", columns)


def _list_rows(lang: str) -> Iterator[str]:
    from explain.glossary import family
    from explain.glossary.families import FAMILIES

    count = 0
    for name, names in FAMILIES.items():
        terms = [each.term for each in family(name)]
        count += len(terms)
        yield bold(names[lang])
        yield from block(_WORDS[lang]["joint"].join(terms), "  ", "  ", width())
        yield ""
    yield from block(_WORDS[lang]["list"].format(count=count), "", "", width())


def _json(asked: str, found: tuple[Word, ...]) -> dict[str, Any]:
    return {"schema": "explain-word/1", "text": asked, "words": [_entry(one) for one in found]}


def _entry(one: Word) -> dict[str, Any]:
    from explain.glossary.families import FAMILIES

    texts = {
        language: {"is": meaning.what, "not": meaning.unlike, "gist": meaning.gist}
        for language, meaning in one.meanings.items()
    }
    example = {"recording": one.example.recording, "file": one.example.file, "text": one.example.text}
    family = {"id": one.family, "name": FAMILIES[one.family]}
    return {
        "term": one.term, "family": family, "keys": list(one.keys), **texts, "example": example,
        "see": list(one.see), "sources": list(one.sources),
    }  # fmt: skip


def _list_json() -> dict[str, Any]:
    from explain.glossary import family
    from explain.glossary.families import FAMILIES

    listed = [
        {"id": name, "name": names, "terms": [each.term for each in family(name)]} for name, names in FAMILIES.items()
    ]
    return {"schema": "explain-words/1", "families": listed}
