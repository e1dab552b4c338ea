"""The story as Markdown: for issues and hand-ins, with frames and filters.

Whatever came out of a packet is inert: no HTML, link, image, mention, emoji, formula or table can be made of it, in
CommonMark or on GitHub.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from explain.render.layout import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.model import CaptureInfo, Evidence, Line

_MOST_RANGES = 12
_WORDS = re.compile(r"[!-~]+|[^!-~]+")
_OBEYED = re.compile(r"@|://|www\.|\$|#|:[\w+-]+:", re.IGNORECASE | re.ASCII)
"""What renderers turn into links, mentions, issues, formulas or emoji (`:100:` in an address) beyond CommonMark."""
_SPECIAL = re.compile(r"[\\`*_\[\]|~]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LEADING = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=])")
_OPENING, _CLOSING = "([{\"'", ".,;:!?)]}\"'"


def render(lines: Sequence[Line], sentences: Sequence[str], captures: Sequence[CaptureInfo], language: str) -> str:
    """The story as a Markdown document that ends in a line break."""
    blocks: list[tuple[str, str]] = []
    for line, sentence in zip(lines, sentences, strict=True):
        blocks.append(_block(line, sentence, captures, language))
    return "".join(_spaced(blocks))


def inert(text: str) -> str:
    """Text so that Markdown shows it as it is, on one line."""
    pieces = (_word(piece) for piece in _WORDS.findall(" ".join(text.split())))
    return _LEADING.sub(lambda found: f"{found[1] or ''}\\{found[2] or found[3]}", "".join(pieces))


def code(text: str) -> str:
    """Text as a code span, whatever backticks are in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _word(piece: str) -> str:
    if not _OBEYED.search(piece):
        return _escaped(piece)
    inner = piece.lstrip(_OPENING).rstrip(_CLOSING) or piece
    before, _, after = piece.partition(inner)
    # A vertical bar would end a cell of a table even inside a code span, so such a word is cut there.
    return _escaped(before) + "\\|".join(code(part) if part else "" for part in inner.split("|")) + _escaped(after)


def _escaped(text: str) -> str:
    for char, entity in _ENTITIES.items():
        text = text.replace(char, entity)
    return _SPECIAL.sub(r"\\\g<0>", text)


def _block(line: Line, sentence: str, captures: Sequence[CaptureInfo], language: str) -> tuple[str, str]:
    """The kind of block and its text."""
    if line.message == "story.filter":
        return "code", _fenced(str(line.values["filter"]))
    shown = inert(sentence)
    if line.label in MARKS:
        return "heading", f"# {MARKS[line.label]} {shown}"
    if line.label in ("heading", "finding"):
        return "heading", f"## {shown}"
    if line.label == "subheading":
        return "heading", f"**{shown}**"
    if line.label in ("under", "note"):
        return "paragraph", shown
    where = "" if line.label in ("item", "field") else frames(line.evidence, captures, language)
    return "item", f"- {shown}" + (f" *({inert(where)})*" if where else "")


def _fenced(text: str) -> str:
    fence = "`" * max(3, max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    return f"{fence}\n{' '.join(text.split())}\n{fence}"


def frames(evidence: Sequence[Evidence], captures: Sequence[CaptureInfo], language: str) -> str:
    """Frame numbers in words, with the vantage point where there are several; long lists are cut."""
    from explain.words import say

    told: list[str] = []
    for one in evidence:
        spans = [str(first) if first == last else f"{first}-{last}" for first, last in one.frames[:_MOST_RANGES]]
        numbers = ", ".join(spans) + (", ..." if len(one.frames) > _MOST_RANGES else "")
        name = vantage(one.capture, one.interface, captures)
        is_named = name is not None and (len(evidence) > 1 or len(captures) > 1)
        form = f"{'frame' if numbers.isdigit() else 'frames'}{'-at' if is_named else ''}"
        told.append(say(f"render.{form}", {"frames": numbers, "vantage": name}, language))
    return "; ".join(told)


def vantage(capture: int, interface: int | None, captures: Sequence[CaptureInfo]) -> str | None:
    """The name of a vantage point: as the user or the file gave it, else the file's path if there are several."""
    info = captures[capture]
    if interface is not None and interface < len(info.interfaces):
        one = info.interfaces[interface]
        if one.vantage or one.name:
            return one.vantage or one.name
    return info.vantage or (info.path if len(captures) > 1 else None)


def _spaced(blocks: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Blocks with an empty line between them, but none between the items of one list."""
    before = ""
    for kind, text in blocks:
        yield "\n" if before and not (kind == before == "item") else ""
        yield f"{text}\n"
        before = kind
