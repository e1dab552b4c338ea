#!/usr/bin/env python3
"""Measure a lab against Mininet: two hosts and a router with NAT, one ping, everything gone again.

    tests/benchmarks/labs.py                        in interleaved pairs, whose medians count
    tests/benchmarks/labs.py --write docs/labs.md   the table goes between the marks there

Needs root and Debian's package mininet (apt-get install --no-install-recommends mininet), whose Python API is used by
the system's Python in namespaces of its own.  Explain records every interface meanwhile; Mininet records nothing.
Exit status 1 says that a goal was missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from measure import explain_command, have, told

BEGIN, END = "<!-- labs: written by tests/benchmarks/labs.py -->", "<!-- /labs -->"
HERE = Path(__file__).resolve().parent
MININET = ("unshare", "--net", "--mount", "/usr/bin/python3", str(HERE / "nat_by_mininet.py"))
LAB = (sys.executable, str(HERE / "nat_by_explain.py"))
COMMAND = (*explain_command(), "lab", "run", str(HERE / "nat"), "-q", "--no-states")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", metavar="FILE", type=Path, help="put the table between the marks of this file")
    parser.add_argument("--pairs", type=int, default=15, help="runs of each side (default 15)")
    asked = parser.parse_args()
    if os.geteuid() or not have("mnexec"):
        sys.exit("Mininet needs root, and: apt-get install --no-install-recommends mininet")
    for command in (LAB, COMMAND, MININET):
        seconds(command)  # warms the page cache and the byte code
    runs = [(seconds(LAB), seconds(COMMAND), seconds(MININET)) for _ in range(asked.pairs)]
    rows = [
        ("start, ping and stop, imports left out", [(lab[0], peer[0]) for lab, _, peer in runs], 2.0),
        ("the whole process", [(lab[1], peer[1]) for lab, _, peer in runs], 1.0),
        ("`explain lab run`, which also explains", [(command[1], peer[1]) for _, command, peer in runs], None),
    ]
    table, missed = figures(rows)
    table += ["", machine()]
    return told(table, missed, asked.write, (BEGIN, END))


def seconds(command: Sequence[str]) -> tuple[float, float]:
    """What a side said that it took, nothing if it does not say, and what its whole process took.

    Raises:
        SystemExit: it failed, so that its time means nothing.
    """
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    whole = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"exit status {done.returncode}: {' '.join(command)}\n{done.stderr}")
    said = done.stdout.split()
    return (float(said[0]) if len(said) == 1 else 0.0), whole


def figures(rows: Sequence[tuple[str, list[tuple[float, float]], float | None]]) -> tuple[list[str], list[str]]:
    """The table, and the goals that were missed: medians, and the median of the pairs' ratios."""
    table = [
        "| two hosts, a NAT router, one ping | Mininet | explain | times less | goal |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    missed = []
    for what, pairs, goal in rows:
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(peer / own for own, peer in pairs)
        told = "" if goal is None else f"{goal:g}"
        table.append(f"| {what} | {theirs * 1000:.0f} ms | {ours * 1000:.0f} ms | {ratio:.1f} | {told} |")
        if goal is not None and ratio <= goal:
            missed.append(f"{what}: {ratio:.2f} times less, goal more than {goal:g}")
    return table, missed


def machine() -> str:
    """What the figures were measured on, in one sentence."""
    asked = ["dpkg-query", "-W", "-f", "${Version}", "mininet"]
    version = subprocess.run(asked, capture_output=True, text=True, check=False).stdout or "?"
    system = f"{platform.system()} {platform.release()}"
    return (
        f"Median wall time of interleaved runs on {os.cpu_count()} cores, {system}, "
        f"Python {platform.python_version()}, Mininet {version}. "
        "Explain records every interface meanwhile, Mininet nothing."
    )


if __name__ == "__main__":
    sys.exit(main())
