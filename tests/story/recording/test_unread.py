"""What a capture holds beside its exchanges is said and counted."""

from __future__ import annotations

import struct

import pytest
from packets import A, B, datagram, error, eth, icmp, ip, pcap, ping, pong, segment, udp, who_has

import explain

ALICE, BOB = "192.0.2.1", "192.0.2.2"


def told(*frames, link_type=1, language="en"):
    return explain.explain(pcap(*frames, link_type=link_type)).story(language)


def test_frames_of_an_unknown_link_type_are_named_and_counted():
    story = told(b"\0" * 20, b"\0" * 20, link_type=147)
    assert "2 frames came over a link of type USER0 (147)" in " ".join(story.split())


@pytest.mark.parametrize(("number", "words"), [(41, "have a tunnel (IPv6 in IP)"), (89, "OSPF"), (200, "protocol 200")])
def test_another_protocol_of_ip_is_named(number, words):
    assert words in " ".join(told(eth(A, B, 0x800, ip(ALICE, BOB, number, b"\0" * 40))).split())


INNER = ping("10.0.0.1", "10.0.0.2", 1)
GRE, BRIDGED, VXLAN = b"\0\0\x08\0" + INNER[14:], b"\0\0\x65\x58" + INNER, b"\x08" + bytes(7) + INNER
GENEVE = b"\0\0\x65\x58" + bytes(4) + INNER
GTP = b"\x30\xff" + struct.pack(">HI", len(INNER) - 14, 7) + INNER[14:]


@pytest.mark.parametrize(
    ("packet", "kind"),
    [
        (ip(ALICE, BOB, 4, INNER[14:]), "IPv4 in IP"), (ip(ALICE, BOB, 47, GRE), "GRE"),
        (ip(ALICE, BOB, 47, BRIDGED), "GRE"), (ip(ALICE, BOB, 4, ip(ALICE, BOB, 47, GRE)), "IPv4 in IP"),
        (ip(ALICE, BOB, 17, udp(ALICE, BOB, 5000, 4789, VXLAN)), "VXLAN"),
        (ip(ALICE, BOB, 17, udp(ALICE, BOB, 5000, 6081, GENEVE)), "Geneve"),
        (ip(ALICE, BOB, 17, udp(ALICE, BOB, 2152, 2152, GTP)), "GTP-U"),
        (ip(ALICE, BOB, 17, udp(ALICE, BOB, 5000, 6635, b"\0\x06\x41\x40" + INNER[14:])), "MPLS in UDP"),
    ],
)  # fmt: skip
def test_a_tunnel_is_told_with_its_ends_and_what_is_within(packet, kind):
    story = " ".join(told(*[eth(A, B, 0x800, packet)] * 3).split())
    assert f"{ALICE} and {BOB} send packets within packets ({kind}, a tunnel), 3 packets" in story
    assert "10.0.0.1 - 10.0.0.2 ICMP (3 packets)" in story
    assert story.count("In the tunnel: 10.0.0.1 > 10.0.0.2 ICMP echo request, id 7, seq 1") == 3


@pytest.mark.parametrize("ports", [(40000, 3544), (3544, 40000)])
def test_teredo_is_a_tunnel_to_its_server_and_back(ports):
    inner = segment(("2001::1", 40000), ("2001:db8::2", 80), 2)[14:]
    story = " ".join(told(eth(A, B, 0x800, ip(ALICE, BOB, 17, udp(ALICE, BOB, *ports, inner)))).split())
    assert "packets within packets (Teredo, a tunnel), 1 packet" in story
    assert "In the tunnel: [2001::1]:40000 > [2001:db8::2]:80 TCP [S]" in story


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        (segment(("2001:db8::1", 40000), ("2001:db8::2", 80), 18), "[2001:db8::1]:40000 > [2001:db8::2]:80 TCP [S.]"),
        (datagram(("10.0.0.1", 40000), ("10.0.0.2", 53), b"x"), "10.0.0.1:40000 > 10.0.0.2:53 UDP"),
        (error("10.0.0.2", 11, 0, INNER), "10.0.0.2 > 10.0.0.1 ICMP ttl-exceeded"),
        (who_has((A, "10.0.0.1"), "10.0.0.2"), "10.0.0.1 > 10.0.0.2 ARP who-has"),
        (INNER[:34], "10.0.0.1 > 10.0.0.2 IP"),
    ],
)
def test_each_of_few_packets_in_a_tunnel_is_told_with_who_says_what(inner, words):
    packet = ip(ALICE, BOB, 47, b"\0\0\x65\x58" + inner)
    assert f"In the tunnel: {words}" in " ".join(told(eth(A, B, 0x800, packet)).split())


def test_what_else_goes_to_the_port_of_a_tunnel_is_none():
    assert "a tunnel" not in told(datagram((ALICE, 5000), (BOB, 4789), b"hello, is anybody there?"))


def test_of_a_tunnel_no_more_than_the_first_packets_are_kept(monkeypatch):
    monkeypatch.setattr("explain.decode.contents._MOST_TUNNELLED", 5)
    story = " ".join(told(*[eth(A, B, 0x800, ip(ALICE, BOB, 47, GRE))] * 9).split())
    assert "a tunnel), 9 packets: " in story
    assert "10.0.0.1 - 10.0.0.2 ICMP (5 packets)" in story


def test_frames_without_ip_are_counted_beside_the_exchanges():
    story = told(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1), eth(A, B, 0x88CC, b"\0" * 46))
    assert "1 frame of LLDP" in story
    assert story.startswith("✓")


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (0x26, "aaaa0300000c0111 2101", "1 frame of UDLD"),
        (0x26, "f0f1 7f", "1 frame of NetBIOS without IP"),
        (0x06, "0001 af81 0100", "1 frame of LLC between null access points"),
        (0x26, "1818", "1 frame too short"),
        (0x26, "4243 03", "1 frame of the spanning tree"),
        (0x26, "ffff 0022", "1 frame of IPX"),
        (0x26, "aaaa0300000c0999 2101", "1 frame of a protocol of Cisco's own (0x0999)"),
        (0x8864, "11000017000ec021 096a000ca4cbea34", "1 frame of PPPoE without IP within"),
        (0x8847, "0006 41ff 00000000 00005e005302", "1 frame whose MPLS labels stand before something other than IP"),
        (0x88E5, "2c000000001f c2ac", "1 frame of MACsec"),
        (0x8100, "00", "1 frame too short for the headers that they would need"),
        (0x800, "450000", "1 frame too short for the headers that they would need"),
    ],
)
def test_a_frame_without_ip_is_called_by_its_name(kind, body, words):
    story = " ".join(told(eth(A, B, kind, bytes.fromhex(body))).split())
    assert words in story
    assert "with the access points" not in story


def bpdu(root, flags=0, kind=0, lead="424203"):
    return eth(A, "01:80:c2:00:00:00", 38, bytes.fromhex(f"{lead} 0000 00 {kind:02x} {flags:02x} {root}") + bytes(30))


NEAR, FAR = "8000 00005e005301", "7000 00005e005302"


def test_the_root_of_the_spanning_tree_is_named_and_its_changes_are_told():
    story = " ".join(told(bpdu(NEAR), bpdu(NEAR, flags=1)).split())
    assert "1-2 The root bridge is 00:00:5e:00:53:01 (priority 32768)" in story
    assert "2 Among them 1 frame of a topology change" in story
    calm = " ".join(told(bpdu(NEAR)).split())
    assert "topology change" not in calm


def test_two_roots_of_one_spanning_tree_are_told():
    story = " ".join(told(bpdu(NEAR), bpdu(FAR), bpdu(NEAR)).split())
    assert "2 bridges are named as the root" in story
    assert "00:00:5e:00:53:02 (28672), 00:00:5e:00:53:01 (32768)" in story


@pytest.mark.parametrize(("kind", "flags", "lead"), [(0x80, 0, "424203"), (2, 1, "aaaa0300000c010b")])
def test_a_change_is_told_by_every_form_of_the_spanning_tree(kind, flags, lead):
    story = " ".join(told(bpdu(NEAR, flags, kind, lead)).split())
    assert "Among them 1 frame of a topology change" in story
    assert "root bridge" not in story


def test_what_is_no_cable_of_a_network_is_called_by_its_medium():
    assert "USB bus (link type USBPCAP, 249)" in " ".join(told(b"\0" * 40, link_type=249).split())
    assert "went through the air (802.11, link type IEEE802_11_RADIOTAP, 127)" in " ".join(
        told(b"\0" * 40, link_type=127).split()
    )


def test_a_header_whose_length_cannot_be_is_told():
    assert "1 frame with a header that contradicts itself" in told(
        eth(A, B, 0x800, struct.pack(">BBH", 0x45, 0, 8) + bytes(30))
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (10, "by which a host asks for routers on its link (router solicitation, RFC 1256, type 10)"),
        (13, "by which a host asks another for the time of its clock (timestamp, type 13)"),
        (165, "1 packet of ICMP, type 165: neither a ping nor an error"),
    ],
)
def test_icmp_that_is_neither_echo_nor_error_is_named_by_its_type(kind, words):
    story = told(eth(A, B, 0x800, ip(ALICE, BOB, 1, icmp(kind, 0, 0, bytes(12)))))
    assert words in " ".join(story.split())


def test_nothing_is_said_where_all_was_read():
    assert "explain does not" not in told(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1))


QUESTION = b"\3www\7example\0" + struct.pack(">HH", 1, 1)


def names(answer):
    asked = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + QUESTION
    frames = datagram((ALICE, 5000), (BOB, 53), asked), datagram((BOB, 53), (ALICE, 5000), answer, (B, A))
    return " ".join(told(*frames).split())


@pytest.mark.parametrize(
    "record", [b"\xc0\x40" + struct.pack(">HHIH", 1, 1, 60, 4), b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 400)]
)
def test_an_answer_whose_records_cannot_be_read_is_malformed(record):
    head = struct.pack(">6H", 7, 0x8180, 1, 1, 0, 0) + QUESTION
    assert f"The answer of {BOB} is malformed: 1 record" in names(head + record + b"abcd")
    assert "malformed" not in names(head + b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + b"abcd")


def test_a_question_that_goes_on_in_a_later_fragment_is_not_called_malformed():
    message = udp(ALICE, BOB, 5000, 53, struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + QUESTION)
    parts = (ip(ALICE, BOB, 17, message[:24], flags=0x2000), ip(ALICE, BOB, 17, message[24:], flags=3))
    story = " ".join(told(*[eth(A, B, 0x800, part) for part in parts]).split())
    assert "in fragments of which the first holds no whole question" in story
    assert "cannot be read as DNS" not in story


def test_what_comes_from_a_port_of_dns_and_is_none_is_said():
    loop = struct.pack(">6H", 7, 0x8180, 1, 1, 0, 0) + b"\xc0\x0c" + bytes(10)
    assert "1 datagram on a port of DNS (53, 5353 or 5355) cannot be read as DNS" in names(loop)
    alone = told(datagram((BOB, 53), (ALICE, 5000), loop, (B, A)))
    assert "cannot be read as DNS" in " ".join(alone.split())
    update = struct.pack(">6H", 9, 0x2800, 1, 0, 0, 0) + QUESTION
    assert "1 message of DNS other than look-ups" in names(update)
