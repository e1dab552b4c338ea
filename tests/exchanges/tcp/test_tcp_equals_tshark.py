"""Every label of every TCP segment against tshark's, with its default preferences and one pass."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
from surroundings import CORPUS, TOP, every_capture
from tcp_scenes import lossy_capture, repeated_acks, table_of, wild_capture

from explain.capture import open_capture
from explain.decode import Decoder
from explain.exchanges.tcp.connection import find
from explain.exchanges.tcp.labels import FAST_RETRANSMISSION, NAMES, RETRANSMISSION, SPURIOUS_RETRANSMISSION, names
from explain.table import TCP

pytestmark = [pytest.mark.needs("tshark"), pytest.mark.spread]


@pytest.fixture(autouse=True, scope="module")
def tshark_of_the_version_that_is_counted_by():
    said = subprocess.run(
        [str(shutil.which("tshark")), "--version"], capture_output=True, text=True, check=False
    ).stdout
    if "Wireshark) 4.0." not in said:
        pytest.skip(f"labels are counted as Wireshark 4.0 gives them, and this is {said.partition(chr(10))[0]}")


LISTED = tomllib.loads(Path(__file__).with_name("differences.toml").read_text(encoding="utf-8"))["difference"]


def said_by_tshark(path: Path) -> tuple[dict[int, int], dict[int, int]]:
    """Masks by frame, and the numbers of duplicate acknowledgements."""
    fields = [f"tcp.analysis.{name}" for name in (*NAMES.values(), "duplicate_ack_num")]
    wanted = [part for field in ("frame.number", *fields) for part in ("-e", field)]
    command = ["tshark", "-n", "-r", str(path), "-Y", "tcp.analysis.flags", "-T", "fields", *wanted]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    masks, numbers = {}, {}
    for line in lines:
        frame, *cells, number = line.split("\t")
        mask = sum(bit for bit, cell in zip(NAMES, cells, strict=True) if cell)
        if mask & (FAST_RETRANSMISSION | SPURIOUS_RETRANSMISSION):
            mask &= ~RETRANSMISSION  # tshark marks these as retransmissions, too
        masks[int(frame)] = mask
        if number:
            numbers[int(frame)] = int(number)
    return masks, numbers


def read(path: Path):
    """The table of a capture, and each frame as a record of a pcap."""
    decoder, records, links = Decoder(), [], []
    with open_capture(str(path)) as reader:
        for frames in reader.frames():
            decoder.add(frames, 0, reader.interfaces)
            columns = (frames.start, frames.captured, frames.length, frames.time_ns, frames.interface)
            for start, captured, length, ns, interface in zip(*(column.tolist() for column in columns), strict=True):
                seconds = min(ns // 10**9, 0xFFFFFFFF)  # one frame of the corpus is of the year 2262
                head = struct.pack("<IIII", seconds, ns % 10**9, captured, length)
                records.append(head + bytes(frames.data[start : start + captured]))
                links.append(reader.interfaces[interface].link_type)
    return decoder.finish(), records, links


def said_place_by_place(table, records, links, folder: Path):
    """What tshark says of each place alone; it knows no places, and takes a forwarded segment for a repeated one."""
    masks, numbers = {}, {}
    for place in np.unique(table.place).tolist():
        rows = np.flatnonzero(table.place == place).tolist()
        path = folder / f"place{place}.pcap"
        head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, links[rows[0]])
        path.write_bytes(head + b"".join(records[row] for row in rows))
        for part, whole in zip(said_by_tshark(path), (masks, numbers), strict=True):
            whole.update({int(table.frame[rows[frame - 1]]): value for frame, value in part.items()})
    return masks, numbers


def said_by_us(table) -> tuple[dict[int, int], dict[int, int]]:
    columns = find(table)
    segments = columns.facts["segments"]
    marked = np.flatnonzero(segments.labels)
    frames = table.frame[segments.streams.rows[marked]].tolist()
    numbers = {}
    for index in range(len(columns)):
        numbers |= {int(table.frame[row]): number for row, number in repeated_acks(columns, index).items()}
    return dict(zip(frames, segments.labels[marked].tolist(), strict=True)), numbers


def listed(name: str) -> dict[int, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {one["frame"]: (tuple(one["ours"]), tuple(one["tshark"])) for one in LISTED if one["capture"] == name}


def compare(path: Path, name: str, folder: Path) -> None:
    table, records, links = read(path)
    if not (table.layers & TCP).any():
        return
    is_one_place = len(np.unique(table.place)) == 1
    theirs, their_numbers = said_by_tshark(path) if is_one_place else said_place_by_place(table, records, links, folder)
    ours, our_numbers = said_by_us(table)
    differs = sorted(frame for frame in ours.keys() | theirs.keys() if ours.get(frame, 0) != theirs.get(frame, 0))
    assert {frame: (names(ours.get(frame, 0)), names(theirs.get(frame, 0))) for frame in differs} == listed(name)
    excused = listed(name)
    assert {f: n for f, n in our_numbers.items() if f not in excused} == {
        f: n for f, n in their_numbers.items() if f not in excused
    }


@pytest.mark.parametrize("path", every_capture())
def test_the_labels_of_a_capture_are_those_of_tshark(path, tmp_path):
    compare(path, path.relative_to(TOP if path.is_relative_to(TOP) else CORPUS).as_posix(), tmp_path)


@pytest.mark.parametrize("make", [wild_capture, lossy_capture])
@pytest.mark.parametrize("seed", range(4))
def test_the_labels_of_a_wild_capture_are_those_of_tshark(seed, make, tmp_path):
    path = tmp_path / "wild.pcap"
    path.write_bytes(make(seed))
    compare(path, "wild", tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("make", [wild_capture, lossy_capture])
@pytest.mark.parametrize("seed", range(4, 40))
def test_the_labels_of_many_wild_captures_are_those_of_tshark(seed, make, tmp_path):
    path = tmp_path / "wild.pcap"
    path.write_bytes(make(seed, flows=200))
    compare(path, "wild", tmp_path)


def test_a_listed_difference_names_a_capture_that_exists():
    for one in LISTED:
        assert one["reason"].strip()
        assert (CORPUS / one["capture"]).is_file() or (TOP / one["capture"]).is_file() or not CORPUS.is_dir()


def test_no_frame_is_labelled_in_a_capture_without_tcp():
    assert said_by_us(table_of()) == ({}, {})
