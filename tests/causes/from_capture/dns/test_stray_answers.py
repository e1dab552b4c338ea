"""Answers that no resolver takes, though a server sent them, and answers that are one too many."""

from __future__ import annotations

import struct
from functools import partial

import pytest
from explained import report, the_finding
from packets import A, B, datagram, error

CLIENT, SERVER, OTHER = "192.0.2.1", "192.0.2.53", "192.0.2.54"
ASKER = (CLIENT, 40000)
WWW, MAIL, A_LAB = b"\3www\4test\0", b"\4mail\4test\0", b"\1a\4test\0"


def record(value: str) -> bytes:
    return b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes(map(int, value.split(".")))


def message(flags: int, *records: bytes, name: bytes = WWW, number: int = 7) -> bytes:
    return struct.pack(">6H", number, flags, 1, len(records), 0, 0) + name + b"\0\1\0\1" + b"".join(records)


ASKED = datagram(ASKER, (SERVER, 53), message(0x100))
answer = partial(message, 0x8180, record("192.0.2.80"))


def back(octets: bytes, source: tuple[str, int] = (SERVER, 53)) -> bytes:
    return datagram(source, ASKER, octets, (B, A))


@pytest.mark.parametrize(
    ("came", "case"),
    [
        (back(answer(number=8)), "other-id"),
        (back(answer(name=MAIL)), "other-question"),
        (back(answer(), (OTHER, 53)), "other-address"),
        (back(answer(), (SERVER, 5300)), "other-port"),
        (back(message(0x100)), None),
    ],
    ids=["another id", "another name", "another address", "another port", "the question itself"],
)
@pytest.mark.parametrize("is_refused", [False, True])
def test_what_is_not_the_answer_to_the_question_leaves_it_unanswered_and_is_the_fault_of_who_sent_it(
    came, case, is_refused
):
    told = [error(CLIENT, 3, 3, came, macs=(A, B))] if is_refused and case in ("other-address", "other-port") else []
    found = the_finding(ASKED, came, *told)
    assert (found.cause, found.certainty, found.rivals) == ("dns-answer-malformed", "proved", ())
    assert (found.values.get("case"), found.values["server"]) == (case, SERVER)
    assert found.evidence[0].frames == ((1, 2),)


def test_an_answer_without_its_question_is_told_with_the_name_that_it_is_about():
    told = report(back(answer(name=MAIL)))
    assert not told.findings
    assert f"A response of {SERVER} to {CLIENT} about the A record of mail.test" in " ".join(told.story().split())


def test_an_answer_for_another_port_or_host_is_no_stray_one():
    for target in ((CLIENT, 40001), ("192.0.2.9", 40000)):
        found = report(ASKED, datagram((SERVER, 53), target, answer(number=8), (B, A))).findings
        assert "dns-answer-malformed" not in [one.cause for one in found]


def test_who_asked_everybody_takes_the_answer_of_anybody():
    asked = datagram(ASKER, ("255.255.255.255", 53), message(0x100))
    assert not report(asked, back(answer(), (OTHER, 53))).findings


@pytest.mark.parametrize(("ttl", "case"), [(64, "twice"), (47, "twice-far")])
def test_two_answers_to_one_question_that_differ_are_not_both_of_the_server(ttl, case):
    forged = bytearray(back(message(0x8180, record("203.0.113.6"))))
    forged[22] = ttl
    frames = [ASKED, back(answer()), bytes(forged)]
    found = the_finding(*frames, error(CLIENT, 3, 3, frames[2], macs=(A, B)))
    assert (found.cause, found.certainty, found.values["case"]) == ("dns-answer-malformed", "likely", case)
    assert (found.values["first"], found.values["second"]) == (("192.0.2.80",), ("203.0.113.6",))
    lookup = report(*frames).exchanges[1]
    assert (lookup.fields.wanted, lookup.fields.rival_answers) == (("192.0.2.80",), ("203.0.113.6",))


def test_answers_in_another_order_or_to_another_question_do_not_contradict_each_other():
    both = record("192.0.2.80"), record("192.0.2.81")
    assert not report(ASKED, back(message(0x8180, *both)), back(message(0x8180, *both[::-1]))).findings
    assert not report(ASKED, ASKED, back(message(0x8180, both[0])), back(message(0x8180, both[1]))).findings


def test_a_late_answer_is_measured_from_the_question_of_its_own_port():
    again = datagram((CLIENT, 40001), (SERVER, 53), message(0x100))
    frames = [(0.0, ASKED), (1.0, again), (6.0, back(answer()))]
    (lookup,) = [one for one in report(*frames).exchanges if one.kind == "dns.lookup"]
    assert lookup.fields.rtt_ns == 6_000_000_000


def test_aliases_in_a_circle_are_why_there_is_no_answer():
    alias = b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1b\xc0\x0e" + b"\1b\xc0\x0e\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c"
    octets = struct.pack(">6H", 7, 0x8182, 1, 2, 0, 0) + A_LAB + b"\0\1\0\1" + alias
    asked = datagram(ASKER, (SERVER, 53), message(0x100, name=A_LAB))
    found = the_finding(asked, back(octets))
    assert (found.cause, found.certainty, found.rivals) == ("dns-server-unreachable", "proved", ())
    assert (found.values["case"], found.values["chain"]) == ("circle", "a.test -> b.test -> a.test")
