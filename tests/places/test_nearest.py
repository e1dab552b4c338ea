"""Each conversation is judged where whoever began it was recorded."""

from __future__ import annotations

from packets import A, B, R, eth, icmp, ip, pcap
from two_places import INSIDE, R2, SERVER, Walk, datagram, of_kind, ping

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


def test_an_error_is_heard_where_it_was_asked_for_in_whatever_order_the_captures_are_given():
    """Source: a trace whose last answer the target's own recording shows as well, half a second ahead."""
    inner, outer = [], []
    for ttl, speaker in ((1, "192.0.2.1"), (2, SERVER)):
        probe = datagram((INSIDE, 40000 + ttl), (SERVER, 33433 + ttl), b"@" * 32, ttl, ip_id=ttl)
        inner.append((float(ttl), eth(A, R, 0x800, probe)))
        quoted = datagram((INSIDE, 40000 + ttl), (SERVER, 33433 + ttl), b"@" * 32, 1, ip_id=ttl)
        kind, code = (3, 3) if speaker == SERVER else (11, 0)
        if speaker == SERVER:
            outer.append((ttl + 0.501, eth(R2, B, 0x800, quoted)))
            outer.append((ttl + 0.502, eth(B, R2, 0x800, ip(SERVER, INSIDE, 1, icmp(kind, code, 0, quoted), 64, 9))))
        said = ip(speaker, INSIDE, 1, icmp(kind, code, 0, quoted), 63 if speaker == SERVER else 64, 9)
        inner.append((ttl + 0.003, eth(R, A, 0x800, said)))
    for captures in ((inner, outer), (outer, inner)):
        report = explain.explain(*(pcap(*frames) for frames in captures))
        (trace,) = of_kind(report, "traceroute")
        assert trace.outcome == "reached"
        assert [hop.rtt_ns for hop in trace.fields.hops] == [(3_000_000,), (3_000_000,)]
        assert {frame for hop in trace.fields.hops for frame in hop.frames} == {1, 2, 3, 4}
        assert not report.findings
