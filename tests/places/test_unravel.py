"""Recordings of several places in one list of frames, without a word about it."""

from __future__ import annotations

import ipaddress
import struct

import packets
import pytest
from asunder import split
from packets import A, B, R, eth, is_at, octets, pcap, who_has
from surroundings import TOP
from two_places import INSIDE, R2, SERVER, Walk, connection, of_kind, ping, segment

import explain

NAT, R_INNER = "203.0.113.1", "192.0.2.1"


def merged(walk):
    """Both sides of the router by one clock, as mergecap writes them."""
    outer = [(when, frame) for when, frame in walk.outer]
    return explain.explain(pcap(*sorted([*walk.inner, *outer], key=lambda one: one[0])))


def pings(answered=True):
    walk = Walk()
    for seq in range(1, 5):
        walk.out(float(seq), ping(INSIDE, SERVER, seq, ip_id=seq), ping(INSIDE, SERVER, seq, ttl=63, ip_id=seq))
        back = ping(SERVER, INSIDE, seq, ttl=63, ip_id=seq + 500, kind=0)
        walk.back(seq + 0.01, back if answered else None, ping(SERVER, INSIDE, seq, ip_id=seq + 500, kind=0))
    return walk


def test_both_sides_of_a_router_in_one_file_are_two_places():
    report = merged(pings())
    (echo,) = of_kind(report, "icmp.echo")
    assert (echo.outcome, echo.fields.sent, echo.fields.received, echo.fields.duplicates) == ("answered", 4, 4, 0)
    (journey,) = of_kind(report, "journey")
    assert [sight.vantage for sight in journey.fields.seen] == ["#1", "#2"]


def test_a_reply_that_the_router_kept_is_lost_though_it_stands_in_the_same_file():
    report = merged(pings(answered=False))
    (echo,) = of_kind(report, "icmp.echo")
    assert echo.outcome == "unanswered"
    (journey,) = of_kind(report, "journey")
    assert (journey.outcome, journey.fields.lost, journey.fields.stage) == ("vanished", "reply", "router")


def stick():
    """What the cable of a router with one interface carries: each packet in one VLAN, and then in the other."""
    walk = Walk()
    connection(walk, 0.0, (INSIDE, 40000), (INSIDE, 40000), (SERVER, 80))
    asked = [(0.0, who_has((A, INSIDE), R_INNER)), (0.001, is_at((R, R_INNER), (A, INSIDE)))]
    inner = [(when, in_vlan(frame, 10)) for when, frame in [*asked, *walk.inner]]
    outer = [(when, in_vlan(frame.replace(octets(R2), octets(R)), 20)) for when, frame in walk.outer]
    return explain.explain(pcap(*sorted([*inner, *outer], key=lambda one: one[0])))


def in_vlan(frame, number):
    return frame[:12] + struct.pack(">HH", 0x8100, number) + frame[12:]


def test_the_vlans_of_a_router_with_one_interface_are_two_places():
    report = stick()
    (talk,) = of_kind(report, "tcp.connection")
    assert (talk.outcome, talk.fields.retransmissions, talk.fields.duplicate_acks) == ("closed", 0, 0)
    assert not report.findings
    (journey,) = of_kind(report, "journey")
    assert (journey.outcome, journey.fields.places) == ("delivered", 2)
    assert {one.macs: one.roles for one in report.hosts}[R,] == ("router",)


def test_each_vlan_of_such_a_router_is_told_with_all_its_frames():
    story = " ".join(stick().story().split())
    assert "VLAN 10: 10 frames with its tag" in story
    assert "VLAN 20: 8 frames with its tag" in story
    assert "with frames in more than one VLAN" in story


def test_a_nat_between_two_sides_in_one_file_is_a_translation_and_no_retransmission():
    walk = Walk()
    connection(walk, 0.0, (INSIDE, 40000), (NAT, 40000), (SERVER, 80))
    report = merged(walk)
    (found,) = of_kind(report, "nat.translation")
    assert found.outcome == "translated"
    assert {one.fields.retransmissions for one in of_kind(report, "tcp.connection")} == {0}


def test_a_translator_that_sends_packets_back_to_their_link_is_told_at_its_one_interface():
    """Source: RFC 4787, 6 (hairpinning)."""
    (router,) = (place for place in split(TOP / "pcaps" / "nat-hairpin" / "capture.pcapng") if place.name == "r1.eth0")
    report = explain.explain(router.source())
    (found,) = of_kind(report, "nat.translation")
    assert (found.outcome, found.fields.kind, found.fields.is_hairpin) == ("translated", "both", True)
    assert [one.outcome for one in of_kind(report, "arp.resolution")] == ["answered", "answered"]
    assert report.story().count("the connection is open") == 1
    assert not tuple(report.findings)


def twice(*frames, gap_s=0.00001):
    return pcap(*(pair for when, frame in frames for pair in ((when, frame), (when + gap_s, frame))))


@pytest.mark.parametrize(("gap_s", "copies"), [(0.00001, 0), (0.3, 4)])
def test_every_frame_twice_at_once_was_recorded_twice_and_later_was_sent_twice(gap_s, copies):
    frames = []
    for seq in range(1, 5):
        frames.append((float(seq), eth(A, B, 0x800, ping(INSIDE, SERVER, seq, ip_id=seq))))
        frames.append((seq + 0.01, eth(B, A, 0x800, ping(SERVER, INSIDE, seq, ip_id=seq + 500, kind=0))))
    report = explain.explain(twice(*frames, gap_s=gap_s))
    (echo,) = of_kind(report, "icmp.echo")
    assert (echo.fields.duplicates > 0) == (copies > 0)


def test_datagrams_of_one_size_whose_checksums_are_left_to_the_card_are_no_copies():
    def there(sender, target, ports, at):
        body = bytearray(packets.udp(sender, target, *ports, bytes(100)))
        pseudo = struct.pack(
            ">16s16sII", *(ipaddress.ip_address(one).packed for one in (sender, target)), len(body), 17
        )
        total = sum(struct.unpack(">20H", pseudo))
        body[6:8] = struct.pack(">H", (total & 0xFFFF) + (total >> 16))
        return at * 1e-5, eth(A, B, 0x86DD, packets.ip(sender, target, 17, bytes(body)))

    ends = ("2001:db8::1", "2001:db8::2")
    some = [there(*ends, (50000, 4433), at) for at in range(8)] + [
        there(*ends[::-1], (4433, 50000), at + 8) for at in range(8)
    ]
    (flow,) = explain.explain(pcap(*some)).exchanges
    assert flow.fields.datagrams == 16


def test_copies_that_come_late_and_unevenly_are_no_retransmissions():
    walk = Walk()
    connection(walk, 0.0, (INSIDE, 40000), (INSIDE, 40000), (SERVER, 80), ids=(10, 900))
    late = [0.0, 0.000005, 0.001, 0.05]  # a real sender waits longer, and numbers its packet anew
    frames = sorted((when + lag, frame) for when, frame in walk.inner for lag in late)
    report = explain.explain(pcap(*frames))
    (found,) = of_kind(report, "tcp.connection")
    assert (found.outcome, found.fields.retransmissions, found.fields.out_of_order) == ("closed", 0, 0)
    assert not report.findings
    assert "told apart as #1, #2, #3, #4" in " ".join(report.story("en").split())


def test_replies_alone_that_come_twice_were_duplicated():
    frames = []
    for seq in range(1, 5):
        frames.append((float(seq), eth(A, B, 0x800, ping(INSIDE, SERVER, seq, ip_id=seq))))
        reply = eth(B, A, 0x800, ping(SERVER, INSIDE, seq, ip_id=seq + 500, kind=0))
        frames += [(seq + 0.01, reply), (seq + 0.01001, reply)]
    (echo,) = of_kind(explain.explain(pcap(*frames)), "icmp.echo")
    assert echo.fields.duplicates == 4


def test_two_conversations_on_two_links_that_share_no_packet_are_one_place():
    other = ("00:00:5e:00:53:31", "00:00:5e:00:53:32")
    frames = []
    for number in range(8):
        frames.append(
            (number * 0.1, eth(A, B, 0x800, segment((INSIDE, 5), (SERVER, 80), 16, number, 1, b"x", 64, number + 1)))
        )
        frames.append(
            (number * 0.1 + 0.01, eth(*other, 0x800, ping("192.0.2.99", "192.0.2.98", number, ip_id=90 + number)))
        )
    assert len(explain.explain(pcap(*frames)).packets.places) == 1
