"""QUIC, as far as it can be read: the long headers of its handshake (RFC 8999; 9000, 17.2; 9369, 3.2).

All else is encrypted, also the end of a connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.decode.contents import QUIC
from explain.record import NamedTuple, dataclass

if TYPE_CHECKING:
    from explain.table import I8, PacketTable, Rows

_LONG, _VERSION_2 = 0x80, 0x6B3343CF
_INITIAL, _EARLY, _HANDSHAKE, _RETRY, _NEGOTIATION = "initial", "0-rtt", "handshake", "retry", "negotiation"
_KINDS = (_INITIAL, _EARLY, _HANDSHAKE, _RETRY)
_KINDS_OF_2 = (_RETRY, _INITIAL, _EARLY, _HANDSHAKE)
_LONGEST_ID = 20
_MOST_PACKETS, _MOST_VERSIONS = 8, 16
_NAMES = {1: "1", _VERSION_2: "2"}
_DRAFTS = 0xFF000000


@dataclass(frozen=True, slots=True)
class QuicTalk:
    """How a connection of QUIC was opened.

    Attributes:
        version: the one that the client spoke last, such as ``1`` or ``draft-29``; first_version: the one before.
        initials: datagrams with an Initial of the client; initial_frame: the first one.
        answer_ns: from its first one to the server's first answer of any kind; None without one.
        offers: the versions that the server has instead (Version Negotiation); () where it took the client's.
        retry_frame: in which the server asks for proof that the client is at its address; None if it did not.
        handshake_frame: the server's first Handshake packet; confirmed_frame: the client's, which has heard it.
        is_resumed: with data before any answer (0-RTT), from an earlier connection.
    """

    version: str
    first_version: str
    initials: int
    initial_frame: int
    answer_ns: int | None
    offers: tuple[str, ...]
    offer_frame: int | None
    retry_frame: int | None
    handshake_frame: int | None
    confirmed_frame: int | None
    is_resumed: bool


class _Packet(NamedTuple):
    kind: str
    version: int
    offers: tuple[int, ...] = ()


class Quics:
    """All of them, by flow."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        kept = table.contents[QUIC]
        rows = np.array(kept.row, np.int64)
        order = np.argsort(table.flow[rows], kind="stable")
        self._rows: I8 = rows[order]
        self._flow = table.flow[self._rows]
        self._octets = [kept.octets[at] for at in order.tolist()]

    def of(self, row: int) -> QuicTalk | None:
        """What was said in the flow of a row; None where no client opened a connection."""
        first, end = (int(np.searchsorted(self._flow, self._table.flow[row], side)) for side in ("left", "right"))
        found = [packets(octets) for octets in self._octets[first:end]]
        opener = next((at for at, some in enumerate(found) if some and some[0].kind == _INITIAL), None)
        if opener is None:
            return None
        rows = self._rows[first:end]
        is_client = self._table.sources(rows) == self._table.sources(rows[opener : opener + 1])
        return _talk(self._table, rows, found, is_client.tolist())


def _talk(table: PacketTable, rows: Rows, found: list[list[_Packet]], is_client: list[bool]) -> QuicTalk:
    said: dict[tuple[bool, str], list[int]] = {}
    versions: list[int] = []
    offers: tuple[int, ...] = ()
    for at, (some, by_client) in enumerate(zip(found, is_client, strict=True)):
        for one in some:
            said.setdefault((by_client, one.kind), []).append(at)
            if by_client:
                versions.append(one.version)
            offers = offers or one.offers
    begun = said[True, _INITIAL]
    heard = min((places[0] for (by_client, _), places in said.items() if not by_client), default=None)

    def frame(by_client: bool, kind: str) -> int | None:
        places = said.get((by_client, kind))
        return int(table.frame[rows[places[0]]]) if places else None

    return QuicTalk(
        version_name(versions[-1]), version_name(versions[0]), len(set(begun)), int(table.frame[rows[begun[0]]]),
        None if heard is None else int(table.time_ns[rows[heard]] - table.time_ns[rows[begun[0]]]),
        tuple(name for one in offers if not is_grease(name := version_name(one))), frame(False, _NEGOTIATION),
        frame(False, _RETRY), frame(False, _HANDSHAKE), frame(True, _HANDSHAKE), (True, _EARLY) in said,
    )  # fmt: skip


def packets(octets: bytes) -> list[_Packet]:
    """The packets with a long header that lie one after the other in a datagram."""
    found: list[_Packet] = []
    at = 0
    while at + 7 <= len(octets) and octets[at] & _LONG and len(found) < _MOST_PACKETS:
        version = int.from_bytes(octets[at + 1 : at + 5], "big")
        after = _behind_ids(octets, at + 5)
        if after is None:
            break
        if not version:
            ends = range(after, min(len(octets) - 3, after + 4 * _MOST_VERSIONS), 4)
            found.append(_Packet(_NEGOTIATION, 0, tuple(int.from_bytes(octets[one : one + 4], "big") for one in ends)))
            break
        kind = (_KINDS_OF_2 if version == _VERSION_2 else _KINDS)[octets[at] >> 4 & 3]
        found.append(_Packet(kind, version))
        if kind == _RETRY:
            break
        if kind == _INITIAL:
            size, after = _number(octets, after)
            after += size
        size, after = _number(octets, after)
        at = after + size
    return found


def _behind_ids(octets: bytes, at: int) -> int | None:
    """Where both connection ids end; None if they cannot be."""
    for _ in range(2):
        if at >= len(octets) or octets[at] > _LONGEST_ID:
            return None
        at += 1 + octets[at]
    return at


def _number(octets: bytes, at: int) -> tuple[int, int]:
    """A number of 1, 2, 4 or 8 octets, as its first two bits say, and where it ends (RFC 9000, 16)."""
    size = 1 << (octets[at] >> 6) if at < len(octets) else 1
    value = int.from_bytes(octets[at : at + size], "big")
    return value & (1 << 8 * size - 2) - 1, at + size


def version_name(version: int) -> str:
    """A version as people call it; in hexadecimal if nobody gave it a name."""
    if version & 0xFFFFFF00 == _DRAFTS:
        return f"draft-{version & 0xFF}"
    return _NAMES.get(version, f"0x{version:08x}")


def is_grease(version: str) -> bool:
    """One that nobody may speak, sent so that all learn to ignore it (RFC 9000, 15)."""
    return version.startswith("0x") and version[3::2] == "aaaa"
