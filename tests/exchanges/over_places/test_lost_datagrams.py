"""Datagrams and look-ups that were lost between two places, and what both places say of them."""

from __future__ import annotations

import pytest
from packets import B, is_at, who_has
from two_places import INSIDE, R2, SERVER, Walk, datagram, of_kind

PHONE, PEER = (INSIDE, 7078), (SERVER, 7078)
QUESTION = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04host\x07example\x03com\x00\x00\x01\x00\x01"
ANSWER = (
    b"\x81\x80\x00\x01\x00\x01" + QUESTION[6:] + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc6\x33\x64\x07"
)


def stream(lost=(), unrecorded=(), until=20):
    """Voice at a steady pace; ``lost`` never comes to the outer place, ``until`` which that one records."""
    walk = Walk()
    for number in range(20):
        near, far = (datagram(PHONE, PEER, bytes([number]) * 40, ttl, number + 1) for ttl in (64, 63))
        is_there = number not in lost and number not in unrecorded and number < until
        walk.out(number * 0.02, near, far if is_there else None)
    return walk.report()


def test_datagrams_that_one_place_saw_and_the_next_did_not_were_lost_between_them():
    report = stream(lost=(3, 4, 11))
    (journey,) = of_kind(report, "journey")
    (lost,) = journey.fields.lost_datagrams
    assert (lost.datagrams, lost.passed, lost.capture, lost.next_capture) == (3, 20, 0, 1)
    assert lost.frames == (4, 5, 12)
    (finding,) = report.findings
    assert (finding.cause, finding.values["case"], finding.values["lost"]) == ("partial-loss", "datagrams", 3)


@pytest.mark.parametrize("until", [12, 20])
def test_what_came_after_the_end_of_a_recording_is_not_lost(until):
    report = stream(until=until)
    (journey,) = of_kind(report, "journey")
    assert journey.fields.lost_datagrams == ()
    assert not report.findings


def test_a_single_datagram_that_is_missing_is_told_and_is_no_finding():
    report = stream(lost=(5,))
    assert "journey.lost-datagrams-alone" in [line.message for line in report.lines]
    assert not report.findings


@pytest.mark.parametrize(("what", "case"), [("question", "asked"), ("answer", "answer-lost"), ("program", "arrived")])
def test_a_look_up_without_an_answer_is_told_with_where_it_was_lost(what, case):
    walk, resolver = Walk(), (SERVER, 53)
    walk.outer += [
        (19.0, who_has((R2, "198.51.100.254"), SERVER)),
        (19.001, is_at((B, SERVER), (R2, "198.51.100.254"))),
    ]
    walk.out(0.0, *[datagram((INSIDE, 5), (SERVER, 9), b"here", ttl, 9) for ttl in (64, 63)])
    walk.back(0.01, *[datagram((SERVER, 9), (INSIDE, 5), b"too", ttl, 10) for ttl in (63, 64)])
    for number in range(3):
        ends, mark = (INSIDE, 40000 + number), bytes([7, number])
        asked = [datagram(ends, resolver, mark + QUESTION, ttl, 20 + number) for ttl in (64, 63)]
        answer = datagram(resolver, ends, mark + ANSWER, 64, 40 + number)
        walk.out(1.0 + 2 * number, asked[0], None if what == "question" else asked[1])
        if what == "answer":
            walk.back(1.1 + 2 * number, None, answer)
    walk.out(9.0, *[datagram((INSIDE, 5), (SERVER, 9), b"still", ttl, 70) for ttl in (64, 63)])
    (finding,) = walk.report().findings
    assert (finding.cause, finding.values["case"]) == ("dns-server-unreachable", case)
    assert finding.values["last"]
