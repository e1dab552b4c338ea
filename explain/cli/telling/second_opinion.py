"""``--second-opinion``: every packet held against tshark, on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.model import Report

_MOST_SHOWN = 20


def ask(report: Report) -> None:
    """Say of each capture whether tshark sees the same in every packet, or where it does not.

    Raises:
        MissingError: tshark is not installed.
        UnreadableError: tshark cannot read what explain could.
    """
    from explain.cli.reading import is_gone_once_read
    from explain.cli.talk import noted
    from explain.oracle import compare

    for number, capture in enumerate(report.captures):
        path = capture.path
        if is_gone_once_read(path):
            noted("opinion.stream", path=path)
            continue
        if not capture.packets:
            continue
        differences = compare(report.packets, path, number)
        for one in differences[:_MOST_SHOWN]:
            values = {"ours": repr(one.ours), "theirs": repr(one.theirs)}
            noted("opinion.differs", path=path, frame=one.frame, field=one.field, **values)
        if len(differences) > _MOST_SHOWN:
            noted("opinion.more", path=path, count=len(differences) - _MOST_SHOWN)
        if not differences:
            noted("opinion.agrees", path=path, count=capture.packets)
