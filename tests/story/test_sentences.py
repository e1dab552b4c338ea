"""Sentences that say what was seen, and no more."""

from __future__ import annotations

import struct

import pytest
from neighbours import solicit
from packets import A, B, R, datagram, error, eth, icmp, ip, is_at, pcap, ping, pong, segment, who_has

import explain

ALICE, BOB, ROUTER = "192.0.2.1", "192.0.2.2", "192.0.2.254"
CLIENT, SERVER = (ALICE, 40000), (BOB, 80)
BACK = (B, A)
FIN, SYN, PSH, ACK = 1, 2, 8, 16


def told(*frames):
    return " ".join(explain.explain(pcap(*frames)).story().split())


def test_a_question_at_the_end_of_a_longer_capture_was_not_left_unanswered():
    last = (5.0, who_has((A, ALICE), BOB))
    assert "The capture ends before an answer was due." in told((0.0, ping(ALICE, "192.0.2.9", 1)), last)
    assert "Nobody answered." in told((0.0, ping(ALICE, "192.0.2.9", 1)), last, (8.0, ping(ALICE, "192.0.2.9", 1)))


def test_a_unicast_check_that_the_capture_cuts_off_does_not_say_that_the_mac_is_unknown():
    story = told(solicit(A, "2001:db8::1", "2001:db8::2", to=(B, "2001:db8::2")))
    assert "The capture ends before an answer was due." in story
    assert "no MAC" not in story


def test_an_answer_to_a_repeated_question_is_timed_from_the_last_one_too():
    frames = (0.0, who_has((A, ALICE), BOB)), (3.0, who_has((A, ALICE), BOB)), (3.001, is_at((B, BOB), (A, ALICE)))
    assert f"{BOB} answered 1 ms after the last question, 3 s after the first: is-at {B}." in told(*frames)


def test_datagrams_of_the_server_alone_are_no_exchange():
    reply = datagram((BOB, 53), CLIENT, b"what no name server says", BACK)
    assert f"UDP from {BOB}:53 (DNS) to {ALICE}:40000: 1 datagram" in told(reply)


def response(kind: int) -> bytes:
    """A CNAME, and nothing at its end."""
    name, alias = b"\3www\7example\0", b"\1a\7example\0"
    question = name + struct.pack(">HH", kind, 1)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, len(alias)) + alias
    return struct.pack(">6H", 7, 0x8180, 1, 1, 0, 0) + question + record


def test_a_chain_of_names_without_an_address_says_so():
    query = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + b"\3www\7example\0" + struct.pack(">HH", 28, 1)
    frames = datagram(CLIENT, (BOB, 53), query), datagram((BOB, 53), CLIENT, response(28), BACK)
    assert "www.example -> a.example (CNAME: each is another name for the next), and the last has no AAAA" in told(
        *frames
    )


def test_an_answer_to_a_port_that_its_asker_closed_came_too_late():
    query = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + b"\3www\7example\0" + struct.pack(">HH", 28, 1)
    answer = datagram((BOB, 53), CLIENT, response(28), BACK)
    report = explain.explain(
        pcap((0, datagram(CLIENT, (BOB, 53), query)), (6, answer), (6.001, error(ALICE, 3, 3, answer, macs=(A, B))))
    )
    (finding,) = report.findings
    assert (finding.cause, finding.values["case"], finding.values["src"]) == ("udp-no-listener", "late", BOB)


def test_a_stream_that_its_hearer_ended_was_not_an_answer_that_came_too_late():
    media = [datagram((BOB, 9000), CLIENT, b"x" * 100, BACK) for _ in range(3)]
    frames = [datagram(CLIENT, (BOB, 9000), b"y"), *media, error(ALICE, 3, 3, media[2], macs=(A, B))]
    (finding,) = explain.explain(pcap(*frames)).findings
    assert (finding.cause, finding.values["case"], finding.values["dst"]) == ("udp-no-listener", "gone", ALICE)


def test_time_outs_that_cost_more_than_the_server_are_told_first():
    data = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"
    frames = [
        *((when, segment(CLIENT, SERVER, SYN, seq=100)) for when in (0.0, 3.0)),
        (3.05, segment(SERVER, CLIENT, SYN | ACK, BACK, seq=500, ack=101)),
        (3.051, segment(CLIENT, SERVER, ACK, seq=101, ack=501)),
        (3.06, segment(CLIENT, SERVER, PSH | ACK, seq=101, ack=501, data=data)),
        (3.11, segment(SERVER, CLIENT, ACK, BACK, seq=501, ack=101 + len(data))),
        (5.0, segment(SERVER, CLIENT, PSH | ACK, BACK, seq=501, ack=101 + len(data), data=b"HTTP/1.1 200 OK\r\n\r\n")),
    ]
    (finding,) = explain.explain(pcap(*frames)).findings
    assert (finding.cause, finding.values["case"], finding.values["lost_ns"]) == ("partial-loss", "waits", 3 * 10**9)
    (slow,) = explain.explain(pcap(*frames[1:])).findings
    assert slow.cause == "server-slow"


def test_a_server_that_sent_its_fin_and_confirms_nothing_more_is_told_so():
    data = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"
    frames = [
        (0.0, segment(CLIENT, SERVER, SYN, seq=100)),
        (0.001, segment(SERVER, CLIENT, SYN | ACK, BACK, seq=500, ack=101)),
        (0.002, segment(SERVER, CLIENT, FIN | ACK, BACK, seq=501, ack=101)),
        (0.003, segment(CLIENT, SERVER, ACK, seq=101, ack=502)),
    ]  # fmt: skip
    frames += [
        (when, segment(CLIENT, SERVER, PSH | ACK, seq=101, ack=502, data=data)) for when in (0.1, 0.4, 1, 2.2, 5)
    ]
    (finding,) = [one for one in explain.explain(pcap(*frames)).findings if one.cause == "partial-loss"]
    assert finding.values["case"] == "segments-vain-closed"
    assert (finding.values["asker"], finding.values["silent"]) == (CLIENT[0], SERVER[0])
    assert "pmtu-blackhole" not in finding.rivals


def test_a_report_of_a_packet_that_would_have_fitted_is_doubted():
    sent = datagram(CLIENT, SERVER, bytes(72))
    assert "100 bytes are too many for the next link, which carries 90" in told(sent, error(ROUTER, 3, 4, sent, 90))
    assert "carries 100 bytes, it says; but the quoted packet has only 100" in told(
        sent, error(ROUTER, 3, 4, sent, 100)
    )


def test_a_redirect_that_quotes_a_packet_of_its_own_sender_shows_no_nat():
    sent = datagram((ROUTER, 5000), SERVER, b"x", (B, A))
    quoted = ip(ROUTER, ALICE, 1, icmp(5, 1, 0x01020304, sent[14:42]))
    story = told(sent, eth(B, A, 0x800, quoted))
    assert f"should be told to {ROUTER}" in story
    assert "NAT" not in story


def test_a_connection_of_which_one_side_was_recorded_is_told_as_such():
    sent = [segment(CLIENT, SERVER, SYN, seq=100), segment(CLIENT, SERVER, ACK, seq=101, ack=501)]
    assert f"Only what {ALICE}:40000 sent is in this capture" in told(*sent)
    assert "Only what" not in told(sent[0], segment(CLIENT, SERVER, SYN, seq=100))
    assert "Only what" not in told(sent[0], segment(SERVER, CLIENT, SYN | ACK, BACK, seq=500, ack=101), sent[1])


def test_errors_that_are_fewer_than_the_pings_were_limited():
    asked = [ping(ALICE, "198.51.100.1", seq) for seq in range(1, 8)]
    assert "only so many errors a second" in told(asked[0], error(ROUTER, 3, 0, asked[0]), *asked[1:])
    assert "only so many errors" not in told(*(frame for one in asked for frame in (one, error(ROUTER, 3, 0, one))))
    refused = {0, 1, 2, 3, 6}
    some = [(one, error(ROUTER, 3, 13, one)) if number in refused else (one,) for number, one in enumerate(asked)]
    assert "only so many errors" in told(*(frame for few in some for frame in few))
    assert "only so many errors" not in told(*(frame for few in some[:6] for frame in few))
    assert "only so many errors" not in told(asked[0], error(ROUTER, 3, 4, asked[0], 80), *asked[1:])  # now smaller


def test_a_redirect_for_one_type_of_service_means_what_any_redirect_does():
    asked = ping(ALICE, "198.51.100.1", 1)
    assert "shorter way to that network" in told(asked, error(ROUTER, 5, 2, asked, word=0xC00002FD))


@pytest.mark.parametrize(
    "asked",
    [
        ping("2001:db8:1::1", "2001:db8:2::1", 2),
        segment(("2001:db8:1::1", 5000), ("2001:db8:2::1", 80), SYN, seq=7),
        datagram(("2001:db8:1::1", 5000), ("2001:db8:2::1", 80), b"x"),
    ],
)
def test_an_error_about_a_packet_without_identification_names_the_frame_by_what_it_carries(asked):
    other = ping("2001:db8:1::1", "2001:db8:2::1", 1)
    assert "quoting frame 2" in told(
        other, asked, ping("2001:db8:1::1", "2001:db8:2::1", 3), error("fe80::1", 1, 0, asked)
    )


def test_an_error_about_a_packet_in_fragments_is_about_the_first_of_them():
    body = icmp(8, 0, 7 << 16 | 1, b"x" * 2000)
    whole = [eth(A, R, 0x800, ip(ALICE, "198.51.100.1", 1, body[at : at + 1480], ident=9, flags=flags))
             for at, flags in ((0, 0x2000), (1480, 185))]  # fmt: skip
    assert "quoting frame 1" in told(*whole, error("198.51.100.1", 11, 1, whole[0]))


@pytest.mark.parametrize(("protocol", "said"), [(47, "of a tunnel which is not set up"), (132, "listens on that port")])
def test_port_unreachable_about_what_has_no_port_is_told_as_that(protocol, said):
    sent = eth(A, R, 0x800, ip(ALICE, "198.51.100.1", protocol, bytes(20)))
    assert said in told(sent, error("198.51.100.1", 3, 3, sent))


@pytest.mark.parametrize(("ttl", "said"), [(64, "both MACs are those of"), (63, "asymmetric")])
def test_an_answer_from_another_mac_came_another_way_only_if_a_router_passed_it_on(ttl, said):
    back = pong("198.51.100.1", ALICE, 1, ttl=ttl, macs=("00:00:5e:00:53:77", A))
    assert said in told(ping(ALICE, "198.51.100.1", 1), back)


def test_a_connection_whose_contents_nobody_reads_names_what_its_port_is_for_by_custom():
    def talk(port):
        return told(segment((ALICE, 40000), (BOB, port), PSH | ACK, seq=1, ack=1, data=b"hello"))

    assert "Data (port 110: POP3 by custom): 5 B" in talk(110)
    assert "by custom" not in talk(80) + talk(40001)


def test_an_address_that_a_host_gave_itself_is_told_as_such():
    def announced(address):
        return told(who_has((A, address), address))

    assert "that a host gives itself where no DHCP server answers" in announced("169.254.7.7")
    assert "gives itself" not in announced(ALICE)


def test_a_reset_after_both_fins_loses_nothing():
    opened = [segment(CLIENT, SERVER, SYN, seq=100), segment(SERVER, CLIENT, SYN | ACK, BACK, seq=500, ack=101)]
    opened.append(segment(CLIENT, SERVER, ACK, seq=101, ack=501))
    fins = [
        segment(SERVER, CLIENT, FIN | ACK, BACK, seq=501, ack=101),
        segment(CLIENT, SERVER, FIN | ACK, seq=101, ack=502),
    ]
    reset = segment(SERVER, CLIENT, 4, BACK, seq=502)
    assert "RST after both FINs" in told(*opened, *fins, reset)
    assert "what was still under way is lost" in told(*opened, fins[0], reset)
