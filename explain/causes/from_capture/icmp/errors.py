"""Somebody said why: every ICMP error with its speaker, what it quotes, and what follows from it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among, distinct
from explain.causes.from_capture.icmp import closed_port, expired
from explain.causes.from_capture.icmp.meanings import ABSENT, FROM_ROUTER, meaning
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.causes.from_capture.together import joined, naming
from explain.exchanges.columns import rows_of
from explain.exchanges.icmp.error import size_claim
from explain.exchanges.icmp.quotes import quoted_flows, quoted_row
from explain.exchanges.over_places.unheard import unheard
from explain.exchanges.together import CONVERSATIONS
from explain.places.near import whole_of
from explain.record import NamedTuple
from explain.table import ICMP, ICMPV6, NO_FLOW, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.icmp.echo import IcmpEcho
    from explain.exchanges.icmp.error import IcmpError
    from explain.table import PacketTable, Rows

_PROVED = frozenset(("icmp-redirect", "udp-no-listener"))
_SOUND = ("", "unsized")  # what is odd about a report of a packet that was too large: nothing
_SURE = {"unsaid": "likely", "doubtful": "possible", "tiny": "possible"}
_SEVERAL = 2  # reports of packets that did not arrive whole
_TCP, _ROUND_TRIP_NS, _FORGOTTEN_NS = 6, 190_000_000, 300_000_000_000  # RFC 6298: a time-out takes longer; RFC 1191
_NOT_TAKEN = ("protocol-unreachable", "port-unreachable")  # Linux says the latter of tunnels that it does not know
_WITH_FILTERS = ("icmp", "icmpv6", "tcp", "udp")  # every host takes these, so who does not has a rule
_LINK_HEADERS = 40  # octets at most
_PASSING = {
    "no-route-on-router": ("router-interface-down",),
    "no-return-route-on-router": ("router-interface-down",),
    "destination-host-absent-behind-router": ("target-interface-down",),
}
"""What may be so for a while only, and what then is as likely: a link or a host that was away."""
_DEAF = ("filter-on-sender-input", "pmtu-blackhole")
_KEEPS_ERRORS = ("icmp-errors-filtered-on-router", "filter-on-router-forward")
_SAY_AT_ONCE = ("reject-route-on-router", "filter-on-router-forward")  # without a question for the MAC
_ABSENT_BEHIND = "destination-host-absent-behind-router"
_AT_ONCE_NS = 300_000_000
_ECHO_REPLIES = (0, 129)


class _Key(NamedTuple):
    place: int
    name: str
    speaker: str
    protocol: str
    target: str
    port: int | None


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for all errors with the same speaker, meaning and target."""
    part = scene.part("icmp.error")
    if not len(part):
        return
    affected, about_groups = _affected(scene), _about_groups(scene.table, part)
    done = scene.accounted["icmp.error"]
    groups: dict[_Key, list[int]] = defaultdict(list)
    for index in range(len(part)):
        if index in done:
            continue
        if index in about_groups:
            done.add(index)  # no host needs an answer to what it told a group (RFC 1122, 3.2.2)
            continue
        fields = part.fields(index)
        about = fields.about
        place = int(scene.table.place[part.rows(index)[0]])
        name = part.outcomes[part.outcome[index]]
        port = about.dport if about and name == "port-unreachable" else None
        groups[
            _Key(place, name, fields.from_, about.protocol if about else "", about.dst if about else fields.to, port)
        ].append(index)
    _join_to_and_fro(part, groups)
    found: dict[tuple[Hashable, ...], list[Seen]] = defaultdict(list)
    for key, indices in groups.items():
        if (key.name in FROM_ROUTER and part.fields(indices[0]).about) or key.name == "ttl-exceeded":
            one = _judge(scene, part, key, indices, affected)
            found[key.place, *naming(one, without=("protocol",))].append(one)
    yield from map(_whatever_was_sent, found.values())


def _whatever_was_sent(some: list[Seen]) -> Seen:
    """One finding of those that differ in what was sent only: pings, datagrams, segments."""
    if len(some) == 1:
        return some[0]
    one = joined(some)
    return replace(one, values={**one.values, "count": sum(each.values["count"] for each in some)})


def _join_to_and_fro(part: ExchangeColumns, groups: dict[_Key, list[int]]) -> None:
    """Join the redirects of two routers that each name the other one as the better way to one target."""
    for key in [key for key in groups if key.name.startswith("redirect")]:
        if key not in groups:
            continue
        gateway = part.fields(groups[key][0]).gateway
        other = key._replace(speaker=gateway) if gateway else key
        if other != key and other in groups and part.fields(groups[other][0]).gateway == key.speaker:
            groups[key] += groups.pop(other)


def _about_groups(table: PacketTable, part: ExchangeColumns) -> set[int]:
    """The errors that quote a packet to a multicast group or to everybody."""
    at = np.searchsorted(table.icmp.row, part.frames[part.bounds[:-1]])
    is_group = table.addresses.are_groups(table.icmp.quote_dst[at]) & (table.icmp.quote[at] > 0)
    return set(np.flatnonzero(is_group).tolist())


def _affected(scene: Scene) -> dict[int, list[Member]]:
    """For each ICMP row, the exchanges whose packet it quotes."""
    icmp = scene.table.icmp
    flows = quoted_flows(scene.table)
    is_told = flows != NO_FLOW
    wanted = distinct(flows[is_told])
    by_flow: dict[int, list[Member]] = defaultdict(list)
    for kind in CONVERSATIONS:
        part = scene.part(kind)
        own = scene.table.flow[_openers(part, icmp.row[is_told])]
        for index in np.flatnonzero(among(own, wanted)).tolist():
            by_flow[int(own[index])].append((part, index))
    quoted = zip(icmp.row[is_told].tolist(), flows[is_told].tolist(), strict=True)
    affected = {row: by_flow[flow] for row, flow in quoted if flow in by_flow}
    for trace, index in scene.unfinished_traces:
        for row in np.intersect1d(trace.rows(index), icmp.row).tolist():
            affected[row] = [*affected.get(row, ()), (trace, index)]
    return affected


def _openers(part: ExchangeColumns, errors: Rows) -> Rows:
    """The first frame of each exchange that is no error: an error may have been recorded before what it quotes."""
    first = part.frames[part.bounds[:-1]]
    for index in np.flatnonzero(among(first, errors)).tolist():
        rows = part.rows(index)
        first[index] = rows[np.argmin(among(rows, errors))]
    return first


def _members(part: ExchangeColumns, indices: list[int], affected: dict[int, list[Member]]) -> list[Member]:
    """These errors, and what they are about: of pings, the runs that have them, or whose answer they quote."""
    members: list[Member] = [(part, index) for index in indices]
    is_redirect = part.outcomes[part.outcome[indices[0]]].startswith("redirect")
    rows = part.frames[part.bounds[indices]]
    # Many errors are about the same conversations, and share one list of them.
    lists = {id(found): found for row in rows.tolist() if (found := affected.get(row))}
    others = {(other.kind, number): (other, number) for found in lists.values() for other, number in found}
    told = [about for index in indices if (about := part.fields(index).about)]
    waited_for = {(about.dst, about.src, about.id) for about in told}
    having: set[int] | None = None
    for other, number in others.values():
        if other.kind != "icmp.echo" or is_redirect:
            members.append((other, number))
            continue
        having = set(other.with_rows(rows).tolist()) if having is None else having
        echo: IcmpEcho = other.fields(number)
        if number in having or (echo.src, echo.dst, echo.id) in waited_for:
            members.append((other, number))
    return members


def _judge(
    scene: Scene, part: ExchangeColumns, key: _Key, indices: list[int], affected: dict[int, list[Member]]
) -> Seen:
    fields: IcmpError = part.fields(indices[0])
    members = _members(part, indices, affected)
    rows = [int(part.rows(index)[0]) for index in indices]
    values: dict[str, Any] = {
        "from": key.speaker, "error": key.name, "protocol": key.protocol, "dst": key.target, "count": len(indices),
        "port": key.port, "mtu": fields.mtu, "gateway": fields.gateway,
        "src": fields.to,  # whose packet it was; a NAT may have left another address in the quotation
    }  # fmt: skip
    is_answer = _is_about_an_answer(scene, key, members, rows)
    if key.name == "ttl-exceeded":
        return expired.judge(scene, members, rows, values, is_answer=is_answer)
    if key.name == "port-unreachable" and key.protocol == "udp" and key.speaker == key.target:
        return closed_port.judge(scene, members, rows, values, is_answer=is_answer)
    cause, rivals = meaning(fields, key.name, key.target, is_answer=is_answer)
    if key.name in _NOT_TAKEN and key.speaker == key.target and key.protocol not in _WITH_FILTERS:
        return Seen(cause, "possible", members, rows, rivals, values | {"case": "protocol"})
    if cause == "path-mtu-exceeded":
        return _too_large(scene.table, part, indices, members, rows, values)
    found = Seen(cause, "proved" if cause in _PROVED else "likely", members, rows, rivals, values)
    if key.name == "reassembly-exceeded":
        found = _in_pieces(found, len(indices))
    elif key.name in ABSENT and key.speaker != key.target:
        found = _asked_for(scene, key, fields.to, found)
    if cause == "icmp-redirect":
        return _redirected(part, indices, found)
    return _passing(scene.table, key, found)


def _redirected(part: ExchangeColumns, indices: list[int], found: Seen) -> Seen:
    """The same; or a loop, where two routers name each other, or one the sender, as the better way."""
    fields: IcmpError = part.fields(indices[0])
    is_lost = any(part.outcomes[part.outcome[index]] == "unanswered" for part, index in found.members)
    speakers = {part.fields(index).from_ for index in indices}
    if fields.gateway == found.values["dst"]:
        return replace(found, rivals=("wrong-netmask-on-sender",), values={**found.values, "case": "neighbour"})
    if not is_lost:
        return found
    if fields.gateway == fields.to or len(speakers) > 1:
        case = "handed-back" if fields.gateway == fields.to else "to-and-fro"
        return replace(found, cause="routing-loop", certainty="likely", values={**found.values, "case": case})
    return replace(found, values={**found.values, "case": "lost"})


def _in_pieces(found: Seen, errors: int) -> Seen:
    """The same, told as what became of fragments."""
    if _loses_every_rest(list(found.members), errors):
        values = {**found.values, "case": "told"}
        return replace(found, cause="fragments-filtered", rivals=("partial-loss",), values=values)
    return replace(found, values={**found.values, "case": "fragments"})


def _asked_for(scene: Scene, key: _Key, sender: str, found: Seen) -> Seen:
    """The same, with the speaker's questions for the target that nobody answered."""
    asked, rivals, values = _asked_in_vain(scene, key), tuple(found.rivals), {**found.values}
    if any(part.fields(index).asker_ip != sender for part, index in asked):  # a router has several addresses
        rivals = tuple(rival for rival in rivals if rival not in _SAY_AT_ONCE)
    if found.cause == "destination-host-absent-on-link":
        values |= {"case": "told", "address": key.target, "asker": key.speaker, "requests": _requests(asked)}
    if key.target in _looked_up(scene):
        rivals = (*rivals, "name-resolves-to-wrong-address")
    members, rows = [*found.members, *asked], [*found.rows, *rows_of(asked)]
    found = replace(found, members=members, rows=rows, rivals=rivals, values=values)
    at_once_ns = 0 if asked else _said_at_once(scene.table, found)
    if not at_once_ns or found.cause != _ABSENT_BEHIND:
        return found
    cause, other = reversed(_SAY_AT_ONCE) if ":" in key.target else _SAY_AT_ONCE  # a route of IPv6 says no-route
    rivals = (other, _ABSENT_BEHIND, *(rival for rival in rivals if rival not in _SAY_AT_ONCE))
    return replace(found, cause=cause, rivals=rivals, values={**values, "case": "at-once", "after_ns": at_once_ns})


def _said_at_once(table: PacketTable, found: Seen) -> int:
    """How long after the first packet of a conversation its error came, if too soon for a question for the MAC.

    Source: RFC 4861, 10 and Linux, ``mcast_solicit``: three questions, a second apart.
    """
    first = min(found.rows)
    quoted = quoted_row(table, first)
    began = (int(part.frames[part.bounds[index]]) for part, index in found.members if part.kind in CONVERSATIONS)
    if quoted is None or quoted not in began:
        return 0
    after_ns = int(table.time_ns[first] - table.time_ns[quoted])
    return after_ns if 0 < after_ns < _AT_ONCE_NS else 0


def _passing(table: PacketTable, key: _Key, found: Seen) -> Seen:
    """The same, told as what was so for a while only, where the target was heard again later."""
    lost_ns = _mended(table, key, list(found.members), list(found.rows)) if found.cause in _PASSING else 0
    if not lost_ns:
        return found
    values = {**found.values, "case": "passing", "lost_ns": lost_ns}
    return replace(found, rivals=_PASSING[found.cause], values=values)


def _mended(table: PacketTable, key: _Key, members: list[Member], rows: list[int]) -> int:
    """How long after the first error the target was heard again in the same conversations; 0 if it was not."""
    conversations = [part.rows(index) for part, index in members if part.kind in CONVERSATIONS]
    if not conversations:
        return 0
    told = distinct(np.concatenate(conversations))
    later = told[(told > max(rows)) & (table.layers[told] & (TCP | UDP | ICMP | ICMPV6) != 0)]
    speakers = table.sources(later)
    target = [one for one in distinct(speakers).tolist() if table.addresses.text(one) == key.target]
    later = later[among(speakers, target)]
    return max(int(table.time_ns[later[0]] - table.time_ns[min(rows)]), 0) if len(later) else 0


def _too_large(
    table: PacketTable,
    part: ExchangeColumns,
    indices: list[int],
    members: list[Member],
    rows: list[int],
    values: dict[str, Any],
) -> Seen:
    """Too large for a link: proved by one report whose numbers agree with each other."""
    told: list[IcmpError] = [part.fields(index) for index in indices]
    told.sort(key=lambda one: size_claim(one) not in _SOUND)  # keeps the order of time among those that are alike
    claim, length = size_claim(told[0]), told[0].about.length if told[0].about else None
    values |= {"mtu": told[0].mtu, "length": length} | ({} if claim in _SOUND else {"case": claim})
    if claim in _SOUND and _is_unheeded(table, rows):
        if way := unheard(table, rows):
            last, due = (whole_of(table).places[at].label for at in way)
            values |= {"case": "kept-back", "last": last, "next": due}
            return Seen("pmtu-blackhole", "proved", members, rows, _KEEPS_ERRORS, values)
        return Seen("path-mtu-exceeded", "proved", members, rows, _DEAF, values | {"case": "unheeded"})
    if claim in _SOUND and _is_heeded(table, members, rows, told[0].mtu or 0):
        values |= {"case": "heeded"}
    return Seen("path-mtu-exceeded", _SURE.get(claim, "proved"), members, rows, (), values)


def _is_unheeded(table: PacketTable, rows: list[int]) -> bool:
    """Whether segments of TCP were sent that large again and again, long after their sender had been told.

    What was under way meanwhile was sent within a round trip; what a sender learned it forgets after minutes.
    """
    icmp, again = table.icmp, 0
    told_ns: dict[int, int] = {}
    for row in sorted(rows):
        at = int(np.searchsorted(icmp.row, row))
        first_ns = told_ns.setdefault(table.ends(row)[1], int(table.time_ns[row]))
        if icmp.quote_protocol[at] != _TCP or int(table.time_ns[row]) - first_ns <= _ROUND_TRIP_NS or again >= _SEVERAL:
            continue
        quoted = quoted_row(table, row)
        if quoted is not None and _ROUND_TRIP_NS < int(table.time_ns[quoted]) - first_ns < _FORGOTTEN_NS:
            again += 1
    return again >= _SEVERAL


def _is_heeded(table: PacketTable, members: list[Member], rows: list[int], mtu: int) -> bool:
    """Whether every conversation went on after the last of these reports, with packets that arrive (RFC 1191)."""
    told = np.array(sorted(rows))
    at = np.searchsorted(table.icmp.row, told)
    last = dict(zip(quoted_flows(table)[at].tolist(), zip(told.tolist(), at.tolist(), strict=True), strict=True))
    conversations = [part.rows(index) for part, index in members if part.kind in CONVERSATIONS]
    return bool(conversations) and all(_goes_on(table, one, last, mtu) for one in conversations)


def _goes_on(table: PacketTable, rows: Rows, last: dict[int, tuple[int, int]], mtu: int) -> bool:
    """Whether the target answers what was sent after the last report about a conversation."""
    reports = [last[flow] for flow in distinct(table.flow[rows]).tolist() if flow in last]
    if not reports:
        return False
    row, at = max(reports)
    later = rows[(rows > row) & (table.layers[rows] & (TCP | UDP | ICMP | ICMPV6) != 0)]
    is_heard = table.sources(later) == table.icmp.quote_dst[at]
    sent, heard = later[~is_heard], later[is_heard]
    if table.icmp.quote_protocol[at] == _TCP:
        heard = heard[(table.ack[heard] - table.icmp.quote_word[at]).view(np.int32) > 0]
    elif (table.length[sent] > mtu + _LINK_HEADERS).any():
        return False
    return len(sent) > 0 and bool((heard > sent[0]).any())


def _loses_every_rest(members: list[Member], errors: int) -> bool:
    """Whether again and again the first fragment arrived, as whoever reports it must have, and never the others.

    Chance would let a packet through whole now and then.  Source: RFC 792, page 7; RFC 8200, 4.5.
    """
    echoes = [(part, index) for part, index in members if part.kind == "icmp.echo"]
    got_through = any(part.fields(index).received for part, index in echoes)
    return errors >= _SEVERAL and not got_through


def _is_about_an_answer(scene: Scene, key: _Key, members: list[Member], rows: list[int]) -> bool:
    """Whether the quoted packet went to the side that had asked."""
    icmp = scene.table.icmp
    at = int(np.searchsorted(icmp.row, rows[0]))
    if key.protocol in ("icmp", "icmpv6"):
        return int(icmp.quote_word[at]) > 0 and int(icmp.quote_kind[at]) >> 8 in _ECHO_REPLIES
    askers = {_asker(part, index) for part, index in members if part.kind in ("tcp.connection", "udp.flow")}
    return len(askers) == 1 and scene.table.addresses.text(askers.pop()) == key.target


def _asker(part: ExchangeColumns, index: int) -> int:
    """The client's address key; all else that is to be known of a connection takes long to find."""
    if part.kind == "tcp.connection":
        client: int = part.facts["moments"].ends(index)[0][0]
        return client
    return int(part.facts["client"][index])


def _looked_up(scene: Scene) -> set[str]:
    """Addresses that name servers gave here."""
    part = scene.part("dns.lookup")
    return {str(answer) for index in part.where("answered").tolist() for answer in part.fields(index).answers}


def _asked_in_vain(scene: Scene, key: _Key) -> list[Member]:
    """Unanswered questions for the target: by the speaker itself if its question was recorded."""
    found: list[Member] = []
    for kind in ("arp.resolution", "ndp.resolution"):
        part = scene.exchanges.of_kind(kind)
        if part is not None:
            found += [
                (part, index) for index in scene.open(part, "unanswered") if part.fields(index).wanted_ip == key.target
            ]
    return found


def _requests(asked: list[Member]) -> int:
    return sum(part.fields(index).requests for part, index in asked)
