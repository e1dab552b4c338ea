from __future__ import annotations

import pytest
from packets import A, B, R, datagram, error, eth, ip, pcap, ping, pong, segment, udp

import explain

ALICE, BOB = "192.0.2.1", "198.51.100.1"
HOPS = ("192.0.2.254", "203.0.113.1", "203.0.113.2")


def probe(number, ttl, target=BOB):
    body = udp(ALICE, target, 40000 + number, 33434 + number, b"x" * 32)
    return eth(A, R, 0x800, ip(ALICE, target, 17, body, ttl, ident=1000 + number))


def traces(*frames):
    return [one for one in explain.explain(pcap(*frames)).exchanges if one.kind == "traceroute"]


def hops(trace):
    return [(hop.ttl, hop.from_, hop.probes) for hop in trace.fields.hops]


def udp_trace(queries, silent=(), reached=True):
    """All probes first, then all answers: as traceroute sends them, many at once."""
    probes, answers = [], []
    for ttl in range(1, len(HOPS) + 2):
        for query in range(queries):
            one = probe(ttl * queries + query, ttl)
            probes.append(one)
            if ttl <= len(HOPS) and ttl not in silent:
                answers.append(error(HOPS[ttl - 1], 11, 0, one))
            elif ttl > len(HOPS) and reached:
                answers.append(error(BOB, 3, 3, one))
    return [*probes, *answers]


def test_parallel_probes_are_matched_to_their_own_errors():
    (trace,) = traces(*udp_trace(3))
    assert (trace.outcome, trace.fields.method, trace.fields.src, trace.fields.dst) == ("reached", "udp", ALICE, BOB)
    assert hops(trace) == [*((ttl, name, 3) for ttl, name in enumerate(HOPS, 1)), (4, BOB, 3)]
    assert all(len(hop.rtt_ns) == 3 for hop in trace.fields.hops)


def test_an_error_that_the_capture_cut_behind_the_quoted_ip_header_is_known_by_its_identification():
    """As with ``tcpdump -s 64``: the ports would stand in the octets behind."""
    exchanges = explain.explain(pcap(*udp_trace(3), snaplen=64)).exchanges
    (trace,) = [one for one in exchanges if one.kind == "traceroute"]
    assert (trace.outcome, hops(trace)) == ("reached", hops(*traces(*udp_trace(3))))


def test_probes_sent_ahead_are_no_hops_behind_the_target():
    ahead = [probe(ttl, ttl) for ttl in (5, 6, 7)]
    (trace,) = traces(*udp_trace(1)[:4], *ahead, *udp_trace(1)[4:], error(BOB, 3, 3, ahead[0]))
    assert hops(trace) == [*((ttl, name, 1) for ttl, name in enumerate(HOPS, 1)), (4, BOB, 1)]
    assert trace.frames == ((1, 12),)


def test_one_query_a_hop_is_a_trace_too():
    (trace,) = traces(*udp_trace(1))
    assert hops(trace)[0] == (1, HOPS[0], 1)


def test_a_silent_hop_is_silence_and_no_end():
    (trace,) = traces(*udp_trace(2, silent=(2,)))
    assert hops(trace)[1] == (2, None, 2)
    assert trace.outcome == "reached"


def test_a_hop_that_is_silent_in_one_trace_and_answers_in_another_is_known_by_it():
    later = [(60 + number / 100, one) for number, one in enumerate(answered(300, 3, port=44444))]
    found = explain.explain(pcap(*udp_trace(1, silent=(2,)), *later)).findings
    assert [one.values.get("named") for one in found if one.cause == "silent-hop"] == [[HOPS[1]]]


@pytest.mark.parametrize(("ttl", "silent"), [(63, (2, 3, 4, 5)), (60, ())])
def test_silence_before_the_target_is_its_own_where_its_answer_comes_from_nearer(ttl, silent):
    """With a TTL of 60 the answer came over five links, so routers may stand at the silent distances."""
    probes = [probe(number, number) for number in range(1, 7)]
    said = error(BOB, 3, 3, probes[-1])
    last = said[:22] + bytes((ttl,)) + said[23:]
    (trace,) = traces(probes[0], error(HOPS[0], 11, 0, probes[0]), *probes[1:], last)
    assert (trace.fields.distance, trace.fields.target_silent) == (65 - ttl, silent)


def test_a_trace_without_an_answer_of_the_target_did_not_arrive():
    (trace,) = traces(*udp_trace(2, reached=False))
    assert trace.outcome == "not-reached"


def test_a_trace_that_went_no_further_than_its_last_answer_was_stopped_and_met_no_silence():
    frames = [probe(1, 1), error("192.0.2.254", 11, 0, probe(1, 1)), probe(2, 2), error(HOPS[1], 11, 0, probe(2, 2))]
    report = explain.explain(pcap(*frames))
    (trace,) = [one for one in report.exchanges if one.kind == "traceroute"]
    assert (trace.outcome, trace.fields.was_stopped) == ("not-reached", True)
    assert (len(report.findings), report.unexplained) == (0, ())
    assert "No probe went further than hop 2" in " ".join(report.story().split())
    (beyond,) = traces(*frames, probe(3, 3))
    assert not beyond.fields.was_stopped


def test_echo_probes_end_with_an_echo_reply():
    probes = [ping(ALICE, BOB, ttl, ttl=ttl) for ttl in (1, 2)]
    (trace,) = traces(probes[0], error(HOPS[0], 11, 0, probes[0]), probes[1], pong(BOB, ALICE, 2))
    assert (trace.fields.method, trace.outcome, hops(trace)) == ("icmp", "reached", [(1, HOPS[0], 1), (2, BOB, 1)])


def test_a_ping_that_expires_after_a_trace_of_echo_probes_is_none_of_them():
    probes = [ping(ALICE, BOB, ttl, ttl=ttl) for ttl in (1, 2)]
    later = ping(ALICE, BOB, 1, ident=99, ttl=1)
    frames = [probes[0], error(HOPS[0], 11, 0, probes[0]), probes[1], pong(BOB, ALICE, 2)]
    found = explain.explain(pcap(*frames, (2, later), (2.1, error(HOPS[0], 11, 0, later))))
    (trace,) = [one for one in found.exchanges if one.kind == "traceroute"]
    assert trace.frames == ((1, 4),)
    assert [one.cause for one in found.findings] == ["ttl-too-low"]


def test_probes_of_windows_are_one_trace_although_it_counts_with_the_low_octet_first():
    numbers = [int.from_bytes(number.to_bytes(2, "little"), "big") for number in range(254, 260)]
    probes = [ping(ALICE, BOB, seq, ttl=1 + step // 2) for step, seq in enumerate(numbers)]
    errors = [error(HOPS[step // 2], 11, 0, one) for step, one in enumerate(probes[:4])]
    answers = [*errors, *(pong(BOB, ALICE, seq) for seq in numbers[4:])]
    (trace,) = traces(*(frame for both in zip(probes, answers, strict=True) for frame in both))
    assert hops(trace) == [(1, HOPS[0], 2), (2, HOPS[1], 2), (3, BOB, 2)]


def test_syn_probes_end_with_whatever_tcp_says():
    first = segment((ALICE, 40001), (BOB, 80), 2, ttl=1, seq=1)
    second = segment((ALICE, 40002), (BOB, 80), 2, ttl=2, seq=2)
    answer = segment((BOB, 80), (ALICE, 40002), 18, (B, A), seq=9, ack=3)
    (trace,) = traces(first, error(HOPS[0], 11, 0, first), second, answer)
    assert (trace.fields.method, trace.outcome, hops(trace)) == ("tcp", "reached", [(1, HOPS[0], 1), (2, BOB, 1)])


def test_two_routers_that_answer_in_turn_are_a_loop():
    frames = []
    for ttl in range(1, 7):
        one = probe(ttl, ttl)
        frames += [one, error(HOPS[0] if ttl == 1 else HOPS[1 + ttl % 2], 11, 0, one)]
    (trace,) = traces(*frames)
    assert set(trace.fields.loop) == {HOPS[1], HOPS[2]}


def test_two_paths_at_one_distance_are_no_loop():
    probes = [probe(number, 1 + number // 2) for number in range(4)]
    answers = [error(name, 11, 0, one) for name, one in zip((HOPS[0], HOPS[0], HOPS[1], HOPS[2]), probes, strict=True)]
    (trace,) = traces(*probes, *answers)
    assert trace.fields.hops[1].others == (HOPS[2],)
    assert trace.fields.loop == ()


def tracepath():
    """One large datagram after the other; the first router names the width of the link behind it."""
    frames = []
    for number, (ttl, size, said) in enumerate(
        ((1, 1400, (11, 0, 0)), (2, 1400, (3, 4, 1300)), (2, 1200, (11, 0, 0)), (3, 1200, (3, 3, 0)))
    ):
        body = udp(ALICE, BOB, 40000, 44444 + number, b"x" * size)
        one = eth(A, R, 0x800, ip(ALICE, BOB, 17, body, ttl, ident=number + 1, flags=0x4000))
        speaker = {11: HOPS[ttl - 1], 3: BOB if ttl == 3 else HOPS[0]}[said[0]]
        frames += [one, error(speaker, *said[:2], one, word=said[2])]
    return frames


def test_a_router_that_names_its_width_is_no_second_path():
    (trace,) = traces(*tracepath())
    assert [(hop.from_, hop.others) for hop in trace.fields.hops] == [(HOPS[0], ()), (HOPS[1], ()), (BOB, ())]
    assert (trace.fields.mtu, trace.fields.mtu_from, trace.outcome) == (1300, HOPS[0], "reached")


def test_a_hop_that_answers_some_of_its_probes_says_how_many():
    frames = udp_trace(3)
    first_errors = [one for one in frames if one[23] == 1][:3]
    text = explain.explain(pcap(*(one for one in frames if one not in first_errors[1:]))).story("en")
    assert f"{HOPS[0]} answered 1 of 3 probes" in " ".join(text.split())


def test_the_frames_of_a_hop_are_its_probes_and_their_answers():
    (trace,) = traces(*tracepath())
    assert [hop.frames for hop in trace.fields.hops] == [(1, 2), (3, 4, 5, 6), (7, 8)]


def test_ipv6_hops_come_from_their_errors():
    alice, bob, router = "2001:db8::1", "2001:db8:1::1", "2001:db8::fe"
    probes = [ping(alice, bob, ttl, ttl=ttl) for ttl in (1, 2)]
    (trace,) = traces(probes[0], error(router, 3, 0, probes[0]), probes[1], pong(bob, alice, 2))
    assert (trace.outcome, hops(trace)) == ("reached", [(1, router, 1), (2, bob, 1)])


def answered(first, count, ident=0, start=1, port=33434):
    """A run of UDP probes with one query a hop, each answered by a router; its ports count up from ``port``."""
    frames = []
    for ttl in range(start, start + count):
        body = udp(ALICE, BOB, 50000 + first + ttl, port + ttl, b"x" * 32)
        one = eth(A, R, 0x800, ip(ALICE, BOB, 17, body, ttl, ident=ident and ident + ttl))
        frames += [one, error(HOPS[ttl - 1], 11, 0, one)]
    return frames


def test_a_trace_that_is_begun_again_is_a_second_one():
    frames = [*answered(0, 3), *answered(300, 3), *answered(600, 3, port=44444)]
    assert [(hops(one), one.frames) for one in traces(*frames)] == [
        ([(ttl, name, 1) for ttl, name in enumerate(HOPS, 1)], ((first, first + 5),)) for first in (1, 7, 13)
    ]


def test_a_program_that_goes_round_and_counts_on_is_one_trace():
    frames = []
    for number in range(6):
        one = ping(ALICE, BOB, number + 1, ttl=1 + number % 3)
        frames += [one, error(HOPS[number % 3], 11, 0, one)]
    (trace,) = traces(*frames)
    assert hops(trace) == [(ttl, name, 2) for ttl, name in enumerate(HOPS, 1)]


def test_a_late_error_goes_to_the_run_whose_probe_it_quotes():
    first, second = answered(0, 3, ident=100), answered(0, 3, ident=200)
    one, other = traces(*first[:5], *second, first[5])
    assert (one.frames, other.frames) == (((1, 5), (12, 12)), ((6, 11),))


def test_other_traffic_to_the_target_is_no_probe_before_or_between():
    names = datagram((ALICE, 40000), (BOB, 53), b"?" * 12)
    pings = [ping(ALICE, BOB, seq, ident=9) for seq in (1, 2)]
    (trace,) = traces(names, *pings, *answered(0, 2), names, *answered(0, 1, start=3))
    assert [hop.ttl for hop in trace.fields.hops] == [1, 2, 3]
    echoes = [ping(ALICE, BOB, ttl, ident=5, ttl=ttl) for ttl in (1, 2)]
    (trace,) = traces(*pings, echoes[0], error(HOPS[0], 11, 0, echoes[0]), echoes[1], pong(BOB, ALICE, 2, ident=5))
    assert (trace.outcome, hops(trace)) == ("reached", [(1, HOPS[0], 1), (2, BOB, 1)])


def test_a_router_that_turns_probes_back_is_the_end_of_those_sent_ahead():
    sent = [probe(ttl, ttl) for ttl in (1, 2, 3, 4)]
    (trace,) = traces(*sent, error(HOPS[0], 11, 0, sent[0]), *(error(HOPS[1], 3, 0, one) for one in sent[1:]))
    assert (trace.outcome, hops(trace)) == ("not-reached", [(1, HOPS[0], 1), (2, HOPS[1], 1)])
    assert not trace.fields.was_stopped


@pytest.mark.parametrize(("code", "word"), [(1, 0), (4, 1400)], ids=["no-host", "too-big"])
def test_who_turns_probes_back_is_not_said_to_stand_where_they_were_meant_to_go(code, word):
    """The last router says host-unreachable, or that a datagram is too large, of what was to go one hop further."""
    sent = [probe(ttl, ttl) for ttl in (1, 2, 3, 4)]
    frames = *sent, error(HOPS[0], 11, 0, sent[0]), *(error(HOPS[0], 3, code, one, word=word) for one in sent[1:])
    (trace,) = traces(*frames)
    assert hops(trace) == [(1, HOPS[0], 1), (2, HOPS[0], 1)]
    story = " ".join(explain.explain(pcap(*frames)).story("en").split())
    assert f"Probes with TTL 2: {HOPS[0]} sent them no further" in story
    assert f"Hop 2: {HOPS[0]}" not in story


def test_a_trace_may_begin_further_on():
    (trace,) = traces(*answered(0, 2, start=2), probe(4, 4), error(BOB, 3, 3, probe(4, 4)))
    assert hops(trace) == [(2, HOPS[1], 1), (3, HOPS[2], 1), (4, BOB, 1)]
    (trace,) = traces(*answered(0, 1, start=3), probe(4, 4), error(BOB, 3, 3, probe(4, 4)))
    assert (trace.outcome, hops(trace)) == ("reached", [(3, HOPS[2], 1), (4, BOB, 1)])


def test_bare_packets_of_another_protocol_are_probes_too():
    probes = [eth(A, R, 0x800, ip(ALICE, BOB, 253, b"x" * 40, ttl, ident=ttl)) for ttl in (1, 2)]
    report = explain.explain(pcap(*probes, error(BOB, 3, 2, probes[1]), error(HOPS[0], 11, 0, probes[0])))
    (trace,) = [one for one in report.exchanges if one.kind == "traceroute"]
    assert (trace.fields.method, trace.outcome, hops(trace)) == ("ip", "reached", [(1, HOPS[0], 1), (2, BOB, 1)])
    assert list(report.findings) == []


def test_a_redirect_answers_no_probe():
    one, other = probe(1, 1), probe(2, 2)
    (trace,) = traces(one, error(HOPS[0], 5, 1, one), error(HOPS[0], 11, 0, one), other, error(HOPS[1], 11, 0, other))
    assert [hop.error for hop in trace.fields.hops] == ["ttl-exceeded", "ttl-exceeded"]


def test_multicast_with_ttl_one_is_no_trace():
    assert traces(*(datagram((ALICE, 5353), ("224.0.0.251", 5353)) for _ in range(3))) == []


def test_pings_with_one_ttl_are_no_trace():
    asked = [ping(ALICE, BOB, seq, ttl=1) for seq in (1, 2, 3)]
    assert traces(*(frame for one in asked for frame in (one, error(HOPS[0], 11, 0, one)))) == []


def test_the_reset_by_which_a_prober_drops_what_its_probe_opened_is_part_of_the_trace():
    ends = [(("192.0.2.1", 50000 + ttl), ("198.51.100.1", 80)) for ttl in (1, 2)]
    first, last = (segment(*end, 2, seq=7, ttl=ttl) for ttl, end in zip((1, 2), ends, strict=True))
    client, server = ends[1]
    report = explain.explain(
        pcap(
            first,
            error("192.0.2.254", 11, 0, first),
            last,
            segment(server, client, 18, (B, A), seq=1, ack=8),
            segment(client, server, 4, seq=8),
        )
    )
    (trace,) = [one for one in report.exchanges if one.kind == "traceroute"]
    assert (trace.outcome, trace.frames) == ("reached", ((1, 5),))
    assert (list(report.findings), report.unexplained) == ([], ())


def from_afar(distance, *said):
    """An error that comes to the sender from some routers away."""
    frame = bytearray(error(*said))
    frame[22] = 64 - distance
    return bytes(frame)


def answers_alone(distances=(0, 1, 2)):
    said = [
        from_afar(one, name, 11, 0, probe(at, 1)) for at, (one, name) in enumerate(zip(distances, HOPS, strict=True))
    ]
    return [*said, from_afar(3, BOB, 3, 3, probe(9, 1))]


def test_a_trace_is_told_by_its_answers_where_no_probe_was_recorded():
    (trace,) = traces(*answers_alone())
    assert trace.outcome == "reached"
    assert hops(trace) == [*((None, name, 0) for name in HOPS), (None, BOB, 0)]
    assert trace.frames == ((1, 4),)
    report = explain.explain(pcap(*answers_alone()[:3]))
    assert [one.outcome for one in report.exchanges if one.kind == "traceroute"] == ["not-reached"]
    assert [(one.cause, one.certainty) for one in report.findings] == [("trace-not-answered", "possible")]


@pytest.mark.parametrize(
    "frames",
    [
        answers_alone((1, 1, 1))[:3],  # routers at one distance, between which a loop is balanced
        [from_afar(0, HOPS[0], 11, 0, probe(at, 1)) for at in range(4)],
        [from_afar(at, name, 3, 1, probe(at, 1)) for at, name in enumerate(HOPS)],
        [datagram((ALICE, 40000), (BOB, 33434), b"x"), *answers_alone()],
    ],
    ids=["one distance", "one router", "nothing expired", "a packet of the sender"],
)
def test_errors_alone_are_no_trace_unless_they_come_from_several_distances(frames):
    assert traces(*frames) == []


def test_what_the_target_answers_to_unseen_echo_probes_is_the_end_of_their_trace():
    asked = [ping(ALICE, BOB, seq, ttl=1) for seq in (1, 2, 3)]
    said = [from_afar(at, name, 11, 0, one) for at, (name, one) in enumerate(zip(HOPS, asked, strict=True))]
    (trace,) = traces(*said, pong(BOB, ALICE, 4))
    assert (trace.outcome, hops(trace)[-1]) == ("reached", (None, BOB, 0))


def test_probes_to_the_port_of_dns_are_no_broken_questions():
    frames = []
    for ttl, name in enumerate((*HOPS, BOB), 1):
        one = eth(A, R, 0x800, ip(ALICE, BOB, 17, udp(ALICE, BOB, 40000 + ttl, 53, b"@" * 32), ttl, ident=ttl))
        frames += [one, error(name, 3 if name == BOB else 11, 3 if name == BOB else 0, one)]
    report = explain.explain(pcap(*frames))
    assert [one.kind for one in report.exchanges if one.kind == "traceroute"] == ["traceroute"]
    assert "cannot be read as DNS" not in " ".join(report.story().split())


def test_probes_that_come_by_again_are_no_probes_of_nearer_hops_but_a_loop():
    frames = []
    for number in range(1, 6):
        frames += [probe(number, ttl) for ttl in range(number, 0, -1)]
        if number % 2:
            frames.append(error(HOPS[0], 11, 0, probe(number, 1)))
    (trace,) = traces(*frames)
    assert [hop[1:] for hop in hops(trace)] == [(HOPS[0], 1), (None, 1)] * 2 + [(HOPS[0], 1)]
    assert trace.fields.loop == (HOPS[0],)
    assert trace.frames == ((1, len(frames)),)
    twice = [one for number in range(1, 4) for one in (probe(number, number + 1), probe(number, number))]
    (through,) = traces(*twice, error(HOPS[1], 11, 0, probe(1, 1)))
    assert (through.fields.loop, [hop[0] for hop in hops(through)]) == ((), [2, 3, 4])


def test_an_error_about_a_probe_before_the_recording_belongs_to_its_trace():
    frames = []
    for ttl in (1, 2, 3):
        asked = ping(ALICE, BOB, ttl, ttl=ttl, macs=(A, R))
        frames += [asked, error(HOPS[ttl - 1], 11, 0, asked)]
    asked = ping(ALICE, BOB, 4, ttl=4, macs=(A, R))
    whole = [*frames, asked, pong(BOB, ALICE, 4, macs=(R, A))]
    assert not explain.explain(pcap(*whole)).findings
    assert not explain.explain(pcap(*whole[1:])).findings
