"""A clock that was set back and frames that were changed afterwards are told, and nothing of the kind without cause."""

from __future__ import annotations

import pytest
from packets import A, B, is_at, pcap, ping, pong, who_has

import explain

ONE, TWO = "192.0.2.1", "192.0.2.2"


def told(message, *frames):
    return [one for one in explain.explain(pcap(*frames)).lines if one.message == message]


def pings(count):
    return [frame for seq in range(count) for frame in (ping(ONE, TWO, seq), pong(TWO, ONE, seq))]


@pytest.mark.parametrize(("back_s", "is_told"), [(0.005, False), (3600, True)])
def test_a_clock_that_goes_back_is_told_with_the_frame_where_it_does(back_s, is_told):
    frames = [(5000.0 + at / 100 - (back_s if at > 4 else 0), frame) for at, frame in enumerate(pings(5))]
    lines = told("story.set-back", *frames)
    assert [(one.values["frame"], round(one.values["back_ns"] / 1e9)) for one in lines] == [(6, back_s)] * is_told


def test_no_answer_comes_before_its_question_where_the_clock_went_back_between_them():
    asked, answered = who_has((A, ONE), TWO), is_at((B, TWO), (A, ONE))
    frames = [(5.0, asked), (4.9, answered), (6.0, ping(ONE, TWO, 1)), (5.5, pong(TWO, ONE, 1))]
    report = explain.explain(pcap(*frames))
    assert (report.exchanges[0].fields.answer_ns, report.exchanges[1].fields.rtt_min_ns) == (None, None)
    assert "answered after an unknown time" in report.story()
    assert "-" not in report.story().replace("who-has", "").replace("is-at", "")


@pytest.mark.parametrize(
    ("changed", "is_told"), [((b"", b""), False), ((ONE,), False), ((ONE, TWO), True)], ids=["none", "one-way", "both"]
)
def test_wrong_headers_both_ways_are_of_frames_that_were_changed_afterwards(changed, is_told):
    """Those of one side alone may be what its card would have computed."""
    frames = []
    for frame in pings(5):
        sender = ".".join(map(str, frame[26:30]))
        frames.append(frame[:24] + bytes((frame[24] ^ 1,)) + frame[25:] if sender in changed else frame)
    assert [one.values["count"] for one in told("story.changed", *frames)] == [10] * is_told


@pytest.mark.parametrize(("answered", "is_told"), [((), True), ((0,), True), ((1,), False)])
def test_wrong_headers_that_nothing_answers_are_told_and_those_that_a_card_puts_right_are_not(answered, is_told):
    """The first ping has a right header."""
    asked = [ping(ONE, TWO, seq) for seq in range(4)]
    wrong = [asked[0], *(frame[:24] + bytes((frame[24] ^ 1,)) + frame[25:] for frame in asked[1:])]
    frames = [one for seq in range(4) for one in (wrong[seq], *([pong(TWO, ONE, seq)] if seq in answered else []))]
    lines = told("story.header-sums", *frames)
    assert [(one.values["count"], one.values["src"]) for one in lines] == [(3, ONE)] * is_told


def test_headers_of_what_a_host_sends_to_itself_need_no_checksum():
    frame = ping("127.0.0.1", "127.0.0.1", 1)
    assert not told("story.header-sums", frame[:24] + bytes(2) + frame[26:])
