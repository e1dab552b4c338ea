"""How tests say what they need, what a skip means, and how they are shared out among workers.

``@pytest.mark.needs("tshark", "namespaces", "corpus")`` skips a test, with the reason, where one of these is
absent.  In CI everything but the corpus and the cases must be there, so the same absence fails the test, and so
does any other skip: a check that quietly stopped running is found on the day it stops.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from surroundings import CASES, CORPUS, EXCUSED, IN_CI, absence


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="also run the tests of big sizes")
    parser.addoption("--record", action="store_true", help="write golden files anew; then read the diff")


def pytest_configure(config: pytest.Config) -> None:
    # No deadline, because a busy machine is no bug; the same examples every time in CI, because a change that did
    # not cause a failure must not be stopped by it; many more of them where there is time.
    settings.register_profile(
        "house",
        deadline=None,
        derandomize=IN_CI,
        max_examples=2000 if config.getoption("--full") else 100,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("house")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script that starts the tests behind it (`./test &`)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "needs(*things): corpus, cases, root, namespaces, or programs that must be here")
    config.addinivalue_line("markers", "full: too big for every day; runs with --full")
    config.addinivalue_line("markers", "spread: tests of this file may run on several workers")
    config.addinivalue_line(
        "markers", "long: takes a minute or more, so it is begun first, and nobody waits for it alone"
    )


def needs_of(item: pytest.Item) -> set[str]:
    """What a test said that it needs, by its marks and by the fixtures that it asks for."""
    named = {need for mark in item.iter_markers("needs") for need in mark.args}
    return named | (EXCUSED & set(getattr(item, "fixturenames", ())))


def may_be_skipped(item: pytest.Item) -> bool:
    """Whether a skip of this test is honest even in CI."""
    if item.get_closest_marker("full") and not item.config.getoption("--full"):
        return True
    return any(absence(need) for need in needs_of(item) & EXCUSED)


@cache
def is_spread(path: Path) -> bool:
    """Whether a test file lets several workers share it."""
    return "pytest.mark.spread" in path.read_text(encoding="utf-8").partition("\ndef ")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep a file on one worker, because its fixtures are dear, unless the file says ``pytest.mark.spread``.

    Done here and not by xdist's groups: those rewrite node ids, which pytest 9.2 does not take over.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return nodeid if is_spread(config.rootpath / path) else path

    config.option.loadscopereorder = False  # by the number of tests says nothing of how long they take
    return ByFile(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("full") and not item.config.getoption("--full"):
        pytest.skip("big; runs with --full")
    for need in sorted(needs_of(item)):
        if reason := absence(need):
            if IN_CI and need not in EXCUSED:
                pytest.fail(f"CI must have it: {reason}", pytrace=False)
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail") and not may_be_skipped(item):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"all of {collector.nodeid} was skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the language, the zone, the terminal and the caches of whoever runs the tests out of them."""
    for name in ("LANG", "LANGUAGE", "LC_MESSAGES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def corpus() -> Path:
    """Real captures that nobody here wrote; the test is skipped where they are absent."""
    return CORPUS


@pytest.fixture
def cases() -> Path:
    """Recorded failures with their true causes; the test is skipped where they are absent."""
    return CASES


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Hold a text against the file that keeps it; ``--record`` writes the file anew."""

    def hold(path: Path, text: str) -> None:
        if request.config.getoption("--record"):
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is not recorded; run pytest with --record"
        assert text == path.read_text(encoding="utf-8"), f"differs from {path}; --record writes it anew"

    return hold
