"""Captures of any size, and what reading them costs: processor time and memory of whole processes."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BENCH = Path(os.environ.get("EXPLAIN_BENCH", TOP.parent / "shared" / "bench")).resolve()
WORK = Path(os.environ.get("EXPLAIN_BENCH_WORK", "/tmp/explain-bench"))  # noqa: S108  gigabytes that nobody minds losing


def explain_command() -> list[str]:
    """How this checkout's command is started."""
    installed = Path(sys.executable).parent / "explain"
    return [str(installed)] if installed.is_file() else [sys.executable, "-m", "explain"]


def made_capture(packets: int, profile: str = "mixed", suffix: str = "pcap") -> Path:
    """A seeded capture of that many packets, made once and kept.

    Args:
        packets: how many.
        profile: ``mixed`` (mean frame 766 octets) or ``small`` (83 octets).
        suffix: ``pcap``, or ``pcap.gz`` for the same capture packed.

    Raises:
        SystemExit: the generator is not here; ``EXPLAIN_BENCH`` names its folder.
    """
    generator = BENCH / "make_capture.py"
    if not generator.is_file():
        sys.exit(f"no generator at {generator}; EXPLAIN_BENCH names the folder that has it")
    WORK.mkdir(parents=True, exist_ok=True)
    plain = WORK / f"{profile}{packets}.pcap"
    if not plain.is_file():
        part = plain.with_suffix(".part")
        subprocess.run(
            [sys.executable, str(generator), str(part), "-n", str(packets), "--profile", profile], check=True
        )
        part.rename(plain)
    if suffix == "pcap":
        return plain
    packed = plain.with_suffix(".pcap.gz")
    if not packed.is_file():
        with packed.with_suffix(".part").open("wb") as out:
            subprocess.run(["gzip", "-1", "-c", str(plain)], stdout=out, check=True)
        packed.with_suffix(".part").rename(packed)
    return packed


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command, its children that were waited for included.

    Attributes:
        cpu_s: user and system time, in seconds.
        wall_s: from start to end, in seconds.
        status: the exit status.
    """

    cpu_s: float
    wall_s: float
    status: int


def run(command: Sequence[str], stdin: Path | None = None) -> Run:
    """Run a command once; its output is thrown away."""
    with Path(stdin or os.devnull).open("rb") as source:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return Run(usage.ru_utime + usage.ru_stime, time.perf_counter() - began, child.returncode)


def paired(command: Sequence[str], peer: Sequence[str], pairs: int) -> tuple[float, float, float]:
    """CPU seconds of a command and of its peer, and the ratio peer / command, as medians of interleaved pairs.

    Pairs, because a busy machine slows both sides of a pair alike.

    Raises:
        SystemExit: one of the two fails, so that its time means nothing.
    """
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(pairs):
        for argv, kept in ((command, ours), (peer, theirs)):
            done = run(argv)
            if done.status:
                sys.exit(f"exit status {done.status}: {' '.join(argv)}")
            kept.append(done.cpu_s)
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    return statistics.median(ours), statistics.median(theirs), ratio


@dataclass(frozen=True, slots=True)
class Memory:
    """The most memory that a process held at one time, in MiB.

    Attributes:
        anonymous: RssAnon: what the process itself allocated, without the mapped file.
        resident: RssAnon, RssFile and RssShmem together.
    """

    anonymous: float
    resident: float


def peak_memory(command: Sequence[str], stdin: Path | None = None) -> Memory:
    """Watch one run of a command and keep the highest marks; looked at 500 times a second (Linux).

    The kernel keeps a high-water mark of the whole resident set only (VmHWM), which a mapped file fills, so the
    anonymous part has to be watched.  A peak shorter than two milliseconds may be missed.

    Raises:
        SystemExit: the command fails, so that its memory means nothing.

    Source: proc_pid_status(5), RssAnon.
    """
    anonymous = resident = 0
    ended = threading.Event()
    with Path(stdin or os.devnull).open("rb") as source:
        child = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        status = Path(f"/proc/{child.pid}/status")
        while child.poll() is None:
            try:
                rows = dict(line.split(":", 1) for line in status.read_text().splitlines() if line.startswith("Rss"))
            except (OSError, ValueError):
                break
            kib = {name: int(value.split()[0]) for name, value in rows.items()}
            if kib:  # a process that just ended has a status without memory
                anonymous = max(anonymous, kib["RssAnon"])
                resident = max(resident, sum(kib.values()))
            ended.wait(0.002)
        if child.wait():
            sys.exit(f"exit status {child.returncode}: {' '.join(command)}")
    return Memory(anonymous / 1024, resident / 1024)


def have(program: str) -> bool:
    """Whether a peer is installed."""
    return shutil.which(program) is not None


def write_between_marks(path: Path, table: str, begin_mark: str, end_mark: str) -> None:
    """Replace what stands between the marks of a file; a file without them is left alone."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not (begin and end):
        sys.exit(f"{path} has no marks {begin_mark} ... {end_mark}")
    path.write_text(f"{before}{begin_mark}\n\n{table}\n\n{end_mark}{after}", encoding="utf-8")


def told(table: Sequence[str], missed: Sequence[str], into: Path | None, marks: tuple[str, str]) -> int:
    """Print a table, put it between the marks of a file if one is named, and say which goals were missed."""
    print("\n".join(table))
    if into:
        write_between_marks(into, "\n".join(table), *marks)
    for goal in missed:
        print(f"missed: {goal}", file=sys.stderr)
    return 1 if missed else 0
