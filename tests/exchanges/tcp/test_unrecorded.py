"""Octets that one side confirms are counted as missing where no segment of the capture holds them."""

from __future__ import annotations

import pytest
from packets import pcap
from tcp_scenes import ACK, FIN_ACK, PUSH, RST_ACK, SYN_ACK, Play, found

import explain
from explain.exchanges.tcp.unrecorded import unrecorded

MOST = 2**32


def talk_of(play):
    return found(play).facts["moments"].talk(0)


def download(*kept, server_seq=5000):
    """An answer of four segments of 100 octets, of which only some are in the capture, and all confirmed."""
    play = Play(server_seq=server_seq).shake().c(PUSH, 1, 1, b"q" * 10)
    for number in kept:
        play.s(ACK, 1 + 100 * number, 11, b"a" * 100)
    return play.c(ACK, 11, 401)


@pytest.mark.parametrize("server_seq", [5000, MOST - 150, 2**31 - 200])
@pytest.mark.parametrize(
    ("kept", "octets"), [((0, 1, 2, 3), 0), ((1, 2, 3), 100), ((0, 3), 200), ((0, 1, 2), 100), ((3, 1, 0), 100)]
)
def test_confirmed_octets_that_are_not_here_are_counted(kept, octets, server_seq):
    talk = talk_of(download(*kept, server_seq=server_seq).s(ACK, 401, 11))
    assert [unrecorded(talk, role)[0] for role in (0, 1)] == [0, octets]


def test_where_nothing_of_an_answer_is_here_its_fin_tells_how_long_it_was():
    play = download().s(FIN_ACK, 401, 11).c(FIN_ACK, 11, 402).s(ACK, 402, 12)
    octets, rows = unrecorded(talk_of(play), 1)
    assert octets == 400
    assert rows.tolist() == [4, 5, 6]


def test_what_was_sent_before_the_capture_is_not_missing_because_its_first_segment_came_again():
    talk = talk_of(Play().c(PUSH, 1, 121, b"q" * 20).s(PUSH, 1, 49, b"a" * 20))
    (asked, told), (answered, _) = unrecorded(talk, 0), unrecorded(talk, 1)
    assert (asked, told.tolist(), answered) == (28, [1], 0)


@pytest.mark.parametrize("silent", [0, 1])
def test_of_a_side_that_was_not_recorded_at_all_nothing_is_counted(silent):
    play = download(0, 1, 2, 3)
    play.frames = [
        (time, frame)
        for time, frame in play.frames
        if frame[26:30] != (bytes((192, 0, 2, 1)), bytes((198, 51, 100, 7)))[silent]
    ]
    talk = talk_of(play)
    assert [unrecorded(talk, role)[0] for role in (0, 1)] == [0, 0]


def test_what_was_sent_before_the_capture_began_is_not_missing():
    play = Play().c(ACK, 500, 9000).s(PUSH, 9000, 500, b"a" * 100).c(ACK, 500, 9100)
    assert [unrecorded(talk_of(play), role)[0] for role in (0, 1)] == [0, 0]


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_keep_alive_of_a_connection_that_began_before_is_no_missing_octet(goes_on):
    play = Play().c(ACK, 499, 9000).s(ACK, 9000, 500)
    if goes_on:
        play.c(PUSH, 500, 9000, b"q" * 10).s(ACK, 9000, 510)
    octets, rows = unrecorded(talk_of(play), 0)
    assert (octets, rows.tolist()) == (0, [0, 1])
    story = " ".join(explain.explain(pcap(*play.frames)).story().split())
    assert "a keep-alive" in story
    assert "lacks" not in story


def test_a_reset_confirms_nothing():
    play = Play().shake().c(PUSH, 1, 1, b"q" * 10).s(ACK, 1, 11).c(RST_ACK, 11, 4001)
    assert [unrecorded(talk_of(play), role)[0] for role in (0, 1)] == [0, 0]


@pytest.mark.parametrize(("kept", "is_told"), [((0, 1, 2, 3), False), ((0, 2, 3), True)])
def test_the_story_of_a_connection_says_that_octets_are_missing(kept, is_told):
    report = explain.explain(pcap(*download(*kept).frames))
    assert [line.values["octets"] for line in report.lines if line.message == "tcp.unrecorded"] == [100] * is_told
    assert not report.findings


@pytest.mark.parametrize("has_answered", [False, True])
def test_a_server_whose_answer_is_missing_in_the_capture_did_not_close_without_a_word(has_answered):
    length = 400 if has_answered else 0
    play = Play().shake().c(PUSH, 1, 1, b"q" * 10).s(ACK, 1, 11)
    play.s(FIN_ACK, 1 + length, 11).c(FIN_ACK, 11, 2 + length).s(ACK, 2 + length, 12)
    causes = [one.cause for one in explain.explain(pcap(*play.frames)).findings]
    assert causes == ([] if has_answered else ["tcp-application-closes"])


@pytest.mark.parametrize("has_answered", [False, True])
def test_a_server_whose_answer_is_missing_in_the_capture_did_not_hang(has_answered):
    length = 400 if has_answered else 0
    play = Play().shake().c(PUSH, 1, 1, b"q" * 10).s(ACK, 1, 11).c(ACK, 11, 1 + length)
    play.c(FIN_ACK, 11, 1 + length, after=30).s(ACK, 1 + length, 12).s(FIN_ACK, 1 + length, 12).c(ACK, 12, 2 + length)
    causes = [one.cause for one in explain.explain(pcap(*play.frames)).findings]
    assert causes == ([] if has_answered else ["tcp-application-hangs"])


def test_a_syn_ack_is_no_confirmation_of_data():
    play = Play().c(2).s(SYN_ACK, 0, 900).c(ACK, 1, 1)
    assert unrecorded(talk_of(play), 0)[0] == 0
