"""Connections that a load balancer hands on, and a server behind it that refuses them."""

from __future__ import annotations

import pytest
from two_places import INSIDE, NAT, SERVER, Walk, segment

SERVICE, GOOD, BAD = (SERVER, 80), ("203.0.113.20", 8080), ("203.0.113.21", 8080)


def opened(walk, when, port, real):
    """A connection that the balancer hands to a server, under an address of its own."""
    client, number = (INSIDE, port), port % 100
    own, mine, its, is_good = (NAT, port), 1000 * number, 9000 * number, real == GOOD

    def out(at, flags, seq, ack):
        walk.out(
            at,
            *[
                segment(by, to, flags, seq, ack, b"", ttl, number)
                for by, to, ttl in ((client, SERVICE, 64), (own, real, 63))
            ],
        )

    def back(at, flags, seq, ack):
        ways = ((SERVICE, client, 63), (real, own, 64))
        walk.back(at, *[segment(by, to, flags, seq, ack, b"", ttl, number + 100) for by, to, ttl in ways])

    out(when, 2, mine, 0)
    back(when + 0.01, 18 if is_good else 20, its if is_good else 0, mine + 1)
    if is_good:
        out(when + 0.02, 16, mine + 1, its + 1)
        out(when + 0.03, 17, mine + 1, its + 1)
        back(when + 0.04, 17, its + 1, mine + 2)
        out(when + 0.05, 16, mine + 2, its + 2)


@pytest.mark.parametrize("has_good", [True, False])
def test_the_server_that_refuses_is_named_and_not_the_one_that_hands_on(has_good):
    walk = Walk()
    for number in range(6):
        if number % 2 or has_good:
            opened(walk, float(number), 40001 + number, BAD if number % 2 else GOOD)
    (finding,) = walk.report().findings
    assert (finding.cause, finding.values["real"], finding.values["count"]) == ("tcp-no-listener", ["203.0.113.21"], 3)
    assert finding.values["case"] == ("passed-on-some" if has_good else "passed-on")
    assert finding.values.get("others") == (["203.0.113.20"] if has_good else None)
    assert "dnat-missing" not in finding.rivals
