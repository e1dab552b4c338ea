"""Clocks inside the packets against the clock of the frames.

An honest capture may begin late, and a packet may wait before it is sent; but a second takes a second by every clock.

Source: RFC 7323, 5.4; Linux, ``tcp_clock_ms`` (1 kHz whatever HZ is); iputils, ping (the data begins with the time).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.grade.integrity.nonces import payload_clock_us, tsval
from explain.table import ACK, SYN, TCP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.table import PacketTable

APART = "clocks-apart"
_PACE = "clock-pace"
_REQUESTS = {(False, 8), (True, 128)}
_APART_US = 2_000_000  # more than a request waits for an address to be resolved, and less than a person shifts by
_LONG_APART_US = 5_000_000
_LEAST_SPAN_US = 100_000
_PACE_OFF = 0.02
_TICKS_HZ = (1000, 100, 250, 10, 2, 1_000_000)  # Linux and most others; older ones; Windows; OpenBSD; Linux in us
_LEAST_TICKING_S = 0.7
_TICKING_OFF_S = 0.25
_TICKING_OFF = 0.05
_AGAIN_NS = 1_000_000_000
_LEAST_AGAIN = 3

Sign = tuple[str, dict[str, Any], list[int]]
"""Kind, values for its sentence, and rows."""


def signs(table: PacketTable, octets: Mapping[int, bytes]) -> Iterator[Sign]:
    """What clocks in the packets say against the clock of the frames."""
    runs: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
    side = table.icmp
    for is_v6, kind, word, row in zip(
        side.is_v6.tolist(), side.type.tolist(), side.word.tolist(), side.row.tolist(), strict=True
    ):
        clock = payload_clock_us(octets.get(row, b"")[8:]) if (is_v6, kind) in _REQUESTS else None
        if clock is not None:
            key = (int(table.place[row]), int(table.flow[row]), word >> 16)
            runs.setdefault(key, []).append((int(table.time_ns[row]) // 1000, clock, row))
    for run in runs.values():
        yield from _apart(run)
        yield from _pace(run)
    yield from _ticking(table, octets)


def _apart(run: list[tuple[int, int, int]]) -> Iterator[Sign]:
    """All requests of a run were stamped long before they were recorded, or after."""
    offsets = [frame - clock for frame, clock, _ in run]
    nearest = min(offsets, key=abs)
    if nearest < -_APART_US or nearest > _LONG_APART_US:
        yield APART, {"apart_s": round(nearest / 1e6, 3)}, [row for _, _, row in run]


def _pace(run: list[tuple[int, int, int]]) -> Iterator[Sign]:
    """From request to request the two clocks tell times whose ratio is always the same, and not 1."""
    ratios, rows = [], []
    before = run[0]
    for one in run[1:]:
        if one[1] - before[1] >= _LEAST_SPAN_US:
            ratios.append((one[0] - before[0]) / (one[1] - before[1]))
            rows += [before[2], one[2]]
            before = one
    if len(ratios) < 2:
        return
    middle = float(np.median(ratios))
    spread = max(abs(ratio - middle) for ratio in ratios)
    is_steady = spread <= max(_PACE_OFF / 2, abs(middle) * 0.05) and min(abs(one - 1) for one in ratios) > _PACE_OFF
    if is_steady and abs(middle - 1) > max(_PACE_OFF, 3 * spread):
        yield _PACE, {"clock": "ping", "ratio": round(middle, 3)}, sorted(set(rows))


def _ticking(table: PacketTable, octets: Mapping[int, bytes]) -> Iterator[Sign]:
    """TCP timestamps of both ends that tick at one rate, which is that of no known system.

    A queue delays one direction; a SYN waits for an address to be resolved, and is left out. What stands again in the
    file ticks no more: no host sends a segment with the same timestamp seconds later.
    """
    last = len(table)
    rows = np.flatnonzero((table.layers[:last] & TCP != 0) & (table.flags[:last] & (SYN | ACK) != SYN))
    sides: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    first: dict[tuple[int, int, bytes], int] = {}
    again: list[tuple[int, int]] = []
    for row in rows.tolist():
        stamp = tsval(octets[row]) if row in octets else None
        if stamp is None:
            continue
        end = int(table.place[row]), int(table.sides[row])
        before = first.setdefault((*end, octets[row]), row)
        if before == row:
            sides.setdefault(end, []).append((int(table.time_ns[row]), stamp, row))
        elif abs(int(table.time_ns[row] - table.time_ns[before])) >= _AGAIN_NS:
            again.append((before, row))
    yield from _again(table, again)
    for place, side in sorted(sides):
        one, other = _rate(sides[place, side]), _rate(sides.get((place, side ^ 1), []))
        if side % 2 == 0 and one and other and abs(one[0] - other[0]) <= _TICKING_OFF * abs(one[0]):
            yield _PACE, {"clock": "tsval", "ratio": round(one[0], 3)}, [*one[1], *other[1]]


def _again(table: PacketTable, pairs: Sequence[tuple[int, int]]) -> Iterator[Sign]:
    """Segments that stand in the capture a second time, much later."""
    if len(pairs) >= _LEAST_AGAIN:
        one, other = pairs[0]
        values = {"number": len(pairs), "apart": abs(int(table.time_ns[other] - table.time_ns[one]))}
        yield "frames-again", values, sorted({row for pair in pairs for row in pair})


def _rate(side: Sequence[tuple[int, int, int]]) -> tuple[float, list[int]] | None:
    """How many milliseconds of the frames' clock a tick takes, and the two rows; None where it is as it should be."""
    if len(side) < 2:
        return None
    (begin, first, one), (end, final, other) = min(side), max(side)
    span, ticks = (end - begin) / 1e9, (final - first + (1 << 31)) % (1 << 32) - (1 << 31)
    slack = max(_TICKING_OFF_S, span * _TICKING_OFF)
    if span < _LEAST_TICKING_S or not ticks or any(abs(ticks / rate - span) <= slack for rate in _TICKS_HZ):
        return None
    return span * 1000 / ticks, [one, other]
