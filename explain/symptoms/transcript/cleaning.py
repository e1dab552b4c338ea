"""A pasted text made harmless and plain: bounded, without escapes, in numbered lines."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOST_CHARACTERS = 16_000_000
MOST_LINES = 200_000
_LONGEST_LINE = 2_048

_ESCAPES = re.compile(
    "\x1b\\[[0-?]{0,64}[ -/]{0,8}[@-~]"  # CSI: colours, cursor
    "|\x1b[\\]P^_X][^\x07\x1b]{0,4096}(?:\x07|\x1b\\\\)?"  # OSC and other strings: titles, links
    "|\x1b[ -/]{0,8}[0-~]"
    "|\x9b[0-?]{0,64}[ -/]{0,8}[@-~]"
)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_STRANGE = re.compile("[\x00-\x07\x0e-\x1a\x1c-\x1f\ufffd]")


_MARKS_OF_JIS = (b"\x1b$B", b"\x1b$@")
_CODES_OF_JAPAN = ("euc_jp", "cp932")
"""EUC-JP first: nearly all of it would pass for narrow katakana in cp932, while words in cp932 are no EUC-JP."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of the text, plain.

    Attributes:
        number: from 1, in the text as given.
        is_cut: it was longer than 2048 characters; the rest was dropped.
    """

    number: int
    text: str
    is_cut: bool = False


def decode(data: bytes) -> str:
    """The characters of a terminal's bytes: UTF-8, UTF-16 (PowerShell), else a code of Japan."""
    data = data[: _MOST_CHARACTERS * 2]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if wide := _order_of_utf_16(data):
        return data.decode(wide, errors="replace")
    if any(mark in data for mark in _MARKS_OF_JIS) and (mail := _read_as(data, "iso2022_jp")):
        return mail
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as damage:
        if damage.start >= len(data) - 4:  # cut in the middle of a character
            return data.decode("utf-8-sig", errors="replace")
    if b"\x00" not in data[:4096]:
        for code in _CODES_OF_JAPAN:
            if text := _read_as(data, code):
                return text
    return data.decode("utf-8", errors="replace")


def _order_of_utf_16(data: bytes) -> str | None:
    """Which UTF-16 a text without a mark is in: every second octet of its ASCII is zero, and hardly any other."""
    high, low = data[0:4096:2].count(0), data[1:4096:2].count(0)
    units = max(1, min(len(data), 4096) // 2)
    if max(high, low) * 5 < units or min(high, low) * 20 > max(high, low):
        return None
    return "utf-16-le" if low > high else "utf-16-be"


def _read_as(data: bytes, code: str) -> str | None:
    try:
        return data.decode(code)
    except UnicodeDecodeError:
        return None


def looks_binary(text: str) -> bool:
    """Whether the beginning of a text holds what no terminal shows."""
    head = text[:4096]
    return "\x00" in head or len(_STRANGE.findall(head)) * 20 > len(head)


def clean_lines(text: str) -> tuple[tuple[TextLine, ...], bool]:
    """The lines of a text without colours, cursor movements and control characters.

    Returns:
        The lines, and whether any part of the text was left out because it was too long.
    """
    is_cut = len(text) > _MOST_CHARACTERS
    lines: list[TextLine] = []
    for number, raw in enumerate(_split(text[:_MOST_CHARACTERS]), start=1):
        if number > MOST_LINES:
            is_cut = True
            break
        for part in _parts(raw) if len(raw) > _LONGEST_LINE else (raw,):
            is_long = len(part) > _LONGEST_LINE
            lines.append(TextLine(number, clean_line(part[: _LONGEST_LINE * 2])[:_LONGEST_LINE], is_long))
            is_cut |= is_long
    return tuple(lines), is_cut


_JSON = re.compile(r'\s*(?:\[ ?\{|\{)\s*"')
_UP_TO_COMMA = re.compile(rf"[^\r]{{1,{_LONGEST_LINE - 1}}}(?:,|\Z)")


def _parts(raw: str) -> list[str]:
    """A long line of JSON, where it matters not in how many lines it stands, in several."""
    parts = _UP_TO_COMMA.findall(raw) if _JSON.match(raw) else []
    return parts if sum(map(len, parts)) == len(raw) else [raw]


def _split(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n", MOST_LINES + 1)


def clean_line(raw: str) -> str:
    """One line as the screen would have left it."""
    if "\x1b" in raw or "\x9b" in raw:
        raw = _ESCAPES.sub("", raw)
    if "\b" in raw:
        raw = _backspaced(raw)
    if "\r" in raw:  # a meter that redraws its line: the last drawing stays
        raw = next((part for part in reversed(raw.split("\r")) if part.strip()), "")
    raw = _CONTROLS.sub("", raw).replace("\u00a0", " ").replace("\u3000", " ")
    return raw.rstrip()


def _backspaced(raw: str) -> str:
    kept: list[str] = []
    for character in raw:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)
