"""Plain text: what goes into pipes and files.  No colour, no rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.render.layout import WIDTH, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Line


def render(lines: Sequence[Line], sentences: Sequence[str], width: int = WIDTH) -> str:
    """The story as text that ends in a line break."""
    return "".join(f"{row.margin}{row.text}".rstrip() + "\n" for row in rows_of(lines, sentences, width))
