"""A host that does not obey is told as what it is: it has an older connection still, or a RST does not fit its own."""

from __future__ import annotations

import pytest
from packets import pcap
from tcp_scenes import ACK, FIN_ACK, PUSH, RST, SYN, SYN_ACK, WS7, Play

import explain

NEW = 900_000


def told(play):
    report = explain.explain(pcap(*play.frames))
    lines = {one.message.removesuffix(".first"): one.evidence[0].frames for one in report.lines if one.evidence}
    return (
        [one.outcome for one in report.exchanges],
        [(one.cause, one.values.get("case")) for one in report.findings],
        lines,
    )


def again(seq=NEW):
    """A SYN, and the server shows how far an older connection had come."""
    return Play().c(SYN, raw=seq, options=WS7).s(ACK, 77, 66)


def opened(play):
    then = Play(client_seq=NEW, start=play.now)
    then.s(SYN_ACK, 0, 1, options=WS7).c(ACK, 1, 1).c(PUSH, 1, 1, b"x").s(PUSH, 1, 2, b"y").c(FIN_ACK, 2, 2).s(
        FIN_ACK, 2, 3
    )
    play.frames += then.frames
    return play


def test_an_ack_for_an_older_connection_and_the_reset_that_ends_that_are_told_before_the_new_one_opens():
    play = again().c(RST, 66).c(SYN, raw=NEW, after=1, options=WS7)
    outcomes, findings, lines = told(opened(play))
    assert (outcomes, findings) == (["closed"], [])
    assert (lines["tcp.challenged"], lines["tcp.challenged-reset"]) == (((2, 2),), ((3, 3),))
    assert "tcp.reset" not in lines


def test_a_syn_that_only_an_older_connection_answers_is_unanswered_and_a_finding():
    play = again().c(SYN, raw=NEW, after=1, options=WS7).s(ACK, 77, 66)
    outcomes, findings, lines = told(play)
    assert (outcomes, findings) == (["unanswered"], [("tcp-half-open", "older")])
    assert lines["tcp.challenged"] == ((2, 2), (4, 4))
    assert not {"tcp.still-open", "tcp.duplicate-acks", "tcp.unanswered"} & set(lines)


@pytest.mark.parametrize("ack", [1, 2])
def test_an_ack_that_confirms_the_syn_is_of_its_connection_whose_syn_ack_was_not_recorded(ack):
    play = Play().c(SYN, data=b"x" * (ack - 1)).s(ACK, 1, ack)
    outcomes, findings, lines = told(play)
    assert (outcomes, findings, "tcp.challenged" in lines) == (["open"], [], False)


def test_a_reset_that_nobody_obeys_does_not_end_the_connection():
    play = (
        Play()
        .shake(WS7)
        .c(PUSH, 1, 1, b"hello")
        .s(ACK, 1, 6)
        .c(RST, 20)
        .s(ACK, 1, 6)
        .c(PUSH, 6, 1, b"more")
        .s(ACK, 1, 10)
    )
    outcomes, findings, lines = told(play)
    assert (outcomes, findings) == (["reset"], [("rst-by-middlebox", "ignored")])
    assert lines["tcp.reset-ignored"] == ((6, 6),)


def test_data_under_way_when_the_reset_came_does_not_make_it_ignored():
    play = Play().shake(WS7).c(PUSH, 1, 1, b"hello").s(RST, 1).c(PUSH, 6, 1, b"more").s(RST, 1)
    _, findings, lines = told(play)
    assert findings == [("tcp-application-closes", None)]
    assert "tcp.reset" in lines


def test_copies_of_older_segments_behind_a_reset_do_not_make_it_ignored():
    play = (
        Play().shake(WS7).c(PUSH, 1, 1, b"hello").s(ACK, 1, 6).s(RST | ACK, 1, 6).s(ACK, 1, 6).c(PUSH, 1, 1, b"hello")
    )
    assert told(play)[1] == [("tcp-application-closes", None)]


def test_a_syn_that_was_refused_before_one_was_accepted_is_told_and_does_not_cut_the_connection_off():
    play = (
        Play()
        .c(SYN)
        .s(RST | ACK, 0, 1)
        .c(SYN, after=0.5)
        .s(SYN_ACK, 0, 1)
        .c(ACK, 1, 1)
        .c(PUSH, 1, 1, b"x")
        .s(ACK, 1, 2)
    )
    outcomes, findings, lines = told(play)
    assert (outcomes, findings) == (["open"], [])
    assert lines["tcp.refused-at-first"] == ((2, 2),)


def test_frames_that_were_recorded_twice_are_not_called_sent_again():
    play = Play().shake(WS7).c(PUSH, 1, 1, b"hello")
    play.add(play.frames[-1][1], after=0.0001)
    lines = told(play.s(ACK, 1, 6))[2]
    assert lines["tcp.recorded-twice"] == ((5, 5),)
    assert "tcp.resent" not in lines
    lines = told(Play().c(SYN).c(SYN, after=0.0001).s(SYN_ACK, 0, 1).c(ACK, 1, 1))[2]
    assert "tcp.recorded-twice" in lines
    assert "tcp.syn.retries" not in lines
    slow = Play().shake(WS7).c(PUSH, 1, 1, b"hello")
    slow.add(slow.frames[-1][1], after=0.2)
    assert "tcp.resent" in told(slow.s(ACK, 1, 6))[2]


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_connection_that_lost_something_is_not_the_same_as_one_that_did_not(is_lost):
    play = Play()
    (address, first), server = play.ends
    for port in (first, first + 1):
        play.ends = (address, port), server
        play.shake(WS7).c(PUSH, 1, 1, b"hello")
        if is_lost and port > first:
            play.c(PUSH, 1, 1, b"hello", after=0.3)
        play.s(ACK, 1, 6)
    lines = told(play)[2]
    assert ("story.again" in lines, "tcp.resent" in lines) == (not is_lost, is_lost)


@pytest.mark.parametrize(("after", "said"), [(0.001, []), (0.03, ["tcp.waited-no-longer"]), (0.05, ["tcp.waited"])])
def test_what_comes_too_soon_for_a_round_trip_is_no_answer_that_was_waited_for(after, said):
    play = Play().shake(WS7, after=0.03).c(PUSH, 1, 1, b"hello").s(PUSH, 1, 1, b"welcome", after=after)
    assert [line for line in told(play)[2] if line.startswith("tcp.waited")] == said


@pytest.mark.parametrize(("flags", "shown"), [(RST | ACK, "[R.]: RST"), (RST, "[R]: RST"), (FIN_ACK, "[F.]")])
def test_flags_stand_in_the_story_as_tcpdump_writes_them(flags, shown):
    opened = Play().c(SYN).s(SYN_ACK, 0, 1).c(ACK, 1, 1).c(PUSH, 1, 1, b"x").s(flags, 1, 2)
    opened.c(FIN_ACK, 2, 2).s(ACK, 2, 3)
    assert f" {shown}" in explain.explain(pcap(*opened.frames)).story("en")


def test_a_reset_that_a_recording_begins_with_was_not_waited_for():
    assert told(Play().c(RST | ACK, 5, 9).s(ACK, 9, 5))[2]["tcp.reset"] == ((1, 1),)
