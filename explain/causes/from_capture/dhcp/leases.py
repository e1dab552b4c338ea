"""Negotiations of DHCP as the rules about them ask, and what is normal about them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.exchanges.dhcp.trials import ServerTests

if TYPE_CHECKING:
    from explain.causes.from_capture.scene import Member, Scene
    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dhcp.lease import DhcpLease
    from explain.exchanges.dhcp.talk import Talk

_LATER_NS = 120_000_000_000  # a client that got its address so soon was only impatient
_ALIVE_NS = 300_000_000_000


class Leases:
    """All negotiations with what several rules ask of them."""

    def __init__(self, scene: Scene, part: ExchangeColumns) -> None:
        self.scene = scene
        self.part = part
        self.talks: list[Talk] = part.facts["talks"]
        self.tests = ServerTests(scene.table, scene.exchanges)
        self._of_client: dict[bytes, list[int]] = defaultdict(list)
        for index, talk in enumerate(self.talks):
            self._of_client[talk.hardware].append(index)

    def fields(self, index: int) -> DhcpLease:
        """What the report says of a negotiation."""
        found: DhcpLease = self.part.fields(index)
        return found

    def later(self, index: int) -> list[int]:
        """Negotiations of the same client, there or elsewhere, that had a good end soon after this one began."""
        start = int(self.part.start_ns[index])
        return [
            other
            for other in self._of_client[self.talks[index].hardware]
            if other != index and self._went_on(index, other) and 0 <= int(self.part.end_ns[other]) - start <= _LATER_NS
        ]

    def took(self, index: int) -> bool:
        """Whether the client took an offer in any negotiation afterwards, or another place shows more of this one."""
        talk, start = self.talks[index], int(self.part.start_ns[index])
        return any(
            (self.talks[other].xid == talk.xid and self.talks[other].place != talk.place)
            or (
                int(self.part.end_ns[other]) >= start
                and any(step.purpose == "select" for step in self.talks[other].steps)
            )
            for other in self._of_client[talk.hardware]
        )

    def _went_on(self, index: int, other: int) -> bool:
        """Whether the client got an answer in the other negotiation; an offer elsewhere counts if it was taken."""
        talk = self.talks[other]
        outcome = self.part.outcomes[self.part.outcome[other]]
        is_taken = talk.place == self.talks[index].place or any(step.purpose == "select" for step in talk.steps)
        return outcome in ("bound", "renewed") or (outcome == "offered" and is_taken)

    def offered_elsewhere(self, index: int) -> list[int]:
        """Rows of offers in the same negotiation at another place."""
        talk = self.talks[index]
        return [
            row
            for other in self._of_client[talk.hardware]
            if self.talks[other].xid == talk.xid and self.talks[other].place != talk.place
            for row in self.talks[other].rows("OFFER")
        ]

    def servers_alive(self, index: int) -> list[int]:
        """Rows that show a server at work for other clients, at the same place."""
        return self._served(index, int(self.part.start_ns[index]) - _ALIVE_NS, int(self.part.end_ns[index]))

    def served_soon_after(self, index: int) -> list[int]:
        """Rows that show a server at work for other clients soon after this one gave up, at the same place."""
        end = int(self.part.end_ns[index])
        return self._served(index, end, end + _LATER_NS)

    def _served(self, index: int, since_ns: int, until_ns: int) -> list[int]:
        """Rows that show a server at work in negotiations of others that reach into a time."""
        talk, part = self.talks[index], self.part
        rows: list[int] = []
        for other, one in enumerate(self.talks):
            is_near = int(part.end_ns[other]) >= since_ns and int(part.start_ns[other]) <= until_ns
            if one.place == talk.place and one.hardware != talk.hardware and is_near:
                rows += [
                    step.row for step in one.steps if step.said.kind in ("OFFER", "ACK") or step.purpose == "select"
                ]
        return rows

    def took_unseen_offer(self, place: int) -> bool:
        """Whether somebody at this place takes an offer that was not recorded: it went to him alone."""
        return any(
            talk.place == place and not talk.of("OFFER") and any(step.purpose == "select" for step in talk.steps)
            for talk in self.talks
        )

    def members(self, indices: list[int]) -> list[Member]:
        """Negotiations as members of a finding."""
        return [(self.part, index) for index in indices]


def account_for_carriers(scene: Scene, part: ExchangeColumns, client_port: int) -> None:
    """The flows of DHCP are told by the leases, and an error about a late answer is nobody's trouble."""
    table, flows = scene.table, scene.part("udp.flow")
    count = len(table.flows.low)
    in_leases = np.bincount(table.flow[part.frames], minlength=count)
    own = table.flow[flows.frames[flows.bounds[:-1]]] if len(flows) else np.empty(0, np.int64)
    is_carried = (in_leases[own] > 0) & (in_leases[own] >= np.diff(flows.bounds))
    scene.accounted["udp.flow"].update(np.flatnonzero(is_carried).tolist())
    icmp = table.icmp
    late = icmp.row[(icmp.quote > 0) & (icmp.quote_protocol == 17) & (icmp.quote_dport == client_port)]
    if len(late):
        errors = scene.part("icmp.error")
        first = errors.frames[errors.bounds[:-1]]
        scene.accounted["icmp.error"].update(np.flatnonzero(among(first, late)).tolist())


def account_for_tests(leases: Leases) -> None:
    """A server tries an address before it offers it; the silence, or a router's error about it, is good news."""
    scene = leases.scene
    errors = scene.part("icmp.error")
    for talk in leases.talks:
        tried = leases.tests.of(talk)
        for one, index in tried:
            scene.accounted[one.kind].add(index)
        if any(one.kind == "icmp.echo" for one, _ in tried):
            addresses = {scene.table.addresses.text(step.said.your_ip) for step in talk.of("OFFER")}
            for index in range(len(errors)):
                about = errors.fields(index).about
                if about and about.protocol == "icmp" and about.dst in addresses:
                    scene.accounted["icmp.error"].add(index)
