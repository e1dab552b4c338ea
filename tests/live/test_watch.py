from __future__ import annotations

import pytest
from packets import EPOCH, A, R, datagram, error, eth, ip, is_at, pcap, ping, pong, tcp, who_has

from explain.capture import open_capture
from explain.exchanges.selection import Selection
from explain.live import window
from explain.live.watch import Watch
from explain.live.window import copied

ALICE, BOB, ROUTER = "192.0.2.1", "198.51.100.1", "192.0.2.254"
SECOND = 1_000_000_000
SYN, ACK = 2, 16


def segment(sport, dport, flags, **more):
    return eth(A, R, 0x800, ip(ALICE, BOB, 6, tcp(ALICE, BOB, sport, dport, flags, **more)))


def summed(selection, *frames):
    watch = Watch(selection)
    with open_capture("wire", pcap(*frames)) as reader:
        for some in reader.frames():
            watch.add(copied(some))
        watch.look(list(reader.interfaces), EPOCH * SECOND, is_over=True)
    first = watch.summary()[0]
    return first.message, first.label


@pytest.mark.parametrize(
    ("selection", "frames", "said"),
    [
        (None, (), "live.silence"), (None, (eth(A, R, 0x88CD, bytes(46)),), "story.nothing"),
        (None, (datagram((ALICE, 5000), (BOB, 7777), b"x"),), "story.unexplained-udp"),
        (Selection(port=443), (ping(ALICE, BOB, 1),), "live.nothing-chosen"),
    ],
)  # fmt: skip
def test_where_nothing_is_known_to_be_well_nobody_is_told_that_all_is_well(selection, frames, said):
    assert summed(selection, *frames) == (said, "odd")


class Wire:
    """A watch and its clock: what is sent is heard at once, and then a look is taken."""

    def __init__(self):
        self.watch = Watch()
        self.now = 0.0
        self.interfaces = ()

    def send(self, *frames, gap_s=0.001):
        with open_capture("wire", pcap((self.now, frames[0]), *frames[1:], gap_s=gap_s)) as reader:
            for some in reader.frames():
                self.watch.add(copied(some))
            self.interfaces = list(reader.interfaces)
        self.now += gap_s * len(frames)
        return self

    def look(self, after_s=0.0, *, is_over=False):
        self.now += after_s
        lines = self.watch.look(self.interfaces, EPOCH * SECOND + int(self.now * SECOND), is_over=is_over)
        return [(line.message, [one.frames for one in line.evidence]) for line in lines]

    def names(self, after_s=0.0, **more):
        return [message for message, _ in self.look(after_s, **more)]


def test_an_answered_ping_is_told_once_and_not_before_it_has_settled():
    wire = Wire().send(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1))
    assert wire.names() == []
    assert any(name.startswith("icmp.") for name in wire.names(1.5))
    assert wire.names(1.5) == []


def test_silence_is_told_later_than_an_answer():
    wire = Wire().send(ping(ALICE, BOB, 1))
    assert wire.names(2) == []
    assert wire.names(10) != []


def test_what_is_over_and_old_is_forgotten():
    wire = Wire().send(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1))
    wire.look(2)
    assert len(wire.watch.window) == 2
    wire.look(120)
    assert len(wire.watch.window) == 0


def test_frames_keep_the_numbers_that_they_had_when_they_were_heard():
    wire = Wire().send(ping(ALICE, BOB, 1, ident=1), pong(BOB, ALICE, 1, ident=1))
    wire.look(120)
    wire.look(120)
    told = wire.send(ping(ALICE, BOB, 1, ident=2), pong(BOB, ALICE, 1, ident=2)).look(2)
    assert told[0][1] == [((3, 3),)]


def test_trouble_is_told_once_at_the_second_look_that_sees_it():
    asked = ping(ALICE, BOB, 1)
    wire = Wire().send(who_has((A, ALICE), ROUTER), is_at((R, ROUTER), (A, ALICE)), asked, error(ROUTER, 3, 0, asked))
    first, second, third = wire.names(0.5), wire.names(0.5), wire.names(0.5)
    verdict = "findings.no-route-on-router.verdict"
    assert [verdict in names for names in (first, second, third)] == [False, True, False]
    assert wire.watch.summary()[1].values == {"cause": "no-route-on-router", "count": 1}


def test_a_flow_that_is_too_long_is_told_as_it_stands_and_then_only_counted(monkeypatch):
    monkeypatch.setattr("explain.live.watch.MOST_OF_A_FLOW", 10)
    wire = Wire().send(*(segment(4000, 80, ACK, seq=number, data=b"x") for number in range(12)))
    assert "live.long" in wire.names()
    assert len(wire.watch.window) == 0
    wire.send(*(segment(4000, 80, ACK, seq=number, data=b"x") for number in range(12, 20))).look()
    assert len(wire.watch.window) == 0
    assert wire.watch.window.packets == 20
    wire.send(segment(4000, 80, SYN, seq=900)).look()
    assert len(wire.watch.window) == 1


def test_what_is_kept_is_bounded_however_many_exchanges_are_open(monkeypatch):
    monkeypatch.setattr(window, "MOST_FRAMES", 100)
    wire = Wire()
    for turn in range(10):
        wire.send(*(segment(1024 + 50 * turn + port, 80, SYN, seq=1) for port in range(50)))
        wire.look(0.1)
        assert len(wire.watch.window) <= 150
    wire.look(is_over=True)
    assert wire.watch.summary()[0].values["exchanges"] == 500


def test_nothing_heard_is_said():
    assert [line.message for line in Wire().watch.summary()] == ["live.silence"]
