"""The linters, the type checker and the plan of the rooms, run as tests; and proof that each of them bites."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from surroundings import TOP

pytestmark = pytest.mark.spread


def run(*command: str, cwd: Path = TOP) -> subprocess.CompletedProcess[str]:
    """One tool of this environment, with its output."""
    tool = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    return subprocess.run(tool, cwd=cwd, capture_output=True, text=True, check=False)


def assert_silent(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"\n{done.stdout}{done.stderr}"


def test_ruff_finds_nothing():
    assert_silent(run("ruff", "check", "--quiet", "--output-format", "concise", "."))


def test_the_formatter_would_change_nothing():
    assert_silent(run("ruff", "format", "--check", "--quiet", "--output-format", "concise", "."))


@pytest.mark.long
def test_every_type_of_the_package_and_of_the_tools_around_it_holds():
    assert_silent(run("mypy", "--strict"))
    tools = [*TOP.glob("scripts/*.py"), *TOP.glob("tests/benchmarks/*.py"), TOP / "tests" / "house_rules.py"]
    assert_silent(run("mypy", "--strict", *map(str, tools)))


def test_the_shell_scripts_parse():
    for script in ("try", "test", ".ci/run", "scripts/environment.sh", "scripts/lock"):
        assert_silent(subprocess.run(["bash", "-n", script], cwd=TOP, capture_output=True, text=True, check=False))


def test_every_room_imports_only_lower_rooms():
    assert_silent(run("lint-imports", "--no-cache"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The package and its plan, free to be broken."""
    top = tmp_path_factory.mktemp("broken")
    shutil.copytree(TOP / "explain", top / "explain", ignore=shutil.ignore_patterns("__pycache__", "shipped"))
    shutil.copy(TOP / "pyproject.toml", top)
    return top


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("errors", "import explain.cli"),
        ("capture", "from explain import decode"),
        ("exchanges", "import explain.causes"),
        ("symptoms", "import explain.state"),
        ("decode", "def later():\n    import explain.story"),
        ("lab", "import explain.decode"),
        ("lab", "import explain.table"),
        ("oracle", "import explain.exchanges"),
        ("grade", "import explain.lab"),
        ("grade/events", "import explain.grade.marking"),
        ("story", "import explain.oracle"),
        ("helpers_nobody_placed", "X = 1"),
    ],
)
def test_an_import_against_the_plan_is_caught(copy, room, line):
    intruder = copy / "explain" / room / "intruder.py"
    if room == "errors":
        intruder = copy / "explain" / "errors.py"
    elif not intruder.parent.is_dir():
        intruder = copy / "explain" / f"{room}.py"
    before = intruder.read_text() if intruder.is_file() else None
    intruder.write_text((before or "") + f"\n{line}\n")
    try:
        done = run("lint-imports", "--no-cache", cwd=copy)
    finally:
        if before is None:
            intruder.unlink()
        else:
            intruder.write_text(before)
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout
    assert room.replace("/", ".") in done.stdout.split("Broken contracts")[1]


def test_a_permitted_import_is_not_caught(copy):
    intruder = copy / "explain" / "lab" / "intruder.py"
    intruder.write_text("import explain.capture\nimport explain.state\nimport explain.errors\n")
    try:
        assert_silent(run("lint-imports", "--no-cache", cwd=copy))
    finally:
        intruder.unlink()


@pytest.mark.parametrize(
    ("tool", "source"),
    [
        (("ruff", "check", "--quiet"), "import pandas\n"),
        (("ruff", "check", "--quiet"), "def spoken(x):\n    return x\n"),
        (("ruff", "format", "--check"), "x = {  'a':1 }\n"),
        (("mypy", "--strict"), "def spoken(x: int) -> str:\n    return x\n"),
        (("mypy", "--strict"), "def spoken(x):\n    return x\n"),
    ],
)
def test_a_bad_line_is_caught(tmp_path, tool, source):
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    (tmp_path / "bad.py").write_text(f'"""A module."""\n\n{source}')
    assert run(*tool, "bad.py", cwd=tmp_path).returncode == 1
