"""Which exchanges to show: by kind, host, port or time.  Frame numbers and ids stay the original ones."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import IPV6_KEY
from explain.errors import UsageError
from explain.model import Line
from explain.places.near import times_of
from explain.record import dataclass
from explain.table import IP, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.exchanges.together import Exchanges
    from explain.model import Report
    from explain.table import Bools, PacketTable


Between = Callable[[int], tuple[int, int]]
"""From when the first capture begins to the first and the last moment that were chosen; UTC nanoseconds."""
KINDS = (
    "arp.resolution", "arp.announcement", "icmp.echo", "icmp.error", "tcp.connection", "udp.flow", "dhcp.lease",
    "dhcpv6.lease", "dns.lookup", "http.request", "ndp.resolution", "ndp.announcement", "ndp.router",
    "ndp.duplicate-check", "traceroute", "nat.translation", "journey",
)  # fmt: skip
"""Every kind of exchange that there is."""


def known_kinds(wanted: Sequence[str]) -> tuple[str, ...]:
    """The kinds as given, each one that there is, or the part before the dot.

    Raises:
        UsageError: there is no such kind; the nearest one is named.
    """
    names = dict.fromkeys((*KINDS, *(kind.partition(".")[0] for kind in KINDS)))
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = (
                Line("errors.usage.kind_near", {"near": near[0]})
                if near
                else Line("errors.usage.kinds", {"kinds": KINDS})
            )
            raise UsageError("usage.no_kind", name=name, hint=hint)
    return tuple(wanted)


@dataclass(frozen=True, slots=True)
class Selection:
    """What must hold of an exchange for it to be shown; an empty part asks for nothing.

    Attributes:
        kinds: any of these; a name before the dot (``tcp``) stands for all kinds that begin so.
        hosts: a frame to or from any of these addresses, or an error about one.
        port: a frame to or from this TCP or UDP port, or an error about one.
        between: a frame from the first to the second time.
    """

    kinds: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    port: int | None = None
    between: Between | None = None

    def __bool__(self) -> bool:
        return bool(self.kinds or self.hosts or self.port is not None or self.between)

    def apply(self, report: Report) -> Report:
        """The report of the chosen exchanges, and of what was found about them; its lines are not chosen."""
        exchanges = report.exchanges
        frames = self.frames(exchanges.table)
        chosen = [
            position
            for position in exchanges.positions
            if self._is_kind(exchanges.at(position)[0].kind)
            and (frames is None or _any_of(frames, exchanges, position))
        ]
        names = {f"e{position + 1}" for position in chosen}
        return replace(
            report,
            exchanges=exchanges.choose(chosen),
            findings=tuple(finding for finding in report.findings if names.intersection(finding.exchanges)),
            unexplained=tuple(name for name in report.unexplained if name in names),
            span_ns=self.span_ns(exchanges.table),
        )

    def _is_kind(self, kind: str) -> bool:
        return not self.kinds or any(kind == wanted or kind.startswith(f"{wanted}.") for wanted in self.kinds)

    def frames(self, table: PacketTable) -> Bools | None:
        """Which frames fit host, port and time; None if none of these was asked for."""
        if not self.hosts and self.port is None and self.between is None:
            return None
        fits = np.ones(len(table), np.bool_)
        if self.hosts:
            fits &= _of_hosts(table, self.hosts)
        if self.port is not None:
            fits &= _of_port(table, self.port)
        span = self.span_ns(table)
        if span:
            times = times_of(table)
            fits &= (times >= span[0]) & (times <= span[1])
        return fits

    def span_ns(self, table: PacketTable) -> tuple[int, int] | None:
        """From when to when, UTC nanoseconds by the first capture's clock; None if no time was asked for."""
        if not self.between or not len(table):
            return None
        return self.between(int(times_of(table).min()))


def _any_of(frames: Bools, exchanges: Exchanges, position: int) -> bool:
    part, index = exchanges.at(position)
    return bool(frames[part.rows(index)].any())


def _of_hosts(table: PacketTable, hosts: tuple[str, ...]) -> Bools:
    keys = {key for host in hosts for key in _keys(table, host)}
    known = np.array(sorted(keys), np.uint64)
    fits = np.zeros(len(table), np.bool_)
    flows = np.isin(table.flows.low, known) | np.isin(table.flows.high, known)
    with_ip = np.flatnonzero(table.layers & IP)
    fits[with_ip] = flows[table.flow[with_ip]]
    arp = np.isin(table.arp.sender_ip, known) | np.isin(table.arp.target_ip, known)
    fits[table.arp.row] |= arp
    quotes = np.isin(table.icmp.quote_src, known) | np.isin(table.icmp.quote_dst, known)
    fits[table.icmp.row] |= (quotes & (table.icmp.quote > 0)) | np.isin(table.icmp.target, known)
    return fits


def _keys(table: PacketTable, host: str) -> list[int]:
    try:
        address = ip_address(host.partition("%")[0].removeprefix("[").removesuffix("]"))
    except ValueError:
        raise UsageError("usage.no_host", host=host) from None
    if isinstance(address, IPv4Address):
        return [int(address)]
    return _v6_keys(table, address)


def _v6_keys(table: PacketTable, address: IPv6Address) -> list[int]:
    index = table.addresses.find(address.packed)
    return [] if index is None else [IPV6_KEY + index]


def _of_port(table: PacketTable, port: int) -> Bools:
    flows = (table.flows.low_port == port) | (table.flows.high_port == port)
    fits = np.zeros(len(table), np.bool_)
    # Port 0 stands in flows without ports, too.
    with_ip = np.flatnonzero(table.layers & (IP if port else TCP | UDP))
    fits[with_ip] = flows[table.flow[with_ip]]
    sport, dport = table.icmp.quote_sport, table.icmp.quote_dport
    fits[table.icmp.row] |= ((sport == port) | (dport == port)) & (sport | dport > 0)
    return fits
