"""What is told, in which order and how deep; the sentences themselves are in the word tables."""

from __future__ import annotations

import pytest
import tcp_scenes as tcp
from dhcp_packets import discover
from packets import A, B, R, datagram, error, is_at, pcap, ping, pong, segment, who_has

import explain
from explain.cli.telling.tell import PLAIN, tell
from explain.story.troubles import in_full

ALICE, BOB, ROUTER = "192.0.2.1", "198.51.100.1", "192.0.2.254"
SYN, RST_ACK = 2, 20


def lines(*frames):
    return explain.explain(pcap(*frames)).lines


def messages(told, depth=1):
    return [line.message for line in told if line.depth <= depth]


def refused_pings(count):
    asked = [ping(ALICE, BOB, seq) for seq in range(1, count + 1)]
    return [frame for one in asked for frame in (one, error(ROUTER, 3, 0, one))]


def closed_ports(count):
    return [
        frame
        for number in range(count)
        for frame in (
            segment((ALICE, 40000 + number), (f"198.51.100.{number + 1}", 81 + number), SYN, seq=1),
            segment((f"198.51.100.{number + 1}", 81 + number), (ALICE, 40000 + number), RST_ACK, (B, A), ack=2),
        )
    ]


def test_the_verdict_stands_first_and_alone():
    told = lines(*refused_pings(3))
    assert told[0].message == "findings.no-route-on-router.verdict"
    assert [line.depth for line in told[:2]] == [0, 0]


def test_a_single_finding_does_not_repeat_its_verdict():
    assert messages(lines(*refused_pings(3))).count("findings.no-route-on-router.verdict") == 1


@pytest.mark.parametrize("frames", [refused_pings(3), closed_ports(9), [ping(ALICE, BOB, 1), pong(BOB, ALICE, 1)]])
def test_every_sentence_about_the_network_has_its_frames(frames):
    without = {line.message for line in lines(*frames) if not line.evidence}
    assert {message for message in without if ".heading." not in message} <= {"story.shortened"}


def test_the_same_error_again_is_told_once_with_the_sequence_numbers():
    told = lines(*refused_pings(3))
    assert messages(told).count("icmp.error.said-of") == 1
    (again,) = [line for line in told if line.message == "story.again-seq"]
    assert again.values["seqs"] == [2, 3]
    assert again.evidence[0].frames == ((4, 4), (6, 6))


def test_an_error_names_the_frame_that_it_quotes():
    (said,) = [line for line in lines(*refused_pings(1)) if line.message.startswith("icmp.error.")]
    assert said.values["frame"] == 1


def test_a_ping_through_a_router_teaches_whose_mac_it_carries():
    told = lines(who_has((A, ALICE), ROUTER), is_at((R, ROUTER), (A, ALICE)), ping(ALICE, BOB, 1, macs=(A, R)))
    (asked,) = [line for line in told if line.message == "icmp.echo.request.routed"]
    assert asked.values["router"] == ROUTER


def test_a_reply_is_timed_from_its_own_request_and_not_from_the_first():
    report = explain.explain(pcap(ping(ALICE, BOB, 0), ping(ALICE, BOB, 1), pong(BOB, ALICE, 1), ping(ALICE, BOB, 2)))
    (reply,) = [line for line in report.lines if line.message.startswith("icmp.echo.reply")]
    assert (reply.message, reply.values["seq"], reply.values["rtt_ns"]) == ("icmp.echo.reply.later", 1, 1_000_000)


@pytest.mark.parametrize(("sent", "said"), [(2, "Both requests got a reply"), (3, "All 3 requests got a reply")])
def test_two_requests_are_both_and_not_all(sent, said):
    frames = [frame for seq in range(sent) for frame in (ping(ALICE, BOB, seq), pong(BOB, ALICE, seq))]
    assert said in explain.explain(pcap(*frames)).story("en")


def test_everything_is_told_one_by_one_if_that_is_asked_for():
    from explain.pipeline import explain as run

    told = run([pcap(*refused_pings(3))], everything=True).lines
    assert messages(told).count("icmp.error.said-of") == 3


def test_many_findings_of_one_kind_are_one_paragraph_and_the_report_keeps_all():
    report = explain.explain(pcap(*closed_ports(30)))
    assert len(report.findings) == 30
    said = messages(report.lines)
    assert said.count("story.alike") == 1
    assert said.count("findings.tcp-no-listener.verdict") <= 4


def test_a_large_capture_is_told_with_trouble_first_and_all_traffic_in_counts():
    said = messages(lines(*closed_ports(60)))
    assert said.index("story.alike") < said.index("story.heading.traffic") < said.index("story.counted")


def test_silence_that_is_counted_but_no_failure_is_said_to_be_none():
    asked = [(0.1 * at, ping(ALICE, f"198.51.100.{at}", 1, ident=at)) for at in range(1, 60)]
    pings = [
        one
        for when, asking in asked
        for one in (
            (when, asking),
            (when + 0.01, pong(f"198.51.100.{round(when * 10)}", ALICE, 1, ident=round(when * 10))),
        )
    ]
    last = (5.95, segment((ALICE, 40000), (BOB, 80), SYN, seq=1))
    assert "story.silence-is-well" not in messages(lines(*pings))
    assert "story.silence-is-well" in messages(lines(*pings, last))


@pytest.mark.parametrize(("flags", "said"), [(0, "dhcp.not-seen"), (0x8000, "dhcp.unanswered")])
def test_an_answer_that_the_client_wants_to_go_to_everybody_would_have_been_heard(flags, said):
    """Source: RFC 2131, 4.1."""
    assert said in messages(lines(discover(flags=flags)))


def test_fields_and_standards_come_only_on_request():
    told = lines(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1))
    assert "story.fields" not in messages(told)
    assert "story.fields" in messages(told, depth=2)
    assert "story.fields" not in explain.explain(pcap(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1))).story("en")


def test_a_long_list_of_rivals_is_told_by_where_they_act_and_whole_on_request():
    told = lines(*(ping(ALICE, BOB, seq) for seq in (1, 2, 3)))
    groups = [line for line in told if line.message in ("story.rivals-some", "story.rivals-at")]
    wheres = [line.values["where"].message for line in groups]
    assert len(wheres) == len(set(wheres)) > 3
    shown = {cause for line in groups for cause in line.values["causes"]}
    whole = {cause for line in in_full(groups) for cause in line.values["causes"]}
    assert shown < whole
    assert len(whole) - len(shown) == sum(line.values["rest"] for line in groups)


def test_who_cannot_ask_for_more_depth_is_told_every_rival(tmp_path):
    capture = pcap(*(ping(ALICE, BOB, seq) for seq in (1, 2, 3)))
    report, path = explain.explain(capture), tmp_path / "c.pcap"
    path.write_bytes(capture.getvalue())
    (finding,) = report.findings
    pages = [report.to_json(), report._repr_html_()]
    for asked in ({"verbose": True}, {"form": "markdown"}, {"form": "html"}):
        tell([str(path)], {**PLAIN, "lang": "en", "output": str(tmp_path / "told"), **asked})
        pages.append((tmp_path / "told").read_text())
    for page in pages:
        assert "(-v)" not in page
        assert all(page.count(rival) for rival in finding.rivals)
    assert "(-v)" in report.story()


def test_a_word_of_the_trade_is_explained_once():
    told = lines(
        who_has((A, ALICE), ROUTER), is_at((R, ROUTER), (A, ALICE)),
        who_has((R, ROUTER), ALICE), is_at((A, ALICE), (R, ROUTER)),
    )  # fmt: skip
    said = messages(told)
    assert (said.count("arp.asked.first"), said.count("arp.asked.again")) == (1, 1)


def test_both_languages_tell_the_same_lines():
    report = explain.explain(pcap(*refused_pings(3), datagram((ALICE, 40000), (BOB, 9))))
    english, japanese = report.story("en"), report.story("ja")
    assert english != japanese
    for text in (english, japanese):
        assert text.count(ROUTER) >= 3
        assert "{" not in text.replace("frame.number in {", "")


def test_what_was_seen_at_several_places_stands_under_the_name_of_each(tmp_path):
    for name, wanted in (("left", ROUTER), ("right", "192.0.2.9")):
        frames = pcap(who_has((A, ALICE), wanted), is_at((R, wanted), (A, ALICE)))
        (tmp_path / name).write_bytes(frames.getvalue())
    told = explain.explain(f"left={tmp_path / 'left'}", f"right={tmp_path / 'right'}").lines
    headings = [line.values["name"] for line in told if line.message == "story.heading.at"]
    assert headings == ["left", "right"]


def test_a_page_that_shows_the_first_lines_gets_them_as_the_whole_story_has_them():
    from explain.pipeline import explain as run

    frames = closed_ports(30)
    whole, begun = (run([pcap(*frames)], everything=True, most_lines=most).lines for most in (None, 20))
    assert 20 < sum(line.depth == 1 for line in begun) < len(whole) // 2
    assert [(line.message, dict(line.values)) for line in begun] == [
        (line.message, dict(line.values)) for line in whole[: len(begun)]
    ]


def test_keep_alives_that_nobody_answers_are_not_called_normal():
    play = tcp.Play().shake().c(tcp.PUSH, 1, 1, b"ask").s(tcp.PUSH, 1, 4, b"told").c(tcp.ACK, 4, 5)
    for _ in range(2):
        play.c(tcp.ACK, 3, 5, after=1.0).s(tcp.ACK, 5, 4)
    assert "tcp.keep-alive" in messages(lines(*play.frames))
    for _ in range(3):
        play.c(tcp.ACK, 3, 5, after=1.0)
    told = {line.message: line.values for line in lines(*play.frames)}
    assert [told[f"tcp.keep-alive{vain}"]["count"] for vain in ("", "-vain")] == [2, 3]


def test_keep_alives_of_whom_alone_was_recorded_are_not_said_to_be_in_vain():
    play = tcp.Play().c(tcp.SYN).c(tcp.ACK, 1, 1).c(tcp.PUSH, 1, 1, b"ask").c(tcp.ACK, 4, 5)
    for _ in range(3):
        play.c(tcp.ACK, 3, 5, after=1.0)
    told = {line.message: line.values for line in lines(*play.frames)}
    assert "tcp.one-sided" in told
    assert told["tcp.keep-alive"]["count"] == 3


@pytest.mark.parametrize(("is_answered", "message"), [(False, "tcp.recorded-twice"), (True, "tcp.doubled")])
def test_copies_that_their_receiver_answers_were_doubled_on_the_way(is_answered, message):
    play, seq = tcp.Play().shake().c(tcp.PUSH, 1, 1, b"ask"), 1
    for _ in range(4):
        play.s(tcp.PUSH, seq, 4, b"data").s(tcp.PUSH, seq, 4, b"data", after=0.0001)
        seq += 4
        play.c(tcp.ACK, 4, seq)
        if is_answered:
            play.c(tcp.ACK, 4, seq)
    assert message in messages(lines(*play.frames))


@pytest.mark.parametrize(("confirmed", "is_one_sided"), [((5, 5, 5), False), ((5, 9, 13), True)])
def test_one_side_alone_was_recorded_if_it_confirms_something_new(confirmed, is_one_sided):
    play = tcp.Play()
    for number in confirmed:
        play.c(tcp.FIN_ACK, 1, number, after=1.0)
    assert ("tcp.one-sided" in messages(lines(*play.frames))) == is_one_sided


@pytest.mark.parametrize(("missing", "message"), [(0, "tcp.duplicate-acks-idle"), (4, "tcp.duplicate-acks")])
def test_duplicate_acks_tell_of_a_missing_segment_only_where_one_can_be_missing(missing, message):
    play = tcp.Play().shake().c(tcp.PUSH, 1, 1, b"ask").s(tcp.PUSH, 1, 4, b"told").s(tcp.PUSH, 5, 4, b"more")
    for _ in range(3):
        play.c(tcp.ACK, 4, 9 - missing)
    assert message in messages(lines(*play.frames))


def test_an_end_that_was_sent_again_is_what_a_duplicate_ack_answers():
    play = tcp.Play().shake().c(tcp.PUSH, 1, 1, b"ask").s(tcp.PUSH, 1, 4, b"told").c(tcp.FIN_ACK, 4, 5)
    play.s(tcp.ACK, 5, 5).c(tcp.FIN_ACK, 4, 5, after=0.5).s(tcp.ACK, 5, 5)
    told = messages(lines(*play.frames))
    assert ("tcp.duplicate-acks" in told, "tcp.duplicate-acks-idle" in told) == (True, False)


@pytest.mark.parametrize(("fin", "message"), [(5, "tcp.duplicate-acks-idle"), (9, "tcp.duplicate-acks")])
def test_an_end_that_came_without_the_last_data_leaves_them_missing(fin, message):
    play = tcp.Play().shake().c(tcp.PUSH, 1, 1, b"ask").s(tcp.PUSH, 1, 4, b"told").c(tcp.ACK, 4, 5)
    play.s(tcp.FIN_ACK, fin, 4).c(tcp.ACK, 4, 5).s(tcp.PUSH, 5, 4, b"more")
    assert message in messages(lines(*play.frames))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ((5, 2, 3), "falls back by 3 s at frame 2"),
        ((5, 2, 3, 1), "falls back 2 times, at frame 2 the most, by 3 s"),
        ((5, 4.9999, 6), None),
        ((1, 2, 3), None),
    ],
)
def test_a_clock_that_was_set_back_is_told(seconds, told):
    frames = [(at, ping("192.0.2.1", "192.0.2.2", seq)) for seq, at in enumerate(seconds)]
    story = " ".join(explain.explain(pcap(*frames)).story().split())
    assert told in story if told else "falls back" not in story


def test_where_the_clock_was_set_back_within_a_handshake_nobody_knows_how_long_it_took():
    frames = [(5, segment((ALICE, 40000), (BOB, 80), 2, seq=100))]
    frames.append((2, segment((BOB, 80), (ALICE, 40000), 18, (B, A), seq=500, ack=101)))
    assert "confirms the SYN (an unknown time later)" in " ".join(explain.explain(pcap(*frames)).story().split())


def test_clocks_of_different_files_are_not_taken_for_one():
    files = [pcap((at, ping("192.0.2.1", "192.0.2.2", 1))) for at in (9, 5)]
    assert "falls back" not in " ".join(explain.explain(*files).story().split())


@pytest.mark.parametrize(("later_s", "is_over"), [(0.05, True), (0.5, False)])
def test_of_a_recording_that_ends_with_the_question_no_failure_is_called_certain(later_s, is_over):
    told = lines((0, ping(ALICE, BOB, 1)), (later_s, ping(BOB, ALICE, 1)), (later_s, pong(ALICE, BOB, 1)))
    names = [line.message for line in told if line.message.startswith("story.certainty.")]
    assert names == ["story.certainty.at-the-end" if is_over else "story.certainty.possible-with"]


@pytest.mark.parametrize("lost", [2, 3])
def test_the_last_ping_alone_may_have_had_its_reply_after_the_end(lost):
    frames = [(seq, frame) for seq in (1, 2) for frame in (ping(ALICE, BOB, seq), pong(BOB, ALICE, seq))]
    told = lines(*(frames[:-1] if lost == 2 else frames), (3, ping(ALICE, BOB, 3)))
    names = [line.message for line in told if line.message.startswith("story.certainty.")]
    assert names == ["story.certainty.at-the-end" if lost == 3 else "story.certainty.possible-with"]
