"""What a report can say of itself in Python: the same forms as on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.model import Line, Report

_DEFAULT_DEPTH = 1


class PlainVoice:
    """Turns the lines of a report into sentences and forms of output."""

    def sentences(self, report: Report, language: str) -> list[str]:
        """One sentence for each line."""
        return [_say(line, language) for line in report.lines]

    def story(self, report: Report, language: str) -> str:
        """The story as plain text, as deep as the command tells it when nobody asks for more."""
        from explain.render.plain import render

        lines = [line for line in report.lines if line.depth <= _DEFAULT_DEPTH]
        return render(lines, [_say(line, language) for line in lines])

    def json(self, report: Report, language: str) -> str:
        """The report of the contract."""
        from dataclasses import replace

        from explain.render.json import render
        from explain.story.troubles import in_full

        report = replace(report, lines=in_full(report.lines))
        return render(report, self.sentences(report, language))

    def html(self, report: Report, language: str) -> str:
        """The story as a piece of a page, safe to show in a notebook."""
        from explain.render.notebook import render
        from explain.story.troubles import in_full

        lines = in_full([line for line in report.lines if line.depth <= _DEFAULT_DEPTH])
        return render(lines, [_say(line, language) for line in lines])


def _say(line: Line, language: str) -> str:
    from explain.words import say

    return say(line.message, line.values, language)
