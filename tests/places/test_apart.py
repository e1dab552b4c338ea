"""Captures of other occasions, which only look alike: the same hosts, another evening."""

from __future__ import annotations

from packets import A, B, eth, is_at, pcap, who_has
from two_places import of_kind, ping, segment

import explain

ME, YOU = "192.0.2.10", "192.0.2.11"
DAY_S = 86_400.0


def evening(start_s, *packets, gap_s=0.01):
    """Two hosts find each other, then these packets pass."""
    found = [(start_s, who_has((A, ME), YOU)), (start_s + 0.001, is_at((B, YOU), (A, ME)))]
    return found + [(start_s + (at + 1) * gap_s, eth(A, B, 0x800, one)) for at, one in enumerate(packets)]


def clocks(*captures):
    return [clock["skew_ns"] for clock in explain.explain(*(pcap(*frames) for frames in captures)).clocks]


def test_two_evenings_of_the_same_hosts_have_no_clocks_to_compare_and_share_no_packet():
    first = evening(0.0, ping(ME, YOU, 1, ident=5, ip_id=4711))
    second = evening(DAY_S, ping(ME, YOU, 1, ident=9, ip_id=1234))
    report = explain.explain(pcap(*first), pcap(*second))
    assert [clock["skew_ns"] for clock in report.clocks] == [0, None]
    for kind in ("arp.resolution", "icmp.echo"):
        assert [one.capture for one in of_kind(report, kind)] == [0, 1]
    assert "shares no packet with the other captures" in report.story("en")


def test_the_same_connection_a_day_later_by_a_wrong_clock_is_one_connection():
    syn = segment((ME, 40000), (YOU, 80), 2, 3_000_000_001, ip_id=5)
    assert clocks(evening(0.0, syn), evening(DAY_S, syn)) == [0, int(DAY_S * 1e9)]


def test_questions_alone_belong_together_if_they_were_asked_at_once():
    assert clocks(evening(0.0), evening(0.0)) == [0, 0]
    assert clocks(evening(0.0), evening(3.0))[1] is not None


def test_questions_alone_prove_nothing_a_day_later():
    assert clocks(evening(0.0), evening(DAY_S)) == [0, None]


def test_questions_prove_nothing_where_both_hosts_then_said_other_things():
    one, other = ping(ME, YOU, 1, ident=5, ip_id=4711), ping(ME, YOU, 1, ident=9, ip_id=1234)
    assert clocks(evening(0.0, one), evening(3.0, other)) == [0, None]


def test_captures_that_a_third_one_connects_are_of_one_occasion():
    syns = [segment((ME, port), (YOU, 80), 2, 3_000_000_001 + port, ip_id=port) for port in (40000, 40001)]
    near, far = evening(0.0, syns[0]), evening(20.0, syns[1])
    both = evening(0.0, syns[0]) + evening(20.0, syns[1])[2:]
    assert None not in clocks(near, both, far)
