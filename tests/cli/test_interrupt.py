"""Ctrl-C while something is read: what was read is told, and the status says that it was not all."""

from __future__ import annotations

import array
import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from command_line import EXPLAIN
from packets import pcap, ping, pong

from explain.intake import take_in
from explain.pipeline import explain
from explain.words import say

ALICE, BOB = "192.0.2.1", "198.51.100.1"


def interrupted(*arguments, stdin):
    """Runs explain on a stream that stays open after ``stdin``, and sends Ctrl-C once that was read."""
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [*EXPLAIN, *arguments], stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "LANG": "C.UTF-8"},
    )  # fmt: skip
    os.close(read_end)
    with os.fdopen(write_end, "wb") as stream:
        stream.write(stdin)
        stream.flush()
        is_read_by(process, write_end)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)
    return process.returncode, *said


def is_read_by(process, pipe):
    """Waits until a pipe is empty and its reader sleeps."""
    waiting = array.array("i", [0])
    for _ in range(600):
        fcntl.ioctl(pipe, termios.FIONREAD, waiting)
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0]
        if not waiting[0] and state == "S":
            return
        time.sleep(0.05)
    raise AssertionError("the stream was not read")


@pytest.mark.parametrize("options", [[], ["-v"], ["--json"]])
def test_ctrl_c_on_a_stream_tells_what_was_read_and_exits_130(options):
    status, told, said = interrupted(*options, "-", stdin=pcap(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1)).getvalue())
    assert status == 130
    assert b"Ctrl-C" in told
    assert b"reading was stopped here by Ctrl-C" in said
    if options == ["--json"]:
        report = json.loads(told)
        assert [(one["packets"], one["damage"]["kind"]) for one in report["captures"]] == [(2, "interrupted")]
        assert [one["kind"] for one in report["exchanges"]] == ["icmp.echo"]


def press_ctrl_c(*_):
    os.kill(os.getpid(), signal.SIGINT)


def explain_again(*paths):
    report = explain([str(path) for path in paths], progress=press_ctrl_c, until_interrupted=True)
    return " ".join(say(line.message, line.values, "en") for line in report.lines)


def test_ctrl_c_ends_the_reading_of_a_file_behind_whole_frames_and_leaves_the_files_after_it(tmp_path):
    first, second = tmp_path / "first.pcap", tmp_path / "second.pcap"
    one = pcap(ping(ALICE, BOB, 1)).getvalue()
    first.write_bytes(one + one[24:] * 29_999)
    second.write_bytes(pcap(pong(BOB, ALICE, 1)).getvalue())
    table, captures, _ = take_in([str(first), str(second)], progress=press_ctrl_c, until_interrupted=True)
    assert 0 < len(table) == captures[0].packets < 30_000
    assert [one.damage.kind for one in captures] == ["interrupted", "interrupted"]
    assert captures[1].packets == 0
    told = explain_again(first, second)
    assert f"{second} was left out: Ctrl-C came before it was read." in told
    assert f"Ctrl-C stopped the reading of {first} at byte" in told
    assert captures[0].damage.offset == 24 + len(table) * (len(one) - 24)


def test_ctrl_c_stays_an_exception_for_programs_that_did_not_ask(tmp_path):
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(ping(ALICE, BOB, 1)).getvalue())
    with pytest.raises(KeyboardInterrupt):
        take_in([str(path)], progress=press_ctrl_c)


@pytest.mark.parametrize("loading", ["typing", "explain.errors"])
def test_ctrl_c_before_the_command_is_loaded_is_silent_too(loading):
    program = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(name, path=None, target=None):\n"
        f"        if name == {loading!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted)\n"
        "import explain.cli\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
