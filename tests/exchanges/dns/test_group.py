"""What multicast DNS and LLMNR say about names and services."""

from __future__ import annotations

import struct

import pytest
from packets import A, B, datagram, pcap

import explain

PRINTER, ALICE, GROUP = "192.0.2.9", "192.0.2.1", "224.0.0.251"
SERVICE, INSTANCE, HOST = "_ipp._tcp.local", "Büro._ipp._tcp.local", "printer.local"
PTR, AAAA, SRV, ANY = 12, 28, 33, 255


def wire(name):
    return b"".join(bytes([len(label.encode())]) + label.encode() for label in name.split(".") if label) + b"\0"


def record(name, kind, data, ttl=120):
    return wire(name) + struct.pack(">HHIH", kind, 0x8001, ttl, len(data)) + data


def asks(*questions, proposed=()):
    head = struct.pack(">HHHHHH", 0, 0, len(questions), 0, len(proposed), 0)
    return head + b"".join(wire(name) + struct.pack(">HH", kind, 1) for name, kind in questions) + b"".join(proposed)


def tells(*records, more=()):
    return struct.pack(">HHHHHH", 0, 0x8400, 0, len(records), 0, len(more)) + b"".join((*records, *more))


def from_(host, message, port=5353, to=(GROUP, 5353)):
    return datagram((host, port), to, message, macs=(B, A) if host == PRINTER else (A, B))


OFFER = record(SERVICE, PTR, wire(INSTANCE))
PLACE = record(INSTANCE, SRV, struct.pack(">HHH", 0, 0, 631) + wire(HOST))
ADDRESS = record(HOST, 1, bytes((192, 0, 2, 9)))


def told(*frames):
    report = explain.explain(pcap(*frames))
    return " ".join(report.story("en").split()), report


def names(report):
    return [one.fields.names for one in report.exchanges if one.kind == "udp.flow"]


def test_who_seeks_a_service_and_who_offers_it_is_told():
    story, report = told(from_(ALICE, asks((SERVICE, PTR))), from_(PRINTER, tells(OFFER, more=(PLACE, ADDRESS))))
    assert "192.0.2.1 asks who offers _ipp._tcp (printing). No server is asked" in story
    assert "192.0.2.9 answered." in story
    assert "_ipp._tcp (printing) is offered by Büro; Büro._ipp._tcp.local is on printer.local, port 631" in story
    assert "printer.local has the address 192.0.2.9" in story
    assert [one.answered_by for one in names(report)[0].asked] == [(PRINTER,)]
    assert [one.names for one in report.hosts if PRINTER in one.addresses] == [(HOST,)]


def test_a_host_that_answers_itself_by_another_address_is_nobody_else():
    again = datagram(("192.0.2.7", 5353), (GROUP, 5353), tells(OFFER), macs=(A, B))
    _, report = told(from_(ALICE, asks((SERVICE, PTR))), again)
    assert names(report)[0].asked[0].answered_by == ()


def test_a_question_to_all_for_an_address_that_nobody_answers_is_told_so():
    story, report = told(from_(ALICE, asks((HOST, 1), (HOST, AAAA))))
    assert "asks what the address of printer.local is (A, AAAA)" in story
    assert "For printer.local there is no answer in this capture" in story
    assert not report.findings


def test_silence_after_a_question_for_a_service_is_no_news():
    assert "no answer in this capture" not in told(from_(ALICE, asks((SERVICE, PTR))))[0]


def test_whoever_wants_a_name_asks_first_whether_it_is_free():
    probe = asks((HOST, ANY), proposed=(ADDRESS,))
    story, report = told(from_(PRINTER, probe), (0.25, from_(PRINTER, tells(ADDRESS))))
    assert "192.0.2.9 wants printer.local for itself" in story
    (said,) = names(report)
    assert [(one.is_probe, one.answered_by) for one in said.asked] == [(True, ())]


def test_a_goodbye_takes_back_what_was_told():
    story, report = told(from_(PRINTER, tells(OFFER)), from_(PRINTER, tells(record(SERVICE, PTR, wire(INSTANCE), 0))))
    assert "takes all of that back (lifetime 0, a goodbye)" in story
    (said,) = names(report)
    assert (len(said.told), len(said.taken_back)) == (1, 1)


def test_a_goodbye_to_a_part_says_to_which():
    goodbye = from_(PRINTER, tells(record(SERVICE, PTR, wire(INSTANCE), 0)))
    assert (
        "takes back (lifetime 0, a goodbye): _ipp._tcp (printing) is offered by Büro."
        in told(from_(PRINTER, tells(OFFER, ADDRESS)), goodbye)[0]
    )


def test_a_name_that_another_host_has_already_is_told_and_names_of_addresses_are_left_out():
    reverse = "9.2.0.192.in-addr.arpa"
    own = record(HOST, 1, bytes((192, 0, 2, 1)))
    probe = asks((HOST, ANY), (reverse, ANY), proposed=(own, record(reverse, PTR, wire(HOST))))
    story, _ = told(from_(ALICE, probe), from_(PRINTER, tells(ADDRESS)))
    assert "192.0.2.1 wants printer.local for itself" in story
    assert "The name printer.local belongs to 192.0.2.9 already, so 192.0.2.1 has to take another one." in story


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (("_services._dns-sd._udp.local", PTR), "which kinds of services there are"),
        (("_odd._udp.local", PTR), "who offers _odd._udp."),
        (("_color._sub._ipp._tcp.local", PTR), "who offers _ipp._tcp (printing)."),
        (("9.2.0.192.in-addr.arpa", PTR), "what the name of 192.0.2.9 is"),
        ((INSTANCE, SRV), "on which host and port Büro._ipp._tcp.local is (SRV)"),
        ((HOST, ANY), "which ANY records printer.local has"),
    ],
)
def test_a_question_to_all_is_told_by_what_it_is_for(question, said):
    assert said in told(from_(ALICE, asks(question)))[0]


def test_llmnr_is_told_too_and_its_answer_comes_to_the_asker_alone():
    question = asks(("printer", 1))
    answer = (
        question[:2] + b"\x80" + question[3:6] + b"\0\1" + question[8:] + record("printer", 1, bytes((192, 0, 2, 9)))
    )
    asked = datagram((ALICE, 40000), ("224.0.0.252", 5355), question)
    story, _ = told(asked, datagram((PRINTER, 5355), (ALICE, 40000), answer, macs=(B, A)))
    assert "192.0.2.1 asks what the address of printer is (A)." in story
    assert "192.0.2.9 tells: printer has the address 192.0.2.9." in story
    assert "LLMNR" in story


def test_other_questions_of_one_host_are_not_the_same_again():
    frames = [from_(ALICE, asks((f"{name}.local", 1)), port=port) for name, port in (("a", 40000), ("b", 40001))]
    story, _ = told(*frames)
    assert "a.local is" in story
    assert "b.local is" in story


@pytest.mark.parametrize(
    ("cut", "asked", "offered"),
    [(0, (), ()), (5, (), ()), (12, (), ()), (20, (), ()), (40, (SERVICE,), ()), (90, (SERVICE,), (INSTANCE,))],
)
def test_a_message_that_is_cut_short_is_told_as_far_as_it_goes(cut, asked, offered):
    _, report = told(from_(PRINTER, tells(OFFER, PLACE)[:cut]), from_(ALICE, asks((SERVICE, PTR))[:cut]))
    heard = [one for one in names(report) if one]
    assert tuple(one.name for each in heard for one in each.asked) == asked
    assert tuple(one.value for each in heard for one in each.told) == offered


def test_a_question_that_goes_to_one_host_alone_is_not_said_to_reach_all():
    story, _ = told(from_(ALICE, asks((HOST, 1)), to=(PRINTER, 5353)))
    assert "asks 192.0.2.9 alone what the address of printer.local is" in story
    assert "all hosts on the link hear it" not in story
    assert "nobody here has the name" not in story
