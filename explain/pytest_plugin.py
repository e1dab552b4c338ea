"""A pytest plugin: a test records or reads traffic, and asserts on the exchanges in it.

    from explain.pytest_plugin import exchange, failure

    def test_the_client_asks_once(capture):
        with capture.record(interface="lo") as traffic:
            fetch("http://127.0.0.1:8000/")
        assert exchange("http.request", outcome="answered", count=1) in traffic
        assert failure not in traffic

A failed assertion shows what was expected, what was seen, and in which frames.  Nothing is loaded before a test
asks for it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

import explain
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from os import PathLike
    from pathlib import Path

    from explain.model import Exchange, Finding, Report

_MOST_SHOWN = 20
_SETTLE_S = 0.1


@dataclass(frozen=True)
class Matcher:
    """What is looked for in traffic; made by ``exchange`` and ``finding``.

    Attributes:
        section: ``exchange`` or ``finding``.
        wanted: as an entry of an expected.toml.
        count: how many there must be; None is at least one.
        is_any_failure: any exchange that failed, whatever its kind.
    """

    section: str
    wanted: Mapping[str, Any] = field(default_factory=dict)
    count: int | None = None
    is_any_failure: bool = False

    def __repr__(self) -> str:
        from explain.grade.expectation import wanted_text

        return "failed exchange" if self.is_any_failure else wanted_text(self.wanted)

    def found_in(self, report: Report) -> list[Exchange | Finding]:
        """Everything in a report that this fits."""
        from explain.grade.expectation import failures, fits, is_finding

        if self.is_any_failure:
            return [*failures(report)]
        if self.section == "finding":
            return [one for one in report.findings if is_finding(one, self.wanted)]
        return [one for one in report.exchanges if fits(one, self.wanted)]


failure = Matcher("exchange", is_any_failure=True)
"""Any exchange that failed; what only looks like it, such as a resolver that asks once more, is none."""


def exchange(
    kind: str,
    outcome: str | None = None,
    *,
    count: int | None = None,
    where: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Matcher:
    """What fits some exchanges, to be looked for ``in`` traffic.

    Args:
        kind: such as ``tcp.connection``; see ``explain.exchanges.selection.KINDS``.
        outcome: how it must have ended; any way if None.
        count: how many there must be; at least one if None.
        where: fields of the exchange and their values; dots lead into records (``server.port``).  A value may be
            a function that says whether it fits.
        fields: the same, where the name is a Python name; two underscores stand for a dot.

    Raises:
        explain.errors.UnknownNameError: there is no such kind, or it has no such field.
    """
    from explain.exchanges.selection import KINDS
    from explain.grade.events.vocabulary import fields_of

    _known("kind", kind, KINDS)
    asked = {**(where or {}), **{name.replace("__", "."): value for name, value in fields.items()}}
    for name in asked:
        _known_field(kind, name, fields_of(kind))
    wanted: dict[str, Any] = {"kind": kind, "where": asked}
    return Matcher("exchange", wanted | ({"outcome": outcome} if outcome else {}), count)


def finding(cause: str, certainty: str | None = None) -> Matcher:
    """What fits some findings, to be looked for ``in`` traffic.

    Args:
        cause: its id, as ``explain cause`` lists them.
        certainty: ``proved``, ``likely`` or ``possible``; any if None.

    Raises:
        explain.errors.UnknownNameError: there is no such cause, or no such certainty.
    """
    from explain.causes.ids import IDS
    from explain.words import table

    _known("cause", cause, {*IDS, *table("findings")})
    _known("certainty", certainty or "proved", ("proved", "likely", "possible"))
    return Matcher("finding", {"cause": cause} | ({"certainty": certainty} if certainty else {}))


def _known(what: str, name: str, names: Collection[str], **values: str) -> None:
    """A name that was mistyped is found in no traffic, so ``not in`` would hold for ever."""
    if name not in names:
        from difflib import get_close_matches

        from explain.errors import UnknownNameError

        raise UnknownNameError(what, name, tuple(get_close_matches(name, names, 3)), **values)


def _known_field(kind: str, name: str, known: Collection[str]) -> None:
    """What is below a field is looked up where the fields of the kind tell it."""
    first = name.partition(".")[0]
    below = {one for one in known if one.startswith(f"{first}.")} if f"{first}.address" in known else set()
    names = {one.partition(".")[0] for one in known} | below
    _known("field", name if below and "." in name else first, names, kind=kind)


class Traffic:
    """Captures that were read or recorded.

    Attributes:
        paths: the files; a recording is kept in the test's ``tmp_path``.
        dropped: frames that the recorder lost.
    """

    def __init__(self, *paths: str) -> None:
        self.paths = paths
        self.dropped = 0

    @cached_property
    def report(self) -> Report:
        """What ``explain.explain`` tells of it.

        Raises:
            explain.errors.ExplainError: it cannot be read, or is still being recorded.
        """
        return explain.explain(*self.paths)

    def matching(self, matcher: Matcher) -> list[Any]:
        """The exchanges or findings that fit."""
        return matcher.found_in(self.report)

    def __contains__(self, matcher: Matcher) -> bool:
        seen = len(self.matching(matcher))
        return seen > 0 if matcher.count is None else seen == matcher.count

    def check(self, expected: str | PathLike[str]) -> None:
        """Hold it against an expected.toml, as ``explain --check`` does.

        Raises:
            AssertionError: something is missing or not expected; expected and seen are told.
        """
        __tracebackhide__ = True
        from explain.grade.expectation import compare, load

        mismatches = compare(load(str(expected)), self.report).mismatches
        if mismatches:
            raise AssertionError("\n".join([f"not as {expected} expects", *mismatches, *self._files()]))

    def told(self, matcher: Matcher) -> list[str]:
        """What is there instead, for people: what is nearest first, each with its frames."""
        from explain.grade.expectation import finding_text, seen_text, value_of

        asked = matcher.wanted.get("where", {})
        kind = matcher.wanted.get("kind")
        exchanges = sorted(self.report.exchanges, key=lambda one: one.kind != kind)
        values = [
            "".join(f" {name}={value_of(one, name)}" for name in asked) if one.kind == kind else "" for one in exchanges
        ]
        captures = self.report.captures
        lines = [seen_text(one, captures) + value for one, value in zip(exchanges, values, strict=True)]
        if matcher.section == "finding":
            lines = [finding_text(one, captures) for one in self.report.findings]
        return _shortened(lines) or ["nothing"]

    def _files(self) -> Iterator[str]:
        yield from (f"capture: {path}" for path in self.paths)
        if self.dropped:
            yield f"{self.dropped} frames were lost while it was recorded"

    def complaint(self, matcher: Matcher, *, is_unwanted: bool) -> list[str]:
        """Why an assertion with ``in`` or ``not in`` failed, in lines."""
        from explain.grade.expectation import finding_text, seen_text

        telling = finding_text if matcher.section == "finding" else seen_text
        many = "at least one" if matcher.count is None else str(matcher.count)
        met = [telling(one, self.report.captures) for one in self.matching(matcher)]
        many = "none" if is_unwanted else many
        seen = _shortened(met) if met else self.told(matcher)
        number = f"seen {len(met)} of them:" if met else "seen:"
        return [f"expected {many}: {matcher!r}", *self._files(), number, *(f"  {one}" for one in seen)]


def _shortened(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - _MOST_SHOWN} more"] if len(lines) > _MOST_SHOWN else []
    return lines[:_MOST_SHOWN] + more


class Captures:
    """The ``capture`` fixture: reads and records."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recorded = 0

    def read(self, *captures: str | PathLike[str]) -> Traffic:
        """One or several captures, as ``explain`` takes them: ``[NAME[:IFACE]=]FILE``."""
        return Traffic(*(str(one) for one in captures))

    @contextmanager
    def record(
        self, *, namespace: str | int | None = None, interface: str = "any", settle_s: float = _SETTLE_S
    ) -> Iterator[Traffic]:
        """Record what the block causes.  It can be asserted on once the block is left.

        Args:
            namespace: a network namespace: its name for ``ip netns``, a path, or a process's id; that of the test if
                None.
            interface: one, or all of them there.
            settle_s: how long to go on hearing after the block, in seconds.

        Raises:
            explain.errors.ExplainError: there is no such namespace or interface, or it takes a right to hear it.
        """
        from explain.lab.ear import Ear

        self._recorded += 1
        path = self._folder / f"capture-{self._recorded}.pcapng"
        traffic = Traffic(str(path))
        with Ear(namespace, interface, settle_s) as ear:
            yield traffic
        path.write_bytes(ear.pcapng())
        traffic.dropped = ear.dropped


@pytest.fixture
def capture(tmp_path: Path) -> Captures:
    """Reads captures and records traffic: ``capture.read(FILE)``, ``with capture.record() as traffic``."""
    return Captures(tmp_path)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """What pytest shows when ``assert exchange(...) in traffic`` fails."""
    if isinstance(left, Matcher) and isinstance(right, Traffic) and op in {"in", "not in"}:
        return [f"{left!r} {op} traffic", *right.complaint(left, is_unwanted=op == "not in")]
    return None
