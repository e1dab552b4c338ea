from __future__ import annotations

import struct

import pytest
from explained import exchanges
from packets import EVERYONE, A, B, R, datagram, error, eth, icmp, icmp6, ip, packed, pcap, ping, pong, segment

import explain
from explain.exchanges.selection import Selection
from explain.pipeline import explain as explain_with

ALICE, BOB = "192.0.2.1", "198.51.100.1"
ALICE6, BOB6 = "2001:db8::1", "2001:db8:1::1"


def of_kind(kind, *frames):
    return [one for one in exchanges(*frames) if one.kind == kind]


@pytest.mark.parametrize(("alice", "bob", "family"), [(ALICE, BOB, 4), (ALICE6, BOB6, 6)])
def test_pings_with_one_id_are_one_run(alice, bob, family):
    frames = []
    for seq in (1, 2, 3):
        frames += [(float(seq), ping(alice, bob, seq)), (seq + 0.004, pong(bob, alice, seq, ttl=63))]
    (one,) = exchanges(*frames)
    fields = one.fields
    assert (one.kind, one.outcome, one.frames) == ("icmp.echo", "answered", ((1, 6),))
    assert (fields.src, fields.dst, fields.id, fields.family) == (alice, bob, 7, family)
    assert (fields.sent, fields.received, fields.duplicates, fields.errors) == (3, 3, 0, 0)
    assert (fields.rtt_min_ns, fields.rtt_avg_ns, fields.rtt_max_ns) == (4_000_000, 4_000_000, 4_000_000)
    assert (fields.ttl_request, fields.ttl_reply) == (64, 63)


def test_a_first_request_that_comes_late_begins_no_second_run_and_one_that_comes_again_does():
    assert [one.fields.sent for one in exchanges(*(ping(ALICE, BOB, seq) for seq in (2, 3, 1)))] == [3]
    assert [one.fields.sent for one in exchanges(*(ping(ALICE, BOB, seq) for seq in (1, 2, 3, 1)))] == [3, 1]


def test_two_ids_between_the_same_hosts_are_two_runs():
    found = exchanges(ping(ALICE, BOB, 1, ident=1), ping(ALICE, BOB, 1, ident=2), pong(BOB, ALICE, 1, ident=2))
    assert [(one.fields.id, one.outcome) for one in found] == [(1, "unanswered"), (2, "answered")]


def test_pings_in_both_directions_with_one_id_are_two_runs():
    found = exchanges(ping(ALICE, BOB, 1), ping(BOB, ALICE, 1), pong(BOB, ALICE, 1), pong(ALICE, BOB, 1))
    assert [(one.fields.src, one.outcome, one.frames) for one in found] == [
        (ALICE, "answered", ((1, 1), (3, 3))),
        (BOB, "answered", ((2, 2), (4, 4))),
    ]


def test_a_lost_reply_makes_the_run_partly_answered():
    (one,) = exchanges(
        ping(ALICE, BOB, 1), pong(BOB, ALICE, 1), ping(ALICE, BOB, 2), ping(ALICE, BOB, 3), pong(BOB, ALICE, 3)
    )
    assert (one.outcome, one.fields.sent, one.fields.received) == ("partly-answered", 3, 2)
    assert one.fields.unanswered_seqs == (2,)


def test_a_reply_that_comes_twice_is_a_duplicate_and_no_second_answer():
    (one,) = exchanges(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1), pong(BOB, ALICE, 1))
    assert (one.outcome, one.fields.received, one.fields.duplicates) == ("answered", 1, 1)


def test_a_reply_that_a_router_on_the_same_cable_passes_on_is_no_duplicate():
    there = ping(ALICE, BOB, 1, macs=(A, R)), ping(ALICE, BOB, 1, ttl=63, macs=(R, B))
    back = pong(BOB, ALICE, 1, macs=(B, R)), pong(BOB, ALICE, 1, ttl=63, macs=(R, A))
    (one,) = exchanges(*there, *back)
    assert (one.fields.sent, one.fields.received, one.fields.duplicates) == (1, 1, 0)
    (one,) = exchanges(*there, *back, back[1])
    assert one.fields.duplicates == 0  # still the one that was passed on
    (one,) = exchanges(*there, *back, back[0])
    assert one.fields.duplicates == 1


@pytest.mark.parametrize(("after_s", "sent", "copies"), [(0.0004, 1, 1), (0.0006, 2, 0)])
def test_a_request_that_is_there_twice_at_once_was_sent_once(after_s, sent, copies):
    (one,) = exchanges((1.0, ping(ALICE, BOB, 1)), (1 + after_s, ping(ALICE, BOB, 1)), (1.1, pong(BOB, ALICE, 1)))
    assert (one.outcome, one.fields.sent, one.fields.recorded_twice, one.fields.duplicates) == (
        "answered",
        sent,
        copies,
        0,
    )


def test_a_sequence_that_begins_again_is_a_new_run():
    found = exchanges(*(ping(ALICE, BOB, seq) for seq in (1, 2, 3, 1, 2)))
    assert [one.fields.sent for one in found] == [3, 2]


def test_pings_that_were_recorded_in_another_order_find_their_replies():
    said = {seq: (ping(ALICE, BOB, seq), pong(BOB, ALICE, seq)) for seq in (1, 2, 3)}
    frames = [said[3][0], said[1][1], said[1][0], said[2][0], said[2][1], said[3][1]]
    assert {(one.kind, one.outcome) for one in exchanges(*frames)} == {("icmp.echo", "answered")}


def test_a_sequence_that_wraps_is_the_same_run():
    (one,) = exchanges(*(ping(ALICE, BOB, seq) for seq in (65534, 65535, 0, 1)))
    assert one.fields.sent == 4


def test_a_ping_to_everybody_is_answered_by_whoever_answers():
    word = 7 << 16 | 1
    request = eth(A, EVERYONE, 0x800, ip(ALICE, "192.0.2.255", 1, icmp(8, 0, word, b"x" * 56)))
    frames = request, pong("192.0.2.2", ALICE, 1), pong("192.0.2.3", ALICE, 1)
    (one,) = exchanges(*frames)
    assert (one.outcome, one.fields.responders) == ("answered", ("192.0.2.2", "192.0.2.3"))
    story = " ".join(explain.explain(pcap(*frames)).story("en").split())
    assert "192.0.2.255 means every host" in story
    assert "came twice" not in story


def test_a_reply_from_another_address_than_was_asked_belongs_to_the_run_and_is_told():
    frames = [(0.0, ping(ALICE, BOB, 1)), (0.1, pong("192.0.2.9", ALICE, 1)), (1.0, ping(ALICE, BOB, 2))]
    (one,) = exchanges(*frames)
    assert (one.outcome, one.fields.received, one.fields.responders) == ("partly-answered", 1, ("192.0.2.9",))
    assert "DIFFERENT ADDRESS" in explain.explain(pcap(*frames)).story()
    late = [*frames[:1], (30.0, pong("192.0.2.9", ALICE, 1))]
    other = [*frames[:1], (0.1, pong("192.0.2.9", ALICE, 7))]
    assert [len(exchanges(*some)) for some in (late, other)] == [2, 2]


def test_an_error_refuses_the_run_and_is_an_exchange_of_its_own():
    request = ping(ALICE, BOB, 1)
    echo, said = exchanges(request, error("192.0.2.254", 3, 0, request))
    assert (echo.outcome, echo.fields.errors, echo.frames) == ("refused", 1, ((1, 2),))
    assert (said.kind, said.outcome, said.frames) == ("icmp.error", "net-unreachable", ((2, 2),))
    about = said.fields.about
    assert (said.fields.from_, about.protocol, about.src, about.dst, about.id, about.seq) == (
        "192.0.2.254", "icmp", ALICE, BOB, 7, 1,
    )  # fmt: skip


def test_an_error_recorded_before_the_ping_that_it_quotes_refuses_it_and_no_other():
    requests = [ping(ALICE, BOB, seq) for seq in (1, 2)]
    said = error("192.0.2.254", 3, 0, requests[0])
    runs = of_kind("icmp.echo", said, *requests, ping(ALICE, BOB, 1, ident=8))
    assert [(one.fields.id, one.outcome, one.frames) for one in runs] == [
        (7, "refused", ((1, 3),)), (8, "unanswered", ((4, 4),)),
    ]  # fmt: skip
    assert of_kind("icmp.echo", said, requests[1])[0].outcome == "unanswered"


V4 = {
    (3, 0): "net-unreachable", (3, 1): "host-unreachable", (3, 2): "protocol-unreachable", (3, 3): "port-unreachable",
    (3, 4): "fragmentation-needed", (3, 9): "net-prohibited", (3, 10): "host-prohibited", (3, 13): "admin-prohibited",
    (11, 0): "ttl-exceeded", (11, 1): "reassembly-exceeded", (5, 0): "redirect-net", (5, 1): "redirect-host",
    (12, 0): "parameter-problem", (3, 200): "unreachable",
}  # fmt: skip
V6 = {
    (1, 0): "no-route", (1, 1): "admin-prohibited", (1, 2): "beyond-scope", (1, 3): "address-unreachable",
    (1, 4): "port-unreachable", (2, 0): "packet-too-big", (3, 0): "ttl-exceeded", (3, 1): "reassembly-exceeded",
    (4, 1): "parameter-problem",
}  # fmt: skip


@pytest.mark.parametrize(("numbers", "name"), V4.items())
def test_each_type_and_code_of_icmp_has_its_name(numbers, name):
    (said,) = of_kind("icmp.error", error("192.0.2.254", *numbers, ping(ALICE, BOB, 1)))
    assert (said.outcome, said.fields.type, said.fields.code) == (name, *numbers)


@pytest.mark.parametrize(("numbers", "name"), V6.items())
def test_each_type_and_code_of_icmpv6_has_its_name(numbers, name):
    (said,) = of_kind("icmp.error", error("2001:db8::fe", *numbers, ping(ALICE6, BOB6, 1)))
    assert (said.outcome, said.fields.about.protocol, said.fields.about.seq) == (name, "icmpv6", 1)


def test_an_error_about_a_large_packet_says_what_fits():
    (old,) = of_kind("icmp.error", error("192.0.2.254", 3, 4, ping(ALICE, BOB, 1), word=1400))
    (new,) = of_kind("icmp.error", error("2001:db8::fe", 2, 0, ping(ALICE6, BOB6, 1), word=1280))
    assert (old.fields.mtu, new.fields.mtu) == (1400, 1280)


def test_a_redirect_names_the_better_router():
    (said,) = of_kind("icmp.error", error("192.0.2.254", 5, 1, ping(ALICE, BOB, 1), word=0xC00002FD))
    assert said.fields.gateway == "192.0.2.253"


def test_an_error_about_tcp_quotes_ports_and_sequence_number():
    syn = segment((ALICE, 40000), (BOB, 80), 2, seq=0xDEADBEEF)
    (said,) = of_kind("icmp.error", syn, error("192.0.2.254", 3, 13, syn))
    about = said.fields.about
    assert (about.protocol, about.sport, about.dport, about.tcp_seq) == ("tcp", 40000, 80, 0xDEADBEEF)


CUT = [(61, None, []), (62, (None, None), ["cut"]), (66, (40000, 9), [None]), (70, (40000, 9), [None])]


@pytest.mark.parametrize(("snaplen", "ports", "cases"), CUT, ids=[f"snaplen {one[0]}" for one in CUT])
def test_what_a_cut_frame_does_not_quote_is_absent_and_nobody_is_accused_for_it(snaplen, ports, cases):
    request = datagram((ALICE, 40000), (BOB, 9), b"x")
    told = explain.explain(pcap(request, error(BOB, 3, 3, request), snaplen=snaplen))
    (said,) = [one.fields.about for one in told.exchanges if one.kind == "icmp.error"]
    assert (said and (said.sport, said.dport)) == ports
    assert [one.values.get("case") for one in told.findings if one.cause != "udp-unanswered"] == cases
    assert {one.cause for one in told.findings} <= {"udp-no-listener", "udp-unanswered"}


def test_an_error_about_a_ping_whose_type_was_cut_off_is_not_about_an_answer():
    request = ping(ALICE, BOB, 1)
    told = explain.explain(pcap(request, error("192.0.2.254", 11, 0, request), snaplen=64))
    assert "reply-ttl-too-low" not in {one.cause for one in told.findings}


@pytest.mark.parametrize("snaplen", [62, 64, 67, 96])
def test_an_error_whose_quotation_was_cut_refuses_the_ping_whose_packet_it_quotes(snaplen):
    asked = [
        eth(A, R, 0x800, ip(ALICE, BOB, 1, icmp(8, 0, ident << 16 | 1, b"x" * 48), ident=900 + ident))
        for ident in (7, 8)
    ]
    told = explain.explain(pcap(*asked, error("192.0.2.254", 3, 0, asked[0]), snaplen=snaplen))
    runs = [one for one in told.exchanges if one.kind == "icmp.echo"]
    assert [(one.fields.id, one.outcome, one.fields.errors) for one in runs] == [
        (7, "refused", 1),
        (8, "unanswered", 0),
    ]


def test_a_neighbour_solicitation_is_no_error():
    frame = eth(A, B, 0x86DD, ip(ALICE6, BOB6, 58, icmp6(ALICE6, BOB6, 135, 0, 0, b"\0" * 16), ttl=255))
    assert of_kind("icmp.error", frame) == []


def test_datagrams_of_two_ends_are_one_flow():
    (one,) = exchanges(
        datagram((ALICE, 40000), (BOB, 53), b"ask"), datagram((BOB, 53), (ALICE, 40000), b"tell", macs=(B, A))
    )
    fields = one.fields
    assert (one.kind, one.outcome, fields.datagrams, fields.payload_bytes) == ("udp.flow", "answered", 2, 7)
    assert (fields.client.address, fields.client.port, fields.server.port) == (ALICE, 40000, 53)


def test_a_flow_that_begins_with_its_answer_still_knows_the_server():
    (one,) = exchanges(datagram((BOB, 53), (ALICE, 40000), b"tell", macs=(R, A)))
    assert (one.outcome, one.fields.client.address, one.fields.server.address) == ("answered", ALICE, BOB)


def test_a_datagram_that_an_error_quotes_is_refused():
    request = datagram((ALICE, 40000), (BOB, 9), b"x")
    flow, _said = exchanges(request, error(BOB, 3, 3, request))
    assert (flow.kind, flow.outcome) == ("udp.flow", "refused")


def test_a_port_that_is_chosen_brings_the_errors_about_it():
    asked, other = (datagram((ALICE, 40000), (BOB, port)) for port in (9, 10))
    frames = asked, error(BOB, 3, 3, asked), other, error(BOB, 3, 3, other)
    told = explain_with([pcap(*frames)], Selection(port=9))
    assert [(one.kind, one.frames) for one in told.exchanges] == [("udp.flow", ((1, 1),)), ("icmp.error", ((2, 2),))]


def test_an_error_about_another_flow_refuses_nothing():
    flow, *_ = exchanges(datagram((ALICE, 40000), (BOB, 9)), error(BOB, 3, 3, datagram((ALICE, 40001), (BOB, 9))))
    assert flow.outcome == "unanswered"


def test_of_very_many_flows_those_that_errors_quote_are_refused():
    asked = [datagram((ALICE, 20000 + n), (f"198.51.{n % 200}.{n // 200 + 1}", 9)) for n in range(1500)]
    said = [error(f"198.51.{n % 200}.{n // 200 + 1}", 3, 3, asked[n]) for n in range(0, 1500, 3)]
    refused = {one.fields.client.port for one in of_kind("udp.flow", *asked, *said) if one.outcome == "refused"}
    assert refused == set(range(20000, 21500, 3))


def test_silence_of_a_group_is_normal():
    report = explain.explain(
        pcap(datagram((ALICE, 5353), ("224.0.0.251", 5353)), datagram((ALICE, 67), ("192.0.2.255", 9)))
    )
    assert [one.fields.needs_no_answer for one in report.exchanges] == [True, True]
    assert (list(report.findings), report.unexplained) == ([], ())


@pytest.mark.parametrize(("port", "is_told"), [(5353, True), (40000, False)])
def test_multicast_dns_to_one_host_from_its_own_port_is_an_answer(port, is_told):
    report = explain.explain(pcap(datagram((ALICE, port), (BOB, 5353), bytes(12))))
    assert [one.fields.needs_no_answer for one in report.exchanges if one.kind == "udp.flow"] == [is_told]
    assert ("multicast DNS to one host alone" in " ".join(report.story("en").split())) is is_told
    assert report.unexplained == (() if is_told else ("e1",))


def test_an_error_whose_quotation_a_nat_did_not_translate_back_still_finds_its_ping():
    asked = ping(ALICE, BOB, 1)
    outside = ping("203.0.113.1", BOB, 1, ttl=63)
    said = error("203.0.113.254", 3, 1, outside)
    said = eth(R, A, 0x800, ip("203.0.113.254", ALICE, 1, said[34:]))
    echo, _said = exchanges(asked, said)
    assert (echo.outcome, echo.fields.errors) == ("refused", 1)


@pytest.mark.parametrize("link_layer", [b"", b"\2\1\0\0\x5e\0\x53\xfe"])
def test_a_redirect_of_ipv6_quotes_the_packet_in_an_option(link_layer):
    asked = ping("2001:db8::1", "2001:db8:9::1", 3)[14:]
    asked += b"\0" * (-len(asked) % 8)
    quoted = struct.pack(">BBHI", 4, 1 + len(asked) // 8, 0, 0) + asked
    ends = "fe80::1", "2001:db8::1"
    body = packed("fe80::2") + packed("2001:db8:9::1") + link_layer + quoted
    message = eth(R, A, 0x86DD, ip(*ends, 58, icmp6(*ends, 137, 0, 0, body), 255))
    (one,) = [one for one in explain.explain(pcap(message)).exchanges if one.kind == "icmp.error"]
    about = one.fields.about
    assert (one.outcome, one.fields.gateway) == ("redirect-host", "fe80::2")
    assert (about.protocol, about.src, about.dst, about.id, about.seq) == (
        "icmpv6", "2001:db8::1", "2001:db8:9::1", 7, 3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "is nothing that the host knows"),
        (3, "its first fragment does not hold all its headers"),
        (7, "are more, or longer, than"),
    ],
)
def test_each_parameter_problem_of_ipv6_is_told_by_its_code(code, words):
    asked = ping(ALICE6, BOB6, 1)
    story = " ".join(explain.explain(pcap(asked, error(BOB6, 4, code, asked))).story().split())
    assert words in story
    assert "a field of the header cannot be understood" not in story
