"""Fields of rarer headers, read off frames that are written out in the test."""

from __future__ import annotations

import packets as p
import pytest
from decode.windows import A4, A6, B4, B6, KINDS, decoded, known, of_frames, window

from explain.addresses import NO_MAC
from explain.model import Interface
from explain.table import (
    EXTENSIONS,
    FOR_OTHERS,
    FRAGMENT,
    LATER_FRAGMENT,
    MALFORMED,
    OUTGOING,
    ROUTED,
    TCP,
    UNKNOWN_LINK,
)


def kind(name: str) -> dict:
    return known(of_frames(KINDS[name][0]))[0]


def test_a_fragment_says_where_it_belongs_in_octets() -> None:
    first, later = kind("first fragment"), kind("later fragment")
    names = ("ident", "offset", "more", "protocol")
    assert [first["fragments"][name] for name in names] == [9, 0, True, 17]
    assert [later["fragments"][name] for name in names] == [9, 0xB9 * 8, False, 17]
    assert first["ports"] == [5353, 53]
    assert (later["ports"], later["protocol"], later["payload"]) == ([0, 0], 17, 10)
    assert later["layers"] & (FRAGMENT | LATER_FRAGMENT) == FRAGMENT | LATER_FRAGMENT
    assert kind("fragment over six")["fragments"] == first["fragments"] | {"ident": 7}


def test_fragments_of_both_families_side_by_side_stay_in_the_order_of_the_rows() -> None:
    names = ("fragment over six", "first fragment", "fragment over six", "later fragment")
    fragments = of_frames(*(KINDS[name][0] for name in names)).fragments
    assert fragments.row.tolist() == [0, 1, 2, 3]
    assert fragments.ident.tolist() == [7, 9, 7, 9]


def test_of_two_fragment_headers_in_a_packet_the_first_counts() -> None:
    header = bytes([44, 0, 0, 1, 0, 0, 0, 7]), bytes([17, 0, 0, 1, 0, 0, 0, 9])
    packet = p.eth(p.A, p.B, 0x86DD, p.ip(A6, B6, 44, b"".join(header) + p.udp(A6, B6, 5353, 53)))
    assert of_frames(packet, KINDS["fragment over six"][0]).fragments.row.tolist() == [0, 1]


def test_headers_between_ip_and_layer_4_are_stepped_over_and_marked() -> None:
    for name in ("ip options", "hop by hop", "routed", "fragment over six"):
        assert kind(name)["layers"] & EXTENSIONS, name
        assert kind(name)["ports"] == [5353, 53], name
    assert kind("routed")["layers"] & ROUTED
    assert not kind("hop by hop")["layers"] & ROUTED
    assert kind("routed")["transport"] == 78


def test_the_outermost_tag_is_told_with_its_priority() -> None:
    assert kind("vlan")["vlan"] == 0x6005
    assert kind("two tags")["vlan"] == 200


def test_a_syn_tells_its_options_and_one_without_any_tells_their_absence() -> None:
    names = ("mss", "window_scale", "sack_permitted", "has_timestamps")
    assert [kind("tcp with options")["syn"][name] for name in names] == [1460, 7, True, True]
    (bare,) = known(of_frames(p.segment((A4, 1), (B4, 2), 2)))
    assert [bare["syn"][name] for name in names] == [0, 255, False, False]


@pytest.mark.parametrize(
    ("options", "mss", "scale"),
    [
        ("020405b4 00020402", 1460, 255),  # nothing counts after the end of the list
        ("020305b4", 0, 255),  # of the wrong length
        ("0103030f", 0, 14),  # RFC 7323 takes more than 14 for 14
        ("02040218 0204ffff", 0xFFFF, 255),  # the last of two
        ("fd00 0204", 0, 255),  # length 0 would go on for ever
        ("01010204", 0, 255),  # reaches beyond the header
    ],
)
def test_odd_options_of_a_syn_are_taken_as_a_host_takes_them(options: str, mss: int, scale: int) -> None:
    (one,) = known(of_frames(p.segment((A4, 1), (B4, 2), 2, options=bytes.fromhex(options))))
    assert (one["syn"]["mss"], one["syn"]["window_scale"]) == (mss, scale)


def test_an_error_quotes_who_spoke_to_whom_about_what() -> None:
    quoted = kind("error")["icmp"]
    assert (quoted["quote"], quoted["quote_src"], quoted["quote_dst"], quoted["quote_protocol"]) == (4, A4, B4, 17)
    assert (quoted["quote_sport"], quoted["quote_dport"], quoted["quote_ttl"]) == (5353, 53, 64)
    quoted = kind("error over six")["icmp"]
    assert (quoted["quote"], quoted["quote_src"], quoted["quote_dst"]) == (6, A6, B6)
    assert (quoted["quote_sport"], quoted["quote_dport"]) == (9, 10)


@pytest.mark.parametrize(
    ("protocol", "headers", "ports"),
    [
        (0, "3c00010400000000 1100010400000000", (9, 10)),  # options for each hop, then for the target
        (43, "11020004000000000000000000000000 0000000000000000", (9, 10)),
        (0, "2c00010400000000 1100000000000001", (9, 10)),
        (0, "2c00010400000000 1100006800000001", (0, 0)),  # a later fragment
        (60, "11ff010400000000", (0, 0)),  # longer than what is looked at
    ],
)
def test_what_a_quoted_packet_carries_is_found_behind_its_extension_headers(
    protocol: int, headers: str, ports: tuple[int, int]
) -> None:
    packet = p.ip(A6, B6, protocol, bytes.fromhex(headers) + p.udp(A6, B6, 9, 10, b"x"))
    (one,) = known(of_frames(p.error(B6, 1, 4, p.eth(p.A, p.B, 0x86DD, packet))))
    quoted = one["icmp"]
    assert (quoted["quote_protocol"], quoted["quote_sport"], quoted["quote_dport"]) == (17, *ports)


def test_a_quoted_fragment_tells_no_ports_and_a_short_quote_those_that_are_whole() -> None:
    later = KINDS["later fragment"][0]
    (one,) = known(of_frames(p.error("192.0.2.254", 11, 1, later)))
    assert (one["icmp"]["quote_protocol"], one["icmp"]["quote_sport"]) == (17, 0)
    for octets, port in ((20, 0), (23, 0), (24, 5353)):
        packet = p.ip("192.0.2.254", A4, 1, p.icmp(3, 1, 0, KINDS["udp"][0][14 : 14 + octets]))
        (short,) = known(of_frames(p.eth(p.R, p.A, 0x800, packet)))
        assert (short["icmp"]["quote_src"], short["icmp"]["quote_sport"]) == (A4, port)


def test_a_neighbour_message_names_its_target_and_its_link_layer_address() -> None:
    body = p.packed(B6) + bytes.fromhex("0101 00005e005301")
    packet = p.ip(A6, B6, 58, p.icmp6(A6, B6, 135, 0, 0, body), ttl=255)
    (one,) = known(of_frames(p.eth(p.A, p.B, 0x86DD, packet)))
    assert (one["icmp"]["target"], one["icmp"]["mac"]) == (B6, 0x00005E005301)
    packet = p.ip(A6, B6, 58, p.icmp6(A6, B6, 135, 0, 0, body[:16]), ttl=255)
    (one,) = known(of_frames(p.eth(p.A, p.B, 0x86DD, packet)))
    assert (one["icmp"]["target"], one["icmp"]["mac"]) == (B6, NO_MAC)


def test_cooked_frames_name_the_sender_the_direction_and_the_device() -> None:
    packet = KINDS["udp"][0][14:]
    head = bytes.fromhex("0800 0000 00000005 0001 04 06 00005e0053010000")
    echo = bytes.fromhex("0800 0000 00000001 0304 04 06 0000000000000000")
    others = head[:10] + b"\3" + head[11:]
    table = decoded(window([head + packet, echo + packet, others + packet]), link_type=276)
    first, second, third = known(table)
    assert third["layers"] & (OUTGOING | FOR_OTHERS) == FOR_OTHERS
    assert first["macs"] == (0x00005E005301, NO_MAC)
    assert first["layers"] & OUTGOING
    devices = [(table.places[one["place"]].device, table.places[one["place"]].is_echo) for one in (first, second)]
    assert devices == [(5, False), (1, True)]


def test_lengths_that_contradict_each_other_are_malformed() -> None:
    short_tcp = p.eth(p.A, p.B, 0x800, p.ip(A4, B4, 6, b"\0" * 12))
    no_offset = bytearray(KINDS["tcp"][0])
    no_offset[46] = 0x10
    long_offset = bytearray(KINDS["tcp"][0])
    long_offset[46] = 0xF0
    more_than_there = bytearray(KINDS["udp"][0])
    more_than_there[17] += 9
    short_udp = p.eth(p.A, p.B, 0x800, p.ip(A4, B4, 17, b"\0\1\0\2\0\5\0\0"))
    for frame in (short_tcp, no_offset, long_offset, more_than_there, short_udp):
        (one,) = known(of_frames(bytes(frame)))
        assert one["layers"] & MALFORMED
        assert not one["layers"] & TCP


def test_an_unknown_link_type_is_counted_and_marked() -> None:
    table = decoded(window([b"anything", b""]), link_type=147)
    assert [one["layers"] for one in known(table)] == [UNKNOWN_LINK, UNKNOWN_LINK]


def test_each_interface_of_a_capture_is_a_place_and_frames_count_on() -> None:
    from explain.decode import Decoder

    frames = window([KINDS["udp"][0]] * 5)
    frames.interface[:] = [0, 1, 1, 0, 1]
    decoder = Decoder()
    decoder.add(frames, 3, [Interface("eth0", 1, 0), Interface(None, 1, 0, vantage="router")])
    decoder.add(frames, 3, [Interface("eth0", 1, 0), Interface(None, 1, 0, vantage="router")])
    table = decoder.finish()
    assert [(place.capture, place.interface, place.name) for place in table.places] == [
        (3, 0, "eth0"),
        (3, 1, "router"),
    ]
    assert table.place[:10].tolist() == [0, 1, 1, 0, 1] * 2
    assert table.frame[:10].tolist() == list(range(1, 11))
    assert table.flow[0] != table.flow[1]


@pytest.mark.parametrize(
    ("blocks", "twice"),
    [
        ((90, 100), (90, 100)),  # below what is confirmed
        ((110, 120), None),  # beyond a hole
        ((110, 120, 105, 130), (110, 120)),  # within the second block
        ((110, 120, 130, 140), None),
        ((100, 90), None),  # no octets
        ((0xFFFFFFF0, 5), (0xFFFFFFF0, 5)),  # across the end of the numbers
    ],
)
def test_an_acknowledgement_tells_which_octets_have_come_twice(blocks: tuple[int, ...], twice: object) -> None:
    option = b"\x01\x01\x05" + bytes([2 + 4 * len(blocks)]) + b"".join(one.to_bytes(4, "big") for one in blocks)
    table = of_frames(p.segment((A4, 1), (B4, 2), 16, ack=100, options=option))
    found = list(zip(table.twice.start.tolist(), table.twice.end.tolist(), strict=True))
    assert found == ([twice] if twice else [])
