"""What a capture holds beside its exchanges is said and counted."""

from __future__ import annotations

import struct

import pytest
from packets import A, B, eth, icmp, ip, pcap, ping, pong

import explain

ALICE, BOB = "192.0.2.1", "192.0.2.2"


def told(*frames, link_type=1, language="en"):
    return explain.explain(pcap(*frames, link_type=link_type)).story(language)


def test_frames_of_an_unknown_link_type_are_named_and_counted():
    story = told(b"\0" * 20, b"\0" * 20, link_type=147)
    assert "2 frames came over a link of type USER0 (147)" in " ".join(story.split())


@pytest.mark.parametrize(
    ("number", "words"), [(41, "IPv6 packets inside IP packets"), (89, "OSPF"), (200, "protocol 200")]
)
def test_another_protocol_of_ip_is_named(number, words):
    assert words in " ".join(told(eth(A, B, 0x800, ip(ALICE, BOB, number, b"\0" * 40))).split())


def test_frames_without_ip_are_counted_beside_the_exchanges():
    story = told(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1), eth(A, B, 0x88CC, b"\0" * 46))
    assert "1 frame carried neither IP nor ARP" in story
    assert story.startswith("✓")


def test_a_header_whose_length_cannot_be_is_told():
    assert "1 frame with a header that contradicts itself" in told(
        eth(A, B, 0x800, struct.pack(">BBH", 0x45, 0, 8) + bytes(30))
    )


def test_icmp_that_is_neither_echo_nor_error_is_named_by_its_type():
    assert "1 packet of ICMP, type 13" in told(eth(A, B, 0x800, ip(ALICE, BOB, 1, icmp(13, 0, 0, bytes(12)))))


def test_nothing_is_said_where_all_was_read():
    assert "explain does not" not in told(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1))
