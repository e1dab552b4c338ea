"""A trace told hop by hop."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.traceroute.trace import Hop, Traceroute
    from explain.model import Line
    from explain.story.exchanges.teller import Teller


def trace(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Who asked for which way, each distance, and whether the target answered."""
    fields: Traceroute = part.fields(index)
    rows = part.rows(index)
    is_seen = fields.hops[0].ttl is not None
    yield teller.line(teller.first("traceroute.begun") if is_seen else "traceroute.begun.unseen", fields, rows, name)
    frames = teller.table.frame[rows]
    for is_silent, alike in groupby(fields.hops, key=lambda hop: hop.from_ is None):
        hops = list(alike)
        if is_silent and len(hops) > 1:
            own = rows[np.isin(frames, [frame for hop in hops for frame in hop.frames])]
            silent = "target-silent" if hops[0].ttl in fields.target_silent else "silent-on"
            yield teller.line(f"traceroute.hop.{silent}", fields, own, name, ttl=hops[0].ttl, last=hops[-1].ttl)
            continue
        for hop in hops:
            yield teller.line(
                _hop_message(hop, fields.dst), fields, rows[np.isin(frames, hop.frames)], name, **_hop_values(hop)
            )
    if fields.mtu is not None:
        yield teller.line("traceroute.mtu", fields, rows, name)
    if fields.loop:
        yield teller.line("traceroute.loop", fields, rows, name)
    outcome = "stopped" if fields.was_stopped and is_seen else part.outcomes[part.outcome[index]]
    yield teller.line(f"traceroute.{outcome}", fields, rows, name, ttl=fields.hops[-1].ttl)


def _hop_message(hop: Hop, target: str) -> str:
    if hop.ttl is None:
        return "traceroute.hop.unseen"
    if hop.from_ is None:
        return "traceroute.hop.silent"
    if hop.is_turned_back(target):
        return "traceroute.hop.turned-back"
    if len(hop.rtt_ns) < hop.probes and not hop.others:
        return "traceroute.hop.some"
    return "traceroute.hop.several" if hop.others else "traceroute.hop.answered"


def _hop_values(hop: Hop) -> dict[str, object]:
    return {"ttl": hop.ttl, "speaker": hop.from_, "others": hop.others, "rtt_min_ns": min(hop.rtt_ns, default=0),
            "answers": len(hop.rtt_ns) or len(hop.frames), "probes": hop.probes}  # fmt: skip
