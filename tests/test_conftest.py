"""The rules about skipping are themselves held to what they promise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from surroundings import TOP


def outcome_of(tmp_path, sources: list[str], *options: str, ci: bool, **environment: str) -> str:
    """The closing line of pytest over some test files, under this project's conftest."""
    for name in ("conftest.py", "surroundings.py"):
        (tmp_path / name).write_text((TOP / "tests" / name).read_text())
    for number, source in enumerate(sources):
        (tmp_path / f"test_{number}.py").write_text(source)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    env = {**os.environ, "CI": "true" if ci else "", **environment}
    env.pop("PYTEST_XDIST_WORKER", None)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        *options,
    ]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[-1]


MISSING_TOOL = "import pytest\n@pytest.mark.needs('no-such-program')\ndef test_it(): pass\n"
PLAIN_SKIP = "import pytest\ndef test_it(): pytest.skip('not today')\n"
WHOLE_FILE = "import pytest\npytest.skip('not today', allow_module_level=True)\n"
NO_CORPUS = "import pytest\n@pytest.mark.needs('corpus')\ndef test_it(): raise AssertionError\n"
NO_FILES = (
    "import pytest\n@pytest.mark.needs('corpus')\n@pytest.mark.parametrize('f', [])\ndef test_it(f): raise ValueError\n"
)
BY_FIXTURE = "def test_it(cases): raise AssertionError\n"


def test_a_skip_that_a_complete_machine_would_not_have_fails_only_in_ci(tmp_path):
    sources = [MISSING_TOOL, PLAIN_SKIP, WHOLE_FILE]
    assert outcome_of(tmp_path, sources, ci=False).startswith("3 skipped in")
    assert outcome_of(tmp_path, sources, ci=True).startswith("1 failed, 2 errors in")


def test_absent_data_of_others_is_a_skip_in_ci_too(tmp_path):
    elsewhere = {"EXPLAIN_CORPUS": str(tmp_path / "none"), "EXPLAIN_CASES": str(tmp_path / "none")}
    said = outcome_of(tmp_path, [NO_CORPUS, NO_FILES, BY_FIXTURE], ci=True, **elsewhere)
    assert said.startswith("3 skipped in")


WHO_RAN = """
import os, pathlib, time, pytest
{mark}
@pytest.mark.parametrize("number", range(8))
def test_it(number):
    time.sleep(0.1)
    pathlib.Path(os.environ["PYTEST_XDIST_WORKER"]).touch()
"""


@pytest.mark.parametrize(("mark", "workers"), [("", 1), ("pytestmark = pytest.mark.spread", 2)])
def test_only_a_file_that_says_so_is_shared_by_workers(tmp_path, mark, workers):
    assert "8 passed" in outcome_of(tmp_path, [WHO_RAN.format(mark=mark)], "-n", "2", ci=True)
    assert len(list(tmp_path.glob("gw*"))) == workers
