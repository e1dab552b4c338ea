"""Facts as a small HTML table, for notebooks: names and values, no words; every text is escaped."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any

from explain.plain_data import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from explain.model import Exchange, Ranges

_MOST_ROWS, _MOST_CHARACTERS, _MOST_RANGES = 50, 300, 12
_LEFT = ' style="text-align:left"'


def of_one(exchange: Exchange) -> str:
    """An exchange: what it is, how it ended, and each of its fields that has a value."""
    rows = [("frames", frames_text(exchange.frames)), *_flat(exchange.fields, "")]
    cells = "".join(f"<tr><th{_LEFT}>{_shown(name)}</th><td{_LEFT}>{_shown(value)}</td></tr>" for name, value in rows)
    title = f"{exchange.id} {exchange.kind}: {exchange.outcome}"
    return f'<table class="explain"><caption{_LEFT}>{_shown(title)}</caption><tbody>{cells}</tbody></table>'


def of_many(exchanges: Sequence[Exchange]) -> str:
    """The first exchanges of a sequence, a row each, and how many there are."""
    head = "".join(f"<th{_LEFT}>{name}</th>" for name in ("id", "kind", "outcome", "frames"))
    rows = "".join(_row(one) for one in islice(exchanges, _MOST_ROWS))
    more = f"<caption{_LEFT}>{_MOST_ROWS} / {len(exchanges)}</caption>" if len(exchanges) > _MOST_ROWS else ""
    return f'<table class="explain">{more}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(one: Exchange) -> str:
    cells: Iterable[str] = (one.id, one.kind, one.outcome, frames_text(one.frames))
    return f"<tr>{''.join(f'<td{_LEFT}>{_shown(cell)}</td>' for cell in cells)}</tr>"


def frames_text(frames: Ranges) -> str:
    """Frames as ``1-3, 7``; the first dozen ranges of many."""
    spans = [str(first) if first == last else f"{first}-{last}" for first, last in frames[:_MOST_RANGES]]
    return ", ".join(spans) + (", ..." if len(frames) > _MOST_RANGES else "")


def _flat(record: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for each in fields(record):
        name, value = f"{prefix}{each.name.rstrip('_')}", getattr(record, each.name)
        if is_dataclass(value) and not isinstance(value, type):
            yield from _flat(value, f"{name}.")
        elif value is not None and value != ():
            yield name, value


def _told(value: Any) -> str:
    """A value as a line: lists with commas, records as ``name value`` with semicolons between them."""
    if isinstance(value, dict):
        return " ".join(f"{name} {_told(one)}" for name, one in value.items() if one not in (None, []))
    if isinstance(value, list):
        return ("; " if value and isinstance(value[0], dict) else ", ").join(map(_told, value))
    return str(value)


def _shown(value: Any) -> str:
    text = _told(plain(value))
    cut = f"{text[:_MOST_CHARACTERS]}..." if len(text) > _MOST_CHARACTERS else text
    return escape("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in cut))
