"""What a NAT rewrote, and the proof that it changed nothing else."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.over_places.nat_translation import sources_of_renewed
from explain.exchanges.over_places.trails import origin, whole
from explain.model import Line
from explain.places.near import NearTable
from explain.story.exchanges.journey import line, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.over_places.nat_translation import NatTranslation
    from explain.story.exchanges.teller import Teller
    from explain.table import PacketTable, Rows

_MOST_READ, _MOST_TOLD = 10_000, 3
_QUIET_NS = 1_000_000_000  # less than any translator waits before it forgets


def together(table: PacketTable, part: ExchangeColumns, indices: Rows) -> Iterator[Line]:
    """Of very many translations, which address became which, the frequent ones first."""
    found: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for index in indices[:_MOST_READ].tolist():
        fields: NatTranslation = part.fields(index)
        if fields.outside is None or fields.kind is None:
            continue
        near, far = (fields.inside, fields.outside) if fields.initiator == "inside" else (fields.outside, fields.inside)
        for kind, one, other in (("source", near.src, far.src), ("destination", near.dst, far.dst)):
            if fields.kind in (kind, "both"):
                found[kind, one.address, other.address].append(index)
    frequent = sorted(found.items(), key=lambda one: -len(one[1]))[:_MOST_TOLD]
    for (kind, before, after), some in frequent:
        values = {"count": len(some), "before": before, "after": after}
        yield Line(f"nat.became.{kind}", values, table.evidence(part.rows(some[0])), 1, None, "note")


def translation(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """One row of the translation table, then what the checksums prove."""
    fields: NatTranslation = part.fields(index)
    rows = [row_of(whole(teller.table), spot) for spot in (fields.before, fields.after) if spot]
    if fields.outside is None or fields.kind is None:
        yield line(
            teller, "nat.missing", fields, rows, name, src=fields.inside.src.address, dst=fields.inside.dst.address
        )
        return
    near, far = (fields.inside, fields.outside) if fields.initiator == "inside" else (fields.outside, fields.inside)
    values = {"before": near.text, "after": far.text, "protocol": near.protocol}
    rows = rows or [int(row) for row in origin(teller.table, part.rows(index))]
    yield line(teller, f"nat.{fields.kind}", fields, rows, name, **values)
    if fields.is_hairpin:
        yield line(teller, f"nat.hairpin.{fields.kind}", fields, rows, name, **values)
    if fields.why:
        why = "nat.to-itself" if fields.why == "sent-to-itself" else "nat.not-back"
        yield line(teller, why, fields, rows, name, **values)
    if fields.silent_ns is not None:
        sources = sources_of_renewed(part, index)
        yield _forgotten(teller, fields, rows, near.src.text, name, sources)
    if fields.checksum:
        yield line(teller, f"nat.proof.{fields.checksum}", fields, rows, name, **values)
    yield line(teller, teller.first(f"nat.hook.{fields.kind}"), fields, rows, name, **values)


def _forgotten(
    teller: Teller, fields: NatTranslation, rows: list[int], src: str, name: str, sources: tuple[str, str] | None
) -> Line:
    """What the translator no longer knew: it gave other ends, or passed a packet on as it was."""
    silent_ns, table = fields.silent_ns or 0, teller.table
    if sources and sources[0] != sources[1]:
        return line(teller, "nat.moved", None, rows, name, old=sources[0], new=sources[1])
    if fields.as_is is None:
        return line(teller, "nat.renewed", None, rows, name, silent_ns=silent_ns)
    shown = np.array([row_of(whole(table), fields.as_is)])
    rows = table.copies(shown).tolist() if isinstance(table, NearTable) else shown.tolist()
    message = "nat.as-is" if silent_ns >= _QUIET_NS else "nat.as-is-soon"
    return line(teller, message, None, rows, name, silent_ns=silent_ns, src=src)
