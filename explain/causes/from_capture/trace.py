"""Traces: their errors are answers, not trouble; what a trace that did not arrive shows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among, distinct
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.icmp.quotes import quoted_flows, quoted_row
from explain.exchanges.traceroute.probes import SAME_TRACE_NS
from explain.table import NO_FLOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.icmp.error import About
    from explain.exchanges.traceroute.trace import Traceroute
    from explain.table import PacketTable, Rows

_WHY_SILENT = (
    "filter-on-router-forward", "filter-on-target-input", "forwarding-disabled", "reject-route-on-router",
    "no-return-route-on-target", "no-return-route-on-router", "destination-host-absent-behind-router",
    "target-interface-down", "wrong-nexthop-on-router", "rp-filter-strict", "icmp-errors-filtered-on-router",
    "masquerade-missing", "routing-loop", "partial-loss", "filter-on-target-ingress", "filter-on-target-output",
    "wrong-gateway-on-target", "wrong-netmask-on-target", "masquerade-wrong-interface", "nat-wrong-source-net",
    "masquerade-bypassed-by-notrack", "snat-to-unowned-address", "wrong-source-address-selected",
    "sender-address-in-wrong-subnet", "reply-ttl-too-low", "stateful-filter-asymmetric-path", "conntrack-table-full",
    "filter-on-switch", "wrong-static-fdb-entry", "wrong-static-neighbour", "arp-spoofed", "duplicate-address",
    "filter-on-sender-input", "corrupted-packets",
)  # fmt: skip
_UDP = 17
_FIRST_PORT, _LAST_PORT = 33434, 33690  # traceroute counts up from its first port, one a probe
_LARGEST_FIRST_TTL = 32
_LARGEST_PROBE_TTL = 16  # what is left when it reaches its target; hosts send with 64 and more


def look(scene: Scene) -> Iterator[Seen]:
    """A loop, a silent hop, or silence from some distance on; nothing of a trace that went well."""
    part = scene.part("traceroute")
    _account_for_strays(scene)
    _account_for_the_unrecorded(scene, part)
    for index, carried in scene.exchanges.carried(part, range(len(part))).items():
        is_reached = part.outcomes[part.outcome[index]] == "reached"
        members = [member for member in carried if _is_answer(*member, is_reached=is_reached)]
        for one, number in members:
            scene.accounted[one.kind].add(number)
        yield from _judge(scene, part, index, members)


def _account_for_strays(scene: Scene) -> None:
    """A probe that passes with its TTL nearly used up is a trace's, also where too few pass to be one."""
    table, icmp = scene.table, scene.table.icmp
    is_probe = (icmp.quote_protocol == _UDP) & (icmp.quote_dport >= _FIRST_PORT) & (icmp.quote_dport < _LAST_PORT)
    rows = icmp.row[(icmp.quote > 0) & is_probe & (icmp.quote_ttl <= _LARGEST_PROBE_TTL)]
    if not len(rows):
        return
    errors = scene.part("icmp.error")
    of = np.flatnonzero(among(errors.frames[errors.bounds[:-1]], rows))
    answers = _of_a_trace(table, errors, of)
    scene.accounted[errors.kind].update(answers)
    asked = distinct(quoted_flows(table)[among(icmp.row, errors.frames[errors.bounds[answers]])])
    flows = scene.part("udp.flow")
    own = table.flow[flows.frames[flows.bounds[:-1]]]
    scene.accounted[flows.kind].update(np.flatnonzero(among(own, asked)).tolist())


def _account_for_the_unrecorded(scene: Scene, traces: ExchangeColumns) -> None:
    """Errors about probes of a trace that the recording began too late for."""
    errors = scene.part("icmp.error")
    told: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for index in range(len(traces)):
        fields: Traceroute = traces.fields(index)
        told[int(scene.table.place[traces.rows(index)[0]]), fields.src, fields.dst].append(int(traces.start_ns[index]))
    for index in scene.open(errors, "ttl-exceeded") if told else ():
        about: About | None = errors.fields(index).about
        row = int(errors.rows(index)[0])
        if about is None or quoted_row(scene.table, row) is not None:
            continue
        begun = told.get((int(scene.table.place[row]), about.src, about.dst), ())
        if any(0 <= start - int(scene.table.time_ns[row]) < SAME_TRACE_NS for start in begun):
            scene.accounted[errors.kind].add(index)


def _of_a_trace(table: PacketTable, errors: ExchangeColumns, some: Rows) -> list[int]:
    """Errors that end a probe as they should: at its target, or on the way of one that began with a small TTL."""
    flows = quoted_flows(table)[np.searchsorted(table.icmp.row, errors.frames[errors.bounds[some]])]
    is_asked = np.zeros(len(table.flows.low), np.bool_)
    is_asked[flows[flows != NO_FLOW]] = True
    sent = table.rows_of(is_asked)
    largest = np.zeros(len(is_asked) + 1, np.uint8)
    np.maximum.at(largest, table.flow[sent], table.ttl[sent])
    begins_small = largest.take(flows, mode="clip") <= _LARGEST_FIRST_TTL
    names = [errors.outcomes[code] for code in errors.outcome[some].tolist()]
    judged = zip(some.tolist(), names, begins_small.tolist(), strict=True)
    return [index for index, name, small in judged if name == "port-unreachable" or (name == "ttl-exceeded" and small)]


def _is_answer(part: ExchangeColumns, index: int, *, is_reached: bool) -> bool:
    """What a router or the target says instead of forwarding stays a fault of its own."""
    return part.kind != "icmp.error" or is_reached or part.outcomes[part.outcome[index]] == "ttl-exceeded"


def _judge(scene: Scene, part: ExchangeColumns, index: int, members: list[Member]) -> Iterator[Seen]:
    fields: Traceroute = part.fields(index)
    rows = part.rows(index).tolist()
    answered = [hop for hop in fields.hops if hop.from_]
    last = answered[-1] if answered else None
    values = {
        "src": fields.src, "dst": fields.dst, "method": fields.method, "hops": len(answered),
        "from": last.from_ if last else None, "ttl": last.ttl if last else 0, "addresses": fields.loop,
    }  # fmt: skip
    everything: list[Member] = [(part, index), *members]
    if fields.loop:
        yield Seen("routing-loop", "proved", [*everything, *_caught(scene, fields)], rows, (), values)
    elif part.outcomes[part.outcome[index]] == "reached":
        before = fields.hops[: fields.hops.index(last)] if last else ()
        silent = [hop.ttl for hop in before if hop.from_ is None]
        values["silent"] = silent
        if fields.target_silent:
            probes = sum(hop.probes for hop in fields.hops if hop.ttl in fields.target_silent)
            values |= {"case": "target", "distance": fields.distance, "probes": probes}
            yield Seen("silent-hop", "likely", everything, rows, ("icmp-rate-limited", "partial-loss"), values)
        elif silent:
            known = _known_elsewhere(part, index, silent)
            values |= {"case": "elsewhere", "named": known} if known else {}
            yield Seen("silent-hop", "likely", everything, rows, ("icmp-rate-limited", "partial-loss"), values)
    elif fields.was_stopped:
        scene.accounted[part.kind].add(index)  # nobody was silent: no probe went further
    elif last is None or last.error == "ttl-exceeded":
        if last is None or last.ttl is None:
            values["case"] = "nobody" if last is None else "unseen"
        yield Seen("trace-not-answered", "possible", everything, rows, _WHY_SILENT, values)
    else:
        scene.unfinished_traces.append((part, index))


def _caught(scene: Scene, trace: Traceroute) -> Iterator[Member]:
    """What else between the same hosts stays without an answer for the same reason, and the redirects of the loop."""
    pings, errors = scene.part("icmp.echo"), scene.part("icmp.error")
    for index in scene.open(pings, "unanswered"):
        if (pings.fields(index).src, pings.fields(index).dst) == (trace.src, trace.dst):
            yield pings, index
    for index in np.flatnonzero([name.startswith("redirect") for name in errors.outcomes]).tolist():
        for at in errors.where(errors.outcomes[index]).tolist():
            about = errors.fields(at).about
            if about is not None and (about.src, about.dst) == (trace.src, trace.dst):
                yield errors, at


def _known_elsewhere(part: ExchangeColumns, index: int, silent: list[int | None]) -> list[str]:
    """Who answered at the silent distances in other traces between the same ends; empty if not at all of them."""
    own: Traceroute = part.fields(index)
    others: list[Traceroute] = [part.fields(at) for at in range(len(part)) if at != index]
    alike = [one for one in others if (one.src, one.dst) == (own.src, own.dst)]
    named = {hop.ttl: hop.from_ for one in alike for hop in one.hops if hop.from_}
    return [named[ttl] for ttl in silent] if all(ttl in named for ttl in silent) else []
