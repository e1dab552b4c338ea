"""The handshake of QUIC, built by RFC 9000, 17.2."""

from __future__ import annotations

import struct

import pytest
from explained import only, report
from packets import datagram, pcap, segment

import explain

CLIENT, SERVER = ("192.0.2.1", 50000), ("198.51.100.1", 443)
VERSION_1, VERSION_2, DRAFT_29, GREASE = 1, 0x6B3343CF, 0xFF00001D, 0x1A2A3A4A
SYN, SYN_ACK, ACK = 2, 18, 16


def number(value: int) -> bytes:
    return struct.pack(">H", 0x4000 | value)


def long(kind: int, rest: bytes, version: int = VERSION_1) -> bytes:
    return bytes([0xC0 | kind << 4]) + struct.pack(">I", version) + b"\x08" + bytes(8) + b"\x04" + bytes(4) + rest


def initial(version: int = VERSION_1, token: bytes = b"", size: int = 1100) -> bytes:
    kind = 1 if version == VERSION_2 else 0
    return long(kind, number(len(token)) + token + number(size) + b"x" * size, version)


def handshake(size: int = 40) -> bytes:
    return long(2, number(size) + b"y" * size)


def there(data: bytes) -> bytes:
    return datagram(CLIENT, SERVER, data)


def back(data: bytes) -> bytes:
    return datagram(SERVER, CLIENT, data)


def told(*frames: bytes) -> str:
    return " ".join(report(*frames).story("en").split())


def test_a_handshake_is_told_from_the_initial_to_the_clients_confirmation():
    frames = (there(initial()), back(initial(size=80) + handshake()), there(handshake()), there(b"\x40" + bytes(30)))
    quic = only(*frames).fields.quic
    assert (quic.version, quic.initials, quic.answer_ns, quic.handshake_frame, quic.confirmed_frame) == (
        "1", 1, 1_000_000, 2, 3
    )  # fmt: skip
    assert quic.offers == ()
    story = told(*frames)
    assert "192.0.2.1:50000 opens a connection of QUIC to 198.51.100.1:443, version 1 (Initial)" in story
    assert "198.51.100.1:443 answered after 1 ms (Initial)" in story
    assert "4 192.0.2.1:50000 has heard it, and sends its first packet of an open connection" in story


@pytest.mark.parametrize(("version", "name"), [(VERSION_2, "2"), (DRAFT_29, "draft-29"), (0xFACEB002, "0xfaceb002")])
def test_versions_have_the_names_that_people_use(version, name):
    quic = only(there(initial(version))).fields.quic
    assert (quic.version, quic.initials) == (name, 1)


def test_a_retry_and_the_versions_that_a_server_offers_are_told():
    retry = long(3, b"token" + bytes(16))
    assert "wants proof that 192.0.2.1:50000 gets what is sent" in told(there(initial()), back(retry), there(initial()))
    offer = b"\xc0" + bytes(4) + b"\x04" + bytes(4) + b"\x08" + bytes(8) + struct.pack(">III", 1, GREASE, DRAFT_29)
    story = told(there(initial(GREASE)), back(offer), there(initial()))
    assert "in a version of QUIC that nobody speaks (0x1a2a3a4a)" in story
    assert "offers 1, draft-29 (Version Negotiation)" in story


def test_initials_that_nobody_answers_are_a_finding_unlike_other_datagrams():
    (found,) = report(there(initial()), there(initial())).findings
    assert (found.cause, found.certainty) == ("quic-unanswered", "possible")
    assert "pmtu-blackhole" in found.rivals
    assert not report(there(b"hello"), there(b"hello")).findings


@pytest.mark.parametrize(
    ("answer", "then", "who"),
    [(initial(size=80) + handshake(), [handshake()], "client"), (initial(size=30), [], "server")],
)
def test_a_handshake_that_ends_early_is_a_finding_where_the_recording_went_on(answer, then, who):
    ended = there(initial()), back(answer), *map(there, then)
    later = (5.0, datagram(("192.0.2.9", 5000), ("224.0.0.251", 9999), b"x"))
    (found,) = report(*ended, later).findings
    assert (found.cause, found.certainty, found.values["case"]) == ("quic-not-opened", "possible", who)
    assert not report(*ended).findings
    opened = initial(), initial(size=80) + handshake(), b"\x40" + bytes(30)
    other = CLIENT[0], CLIENT[1] + 1
    better = datagram(other, SERVER, opened[0]), datagram(SERVER, other, opened[1]), datagram(other, SERVER, opened[2])
    assert not report(*ended, *better, later).findings


def test_where_tcp_to_the_same_port_works_udp_or_its_size_is_suspected():
    opened = (
        segment(CLIENT, SERVER, SYN, seq=1), segment(SERVER, CLIENT, SYN_ACK, seq=9, ack=2),
        segment(CLIENT, SERVER, ACK, seq=2, ack=10),
    )  # fmt: skip
    (found,) = report(there(initial()), there(initial()), *opened).findings
    assert (found.cause, found.values["case"]) == ("quic-unanswered", "fallback")
    assert "forwarding-disabled" not in found.rivals
    assert {"filter-on-router-forward", "pmtu-blackhole"} <= set(found.rivals)


def test_an_answer_is_counted_from_the_initial_that_it_answers_and_shown_where_it_came():
    retry = long(3, b"token" + bytes(16))
    quic = only(
        there(initial()), back(retry), there(initial()), back(initial(size=80)), there(initial()), back(handshake())
    ).fields.quic
    assert (quic.retry_frame, quic.answer_frame, quic.answer_ns, quic.handshake_frame) == (2, 4, 1_000_000, 6)


@pytest.mark.parametrize(
    ("answer", "then", "said"),
    [
        (initial(size=80) + handshake(), [handshake()], "does not trust the certificate"),
        (initial(size=30), [], "protocol (ALPN)"),
        (initial(size=80) + handshake(), [handshake() + b"\x40" + bytes(30)], "an open connection (1-RTT)."),
    ],
)
def test_where_a_connection_did_not_open_is_told(answer, then, said):
    story = told(there(initial()), back(answer), *map(there, then))
    assert said in story
    assert ("its first packet of an open connection" in story) == (said == "an open connection (1-RTT).")


def test_what_a_cut_datagram_hides_is_no_refusal():
    frames = pcap(there(initial()), back(initial(size=900) + handshake()), there(initial()), snaplen=96)
    (flow,) = explain.explain(frames).exchanges
    assert (flow.fields.quic.handshake_frame, flow.fields.quic.is_seen_whole) == (None, False)


def test_who_speaks_is_told_by_ports_where_both_ends_have_one_address_or_the_beginning_is_missing():
    here, port = ("::1", 50000), ("::1", 4433)
    quic = only(datagram(here, port, initial()), datagram(port, here, initial(size=80) + handshake())).fields.quic
    assert (quic.initials, quic.answer_frame, quic.confirmed_frame) == (1, 2, None)
    assert only(back(initial() + handshake()), there(handshake())).fields.quic is None


def test_early_data_behind_a_whole_initial_is_seen():
    early = long(1, number(40) + b"z" * 40)
    assert only(there(initial() + early)).fields.quic.is_resumed


def test_a_connection_that_failed_is_not_the_same_again():
    opened = there(initial()), back(initial(size=80) + handshake()), there(handshake()), there(b"\x40" + bytes(30))
    other = CLIENT[0], CLIENT[1] + 1
    refused = datagram(other, SERVER, initial()), datagram(SERVER, other, initial(size=30))
    assert "The same again" not in told(*opened, *refused)


@pytest.mark.parametrize(
    "data", [b"\xc0\0\0\0\1\xff" + bytes(20), b"\xc0\0\0\0\1", bytes(1200), b"\xc0" + b"\xff" * 60]
)
def test_what_only_looks_like_it_is_none(data):
    assert only(there(data)).fields.quic is None
