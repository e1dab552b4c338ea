#!/usr/bin/env python3
"""Measure explain against tshark and tcpdump, and write the README's table.

    tests/benchmarks/speed.py                     everything; ten minutes, 2 GB below EXPLAIN_BENCH_WORK
    tests/benchmarks/speed.py --quick             10 and 100,000 packets; under a minute
    tests/benchmarks/speed.py --write README.md   the table goes between the marks there

Needs a folder with make_capture.py, named by EXPLAIN_BENCH.  CPU time is user and system time of whole processes,
the default story printed; ratios are medians of interleaved pairs, so that a busy machine slows both sides alike.
Exit status 1 says that a goal was missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from measure import Memory, explain_command, have, made_capture, paired, peak_memory, run, told

BEGIN, END = "<!-- speed: written by tests/benchmarks/speed.py -->", "<!-- /speed -->"
MEMORY_GOAL_MIB = 150
GROWTH_GOAL = 1.15


@dataclass(frozen=True, slots=True)
class Peer:
    """Another tool over the same capture.

    Attributes:
        arguments: its command; the capture's path is put where ``{}`` stands.
        goals: by number of packets, how many times less CPU explain must need.
    """

    name: str
    arguments: tuple[str, ...]
    goals: dict[int, float]


TINY, HUNDRED_THOUSAND, MILLION = 10, 100_000, 1_000_000
PEERS = (
    Peer("tcpdump -nr", ("tcpdump", "-nr", "{}"), {MILLION: 4.5}),
    Peer(
        "tshark, conversations and expert information",
        ("tshark", "-n", "-r", "{}", "-q", "-z", "conv,tcp", "-z", "expert"),
        {HUNDRED_THOUSAND: 9, MILLION: 40},
    ),
    Peer("tshark -r", ("tshark", "-r", "{}"), {TINY: 1}),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="leave out a million packets and more")
    parser.add_argument("--write", metavar="FILE", type=Path, help="put the table between the marks of this file")
    parser.add_argument("--pairs", type=int, default=3, help="runs of each side (default 3)")
    asked = parser.parse_args()
    sizes = (TINY, HUNDRED_THOUSAND) if asked.quick else (TINY, HUNDRED_THOUSAND, MILLION)
    missed: list[str] = []
    table = [*comparison(sizes, asked.pairs, missed), ""]
    table += sizes_and_memory(quick=asked.quick, pairs=asked.pairs, missed=missed)
    table += ["", machine()]
    return told(table, missed, asked.write, (BEGIN, END))


def comparison(sizes: tuple[int, ...], pairs: int, missed: list[str]) -> list[str]:
    """The table of ratios: a row a size and peer."""
    rows = [
        "| packets | against | its CPU | explain's CPU | times less | goal |",
        "| ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for packets in sizes:
        path = str(made_capture(packets))
        command = [*explain_command(), path]
        run(command)  # warms the page cache and the byte code
        for peer in PEERS:
            if packets not in peer.goals and packets == TINY:
                continue
            if not have(peer.arguments[0]):
                print(f"{peer.arguments[0]} is not installed: left out", file=sys.stderr)
                continue
            theirs = [path if part == "{}" else part for part in peer.arguments]
            times = max(pairs, 9) if packets == TINY else pairs
            ours_s, theirs_s, ratio = paired(command, theirs, times)
            goal = peer.goals.get(packets)
            figures = f"{theirs_s:.2f} s | {ours_s:.2f} s | {ratio:.1f} | {f'{goal:g}' if goal else ''}"
            rows.append(f"| {packets:,} | {peer.name} | {figures} |")
            if goal and ratio < goal:
                missed.append(f"{packets:,} packets: {ratio:.1f} times less than {peer.name}, goal {goal:g}")
            print(rows[-1], file=sys.stderr)
    return rows


def sizes_and_memory(*, quick: bool, pairs: int, missed: list[str]) -> list[str]:
    """The table of what a packet costs as captures grow, and of the memory beyond the mapped file."""
    made = [("mixed", HUNDRED_THOUSAND, "pcap"), ("mixed", HUNDRED_THOUSAND, "pcap.gz")]
    if not quick:
        made += [("mixed", MILLION, "pcap"), ("mixed", MILLION, "pcap.gz")]
        made += [("small", MILLION, "pcap"), ("small", 5 * MILLION, "pcap")]
    rows = ["| capture | size | CPU a packet | memory beyond the file |", "| --- | ---: | ---: | ---: |"]
    for profile, packets, suffix in made:
        path = made_capture(packets, profile, suffix)
        command = [*explain_command(), str(path)]
        runs = sorted(run(command).cpu_s for _ in range(pairs))
        cost_us = runs[len(runs) // 2] / packets * 1e6
        memory = peak_memory(command)
        piped = peak_memory([*explain_command(), "-"], path)
        rows.append(row(profile, packets, suffix, path, cost_us, memory, piped))
        print(rows[-1], file=sys.stderr)
        if packets == MILLION and max(memory.anonymous, piped.anonymous) > MEMORY_GOAL_MIB:
            missed.append(f"{path.name}: {max(memory.anonymous, piped.anonymous):.0f} MiB, goal {MEMORY_GOAL_MIB}")
    if not quick:
        million, five = ([*explain_command(), str(made_capture(times * MILLION, "small"))] for times in (1, 5))
        growth = paired(million, five, pairs)[2] / 5
        rows += [
            "",
            f"Five million small packets cost {growth:.2f} times as much a packet as one million (goal {GROWTH_GOAL}).",
        ]
        if growth > GROWTH_GOAL:
            missed.append(f"5 million packets cost {growth:.2f} times as much a packet as 1 million")
    return rows


def row(profile: str, packets: int, suffix: str, path: Path, cost_us: float, memory: Memory, piped: Memory) -> str:
    size = path.stat().st_size / 1e6
    kind = "gzip" if suffix.endswith("gz") else "plain"
    beyond = f"{memory.anonymous:.0f} MiB, from standard input {piped.anonymous:.0f} MiB"
    return f"| {packets:,} {profile}, {kind} | {size:.0f} MB | {cost_us:.2f} µs | {beyond} |"


def machine() -> str:
    """What the figures were measured on, in one sentence."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else platform.machine()
    tools = [f"Python {platform.python_version()}", version("tshark", "--version"), version("tcpdump", "--version")]
    system = f"{platform.system()} {platform.release()}"
    return f"Measured on {os.cpu_count()} cores of {model}, {system}, {', '.join(tools)}."


def version(program: str, flag: str) -> str:
    if not have(program):
        return f"no {program}"
    said = subprocess.run([program, flag], capture_output=True, text=True, check=False)
    words = (said.stdout or said.stderr).split("\n")[0].split()
    return f"{program} {next((word.rstrip('.') for word in words if word[:1].isdigit()), '?')}"


if __name__ == "__main__":
    sys.exit(main())
