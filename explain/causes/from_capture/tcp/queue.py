"""A port that opened connections and then stops: nobody takes them, and the queue of the listener is full."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.columns import rows_of
from explain.table import ACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.course import Course
    from explain.exchanges.tcp.moments import TcpMoments
    from explain.table import Rows

_RIVALS = (
    "tcp-application-hangs", "filter-on-target-input", "filter-on-router-forward", "conntrack-table-full",
    "filter-on-target-output", "partial-loss",
)  # fmt: skip
_INSISTS = 2  # SYNs of one connection; one alone may have been lost
_CLIENT, _SERVER = 0, 1
_PORT_BITS = np.uint64(16)


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
    service = table.targets(opener) << _PORT_BITS | table.target_ports(opener)
    groups: dict[int, list[int]] = defaultdict(list)
    for index, key in zip(ignored, service[ignored].tolist(), strict=True):
        groups[key].append(index)
    established = np.flatnonzero(part.facts["is_established"])
    established = established[np.argsort(service[established], kind="stable")]
    wanted = np.array(list(groups), np.uint64)
    bounds = (np.searchsorted(service[established], wanted, side).tolist() for side in ("left", "right"))
    for (key, waiting), first, last in zip(groups.items(), *bounds, strict=True):
        held = _held(part, established[first:last], int(part.start_ns[waiting[0]]))
        if held:
            target, port = divmod(key, 1 << 16)
            members: list[Member] = [(part, index) for index in [*held, *waiting]]
            rows = rows_of(members)
            values = {
                "server": table.addresses.text(target), "port": port, "count": len(waiting), "held": len(held),
            }  # fmt: skip
            yield Seen("tcp-accept-queue-full", "likely", members, rows, _RIVALS, values)


def _held(part: ExchangeColumns, established: Rows, at_ns: int) -> list[int]:
    """Those that were open when the first SYN was ignored: the host lives, the program is mute."""
    moments: TcpMoments = part.facts["moments"]
    was_open = (part.start_ns[established] <= at_ns) & (part.end_ns[established] >= at_ns)
    return [index for index in established[was_open].tolist() if _is_mute(moments, index)]


def _is_mute(moments: TcpMoments, index: int) -> bool:
    """Whether the server's host confirmed all data, and its program sent none."""
    talk = moments.talk(index)
    data = np.flatnonzero(talk.length > 0)
    if (talk.role[data] == _SERVER).any():
        return False
    confirmed = np.flatnonzero((talk.role == _SERVER) & (talk.flags & ACK != 0))
    return not len(data) or bool(len(confirmed) and confirmed[-1] > data[0])
