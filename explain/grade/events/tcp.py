"""Events of TCP: what happens to a connection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.exchanges.tcp import labels as label
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.many import recorded_twice
from explain.grade.events.event import ROW, Later, end
from explain.grade.events.lan import each
from explain.table import ACK, FIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.moments import TcpMoments
    from explain.grade.events.event import Event
    from explain.grade.events.scene import Scene

_MOST_TEXT = 65_536
_ROLES = ("client", "server")


def make(scene: Scene, name: str) -> list[Event] | None:
    """Events of one name; None for a name that is no alias."""
    maker = {
        "tcp.handshake": _handshake, "tcp.refused": _refused, "tcp.close": _close, "tcp.reset": _resets,
        "tcp.retransmission": _resent, "tcp.stream": _stream, "tcp.segment": _data,
    }.get(name)  # fmt: skip
    if maker is None:
        return None
    return [event for part, index in each(scene, "tcp.connection") for event in maker(scene, part, index)]


def _known(scene: Scene, part: ExchangeColumns, index: int) -> tuple[str, str, dict[str, Any], TcpMoments]:
    """Exchange id, outcome, ends and flow, and where to look further."""
    moments: TcpMoments = part.facts["moments"]
    fields = part.fields(index)
    exchange = f"e{scene.report.exchanges.position(part, index) + 1}"
    base = {
        "client": end(fields.client.address, fields.client.port),
        "server": end(fields.server.address, fields.server.port),
        "flow": exchange,
    }
    return exchange, part.outcomes[part.outcome[index]], base, moments


def _segment(scene: Scene, row: int) -> dict[str, Any]:
    table = scene.table
    return {
        "seq": int(table.seq[row]), "ack": int(table.ack[row]), "window": int(table.window[row]),
        "frame": int(table.frame[row]), "time": int(table.time_ns[row]) / 1e9,
        "capture": scene.capture_of(row), "exchange": "", "outcome": "", ROW: (scene, scene.whole_row(row)),
    }  # fmt: skip


def _handshake(scene: Scene, part: ExchangeColumns, index: int) -> Iterator[Event]:
    exchange, outcome, base, moments = _known(scene, part, index)
    course = moments.course
    at = [int(found[index]) for found in (course.syn, course.syn_ack, course.ack)]
    if at[0] == NEVER:
        return
    rows = [None if position == NEVER else int(moments.streams.rows[position]) for position in at]
    steps = [None if row is None else _segment(scene, row) for row in rows]
    rtt = part.fields(index).handshake_rtt_ns
    yield scene.event("tcp.handshake", [row for row in rows if row is not None], exchange, outcome, base | {
        "complete": all(row is not None for row in rows), "rtt_ms": None if rtt is None else rtt / 1e6,
        "syn": steps[0], "synack": steps[1], "established": steps[2],
    })  # fmt: skip


def _refused(scene: Scene, part: ExchangeColumns, index: int) -> Iterator[Event]:
    exchange, outcome, base, moments = _known(scene, part, index)
    if outcome == "refused":
        rows = [*moments.syns(index).tolist(), *moments.resets(index).tolist()]
        yield scene.event("tcp.refused", sorted(rows), exchange, outcome, base)


def _close(scene: Scene, part: ExchangeColumns, index: int) -> Iterator[Event]:
    exchange, outcome, base, moments = _known(scene, part, index)
    fins, resets = moments.fins(index).tolist(), moments.resets(index).tolist()
    if outcome == "refused" or not (fins or resets):
        return
    fields = part.fields(index)
    talk = moments.talk(index)
    sides = {int(role) for role in talk.role[talk.flags & FIN != 0]}
    yield scene.event("tcp.close", fins or resets, exchange, outcome, base | {
        "by": "fin" if fins else "rst", "both_directions": len(sides) == len(_ROLES),
        "first": fields.closed_by if fins else fields.reset_by,
    })  # fmt: skip


def _resets(scene: Scene, part: ExchangeColumns, index: int) -> Iterator[Event]:
    exchange, outcome, base, moments = _known(scene, part, index)
    yield from _segments(scene, "tcp.reset", moments.resets(index).tolist(), (exchange, outcome, base, moments, index))


def _resent(scene: Scene, part: ExchangeColumns, index: int) -> Iterator[Event]:
    exchange, outcome, base, moments = _known(scene, part, index)
    rows = moments.labelled(index, label.RESENT)
    if len(rows):  # what was recorded twice was sent once
        rows = rows[~among(rows, recorded_twice(moments, np.array([index]))[0])]
    yield from _segments(scene, "tcp.retransmission", rows.tolist(), (exchange, outcome, base, moments, index))


def _segments(
    scene: Scene, name: str, rows: list[int], known: tuple[str, str, dict[str, Any], TcpMoments, int]
) -> Iterator[Event]:
    exchange, outcome, base, moments, index = known
    if not rows:
        return
    talk = moments.talk(index)
    roles = dict(zip(talk.rows.tolist(), talk.role.tolist(), strict=True))
    for row in rows:
        said = _segment(scene, row)
        numbers = {key: said[key] for key in ("seq", "ack", "window")}
        yield scene.event(name, [row], exchange, outcome, base | numbers | {"by": _ROLES[roles[row]]})


def _data(scene: Scene, part: ExchangeColumns, index: int) -> Iterator[Event]:
    """Segments with data, each with the first acknowledgement that covers it.

    A segment whose octets were sent twice has no round-trip time: it is unknown which of the two was acknowledged.

    Source: RFC 6298, 3 (Karn's algorithm).
    """
    exchange, outcome, base, moments = _known(scene, part, index)
    table, talk = scene.table, moments.talk(index)
    for role, name in enumerate(_ROLES):
        own, others = talk.rows[(talk.role == role) & (talk.length > 0)], talk.rows[talk.role != role]
        others = others[talk.flags[talk.role != role] & ACK != 0]
        if not len(own):
            continue
        first, sizes = table.seq[own], talk.length[(talk.role == role) & (talk.length > 0)].astype(np.int64)
        starts, acks = (_distance(numbers, int(first[0])) for numbers in (first, table.ack[others]))
        ends, covered = starts + sizes, np.maximum.accumulate(acks)
        is_twice = _overlap(starts, ends, np.isin(own, moments.labelled(index, label.RESENT)))
        for at, row in enumerate(own.tolist()):
            later = max(int(np.searchsorted(covered, ends[at])), int(np.searchsorted(others, row)))
            answer = None if later >= len(others) else int(others[later])
            took = None if answer is None or is_twice[at] else int(table.time_ns[answer] - table.time_ns[row]) / 1e6
            said = {key: value for key, value in _segment(scene, row).items() if key in ("seq", "ack", "window")}
            yield scene.event("tcp.segment", [row], exchange, outcome, base | said | {
                "by": name, "bytes": int(sizes[at]), "rtt_ms": took,
                "acked": None if answer is None else _segment(scene, answer),
            })  # fmt: skip


def _overlap(starts: NDArray[Any], ends: NDArray[Any], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which spans of octets overlap one of the chosen ones."""
    order = np.argsort(starts[chosen], kind="stable")
    if not len(order):
        return np.zeros(len(starts), np.bool_)
    before = np.searchsorted(starts[chosen][order], ends)  # chosen ones that begin before the end of this one
    furthest = np.maximum.accumulate(ends[chosen][order])
    found: NDArray[np.bool_] = (before > 0) & (furthest[np.maximum(before, 1) - 1] > starts)
    return found


def _distance(numbers: NDArray[Any], first: int) -> NDArray[np.int64]:
    """Sequence numbers counted from the first one, also where they wrap."""
    found: NDArray[np.int64] = (numbers.astype(np.int64) - first + (1 << 31)) % (1 << 32) - (1 << 31)
    return found


def _stream(scene: Scene, part: ExchangeColumns, index: int) -> Iterator[Event]:
    exchange, outcome, base, moments = _known(scene, part, index)
    talk = moments.talk(index)
    fields = part.fields(index)
    sides: dict[str, Any] = {}
    for role, name in enumerate(_ROLES):
        one = base[name]
        sides[name] = {
            "ip": one.ip, "port": one.port, "bytes": (fields.bytes_to_server, fields.bytes_to_client)[role],
            "text": Later(partial(_text, scene, moments, index, role)),
        }  # fmt: skip
    data = talk.rows[talk.length > 0].tolist()
    rows = data or talk.rows[:1].tolist()
    yield scene.event("tcp.stream", rows, exchange, outcome, base | sides)


def _text(scene: Scene, moments: TcpMoments, index: int, role: int) -> str:
    """What one side sent, in the order of its sequence numbers, each octet once; a gap is one NUL."""
    talk = moments.talk(index)
    is_own = talk.role == role
    numbers, rows, sizes = talk.numbers(role), talk.rows[is_own], talk.length[is_own]
    order = [int(at) for at in np.argsort(numbers, kind="stable") if sizes[at]]
    data = scene.data([int(rows[at]) for at in order])
    text, following = b"", None
    for at in order:
        first, octets = int(numbers[at]), data.get(int(rows[at]), b"")
        if following is not None and first > following:
            text += b"\0"
        skip = max(0, following - first) if following is not None else 0
        text += octets[skip:]
        following = max(following or 0, first + int(sizes[at]))
        if len(text) > _MOST_TEXT:
            break
    return text[:_MOST_TEXT].decode("utf-8", "backslashreplace")
