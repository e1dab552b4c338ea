"""Frames laid into a window as a reader would, and everything that was decoded of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import packets as p

from explain.capture.frames import Frames
from explain.decode import Decoder
from explain.model import Interface
from explain.table import COLUMNS, IP, PacketTable

A4, B4, A6, B6 = "192.0.2.1", "198.51.100.2", "2001:db8::1", "2001:db8:1::2"
SYN_OPTIONS = bytes.fromhex("020405b4 0402080a 00000001 00000000 01030307")


def window(frames: Sequence[bytes], lengths: Sequence[int] | None = None, around: bytes = b"") -> Frames:
    """The frames one after the other, with ``around`` before, between and behind them."""
    starts, at = [], len(around)
    for frame in frames:
        starts.append(at)
        at += len(frame) + len(around)
    data = around + b"".join(frame + around for frame in frames)
    return Frames(
        np.frombuffer(data, np.uint8),
        0,
        np.array(starts, np.int64),
        np.array([len(frame) for frame in frames], np.uint32),
        np.array(lengths or [len(frame) for frame in frames], np.uint32),
        np.arange(len(frames), dtype=np.int64),
        np.zeros(len(frames), np.uint16),
    )


def decoded(*windows: Frames, link_type: int = 1, every_checksum: bool = True) -> PacketTable:
    decoder = Decoder(most_summed=None if every_checksum else 0)
    for one in windows:
        decoder.add(one, 0, [Interface(None, link_type, 65535)])
    return decoder.finish()


def of_frames(*frames: bytes, link_type: int = 1) -> PacketTable:
    return decoded(window(frames, around=b"\xa5" * 24), link_type=link_type)


def known(table: PacketTable) -> list[dict[str, Any]]:
    """What is known of each frame, by name; indices and address keys as what they stand for."""
    result = []
    for row in range(len(table)):
        one = {name: getattr(table, name)[row].item() for name in COLUMNS if name not in {"offset", "flow", "link"}}
        link = table.link[row]
        one["macs"] = (int(table.links.source[link]), int(table.links.target[link]))
        if one["layers"] & IP:
            only = np.array([row])
            one["ends"] = [table.addresses.text(keys(only).item()) for keys in (table.sources, table.targets)]
            one["ports"] = [ports(only).item() for ports in (table.source_ports, table.target_ports)]
            one["protocol"] = table.flows.protocol[table.flow[row]].item()
        result.append(one)
    for name in ("arp", "icmp", "syn", "fragments"):
        side = getattr(table, name)
        for at, row in enumerate(side.row.tolist()):
            values = {field.name: getattr(side, field.name)[at].item() for field in fields(side)}
            for key in {"target", "quote_src", "quote_dst"} & set(values):
                values[key] = table.addresses.text(values[key])
            assert name not in result[row]
            result[row][name] = values
    return result


def _extended(*headers: tuple[int, bytes], last: int, body: bytes) -> bytes:
    """IPv6 with extension headers, each (its number, its octets from the third on)."""
    chain, after = body, last
    for kind, rest in reversed(headers):
        chain, after = bytes([after, (len(rest) + 2) // 8 - 1]) + rest + chain, kind
    return p.eth(p.A, p.B, 0x86DD, p.ip(A6, B6, after, chain))


def _ip_options(packet: bytes, options: bytes) -> bytes:
    head = (
        bytes([0x45 + len(options) // 4]) + packet[1:2] + (len(packet) + len(options)).to_bytes(2, "big") + packet[4:10]
    )
    head += b"\0\0" + packet[12:20] + options
    return head[:10] + p.checksum(head).to_bytes(2, "big") + head[12:] + packet[20:]


TCP4 = p.tcp(A4, B4, 40000, 80, 24, seq=0x01020304, ack=0xF0E0D0C0, data=b"GET / HTTP/1.1")
TCP6 = p.tcp(A6, B6, 40000, 80, 16, seq=1, ack=2)
UDP4 = p.udp(A4, B4, 5353, 53, b"question")
UDP6 = p.udp(A6, B6, 5353, 53, b"question")
SYN4 = p.tcp(A4, B4, 40000, 80, 2, seq=7, options=SYN_OPTIONS)
QUERY = p.datagram((A4, 5353), (B4, 53), b"question")
PADDED = p.eth(p.A, p.B, 0x800, p.ip(A4, B4, 6, p.tcp(A4, B4, 1, 2, 16)))
SNAP = bytes.fromhex("aaaa03 000000 0800")

# Name: the frame, and how many of its octets are headers that have columns.
KINDS: dict[str, tuple[bytes, int]] = {
    "arp": (p.who_has((p.A, A4), B4), 42),
    "tcp": (p.eth(p.A, p.B, 0x800, p.ip(A4, B4, 6, TCP4)), 54),
    "tcp with padding": (PADDED + b"\xee" * 6, 54),
    "tcp with options": (p.eth(p.A, p.B, 0x800, p.ip(A4, B4, 6, SYN4)), 74),
    "tcp over six": (p.eth(p.A, p.B, 0x86DD, p.ip(A6, B6, 6, TCP6)), 74),
    "udp": (QUERY, 42),
    "udp over six": (p.datagram((A6, 5353), (B6, 53), b"question"), 62),
    "echo": (p.ping(A4, B4, 3), 42),
    "echo over six": (p.ping(A6, B6, 3), 62),
    "error": (p.error("192.0.2.254", 3, 1, QUERY), 42),
    "error over six": (p.error(B6, 1, 4, p.datagram((A6, 9), (B6, 10), b"abc")), 62),
    "vlan": (p.eth(p.A, p.B, 0x800, p.ip(A4, B4, 6, TCP4), vlan=0x6005), 58),
    "two tags": (p.eth(p.A, p.B, 0x88A8, bytes.fromhex("00c8 8100 07d1 0800") + p.ip(A4, B4, 17, UDP4)), 50),
    "snap": (p.eth(p.A, p.B, 0x40, SNAP + p.ip(A4, B4, 17, UDP4)), 50),
    "two labels": (p.eth(p.A, p.B, 0x8847, bytes.fromhex("00064040 00065140") + p.ip(A4, B4, 17, UDP4)), 50),
    "pppoe": (p.eth(p.A, p.B, 0x8864, bytes.fromhex("1100 0001 0026 0021") + p.ip(A4, B4, 17, UDP4)), 50),
    "ip options": (p.eth(p.A, p.B, 0x800, _ip_options(p.ip(A4, B4, 17, UDP4), b"\x94\x04\0\0")), 46),
    "first fragment": (p.eth(p.A, p.B, 0x800, p.ip(A4, B4, 17, UDP4, ident=9, flags=0x2000)), 42),
    "later fragment": (p.eth(p.A, p.B, 0x800, p.ip(A4, B4, 17, b"rest of it", ident=9, flags=0x00B9)), 34),
    "hop by hop": (_extended((0, bytes.fromhex("0502 0000 0100")), last=17, body=UDP6), 70),
    "fragment over six": (_extended((44, bytes.fromhex("0001 00000007")), last=17, body=UDP6), 70),
    "routed": (_extended((43, b"\0\1" + bytes(4) + p.packed(B6)), last=17, body=UDP6), 86),
}
