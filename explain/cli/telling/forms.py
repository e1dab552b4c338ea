"""The forms of output that are drawn: each is one function from a report to text."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Line, Report

_WIDTH = 80


def drawn(form: str, report: Report, lines: Sequence[Line], language: str) -> str:
    """The report as ``markdown``, ``mermaid``, ``html`` or ``zeek``."""
    if form == "markdown":
        from explain.render.markdown import render
        from explain.words import say

        sentences = [say(line.message, line.values, language) for line in lines]
        return render(lines, sentences, report.captures, language)
    if form == "html":
        from explain.render.html import page

        return page.render(report, lines, language)
    if form == "zeek":
        from explain.render import zeek

        return zeek.render(report)
    from explain.render import mermaid

    return mermaid.render(report, language)


def zeek_files(report: Report, folder: str) -> bool:
    """Each log as a file of its own in a folder that is there, as Zeek leaves them; False where none is."""
    from pathlib import Path

    if not Path(folder).is_dir():
        return False
    from explain.cli.output import whole_file
    from explain.render import zeek

    for name, text in zeek.logs(report).items():
        with whole_file(str(Path(folder) / f"{name}.log")) as file:
            file.write(text.encode("utf-8", "backslashreplace"))
    return True


def ladder(
    report: Report, lines: Sequence[Line], sentences: Sequence[str], language: str, *, is_for_terminal: bool
) -> str:
    """The verdict and the ladder, in the characters that standard output can show."""
    from explain.render.ladder.drawing import render
    from explain.render.ladder.sheet import ASCII, BOX
    from explain.render.plain import render as plain

    width = max(40, shutil.get_terminal_size((_WIDTH, 24)).columns) if is_for_terminal else _WIDTH
    verdict = [(line, text) for line, text in zip(lines, sentences, strict=True) if line.depth == 0]
    told = plain([line for line, _ in verdict], [text for _, text in verdict], width)
    return f"{told}\n{render(report, language, width, ASCII if is_for_terminal and _is_plain() else BOX)}"


def _is_plain() -> bool:
    """Whether the terminal shows no box characters: by its encoding, or because the locale asked for is C.

    Python itself writes UTF-8 in that locale.
    """
    asked = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "")
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf8")
    return not is_utf8 or asked in ("C", "POSIX")
