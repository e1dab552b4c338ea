"""Comments of a pcapng are shown and never obeyed, and where it records no time none is told."""

from __future__ import annotations

import io
import json

import pytest
from capture_files import enhanced, interface, option, section, simple
from command_line import runs
from packets import pcap, ping, pong

import explain

packet = runs("packet")

HOSTILE = "see \x1b[31mhere\x1b[0m [bold]now[/bold] <b>\u202e"
SHOWN = "see \\x1b[31mhere\\x1b[0m [bold]now[/bold] <b>\\u202e"


def frames_of(*messages):
    data, at, found = pcap(*messages).getvalue(), 24, []
    while at < len(data):
        size = int.from_bytes(data[at + 8 : at + 12], "little")
        found.append(data[at + 16 : at + 16 + size])
        at += 16 + size
    return found


PING = frames_of(ping("192.0.2.1", "192.0.2.2", 1), pong("192.0.2.2", "192.0.2.1", 1))


def commented(text, frames=(2,), about=b""):
    beside = option(2, bytes(4)) + option(1, text.encode()) + bytes(4)
    flags = option(2, bytes(4)) + bytes(4)
    packets = (
        enhanced(one, number * 1000, options=beside if number in frames else flags)
        for number, one in enumerate(PING * 3, 1)
    )
    return io.BytesIO(section(option(1, about)) + interface(option(1, b"the uplink")) + b"".join(packets))


def test_a_comment_is_told_with_its_frame_and_not_obeyed():
    report = explain.explain(commented(HOSTILE))
    (line,) = [one for one in report.lines if one.message == "written.beside"]
    assert line.evidence[0].frames == ((2, 2),)
    for language in ("en", "ja"):
        assert SHOWN in " ".join(report.story(language).split())
    (noted,) = json.loads(report.to_json())["captures"][0]["comments"]
    assert noted == {"frame": 2, "text": HOSTILE}


def test_more_than_three_frames_with_comments_are_counted():
    story = explain.explain(commented("here", frames=(1, 2, 3, 4, 5))).story()
    assert (story.count("“here”"), "2 frames more with comments" in story) == (3, True)


def test_what_is_said_about_the_file_is_more_depth():
    lines = explain.explain(commented("x", about=b"taken at noon")).lines
    assert [(one.values["text"], one.depth) for one in lines if one.message.startswith("written.about")] == [
        ("taken at noon", 2),
        ("the uplink", 2),
    ]


def test_the_ground_truth_of_a_lab_is_no_comment_for_people():
    truth = b"explain-lab/1 part=1/1 sha256=00 H4sI"
    assert [one.text for one in explain.explain(commented("x", about=truth)).captures[0].comments] == ["x"]


def test_the_comments_of_a_packet_stand_in_its_page_however_many_come_before(tmp_path, packet):
    capture = tmp_path / "a.pcapng"
    capture.write_bytes(
        section() + interface() + b"".join(
            enhanced(PING[0], n, options=option(1, b"number %d" % n) + bytes(4)) for n in range(1, 1501)
        )
    )  # fmt: skip
    assert "“number 1500”" in packet(str(capture), "1500")[1]
    assert json.loads(packet(str(capture), "7", "--json")[1])["comments"] == ["number 7"]


@pytest.mark.parametrize(("language", "word"), [("en", "an unknown time"), ("ja", "不明な時間")])
def test_no_time_is_told_of_packets_that_have_none(tmp_path, packet, language, word):
    capture = tmp_path / "a.pcapng"
    capture.write_bytes(section() + interface() + b"".join(simple(one) for one in PING))
    report = explain.explain(capture)
    told = " ".join(report.story(language).split())
    assert " us" not in told
    assert word in told
    assert "simple packet block" in told
    info = json.loads(report.to_json())["captures"][0]
    assert (info["packets"], info["untimed"], info["first_ns"]) == (2, 2, None)
    assert word in packet(str(capture), "1", "--lang", language)[1]


def test_a_packet_without_a_time_among_others_came_with_the_one_before():
    packets = enhanced(PING[0], 5_000_000) + simple(PING[1]) + enhanced(PING[0], 6_000_000)
    report = explain.explain(io.BytesIO(section() + interface() + packets))
    assert report.packets.time_ns[:3].tolist() == [5_000_000_000, 5_000_000_000, 6_000_000_000]
    (info,) = report.captures
    assert (info.untimed, info.first_ns, info.last_ns) == (1, 5_000_000_000, 6_000_000_000)
    assert "1 frame of" in " ".join(report.story().split())


def test_a_limit_of_the_reader_is_not_called_an_empty_capture():
    story = explain.explain(io.BytesIO(section() + interface() * 65_536 + enhanced(PING[0]))).story()
    assert "empty" not in story
    assert "65535" in story
