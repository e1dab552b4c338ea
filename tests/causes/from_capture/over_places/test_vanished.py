"""What both sides of a vanishing point rule out: each rule acts in a real network, and none takes the true cause."""

from __future__ import annotations

import tomllib
from functools import cache
from random import Random

import pytest
from asunder import split, told
from packets import A, B, R, eth, icmp, ip, is_at, pcap, who_has
from surroundings import TOP
from two_places import INSIDE, R2, SERVER, Walk, ping, segment

import explain
from explain.causes.from_capture.over_places import journey, vanished

LABS = sorted(
    path.parent.name
    for path in (TOP / "fixtures").glob("*/expected.toml")
    if 'outcome = "vanished"' in path.read_text("utf-8")
)


@cache
def truth(lab):
    return tomllib.loads((TOP / "fixtures" / lab / "lab.toml").read_text("utf-8"))["cause"]


@pytest.fixture
def looked(monkeypatch):
    """What was lost, and the causes that the stage alone would leave, each time that somebody asks."""
    asked = []

    def listen(gone, rivals):
        asked.append((gone, rivals))
        return vanished.left(gone, rivals)

    monkeypatch.setattr(journey, "left", listen)
    return asked


def places(lab):
    return split(TOP / "pcaps" / lab / "capture.pcapng")


@pytest.mark.parametrize("lab", LABS)
def test_no_rule_rules_out_what_a_lab_really_suffers_from(lab, looked):
    everywhere = places(lab)
    random = Random(lab)
    told(everywhere)
    for _ in range(3):  # whoever records in fewer places sees less, and must not conclude more
        told([one for one in everywhere if random.random() < 0.7] or everywhere[:1])
    for gone, _ in looked:
        wrong = [rule.__name__ for rule, causes in vanished.RULES if truth(lab) in causes and rule(gone)]
        assert not wrong


@pytest.mark.parametrize(
    ("lab", "most"),
    [
        ("filter-on-switch", 4), ("filter-on-target-input", 13), ("filter-on-router-forward", 21),
        ("filter-on-router-forward.reply", 16), ("tcp-filtered", 13), ("conntrack-table-full", 10),
    ],
)  # fmt: skip
def test_what_both_sides_show_leaves_few_causes_and_the_true_one(lab, most):
    report = explain.explain(TOP / "pcaps" / lab / "capture.pcapng")  # also what listened and saw nothing
    found = [one for one in report.findings if "stage" in one.values]
    assert all(truth(lab) in one.rivals and len(one.rivals) <= most for one in found)
    assert found


def lost(*frames):
    """The causes that are left where requests arrive and stay unanswered, at two places of one cable."""
    near = [(0.0, who_has((A, INSIDE), SERVER)), (0.001, is_at((B, SERVER), (A, INSIDE))), *frames]
    report = explain.explain(pcap(*near), pcap(*((when + 0.0001, frame) for when, frame in near)))
    (finding,) = [one for one in report.findings if "stage" in one.values]
    return finding.rivals


def each(packet):
    return [(0.002 + seq, eth(A, B, 0x800, packet(seq))) for seq in range(1, 4)]


def test_what_only_befalls_connections_is_no_cause_of_lost_pings_nor_the_other_way():
    of_pings = lost(*each(lambda seq: ping(INSIDE, SERVER, seq, ip_id=seq)))
    of_syns = lost(*each(lambda seq: segment((INSIDE, 40000), (SERVER, 80), 2, 7, ip_id=seq)))
    assert ("tcp-accept-queue-full" in of_syns, "echo-ignored-by-target" in of_syns) == (True, False)
    assert ("tcp-accept-queue-full" in of_pings, "echo-ignored-by-target" in of_pings) == (False, True)


@pytest.mark.parametrize(("source", "is_possible"), [(INSIDE, True), ("203.0.113.1", False)])
def test_a_translated_source_clears_those_who_should_have_translated_it(source, is_possible):
    walk = Walk()
    walk.inner += [(0.0, who_has((A, INSIDE), "192.0.2.1")), (0.001, is_at((R, "192.0.2.1"), (A, INSIDE)))]
    walk.outer += [(0.002, who_has((R2, "198.51.100.1"), SERVER)), (0.003, is_at((B, SERVER), (R2, "198.51.100.1")))]
    for seq in range(1, 4):
        walk.out(float(seq), ping(INSIDE, SERVER, seq, ip_id=seq), ping(source, SERVER, seq, ttl=63, ip_id=seq))
    (finding,) = walk.report().findings
    assert ("masquerade-missing" in finding.rivals) == is_possible


def parts(seq):
    """A ping in two fragments."""
    body = icmp(8, 0, 7 << 16 | seq, bytes(2000))
    return [ip(INSIDE, SERVER, 1, body[:1480], 64, seq, 0x2000), ip(INSIDE, SERVER, 1, body[1480:], 64, seq, 185)]


IN_PARTS = [(seq + at / 1000, eth(A, B, 0x800, part)) for seq in (1, 2, 3) for at, part in enumerate(parts(seq))]


def test_the_size_of_what_was_lost_leads_or_leaves_the_suspects():
    by_size = ("fragments-filtered", "pmtu-blackhole", "mtu-mismatch-on-link")
    assert lost(*IN_PARTS)[0] in by_size
    assert not {*by_size} & {*lost(*each(lambda seq: ping(INSIDE, SERVER, seq, ip_id=seq)))}


def test_where_only_first_fragments_arrive_the_packet_did_not():
    near = [(0.0, who_has((A, INSIDE), SERVER)), (0.001, is_at((B, SERVER), (A, INSIDE))), *IN_PARTS]
    far = [(when + 0.0001, frame) for when, frame in near[:2] + near[2::2]]
    (finding,) = explain.explain(pcap(*near), pcap(*far)).findings
    assert (finding.cause, finding.values["case"], finding.values["count"]) == ("fragments-filtered", "halves-at", 3)


def replies_that_end_outside(missing):
    """Eight pings through a router whose neighbours know each other already, as both its sides recorded them."""
    walk = Walk()
    for seq in range(1, 9):
        asked, answer = (INSIDE, SERVER, seq), (SERVER, INSIDE, seq)
        walk.out(seq, ping(*asked, ip_id=seq), ping(*asked, ttl=63, ip_id=seq))
        near = ping(*answer, ttl=63, ip_id=90 + seq, kind=0)
        walk.back(seq + 0.01, None if seq in missing else near, ping(*answer, ip_id=90 + seq, kind=0))
    walk.inner.append((60.0, who_has((A, INSIDE), "192.0.2.77")))
    walk.outer.append((60.0, who_has((B, SERVER), "198.51.100.77")))
    return walk.report()


def test_who_forwarded_the_requests_is_the_router_that_kept_the_replies():
    found = replies_that_end_outside(range(1, 9))
    (finding,) = found.findings
    assert finding.values["case"] == "reply-within"
    assert [one.frames for one in finding.evidence if one.capture == 1] == [((1, 16),)]
    assert not {"echo-ignored-by-target", "filter-on-target-input", "filter-on-target-output"} & set(finding.rivals)


def test_replies_that_were_seen_to_leave_clear_their_sender_where_no_mac_says_what_they_met():
    def cooked(frame, is_own):
        return bytes([0, 4 * is_own, 0, 1, 0, 6]) + frame[6:12] + bytes(2) + frame[12:]

    near = [(seq, cooked(eth(A, R, 0x800, ping(INSIDE, SERVER, seq, ip_id=seq)), 1)) for seq in range(6)]
    far = []
    for seq in range(6):
        far.append((seq + 0.001, cooked(eth(R2, B, 0x800, ping(INSIDE, SERVER, seq, ttl=62, ip_id=seq)), 0)))
        far.append((seq + 0.002, cooked(eth(B, R2, 0x800, ping(SERVER, INSIDE, seq, ip_id=9, kind=0)), 1)))
    late = (40.0, cooked(who_has((A, INSIDE), "192.0.2.77"), 1))
    (finding,) = explain.explain(pcap(*near, late, link_type=113), pcap(*far, late, link_type=113)).findings
    assert finding.values["case"] == "reply-beyond"
    assert not {"echo-ignored-by-target", "filter-on-target-input", "filter-on-target-output"} & set(finding.rivals)


def test_the_evidence_of_a_journey_holds_what_was_lost_and_seen_at_the_far_place_alone():
    found = replies_that_end_outside({3, 5})
    (journey,) = (one for one in found.exchanges if one.kind == "journey")
    assert [one.frames for one in journey.evidence if one.capture == 1] == [((1, 16),)]
    assert not {"icmp-rate-limited", "filter-on-target-input"} & set(found.findings[0].rivals)
