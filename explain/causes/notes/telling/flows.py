"""What a host's memory of connections says: where each went, and what a translation made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.causes.notes.item import Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_FLOWS = 12


def flows(host: dict[str, Any], rows: Sequence[Mapping[str, Any]], numbers: Mapping[str, int]) -> Iterator[Item]:
    """How many connections are remembered, the way of each, and how many nobody answered.

    Args:
        host: who remembers them, as a value of sentences.
        rows: as ``read_conntrack`` gives them.
        numbers: the number of each line in the text.
    """
    if not rows:
        yield Item("shows.no-flows", host)
        return
    yield Item("shows.flows", host | {"count": len(rows)})
    yield from (_flow(row, numbers.get(row["line"])) for row in rows[:MOST_FLOWS])
    if len(rows) > MOST_FLOWS:
        yield Item("shows.more-flows", {"count": len(rows) - MOST_FLOWS})
    if unreplied := sum(bool(row["is_unreplied"]) for row in rows):
        yield Item("shows.flows-unreplied", host | {"count": unreplied})


def _flow(row: Mapping[str, Any], number: int | None) -> Item:
    """One connection; the answer that is awaited shows the ends as they are behind the translation (RFC 3022)."""
    asked, awaited = row["asked"], row["awaited"]
    source, target = _end(asked, "src", "sport", "id"), _end(asked, "dst", "dport")
    outside, inside = _end(awaited, "dst", "dport", "id"), _end(awaited, "src", "sport")
    is_source, is_target = source != outside, target != inside
    kind = "both" if is_source and is_target else "source" if is_source else "target" if is_target else "plain"
    values = {"protocol": row["protocol"], "source": source, "target": target}
    values |= {"outside": outside, "inside": inside}
    return Item(f"flow.{kind}", values, ((number, number),) if number else ())


def _end(pair: Mapping[str, Any], address: str, port: str, id_: str = "") -> str:
    """An end as people write it; the id of an echo stands with whoever asks."""
    text = str(pair[address])
    if pair.get(port) is not None:
        return f"[{text}]:{pair[port]}" if ":" in text else f"{text}:{pair[port]}"
    return f"{text} id {pair[id_]}" if pair.get(id_) is not None else text
