"""Heads that do not end in their segment: which segments hold the rest of them.

A request line may be longer than a segment, and a ClientHello with a post-quantum key share is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.table import I8, U2

_MOST_OPEN = 4096
_MOST_SEGMENTS = 8  # of one head
_RECORD_HEADER = 5
_HANDSHAKE = 0x16
_SEQUENCE = 1 << 32


class _Rest(NamedTuple):
    """Where the next octet of a head will come."""

    place: int
    source: int
    target: int
    ports: int
    seq: int


class Continued:
    """The heads that wait for more, by stream and sequence number."""

    def __init__(self) -> None:
        self._open: dict[_Rest, tuple[str, int]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, name: str, block: Block, row: int, ports: tuple[U2, U2]) -> None:
        """Note a head that goes on behind its segment."""
        self._wait(block, row, ports, name, _MOST_SEGMENTS)

    def _wait(self, block: Block, row: int, ports: tuple[U2, U2], name: str, left: int) -> None:
        if len(self._open) >= _MOST_OPEN:
            del self._open[next(iter(self._open))]
        payload = int(block.table.payload[block.first + row])
        rest = _rest(block, row, ports)
        self._open[rest._replace(seq=(rest.seq + payload) % _SEQUENCE)] = name, left

    def take(self, block: Block, rows: I8, ports: tuple[U2, U2]) -> list[tuple[int, str]]:
        """Which of these rows hold the rest of a head, with its protocol; each segment once."""
        found: dict[int, str] = {}
        seqs = block.table.seq[block.rows(rows)]
        for _ in range(_MOST_SEGMENTS):
            wanted = np.array([rest.seq for rest in self._open], np.uint32)
            fits = [row for row in rows[np.isin(seqs, wanted)].tolist() if row not in found]
            before = len(found)
            for row in fits:
                known = self._open.pop(_rest(block, row, ports), None)
                if known is None:
                    continue
                found[row] = known[0]
                if known[1] > 1:
                    self._wait(block, row, ports, known[0], known[1] - 1)
            if len(found) == before or not self._open:
                break
        return sorted(found.items())


def _rest(block: Block, row: int, ports: tuple[U2, U2]) -> _Rest:
    table, at = block.table, block.first + row
    return _Rest(
        int(table.place[at]), int(block.source[row]), int(block.target[row]),
        int(ports[0][row]) << 16 | int(ports[1][row]), int(table.seq[at]),
    )  # fmt: skip


def goes_on(name: str, octets: bytes) -> bool:
    """Whether a segment that was copied whole holds less than a head."""
    if name == "http":
        return b"\r\n\r\n" not in octets and b"\n\n" not in octets
    if name == "tls" and octets[0] == _HANDSHAKE:
        return _RECORD_HEADER + int.from_bytes(octets[3:5], "big") > len(octets)
    return False
