from __future__ import annotations

import re

import pytest
from surroundings import corpus_files
from two_places import INSIDE, SERVER, Walk, of_kind, ping

import explain


def busy(walk, seconds=20):
    for seq in range(1, seconds + 1):
        walk.out(float(seq), ping(INSIDE, SERVER, seq, ip_id=seq), ping(INSIDE, SERVER, seq, ttl=63, ip_id=seq))
        walk.back(
            seq + 0.01,
            ping(SERVER, INSIDE, seq, ttl=63, ip_id=seq + 500, kind=0),
            ping(SERVER, INSIDE, seq, ip_id=seq + 500, kind=0),
        )
    return walk


def test_captures_of_one_clock_show_zero():
    first, second = busy(Walk()).report().clocks
    assert first == {"capture": 0, "skew_ns": 0, "bound_ns": 0, "drift_ppm": 0.0}
    assert (second["skew_ns"], second["drift_ppm"]) == (0, 0.0)
    assert second["bound_ns"] <= 1_000_000


@pytest.mark.parametrize("skew_s", [-5.0, -0.0105, 5.0])
def test_a_skew_is_right_within_its_bounds(skew_s):
    _, clock = busy(Walk(skew_s=skew_s)).report().clocks
    assert abs(clock["skew_ns"] - skew_s * 1e9) <= clock["bound_ns"]
    assert clock["bound_ns"] <= 2_000_000


@pytest.mark.parametrize("ppm", [-100.0, 100.0])
def test_a_drift_is_measured_and_the_skew_stays_right(ppm):
    report = busy(Walk(skew_s=3.0, ppm=ppm), seconds=200).report()
    _, clock = report.clocks
    assert f"story.clock.{'gains' if ppm > 0 else 'loses'}" in {line.message for line in report.lines}
    assert clock["drift_ppm"] == pytest.approx(ppm, abs=15)
    since_start = 1.0 * ppm * 1e-6  # the first frame is a second after the moment that the skew is for
    assert abs(clock["skew_ns"] - (3.0 + since_start) * 1e9) <= clock["bound_ns"]


def test_a_step_is_timed_by_the_clock_that_was_put_right():
    (journey,) = of_kind(busy(Walk(skew_s=-5.0)).report(), "journey")
    step = journey.fields.seen[1].step_ns
    assert 0 <= step <= 2_000_000


def test_captures_that_share_no_packet_have_no_common_clock():
    walk = Walk()
    walk.out(0.0, ping(INSIDE, SERVER, 1), None)
    walk.out(0.0, None, ping("192.0.2.99", "192.0.2.98", 9, ip_id=77))
    assert walk.report().clocks[1]["skew_ns"] is None


@pytest.mark.needs("corpus")
def test_the_clocks_of_the_home_router_are_told_apart_in_milliseconds():
    clock = explain.explain(*map(str, corpus_files("nat"))).clocks[1]
    assert clock["skew_ns"] is not None
    assert 0 < clock["bound_ns"] < 5_000_000


def test_a_clock_that_is_off_is_told_with_its_bound_and_does_not_lengthen_the_story():
    def story(skew_s):
        walk = Walk(skew_s=skew_s)
        for seq in range(1, 4):
            at, back = seq * 0.1, seq * 0.1 + 0.01
            walk.out(at, ping(INSIDE, SERVER, seq, ip_id=seq), ping(INSIDE, SERVER, seq, ttl=63, ip_id=seq))
            walk.back(
                back,
                ping(SERVER, INSIDE, seq, ttl=63, ip_id=seq, kind=0),
                ping(SERVER, INSIDE, seq, ip_id=seq, kind=0),
            )
        return " ".join(walk.report().story("en").split())

    assert "clock" not in story(0.0)
    assert re.search(r"The clock of \S+ is 4 s ahead of that of \S+; the packets show this to within 1 ms", story(4.0))
    assert "behind" in story(-4.0)
    assert re.search(r"in \d+ ms ", story(4.0))
