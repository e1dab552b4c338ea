"""Clients that get no IPv6 address or prefix from a DHCP server."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from explain.causes.from_capture.dhcp.leases import account_for_carriers
from explain.causes.from_capture.dhcp.silence import NO_ANSWER_TO_RELAY
from explain.causes.from_capture.scene import Scene, Seen, is_cut_off
from explain.exchanges.columns import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dhcpv6.lease import Dhcpv6Lease

_CLIENT_PORT = 546
_LATER_NS = 120_000_000_000
_NO_SERVER = ("dhcp-server-filtered", "dhcp-pool-exhausted", "bridge-port-not-forwarding", "filter-on-switch")
_REFUSALS = {
    "NoAddrsAvail": "dhcp-pool-exhausted",
    "NoPrefixAvail": "dhcp-pool-exhausted",
    "NotOnLink": "dhcp-request-wrong-subnet",
}
_GOOD = ("bound", "renewed", "informed")
_OTHER_BUSINESS = ("tcp.connection", "dns.lookup", "icmp.echo", "dhcp.lease")


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each client and each way to fail."""
    part = scene.part("dhcpv6.lease")
    account_for_carriers(scene, part, _CLIENT_PORT)
    servers = _Servers(scene, part)
    groups: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    checks = scene.part("ndp.duplicate-check")
    taken = {checks.fields(index).address for index in checks.where("taken").tolist()}
    for index in scene.open(part, "unanswered", "refused", "declined"):
        fields: Dhcpv6Lease = part.fields(index)
        outcome = part.outcomes[part.outcome[index]]
        if outcome == "declined" and taken.intersection(fields.addresses):  # told by the check that found it
            scene.accounted[part.kind].add(index)
            continue
        is_due = fields.tries > 1 or not is_cut_off(scene.table, part.rows(index)[0])
        if outcome == "unanswered" and not (is_due and servers.owe(fields, int(part.start_ns[index]))):
            scene.accounted[part.kind].add(index)
        else:
            groups[outcome, fields.client_duid].append(index)
    for (outcome, _), indices in groups.items():
        yield _judge(scene, part, outcome, indices)


class _Servers:
    """What a capture shows of the servers of its clients."""

    def __init__(self, scene: Scene, part: ExchangeColumns) -> None:
        self._served: dict[str | None, list[int]] = defaultdict(list)
        for index in part.where(*_GOOD, "offered").tolist():
            self._served[part.fields(index).client_duid].append(int(part.end_ns[index]))
        for times in self._served.values():
            times.sort()
        routers = scene.part("ndp.router")
        said = [routers.fields(index) for index in range(len(routers))]
        self._is_managed, self._is_other = any(one.is_managed for one in said), any(one.is_other for one in said)
        has_flows = len(scene.part("udp.flow").where("answered")) > 0
        self._is_alone = not has_flows and not any(len(scene.part(kind)) for kind in _OTHER_BUSINESS)

    def owe(self, fields: Dhcpv6Lease, start_ns: int) -> bool:
        """Whether a server should have answered, and did not do so soon after; impatience is no failure.

        Many hosts ask on every link, just in case.  It is trouble where a router says that there is a server (M and O
        of RFC 4861, 4.2), where one serves others, where an old lease is at stake, or where nothing else goes on.
        """
        times = self._served.get(fields.client_duid, [])
        at = bisect_left(times, start_ns)
        if at < len(times) and times[at] - start_ns <= _LATER_NS:
            return False
        if fields.began not in ("SOLICIT", "INFORMATION-REQUEST", "CONFIRM") or self._served:
            return True
        return self._is_managed or (self._is_other and fields.began == "INFORMATION-REQUEST") or self._is_alone


def _judge(scene: Scene, part: ExchangeColumns, outcome: str, indices: list[int]) -> Seen:
    fields: Dhcpv6Lease = part.fields(indices[0])
    count = sum(part.fields(index).tries for index in indices)
    values: dict[str, Any] = {
        "client": fields.client_mac or fields.client, "tries": count, "server": fields.server,
        "status": fields.status or "REPLY", "address": next(iter(fields.addresses), None), "count": len(indices),
    }  # fmt: skip
    members = [(part, index) for index in indices]
    rows = rows_of(members)
    if outcome == "unanswered":
        certainty = "likely" if count > 1 else "possible"
        relayed = [step for index in indices for step in part.facts["talks"][index].steps if step.said.relays]
        if relayed:
            text = scene.table.addresses.text
            values |= {"case": "relay", "relay": text(relayed[0].source), "asked": text(relayed[0].target)}
            return Seen("dhcp-no-server", certainty, members, rows, NO_ANSWER_TO_RELAY, values)
        return Seen("dhcp-no-server", certainty, members, rows, _NO_SERVER, values | {"case": "solicit"})
    if outcome == "declined":
        return Seen("duplicate-address", "likely", members, rows, (), values | {"case": "declined"})
    cause = _REFUSALS.get(fields.status or "", "dhcp-request-refused")
    return Seen(cause, "likely", members, rows, (), values | {"case": "told"})
