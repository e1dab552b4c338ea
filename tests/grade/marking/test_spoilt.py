"""Damage inside a frame, the records of the capture being whole: what stood there is unknown, and no mistake."""

from __future__ import annotations

import pytest
from grading_scenes import FAR, ME, ROUTER, mark
from packets import A, R, is_at, ping, pong, segment, who_has
from surroundings import TOP

from explain.grade.authoring.lint import sound
from explain.grade.running.grading import grade_files

RESET = """
[[check]]
id = "reset"
points = 1
expect = "tcp.reset"
where = { server.ip = "198.51.100.1", server.port = 80 }
fail = "no reset"
"""
CLAIM = """
[[check]]
id = "ping"
points = 1
expect = "icmp.echo"
as = "p"
[[check]]
id = "ttl"
points = 1
assert = "p.ttl == 1"
"""
OPENED = (
    segment((ME, 4000), (FAR, 80), 0x02, seq=1), segment((FAR, 80), (ME, 4000), 0x12, seq=9, ack=2),
    segment((ME, 4000), (FAR, 80), 0x10, seq=2, ack=10),
)  # fmt: skip


def overwritten(frame, at=-1):
    """A frame of which one octet is another one."""
    changed = bytearray(frame)
    changed[at] ^= 0x54
    return bytes(changed)


def records(octets):
    """Where the frames of a little-endian pcap begin, and their lengths."""
    at = 24
    while at < len(octets):
        size = int.from_bytes(octets[at + 8 : at + 12], "little")
        yield at + 16, size
        at += 16 + size


@pytest.fixture
def dhcp(tmp_path):
    """Marks the good capture of the DHCP rubric with the head of one message overwritten."""

    def marked(number, size=24):
        rubric = sound(str(TOP / "rubrics" / "dhcp" / "rubric.toml"))
        octets = bytearray((TOP / "rubrics" / "dhcp" / "good.pcap").read_bytes())
        start = [first for first, _ in records(octets)][number]
        octets[start + 42 : start + 42 + size] = bytes(size)
        path = tmp_path / "dhcp.pcap"
        path.write_bytes(octets)
        return {one.id: one for one in grade_files(rubric, "ann", {"client": path}, None, {}).checks}

    return marked


@pytest.mark.parametrize("number", range(4))
def test_an_overwritten_message_of_dhcp_is_not_told_as_lacking_and_the_others_keep_their_points(dhcp, number):
    told = dhcp(number)["dora"]
    assert (told.verdict, told.points) == ("cannot-tell", 3)
    assert f"frame {number + 1}" in told.says


def test_what_is_claimed_of_an_overwritten_message_is_not_told_as_wrong(dhcp):
    assert dhcp(3)["lease"].verdict == "cannot-tell"


@pytest.mark.parametrize("at", [46, 47])  # the length of the header of TCP, and its flags
def test_a_damaged_segment_of_the_same_ends_may_be_the_one_that_is_asked_for(tmp_path, at):
    reset = segment((FAR, 80), (ME, 4000), 0x04, seq=10)
    told = mark(tmp_path, RESET, *OPENED, overwritten(reset, at))[0]["reset"]
    assert (told.verdict, told.evidence[0].frames) == ("cannot-tell", ((4, 4),))


@pytest.mark.parametrize("at", [18, 19])  # the lengths of the addresses
def test_a_frame_that_is_too_damaged_to_have_a_packet_in_it_is_named_all_the_same(tmp_path, at):
    text = '[[check]]\nid = "reply"\npoints = 1\nexpect = "arp.reply"\n'
    frames = who_has((A, ME), ROUTER), overwritten(is_at((R, ROUTER), (A, ME)), at)
    told = mark(tmp_path, text, *frames)[0]["reply"]
    assert (told.verdict, told.evidence[0].frames) == ("cannot-tell", ((2, 2),))
    assert "frame 2" in told.says


@pytest.mark.parametrize(
    "frame", [pong(FAR, ME, 1), segment((FAR, 81), (ME, 4000), 4), segment(("192.0.2.9", 80), (ME, 4000), 4)]
)
def test_a_damaged_frame_of_another_kind_port_or_host_excuses_nothing(tmp_path, frame):
    assert mark(tmp_path, RESET, *OPENED, overwritten(frame))[0]["reset"].verdict == "not-met"


def test_checksums_that_a_card_was_to_fill_in_are_no_damage(tmp_path):
    frames = [overwritten(segment((ME, 4000), (FAR, 80), 0x10, seq=at), 50) for at in range(4)]
    assert mark(tmp_path, RESET, *frames)[0]["reset"].verdict != "met"
    assert "damaged" not in mark(tmp_path, RESET, *frames)[0]["reset"].says
    assert "damaged" in mark(tmp_path, RESET, *frames[:2])[0]["reset"].says


@pytest.mark.parametrize(("at", "verdict"), [(22, "cannot-tell"), (None, "not-met")])  # 22 is the TTL
def test_a_claim_about_a_field_of_a_damaged_frame_is_not_known_to_be_wrong(tmp_path, at, verdict):
    asked = ping(ME, FAR, 1)
    frames = asked if at is None else overwritten(asked, at), pong(FAR, ME, 1)
    told, _ = mark(tmp_path, CLAIM, *frames)
    assert (told["ping"].verdict, told["ttl"].verdict) == ("met", verdict)


def test_what_is_there_all_the_same_is_met_beside_a_damaged_frame(tmp_path):
    reset = segment((FAR, 80), (ME, 4000), 0x04, seq=10)
    assert mark(tmp_path, RESET, *OPENED, overwritten(OPENED[2]), reset)[0]["reset"].verdict == "met"
