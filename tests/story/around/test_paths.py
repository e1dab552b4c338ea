"""What is said of packets that came in fragments."""

from __future__ import annotations

import pytest
from neighbours import router
from packets import A, B, R, eth, ip, is_at, pcap, ping, pong, who_has

import explain

MORE = 0x2000


def part(offset: int, size: int, more: int = MORE, **header: int) -> bytes:
    packet = ip("192.0.2.1", "192.0.2.2", 17, b"x" * size, flags=more | offset // 8, **header)
    return eth(A, B, 0x800, packet)


def told(*frames: bytes) -> str:
    return " ".join(explain.explain(pcap(*frames)).story("en").split())


WHOLE = (part(0, 1480), part(1480, 1480), part(2960, 40, 0))


def test_fragments_that_overlap_otherwise_than_copies_are_told():
    assert "2 fragments of 1 packet from 192.0.2.1 to 192.0.2.2 lie over each other" in told(
        part(0, 40), part(24, 8, 0)
    )


@pytest.mark.parametrize(
    "frames",
    [
        WHOLE, (*WHOLE, *WHOLE), (*WHOLE, part(0, 1480), part(1480, 520, 0)),  # an identification that is used anew
        (*WHOLE, part(0, 1256, ttl=63), part(1256, 224, ttl=63)),  # and a router that cut the first one again
    ],
)  # fmt: skip
def test_copies_and_packets_of_one_identification_overlap_without_harm(frames):
    story = told(*frames)
    assert "did not fit and travelled in" in story
    assert "over each other" not in story


def test_fragments_of_more_than_a_packet_can_hold_are_told():
    story = told(*(part(1480 * number, 1480) for number in range(44)), part(1480 * 44, 1000, 0))
    assert "would make up 66,120 bytes or so, more than the 65,535" in story


def test_a_neighbour_that_is_reached_by_the_router_and_answers_straight_is_told_as_such():
    alice, near, gate = "192.0.2.1", "192.0.2.2", "192.0.2.254"
    talk = ping(alice, near, 1, macs=(A, R)), pong(near, alice, 1, macs=(B, A))
    known = who_has((A, alice), gate), is_at((R, gate), (A, alice))
    assert f"goes by the router {gate} ({R}), and what comes back arrives straight from {B}" in told(*known, *talk)
    assert "two hosts have its address" in told(*talk)


def test_who_advertises_itself_as_a_router_is_the_router_that_packets_go_by():
    alice, near, gate = "2001:db8:1::1", "2001:db8:2::2", "fe80::200:5eff:fe00:53fe"
    talk = ping(alice, near, 1, macs=(A, R)), pong(near, alice, 1, macs=(B, A))
    assert f"goes by the router {gate} ({R})" in told(router(R, gate), *talk)
