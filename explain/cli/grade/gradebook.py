"""The instructor's own gradebook, given back with the marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.cli.talk import noted
from explain.errors import UsageError
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from explain.grade.pages.gradebook_exports import Export
    from explain.grade.rubric.records import Rubric

_MOST_NAMES = 5


def export_of(rubric: Rubric, options: Mapping[str, Any]) -> Export | None:
    """The gradebook that was given, None if none was.

    Raises:
        UnreadableError: it is none.
        UsageError: it does not say which column is this lab's, or there is no folder to write it to.
    """
    from explain.grade.pages.gradebook_exports import read_export

    if not options.get("gradebook"):
        return None
    if not options.get("output"):
        raise UsageError("usage.gradebook_folder")
    return read_export(options["gradebook"], [options["column"]] if options.get("column") else [rubric.title])


def roster(export: Export | None) -> list[dict[str, str]]:
    """The people of a gradebook, where there is no other roster."""
    from explain.grade.pages.gradebook_exports import roster_of

    return [] if export is None else roster_of(export)


def with_marks(export: Export, told: Mapping[str, Any], rosters: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """The gradebook with the marks; says on standard error who is not in it, and whether it counts other points."""
    from explain.grade.pages.gradebook_exports import filled

    lines, left = filled(export, told, rosters)
    if left:
        names = ", ".join(visible(one) for one in left[:_MOST_NAMES]) + (", ..." if len(left) > _MOST_NAMES else "")
        noted("grade.not_in_gradebook", count=len(left), names=names)
    try:
        possible = float(export.possible or "nan")
    except ValueError:
        return lines
    if possible == possible and possible != told["rubric"]["total"]:  # noqa: PLR0124 - NaN is no number of points
        noted("grade.other_total", possible=f"{possible:g}", total=f"{told['rubric']['total']:g}")
    return lines
