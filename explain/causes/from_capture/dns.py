"""Names that do not exist, and name servers that do not answer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture import dns_answers
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.dns_message import wire_text
from explain.exchanges.quotes import quoted_flows

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from explain.exchanges.columns import ExchangeColumns

_WHY_SILENT = (
    "filter-on-router-forward", "forwarding-disabled", "no-return-route-on-target", "filter-on-target-input",
    "destination-host-absent-behind-router", "masquerade-missing", "partial-loss",
)  # fmt: skip
_WHY_CLOSED = ("filter-on-target-input",)  # it may say the same of a port that is open
_REVERSE = (b"\x07in-addr\x04arpa", b"\x03ip6\x04arpa")  # as they stand on the wire, as all names here
_EVERYBODY = "255.255.255.255"  # asked by a device that knows no name server
_LOCAL = b"\x05local"
_SEARCH_NS = 5_000_000_000
_NEXT_TRY_NS = 100_000_000  # a resolver goes on at once, a person does not
_TIMEOUT_NS = 5_000_000_000  # so long it waits for a server before (resolv.conf(5)); its question may never have left
_MOST_TRIES = 32
_WHY_SOME = ("dns-server-unreachable", "partial-loss", "filter-on-router-forward", "filter-on-target-output")
_ON_ONE_LINK = {
    _WHY_SILENT: (
        "filter-on-target-input", "filter-on-target-output", "filter-on-switch", "no-return-route-on-target",
        "wrong-netmask-on-target", "partial-loss",
    ),
    _WHY_SOME: ("dns-server-unreachable", "partial-loss", "filter-on-target-output"),
}  # fmt: skip
_RCODES = {"no-such-name": "NXDOMAIN", "refused": "REFUSED", "unanswered": None}
_HABITS = (
    b"\x04wpad", b"\x06isatap", b"\x05_ldap\x04_tcp\x02dc\x06_msdcs",
    *(kind + b"\x07_dns-sd\x04_udp" for kind in (b"\x01b", b"\x02db", b"\x01r", b"\x02dr", b"\x02lb", b"\x02cf")),
)  # fmt: skip


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each unknown name and for each server that fails."""
    part = scene.part("dns.lookup")
    chains = Searches(scene, part)
    _account_for_habits(scene, part, chains)
    yield from dns_answers.look(scene, part)
    errors, answered = _errors_by_flow(scene), _answered(part)
    _account_for_gone(scene, part, errors)
    yield from _slow_start(scene, part, answered)
    carried = scene.exchanges.carried(part, scene.open(part, *_RCODES, "failed"))
    for outcome, cause, certainty, why_else in (
        ("no-such-name", "name-does-not-exist", "proved", ()),
        ("unanswered", "dns-server-unreachable", "likely", _WHY_SILENT),
        ("refused", "dns-server-unreachable", "likely", ()),
        ("failed", "dns-server-unreachable", "possible", ("name-does-not-exist",)),
    ):
        indices = scene.open(part, outcome)
        for some in _alike(scene, part, indices, outcome, chains):
            rows = [row for index in some for row in part.rows(index).tolist()]
            members = [(part, index) for index in some] + [member for index in some for member in carried[index]]
            about = _errors_about(scene, members, errors)
            values = _values(scene, part, some, outcome)
            if values.get("case") == "search-refused":
                yield Seen(cause, "likely", members + about, rows, ("dns-server-unreachable",), values)
                continue
            if outcome == "unanswered" and not about and _serves(part, some, answered):
                why = _possible(scene, rows, _WHY_SOME)
                yield Seen("dns-lookup-unanswered", "possible", members, rows, why, values)
                continue
            if outcome == "unanswered" and values["server"] == _EVERYBODY:
                values["case"] = "everybody"
                yield Seen("dns-server-not-configured", "likely", members, rows, ("dns-server-unreachable",), values)
                continue
            is_own = cause == "dns-server-unreachable" and _is_loopback(values["server"])
            others = ("dns-server-not-configured",) if is_own else ()
            is_closed = outcome == "unanswered" and _is_closed(scene, about, part.facts["server"][some[0]])
            rivals = (_WHY_CLOSED if is_closed else _possible(scene, rows, why_else)) + others
            yield Seen(cause, certainty, members + about, rows, rivals, values)


def _is_loopback(address: str) -> bool:
    """127.0.0.0/8 (RFC 1122, 3.2.1.3) or ::1 (RFC 4291, 2.5.3)."""
    return address.startswith("127.") or address == "::1"


def _possible(scene: Scene, rows: list[int], rivals: tuple[str, ...]) -> tuple[str, ...]:
    """The rivals without what only a router can do, where none stands between client and server."""
    near = _ON_ONE_LINK.get(rivals)
    return near if near and scene.one_link.holds(rows) else rivals


def _slow_start(scene: Scene, part: ExchangeColumns, answered: Mapping[tuple[int, int], list[int]]) -> Iterator[Seen]:
    """Name servers that are asked in vain, each time before another one answers: nothing fails, but all of it waits."""
    if not len(part):
        return
    clients, silent = part.facts["client"], part.facts["silent"]
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index in [index for index, servers in enumerate(silent) if servers]:
        for server in silent[index]:
            found[clients[index], server].append(index)
    for (client, server), some in found.items():
        if answered.get((client, server)):
            continue  # it does answer; a packet was lost now and then
        rows = [row for index in some for row in silent[index][server]]
        members: list[Member] = [(part, index) for index in some]
        members += [
            member
            for member in scene.exchanges.inside(np.array(rows))
            if member[0].outcomes[member[0].outcome[member[1]]] != "answered"
        ]
        fields = part.fields(some[0])
        values = {
            "client": fields.client.address, "server": scene.table.addresses.text(server), "count": len(some),
            "next": fields.server.address, "case": "fallback",
        }  # fmt: skip
        certainty = "likely" if len(rows) > 1 else "possible"
        rivals = _possible(scene, rows, _WHY_SILENT)
        yield Seen("dns-server-unreachable", certainty, members, rows, rivals, values)


def _alike(
    scene: Scene, part: ExchangeColumns, indices: list[int], outcome: str, chains: Searches
) -> Iterator[list[int]]:
    """Look-ups of one name with whatever was put behind it, however the last ended, or of one server, at one place."""
    clients, servers, names = (part.facts[name] for name in ("client", "server", "raw_name"))
    places = scene.table.place[part.frames[part.bounds[:-1]]]
    groups: dict[tuple[Hashable, ...], list[int]] = defaultdict(list)
    for index in indices:
        name = names[chains.first(index)]
        about = (clients[index], name) if outcome == "no-such-name" else (servers[index],)
        groups[int(places[index]), *about].append(index)
    for some in groups.values():
        yield some + (chains.unclear_end(some) if outcome == "no-such-name" else [])


def _values(scene: Scene, part: ExchangeColumns, some: list[int], outcome: str) -> dict[str, Any]:
    """What is said of some look-ups; from the columns, as the fields of thousands of failed ones cost too much."""
    names, text = part.facts["raw_name"], scene.table.addresses.text
    is_missing = outcome == "no-such-name"
    shown = min(some, key=lambda index: len(names[index])) if is_missing else some[0]
    clients = {part.facts["client"][index] for index in some}
    values = {
        "client": text(part.facts["client"][shown]), "server": text(part.facts["server"][shown]),
        "name": wire_text(names[shown]), "count": len(some),
        "rcode": _RCODES[outcome] if outcome in _RCODES else part.fields(shown).rcode, "clients": len(clients),
    }  # fmt: skip
    if is_missing and len({names[index] for index in some}) > 1:
        tried = dict.fromkeys(part.fields(index).name for index in some)
        if part.outcomes[part.outcome[some[-1]]] != outcome:
            return values | {"case": "search-refused", "tried": tuple(tried), "rcode": part.fields(some[-1]).rcode}
        return values | {"case": "search", "tried": tuple(tried)}
    if outcome in {"refused", "failed"}:
        return values | {"case": outcome}  # it was reached, and spoke
    return values | {"case": "clients"} if not is_missing and len(clients) > 1 else values


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
    if not said:
        return False
    return bool(((part.end_ns[said] >= first) & (part.start_ns[said] <= last)).any())


def _errors_by_flow(scene: Scene) -> dict[int, list[Member]]:
    """ICMP errors by the flow of the datagram that they quote."""
    errors = scene.part("icmp.error")
    if not len(errors):
        return {}
    at = np.searchsorted(scene.table.icmp.row, errors.frames[errors.bounds[:-1]])
    done = scene.accounted[errors.kind]
    found: dict[int, list[Member]] = defaultdict(list)
    for index, flow in enumerate(quoted_flows(scene.table)[at].tolist()):
        if index not in done:
            found[flow].append((errors, index))
    return found


def _errors_about(scene: Scene, members: list[Member], errors: dict[int, list[Member]]) -> list[Member]:
    """That nothing listens at the name server is why no name was found: a consequence, not a second root."""
    if not errors:
        return []
    flow = scene.table.flow
    flows = {int(flow[part.frames[part.bounds[index]]]) for part, index in members if part.kind == "udp.flow"}
    return [error for flow in flows for error in errors.get(flow, ())]


def _is_closed(scene: Scene, about: list[Member], server: int) -> bool:
    """Whether the server's own host said that nobody listens: then packets find it, and their way back."""
    if not about:
        return False
    part, indices = about[0][0], np.array([index for _, index in about])
    is_port = part.outcome[indices] == part.outcomes.index("port-unreachable")
    is_own = scene.table.sources(part.frames[part.bounds[indices]]) == server
    return bool((is_port & is_own).all())


def _account_for_habits(scene: Scene, part: ExchangeColumns, chains: Searches) -> None:
    """Nothing waits for the name of an address; a resolver tries its search list before the bare name.

    Hosts look for services that few networks offer (RFC 6763, 11), and ask whether a name server knows "local",
    which belongs to multicast DNS (RFC 6762, 3): it should not.
    """
    if not len(part):
        return
    names, found_next = part.facts["raw_name"], _found_next(scene, part)
    for index in part.where("no-such-name", "refused", "failed").tolist():
        name = names[index]
        is_reverse = name.endswith(_REVERSE) and name not in _REVERSE
        begins = (*_HABITS, *found_next(index))
        is_habit = name.startswith(begins) and any(name.startswith(one) and name != one for one in begins)
        if is_reverse or is_habit or name == _LOCAL or chains.finds(index):
            scene.accounted[part.kind].add(index)
    for index in (index for index in part.where("unanswered").tolist() if names[index] == _LOCAL):
        for one, number in ((part, index), *scene.exchanges.inside(part.rows(index))):
            scene.accounted[one.kind].add(number)


def _account_for_gone(scene: Scene, part: ExchangeColumns, errors: dict[int, list[Member]]) -> None:
    """That an asker by habit has closed its port when the answer comes is no more trouble than the answer."""
    for index in sorted(scene.accounted[part.kind]) if errors else ():
        row = int(part.rows(index)[0])
        for kind, error in errors.get(int(scene.table.flow[row]), ()):
            if scene.table.sources(kind.rows(error)[:1])[0] == part.facts["client"][index]:
                scene.accounted[kind.kind].add(error)


class Searches:
    """Which look-up tried the same short name with the next domain of the search list (resolv.conf)."""

    def __init__(self, scene: Scene, part: ExchangeColumns) -> None:
        self._part = part
        self._before: dict[int, int] = {}
        self._next: dict[int, int] = {}
        if not len(part):
            return
        clients, names = part.facts["client"], part.facts["raw_name"]
        starts, ends = part.start_ns.tolist(), part.end_ns.tolist()
        places = scene.table.place[part.frames[part.bounds[:-1]]].tolist()
        stuck = _stuck(scene)
        for index in part.where("no-such-name").tolist():
            name = names[index]
            patience_ns = _TIMEOUT_NS + _NEXT_TRY_NS if clients[index] in stuck else _NEXT_TRY_NS
            label = name[: name[0] + 1] if name else b""
            for other in range(index + 1, min(len(part), index + 1 + _MOST_TRIES)):
                if starts[other] > ends[index] + patience_ns:
                    break
                is_same = clients[other] == clients[index] and places[other] == places[index]
                if is_same and starts[other] >= ends[index] and _goes_on(names[other], name, label):
                    self._next[index] = other
                    self._before.setdefault(other, index)
                    break

    def finds(self, index: int) -> bool:
        """Whether one of the next tries found something."""
        answered = self._part.outcomes.index("answered")
        while index in self._next:
            index = self._next[index]
            if self._part.outcome[index] == answered:
                return True
        return False

    def unclear_end(self, some: Sequence[int]) -> list[int]:
        """The try that came last and to which the server would, or could, not say whether there is such a name."""
        unclear = [self._part.outcomes.index(name) for name in ("refused", "failed")]
        return [end for end in map(self._next.get, some) if end is not None and self._part.outcome[end] in unclear][:1]

    def first(self, index: int) -> int:
        """The first try for the same short name."""
        while index in self._before:
            index = self._before[index]
        return index


def _stuck(scene: Scene) -> set[int]:
    """Who asks in vain for the MAC of a neighbour: perhaps of its first name server."""
    part, arp = scene.part("arp.resolution"), scene.table.arp
    asked = part.frames[part.bounds[part.where("unanswered")]]
    return set(arp.sender_ip[np.searchsorted(arp.row, asked)].tolist())


def _goes_on(name: bytes, before: bytes, label: bytes) -> bool:
    return len(label) > 0 and name != before and name.startswith(label)


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
