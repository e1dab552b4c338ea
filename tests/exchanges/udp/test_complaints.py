"""What servers refuse within datagrams: TFTP, NTP and SIP."""

from __future__ import annotations

import pytest
from explained import report
from packets import A, B, datagram

ALICE, BOB = "192.0.2.1", "192.0.2.9"


def said(asked_port, answer, port=None):
    """The flow that holds the complaint, and the story."""
    asks = datagram((ALICE, 40000), (BOB, asked_port), b"\0\1boot\0octet\0")
    found = report(asks, datagram((BOB, port or asked_port), (ALICE, 40000), answer, (B, A)))
    assert not found.findings
    assert found.story("ja")
    flow = next(one for one in found.exchanges if one.fields.complaints)
    return flow.fields.complaints, " ".join(found.story().split())


@pytest.mark.parametrize(
    ("text", "told"), [(b"no boot here", 'error 1 (file not found) and said "no boot here"'), (b"", "not found): the")]
)
def test_an_error_of_tftp_comes_from_another_port_and_is_told_with_its_text(text, told):
    ((one,), story) = said(69, b"\0\5\0\1" + text.ljust(12, b"\0"), 3456)
    assert (one.protocol, one.by, one.code, one.word, one.frame) == ("TFTP", BOB, 1, "file not found", 2)
    assert told in story


def test_no_datagram_is_taken_for_an_error_of_tftp_where_nobody_asked_for_a_file():
    asks, back = ((ALICE, 40000), (BOB, 4000)), ((BOB, 4000), (ALICE, 40000))
    found = report(datagram(*asks, b"hello"), datagram(*back, b"\0\5\0\1no file at all\0", (B, A)))
    assert found.exchanges[0].fields.complaints == ()


@pytest.mark.parametrize(("word", "told"), [("RATE", "asks too often"), ("DENY", "gives"), ("INIT", "stratum 0")])
def test_a_kiss_of_death_is_told_as_what_it_wants(word, told):
    ((one,), story) = said(123, b"\x24\0\6\xec" + bytes(8) + word.encode() + bytes(32))
    assert (one.protocol, one.code, one.word) == ("NTP", None, word)
    assert told in story


def test_a_clock_that_has_the_time_complains_of_nothing():
    asks = datagram((ALICE, 40000), (BOB, 123), bytes(48))
    good = datagram((BOB, 123), (ALICE, 40000), b"\x24\2\6\xec" + bytes(44), (B, A))
    assert report(asks, good).exchanges[0].fields.complaints == ()


@pytest.mark.parametrize(
    ("status", "told"), [("486 Busy Here", "486 Busy Here: busy."), ("499 Odd", "request is at fault")]
)
def test_a_call_that_fails_is_told_with_its_status(status, told):
    ((one,), story) = said(5060, f"SIP/2.0 {status}\r\nVia: x\r\n\r\n".encode())
    assert (one.protocol, one.code, one.word) == ("SIP", int(status[:3]), status[4:])
    assert told in story


def test_a_call_that_goes_well_complains_of_nothing():
    asks = datagram((ALICE, 5060), (BOB, 5060), b"INVITE sip:bob SIP/2.0\r\n\r\n")
    good = datagram((BOB, 5060), (ALICE, 5060), b"SIP/2.0 200 OK\r\n\r\n", (B, A))
    assert report(asks, good).exchanges[0].fields.complaints == ()
