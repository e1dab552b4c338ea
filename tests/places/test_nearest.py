"""Each conversation is judged where whoever began it was recorded."""

from __future__ import annotations

from packets import A, R, eth, pcap
from two_places import INSIDE, SERVER, Walk, of_kind, ping

import explain


def test_two_hosts_that_ping_each_other_are_judged_each_at_its_own_place():
    walk = Walk()
    walk.out(1, ping(INSIDE, SERVER, 1, ip_id=1), ping(INSIDE, SERVER, 1, ttl=63, ip_id=1))
    walk.back(1.1, ping(SERVER, INSIDE, 1, kind=0, ttl=63, ip_id=2), ping(SERVER, INSIDE, 1, kind=0, ip_id=2))
    for seq in (1, 2):  # the answers to these vanish in the router
        at = {"seq": seq, "ident": 9}
        walk.back(1 + seq, ping(SERVER, INSIDE, ttl=63, ip_id=9 + seq, **at), ping(SERVER, INSIDE, ip_id=9 + seq, **at))
        walk.out(1.1 + seq, ping(INSIDE, SERVER, kind=0, ip_id=19 + seq, **at), None)
    runs = {one.fields.src: (one.outcome, one.capture, one.fields.sent) for one in of_kind(walk.report(), "icmp.echo")}
    assert runs == {INSIDE: ("answered", 0, 1), SERVER: ("unanswered", 1, 2)}


def test_a_ping_that_a_nat_turns_back_to_its_sender_is_one_journey_that_arrives_there():
    frames = []
    for seq in (1, 2, 3):
        frames += [
            (seq, eth(A, R, 0x800, ping(INSIDE, SERVER, seq, ip_id=seq))),
            (seq + 0.001, eth(R, A, 0x800, ping(INSIDE, INSIDE, seq, ttl=63, ip_id=seq))),
        ]
    report = explain.explain(pcap(*frames), pcap(*frames))
    (finding,) = report.findings
    assert (finding.cause, finding.values["case"]) == ("hairpin-nat-missing", "itself")
    (journey,) = of_kind(report, "journey")
    assert (journey.fields.last_seen.frame, journey.fields.missing, len(journey.fields.seen)) == (2, 3, 4)
