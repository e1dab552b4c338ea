"""Somebody cuts a file while it is mapped: touching what is gone would end the process by SIGBUS."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from packets import pcap, ping

RECORDS = 60_000
ONE = pcap(ping("192.0.2.1", "198.51.100.1", 1)).getvalue()
SIZE = len(ONE) - 24

CUT_WHILE_DECODING = """
import os, sys
from explain.cli import main
from explain.decode import Decoder
path, size, when = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
add, calls = Decoder.add, []
def cut_then_add(self, frames, *rest):
    calls.append(1)
    if len(calls) == when:
        os.truncate(path, size)
    return add(self, frames, *rest)
Decoder.add = cut_then_add
main([path, "--json"])
"""

TOUCH_ANOTHER_MAP = """
import mmap, os, sys
import numpy as np
from explain.capture.reader import open_capture
path, other = sys.argv[1:]
with open_capture(path) as reader:
    next(reader.frames())
    with open(other, "r+b") as file:
        octets = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        file.truncate(0)
        print(int(np.frombuffer(octets, "u1").sum()))
"""


@pytest.fixture
def long(tmp_path):
    path = tmp_path / "long.pcap"
    path.write_bytes(ONE + ONE[24:] * (RECORDS - 1))
    return path


def python(script, *arguments):
    done = subprocess.run([sys.executable, "-c", script, *map(str, arguments)], capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize("window", [1, 2, 3])
def test_what_is_left_of_a_file_that_was_cut_is_explained_and_the_cut_named(long, window):
    kept = 7
    status, told, said = python(CUT_WHILE_DECODING, long, 24 + kept * SIZE + 30, window)
    assert status == 0, said
    capture = json.loads(told)["captures"][0]
    assert (capture["packets"], capture["damage"]["kind"]) == (kept, "cut-record")
    assert capture["damage"]["offset"] == 24 + kept * SIZE


def test_a_file_that_was_emptied_meanwhile_is_one_clear_line(long):
    assert python(CUT_WHILE_DECODING, long, 0, 2) == (2, b"", f"explain: {long}: the file is empty\n")


@pytest.mark.skipif(sys.platform != "linux", reason="the guard is written for Linux")
def test_a_fault_in_a_map_of_somebody_else_still_ends_the_process(long, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"\1" * 100_000)
    status, told, _ = python(TOUCH_ANOTHER_MAP, long, other)
    assert (status, told) == (-signal.SIGBUS, b"")
