"""What is sent again is looked at to the last octet, also in a file that is too large for that."""

from __future__ import annotations

import gzip

import pytest
from packets import A, B, R, pcap, segment

import explain
from explain import pipeline

CLIENT, SERVER = ("192.0.2.1", 40000), ("198.51.100.7", 80)
SYN, SYN_ACK, ACK, PSH_ACK = 2, 18, 16, 24
TEXT = b"q" * 900


@pytest.fixture(autouse=True)
def _large_files(monkeypatch):
    monkeypatch.setattr("explain.decode.MOST_SUMMED", 0)


def upload(damage=lambda frame: frame, macs=(A, B)):
    """A segment of data that is confirmed, and one that has to be sent again."""
    there = {"macs": macs}
    back = {"macs": macs[::-1]}
    second = segment(CLIENT, SERVER, PSH_ACK, seq=901, ack=1, data=TEXT, **there)
    return pcap(
        (0.0, segment(CLIENT, SERVER, SYN, seq=0, **there)),
        (0.01, segment(SERVER, CLIENT, SYN_ACK, seq=0, ack=1, **back)),
        (0.02, segment(CLIENT, SERVER, ACK, seq=1, ack=1, **there)),
        (0.03, segment(CLIENT, SERVER, PSH_ACK, seq=1, ack=1, data=TEXT, **there)),
        (0.04, segment(SERVER, CLIENT, ACK, seq=1, ack=901, **back)),
        *((0.05 + seq / 100, segment(CLIENT, SERVER, ACK, seq=901, ack=1, **there)) for seq in range(3)),
        (0.1, damage(second)),
        (0.5, second),
        (0.51, segment(SERVER, CLIENT, ACK, seq=1, ack=1801, **back)),
    )


def flipped(frame):
    return frame[:-3] + bytes((frame[-3] ^ 0x10,)) + frame[-2:]


def written(path, stream):
    path.write_bytes(stream.getvalue())
    return str(path)


def causes(report):
    return [(one.cause, one.evidence[0].frames) for one in report.findings]


def test_a_segment_that_was_damaged_and_sent_again_is_named(tmp_path):
    report = explain.explain(written(tmp_path / "a.pcap", upload(flipped)))
    assert ("corrupted-packets", ((9, 9),)) in causes(report)
    assert report.captures[0].checksums == "some"


def test_a_segment_that_was_lost_and_sent_again_is_not_called_damaged(tmp_path):
    report = explain.explain(written(tmp_path / "a.pcap", upload()))
    assert "corrupted-packets" not in dict(causes(report))


def test_the_copy_at_another_place_is_looked_at_too(tmp_path):
    near = written(tmp_path / "near.pcap", upload(macs=(A, R)))
    far = written(tmp_path / "far.pcap", upload(flipped, macs=(R, B)))
    report = explain.explain(f"near={near}", f"far={far}")
    assert [one.checksums for one in report.captures] == ["some", "some"]
    assert "corrupted-packets" in dict(causes(report))


def test_what_cannot_be_read_again_is_told_as_not_verified(tmp_path):
    packed = tmp_path / "a.pcap.gz"
    packed.write_bytes(gzip.compress(upload(flipped).getvalue()))
    report = explain.explain(str(packed))
    assert report.captures[0].checksums == "some"
    assert "corrupted-packets" not in dict(causes(report))


def test_a_file_that_became_another_in_the_meantime_proves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.pcap"
    written(path, upload())
    understand = pipeline.understand

    def late(table, captures):
        data = bytearray(path.read_bytes())
        path.write_bytes(data[:100] + bytes(len(data) - 100))
        return understand(table, captures)

    monkeypatch.setattr(pipeline, "understand", late)
    assert causes(explain.explain(str(path))) == causes(explain.explain(upload()))


def test_small_captures_are_verified_whole(monkeypatch):
    monkeypatch.setattr("explain.decode.MOST_SUMMED", 1 << 20)
    report = explain.explain(upload(flipped))
    assert report.captures[0].checksums == "all"
    assert ("corrupted-packets", ((9, 9),)) in causes(report)
