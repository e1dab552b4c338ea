"""Who answers from another port than the one that was asked, and who need not answer at all."""

from __future__ import annotations

import pytest
from packets import A, B, datagram, error, pcap

import explain

ALICE, BOB, GROUP = "192.0.2.1", "192.0.2.2", "239.255.255.250"
BACK = (B, A)


def flows(*frames):
    report = explain.explain(pcap(*frames))
    return [one for one in report.exchanges if one.kind == "udp.flow"], report


def test_an_answer_from_another_port_of_the_host_that_was_asked_is_an_answer():
    asked, told = (ALICE, 5000), (BOB, 4444)
    frames = [datagram(asked, (BOB, 69), b"?"), datagram(told, asked, b"1", BACK), datagram(asked, told, b"2")]
    (question, talk), report = flows(*frames)
    assert (question.outcome, question.fields.answered_from.port) == ("answered", 4444)
    assert (talk.fields.client.port, talk.fields.server.port, talk.fields.asked_at.port) == (5000, 4444, 69)
    assert talk.fields.datagrams_to_server == 1
    assert report.unexplained == ()


@pytest.mark.parametrize(
    ("told", "hears"),
    [(("192.0.2.9", 4444), (ALICE, 5000)), ((BOB, 4444), (ALICE, 5001)), ((BOB, 4444), ("192.0.2.3", 5000))],
)
def test_what_another_host_says_or_another_port_hears_is_no_answer(told, hears):
    (question, other), _ = flows(datagram((ALICE, 5000), (BOB, 69), b"?"), datagram(told, hears, b"1", BACK))
    assert (question.outcome, other.fields.asked_at) == ("unanswered", None)


def test_what_came_before_the_question_does_not_answer_it():
    (_, question), _ = flows(datagram((BOB, 4444), (ALICE, 5000), b"1", BACK), datagram((ALICE, 5000), (BOB, 69), b"?"))
    assert question.outcome == "unanswered"


def test_whoever_answers_a_search_of_a_group_is_answering_it():
    frames = [datagram((ALICE, 5000), (GROUP, 1900), b"?"), datagram((BOB, 4444), (ALICE, 5000), b"1", BACK)]
    (_, found), report = flows(*frames)
    assert (found.outcome, found.fields.client.address, found.fields.asked_at.address) == ("answered", ALICE, GROUP)
    assert f"in answer to what {ALICE}:5000 had sent to {GROUP}:1900" in " ".join(report.story().split())


@pytest.mark.parametrize(("port", "is_failed"), [(1900, False), (3702, False), (4444, True)])
def test_a_search_that_one_host_leaves_unanswered_is_no_failure(port, is_failed):
    (one,), report = flows(datagram((ALICE, 5000), (BOB, port), b"?"))
    assert one.outcome == "unanswered"
    assert bool(report.unexplained) is is_failed


def test_a_search_of_a_whole_network_is_not_told_as_one_of_a_host():
    _, report = flows(datagram((ALICE, 137), ("192.0.2.255", 137), b"?"))
    assert "everyone in 192.0.2.255:137" in " ".join(report.story().split())


def test_what_a_searched_port_says_to_another_is_an_answer_whose_question_is_missing():
    (one,), report = flows(datagram((BOB, 1900), (ALICE, 50000), b"HTTP/1.1 200 OK\r\n\r\n", BACK))
    assert (one.outcome, one.fields.server.address) == ("answered", BOB)
    assert report.unexplained == ()


def test_who_refuses_an_answer_from_another_address_than_the_one_that_it_asked_may_hear_only_that():
    answer = datagram((BOB, 5353), (ALICE, 5000), b"!", BACK)
    frames = datagram((ALICE, 5000), (GROUP, 5353), b"?"), answer, error(ALICE, 3, 3, answer, macs=(A, B))
    _, report = flows(*frames)
    assert [(one.cause, one.values["asked"]) for one in report.findings] == [("udp-no-listener", GROUP)]
    assert "too late" not in report.story()


@pytest.mark.parametrize(
    ("said", "case", "asked"),
    [((BOB, 5300), "other-port", 161), (("192.0.2.9", 161), "other-address", BOB)],
    ids=["port", "address"],
)
def test_a_refused_answer_from_elsewhere_than_was_asked_is_not_called_late(said, case, asked):
    asks, told = datagram((ALICE, 5000), (BOB, 161), b"?"), datagram(said, (ALICE, 5000), b"1", BACK)
    (question, *_), report = flows(asks, told, error(ALICE, 3, 3, told, macs=BACK))
    (found,) = report.findings
    assert (found.cause, found.values["case"], found.values["asked"]) == ("udp-no-listener", case, asked)
    assert question.fields.answered_from == report.exchanges[1].fields.server
    assert report.unexplained == ()


def test_what_comes_from_a_service_elsewhere_after_the_one_that_was_asked_answered_answers_nothing():
    asked = ALICE, 5000
    told = datagram((BOB, 161), asked, b"1", BACK), datagram(("192.0.2.9", 161), asked, b"2", BACK)
    (_, other), _ = flows(datagram(asked, (BOB, 161), b"?"), *told)
    assert other.fields.asked_at is None
