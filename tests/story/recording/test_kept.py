"""What a snapshot length took away is told, and only where something that explain reads went with it."""

from __future__ import annotations

import io
import struct

import pytest
from dhcp_packets import discover, offer
from packets import A, B, datagram, is_at, pcap, ping, pong, segment, who_has

import explain
from explain.capture.pcapng.writer import InterfaceBlock, PacketBlock, Statistics, section

CLIENT, SERVER = ("192.0.2.1", 40000), ("192.0.2.2", 80)
SYN, ACK = 2, 16
QUESTION = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + b"\3www\7example\3net\0" + struct.pack(">HH", 1, 1)
GET = b"GET / HTTP/1.1\r\nHost: www.example.net\r\n\r\n"
NAME = b"www.example.net"
SNI = struct.pack(">HHHBH", 0, len(NAME) + 5, len(NAME) + 3, 0, len(NAME)) + NAME
INNER = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack(">H", len(SNI)) + SNI
HELLO = b"\1" + len(INNER).to_bytes(3, "big") + INNER
CLIENT_HELLO = b"\x16\3\1" + struct.pack(">H", len(HELLO)) + HELLO


def snapped(capture, most):
    """The capture as a snapshot length of so many octets would have left it."""
    data, at = capture.getvalue(), 24
    out = data[:24]
    while at < len(data):
        seconds, ns, size, length = struct.unpack_from("<IIII", data, at)
        kept = min(size, most)
        out += struct.pack("<IIII", seconds, ns, kept, length) + data[at + 16 : at + 16 + kept]
        at += 16 + size
    return io.BytesIO(out)


def talk(data):
    return (
        segment(CLIENT, SERVER, SYN, seq=100),
        segment(SERVER, CLIENT, SYN | ACK, (B, A), seq=500, ack=101),
        segment(CLIENT, SERVER, ACK, seq=101, ack=501),
        segment(CLIENT, SERVER, ACK, seq=101, ack=501, data=data),
    )


def told(frames, most):
    """Values of the line about frames kept in part, for a capture with that snapshot length."""
    report = explain.explain(snapped(pcap(*frames), most))
    lines = [one for one in report.lines if one.message == "story.kept-in-part"]
    assert len(lines) < 2
    assert not lines or f"at most {most} bytes" in " ".join(report.story().split())
    assert not lines or f"長いもので {most} バイト" in "".join(report.story("ja").split("\n"))
    return [one.values for one in lines]


@pytest.mark.parametrize(
    ("frames", "most"),
    [
        ([datagram(("192.0.2.1", 5353), ("192.0.2.53", 53), QUESTION)], 50),
        ([discover(), offer()], 120),
        (talk(GET), 54),
        (talk(GET), 70),
        (talk(GET + b"x" * 400), 54 + len(GET) - 1),
        (talk(CLIENT_HELLO), 90),
        ([ping("192.0.2.1", "192.0.2.2", 1), pong("192.0.2.2", "192.0.2.1", 1)], 30),
    ],
    ids=["dns", "dhcp", "nothing-of-http", "some-of-http", "all-but-one-octet", "tls-hello", "no-whole-ip-header"],
)
def test_a_message_or_head_that_was_cut_off_is_told(frames, most):
    count = sum(len(one) > most for one in frames)
    assert told(frames, most) == [{"count": count, "most": most}]


@pytest.mark.parametrize(
    ("frames", "most"),
    [
        ([ping("192.0.2.1", "192.0.2.2", 1), pong("192.0.2.2", "192.0.2.1", 1)], 60),
        ([datagram(("192.0.2.1", 40000), ("192.0.2.2", 40001), b"x" * 100)], 60),
        (talk(GET + b"x" * 400), 54 + len(GET)),
        (talk(CLIENT_HELLO + b"\x17\3\3\1\0" + b"x" * 256), 54 + len(CLIENT_HELLO)),
        (talk(GET), 65535),
        ([], 60),
    ],
    ids=["ping", "unknown-datagram", "body", "behind-the-hello", "nothing-cut", "empty"],
)
def test_where_nothing_that_is_read_was_cut_off_nothing_is_told(frames, most):
    assert told(frames, most) == []


def test_packets_that_a_text_shows_were_not_cut_by_a_capture():
    line = "12:00:0{}.000000 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 128)\n"
    line += "    192.0.2.1.40000 > 192.0.2.2.80: Flags [P.], seq 1:77, ack 1, win 502, length 76: HTTP, length: 76\n"
    line += "\tGET / HTTP/1.1\n\tHost: www.example.net\n\n"
    report = explain.explain(io.BytesIO("".join(line.format(second) for second in (1, 2)).encode()))
    assert len(report.packets) == 2
    assert (report.packets.captured[:2] < report.packets.length[:2]).all(), "else this proves nothing"
    assert not [one for one in report.lines if one.message == "story.kept-in-part"]


@pytest.mark.parametrize("is_heard", [False, True])
def test_where_only_one_direction_was_recorded_silence_is_no_finding(is_heard):
    """With one packet that came to the host, its unanswered questions count again; frames without IP change nothing."""
    asked = datagram((CLIENT[0], 5000), ("192.0.2.53", 53), QUESTION)
    frames = [who_has((A, CLIENT[0]), CLIENT[0]), segment(CLIENT, SERVER, SYN), segment(CLIENT, SERVER, ACK)]
    frames += [asked, (5, asked), (9, asked)]
    heard = [pong(SERVER[0], CLIENT[0], 1)] if is_heard else []
    report = explain.explain(pcap(*frames, *heard, (12, segment(CLIENT, SERVER, ACK))))
    assert bool(report.findings) == is_heard
    (told,) = [line for line in report.lines if line.message == "story.one-way"] or [None]
    assert (told is None) == is_heard
    assert told is None or told.evidence[0].frames == ((2, 7),)
    assert is_heard or report.lines[0].message == "story.one-way-open"


def test_where_nothing_lacks_an_answer_one_direction_shows_no_failure():
    report = explain.explain(pcap(segment(CLIENT, SERVER, SYN), segment(CLIENT, SERVER, ACK)))
    assert report.lines[0].message == "story.healthy-one-way"


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_where_several_connections_confirm_what_is_not_here_the_capture_is_called_incomplete(lost):
    frames = []
    for number in range(3):
        client = (CLIENT[0], 40000 + number)
        frames += [
            segment(client, SERVER, SYN, seq=100), segment(SERVER, client, SYN | ACK, (B, A), seq=500, ack=101),
            segment(client, SERVER, ACK, seq=101, ack=501),
            segment(SERVER, client, ACK, (B, A), seq=501, ack=101, data=b"x" * 100),
            segment(client, SERVER, ACK, seq=101, ack=501 + (100 if number >= lost else 200)),
        ]  # fmt: skip
    told = [one for one in explain.explain(pcap(*frames)).lines if one.message == "story.missed"]
    assert [one.values["count"] for one in told] == [lost] * (lost > 1)
    assert [one.evidence[0].frames for one in told] == [((5, 5), (10, 10))] * (lost > 1)


@pytest.mark.parametrize("dropped", [0, 7])
def test_frames_that_the_recorder_counted_as_lost_are_told(dropped):
    frame = ping("192.0.2.1", "192.0.2.2", 1)
    blocks = section(
        [InterfaceBlock("eth0")], [PacketBlock(0, 10**18, frame, len(frame))], [Statistics(0, 0, 10**18, 1, dropped)]
    )
    told = [one for one in explain.explain(io.BytesIO(b"".join(blocks))).lines if one.message == "story.dropped"]
    assert [one.values["count"] for one in told] == [dropped] * bool(dropped)


@pytest.mark.parametrize("heard", [[], [is_at((B, SERVER[0]), (A, CLIENT[0]))], [pong(SERVER[0], CLIENT[0], 9)]])
def test_a_question_for_a_mac_whose_answer_is_only_missing_shows_that_one_direction_was_recorded(heard):
    asked = [
        who_has((A, CLIENT[0]), SERVER[0]),
        (0.001, ping(CLIENT[0], SERVER[0], 1)),
        (1, ping(CLIENT[0], SERVER[0], 2)),
    ]
    report = explain.explain(pcap(*asked, *((2, one) for one in heard), (9, ping(CLIENT[0], SERVER[0], 3))))
    messages = [line.message for line in report.lines]
    assert bool(report.findings) == bool(heard)
    assert ("story.one-way-link" in messages) == ("story.one-way-open" in messages) == (not heard)
