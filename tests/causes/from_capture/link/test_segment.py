from __future__ import annotations

import pytest
from explained import report
from packets import EVERYONE, A, B, R, arp, datagram, is_at, ping, pong, who_has
from two_places import INSIDE, SERVER, Walk
from two_places import ping as ping_of

ALICE, BOB, GATE, FAR = (A, "192.0.2.1"), (B, "192.0.2.2"), (R, "192.0.2.254"), "198.51.100.1"
EVE = "00:00:5e:00:53:66"
HEALTHY = (who_has(ALICE, GATE[1]), is_at(GATE, ALICE))


def causes(*frames):
    return [(one.cause, one.values.get("case")) for one in report(*frames).findings]


def test_a_mac_that_presses_the_gateways_address_upon_a_host_forges_it():
    forged = [(float(second), is_at((EVE, GATE[1]), ALICE)) for second in (2, 3, 4)]
    lost = [(5.0 + seq, ping(ALICE[1], FAR, seq, macs=(A, EVE))) for seq in (1, 2, 3)]
    found = report(*HEALTHY, *forged, (4.5, is_at(GATE, ALICE)), *lost)
    (finding,) = found.findings
    assert (finding.cause, finding.values["forger"], finding.values["mac"]) == ("arp-spoofed", EVE, R)
    assert found.unexplained == ()
    assert found.exchanges[-1].id in finding.exchanges  # the pings that went to the forger


def test_an_address_that_was_only_asked_for_before_use_is_taken_and_not_claimed_twice():
    probe, answer = arp(1, (A, "0.0.0.0"), ("00:00:00:00:00:00", BOB[1])), is_at(BOB, (A, "0.0.0.0"))  # noqa: S104
    (finding,) = report(probe, answer).findings
    values = finding.values
    assert (finding.cause, values["case"], values["mac"], values["holder"]) == ("duplicate-address", "probed", A, B)
    assert causes(probe, answer, who_has((A, BOB[1]), BOB[1])) == [
        ("duplicate-address", None)
    ]  # and took it all the same


def test_a_forger_that_passes_on_what_it_gets_is_no_poor_gateway_and_no_address_has_moved():
    mine = [who_has((EVE, "192.0.2.66"), GATE[1]), is_at(GATE, (EVE, "192.0.2.66"))]
    forged = [
        (when, one) for when in (1.0, 2.0, 3.0) for one in (is_at((EVE, GATE[1]), ALICE), is_at((EVE, ALICE[1]), GATE))
    ]
    ways = [(A, EVE), (EVE, R)]
    asked = [ping(ALICE[1], FAR, 1, ttl=64 - hop, macs=way) for hop, way in enumerate(ways)]
    told = [pong(FAR, ALICE[1], 1, ttl=63 - hop, macs=way[::-1]) for hop, way in enumerate(ways[::-1])]
    found = report(*mine, *HEALTHY, *forged, (9.0, asked[0]), *asked[1:], *told)
    assert {one.cause for one in found.findings} == {"arp-spoofed"}
    story = " ".join(found.story("en").split())
    assert "moved from" not in story
    assert "the MAC of the router" not in story


def test_a_second_host_that_only_answers_when_it_is_asked_is_a_duplicate_address():
    frames = []
    for second in (0.0, 10.0, 20.0):
        owner = BOB if second != 10 else (EVE, BOB[1])
        frames += [(second, who_has(ALICE, BOB[1])), (second + 0.1, is_at(owner, ALICE))]
    assert causes(*frames) == [("duplicate-address", None)]


def test_one_unasked_claim_by_a_host_that_has_an_address_of_its_own_is_forged():
    frames = (
        *HEALTHY, (1, who_has((EVE, "192.0.2.66"), ALICE[1])), (1.1, is_at(ALICE, (EVE, "192.0.2.66"))),
        (2, is_at((EVE, GATE[1]), ALICE)), (12, who_has(ALICE, GATE[1])), (12.1, is_at(GATE, ALICE)),
    )  # fmt: skip
    assert causes(*frames) == [("arp-spoofed", "unasked")]


def test_an_address_that_a_standby_takes_over_for_good_is_told_and_no_finding():
    moved = arp(1, (B, GATE[1]), ("00:00:00:00:00:00", GATE[1]), EVERYONE)
    found = report(*HEALTHY, (60, moved), (61, who_has(ALICE, GATE[1])), (61.1, is_at((B, GATE[1]), ALICE)))
    assert list(found.findings) == []
    assert f"moved from {R} to {B}" in " ".join(found.story().split())


def test_an_address_that_another_claims_while_its_owner_goes_on_to_speak_is_disputed():
    moved = arp(1, (B, GATE[1]), ("00:00:00:00:00:00", GATE[1]), EVERYONE)
    speaks = ping(GATE[1], ALICE[1], 1, macs=(R, A))
    assert causes(*HEALTHY, (60, moved)) == []
    assert causes(*HEALTHY, (60, moved), (61, speaks), (61.1, pong(ALICE[1], GATE[1], 1, macs=(A, R)))) != []


def test_an_address_that_is_announced_elsewhere_seconds_later_may_have_moved_unless_its_owner_goes_on():
    def announced(mac: str) -> bytes:
        return arp(1, (mac, GATE[1]), ("00:00:00:00:00:00", GATE[1]), EVERYONE)

    taken_over = (0.0, announced(R)), (5.0, announced(B))
    assert causes(*taken_over) == [("duplicate-address", "moved")]
    told = " ".join(report(*taken_over).story().split())
    assert told.startswith("!")
    assert "objected" not in told
    assert causes(*taken_over, (6.0, announced(R))) == [("duplicate-address", None)]


def test_a_host_that_answers_on_two_interfaces_for_both_its_addresses_forges_nothing():
    second = (EVE, "192.0.2.3")
    frames = [
        (at, frame)
        for at, address in ((0.0, BOB[1]), (1.0, second[1]))
        for frame in (who_has(ALICE, address), is_at((B, address), ALICE), is_at((EVE, address), ALICE))
    ]
    assert causes(*frames) == [("duplicate-address", "flux")]
    forged = [
        *frames[:3],
        (1.0, who_has(ALICE, GATE[1])),
        (1.0, is_at(GATE, ALICE)),
        (1.0, is_at((EVE, GATE[1]), ALICE)),
    ]
    assert {cause for cause, _ in causes(*forged)} == {"arp-spoofed"}


def test_frames_to_the_senders_own_mac_show_an_interface_without_arp():
    (finding,) = report(*(ping(ALICE[1], BOB[1], seq, macs=(A, A)) for seq in (1, 2, 3))).findings
    assert (finding.cause, finding.values["mac"], finding.values["count"]) == ("arp-disabled", A, 3)


def test_frames_of_a_loopback_device_are_no_sign_of_it():
    nobody = "00:00:00:00:00:00"
    frames = [ping(ALICE[1], ALICE[1], 1, macs=(nobody, nobody)), pong(ALICE[1], ALICE[1], 1, macs=(nobody, nobody))]
    assert "arp-disabled" not in [cause for cause, _ in causes(*frames)]


def test_packets_to_a_mac_that_nobody_has_while_the_neighbour_shows_another_one():
    told = arp(1, BOB, ("00:00:00:00:00:00", BOB[1]))
    pings = [(1.0 + seq, ping(ALICE[1], BOB[1], seq, macs=(A, EVE))) for seq in (1, 2, 3)]
    (finding,) = report(told, *pings).findings
    assert (finding.cause, finding.values["mac"], finding.values["owner"]) == ("wrong-static-neighbour", EVE, B)


def test_what_the_target_claims_on_another_link_says_nothing_of_the_senders_neighbours():
    walk = Walk()
    for seq in (1, 2, 3):
        walk.out(float(seq), ping_of(INSIDE, SERVER, seq, ip_id=seq), ping_of(INSIDE, SERVER, seq, ttl=63, ip_id=seq))
    walk.outer.append((30.0, who_has((B, SERVER), "198.51.100.254")))
    assert "wrong-static-neighbour" not in [one.cause for one in walk.report().findings]


@pytest.mark.parametrize("speaks", [True, False])
def test_a_mac_that_speaks_is_no_wrong_neighbour(speaks):
    told = arp(1, BOB, ("00:00:00:00:00:00", BOB[1]))
    pings = [(1.0 + seq, ping(ALICE[1], BOB[1], seq, macs=(A, EVE))) for seq in (1, 2, 3)]
    voice = [datagram(("192.0.2.66", 1), (ALICE[1], 2), macs=(EVE, A))] if speaks else []
    found = [cause for cause, _ in causes(told, *voice, *pings)]
    assert ("wrong-static-neighbour" in found) is not speaks


def test_datagrams_that_pass_twice_on_one_link_show_a_better_gateway():
    frames = [*HEALTHY]
    for number in range(3):
        port = 5000 + number
        frames += [
            datagram((ALICE[1], port), (FAR, 53), b"x", macs=(A, R)),
            datagram((ALICE[1], port), (FAR, 53), b"x", macs=(R, B), ttl=63),
            datagram((FAR, 53), (ALICE[1], port), b"y", macs=(B, A), ttl=62),
        ]
    found = report(*frames)
    (finding,) = found.findings
    assert (finding.cause, finding.certainty) == ("suboptimal-gateway", "proved")
    assert (finding.values["router"], finding.values["gateway"]) == (GATE[1], B)


def test_a_packet_that_a_router_forwards_to_another_link_is_no_detour():
    one = datagram((ALICE[1], 5000), (FAR, 9), b"x", macs=(A, R))
    other = datagram((ALICE[1], 5000), (FAR, 9), b"x", macs=("00:00:5e:00:53:fd", B), ttl=63)
    answer = datagram((FAR, 9), (ALICE[1], 5000), b"x", macs=(R, A), ttl=63)
    assert causes(one, other, answer) == []


def test_a_router_that_answers_for_a_host_behind_it_is_a_proxy():
    frames = (who_has(ALICE, FAR), is_at((R, FAR), ALICE), ping(ALICE[1], FAR, 1, macs=(A, R)))
    (finding,) = report(*frames, pong(FAR, ALICE[1], 1, ttl=63, macs=(R, A))).findings
    assert (finding.cause, finding.values["ttl"]) == ("proxy-arp-in-play", 63)


def test_a_router_that_translates_is_no_proxy():
    frames = (who_has(ALICE, GATE[1]), is_at(GATE, ALICE), ping(ALICE[1], GATE[1], 1, macs=(A, R)))
    assert causes(*frames, pong(GATE[1], ALICE[1], 1, ttl=63, macs=(R, A))) == []


def test_a_frame_that_is_flooded_to_a_third_host_is_told_there():
    own = [who_has((EVE, "192.0.2.66"), BOB[1]), is_at(BOB, (EVE, "192.0.2.66"))]
    talk = [ping("192.0.2.66", BOB[1], seq, macs=(EVE, B)) for seq in (1, 2)]
    talk += [pong(BOB[1], "192.0.2.66", seq, macs=(B, EVE)) for seq in (1, 2)]
    stray = ping(ALICE[1], "192.0.2.7", 1, macs=(A, "00:00:5e:00:53:07"))
    assert "flooding" in report(*own, *talk, stray).story()
    assert "flooding" not in report(*own, *talk).story()


def test_a_frame_and_its_answer_between_others_show_a_hub_and_no_flooding():
    own = [ping("192.0.2.66", BOB[1], seq, macs=(EVE, B)) for seq in (1, 2)]
    own += [pong(BOB[1], "192.0.2.66", seq, macs=(B, EVE)) for seq in (1, 2)]
    other = ("00:00:5e:00:53:07", "192.0.2.7")
    told = report(
        *own, ping(ALICE[1], other[1], 1, macs=(A, other[0])), pong(other[1], ALICE[1], 1, macs=(other[0], A))
    )
    assert "flooding" not in told.story()
    assert "behind a hub" in told.story()


def test_an_address_that_moves_is_no_dispute_though_the_new_holder_speaks_before_it_announces_itself():
    moved = arp(1, (B, GATE[1]), ("00:00:00:00:00:00", GATE[1]), EVERYONE)
    takes_over = (
        (50, pong(GATE[1], ALICE[1], 1, macs=(B, A))),
        (60, moved),
        (61, pong(GATE[1], ALICE[1], 2, macs=(B, A))),
    )
    assert causes(*HEALTHY, *takes_over) == []
    handed_on = (62, pong(GATE[1], ALICE[1], 3, ttl=63, macs=(B, A)))
    assert causes(*HEALTHY, *takes_over, handed_on) != []


@pytest.mark.parametrize(("count", "gap", "is_answered", "is_told"), [
    (150, 0.001, False, True), (150, 0.001, True, True), (150, 0.5, False, False), (50, 0.001, False, False),
])  # fmt: skip
def test_one_question_far_oftener_than_a_host_asks_goes_round_in_a_loop(count, gap, is_answered, is_told):
    frames = [(gap * at, who_has(ALICE, BOB[1])) for at in range(count)]
    if is_answered:
        frames.append((gap * count, is_at(BOB, ALICE)))
    found = report(*frames).findings
    assert [one.values["requests"] for one in found if one.cause == "broadcast-storm"] == [count] * is_told
    assert len(found) == (is_told or not is_answered)
