"""What Wireshark's tools tell of whole captures of the corpus and the cases; `decode` compares frame by frame."""

import subprocess
from pathlib import Path

import pytest
from capture_files import read_all
from surroundings import CASES, corpus_files

from explain.capture import open_capture


def case_captures() -> list[Path]:
    return sorted(CASES.rglob("*.pcap"))


def assert_counted_alike(paths: list[Path]) -> None:
    """That each has as many packets as capinfos says, and that what capinfos complains of is damaged here as well."""
    assert paths
    done = subprocess.run(
        ["capinfos", "-c", "-T", "-r", "-m", "-M", *map(str, paths)], capture_output=True, text=True, check=False
    )
    rows = (line.rpartition(",") for line in done.stdout.splitlines())
    expected = {name.strip('"'): (int(count.strip('"')), name.strip('"') in done.stderr) for name, _, count in rows}
    assert len(expected) == len(paths)
    whole = {str(path): read_all(open_capture(str(path))) for path in paths}
    assert {name: (len(one.frames), one.damage is not None) for name, one in whole.items()} == expected


@pytest.mark.needs("corpus", "capinfos")
def test_packets_are_counted_as_capinfos_counts_them_in_the_corpus():
    assert_counted_alike(corpus_files())


@pytest.mark.needs("cases", "capinfos")
def test_packets_are_counted_as_capinfos_counts_them_in_the_cases():
    assert_counted_alike(case_captures())


@pytest.mark.needs("corpus", "tshark")
def test_interfaces_are_those_of_tshark():
    several = [path for path in corpus_files() if len(read_all(open_capture(str(path))).interfaces) > 1]
    assert len(several) > 5
    for path in several:
        argv = [
            "tshark",
            "-n",
            "-r",
            str(path),
            "-T",
            "fields",
            "-e",
            "frame.interface_id",
            "-e",
            "frame.section_number",
        ]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        found = read_all(open_capture(str(path))).interface
        # Wireshark counts interfaces anew in each section; here they are counted on.
        before = {int(row[1]): n - int(row[0]) for row, n in zip(rows, found, strict=True) if row[0]}
        assert sorted(before.values()) == list(before.values())
        assert before.get(1, 0) == 0
        assert [int(row[0] or 0) + before.get(int(row[1] or 1), 0) for row in rows] == found, path.name
