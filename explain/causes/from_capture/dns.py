"""Names that do not exist, and name servers that do not answer."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.quotes import quoted_flows

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from explain.exchanges.columns import ExchangeColumns

_WHY_SILENT = (
    "filter-on-router-forward", "forwarding-disabled", "no-return-route-on-target", "filter-on-target-input",
    "destination-host-absent-behind-router", "masquerade-missing", "partial-loss",
)  # fmt: skip
_REVERSE = (b"\x07in-addr\x04arpa", b"\x03ip6\x04arpa")  # as they stand on the wire, as all names here
_SEARCH_NS = 5_000_000_000
_MOST_TRIES = 32
_WHY_SOME = ("dns-server-unreachable", "partial-loss", "filter-on-router-forward", "filter-on-target-output")
_HABITS = (
    b"\x04wpad", b"\x06isatap", b"\x05_ldap\x04_tcp\x02dc\x06_msdcs",
    *(kind + b"\x07_dns-sd\x04_udp" for kind in (b"\x01b", b"\x02db", b"\x01r", b"\x02dr", b"\x02lb", b"\x02cf")),
)  # fmt: skip


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each unknown name and for each server that fails."""
    part = scene.part("dns.lookup")
    _account_for_habits(scene, part)
    errors, answered = _errors_by_flow(scene), _answered(part)
    for outcome, cause, certainty, rivals in (
        ("no-such-name", "name-does-not-exist", "proved", ()),
        ("unanswered", "dns-server-unreachable", "likely", _WHY_SILENT),
        ("refused", "dns-server-unreachable", "likely", ()),
        ("failed", "dns-server-unreachable", "possible", ("name-does-not-exist",)),
    ):
        indices = scene.open(part, outcome)
        carried = scene.exchanges.carried(part, indices)
        for some in _alike(scene, part, indices, outcome):
            rows = [int(row) for index in some for row in part.rows(index)]
            members = [(part, index) for index in some] + [member for index in some for member in carried[index]]
            about = _errors_about(scene, members, errors)
            values = _values(part, some, outcome)
            if outcome == "unanswered" and not about and _serves(part, some, answered):
                yield Seen("dns-lookup-unanswered", "possible", members, rows, _WHY_SOME, values)
                continue
            is_own = cause == "dns-server-unreachable" and ip_address(values["server"]).is_loopback
            others = (*rivals, "dns-server-not-configured") if is_own else rivals
            yield Seen(cause, certainty, members + about, rows, others, values)


def _alike(scene: Scene, part: ExchangeColumns, indices: list[int], outcome: str) -> Iterator[list[int]]:
    """Look-ups of one name, or of one server, at one place."""
    clients, servers, names = (part.facts[name] for name in ("client", "server", "raw_name"))
    places = scene.table.place[part.frames[part.bounds[:-1]]]
    groups: dict[tuple[Hashable, ...], list[int]] = defaultdict(list)
    for index in indices:
        about = (clients[index], names[index]) if outcome == "no-such-name" else (servers[index],)
        groups[int(places[index]), *about].append(index)
    yield from groups.values()


def _values(part: ExchangeColumns, some: list[int], outcome: str) -> dict[str, Any]:
    fields = part.fields(some[0])
    clients = {part.facts["client"][index] for index in some}
    values = {
        "client": fields.client.address, "server": fields.server.address, "name": fields.name, "count": len(some),
        "rcode": fields.rcode, "clients": len(clients),
    }  # fmt: skip
    return values | {"case": "clients"} if outcome != "no-such-name" and len(clients) > 1 else values


def _answered(part: ExchangeColumns) -> dict[tuple[int, int], list[int]]:
    """The look-ups to which a server said something, by client and server."""
    if not len(part):
        return {}
    clients, servers = part.facts["client"], part.facts["server"]
    answered: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index in np.flatnonzero(part.outcome != part.outcomes.index("unanswered")).tolist():
        answered[clients[index], servers[index]].append(index)
    return answered


def _serves(part: ExchangeColumns, some: list[int], answered: Mapping[tuple[int, int], list[int]]) -> bool:
    """Whether the server answered other questions of the same clients meanwhile."""
    clients, servers = part.facts["client"], part.facts["server"]
    asked = {(clients[index], servers[index]) for index in some}
    first, last = int(part.start_ns[some].min()) - _SEARCH_NS, int(part.end_ns[some].max()) + _SEARCH_NS
    said = [index for pair in asked for index in answered.get(pair, ())]
    return bool(((part.end_ns[said] >= first) & (part.start_ns[said] <= last)).any())


def _errors_by_flow(scene: Scene) -> dict[int, list[Member]]:
    """ICMP errors by the flow of the datagram that they quote."""
    errors = scene.part("icmp.error")
    if not len(errors):
        return {}
    flow_of_row = dict(zip(scene.table.icmp.row.tolist(), quoted_flows(scene.table).tolist(), strict=True))
    found: dict[int, list[Member]] = defaultdict(list)
    for index, row in enumerate(errors.frames[errors.bounds[:-1]].tolist()):
        if index not in scene.accounted[errors.kind]:
            found[flow_of_row[row]].append((errors, index))
    return found


def _errors_about(scene: Scene, members: list[Member], errors: dict[int, list[Member]]) -> list[Member]:
    """That nothing listens at the name server is why no name was found: a consequence, not a second root."""
    flows = {int(scene.table.flow[part.rows(index)[0]]) for part, index in members if part.kind == "udp.flow"}
    return [error for flow in flows for error in errors.get(flow, ())]


def _account_for_habits(scene: Scene, part: ExchangeColumns) -> None:
    """Nothing waits for the name of an address; a resolver tries its search list before the bare name.

    Hosts look for services that few networks offer (RFC 6763, 11).
    """
    if not len(part):
        return
    names, found_next = part.facts["raw_name"], _found_next(scene, part)
    for index in part.where("no-such-name", "refused", "failed").tolist():
        name = names[index]
        is_reverse = any(name.endswith(one) and len(one) < len(name) for one in _REVERSE)
        begins = (*_HABITS, *found_next(index))
        if is_reverse or any(name.startswith(short) and len(short) < len(name) for short in begins):
            scene.accounted[part.kind].add(index)


def _found_next(scene: Scene, part: ExchangeColumns) -> Callable[[int], Iterator[bytes]]:
    """Tells the names that a client found at a place within moments after a look-up, a few at most."""
    clients, names, starts = part.facts["client"], part.facts["raw_name"], part.start_ns.tolist()
    places = scene.table.place[part.frames[part.bounds[:-1]]].tolist()
    is_found = (part.outcome == part.outcomes.index("answered")).tolist()

    def found_next(index: int) -> Iterator[bytes]:
        for other in range(index + 1, min(len(part), index + 1 + _MOST_TRIES)):
            if starts[other] > starts[index] + _SEARCH_NS:
                return
            if is_found[other] and clients[other] == clients[index] and places[other] == places[index] and names[other]:
                yield names[other]

    return found_next
