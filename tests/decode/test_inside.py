from __future__ import annotations

import json
import struct

import pytest
from decode.windows import window
from hypothesis import given
from hypothesis import strategies as st
from packets import A, B, R, eth, ip, is_at, pcap, ping, pong, segment, udp, who_has

import explain
from explain.decode import Decoder
from explain.model import Interface

NEAR, FAR = "192.0.2.1", "192.0.2.2"
ALICE, BOB = "10.0.0.1", "10.0.0.2"
FRAMES = (
    who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)), ping(ALICE, BOB, 1), pong(BOB, ALICE, 1),
    segment((ALICE, 40000), (BOB, 80), 2, seq=5), segment((BOB, 80), (ALICE, 40000), 0x14, ack=6, macs=(B, A)),
)  # fmt: skip


def to_port(port: int, header: bytes, frame: bytes, source: int = 50000) -> bytes:
    return ip(NEAR, FAR, 17, udp(NEAR, FAR, source, port, header + frame))


def behind(header: bytes, frame: bytes) -> bytes:
    return ip(NEAR, FAR, 47, header + frame)


def gtp(frame: bytes, *, extended: bool) -> bytes:
    more = b"\0\1\0\x85" + b"\1\0\5\0" if extended else b""
    return struct.pack(">BBHI", 0x34 if extended else 0x30, 255, len(more) + len(frame) - 14, 9) + more


ALIKE = {
    "gre": lambda frame: behind(b"\0\0\x65\x58", frame),
    "gre-key-sequence": lambda frame: behind(b"\x30\0\x65\x58" + bytes(8), frame),
    "erspan-1": lambda frame: behind(b"\0\0\x88\xbe", frame),
    "erspan-2": lambda frame: behind(b"\x10\0\x88\xbe" + bytes(4) + b"\x10" + bytes(7), frame),
    "erspan-3": lambda frame: behind(b"\x10\0\x22\xeb" + bytes(4) + b"\x20" + bytes(11), frame),
    "erspan-3-platform": lambda frame: behind(
        b"\x10\0\x22\xeb" + bytes(4) + b"\x20" + bytes(10) + b"\1" + bytes(8), frame
    ),
    "vxlan": lambda frame: to_port(4789, b"\x08" + bytes(7), frame),
    "vxlan-of-linux": lambda frame: to_port(8472, b"\x08" + bytes(7), frame),
    "geneve": lambda frame: to_port(6081, b"\x01\0\x65\x58" + bytes(8), frame),
    "vxlan-in-ipip": lambda frame: ip("198.51.100.1", FAR, 4, to_port(4789, b"\x08" + bytes(7), frame)),
    "vxlan-over-ipv6": lambda frame: ip("2001:db8::1", "2001:db8::2", 17, udp(
        "2001:db8::1", "2001:db8::2", 5, 4789, b"\x08" + bytes(7) + frame)),
}  # fmt: skip
"""Tunnels that carry whole frames."""

BARE = {
    "ipip": lambda frame: ip(NEAR, FAR, 4, frame[14:]),
    "gre": lambda frame: behind(b"\0\0\x08\0", frame[14:]),
    "pptp": lambda frame: behind(b"\x30\x81\x88\x0b" + bytes(12) + b"\xff\x03\0\x21", frame[14:]),
    "gtp": lambda frame: to_port(2152, gtp(frame, extended=False), frame[14:]),
    "gtp-extended": lambda frame: to_port(2152, gtp(frame, extended=True), frame[14:]),
    "mpls": lambda frame: to_port(6635, b"\0\6\x40\x40\0\6\x41\x40", frame[14:]),
    "teredo": lambda frame: to_port(3544, b"\0\1\2\3" + bytes(14) + bytes(8), frame[14:]),
    "ip-over-ipv6": lambda frame: ip("2001:db8::1", "2001:db8::2", 60, b"\4\0\4\1\4\1\0\0" + frame[14:]),
}  # fmt: skip
"""Tunnels that carry packets without a link layer."""


def told(*frames: bytes, inside: bool = True, macs: tuple[str, str] = (R, B)) -> dict:
    kind = {4: 0x800, 6: 0x86DD}
    outer = frames if not inside else [eth(*macs, kind[frame[0] >> 4], frame) for frame in frames]
    return json.loads(explain.explain(pcap(*outer), inside=inside).to_json())


@pytest.mark.parametrize("wrap", ALIKE.values(), ids=ALIKE)
def test_frames_in_a_tunnel_are_told_as_if_there_were_none(wrap):
    bare, found = told(*FRAMES, inside=False), told(*map(wrap, FRAMES))
    assert found["exchanges"] == bare["exchanges"]
    assert found["findings"] == bare["findings"]
    assert [one["cause"] for one in found["findings"]] == ["tcp-no-listener"]


@pytest.mark.parametrize("wrap", BARE.values(), ids=BARE)
def test_packets_in_a_tunnel_are_told_as_those_outside(wrap):
    some = FRAMES[2:]
    bare, found = told(*some, inside=False), told(*map(wrap, some))
    assert [one["outcome"] for one in found["exchanges"]] == ["answered", "refused"]
    assert [one["fields"] for one in found["exchanges"]] == [one["fields"] for one in bare["exchanges"]]


def test_what_is_inside_is_named_above_the_story():
    story = explain.explain(pcap(*(eth(R, B, 0x800, ALIKE["vxlan"](frame)) for frame in FRAMES)), inside=True).story()
    assert "6 packets came in tunnels (VXLAN) and are told as the packets that they carried" in " ".join(story.split())


def test_where_nothing_is_carried_all_stays_as_it_is():
    assert told(*FRAMES, inside=False) == json.loads(explain.explain(pcap(*FRAMES), inside=True).to_json())


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x08", b"\x08" + bytes(7), b"\x08" + bytes(7) + FRAMES[2][:13], bytes(8) + FRAMES[2], b"\xff" * 90],
)
def test_what_else_goes_to_the_port_of_a_tunnel_stays_a_datagram(payload):
    for port in (4789, 6081, 2152, 6635):
        assert [one["kind"] for one in told(to_port(port, payload, b""))["exchanges"]] == ["udp.flow"]


def test_a_cut_frame_keeps_the_length_that_it_had_inside():
    whole = eth(R, B, 0x800, ALIKE["vxlan"](ping(ALICE, BOB, 1)))
    packets = explain.explain(pcap(whole, snaplen=len(whole) - 30), inside=True).packets
    assert packets.length[0] == len(ping(ALICE, BOB, 1))
    assert packets.captured[0] == packets.length[0] - 30


@given(st.sampled_from(sorted({**ALIKE, **BARE})), st.data())
def test_whatever_the_octets_what_is_inside_lies_within_the_frame(name, data):
    frame = bytearray(eth(R, B, 0x800, {**ALIKE, **BARE}[name](FRAMES[2])))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(12, 90))] = data.draw(st.integers(0, 255))
    frames = window([bytes(frame[: data.draw(st.integers(14, len(frame)))])], lengths=[len(frame)])
    decoder = Decoder(inside=True)
    decoder.add(frames, 0, [Interface(None, 1, 65535)])
    table = decoder.finish()
    start, begin = int(table.offset[0]), int(frames.start[0])
    assert begin <= start
    assert start + int(table.captured[0]) <= begin + int(frames.captured[0])
    assert int(table.captured[0]) <= int(table.length[0]) <= len(frame)
