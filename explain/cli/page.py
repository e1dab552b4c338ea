"""Pages on a terminal or in a pipe: rows of a width, bold headings where there is a terminal, JSON on request."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from explain.errors import naming

if TYPE_CHECKING:
    from collections.abc import Iterator

_NARROWEST, _WIDEST = 40, 100


def give(told: dict[str, Any] | list[Any] | Iterator[str]) -> None:
    """Print a page, or its JSON, which is UTF-8 whatever the terminal shows."""
    if isinstance(told, (dict, list)):
        from explain.plain_data import json_text

        with naming("-"):
            sys.stdout.buffer.write(f"{json_text(told, 2)}\n".encode("utf-8", "backslashreplace"))
        return
    for row in told:
        print(row)


def width() -> int:
    """Columns of the page."""
    import shutil

    # Off a terminal the text is for a file or a pipe: the usual eighty, unless COLUMNS says otherwise.
    return max(_NARROWEST, min(shutil.get_terminal_size((80, 24)).columns, _WIDEST))


def list_width() -> int:
    """Columns of a list: those of the page on a terminal; in a pipe each entry is one line."""
    return width() if sys.stdout.isatty() else sys.maxsize


def bold(text: str) -> str:
    """A heading."""
    is_plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if is_plain else click.style(text, bold=True)


def block(text: str, first: str, later: str, columns: int) -> Iterator[str]:
    """Text as rows that begin with ``first``, and with ``later`` from the second on."""
    from explain.render.layout import wrap

    for number, row in enumerate(wrap(text, columns - len(later))):
        yield (later if number else first) + row


def entry(name: str, text: str, longest: int, columns: int) -> Iterator[str]:
    """A name and what it is, side by side; a name that leaves too little room beside it has a row of its own.

    Args:
        name: what the entry is called.
        text: what it is.
        longest: columns of the longest name of the list.
        columns: of the page.
    """
    beside = min(longest, columns * 2 // 5)
    later = " " * (beside + 4)
    first = f"  {name:<{beside}}  "
    if len(name) > beside:
        yield f"  {name}"
        first = later
    yield from block(text, first, later, columns)


def paragraphs(text: str, columns: int) -> Iterator[str]:
    """The rows of one part of a page: paragraphs, items, and lines that are shown as they are."""
    from explain.render.layout import display_width

    for line in text.split("\n"):
        if line.startswith("    "):
            is_wide = display_width(line) + 2 > columns
            yield from block(line.strip(), "      ", "          ", columns) if is_wide else (f"  {line}",)
        elif line.startswith("- "):
            yield from block(line[2:], "  - ", "    ", columns)
        elif line:
            yield from block(line, "  ", "  ", columns)
        else:
            yield ""
