from __future__ import annotations

import struct

import pytest
from packets import A, B, R, pcap, ping, pong, segment

import explain

C, D = "00:00:5e:00:53:03", "00:00:5e:00:53:04"
ALICE, BOB = "192.0.2.1", "192.0.2.2"
SYN, SYN_ACK, ACK, FIN_ACK = 0x02, 0x12, 0x10, 0x11


def tagged(frame: bytes, vlan: int) -> bytes:
    return frame[:12] + struct.pack(">HH", 0x8100, vlan) + frame[12:]


def connection(client_mac: str, server_mac: str, start: int) -> list[bytes]:
    there, back = (
        ((ALICE, 40000), (BOB, 80), (client_mac, server_mac)),
        ((BOB, 80), (ALICE, 40000), (server_mac, client_mac)),
    )
    numbers = [(SYN, start, 0), (SYN_ACK, start * 2, start + 1), (ACK, start + 1, start * 2 + 1)]
    numbers += [
        (FIN_ACK, start + 1, start * 2 + 1),
        (FIN_ACK, start * 2 + 1, start + 2),
        (ACK, start + 2, start * 2 + 2),
    ]
    ways = (there, back, there, there, back, there)
    return [
        segment(*way[:2], flags, macs=way[2], seq=seq, ack=ack)
        for way, (flags, seq, ack) in zip(ways, numbers, strict=True)
    ]


def test_the_same_ends_in_two_separate_vlans_are_two_connections():
    one, other = connection(A, B, 1000), connection(C, D, 77)
    frames = [
        tagged(frame, vlan) for pair in zip(one, other, strict=True) for frame, vlan in zip(pair, (10, 20), strict=True)
    ]
    found = explain.explain(pcap(*frames))
    assert [(each.outcome, each.vlans) for each in found.exchanges] == [("closed", ((10,),)), ("closed", ((20,),))]
    assert not found.findings


def test_pings_of_one_id_in_two_separate_vlans_are_two_runs():
    frames = (
        tagged(ping(ALICE, BOB, 1), 10),
        tagged(ping(ALICE, BOB, 1, macs=(C, D)), 20),
        tagged(pong(BOB, ALICE, 1), 10),
    )
    found = explain.explain(pcap(*frames))
    assert [(each.outcome, each.fields.sent) for each in found.exchanges] == [("answered", 1), ("unanswered", 1)]


@pytest.mark.parametrize(
    ("inner", "outer", "hops"), [((A, R), (R, B), 1), ((A, R), (C, B), 1), ((A, B), (A, B), 0)],
    ids=["a router", "a router with a MAC for each", "a bridge"],
)  # fmt: skip
def test_a_packet_that_goes_from_one_vlan_into_another_stays_one(inner, outer, hops):
    asked = tagged(ping(ALICE, BOB, 1, macs=inner), 10), tagged(ping(ALICE, BOB, 1, ttl=64 - hops, macs=outer), 20)
    back = pong(BOB, ALICE, 1, macs=outer[::-1]), pong(BOB, ALICE, 1, ttl=64 - hops, macs=inner[::-1])
    (only,) = explain.explain(pcap(*asked, tagged(back[0], 20), tagged(back[1], 10), gap_s=1e-5)).exchanges
    assert (only.outcome, only.fields.sent, only.vlans) == ("answered", 1, ((10,), (20,)))
