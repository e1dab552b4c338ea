"""Causes of connections that opened well, of errors that a host sends to itself, and what is no trouble at all."""

from __future__ import annotations

from hashlib import sha256

import pytest
from packets import A, B, R, error, eth, ip, is_at, packed, pcap, ping, pong, segment, tcp, who_has

import explain
from explain.causes.diagnose import diagnose
from explain.cli.ping.witnesses import Given, gather

ALICE, BOB, ROUTER, NEAR = "192.0.2.1", "198.51.100.1", "192.0.2.254", "192.0.2.2"
CLIENT, SERVER = (ALICE, 40000), (BOB, 80)
FIN, SYN, RST, ACK = 1, 2, 4, 16


def to(flags, seq, ack=0, data=b"", **more):
    return segment(CLIENT, SERVER, flags, seq=seq, ack=ack, data=data, **more)


def back(flags, seq, ack=0, data=b"", **more):
    return segment(SERVER, CLIENT, flags, (B, A), seq=seq, ack=ack, data=data, **more)


OPENED = [(0.0, to(SYN, 100)), (0.01, back(SYN | ACK, 500, 101)), (0.02, to(ACK, 101, 501))]
ASKED = [*OPENED, (0.03, to(ACK, 101, 501, b"x" * 10)), (0.04, back(ACK, 501, 111))]


def found(*frames):
    report = explain.explain(pcap(*frames))
    return [finding.cause for finding in report.findings], report.unexplained


def test_a_server_that_takes_its_time_is_told_from_the_network():
    slow = [*ASKED, (2.5, back(ACK, 501, 111, b"y" * 10)), (2.51, to(ACK, 111, 511))]
    assert found(*slow) == (["server-slow"], ())
    quick = [*ASKED, (0.2, back(ACK, 501, 111, b"y" * 10)), (0.21, to(ACK, 111, 511))]
    assert found(*quick) == ([], ())


def test_a_client_that_gives_up_on_a_mute_server_met_an_application_that_hangs():
    assert found(*ASKED, (4.5, to(FIN | ACK, 111, 501)), (4.51, back(ACK, 501, 112)))[0] == ["tcp-application-hangs"]


@pytest.mark.parametrize(("is_sent_again", "causes"), [(True, ["partial-loss"]), (False, [])])
def test_segments_that_come_late_with_the_number_of_their_turn_are_not_lost(is_sent_again, causes):
    frames = list(OPENED)
    for turn in range(12):
        late = turn % 3 == 0
        number = 100 + turn + (40 if is_sent_again and late else 0)
        body = tcp(ALICE, BOB, 40000, 80, ACK, seq=101 + 10 * turn, ack=501, data=b"x" * 10)
        frame = eth(A, B, 0x800, ip(ALICE, BOB, 6, body, ident=number))
        frames.append((0.1 + 0.05 * turn + (0.12 if late else 0), frame))
    assert found(*sorted(frames, key=lambda one: one[0]), (0.9, back(ACK, 501, 221)))[0] == causes


@pytest.mark.parametrize("is_mixed", [False, True])
def test_frames_that_a_recording_mixed_are_not_taken_for_losses(is_mixed):
    sent = [eth(A, B, 0x800, ip(ALICE, BOB, 6, tcp(ALICE, BOB, 40000, 80, ACK, seq=101 + 10 * turn, ack=501,
            data=b"x" * 10), ident=0)) for turn in range(12)]  # fmt: skip
    confirmed = [back(ACK, 501, 111 + 10 * turn) for turn in range(12)]
    talk = [frame for pair in zip(sent, confirmed, strict=True) for frame in pair]
    order = [at * 7 % 24 for at in range(24)] if is_mixed else [*range(9), 8, 8, 8, *range(9, 24)]
    report = explain.explain(pcap(*OPENED, *((0.1 + at / 4, talk[one]) for at, one in enumerate(order))))
    assert [one.cause for one in report.findings] == ([] if is_mixed else ["partial-loss"])
    assert ("tcp.mixed" in [line.message for line in report.lines]) == is_mixed


def test_a_server_that_closes_without_answering_a_request_does_not_hang():
    request = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"
    asked = [*OPENED, (0.03, to(ACK, 101, 501, request)), (0.04, back(ACK, 501, 101 + len(request)))]
    ends = 101 + len(request)
    closed = [(0.05, back(FIN | ACK, 501, ends)), (0.06, to(FIN | ACK, ends, 502)), (0.07, back(ACK, 502, ends + 1))]
    assert found(*asked, *closed) == (["tcp-application-closes"], ())


def test_an_upload_that_is_closed_at_once_is_no_trouble():
    done = [(0.05, to(FIN | ACK, 111, 501)), (0.06, back(FIN | ACK, 501, 112)), (0.07, to(ACK, 112, 502))]
    assert found(*ASKED, *done) == ([], ())


@pytest.mark.parametrize(
    ("pause", "ttl", "cause"),
    [(0.05, 64, "tcp-application-closes"), (5.0, 64, "tcp-half-open"), (0.05, 250, "rst-by-middlebox")],
)
def test_what_a_reset_answers_and_from_how_far_it_comes_tells_causes_apart(pause, ttl, cause):
    cut = [(pause, to(ACK, 111, 501, b"x" * 10)), (pause + 0.01, back(RST, 501, ttl=ttl))]
    assert found(*ASKED, *cut) == ([cause], ())


@pytest.mark.parametrize(
    ("own", "ttl", "cause"),
    [
        (63, 62, "tcp-half-open"), (63, 64, "rst-by-middlebox"), (1, 64, "tcp-half-open"), (255, 64, "tcp-half-open"),
        (250, 64, "rst-by-middlebox"),
    ],
)  # fmt: skip
def test_a_reset_that_nobody_has_handed_on_comes_of_no_host_whose_packets_were(own, ttl, cause):
    talk = [ASKED[0], (0.01, back(SYN | ACK, 500, 101, ttl=own)), *ASKED[2:4], (0.04, back(ACK, 501, 111, ttl=own))]
    (only,) = explain.explain(pcap(*talk, (5.0, to(ACK, 111, 501, b"x")), (5.01, back(RST, 501, ttl=ttl)))).findings
    assert (only.cause, "idle-timeout-in-middlebox" in only.rivals) == (cause, True)


@pytest.mark.parametrize(("is_client", "case"), [(True, "client"), (False, None)])
def test_who_answers_with_a_reset_after_a_pause_is_who_has_forgotten(is_client, case):
    talk = [*ASKED, (0.05, back(ACK, 501, 111, b"y" * 10)), (0.06, to(ACK, 111, 511))]
    pushed = (5.0, back(ACK, 511, 111, b"z" * 10)), (5.01, to(RST, 111))
    asked = (5.0, to(ACK, 111, 511, b"z" * 10)), (5.01, back(RST, 511))
    (only,) = explain.explain(pcap(*talk, *(pushed if is_client else asked))).findings
    assert (only.cause, only.values.get("case")) == ("tcp-half-open", case)
    assert only.values.get("client") == (ALICE if is_client else None)


def test_a_client_that_ends_with_a_reset_what_it_has_just_been_told_has_forgotten_nothing():
    talk = [*ASKED, (0.05, back(ACK, 501, 111, b"y" * 10)), (2.0, back(ACK, 511, 111, b"z" * 10))]
    (only,) = explain.explain(pcap(*talk, (3.1, to(RST | ACK, 111, 521)))).findings
    assert (only.cause, only.values["case"]) == ("tcp-application-closes", "client")


def test_a_keep_alive_that_is_answered_with_a_reset_met_a_host_that_has_forgotten():
    talk = [*ASKED, (0.05, back(ACK, 501, 111, b"y" * 10)), (0.06, to(ACK, 111, 511))]
    assert found(*talk, (5.0, to(ACK, 110, 511)), (5.01, back(RST, 511)))[0] == ["tcp-half-open"]


def test_two_syns_that_cross_open_one_connection_whose_answers_are_told_of_who_sent_them():
    crossed = [(0.0, to(SYN, 100)), (0.01, back(SYN, 500)), (0.02, to(SYN | ACK, 100, 501))]
    lines = explain.explain(pcap(*crossed, (0.03, back(SYN | ACK, 500, 101)), (0.04, to(ACK, 101, 501)))).lines
    frames = {line.message: line.evidence[0].frames for line in lines if line.evidence}
    assert (frames["tcp.syn.crossed"], frames["tcp.synack.first"]) == (((1, 2),), ((4, 4),))


def test_a_client_that_answers_the_syn_ack_with_a_reset_was_reached():
    refusing = explain.explain(pcap(*OPENED[:2], (0.02, to(RST, 101))))
    (finding,) = refusing.findings
    assert (finding.cause, finding.rivals) == ("tcp-handshake-unfinished", ("hairpin-nat-missing", "rst-by-middlebox"))
    assert "answers the SYN-ACK with RST" in " ".join(refusing.story().split())
    (silent,) = explain.explain(pcap(*OPENED[:2])).findings
    assert "filter-on-sender-input" in silent.rivals


INSIDE = (NEAR, 8080)
ASKS = segment(CLIENT, SERVER, SYN, (A, R), seq=100)
ANSWER = segment(INSIDE, CLIENT, SYN | ACK, (B, A), seq=7, ack=101)
REFUSES = segment(CLIENT, INSIDE, RST, (A, B), seq=101)


def turned(macs=(R, B), ttl=63, seq=100):
    """The SYN to the server, as a router makes one to the host inside of it."""
    return segment(CLIENT, INSIDE, SYN, macs, ttl=ttl, seq=seq)


@pytest.mark.parametrize(
    ("frames", "case"),
    [((ASKS, turned(), ANSWER, REFUSES), None), ((ASKS, ANSWER, REFUSES), None), ((ASKS, turned()), "turned")],
)
def test_a_router_that_turns_a_syn_back_to_its_link_without_its_own_address_is_one_finding(frames, case):
    seen = [(one.cause, one.values["from"], one.values.get("case")) for one in explain.explain(pcap(*frames)).findings]
    assert seen == [("hairpin-nat-missing", NEAR, case)]


@pytest.mark.parametrize("other", [turned(macs=(A, B)), turned(ttl=64), turned(seq=200)])
def test_another_syn_of_the_same_client_is_none_that_a_router_turned_back(other):
    assert "hairpin-nat-missing" not in found(ASKS, other)[0]


def test_keep_alives_that_nobody_answers_mean_that_the_host_or_the_way_is_gone():
    asked = [(second, to(ACK, 110, 501)) for second in (60.0, 61.0, 62.0)]
    gone = explain.explain(pcap(*ASKED, *asked, (63.0, to(RST | ACK, 111, 501)))).findings[0]
    assert (gone.cause, gone.values["case"], gone.values["silent"]) == ("idle-timeout-in-middlebox", "keep-alive", BOB)
    answered = [(second + 0.01, back(ACK, 501, 111)) for second, _ in asked]
    there = explain.explain(pcap(*sorted(ASKED + asked + answered), (63.0, to(RST | ACK, 111, 501)))).findings[0]
    assert there.cause == "tcp-application-hangs"


@pytest.mark.parametrize("is_sent_again", [False, True])
def test_only_what_is_sent_again_after_the_last_answer_is_sent_in_vain(is_sent_again):
    """Where ACKs without data were filtered out, the last new data has no answer either."""
    healed = [(1.0 + at, to(ACK, seq, 501, b"x" * 10)) for at, seq in enumerate((111, 111, 121, 121, 131, 131))]
    healed.append((7.0, back(ACK, 501, 141)))
    last = [(60.0 + at, to(ACK, 141 + (0 if is_sent_again else 10 * at), 501, b"x" * 10)) for at in range(4)]
    (finding,) = explain.explain(pcap(*ASKED, *healed, *last)).findings
    assert finding.cause == ("idle-timeout-in-middlebox" if is_sent_again else "partial-loss")
    resent = [frame for one in finding.evidence for pair in one.frames for frame in range(pair[0], pair[1] + 1)]
    assert resent == ([14, 15, 16] if is_sent_again else [7, 9, 11])


@pytest.mark.parametrize(
    ("is_closed", "pause", "case"),
    [(True, 9.0, "segments-vain-closed"), (False, 9.0, "vain"), (False, 0.1, "segments-vain-end")],
)
def test_a_fin_that_is_sent_again_and_again_is_no_loss_that_was_repaired(is_closed, pause, case):
    before = [(0.05, back(FIN | ACK, 501, 111)), (0.06, to(ACK, 111, 502))] if is_closed else []
    fins = [(pause + at, to(FIN | ACK, 111, 502 if is_closed else 501)) for at in (0.1, 0.4, 1.0, 2.2)]
    (finding,) = explain.explain(pcap(*ASKED, *before, *fins)).findings
    assert (finding.values["case"], finding.values["resent"]) == (case, 3)
    assert "pmtu-blackhole" not in finding.rivals


@pytest.mark.parametrize("is_heard", [True, False])
def test_of_a_side_that_was_not_recorded_nobody_knows_what_it_confirms(is_heard):
    """The other one confirms more and more, so it hears it."""
    answer = [(0.04 + at, back(ACK, 501, 111 + (at > 0) * is_heard, b"x" * 1000)) for at in (0, 0.3, 0.9, 2.1, 4.5)]
    (finding,) = explain.explain(pcap(*answer)).findings
    assert (finding.values.get("case") == "segments-vain") is not is_heard


def tried(fate, number, server=SERVER, ttls=(64, 64)):
    """A connection that ends so (``taken``, ``refused`` or ``silent``), the next one 10 s later."""
    start, client, seq = number * 10.0, (ALICE, 41000 + number), 1000 * number + 100
    frames = [(start, segment(client, server, SYN, ttl=ttls[0], seq=seq))]
    if fate != "silent":
        flags = SYN | ACK if fate == "taken" else RST | ACK
        frames.append((start + 0.01, segment(server, client, flags, (B, A), ttls[1], seq=500, ack=seq + 1)))
    if fate == "taken":
        both = (ACK, FIN | ACK)
        frames += [(start + 0.02, segment(client, server, flags, ttl=ttls[0], seq=seq + 1, ack=501)) for flags in both]
        frames.append((start + 0.03, segment(server, client, FIN | ACK, (B, A), ttls[1], seq=501, ack=seq + 2)))
    return frames


@pytest.mark.parametrize(
    ("fates", "cause", "case"),
    [
        (("refused", "taken"), "tcp-no-listener", "opened"),
        (("taken", "refused", "refused"), "tcp-no-listener", "ended"),
        (("refused", "taken", "refused"), "tcp-no-listener", None),
        (("silent", "silent", "taken"), "tcp-syn-unanswered", "opened"),
        (("taken", "silent", "silent"), "tcp-syn-unanswered", "ended"),
    ],
)
def test_what_a_service_does_at_other_times_is_held_against_its_refusals(fates, cause, case):
    frames = [frame for number, fate in enumerate(fates) for frame in tried(fate, number)]
    (finding,) = explain.explain(pcap(*frames, (60.0, who_has((A, ALICE), NEAR)))).findings[:1]
    assert (finding.cause, finding.values.get("case")) == (cause, case)


def test_a_port_that_refuses_until_it_is_passed_on_lacked_its_rule():
    wan = [*tried("refused", 0), *tried("taken", 1)]
    lan = tried("taken", 1, ("10.0.0.2", 8080), (63, 65))
    (finding, *_) = explain.explain(pcap(*wan), pcap(*lan)).findings
    assert (finding.cause, finding.values["real"], finding.values["frame"]) == ("dnat-missing", "10.0.0.2", 3)


def test_nothing_between_hosts_resets_a_connection_of_a_host_with_itself():
    def ends(client, server):
        frames = [
            (0.0, segment(client, server, SYN, seq=100)),
            (0.01, segment(server, client, SYN | ACK, (B, A), seq=500, ack=101)),
            (0.02, segment(client, server, ACK, seq=101, ack=501, data=b"x")),
            (0.03, segment(server, client, RST | ACK, (B, A), seq=501, ack=102)),
        ]
        return explain.explain(pcap(*frames)).findings[0]

    assert "rst-by-middlebox" in ends(CLIENT, SERVER).rivals
    home = ends((ALICE, 40000), (ALICE, 80))
    assert (home.cause, "rst-by-middlebox" in home.rivals) == ("tcp-application-closes", False)


@pytest.mark.parametrize(("octets", "is_large"), [(10, False), (600, True)])
def test_losses_of_several_connections_to_one_service_are_counted_together(octets, is_large):
    def lossy(port, start):
        ends = (ALICE, port), SERVER
        opened = [segment(*ends, SYN, seq=100), segment(*ends[::-1], SYN | ACK, (B, A), seq=500, ack=101)]
        sent = [
            segment(*ends, ACK, seq=101 + octets * turn, ack=501, data=bytes(octets)) for turn in (0, 0, 1, 1, 2, 2)
        ]
        heard = segment(*ends[::-1], ACK, (B, A), seq=501, ack=101 + 3 * octets)
        return [(start + at, frame) for at, frame in enumerate([*opened, *sent, heard])]

    (finding,) = explain.explain(pcap(*lossy(40000, 0.0), *lossy(40001, 20.0))).findings
    assert (finding.values["count"], finding.values["resent"], finding.values["segments"]) == (2, 6, 18)
    assert ("pmtu-blackhole" in finding.rivals) == is_large  # no limit of size loses small segments


def test_what_asks_at_a_closed_window_is_no_keep_alive():
    closed = [(0.05, back(ACK, 501, 111, window=0)), (0.5, to(ACK, 110, 501)), (0.51, back(ACK, 501, 111, window=0))]
    story = " ".join(explain.explain(pcap(*ASKED, *closed, (1.5, back(ACK, 501, 111)))).story().split())
    assert "asked once whether the closed window is open again" in story
    assert "keep-alive" not in story


def test_two_programs_of_one_host_are_told_apart_by_the_port_of_the_reader():
    there, here = ("127.0.0.1", 40000), ("127.0.0.1", 5555)
    frames = [
        (0.0, segment(there, here, SYN, seq=100)), (0.01, segment(here, there, SYN | ACK, seq=500, ack=101)),
        (0.02, segment(there, here, ACK, seq=101, ack=501, data=b"x" * 10)),
        *((at, segment(here, there, ACK, seq=501, ack=111, window=0)) for at in (0.03, 0.9, 2.0)),
        (3.0, segment(here, there, ACK, seq=501, ack=111)),
    ]  # fmt: skip
    (finding,) = explain.explain(pcap(*frames)).findings
    assert (finding.cause, finding.values["reader"], finding.values["port"]) == ("client-slow", "127.0.0.1", 5555)


def test_a_syn_that_was_answered_otherwise_is_not_called_unanswered():
    """A side that still knows an old connection confirms that one; RST clears it (RFC 9293, 3.5.1)."""
    old = [(0.0, to(SYN, 100)), (0.01, back(ACK, 501, 111)), (0.02, to(RST, 111)), (1.0, to(SYN, 100))]
    story = explain.explain(pcap(*old, (1.01, back(SYN | ACK, 900, 101)), (1.02, to(ACK, 101, 901)))).story()
    assert "The SYN was sent again once" in story


def test_a_handshake_of_which_only_the_answer_was_recorded_is_not_called_unrecorded():
    story = explain.explain(pcap(OPENED[1], (0.03, back(ACK, 501, 111, b"hello")))).story()
    assert "the SYN-ACK was recorded" in " ".join(story.split())


SHUT = [*OPENED, (0.03, back(FIN | ACK, 501, 101)), (0.04, to(ACK, 101, 502))]


def diagnosed(frames, folder):
    path = folder / "talk.pcap"
    path.write_bytes(pcap(*frames).getvalue())
    given = Given(captures=(f"pc:eth0={path}",), command=f"nc -w 3 {BOB} 80", sender="pc")
    return [cause.cause for cause in diagnose(gather(given)).causes]


def test_a_server_that_closes_only_its_half_takes_what_the_client_still_sends(tmp_path):
    upload = [*SHUT, (0.05, to(ACK, 101, 502, b"x" * 100)), (0.06, back(ACK, 502, 201))]
    assert found(*upload) == ([], ())
    named = diagnosed(upload, tmp_path)
    assert named[0] == "healthy"
    assert "tcp-application-closes" not in named


def test_a_client_that_closes_its_half_still_gets_its_answer(tmp_path):
    half = [*ASKED, (0.05, to(FIN | ACK, 111, 501)), (0.06, back(ACK, 501, 112)), (0.1, back(ACK, 501, 112, b"y" * 9))]
    assert found(*half) == ([], ())
    assert diagnosed(half, tmp_path)[0] == "healthy"


def test_a_server_that_closes_without_a_word_closes(tmp_path):
    named = diagnosed([*SHUT, (0.05, to(FIN | ACK, 101, 502)), (0.06, back(ACK, 502, 102))], tmp_path)
    assert named[0] == "tcp-application-closes"
    assert "filter-on-sender-input" not in named, "the handshake was confirmed"


def test_segments_that_were_lost_and_sent_again_are_no_trouble(tmp_path):
    again = [*OPENED, *((when, to(ACK, 101, 501, b"x" * 10)) for when in (0.03, 0.25, 0.7))]
    lossy = [*again, (0.71, back(ACK, 501, 111, b"y" * 10)), (0.72, to(FIN | ACK, 111, 511))]
    assert found(*lossy)[0] == []
    assert diagnosed(lossy, tmp_path)[0] == "healthy"


def test_a_reset_after_a_fin_is_one_way_to_be_done():
    done = [(0.05, back(FIN | ACK, 501, 111, b"")), (0.06, to(RST | ACK, 111, 502))]
    assert found(*ASKED[:4], (0.04, back(ACK, 501, 111, b"y")), *done) == ([], ())


@pytest.mark.parametrize(
    ("code", "cause"),
    [(1, "destination-host-absent-on-link"), (13, "filter-on-sender-output"), (0, "reject-route-on-sender")],
)
def test_an_error_that_a_host_sends_to_itself_is_about_the_host(code, cause):
    asked = ping(ALICE, NEAR, 1)
    assert found(asked, error(ALICE, 3, code, asked, macs=(A, A)))[0] == [cause]


def test_an_error_explains_the_ping_that_was_recorded_after_it():
    asked = [ping(ALICE, BOB, seq) for seq in (1, 2)]
    said = [error(ROUTER, 3, 0, one) for one in asked]
    assert found(said[1], *asked, said[0]) == (["no-route-on-router"], ())


def test_an_error_about_an_answer_means_that_the_way_back_fails():
    answer = pong(BOB, ALICE, 1)
    assert found(ping(ALICE, BOB, 1), answer, error(ROUTER, 3, 0, answer))[0] == ["no-return-route-on-router"]


def test_silence_in_the_last_second_of_a_longer_capture_proves_nothing():
    before = [(0.0, ping(ALICE, NEAR, 1)), (0.01, pong(NEAR, ALICE, 1))]
    assert found(*before, (5.0, to(SYN, 1))) == ([], ())
    assert found(*before, (5.0, to(SYN, 1)), (6.5, ping(ALICE, NEAR, 2)), (6.51, pong(NEAR, ALICE, 2)))[0] == [
        "tcp-syn-unanswered"
    ]


def test_pings_without_a_source_address_come_of_a_host_that_has_none():
    assert found(*(ping("0.0.0.0", NEAR, seq) for seq in (1, 2, 3)))[0] == ["sender-no-address"]  # noqa: S104


def test_what_is_sent_to_an_address_that_nobody_has_is_a_consequence():
    questions = [(float(second), who_has((A, ALICE), NEAR)) for second in range(3)]
    causes, unexplained = found(*questions, (0.5, ping(ALICE, NEAR, 1)), (1.5, ping(ALICE, NEAR, 2)))
    assert (causes, unexplained) == (["destination-host-absent-on-link"], ())


def test_a_reply_that_comes_twice_is_told():
    once = [(0.0, ping(ALICE, BOB, 1)), (0.01, pong(BOB, ALICE, 1))]
    assert found(*once) == ([], ())
    assert found(*once, (0.02, pong(BOB, ALICE, 1)))[0] == ["duplicated-packets"]


def test_a_reply_too_many_does_not_make_up_for_those_that_are_missing():
    pings = [(float(seq), ping(ALICE, BOB, seq)) for seq in range(1, 7)]
    replies = [(seq + 0.01, pong(BOB, ALICE, seq)) for seq in (1, 2, 4, 6, 6)]
    causes, unexplained = found(*sorted(pings + replies, key=lambda one: one[0]), (20.0, who_has((A, ALICE), BOB)))
    assert (causes[:2], unexplained) == (["partial-loss", "duplicated-packets"], ())


def test_a_redirect_is_no_reason_for_pings_without_any_answer():
    pings = [(float(seq), ping(ALICE, BOB, seq, macs=(A, R))) for seq in range(1, 6)]
    redirect = error(ROUTER, 5, 1, pings[0][1], int.from_bytes(packed("192.0.2.253"), "big"))
    silent, hint = explain.explain(
        pcap(pings[0], (1.01, redirect), *pings[1:], (20.0, who_has((A, ALICE), BOB)))
    ).findings[:2]
    assert (silent.cause, hint.cause) == ("echo-unanswered", "icmp-redirect")
    assert silent.rivals[0] == "icmp-redirect"  # replies may come back by the better router, past this place


def test_a_redirect_to_the_one_who_sent_the_packet_shows_a_loop():
    out, back_again = ping(ALICE, BOB, 1, macs=(A, R), ttl=63), ping(ALICE, BOB, 1, macs=(R, A), ttl=62)
    redirect = error(ROUTER, 5, 1, out, int.from_bytes(packed(ALICE), "big"))
    (loop,) = explain.explain(pcap(out, redirect, back_again)).findings
    assert (loop.cause, loop.certainty, loop.values["case"]) == ("routing-loop", "likely", "handed-back")
    answered = explain.explain(pcap(out, redirect, back_again, pong(BOB, ALICE, 1))).findings
    assert [one.cause for one in answered] == ["icmp-redirect"]


def test_an_error_of_a_kind_without_a_cause_is_not_told_as_silence():
    asked = ping(ALICE, BOB, 1, macs=(A, R))
    report = explain.explain(pcap(asked, error(ROUTER, 12, 0, asked)))
    (finding,) = report.findings
    assert (finding.cause, len(finding.exchanges), report.unexplained) == ("echo-unanswered", 2, ())
    assert "No error came back" not in " ".join(report.story("en").split())


def test_a_router_that_asks_for_its_own_neighbours_is_overheard_by_a_host():
    frames = [who_has((A, ALICE), ROUTER), is_at((R, ROUTER), (A, ALICE)), who_has((R, ROUTER), NEAR)]
    assert found(*frames, (0.2, ping(ALICE, BOB, 1, macs=(A, R))), (0.21, pong(BOB, ALICE, 1, macs=(R, A))))[0] == []


def refused(ttl, *more):
    """A port behind a router that says RST; the router's MAC is known by ARP."""
    known = [(0.0, who_has((A, ALICE), ROUTER)), (0.001, is_at((R, ROUTER), (A, ALICE)))]
    no = segment(SERVER, CLIENT, RST | ACK, (R, A), seq=0, ack=101, ttl=ttl)
    asked = [(0.1, to(SYN, 100, macs=(A, R))), (0.101, no)]
    report = explain.explain(pcap(*known, *asked, *more))
    return [(one.cause, one.certainty, "tcp-no-listener" in one.rivals) for one in report.findings]


def test_a_refusal_with_a_whole_ttl_out_of_a_router_was_written_by_the_router():
    assert refused(63) == [("tcp-no-listener", "likely", False)]
    assert refused(64) == [("filter-on-router-forward", "possible", True)]
    # The host itself was heard with a hop less: the refusal is not its own.
    passed = [(0.2, ping(ALICE, BOB, 1, macs=(A, R))), (0.21, pong(BOB, ALICE, 1, macs=(R, A), ttl=63))]
    assert refused(64, *passed) == [("filter-on-router-forward", "likely", False)]
    # It was heard with the very same: it lives there, or nobody takes from the TTL.
    home = [(0.2, ping(ALICE, BOB, 1, macs=(A, R))), (0.21, pong(BOB, ALICE, 1, macs=(R, A)))]
    assert refused(64, *home) == [("tcp-no-listener", "likely", False)]


def test_who_sent_the_reset_is_said_and_what_it_cannot_have_forgotten():
    """A side that has spoken a moment ago has not forgotten the connection; the server's filter refuses no server."""
    talk = [*ASKED, (0.05, back(ACK, 501, 111, b"y" * 10))]
    frames = {"client": (*talk, (0.06, to(RST | ACK, 111, 511))), None: (*talk, (0.06, back(RST | ACK, 511, 111)))}
    for case, sent in frames.items():
        (finding,) = explain.explain(pcap(*sent)).findings
        assert (finding.cause, finding.values.get("case")) == ("tcp-application-closes", case)
        assert not {"tcp-half-open", "idle-timeout-in-middlebox"} & {*finding.rivals}
        assert ("filter-on-target-input" in finding.rivals) == (case is None)


def _resends(size):
    """A download of segments of one size, some of which are sent twice, and all confirmed."""
    frames, seq, at = [*ASKED], 501, 0.05
    for number in range(40):
        for pause in (0.0, 0.3)[: 1 + (number % 10 == 9)]:
            at += 0.01 + pause
            frames.append((at, back(ACK, seq, 111, b"z" * size)))
        seq += size
    return [*frames, (at + 0.01, to(ACK, 111, seq))]


def test_losses_of_segments_as_large_as_others_that_arrive_are_not_blamed_on_their_size():
    assert found_rivals(*_resends(1448)) == ("corrupted-packets",)


def found_rivals(*frames):
    (finding,) = explain.explain(pcap(*frames)).findings
    assert finding.cause == "partial-loss"
    return finding.rivals


@pytest.mark.parametrize(("is_confirmed", "case"), [(False, "segments-deaf"), (True, "segments-beyond")])
def test_who_goes_on_sending_and_confirms_nothing_more_is_not_reached(is_confirmed, case):
    frames = [*ASKED, (0.1, to(ACK, 111, 501, b"x" * 14))]
    for turn in range(5):
        due = 501 + 10 * turn
        frames += [(turn + 1, to(ACK, 111, due, b"x" * 14)), (turn + 1.1, back(ACK, due, 111, b"y" * 10))]
    done = [(5.3, back(ACK, 551, 125))] if is_confirmed else []
    (only,) = explain.explain(pcap(*frames, (5.2, to(ACK, 125, 551)), *done)).findings
    assert (only.cause, only.values["case"]) == ("partial-loss", case)


def test_a_large_segment_whose_octets_had_not_arrived_in_a_small_one_is_not_too_large():
    frames = [
        *ASKED,
        (0.1, back(ACK, 501, 111, b"y" * 200)),
        (0.2, to(ACK, 111, 701)),
        (0.3, back(ACK, 701, 111, b"y")),
    ]
    frames += [(turn, back(ACK, 701, 111, b"y" * 600)) for turn in (1, 2, 4, 8)]
    (only,) = explain.explain(pcap(*frames)).findings
    assert only.cause == "partial-loss"


@pytest.mark.parametrize(("window", "mss", "is_told"), [(63, 1460, True), (63, 63, False), (64, 1460, False)])
def test_segments_as_long_as_the_bare_window_mean_that_its_scale_is_not_known(window, mss, is_told):
    offers = b"\x02\x04" + mss.to_bytes(2, "big") + b"\x03\x03\x0a\x00"
    frames = [(0.0, to(SYN, 100, options=offers)), (0.01, back(SYN | ACK, 500, 101, options=offers))]
    frames += [(0.02, to(ACK, 101, 501, b"x", window=window))]
    for turn in range(20):
        due = 501 + 63 * turn
        frames += [
            (0.1 + turn / 10, back(ACK, due, 102, b"y" * 63)),
            (0.12 + turn / 10, to(ACK, 102, due + 63, window=window)),
        ]
    assert ("tcp.window-literal" in lines_of(*frames)) == is_told


def test_who_had_closed_too_is_not_said_to_have_spoken_too_late():
    frames = [*ASKED, (0.1, to(ACK, 111, 501, b"x" * 20)), (0.11, to(FIN | ACK, 131, 501))]
    frames += [(0.12, back(ACK, 501, 111, b"y" * 20)), (0.13, back(FIN | ACK, 521, 111)), (0.14, to(RST, 111))]
    assert "tcp-application-closes" not in found(*frames, (0.2, back(RST, 501)))[0]


def test_what_was_refused_at_last_was_not_cut_off_for_a_while_only():
    sent = [(at, back(ACK, 501, 111, b"y" * 10)) for at in (0.1, 1.0, 2.0, 4.0, 8.0)]
    reports = explain.explain(pcap(*ASKED, *sent, (8.1, to(RST, 111)))).findings
    assert "silence" not in [one.values.get("case") for one in reports]


@pytest.mark.parametrize(("asked", "case"), [((0.0, 1.0), "declined-late"), ((0.0,), "declined")])
def test_a_client_that_asked_again_before_it_declined_had_waited_too_long(asked, case):
    syns = [(at, to(SYN, 100)) for at in asked]
    (only,) = explain.explain(pcap(*syns, (2.5, back(SYN | ACK, 500, 101)), (2.51, to(RST, 101)))).findings
    assert (only.cause, only.values["case"]) == ("tcp-handshake-unfinished", case)


@pytest.mark.parametrize(("copies", "case"), [((1.0, 2.0), "silence"), ((2.0,), "segments-beyond")])
def test_a_reader_that_is_silent_for_a_while_was_cut_off_and_not_one_packet_in_a_hundred_lost(copies, case):
    sent = [(0.1 + step / 100, back(ACK, 501 + 10 * step, 111, b"y" * 10)) for step in range(5)]
    again = [(at, back(ACK, 501, 111, b"y" * 10)) for at in copies]
    rest = [(3.1 + step / 100, back(ACK, 501 + 10 * step, 111, b"y" * 10)) for step in range(1, 5)]
    (only,) = explain.explain(
        pcap(*ASKED, *sent, *again, (3.0, to(ACK, 111, 511)), *rest, (3.2, to(ACK, 111, 551)))
    ).findings
    assert (only.cause, only.values["case"]) == ("partial-loss", case)


@pytest.mark.parametrize(("rest", "cause"), [(1.5, "partial-loss"), (4.0, "idle-timeout-in-middlebox")])
def test_a_connection_is_forgotten_after_a_long_rest_only(rest, cause):
    at = 0.04 + rest
    again = [(at + wait, to(ACK, 111, 501, b"q" * 10)) for wait in (0.0, 0.3, 0.9, 2.1, 4.5)]
    (finding,) = explain.explain(pcap(*ASKED, *again)).findings
    assert (finding.cause, "target-interface-down" in finding.rivals) == (cause, True)


@pytest.mark.parametrize(("confirmed", "case"), [(0.001, "near"), (0.1, None)])
def test_who_confirms_much_sooner_than_a_round_trip_is_not_the_server(confirmed, case):
    opened = [(0.0, to(SYN, 100)), (0.16, back(SYN | ACK, 500, 101)), (0.161, to(ACK, 101, 501))]
    asked = [(0.2, to(ACK, 101, 501, b"x" * 10)), (0.2 + confirmed, back(ACK, 501, 111))]
    (finding,) = explain.explain(
        pcap(*opened, *asked, (4.0, back(ACK, 501, 111, b"y")), (4.1, to(ACK, 111, 502)))
    ).findings
    assert (finding.cause, finding.values.get("case")) == ("server-slow", case)
    assert finding.rivals == (("partial-loss",) if case else ())


def test_a_host_that_answers_elsewhere_is_not_down_though_a_connection_to_it_is_dead():
    again = [(3.0 + wait, to(ACK, 111, 501, b"q" * 10)) for wait in (0.0, 0.3, 0.9, 2.1, 4.5)]
    lives = [(5.0, ping(ALICE, BOB, 1)), (5.01, pong(BOB, ALICE, 1))]
    (finding,) = explain.explain(pcap(*sorted([*ASKED, *again, *lives]))).findings
    assert "target-interface-down" not in finding.rivals


def test_a_silent_port_of_a_host_that_takes_other_connections_has_no_cause_that_would_strike_all_of_them():
    syns = [(at, segment((ALICE, 40001), (BOB, 8009), SYN, seq=7)) for at in (0.0, 1.0, 3.0)]
    (finding,) = explain.explain(pcap(*sorted([*ASKED, *syns]))).findings
    assert finding.cause == "tcp-syn-unanswered"
    assert {"filter-on-target-input", "name-resolves-to-wrong-address"} < {*finding.rivals}
    assert not {"forwarding-disabled", "no-return-route-on-target", "no-route-on-router"} & {*finding.rivals}


@pytest.mark.parametrize(("is_confirmed", "case"), [(True, "outage"), (False, "segments-vain-small")])
def test_one_segment_sent_again_until_it_is_confirmed_is_an_outage(is_confirmed, case):
    again = [(0.5 + wait, to(ACK, 111, 501, b"q" * 10)) for wait in (0.0, 0.3, 0.9, 2.1, 4.5)]
    end = [(5.1, back(ACK, 501, 121)), (5.2, to(FIN | ACK, 121, 501)), (5.3, back(FIN | ACK, 501, 122))]
    (finding,) = explain.explain(pcap(*ASKED, *again, *(end if is_confirmed else []))).findings
    assert (finding.cause, finding.values["case"]) == ("partial-loss", case)
    assert finding.values.get("lost_ns") == (4_500_000_000 if is_confirmed else None)


@pytest.mark.parametrize(("flags", "letters"), [(0, "none"), (FIN, "F"), (FIN | 8 | 32, "FPU"), (ACK, ".")])
def test_lone_segments_that_open_nothing_at_many_ports_are_a_scan(flags, letters):
    probes = [(port / 1000, segment((ALICE, 50000), (BOB, port), flags, seq=7)) for port in range(20, 60)]
    resets = [
        (port / 1000 + 0.0005, segment((BOB, port), (ALICE, 50000), RST | ACK, (B, A), ack=8)) for port in range(20, 59)
    ]
    (finding,) = explain.explain(pcap(*sorted([*probes, *resets]))).findings
    values = finding.values
    assert (values["case"], values["flags"], values["ports"], values["silent"]) == ("stealth", letters, 40, 1)


def test_a_server_that_ends_many_old_connections_scans_nobody():
    ends = [
        (port / 1e5, segment((BOB, 443), (ALICE, port), FIN | ACK, (B, A), seq=7, ack=9)) for port in range(4000, 4040)
    ]
    assert "stealth" not in [one.values.get("case") for one in explain.explain(pcap(*ends)).findings]


@pytest.mark.parametrize(("again", "case"), [(False, "flood"), (True, None)])
def test_many_syns_from_many_addresses_that_nobody_repeats_are_a_flood(again, case):
    syns = [
        (after + number / 1000, segment((f"203.0.113.{number % 100}", 5000 + number), SERVER, SYN, seq=number))
        for after in (0.0, 1.0)[: 1 + again]
        for number in range(100)
    ]
    (finding,) = explain.explain(pcap(*syns, (3.0, segment(CLIENT, (BOB, 81), SYN)))).findings[:1]
    assert (finding.cause, finding.values.get("case")) == ("tcp-syn-unanswered", case)
    assert finding.values.get("clients") == (100 if case else None)


def sack(start, end, *more):
    """The option SACK behind two NOPs (RFC 2018, 3)."""
    blocks = b"".join(number.to_bytes(4, "big") for number in (start, end, *more))
    return b"\x01\x01\x05" + bytes([2 + len(blocks)]) + blocks


@pytest.mark.parametrize("has_come_twice", [False, True])
def test_what_the_receiver_says_that_it_had_already_was_not_lost(has_come_twice):
    frames = list(ASKED)
    for turn in range(4):
        at, seq = 0.1 + turn, 501 + 10 * turn
        option = sack(seq, seq + 10) if has_come_twice else b""
        frames += [
            (at, back(ACK, seq, 111, b"y" * 10)), (at + 0.3, back(ACK, seq, 111, b"y" * 10)),
            (at + 0.31, to(ACK, 111, seq + 10)), (at + 0.32, to(ACK, 111, seq + 10, options=option)),
        ]  # fmt: skip
    report = explain.explain(pcap(*frames))
    assert [one.cause for one in report.findings] == ([] if has_come_twice else ["partial-loss"])
    told = [line.message for line in report.lines]
    assert ("tcp.resent-needless" in told, "tcp.resent" in told) == (has_come_twice, not has_come_twice)


@pytest.mark.parametrize(
    ("shift", "cause"), [(0, "partial-loss"), (1 << 30, "tcp-sack-shifted"), (-(1 << 30), "tcp-sack-shifted")]
)
def test_blocks_of_sack_far_from_all_that_was_sent_mean_that_somebody_counts_anew(shift, cause):
    frames = list(ASKED)
    for turn in range(4):
        at, seq = 0.1 + turn, 501 + 20 * turn
        option = sack((seq + 10 + shift) % 2**32, (seq + 20 + shift) % 2**32)
        frames += [
            (at, back(ACK, seq, 111, b"y" * 10)), (at + 0.01, back(ACK, seq + 10, 111, b"y" * 10)),
            (at + 0.02, to(ACK, 111, seq, options=option)),
            (at + 0.3, back(ACK, seq, 111, b"y" * 10)), (at + 0.31, to(ACK, 111, seq + 20)),
        ]  # fmt: skip
    (only,) = explain.explain(pcap(*frames)).findings
    assert (only.cause, only.values["resent"]) == (cause, 4)


def test_a_stray_reset_that_nobody_obeys_makes_no_loss_of_what_follows():
    frames = [*ASKED, (0.1, back(ACK, 501, 111, b"y" * 10)), (0.2, back(RST, 9_000_000, ttl=200))]
    for turn in range(6):
        seq = 511 + 10 * turn
        frames += [(0.3 + turn / 10, back(ACK, seq, 111, b"y" * 10)), (0.31 + turn / 10, to(ACK, 111, seq + 10))]
    report = explain.explain(pcap(*frames))
    assert [(one.cause, one.certainty) for one in report.findings] == [("rst-by-middlebox", "likely")]
    assert "tcp.resent" not in [line.message for line in report.lines]


@pytest.mark.parametrize("goes_on", [False, True])
def test_who_goes_on_after_a_reset_did_not_write_it(goes_on):
    answered = [*ASKED, (0.1, back(ACK, 501, 111, b"y" * 10)), (0.2, to(RST, 111))]
    report = explain.explain(pcap(*answered, *([(2.0, to(FIN | ACK, 111, 511))] if goes_on else [])))
    (only,) = report.findings
    assert (only.cause, only.values.get("case")) == (
        ("rst-by-middlebox", "survived") if goes_on else ("tcp-application-closes", "client")
    )


@pytest.mark.parametrize(("more", "case"), [(2, "client"), (4, "survived")])
def test_who_still_confirms_what_comes_did_not_write_the_reset(more, case):
    sent = [(0.05 + turn / 1000, back(ACK, 501 + 10 * turn, 111, b"y" * 10)) for turn in range(6)]
    confirmed = [(0.0602 + turn / 1000, to(ACK, 111, 511 + 10 * turn)) for turn in range(more)]
    refused = [(0.0603 + turn / 1000, back(RST, 511 + 10 * turn)) for turn in range(more)]
    frames = sorted((*ASKED, *sent, (0.06, to(RST, 111)), *confirmed, *refused), key=lambda one: one[0])
    report = explain.explain(pcap(*frames))
    assert [one.values["case"] for one in report.findings] == [case]
    told = {line.message: line.evidence[0].frames for line in report.lines if line.evidence}
    assert told["tcp.reset"] == ((12, 12),)
    assert sum(last - first + 1 for first, last in told["tcp.reset-too"]) == more


def test_a_few_ports_of_one_host_that_refuse_are_one_finding():
    frames = []
    for turn, port in enumerate((21, 22, 25, 22)):
        ends = (ALICE, 40000 + turn), (BOB, port)
        frames += [
            (turn, segment(*ends, SYN, seq=100)), (turn + 0.01, segment(*ends[::-1], RST | ACK, (B, A), ack=101)),
        ]  # fmt: skip
    (only,) = explain.explain(pcap(*frames)).findings
    assert (only.cause, only.values["ports"], only.values["count"]) == ("tcp-no-listener", [21, 22, 25], 4)


def test_a_connection_that_suffers_from_damage_alone_is_no_second_finding():
    frames = list(ASKED)
    for turn in range(8):
        at, whole = 0.1 + turn, back(ACK, 501 + 10 * turn, 111, b"y" * 10)
        if turn % 2:
            frames += [(at, whole[:-1] + b"z")]
            at += 0.3
        frames += [(at, whole), (at + 0.1, to(ACK, 111, 511 + 10 * turn))]
    report = explain.explain(pcap(*frames))
    assert [(one.cause, len(one.exchanges)) for one in report.findings] == [("corrupted-packets", 1)]


@pytest.mark.parametrize("is_heeded", [True, False])
def test_a_sender_that_does_not_heed_what_a_router_says_about_sizes_is_told_as_such(is_heeded):
    def sent(number, size):
        body = tcp(BOB, ALICE, 80, 40000, ACK, seq=501, ack=111, data=b"y" * size)
        return eth(B, A, 0x800, ip(BOB, ALICE, 6, body, ident=number, flags=0x4000))

    frames = list(ASKED)
    for turn in range(4):
        at, whole = 0.1 + turn, sent(100 + turn, 1000 if is_heeded and turn else 1400)
        frames += [(at, whole)]
        if turn == 0 or not is_heeded:
            frames += [(at + 0.001, error(ROUTER, 3, 4, whole, word=1300, macs=(R, B)))]
    report = explain.explain(pcap(*frames))
    (case,) = [one.values.get("case") for one in report.findings if one.cause == "path-mtu-exceeded"]
    assert case == (None if is_heeded else "unheeded")
    assert ("tcp.resent-smaller" in [line.message for line in report.lines]) == is_heeded


def test_the_same_packet_twice_was_doubled_and_not_sent_again():
    def sent(turn):
        body = tcp(BOB, ALICE, 80, 40000, ACK, seq=501 + 10 * turn, ack=111, data=b"y" * 10)
        return eth(B, A, 0x800, ip(BOB, ALICE, 6, body, ident=20 + turn))

    frames = [*ASKED, *((0.1 + turn / 10, sent(turn)) for turn in range(8)), (0.87, sent(3))]
    messages = [line.message for line in explain.explain(pcap(*frames)).lines]
    assert "tcp.copied" in messages
    assert not {"tcp.resent", "tcp.out-of-order", "tcp.late"} & {*messages}


@pytest.mark.parametrize("has_passed", [False, True])
def test_a_loss_is_told_to_lie_before_or_behind_the_place_that_recorded_it(has_passed):
    frames = list(ASKED)
    for turn in range(6):
        at, seq = 0.1 + turn, 501 + 20 * turn
        lost, next_one = back(ACK, seq, 111, b"y" * 10), back(ACK, seq + 10, 111, b"y" * 10)
        frames += [(at, lost)] if has_passed else []
        frames += [(at + 0.01, next_one), (at + 0.4, lost), (at + 0.41, to(ACK, 111, seq + 20))]
    (only,) = explain.explain(pcap(*frames)).findings
    assert (only.values["case"], only.values["sender"]) == (
        "segments-beyond" if has_passed else "segments-before", BOB,
    )  # fmt: skip


@pytest.mark.parametrize(("syns", "causes"), [(2, []), (3, ["partial-loss"])])
def test_a_connection_that_comes_about_after_several_syns_made_somebody_wait(syns, causes):
    frames = [(turn, to(SYN, 100)) for turn in range(syns)]
    accepted = [(syns - 0.9, back(SYN | ACK, 500, 101)), (syns - 0.8, to(ACK, 101, 501))]
    assert found(*frames, *accepted)[0] == causes


def test_a_window_that_closes_and_never_opens_again_is_a_reader_that_does_not_read():
    full = [*OPENED, (0.03, to(ACK, 101, 501, b"x" * 10)), (0.04, back(ACK, 501, 111, window=0))]
    asked = [one for turn in range(1, 5)
             for one in ((turn, to(ACK, 110, 501)), (turn + 0.01, back(ACK, 501, 111, window=0)))]  # fmt: skip
    (only,) = explain.explain(pcap(*full, *asked)).findings
    assert (only.cause, only.values["reader"], only.values["closed_ns"]) == ("client-slow", BOB, 3_960_000_000)


def test_a_request_that_was_lost_is_told_apart_from_the_way_in_what_the_answer_took():
    lost = [*OPENED, (0.03, to(ACK, 101, 501, b"x" * 10)), (0.43, to(ACK, 101, 501, b"x" * 10))]
    report = explain.explain(pcap(*lost, (0.45, back(ACK, 501, 111, b"y" * 10))))
    (line,) = [line for line in report.lines if line.message.startswith("tcp.waited")]
    assert (line.message, line.values["lost_ns"]) == ("tcp.waited-lost", 400_000_000)


def test_two_syn_acks_at_once_that_two_syns_called_for_are_no_copies():
    def accept():
        body = tcp(BOB, ALICE, 80, 40000, SYN | ACK, seq=500, ack=101)
        return eth(B, A, 0x800, ip(BOB, ALICE, 6, body, ident=0))

    frames = [(0.0, to(SYN, 100)), (0.01, accept()), (1.0, accept()), (1.0001, to(SYN, 100)), (1.0002, accept())]
    messages = [line.message for line in explain.explain(pcap(*frames, (1.1, to(ACK, 101, 501)))).lines]
    assert "tcp.recorded-twice" not in messages


@pytest.mark.parametrize(("status", "verdict"), [(b"503 No", "story.server-errors"), (b"404 No", "story.healthy")])
def test_a_server_that_says_that_it_failed_itself_stands_in_the_verdict(status, verdict):
    asked, said = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n", b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"
    frames = [*OPENED, (0.03, to(ACK, 101, 501, asked)), (0.05, back(ACK, 501, 101 + len(asked), said))]
    report = explain.explain(pcap(*frames))
    assert (report.lines[0].message, list(report.findings)) == (verdict, [])


@pytest.mark.parametrize(
    ("said", "closes_s", "case"),
    [
        (b"", 0.03, ["mute"]),
        (b"", 9.0, []),
        (b"hello", 0.05, ["unheard"]),
        (b"GET / HTTP/1.1\r\n\r\n", 0.05, ["unanswered"]),
    ],
)
def test_who_closes_at_once_and_without_a_word_is_named_once(said, closes_s, case):
    end = 101 + len(said)
    asked = [(0.03, to(ACK, 101, 501, said)), (0.04, back(ACK, 501, end))] if said else []
    over = [(closes_s, back(FIN | ACK, 501, end)), to(FIN | ACK, end, 502), back(ACK, 502, end + 1)]
    report = explain.explain(pcap(*OPENED, *asked, *over))
    assert [(one.cause, one.values["case"]) for one in report.findings] == [
        ("tcp-application-closes", one) for one in case
    ]


def test_a_client_that_only_looks_whether_somebody_listens_is_no_trouble():
    assert found(*OPENED, (0.03, to(FIN | ACK, 101, 501)), back(FIN | ACK, 501, 102), to(ACK, 102, 502)) == ([], ())


def lines_of(*frames):
    return {line.message: line.values for line in explain.explain(pcap(*frames)).lines}


@pytest.mark.parametrize(("taken", "message"), [(10, "tcp.syn-data"), (0, "tcp.syn-data-left")])
def test_data_in_a_syn_is_told_with_what_the_server_made_of_it(taken, message):
    opened = [(0.0, to(SYN, 100, data=b"x" * 10)), (0.01, back(SYN | ACK, 500, 101 + taken))]
    assert lines_of(*opened, (0.02, to(ACK, 101 + taken, 501)))[message]["octets"] == 10


def test_what_is_urgent_is_told_where_it_carries_data():
    assert lines_of(*ASKED, (0.1, to(ACK | 0x20, 111, 501, b"!")))["tcp.urgent"]["count"] == 1
    assert "tcp.urgent" not in lines_of(*ASKED, (0.1, to(ACK | 0x20, 111, 501)))


def test_what_a_reset_carries_is_no_data_of_the_connection():
    told = lines_of(*ASKED, (0.1, back(RST | ACK, 501, 111, b"blocked")))
    assert (told["tcp.data"]["segments"], told["tcp.data"]["bytes_to_client"]) == (1, 0)
    assert told["tcp.reset-data"]["octets"] == 7


def test_a_syn_with_data_that_found_no_answer_is_told_apart_from_the_one_without():
    opened = [(0.0, to(SYN, 100, data=b"x" * 10)), (1.0, to(SYN, 100)), (1.01, back(SYN | ACK, 500, 101))]
    told = lines_of(*opened, (1.02, to(ACK, 101, 501, b"x" * 10)))
    assert "tcp.syn-data-lost" in told
    assert "tcp.syn-data-left" not in told


def test_a_connection_whose_syn_carries_data_is_not_the_same_again():
    def opened(port, seq, at, octets):
        client = (ALICE, port)
        return [
            (at, segment(client, SERVER, SYN, seq=seq, data=b"x" * octets)),
            (at + 0.01, segment(SERVER, client, SYN | ACK, (B, A), seq=500, ack=seq + 1 + octets)),
            (at + 0.02, segment(client, SERVER, ACK, seq=seq + 1 + octets, ack=501, data=b"x" * (10 - octets))),
        ]

    frames = [*opened(40000, 100, 0.0, 0), *opened(40001, 200, 1.0, 10)]
    assert "tcp.syn-data" in lines_of(*frames)


@pytest.mark.parametrize("agrees", [True, False])
def test_echoes_of_congestion_are_told_where_both_sides_agreed_on_them(agrees):
    opened = [
        (0.0, to(SYN | 0xC0, 100)), (0.01, back(SYN | ACK | (0x40 if agrees else 0), 500, 101)),
        (0.02, to(ACK, 101, 501)),
    ]  # fmt: skip
    marked = [(0.03, back(ACK, 501, 101, b"y" * 10)), (0.04, to(ACK | 0x40, 101, 511))]
    assert ("tcp.congested" in lines_of(*opened, *marked)) == agrees


@pytest.mark.parametrize(("offered", "is_scaled"), [(True, True), (True, False), (False, False)])
def test_a_window_without_a_scale_that_sets_the_pace_is_told(offered, is_scaled):
    scale = b"\x03\x03\x07\x01"
    frames = [(0.0, to(SYN, 100, options=scale * offered)), (0.1, back(SYN | ACK, 500, 101, options=scale * is_scaled))]
    frames += [(0.1, to(ACK, 101, 501)), (0.1, to(ACK, 101, 501, b"x"))]
    for turn in range(10):
        frames += [
            (0.2 + turn / 10, back(ACK, 501 + 60_000 * turn, 102, b"y" * 60_000)),
            (0.2001 + turn / 10, to(ACK, 102, 60_501 + 60_000 * turn, window=60_000)),
        ]  # fmt: skip
    told = lines_of(*frames)
    assert ("tcp.unscaled" in told) != is_scaled
    assert ("tcp.scale-declined" in told) == (offered and not is_scaled)
    if not is_scaled:
        assert (told["tcp.unscaled"]["window"], told["tcp.unscaled"]["rate"]) == (64_240, 642_400)


@pytest.mark.parametrize(
    ("offers", "lost", "lacking"),
    [((1, 0), 6, f"{BOB}:80"), ((0, 0), 6, f"{ALICE}:40000"), ((1, 1), 6, None), ((1, 0), 4, None)],
)
def test_that_gaps_are_not_told_one_by_one_is_said_where_much_was_sent_again(offers, lost, lacking):
    sack = [b"\x04\x02\x01\x01" * is_offered for is_offered in offers]
    frames = [(0.0, to(SYN, 100, options=sack[0])), (0.01, back(SYN | ACK, 500, 101, options=sack[1]))]
    frames += [(0.02, to(ACK, 101, 501)), (0.03, to(ACK, 101, 501, b"x" * 10))]
    for turn in range(lost):
        frames += [(1 + turn + late, back(ACK, 501 + 100 * turn, 111, b"y" * 100)) for late in (0, 0.5)]
        frames.append((1.6 + turn, to(ACK, 111, 601 + 100 * turn)))
    told = lines_of(*frames).get("tcp.sack-missing")
    assert (told and told["lacking"]) == lacking


@pytest.mark.parametrize(("turns", "is_told"), [(30, True), (10, False)])
def test_a_tiny_window_sets_the_pace_of_few_data_too_if_it_was_waited_for_often(turns, is_told):
    scale = b"\x03\x03\x00\x01"
    frames = [(0.0, to(SYN, 100, options=scale)), (0.1, back(SYN | ACK, 500, 101, options=scale))]
    frames += [(0.1, to(ACK, 101, 501, window=1460)), (0.1, to(ACK, 101, 501, b"x", window=1460))]
    for turn in range(turns):
        frames += [
            (0.2 + turn / 10, back(ACK, 501 + 1460 * turn, 102, b"y" * 1460)),
            (0.2001 + turn / 10, to(ACK, 102, 1961 + 1460 * turn, window=1460)),
        ]  # fmt: skip
    assert ("tcp.window-limited" in lines_of(*frames)) == is_told


@pytest.mark.parametrize("is_known", [True, False])
def test_a_further_way_of_mptcp_is_told_with_the_connection_that_it_joins(is_known):
    key = bytes(range(8))
    token = sha256(key).digest()[:4] if is_known else b"\0\0\0\1"
    capable, join = b"\x1e\x0c\x01\x01" + key, b"\x1e\x0c\x10\x00" + token + b"\0\0\0\7"
    frames = [
        (0.0, to(SYN, 100, options=b"\x1e\x04\x01\x01")), (0.01, back(SYN | ACK, 500, 101, options=capable)),
        (0.02, to(ACK, 101, 501)), (0.1, segment((NEAR, 40001), SERVER, SYN, seq=7, options=join)),
        (0.11, segment(SERVER, (NEAR, 40001), SYN | ACK, (B, A), seq=9, ack=8)),
        (0.12, segment((NEAR, 40001), SERVER, ACK, seq=8, ack=10)),
    ]  # fmt: skip
    assert lines_of(*frames).get("tcp.subflow", {}).get("first") == (f"{ALICE}:40000" if is_known else None)


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_route_that_was_missing_for_a_while_is_told_as_that(comes_back):
    lost = back(ACK, 501, 111, b"y" * 10)
    frames = [*ASKED, (0.1, lost), (0.101, error(ROUTER, 3, 0, lost, macs=(R, B))), (3.0, lost)]
    later = [(3.1, to(ACK, 111, 511)), (3.2, to(FIN | ACK, 111, 511))] if comes_back else []
    (only,) = explain.explain(pcap(*frames, *later)).findings
    assert only.cause == "no-return-route-on-router"
    assert only.values.get("lost_ns") == (2_999_000_000 if comes_back else None)


def test_an_answer_that_was_sent_and_never_came_is_no_application_that_hangs():
    given_up = [(5.0, to(FIN | ACK, 111, 501)), (5.01, back(ACK, 1901, 112))]
    (only,) = explain.explain(pcap(*ASKED, *given_up)).findings
    assert (only.cause, only.values["missing"]) == ("pmtu-blackhole", 1400)


def test_a_server_that_only_repeats_its_syn_ack_has_not_got_the_ack():
    sent = [(turn, to(ACK, 101, 501, b"x" * 10)) for turn in (0.1, 0.4, 1.0, 2.2)]
    repeated = [(turn, back(SYN | ACK, 500, 101)) for turn in (1.1, 3.1)]
    (only,) = explain.explain(pcap(*sorted(OPENED + sent + repeated, key=lambda one: one[0]))).findings
    assert (only.cause, only.values["case"], only.values["times"]) == ("tcp-accept-queue-full", "accepts", 2)
    assert {"stateful-filter-asymmetric-path", "filter-on-router-forward"} <= {*only.rivals}


@pytest.mark.parametrize("has_crossed", [False, True])
@pytest.mark.parametrize(
    ("said", "next_", "case"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: b\r\n\r\n", "late"),
        (b"z" * 20, b"x" * 20, "shut-late"), (b"z" * 20, b"QUIT\r\n", None),
    ],
    ids=["HTTP", "another protocol", "a farewell"],
)  # fmt: skip
def test_what_a_client_says_on_a_connection_that_its_server_had_closed_is_told(has_crossed, said, next_, case):
    asked = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n" if case == "late" else b"y" * 20
    due, after = 101 + len(asked), 501 + len(said)
    closed = [(2.5, back(FIN | ACK, after, due)), (2.51, to(ACK, due, after + 1))]
    again = (2.49, to(ACK, due, after, next_)) if has_crossed else (2.6, to(ACK, due, after + 1, next_))
    frames = [*OPENED, (0.03, to(ACK, 101, 501, asked)), (0.05, back(ACK, 501, due, said)), (0.06, to(ACK, due, after))]
    frames += [*sorted((*closed[: 2 - has_crossed], again), key=lambda one: one[0]), (2.61, back(RST, after + 1))]
    findings = explain.explain(pcap(*frames)).findings
    assert [(one.cause, one.values["case"]) for one in findings] == ([("tcp-application-closes", case)] if case else [])


@pytest.mark.parametrize("is_outage", [True, False])
def test_what_was_lost_in_one_go_during_a_pause_is_an_outage(is_outage):
    frames = list(ASKED)
    for turn in range(10):
        at, seq = 0.1 + turn / 10, 501 + 10 * turn
        frames += [(at, back(ACK, seq, 111, b"y" * 10))] if is_outage or turn not in (2, 4, 6) else []
    if not is_outage:
        frames += [(1.2 + turn / 10, back(ACK, 501 + 10 * turn, 111, b"y" * 10)) for turn in (2, 4, 6)]
    frames += [(4.0, back(ACK, 651, 111, b"y" * 10)), (4.01, to(ACK, 111, 601))]
    frames += [(4.1 + turn / 10, back(ACK, 601 + 10 * turn, 111, b"y" * 10)) for turn in range(5 if is_outage else 0)]
    (only,) = explain.explain(pcap(*frames, (5.0, to(ACK, 111, 661)))).findings
    assert (only.cause, only.values["case"] == "pause") == ("partial-loss", is_outage)
    assert not is_outage or only.values["lost_ns"] == 3_000_000_000


def written_in_pieces(ack_after=0.04, rest_after=0.0101, is_answered=True, way=0.01):
    """Five requests in two pieces; the second comes so long after the ACK for the first."""
    frames, at, seq, due = list(OPENED), 0.1, 101, 501
    for _ in range(5):
        acked = at + way + ack_after
        rest = acked + rest_after
        frames += [
            (at, to(ACK, seq, due, b"h" * 40)), (acked, back(ACK, due, seq + 40)),
            (rest, to(ACK, seq + 40, due, b"b" * 90)),
        ]  # fmt: skip
        frames.append((rest + way, back(ACK, due, seq + 130, b"y" * 20 * is_answered)))
        at, seq, due = rest + way + 0.02, seq + 130, due + 20 * is_answered
    return frames


@pytest.mark.parametrize(
    ("played", "is_told"),
    [
        ({}, True),
        ({"ack_after": 0.2}, True),
        ({"ack_after": 0.001}, False),  # confirmed at once
        ({"ack_after": 0.7}, False),  # no ACK is delayed so long
        ({"rest_after": 0.04}, False),  # the program took its time
        ({"is_answered": False}, False),  # nobody waits for the rest
    ],
)
def test_the_end_of_a_message_that_waited_for_a_delayed_ack_is_told_as_that(played, is_told):
    findings = explain.explain(pcap(*written_in_pieces(**played))).findings
    assert [one.cause for one in findings] == (["tcp-nagle-delayed-ack"] if is_told else [])
    if is_told:
        (only,) = findings
        delay_ns = round(played.get("ack_after", 0.04) * 1e9)
        assert (only.values["case"], only.values["held"], only.rivals) == ("request", 5, ("client-slow",))
        assert only.values["each_ns"] == pytest.approx(delay_ns, abs=20_000)


def test_a_message_that_waits_once_for_an_ack_slows_nothing():
    assert found(*written_in_pieces()[:7])[0] == []


def test_a_pause_of_no_more_than_the_way_is_no_delayed_ack():
    opened = [(0.0, to(SYN, 100)), (0.05, back(SYN | ACK, 500, 101)), (0.051, to(ACK, 101, 501))]
    played = written_in_pieces(ack_after=0.001, rest_after=0.0011, way=0.05)[3:]
    assert found(*opened, *played)[0] == []


def test_a_reset_that_refused_the_first_syn_is_not_the_one_that_cuts_the_connection_off_later():
    refused = [(0.0, to(SYN, 100)), (0.01, back(RST | ACK, 0, 101))]
    later = [(0.5 + at, frame) for at, frame in ASKED]
    cut_off = [(0.9, back(ACK, 501, 111, b"y" * 10)), (1.0, to(ACK, 111, 511)), (1.2, back(RST, 511))]
    (only,) = explain.explain(pcap(*refused, *later, *cut_off)).findings
    assert (only.cause, only.values.get("case")) == ("tcp-application-closes", None)


def test_resets_with_other_rivals_are_counted_together():
    frames = []
    for turn in range(4):
        at, ends = 10.0 * turn, ((CLIENT[0], 41000 + turn), SERVER)
        pause = 0.5 if turn % 2 else 5.0  # after a long rest the server may have forgotten the connection
        for after, (one, other), flags, seq, ack, data in (
            (0, ends, SYN, 100, 0, b""), (0.01, ends[::-1], SYN | ACK, 500, 101, b""), (0.02, ends, ACK, 101, 501, b""),
            (0.03, ends, ACK, 101, 501, b"x"), (0.04, ends[::-1], ACK, 501, 102, b"y"),
            (0.04 + pause, ends[::-1], RST, 502, 102, b""),
        ):  # fmt: skip
            macs = (A, B) if one[0] == CLIENT[0] else (B, A)
            frames.append((at + after, segment(one, other, flags, macs, seq=seq, ack=ack, data=data)))
    (only,) = explain.explain(pcap(*frames)).findings
    assert (only.cause, only.values["count"], len(only.exchanges)) == ("tcp-application-closes", 4, 4)


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_single_octet_that_is_sent_until_it_is_confirmed_is_no_keep_alive(is_confirmed):
    talk = [*ASKED, (0.05, back(ACK, 501, 111, b"y" * 10)), (1.0, to(ACK, 111, 511, b"l"))]
    talk += [(1.01, back(ACK, 511, 112))] * is_confirmed
    again = [(1.0 + wait, to(ACK, 111, 511, b"l")) for wait in (0.2, 0.6, 1.4, 3.0)]
    frames = [*talk, *again, (4.1, back(ACK, 511, 112, b"l"))]
    assert found(*frames)[0] == ([] if is_confirmed else ["partial-loss"])
    assert ("tcp.keep-alive" in lines_of(*frames)) == is_confirmed
    assert ("tcp.resent" in lines_of(*frames)) != is_confirmed


@pytest.mark.parametrize(("window", "message"), [(30_000, "tcp.window-limited"), (60_000, None), (15_000, None)])
def test_a_small_window_that_sets_the_pace_is_told_and_one_that_is_exceeded_or_not_reached_is_not(window, message):
    """The window is twice as large as its field says, and 60,000 octets come in each round trip."""
    scale = b"\x03\x03\x01\x01"
    frames = [(0.0, to(SYN, 100, options=scale)), (0.1, back(SYN | ACK, 500, 101, options=scale))]
    frames += [(0.1, to(ACK, 101, 501, window=window)), (0.1, to(ACK, 101, 501, b"x", window=window))]
    for turn in range(10):
        frames += [
            (0.2 + turn / 10, back(ACK, 501 + 60_000 * turn, 102, b"y" * 60_000)),
            (0.2001 + turn / 10, to(ACK, 102, 60_501 + 60_000 * turn, window=window)),
        ]  # fmt: skip
    told = {"tcp.window-limited", "tcp.unscaled"} & {*lines_of(*frames)}
    assert told == ({message} if message else set())


@pytest.mark.parametrize(
    ("more", "is_told"),
    [
        ({}, True),
        ({"window": 12_000}, False),  # twice as many octets: what the receiver has room for may set the pace
        ({"later": 0.03}, False),  # by a clock of its own
        ({"growth": 1000}, False),  # a congestion window
        ({"asked": b"next"}, False),  # the client asks for each piece
    ],
)
def test_a_sender_that_holds_itself_back_is_told_and_what_else_may_set_the_pace_is_not(more, is_told):
    """Recorded beside the server: it sends the same amount each time that all before is confirmed."""
    scale, window, seq, ack = b"\x03\x03\x01\x01", more.get("window", 60_000), 501, 102
    frames = [(0.0, to(SYN, 100, options=scale)), (0.0001, back(SYN | ACK, 500, 101, options=scale))]
    frames += [(0.05, to(ACK, 101, 501, window=window)), (0.051, to(ACK, 101, 501, b"x", window=window))]
    for turn in range(16):
        at = 0.1 + (0.052 + more.get("later", 0)) * turn
        for piece in range(16 + turn * more.get("growth", 0) // 1000):
            frames.append((at + piece / 100_000, back(ACK, seq, ack, b"y" * 1000)))
            seq += 1000
        frames.append((at + 0.05, to(ACK, ack, seq, more.get("asked", b""), window=window)))
        ack += len(more.get("asked", b""))
    told = lines_of(*frames)
    assert ("tcp.sender-limited" in told) == is_told
    if is_told:
        assert (told["tcp.sender-limited"]["flight"], told["tcp.sender-limited"]["sender"]) == (16_000, f"{BOB}:80")


@pytest.mark.parametrize("grows", [True, False])
def test_a_queue_that_grows_under_load_is_told_by_the_time_that_acks_take(grows):
    frames = [*OPENED, (0.03, to(ACK, 101, 501, b"x"))]
    for turn in range(300):
        sent = 0.1 + 0.001 * turn
        frames.append((sent, back(ACK, 501 + 1000 * turn, 102, b"y" * 1000)))
        frames.append((sent + 0.02 + 0.003 * turn * grows, to(ACK, 102, 1501 + 1000 * turn)))
    told = lines_of(*sorted(frames, key=lambda one: one[0]))
    assert ("tcp.queued" in told) == grows
    if grows:
        assert told["tcp.queued"]["least_ns"] == 20_000_000
        assert told["tcp.queued"]["loaded_ns"] == pytest.approx(470_000_000, rel=0.02)


def test_a_syn_that_was_refused_before_the_next_was_accepted_is_no_forged_reset():
    """Windows asks again half a second after a refusal, and the service has come up meanwhile."""
    refused = [(0.0, to(SYN, 100)), (0.01, back(RST | ACK, 0, 101)), (0.5, to(SYN, 100))]
    opened = [(0.51, back(SYN | ACK, 500, 101)), (0.52, to(ACK, 101, 501)), (0.53, to(ACK, 101, 501, b"x" * 10))]
    talk = [(0.54, back(ACK, 501, 111, b"y" * 10)), (0.55, to(ACK, 111, 511)), (0.6, back(RST | ACK, 511, 111))]
    assert found(*refused, *opened, *talk)[0] == ["tcp-application-closes"]


def test_a_request_that_was_recorded_twice_was_not_lost():
    frames = [*OPENED, (0.03, to(ACK, 101, 501, b"x" * 10)), (0.03003, to(ACK, 101, 501, b"x" * 10))]
    told = lines_of(*frames, (0.05, back(ACK, 501, 111, b"y" * 10)))
    assert "tcp.waited" in told
    assert "tcp.waited-lost" not in told


@pytest.mark.parametrize(("syns", "causes"), [(2, []), (3, ["partial-loss"])])
def test_syn_acks_that_pass_and_are_not_heard_are_told_to_be_lost_before_the_client(syns, causes):
    frames = []
    for turn in range(syns):
        frames += [(turn, to(SYN, 100)), (turn + 0.1, back(SYN | ACK, 500, 101))]
    opened = [(syns, to(ACK, 101, 501, b"x")), (syns + 0.1, back(ACK, 501, 102, b"y"))]
    findings = explain.explain(pcap(*frames, *opened)).findings
    assert [one.cause for one in findings] == causes
    assert [one.values["case"] for one in findings] == ["accepts-lost"] * len(causes)


@pytest.mark.parametrize(
    ("port", "round_trip_s", "said_s", "expected"),
    [
        (25, 0.01, 5.0, [("server-slow", "greeting")]),
        (25, 0.01, None, [("tcp-application-hangs", "greeting")]),
        (25, 0.01, 0.3, []),
        (25, 1.0, 5.0, []),  # to a far place everything takes its time
        (8080, 0.01, 5.0, []),  # it may have had nothing to say
    ],
)
def test_a_server_that_has_to_speak_first_and_lets_its_client_wait_is_told(port, round_trip_s, said_s, expected):
    server = (BOB, port)

    def ours(flags, seq, ack, data=b""):
        return segment(CLIENT, server, flags, seq=seq, ack=ack, data=data)

    def theirs(flags, seq, ack, data=b""):
        return segment(server, CLIENT, flags, (B, A), seq=seq, ack=ack, data=data)

    opened_s = round_trip_s + 0.01
    frames = [(0.0, ours(SYN, 100, 0)), (round_trip_s, theirs(SYN | ACK, 500, 101)), (opened_s, ours(ACK, 101, 501))]
    frames += [(said_s, theirs(ACK, 501, 101, b"220 hi"))] if said_s else []
    seq = 507 if said_s else 501
    frames += [(6.0, ours(FIN | ACK, 101, seq)), (6.01, theirs(FIN | ACK, seq, 102)), (6.02, ours(ACK, 102, seq + 1))]
    findings = explain.explain(pcap(*frames)).findings
    assert [(one.cause, one.values.get("case")) for one in findings] == expected


@pytest.mark.parametrize(
    ("answer", "cause"),
    [({}, "tcp-segments-not-taken"), ({"after": 2.0}, "partial-loss"), ({"window": 0}, "client-slow")],
)
def test_copies_that_are_each_answered_and_not_taken_are_not_lost(answer, cause):
    """As where a timestamp is too old (PAWS); an answer to the last alone shows no more than that this one came."""
    talk = [*ASKED, (0.05, back(ACK, 501, 111, b"y" * 10)), (0.06, to(ACK, 111, 511))]
    for at in (1.0, 1.2, 1.6, 2.4):
        talk.append((at, to(ACK, 111, 511, b"x" * 10)))
        if at > answer.get("after", 0.0):
            talk.append((at + 0.02, back(ACK, 511, 111, window=answer.get("window", 1000))))
    assert found(*talk, (5.0, back(FIN | ACK, 511, 111)))[0] == [cause]


@pytest.mark.parametrize(
    ("other_s", "told"),
    [(1.0, ("tcp-accept-queue-full", "first")), (9.0, ("partial-loss", "outage")), (None, ("partial-loss", "outage"))],
)
def test_first_data_that_waits_while_the_server_serves_others_met_a_full_queue(other_s, told):
    first = to(ACK, 101, 501, b"hello")
    frames = [*OPENED, *((at, first) for at in (0.03, 0.3, 0.8, 1.8, 3.6)), (3.61, back(ACK, 501, 106, b"y"))]
    if other_s:
        ends = (ALICE, 40001), SERVER
        frames += [(other_s, segment(*ends, ACK, seq=1, ack=1, data=b"x"))]
        frames += [(other_s + 0.01, segment(*ends[::-1], ACK, (B, A), seq=1, ack=2, data=b"y"))]
    (finding,) = explain.explain(pcap(*sorted(frames, key=lambda one: one[0]))).findings
    assert (finding.cause, finding.values["case"]) == told
    assert finding.cause == "tcp-accept-queue-full" or "tcp-accept-queue-full" in finding.rivals


def test_who_has_not_heard_that_a_window_is_open_again_probes_and_keeps_nothing_alive():
    full = [*OPENED, (0.03, to(ACK, 101, 501, b"x" * 10)), (0.04, back(ACK, 501, 111, window=0))]
    asks = [(at, to(ACK, 110, 501)) for at in (0.8, 1.4, 2.6)]  # the word that follows is lost behind this place
    told = lines_of(*full, (0.5, back(ACK, 501, 111)), *asks, (2.61, back(ACK, 501, 111)))
    assert told["tcp.window-probe"]["count"] == 3
    assert "tcp.keep-alive" not in told


@pytest.mark.parametrize(("options", "case"), [(b"\x13\x12" + b"m" * 16 + b"\x01\x01", "signed"), (b"", None)])
def test_a_signed_syn_without_an_answer_may_have_met_another_key(options, case):
    frames = [(float(at), to(SYN, 100, options=options)) for at in (0, 1, 3)]
    (only,) = explain.explain(pcap(*frames)).findings
    assert (only.cause, only.values.get("case")) == ("tcp-syn-unanswered", case)


@pytest.mark.parametrize(("is_client", "sender"), [(True, ALICE), (False, BOB)])
def test_a_forged_reset_is_looked_for_at_who_is_said_to_have_sent_it(is_client, sender):
    reset = to(RST | ACK, 111, 501, ttl=250) if is_client else back(RST | ACK, 501, 111, ttl=250)
    (only,) = explain.explain(pcap(*ASKED, (0.05, reset))).findings
    assert (only.cause, only.values["sender"]) == ("rst-by-middlebox", sender)


def test_fins_that_passed_here_again_and_again_were_lost_behind_this_place_and_did_not_cross():
    answer = [(0.05, back(ACK, 501, 111, b"y" * 10)), (0.06, to(ACK, 111, 511))]
    fins = [(at, back(FIN | ACK, 511, 111)) for at in (0.1, 0.4, 1.0, 2.2)]
    frames = [*ASKED, *answer, *fins, (5.0, to(FIN | ACK, 111, 511))]
    (only,) = explain.explain(pcap(*frames)).findings
    assert (only.values["case"], only.values["reader"]) == ("segments-beyond", ALICE)
    assert "tcp.fin.crossed" not in lines_of(*frames)


@pytest.mark.parametrize(
    ("acks_s", "syns_s", "told"),
    [
        ([1.02], [], {"tcp.synack-again"}),
        ([0.02, 1.02], [], {"tcp.synack-deferred"}),  # the server may wait for data
        ([0.02, (0.5, b"hello"), 1.02], [], {"tcp.synack-unheeded"}),
        ([1.02], [1.0], set()),  # the client asked again
        ([1.02], [0.005], set()),  # each of two SYNs has its own
        ([1.005, 1.02], [1.0], set()),
    ],
)
def test_a_syn_ack_that_comes_again_unasked_is_told_with_what_became_of_the_ack(acks_s, syns_s, told):
    frames = [(0.0, to(SYN, 100)), (0.01, back(SYN | ACK, 500, 101)), (1.01, back(SYN | ACK, 500, 101))]
    frames += [(at, to(SYN, 100)) for at in syns_s]
    frames += [
        (at, to(ACK, 101, 501, data)) for at, data in (one if isinstance(one, tuple) else (one, b"") for one in acks_s)
    ]
    messages = {*lines_of(*sorted(frames, key=lambda one: one[0]))}
    assert {one for one in messages if one.startswith("tcp.synack-")} == told
    assert "tcp.duplicate-acks-idle" not in messages


@pytest.mark.parametrize(("first", "is_told"), [(SYN | 0xC0, True), (SYN, False)])
def test_a_syn_that_asks_for_ecn_and_found_no_answer_is_told_apart_from_the_one_without(first, is_told):
    opened = [(0.0, to(first, 100)), (1.0, to(SYN, 100)), (1.01, back(SYN | ACK, 500, 101))]
    assert ("tcp.syn-ecn-lost" in lines_of(*opened, (1.02, to(ACK, 101, 501)))) == is_told


def test_what_comes_before_the_syn_ack_is_neither_refused_nor_kept_alive():
    """As MPTCP of Linux 4.1 did: an ACK with the number of the SYN, which its target answers with a bare RST."""
    early = [(0.3, to(ACK, 100, 0)), (0.31, back(RST, 0)), (1.0, to(SYN, 100))]
    opened = [(1.01, back(SYN | ACK, 500, 101)), (1.02, to(ACK, 101, 501))]
    assert not {"tcp.refused-at-first", "tcp.keep-alive"} & {*lines_of((0.0, to(SYN, 100)), *early, *opened)}


def test_an_octet_that_is_pushed_again_after_its_ack_is_no_keep_alive():
    one = to(ACK | 8, 111, 511, b"l")
    talk = [*ASKED, (0.05, back(ACK, 501, 111, b"y" * 10)), (1.0, one), (1.01, back(ACK, 511, 112)), (1.3, one)]
    told = lines_of(*talk, (1.31, back(ACK, 511, 112)))
    assert "tcp.resent" in told
    assert "tcp.keep-alive" not in told


@pytest.mark.parametrize("crosses", [True, False])
def test_fins_that_crossed_are_told_as_that(crosses):
    ends = [(1.0, to(FIN | ACK, 111, 501)), (1.01, back(FIN | ACK, 501, 111 + (not crosses)))]
    told = lines_of(*ASKED, *ends, (1.02, to(ACK, 112, 502)))
    assert ("tcp.fin.crossed" in told) == crosses


@pytest.mark.parametrize(
    ("sizes", "cause"),
    [
        ((1024, 436), "pmtu-blackhole"),
        ((1024, 424), "pmtu-blackhole"),
        ((1024, 1024), "partial-loss"),
        ((1460, 1460), "partial-loss"),
    ],
)
def test_a_sender_that_after_a_silence_gets_only_smaller_segments_through_met_a_narrow_link(sizes, cause):
    mss = b"\x02\x04\x05\xb4"
    frames = [(0.0, to(SYN, 100, options=mss)), (0.01, back(SYN | ACK, 500, 101, options=mss))]
    frames += [(0.02, to(ACK, 101, 501, b"x")), (0.03, back(ACK, 501, 102))]
    starts = [501 + sum(sizes) * (place // 2) + sizes[0] * (place % 2) for place in range(13)]
    order = [0, 10, 11, *range(1, 10)]  # what was sent before is missing, and comes again
    for turn, place in enumerate(order):
        confirmed = starts[12] if turn == 11 else starts[max(turn - 1, 1)]
        frames.append((3.0 + turn / 100, back(ACK, starts[place], 102, b"y" * sizes[place % 2])))
        frames.append((3.001 + turn / 100, to(ACK, 102, confirmed)))
    assert found(*frames)[0] == [cause]


def test_a_segment_with_every_flag_and_a_syn_with_the_last_number_do_no_harm():
    every = [
        (0.0, to(SYN, 100)),
        (0.01, back(63, 500, 101)),
        (0.02, to(ACK, 101, 501)),
        (0.03, to(FIN | ACK, 101, 501)),
    ]
    assert found(*every)[1] == ()
    last = 2**32 - 1
    assert found((0.0, to(SYN, last)), (0.1, back(ACK, 7, 5)), (0.11, to(4, 5)), (1.0, to(SYN, last)))[0]


def around(base):
    """Talks whose client counts from ``base`` on: slow, cut off, a request without an answer, data in the SYN."""

    def mine(flags, seq, ack=0, data=b"", port=40000):
        return segment((ALICE, port), SERVER, flags, seq=(base + seq) % 2**32, ack=ack, data=data)

    def theirs(flags, seq, ack, data=b"", port=40000):
        return segment(SERVER, (ALICE, port), flags, (B, A), seq=seq, ack=(base + ack) % 2**32, data=data)

    for port in (40000, 40001, 40002):
        yield from ((0.0, mine(SYN, -1, port=port)), (0.01, theirs(SYN | ACK, 500, 0, port=port)))
        yield 0.02, mine(ACK, 0, 501, port=port)
    yield from ((1, mine(ACK, 0, 501, b"x" * 10)), (1.01, theirs(ACK, 501, 10)), (4, theirs(ACK, 501, 10, b"y")))
    yield from ((5 + wait, mine(ACK, 0, 501, b"x" * 10, 40001)) for wait in (0, 0.2, 0.6, 1.4, 3.0))
    yield 8.01, theirs(ACK, 501, 10, port=40001)
    yield from ((9, mine(ACK, 0, 501, REQUEST, 40002)), (9.01, theirs(ACK, 501, len(REQUEST), port=40002)))
    yield from ((20, mine(SYN, -1, data=b"early", port=40003)), (20.01, theirs(SYN | ACK, 500, 5, port=40003)))


REQUEST = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"


def test_numbers_that_begin_anew_in_the_middle_of_a_segment_change_nothing():
    story, other = (explain.explain(pcap(*sorted(around(base)))).story() for base in (1000, 2**32 - 3))
    assert all(words in story for words in ("SYN carries 5 bytes", "same segment", "is slow", "does not answer"))
    assert story.replace("from 999", "") == other.replace(f"from {2**32 - 4}", "")


@pytest.mark.parametrize(
    ("after_s", "ttl", "said", "causes"),
    [
        (0.01, 64, b"", []),
        (4.0, 64, b"", ["tcp-application-closes"]),  # it had waited for something
        (0.01, 250, b"", ["rst-by-middlebox"]),
        (0.01, 64, b"hello", ["tcp-application-closes"]),
    ],
)
def test_a_client_that_ends_at_once_and_unheard_what_it_opened_only_checked_the_port(after_s, ttl, said, causes):
    frames = [*OPENED, *([(0.025, to(ACK, 101, 501, said))] if said else [])]
    report = explain.explain(pcap(*frames, (0.03 + after_s, to(RST | ACK, 101 + len(said), 501, ttl=ttl))))
    assert [one.cause for one in report.findings] == causes
    (told,) = [line.message for line in report.lines if line.message.startswith("tcp.reset")]
    assert told == ("tcp.reset-check" if not causes else "tcp.reset-quiet" if after_s > 1 else "tcp.reset")


@pytest.mark.parametrize(("later", "is_told"), [(9_000, True), (40_000, False), (120_000, False), (0, False)])
def test_a_window_that_has_fallen_and_stays_low_tells_of_a_reader_that_is_slower_than_the_network(later, is_told):
    scale = b"\x03\x03\x00\x01"
    frames = [(0.0, to(SYN, 100, options=scale)), (0.02, back(SYN | ACK, 500, 101, options=scale))]
    frames += [(0.03, to(ACK, 101, 501, window=60_000)), (0.031, to(ACK, 101, 501, b"x", window=60_000))]
    for turn in range(200):
        window = 60_000 if turn < 10 else min(later, 60_000 + 20 * turn)
        frames.append((0.1 + 0.01 * turn, back(ACK, 501 + 1400 * turn, 102, b"y" * 1400)))
        frames.append((0.105 + 0.01 * turn, to(ACK, 102, 1901 + 1400 * turn, window=window)))
    told = lines_of(*frames)
    assert ("tcp.window-low" in told) == is_told
    if is_told:
        values = told["tcp.window-low"]
        assert (values["most"], values["usual"], values["reader"]) == (60_000, 9_000, f"{ALICE}:40000")


@pytest.mark.parametrize(("pause_s", "case"), [(3.0, "pause"), (0.6, None)])
def test_a_long_download_that_stood_still_for_seconds_is_told_however_few_segments_came_again(pause_s, case):
    frames = list(ASKED)
    for turn in range(400):
        at = 0.1 + turn / 1000 + (pause_s if turn >= 200 else 0) + (0.03 if turn >= 201 else 0)
        place = {200: 203, 201: 200, 202: 201, 203: 202}.get(turn, turn)  # three were lost
        due = {200: 200, 201: 201, 202: 202}.get(turn, turn + 1)
        frames += [(at, back(ACK, 501 + 10 * place, 111, b"y" * 10)), (at + 0.0005, to(ACK, 111, 501 + 10 * due))]
    findings = explain.explain(pcap(*frames)).findings
    assert [one.values["case"] for one in findings] == ([case] if case else [])


@pytest.mark.parametrize(("pieces", "cause"), [((512, 512, 424), "pmtu-blackhole"), ((1448,), "partial-loss")])
def test_full_segments_that_nothing_confirms_until_they_are_cut_met_a_narrow_link_beside_their_sender(pieces, cause):
    mss = b"\x02\x04\x05\xb4"
    frames = [(0.0, to(SYN, 100, options=mss)), (0.01, back(SYN | ACK, 500, 101, options=mss))]
    frames += [
        (0.02, to(ACK, 101, 501, b"x")),
        *((0.03 + turn / 1e4, back(ACK, 501 + 1448 * turn, 102, b"y" * 1448)) for turn in range(4)),
    ]
    frames += [(at, back(ACK, 501, 102, b"y" * 1448)) for at in (0.3, 0.9, 2.1)]
    seq, now = 501, 4.5
    for turn in range(12 // len(pieces) * len(pieces)):
        size = pieces[turn % len(pieces)]
        frames += [(now, back(ACK, seq, 102, b"y" * size)), (now + 0.02, to(ACK, 102, seq + size))]
        seq, now = seq + size, now + 0.03
    (only,) = explain.explain(pcap(*frames)).findings
    assert only.cause == cause
    if cause == "pmtu-blackhole":
        assert (only.values["case"], only.values["size"], only.values["agreed"]) == ("smaller-sent", 512, 1460)


@pytest.mark.parametrize(("mss", "is_told"), [(88, True), (536, False)])
def test_a_side_that_takes_less_at_a_time_than_any_host_must_is_told(mss, is_told):
    option = b"\x02\x04" + mss.to_bytes(2, "big")
    frames = [(0.0, to(SYN, 100, options=option)), (0.01, back(SYN | ACK, 500, 101, options=b"\x02\x04\x05\xb4"))]
    frames += [(0.02, to(ACK, 101, 501, b"x"))]
    frames += [(0.03 + turn / 1000, back(ACK, 501 + mss * turn, 102, b"y" * mss)) for turn in range(30)]
    told = lines_of(*frames, (0.1, to(ACK, 102, 501 + 30 * mss)))
    assert told.get("tcp.mss-tiny", {}).get("reader") == (f"{ALICE}:40000" if is_told else None)


@pytest.mark.parametrize(("waited_s", "cause"), [(0.01, "tcp-application-closes"), (8.0, "tcp-application-hangs")])
def test_a_server_that_closes_when_its_client_has_closed_its_half_does_not_hang(waited_s, cause):
    request = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"
    due = 101 + len(request)
    asked = [*OPENED, (0.03, to(ACK, 101, 501, request)), (0.04, back(ACK, 501, due))]
    half = [(0.04 + waited_s, to(FIN | ACK, due, 501)), (0.05 + waited_s, back(ACK, 501, due + 1))]
    over = [(0.2 + waited_s, back(FIN | ACK, 501, due + 1)), (0.21 + waited_s, to(ACK, due + 1, 502))]
    assert found(*asked, *half, *over)[0] == [cause]


@pytest.mark.parametrize(("goes_on", "case"), [(True, "limited"), (False, "ended")])
def test_a_service_whose_open_connections_go_on_while_it_refuses_others_has_a_limit(goes_on, case):
    ends = [((ALICE, 40000 + turn), SERVER) for turn in range(4)]
    frames = []
    for turn, (client, server) in enumerate(ends):
        flags = SYN | ACK if turn < 2 else RST | ACK
        frames.append((turn, segment(client, server, SYN, seq=100)))
        frames.append((turn + 0.01, segment(server, client, flags, (B, A), seq=500 if turn < 2 else 0, ack=101)))
        if turn < 2:
            frames.append((turn + 0.02, segment(client, server, ACK, seq=101, ack=501)))
            at, last = (5.0, ACK) if goes_on else (1.5, FIN | ACK)
            frames.append((at, segment(server, client, last, (B, A), seq=501, ack=101, data=b"y")))
    (only,) = explain.explain(pcap(*sorted(frames, key=lambda one: one[0]))).findings
    assert (only.cause, only.values["case"]) == ("tcp-no-listener", case)


def test_what_came_by_and_then_again_after_an_idle_time_was_not_lost_during_that():
    sent = [(9.0 + turn / 10, to(ACK, 111 + 10 * turn, 501, b"x" * 10)) for turn in range(3)]
    again = [(9.8 + turn / 10, to(ACK, 111 + 10 * turn, 501, b"x" * 10)) for turn in range(3)]
    confirmed = [(10.2, back(ACK, 501, 141))]
    (only,) = explain.explain(pcap(*ASKED, *sent, *again, *confirmed)).findings
    assert (only.cause, only.values["case"]) == ("partial-loss", "segments-beyond")
