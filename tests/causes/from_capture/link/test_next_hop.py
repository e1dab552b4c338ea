from __future__ import annotations

from packets import A, B, R, error, eth, icmp, ip, is_at, pcap, ping, segment, who_has

import explain
from explain.causes.from_capture.link import next_hop

ALICE, BOB, NOWHERE = "192.0.2.1", "198.51.100.1", "198.51.100.253"
SYN, SYN_ACK, RST, PUSH, ACK = 2, 18, 4, 24, 16


def findings(*frames):
    found = explain.explain(pcap(*frames))
    assert found.unexplained == ()
    return list(found.findings)


def questions(asker, wanted, first=0.01):
    return [(first + second, who_has(asker, wanted)) for second in range(3)]


def arrives(seq, when, source=ALICE, ttl=63):
    return (when, ping(source, BOB, seq, ttl=ttl, macs=(R, B)))


def test_a_target_that_asks_in_vain_for_its_gateway_cannot_answer():
    (one,) = findings(arrives(1, 0.0), *questions((B, BOB), NOWHERE), arrives(2, 3.0))
    assert (one.cause, one.certainty) == ("wrong-gateway-on-target", "likely")
    assert one.exchanges == ("e1", "e2")
    assert (one.values["asker"], one.values["address"]) == (BOB, NOWHERE)
    assert "gateway-interface-down" in one.rivals


def test_a_target_that_looks_on_its_link_for_who_is_behind_a_router_has_too_wide_a_prefix():
    (one,) = findings(arrives(1, 0.0), *questions((B, BOB), ALICE))
    assert (one.cause, one.exchanges) == ("wrong-netmask-on-target", ("e1", "e2"))
    assert "snat-to-unowned-address" in one.rivals


def test_a_neighbour_that_pings_and_does_not_answer_for_itself_is_no_wrong_prefix():
    causes = [one.cause for one in findings(arrives(1, 0.0, ttl=64), *questions((B, BOB), ALICE))]
    assert "wrong-netmask-on-target" not in causes


def test_a_question_about_somebody_else_does_not_explain_a_ping_that_is_answered():
    answered = eth(B, R, 0x800, ip(BOB, ALICE, 1, icmp(0, 0, 7 << 16 | 1, b"x" * 56)))
    (one,) = findings(arrives(1, 0.0), (0.001, answered), *questions((B, BOB), NOWHERE))
    assert one.cause == "destination-host-absent-on-link"


def test_the_targets_own_complaint_about_its_answers_is_the_same_event():
    reply = eth(B, R, 0x800, ip(BOB, ALICE, 1, icmp(0, 0, 7 << 16 | 1, b"x" * 56)))
    told = (3.0, error(BOB, 3, 1, reply, macs=(B, B)))
    (one,) = findings(arrives(1, 0.0), *questions((B, BOB), NOWHERE), told)
    assert (one.cause, len(one.exchanges)) == ("wrong-gateway-on-target", 3)


def test_a_gateway_that_does_not_answer_its_own_host_is_one_finding_with_the_hosts_complaint():
    asked = ping(ALICE, BOB, 1)
    told = (3.0, error(ALICE, 3, 1, asked, macs=(A, A)))
    (one,) = findings(*questions((A, ALICE), "192.0.2.253"), told)
    assert (one.cause, one.values["case"]) == ("destination-host-absent-on-link", "gateway")
    assert "wrong-gateway-address" in one.rivals


CLIENT, SERVER, INSIDE = ("192.0.2.1", 40000), ("203.0.113.1", 8080), ("192.0.2.3", 80)


def hairpin(confirmed):
    return [
        segment(CLIENT, SERVER, SYN, (A, R), seq=100),
        segment(INSIDE, CLIENT, SYN_ACK, (B, A), seq=900, ack=confirmed),
        segment(CLIENT, INSIDE, RST, (A, B), seq=confirmed),
        (1.0, segment(CLIENT, SERVER, SYN, (A, R), seq=100)),
    ]


def test_a_syn_ack_with_the_right_number_from_the_wrong_address_is_a_hairpin():
    (one,) = findings(*hairpin(101))
    assert (one.cause, len(one.exchanges)) == ("hairpin-nat-missing", 2)
    assert (one.values["server"], one.values["from"]) == ("203.0.113.1", "192.0.2.3")


def test_a_syn_ack_with_another_number_is_none():
    assert "hairpin-nat-missing" not in {one.cause for one in findings(*hairpin(5001))}


def held(answers=b""):
    server = ("192.0.2.2", 80)
    return [
        segment(CLIENT, server, SYN, seq=100), segment(server, CLIENT, SYN_ACK, (B, A), seq=900, ack=101),
        segment(CLIENT, server, ACK, seq=101, ack=901),
        *([segment(server, CLIENT, PUSH, (B, A), seq=901, ack=101, data=answers)] if answers else []),
        *((when, segment(("192.0.2.1", 40001), server, SYN, seq=500)) for when in (0.1, 1.1, 3.1)),
        (6.0, segment(CLIENT, server, ACK, seq=101, ack=901 + len(answers))),
    ]  # fmt: skip


def test_a_port_that_holds_a_mute_connection_and_ignores_the_next_has_a_full_queue():
    (one,) = findings(*held())
    assert (one.cause, one.values["count"], one.values["held"]) == ("tcp-accept-queue-full", 1, 1)


def test_a_program_that_speaks_takes_its_connections():
    assert [one.cause for one in findings(*held(b"hello"))] == ["tcp-syn-unanswered"]


def test_whoever_sent_the_syn_ack_is_named_as_the_server():
    server = ("198.51.100.7", 443)
    frames = [segment(server, CLIENT, SYN_ACK, (B, A), seq=900, ack=101)] * 3
    (one,) = findings(*((float(at), frame) for at, frame in enumerate(frames)), (9.0, is_at((B, BOB), (A, ALICE))))
    assert (one.cause, one.values["server"], one.values["port"]) == ("tcp-handshake-unfinished", *server)


def round_trip(ttls, macs):
    return [ping(ALICE, BOB, 1, ttl=ttl, macs=macs[number % len(macs)]) for number, ttl in enumerate(ttls)]


def test_a_packet_that_comes_by_again_and_again_is_a_loop_though_nobody_says_so():
    (one,) = findings(*round_trip(range(63, 51, -1), [(A, R), (R, A)]))
    assert (one.cause, one.certainty, one.values["visits"]) == ("routing-loop", "proved", 12)


def test_a_packet_recorded_on_each_link_of_its_way_is_no_loop():
    way = [(A, R), ("00:00:5e:00:53:10", "00:00:5e:00:53:11"), ("00:00:5e:00:53:12", B)]
    assert "routing-loop" not in {one.cause for one in findings(*round_trip((64, 63, 62), way))}


def test_what_waits_for_its_answer_is_found_within_a_sweep_of_the_network():
    sweep = [(0.02 + number / 100, who_has((B, BOB), f"198.51.100.{number}")) for number in range(100, 200)]
    found = findings(arrives(1, 0.0), *questions((B, BOB), NOWHERE), *sweep)
    assert [one.cause for one in found].count("wrong-gateway-on-target") == 1


def test_the_frames_are_not_looked_at_for_each_question_of_a_sweep(monkeypatch):
    monkeypatch.setattr(next_hop, "_requests_to", None)
    sweep = [(5 + number / 100, who_has((B, BOB), f"198.51.100.{number}")) for number in range(100, 200)]
    reply = eth(B, R, 0x800, ip(BOB, ALICE, 1, icmp(0, 0, 7 << 16 | 1, b"x" * 56)))
    end = (30.0, is_at((A, ALICE), (B, BOB)))
    (one, _) = findings(arrives(1, 0.0, ALICE), (0.001, reply), arrives(2, 0.5, "192.0.2.9"), *sweep, end)
    assert one.cause == "destination-host-absent-on-link"
