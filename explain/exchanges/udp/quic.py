"""QUIC, as far as it can be read: the long headers of its handshake (RFC 8999; 9000, 17.2; 9369, 3.2).

All else is encrypted, also the end of a connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.decode.contents import QUIC
from explain.exchanges.messages import Messages
from explain.record import NamedTuple, dataclass
from explain.table import REVERSED

if TYPE_CHECKING:
    from explain.table import Bools, PacketTable, Rows

_LONG, _FIXED, _VERSION_2 = 0x80, 0x40, 0x6B3343CF
_INITIAL, _EARLY, _HANDSHAKE, _RETRY, _NEGOTIATION = "initial", "0-rtt", "handshake", "retry", "negotiation"
_SHORT, _UNSEEN = "1-rtt", "unseen"
_KINDS = (_INITIAL, _EARLY, _HANDSHAKE, _RETRY)
_KINDS_OF_2 = (_RETRY, _INITIAL, _EARLY, _HANDSHAKE)
_LONGEST_ID, _SHORTEST_ID_AT_FIRST = 20, 8  # RFC 9000, 7.2
_MOST_PACKETS, _MOST_VERSIONS = 8, 16
_NAMES = {1: "1", _VERSION_2: "2"}
_DRAFTS = 0xFF000000


@dataclass(frozen=True, slots=True)
class QuicTalk:
    """How a connection of QUIC was opened.

    Attributes:
        version: the one that the client spoke last, such as ``1`` or ``draft-29``; first_version: the one before.
        initials: datagrams with an Initial of the client; initial_frame: the first one.
        answer_ns: from the Initial with which the client began, or began again, to ``answer_frame``.
        answer_frame: the server's first Initial or Handshake; None without one.
        offers: the versions that the server has instead (Version Negotiation); () where it took the client's.
        renewed_frame: in which the client begins again in one of those.
        retry_frame: in which the server asks for proof that the client is at its address; None if it did not.
        handshake_frame: the server's first Handshake packet; confirmed_frame: the client's, which has heard it.
        open_frame: the client's first packet that only an open connection has (1-RTT).
        is_seen_whole: no packet of the server may hide behind what was recorded of a datagram.
        is_resumed: with data before any answer (0-RTT), from an earlier connection.
    """

    version: str
    first_version: str
    initials: int
    initial_frame: int
    answer_ns: int | None
    answer_frame: int | None
    offers: tuple[str, ...]
    offer_frame: int | None
    renewed_frame: int | None
    retry_frame: int | None
    handshake_frame: int | None
    confirmed_frame: int | None
    open_frame: int | None
    is_seen_whole: bool
    is_resumed: bool


class _Packet(NamedTuple):
    kind: str
    version: int
    offers: tuple[int, ...] = ()


class Quics:
    """All of them, by flow."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._messages = Messages(table, QUIC)

    def of(self, rows: Rows, *, is_answer: bool) -> QuicTalk | None:
        """What was said in the rows of a flow, whose first is the client's or an answer; None if it opened nothing."""
        table = self._table
        places = self._messages.of(int(table.flow[rows[0]]))
        if not places:
            return None
        octets = {int(self._messages.rows[at]): self._messages.octets[at] for at in places}
        is_reversed = table.layers[rows] & REVERSED != 0
        is_client = (is_reversed == is_reversed[0]) != is_answer
        openers = (at for at in np.flatnonzero(is_client).tolist() if _opens(octets.get(int(rows[at]), b"")))
        opener = next(openers, None)
        return None if opener is None else _Said(table, rows[opener:], octets, is_client[opener:]).talk()


def _opens(octets: bytes) -> bool:
    """Whether a client may begin a connection so."""
    some = packets(octets)
    return len(some) > 0 and some[0].kind == _INITIAL and octets[0] & _FIXED > 0 and octets[5] >= _SHORTEST_ID_AT_FIRST


class _Said:
    """The packets of a connection, by who sent them and by their kind; places are counted from its first Initial."""

    def __init__(self, table: PacketTable, rows: Rows, octets: dict[int, bytes], is_client: Bools) -> None:
        self._table, self._rows = table, rows
        self._places: dict[tuple[bool, str], list[int]] = {}
        self._versions: list[int] = []
        self._offers: tuple[int, ...] = ()
        is_long = among(rows, np.array(sorted(octets)))
        self._places[True, _SHORT] = np.flatnonzero(is_client & ~is_long)[:1].tolist()
        for at in np.flatnonzero(is_long).tolist():
            for one in packets(octets[int(rows[at])]):
                self._places.setdefault((bool(is_client[at]), one.kind), []).append(at)
                if is_client[at] and one.version:
                    self._versions.append(one.version)
                self._offers = self._offers or one.offers

    def _place(self, by_client: bool, *kinds: str, after: int = -1) -> int | None:
        """The first of such packets."""
        places = (at for kind in kinds for at in self._places.get((by_client, kind), ()) if at > after)
        return min(places, default=None)

    def _frame(self, at: int | None) -> int | None:
        return None if at is None else int(self._table.frame[self._rows[at]])

    def _answer_ns(self, heard: int | None) -> int | None:
        if heard is None:
            return None
        begun_again = [at for kind in (_NEGOTIATION, _RETRY) for at in self._places.get((False, kind), ())]
        start = self._place(True, _INITIAL, after=max(begun_again, default=-1)) or 0
        times = self._table.time_ns[self._rows[[min(start, heard), heard]]]
        return int(times[1] - times[0])

    def talk(self) -> QuicTalk:
        place, frame, versions = self._place, self._frame, self._versions
        offer, heard = place(False, _NEGOTIATION), place(False, _INITIAL, _HANDSHAKE)
        is_renewed = offer is not None and versions[-1] in self._offers
        return QuicTalk(
            version_name(versions[-1]), version_name(versions[0]), len(set(self._places[True, _INITIAL])),
            int(self._table.frame[self._rows[0]]), self._answer_ns(heard), frame(heard),
            tuple(name for one in self._offers if not is_grease(name := version_name(one))), frame(offer),
            frame(place(True, _INITIAL, after=offer)) if offer is not None and is_renewed else None,
            frame(place(False, _RETRY)), frame(place(False, _HANDSHAKE)), frame(place(True, _HANDSHAKE)),
            frame(place(True, _SHORT)), (False, _UNSEEN) not in self._places, (True, _EARLY) in self._places,
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
        kind = kinds_of(version)[octets[at] >> 4 & 3]
        found.append(_Packet(kind, version))
        if kind == _RETRY:
            break
        if kind == _INITIAL:
            size, after = _number(octets, after)
            after += size
        size, after = _number(octets, after)
        at = after + size
    if found and at > len(octets):
        found.append(_Packet(_UNSEEN, 0))
    elif found and at < len(octets) and octets[at] & (_LONG | _FIXED) == _FIXED:
        found.append(_Packet(_SHORT, 0))
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


def kinds_of(version: int) -> tuple[str, ...]:
    """What the two bits of the type mean in a version."""
    return _KINDS_OF_2 if version == _VERSION_2 else _KINDS


def version_name(version: int) -> str:
    """A version as people call it; in hexadecimal if nobody gave it a name."""
    if version & 0xFFFFFF00 == _DRAFTS:
        return f"draft-{version & 0xFF}"
    return _NAMES.get(version, f"0x{version:08x}")


def is_grease(version: str) -> bool:
    """One that nobody may speak, sent so that all learn to ignore it (RFC 9000, 15)."""
    return version.startswith("0x") and version[3::2] == "aaaa"
