"""Names that do not exist, and name servers that do not answer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.dns import answers, cut, strays
from explain.causes.from_capture.dns.errors import errors_about, errors_by_flow
from explain.causes.from_capture.dns.handed_on import account_for_those_handed_on, handed_on, is_loopback
from explain.causes.from_capture.dns.searches import SEARCH_NS, Searches, account_for_habits
from explain.causes.from_capture.http import carriers, is_received
from explain.causes.from_capture.icmp.meanings import FROM_ROUTER, meaning
from explain.causes.from_capture.scene import LAST_MOMENT_NS, Member, Scene, Seen, is_housekeeping
from explain.causes.from_capture.silence import WHY_SILENT
from explain.exchanges.columns import rows_of
from explain.exchanges.dns.lookup import ASKED_OTHERWISE
from explain.exchanges.dns.message import type_name, wire_text
from explain.exchanges.dns.records import KEPT_BACK
from explain.table import TCP

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dns.lookup import DnsLookup
    from explain.exchanges.icmp.error import IcmpError

_LIKELIEST = (
    "filter-on-router-forward", "forwarding-disabled", "no-return-route-on-target", "filter-on-target-input",
    "destination-host-absent-behind-router", "masquerade-missing", "partial-loss",
)  # fmt: skip
_OF_PINGS_ALONE = (
    "echo-ignored-by-target", "broadcast-echo-ignored", "icmp-rate-limited", "pmtu-blackhole", "fragments-filtered",
    "mtu-mismatch-on-link", "name-resolves-to-wrong-address",
)  # fmt: skip
_WHY_SILENT = (*_LIKELIEST, *(one for one in WHY_SILENT if one not in _LIKELIEST and one not in _OF_PINGS_ALONE))
_WHY_CLOSED = ("filter-on-target-input",)  # it may say the same of a port that is open
_WHY_MUTE = ("tcp-application-hangs", "server-slow", "filter-on-target-output")
_WHY_MUTE_HERE = ("server-slow", "filter-on-target-input", "filter-on-sender-output", "dns-server-not-configured")
_ZONES = ("AXFR", "IXFR")
_EVERYBODY = "255.255.255.255"  # asked by a device that knows no name server
_WHY_SOME = ("dns-server-unreachable", "partial-loss", "filter-on-router-forward", "filter-on-target-output")
_MEANT = {
    "no-such-name": ("name-does-not-exist", "proved", ()),
    "unanswered": ("dns-server-unreachable", "likely", _WHY_SILENT),
    "refused": ("dns-server-unreachable", "likely", ()),
    "failed": ("dns-server-unreachable", "possible", ("name-does-not-exist",)),
}
"""For each way to end without a name, the cause, how certain it is, and its rivals."""
_SAID: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "kept": ("dns-server-unreachable", "likely", ()),
    "circle": ("dns-server-unreachable", "proved", ()),
    "otherwise": ("dns-server-unreachable", "likely", ()),
    "search-refused": ("name-does-not-exist", "likely", ("dns-server-unreachable",)),
}
"""The same where the answer itself says more."""
_MOST_BEFORE = 16  # look-ups between a referral and the question to who was named in it
_RCODES = {"no-such-name": "NXDOMAIN", "refused": "REFUSED", "unanswered": None}


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each unknown name and for each server that fails."""
    part = scene.part("dns.lookup")
    chains = Searches(scene, part)
    account_for_habits(scene, part, chains)
    yield from answers.look(scene, part)
    errors, answered = errors_by_flow(scene), _answered(part)
    _account_for_gone(scene, part, errors)
    yield from strays.look(scene, part, errors)
    yield from cut.look(scene, part, errors)
    _account_for_cut_off(scene, part, answered)
    yield from _slow_start(scene, part, answered)
    behind = handed_on(scene, part, *_MEANT)
    account_for_those_handed_on(scene, part, behind)
    led_to = {index for some in behind.values() for index in some}
    carried = scene.exchanges.carried(part, scene.open(part, *_MEANT))
    for outcome in _MEANT:
        meant = [index for index in scene.open(part, outcome) if not is_housekeeping(part, index)]
        for some in _alike(scene, part, [index for index in meant if index not in led_to], outcome, chains):
            all_alike = [*some, *(other for index in some for other in behind.get(index, ()))]
            members = [(part, index) for index in all_alike]
            members += [member for index in all_alike for member in carried[index]]
            about = errors_about(scene, members, errors)
            if outcome == "unanswered" and (told := _told(about)):
                yield _reported(scene, part, some, members, about, told)
            else:
                yield _judge(scene, part, some, outcome, members, about, answered)


def _judge(
    scene: Scene,
    part: ExchangeColumns,
    some: list[int],
    outcome: str,
    members: list[Member],
    about: list[Member],
    answered: Mapping[tuple[int, int], list[int]],
) -> Seen:
    cause, certainty, why = _MEANT[outcome]
    rows = [row for index in some for row in part.rows(index).tolist()]
    values = _values(scene, part, some, outcome)
    is_silent = outcome == "unanswered"
    if said := _SAID.get(values.get("case", "")):
        cause, certainty, rivals = said
        return Seen(cause, certainty, members + about, rows, rivals, values)
    if is_silent and not about and _serves(part, some, answered):
        return Seen("dns-lookup-unanswered", "possible", members, rows, _possible(scene, rows, _WHY_SOME), values)
    if is_silent and values["server"] == _EVERYBODY:
        values["case"] = "everybody"
        return Seen("dns-server-not-configured", "likely", members, rows, ("dns-server-unreachable",), values)
    if is_silent and not about and (connections := _taken(scene, part, some)):
        return Seen(cause, certainty, [*members, *connections], rows, _WHY_MUTE, values | {"case": "taken"})
    is_closed = is_silent and _is_closed(scene, about, part.facts["server"][some[0]])
    rivals = _WHY_CLOSED if is_closed else _possible(scene, rows, why)
    if cause == "dns-server-unreachable" and is_loopback(values["server"]):
        is_mute = is_silent and not about
        rivals = _WHY_MUTE_HERE if is_mute else (*rivals, "dns-server-not-configured")
        values |= {"case": "here"} if is_mute else {"case": "closed-here"} if is_closed else {}
    elif is_closed:
        values = {"case": "closed"} | values
    if is_silent and not about and (len(rows) == 1 or all(_is_cut_off(scene, part, index) for index in some)):
        certainty = "possible"  # a single question may have been lost, or its answer not be recorded
    return Seen(cause, certainty, members + about, rows, rivals, values)


def _reported(
    scene: Scene,
    part: ExchangeColumns,
    some: list[int],
    members: list[Member],
    about: list[Member],
    told: tuple[str, IcmpError],
) -> Seen:
    """Look-ups in vain, of whose questions an error says why."""
    name, error = told
    values = _values(scene, part, some, "unanswered")
    likeliest, others = meaning(error, name, values["server"], is_answer=False)
    values |= {"case": "told", "from": error.from_, "error": name}
    rows = rows_of([(part, index) for index in some]) + rows_of(about)
    return Seen("dns-server-unreachable", "likely", members + about, rows, (likeliest, *others), values)


def _told(about: list[Member]) -> tuple[str, IcmpError] | None:
    """What somebody on the way, always the same, said of the questions: he had no way for them, or was not to hand on.

    That the port is closed is not of this kind.
    """
    said = {(part.outcomes[part.outcome[index]], part.fields(index).from_) for part, index in about}
    part, index = about[0] if about else (None, 0)
    if part is None or len(said) > 1:
        return None
    name, fields = part.outcomes[part.outcome[index]], part.fields(index)
    is_meant = fields.about is not None and name in FROM_ROUTER and name != "port-unreachable"
    return (name, fields) if is_meant and not name.startswith("redirect") else None


def _taken(scene: Scene, part: ExchangeColumns, some: list[int]) -> list[Member]:
    """The connections over which questions went that the server's host confirmed; none if any went otherwise."""
    connections = scene.part("tcp.connection")
    rows = part.frames[part.bounds[some]]
    if not len(connections) or not (scene.table.layers[rows] & TCP != 0).all():
        return []
    of = carriers(scene, connections, part, some)
    if not all(is_received(scene, connections.rows(one), row) for one, row in zip(of, rows.tolist(), strict=True)):
        return []
    return [(connections, one) for one in dict.fromkeys(of)]


def _is_cut_off(scene: Scene, part: ExchangeColumns, index: int) -> bool:
    """Whether the capture of that place ends before an answer was due."""
    return scene.table.waited_ns(part.rows(index)[0]) < LAST_MOMENT_NS


def _account_for_cut_off(scene: Scene, part: ExchangeColumns, answered: Mapping[tuple[int, int], list[int]]) -> None:
    """That a server which answered before did not answer the very last question proves nothing."""
    for index in scene.open(part, "unanswered"):
        clients, servers = part.facts["client"], part.facts["server"]
        if (clients[index], servers[index]) in answered and _is_cut_off(scene, part, index):
            for one, number in ((part, index), *scene.exchanges.inside(part.rows(index))):
                if one.kind != "tcp.connection":
                    scene.accounted[one.kind].add(number)


def _possible(scene: Scene, rows: list[int], rivals: tuple[str, ...]) -> tuple[str, ...]:
    """The rivals without what only a router can do, where none stands between; a name server hands nothing on."""
    return scene.one_link.possible(rows, rivals, may_hand_on=False)


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
        yield some + (chains.unclear_ends(some) if outcome == "no-such-name" else [])


def _values(scene: Scene, part: ExchangeColumns, some: list[int], outcome: str) -> dict[str, Any]:
    """What is said of some look-ups; from the columns, as the fields of thousands of failed ones cost too much."""
    names, text = part.facts["raw_name"], scene.table.addresses.text
    is_missing = outcome == "no-such-name"
    shown = min(some, key=lambda index: len(names[index])) if is_missing else some[0]
    clients = {part.facts["client"][index] for index in some}
    values = {
        "client": text(part.facts["client"][shown]), "server": text(part.facts["server"][shown]),
        "name": wire_text(names[shown]), "type": type_name(part.facts["type"][shown]), "count": len(some),
        "rcode": _RCODES[outcome] if outcome in _RCODES else part.fields(shown).rcode, "clients": len(clients),
    }  # fmt: skip
    if is_missing and len({names[index] for index in some}) > 1:
        tried = dict.fromkeys(part.fields(index).name for index in some)
        if part.outcomes[part.outcome[some[-1]]] != outcome:
            return values | {"case": "search-refused", "tried": tuple(tried), "rcode": part.fields(some[-1]).rcode}
        return values | {"case": "search", "tried": tuple(tried)}
    if is_missing:
        return values | _beyond(part, shown)
    if outcome in {"refused", "failed"}:
        return values | _spoken(part, some, outcome)
    return values | {"case": "clients"} if len(clients) > 1 else values


def _beyond(part: ExchangeColumns, shown: int) -> dict[str, Any]:
    """What else was said of a name that does not exist: it leads to another one that does not, or is kept back."""
    if not part.facts["says_more"][shown]:
        return {}
    fields = part.fields(shown)
    if any(reason.startswith(KEPT_BACK) for reason in fields.reasons):
        return {"case": "kept", "reasons": fields.reasons}
    return {"case": "alias", "last": fields.aliases[-1]} if fields.aliases else {}


def _spoken(part: ExchangeColumns, some: list[int], outcome: str) -> dict[str, Any]:
    """How a server that was reached said that it has no answer."""
    fields = part.fields(some[0])
    if fields.rcode in ASKED_OTHERWISE:
        return {"case": "otherwise"}
    if all(part.fields(index).is_circle for index in some):
        return {"case": "circle", "chain": " -> ".join((fields.name, *fields.aliases))}
    if outcome == "refused" and all(part.fields(index).type in _ZONES for index in some):
        return {"case": "zone"}
    if outcome == "refused" and (parent := _referred(part, some[0])):
        return {"case": "lame", "zone": parent.zone, "parent": parent.server.address}
    return (
        {"case": "failed-told", "reasons": fields.reasons}
        if outcome == "failed" and fields.reasons
        else {"case": outcome}
    )


def _referred(part: ExchangeColumns, index: int) -> DnsLookup | None:
    """The look-up in which another server had just sent a client to those of the name's zone, if any did."""
    clients, answered = part.facts["client"], part.outcomes.index("answered")
    asked = part.fields(index)
    for other in range(index - 1, max(index - _MOST_BEFORE, 0) - 1, -1):
        if clients[other] != clients[index] or part.outcome[other] != answered:
            continue
        told: DnsLookup = part.fields(other)
        is_above = told.zone and f".{asked.name}".lower().endswith(f".{told.zone}".lower())
        if is_above and told.server != asked.server and part.start_ns[index] - part.end_ns[other] <= SEARCH_NS:
            return told
    return None


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
    first, last = int(part.start_ns[some].min()) - SEARCH_NS, int(part.end_ns[some].max()) + SEARCH_NS
    said = [index for pair in asked for index in answered.get(pair, ())]
    if not said:
        return False
    return bool(((part.end_ns[said] >= first) & (part.start_ns[said] <= last)).any())


def _is_closed(scene: Scene, about: list[Member], server: int) -> bool:
    """Whether the server's own host said that nobody listens: then packets find it, and their way back."""
    if not about:
        return False
    part, indices = about[0][0], np.array([index for _, index in about])
    is_port = part.outcome[indices] == part.outcomes.index("port-unreachable")
    is_own = scene.table.sources(part.frames[part.bounds[indices]]) == server
    return bool((is_port & is_own).all())


def _account_for_gone(scene: Scene, part: ExchangeColumns, errors: Mapping[int, Sequence[Member]]) -> None:
    """That an asker by habit has closed its port when the answer comes is no more trouble than the answer."""
    for index in sorted(scene.accounted[part.kind]) if errors else ():
        row = int(part.rows(index)[0])
        for kind, error in errors.get(int(scene.table.flow[row]), ()):
            if scene.table.sources(kind.rows(error)[:1])[0] == part.facts["client"][index]:
                scene.accounted[kind.kind].add(error)
