"""What was found out before, by content: analyses of captures, and marks of submissions.

A key is made of all that the result depends on, this package's code included, so nothing kept is ever stale: a
changed rubric gives other marks from the same analyses.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.grade.running.report_octets import octets_of, report_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Report

_PACKAGE = Path(__file__).resolve().parents[2]
_MOST_OF_A_REPORT = 64 << 20
_MOST_OF_MARKS = 32 << 20
_MOST_IN_ALL = 2 << 30
_BLOCK = 1 << 20


def usual_folder() -> Path:
    """Where things are kept unless the user says otherwise."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "explain" / "grade"  # noqa: PTH117


@cache
def code_version() -> str:
    """What changes with every change of this package, of Python or of NumPy."""
    import numpy as np

    digest = sha256(f"{sys.version} {np.__version__}".encode())
    for path in sorted(_PACKAGE.rglob("*")):
        if path.suffix in (".py", ".toml"):
            digest.update(f"{path.relative_to(_PACKAGE)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def content_of(files: Sequence[tuple[str, Path]], most_octets: int) -> str | None:
    """A digest of some files under their names; None where they are too large, or cannot be read."""
    digest = sha256()
    room = most_octets
    try:
        for name, path in files:
            size = path.stat().st_size
            room -= size
            if room < 0:
                return None
            digest.update(f"{len(name)} {size} ".encode() + os.fsencode(name))
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder of results; None keeps nothing."""

    folder: Path | None = None

    def open(self) -> None:
        """Make the folder, where nobody did before."""
        if self.folder is not None:
            with suppress(OSError):
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def marks(self, key: str) -> dict[str, Any] | None:
        """The form of a submission; None where it is not known."""
        octets = self._get("marks", key)
        try:
            form = None if octets is None else json.loads(octets)
        except (ValueError, RecursionError):
            return None
        return form if isinstance(form, dict) and {"id", "status", "checks"} <= set(form) else None

    def keep_marks(self, key: str, form: dict[str, Any]) -> None:
        """Remember the form of a submission."""
        octets = json.dumps(form).encode()
        if len(octets) <= _MOST_OF_MARKS:
            self._put("marks", key, octets)

    def report(self, key: str) -> Report | None:
        """The analysis of some captures; None where it is not known."""
        octets = self._get("reports", key)
        return None if octets is None else report_of(octets)

    def keep_report(self, key: str, report: Report) -> None:
        """Remember an analysis; one that is too large is made again."""
        if self.folder is None:
            return
        try:
            octets = octets_of(report)
        except (pickle.PicklingError, RecursionError, MemoryError):
            return
        if len(octets) <= _MOST_OF_A_REPORT:
            self._put("reports", key, octets)

    def _get(self, kind: str, key: str) -> bytes | None:
        if self.folder is None:
            return None
        try:
            return (self.folder / kind / key[:2] / key).read_bytes()
        except OSError:
            return None

    def _put(self, kind: str, key: str, octets: bytes) -> None:
        """Write it whole or not at all; a full disk only costs the memory."""
        if self.folder is None:
            return
        place = self.folder / kind / key[:2]
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=place)
            with os.fdopen(handle, "wb") as file:
                file.write(octets)
            os.replace(name, place / key)  # noqa: PTH105 - both are names
        except OSError:
            return

    def tidy(self) -> None:
        """Remove the oldest where it has become too much."""
        if self.folder is None:
            return
        found = []
        for path in self.folder.glob("*/??/*"):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= _MOST_IN_ALL:
                return
            path.unlink(missing_ok=True)
            total -= size


def key_of(*parts: Any) -> str:
    """A key from all that a result depends on."""
    digest = sha256(code_version().encode())
    for part in parts:
        text = repr(part).encode("utf-8", "surrogatepass")
        digest.update(f"{len(text)} ".encode() + text)
    return digest.hexdigest()
