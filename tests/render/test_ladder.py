from __future__ import annotations

import re

import pytest
from packets import A, B, R, datagram, error, is_at, pcap, ping, pong, segment, who_has
from surroundings import TOP
from tcp_scenes import lossy_capture

import explain
from explain.render.ladder.drawing import render
from explain.render.ladder.sheet import ASCII, BOX
from explain.render.layout import display_width
from explain.render.scene.rails import EVERYONE, OTHERS
from explain.render.scene.stage import stage

ALICE, BOB = "192.0.2.1", "192.0.2.2"
SYN, ACK = 2, 16


def report_of(*frames):
    return explain.explain(pcap(*frames))


def handshake(lost=1):
    syns = [segment((ALICE, 40000), (BOB, 80), SYN, seq=100) for _ in range(lost + 1)]
    return [
        *((float(at), syn) for at, syn in enumerate(syns)),
        (9.0, segment((BOB, 80), (ALICE, 40000), SYN | ACK, seq=5, ack=101)),
    ]


def test_every_frame_of_one_place_has_one_arrow():
    report = report_of(who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)), ping(ALICE, BOB, 1), pong(BOB, ALICE, 1))
    scene = stage(report, 100, 9)
    assert [arrow.frame for arrow in scene.arrows] == [1, 2, 3, 4]
    assert [scene.rails[arrow.source] for arrow in scene.arrows] == [ALICE, BOB, ALICE, BOB]


def test_a_packet_seen_at_several_places_is_drawn_once_with_all_its_frames():
    report = explain.explain(str(TOP / "pcaps" / "dhcp" / "capture.pcapng"))
    arrows = stage(report, 100, 9).arrows
    assert [arrow.said.text for arrow in arrows] == ["DHCP DISCOVER", "DHCP OFFER", "DHCP REQUEST", "DHCP ACK"]
    frames = [
        frame for arrow in arrows for one in arrow.seen for low, high in one.frames for frame in range(low, high + 1)
    ]
    assert sorted(frames) == list(range(1, 9))


def test_a_retransmission_has_three_heads_and_says_so_in_both_languages():
    report = report_of(*handshake())
    text = render(report, "en", 80)
    assert text.count(">>>") == 1
    assert "SYN [S] 40000 > 80 (sent again)" in text
    assert "(再送)" in render(report, "ja", 80)


def test_ascii_is_enough_where_there_are_no_box_characters():
    text = render(report_of(*handshake()), "en", 80, ASCII)
    assert text.isascii()
    assert ">>>" in text


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("strokes", [BOX, ASCII])
def test_no_row_is_wider_than_the_terminal(language, width, strokes):
    frames = [ping(f"192.0.2.{number}", BOB, number) for number in range(3, 20)]
    text = render(report_of(*frames, *handshake(3)), language, width, strokes)
    assert max(display_width(row) for row in text.splitlines()) <= width


def test_hosts_for_which_there_is_no_room_are_named_beside_their_arrows():
    frames = [ping(f"192.0.2.{number}", BOB, number) for number in range(3, 20)]
    report = report_of(*frames)
    assert OTHERS in stage(report, 100, 4).rails
    assert len(stage(report, 100, 4).rails) == 4
    assert "192.0.2.19 > 192.0.2.2: Echo request seq=19" in render(report, "en", 80)


def test_a_label_at_the_right_edge_moves_to_the_left_before_it_is_cut():
    frames = [ping("192.0.2.1", f"192.0.2.{number}", number) for number in range(2, 9)]
    both_unnamed = ping("198.51.100.77", "198.51.100.78", 5, ident=8)
    text = render(report_of(*frames * 3, both_unnamed), "en", 80)
    assert "198.51.100.77 > 198.51.100.78: Echo request seq=5" in text


@pytest.mark.parametrize("case", ["nat-tcp", "nat-icmp", "nat-udp"])
def test_what_a_nat_rewrote_stands_once_at_the_packet_behind_it(case):
    report = explain.explain(str(TOP / "pcaps" / case / "capture.pcapng"))
    remarks = [arrow.said.text for arrow in stage(report, 400, 9).arrows if "[NAT " in arrow.said.text]
    translations = report.exchanges.of_kind("nat.translation")
    assert len(remarks) == len(translations)
    assert "[NAT src 10.0.0.2" in remarks[0]
    assert "203.0.113.1" in remarks[0]


def test_what_is_for_everybody_goes_to_a_rail_of_its_own():
    report = explain.explain(str(TOP / "pcaps" / "dhcp" / "capture.pcapng"))
    assert stage(report, 100, 9).rails[-1] == EVERYONE


def test_of_a_large_capture_so_many_arrows_are_drawn_and_the_rest_is_counted(tmp_path):
    path = tmp_path / "many.pcap"
    path.write_bytes(lossy_capture(1))
    report = explain.explain(str(path))
    scene = stage(report, 50, 6)
    assert 0 < len(scene.arrows) <= 50
    folded = sum(arrow.folded for arrow in scene.arrows) + scene.folded_after
    assert len(scene.arrows) + folded == len(report.packets)


def test_a_failure_is_drawn_even_if_it_comes_after_a_thousand_pings():
    fine = [frame for seq in range(300) for frame in (ping(ALICE, BOB, seq), pong(BOB, ALICE, seq))]
    asked = ping(ALICE, "198.51.100.1", 1, ident=9)
    report = report_of(*fine, asked, error("192.0.2.254", 3, 0, asked, macs=(R, A)))
    assert "net-unreachable" in [arrow.said.text for arrow in stage(report, 20, 6).arrows]


def test_an_empty_capture_has_a_ladder_that_says_so():
    assert render(report_of(), "en", 80) == "There is no packet to draw.\n"


def test_frame_numbers_and_seconds_stand_in_the_margin():
    rows = render(report_of(*handshake()), "en", 80).splitlines()
    assert [row.split()[:2] for row in rows if re.match(r"\s*\d", row[:4])] == [
        ["1", "0.000000"], ["2", "1.000000"], ["3", "9.000000"],
    ]  # fmt: skip


def test_names_from_packets_cannot_steer_a_terminal():
    evil = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + b"\x07a\x1b[31mb" + b"\0\0\x01\0\x01"
    text = render(report_of(datagram((ALICE, 5000), (BOB, 53), evil)), "en", 80)
    assert "\x1b" not in text
    assert "DNS A a\\027[31mb" in text


@pytest.mark.parametrize(("speaker", "kind", "code", "arrived"), [
    ("192.0.2.254", 3, 0, False), ("192.0.2.254", 11, 0, False), (BOB, 3, 3, True), ("192.0.2.254", 5, 1, True),
])  # fmt: skip
def test_a_packet_that_somebody_on_the_way_threw_away_is_drawn_as_not_arrived(speaker, kind, code, arrived):
    asked = ping(ALICE, BOB, 1)
    scene = stage(report_of(asked, error(speaker, kind, code, asked)), 100, 9)
    assert [arrow.is_lost for arrow in scene.arrows] == [not arrived, False]


def test_a_router_stands_before_the_host_that_it_asks_for_and_a_stranger_after_all():
    far, gate, inner = "198.51.100.1", "198.51.100.254", "192.0.2.254"
    report = report_of(
        who_has((A, ALICE), inner), ping(ALICE, far, 1), who_has((R, gate), far), ping("203.0.113.9", ALICE, 1)
    )
    assert list(stage(report, 100, 9).rails) == [ALICE, inner, gate, far, "203.0.113.9"]
