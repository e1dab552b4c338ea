"""Connections that were refused, not finished, slow, lossy or cut short."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import distinct
from explain.causes.from_capture import reached
from explain.causes.from_capture.scene import Scene, Seen
from explain.causes.from_capture.silence import nat_first
from explain.causes.from_capture.tcp import endings, scan, troubles
from explain.causes.from_capture.tcp.scan import by_service, with_services_of
from explain.decode.contents import GREETING
from explain.exchanges.columns import rows_of
from explain.exchanges.segment import is_private_underway
from explain.exchanges.tcp.challenge import challenges
from explain.exchanges.tcp.course import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.from_capture.tcp.trouble import Trouble
    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.course import Course

_REFUSED = (
    "tcp-bound-to-loopback",
    "filter-on-target-input",
    "filter-on-router-forward",
    "dnat-missing",
    "dnat-to-wrong-port",
    "rst-by-middlebox",
)
NO_SYN_ACK = (
    "filter-on-target-input", "filter-on-target-ingress", "filter-on-target-output", "filter-on-router-forward",
    "forwarding-disabled", "no-return-route-on-target", "wrong-gateway-on-target", "wrong-netmask-on-target",
    "no-return-route-on-router", "reject-route-on-router", "rp-filter-strict", "tcp-accept-queue-full",
    "masquerade-missing", "masquerade-wrong-interface", "nat-wrong-source-net", "masquerade-bypassed-by-notrack",
    "snat-to-unowned-address", "dnat-to-absent-host", "hairpin-nat-missing", "wrong-gateway-address",
    "wrong-static-neighbour", "wrong-source-address-selected", "conntrack-table-full",
    "stateful-filter-asymmetric-path", "destination-host-absent-behind-router", "target-interface-down",
    "name-resolves-to-wrong-address", "partial-loss", "filter-on-switch", "wrong-static-fdb-entry", "arp-spoofed",
    "arp-disabled", "duplicate-address", "corrupted-packets", "reply-ttl-too-low", "no-route-on-router",
    "wrong-nexthop-on-router", "router-interface-down", "routing-loop", "sender-address-in-wrong-subnet",
)  # fmt: skip
_HALF_OPEN = ("filter-on-sender-input", "stateful-filter-asymmetric-path", "hairpin-nat-missing", "partial-loss")
_DECLINED = ("hairpin-nat-missing", "rst-by-middlebox")  # the client had asked another address; or is not who says so
_LATE_NS, _ASKED_AGAIN = 1_000_000_000, 2  # a client that waited so long for the answer, and SYNs that it sent
_OLDER = ("filter-on-sender-input", "stateful-filter-asymmetric-path")
_FLOOD, _FLOODERS, _FLOOD_PACE_NS = 64, 16, 100_000_000  # SYNs to one port, from how many addresses, how dense
_PATIENCE_NS = 1_500_000_000
_NO_SERVICE = (b"421 ", b"5", b"-ERR", b"* BYE", b"ERROR")  # RFC 5321, 3.1; RFC 959, 5.4; RFC 9051, 7.1.5
_CLOSED = ("refused", "unanswered")  # which a service is for a while, perhaps


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for all connections to the same service that failed alike."""
    part = scene.part("tcp.connection")
    if not len(part):
        return
    for found in scan.look(scene, part, _REFUSED, NO_SYN_ACK):
        scene.account(found)
        yield found
    yield from scan.stealthy(scene, part)
    yield from _same_fate(scene, part, "refused", "tcp-no-listener", "likely", _REFUSED)
    yield from _turned_away(scene, part)
    yield from _challenged(scene, part)
    yield from _same_fate(scene, part, "unanswered", "tcp-syn-unanswered", "possible", NO_SYN_ACK)
    yield from _same_fate(scene, part, "rejected", "filter-on-target-input", "likely", ("filter-on-router-forward",))
    yield from _same_fate(scene, part, "half-open", "tcp-handshake-unfinished", "possible", _HALF_OPEN)
    yield from _declined(scene, part)
    yield from _troubles(scene, part)
    yield from endings.cut_short(scene, part)
    yield from endings.closed_at_once(scene, part)


def _same_fate(
    scene: Scene, part: ExchangeColumns, outcome: str, cause: str, certainty: str, rivals: tuple[str, ...]
) -> Iterator[Seen]:
    fated = scene.open(part, outcome)
    if outcome == "half-open":
        fated = [index for index in fated if not _is_declined(part, index)]
    taken = _taken(scene, part, fated) if fated and outcome in _CLOSED else {}
    for server, port, some in by_service(scene, part, fated):
        members = [(part, index) for index in some]
        rows = rows_of(members)
        values: dict[str, Any] = {"server": server, "port": port, "count": len(some)}
        is_home = scene.one_link.stays_home(rows)
        why = scene.one_link.possible(rows, rivals) if outcome == "unanswered" or is_home else rivals
        if outcome == "unanswered" and len(reached.acknowledgements(scene.table, rows)):
            why = reached.possible(why, but=("name-resolves-to-wrong-address",))
        if outcome == "unanswered" and (is_home or is_private_underway(scene.table, rows[0])):
            values |= {
                "case": "home" if is_home else "private",
                "client": scene.table.addresses.text(scene.table.ends(rows[0])[0]),
            }
            why = why if is_home else nat_first(why)
        elif clients := _flooding(scene, part, some):
            values |= {"case": "flood", "clients": clients}
        elif outcome == "unanswered" and _are_signed(scene, part, some):
            values |= {"case": "signed"}
        elif outcome == "refused" and (beyond := _passed_on(scene, part, some)):
            values |= beyond
            why = _without_dnat(why)
        elif outcome in _CLOSED and (alike := taken.get((server, port))):
            values |= _at_other_times(scene, part, some, alike)
            if "real" in values:
                yield Seen("dnat-missing", certainty, members, rows, (cause, *_without_dnat(why)), values)
                continue
        yield Seen(cause, certainty, members, rows, why, values)


def _without_dnat(why: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for one in why if one != "dnat-missing")


def _taken(scene: Scene, part: ExchangeColumns, closed: list[int]) -> dict[tuple[str, int], list[int]]:
    """The connections that the services of closed ones took, by service."""
    indices = np.flatnonzero(part.facts["course"].syn_ack != NEVER)
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for server, port, some in by_service(scene, part, with_services_of(scene.table, part, closed, indices)):
        found[server, port] += some
    return found


def _at_other_times(scene: Scene, part: ExchangeColumns, closed: list[int], taken: list[int]) -> dict[str, Any]:
    """Whether a service takes connections later or took some before, from or until which frame, and who really does."""
    start_ns = part.start_ns
    if start_ns[taken].min() > start_ns[closed].max():
        first = min(taken, key=lambda index: int(start_ns[index]))
        values = {"case": "opened", "frame": int(scene.table.frame[part.rows(first)[0]])}
        if (real := _really(scene, part, [first])) and real != _really(scene, part, closed[:1]):
            values |= {"real": scene.table.addresses.text(real[0]), "real_port": real[1]}
        return values
    if start_ns[taken].max() < start_ns[closed].min():
        last = max(taken, key=lambda index: int(start_ns[index]))
        count = len(_alive(part, taken, int(start_ns[closed].min())))
        values = {"case": "ended", "frame": int(scene.table.frame[part.rows(last)[0]])}
        is_limit = count > 1 and part.outcomes[part.outcome[closed[0]]] == "refused"
        return values | {"case": "limited", "alive": count} if is_limit else values
    return {}


def _alive(part: ExchangeColumns, some: list[int], at_ns: int) -> list[int]:
    """The connections that went on past a time, of which their server had ended none by then."""
    course, rows, time_ns = part.facts["course"], part.frames, part.facts["moments"].table.time_ns
    ends = np.minimum(course.fins[1], course.resets[1])
    open_ = [index for index in some if part.end_ns[index] > at_ns]
    return [index for index in open_ if ends[index] == NEVER or time_ns[rows[ends[index]]] > at_ns]


def _really(scene: Scene, part: ExchangeColumns, indices: list[int]) -> tuple[int, int] | None:
    from explain.causes.from_capture.tcp.refusals import who_answered

    return who_answered(scene, part, indices) if scene.table.whole is not scene.table else None


def _flooding(scene: Scene, part: ExchangeColumns, some: list[int]) -> int:
    """From how many addresses a flood of SYNs came; 0 where they may be those of clients.

    Clients offer an MSS (RFC 9293, 3.7.1), and ask again after a second (RFC 6298, 2).
    """
    if len(some) < _FLOOD or (part.facts["course"].syns[some] > 1).any():
        return 0
    table, first, start_ns = scene.table, part.frames[part.bounds[some]], part.start_ns[some]
    is_bare = not table.syn.mss[np.searchsorted(table.syn.row, first)].any()
    has_waited = int((table.recorded(first)[1] - start_ns > _PATIENCE_NS).sum()) >= _FLOOD
    is_dense = int(np.ptp(start_ns)) < len(some) * _FLOOD_PACE_NS
    clients = len(distinct(table.sources(first)))
    return clients if clients >= _FLOODERS and is_dense and (is_bare or has_waited) else 0


def _are_signed(scene: Scene, part: ExchangeColumns, some: list[int]) -> bool:
    """Whether all of these SYNs bear a signature, which only who has the same key takes."""
    syn, first = scene.table.syn, part.frames[part.bounds[some]]
    return bool(syn.is_signed[np.searchsorted(syn.row, first)].all())


def _passed_on(scene: Scene, part: ExchangeColumns, some: list[int]) -> dict[str, Any]:
    """As ``refusals.passed_on``, which few captures need."""
    from explain.causes.from_capture.tcp.refusals import passed_on

    return passed_on(scene, part, some)


def _turned_away(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """Servers whose very first words are that they will not serve: nobody had said anything yet."""
    kept = scene.table.contents.get(GREETING)
    texts = dict(zip(kept.row, kept.octets, strict=True)) if kept else {}
    rows = np.array([row for row, octets in texts.items() if octets.startswith(_NO_SERVICE)], np.int64)
    course, moments = part.facts["course"], part.facts["moments"]
    shown: dict[int, int] = {}
    for index in part.with_rows(rows).tolist() if len(rows) else ():
        talk = moments.talk(index)
        data = np.flatnonzero(talk.length > 0)[:1]
        if course.syn_ack[index] != NEVER and talk.rows[data[0]] in rows and talk.role[data[0]] == 1:
            shown[index] = int(talk.rows[data[0]])
    if not shown:
        return
    from explain.exchanges.tls.talk import first_line

    for server, port, indices in by_service(scene, part, list(shown)):
        said = [shown[index] for index in indices]
        values = {
            "server": server, "port": port, "count": len(indices), "case": "turned-away",
            "says": first_line(texts[said[0]]),
        }  # fmt: skip
        found = Seen("tcp-application-closes", "proved", [(part, index) for index in indices], said, (), values)
        scene.account(found)
        yield found


def _challenged(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """SYNs that the server answered with the ACK of an older connection."""
    moments = part.facts["moments"]
    is_talking = part.facts["course"].is_talking[1]
    shown = {
        index: talk.rows[challenges(talk)].tolist()
        for index in scene.open(part, "unanswered")
        if is_talking[index]
        for talk in [moments.talk(index)]
    }
    for server, port, indices in by_service(scene, part, list(shown)):
        rows = [row for index in indices for row in shown[index]]
        values = {"server": server, "port": port, "count": len(indices), "case": "older"}
        members = [(part, index) for index in indices]
        found = Seen("tcp-half-open", "likely", members, rows, _OLDER, values)
        scene.account(found)
        yield found


def _declined(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """Clients that answer the SYN-ACK with RST: it came, so nothing on the way is at fault."""
    some = [index for index in scene.open(part, "half-open") if _is_declined(part, index)]
    for server, port, indices in by_service(scene, part, some):
        members, waited = [(part, index) for index in indices], _waited_in_vain(part, indices)
        case = "declined-late" if waited >= _LATE_NS else "declined"
        values = {"server": server, "port": port, "count": len(indices), "case": case, "waited_ns": waited}
        why = ("partial-loss", *_DECLINED) if waited >= _LATE_NS else _DECLINED
        yield Seen("tcp-handshake-unfinished", "likely", members, rows_of(members), why, values)


def _waited_in_vain(part: ExchangeColumns, indices: list[int]) -> int:
    """The shortest time from a client's SYN to its RST, if all asked again meanwhile; else 0."""
    course: Course = part.facts["course"]
    if (course.syns[indices] < _ASKED_AGAIN).any():
        return 0
    time_ns, rows = part.facts["moments"].table.time_ns, part.frames
    return int((time_ns[rows[course.resets[0, indices]]] - time_ns[rows[course.first_syn[indices]]]).min())


def _is_declined(part: ExchangeColumns, index: int) -> bool:
    course: Course = part.facts["course"]
    return bool(course.resets[0, index] != NEVER)


def _troubles(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """Connections that opened well and went badly; those of one kind to one service together."""
    alike: dict[tuple[str, str | None], dict[int, Trouble]] = defaultdict(dict)
    for trouble in troubles.look(scene, part):
        alike[trouble.cause, trouble.values.get("case")][trouble.connection] = trouble
    for (cause, _), shown in alike.items():
        for server, port, indices in by_service(scene, part, list(shown)):
            worst = max((shown[index] for index in indices), key=lambda one: len(one.rows))
            rows = [row for index in indices for row in shown[index].rows]
            counts = [name for name in ("resent", "segments", "passed", "held", "held_ns") if name in worst.values]
            values = worst.values | {name: sum(shown[index].values[name] for index in indices) for name in counts}
            values |= {
                "server": server, "port": port, "count": len(indices),
                "client": scene.table.addresses.text(part.facts["moments"].ends(worst.connection)[0][0]),
            }  # fmt: skip
            values |= _side(scene, rows, values)
            yield Seen(cause, worst.certainty, [(part, index) for index in indices], rows, worst.rivals, values)


def _side(scene: Scene, again: list[int], values: dict[str, Any]) -> dict[str, Any]:
    """The case of a loss of one way, if all of it was on one side of this place: the first copies passed, or none."""
    passed = values.get("passed")
    if passed is None or passed not in (0, values["resent"]) or len(scene.table.places) > 1:
        return {}
    ways = distinct(scene.table.sources(np.array(again)))
    if len(ways) > 1:
        return {}
    sender = scene.table.addresses.text(int(ways[0]))
    reader = values["client"] if sender == values["server"] else values["server"]
    return {"case": "segments-beyond" if passed else "segments-before", "sender": sender, "reader": reader}
