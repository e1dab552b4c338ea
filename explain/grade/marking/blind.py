"""Why what is not in a capture proves nothing: frames were lost, filtered out, or came before it began."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.unrecorded import lacking
from explain.grade.events.event import Event, end
from explain.grade.language.predicates import holds
from explain.table import ACK, CUT, ICMP, ICMPV6, RST, SYN, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.moments import TcpMoments
    from explain.grade.events.scene import Scene
    from explain.grade.language.cited import Recorded
    from explain.grade.language.predicates import Predicate
    from explain.grade.rubric.records import Pattern
    from explain.table import Rows

_WORDS = re.compile(r"\s*[a-z0-9]+(\s+or\s+[a-z0-9]+)*\s*")
_CARRIERS = {"dhcp": ("udp", "ip"), "dns": ("udp", "ip"), "nat": ("ip",), "ip": (), "traceroute": (), "http": ("tcp",),
             "tcp": ("ip",), "udp": ("ip",), "icmp": ("ip",), "arp": ()}  # fmt: skip
_NOBODY, _EVERYBODY = "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"
_EARLY = ("tcp.handshake", "tcp.stream")
"""What may have been there before the capture began, where its connection was open already."""
_PORTS = {"dhcp": (67, 68), "dhcpv6": (546, 547), "dns": (53, 5353), "http": ()}
"""What is read from behind the header, by the ports of either side; of HTTP any."""
_MOST_LOOKED_AT = 2000
_ENDED = ("closed", "reset", "refused", "rejected")


def hides_absence(scene: Scene, wanted: Pattern, names: Mapping[str, Any], *, is_lack: bool) -> str | None:
    """Why the absence of something cannot be told from these captures; None if it can.

    ``is_lack`` is for what should have been there: an empty capture, or one that began late, shows then that it
    was not recorded, and that is what was asked for.

    Returns:
        ``dropped``, ``cut``, ``missing``, ``filtered``, ``short``, ``midstream`` or ``late``, which are words of
        the table.
    """
    reason = scene.loses_frames()
    if reason is None and any(_excludes(one, wanted.event) for one in _filters(scene)):
        reason = "filtered"
    if reason is None and _is_short(scene, wanted):
        reason = "short"
    if is_lack and reason is None and wanted.event == "arp.request" and _is_answered(scene, wanted, names):
        reason = "late"
    if is_lack and reason is not None:
        return None if reason == "missing" else reason
    if is_lack:
        return "midstream" if wanted.event in _EARLY and _began_late(scene, wanted, names) else None
    if reason in ("cut", None) and _has_ended(scene, wanted, names):
        return None
    if reason is None and wanted.event.startswith("tcp."):
        return "midstream" if _began_late(scene, wanted, names) else None
    return reason


def is_skewed(event: Event, most_ns: int | None) -> bool:
    """Whether the two clocks that saw a translated packet are further apart than the author allows."""
    inside, outside = event.fields.get("inside"), event.fields.get("outside")
    if most_ns is None or not isinstance(inside, dict) or not isinstance(outside, dict):
        return False
    return bool(abs(outside["time"] - inside["time"]) * 1e9 > most_ns)


def skews(events: Sequence[Event], wanted: Pattern, names: Mapping[str, Any], most_ns: int | None) -> bool:
    """Whether something fits in all but its clocks."""
    return any(is_skewed(one, most_ns) and holds(one, wanted.where, names) for one in events)


def _filters(scene: Scene) -> Iterable[str]:
    return (one.filter for info in scene.report.captures for one in info.interfaces if one.filter)


def _excludes(words: str, event: str) -> bool:
    """Whether a filter may have left such an event out; only one that plainly lets it through does not."""
    family = event.partition(".")[0]
    if not _WORDS.fullmatch(words.lower()):
        return True
    return not {family, *_CARRIERS.get(family, ("ip",))} & set(re.split(r"\s+or\s+|\s+", words.lower()))


def _is_short(scene: Scene, wanted: Pattern) -> bool:
    """Whether frames that this is read from were kept only in their first octets."""
    table = scene.report.packets
    size = len(table)
    cut = np.flatnonzero(table.captured[:size] < table.length[:size])
    if not len(cut):
        return False
    family, layers = wanted.event.partition(".")[0], table.layers[cut]
    if family not in ("arp", "ip") and (layers & CUT != 0).any():
        return True
    fields = {one.field for one in wanted.where}
    if family in _PORTS and family != "http":
        some = cut[layers & UDP != 0]
        ports = np.concatenate([table.source_ports(some), table.target_ports(some)])
        return bool(np.isin(ports, _PORTS[family]).any())
    if family == "http" or any(one.endswith(".text") for one in fields):
        return bool((table.payload[cut[layers & TCP != 0]] > 0).any())
    if family == "traceroute":
        return _quotes_nothing(scene)
    if family == "ndp":
        icmp = table.icmp
        return bool(np.isin(icmp.row[icmp.is_v6 & (icmp.type >= 133) & (icmp.type <= 137)], cut).any())
    is_quoting = family == "icmp" and any(one.startswith("about.") for one in fields)
    return is_quoting and bool((layers & (ICMP | ICMPV6) != 0).any())


def _quotes_nothing(scene: Scene) -> bool:
    """Whether an error was kept so short that nothing in it tells which packet it is about."""
    icmp = scene.report.packets.icmp
    is_error = np.where(icmp.is_v6, np.isin(icmp.type, (1, 2, 3, 4)), np.isin(icmp.type, (3, 11)))
    told = icmp.quote_ip_id | icmp.quote_sport | icmp.quote_dport | icmp.quote_word
    return bool((is_error & (told == 0)).any())


def _is_answered(scene: Scene, wanted: Pattern, names: Mapping[str, Any]) -> bool:
    """Whether somebody was told what such an ARP request asks for, and the request itself is not there."""
    part = scene.report.exchanges.of_kind("arp.resolution")
    for index in range(len(part) if part else 0):
        told = part.fields(index) if part is not None else None
        if part is not None and told is not None and told.replies and not told.requests:
            asker, vlan = {"ip": told.asker_ip, "mac": told.asker_mac}, scene.link(int(part.rows(index)[0]))["vlan"]
            asked = {"sender": asker, "target": {"ip": told.wanted_ip, "mac": _NOBODY}, "opcode": 1,
                     "eth": {"src": told.asker_mac, "dst": _EVERYBODY, "vlan": vlan}}  # fmt: skip
            if holds(Event("arp.request", (), 0, 0, "", asked), wanted.where, names):
                return True
    return False


def unrecorded(scene: Scene, wanted: Pattern, names: Mapping[str, Any]) -> list[Recorded]:
    """Frames that show that a connection which the question may be about had frames that are not in the capture."""
    part = scene.report.exchanges.of_kind("tcp.connection")
    if part is None or wanted.event.partition(".")[0] not in ("tcp", "http"):
        return []
    asked = _about_ends(wanted)
    return [
        (scene.everywhere, scene.whole_row(row))
        for index, rows in _gaps(part).items()
        if holds(_as_event(scene, part, index), asked, names)
        for row in rows.tolist()
    ]


def is_short_of(event: Event, path: str) -> bool:
    """Whether a field of an event may lie in octets of its frames that were not kept."""
    if event.scene is None:
        return False
    table, rows = event.scene.report.packets, np.array(event.rows, np.int64)
    rows = rows[table.captured[rows] < table.length[rows]]
    family = event.name.partition(".")[0]
    is_read_behind = family in _PORTS or path.endswith((".text", ".bytes")) or path.startswith("about")
    return bool(len(rows)) and (is_read_behind or bool((table.layers[rows] & CUT != 0).any()))


def _gaps(part: ExchangeColumns) -> Mapping[int, Rows]:
    """The connections of which frames are missing, each with the frames that show it."""
    moments: TcpMoments = part.facts["moments"]
    found, course = lacking(moments), moments.course
    for index in np.flatnonzero((course.syn != NEVER) & (course.syn_ack == NEVER))[:_MOST_LOOKED_AT].tolist():
        talk = moments.talk(index)
        goes_on = talk.rows[(talk.role == 0) & (talk.flags & (SYN | RST | ACK) == ACK)]
        if len(goes_on):  # only who got the SYN-ACK can confirm it
            found.setdefault(index, goes_on[:1])
    return found


def _about_ends(wanted: Pattern) -> tuple[Predicate, ...]:
    asked = tuple(one for one in wanted.where if one.field.partition(".")[0] in ("client", "server", "flow"))
    return tuple(one for one in asked if one.field.rpartition(".")[2] not in ("text", "bytes"))


def _as_event(scene: Scene, part: ExchangeColumns, index: int) -> Event:
    told = part.fields(index)
    exchange = f"e{scene.report.exchanges.position(part, index) + 1}"
    fields = {side: end(one.address, one.port) for side, one in (("client", told.client), ("server", told.server))}
    return Event("tcp.connection", (), 0, 0, exchange, {**fields, "flow": exchange})


def _has_ended(scene: Scene, wanted: Pattern, names: Mapping[str, Any]) -> bool:
    """Whether it is about one connection of which everything was seen, from the SYN to the end."""
    ids = [str(names_of) for names_of in _flows(wanted, names)]
    part = scene.report.exchanges.of_kind("tcp.connection")
    if not ids or part is None:
        return False
    outcomes = {
        f"e{scene.report.exchanges.position(part, index) + 1}": part.outcomes[part.outcome[index]]
        for index in range(len(part))
    }
    return all(outcomes.get(one) in _ENDED for one in ids)


def _flows(wanted: Pattern, names: Mapping[str, Any]) -> Sequence[Any]:
    from explain.grade.language.expressions import fill

    return [fill(one.value, names) for one in wanted.where if one.field == "flow" and one.sign in ("eq", "==")]


def _began_late(scene: Scene, wanted: Pattern, names: Mapping[str, Any]) -> bool:
    """Whether a connection that the question is about was open already when the capture began."""
    part = scene.report.exchanges.of_kind("tcp.connection")
    if part is None:
        return False
    asked = _about_ends(wanted)
    for index in part.where("midstream").tolist():
        told = part.fields(index)
        exchange = f"e{scene.report.exchanges.position(part, index) + 1}"
        sides = [end(one.address, one.port) for one in (told.client, told.server)]
        # Who is the client is a guess where no SYN was seen.
        for client, server in (sides, sides[::-1]):
            fields = {"client": client, "server": server, "flow": exchange}
            if holds(Event("tcp.connection", (), 0, 0, exchange, fields), asked, names):
                return True
    return False
