from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from explain.grade.hand_ins.work_folder import PREFIX, remove_dead, work_folder

HOLDING = """
import os, sys
from explain.grade.hand_ins.work_folder import work_folder
with work_folder() as folder:
    (folder / "lab.pcap").write_bytes(b"x")
    if not os.fork():
        sys.stdin.read()  # a child that lives on keeps the folder as well
        os._exit(0)
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(temporary):
    """A run that has a folder, made long ago."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as process:  # fmt: skip
        assert process.stdout
        folder = process.stdout.readline().strip()
        os.utime(folder, (1, 1))
        yield process, folder
        process.kill()


def test_the_folder_of_a_run_that_was_killed_is_gone_after_the_next(run, temporary):
    process, folder = run
    process.kill()
    process.wait()
    remove_dead()
    assert Path(folder).exists()  # its child lives
    process.stdin.close()
    process.stdout.read()
    with work_folder() as mine:
        assert list(temporary.iterdir()) == [mine]
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_run_that_goes_on_stays(run):
    remove_dead()
    assert Path(run[1]).exists()


def test_what_was_just_made_or_is_a_link_or_is_called_otherwise_stays(temporary):
    kept = [temporary / name for name in (f"{PREFIX}new", "explain-other", "target", f"{PREFIX}file")]
    for one in kept[:3]:
        one.mkdir()
    kept[3].write_bytes(b"x")
    link = temporary / f"{PREFIX}link"
    link.symlink_to(kept[2])
    for one in kept[1:]:
        os.utime(one, (1, 1))
    remove_dead()
    assert sorted(temporary.iterdir()) == sorted([*kept, link])
