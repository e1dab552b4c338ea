from __future__ import annotations

from explained import exchanges, only
from packets import EVERYONE, A, B, R, arp, is_at, who_has

ALICE, BOB, ROUTER = (A, "192.0.2.1"), (B, "192.0.2.2"), (R, "192.0.2.254")
NOBODY = "00:00:00:00:00:00"
UNKNOWN = ".".join("0000")  # the address of who has none yet


def test_a_question_and_its_answer_are_one_resolution():
    one = only((0, who_has(ALICE, BOB[1])), (0.002, is_at(BOB, ALICE)))
    assert (one.kind, one.outcome, one.frames) == ("arp.resolution", "answered", ((1, 2),))
    assert (one.fields.asker_ip, one.fields.asker_mac, one.fields.wanted_ip) == ("192.0.2.1", A, "192.0.2.2")
    assert (one.fields.requests, one.fields.replies, one.fields.answered_macs) == (1, 1, (B,))
    assert one.fields.answer_ns == 2_000_000
    assert not one.fields.is_unicast


def test_repeated_questions_that_nobody_answers_are_one_unanswered_resolution():
    one = only(*((float(second), who_has(ALICE, "192.0.2.9")) for second in range(3)))
    assert (one.outcome, one.fields.requests, one.fields.replies, one.frames) == ("unanswered", 3, 0, ((1, 3),))
    assert one.fields.answer_ns is None


def test_questions_of_two_hosts_for_the_same_address_are_two_resolutions():
    found = exchanges(who_has(ALICE, ROUTER[1]), who_has(BOB, ROUTER[1]), is_at(ROUTER, BOB), is_at(ROUTER, ALICE))
    assert [(one.fields.asker_ip, one.outcome, one.frames) for one in found] == [
        ("192.0.2.1", "answered", ((1, 1), (4, 4))),
        ("192.0.2.2", "answered", ((2, 3),)),
    ]


def test_a_question_after_an_answer_begins_a_new_resolution():
    found = exchanges(
        who_has(ALICE, BOB[1]), is_at(BOB, ALICE), (30, who_has(ALICE, BOB[1], to=B)), (30.1, is_at(BOB, ALICE))
    )
    assert [one.frames for one in found] == [((1, 2),), ((3, 4),)]
    assert found[1].fields.is_unicast


def test_two_macs_that_answer_one_question_are_a_conflict():
    one = only(who_has(ALICE, BOB[1]), is_at(BOB, ALICE), is_at((R, BOB[1]), ALICE))
    assert (one.outcome, one.fields.answered_macs) == ("conflicting", (B, R))


def test_the_same_mac_that_answers_twice_is_no_conflict():
    assert only(who_has(ALICE, BOB[1]), is_at(BOB, ALICE), is_at(BOB, ALICE)).outcome == "answered"


def test_an_answer_without_a_question_is_told_as_such():
    one = only(is_at(BOB, ALICE))
    assert (one.kind, one.outcome, one.fields.requests) == ("arp.resolution", "answered", 0)


def test_a_gratuitous_arp_is_an_announcement_and_no_question():
    one = only(who_has(ALICE, ALICE[1]), (1, arp(2, ALICE, (EVERYONE, ALICE[1]))))
    assert (one.kind, one.outcome) == ("arp.announcement", "unchallenged")
    assert (one.fields.address, one.fields.mac, one.fields.is_probe, one.fields.count) == ("192.0.2.1", A, False, 2)


def test_a_probe_asks_for_its_own_address_from_no_address():
    one = only(*((second * 1.5, arp(1, (A, UNKNOWN), (NOBODY, "192.0.2.1"))) for second in range(3)))
    assert (one.kind, one.outcome, one.fields.is_probe, one.fields.count) == (
        "arp.announcement", "unchallenged", True, 3,
    )  # fmt: skip


def test_a_probe_that_somebody_answers_is_challenged():
    one = only(arp(1, (A, UNKNOWN), (NOBODY, "192.0.2.2")), is_at(BOB, (A, UNKNOWN)))
    assert (one.outcome, one.fields.challenger_mac, one.frames) == ("challenged", B, ((1, 2),))


def test_an_objection_to_an_announcement_is_none_itself():
    one = only(who_has(ALICE, ALICE[1]), (0.001, is_at((B, ALICE[1]), ALICE)))
    assert (one.outcome, one.fields.mac, one.fields.challenger_mac) == ("challenged", A, B)
    assert (one.fields.count, one.frames) == (1, ((1, 2),))


def test_two_hosts_that_announce_one_address_challenge_each_other():
    found = exchanges(who_has(ALICE, "192.0.2.1"), (1, who_has((B, "192.0.2.1"), "192.0.2.1")))
    assert [one.outcome for one in found] == ["challenged", "challenged"]
