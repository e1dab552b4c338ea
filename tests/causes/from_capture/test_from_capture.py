from __future__ import annotations

import shutil
import subprocess
from ipaddress import ip_address

import pytest
from explained import report, the_finding
from packets import EVERYONE, A, B, R, datagram, error, eth, ip, is_at, pcap, ping, pong, segment, udp, who_has

import explain
from explain.causes.from_capture.scene import has_failed

ALICE, BOB, ROUTER = "192.0.2.1", "198.51.100.1", "192.0.2.254"
NEAR = "192.0.2.2"
ALICE6, BOB6 = "2001:db8:1::1", "2001:db8:2::1"
SYN, SYN_ACK, RST_ACK = 2, 18, 20


def test_a_healthy_capture_has_no_findings():
    found = report(
        who_has((A, ALICE), ROUTER), is_at((R, ROUTER), (A, ALICE)), ping(ALICE, BOB, 1), pong(BOB, ALICE, 1)
    )
    assert (list(found.findings), found.unexplained) == ([], ())


def test_net_unreachable_of_a_router_is_one_finding_for_all_pings_and_errors():
    asked = [ping(ALICE, BOB, seq) for seq in (1, 2, 3)]
    frames = [frame for one in asked for frame in (one, error(ROUTER, 3, 0, one))]
    finding = the_finding(*frames)
    assert (finding.cause, finding.certainty) == ("no-route-on-router", "likely")
    assert finding.exchanges == ("e1", "e2", "e3", "e4")
    assert finding.evidence[0].frames == ((2, 2), (4, 4), (6, 6))
    assert "router-interface-down" in finding.rivals
    assert "forwarding-disabled" not in finding.rivals  # a router that does not forward is silent
    assert (finding.values["from"], finding.values["dst"], finding.values["count"]) == (ROUTER, BOB, 3)


def test_a_router_that_had_no_route_for_a_while_only_is_told_as_that_of_pings_too():
    lost, later = ping(ALICE, BOB, 1), (ping(ALICE, BOB, 2), pong(BOB, ALICE, 2))
    finding = the_finding((0, lost), (0.1, error(ROUTER, 3, 0, lost)), *((2, one) for one in later))
    assert (finding.cause, finding.values["case"]) == ("no-route-on-router", "passing")


def test_what_a_router_turns_back_is_one_finding_whatever_was_sent():
    asked = [ping(ALICE, BOB, 1), datagram((ALICE, 5000), (BOB, 4000), b"x"), segment((ALICE, 5001), (BOB, 80), SYN)]
    finding = the_finding(*(frame for one in asked for frame in (one, error(ROUTER, 3, 0, one))))
    assert (finding.cause, finding.values["count"], len(finding.exchanges)) == ("no-route-on-router", 3, 6)


def test_host_unreachable_accounts_for_the_questions_that_led_to_it():
    asked = ping(ALICE, BOB, 1)
    finding = the_finding(
        asked, *((second, who_has((R, "198.51.100.254"), BOB)) for second in (0.1, 1.1, 2.1)),
        (3.2, error(ROUTER, 3, 1, asked)),
    )  # fmt: skip
    assert finding.cause == "destination-host-absent-behind-router"
    assert finding.evidence[0].frames == ((2, 5),)
    assert len(finding.exchanges) == 3
    at_once = {"reject-route-on-router", "filter-on-router-forward"}  # those who say so ask for no MAC before
    assert not at_once.intersection(finding.rivals)
    assert at_once <= set(the_finding(asked, (3.2, error(ROUTER, 3, 1, asked))).rivals)


def test_the_senders_own_host_unreachable_means_that_its_own_link_is_silent():
    asked = ping(ALICE, NEAR, 1)
    questions = [(float(second), who_has((A, ALICE), NEAR)) for second in range(3)]
    finding = the_finding(*questions, (3.1, error(ALICE, 3, 1, asked, macs=(A, A))))
    assert finding.cause == "destination-host-absent-on-link"


@pytest.mark.parametrize(
    ("speaker", "code", "cause"),
    [(ROUTER, 13, "filter-on-router-forward"), (BOB, 13, "filter-on-target-input"), (BOB, 3, "filter-on-target-input")],
)
def test_who_says_prohibited_decides_where_the_filter_is(speaker, code, cause):
    asked = ping(ALICE, BOB, 1)
    assert the_finding(asked, error(speaker, 3, code, asked)).cause == cause


@pytest.mark.parametrize(("protocol", "case"), [(47, "protocol"), (6, None)])
def test_a_host_that_does_not_take_a_protocol_need_not_have_a_filter(protocol, case):
    sent = eth(A, R, 0x800, ip(ALICE, BOB, protocol, bytes(20)))
    finding = the_finding(sent, error(BOB, 3, 2, sent))
    assert (finding.values.get("case"), finding.certainty) == (case, "possible" if case else "likely")


def test_port_unreachable_to_a_datagram_means_that_nobody_listens():
    asked = datagram((ALICE, 40000), (BOB, 9))
    finding = the_finding(asked, error(BOB, 3, 3, asked))
    assert (finding.cause, finding.values["port"]) == ("udp-no-listener", 9)


def test_an_error_that_has_no_cause_of_its_own_is_named_in_the_verdict_with_who_says_it():
    asked = ping(ALICE, BOB, 1)
    finding = the_finding(asked, error(ROUTER, 12, 0, asked, word=20 << 24))
    assert (finding.cause, finding.values["from"], finding.values["error"]) == (
        "echo-unanswered", ROUTER, "parameter-problem",
    )  # fmt: skip


def test_a_packet_too_large_for_the_path_is_proved_by_the_message():
    asked = ping(ALICE, BOB, 1)
    finding = the_finding(asked, error(ROUTER, 3, 4, asked, word=80))
    assert (finding.cause, finding.certainty, finding.values["mtu"]) == ("path-mtu-exceeded", "proved", 80)


@pytest.mark.parametrize(
    ("later", "is_heeded"),
    [((ping(ALICE, BOB, 2), pong(BOB, ALICE, 2)), True), ((ping(ALICE, BOB, 2),), False), ((), False)],
)
def test_packets_that_get_through_once_they_are_smaller_are_no_failure(later, is_heeded):
    asked = ping(ALICE, BOB, 1)
    told = report(asked, error(ROUTER, 3, 4, asked, 80), *later)
    (finding,) = told.findings
    assert (finding.cause, finding.values.get("case") == "heeded") == ("path-mtu-exceeded", is_heeded)
    assert told.story("en").startswith("!" if is_heeded else "✗")


def test_the_same_packet_again_and_again_with_a_falling_ttl_is_a_loop_and_one_finding():
    frames = [ping(ALICE, BOB, 1, ttl=ttl, macs=((R, B) if ttl % 2 else (B, R))) for ttl in range(63, 0, -1)]
    finding = the_finding(*frames, error(ROUTER, 11, 0, frames[0]))
    assert (finding.cause, finding.certainty) == ("routing-loop", "proved")
    assert finding.evidence[0].frames == ((1, 64),)


@pytest.mark.parametrize(("second", "is_reached"), [(1.5, True), (0.5, False)])
def test_a_ping_is_not_blamed_on_the_way_while_the_target_confirms_segments(second, is_reached):
    asked = [(1.0 + number, ping(ALICE, BOB, number)) for number in range(3)]
    talk = [(second, segment((ALICE, 9), (BOB, 80), SYN)), (second + 0.1, segment((BOB, 80), (ALICE, 9), 18, (B, A)))]
    finding = next(one for one in report(*sorted(asked + talk)).findings if one.cause == "echo-unanswered")
    assert {"echo-ignored-by-target", "filter-on-target-input"} <= set(finding.rivals)
    assert ("no-return-route-on-target" not in finding.rivals) is is_reached


@pytest.mark.parametrize(("ports", "case"), [(1, None), (15, "several"), (16, "ports")])
@pytest.mark.parametrize("is_refused", [True, False])
def test_ports_of_one_host_that_fail_alike_are_one_finding(ports, case, is_refused):
    frames = []
    for number in range(ports):
        frames.append(segment((ALICE, 40000 + number), (BOB, 1 + number), SYN))
        if is_refused:
            frames.append(segment((BOB, 1 + number), (ALICE, 40000 + number), RST_ACK, (B, A), ack=1))
    found = report(*frames, (9.0, ping(ALICE, ROUTER, 1)), (9.1, pong(ROUTER, ALICE, 1)))
    assert [(one.values.get("case"), len(one.exchanges)) for one in found.findings] == [(case, ports)]


def test_a_scan_is_one_finding_however_its_ports_answered():
    refused, opened, begun = range(1, 13), (122, 80), 111
    frames = [segment((ALICE, 1000 + port), (BOB, port), SYN, seq=7) for port in (*range(1, 31), *opened, begun)]
    frames += [segment((BOB, port), (ALICE, 1000 + port), RST_ACK, (B, A), ack=8) for port in refused]
    frames += [segment((BOB, port), (ALICE, 1000 + port), SYN_ACK, (B, A), seq=1, ack=8) for port in (*opened, begun)]
    frames += [segment((ALICE, 1122), (BOB, 122), 4, seq=8), segment((ALICE, 1080), (BOB, 80), 16, seq=8, ack=2)]
    frames += [segment((ALICE, 1080), (BOB, 80), 20, seq=8, ack=2)]
    (scan,) = report(*frames, (9.0, ping(ALICE, BOB, 1)), (9.1, pong(BOB, ALICE, 1))).findings
    assert (scan.cause, len(scan.exchanges)) == ("tcp-no-listener", 33)
    assert {name: scan.values[name] for name in ("ports", "refused", "silent", "open")} == {
        "ports": 33, "refused": 12, "silent": 18, "open": [80, 111, 122],
    }  # fmt: skip


def _tcp_sweep(host, number):
    frames = [segment((ALICE, 40000 + number), (host, 22), SYN)]
    if number % 3 == 0:
        frames.append(segment((host, 22), (ALICE, 40000 + number), RST_ACK, (B, A), ack=1))
    if number == 20:
        frames.append(segment((host, 22), (ALICE, 40000 + number), SYN_ACK, (B, A), ack=1))
        frames.append(segment((ALICE, 40000 + number), (host, 22), 4, seq=1))
    return frames


def _udp_sweep(host, number, port=161):
    asked = datagram((ALICE, 40000), (host, port), b"x")
    if number == 20:
        return [asked, datagram((host, port), (ALICE, 40000), b"y", (B, A))]
    return [asked, error(host, 3, 3, asked, macs=(B, A))] if number % 3 else [asked]


SWEEPS = {
    "tcp": (_tcp_sweep, "tcp-no-listener", {"tried": 30, "refused": 10, "silent": 19, "answering": 1}),
    "udp": (_udp_sweep, "udp-no-listener", {"tried": 19, "silent": 10, "answering": 1}),
    "udp-ports": (
        lambda _, number: _udp_sweep(BOB, number, 100 + number), "udp-no-listener",
        {"tried": 19, "silent": 10, "answering": 1},
    ),
    "ping": (lambda host, number: [ping(ALICE, host, 1, number)], "echo-unanswered", {"tried": 30, "sent": 30}),
    "arp": (
        lambda host, _: [who_has((A, ALICE), host)], "destination-host-absent-on-link", {"tried": 30, "requests": 30}
    ),
    "absent": (
        lambda host, number: [
            (number * 0.4, asked := ping(ALICE, host, 1, number)),
            (number * 0.4 + 0.35, error(ROUTER, 3, 1, asked)),
        ],
        "destination-host-absent-behind-router", {"tried": 30, "count": 30},
    ),
    "turned-away": (
        lambda host, number: [asked := ping(ALICE, host, 1, number), error(ROUTER, 3, 1, asked)],
        "reject-route-on-router", {"tried": 30, "count": 30},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SWEEPS)
def test_one_thing_tried_with_very_many_hosts_is_one_finding(kind):
    play, cause, values = SWEEPS[kind]
    frames = [frame for number in range(1, 31) for frame in play(f"198.51.100.{100 + number}", number)]
    found = report(*frames, (19.0, ping(ALICE, NEAR, 1)), (19.1, pong(NEAR, ALICE, 1)))
    (sweep,) = found.findings
    assert (sweep.cause, found.unexplained) == (cause, ())
    assert {name: sweep.values[name] for name in values} == values
    assert {one.id for one in found.exchanges if has_failed(one.kind, one.outcome)} == set(sweep.exchanges)


@pytest.mark.parametrize("is_there", [True, False])
def test_who_finds_some_neighbours_of_very_many_has_a_link_that_works(is_there):
    asked = [who_has((A, ALICE), f"192.0.2.{number}") for number in range(100, 130)]
    found = [(1.0, who_has((A, ALICE), NEAR)), (1.1, is_at((B, NEAR), (A, ALICE)))][: 2 * is_there]
    (sweep,) = report(*asked, *found, (19.0, ping(ALICE, NEAR, 1)), (19.1, pong(NEAR, ALICE, 1))).findings
    assert (sweep.values["case"], sweep.rivals == (), sweep.certainty == "likely") == ("sweep", is_there, is_there)


def test_a_few_hosts_that_are_silent_are_findings_of_their_own():
    frames = [ping(ALICE, f"198.51.100.{number}", 1, number) for number in range(1, 16)]
    assert len(report(*frames, (9.0, ping(ALICE, NEAR, 1)), (9.1, pong(NEAR, ALICE, 1))).findings) == 15


def test_a_small_ttl_that_runs_out_is_no_loop():
    asked = [ping(ALICE, BOB, seq, ttl=1) for seq in (1, 2)]
    finding = the_finding(asked[0], error(ROUTER, 11, 0, asked[0]), asked[1], error(ROUTER, 11, 0, asked[1]))
    assert finding.cause == "ttl-too-low"


def test_a_low_ttl_beside_a_high_one_in_one_conversation_is_judged_by_the_packet_that_the_error_quotes():
    low, high = (eth(A, B, 0x800, ip(ALICE, BOB, 17, udp(ALICE, BOB, 9, 9), ttl, ident=ttl)) for ttl in (4, 64))
    finding = the_finding(high, low, error(ROUTER, 11, 0, low))
    assert (finding.cause, finding.values["ttl"], finding.values["largest"]) == ("ttl-too-low", 4, 64)
    assert the_finding(high, low, error(ROUTER, 11, 0, high)).cause == "routing-loop"


@pytest.mark.parametrize(("spoke_before", "words"), [(True, "no longer listens"), (False, "nothing listens")])
def test_a_port_that_closed_after_it_had_spoken_is_told_from_one_that_was_never_open(spoke_before, words):
    asked, said = datagram((ALICE, 9), (BOB, 99), b"x"), datagram((BOB, 99), (ALICE, 9), b"y", (B, A))
    frames = [asked, said, asked] if spoke_before else [asked, asked]
    found = report(*frames, error(BOB, 3, 3, asked, macs=(B, A)))
    assert [one.cause for one in found.findings] == ["udp-no-listener"]
    assert f"{BOB} " in found.story("en")
    assert words in found.story("en")


def test_silence_after_three_questions_is_likely_an_absent_host_and_lists_what_it_cannot_exclude():
    finding = the_finding(*((float(second), who_has((A, ALICE), NEAR)) for second in range(3)))
    assert (finding.cause, finding.certainty) == ("destination-host-absent-on-link", "likely")
    assert {"target-interface-down", "wrong-gateway-address", "arp-disabled"} <= set(finding.rivals)


def test_two_questions_without_an_answer_are_only_possible():
    assert the_finding(who_has((A, ALICE), NEAR), (1.0, who_has((A, ALICE), NEAR))).certainty == "possible"


def test_a_single_question_alone_proves_nothing_because_the_answer_goes_to_the_asker():
    found = report(who_has((A, ALICE), NEAR))
    assert (list(found.findings), found.unexplained) == ([], ())


def test_two_answers_are_a_duplicate_address_and_many_of_them_look_forged():
    eve = "00:00:5e:00:53:66"
    twice = (who_has((A, ALICE), NEAR), is_at((B, NEAR), (A, ALICE)), is_at((eve, NEAR), (A, ALICE)))
    assert the_finding(*twice).cause == "duplicate-address"
    other = (who_has((A, ALICE), ROUTER), is_at((R, ROUTER), (A, ALICE)), is_at((eve, ROUTER), (A, ALICE)))
    assert {finding.cause for finding in report(*twice, *other).findings} == {"arp-spoofed"}


def test_an_address_that_two_hosts_only_ask_with_is_proved_by_their_questions():
    asked = [who_has((mac, ALICE), ROUTER) for mac in (A, B, A)]
    frames = [
        frame for mac, one in zip((A, B, A), asked, strict=True) for frame in (one, is_at((R, ROUTER), (mac, ALICE)))
    ]
    finding = the_finding(*frames)
    assert (finding.cause, finding.evidence[0].frames) == ("duplicate-address", ((1, 1), (3, 3)))


def test_silence_to_pings_names_no_single_cause():
    finding = the_finding(*(ping(ALICE, BOB, seq) for seq in (1, 2, 3)))
    assert (finding.cause, finding.certainty) == ("echo-unanswered", "possible")
    assert {"forwarding-disabled", "no-return-route-on-target", "filter-on-target-input"} <= set(finding.rivals)


@pytest.mark.parametrize(("target", "mac"), [("192.0.2.255", EVERYONE), ("224.0.0.1", "01:00:5e:00:00:01")])
def test_that_nobody_answers_a_ping_to_everybody_is_the_default_of_hosts(target, mac):
    finding = the_finding(*((seq, ping(ALICE, target, seq, macs=(A, mac))) for seq in (1, 2, 3)))
    assert (finding.cause, finding.certainty) == ("broadcast-echo-ignored", "likely")
    assert not {"forwarding-disabled", "masquerade-missing"} & set(finding.rivals)


def test_pings_of_which_some_are_answered_are_partial_loss():
    finding = the_finding(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1), ping(ALICE, BOB, 2), (9, ping(ALICE, BOB, 3)))
    assert (finding.cause, finding.values["received"], finding.values["sent"]) == ("partial-loss", 1, 3)


def test_a_refused_connection_names_the_port():
    finding = the_finding(
        segment((ALICE, 40000), (BOB, 81), SYN, seq=1), segment((BOB, 81), (ALICE, 40000), RST_ACK, (B, A), ack=2)
    )
    assert (finding.cause, finding.values["server"], finding.values["port"]) == ("tcp-no-listener", BOB, 81)


def test_a_trace_that_arrives_is_healthy():
    probes = [ping(ALICE, BOB, seq, ttl=seq) for seq in (1, 2, 3)]
    found = report(
        probes[0], error(ROUTER, 11, 0, probes[0]), probes[1], error("203.0.113.1", 11, 0, probes[1]),
        probes[2], pong(BOB, ALICE, 3),
    )  # fmt: skip
    assert (list(found.findings), found.unexplained) == ([], ())
    (trace,) = [one for one in found.exchanges if one.kind == "traceroute"]
    assert trace.outcome == "reached"
    assert [(hop.ttl, hop.from_) for hop in trace.fields.hops] == [(1, ROUTER), (2, "203.0.113.1"), (3, BOB)]


def test_every_failed_exchange_is_accounted_for_or_unexplained():
    found = report(datagram((ALICE, 40000), (BOB, 9)), who_has((A, ALICE), NEAR))
    explained = {name for finding in found.findings for name in finding.exchanges}
    assert explained | set(found.unexplained) == {one.id for one in found.exchanges}
    assert not explained & set(found.unexplained)


@pytest.mark.needs("tshark")
def test_the_filter_of_a_finding_shows_exactly_its_evidence(tmp_path):
    asked = [ping(ALICE, BOB, seq) for seq in (1, 2, 3)]
    frames = [frame for one in asked for frame in (one, error(ROUTER, 3, 1, one))]
    path = tmp_path / "capture.pcap"
    path.write_bytes(pcap(*frames, *(who_has((R, ROUTER), BOB) for _ in range(2))).getvalue())
    for finding in explain.explain(path).findings:
        command = [shutil.which("tshark"), "-n", "-r", path, "-Y", finding.filter, "-T", "fields", "-e", "frame.number"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        wanted = [str(n) for first, last in finding.evidence[0].frames for n in range(first, last + 1)]
        assert shown == wanted


def test_a_question_that_was_only_overheard_is_no_trouble():
    found = report(ping(ALICE, NEAR, 1), pong(NEAR, ALICE, 1), who_has((R, ROUTER), "192.0.2.77"))
    assert (list(found.findings), found.unexplained) == ([], ())
    assert "goes to the asker alone" in found.story("en").replace("\n           ", " ")


def test_errors_whose_quotation_was_cut_off_are_no_silence():
    asked = ping("2001:db8::1", "2001:db8:2::9", 1)
    told = eth(B, A, 0x86DD, ip("2001:db8::fe", "2001:db8::1", 58, b"\1\3\0\0\0\0\0\0" + asked[14:]))
    found = explain.explain(pcap(asked, told, snaplen=96))
    (finding,) = found.findings
    assert (finding.cause, finding.values["count"], len(finding.exchanges)) == ("echo-unanswered", 1, 2)
    assert "1 error (address-unreachable) came back" in " ".join(found.story("en").split())
    assert "No error" not in found.story("en")


def test_an_error_about_what_went_to_a_group_is_no_trouble():
    report_to_group = eth(A, "01:00:5e:00:00:16", 0x800, ip(ALICE, "224.0.0.22", 2, b"\x22\0\xf9\x02\0\0\0\1"))
    found = report(report_to_group, error(ROUTER, 3, 2, report_to_group))
    assert (list(found.findings), found.unexplained) == ([], ())


@pytest.mark.parametrize(("kind", "code"), [(11, 0), (3, 3)])
def test_the_end_of_a_probe_that_was_sent_elsewhere_is_no_trouble(kind, code):
    probe = datagram((ALICE, 50000), (BOB, 33446), b"x" * 12, ttl=1)
    found = report(error(BOB if kind == 3 else ROUTER, kind, code, probe))
    assert (list(found.findings), found.unexplained) == ([], ())


@pytest.mark.parametrize("port", [162, 514, 4739])
def test_silence_of_a_port_that_only_listens_is_no_failure(port):
    found = explain.explain(pcap(*[datagram((ALICE, 40000), (BOB, port), b"x")] * 3))
    assert (list(found.findings), found.unexplained) == ([], ())
    assert [one.outcome for one in found.exchanges] == ["unanswered"]


def test_fins_sent_again_without_any_data_are_no_trouble_to_look_at():
    ends = (ALICE, 4000), (BOB, 80)
    fins = [segment(*ends, 17, seq=2, ack=10) for _ in range(8)]
    found = report(
        segment(*ends, SYN, seq=1), segment(*reversed(ends), 18, seq=9, ack=2), segment(*ends, 16, seq=2, ack=10), *fins
    )
    assert [one.kind for one in found.exchanges] == ["tcp.connection"]


@pytest.mark.parametrize(
    ("lab", "is_named"), [("gateway-interface-down", True), ("gateway-interface-down.ipv6-tcp", False)]
)
def test_what_only_ipv4_can_suffer_is_no_rival_of_what_ipv6_suffers(lab, is_named):
    rivals = {name for one in explain.explain(f"pcaps/{lab}/capture.pcapng").findings for name in one.rivals}
    assert ({"rp-filter-strict", "arp-ignored-by-target"} <= rivals) is is_named
    assert "wrong-gateway-address" in rivals


def test_host_unreachable_that_comes_at_once_was_not_looked_for_and_one_that_comes_later_was():
    asked = ping(ALICE, BOB, 1)
    finding = the_finding(asked, (0.001, error(ROUTER, 3, 1, asked)))
    assert (finding.cause, finding.values["case"]) == ("reject-route-on-router", "at-once")
    assert {"filter-on-router-forward", "destination-host-absent-behind-router"} <= set(finding.rivals)
    late = the_finding(asked, (3.1, error(ROUTER, 3, 1, asked)))
    assert late.cause == "destination-host-absent-behind-router"
    again = ping(ALICE, BOB, 2)  # the first one waits for the MAC, and so does the second one, but not for long
    queued = the_finding(asked, (3, again), (3.05, error(ROUTER, 3, 1, asked)), (3.05, error(ROUTER, 3, 1, again)))
    assert queued.cause == "destination-host-absent-behind-router"


def test_what_a_router_of_ipv6_turns_away_at_once_is_no_route_of_its_own_for_that_says_no_route():
    asked = ping(ALICE6, BOB6, 1)
    finding = the_finding(asked, (0.001, error("2001:db8:1::fe", 1, 3, asked)))
    assert (finding.cause, finding.values["case"]) == ("filter-on-router-forward", "at-once")
    late = the_finding(asked, (3.1, error("2001:db8:1::fe", 1, 3, asked)))
    assert late.cause == "destination-host-absent-behind-router"


def redirect(speaker, gateway, about):
    return error(speaker, 5, 1, about, word=int(ip_address(gateway)))


def test_two_routers_that_name_each_other_as_the_better_way_are_a_loop():
    asked, other = ping(ALICE, BOB, 1), "192.0.2.253"
    finding = the_finding(asked, redirect(ROUTER, other, asked), redirect(other, ROUTER, asked))
    assert (finding.cause, finding.values["case"]) == ("routing-loop", "to-and-fro")
    one_way = report(asked, redirect(ROUTER, other, asked)).findings
    assert ("icmp-redirect", "lost") in [(one.cause, one.values.get("case")) for one in one_way]


def test_a_redirect_to_the_target_itself_shows_a_neighbour_that_is_taken_for_a_remote_host():
    asked = ping(ALICE, NEAR, 1, macs=(A, R))
    found = report(asked, redirect(ROUTER, NEAR, asked), pong(NEAR, ALICE, 1))
    (finding,) = found.findings
    assert (finding.cause, finding.values["case"]) == ("icmp-redirect", "neighbour")
    assert finding.rivals == ("wrong-netmask-on-sender",)
    assert "the same link as its sender, and no router is needed" in " ".join(found.story().split())


def test_a_ping_that_circles_where_a_trace_circles_is_one_finding():
    asked = ping(ALICE, BOB, 1)
    probes = [datagram((ALICE, 40000), (BOB, 33434 + ttl), b"x", ttl=ttl) for ttl in range(1, 5)]
    routers = (ROUTER, "192.0.2.253")
    answers = [error(routers[at % 2], 11, 0, one) for at, one in enumerate(probes)]
    finding = the_finding(asked, *(frame for pair in zip(probes, answers, strict=True) for frame in pair))
    assert finding.cause == "routing-loop"
