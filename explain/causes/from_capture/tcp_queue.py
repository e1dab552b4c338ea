"""A port that opened connections and then stops: nobody takes them, and the queue of the listener is full."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.tcp_course import ACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp_course import Course
    from explain.exchanges.tcp_moments import TcpMoments

_RIVALS = (
    "tcp-application-hangs", "filter-on-target-input", "filter-on-router-forward", "conntrack-table-full",
    "filter-on-target-output", "partial-loss",
)  # fmt: skip
_INSISTS = 2  # SYNs of one connection; one alone may have been lost
_CLIENT, _SERVER = 0, 1


def look(scene: Scene) -> Iterator[Seen]:
    """SYNs that stay without an answer while the same port holds open connections to which its program says nothing."""
    part = scene.part("tcp.connection")
    if not len(part):
        return
    course: Course = part.facts["course"]
    ignored = [index for index in scene.open(part, "unanswered") if course.syns[index] >= _INSISTS]
    if not ignored:
        return
    table, opener = scene.table, part.frames[part.bounds[:-1]]
    services = list(zip(table.targets(opener).tolist(), table.target_ports(opener).tolist(), strict=True))
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index in ignored:
        groups[services[index]].append(index)
    established: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index in np.flatnonzero(part.facts["is_established"]).tolist():
        established[services[index]].append(index)
    for (target, port), waiting in groups.items():
        held = _held(part, established[target, port], int(part.start_ns[waiting[0]]))
        if held:
            members: list[Member] = [(part, index) for index in [*held, *waiting]]
            rows = [int(row) for one, index in members for row in one.rows(index)]
            values = {
                "server": table.addresses.text(target), "port": port, "count": len(waiting), "held": len(held),
            }  # fmt: skip
            yield Seen("tcp-accept-queue-full", "likely", members, rows, _RIVALS, values)


def _held(part: ExchangeColumns, established: list[int], at_ns: int) -> list[int]:
    """Those that were open when the first SYN was ignored: the host lives, the program is mute."""
    moments: TcpMoments = part.facts["moments"]
    return [
        index
        for index in established
        if part.start_ns[index] <= at_ns <= part.end_ns[index] and _is_mute(moments, index)
    ]


def _is_mute(moments: TcpMoments, index: int) -> bool:
    """Whether the server's host confirmed all data, and its program sent none."""
    talk = moments.talk(index)
    data = np.flatnonzero(talk.length > 0)
    if (talk.role[data] == _SERVER).any():
        return False
    confirmed = np.flatnonzero((talk.role == _SERVER) & (talk.flags & ACK != 0))
    return not len(data) or bool(len(confirmed) and confirmed[-1] > data[0])
