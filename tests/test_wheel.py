"""What is built from the tree works without the tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from surroundings import TOP

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel built from a copy of this tree, without the network."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TOP / name, source)
    for name in ("docs", "explain", "fixtures", "pcaps", "rubrics"):
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


def test_the_wheel_has_every_lab_its_recording_and_every_rubric(wheel_files):
    for folder in ("fixtures", "pcaps", "rubrics"):
        wanted = {f"explain/shipped/{name}" for name in files_below(TOP / folder) if "/." not in name}
        assert wanted
        assert wanted <= wheel_files


def test_the_wheel_has_nothing_of_the_tests(wheel_files):
    tops = {name.partition("/")[0] for name in wheel_files}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == {"explain"}


def test_the_wheel_has_the_manual_page_where_man_looks(wheel_files):
    beside = [name.partition(".data/")[2] for name in wheel_files if ".data/" in name]
    assert beside == ["data/share/man/man1/explain.1"]


def test_the_wheel_tells_pytest_of_its_plugin(wheel):
    archive = zipfile.ZipFile(wheel)
    (points,) = (name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt"))
    assert "[pytest11]\nexplain = explain.pytest_plugin\n" in archive.read(points).decode()


@pytest.fixture(scope="module")
def far_away(wheel, tmp_path_factory):
    """Runs the installed command in an empty folder, away from the checkout."""
    place = tmp_path_factory.mktemp("far")
    zipfile.ZipFile(wheel).extractall(place / "installed")
    (place / "empty").mkdir()
    start = (
        "import sys, explain; print(explain.__file__, file=sys.stderr); from explain.cli import main; sys.exit(main())"
    )
    env = {**os.environ, "PYTHONPATH": str(place / "installed")}

    def run(*words: str, typed: str = "") -> str:
        command = [sys.executable, "-P", "-c", start, *words]
        done = subprocess.run(
            command, cwd=place / "empty", env=env, input=typed, capture_output=True, text=True, check=False
        )
        assert str(place) in done.stderr
        assert done.returncode == 0, done.stderr
        assert not any((place / "empty").iterdir())
        return done.stdout

    return run


def test_the_wheel_explains_a_capture_far_from_the_checkout(far_away):
    assert "192.0.2.1" in far_away(str(TOP / "pcaps" / "healthy" / "sender.pcap"))


def test_every_lab_is_known_by_name_in_an_empty_folder(far_away):
    labs = {path.parent.name for path in TOP.glob("fixtures/*/lab.toml")}
    assert {row["name"] for row in json.loads(far_away("lab", "list", "--json"))} == labs
    assert "h1 (host)" in far_away("lab", "show", "router")
    assert "ip -n r1 " in far_away("lab", "plan", "router")


def test_a_recording_is_known_by_name_in_an_empty_folder(far_away):
    assert "8 frames at h1.eth0" in far_away("lab", "quiz", "router", typed="h1\n")
    assert "forwarding-disabled" in far_away("ping", "--case", "forwarding-disabled", "-q")


@pytest.mark.needs("namespaces", "ping", "ip")
def test_a_lab_runs_by_name_in_an_empty_folder(far_away):
    assert "Nothing failed" in far_away("lab", "run", "router")
