"""Where a round trip passes, what of a wait the server spent, and where a queue stands, by the times of each place."""

from __future__ import annotations

import pytest
from two_places import INSIDE, SERVER, Walk, of_kind, ping, segment

CLIENT, WEB = (INSIDE, 40000), (SERVER, 80)
WAY_S = 0.1  # between the two places, in each direction


def there(walk, when, flags, seq, ack, data=b"", ip_id=1):
    walk.out(when, segment(CLIENT, WEB, flags, seq, ack, data, 64, ip_id), None)
    walk.out(when + WAY_S, None, segment(CLIENT, WEB, flags, seq, ack, data, 63, ip_id))


def back(walk, when, flags, seq, ack, data=b"", ip_id=1):
    """``when`` is at the outer place."""
    walk.back(when, None, segment(WEB, CLIENT, flags, seq, ack, data, 64, ip_id))
    walk.back(when + WAY_S, segment(WEB, CLIENT, flags, seq, ack, data, 63, ip_id), None)


@pytest.mark.parametrize(("skew_s", "way_s"), [(0.0, 0.1), (7.0, 0.1), (0.0, 0.001)])
def test_the_stretch_that_takes_much_of_a_round_trip_is_named_whatever_the_clocks_say(skew_s, way_s):
    walk = Walk(skew_s)
    for seq in range(1, 4):
        walk.out(float(seq), ping(INSIDE, SERVER, seq, ip_id=seq), None)
        walk.out(seq + way_s, None, ping(INSIDE, SERVER, seq, ttl=63, ip_id=seq))
        walk.back(seq + way_s + 0.05, None, ping(SERVER, INSIDE, seq, ip_id=seq + 90, kind=0))
        walk.back(seq + 2 * way_s + 0.05, ping(SERVER, INSIDE, seq, ttl=63, ip_id=seq + 90, kind=0), None)
    (told,) = of_kind(walk.report(), "journey")
    found = [(one.what, one.capture, one.next_capture, round(one.between_ns, -7)) for one in told.fields.waits]
    assert found == ([("ping", 0, 1, 200_000_000)] if way_s > 0.01 else [])


def test_what_a_server_spent_is_told_as_the_place_beside_it_shows_and_not_by_the_handshake():
    """The handshake was held up as well, by a question for a MAC, so that all of the wait seems to be the way's."""
    walk = Walk()
    there(walk, 1.0, 2, 100, 0, ip_id=1)
    back(walk, 1.0 + WAY_S, 18, 500, 101, ip_id=61)
    walk.inner[-1] = (walk.inner[-1][0] + 0.3, walk.inner[-1][1])
    there(walk, 1.6, 16, 101, 501, ip_id=2)
    there(walk, 1.61, 24, 101, 501, b"give\n", ip_id=3)
    back(walk, 1.61 + WAY_S + 0.25, 24, 501, 106, b"take\n", ip_id=62)
    report = walk.report()
    (connection,) = of_kind(report, "tcp.connection")
    assert round(connection.fields.server_time_ns, -7) == 250_000_000
    assert round(connection.fields.network_time_ns, -7) == 200_000_000
    assert connection.fields.server_time_at
    assert "tcp.waited-measured" in [line.message for line in report.lines]


def test_a_queue_stands_before_the_first_place_that_does_not_wait():
    walk = Walk()
    there(walk, 0.0, 2, 100, 0)
    back(walk, 0.2, 18, 500, 101)
    there(walk, 0.4, 16, 101, 501, ip_id=2)
    for turn in range(300):
        at, data, seq, number = 0.5 + 0.001 * turn, b"y" * 1000, 101 + 1000 * turn, 10 + turn
        late = at + 0.01 + 0.003 * turn
        walk.out(at, segment(CLIENT, WEB, 16, seq, 501, data, 64, number), None)
        walk.out(late, None, segment(CLIENT, WEB, 16, seq, 501, data, 63, number))
        walk.back(
            late + 0.001,
            segment(WEB, CLIENT, 16, 501, seq + 1000, b"", 63, number),
            segment(WEB, CLIENT, 16, 501, seq + 1000, b"", 64, number),
        )
    walk.inner.sort(key=lambda one: one[0])
    walk.outer.sort(key=lambda one: one[0])
    (told,) = of_kind(walk.report(), "journey")
    (queue,) = [one for one in told.fields.waits if one.what == "queue"]
    assert (queue.capture, queue.next_capture) == (0, 1)
    assert queue.between_ns > 300_000_000
