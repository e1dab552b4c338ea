"""Which VLANs frames run in is said, and what a log-in to the link came to."""

from __future__ import annotations

import struct

import pytest
from packets import A, B, eth, pcap, ping, pong

import explain

ALICE, BOB, CAROL = "192.0.2.1", "192.0.2.2", "198.51.100.3"


def told(*frames, language="en"):
    return " ".join(explain.explain(pcap(*frames)).story(language).split())


def tagged(frame: bytes, *ids: int, kind: int = 0x8100) -> bytes:
    tags = b"".join(struct.pack(">HH", kind, number) for number in ids)
    return frame[:12] + tags + frame[12:]


def test_each_vlan_is_named_with_those_who_speak_in_it():
    first = [tagged(ping(ALICE, BOB, 1), 10), tagged(pong(BOB, ALICE, 1), 10)]
    story = told(*first, tagged(ping(CAROL, BOB, 1), 0x2000 | 20), ping(ALICE, BOB, 1, ident=9))
    assert f"VLAN 10: 2 frames with its tag (802.1Q), 1 exchange, sent by {ALICE}, {BOB}." in story
    assert f"VLAN 20: 1 frame with its tag, 1 exchange, sent by {CAROL}." in story
    assert "VLAN" not in told(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1))


def test_an_exchange_whose_way_back_is_another_vlan_is_told():
    story = told(tagged(ping(ALICE, BOB, 1), 10), tagged(pong(BOB, ALICE, 1), 20))
    assert "1 exchange with frames in more than one VLAN" in story
    assert f"sent by {BOB}; no exchange runs in it alone." in story


def test_a_tag_around_a_tag_is_told_with_both_numbers():
    assert "1 frame with a tag within a tag (QinQ, 802.1ad), outermost and innermost: 100/7" in told(
        tagged(ping(ALICE, BOB, 1), 100, 7)
    )
    assert "within a tag" not in told(tagged(ping(ALICE, BOB, 1), 100))


def test_a_tag_of_vlan_0_is_a_priority_and_no_network():
    assert "1 frame with a tag of VLAN 0" in told(tagged(ping(ALICE, BOB, 1), 0xA000))


def eapol(kind: int, *eap: int, source: str = A) -> bytes:
    return eth(source, "01:80:c2:00:00:03", 0x888E, struct.pack(">BBH", 2, kind, len(eap)) + bytes(eap) + bytes(42))


REQUEST, SUCCESS, FAILURE = (1, 1, 0, 5, 1), (3, 2, 0, 4), (4, 2, 0, 4)


@pytest.mark.parametrize(
    ("frames", "words", "absent"),
    [
        ([eapol(1), eapol(0, *REQUEST), eapol(0, *SUCCESS)], "Log-in accepted once", "refused"),
        ([eapol(1), eapol(0, *REQUEST), eapol(0, *FAILURE)], "Log-in refused once", "accepted"),
        ([eapol(1), eapol(1)], "A host asked 2 times to log in (EAPOL Start), and nobody asked", "accepted"),
        ([eapol(3), eapol(3)], "Among them 2 frames with keys", "Log-in"),
        ([tagged(eapol(2), 30)], "A host logged off once", "Log-in"),
    ],
)  # fmt: skip
def test_what_a_log_in_to_the_link_came_to_is_told(frames, words, absent):
    story = told(*frames)
    assert words in story
    assert absent not in story


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"\x42\x42\x03\0\0\0\0\0", "spanning tree"), (b"\xaa\xaa\x03\0\0\x0c\x20\0", "1 frame of CDP"),
        (b"\xaa\xaa\x03\0\0\x0c\x20\x04", "1 frame of DTP"), (b"\x12\x12\x03\0\0\0\0\0", "access points 0x1212"),
    ],
)  # fmt: skip
def test_frames_without_a_type_are_named_by_what_stands_in_its_place(payload, words):
    assert words in told(eth(A, "01:80:c2:00:00:00", 38, payload + bytes(38)))


def test_a_device_that_asks_its_cable_to_pause_is_told():
    pause = eth(A, "01:80:c2:00:00:01", 0x8808, b"\0\1\xff\xff" + bytes(42))
    assert "2 frames of Ethernet flow control (pause)" in told(pause, pause)


def test_many_kinds_of_frames_are_counted_together():
    story = told(*(eth(A, B, 0x7000 + number, bytes(46)) for number in range(20)))
    assert story.count("frame of EtherType") == 8
    assert "12 frames carried neither IP nor ARP" in story
