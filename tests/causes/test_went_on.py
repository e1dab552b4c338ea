"""An answer that is missing in the capture is no silence on the link, where the asker goes on and sends."""

from __future__ import annotations

import pytest
from neighbours import solicit
from packets import A, B, R, is_at, pcap, ping, pong, who_has

import explain

ALICE, BOB, ROUTER = (A, "192.0.2.1"), (B, "192.0.2.2"), (R, "192.0.2.254")
IPV6 = "2001:db8:1::1", "2001:db8:1::2"
FAR = "198.51.100.1"


def findings(*frames):
    return [one.cause for one in explain.explain(pcap(*frames)).findings]


def exchange(target=BOB[1], macs=(A, B)):
    return [ping(ALICE[1], target, 1, macs=macs), pong(target, ALICE[1], 1, macs=macs[::-1])]


@pytest.mark.parametrize(
    "frames",
    [
        [who_has(ALICE, BOB[1]), *exchange()],
        [is_at(BOB, ALICE), who_has(ALICE, BOB[1]), *exchange()],
        [
            who_has(ALICE, ROUTER[1]),
            *exchange(FAR, (A, R)),
            (5.0, who_has(ROUTER, ALICE[1], to=A)),
            is_at(ALICE, ROUTER),
        ],
        [solicit(A, *IPV6), ping(*IPV6, 1), pong(*IPV6[::-1], 1)],
    ],
    ids=["lost", "recorded first", "of a router", "of IPv6"],
)
def test_a_question_after_which_the_asker_sends_was_answered(frames):
    report = explain.explain(pcap(*frames))
    assert (list(report.findings), report.unexplained) == ([], ())
    assert "No answer follows here, but one came" in " ".join(report.story("en").split())


@pytest.mark.parametrize(
    "frames",
    [
        [who_has(ALICE, BOB[1]), *exchange(FAR, (A, R))],
        [*exchange(), (9.0, who_has(ALICE, BOB[1])), (10.0, who_has(ALICE, BOB[1]))],
        [*exchange(), (9.0, who_has(ALICE, BOB[1], to=B)), *exchange()[:1]],
        [who_has(ALICE, BOB[1]), (60.0, ping(ALICE[1], BOB[1], 1))],
        [who_has(ALICE, BOB[1]), ping(BOB[1], ALICE[1], 1, macs=(B, A))],
    ],
    ids=["to others", "before", "by who still has the MAC", "much later", "by who was asked for"],
)
def test_what_is_sent_otherwise_proves_no_answer(frames):
    assert "destination-host-absent-on-link" in findings(*frames, (99.0, ping(ALICE[1], FAR, 9, macs=(A, R))))
