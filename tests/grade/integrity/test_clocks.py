from __future__ import annotations

import packets
from tcp_scenes import ACK, PUSH, Play, table_of

from explain.grade.integrity.clocks import signs

HEADERS = 14 + 20  # Ethernet and IPv4
YEAR_S = 31_536_000


def stamped(at_ms: int) -> bytes:
    return b"\x01\x01\x08\x0a" + at_ms.to_bytes(4, "big") + bytes(4)


def talk(start: float) -> Play:
    play = Play(start=start)
    for n in range(5):
        play.c(PUSH, 1 + n, 1 + n, b"x", options=stamped(1000 + 2 * n))
        play.s(ACK | PUSH, 1 + n, 2 + n, b"y", options=stamped(9001 + 2 * n))
    return play


def seen(*captures):
    """The signs of some captures, each a list of frames with their times."""
    table = table_of(*(packets.pcap(*frames) for frames in captures))
    octets = dict(enumerate(frame[HEADERS:] for frames in captures for _, frame in frames))
    return [(kind, values, len(rows)) for kind, values, rows in signs(table, octets)]


def test_frames_that_were_written_into_a_capture_again_are_told_as_that_and_not_as_another_pace():
    once = talk(1.0).frames
    assert seen(once) == []
    again = [(time + 10, frame) for time, frame in once]
    assert seen([*once, *again]) == [("frames-again", {"number": 10, "apart": 10_000_000_000}, 20)]


def test_a_second_capture_of_one_run_by_another_clock_holds_nothing_again():
    there = talk(1.0).frames
    assert seen(there, [(time + YEAR_S, frame) for time, frame in there]) == []


def test_a_frame_that_two_interfaces_of_a_host_recorded_is_not_there_again():
    once = talk(1.0).frames
    assert seen(sorted([*once, *((time + 0.0001, frame) for time, frame in once)], key=lambda one: one[0])) == []
