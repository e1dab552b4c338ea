#!/usr/bin/env python3
"""Mark classes as large as they come, and write the documentation's table.

    tests/benchmarks/grading.py                          300 recordings of a lab, 1,000 and 10,000 small submissions
    tests/benchmarks/grading.py --quick                  30 and 200; a minute
    tests/benchmarks/grading.py --write docs/grading.md  the table goes between the marks there

The 300 are real runs of the shipped NAT lab, one in six as it should be and five with a fault each (root and
namespaces are needed; made once and kept below EXPLAIN_BENCH_WORK).  The small ones are an ARP exchange and
some pings, no two alike, and one in a hundred attacks the grader.  Exit status 1 says that a mark
was wrong, an attack was not contained, or memory grew too much.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import explain_command, told

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests")]

from grading_class import HEAD, TEXT, hand_in, high_water, mistakes  # noqa: E402 - beside the tests
from grading_scenes import rubric_file  # noqa: E402

BEGIN, END = "<!-- grading: written by tests/benchmarks/grading.py -->", "<!-- /grading -->"
FAULTS = {
    "good": ("", ""),
    "no-nat": ('oifname "eth1" masquerade', 'oifname "eth9" masquerade'),
    "nobody-listens": ("port = 80\n", "port = 81\n"),
    "no-gateway": ('routes = ["default via 192.0.2.254"]\n[nodes.h3]', "[nodes.h3]"),
    "wrong-gateway": ('routes = ["default via 192.0.2.254"]\n[nodes.sw]', 'routes = ["default via 192.0.2.9"]\n[nodes.sw]'),  # noqa: E501
    "wrong-network": ("203.0.113.2/24", "203.0.113.2/31"),
}  # fmt: skip
SIDES = {"inside": b"r1.eth0", "outside": b"r1.eth1"}
GROWTH_GOAL_KIB = 1.5  # a submission: its name, its paths and where its marks are; its form alone is larger


@dataclass(frozen=True, slots=True)
class Marked:
    """One run of ``explain grade``.

    Attributes:
        cpu_s: of all its processes.
        main_mib: the most that the one which collects the marks held; one that grades has the rubric's limit.
        forms: by submission.
    """

    wall_s: float
    cpu_s: float
    main_mib: float
    forms: dict[str, dict[str, Any]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", metavar="FILE", type=Path)
    parser.add_argument("--only", choices=("lab", "small"), help="one of the two")
    asked = parser.parse_args()
    work = Path(os.environ.get("EXPLAIN_BENCH_WORK") or tempfile.mkdtemp(prefix="explain-bench-"))
    rows: list[str] = []
    wrong: list[str] = []
    if asked.only != "small":
        rows += lab_class(work, 30 if asked.quick else 300, wrong)
    if asked.only != "lab":
        rows += small_classes(work, (100, 200) if asked.quick else (1000, 10_000), wrong)
    head = "| submissions | what | wall | CPU | memory |\n| ---: | --- | ---: | ---: | ---: |"
    return told([*head.splitlines(), *rows], wrong, asked.write, (BEGIN, END))


def marked(rubric: Path, folder: Path, *more: str) -> Marked:
    """Grade a class on all cores."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen([*explain_command(), "grade", str(rubric), str(folder), "--json", *more], stdout=out)
        largest = 0
        while child.poll() is None:
            largest = max(largest, high_water(child.pid))
            time.sleep(0.1)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if child.returncode:
            sys.exit(f"explain grade ended with {child.returncode}")
        out.seek(0)
        forms = {one["id"]: one for one in json.load(out)["submissions"]}
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Marked(wall, cpu, largest / 1024, forms)


def row(number: int, what: str, one: Marked) -> str:
    return f"| {number:,} | {what} | {one.wall_s:.0f} s | {one.cpu_s:.0f} s | {one.main_mib:.0f} MiB |"


# -- a lab, recorded again and again


def lab_class(work: Path, number: int, wrong: list[str]) -> list[str]:
    top = work / "nat-class"
    missing = [at for at in range(number) if not (folder_of(top, at) / "nat-outside.pcap").is_file()]
    with ThreadPoolExecutor(3) as some:  # they mostly wait
        list(some.map(lambda at: record(folder_of(top, at), list(FAULTS)[at % len(FAULTS)]), missing))
    chosen = work / f"nat-{number}"
    chosen.mkdir(exist_ok=True)
    for at in range(number):
        link = chosen / f"s{at:03}"
        link.mkdir(exist_ok=True)
        for side in SIDES:
            (link / f"nat-{side}.pcap").write_bytes((folder_of(top, at) / f"nat-{side}.pcap").read_bytes())
    rubric = TOP / "rubrics" / "nat" / "rubric.toml"
    with tempfile.TemporaryDirectory() as kept:
        cold = marked(rubric, chosen, "--cache", kept)
        warm = marked(rubric, chosen, "--cache", kept)
    alone = marked(rubric, chosen, "--no-cache", "--jobs", "1")
    if not cold.forms == warm.forms == alone.forms:
        wrong.append("the marks of three runs are not the same")
    for at, name in enumerate(FAULTS):
        given = {cold.forms[f"s{n:03}"]["score"] for n in range(at, number, len(FAULTS))}
        print(f"{name}: {sorted(map(str, given))}", file=sys.stderr)
    flags = sum(bool(form["flags"]) for form in cold.forms.values())
    if flags:
        wrong.append(f"{flags} honest recordings are flagged")
    what = "runs of the NAT lab, six kinds, two captures each"
    return [row(number, what, cold), row(number, f"{what}, one process", alone), row(number, f"{what}, again", warm)]


def folder_of(top: Path, at: int) -> Path:
    return top / f"run{at:03}"


def record(folder: Path, fault: str) -> None:
    """Run the lab once, with a fault, and keep what both sides of the router saw."""
    folder.mkdir(parents=True, exist_ok=True)
    old, new = FAULTS[fault]
    lab = folder / "lab.toml"
    text = (TOP / "rubrics" / "nat" / "lab.toml").read_text(encoding="utf-8")
    if old not in text:
        sys.exit(f"the lab has changed: there is no {old!r} in it")
    lab.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    whole = folder / "whole.pcapng"
    subprocess.run([*explain_command(), "lab", "run", str(lab), "--no-states", "-q", "-o", str(whole)],
                   capture_output=True, check=False, timeout=120)  # fmt: skip
    octets = whole.read_bytes()
    for side, name in SIDES.items():
        (folder / f"nat-{side}.pcap").write_bytes(one_interface(octets, name))
    whole.unlink()


def one_interface(octets: bytes, name: bytes) -> bytes:
    """The blocks of one interface of a pcapng file."""
    at, kept, ports, wanted = 0, [], 0, None
    while at + 12 <= len(octets):
        kind, length = struct.unpack_from("<II", octets, at)
        block = octets[at : at + length]
        if kind == 1:
            if name in block:
                wanted = ports
                kept.append(block)
            ports += 1
        elif kind == 6 and struct.unpack_from("<I", block, 8)[0] == wanted:
            kept.append(block[:8] + bytes(4) + block[12:])
        elif kind == 0x0A0D0D0A:
            kept.append(block)
        at += length
    return b"".join(kept)


# -- small ones, some of them hostile


def small_classes(work: Path, sizes: tuple[int, ...], wrong: list[str]) -> list[str]:
    rows, memory = [], []
    for number in sizes:
        folder = work / f"small-{number}"
        for at in range(number):
            hand_in(folder / "in" / f"s{at:05}", at)
        one = marked(rubric_file(folder, TEXT, HEAD), folder / "in", "--no-cache")
        wrong += mistakes(one.forms)
        memory.append(one.main_mib)
        rows.append(row(number, "small ones, one in a hundred hostile", one))
    if (memory[-1] - memory[0]) * 1024 > GROWTH_GOAL_KIB * (sizes[-1] - sizes[0]):
        wrong.append(f"memory grew from {memory[0]:.0f} to {memory[-1]:.0f} MiB")
    return rows


if __name__ == "__main__":
    sys.exit(main())
