"""Line -> sentence: here what is told gets its language.

Sentences stand in TOML tables, English and Japanese side by side, under the name that the
code uses: the message ``arp.asked.again`` is the entry ``[asked.again]`` of ``arp.toml``.  A table is
parsed when the first of its messages is said.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from explain.words.values import Speaker

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUOTE, _STANDS_FOR_IT = '\\"', "\0"  # a table holds no NUL
_NEXT = "\n["  # a header; no sentence has a line that begins so


@cache
def table(name: str) -> dict[str, Any]:
    """The word table ``name``, parsed once."""
    import tomllib

    return tomllib.loads(_text(name))


@cache
def _text(name: str) -> str:
    with open(f"{__path__[0]}/{name}.toml", encoding="utf-8") as file:  # noqa: PTH123  pathlib costs as much as all tables
        return "\n" + file.read()


@cache
def sentence(message: str, language: str) -> str:
    """The sentence with its placeholders.

    Raises:
        KeyError: there is no such message; the tests make sure that there is.
    """
    name, _, rest = message.partition(".")
    entry = _alone(name, rest)
    for key in rest.split("."):
        entry = entry[key]
    found: str = entry[language]
    return found


def _alone(name: str, key: str) -> dict[str, Any]:
    """What holds an entry of a word table, without the rest: few sentences of a long table are said in one run."""
    for header in (key, key.rpartition(".")[0]):
        if f"\n[{header}]\n" in _text(name):
            return _section(name, header)
    return table(name)


@cache
def _section(name: str, header: str) -> dict[str, Any]:
    entries = _text(name).partition(f"\n[{header}]\n")[2].partition(_NEXT)[0]
    section: dict[str, Any] | None = plain_entries(entries)
    if section is None:
        import tomllib

        return tomllib.loads(f"[{header}]\n{entries}")
    for key in reversed(header.split(".")):
        section = {key: section}
    return section


def plain_entries(text: str) -> dict[str, Any] | None:
    """Entries as nearly all are written, on a line each: ``a = "x"``, ``b = {en = "x", ja = "y"}``.

    None if there is another one.  For these the library's reader, which takes longer to load than a page of sentences
    to say, is not needed.
    """
    found: dict[str, Any] = {}
    for line in text.split("\n"):
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.replace(_QUOTE, _STANDS_FOR_IT).partition(" = ")
        if not equals or not key.isidentifier() or "\\" in value:
            return None
        parts = [part.replace(_STANDS_FOR_IT, '"') for part in value.split('"')]
        if parts[::2] == ["", ""]:
            found[key] = parts[1]
        elif parts[::2] == ["{en = ", ", ja = ", "}"]:
            found[key] = {"en": parts[1], "ja": parts[3]}
        else:
            return None
    return found


def has(message: str) -> bool:
    """Whether there is a sentence for this message."""
    try:
        sentence(message, "en")
    except (KeyError, TypeError, FileNotFoundError):
        return False
    return True


def say(message: str, values: Mapping[str, Any], language: str) -> str:
    """The message as a sentence; text from packets in it is made visible, never obeyed."""
    return Speaker(language).vformat(sentence(message, language), (), values)
