"""``--check EXPECTED``: expected against seen, on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from explain.errors import NotMetError
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.grade.expectation import Expected
    from explain.model import Report


def check(report: Report, path: str, expected: Sequence[Expected] | None = None) -> int:
    """0 if the report is as the file expects, else 1.

    Args:
        report: what was seen.
        path: the file with the expectations.
        expected: what it holds, where that was read before.
    """
    from explain.cli.talk import language
    from explain.grade.expectation import compare, load

    mismatches = compare(load(path) if expected is None else expected, report, language()).mismatches
    for mismatch in mismatches:
        print(f"explain: {visible(path)}: {visible(mismatch)}", file=sys.stderr)
    return NotMetError.exit_status if mismatches else 0
