from __future__ import annotations

import struct

import pytest
from explained import only
from packets import A, B, eth, icmp, icmp6, ip, pcap, udp

import explain

ALICE, BOB = "192.0.2.1", "192.0.2.2"
MORE = 0x2000


def cut(packet: bytes, size: int = 1480, source=ALICE, target=BOB, protocol=1, ident=7, macs=(A, B)) -> list[bytes]:
    """Ethernet frames with the fragments of a payload."""
    pieces = [packet[at : at + size] for at in range(0, len(packet), size)]
    return [
        eth(*macs, 0x800, ip(source, target, protocol, piece, ident=ident,
                             flags=(number * size // 8) | (MORE if number < len(pieces) - 1 else 0)))
        for number, piece in enumerate(pieces)
    ]  # fmt: skip


def request(seq: int, size: int = 3000) -> list[bytes]:
    return cut(icmp(8, 0, 7 << 16 | seq, b"x" * size), ident=100 + seq)


def reply(seq: int, size: int = 3000) -> list[bytes]:
    body = icmp(0, 0, 7 << 16 | seq, b"x" * size)
    return cut(body, source=BOB, target=ALICE, ident=200 + seq, macs=(B, A))


def test_a_ping_of_3000_octets_is_one_echo_with_all_its_fragments():
    one = only(*request(1), *reply(1), *request(2), *reply(2))
    assert (one.kind, one.outcome, one.frames) == ("icmp.echo", "answered", ((1, 12),))
    assert (one.fields.sent, one.fields.received, one.fields.size) == (2, 2, 3000)


def test_fragments_of_two_pings_that_mix_stay_apart():
    one, two = request(1), cut(icmp(8, 0, 9 << 16 | 1, b"y" * 3000), source="192.0.2.3", ident=101)
    mixed = [frame for pair in zip(one, two, strict=True) for frame in pair]
    found = list(explain.explain(pcap(*mixed)).exchanges)
    assert [each.frames for each in found] == [((1, 1), (3, 3), (5, 5)), ((2, 2), (4, 4), (6, 6))]


def test_a_later_fragment_that_overtakes_the_first_belongs_to_the_packet():
    first, *later = request(1)
    assert only(*later, first).frames == ((1, 3),)


def test_the_fragments_of_a_datagram_belong_to_its_flow():
    body = udp(ALICE, BOB, 5000, 6000, b"z" * 4000)
    one = only(*cut(body, protocol=17))
    assert (one.kind, one.frames, one.fields.datagrams) == ("udp.flow", ((1, 3),), 1)
    assert one.fields.payload_bytes == 4000


def test_the_same_identification_an_hour_later_is_another_packet():
    found = explain.explain(pcap(*[(0.0, one) for one in request(1)], *[(3600.0, one) for one in request(1)[1:]]))
    assert [one.frames for one in found.exchanges] == [((1, 3),)]


def test_a_fragment_that_is_missing_is_told_with_its_size():
    frames = request(1)
    story = " ".join(explain.explain(pcap(frames[0], frames[2])).story().split())
    assert "stayed unfinished" in story
    assert "1,480 bytes or more are missing" in story


def test_fragments_without_the_first_one_are_told():
    assert "without the first one" in " ".join(explain.explain(pcap(*request(1)[1:])).story().split())


@pytest.mark.parametrize("overlap", [0, 24, 1472])
def test_fragments_that_overlap_are_not_counted_twice(overlap):
    from explain.exchanges.fragments import datagrams

    second = eth(A, B, 0x800, ip(ALICE, BOB, 1, b"x" * 1480, ident=5, flags=(1480 - overlap) // 8))
    first = eth(A, B, 0x800, ip(ALICE, BOB, 1, icmp(8, 0, 1, b"x" * 1472), ident=5, flags=MORE))
    found = datagrams(explain.explain(pcap(first, second)).packets)
    assert (found.size.tolist(), found.have.tolist()) == ([2960 - overlap], [2960 - overlap])
    assert found.unfinished().tolist() == []


def test_fragments_of_ipv6_belong_to_their_packet():
    source, target = "2001:db8::1", "2001:db8::2"
    body = icmp6(source, target, 128, 0, 7 << 16 | 1, b"x" * 2000)
    frames = []
    for at in (0, 1232):
        piece = body[at : at + 1232]
        head = struct.pack(">BBHI", 58, 0, at | (at + 1232 < len(body)), 77)
        frames.append(eth(A, B, 0x86DD, ip(source, target, 44, head + piece)))
    one = only(*frames)
    assert (one.kind, one.fields.family, one.frames) == ("icmp.echo", 6, ((1, 2),))
