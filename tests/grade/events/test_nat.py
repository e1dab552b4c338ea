from __future__ import annotations

import pytest
from packets import A, B, R, pcap, segment

from explain.grade.rubric.reading import load
from explain.grade.running.grading import grade_files

ME, PUBLIC, FAR = ("192.0.2.1", 5000), ("203.0.113.254", 5000), ("203.0.113.2", 80)
TEXT = """
rubric = 1
[submission]
captures = { inside = "inside.pcap", outside = "outside.pcap" }
[[check]]
id = "translated"
points = 2
expect = "nat.translation"
where = { inside.src.ip = "192.0.2.1", outside.src.ip = "203.0.113.254" }
as = "t"
[[check]]
id = "back"
points = 1
assert = "t.reply.inside.dst == t.inside.src"
"""


def talk(client, macs, hop: int) -> list[tuple[float, bytes]]:
    """A handshake and a line as one side of the router sees it, ``hop`` further from the client."""
    there = {"macs": macs, "ttl": 64 - hop}
    back = {"macs": macs[::-1], "ttl": 63 + hop}
    late = hop / 10_000
    return [
        (0.0 + late, segment(client, FAR, 0x02, seq=100, **there)),
        (0.1 - late, segment(FAR, client, 0x12, seq=900, ack=101, **back)),
        (0.2 + late, segment(client, FAR, 0x10, seq=101, ack=901, **there)),
        (0.3 + late, segment(client, FAR, 0x18, seq=101, ack=901, data=b"hello", **there)),
        (0.4 - late, segment(FAR, client, 0x10, seq=901, ack=106, **back)),
    ]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_who_began_is_inside_also_where_the_first_packet_on_both_sides_is_a_reply(tmp_path, missing):
    (tmp_path / "rubric.toml").write_text(TEXT)
    rubric, complaints = load(str(tmp_path / "rubric.toml"))
    assert complaints == []
    files = {"inside": tmp_path / "inside.pcap", "outside": tmp_path / "outside.pcap"}
    files["inside"].write_bytes(pcap(*talk(ME, (A, R), 0)).getvalue())
    files["outside"].write_bytes(pcap(*talk(PUBLIC, (R, B), 1)[missing:]).getvalue())
    graded = grade_files(rubric, "x", files, None, {})
    assert [(one.id, one.verdict) for one in graded.checks] == [("translated", "met"), ("back", "met")]


def test_a_public_port_that_two_hosts_had_one_after_the_other_gives_each_its_own_reply(tmp_path):
    """Both ask before the first one is refused, as in runs of the shipped lab on a busy machine."""
    (tmp_path / "rubric.toml").write_text(TEXT)
    rubric, _ = load(str(tmp_path / "rubric.toml"))
    mate = ("192.0.2.3", 5000)
    inside, outside = [], []
    for client, seq, began, ended in ((mate, 100, 0.0, 0.35), (ME, 900, 0.01, 0.15)):
        asked, refused = {"seq": seq, "macs": (A, R)}, {"seq": 0, "ack": seq + 1, "macs": (R, A), "ttl": 63}
        inside += [(began, segment(client, FAR, 0x02, **asked)), (ended, segment(FAR, client, 0x14, **refused))]
        asked, refused = asked | {"macs": (R, B), "ttl": 63}, refused | {"macs": (B, R), "ttl": 64}
        outside += [(ended - 0.05, segment(PUBLIC, FAR, 0x02, **asked)),
                    (ended - 0.04, segment(FAR, PUBLIC, 0x14, **refused))]  # fmt: skip
    files = {"inside": tmp_path / "inside.pcap", "outside": tmp_path / "outside.pcap"}
    for name, frames in (("inside", inside), ("outside", outside)):
        files[name].write_bytes(pcap(*sorted(frames)).getvalue())
    graded = grade_files(rubric, "x", files, None, {})
    assert [(one.id, one.verdict) for one in graded.checks] == [("translated", "met"), ("back", "met")]


def test_what_a_capture_lacks_that_was_not_handed_in_cannot_be_told_and_the_other_one_is_named(tmp_path):
    checks = "".join(f'[[check]]\nid = "{one}"\npoints = 1\ncapture = "{one}"\nnone = "ip.packet"\n'
                     for one in ("inside", "outside"))  # fmt: skip
    (tmp_path / "rubric.toml").write_text(TEXT + checks)
    rubric, _ = load(str(tmp_path / "rubric.toml"))
    path = tmp_path / "inside.pcap"
    path.write_bytes(pcap(*talk(ME, (A, R), 0)).getvalue())
    inside, outside = grade_files(rubric, "x", {"inside": path}, None, {}).checks[2:]
    assert (inside.verdict, "Frame 1 (inside)" in inside.says) == ("not-met", True)
    assert (outside.verdict, "was not handed in" in outside.says) == ("cannot-tell", True)


def test_captures_under_each_others_names_are_told_as_such_and_change_no_mark(tmp_path):
    (tmp_path / "rubric.toml").write_text(TEXT)
    rubric, _ = load(str(tmp_path / "rubric.toml"))
    files = {"inside": tmp_path / "inside.pcap", "outside": tmp_path / "outside.pcap"}
    files["inside"].write_bytes(pcap(*talk(ME, (A, R), 0)).getvalue())
    files["outside"].write_bytes(pcap(*talk(PUBLIC, (R, B), 1)).getvalue())
    turned = dict(zip(files, reversed(files.values()), strict=True))
    told = [grade_files(rubric, "x", some, None, {}) for some in (files, turned)]
    assert [(one.score, one.exchanged) for one in told] == [(3, None), (0, 3)]


def test_the_frames_of_prints_are_counted_in_the_captures_that_were_handed_in(tmp_path):
    (tmp_path / "rubric.toml").write_text(TEXT.replace("captures = {", 'captures = { before = "before.pcap",'))
    rubric, _ = load(str(tmp_path / "rubric.toml"))
    files = {"inside": tmp_path / "inside.pcap", "outside": tmp_path / "outside.pcap"}
    files["inside"].write_bytes(pcap(*talk(ME, (A, R), 0)).getvalue())
    files["outside"].write_bytes(pcap(*talk(PUBLIC, (R, B), 1)).getvalue())
    graded = grade_files(rubric, "x", files, None, {})
    assert [name for name, _ in graded.files] == ["inside", "outside"]
    assert {capture for capture, *_ in graded.prints.addresses.values()} == {0, 1}
