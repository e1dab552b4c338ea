"""A server tries an address before it offers it: who-has and echo that nobody should answer (RFC 2131, 3.1)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import mac_text
from explain.exchanges import dhcp_message as dhcp
from explain.exchanges.dhcp_outcome import server_of

if TYPE_CHECKING:
    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dhcp_talk import Talk
    from explain.exchanges.together import Exchanges
    from explain.table import PacketTable

_LONGEST_CHECK_NS = 15_000_000_000  # a client probes for some seconds before it declines (RFC 5227, 2.1.1)
_LONGEST_TEST_NS = 5_000_000_000  # dnsmasq takes three seconds, the ISC server one

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
                self._by_address[place, getattr(part.fields(index), about)].append((part, index))

    def of(self, talk: Talk) -> list[Tried]:
        """The tests that led to the offers of a negotiation; behind a relay, it is the relay that asks."""
        if not self._by_address:
            return []
        text = self._table.addresses.text
        found: dict[tuple[str, int], Tried] = {}
        for offer in talk.of("OFFER"):
            askers = {text(offer.source), text(server_of(offer))}
            for part, index in self._by_address.get((talk.place, text(offer.said.your_ip)), ()):
                fields = part.fields(index)
                asker = fields.asker_ip if part.kind == "arp.resolution" else fields.src
                since = offer.time_ns - int(part.start_ns[index])
                if asker in askers and 0 <= since <= _LONGEST_TEST_NS:
                    found[part.kind, index] = part, index
        return list(found.values())


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
