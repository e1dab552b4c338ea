from __future__ import annotations

import io
import subprocess

import pytest
from packets import pcap, ping, pong
from surroundings import TOP

import explain

A, B = "192.0.2.1", "198.51.100.1"
HEALTHY = TOP / "pcaps" / "healthy" / "sender.pcap"


def told(text, capture):
    report = explain.explain(io.BytesIO(text.encode()), capture)
    lines = [line for line in report.lines if line.message.startswith("notes.beside.")]
    return {line.message.removeprefix("notes.beside."): (line.text_lines, line.evidence, line.values) for line in lines}


def terminal(*seqs, sent=3):
    rows = [f"64 bytes from {B}: icmp_seq={seq} ttl=63 time=0.1 ms" for seq in seqs]
    end = f"{sent} packets transmitted, {len(seqs)} received, {100 - 100 * len(seqs) // sent}% packet loss, time 2000ms"
    return "\n".join([f"$ ping -c {sent} {B}", f"PING {B} ({B}) 56(84) bytes of data.", *rows, "",
                      f"--- {B} ping statistics ---", end, ""])  # fmt: skip


def wire(*answered):
    frames = [frame for seq in (1, 2, 3) for frame in (ping(A, B, seq), *((pong(B, A, seq),) * (seq in answered)))]
    return pcap(*frames)


def test_each_reply_that_ping_printed_points_to_its_frame():
    lines, evidence, values = told(terminal(1, 2, 3), wire(1, 2, 3))["ping"]
    assert lines == ((3, 5),)
    assert [(one.capture, one.frames) for one in evidence] == [(1, ((2, 2), (4, 4), (6, 6)))]
    assert values["seqs"] == [1, 2, 3]


def test_a_reply_that_only_the_terminal_shows_is_said():
    found = told(terminal(1, 2, 3), wire(1, 3))
    assert found["ping"][2]["seqs"] == [1, 3]
    assert found["ping-text-only"][0] == ((4, 4),)


def test_a_reply_that_reached_the_wire_but_not_ping_is_said_with_its_frame():
    _, evidence, values = told(terminal(1, 3), wire(1, 2, 3))["ping-wire-only"]
    assert values["seqs"] == [2]
    assert evidence[0].frames == ((4, 4),)


def test_requests_that_nobody_answered_point_to_their_frames_where_the_sender_was():
    found = told(terminal(1), wire(1))
    assert found["ping-unanswered"][2]["seqs"] == [2, 3]
    lines, evidence, values = told(
        (TOP / "pcaps" / "no-return-route-on-target" / "ping.txt").read_text("utf-8"),
        TOP / "pcaps" / "no-return-route-on-target" / "capture.pcapng",
    )["ping-unanswered"]
    assert (lines[0][1], values["seqs"], values["frames"]) == (4, [1, 2, 3], ["5", "13", "17"])
    assert [(one.capture, one.frames) for one in evidence] == [(1, ((5, 5), (13, 13), (17, 17)))]


def test_of_two_pings_that_look_the_same_no_frames_are_guessed():
    twice = pcap(*(ping(A, B, seq, ident=ident) for ident in (7, 8) for seq in (1, 2, 3)))
    assert "ping-unanswered" not in told(terminal(), twice)


def test_a_capture_of_something_else_is_no_proof_of_this_ping():
    assert list(told(terminal(1), pcap(ping(A, "203.0.113.9", 1)))) == ["ping-none"]


@pytest.mark.needs("tcpdump")
@pytest.mark.parametrize("options", [["-n"], ["-n", "-e", "-t"], ["-n", "-v"]])
def test_each_line_of_tcpdump_points_to_its_frame_and_what_one_lacks_is_said(options):
    listing = subprocess.run(["tcpdump", *options, "-r", HEALTHY], capture_output=True, text=True, check=True).stdout
    rows = listing.splitlines(keepends=True)
    starts = [at for at, row in enumerate(rows) if not row[0].isspace()]
    left_out = rows[starts[4] : starts[5]]
    text = "".join(["$ tcpdump " + " ".join(options) + "\n", *rows[: starts[4]], *rows[starts[5] :]])
    found = told(text, HEALTHY)
    assert left_out
    assert found["listing"][2]["count"] == found["listing"][2]["all"] == len(starts) - 1
    assert [(one.capture, one.frames) for one in found["listing-wire-only"][1]] == [(1, ((5, 5),))]


def test_a_line_that_the_capture_lacks_is_named_by_its_number():
    listing = "".join(
        f"12:00:0{seq}.000000 IP {A} > {B}: ICMP echo request, id 7, seq {seq}, length 64\n" for seq in (1, 2, 3, 4)
    )
    found = told(f"$ tcpdump -n\n{listing}", wire())
    assert (found["listing"][2]["count"], found["listing"][2]["all"]) == (3, 4)
    assert found["listing-text-only"][2]["lines"] == ["4"]
