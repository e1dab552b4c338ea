"""What the tests find around them: the checkout, captures that are not part of it, tools, namespaces."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
CORPUS = Path(os.environ.get("EXPLAIN_CORPUS", TOP.parent / "shared" / "corpus")).resolve()
CASES = Path(os.environ.get("EXPLAIN_CASES", TOP.parent / "shared" / "cases")).resolve()
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

EXCUSED = {"corpus", "cases"}
"""What may be absent anywhere: it is data of others, and no install step can fetch it."""

_SUFFIXES = (".pcap", ".pcapng", ".cap", ".ntar", ".pcap.gz", ".pcapng.gz", ".pcap.zst", ".pcapng.zst")


def corpus_files(*folders: str) -> list[Path]:
    """Captures of the corpus in stable order, below the folders named or all; none where it is absent."""
    tops = [CORPUS / folder for folder in folders] or [CORPUS]
    return sorted(path for top in tops for path in top.rglob("*") if path.name.endswith(_SUFFIXES))


def case_folders() -> list[Path]:
    """The recorded cases in stable order; none where they are absent."""
    return sorted(path.parent for path in CASES.glob("*/case.json"))


def absence(need: str) -> str | None:
    """Why what a test needs is not here, or None where it is.

    Args:
        need: ``corpus``, ``cases``, ``root``, ``namespaces``, or the name of a program.
    """
    if need in EXCUSED:
        place = CORPUS if need == "corpus" else CASES
        return None if place.is_dir() else f"no {need} at {place}; EXPLAIN_{need.upper()} names another place"
    if need == "root":
        return None if os.geteuid() == 0 else "needs root"
    if need == "namespaces":
        return None if has_namespaces() else "this user cannot make network namespaces here"
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return None if shutil.which(need, path=search) else f"{need} is not installed"


@functools.cache
def has_namespaces() -> bool:
    """Whether this user can make a network namespace and set up a link in it."""
    probe = ["unshare", "--net", "--mount", "ip", "link", "set", "lo", "up"]
    try:
        return subprocess.run(probe, capture_output=True, check=False, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
