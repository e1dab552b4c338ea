"""Finds labs: a NAME is tried as a path, then under ./fixtures, then among those that came with explain."""

from __future__ import annotations

import difflib
from pathlib import Path

from explain.errors import UnknownNameError

SHIPPED = Path(__file__).resolve().parent.parent / "shipped" / "fixtures"
RECORDED = SHIPPED.with_name("pcaps")


def folders() -> list[Path]:
    """Where labs are looked for, in order; only folders that exist."""
    return [folder for folder in (Path("fixtures"), SHIPPED) if folder.is_dir()]


def find(name: str) -> Path:
    """The lab file of this name.

    Args:
        name: a path to a lab file or its folder, or the name of a case.

    Raises:
        UnknownNameError: there is none; with the nearest names that there are.
    """
    for path in (Path(name), Path(name) / "lab.toml"):
        if path.is_file():
            return path
    if "/" not in name:
        for folder in folders():
            if (folder / name / "lab.toml").is_file():
                return folder / name / "lab.toml"
    known = [path.parent.name for path in everything()]
    raise UnknownNameError("lab", name, tuple(difflib.get_close_matches(name, known, n=3, cutoff=0.5)))


def everything() -> list[Path]:
    """Every lab file that can be found by name, each name once, sorted by name."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in folder.glob("*/lab.toml"):
            found.setdefault(path.parent.name, path)
    return [found[name] for name in sorted(found)]


def find_recording(name: str) -> Path:
    """The folder of the recording of this name: a path, below ./pcaps, or among those that came with explain.

    Raises:
        UnknownNameError: there is none; with the nearest names that there are.
    """
    places = [Path(name), *([] if "/" in name else [Path("pcaps") / name, RECORDED / name])]
    for folder in places:
        if (folder / "case.json").is_file():
            return folder
    known = sorted({path.parent.name for top in (Path("pcaps"), RECORDED) for path in top.glob("*/case.json")})
    raise UnknownNameError("recording", name, tuple(difflib.get_close_matches(name, known, n=3, cutoff=0.5)))
