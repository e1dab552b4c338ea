"""Notes as lines: the verdict of a text, and its blocks in their order, each where it stands in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.causes.notes.item import Item
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.causes.notes.item import Study


def verdict(studies: Sequence[Study]) -> list[Line]:
    """The lines of depth 0 for texts without a packet: what failed last, or that all of it went well."""
    blamed = [item for one in studies for item in one.verdicts]
    causes = [item for item in blamed if item.name in ("trouble.proved", "trouble.likely", "trouble.possible")]
    wrong = sum(item.name.startswith("belief.") for item in blamed)
    blocks = sum(len(one.notes.blocks) for one in studies)
    chosen = (causes or [item for item in blamed if not item.name.startswith("belief.")])[-1:]
    for item in chosen:
        line = _line(item)
        lines = [
            Line(f"notes.verdict.{_verdict_of(item)}", line.values, depth=0, label="bad", text_lines=line.text_lines)
        ]
    if not chosen:
        lines = [Line("notes.verdict.fine", {"blocks": blocks}, depth=0, label="odd" if wrong else "good")]
    rest = len(blamed) - wrong - len(chosen)
    lines += [Line("notes.verdict.more", {"count": rest}, depth=0, label="under")] if rest > 0 else []
    lines += [Line("notes.verdict.beliefs", {"count": wrong}, depth=0, label="under")] if wrong else []
    return lines


def _verdict_of(item: Item) -> str:
    return (
        item.name.removeprefix("trouble.")
        if item.name.startswith(("trouble.proved", "trouble.likely", "trouble.possible"))
        else "trouble"
    )


def tell(studies: Sequence[Study]) -> list[Line]:
    """Every text from its first block to its last."""
    lines: list[Line] = []
    for one in studies:
        if one.items:
            lines.append(Line("notes.heading", {}, label="heading"))
            lines += [_line(item) for item in one.items]
        if one.notes.is_cut:
            lines.append(Line("notes.cut", {}, depth=0, label="note"))
    return lines


def _line(item: Item) -> Line:
    if item.name == "because":
        return Line(str(item.values["message"]), item.values["values"], depth=item.depth, label="item")
    return Line(f"notes.{item.name}", _values(item), depth=item.depth, text_lines=item.spans)


def _values(item: Item) -> dict[str, Any]:
    return {key: _value(value) for key, value in item.values.items()} | (
        {"trouble": Line(f"notes.{item.name}", {key: _value(value) for key, value in item.values.items()})}
        if item.name.startswith("trouble.") else {}
    )  # fmt: skip


def _value(value: Any) -> Any:
    if isinstance(value, Item):
        if value.name == "because":
            return Line(str(value.values["message"]), value.values["values"])
        return Line(f"notes.{value.name}", {key: _value(one) for key, one in value.values.items()})
    if isinstance(value, (list, tuple)):
        return [_value(one) for one in value]
    return value
