"""Records every frame of a network namespace, with the kernel's nanoseconds, direction and VLAN tag.

One AF_PACKET socket hears all interfaces of the namespace in which it was made, present and future ones, so it
can be opened before any link is up and misses nothing.  It keeps hearing that namespace whatever the thread does
later.

Source: packet(7), socket(7).
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Self

from explain.capture.pcapng.writer import BROADCAST, INBOUND, MULTICAST, OUTBOUND, PROMISCUOUS, UNICAST
from explain.record import dataclass

_ETH_P_ALL = 3
SOL_PACKET, PACKET_STATISTICS, PACKET_AUXDATA = 263, 6, 8
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 1 << 4, 1 << 6
PACKET_OUTGOING = 4
# sll_pkttype -> epb_flags: 0 to us, 1 broadcast, 2 multicast, 3 to somebody else, 4 sent by us.
FLAGS = {0: INBOUND | UNICAST, 1: INBOUND | BROADCAST, 2: INBOUND | MULTICAST, 3: INBOUND | PROMISCUOUS, 4: OUTBOUND}
LARGEST = 262_144


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame as the kernel showed it.

    Attributes:
        time_ns: the kernel's UTC nanoseconds.
        interface: name at the time of reading.
        flags: epb_flags of pcapng: direction and kind of reception.
        data: the frame, its VLAN tag put back.
        length: octets on the wire, the tag included.
    """

    time_ns: int
    interface: str
    flags: int
    data: bytes
    length: int


class Tap:
    """A socket that hears the namespace in which it was made.

    Attributes:
        received: frames that the kernel put into the socket's queue, so far.
        dropped: frames that found the queue full.
    """

    def __init__(self, buffer_octets: int = 32 << 20) -> None:
        self.received = 0
        self.dropped = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_octets)
        except PermissionError:  # in a user namespace: what the machine allows to everybody
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_octets)
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """The descriptor, so that a selector can wait for frames."""
        return self._socket.fileno()

    def drain(self) -> list[Heard]:
        """Everything that is in the queue now, oldest first; an empty list if nothing is."""
        heard = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data, notes, _, sender = self._socket.recvmsg(LARGEST, 256)
                frame = _heard(data, notes, sender)
                if frame is not None:
                    heard.append(frame)
        self._count()
        return heard

    def _count(self) -> None:
        """Reading the kernel's counters resets them, so they are added up here."""
        seen, dropped = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.received += seen
        self.dropped += dropped

    def close(self) -> None:
        """Stop hearing."""
        self._socket.close()


def _heard(data: bytes, notes: list[tuple[int, int, bytes]], sender: tuple[str, int, int, int, bytes]) -> Heard | None:
    name, _, kind = sender[:3]
    if name == "lo" and kind == PACKET_OUTGOING:  # loopback shows each frame twice
        return None
    time_ns, length = 0, len(data)
    for level, what, value in notes:
        if level == socket.SOL_SOCKET and what == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("ll", value[:16])
            time_ns = seconds * 1_000_000_000 + nanoseconds
        elif level == SOL_PACKET and what == PACKET_AUXDATA:
            status, length, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
            if status & TP_STATUS_VLAN_VALID:
                tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                data = data[:12] + struct.pack(">HH", tpid, tci) + data[12:]
                length += 4
    return Heard(time_ns, name, FLAGS.get(kind, 0), data, length)
