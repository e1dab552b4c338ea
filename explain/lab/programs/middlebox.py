"""A device in the cable: it copies frames between two interfaces and loses, doubles, damages, resets or forgets some.

Which frames is told by a pattern, so that every run does the same: ``--lose icmp:2,4`` loses the second and the
fourth ICMP frame. Of TCP the segments with data count, and 0 is every SYN.
"""

from __future__ import annotations

import argparse
import select
import socket
import struct

DEEDS = ("lose", "double", "damage", "hold", "reset")
OUTGOING = 4  # PACKET_OUTGOING
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58}


def protocol_of(frame: bytes) -> int:
    """The number of the protocol above IP, 0 for anything else."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and len(frame) > 33:
        return frame[23]
    if kind == b"\x86\xdd" and len(frame) > 53:
        return frame[20]
    return 0


def pattern(text: str) -> tuple[int, set[int]]:
    """``icmp:2,4`` as the protocol's number and the frames counted from 1; 0 for a SYN."""
    if not text:
        return -1, set()
    name, _, counts = text.partition(":")
    return PROTOCOLS[name], {int(count) for count in counts.split(",")}


def has_payload(frame: bytes) -> bool:
    """True for a TCP segment over IPv4 that carries data."""
    header = (frame[14] & 15) * 4
    total: int = struct.unpack_from(">H", frame, 16)[0]
    return protocol_of(frame) == 6 and total > header + (frame[14 + header + 12] >> 4) * 4


def is_syn(frame: bytes) -> bool:
    """True for the segment over IPv4 that asks for a connection."""
    return protocol_of(frame) == 6 and frame[14 + (frame[14] & 15) * 4 + 13] & 0x12 == 2


def checksum(data: bytes) -> int:
    """The Internet checksum. Source: RFC 1071 section 1."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def reset_for(frame: bytes, ttl: int) -> bytes:
    """A reset towards the sender of a TCP segment over IPv4, forged. Source: RFC 9293 section 3.5.2."""
    header = (frame[14] & 15) * 4
    ip, tcp = frame[14 : 14 + header], frame[14 + header :]
    begun, confirmed = struct.unpack_from(">II", tcp, 4)
    numbers = (0, begun + 1 & 0xFFFFFFFF, 0x50, 0x14) if is_syn(frame) else (confirmed, 0, 0x50, 4)
    reply = struct.pack(">HHIIBBHHH", *struct.unpack_from(">HH", tcp)[::-1], *numbers, 0, 0, 0)
    pseudo = ip[16:20] + ip[12:16] + struct.pack(">BBH", 0, 6, len(reply))
    reply = reply[:16] + struct.pack(">H", checksum(pseudo + reply)) + reply[18:]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(reply), 0x4D4D, 0, ttl, 6, 0) + ip[16:20] + ip[12:16]
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return frame[6:12] + frame[0:6] + b"\x08\x00" + head + reply


def opened(name: str) -> socket.socket:
    """A socket that hears and sends every frame of an interface."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind((name, 3))
    sock.setsockopt(263, 1, struct.pack("iHH8s", socket.if_nametoindex(name), 1, 0, b""))  # promiscuous
    return sock


class Mischief:
    """Counts frames and says what is to happen to each."""

    def __init__(self, rules: dict[str, tuple[int, set[int]]]) -> None:
        self.rules = rules
        self.counts = dict.fromkeys(rules, 0)

    def done_to(self, frame: bytes) -> set[str]:
        """What happens to this frame; nothing to most."""
        hit = set()
        for what, (protocol, wanted) in self.rules.items():
            if is_syn(frame):
                hit |= {what} if protocol == PROTOCOLS["tcp"] and 0 in wanted else set()
            elif protocol_of(frame) == protocol and (protocol != PROTOCOLS["tcp"] or has_payload(frame)):
                self.counts[what] += 1
                if self.counts[what] in wanted:
                    hit.add(what)
        return hit


def copied(frame: bytes, done: set[str]) -> list[bytes]:
    """What leaves on the other side for a frame that came in."""
    if "lose" in done or "reset" in done:
        return []
    if "damage" in done:
        frame = frame[:-1] + bytes([frame[-1] ^ 0xFF])
    return [frame, frame] if "double" in done else [frame]


def main() -> None:
    """Copy for ever."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--left", required=True)
    ask.add_argument("--right", required=True)
    for what in DEEDS:
        ask.add_argument(f"--{what}", default="")
    ask.add_argument("--ttl", type=int, default=200)
    args = ask.parse_args()
    mischief = Mischief({what: pattern(getattr(args, what)) for what in DEEDS})
    ends = [opened(args.left), opened(args.right)]
    held: list[tuple[socket.socket, bytes]] = []
    while True:
        for sock in select.select(ends, [], [])[0]:
            frame, where = sock.recvfrom(65536)
            if where[2] == OUTGOING:  # what this device itself sent
                continue
            other = ends[1] if sock is ends[0] else ends[0]
            done = mischief.done_to(frame)
            if "reset" in done:
                sock.send(reset_for(frame, args.ttl))
            if "hold" in done:
                held.append((other, frame))
                continue
            for one in copied(frame, done):
                other.send(one)
            while held:
                later, kept = held.pop()
                later.send(kept)


if __name__ == "__main__":
    main()
