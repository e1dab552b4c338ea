from __future__ import annotations

import struct

import pytest
from packets import pcap
from tcp_scenes import ACK, Play, found

import explain
from explain.exchanges.tcp.late import count_here, late

ONE, TWO, THREE = 1, 11, 21  # where the segments begin


def numbered(frame, number):
    """The frame with another IP identification; nothing here looks at the header's checksum."""
    return frame[:18] + struct.pack(">H", number) + frame[20:]


def talk_of(*sent):
    """A download whose segments are given as (sequence number, IP identification), 0.1 ms apart."""
    play = Play().shake(after=0.05)
    for seq, _ in sent:
        play.s(ACK, seq, 1, b"x" * 10, after=0.0001)
    opening = [(0, 1), (0, 100), (0, 2)]
    play.frames = [
        (at, numbered(frame, number)) for (at, frame), (_, number) in zip(play.frames, [*opening, *sent], strict=True)
    ]
    return play


@pytest.mark.parametrize(
    ("sent", "again", "delayed"),
    [
        ([(ONE, 101), (THREE, 103), (TWO, 102)], [], [5]),
        ([(ONE, 101), (THREE, 103), (TWO, 104)], [5], []),
        ([(ONE, 101), (TWO, 102), (THREE, 103), (TWO, 104)], [6], []),
        ([(ONE, 0), (TWO, 0), (THREE, 0), (TWO, 0)], [6], []),
        ([(ONE, 0), (THREE, 0), (TWO, 0)], [], []),
        ([(ONE, 30_000), (THREE, 60_000), (TWO, 9)], [], []),
    ],
    ids=["overtaken", "a new number", "seen before, a new number", "seen before", "no numbers", "numbers by lot"],
)
def test_what_comes_late_was_sent_again_if_its_number_or_its_octets_say_so(sent, again, delayed):
    moments = found(talk_of(*sent)).facts["moments"]
    talk = moments.talk(0)
    assert [rows.tolist() for rows in late(moments.table, talk)] == [delayed, again]


@pytest.mark.parametrize(("is_again", "resent"), [(True, [5]), (False, [])])
def test_what_was_sent_again_at_once_counts_as_lost_and_what_was_overtaken_does_not(is_again, resent):
    order = [first + 20 * step for step in range(5) for first in (TWO, ONE)]
    sent = [(seq, 101 + (at if is_again else seq // 10)) for at, seq in enumerate(order)]
    told = explain.explain(pcap(*talk_of(*sent).frames))
    assert [one.values["resent"] for one in told.findings if one.cause == "partial-loss"] == resent


@pytest.mark.parametrize(("is_doubled", "resent"), [(False, []), (True, [5])])
def test_what_came_again_before_an_older_copy_was_not_lost(is_doubled, resent):
    sent = []
    for turn in range(5):
        seq, number = 1 + 30 * turn, 101 + 10 * turn
        sent += [(seq, number), (seq + 20, number + 2), (seq + 10, number + 9)]
        sent += [(seq + 10, number + (9 if is_doubled else 1))]
    told = explain.explain(pcap(*talk_of(*sent).frames))
    assert [one.values["resent"] for one in told.findings if one.cause == "partial-loss"] == resent
    assert ("tcp.resent-early" in [line.message for line in told.lines]) == (not is_doubled)


@pytest.mark.parametrize(
    ("sent", "passed"),
    [
        ((ONE, TWO, ONE), [6]),
        ((ONE, THREE, TWO, THREE), [7]),
        ((ONE, THREE, TWO, TWO), [7]),
        ((ONE, THREE, TWO), []),
        ((ONE, THREE, THREE + 5, TWO), [6]),
    ],
    ids=["seen whole", "seen beyond a gap", "seen in a gap", "not seen", "seen in part"],
)
def test_what_passed_is_told_from_what_was_lost_before_it_came_here(sent, passed):
    play = Play().shake(after=0.05)
    play.c(ACK, 2, 1, b"y" * 10)  # the numbers of the other side say nothing
    for seq in sent:
        play.s(ACK, seq, 1, b"x" * 10, after=0.0001)
    moments = found(play).facts["moments"]
    talk = moments.talk(0)
    assert [row for row in talk.rows[4:].tolist() if count_here(talk, talk.rows[row : row + 1])] == passed


@pytest.mark.parametrize(("number", "is_unheard"), [(105, True), (102, False), (9000, False)])
def test_an_answer_before_which_packets_are_missing_was_not_surely_slow_in_the_server(number, is_unheard):
    play = Play().shake().c(ACK, 1, 1, b"ask").s(ACK, 1, 4).s(ACK, 1, 4, b"x" * 10, after=1.0).s(ACK, 11, 4, b"y" * 10)
    play.s(ACK, 21, 4, b"z" * 10)
    numbers = [1, 0, 2, 3, 101, number, number + 1, number + 2]
    play.frames = [(at, numbered(frame, one)) for (at, frame), one in zip(play.frames, numbers, strict=True)]
    told = {one.message: one.values for one in explain.explain(pcap(*play.frames)).lines}
    assert ("tcp.waited-unheard" in told) is is_unheard
    assert not is_unheard or told["tcp.waited-unheard"]["missing"] == 3
