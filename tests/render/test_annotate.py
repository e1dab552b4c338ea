from __future__ import annotations

import gzip
import json
import subprocess

import capture_files as files
import pytest
from command_line import EXPLAIN
from packets import A, R, error, eth, ip, is_at, pcap, ping, who_has
from surroundings import TOP

from explain.capture import open_capture

ALICE, BOB = "192.0.2.1", "198.51.100.1"


def broken():
    asked = ping(ALICE, BOB, 1)
    return (
        who_has((A, ALICE), "192.0.2.254"), is_at((R, "192.0.2.254"), (A, ALICE)), asked,
        error("192.0.2.254", 3, 0, asked),
    )  # fmt: skip


def annotate(path, target, *more):
    command = [*EXPLAIN, "annotate", str(path), "-o", str(target), "--lang", "en", *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def packets(path):
    """What every packet is: its octets, length, nanoseconds and interface."""
    found = []
    with open_capture(str(path)) as reader:
        for frames in reader.frames():
            for start, size, length, time_ns, port in zip(
                frames.start, frames.captured, frames.length, frames.time_ns, frames.interface, strict=True
            ):
                octets = frames.data[int(start) : int(start) + int(size)].tobytes()
                found.append((octets, int(length), int(time_ns), int(port)))
        return found, [(one.name, one.link_type, one.snaplen) for one in reader.interfaces], reader.comments


def dissected(path):
    """tshark's own view of the packets, and the comments beside them."""
    fields = ["frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_id"]
    arguments = [argument for field in fields for argument in ("-e", field)]
    rows = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", *arguments], capture_output=True, check=True)
    raw = subprocess.run(["tshark", "-n", "-r", path, "-x"], capture_output=True, check=True).stdout
    said = subprocess.run(
        ["tshark", "-n", "-r", path, "-T", "json", "-e", "frame.comment"], capture_output=True, check=True
    ).stdout
    comments = [one["_source"]["layers"].get("frame.comment", []) for one in json.loads(said)]
    return (rows.stdout, raw), comments


def test_each_packet_of_a_pcap_gets_a_sentence_and_keeps_everything(tmp_path):
    source, target = tmp_path / "a.pcap", tmp_path / "b.pcapng"
    source.write_bytes(pcap(*broken()).getvalue())
    done = annotate(source, target)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    before, after = packets(source), packets(target)
    assert before[:2] == after[:2]
    assert after[2][0].startswith("✗ Router 192.0.2.254 knows no way to 198.51.100.1")


def test_the_comments_can_tell_what_a_tunnel_carries(tmp_path):
    source, target = tmp_path / "a.pcap", tmp_path / "b.pcapng"
    source.write_bytes(pcap(eth(A, R, 0x800, ip("192.0.2.7", "192.0.2.8", 4, ping(ALICE, BOB, 1)[14:]))).getvalue())
    assert annotate(source, target, "--inside").returncode == 0
    assert packets(source)[0] == packets(target)[0]
    assert f"Echo request (ping) from {ALICE} to {BOB}".encode() in target.read_bytes()


@pytest.mark.needs("tshark")
def test_tshark_sees_the_same_packets_and_a_comment_at_each(tmp_path):
    source, target = tmp_path / "a.pcap", tmp_path / "b.pcapng"
    source.write_bytes(pcap(*broken()).getvalue())
    annotate(source, target)
    (before, _), (after, comments) = dissected(source), dissected(target)
    # A pcap has no interfaces, a pcapng has: there it is number 0.
    assert before[0].replace(b"\t\n", b"\t0\n") == after[0]
    assert before[1] == after[1]
    assert all(comments)
    assert "who-has 192.0.2.254?" in comments[0][0]
    assert any("net-unreachable" in comment for comment in comments[3])


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("case", ["path-mtu-exceeded", "dhcp", "nat-tcp", "tcp-no-listener"])
def test_recordings_with_several_interfaces_stay_as_they_are(tmp_path, case):
    source = next((TOP / "pcaps" / case).glob("*.pcapng"))
    target = tmp_path / "b.pcapng"
    assert annotate(source, target).returncode == 0
    assert packets(source)[:2] == packets(target)[:2]
    (before, _), (after, comments) = dissected(source), dissected(target)
    assert before == after
    assert all(comments)


@pytest.mark.parametrize("order", ["<", ">"])
def test_blocks_and_options_that_explain_does_not_know_are_kept(tmp_path, order):
    own = files.option(1, b"mine", order) + files.option(2, b"\x01\0\0\0", order) + files.option(0, b"", order)
    foreign = files.block(0x0BAD, b"secret!!", order)
    second = ping(ALICE, BOB, 2)
    simple = len(second).to_bytes(4, "little" if order == "<" else "big") + second
    octets = (
        files.section(files.option(4, b"writer", order), order=order) + files.interface(order=order) + foreign
        + files.enhanced(ping(ALICE, BOB, 1), options=own, order=order) + foreign
        + files.block(3, simple, order)
        + files.section(order=order) + files.interface(link_type=101, order=order) + files.enhanced(b"E", order=order)
    )  # fmt: skip
    source, target = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(octets)
    assert annotate(source, target).returncode == 0
    written = target.read_bytes()
    assert written.count(foreign) == 2
    assert files.option(1, b"mine", order) in written
    assert files.option(4, b"writer", order) in written
    assert packets(source)[:2] == packets(target)[:2]


def test_of_a_damaged_capture_what_stands_before_is_written_and_the_rest_is_named(tmp_path):
    whole = pcap(*broken()).getvalue()
    for name, octets, count in (("a.pcap", whole[:-5], 3), ("b.pcapng", None, 1)):
        if octets is None:
            octets = files.section() + files.interface() + files.enhanced() + files.enhanced()[:-7]  # noqa: PLW2901
        source, target = tmp_path / name, tmp_path / f"{name}.new"
        source.write_bytes(octets)
        done = annotate(source, target)
        assert done.returncode == 0
        assert "only what stands before is written" in done.stderr
        assert len(packets(target)[0]) == count


def test_a_packed_capture_is_unpacked(tmp_path):
    source, target = tmp_path / "a.pcapng.gz", tmp_path / "b.pcapng"
    source.write_bytes(gzip.compress(files.section() + files.interface() + files.enhanced(ping(ALICE, BOB, 1))))
    assert annotate(source, target).returncode == 0
    assert packets(source)[:2] == packets(target)[:2]


def test_an_annotated_capture_can_be_annotated_again(tmp_path):
    source, once, twice = (tmp_path / name for name in ("a.pcap", "b.pcapng", "c.pcapng"))
    source.write_bytes(pcap(*broken()).getvalue())
    annotate(source, once)
    assert annotate(once, twice).returncode == 0
    assert packets(once)[:2] == packets(twice)[:2]


@pytest.mark.parametrize("target", ["no/where.pcapng", ".", "a.pcap"])
def test_a_bad_output_is_one_line_and_leaves_nothing(tmp_path, target):
    source = tmp_path / "a.pcap"
    source.write_bytes(pcap(*broken()).getvalue())
    done = annotate(source, tmp_path / target)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.pcap"]
    assert source.read_bytes() == pcap(*broken()).getvalue()


def test_text_and_standard_input_are_refused_in_one_line(tmp_path):
    (tmp_path / "a.txt").write_text("no capture")
    for name in (tmp_path / "a.txt", "-"):
        done = annotate(name, tmp_path / "b.pcapng")
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert not (tmp_path / "b.pcapng").exists()


def test_what_somebody_wrote_beside_a_packet_stays_and_is_not_written_there_again(tmp_path):
    source, target = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    note = files.option(1, b"look here") + bytes(4)
    asked = pcap(ping(ALICE, BOB, 1)).getvalue()[40:]
    source.write_bytes(files.section() + files.interface() + files.enhanced(asked, options=note))
    assert annotate(source, target).returncode == 0
    with open_capture(str(target)) as reader:
        list(reader.frames())
        told = [text for texts in reader.frame_comments.values() for text in texts]
    assert len([text for text in told if "look here" in text]) == 1
    assert any("Echo request" in text for text in told)
