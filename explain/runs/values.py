"""Answers that say something else in one run than in the other, although both came."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from explain.runs.likeness import ENDS, SAME, value_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from explain.runs.alignment import Who
    from explain.runs.likeness import Item


class Change(NamedTuple):
    """A value that differs."""

    name: str
    there: Any
    here: Any


_TOLD: dict[str, tuple[str, ...]] = {
    "dns.lookup": ("answers", "rcode"),
    "dhcp.lease": ("mask", "router", "dns", "server"),
    "dhcpv6.lease": ("dns",),
    "http.request": ("status",),
    "icmp.error": ("mtu", "gateway"),
    "icmp.echo": ("ttl_reply", "size"),
    "ndp.router": ("prefixes", "lifetime_s"),
    "traceroute": ("hop_names",),
    "nat.translation": ("changed", "forwarded_to"),
}
"""What an answer tells, for each kind; addresses are compared by whose they are."""


def asked(there: Item, here: Item, who: Who) -> Iterator[Change]:
    """What was asked otherwise: somebody else, another port, another name."""
    for path, one, other in zip(ENDS[here.kind], there.ends, here.ends, strict=True):
        if one is not None and other is not None and who.here.get(one, one) != other:
            yield Change(path.rpartition(".")[2].rstrip("_"), one, other)
    for path, was, now in zip(SAME.get(here.kind, ()), there.same[1:], here.same[1:], strict=True):
        if was != now:
            yield Change(path.rpartition(".")[2], was, now)


def told(there: Item, here: Item, who: Who) -> Iterator[Change]:
    """What was answered otherwise."""
    for name in _TOLD.get(here.kind, ()):
        one, other = _value(there, name), _value(here, name)
        if one is not None and other is not None and _named(one, who.of_there) != _named(other, who.of_here):
            yield Change(name, one, other)


def _value(item: Item, name: str) -> Any:
    if name == "hop_names":
        return tuple(name for name, _ in groupby(hop.from_ or "*" for hop in item.fields.hops))
    if name == "forwarded_to":  # the port of a source is chosen anew each time
        fields = item.fields
        return (fields.inside.dst.address, fields.inside.dst.port) if fields.kind in ("destination", "both") else None
    return value_at(item.fields, name)


def _named(value: Any, name: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return name(value)
    return sorted(name(str(one)) for one in value) if isinstance(value, tuple) else value
