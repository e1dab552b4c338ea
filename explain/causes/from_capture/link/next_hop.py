"""A host that asks in vain for its next hop: why its answers, or what it should forward, stay with it.

The silence after a question for a MAC, the packets that wait for it and the host-unreachable that
ends the wait are one event.  Which address was asked for, and on whose behalf, tells what is wrong.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among, distinct, ragged
from explain.causes.from_capture.link import arp, ndp
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges import segment
from explain.exchanges.columns import rows_of
from explain.exchanges.icmp.quotes import quoted_flows
from explain.exchanges.together import CONVERSATIONS
from explain.places.near import copies_of, rows_near, whole_of
from explain.record import dataclass
from explain.table import IP, NO_FLOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.icmp.error import IcmpError
    from explain.table import I8, PacketTable, Rows

_GIVES_UP_NS = 1_500_000_000  # one second after the last question (RFC 4861, 10: RETRANS_TIMER), and some
_WAITED_NS = 1_000_000_000  # a packet waits no longer for the first question
_FAILED = {
    "icmp.echo": ("unanswered", "refused"),
    "udp.flow": ("unanswered", "refused"),
    "tcp.connection": ("unanswered", "rejected", "half-open"),
}
_ABSENT = ("host-unreachable", "address-unreachable")
_MOST_LOOKS = 2000  # questions for which it is looked up what waits for them
_SURE = 3  # questions, after which hosts give up
_AT_THE_SENDER = "destination-host-absent-on-link"  # a wrong gateway and one that is down look alike to it
_LINK = (
    "arp-disabled", "arp-ignored-by-target", "link-no-carrier", "bridge-port-down", "bridge-port-not-member",
    "bridge-down", "bridge-port-not-forwarding", "bridge-ports-isolated", "filter-on-switch",
)  # fmt: skip
_RIVALS = {
    "wrong-gateway-on-target": (
        "gateway-interface-down", "router-interface-down", "no-return-route-on-target", "wrong-netmask-on-target",
        *_LINK,
    ),
    "wrong-netmask-on-target": (
        "snat-to-unowned-address", "no-return-route-on-target", "wrong-gateway-on-target",
        "wrong-source-address-selected", "wrong-gateway-address", *_LINK,
    ),
    "snat-to-unowned-address": ("wrong-netmask-on-target", "target-interface-down", *_LINK),
    "wrong-nexthop-on-router": (
        "destination-host-absent-behind-router", "router-interface-down", "gateway-interface-down",
        "target-interface-down", "filter-on-router-forward", *_LINK,
    ),
    "dnat-to-absent-host": (
        "destination-host-absent-behind-router", "target-interface-down", "filter-on-router-forward", *_LINK,
    ),
    _AT_THE_SENDER: tuple(dict.fromkeys((*arp.WHY_SILENT, *ndp.WHY_SILENT))),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """Questions of one host for one next hop."""

    part: ExchangeColumns
    indices: list[int]
    asker: str
    mac: int
    wanted: str
    rows: Rows
    requests: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What had just reached the asker, and is not answered.

    Attributes:
        is_for_sender: the questions are for whom it came from.
        is_forwarded: it came over a router.
    """

    members: list[Member]
    is_for_sender: bool
    is_forwarded: bool


_NOTHING = _Waiting([], False, False)


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each next hop that does not answer, where it shows what waited for it."""
    questions, arrivals = list(_questions(scene)), _Arrivals(scene)
    errors = _Errors(scene, {one.wanted for one in questions})
    if not errors and not arrivals:
        return
    for asked in questions:
        told = errors.about(scene, asked)
        waiting = _requests_to(scene, asked) if arrivals.are_before(asked) else _NOTHING
        found = _judge(scene, asked, told, waiting)
        if not found:
            continue
        cause, ends = found
        members: list[Member] = [(asked.part, index) for index in asked.indices]
        members += [(scene.part("icmp.error"), index) for index in told]
        members += _all_legs(scene, [*waiting.members, *_quoted(scene, told)])
        rows = sorted(set(rows_of(members)))
        values = ends | {"asker": asked.asker, "address": asked.wanted, "requests": asked.requests}
        certainty = "likely" if told or asked.requests >= _SURE else "possible"
        seen = Seen(cause, certainty, members, rows, _RIVALS[cause], values)
        scene.account(seen)
        yield seen


def _questions(scene: Scene) -> Iterator[_Asked]:
    for kind in ("arp.resolution", "ndp.resolution"):
        part = scene.part(kind)
        groups: dict[tuple[int, str, str], list[int]] = defaultdict(list)
        for index in scene.open(part, "unanswered"):
            fields = part.fields(index)
            if not scene.hosts.is_overheard(int(part.rows(index)[0]), fields.requests):
                groups[int(scene.table.place[part.rows(index)[0]]), fields.asker_ip, fields.wanted_ip].append(index)
        for (_, asker, wanted), indices in groups.items():
            rows = np.concatenate([part.rows(index) for index in indices])
            requests = sum(part.fields(index).requests for index in indices)
            mac = int(part.fields(indices[0]).asker_mac.replace(":", ""), 16)
            yield _Asked(part, indices, asker, mac, wanted, rows, requests)


def _judge(scene: Scene, asked: _Asked, told: list[int], waiting: _Waiting) -> tuple[str, dict[str, Any]] | None:
    """The cause, and between whom."""
    ends: dict[str, Any] = {"src": asked.asker, "dst": asked.wanted, "from": asked.asker}
    if told:
        fields: IcmpError = scene.part("icmp.error").fields(told[0])
        if fields.about is not None:
            ends = {"src": fields.about.src, "dst": fields.about.dst, "from": fields.from_}
        if ends["from"] == ends["dst"]:
            return "dnat-to-absent-host", ends
        if ends["from"] != ends["src"]:
            return "wrong-nexthop-on-router", ends
        if not waiting.members:
            return (_AT_THE_SENDER, ends | {"case": "gateway"}) if ends["dst"] != asked.wanted else None
    if not waiting.members:
        return None
    if not waiting.is_for_sender:
        return "wrong-gateway-on-target", ends
    if _is_translated(scene, asked.wanted):
        return "snat-to-unowned-address", ends
    return ("wrong-netmask-on-target", ends) if waiting.is_forwarded else None


def _is_translated(scene: Scene, address: str) -> bool:
    """Whether a NAT gave this address to whom it translated."""
    part = scene.part("nat.translation")
    outside = [part.fields(index).outside for index in range(len(part))]
    return any(side is not None and side.src.address == address for side in outside)


class _Arrivals:
    """When packets arrived that nobody answered, by place and MAC; so that of thousands of questions few are looked at.

    A sweep of a network asks for every address of it: a look at all frames for each of them would take hours.
    """

    def __init__(self, scene: Scene) -> None:
        self._near, self._table = scene.table, whole_of(scene.table)
        self._times: dict[tuple[int, int], I8] = {}
        self._left = _MOST_LOOKS
        rows = []
        for part in map(scene.part, CONVERSATIONS):
            some = np.array(scene.open(part, *_FAILED[part.kind]), np.int64)
            rows.append(ragged(part.frames, part.bounds[some], np.diff(part.bounds)[some]))
        self._rows = copies_of(self._near, np.concatenate(rows))

    def __len__(self) -> int:
        return len(self._rows)

    def are_before(self, asked: _Asked) -> bool:
        """Whether something may wait for what was asked; False also when that was so too often."""
        own, first, last = _span(self._near, self._table, asked)
        times = self._of(int(self._table.place[own]), asked.mac)
        found = bool(np.searchsorted(times, first) < np.searchsorted(times, last, "right")) and self._left > 0
        self._left -= found
        return found

    def _of(self, place: int, mac: int) -> I8:
        if (place, mac) not in self._times:
            table, rows = self._table, self._rows
            is_it = (table.place[rows] == place) & (table.links.target[table.link[rows]] == mac)
            self._times[place, mac] = np.sort(table.time_ns[rows[is_it]])
        return self._times[place, mac]


def _span(near: PacketTable, table: PacketTable, asked: _Asked) -> tuple[int, int, int]:
    """A row of the whole table with a question, and from when to when what arrives there may wait for its answer."""
    own = np.array([near.whole_row(int(row)) for row in asked.rows])
    time_ns = table.time_ns[own]
    return int(own[0]), int(time_ns.min()) - _WAITED_NS, int(time_ns.max())


def _requests_to(scene: Scene, asked: _Asked) -> _Waiting:
    """Requests without an answer that had reached the asker when it began to ask."""
    near, table = scene.table, whole_of(scene.table)
    own, first, last = _span(near, table, asked)
    time_ns = table.time_ns[: len(table)]
    is_recent = (time_ns >= first) & (time_ns <= last) & (table.place[: len(table)] == table.place[own])
    recent = np.flatnonzero(is_recent & (table.layers[: len(table)] & IP != 0))
    recent = recent[table.links.target[table.link[recent]] == asked.mac]
    members = _unanswered(scene, asked, rows_near(near, recent)) if len(recent) else []
    text = table.addresses.text
    senders = {text(source): int(ttl) for source, ttl in zip(table.sources(recent), table.ttl[recent], strict=True)}
    ttl = senders.get(asked.wanted)
    return _Waiting(members, ttl is not None, ttl is not None and segment.is_forwarded(ttl))


def _unanswered(scene: Scene, asked: _Asked, rows: Rows) -> list[Member]:
    """Exchanges with the asker that have one of these rows and no answer."""
    return [
        (part, index)
        for part, index in scene.with_rows(rows)
        if part.outcomes[part.outcome[index]] in _FAILED[part.kind]
        and (":" in asked.asker or _target(part, index) == asked.asker)
    ]


def _target(part: ExchangeColumns, index: int) -> str:
    fields = part.fields(index)
    return str(fields.dst if part.kind == "icmp.echo" else fields.server.address)


class _Errors:
    """Errors with which somebody gave up on something else than the address asked for, or on an answer, by time."""

    def __init__(self, scene: Scene, wanted: set[str]) -> None:
        part = scene.part("icmp.error")
        self._all: list[tuple[int, int, IcmpError]] = []
        self._own: dict[str, list[tuple[int, int, IcmpError]]] = defaultdict(list)
        for index in scene.open(part, *(name for name in _ABSENT if name in part.outcomes)):
            fields: IcmpError = part.fields(index)
            if fields.about is None:
                continue
            one = int(part.start_ns[index]), index, fields
            if fields.from_ == fields.about.src:
                self._own[fields.from_].append(one)
            elif fields.about.dst not in wanted or fields.from_ == fields.about.dst:
                self._all.append(one)  # else the speaker asked for that one itself
        for some in (self._all, *self._own.values()):
            some.sort(key=itemgetter(0))

    def __len__(self) -> int:
        return len(self._all) + len(self._own)

    def about(self, scene: Scene, asked: _Asked) -> list[int]:
        """Those that may be about what somebody asked for, in the order of the capture."""
        part, asked_ns = scene.part("icmp.error"), scene.table.time_ns[asked.rows]
        done = scene.accounted[part.kind]
        first, last = int(asked_ns.min()), int(asked_ns.max()) + _GIVES_UP_NS
        found: list[int] = []
        for some in (self._own.get(asked.asker, []), self._all):
            for start_ns, index, fields in some[bisect_right(some, first, key=itemgetter(0)) :]:
                if start_ns >= last:
                    break
                wait_ns = start_ns - asked_ns
                if index not in done and _fits(fields, asked) and ((wait_ns > 0) & (wait_ns < _GIVES_UP_NS)).any():
                    found.append(index)
        return sorted(found)


def _fits(error: IcmpError, asked: _Asked) -> bool:
    """Whether an error may tell the end of these questions: of the asker itself, or of another one on the way."""
    about = error.about
    if about is None or (":" in about.dst) != (":" in asked.wanted):
        return False
    return error.from_ == about.src or (error.from_ != asked.asker and about.dst != asked.wanted)


def _quoted(scene: Scene, told: list[int]) -> list[Member]:
    """The exchanges that these errors are about."""
    if not told:
        return []
    part, icmp = scene.part("icmp.error"), scene.table.icmp
    rows = part.frames[part.bounds[np.asarray(told)]]
    flows = quoted_flows(scene.table)[np.searchsorted(icmp.row, rows)]
    wanted = distinct(flows[flows != NO_FLOW])
    found: list[Member] = []
    for kind in CONVERSATIONS:
        one = scene.part(kind)
        own = scene.table.flow[one.frames[one.bounds[:-1]]]
        of = set(np.flatnonzero(among(own, wanted)).tolist())
        found += [(one, index) for index in scene.open(one, *_FAILED[kind]) if index in of]
    return found


def _all_legs(scene: Scene, members: list[Member]) -> list[Member]:
    """These exchanges, and what they are called on the other side of a NAT."""
    part = scene.part("journey")
    known = {(one.kind, index) for one, index in members}
    found = list(members)
    for legs in scene.exchanges.carried(part, range(len(part))).values():
        if any((one.kind, index) in known for one, index in legs):
            found += [leg for leg in legs if leg[1] in scene.open(leg[0], *_FAILED.get(leg[0].kind, ()))]
    return list({(one.kind, index): (one, index) for one, index in found}.values())
