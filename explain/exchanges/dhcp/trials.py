"""A server tries an address before it offers it: who-has and echo that nobody should answer (RFC 2131, 3.1)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import mac_text
from explain.exchanges.dhcp import message as dhcp
from explain.exchanges.dhcp.outcome import server_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dhcp.talk import Talk
    from explain.exchanges.together import Exchanges
    from explain.table import PacketTable

_LONGEST_CHECK_NS = 15_000_000_000  # a client probes for some seconds before it declines (RFC 5227, 2.1.1)
_LONGEST_TEST_NS = 5_000_000_000  # dnsmasq takes three seconds, the ISC server one
_LONGEST_WAIT_NS = 3_000_000_000  # so long a router keeps an echo for an address that does not answer ARP
_AT_ONCE_NS = 1_000_000_000
_SERVER_PORT = 67

Tried = tuple["ExchangeColumns", int]


class ServerTests:
    """All questions about an address that stayed without an answer, by place and address."""

    def __init__(self, table: PacketTable, exchanges: Exchanges) -> None:
        self._table = table
        self._by_address: dict[tuple[int, str], list[Tried]] = defaultdict(list)
        for kind, outcomes, about in (
            ("arp.resolution", ("unanswered",), "wanted_ip"),
            ("icmp.echo", ("unanswered", "refused"), "dst"),
        ):
            part = exchanges.of_kind(kind)
            if part is None:
                continue
            some = part.where(*outcomes)
            places = table.place[part.frames[part.bounds[some]]].tolist() if len(some) else []
            for index, place in zip(some.tolist(), places, strict=True):
                fields = part.fields(index)
                if not getattr(fields, "is_unicast", False):  # who asks one MAC alone knows the address in use
                    self._by_address[place, getattr(fields, about)].append((part, index))

    def of(self, talk: Talk) -> list[Tried]:
        """The tests that led to the offers of a negotiation; behind a relay, it is the relay that asks."""
        if not self._by_address:
            return []
        if not any(step.said.is_reply for step in talk.steps):
            return self._cut_off(talk)
        text = self._table.addresses.text
        found = {(part.kind, index): (part, index) for part, index in self._in_vain(talk)}
        for offer in talk.of("OFFER"):
            askers = {text(offer.source), text(server_of(offer))}
            for part, index in self._by_address.get((talk.place, text(offer.said.your_ip)), ()):
                fields = part.fields(index)
                asker = fields.asker_ip if part.kind == "arp.resolution" else fields.src
                since = offer.time_ns - int(part.start_ns[index])
                latest = -_LONGEST_WAIT_NS if offer.said.relay and part.kind == "icmp.echo" else 0
                if asker in askers and latest <= since <= _LONGEST_TEST_NS:
                    found[part.kind, index] = part, index
        return list(found.values())

    def _in_vain(self, talk: Talk) -> list[Tried]:
        """Tests that a server began at once, and whose offer would have come too late: another was taken meanwhile."""
        offered = {offer.said.your_ip for offer in talk.of("OFFER")}
        asked, taken = talk.of("DISCOVER"), talk.of("REQUEST")
        if not asked or not taken:
            return []
        latest_ns = min(asked[0].time_ns + _AT_ONCE_NS, taken[0].time_ns)
        known = {self._table.addresses.text(address) for address in offered}
        return [
            (part, index)
            for address, part, index in self._begun(talk.place, asked[0].time_ns, latest_ns)
            if address not in known and self._asker(part, index) in self._servers[talk.place]
        ]

    def _begun(self, place: int, since_ns: int, until_ns: int) -> Iterator[tuple[str, ExchangeColumns, int]]:
        """What began at a place within a time, with the address that it was about."""
        for at in range(bisect_left(self._by_time, (place, since_ns)), len(self._by_time)):
            here, start_ns, address, part, index = self._by_time[at]
            if here != place or start_ns > until_ns:
                break
            yield address, part, index

    def _asker(self, part: ExchangeColumns, index: int) -> int:
        return int(self._table.links.source[self._table.link[part.frames[part.bounds[index]]]])

    @cached_property
    def _servers(self) -> dict[int, set[int]]:
        """The MACs that spoke as DHCP servers, by place."""
        table, found = self._table, defaultdict[int, set[int]](set)
        kept = table.contents.get("dhcp")
        rows = np.array(kept.row if kept else (), np.int64)
        rows = rows[(table.source_ports(rows) == _SERVER_PORT) & (table.target_ports(rows) != _SERVER_PORT)]
        for place, mac in zip(table.place[rows].tolist(), table.links.source[table.link[rows]].tolist(), strict=True):
            found[place].add(mac)
        return found

    def _cut_off(self, talk: Talk) -> list[Tried]:
        """The test that somebody began right after a question, where the capture ends before the offer was due."""
        asked = talk.of("DISCOVER")
        if not asked or self._table.waited_ns(asked[0].row) > _LONGEST_TEST_NS:
            return []
        own = int.from_bytes(talk.hardware, "big")
        begun = self._begun(talk.place, asked[0].time_ns, asked[0].time_ns + _AT_ONCE_NS)
        return [(part, index) for _, part, index in begun if self._asker(part, index) != own][:1]

    @cached_property
    def _by_time(self) -> list[tuple[int, int, str, ExchangeColumns, int]]:
        tried = (
            (place, int(part.start_ns[index]), address, part, index)
            for (place, address), some in self._by_address.items()
            for part, index in some
        )
        return sorted(tried, key=itemgetter(0, 1))


def challenge_of(table: PacketTable, talk: Talk) -> tuple[str, list[int]] | None:
    """Whose ARP claimed an address before the client declined it: the MAC, and the rows that show it."""
    for step in reversed(talk.of("DECLINE")):
        address = step.said.number(dhcp.REQUESTED) or step.said.client_ip
        arp = table.arp
        is_other = (arp.sender_ip == address) & (arp.sender_mac != int.from_bytes(talk.hardware, "big"))
        since = step.time_ns - table.time_ns[arp.row]
        at = np.flatnonzero(
            is_other & (table.place[arp.row] == talk.place) & (since >= 0) & (since <= _LONGEST_CHECK_NS)
        )
        if address and len(at):
            mac = int(arp.sender_mac[at[-1]])
            return mac_text(mac), arp.row[at[arp.sender_mac[at] == mac]].tolist()
    return None
