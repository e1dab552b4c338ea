"""Notes as lines: the verdict of a text, and its blocks in their order, each where it stands in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.causes.notes.item import FAILURES, UNSEEN, Item
from explain.model import Line
from explain.story.line_by_line import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.causes.notes.item import Study


def verdict(studies: Sequence[Study]) -> list[Line]:
    """The lines of depth 0 for texts without a packet: what failed last, or that all of it went well."""
    blamed = [item for one in studies for item in one.verdicts]
    causes = [item for item in blamed if item.name in FAILURES]
    wrong = sum(item.name.startswith("belief.") for item in blamed)
    lasting = [item for item in causes if not item.values.get("is_mended")]
    others = [item for item in blamed if item not in causes and not item.name.startswith("belief.")]
    chosen = (lasting or others)[-1:]
    if chosen:
        line = _line(chosen[0])
        message = f"notes.verdict.{_verdict_of(chosen[0])}"
        lines = [Line(message, line.values, depth=0, label="bad", text_lines=line.text_lines)]
        rest = len(blamed) - wrong - 1
        lines += [Line("notes.verdict.more", {"count": rest}, depth=0, label="under")] if rest else []
    elif causes:
        spans = tuple(span for item in causes for span in item.spans)
        lines = [Line("notes.verdict.mended", {"count": len(causes)}, depth=0, label="good", text_lines=spans)]
    else:
        blocks = sum(len(one.notes.blocks) for one in studies)
        lines = [Line("notes.verdict.fine", {"blocks": blocks}, depth=0, label="odd" if wrong else "good")]
    lines += [Line("notes.verdict.beliefs", {"count": wrong}, depth=0, label="under")] if wrong else []
    return lines


def _verdict_of(item: Item) -> str:
    return item.name.removeprefix("trouble.") if item.name in FAILURES else "trouble"


def tell(studies: Sequence[Study]) -> list[Line]:
    """Every text from its first block to its last."""
    lines: list[Line] = []
    for one in studies:
        if one.items:
            lines.append(Line("notes.heading", {}, label="heading"))
            lines += _woven(one)
        if one.notes.is_cut:
            lines.append(Line("notes.cut", {}, depth=0, label="note"))
    return lines


def _woven(one: Study) -> list[Line]:
    """What each block says, and under it each line with the words that come up there for the first time."""
    words = explained(one.notes)
    lines: list[Line] = []
    waiting = sorted(words, reverse=True)
    for item in one.items:
        start = item.spans[0][0] if item.spans else waiting[0] + 1 if waiting else 0
        while waiting and waiting[-1] < start:
            lines += words[waiting.pop()]
        lines.append(_line(item))
    while waiting:
        lines += words[waiting.pop()]
    if any(line.message == "notes.word" and line.depth > 1 for line in lines):
        lines.append(Line("notes.words", {}, label="note"))
    return lines


def _line(item: Item) -> Line:
    if item.name == "because":
        return Line(str(item.values["message"]), item.values["values"], depth=item.depth, label="item")
    return Line(f"notes.{item.name}", _values(item), item.evidence, depth=item.depth, text_lines=item.spans)


def _values(item: Item) -> dict[str, Any]:
    values = {key: _value(value) for key, value in item.values.items()}
    if values.get("target") == UNSEEN:
        values["target"] = Line("notes.target.unseen", {})
    return values | ({"trouble": Line(f"notes.{item.name}", values)} if item.name.startswith("trouble.") else {})


def _value(value: Any) -> Any:
    if isinstance(value, Item):
        if value.name == "because":
            return Line(str(value.values["message"]), value.values["values"])
        return Line(f"notes.{value.name}", {key: _value(one) for key, one in value.values.items()})
    if isinstance(value, (list, tuple)):
        return [_value(one) for one in value]
    return value
