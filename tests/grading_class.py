"""A class on disk: a rubric, and submissions that are all different."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import hostile
from command_line import EXPLAIN
from grading_scenes import FAR, ME, PINGS, REQUEST, ROUTER, asked_and_pinged, limited, rubric_file
from packets import A, R, is_at, pcap, ping, pong, who_has

TEXT = REQUEST + PINGS
HEAD = limited("2MB")
EVERY = 100
"""One in so many of a large class attacks the grader."""


def a_class(folder: Path, size: int, text: str = TEXT) -> Path:
    """A rubric beside ``in/``, where every fourth cannot be graded, and the others have one to five pings."""
    for number in range(size):
        own = folder / "in" / f"s{number:03}"
        own.mkdir(parents=True)
        frames = (*asked_and_pinged(number % 5 + 1), ping(ME, FAR, 100 + number))
        (own / "lab.pcap").write_bytes(b"nothing" if number % 4 == 3 else pcap(*frames).getvalue())
    return rubric_file(folder, text, HEAD)


def command(*arguments: object) -> list[str]:
    return [*EXPLAIN, "grade", *map(str, arguments)]


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


def hand_in(folder: Path, at: int) -> None:
    """An ARP exchange and one to five pings, all of this student alone; or an attack."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    if at % EVERY == EVERY - 1:
        attacks: list[Any] = [made for made, score in hostile.CONTAINERS.values() if score is None]
        for name, octets in attacks[at // EVERY % len(attacks)]().items():
            (folder / name).write_bytes(octets)
        return
    frames = [who_has((A, ME), ROUTER), is_at((R, ROUTER), (A, ME))]
    for seq in range(1, at % 5 + 2):
        frames += [one(*ends, seq, ident=at, macs=macs) for one, ends, macs in
                   ((ping, (ME, FAR), (A, R)), (pong, (FAR, ME), (R, A)))]  # fmt: skip
    gaps = random.Random(at)
    moment = 1_700_000_000 + at * 7.0
    timed = [(moment := moment + gaps.random(), one) for one in frames]
    (folder / "lab.pcap").write_bytes(pcap(*timed).getvalue())


def mistakes(forms: dict[str, Any]) -> list[str]:
    """Marks of what ``hand_in`` made that are not as they should be."""
    found = []
    for name, form in forms.items():
        at = int(name[1:])
        right = ("could-not-be-graded", None) if at % EVERY == EVERY - 1 else ("graded", 5.0 if at % 5 >= 2 else 2.0)
        if (form["status"], form["score"]) != right:
            found.append(f"{name}: {form['status']}, {form['score']}, not {right}")
    return found


def high_water(pid: int) -> int:
    """The most that a process held so far, in KiB."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) if found else 0
