"""What `import explain` costs, and what it may not cost."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

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
    report = "\nimport sys; print(*(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_explain_loads_nothing_heavy():
    assert loaded_by("import explain").isdisjoint(HEAVY)


def test_importing_the_words_loads_nothing_heavy():
    assert loaded_by("import explain.errors, explain.words").isdisjoint(HEAVY)


def test_asking_for_help_loads_no_heavy_package_but_click():
    start = "from explain.cli import main"
    assert loaded_by(f"{start}\ntry: main(['--help'])\nexcept SystemExit: pass").isdisjoint(set(HEAVY) - {"click"})


def test_a_capture_alone_is_explained_without_packages_that_cost_as_much_as_it(tmp_path):
    path = tmp_path / "empty.pcap"
    path.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000000004000100") + bytes(2))
    loaded = loaded_by(
        f"from explain.cli import main\ntry: main([{str(path)!r}])\nexcept SystemExit as end: assert not end.code"
    )
    assert loaded.isdisjoint(set(HEAVY) - {"numpy"})
    assert "numpy" in loaded


def test_a_capture_of_few_packets_is_explained_without_what_it_does_not_need():
    """Each of these took longer to load than the ten packets took to explain."""
    path = Path(__file__).parents[1] / "pcaps" / "healthy" / "sender.pcap"
    code = (
        "import sys; before = set(sys.modules)\nfrom explain.cli import main\n"
        f"try: main([{str(path)!r}])\nexcept SystemExit: print(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "explain.story" in loaded
    assert not loaded & {
        "pathlib", "hashlib", "ipaddress", "numpy.ma", "urllib.parse", "explain.exchanges.over_places.journey",
        "explain.exchanges.groups", "explain.exchanges.standby", "explain.exchanges.cable",
        "explain.exchanges.dhcp.message",
    }  # fmt: skip


def test_what_is_not_loaded_at_import_is_seen_when_it_is():
    assert "numpy" in loaded_by("import explain, numpy")


def test_no_public_name_is_that_of_a_room():
    import explain

    rooms = {module.name for module in pkgutil.iter_modules(explain.__path__)}
    assert "cli" in rooms
    assert "explain" not in rooms
    assert public_names().isdisjoint(rooms)


def test_the_public_names_are_there_without_asking_for_a_room():
    assert {"explain"} <= public_names()


def public_names() -> set[str]:
    """What `import explain` brings, in an interpreter where no room has been imported yet."""
    code = "import explain; print(*[name for name in vars(explain) if not name.startswith('_')])"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
