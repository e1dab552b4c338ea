"""What the words on a screen mean: one TOML table a family, English and Japanese side by side.

The table's key is the term as the screen shows it.  ``keys`` holds other spellings under which it is looked up;
there ``*`` stands for anything: ``scope *`` is asked when no entry tells of this very scope.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from explain.glossary.families import FAMILIES, FIRST_FAMILIES
from explain.model import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 200
_SENTENCE_ENDS = {"en": re.compile(r"(?<=[.?!])\s"), "ja": re.compile(r"(?<=[。？])")}


@dataclass(frozen=True, slots=True)
class Meaning:
    """A word in one language.

    Attributes:
        what: what it is; the first sentence stands alone.
        unlike: what it is not, or what it is often taken for.
    """

    what: str
    unlike: str
    language: str

    @property
    def gist(self) -> str:
        """The first sentence, without its stop."""
        return _SENTENCE_ENDS[self.language].split(self.what, maxsplit=1)[0].rstrip(".。")


@dataclass(frozen=True, slots=True)
class Example:
    """Where the word is seen.

    Attributes:
        recording: a folder of ``pcaps/``.
        file: in it; the terminal, or a state.
        text: stands there like this, line by line.
    """

    recording: str
    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Word:
    """One entry.

    Attributes:
        term: as the screen shows it.
        keys: other spellings; ``*`` stands for anything.
        see: terms of other entries.
        sources: standards, manual pages and kernel documents.
        meanings: by language.
    """

    term: str
    family: str
    keys: tuple[str, ...]
    example: Example
    see: tuple[str, ...]
    sources: tuple[str, ...]
    meanings: dict[str, Meaning]


@cache
def family(name: str) -> tuple[Word, ...]:
    """The entries of one family, in the order of a book; reads this one table only."""
    table = tomllib.loads((files(__package__) / f"{name}.toml").read_text(encoding="utf-8"))
    return tuple(_word(term, name, entry) for term, entry in table.items())


def _word(term: str, name: str, entry: dict[str, Any]) -> Word:
    recording, *place, text = entry["example"]
    meanings = {
        language: Meaning(entry[language]["is"].strip(), entry[language]["not"].strip(), language)
        for language in LANGUAGES
    }
    return Word(
        term, name, tuple(entry.get("keys", ())), Example(recording, place[0] if place else "terminal.txt", text),
        tuple(entry["see"]), tuple(entry["sources"]), meanings,
    )  # fmt: skip


def words() -> Iterator[Word]:
    """Every entry, family by family."""
    for name in FAMILIES:
        yield from family(name)


def lookup(text: str, kind: str | None = None) -> tuple[Word, ...]:
    """The entries of a term, as it is spelled; none if there are none.

    Args:
        text: the term, such as ``scope link``; capitals count only where both spellings exist.
        kind: of the block that the term stands in; its families come first, and the first entry is enough.
    """
    asked = " ".join(text[:_LONGEST].split())
    order = (*FIRST_FAMILIES.get(kind or "", ()), *FAMILIES)
    names = tuple(dict.fromkeys(order))
    for table in (_exact(), _folded()):
        found = [word for name in names for word in table.get(name, {}).get(asked, ())]
        if found:
            return tuple(found[:1] if kind else found)
        asked = asked.casefold()
    patterns = [word for name in names for pattern, word in _patterns().get(name, ()) if pattern.fullmatch(asked)]
    return tuple(patterns[:1])


def gist(name: str, language: str) -> str:
    """The first sentence of an entry that is named as ``family/term``.

    Raises:
        KeyError: there is no such entry.
    """
    of, _, term = name.partition("/")
    return _exact()[of][term][0].meanings[language].gist


def nearest(text: str) -> tuple[str, ...]:
    """Terms that look like a text, best first; may be empty."""
    asked = " ".join(text[:_LONGEST].split()).casefold()
    known = {key.casefold(): word.term for word in words() for key in (word.term, *word.keys) if "*" not in key}
    close = difflib.get_close_matches(asked, list(known), n=5, cutoff=0.6)
    return tuple(dict.fromkeys(known[each] for each in close))[:3]


_Table = dict[str, dict[str, list[Word]]]


@cache
def _exact() -> _Table:
    table: _Table = {}
    for word in words():
        for key in (word.term, *(key for key in word.keys if "*" not in key)):
            table.setdefault(word.family, {}).setdefault(key, []).append(word)
    return table


@cache
def _folded() -> _Table:
    table: _Table = {}
    for word in words():
        for key in dict.fromkeys(each.casefold() for each in (word.term, *word.keys) if "*" not in each):
            table.setdefault(word.family, {}).setdefault(key, []).append(word)
    return table


@cache
def _patterns() -> dict[str, list[tuple[re.Pattern[str], Word]]]:
    table: dict[str, list[tuple[re.Pattern[str], Word]]] = {}
    for word in words():
        for key in (key for key in word.keys if "*" in key):
            pattern = re.escape(key.casefold()).replace(r"\*", ".{0,100}")
            table.setdefault(word.family, []).append((re.compile(pattern), word))
    return table
