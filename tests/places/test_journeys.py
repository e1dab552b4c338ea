from __future__ import annotations

import pytest
from packets import A, B, R, eth, icmp, ip, is_at, pcap, tcp, who_has
from two_places import INSIDE, OTHER, SERVER, Walk, datagram, of_kind, ping, segment

import explain

R_INNER, R_OUTER = "192.0.2.1", "198.51.100.1"
R2 = "00:00:5e:00:53:fd"


def asked(walk, inner=True):
    """The next hop was asked for on both sides, so it is known whose MACs these are."""
    walk.inner[:0] = [(0.0, who_has((A, INSIDE), R_INNER)), (0.001, is_at((R, R_INNER), (A, INSIDE)))]
    if inner:
        walk.outer[:0] = [
            (0.002 + walk.skew_s, who_has((R2, R_OUTER), SERVER)),
            (0.003 + walk.skew_s, is_at((B, SERVER), (R2, R_OUTER))),
        ]
    return walk


def test_a_ping_that_a_router_keeps_vanished_at_the_router():
    walk = Walk()
    walk.out(
        0.0,
        segment((INSIDE, 1), (SERVER, 80), 2, 1, ip_id=5),
        segment((INSIDE, 1), (SERVER, 80), 2, 1, ttl=63, ip_id=5),
    )
    walk.back(0.1, segment((SERVER, 80), (INSIDE, 1), 20, 0, 2, ttl=63), segment((SERVER, 80), (INSIDE, 1), 20, 0, 2))
    for seq in range(1, 4):
        walk.out(float(seq), ping(INSIDE, SERVER, seq, ip_id=seq), None)
    report = asked(walk).report()
    (lost,) = [one for one in of_kind(report, "journey") if one.outcome == "vanished"]
    assert (lost.fields.lost, lost.fields.stage, lost.fields.missing) == ("request", "router", 3)
    assert (lost.fields.last_seen.capture, lost.fields.due.capture) == (0, 1)
    (finding,) = [one for one in report.findings if one.cause == "echo-unanswered"]
    assert "filter-on-router-forward" in finding.rivals
    assert "filter-on-target-input" not in finding.rivals
    assert lost.id in finding.exchanges
    assert report.unexplained == ()


def test_a_ping_that_arrives_and_is_not_answered_vanished_at_the_target():
    walk = Walk()
    for seq in range(1, 4):
        walk.out(float(seq), ping(INSIDE, SERVER, seq, ip_id=seq), ping(INSIDE, SERVER, seq, ttl=63, ip_id=seq))
    report = asked(walk).report()
    (lost,) = of_kind(report, "journey")
    assert (lost.outcome, lost.fields.lost, lost.fields.stage) == ("vanished", "request", "target")
    assert lost.fields.last_seen.capture == 1
    (finding,) = report.findings
    assert "filter-on-target-input" in finding.rivals
    assert "pmtu-blackhole" not in finding.rivals


def test_a_reply_that_the_router_keeps_is_lost_on_the_way_back():
    walk = Walk()
    for seq in range(1, 4):
        walk.out(float(seq), ping(INSIDE, SERVER, seq, ip_id=seq), ping(INSIDE, SERVER, seq, ttl=63, ip_id=seq))
        walk.back(seq + 0.1, None, ping(SERVER, INSIDE, seq, ip_id=seq + 90, kind=0))
    (lost,) = of_kind(asked(walk).report(), "journey")
    assert (lost.outcome, lost.fields.lost, lost.fields.last_seen.capture) == ("vanished", "reply", 1)
    assert lost.fields.packet.src.address == SERVER


def test_a_refusal_that_never_comes_back_is_called_a_rst_and_not_a_syn_ack():
    walk, client, server = Walk(), (INSIDE, 40000), (SERVER, 81)
    for number in range(3):
        when, ip_id = 1.0 + number, number + 1
        walk.out(when, segment(client, server, 2, 7, ip_id=ip_id), segment(client, server, 2, 7, ttl=63, ip_id=ip_id))
        walk.back(when + 0.1, None, segment(server, client, 20, 0, 8, ip_id=ip_id + 50))
    report = asked(walk).report()
    (finding,) = report.findings
    assert (finding.values["case"], finding.values["answer"]) == ("reply-within", "RST")


@pytest.mark.parametrize("comes_through", [False, True])
def test_a_word_about_sizes_that_did_not_come_back_to_the_sender_is_no_fault_of_the_sender(comes_through):
    walk, client, server = Walk(), (INSIDE, 40000), (SERVER, 80)
    for number in range(5):
        when, large = (
            1.0 + number,
            [segment(client, server, 16, 7, 9, b"y" * 1400, ttl, number + 1) for ttl in (64, 63)],
        )
        walk.out(when, *large)
        about = ip("203.0.113.9", INSIDE, 1, icmp(3, 4, 1300, large[1][:28]), 64, number + 70)
        walk.back(when + 0.01, about if comes_through else None, about)
    report = asked(walk).report()
    (finding,) = [one for one in report.findings if "mtu" in one.values]
    assert (finding.cause, finding.values["case"]) == (
        ("path-mtu-exceeded", "unheeded") if comes_through else ("pmtu-blackhole", "kept-back")
    )
    assert ("icmp.error.unheard" in [line.message for line in report.lines]) != comes_through


def test_one_lost_packet_leaves_every_cause_that_silence_has():
    walk = Walk()
    walk.out(1.0, ping(INSIDE, SERVER, 1), ping(INSIDE, SERVER, 1, ttl=63))
    for place in (walk.inner, walk.outer):  # both recordings go on for long enough
        place.append((40.0, eth(A, B, 0x800, datagram((OTHER, 5), ("192.0.2.255", 138), b"here"))))
    (finding,) = asked(walk).report().findings
    assert "forwarding-disabled" in finding.rivals
    assert finding.certainty == "possible"


def test_a_frame_that_the_other_end_of_a_cable_does_not_show_was_lost_on_the_link():
    first = [(0.0, who_has((A, INSIDE), SERVER)), (0.01, is_at((B, SERVER), (A, INSIDE)))]
    requests = [(float(seq), eth(A, B, 0x800, ping(INSIDE, SERVER, seq, ip_id=seq))) for seq in range(1, 4)]
    report = explain.explain(pcap(*first, *requests), pcap((0.004, first[0][1]), (0.006, first[1][1])))
    (lost,) = of_kind(report, "journey")
    assert (lost.fields.stage, lost.fields.last_seen.capture, lost.fields.due.capture) == ("link", 0, 1)


def test_one_journey_tells_a_conversation_whatever_the_number_of_packets():
    walk = Walk()
    for seq in range(1, 50):
        walk.out(seq * 0.1, ping(INSIDE, SERVER, seq, ip_id=seq), ping(INSIDE, SERVER, seq, ttl=63, ip_id=seq))
        walk.back(
            seq * 0.1 + 0.01,
            ping(SERVER, INSIDE, seq, ttl=63, ip_id=seq, kind=0),
            ping(SERVER, INSIDE, seq, ip_id=seq, kind=0),
        )
    report = walk.report()
    assert [one.outcome for one in of_kind(report, "journey")] == ["delivered"]
    assert len(of_kind(report, "icmp.echo")) == 1
    assert not report.findings


def test_a_datagram_that_nobody_answers_has_not_vanished():
    walk = Walk()
    walk.out(
        0.0, datagram((INSIDE, 5), (SERVER, 514), b"log", ip_id=3), datagram((INSIDE, 5), (SERVER, 514), b"log", 63, 3)
    )
    assert [one.outcome for one in of_kind(walk.report(), "journey")] == ["delivered"]


def test_segments_that_a_card_merged_are_still_one_conversation():
    client, server = (INSIDE, 40000), (SERVER, 80)

    def data(seq, octets, ttl, ip_id):
        return ip(
            client[0], server[0], 6, tcp(*client[:1], *server[:1], client[1], server[1], 16, seq, 9, octets), ttl, ip_id
        )

    walk = Walk()
    walk.out(0.0, segment(client, server, 2, 1, ip_id=1), segment(client, server, 2, 1, ttl=63, ip_id=1))
    walk.back(0.01, segment(server, client, 18, 8, 2, ttl=63), segment(server, client, 18, 8, 2))
    walk.out(0.02, data(2, bytes(2000), 64, 2), None)
    walk.out(0.02, None, data(2, bytes(1000), 63, 2))
    walk.out(0.021, None, data(1002, bytes(1000), 63, 3))
    walk.back(0.03, segment(server, client, 16, 9, 2002, ttl=63), segment(server, client, 16, 9, 2002))
    assert [one.outcome for one in of_kind(walk.report(), "journey")] == ["delivered"]


def test_a_single_place_has_no_journeys():
    walk = Walk()
    walk.out(0.0, ping(INSIDE, SERVER, 1), None)
    assert not of_kind(explain.explain(pcap(*walk.inner)), "journey")


def test_frames_that_look_alike_and_were_seen_unequally_often_are_said_to_be_followed_nowhere():
    same, far = (datagram((INSIDE, 1), (SERVER, 9), b"", ttl) for ttl in (64, 63))
    walk = Walk()
    for second in range(3):
        walk.out(float(second), same, far if second else None)
    told = [line for line in walk.report().lines if line.message == "story.ambiguous"]
    assert [line.values["count"] for line in told] == [5]


def test_a_flood_of_one_frame_is_told_with_no_more_places_than_saw_it():
    walk = Walk()
    for number in range(2000):
        walk.out(number * 0.0001, ping(INSIDE, SERVER, 1), ping(INSIDE, SERVER, 1, ttl=63))
    report = walk.report()
    (journey,) = of_kind(report, "journey")
    (way,) = [line.values["way"] for line in report.lines if line.message == "journey.way"]
    assert [sight.capture for sight in journey.fields.seen] == [0] * 8 + [1] * 8
    assert len(way) == 2


def test_a_packet_for_a_mac_that_nobody_has_is_told_with_no_place_beyond():
    walk = Walk()
    for second in range(3):
        walk.out(float(second), ping(INSIDE, SERVER, second), ping(INSIDE, SERVER, second, ttl=63))
    told = [line.values["next"] for line in walk.report().lines if line.message == "journey.vanished.wire"]
    assert told == [""]


def test_a_journey_ends_by_the_clock_of_its_asker():
    walk = Walk(skew_s=1000.0)
    for seq in range(1, 4):
        asked, reply = ping(INSIDE, SERVER, seq, ip_id=seq), ping(SERVER, INSIDE, seq, ip_id=seq + 50, kind=0)
        walk.out(float(seq), asked, ping(INSIDE, SERVER, seq, ttl=63, ip_id=seq))
        walk.back(seq + 0.01, None, reply)
    (journey,), (echo,) = (of_kind(walk.report(), kind) for kind in ("journey", "icmp.echo"))
    assert (journey.start_ns, journey.end_ns) == (echo.start_ns, echo.end_ns)


def run_of_pings(skew_s=0.4, requests=(), replies=(), unrecorded=()):
    """Ten pings over a router, of which some requests and replies are lost there; the outer place misses others."""
    walk = Walk(skew_s)
    for seq in range(1, 11):
        came = seq not in requests
        near, far = ping(INSIDE, SERVER, seq, ip_id=seq), ping(INSIDE, SERVER, seq, ttl=63, ip_id=seq)
        walk.out(float(seq), near, far if came and seq not in unrecorded else None)
        if came:
            back = ping(SERVER, INSIDE, seq, kind=0, ttl=63, ip_id=seq + 90)
            far = ping(SERVER, INSIDE, seq, kind=0, ip_id=seq + 90)
            walk.back(seq + 0.1, back if seq not in replies else None, far)
    return asked(walk).report()


def test_each_stretch_on_which_pings_of_a_run_were_lost_is_told_with_its_packets():
    report = run_of_pings(requests=(2, 8), replies=(5, 6, 9))
    (journey,) = of_kind(report, "journey")
    there, back = journey.fields.lost_pings
    assert (there.lost, there.packets, there.capture, there.next_capture, there.routers) == ("request", 2, 0, 1, 1)
    assert (back.lost, back.packets, back.capture, back.next_capture, back.holes) == ("reply", 3, 1, 0, 0)
    story = " ".join(report.story().split())
    lost_between = "passed stream and are missing at stream: lost between these two"
    assert f"2 requests to {SERVER} {lost_between}." in story
    assert f"3 replies of {SERVER} {lost_between}, on the way back." in story


def test_where_all_losses_lie_on_one_stretch_the_finding_names_it_and_holds_the_lost_replies():
    (finding,) = run_of_pings(requests=(2, 8), replies=(5, 6, 9)).findings
    assert (finding.cause, finding.values["case"], finding.values["pattern"]) == ("partial-loss", "between", "spread")
    (outer,) = [one for one in finding.evidence if one.capture == 1]
    assert sum(last - first + 1 for first, last in outer.frames) == 16  # 8 requests came, 8 replies left


def test_what_a_recording_with_gaps_lacks_is_no_proof_of_a_loss_there():
    report = run_of_pings(requests=(3,), unrecorded=(5, 7))
    (journey,) = of_kind(report, "journey")
    (lost,) = journey.fields.lost_pings
    assert (lost.packets, lost.holes) == (1, 2)
    assert report.findings[0].values["case"] != "between"
    assert "the recording there also lacks 2 packets that did pass" in " ".join(report.story().split())


def test_syns_that_passed_one_place_and_not_the_next_were_lost_between_them_and_the_server_is_not_to_blame():
    walk, client, server = Walk(), (INSIDE, 40000), (SERVER, 80)
    for number in range(3):  # the third one arrives
        near = segment(client, server, 2, 700, ip_id=5 + number)
        far = segment(client, server, 2, 700, ttl=63, ip_id=5 + number)
        walk.out(1.0 + number, near, far if number == 2 else None)
    steps = ((1, 18, 900, 701, b""), (0, 16, 701, 901, b""), (0, 24, 701, 901, b"GET"), (1, 16, 901, 704, b""))
    for number, (is_back, flags, seq, ack, data) in enumerate(steps):
        ends = (server, client) if is_back else (client, server)
        fresh = segment(*ends, flags, seq, ack, data, ip_id=50 + number)
        aged = segment(*ends, flags, seq, ack, data, ttl=63, ip_id=50 + number)
        send = walk.back if is_back else walk.out
        send(3.01 + number / 100, *((aged, fresh) if is_back else (fresh, aged)))
    report = asked(walk).report()
    (journey,) = of_kind(report, "journey")
    (lost,) = journey.fields.lost_segments
    assert (lost.is_from_server, lost.segments, lost.capture, lost.next_capture) == (False, 2, 0, 1)
    (finding,) = report.findings
    assert finding.values["case"] == "syns-between"
    assert {"tcp-accept-queue-full", "filter-on-target-input"}.isdisjoint(finding.rivals)


def test_between_two_clocks_a_time_is_told_no_more_exactly_than_they_are_known():
    def told(skew_s, ttl, is_answered):
        walk = Walk(skew_s)
        walk.out(1.0, ping(INSIDE, SERVER, 1, ip_id=1), ping(INSIDE, SERVER, 1, ttl=ttl, ip_id=1))
        near = ping(SERVER, INSIDE, 1, kind=0, ttl=ttl, ip_id=2)
        walk.back(1.001, near, ping(SERVER, INSIDE, 1, kind=0, ip_id=2) if is_answered else None)
        return " ".join(asked(walk).report().story().split())

    assert "a router passed it on in 1 ms:" in told(0.0, 63, True)
    assert "2 routers passed it on in 1 ms:" in told(0.0, 62, True)
    assert "2 routers passed it on, in 12.5 ms at most:" in told(5.0, 62, True)
    assert "1 router passed it on; how fast, the two clocks do not tell." in told(5.0, 63, False)


def test_where_nobody_listened_behind_a_router_nothing_is_said_of_it():
    """The SYNs pass two places of one router's sides, and what lies behind the next router was not recorded."""
    walk, client, server = Walk(), (INSIDE, 40000), (SERVER, 81)
    for number in range(3):
        ways = [segment(client, server, 2, 7, ip_id=number + 1, ttl=ttl) for ttl in (64, 63)]
        walk.out(1.0 + number, *ways)
    walk.outer.insert(0, (19.0, who_has((R2, "203.0.113.2"), "203.0.113.3")))
    walk.outer.insert(1, (19.1, is_at((B, "203.0.113.3"), (R2, "203.0.113.2"))))
    (finding,) = walk.report().findings
    assert "stage" not in finding.values
    assert {"filter-on-router-forward", "filter-on-target-input"} <= {*finding.rivals}


def _refused_once(walk, ttl):
    """A connection that opens and closes, and another one whose SYNs a router on the way keeps."""
    client, server = (INSIDE, 40000), (SERVER, 80)
    walk.out(0.0, segment(client, server, 2, 1), segment(client, server, 2, 1, ttl=ttl))
    walk.back(0.1, segment(server, client, 20, 0, 2, ttl=ttl), segment(server, client, 20, 0, 2))
    for number in range(3):
        walk.out(1.0 + number, segment((INSIDE, 40001), (SERVER, 81), 2, 7, ip_id=number + 5), None)
    return asked(walk).report()


@pytest.mark.parametrize(("ttl", "case"), [(63, "request-within"), (61, "request-between")])
def test_a_packet_that_misses_the_next_place_is_lost_in_the_routers_that_others_pass_on_the_way_there(ttl, case):
    report = _refused_once(Walk(), ttl)
    (lost,) = [one for one in of_kind(report, "journey") if one.outcome == "vanished"]
    assert (lost.fields.stage, lost.fields.due.capture, lost.fields.routers) == ("router", 1, 64 - ttl)
    (finding,) = [one for one in report.findings if one.cause == "tcp-syn-unanswered"]
    assert (finding.values["case"], finding.values["routers"]) == (case, 64 - ttl)


def test_a_connection_that_an_error_turned_away_was_answered_by_who_sent_it():
    walk = Walk()
    for number in range(3):
        syns = [segment((INSIDE, 40000), (SERVER, 80), 2, 7, ttl=ttl, ip_id=number + 1) for ttl in (64, 63)]
        walk.out(1.0 + number, *syns)
        walk.back(1.5 + number, *(ip(OTHER, INSIDE, 1, icmp(3, 1, 0, syns[1][:28]), ttl) for ttl in (63, 64)))
    (told,) = of_kind(asked(walk).report(), "journey")
    assert (told.outcome, told.fields.speaker) == ("answered-elsewhere", OTHER)


def test_a_syn_that_a_translation_passed_on_arrived_at_whom_it_was_passed_on_to():
    walk = Walk()
    for number in range(3):
        ends = (OTHER, 40000 + number), (R_OUTER, 80)
        near = segment(*ends, 2, 7000 + number, ip_id=number + 1)
        walk.out(1.0 + number, near, segment(ends[0], (SERVER, 80), 2, 7000 + number, ttl=63, ip_id=number + 1))
    (finding,) = asked(walk).report().findings
    assert (finding.values["case"], finding.values["turned"]) == ("request-translated", SERVER)


def test_who_answers_a_private_address_elsewhere_knows_a_way_back_to_it():
    walk, server = Walk(), (SERVER, 80)
    client = ("10.0.0.5", 40000)
    walk.out(0.0, segment(client, server, 2, 1), segment(client, server, 2, 1, ttl=63))
    walk.back(0.1, segment(server, client, 20, 0, 2, ttl=63), segment(server, client, 20, 0, 2))
    for seq in range(1, 4):
        walk.out(float(seq), ping(client[0], SERVER, seq, ip_id=seq), ping(client[0], SERVER, seq, ttl=63, ip_id=seq))
    assert "masquerade-missing" not in [one.cause for one in asked(walk).report().findings]


def test_what_a_translation_brings_back_to_a_private_address_shows_no_way_back_to_it():
    """Its connections are translated, and its pings are let out as they are."""
    walk, server = Walk(), (SERVER, 80)
    client, outside = ("10.0.0.5", 40000), (R_OUTER, 40000)
    walk.out(0.0, segment(client, server, 2, 1), segment(outside, server, 2, 1, ttl=63))
    walk.back(0.1, segment(server, client, 20, 0, 2, ttl=63), segment(server, outside, 20, 0, 2))
    for seq in range(1, 4):
        walk.out(float(seq), ping(client[0], SERVER, seq, ip_id=seq), ping(client[0], SERVER, seq, ttl=63, ip_id=seq))
    assert "masquerade-missing" in [one.cause for one in asked(walk).report().findings]
