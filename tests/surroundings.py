"""What the tests find around them: the checkout, captures that are not part of it, tools, namespaces."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

TOP = Path(__file__).resolve().parents[1]
CORPUS = Path(os.environ.get("EXPLAIN_CORPUS", TOP.parent / "shared" / "corpus")).resolve()
CASES = Path(os.environ.get("EXPLAIN_CASES", TOP.parent / "shared" / "cases")).resolve()
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

EXCUSED = {"corpus", "cases"}
"""What may be absent anywhere: it is data of others, and no install step can fetch it."""


def corpus_files(*folders: str) -> list[Path]:
    """Captures that the corpus lists, below the folders named or all; none where it is absent."""
    manifest = CORPUS / "MANIFEST.tsv"
    if not manifest.is_file():
        return []
    names = [line.partition("\t")[0] for line in manifest.read_text(encoding="utf-8").splitlines()[1:]]
    return sorted(CORPUS / name for name in names if not folders or name.partition("/")[0] in folders)


@functools.cache
def recordings() -> tuple[Path, ...]:
    """The captures of this checkout, in stable order."""
    return tuple(sorted((TOP / "pcaps").rglob("*.pcap*")))


def every_capture() -> list[ParameterSet]:
    """Recordings and the corpus for ``parametrize``; where the corpus is absent, one that is skipped says so."""
    own = [pytest.param(path, id=path.relative_to(TOP).as_posix()) for path in recordings()]
    need = pytest.mark.needs("corpus")
    theirs = [pytest.param(path, id=path.relative_to(CORPUS).as_posix(), marks=need) for path in corpus_files()]
    return own + (theirs or [pytest.param(CORPUS, id="corpus", marks=need)])


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
        return subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
