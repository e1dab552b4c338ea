"""Finds rubrics: a NAME is tried as a path, then under ./fixtures and ./rubrics, then among those that came along."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2] / "shipped" / "rubrics"
_FILE = "rubric.toml"


def rubric_path(name: str) -> str:
    """The file of a rubric; the name itself where there is none, so that the complaint is about what was given."""
    given = Path(name)
    if given.is_dir() and (given / _FILE).is_file():
        return str(given / _FILE)
    if given.exists() or given.name != name or not name:
        return name
    for folder in (Path("fixtures"), Path("rubrics"), SHIPPED):
        for found in (folder / name / _FILE, folder / f"{name}.toml"):
            if found.is_file():
                return str(found)
    return name
