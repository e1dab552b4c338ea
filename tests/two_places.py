"""Traffic through a router, or a NAT, as each of its places records it."""

from __future__ import annotations

from dataclasses import dataclass, field

from packets import A, B, R, eth, icmp, ip, pcap, tcp, udp

import explain

INSIDE, NAT, SERVER, OTHER = "192.0.2.10", "203.0.113.1", "198.51.100.7", "192.0.2.11"
R2 = "00:00:5e:00:53:fd"


@dataclass
class Walk:
    """Two places, on both sides of one router; what passes is seen 1 ms later on the other side.

    ``skew_s`` and ``ppm`` are what the outer clock is off.
    """

    skew_s: float = 0.0
    ppm: float = 0.0
    inner: list[tuple[float, bytes]] = field(default_factory=list)
    outer: list[tuple[float, bytes]] = field(default_factory=list)

    def _outer(self, when: float, frame: bytes) -> None:
        self.outer.append((when + 20 + self.skew_s + when * self.ppm * 1e-6, frame))

    def out(self, when: float, near: bytes | None, far: bytes | None) -> None:
        """A packet from inside; what a place does not record is None."""
        if near is not None:
            self.inner.append((when + 20, eth(A, R, 0x800, near)))
        if far is not None:
            self._outer(when + 0.001, eth(R2, B, 0x800, far))

    def back(self, when: float, near: bytes | None, far: bytes | None) -> None:
        """A packet from outside."""
        if far is not None:
            self._outer(when, eth(B, R2, 0x800, far))
        if near is not None:
            self.inner.append((when + 20.001, eth(R, A, 0x800, near)))

    def report(self):
        return explain.explain(pcap(*self.inner), pcap(*self.outer))


def ping(source, target, seq, ident=7, ttl=64, ip_id=1, kind=8):
    data = seq.to_bytes(2, "big") * 28
    return ip(source, target, 1, icmp(kind, 0, ident << 16 | seq, data), ttl, ip_id)


def segment(source, target, flags, seq, ack=0, data=b"", ttl=64, ip_id=1):
    return ip(
        source[0], target[0], 6, tcp(source[0], target[0], source[1], target[1], flags, seq, ack, data), ttl, ip_id
    )


def datagram(source, target, data, ttl=64, ip_id=0):
    return ip(source[0], target[0], 17, udp(source[0], target[0], source[1], target[1], data), ttl, ip_id)


def connection(walk, when, inside, outside, server, base=1000, ids=(10, 0)):
    """A connection through source NAT: handshake, one segment each way, both FINs."""
    mine, its = base, base + 500_000
    steps = (
        (0, 2, mine, 0, b""), (1, 18, its, mine + 1, b""), (0, 16, mine + 1, its + 1, b""),
        (0, 24, mine + 1, its + 1, b"hello"), (1, 24, its + 1, mine + 6, b"world!"),
        (0, 17, mine + 6, its + 7, b""), (1, 17, its + 7, mine + 7, b""), (0, 16, mine + 7, its + 8, b""),
    )  # fmt: skip
    for number, (is_back, flags, seq, ack, data) in enumerate(steps):
        at, ip_id = when + number * 0.01, ids[is_back] and ids[is_back] + number
        if is_back:
            walk.back(
                at,
                segment(server, inside, flags, seq, ack, data, 63, ip_id),
                segment(server, outside, flags, seq, ack, data, 64, ip_id),
            )
        else:
            walk.out(
                at,
                segment(inside, server, flags, seq, ack, data, 64, ip_id),
                segment(outside, server, flags, seq, ack, data, 63, ip_id),
            )


def of_kind(report, kind):
    """Exchanges of a kind, of a report or of all that were found."""
    return [one for one in getattr(report, "exchanges", report) if one.kind == kind]
