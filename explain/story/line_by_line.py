"""Each word of a pasted block, explained in its line the first time that it comes up."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from explain.glossary import lookup
from explain.model import Line
from explain.symptoms.fields import typed_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.glossary import Word
    from explain.symptoms.notes import NoteBlock, Notes

MOST_WORDS = 1000
FEW_BLOCKS, FEW_WORDS = 2, 40
"""So many are explained without being asked; of a longer text, ``-v`` explains them."""
Told = tuple[int, str, list[tuple[str, "Word"]]]
"""A line's number, its text, and what is new in it: as it stands there, and its entry."""


def explained(notes: Notes) -> dict[int, list[Line]]:
    """The lines of the story by the line of the text that they explain.

    A text of few words is explained at once (depth 1), a longer one on request (depth 2).
    """
    told = list(_told(notes))
    count = sum(len(new) for _, _, new in told)
    is_short = count <= FEW_WORDS and len({number for number, block in _blocks(notes) if block}) <= FEW_BLOCKS
    return {number: _lines(number, text, new, 1 if is_short else 2) for number, text, new in told}


def _lines(number: int, text: str, new: list[tuple[str, Word]], depth: int) -> list[Line]:
    head = Line("notes.line", {"text": " ".join(text.split())}, depth=depth, text_lines=((number, number),))
    return [
        head,
        *(
            Line(
                "notes.word", {"shown": shown, "term": word.term, "word": f"{word.family}/{word.term}"}, depth=depth,
                label="field", text_lines=((number, number),),
            )
            for shown, word in new
        ),
    ]  # fmt: skip


def _blocks(notes: Notes) -> Iterator[tuple[int, bool]]:
    for number, block in enumerate(notes.blocks):
        yield number, any(line.fields(block.kind) for line in block.lines[:50])


def _told(notes: Notes) -> Iterator[Told]:
    seen: set[tuple[str, str]] = set()
    for block in notes.blocks:
        for number, text, fields in _rows(block):
            new = []
            for shown, term in fields:
                word = _entry(block.kind, term)
                if word is not None and (word.family, word.term) not in seen:
                    seen.add((word.family, word.term))
                    new.append((shown, word))
            if new:
                yield number, text, new
            if len(seen) >= MOST_WORDS:
                return


def _rows(block: NoteBlock) -> Iterator[tuple[int, str, list[tuple[str, str]]]]:
    if block.typed and block.command is not None:
        typed = typed_fields(block.kind, block.command.words, block.command.text)
        if typed:
            yield block.typed, block.command.text, list(typed)
    for line in block.lines:
        fields = line.fields(block.kind)
        if fields:
            yield line.number, line.text, [(line.text[each.start : each.end], each.term) for each in fields]


@lru_cache(maxsize=10_000)
def _entry(kind: str, term: str) -> Word | None:
    """The entry of a term, looked up once: a text says the same words on every line."""
    return next(iter(lookup(term, kind)), None)
