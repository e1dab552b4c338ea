"""The same rows in colour, by rich, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from explain.render.layout import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Line

_STYLES = {
    "bad": "bold red",
    "good": "bold green",
    "odd": "bold yellow",
    "heading": "bold",
    "finding": "bold red",
    "under": "",
    "subheading": "dim",
    "item": "cyan",
    "note": "",
}
_NARROWEST, _WIDEST = 40, 100


def show(lines: Sequence[Line], sentences: Sequence[str], stream: TextIO) -> None:
    """Write the story to a terminal, as wide as it is but never wider than is good to read."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, soft_wrap=True)
    width = max(_NARROWEST, min(console.width, _WIDEST))
    for row in rows_of(lines, sentences, width):
        text = Text.assemble((row.margin, "dim"))  # not its style, which would dim all that is appended
        text.append(row.text, style=_STYLES.get(row.style or "", ""))
        console.print(text, soft_wrap=True)
