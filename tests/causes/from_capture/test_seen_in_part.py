"""What only looks like a failure because a place did not see all of it, and what a place beyond a router shows."""

from __future__ import annotations

import pytest
from neighbours import advertise, solicit
from packets import A, B, R, datagram, eth, icmp, ip, is_at, pcap, ping, pong, segment, who_has

import explain

ALICE, BOB, ROUTER = (A, "192.0.2.1"), (B, "192.0.2.2"), (R, "192.0.2.254")
IPV6 = "2001:db8:1::1", "2001:db8:1::2"
FAR6 = "2001:db8:9::1"
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
        [advertise(B, IPV6[1], IPV6[0]), solicit(A, *IPV6), ping(IPV6[0], FAR6, 1), pong(FAR6, IPV6[0], 1)],
    ],
    ids=["lost", "recorded first", "of a router", "of IPv6", "of an IPv6 router"],
)
def test_a_question_after_which_the_asker_sends_was_answered(frames):
    report = explain.explain(pcap(*frames))
    assert (list(report.findings), report.unexplained) == ([], ())
    assert "No answer follows here, but one came" in " ".join(report.story("en").split())


@pytest.mark.parametrize(
    "frames",
    [
        [who_has(ALICE, BOB[1]), *exchange(FAR, (A, R)), is_at(ROUTER, ALICE)],
        [exchange(FAR, (A, R))[0], who_has(ALICE, BOB[1]), *exchange(FAR, (A, R))],
        [who_has(ALICE, BOB[1]), (1.0, who_has(ALICE, BOB[1])), *exchange(FAR, (A, R))],
        [*exchange(), (9.0, who_has(ALICE, BOB[1])), (10.0, who_has(ALICE, BOB[1]))],
        [*exchange(), (9.0, who_has(ALICE, BOB[1], to=B)), *exchange()[:1]],
        [who_has(ALICE, BOB[1]), (60.0, ping(ALICE[1], BOB[1], 1))],
        [who_has(ALICE, BOB[1]), ping(BOB[1], ALICE[1], 1, macs=(B, A))],
    ],
    ids=[
        "to others",
        "as before",
        "after a second question",
        "before",
        "by who still has the MAC",
        "much later",
        "by who was asked for",
    ],
)
def test_what_is_sent_otherwise_proves_no_answer(frames):
    assert "destination-host-absent-on-link" in findings(*frames, (99.0, ping(ALICE[1], FAR, 9, macs=(A, R))))


def test_a_new_mac_right_after_a_single_question_may_be_what_was_asked_for():
    asked = [who_has(ALICE, ROUTER[1]), ping(ALICE[1], FAR, 1, macs=(A, R))]
    report = explain.explain(pcap(*asked, (1.0, pong(BOB[1], ALICE[1], 9))))
    assert [one.cause for one in report.findings] == ["echo-unanswered"]
    assert "the answer may have come and only be missing" in " ".join(report.story("en").split())


@pytest.mark.parametrize(
    "frames",
    [
        [is_at(BOB, ALICE), (1.5, who_has(ALICE, BOB[1])), (9.0, ping(ALICE[1], FAR, 1)), pong(FAR, ALICE[1], 1)],
        [
            advertise(B, IPV6[1], IPV6[0]), (1.5, solicit(A, *IPV6)), (9.0, ping(IPV6[0], FAR6, 1)),
            pong(FAR6, IPV6[0], 1), ping(IPV6[0], FAR6, 2), pong(FAR6, IPV6[0], 2),
        ],
    ],
    ids=["ARP", "IPv6"],
)  # fmt: skip
def test_an_answer_that_follows_no_question_belongs_to_the_one_that_was_recorded_after_it(frames):
    report = explain.explain(pcap(*frames))
    assert (list(report.findings), report.unexplained) == ([], ())
    assert "the frames in another order" in " ".join(report.story("en").split())


def test_a_frame_that_a_switch_floods_to_a_bystander_is_no_failure_there():
    own = [ping(ALICE[1], BOB[1], 1, ident=3), pong(BOB[1], ALICE[1], 1, ident=3)]
    flooded = ping("192.0.2.3", "192.0.2.4", 1, macs=("00:00:5e:00:53:03", "00:00:5e:00:53:04"))
    assert findings(*own, flooded, *own) == []
    assert "echo-unanswered" in findings(*own, *[flooded] * 3, *own)


def test_a_private_source_on_the_link_of_a_public_target_was_not_translated():
    known = [who_has((R, "203.0.113.1"), "203.0.113.9"), is_at((B, "203.0.113.9"), (R, "203.0.113.1"))]
    leaked, own = (ping(source, "203.0.113.9", 1, ttl=63, macs=(R, B)) for source in ("192.168.1.7", "198.51.100.7"))
    assert findings(*known, leaked) == ["masquerade-missing"]
    sought = who_has((R, "203.0.113.1"), "203.0.113.8")
    assert "masquerade-missing" in findings(sought, leaked)  # the router's own address here is public
    assert "masquerade-missing" not in findings(who_has((R, "10.0.0.1"), "203.0.113.8"), leaked)
    assert findings(*known, own) == ["echo-unanswered"]
    spoke = datagram(("203.0.113.1", 123), ("203.0.113.8", 123), macs=(R, B))  # with the whole TTL: its own
    assert findings(spoke, leaked, (9.0, ping(ALICE[1], BOB[1], 1))) == ["masquerade-missing"]


def test_a_private_source_beside_others_that_are_translated_was_not_translated():
    leaked = [ping("192.168.1.7", FAR, seq, ident=9, ttl=63, macs=(R, B)) for seq in (1, 2)]
    public = [ping("203.0.113.1", FAR, 1, ttl=63, macs=(R, B)), pong(FAR, "203.0.113.1", 1, ttl=55, macs=(B, R))]
    private = [ping("192.168.1.8", FAR, 1, ttl=63, macs=(R, B)), pong(FAR, "192.168.1.8", 1, ttl=55, macs=(B, R))]
    assert findings(*public, *leaked) == ["masquerade-missing"]
    assert findings(*public, *private, *leaked) == ["echo-unanswered"]  # whoever translates stands further out
    assert findings(*public[:1], *leaked)[-1] == "echo-unanswered"


def test_a_private_source_of_which_nobody_knows_where_it_is_may_yet_be_translated():
    leaked = ping("192.168.1.7", "203.0.113.9", 1, ttl=63, macs=(R, B))
    syn = segment(("192.168.1.7", 40000), ("203.0.113.9", 80), 2, (R, B), 63)
    for frame, cause in ((leaked, "echo-unanswered"), (syn, "tcp-syn-unanswered")):
        (finding,) = explain.explain(pcap(frame)).findings
        assert (finding.cause, finding.values["case"], finding.certainty) == (cause, "private", "possible")
        assert "masquerade-missing" in finding.rivals


def test_a_private_source_outside_has_only_the_rivals_of_what_was_sent():
    known = [who_has((R, "203.0.113.1"), "203.0.113.9"), is_at((B, "203.0.113.9"), (R, "203.0.113.1"))]
    syn = segment(("192.168.1.7", 40000), ("203.0.113.9", 80), 2, (R, B), 63)
    for sent, only in (
        (ping("192.168.1.7", "203.0.113.9", 1, ttl=63, macs=(R, B)), "echo-ignored-by-target"),
        (syn, "tcp-accept-queue-full"),
    ):
        (finding,) = explain.explain(pcap(*known, sent)).findings
        assert {"echo-ignored-by-target", "tcp-accept-queue-full", "fragments-filtered"} & {*finding.rivals} == {only}


def test_an_error_whose_quotation_a_nat_left_as_it_was_came_back_to_who_got_it():
    outside = ping("10.0.0.5", FAR, 1)
    back = eth(R, A, 0x800, ip("198.51.100.254", ALICE[1], 1, icmp(3, 1, 0, outside[14:42])))
    (finding,) = explain.explain(pcap(ping(ALICE[1], FAR, 1, macs=(A, R)), back)).findings[:1]
    assert finding.values["src"] == ALICE[1]


def test_what_each_side_sends_by_itself_need_not_be_answered():
    tunnel = [datagram((ALICE[1], 50000), (BOB[1], 4789), b"x" * 60), datagram((BOB[1], 50001), (ALICE[1], 4789), b"x")]
    report = explain.explain(pcap(*tunnel))
    assert (list(report.findings), report.unexplained) == ([], ())
    assert "what comes back is a flow of its own" in " ".join(report.story("en").split())
