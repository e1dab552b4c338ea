"""What only looks like a failure because this place, or this recording, did not see all of it.

Until the places are joined, an exchange that is told twice is judged where more of it was seen.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.causes.from_capture.scene import FAILED, LAST_MOMENT_NS, TO_ANSWER_NS
from explain.exchanges.icmp.quotes import quoted_flows
from explain.exchanges.together import CONVERSATIONS
from explain.exchanges.traffic import flooded, without_way_back
from explain.table import RST, TCP

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from explain.causes.from_capture.scene import Member, Scene
    from explain.exchanges.columns import ExchangeColumns
    from explain.table import Bools, PacketTable, Rows

_MEASURED_OTHERWISE = ("dhcp.lease", "dhcpv6.lease")  # servers may take three seconds; their rules know
_GOOD = {
    "arp.resolution": ("answered",),
    "ndp.resolution": ("answered",),
    "icmp.echo": ("answered",),
    "udp.flow": ("answered",),
    "tcp.connection": ("closed", "open"),
}
_BAD = {
    "arp.resolution": ("unanswered",),
    "ndp.resolution": ("unanswered",),
    "icmp.echo": ("unanswered",),
    "udp.flow": ("unanswered",),
    "tcp.connection": ("unanswered",),
}


def account(scene: Scene) -> None:
    """Take what was seen whole at another place off the list of failures."""
    if len(scene.table.places) < 2:
        return
    for kind, good in _GOOD.items():
        part = scene.exchanges.of_kind(kind)
        if part is None or not len(part):
            continue
        bad = part.where(*_BAD[kind])
        if not len(bad):
            continue
        well = part.where(*good)
        whole: dict[Hashable, list[int]] = {}
        for index, who in zip(well.tolist(), _who(scene, part, well), strict=True):
            whole.setdefault(who, []).append(index)
        for index, who in zip(bad.tolist(), _who(scene, part, bad), strict=True):
            others = [other for other in whole.get(who, ()) if _is_together(part, index, other)]
            if others and not _is_at_the_asker(scene, part, index, others):
                scene.accounted[kind].add(index)


def _who(scene: Scene, part: ExchangeColumns, indices: Rows) -> Iterator[Hashable]:
    """For each of some exchanges between whom it was."""
    if part.kind in ("tcp.connection", "udp.flow"):  # by the flow: the fields of many connections cost too much
        flows, at = scene.table.flows, scene.table.flow[part.frames[part.bounds[indices]]]
        ends = (column[at].tolist() for column in (flows.low, flows.low_port, flows.high, flows.high_port))
        yield from zip(*ends, strict=True)
        return
    for index in indices.tolist():
        fields: Any = part.fields(index)
        if part.kind.endswith(".resolution"):
            yield fields.asker_ip, fields.wanted_ip
        else:
            yield fields.src, fields.dst, fields.id


def _is_together(part: ExchangeColumns, one: int, other: int) -> bool:
    """Whether both happened at the same time, as far as clocks of several hosts agree."""
    return bool(
        part.start_ns[one] <= part.end_ns[other] + LAST_MOMENT_NS
        and part.start_ns[other] <= part.end_ns[one] + LAST_MOMENT_NS
    )


def _is_at_the_asker(scene: Scene, part: ExchangeColumns, index: int, others: list[int]) -> bool:
    """Whether the answer should have passed here, so that its absence is a loss.

    Who got an answer does not ask again.  A place nearer to the asker than all where the answer
    was seen, or on the asker's own link, which also carries frames to it, ought to see it.
    """
    fields = part.fields(index)
    if getattr(fields, "requests", 1) > 1 or getattr(fields, "syn_retries", 0):
        return True
    if part.kind.endswith(".resolution"):
        return False
    table = scene.table
    row = int(part.rows(index)[0])
    furthest = max(int(table.ttl[part.rows(other)[0]]) for other in others)
    if int(table.ttl[row]) != furthest:
        return int(table.ttl[row]) > furthest
    place = table.place[: len(table)] == table.place[row]
    return bool((table.links.target[table.link[: len(table)][place]] == table.links.source[table.link[row]]).any())


def account_for_what_was_flooded(scene: Scene) -> None:
    """A bystander sees the first frame to a MAC that the switch does not know yet, and never the answer."""
    table = scene.table
    if len(table.places) != 1 or scene.hosts.in_every_frame(0) != frozenset():
        return
    seen = flooded(table)
    if not len(seen):
        return
    for kind in CONVERSATIONS:
        part = scene.part(kind)
        silent = part.where("unanswered")
        last = part.frames[part.bounds[silent + 1] - 1]
        is_it = among(part.frames[part.bounds[silent]], seen) & among(last, seen)
        scene.accounted[kind].update(silent[is_it].tolist())


def account_for_the_missing_way_back(scene: Scene) -> None:
    """Where only one direction was recorded, silence is the recording's."""
    table = scene.table
    if not len(table):
        return
    hosts = np.concatenate((without_way_back(table), scene.hosts.unheard()))
    for kind in (*CONVERSATIONS, "dns.lookup") if len(hosts) else ():
        part = scene.part(kind)
        silent = part.where("unanswered")
        asked_by = table.sources(part.frames[part.bounds[silent]])
        scene.accounted[kind].update(silent[among(asked_by, hosts)].tolist())


def account_for_far_sides(scene: Scene) -> None:
    """What failed alike on both sides of a translator failed once: it is told of who began, as he is called there.

    Who refuses is the host behind a port forwarding, so there it is told with the ends behind the translator.
    """
    part = scene.part("nat.translation")
    if not len(part):
        return
    parts = [scene.part(kind) for kind in CONVERSATIONS]
    first = np.concatenate([one.frames[one.bounds[:-1]][one.where(*FAILED)] for one in parts])
    some = np.intersect1d(part.with_rows(first), part.where("translated")).tolist()
    for index, legs in scene.exchanges.carried(part, some).items() if some else ():
        alike: dict[tuple[str, str], list[Member]] = defaultdict(list)
        for one, at in legs:
            alike[one.kind, one.outcomes[one.outcome[at]]].append((one, at))
        for (kind, outcome), members in alike.items():
            if kind in CONVERSATIONS and outcome in FAILED:
                members.sort(key=lambda leg: -int(scene.table.ttl[leg[0].rows(leg[1])[0]]))
                is_refused = outcome == "refused" and part.fields(index).kind == "destination"
                kept = members.pop(-1 if is_refused else 0)
                scene.far_sides += [(far, kept) for far in members]
                scene.accounted[kind].update(at for _, at in members)


def _are_over(table: PacketTable, asked: Rows) -> Bools:
    """Whether the connection of each request was reset after it."""
    resets = np.flatnonzero((table.layers & TCP != 0) & (table.flags & RST != 0))
    last = np.full(len(table.flows.low), -1)
    last[table.flow[resets]] = resets
    found: Bools = last[table.flow[asked]] > asked
    return found


def account_for_the_last_moment(scene: Scene) -> None:
    """Silence proves little in the last second of a longer capture: the answer may have come after its end."""
    table = scene.table
    if not len(table):
        return
    is_told_of = np.zeros(len(table.flows.low) + 1, np.bool_)  # an error is no silence
    is_told_of[np.minimum(quoted_flows(table), len(table.flows.low))] = True
    is_told_of[-1] = False  # frames without a flow, and errors about none
    for part in scene.exchanges.parts:
        if "unanswered" not in part.outcomes or part.kind in _MEASURED_OTHERWISE:
            continue
        silent = part.where("unanswered")
        silent = silent[~is_told_of.take(table.flow[part.frames[part.bounds[silent]]], mode="clip")]
        asked = part.frames[part.bounds[silent]]
        if part.kind == "http.request" and len(asked):  # a RST is no silence, either
            silent, asked = silent[~(is_over := _are_over(table, asked))], asked[~is_over]
        start, (began, ended) = table.time_ns[asked], table.recorded(asked)
        is_cut_off = (start - began > LAST_MOMENT_NS) & (ended - start < LAST_MOMENT_NS)
        if part.kind == "icmp.echo":  # quick pings: who left the first without a reply had time for several
            is_cut_off &= (np.diff(part.bounds)[silent] == 1) | (ended - start < TO_ANSWER_NS)
        scene.accounted[part.kind].update(silent[is_cut_off].tolist())
