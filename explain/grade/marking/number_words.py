"""Numbers that were written as words: *three*, *twice*, 三つ, 十二回."""

from __future__ import annotations

import re

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_VALUES = {word: value for value, word in enumerate(_SMALL)} | _TENS
_VALUES |= {"none": 0, "never": 0, "once": 1, "twice": 2, "thrice": 3}
_VALUES |= {"ゼロ": 0, "なし": 0, "ひとつ": 1, "ふたつ": 2, "みっつ": 3, "よっつ": 4, "いつつ": 5}
_WORD = re.compile(
    rf"(?<![a-z])(?:({'|'.join(_TENS)})[ -]({'|'.join(_SMALL[1:10])})|({'|'.join(_VALUES)}))(?![a-z])", re.IGNORECASE
)
_DIGITS, _UNITS = "〇一二三四五六七八九", {"十": 10, "百": 100, "千": 1000}
_KANJI = re.compile(rf"[{_DIGITS}零十百千]{{1,12}}")


def in_digits(text: str) -> str:
    """A text with its numbers in digits."""
    return _KANJI.sub(lambda found: str(_kanji(found[0])), _WORD.sub(_value, text))


def _value(found: re.Match[str]) -> str:
    return str(sum(_VALUES[part.lower()] for part in found.groups() if part))


def _kanji(text: str) -> int:
    total, digits = 0, ""
    for one in text.replace("零", "〇"):
        if one in _UNITS:
            total += int(digits or 1) * _UNITS[one]
            digits = ""
        else:
            digits += str(_DIGITS.index(one))
    return total + int(digits or 0)
