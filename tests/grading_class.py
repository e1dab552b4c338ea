"""A class on disk: a rubric, and submissions that are all different."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from grading_scenes import FAR, ME, asked_and_pinged, rubric_file
from packets import pcap, ping

TEXT = """
[[check]]
id = "request"
points = 2
expect = "arp.request"
where = { sender.ip = "192.0.2.1" }
[[check]]
id = "pings"
points = 3
expect = "icmp.echo"
count = ">=3"
"""
HEAD = (
    'rubric = 1\ntitle = "T"\n[submission]\ncaptures = { h1 = "lab.pcap" }\nanswers = "answers.toml"\n'
    'limits = { bytes = "2MB", seconds = 5, memory = "256MB" }\n'
)


def a_class(folder: Path, size: int, text: str = TEXT) -> Path:
    """A rubric beside ``in/``, where every fourth cannot be graded, and the others have one to five pings."""
    for number in range(size):
        own = folder / "in" / f"s{number:03}"
        own.mkdir(parents=True)
        frames = (*asked_and_pinged(number % 5 + 1), ping(ME, FAR, 100 + number))
        (own / "lab.pcap").write_bytes(b"nothing" if number % 4 == 3 else pcap(*frames).getvalue())
    return rubric_file(folder, text, HEAD)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "explain", "grade", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, check=False, text=True, env={**os.environ, "LANG": "C.UTF-8"},
        timeout=120,
    )  # fmt: skip


def marks(done: subprocess.CompletedProcess[str]) -> str:
    """The JSON of a run that went well."""
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    return json.dumps(json.loads(done.stdout)["submissions"])
