"""What is said of packets that came in fragments."""

from __future__ import annotations

import pytest
from packets import A, B, eth, ip, pcap

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
