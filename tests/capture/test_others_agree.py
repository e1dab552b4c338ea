"""What Wireshark's tools count and tell of every readable capture of the corpus and the cases."""

import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from capture_files import read_all
from surroundings import CASES, corpus_files

from explain.capture import open_capture
from explain.capture.pcapng.clock import LAST_NS

pytestmark = pytest.mark.long

FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "frame.len",
    "frame.cap_len",
    "frame.interface_id",
    "frame.section_number",
)

# Wireshark takes these link types' own headers off the frame before it counts octets.
WITH_HEADERS = {197, 99, 201, 204, 254, 209, 177, 139, 245, 196}


def case_captures() -> list[Path]:
    return sorted(CASES.rglob("*.pcap"))


def counts(paths: list[Path]) -> dict[str, int]:
    done = subprocess.run(
        ["capinfos", "-c", "-T", "-r", "-m", "-M", *map(str, paths)], capture_output=True, text=True, check=False
    )
    rows = (line.rpartition(",") for line in done.stdout.splitlines())
    return {name.strip('"'): int(count.strip('"')) for name, _, count in rows}


def assert_counted_alike(paths: list[Path]) -> None:
    assert paths
    expected = counts(paths)
    assert len(expected) == len(paths)
    for path in paths:
        with open_capture(str(path)) as reader:
            assert (path.name, sum(len(w.start) for w in reader.frames())) == (path.name, expected[str(path)])


@pytest.mark.needs("corpus", "capinfos")
def test_packets_are_counted_as_capinfos_counts_them_in_the_corpus():
    assert_counted_alike(corpus_files())


@pytest.mark.needs("cases", "capinfos")
def test_packets_are_counted_as_capinfos_counts_them_in_the_cases():
    assert_counted_alike(case_captures())


@pytest.mark.needs("corpus", "tshark")
def test_numbers_times_lengths_and_interfaces_are_those_of_tshark():
    compared = 0
    for path in corpus_files():
        argv = ["tshark", "-n", "-r", str(path), "-T", "fields"]
        for field in FIELDS:
            argv += ["-e", field]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        whole = read_all(open_capture(str(path)))
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        assert len(rows) == len(whole.frames), path.name
        assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
        # A frame beyond the year 2225 is held there; a simple packet has no time.
        times = [
            min(int(Decimal(row[1]) * 10**9), LAST_NS) if row[1] else time_ns
            for row, time_ns in zip(rows, whole.time_ns, strict=True)
        ]
        assert times == whole.time_ns, path.name
        if WITH_HEADERS.isdisjoint(i.link_type for i in whole.interfaces):
            assert [int(row[2]) for row in rows] == whole.length, path.name
            assert [int(row[3]) for row in rows] == [len(frame) for frame in whole.frames], path.name
        # Wireshark counts interfaces anew in each section; here they are counted on.
        before = {int(row[5]): n - int(row[4]) for row, n in zip(rows, whole.interface, strict=True) if row[4]}
        assert sorted(before.values()) == list(before.values())
        assert before.get(1, 0) == 0
        interfaces = [int(row[4] or 0) + before.get(int(row[5] or 1), 0) for row in rows]
        assert interfaces == whole.interface, path.name
        # A file that tshark complains about is one that is damaged here as well.
        assert (done.returncode != 0) == (whole.damage is not None), (path.name, done.stderr, whole.damage)
        compared += len(rows)
    assert compared > 10_000
