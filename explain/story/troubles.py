"""Each finding: why, what cannot be told apart from here, where to look next; like ones told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.causes.from_capture.scene import Findings, frame_filter, union
from explain.causes.from_capture.together import works
from explain.causes.ids import CHAPTERS, IDS
from explain.model import Line
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.model import CaptureInfo, Finding

_TOLD_ALONE = 3  # findings of one kind that are told each by itself
_EXAMPLES = 3
_RIVALS_SHOWN = 6  # more are told by where they act
_OF_A_PLACE = 4
_SPANS_SHOWN = 40  # frames of a proof that follow each other count as one; this many fill some five lines
_SPANS_OF_MANY = 12  # and this many two
_ELSEWHERE = 9  # the last chapter
_MANY = 12  # with more findings than this, the frequent kinds come first, and each is told once and briefly
_FAMILY = dict.fromkeys(("segments-before", "segments-beyond", "segments-between"), "segments")
"""Cases that tell more of the same trouble than others of it can."""


@dataclass(frozen=True, slots=True)
class Group:
    """Findings of one kind.

    Attributes:
        members: their positions, the one with the most exchanges first.
        weight: exchanges in all of them.
    """

    cause: str
    members: tuple[int, ...]
    weight: int

    @property
    def worst(self) -> int:
        """The one that touches the most exchanges."""
        return self.members[0]


def groups(findings: Sequence[Finding]) -> list[Group]:
    """Findings of one kind together; where there are many, the frequent first and what works anyway last."""
    heads = findings.heads() if isinstance(findings, Findings) else [_head(one) for one in findings]
    by_kind: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for number, (cause, case, weight) in enumerate(heads):
        by_kind.setdefault((cause, _FAMILY.get(case, case)), []).append((-weight, number))
    found = [
        Group(cause, tuple(number for _, number in sorted(some)), -sum(weight for weight, _ in some))
        for (cause, _), some in by_kind.items()
    ]
    if len(heads) > _MANY:
        found.sort(key=lambda group: (works(*heads[group.worst][:2]), -group.weight))
    return found


def _head(finding: Finding) -> tuple[str, str, int]:
    return finding.cause, str(finding.values.get("case", "")), len(finding.exchanges)


def tell(
    findings: Sequence[Finding], found: Sequence[Group], captures: Sequence[CaptureInfo], *, everything: bool
) -> list[Line]:
    """The lines of all findings."""
    files = [one.vantage or one.path for one in captures]
    alone, spans = (1, _SPANS_OF_MANY) if len(findings) > _MANY and not everything else (_TOLD_ALONE, _SPANS_SHOWN)
    lines: list[Line] = []
    for group in found:
        if everything or len(group.members) <= alone:
            above: Sequence[str] = ()
            for number in sorted(group.members):
                finding = findings[number]
                lines += _finding(finding, is_only=len(findings) == 1)
                lines += _advice(finding, spans, files, everything=everything, above=() if everything else above)
                above = finding.rivals
        else:
            lines += _together(findings, group)
            lines += _advice(findings[group.worst], spans, files, everything=False)
    return lines


def _finding(finding: Finding, *, is_only: bool) -> list[Line]:
    values = values_of(finding)
    heading = "story.heading.why" if is_only else message(finding, "verdict")
    evidence = () if is_only else finding.evidence
    return [
        Line(heading, values, evidence, 1, None, "heading" if is_only else "finding"),
        Line(message(finding, "so"), values, finding.evidence, 1, None, "under"),
    ]


def _together(findings: Sequence[Finding], group: Group) -> list[Line]:
    """Many of one kind: the worst of them, how many there are, and some more."""
    worst = findings[group.worst]
    values = {"findings": len(group.members), "affected": group.weight, "cause": group.cause}
    lines = [
        Line(message(worst, "verdict"), values_of(worst), worst.evidence, 1, None, "finding"),
        Line("story.alike", values, worst.evidence, 1, None, "under"),
    ]
    for number in group.members[1:_EXAMPLES]:
        other = findings[number]
        lines.append(Line(message(other, "verdict"), values_of(other), other.evidence, 1, None, "item"))
    return [*lines, Line(message(worst, "so"), values_of(worst), worst.evidence, 1, None, "under")]


def _advice(
    finding: Finding, spans: int, files: Sequence[str], *, everything: bool, above: Sequence[str] = ()
) -> list[Line]:
    """Rivals, what to look at next, and the proof; many rivals that stand above already are not named again."""
    values = values_of(finding)
    lines: list[Line] = []
    if finding.rivals:
        lines.append(Line("story.heading.rivals", {}, (), 1, None, "subheading"))
        if len(finding.rivals) > _RIVALS_SHOWN + 1 and set(finding.rivals) == set(above):
            lines.append(Line("story.rivals-above", {"causes": len(above)}, finding.evidence, 1, None, "item"))
        else:
            lines += _rivals(finding, everything=everything)
    lines.append(Line("story.heading.next", {}, (), 1, None, "subheading"))
    lines.append(Line(message(finding, "next"), values, finding.evidence, 1, None, "item"))
    if finding.cause in IDS:
        lines.append(Line("story.page", {"cause": finding.cause}, finding.evidence, 1, None, "item"))
    if not finding.evidence:  # the frames that show it all stand for others
        return lines
    lines.append(Line("story.heading.evidence", {}, (), 1, None, "subheading"))
    return lines + list(_proof(finding, spans, files))


def _proof(finding: Finding, spans: int, files: Sequence[str]) -> Iterator[Line]:
    """The frames as a filter for each file; where they are very many, the first of them and how many more there are."""
    for capture in dict.fromkeys(one.capture for one in finding.evidence):
        proof = tuple(one for one in finding.evidence if one.capture == capture)
        frames = union(proof)
        later = sum(last - start + 1 for start, last in frames[spans:])
        if len(files) > 1:
            yield Line("story.filter-of", {"name": files[capture]}, proof, 1, None, "item")
        yield Line("story.filter", {"filter": frame_filter(frames[:spans])}, proof, 1, None, "item")
        if later:
            yield Line("story.filter-goes-on", {"more": later}, proof, 1, None, "item")


def _rivals(finding: Finding, *, everything: bool) -> list[Line]:
    """What cannot be told apart: a few in one line, many by where they act, the likeliest of each place first."""
    if len(finding.rivals) <= _RIVALS_SHOWN + 1:
        return [Line("story.rivals", {"causes": finding.rivals}, finding.evidence, 1, None, "item")]
    groups: dict[int, list[str]] = {}
    for cause in finding.rivals:
        chapter = next((number for number, _, _, ids in CHAPTERS if cause in ids), _ELSEWHERE)
        groups.setdefault(chapter, []).append(cause)
    lines = []
    for chapter, causes in groups.items():
        shown = causes if everything or len(causes) <= _OF_A_PLACE + 1 else causes[:_OF_A_PLACE]
        values = {"causes": shown, "rest": len(causes) - len(shown), "where": Line(f"story.acts.{chapter}", {}),
                  "all": causes}  # fmt: skip
        form = "story.rivals-at" if len(shown) == len(causes) else "story.rivals-some"
        lines.append(Line(form, values, finding.evidence, 1, None, "item"))
    return lines


def in_full(lines: Sequence[Line]) -> list[Line]:
    """The same lines for who cannot ask again, or did ask: without a list of causes that was shortened."""
    from dataclasses import replace

    return [
        replace(line, message="story.rivals-at", values={**line.values, "causes": line.values["all"]})
        if line.message == "story.rivals-some"
        else line
        for line in lines
    ]


def message(finding: Finding, what: str) -> str:
    """The sentence of a finding: its cause, and the case of it if there are several."""
    case = finding.values.get("case")
    return f"findings.{finding.cause}{f'-{case}' if case else ''}.{what}"


def values_of(finding: Finding) -> dict[str, Any]:
    """What the sentences of a finding may mention."""
    return {"cause": finding.cause, "count": len(finding.exchanges), **finding.values}
