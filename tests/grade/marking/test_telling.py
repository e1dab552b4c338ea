from __future__ import annotations

import struct

import pytest
from grading_scenes import FAR, ME, ROUTER, asked_and_pinged, mark
from packets import A, B, R, eth, ip, is_at, pcap, ping, pong, segment, tcp, who_has

from explain.grade.rubric.reading import load
from explain.grade.running.grading import grade_files

REPLY = '[[check]]\nid = "reply"\npoints = 2\nexpect = "arp.reply"\n'
SEQUENCE = """
[[check]]
id = "order"
points = 1
sequence = ["arp.request", "arp.reply"]
fail = "look at frame {first_violation.frame}"
"""


def test_what_came_nearest_is_named_with_its_frame_and_the_field_that_is_off(tmp_path):
    told, _ = mark(tmp_path, REPLY + 'where = { sender.ip = "192.0.2.7" }\n', *asked_and_pinged(1))
    assert (told["reply"].verdict, told["reply"].evidence[0].frames) == ("not-met", ((2, 2),))
    assert "frame 2" in told["reply"].says
    assert f"sender.ip is {ROUTER}" in told["reply"].says
    assert "192.0.2.7" not in told["reply"].says


def test_a_message_that_names_a_frame_that_is_not_there_gives_way_to_one_that_says_so(tmp_path):
    told, _ = mark(tmp_path, SEQUENCE, who_has((A, ME), ROUTER), ping(ME, FAR, 1), pong(FAR, ME, 1))
    assert "?" not in told["order"].says
    assert "ARP reply" in told["order"].says


def test_a_reply_that_came_too_late_is_told_as_such(tmp_path):
    text = (
        '[[check]]\nid = "q"\npoints = 0\nexpect = "arp.request"\nas = "req"\n' + REPLY + 'within = "1s after {req}"\n'
    )
    told, _ = mark(tmp_path, text, (0.0, who_has((A, ME), ROUTER)), (2.5, is_at((R, ROUTER), (A, ME))))
    assert told["reply"].verdict == "not-met"
    assert "2.5 s after frame 1" in told["reply"].says
    assert told["reply"].evidence[0].frames == ((2, 2),)


def test_what_came_on_the_wrong_side_is_told_by_the_frame_and_not_by_the_authors_name_for_it(tmp_path):
    text = '[[check]]\nid = "p"\npoints = 0\nexpect = "icmp.echo"\nas = "pinged"\n'
    frames = (is_at((R, ROUTER), (A, ME)), ping(ME, FAR, 1), pong(FAR, ME, 1))
    told, _ = mark(tmp_path, f'{text}{REPLY}within = "1s after {{pinged}}"\n', *frames)
    assert told["reply"].says == "Frame 1 came before frame 2, not after it: ARP reply."


@pytest.mark.parametrize(("claim", "verdict"), [("p.ttl == 64", "met"), ("p.ttl == 63", "not-met")])
def test_a_claim_shows_its_values_and_the_frames_that_have_them(tmp_path, claim, verdict):
    text = (
        '[[check]]\nid = "p"\npoints = 0\nexpect = "icmp.echo"\nas = "p"\n'
        f'[[check]]\nid = "ttl"\npoints = 1\nassert = "{claim}"\n'
    )
    told, _ = mark(tmp_path, text, *asked_and_pinged(1))
    assert (told["ttl"].verdict, told["ttl"].evidence[0].frames) == (verdict, ((3, 4),))
    assert "p.ttl is 64" in told["ttl"].says


def test_a_comparison_with_what_the_packets_do_not_have_costs_only_that_check(tmp_path):
    text = (
        '[[check]]\nid = "hs"\npoints = 0\nexpect = "tcp.handshake"\nas = "hs"\n'
        '[[check]]\nid = "seq"\npoints = 1\nexpect = "tcp.reset"\nwhere = { seq = "{hs.synack.seq + 1}" }\n' + REPLY
    )
    told, _ = mark(tmp_path, text, *asked_and_pinged(1), segment((ME, 4000), (FAR, 80), 0x02, seq=1))
    assert [told[name].verdict for name in ("hs", "seq", "reply")] == ["met", "skipped", "met"]


def test_a_handshake_before_the_capture_began_cannot_be_told(tmp_path):
    text = '[[check]]\nid = "hs"\npoints = 1\nexpect = "tcp.handshake"\nwhere = {{ server.port = {port} }}\n'
    late = segment((ME, 4000), (FAR, 80), 0x10, seq=5, ack=7), segment((FAR, 80), (ME, 4000), 0x10, seq=7, ack=5)
    assert mark(tmp_path, text.format(port=80), *late)[0]["hs"].verdict == "cannot-tell"
    assert mark(tmp_path, text.format(port=81), *late)[0]["hs"].verdict == "not-met"


def filtered(words: str, *frames) -> bytes:
    """A pcapng whose only interface says with which filter it was made."""
    value = b"\0" + words.encode()
    option = struct.pack("<HH", 11, len(value)) + value + b"\0" * (-len(value) % 4) + b"\0\0\0\0"
    blocks = [(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), (1, struct.pack("<HHI", 1, 0, 0) + option)]
    blocks += [
        (6, struct.pack("<IIIII", 0, 0, at, len(frame), len(frame)) + frame + b"\0" * (-len(frame) % 4))
        for at, frame in enumerate(frames)
    ]
    return b"".join(struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
                    for kind, body in blocks)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "verdicts"),
    [
        ("icmp", ["cannot-tell", "cannot-tell"]),
        ("icmp or arp", ["not-met", "cannot-tell"]),
        ("arp or ip", ["not-met", "met"]),
        ("not arp", ["cannot-tell", "cannot-tell"]),
    ],
)
def test_what_a_capture_filter_left_out_cannot_be_told(tmp_path, words, verdicts):
    text = REPLY + '[[check]]\nid = "quiet"\npoints = 1\nnone = "tcp.reset"\n'
    path = tmp_path / "rubric.toml"
    path.write_text('rubric = 1\n[submission]\ncaptures = { h1 = "lab.pcap" }\n' + text)
    capture = tmp_path / "lab.pcap"
    capture.write_bytes(filtered(words, ping(ME, FAR, 1), pong(FAR, ME, 1)))
    graded = grade_files(load(str(path))[0], "x", {"h1": capture}, None, {})
    assert [one.verdict for one in graded.checks] == verdicts


def test_a_phase_that_is_missing_costs_its_points_also_where_the_rest_fits(tmp_path):
    text = (
        '[[check]]\nid = "hs"\npoints = 3\nexpect = "tcp.handshake"\nwhere = { server.port = 80 }\n'
        "partial = { syn = 1, synack = 1, established = 1 }\n"
    )
    opened = segment((ME, 4000), (FAR, 80), 0x02, seq=1), segment((FAR, 80), (ME, 4000), 0x12, seq=9, ack=2)
    told, _ = mark(tmp_path, text, *opened)
    assert (told["hs"].verdict, told["hs"].points) == ("partly", 2)
    assert mark(tmp_path, text, *opened, segment((ME, 4000), (FAR, 80), 0x10, seq=2, ack=10))[0]["hs"].points == 3


def test_a_segment_that_was_recorded_twice_is_no_retransmission(tmp_path):
    text = '[[check]]\nid = "once"\npoints = 1\nnone = "tcp.retransmission"\n'
    me, far = (ME, 4000), (FAR, 80)
    opened = segment(me, far, 0x02, seq=1), segment(far, me, 0x12, seq=9, ack=2), segment(me, far, 0x10, seq=2, ack=10)
    said, again = (
        eth(A, B, 0x800, ip(ME, FAR, 6, tcp(ME, FAR, 4000, 80, 0x18, 2, 10, b"hello"), ident=ident))
        for ident in (77, 78)
    )
    ended = segment(far, me, 0x14, seq=10, ack=7)
    for frames, verdict in ((((0.3, said), (0.3001, said)), "met"), (((0.3, said), (0.5, again)), "not-met")):
        assert mark(tmp_path, text, *opened, *frames, (0.7, ended))[0]["once"].verdict == verdict


def test_what_is_there_with_strangers_only_is_not_called_missing(tmp_path):
    text = '[[check]]\nid = "ping"\npoints = 1\nexpect = "icmp.echo"\nwhere = { src = "192.0.2.9" }\n'
    head = 'rubric = 1\n[submission]\ncaptures = { h1 = "lab.pcap" }\nnetworks = ["10.0.0.0/8"]\n'
    path = tmp_path / "rubric.toml"
    path.write_text(head + text)
    capture = tmp_path / "lab.pcap"
    capture.write_bytes(pcap(ping(ME, FAR, 1), pong(FAR, ME, 1)).getvalue())
    says = grade_files(load(str(path))[0], "x", {"h1": capture}, None, {}).checks[0].says
    assert says == "The capture has this only with an address outside the lab's networks (10.0.0.0/8): ping."
    assert ME not in says


def test_a_finished_connection_shows_what_it_lacks_also_in_a_capture_that_is_cut_later(tmp_path):
    text = (
        '[[check]]\nid = "hs"\npoints = 0\nexpect = "tcp.handshake"\nas = "hs"\n'
        '[[check]]\nid = "once"\npoints = 1\nnone = "tcp.retransmission"\nwhere = { flow = "{hs.flow}" }\n'
        '[[check]]\nid = "quiet"\npoints = 1\nnone = "tcp.retransmission"\n'
    )
    me, far = (ME, 4000), (FAR, 80)
    whole = (
        segment(me, far, 0x02, seq=1), segment(far, me, 0x12, seq=9, ack=2), segment(me, far, 0x10, seq=2, ack=10),
        segment(me, far, 0x11, seq=2, ack=10), segment(far, me, 0x11, seq=10, ack=3),
        segment(me, far, 0x10, seq=3, ack=11),
    )  # fmt: skip
    path = tmp_path / "rubric.toml"
    path.write_text('rubric = 1\n[submission]\ncaptures = { h1 = "lab.pcap" }\n' + text)
    capture = tmp_path / "lab.pcap"
    capture.write_bytes(pcap(*whole, ping(ME, FAR, 1)).getvalue()[:-9])
    graded = grade_files(load(str(path))[0], "x", {"h1": capture}, None, {})
    assert [one.verdict for one in graded.checks] == ["met", "met", "cannot-tell"]


ASKED = '[[check]]\nid = "asked"\npoints = 1\nexpect = "arp.request"\nwhere = {{ target.ip = "{target}" }}\n'


@pytest.mark.parametrize(("target", "verdict"), [(ROUTER, "cannot-tell"), ("192.0.2.7", "not-met")])
def test_an_arp_request_whose_reply_alone_was_recorded_cannot_be_told(tmp_path, target, verdict):
    told, _ = mark(tmp_path, ASKED.format(target=target), *asked_and_pinged(1)[1:])
    assert told["asked"].verdict == verdict


@pytest.mark.parametrize(("size", "verdict"), [(60, "cannot-tell"), (2000, "not-met")])
def test_the_data_of_frames_that_were_kept_in_part_cannot_be_told(tmp_path, size, verdict):
    text = (
        '[[check]]\nid = "said"\npoints = 1\nexpect = "tcp.stream"\nwhere = { client.text = { contains = "s001" } }\n'
    )
    path, capture = tmp_path / "rubric.toml", tmp_path / "lab.pcap"
    path.write_text('rubric = 1\n[submission]\ncaptures = { h1 = "lab.pcap" }\n' + text)
    me, far = (ME, 4000), (FAR, 80)
    frames = (
        segment(me, far, 0x02, seq=1), segment(far, me, 0x12, seq=9, ack=2), segment(me, far, 0x10, seq=2, ack=10),
        segment(me, far, 0x18, seq=2, ack=10, data=b"hello from somebody"),
    )  # fmt: skip
    capture.write_bytes(kept(size, *frames))
    graded = grade_files(load(str(path))[0], "x", {"h1": capture}, None, {})
    assert graded.checks[0].verdict == verdict


def kept(size: int, *frames: bytes) -> bytes:
    """A capture in which each frame has at most so many octets (``tcpdump -s``)."""
    records = (struct.pack("<IIII", at, 0, min(size, len(one)), len(one)) + one[:size] for at, one in enumerate(frames))
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, size, 1) + b"".join(records)


def test_a_check_that_compares_with_what_no_check_found_names_that_check(tmp_path):
    text = (
        '[[check]]\nid = "opened"\npoints = 1\nexpect = "tcp.handshake"\nas = "hs"\n'
        '[[check]]\nid = "quiet"\npoints = 1\nnone = "tcp.reset"\nwhere = { flow = "{hs.flow}" }\n'
    )
    told, _ = mark(tmp_path, text, *asked_and_pinged(1))
    assert (told["quiet"].verdict, told["quiet"].says) == (
        "skipped",
        "Not looked at, because it builds on what is missing: opened.",
    )


def test_no_sentence_says_that_there_is_none_where_only_none_of_the_kind_in_question_is(tmp_path):
    text = ASKED.format(target="192.0.2.9").replace("points = 1", 'points = -1\ncount = "<=3"')
    told, _ = mark(tmp_path, text, *asked_and_pinged(1))
    assert "none of the kind in question" in told["asked"].says


def test_a_step_of_a_sequence_that_is_there_otherwise_is_not_called_absent(tmp_path):
    steps = '"arp.request", { event = "icmp.echo", where = { dst = "192.0.2.77" } }'
    text = f'[[check]]\nid = "order"\npoints = 1\nsequence = [{steps}]\n'
    told, _ = mark(tmp_path, text, *asked_and_pinged(2))
    assert told["order"].says == "The capture has this 2 times, but not as it was asked for: ping."


def test_a_value_that_is_empty_is_said_to_be(tmp_path):
    text = (
        '[[check]]\nid = "p"\npoints = 0\nexpect = "tcp.stream"\nas = "talk"\n'
        '[[check]]\nid = "said"\npoints = 1\nassert = "talk.client.text != \'\'"\n'
    )
    me, far = (ME, 4000), (FAR, 80)
    frames = (
        segment(me, far, 0x02, seq=1), segment(far, me, 0x12, seq=9, ack=2), segment(me, far, 0x10, seq=2, ack=10),
        segment(far, me, 0x18, seq=10, ack=2, data=b"hello"),
    )  # fmt: skip
    told, _ = mark(tmp_path, text, *frames)
    assert "(talk.client.text is empty)" in told["said"].says


def test_parts_that_lack_the_same_thing_are_told_once(tmp_path):
    text = (
        '[[check]]\nid = "p"\npoints = 0\nexpect = "tcp.handshake"\nas = "hs"\n'
        '[[check]]\nid = "all"\npoints = 2\nall_of = [ { assert = "hs.synack.seq > 0", points = 1 }, '
        '{ assert = "hs.synack.window > 0", points = 1 } ]\n'
    )
    told, _ = mark(tmp_path, text, segment((ME, 4000), (FAR, 80), 0x02, seq=1))
    assert told["all"].says.count("Not in the capture") == 1
    assert told["all"].says.startswith("Not in the capture: hs.synack. So this does not hold:")


def test_what_should_stand_there_is_named_only_where_the_rubric_reveals_it(tmp_path):
    head = 'rubric = 1\nreveal = true\n[submission]\ncaptures = { h1 = "lab.pcap" }\n'
    path, capture = tmp_path / "rubric.toml", tmp_path / "lab.pcap"
    path.write_text(head + ASKED.format(target="192.0.2.7"))
    capture.write_bytes(pcap(*asked_and_pinged(1)).getvalue())
    rubric, complaints = load(str(path))
    assert complaints == []
    says = grade_files(rubric, "x", {"h1": capture}, None, {}).checks[0].says
    assert f"its target.ip is {ROUTER} instead of 192.0.2.7" in says


def test_a_list_that_is_too_short_is_told_by_its_length(tmp_path):
    text = (
        '[[check]]\nid = "pings"\npoints = 1\nexpect = "icmp.echo"\n'
        '[[check]]\nid = "many"\npoints = 1\nassert = "len(pings) == 4"\n'
    )
    told, _ = mark(tmp_path, text, *asked_and_pinged(2))
    assert "len(pings) is 2" in told["many"].says
