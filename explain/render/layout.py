"""Lines as rows of a page: what stands in the margin, how text wraps, for any character width."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING

from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.model import Evidence, Line, Ranges

WIDTH = 80
_MARGIN = 9
MARKS = {"bad": "✗", "good": "✓", "odd": "!"}
_NO_BREAK_BEFORE = "、。」』）)],.;:!?？！ー々・〜ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_SHORTEST, _LONGEST_END = 8, 40  # columns of a last row, and up to which it is lengthened
_MOST_CARRIED = 16  # columns that a row gives up so that the next begins with a word
_LONGEST_KATAKANA = 16  # characters of a word that stays whole
_PARTICLES = "をがはにのへも"  # end what stands before them
_STEM_ENDS = "いきぎしちびみりえけげせねべめれ"  # between kanji, as in 問い合わせ and 書き換える
_MOST_RANGES = 3
_UNIT = re.compile(
    r"(?:us|ms|s|min|h|B|kB|MB|GB|bytes?)(?![^ ,.:;)、。」）])"
    r"|[秒分時日個回本件台行通組人種番]|か所|バイト|ビット|パケット|フレーム|セグメント|ホップ"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of text and what it is: ``style`` is the label of its line."""

    text: str
    style: str | None
    margin: str = ""


def display_width(text: str) -> int:
    """Columns that a terminal needs for the text (Unicode TR 11; combining marks need none)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def wrap(text: str, width: int) -> list[str]:
    """Break text so that no row is wider than ``width`` columns.

    Between wide characters a row may end anywhere but within a word of katakana, and none begins
    with a closing mark or a small kana, and the last one holds more than a letter or two; a word
    that is too long for a row stays whole, so that it can be copied.  A number stands beside its unit.
    """
    rows: list[list[str]] = [[]]
    used = 0
    for piece in _pieces(text):
        wide = display_width(piece.rstrip())
        if used + wide > width and "".join(rows[-1]).strip():
            rows.append(_carried(rows[-1], piece, width - wide))
            used = display_width("".join(rows[-1]))
        rows[-1].append(piece if rows[-1] else piece.lstrip())
        used += display_width(rows[-1][-1])
    if len(rows) > 1 and not rows[-1][-1].isascii():
        _lengthen(rows[-1], rows[-2], width)
    return ["".join(row).rstrip() for row in rows]


def _carried(row: list[str], piece: str, room: int) -> list[str]:
    """What of a full row goes to the next one, so that this begins with a word or with what ends one: a few letters."""
    following, carried, end = piece, 0, len(row)
    if _is_hiragana(piece[:1]) and _is_hiragana(row[-1]) and row[-2:-1] and row[-2].endswith(" "):
        end -= 1  # such a word of two letters stays whole, as in 192.0.2.1 から
    for number in range(len(row) - 1, 0, -1):
        if _is_word_start(row[number], following):
            end = number + 1
            break
        if _is_hiragana(following[:1]) and _is_katakana(row[number][-1:]):
            end = number + 1 + (following in _PARTICLES)
        following = row[number]
        carried += display_width(following)
        if carried > min(_MOST_CARRIED, room):
            break
    moved = row[end:]
    del row[end:]
    return moved


def _lengthen(last: list[str], before: list[str], width: int) -> None:
    """Move the end of a row down until the row below holds more than a letter or two, and begins with a word."""
    enough, used = None, display_width("".join(last))
    for number in range(len(before), 1, -1):
        following = before[number] if number < len(before) else last[0]
        if used >= _SHORTEST:
            enough = number if enough is None else enough
            if _is_word_start(before[number - 1], following):
                enough = number
                break
        used += display_width(before[number - 1])
        if used > min(width, _LONGEST_END):
            break
    if enough is not None:
        last[:0] = before[enough:]
        del before[enough:]


def _is_word_start(before: str, piece: str) -> bool:
    """Whether a piece seems to begin a word: behind a comma or a stop, else no hiragana, and not behind a kanji."""
    return before[-1:] in "、。" or (not _is_hiragana(piece[:1]) and not _is_kanji(before[-1:]))


def _pieces(text: str) -> Iterator[str]:
    """The text cut wherever a row may end."""
    if text.isascii():
        yield from _words(text)
        return
    piece, is_code = "", False
    for index, char in enumerate(text):
        piece += char
        is_code ^= char == "`"
        following = text[index + 1 : index + 2]
        if not following or following in _NO_BREAK_BEFORE or following == " " or (is_code and "`" in (char, following)):
            continue
        if char == " " and text[index - 1 : index].isdigit() and _UNIT.match(text, index + 1):
            continue
        if _is_katakana(char) and _is_katakana(following) and len(piece) < _LONGEST_KATAKANA:
            continue
        if char in _STEM_ENDS and _is_kanji(text[index - 1 : index]) and _is_kanji(following):
            continue
        is_wide = unicodedata.east_asian_width(char) in "WF" or unicodedata.east_asian_width(following) in "WF"
        if char == " " or (is_wide and char not in "「『（("):
            yield piece
            piece = ""
    if piece:
        yield piece


def _is_kanji(char: str) -> bool:
    return "一" <= char <= "鿿"


def _is_hiragana(char: str) -> bool:
    return "ぁ" <= char <= "ん"


def _is_katakana(char: str) -> bool:
    return "ァ" <= char <= "ヺ" or char == "ー"


def _words(text: str) -> Iterator[str]:
    """The pieces of a text without wide characters: its words, with the spaces behind them."""
    piece, words = "", text.split(" ")
    for word, following in pairwise(words):
        piece += f"{word} "
        if word[-1:].isdigit() and _UNIT.match(following):
            continue
        if following[:1] not in _NO_BREAK_BEFORE:  # what is empty is in everything: there a space follows, or nothing
            yield piece
            piece = ""
    piece += words[-1]
    if piece:
        yield piece


def frames_of(line: Line) -> str:
    """The frames of a line for the margin, with their place where it is not the one that is told of: ``r1:4``."""
    frames = frames_text(line.evidence)
    where = line.values.get("elsewhere")
    return f"{where}:{frames}" if where else frames


def frames_text(evidence: Sequence[Evidence]) -> str:
    """Frame numbers for the margin, as short as they can be told: ``1-2``, ``4,6,8``."""
    if not evidence:
        return ""
    spans = [f"{first}" if first == last else f"{first}-{last}" for first, last in evidence[0].frames]
    shown = ",".join(spans)
    if len(spans) > _MOST_RANGES or len(shown) > _MARGIN - 2:
        shown = f"{evidence[0].frames[0][0]}..{evidence[0].frames[-1][1]}"
    return shown


def _lines_text(ranges: Ranges) -> str:
    """Lines of a text for the margin: ``L3``, ``L3-9``."""
    if not ranges:
        return ""
    first, last = ranges[0]
    return f"L{first}" if first == last else f"L{first}-{last}"


def rows_of(lines: Sequence[Line], sentences: Sequence[str], width: int = WIDTH) -> Iterator[Row]:
    """The page, row by row; an empty row stands before each heading."""
    for line, sentence in zip(lines, sentences, strict=True):
        if line.label in MARKS:
            yield from _block(f"{MARKS[line.label]} {sentence}", "", "  ", width, line.label)
        elif line.label in ("heading", "finding"):
            yield Row("", None)
            yield from _block(sentence, "", "", width, line.label)
        elif line.label in ("under", "subheading", "note"):
            yield from _block(sentence, "  ", "  ", width, line.label)
        elif line.label == "item":
            yield from _block(sentence, "    ", "    ", width, line.label)
        elif line.label == "field":
            yield from _block(sentence, " " * (_MARGIN + 4), " " * (_MARGIN + 6), width, line.label)
        else:
            yield from _told(line, sentence, width)


def _block(text: str, first: str, later: str, width: int, style: str | None) -> Iterator[Row]:
    for number, row in enumerate(wrap(text, width - len(later))):
        yield Row((later if number else first) + row, style)


def _told(line: Line, sentence: str, width: int) -> Iterator[Row]:
    margin = _lines_text(line.text_lines) or frames_of(line)
    columns = max(_MARGIN, len(margin))
    for number, row in enumerate(wrap(sentence, width - columns - 2)):
        yield Row(f"  {row}", None, f"{'' if number else margin:>{columns}}")
