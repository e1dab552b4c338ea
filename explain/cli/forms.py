"""The forms of output that are drawn: each is one function from a report to text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Line, Report

FORMS = ("markdown",)


def drawn(form: str, report: Report, lines: Sequence[Line], sentences: Sequence[str], language: str) -> str:  # noqa: ARG001
    """The report in one of ``FORMS``."""
    from explain.render.markdown import render

    return render(lines, sentences, report.captures, language)
