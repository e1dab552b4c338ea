"""A rubric in a test's own words, and captures to hold against it."""

from __future__ import annotations

from pathlib import Path

from packets import A, R, is_at, pcap, ping, pong, who_has

from explain.grade.rubric.reading import load
from explain.grade.running.grading import grade_files

ME, ROUTER, FAR = "192.0.2.1", "192.0.2.254", "198.51.100.1"
ROSTER = {"host_ip": ME, "router_ip": ROUTER, "sid": "s001"}
HEAD = 'rubric = 1\ntitle = "T"\n[submission]\ncaptures = { h1 = "lab.pcap" }\nanswers = "answers.toml"\n'
REQUEST = """
[[check]]
id = "request"
points = 2
expect = "arp.request"
where = { sender.ip = "192.0.2.1" }
as = "req"
"""
PINGS = """
[[check]]
id = "pings"
points = 3
expect = "icmp.echo"
count = ">=3"
"""
OPCODE = """
[[answer]]
id = "q"
ask = "opcode?"
type = "int"
points = 1
key = "{req.opcode}"
"""


def asked_and_pinged(pings: int = 1) -> tuple:
    frames = [who_has((A, ME), ROUTER), is_at((R, ROUTER), (A, ME))]
    for seq in range(1, pings + 1):
        frames += [ping(ME, FAR, seq, macs=(A, R)), pong(FAR, ME, seq, macs=(R, A))]
    return tuple(frames)


def limited(octets: str, title: str = "T") -> str:
    """The head of a rubric that gives each submission little time and memory, and so many octets."""
    limits = f'limits = {{ bytes = "{octets}", seconds = 5, memory = "256MB" }}\n'
    return HEAD.replace('"T"', f'"{title}"') + limits


def rubric_file(folder: Path, text: str, head: str = HEAD) -> Path:
    path = folder / "rubric.toml"
    path.write_text(head + text, encoding="utf-8")
    return path


def mark(
    folder: Path, text: str, *frames, answers: str | bytes | None = None, roster: dict | None = None, **how: int
):  # fmt: skip
    """Grade one hand-made capture by a rubric; the verdicts by id, and the score."""
    rubric, complaints = load(str(rubric_file(folder, text)))
    assert complaints == []
    capture = folder / "lab.pcap"
    capture.write_bytes(pcap(*frames, **how).getvalue())
    written = None
    if answers is not None:
        written = folder / "answers.toml"
        written.write_bytes(answers if isinstance(answers, bytes) else answers.encode())
    graded = grade_files(rubric, "x", {"h1": capture}, written, ROSTER if roster is None else roster)
    return {one.id: one for one in (*graded.checks, *graded.answers)}, graded.score
