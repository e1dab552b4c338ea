"""A port that opened connections and then stops: nobody takes them, and the queue of the listener is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.tcp_course import ACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
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
    ignored = [index for index in scene.open(part, "unanswered") if part.fields(index).syn_retries + 1 >= _INSISTS]
    for server, port in dict.fromkeys(_service(part, index) for index in ignored):
        waiting = [index for index in ignored if _service(part, index) == (server, port)]
        held = _held(scene, part, waiting)
        if held:
            members: list[Member] = [(part, index) for index in [*held, *waiting]]
            rows = [int(row) for one, index in members for row in one.rows(index)]
            values = {"server": server, "port": port, "count": len(waiting), "held": len(held)}
            yield Seen("tcp-accept-queue-full", "likely", members, rows, _RIVALS, values)


def _service(part: ExchangeColumns, index: int) -> tuple[str, int]:
    server = part.fields(index).server
    return server.address, server.port


def _held(scene: Scene, part: ExchangeColumns, waiting: list[int]) -> list[int]:
    """Connections to the same port, open when the first SYN was ignored: the host lives, the program is mute."""
    first_row = int(part.rows(waiting[0])[0])
    table = scene.table
    opener = part.frames[part.bounds[:-1]]
    row = np.array([first_row])
    is_same = (
        np.asarray(part.facts["is_established"])
        & (table.targets(opener) == table.targets(row)[0])
        & (table.target_ports(opener) == table.target_ports(row)[0])
        & (part.start_ns <= part.start_ns[waiting[0]])
        & (part.end_ns >= part.start_ns[waiting[0]])
    )
    moments: TcpMoments = part.facts["moments"]
    return [index for index in np.flatnonzero(is_same).tolist() if _is_mute(moments, index)]


def _is_mute(moments: TcpMoments, index: int) -> bool:
    """Whether the server's host confirmed all data, and its program sent none."""
    talk = moments.talk(index)
    data = np.flatnonzero(talk.length > 0)
    if (talk.role[data] == _SERVER).any():
        return False
    confirmed = np.flatnonzero((talk.role == _SERVER) & (talk.flags & ACK != 0))
    return not len(data) or bool(len(confirmed) and confirmed[-1] > data[0])
