"""How much longer something took, and how much more was sent again, where that is no matter of chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.runs.values import Change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.runs.likeness import Item

_WAITS: dict[str, tuple[str, ...]] = {
    "arp.resolution": ("answer_ns",),
    "ndp.resolution": ("answer_ns",),
    "icmp.echo": ("rtt_avg_ns",),
    "tcp.connection": ("handshake_rtt_ns", "first_byte_wait_ns", "server_time_ns", "network_time_ns"),
    "dns.lookup": ("rtt_ns",),
    "http.request": ("wait_ns",),
    "dhcp.lease": ("offer_wait_ns",),
}
_COUNTS: dict[str, tuple[str, ...]] = {
    "arp.resolution": ("requests",),
    "icmp.echo": ("duplicates",),
    "tcp.connection": ("syn_retries", "retransmissions", "zero_windows", "out_of_order"),
    "dns.lookup": ("queries",),
    "dhcp.lease": ("tries",),
}
_TIMES, _LEAST_NS = 4, 50_000_000
_MORE, _LEAST_COUNT = 3, 1


def slower(there: Item, here: Item) -> Iterator[Change]:
    """Each wait and count that is out of all proportion."""
    for name in _WAITS.get(here.kind, ()):
        one, other = getattr(there.fields, name), getattr(here.fields, name)
        if one is not None and other is not None and other > _TIMES * one and other - one > _LEAST_NS:
            yield Change(name, one, other)
    for name in _COUNTS.get(here.kind, ()):
        one, other = getattr(there.fields, name), getattr(here.fields, name)
        if other > _MORE * one and other - one >= _LEAST_COUNT:
            yield Change(name, one, other)
