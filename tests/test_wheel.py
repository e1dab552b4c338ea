"""What is built from the tree works without the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from surroundings import TOP


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel built from a copy of this tree, without the network."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TOP / name, source)
    for name in ("explain", "fixtures"):
        if (TOP / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(TOP / name, source / name, symlinks=True, ignore=ignored)
    build = [
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(place),
        str(source),
    ]
    subprocess.run([sys.executable, "-m", *build], check=True, capture_output=True, text=True)
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel_files(wheel) -> set[str]:
    """The names inside that wheel."""
    return set(zipfile.ZipFile(wheel).namelist())


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder.parent).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_wheel_has_every_module_and_every_table_of_the_package(wheel_files):
    wanted = {name for name in files_below(TOP / "explain") if name.endswith((".py", ".toml", "py.typed"))}
    assert wanted
    assert wanted <= wheel_files


def test_the_wheel_has_every_lab(wheel_files):
    wanted = {f"explain/shipped/{name}" for name in files_below(TOP / "fixtures") if "/." not in name}
    assert wanted <= wheel_files


def test_the_wheel_has_nothing_of_the_tests_and_recordings(wheel_files):
    tops = {name.partition("/")[0] for name in wheel_files}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"explain"}


def test_the_wheel_explains_a_capture_far_from_the_checkout(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    empty = tmp_path / "empty"
    empty.mkdir()
    start = (
        "import sys, explain; print(explain.__file__, file=sys.stderr); from explain.cli import main; sys.exit(main())"
    )
    capture = TOP / "pcaps" / "healthy" / "sender.pcap"
    command = [sys.executable, "-P", "-c", start, str(capture)]
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(command, cwd=empty, env=env, capture_output=True, text=True, check=False)
    assert str(tmp_path) in done.stderr
    assert done.returncode == 0, done.stderr
    assert "192.0.2.1" in done.stdout
