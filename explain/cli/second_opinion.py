"""``--second-opinion``: every packet held against tshark, on standard error."""

from __future__ import annotations

import sys
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
    from explain.oracle import compare
    from explain.words.values import visible

    for number, capture in enumerate(report.captures):
        name = visible(capture.path)
        if capture.path == "-":
            print("explain: -: a stream is gone once it is read; give a file for a second opinion", file=sys.stderr)
            continue
        if not capture.packets:
            continue
        differences = compare(report.packets, capture.path, number)
        for one in differences[:_MOST_SHOWN]:
            what = f"{one.field} is {one.ours!r} here and {one.theirs!r} for tshark"
            print(f"explain: {name}: frame {one.frame}: {visible(what)}", file=sys.stderr)
        if len(differences) > _MOST_SHOWN:
            print(f"explain: {name}: {len(differences) - _MOST_SHOWN:,} more differences", file=sys.stderr)
        if not differences:
            print(f"explain: {name}: tshark agrees on {capture.packets:,} packets", file=sys.stderr)
