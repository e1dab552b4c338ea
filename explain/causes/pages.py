"""The pages of the causes: one TOML file each in ``pages/``, read when it is asked for.

A page has the same parts in both languages.  In its texts an empty line ends a paragraph, a line that begins
with four blanks is shown as it is, and a line that begins with ``- `` is an item.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from explain.causes.ids import CHAPTERS, IDS
from explain.errors import UnknownNameError
from explain.model import LANGUAGES
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHORTEST_PART = 5
_LONGEST_TEXT = 4_000
_CLOSE_ENOUGH = 0.75


@dataclass(frozen=True, slots=True)
class Telling:
    """A page in one language.

    Attributes:
        title: one line that stands alone.
        see: what the terminal, the wire and the state show.
        why: the mechanism.
        tell: how to tell it from its rivals.
        mend: a command or an action.
    """

    title: str
    see: str
    why: str
    tell: str
    mend: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that is written about one cause.

    Attributes:
        id: the cause.
        chapter: the number of its chapter, 0 to 9.
        lab: the name of the lab that makes it.
        messages: texts that point here; ``*`` stands for anything.
        typical: those of them for which this cause is the first to think of.
        rivals: causes that look alike from the sender, in the order of the chapters.
        sources: standards, kernel documents and manual pages.
        tellings: the texts, by language.
        stands_for: what of the example in ``mend`` a diagnosis may fill in -> what it is: ``sender-net``, ``gateway``,
            ``target``, ``target-net``, ``target-gateway``, or ``interface``, that of the cause's place.
    """

    id: str
    chapter: int
    lab: str
    messages: tuple[str, ...]
    typical: tuple[str, ...]
    rivals: tuple[str, ...]
    sources: tuple[str, ...]
    tellings: dict[str, Telling]
    stands_for: dict[str, str]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter: its number, its names by language, and its causes in order."""

    number: int
    names: dict[str, str]
    ids: tuple[str, ...]


def all_ids() -> tuple[str, ...]:
    """Every id, in the order of the chapters."""
    return IDS


def chapters() -> tuple[Chapter, ...]:
    """The chapters in order."""
    return tuple(Chapter(number, {"en": english, "ja": japanese}, ids) for number, english, japanese, ids in CHAPTERS)


@cache
def page(cause_id: str) -> Page:
    """The page of a cause; reads this one file only.

    Raises:
        UnknownNameError: no cause has this id; with the nearest ids.
    """
    if cause_id not in IDS:
        raise UnknownNameError("cause", cause_id, nearest(cause_id))
    table = tomllib.loads((files(__package__) / "pages" / f"{cause_id}.toml").read_text(encoding="utf-8"))
    return _page(table)


def _page(table: dict[str, Any]) -> Page:
    tellings = {
        language: Telling(**{part: text.strip("\n") for part, text in table[language].items()})
        for language in LANGUAGES
    }
    return Page(
        id=table["id"],
        chapter=table["chapter"],
        lab=table["lab"],
        messages=tuple(table["messages"]),
        typical=tuple(table.get("typical", ())),
        rivals=tuple(table["rivals"]),
        sources=tuple(table["sources"]),
        tellings=tellings,
        stands_for=table.get("stands_for", {}),
    )


def nearest(name: str) -> tuple[str, ...]:
    """Ids that look like a name, best first; may be empty."""
    wanted = re.sub(r"[\s_]+", "-", name.strip().casefold())[:100]
    close = difflib.get_close_matches(wanted, IDS, n=3, cutoff=0.6)
    holding = [cause for cause in IDS if len(wanted) >= _SHORTEST_PART and wanted in cause]
    return tuple(dict.fromkeys([*close, *holding]))[:3]


def causes_for_message(text: str) -> list[tuple[str, str]]:
    """The causes to which a message leads, with the message by which each was found, most specific first.

    Case, addresses, a program's name in front and other languages do not matter.  A message of a page may
    stand anywhere in the text; if none does, the text may be a part of one, or nearly one.
    """
    said = _normal(text[:_LONGEST_TEXT])
    ours = _in_our_words(said)
    known = _messages()
    found = [message for message, pattern in known.items() if pattern.search(said) or pattern.search(ours)]
    found = [one for one in found if not any(_is_less(one, more) for more in found)]
    bare = re.sub(r"^ping6?: ", "", ours).strip()
    if not found and len(bare) >= _SHORTEST_PART:
        found = [message for message in known if bare in _literal(message)]
    if not found:
        close = difflib.get_close_matches(bare, [_literal(message) for message in known], n=1, cutoff=_CLOSE_ENOUGH)
        found = [message for message in known if _literal(message) in close]
    return _ranked(found)


def _ranked(messages: list[str]) -> list[tuple[str, str]]:
    # A reply says little where something else was said too, so what a healthy network says comes last.
    replies = page("healthy").messages
    order = sorted(messages, key=lambda message: (message in replies, -len(_literal(message))))
    led: dict[str, tuple[tuple[int, bool, int, int], str]] = {}
    for place, message in enumerate(order):
        for rank, cause in enumerate(IDS):
            told = page(cause)
            if cause not in led and message in told.messages:
                key = (place, message not in told.typical, told.messages.index(message), rank)
                led[cause] = (key, message)
    return [(cause, message) for cause, (_, message) in sorted(led.items(), key=lambda item: item[1][0])]


def _normal(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()


def _in_our_words(said: str) -> str:
    for other, ours in _wordings():
        said = said.replace(other, ours)
    return said


def _literal(message: str) -> str:
    return _normal(message if _is_stars(message) else message.replace("*", " "))


def _is_less(one: str, more: str) -> bool:
    """Whether a message is a part of another, which says more."""
    return _literal(one) != _literal(more) and _literal(one) in _literal(more)


def _is_stars(message: str) -> bool:
    """Whether the stars are what traceroute prints for silence."""
    return not message.strip("* ")


@cache
def _messages() -> dict[str, re.Pattern[str]]:
    """Every message of every page with its pattern over normalised text."""
    return {message: _pattern(message) for cause in IDS for message in page(cause).messages}


def _pattern(message: str) -> re.Pattern[str]:
    if _is_stars(message):
        return re.compile(re.escape(message))
    # A number must not begin in the middle of another: "0% packet loss" is not in "100% packet loss".
    before = r"(?<![\w.])" if message[:1].isalnum() else ""
    after = r"(?!\w)" if message[-1:].isalnum() else ""
    return re.compile(before + ".{0,200}?".join(re.escape(_normal(part)) for part in message.split("*")) + after)


@cache
def _wordings() -> tuple[tuple[str, str], ...]:
    """What others say and what the pages say for it, the longest first."""
    table = tomllib.loads((files(__package__) / "wordings.toml").read_text(encoding="utf-8"))
    return tuple(sorted(_both(table), key=lambda pair: -len(pair[0])))


def _both(table: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for ours, others in table.items():
        for other in others:
            yield re.sub(r"\s+", " ", other).casefold(), re.sub(r"\s+", " ", ours).casefold()
