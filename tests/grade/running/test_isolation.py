"""Whatever happens in the process of one submission stays there: harm is done in it on purpose."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from grading_class import a_class

from explain.grade.hand_ins.submissions import Submission
from explain.grade.rubric.reading import load
from explain.grade.running import isolation
from explain.grade.running.kept import Kept

MEBI = 1 << 20


def fills_the_disk(folder):
    with (folder / "x").open("wb") as file:
        for _ in range(64):
            file.write(bytes(MEBI))


def forks_and_sleeps(_):
    for _ in range(3):
        if os.fork() == 0:
            time.sleep(600)
    time.sleep(600)


def spins(_):
    while True:
        pass


def recurses(folder):
    return recurses(folder)


def nests(_):
    made = []
    for _ in range(100_000):
        made = [made]
    return {"id": made}


HARM = {
    "sleeps": (lambda _: time.sleep(600), "it took too long"),
    "spins": (spins, "it took too long"),
    "forks and sleeps": (forks_and_sleeps, "it took too long"),
    "takes memory": (lambda _: bytearray(1 << 32), "it takes too much memory"),
    "takes memory bit by bit": (lambda _: [bytearray(MEBI) for _ in range(4096)], "it takes too much memory"),
    "tells without end": (lambda _: {"id": "x" * (40 * MEBI)}, "there is too much to tell of it"),
    "fills the disk": (fills_the_disk, "grading it failed (OSError)"),
    "crashes": (lambda _: os.kill(os.getpid(), signal.SIGSYS), "grading it was ended by signal 31"),
    "ends early": (lambda _: os._exit(0), "grading it gave nothing"),
    "ends as by Ctrl-C": (lambda _: (_ for _ in ()).throw(KeyboardInterrupt), "it takes too much memory"),
    "recurses": (recurses, "grading it failed (RecursionError)"),
    "nests": (nests, "it takes too much memory"),
    "gives no form": (lambda _: [], "grading it gave nothing"),
}  # fmt: skip


@pytest.fixture
def apart(tmp_path, monkeypatch):
    """Does in the process of a submission what is asked; gives the form."""
    rubric, _ = load(str(a_class(tmp_path, 1)))
    rubric = replace(rubric, limits=replace(rubric.limits, seconds=1.0, memory=128 * MEBI, octets=8 * MEBI))

    def do(deed, kept=None, patience_s=60.0):
        monkeypatch.setattr(isolation, "_SHORTEST_S", patience_s)
        monkeypatch.setattr(isolation, "grade_one", lambda _rubric, _submission, folder, *_: deed(folder))
        submission = Submission("s", (tmp_path / "in" / "s000",), {})
        form, _ = isolation.grade_apart(rubric, submission, tmp_path / "work", "en", kept or Kept())
        assert not (tmp_path / "work").exists()
        return form

    return do


@pytest.mark.parametrize("name", HARM)
def test_harm_in_one_process_costs_only_that_one(apart, name):
    deed, why = HARM[name]
    began = set(os.listdir("/proc"))  # noqa: PTH208 - names
    form = apart(deed, patience_s=3.0 if name in ("sleeps", "forks and sleeps") else 60.0)
    assert (form["status"], form["score"], form["reason"]) == ("could-not-be-graded", None, why)
    ends = time.monotonic() + 60  # a process that was killed is gone a little later
    while left := [one for one in set(os.listdir("/proc")) - began if is_child_left(one)]:  # noqa: PTH208 - names
        assert time.monotonic() < ends, left
        time.sleep(0.01)


PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture(autouse=True)
def _orphans_become_ours():
    """A process that outlives the one that started it gets this one as its parent."""
    prctl = ctypes.CDLL(None).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def is_child_left(name):
    """Whether a process is ours, directly or as an orphan, and alive."""
    with suppress(OSError, ValueError), open(f"/proc/{int(name)}/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
        text = file.read()
        return f"\nPPid:\t{os.getpid()}\n" in text and "\nState:\tZ" not in text
    return False


def refused(deed):
    """What the kernel says to a deed; None where it lets it pass."""

    def done(folder):
        try:
            deed(folder)
        except OSError as error:
            return {"id": os.strerror(error.errno or 0)}
        return {"id": None}

    return done


@pytest.mark.needs("root")
@pytest.mark.parametrize(
    "how",
    [
        "program",
        "file",
        "link",
        "pipe",
        "removal",
        "tcp",
        "server",
        pytest.param("udp", marks=pytest.mark.needs("namespaces")),
    ],
)
def test_the_process_of_a_submission_runs_no_program_writes_nowhere_and_reaches_nobody(apart, tmp_path, how):
    (tmp_path / "mine").write_text("mine")
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = server.getsockname()
        deeds = {
            "program": lambda _: subprocess.run(["/bin/true"], check=True),
            "file": lambda _: (tmp_path / "yours").write_text("x"),
            "link": lambda folder: (folder / "link").symlink_to("/etc/passwd"),
            "pipe": lambda folder: os.mkfifo(folder / "pipe"),
            "removal": lambda _: (tmp_path / "mine").unlink(),
            "tcp": lambda _: socket.create_connection(there, 1).close(),
            "udp": lambda _: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", there),
            "server": lambda _: socket.create_server(("127.0.0.1", 0)),
        }
        assert apart(refused(deeds[how]))["id"] in ("Permission denied", "Network is unreachable")
    assert (tmp_path / "mine").read_text() == "mine"


def test_the_process_of_a_submission_writes_what_it_unpacks_and_what_it_keeps(apart, tmp_path):
    kept = Kept(tmp_path / "new" / "kept")

    def writes(folder):
        (folder / "a").mkdir()
        (folder / "a" / "b").write_text("x")
        kept.keep_marks("0" * 64, {"id": "kept"})
        return {"id": (folder / "a" / "b").read_text()}

    assert apart(writes, kept)["id"] == "x"
    assert list((tmp_path / "new" / "kept").rglob("0" * 64))
