"""Who sent a RST, as places on both sides of a router show it."""

from __future__ import annotations

import pytest
from two_places import INSIDE, SERVER, Walk, ping, segment

CLIENT, WEB = (INSIDE, 40000), (SERVER, 80)
RST_ACK = 20


def cut_off(walk, inner_ttl, *, is_from_server, goes_on=True):
    def both(when, flags, seq, ack, data, number):
        ways = [segment(CLIENT, WEB, flags, seq, ack, data, ttl, number) for ttl in (64, 63)]
        walk.out(when, *ways)

    both(0.0, 2, 100, 0, b"", 1)
    walk.back(0.01, *[segment(WEB, CLIENT, 18, 500, 101, b"", ttl, 71) for ttl in (63, 64)])
    both(0.02, 16, 101, 501, b"", 2)
    walk.out(
        0.03, segment(CLIENT, WEB, 24, 101, 501, b"give", 64, 3),
        segment(CLIENT, WEB, 24, 101, 501, b"give", 63, 3) if is_from_server else None,
    )  # fmt: skip
    refusal = [segment(WEB, CLIENT, RST_ACK, 501, 105, b"", ttl, 72) for ttl in (inner_ttl, 64)]
    walk.back(0.04, refusal[0], refusal[1] if is_from_server else None)
    if goes_on:
        for seq in (1, 2):
            walk.out(3.0 + seq, *[ping(INSIDE, SERVER, seq, ttl=ttl, ip_id=seq) for ttl in (64, 63)])
            walk.back(3.1 + seq, *[ping(SERVER, INSIDE, seq, ttl=ttl, ip_id=seq + 90, kind=0) for ttl in (63, 64)])
    (finding,) = walk.report().findings
    return finding


@pytest.mark.parametrize("ttl", [64, 63])
def test_a_rst_that_the_servers_side_never_saw_came_into_being_between_the_places(ttl):
    finding = cut_off(Walk(), ttl, is_from_server=False)
    assert (finding.cause, finding.certainty, finding.values["case"]) == ("rst-by-middlebox", "proved", "between")
    assert finding.values["sender"] == SERVER
    assert "tcp-application-closes" not in finding.rivals


def test_a_place_that_recorded_nothing_any_more_proves_nothing_of_a_rst():
    finding = cut_off(Walk(), 63, is_from_server=False, goes_on=False)
    assert finding.cause == "tcp-application-closes"
    assert "rst-by-middlebox" in finding.rivals


def test_a_rst_that_was_seen_to_leave_the_server_is_nobody_elses():
    finding = cut_off(Walk(), 63, is_from_server=True)
    assert finding.cause == "tcp-application-closes"
    assert not {"rst-by-middlebox", "filter-on-router-forward"}.intersection(finding.rivals)
