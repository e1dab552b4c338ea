from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packets import A, B, pcap, segment

import explain
from explain.exchanges.tls.hello import alert, hello, records

CLIENT, SERVER = ("192.0.2.1", 40000), ("198.51.100.1", 443)
SYN, ACK, PUSH, FIN = 2, 16, 24, 17
GREASE = 0x3A3A
HANDSHAKE, ALERT = 22, 21
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 8446, 4.1.3
REFUSAL = struct.pack(">BHHBB", ALERT, 0x0303, 2, 2, 40)


def extension(kind, data):
    return struct.pack(">HH", kind, len(data)) + data


def name(text):
    return extension(0, struct.pack(">HBH", len(text) + 3, 0, len(text)) + text)


def record(kind, body, version=0x0301):
    return struct.pack(">BHH", kind, version, len(body)) + body


def client_hello(*extensions, version=0x0303):
    body = struct.pack(">H", version) + b"r" * 32 + b"\x20" + b"s" * 32 + struct.pack(">HHH", 4, 0x1301, 0x1302)
    body += b"\1\0" + struct.pack(">H", len(b"".join(extensions))) + b"".join(extensions)
    return record(HANDSHAKE, b"\1" + len(body).to_bytes(3, "big") + body)


def server_hello(*extensions, version=0x0303, session=b""):
    body = struct.pack(">H", version) + b"r" * 32 + bytes((len(session),)) + session + struct.pack(">HB", 0x1301, 0)
    body += struct.pack(">H", len(b"".join(extensions))) + b"".join(extensions)
    return record(HANDSHAKE, b"\2" + len(body).to_bytes(3, "big") + body, 0x0303)


def offered(*versions):
    return extension(43, bytes((2 * len(versions),)) + b"".join(struct.pack(">H", one) for one in versions))


def connection(*told, from_client=(), closing=()):
    """Handshake of TCP, segments of the client, segments of the server."""
    frames = [
        segment(CLIENT, SERVER, SYN, seq=99), segment(SERVER, CLIENT, SYN | ACK, (B, A), seq=499, ack=100),
        segment(CLIENT, SERVER, ACK, seq=100, ack=500),
    ]  # fmt: skip
    seq, ack = 100, 500
    for data in from_client:
        frames.append(segment(CLIENT, SERVER, PUSH, seq=seq, ack=ack, data=data))
        seq += len(data)
    for data in told:
        frames.append(segment(SERVER, CLIENT, PUSH, (B, A), seq=ack, ack=seq, data=data))
        ack += len(data)
    for data in closing:
        frames.append(segment(CLIENT, SERVER, PUSH, seq=seq, ack=ack, data=data))
        seq += len(data)
    return explain.explain(pcap(*frames))


def tls_of(report):
    (one,) = [one for one in report.exchanges if one.kind == "tcp.connection"]
    return one.fields.tls


def test_the_name_that_the_client_asks_for_is_read():
    assert tls_of(connection(from_client=[client_hello(name(b"www.example"))])).server_name == "www.example"


def test_the_servers_choice_is_the_version_and_not_what_the_record_says():
    ask = client_hello(offered(GREASE, 0x0304, 0x0303))
    tls = tls_of(connection(server_hello(extension(43, b"\3\4")), from_client=[ask]))
    assert (tls.version, tls.is_answered) == ("TLS 1.3", True)


def test_a_server_without_the_extension_chose_an_older_version():
    ask = client_hello(offered(0x0304, 0x0303))
    assert tls_of(connection(server_hello(), from_client=[ask])).version == "TLS 1.2"


def test_without_an_answer_the_highest_offer_counts():
    assert tls_of(connection(from_client=[client_hello(offered(GREASE, 0x0303, 0x0304))])).version == "TLS 1.3"


def test_a_connection_without_tls_has_none():
    assert tls_of(connection(b"220 hello\r\n")) is None


def test_a_fatal_alert_is_a_finding_with_its_reason():
    report = connection(REFUSAL, from_client=[client_hello(name(b"www.example"))])
    (finding,) = report.findings
    assert (finding.cause, finding.certainty) == ("tls-alert", "proved")
    assert (finding.values["alert"], finding.values["by"]) == ("handshake_failure", "server")
    assert finding.evidence[0].frames == ((5, 5),)


def test_the_client_may_be_who_sends_the_alert():
    unknown = struct.pack(">BHHBB", ALERT, 0x0303, 2, 2, 48)
    report = connection(server_hello(), from_client=[client_hello()], closing=[unknown])
    assert (tls_of(report).alert, tls_of(report).alert_by) == ("unknown_ca", "client")


def test_a_close_notify_is_no_trouble():
    report = connection(struct.pack(">BHHBB", ALERT, 0x0303, 2, 1, 0), from_client=[client_hello()])
    assert tls_of(report).alert == "close_notify"
    assert not tuple(report.findings)


def test_an_encrypted_alert_is_not_guessed_at():
    assert tls_of(connection(record(ALERT, b"x" * 26), from_client=[client_hello()])).alert is None


@pytest.mark.parametrize("cut", [50, 700, 1300])
def test_a_hello_may_go_on_in_further_segments(cut):
    whole = client_hello(extension(51, b"k" * 1200), name(b"www.example"))
    tls = tls_of(connection(from_client=[whole[:cut], whole[cut : cut + 600], whole[cut + 600 :]]))
    assert tls.server_name == "www.example"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("order", [None, 1], ids=["in order", "any order"])
def test_a_hello_may_come_in_very_small_segments(size, order):
    whole = client_hello(name(b"www.example"), offered(0x0304), extension(51, b"\x16\x03\x01" * 40))
    pieces = [(at, whole[at : at + size]) for at in range(0, len(whole), size)]
    random.Random(order).shuffle(pieces) if order else None
    opening = segment(CLIENT, SERVER, SYN, seq=99)
    frames = [segment(CLIENT, SERVER, PUSH, seq=100 + at, ack=500, data=data) for at, data in pieces]
    tls = tls_of(explain.explain(pcap(opening, *frames)))
    assert (tls.server_name, tls.version) == ("www.example", "TLS 1.3")


@pytest.mark.parametrize(("version", "said"), [(2, "SSL 2.0"), (0x0301, "TLS 1.0"), (0x0909, None), (0x0080, None)])
def test_a_hello_of_ssl_2_offers_the_version_that_it_names(version, said):
    old = b"\x80\x1f\1" + struct.pack(">HHHH", version, 6, 0, 16) + b"\1\0\x80\0\0\x05" + b"c" * 16
    tls = tls_of(connection(from_client=[old]))
    assert (tls and tls.version) == said


@pytest.mark.parametrize(("certificate", "version"), [(300, "SSL 2.0"), (299, "TLS 1.0")], ids=["fits", "does not"])
def test_a_server_that_answers_with_ssl_2_has_chosen_it(certificate, version):
    """Source: draft-hickman-netscape-ssl-00, 2.6."""
    asked = b"\x80\x1f\1" + struct.pack(">HHHH", 0x0301, 6, 0, 16) + b"\1\0\x80\0\0\x05" + b"c" * 16
    told = struct.pack(">HBBBHHHH", 0x8000 | 11 + 300 + 6 + 16, 4, 0, 1, 2, certificate, 6, 16) + b"z" * 322
    tls = tls_of(connection(told, from_client=[asked]))
    assert (tls.version, tls.is_answered) == (version, version == "SSL 2.0")


@pytest.mark.parametrize(
    "answer", [server_hello(version=0x7F14), server_hello(extension(43, b"\x7f\x14"))], ids=["field", "extension"]
)
def test_a_draft_of_tls_1_3_that_a_server_chose_is_not_taken_for_tls_1_2(answer):
    assert tls_of(connection(answer, from_client=[client_hello()])).version == "TLS 1.3 (draft 20)"


@pytest.mark.parametrize(
    ("session", "more", "said"),
    [
        (b"s" * 32, (), "takes up an earlier session again: it sends no certificate"),
        (b"t" * 32, (), "Its certificate still comes in the clear"),
        (b"s" * 32, (extension(43, b"\3\4"),), "chose TLS 1.3. What follows is encrypted"),
        (b"", (extension(43, b"\x7f\x14"),), "chose TLS 1.3 (draft 20). What follows is encrypted"),
    ],
    ids=["again", "anew", "1.3", "draft"],
)
def test_what_can_be_read_behind_the_servers_answer_depends_on_version_and_session(session, more, said):
    report = connection(server_hello(*more, session=session), from_client=[client_hello()])
    assert said in " ".join(report.story().split())
    assert tls_of(report).is_resumed == ("again" in said)


def test_a_hello_sent_again_is_read_once():
    ask = client_hello(name(b"www.example"))
    again = segment(CLIENT, SERVER, PUSH, seq=100, ack=500, data=ask)
    report = explain.explain(pcap(again, again))
    assert tls_of(report).hello_frame == 1


def test_connections_at_the_same_time_keep_their_own_names():
    frames = [segment((CLIENT[0], port), SERVER, SYN, seq=99) for port in (40000, 40001)]
    for port in (40001, 40000):
        ask = client_hello(name(b"host%d.example" % port))
        frames.append(segment((CLIENT[0], port), SERVER, PUSH, seq=100, ack=1, data=ask))
    found = explain.explain(pcap(*frames)).exchanges
    assert {one.fields.client.port: one.fields.tls.server_name for one in found} == {
        40000: "host40000.example", 40001: "host40001.example",
    }  # fmt: skip


def test_a_hostile_name_is_shown_and_not_obeyed():
    told = connection(from_client=[client_hello(name(b"\x1b[2Jx\xff"))]).story("en")
    assert "\x1b" not in told
    assert "\\x1b[2Jx\\xff" in "".join(told.split())


@given(st.binary(max_size=600))
def test_any_octets_are_read_without_complaint(octets):
    for start in (b"", b"\x16\3\1\2\0\1\0\1\xfc\3\3", client_hello()[:60]):
        for one in records(start + octets):
            hello(one)
            alert(one)


def test_lengths_that_lie_find_no_name():
    body = bytearray(client_hello(name(b"www.example")))
    body[-13] = 0xFF
    (one,) = records(bytes(body))
    assert hello(one).server_name is None


def test_an_alert_behind_a_change_of_ciphers_is_read():
    gives_up = record(20, b"\1", 0x0303) + struct.pack(">BHHBB", ALERT, 0x0303, 2, 2, 70)
    report = connection(server_hello(), from_client=[client_hello()], closing=[gives_up])
    assert (tls_of(report).alert, tls_of(report).alert_by) == ("protocol_version", "client")


def test_a_change_of_ciphers_before_what_is_encrypted_says_nothing():
    goes_on = record(20, b"\1", 0x0303) + record(22, b"x" * 40, 0x0303)
    assert tls_of(connection(server_hello(), from_client=[client_hello()], closing=[goes_on])).alert is None


@pytest.mark.parametrize(
    "line",
    [b"HTTP/1.1 400 Bad Request", b"SSH-2.0-OpenSSH_9.6", b"220 mail.example.test ESMTP", b"-ERR unknown command"],
)
def test_a_plain_answer_to_a_client_hello_is_told_as_what_it_is_and_is_the_failure(line):
    report = connection(line + b"\r\n\r\n", from_client=[client_hello()])
    (finding,) = report.findings
    assert (finding.cause, finding.certainty, finding.values["says"]) == ("tls-not-spoken", "proved", line.decode())
    assert finding.evidence[0].frames == ((4, 5),)
    story = " ".join(report.story().split())
    assert f'says in plain text: "{line.decode()}"' in story
    assert "is not here" not in story


def test_what_is_said_instead_of_tls_is_told_once():
    assert (
        connection(b"220 ready\r\n", from_client=[client_hello()]).story().count("220 ready") == 2
    )  # and in the verdict


@pytest.mark.parametrize("octets", [b"\0\0\0\4\xff\xfb\1\2", b"E\0\0\0\x1cSFATAL", b"\3\0\0\x13\x0e\xd0\0\0"])
def test_octets_of_another_protocol_in_answer_to_a_client_hello_are_the_failure(octets):
    report = connection(octets, from_client=[client_hello()])
    (finding,) = report.findings
    assert (finding.cause, finding.certainty, finding.values["case"]) == ("tls-not-spoken", "proved", "otherwise")
    assert finding.evidence[0].frames == ((4, 5),)
    assert "sends what is no record of TLS" in " ".join(report.story().split())


def test_an_answer_of_which_the_beginning_is_not_recorded_is_not_called_foreign():
    frames = [
        segment(CLIENT, SERVER, SYN, seq=1), segment(SERVER, CLIENT, SYN | ACK, (B, A), seq=1, ack=2),
        segment(CLIENT, SERVER, PUSH, seq=2, ack=2, data=client_hello()),
        segment(SERVER, CLIENT, PUSH, (B, A), seq=1462, ack=2 + len(client_hello()), data=b"encrypted"),
    ]  # fmt: skip
    assert tls_of(explain.explain(pcap(*frames))).foreign_frame is None
    assert tls_of(connection(b"en", from_client=[client_hello()])).foreign_frame is None


def test_a_server_that_wants_another_client_hello_has_not_answered_yet():
    retry = server_hello(extension(43, b"\3\4")).replace(b"r" * 32, RETRY)
    tls = tls_of(connection(retry, from_client=[client_hello()]))
    assert (tls.is_answered, tls.retry_frame, tls.foreign_frame) == (False, 5, None)
    story = " ".join(connection(retry, from_client=[client_hello()]).story().split())
    assert "(HelloRetryRequest)" in story
    assert "encrypted" not in story


def test_a_server_that_greets_before_the_hello_does_not_speak_tls_either():
    opening = [segment(CLIENT, SERVER, SYN, seq=1), segment(SERVER, CLIENT, SYN | ACK, (B, A), seq=1, ack=2)]
    greeting = segment(SERVER, CLIENT, PUSH, (B, A), seq=2, ack=2, data=b"220 ready\r\n")
    asked = segment(CLIENT, SERVER, PUSH, seq=2, ack=2, data=client_hello())
    (finding,) = explain.explain(pcap(*opening, greeting, asked)).findings
    assert (finding.cause, finding.values["says"]) == ("tls-not-spoken", "220 ready")


def test_tls_after_words_in_plain_text_is_no_trouble():
    asked, agreed, hello_ = b"EHLO a\r\nSTARTTLS\r\n", b"220 Go ahead\r\n", client_hello()
    frames = [
        segment(CLIENT, SERVER, SYN, seq=1),
        segment(SERVER, CLIENT, SYN | ACK, (B, A), seq=1, ack=2),
        segment(CLIENT, SERVER, PUSH, seq=2, ack=2, data=asked),
        segment(SERVER, CLIENT, PUSH, (B, A), seq=2, ack=2 + len(asked), data=agreed),
        segment(CLIENT, SERVER, PUSH, seq=2 + len(asked), ack=2 + len(agreed), data=hello_),
        segment(SERVER, CLIENT, PUSH, (B, A), seq=2, ack=2 + len(asked), data=agreed),
    ]
    assert not explain.explain(pcap(*frames)).findings


def test_an_alert_in_answer_to_plain_http_says_that_tls_is_wanted():
    report = connection(REFUSAL, from_client=[b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n"])
    (finding,) = report.findings
    assert (finding.cause, finding.certainty, finding.values["path"]) == ("tls-wanted", "proved", "/here")
    story = " ".join(report.story().split())
    assert "with a record of TLS: it does not want plain HTTP" in story
    assert "no head of a response" not in story


@pytest.mark.parametrize(
    "words",
    [
        b"<title>400 The plain HTTP request was sent to HTTPS port</title>",
        b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
        b"Client sent an HTTP request to an HTTPS server.\n",
    ],
)
def test_a_server_that_says_in_words_that_it_wants_https_is_believed(words):
    refusal = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
    asked = [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]
    (finding,) = connection(refusal + words, from_client=asked).findings
    assert (finding.cause, finding.values["case"]) == ("tls-wanted", "told")
    assert not connection(refusal + b"Bad", from_client=asked).findings
    assert not connection(refusal.replace(b"400 Bad Request", b"200 OK") + words, from_client=asked).findings


def test_how_a_service_in_plain_text_begins_and_declines_is_told():
    told = [b"220 (vsFTPd 3.0.3)\r\n", b"530 This FTP server is anonymous only.\r\n"]
    report = connection(*told)
    story = " ".join(report.story().split())
    assert '198.51.100.1:443 begins in plain text: "220 (vsFTPd 3.0.3)".' in story
    assert '198.51.100.1:443 declines: "530 This FTP server is anonymous only.".' in story
    assert not report.findings


@pytest.mark.parametrize("line", ["421 4.3.2 too many", "554 not here", "-ERR busy", "* BYE later"])
def test_a_server_that_begins_with_a_refusal_turns_its_clients_away(line):
    (finding,) = connection(line.encode() + b"\r\n", closing=[b"QUIT\r\n"]).findings
    assert (finding.cause, finding.values["case"], finding.values["says"]) == (
        "tcp-application-closes", "turned-away", line,
    )  # fmt: skip
    assert not connection(line.encode() + b"\r\n", from_client=[b"NOOP\r\n"]).findings


def test_data_that_looks_like_a_line_of_refusal_is_none_where_nothing_greeted():
    assert "declines" not in connection(b"binary", b"500 of them").story()


def alerted(code):
    return struct.pack(">BHHBB", ALERT, 0x0303, 2, 2, code)


@pytest.mark.parametrize(
    ("told", "closing", "case"),
    [
        ([alerted(70)], [], "version"), ([alerted(40)], [], "offer"), ([alerted(112)], [], "name"),
        ([alerted(120)], [], "protocol"), ([alerted(80)], [], None), ([server_hello()], [alerted(48)], "distrust"),
        ([server_hello(), alerted(40)], [], "client"), ([server_hello(), alerted(48)], [], "client"),
        ([server_hello(), alerted(20)], [], None), ([], [alerted(48)], None),
    ],
)  # fmt: skip
def test_an_alert_is_told_with_what_it_means_from_that_side_at_that_moment(told, closing, case):
    offer = client_hello(name(b"www.example"), extension(16, b"\0\3\2h2"))
    report = connection(*told, from_client=[offer], closing=closing)
    (finding,) = report.findings
    assert (finding.cause, finding.values.get("case")) == ("tls-alert", case)
    assert report.story()


def test_an_unknown_name_that_nobody_gave_is_not_told_as_one():
    (finding,) = connection(alerted(112), from_client=[client_hello()]).findings
    assert "case" not in finding.values
