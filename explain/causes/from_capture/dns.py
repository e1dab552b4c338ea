"""Names that do not exist, and name servers that do not answer."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.quotes import quoted_flows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns

_WHY_SILENT = (
    "filter-on-router-forward", "forwarding-disabled", "no-return-route-on-target", "filter-on-target-input",
    "destination-host-absent-behind-router", "masquerade-missing", "partial-loss",
)  # fmt: skip
_REVERSE = (".in-addr.arpa", ".ip6.arpa")
_SEARCH_NS = 5_000_000_000
_MOST_TRIES = 32
_MOST_LOOKED_AT = 1000
_WHY_SOME = ("dns-server-unreachable", "partial-loss", "filter-on-router-forward", "filter-on-target-output")
_HABITS = (
    "wpad.",
    "isatap.",
    "_ldap._tcp.dc._msdcs.",
    *(f"{kind}._dns-sd._udp." for kind in ("b", "db", "r", "dr", "lb", "cf")),
)


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each unknown name and for each server that fails."""
    part = scene.part("dns.lookup")
    _account_for_habits(scene, part)
    errors = _errors_by_flow(scene)
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
            if outcome == "unanswered" and not about and _serves(part, some):
                yield Seen("dns-lookup-unanswered", "possible", members, rows, _WHY_SOME, values)
                continue
            is_own = ip_address(values["server"]).is_loopback and cause == "dns-server-unreachable"
            others = (*rivals, "dns-server-not-configured") if is_own else rivals
            yield Seen(cause, certainty, members + about, rows, others, values)


def _alike(scene: Scene, part: ExchangeColumns, indices: list[int], outcome: str) -> Iterator[list[int]]:
    """Look-ups of one name, or of one server, at one place."""
    groups: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for index in indices:
        fields = part.fields(index)
        place = int(scene.table.place[part.rows(index)[0]])
        is_about_name = outcome == "no-such-name"
        groups[place, *((fields.client.address, fields.name) if is_about_name else ("", fields.server.address))].append(
            index
        )
    yield from groups.values()


def _values(part: ExchangeColumns, some: list[int], outcome: str) -> dict[str, Any]:
    fields = part.fields(some[0])
    clients = dict.fromkeys(part.fields(index).client.address for index in some)
    values = {
        "client": fields.client.address, "server": fields.server.address, "name": fields.name, "count": len(some),
        "rcode": fields.rcode, "clients": len(clients),
    }  # fmt: skip
    return values | {"case": "clients"} if outcome != "no-such-name" and len(clients) > 1 else values


def _serves(part: ExchangeColumns, some: list[int]) -> bool:
    """Whether the server answered other questions of the same clients meanwhile."""
    asked = {(part.fields(index).client.address, part.fields(index).server.address) for index in some}
    first, last = int(part.start_ns[some].min()) - _SEARCH_NS, int(part.end_ns[some].max()) + _SEARCH_NS
    is_near = (part.end_ns >= first) & (part.start_ns <= last) & (part.outcome != part.outcomes.index("unanswered"))
    said = (part.fields(index) for index in np.flatnonzero(is_near)[:_MOST_LOOKED_AT].tolist())
    return any((fields.client.address, fields.server.address) in asked for fields in said)


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
    for index in part.where("no-such-name", "refused", "failed").tolist():
        name = part.fields(index).name.lower().rstrip(".")
        if (
            name.endswith(_REVERSE)
            or name.startswith(_HABITS)
            or any(name.startswith(f"{short}.") for short in _found_next(scene, part, index))
        ):
            scene.accounted[part.kind].add(index)


def _found_next(scene: Scene, part: ExchangeColumns, index: int) -> Iterator[str]:
    """Names that were found at the same place within moments after a look-up, a few at most."""
    last = int(np.searchsorted(part.start_ns, part.start_ns[index] + _SEARCH_NS, "right"))
    near = np.arange(index + 1, min(last, index + 1 + _MOST_TRIES))
    rows = part.frames[part.bounds[near]]
    own = int(part.frames[part.bounds[index]])
    table = scene.table
    is_same = (table.place[rows] == table.place[own]) & (table.sources(rows) == table.sources(np.array([own]))[0])
    for other in near[is_same & (part.outcome[near] == part.outcomes.index("answered"))].tolist():
        yield part.fields(other).name.lower().rstrip(".")
