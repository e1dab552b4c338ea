"""Lines handed to the readers of one program: symptoms come back, and what nobody understood.

A line that the terminal or the mail has wrapped is put together again: only if neither half is understood alone, or
the second half is not and the first says more with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.symptoms.vocabulary import spoken_by
from explain.symptoms.witness import Symptom, UnknownLine

if TYPE_CHECKING:
    from explain.symptoms.transcript.cleaning import TextLine

Reading = tuple[str, dict[str, Any]]
LineReader = Callable[[str], Reading | None]

_LONGEST_WRAPPED = 300
_MOST_WRAPPED = 2_000
"""So many lines are tried together with the next; a text in which more stay unknown is no terminal's."""

_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
_REMARK = re.compile(r"\s*(?://|#|※|→|←|=>|<-|->|\*\s|-\s|--\s|;|\(|「|（|・|>|[A-Z]?[a-z']+,? [a-z']+ [a-z']+)")


@dataclass(frozen=True, slots=True)
class Understood:
    """What became of some lines."""

    symptoms: tuple[Symptom, ...]
    unknown: tuple[UnknownLine, ...]


def is_remark(text: str) -> bool:
    """Whether an unknown line reads like a person's note."""
    return bool(_JAPANESE.search(text) or _REMARK.match(text))


def make_symptom(reading: Reading, text: str, line: int) -> Symptom:
    """A symptom with its speaker."""
    speaker, about = spoken_by(*reading)
    return Symptom(reading[0], text, reading[1], speaker, about, line)


def first_reading(text: str, readers: Sequence[LineReader]) -> Reading | None:
    """What the first reader that understands a line says of it."""
    for reader in readers:
        found = reader(text)
        if found is not None:
            return found
    return None


def read_lines(lines: Sequence[TextLine], readers: Sequence[LineReader]) -> Understood:
    """Every line by the first reader that knows it; wrapped lines joined; the rest kept as unknown."""
    symptoms: list[Symptom] = []
    unknown: list[UnknownLine] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.text.strip():
            continue
        found = first_reading(line.text, readers)
        may_be_part = found is None and len(unknown) < _MOST_WRAPPED
        if may_be_part and at < len(lines) and (wrapped := _wrapped(line, lines[at], readers)):
            symptoms.append(wrapped)
            at += 1
        elif may_be_part and symptoms and (longer := _continued(symptoms[-1], line, readers)):
            symptoms[-1] = longer
        elif found is None:
            unknown.append(UnknownLine(line.number, line.text, is_remark(line.text)))
        else:
            symptoms.append(make_symptom(found, line.text.strip(), line.number))
    return Understood(tuple(symptoms), tuple(unknown))


def _wrapped(line: TextLine, following: TextLine, readers: Sequence[LineReader]) -> Symptom | None:
    """Two lines that mean something only together."""
    if (
        not 30 <= len(line.text) <= _LONGEST_WRAPPED
        or not following.text.strip()
        or first_reading(following.text, readers)
    ):
        return None
    for glue in ("", " "):
        together = f"{line.text}{glue}{following.text.strip()}"[:4096]
        found = first_reading(together, readers)
        if found:
            return make_symptom(found, together, line.number)
    return None


def _continued(before: Symptom, line: TextLine, readers: Sequence[LineReader]) -> Symptom | None:
    """The line before, if it says more together with this one."""
    if line.number - before.line > 1 or not 30 <= len(before.text) <= _LONGEST_WRAPPED:
        return None
    for glue in ("", " "):
        together = f"{before.text}{glue}{line.text.strip()}"[:4096]
        found = first_reading(together, readers)
        if found and _says_more(found, before):
            return make_symptom(found, together, before.line)
    return None


def _says_more(found: Reading, before: Symptom) -> bool:
    if found[0].split(".")[0] != before.id.split(".")[0]:
        return False
    known = {key: value for key, value in before.values.items() if value not in (None, (), "", 0)}
    now = {key: value for key, value in found[1].items() if value not in (None, (), "", 0)}
    return len(now) > len(known) and all(str(now.get(key, "")).startswith(str(value)) for key, value in known.items())
