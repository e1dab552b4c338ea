"""Name servers that answer with what no resolver can read."""

from __future__ import annotations

import struct

import pytest
from packets import A, B, datagram, eth, ip, pcap, udp

import explain

CLIENT, SERVER = "192.0.2.1", "192.0.2.53"
QUESTION = b"\3www\7example\4test\0\0\1\0\1"
RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x33\x64\1"


def message(answers: int, records: bytes, flags: int = 0x8180) -> bytes:
    return struct.pack(">6H", 7, flags, 1, answers, 0, 0) + QUESTION + records


def findings(*answers: bytes):
    asked = datagram((CLIENT, 40000), (SERVER, 53), message(0, b"", 0x100))
    return explain.explain(pcap(asked, *answers)).findings


def answer(octets: bytes) -> bytes:
    return datagram((SERVER, 53), (CLIENT, 40000), octets, macs=(B, A))


@pytest.mark.parametrize(
    ("octets", "case"),
    [
        (b"hello", None),
        (struct.pack(">6H", 7, 0x8180, 1, 1, 0, 0) + b"\xc0\x0c\0\1\0\1" + RECORD, None),
        (message(2, RECORD), "records"),
        (message(1, RECORD[:-3]), "records"),
        (message(1, b"\xc0\x40" + RECORD[2:]), "records"),
        (message(2, RECORD + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\xff\xc6\x33\x64\1"), "records"),
    ],
    ids=["no DNS", "a name in circles", "too few", "cut short", "a name from beyond", "a second one too long"],
)
def test_an_answer_that_cannot_be_read_is_the_fault_of_who_answers(octets, case):
    (found,) = findings(answer(octets))
    assert (found.cause, found.certainty, found.rivals) == ("dns-answer-malformed", "proved", ())
    assert (found.values.get("case"), found.values["server"], found.values["count"]) == (case, SERVER, 1)


def test_the_story_does_not_say_that_nothing_came_where_something_did():
    asked = datagram((CLIENT, 40000), (SERVER, 53), message(0, b"", 0x100))
    story = " ".join(explain.explain(pcap(asked, answer(b"hello"))).story().split())
    assert f"{SERVER} answered with something that is no DNS message" in story
    assert "No answer from the DNS server" not in story


def test_an_answer_with_all_of_its_records_is_none():
    uncompressed = QUESTION[:-4] + RECORD[2:]
    assert not findings(answer(message(1, RECORD)))
    assert not findings(answer(message(2, RECORD + RECORD)))
    assert not findings(answer(message(1, uncompressed)))


def test_an_answer_that_goes_on_in_another_fragment_is_none():
    body = udp(SERVER, CLIENT, 53, 40000, message(9, RECORD * 9))
    assert not findings(eth(B, A, 0x800, ip(SERVER, CLIENT, 17, body[:96], flags=0x2000)))


def test_an_answer_that_was_damaged_on_the_way_is_not_the_fault_of_the_server():
    whole = answer(message(1, RECORD))
    assert "dns-answer-malformed" not in {one.cause for one in findings(whole[:-5] + b"\x09" + whole[-4:])}


def named(kind: int, number: int, at: int, answers: int, rcode: int) -> list[bytes]:
    """A question for one type of record and its answer."""
    question = QUESTION[:-3] + bytes([kind]) + QUESTION[-2:]
    head = struct.pack(">H", number)
    asked = head + struct.pack(">5H", 0x100, 1, 0, 0, 0) + question
    said = head + struct.pack(">5H", 0x8180 | rcode, 1, answers, 0, 0) + question + RECORD * answers
    return [
        datagram((CLIENT, at), (SERVER, 53), asked),
        datagram((SERVER, 53), (CLIENT, at), said, macs=(B, A)),
    ]


def test_a_name_that_has_an_address_is_not_told_as_missing_for_want_of_another_type():
    (found,) = explain.explain(pcap(*named(1, 1, 40000, 1, 0), *named(28, 2, 40001, 0, 3))).findings
    assert (found.cause, found.values["case"]) == ("dns-answer-malformed", "denied")
    assert (found.values["given"], found.values["denied"]) == ("A", "AAAA")
    assert found.evidence


@pytest.mark.parametrize(
    ("answers", "rcode"), [(0, 3), (0, 0)], ids=["both say that there is none", "the other has no record either"]
)
def test_a_name_without_any_record_is_missing(answers, rcode):
    frames = [*named(1, 1, 40000, answers, rcode), *named(28, 2, 40001, 0, 3)]
    assert {one.cause for one in explain.explain(pcap(*frames)).findings} == {"name-does-not-exist"}
