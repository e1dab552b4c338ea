"""Heads that do not end in their segment: which segments hold the rest of them.

A request line may be longer than a segment, and a ClientHello with a post-quantum key share is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.record import NamedTuple

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.table import I8, U2

_MOST_OPEN = 4096
_MOST_SEGMENTS = 8  # of a head of HTTP
_MOST_OCTETS = 11_680  # of a record of TLS behind its first segment, however small the others are
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
    """The heads that wait for more, by stream and sequence number.

    How much may still come is counted in segments of HTTP and in octets of TLS.
    """

    def __init__(self) -> None:
        self._open: dict[_Rest, tuple[str, int]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, name: str, block: Block, row: int, ports: tuple[U2, U2], left: int) -> None:
        """Note a head that goes on behind its segment."""
        self._wait(block, row, ports, name, left)

    def _wait(self, block: Block, row: int, ports: tuple[U2, U2], name: str, left: int) -> _Rest:
        if len(self._open) >= _MOST_OPEN:
            del self._open[next(iter(self._open))]
        payload = int(block.table.payload[block.first + row])
        rest = _rest(block, row, ports)
        rest = rest._replace(seq=(rest.seq + payload) % _SEQUENCE)
        self._open[rest] = name, left
        return rest

    def take(self, block: Block, rows: I8, ports: tuple[U2, U2]) -> list[tuple[int, str]]:
        """Which of these rows hold the rest of a head, with its protocol; each row is looked at once."""
        found: dict[int, str] = {}
        by_seq = _BySequence(block, rows, ports)
        waiting = list(self._open)
        while waiting:
            by_seq.look_at({rest.seq for rest in waiting})
            following = []
            for rest in waiting:
                row = by_seq.rows.pop(rest, None)
                known = self._open.pop(rest, None) if row is not None else None
                if row is None or known is None:
                    continue
                name, left = known
                found[row] = name
                left -= int(block.table.payload[block.first + row]) if name == "tls" else 1
                if left > 0:
                    following.append(self._wait(block, row, ports, name, left))
            waiting = following
        return sorted(found.items())


class _BySequence:
    """Rows of a block by where their octets stand in their stream, made for the sequence numbers that are asked for.

    Attributes:
        rows: the first segment at each place.
    """

    def __init__(self, block: Block, rows: I8, ports: tuple[U2, U2]) -> None:
        self._block, self._ports = block, ports
        seqs = block.table.seq[block.rows(rows)]
        order = np.argsort(seqs, kind="stable")
        self._rows, self._seqs = rows[order], seqs[order]
        self._seen: set[int] = set()
        self.rows: dict[_Rest, int] = {}

    def look_at(self, seqs: set[int]) -> None:
        """Add what stands at these sequence numbers."""
        new = np.array(sorted(seqs - self._seen), np.uint32)
        self._seen |= seqs
        first, last = (np.searchsorted(self._seqs, new, side).tolist() for side in ("left", "right"))
        for low, high in zip(first, last, strict=True):
            for row in self._rows[low:high].tolist():
                self.rows.setdefault(_rest(self._block, row, self._ports), row)


def _rest(block: Block, row: int, ports: tuple[U2, U2]) -> _Rest:
    table, at = block.table, block.first + row
    return _Rest(
        int(table.place[at]), int(block.source[row]), int(block.target[row]),
        int(ports[0][row]) << 16 | int(ports[1][row]), int(table.seq[at]),
    )  # fmt: skip


def missing(name: str, octets: bytes) -> int:
    """How much of a head may still come behind a segment that was copied whole: segments of HTTP, octets of TLS."""
    if name == "http":
        return 0 if b"\r\n\r\n" in octets or b"\n\n" in octets else _MOST_SEGMENTS
    if name == "tls" and octets[0] == _HANDSHAKE:
        if len(octets) < _RECORD_HEADER:
            return _MOST_OCTETS
        return min(_RECORD_HEADER + int.from_bytes(octets[3:5], "big") - len(octets), _MOST_OCTETS)
    return 0
