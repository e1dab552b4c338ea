"""What `import explain` costs, and what it may not cost."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "numpy",
    "pandas",
    "pyshark",
    "pyroute2",
    "rich",
    "dask",
    "dpkt",
    "click",
    "zstandard",
    "pyarrow",
    "distributed",
)


def loaded_by(code: str) -> set[str]:
    """The top-level packages in memory after the code ran in a fresh interpreter."""
    report = "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_explain_loads_nothing_heavy():
    assert loaded_by("import explain").isdisjoint(HEAVY)


def test_importing_the_words_loads_nothing_heavy():
    assert loaded_by("import explain.errors, explain.words").isdisjoint(HEAVY)


def test_asking_for_help_loads_no_heavy_package_but_click():
    start = "import sys; sys.argv = ['explain', '--help']\nfrom explain.cli import main"
    assert loaded_by(f"{start}\ntry: main()\nexcept SystemExit: pass").isdisjoint(set(HEAVY) - {"click"})


def test_what_is_not_loaded_at_import_is_seen_when_it_is():
    assert "numpy" in loaded_by("import explain, numpy")


def test_no_public_name_is_that_of_a_room():
    import pkgutil

    import explain

    rooms = {module.name for module in pkgutil.iter_modules(explain.__path__)}
    assert "explain" not in rooms
    assert callable(explain.explain)
    assert rooms.isdisjoint(explain.__all__)


@pytest.mark.parametrize("name", ["explain"])
def test_the_public_names_can_be_listed_and_got(name):
    import explain

    assert name in dir(explain)
    assert all(getattr(explain, public) is not None for public in explain.__all__)
