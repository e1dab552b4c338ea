"""The ladder as a Mermaid sequence diagram, for documents; each arrow begins with its frame's number.

Text from packets cannot end a statement: what Mermaid would obey is written as its entity codes (``#59;``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from explain.render.ladder.drawing import place_name
from explain.render.scene.rails import EVERYONE, OTHERS
from explain.render.scene.stage import Arrow, Scene, stage
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.model import Report

MOST, _MOST_RAILS = 150, 12
"""Arrows drawn; Mermaid itself refuses more than 50,000 characters."""

_OBEYED = re.compile(r"[#;<&%{}$\\\"`]")


def render(report: Report, language: str) -> str:
    """The diagram as text that ends in a line break."""
    scene = stage(report, MOST, _MOST_RAILS)
    return "".join(f"{line}\n" for line in _lines(report, scene, language))


def inert(text: str) -> str:
    """Text that Mermaid shows as it is, on one line."""
    return _OBEYED.sub(lambda found: f"#{ord(found[0])};", " ".join(text.split()))


def _lines(report: Report, scene: Scene, language: str) -> Iterator[str]:
    yield "sequenceDiagram"
    names = {EVERYONE: say("render.everyone", {}, language), OTHERS: say("render.others", {}, language)}
    for number, rail in enumerate(scene.rails):
        yield f"    participant p{number} as {inert(names.get(rail, rail))}"
    if not scene.arrows:
        yield f"    participant p0 as {inert(say('render.nothing', {}, language))}"
        return
    place = None
    for arrow in scene.arrows:
        if arrow.folded:
            yield _note(scene, say("render.folded", {"count": arrow.folded}, language))
        if len(report.packets.places) > 1 and arrow.place != place:
            place = arrow.place
            yield _note(scene, place_name(report, place, language))
        yield _arrow(arrow, language)
    if scene.folded_after:
        yield _note(scene, say("render.folded", {"count": scene.folded_after}, language))


def _arrow(arrow: Arrow, language: str) -> str:
    line = "-x" if arrow.is_lost else "-->>" if arrow.is_to_group else "->>"
    marks = "".join(f" ({say(f'render.mark.{mark}', {}, language)})" for mark in arrow.marks)
    again = ">>> " if arrow.is_repeated else ""
    return f"    p{arrow.source}{line}p{arrow.target}: {arrow.frame}: {again}{inert(arrow.said.text + marks)}"


def _note(scene: Scene, text: str) -> str:
    last = len(scene.rails) - 1
    return f"    Note over p0{f',p{last}' if last else ''}: {inert(text)}"
