"""The story as a piece of a page, for notebooks: what Jupyter shows of a report.

It brings no style sheet and no script, because it stands inside somebody else's page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.render.layout import MARKS, frames_of
from explain.render.markup import Markup, joined, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Line

_TONES = {"bad": "#c0392b", "good": "#1e8449", "odd": "#b9770e"}
_TEXT = "text-align:left;white-space:normal;max-width:50em"
_FRAMES = "text-align:right;vertical-align:top;white-space:nowrap;font-variant-numeric:tabular-nums;opacity:.75"


def render(lines: Sequence[Line], sentences: Sequence[str]) -> str:
    """Verdict, story and reasons: one row a sentence, its frames in front of it."""
    blocks = [_row(line, sentence) for line, sentence in zip(lines, sentences, strict=True)]
    return tag("table", {"class": "explain"}, tag("tbody", None, joined(*blocks)))


def _row(line: Line, sentence: str) -> Markup:
    if line.label in MARKS:
        head = f"color:{_TONES.get(line.label, 'inherit')};font-size:1.15em"
        return _across(tag("strong", {"style": head}, f"{MARKS[line.label]} {sentence}"))
    if line.label in ("heading", "finding"):
        return _across(tag("strong", None, sentence))
    if line.message == "story.filter":
        return _across(tag("code", None, str(line.values["filter"])))
    if line.label == "subheading":
        return _across(tag("em", None, sentence))
    if line.label is not None or not line.evidence:
        return _across(sentence)
    margin = tag("td", {"style": _FRAMES}, frames_of(line))
    return tag("tr", None, margin, tag("td", {"style": _TEXT}, sentence))


def _across(content: Markup | str) -> Markup:
    return tag("tr", None, tag("td", {"colspan": 2, "style": _TEXT}, content))
