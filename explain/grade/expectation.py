"""What an author says that a capture shows, held against a report (``--check``, ``lab run``)."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.causes.from_capture.scene import has_failed
from explain.errors import UnreadableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.model import Evidence, Exchange, Finding, Report

_KEYS = {
    "": ("schema", "exchange", "finding", "title", "any_of"),
    "exchange": ("kind", "outcome", "count", "where", "any_of"),
    "finding": ("cause", "certainty", "count", "any_of"),
}


@dataclass(frozen=True, slots=True)
class Expected:
    """One entry of the file: exchanges or findings that must be there, ``count`` of them.

    Attributes:
        ways: the alternatives of ``any_of``, or the entry itself; one of them must hold.
        count: how many; None is at least one.
    """

    section: str
    ways: tuple[Mapping[str, Any], ...]
    count: int | None


@dataclass(slots=True)
class Outcome:
    """Expected against seen.

    Attributes:
        mismatches: lines for people; empty if everything is as expected.
    """

    mismatches: list[str] = field(default_factory=list)


def load(path: str) -> list[Expected]:
    """The entries of an expected.toml.

    Raises:
        UnreadableError: it cannot be read or is no TOML.
        UsageError: an unknown key, or a schema that this version does not know.
    """
    try:
        text = tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise UnreadableError(path, (error.strerror or "it cannot be read").lower()) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableError(path, f"not valid TOML: {error}") from None
    if text.get("schema") != 1:
        raise UsageError(f"{path}: schema = 1 is missing")
    _known(path, "", text)
    return [_entry(path, section, entry) for section in ("exchange", "finding") for entry in text.get(section, [])]


def _entry(path: str, section: str, entry: Mapping[str, Any]) -> Expected:
    _known(path, section, entry)
    ways = entry.get("any_of") or [entry]
    for way in ways:
        _known(path, section, way)
    shared = {key: value for key, value in entry.items() if key != "any_of"}
    return Expected(section, tuple({**shared, **way} for way in ways), entry.get("count"))


def _known(path: str, section: str, entry: Mapping[str, Any]) -> None:
    for key in entry:
        if key not in _KEYS[section]:
            near = difflib.get_close_matches(key, _KEYS[section], 1)
            hint = f"; did you mean {near[0]}?" if near else f"; it may hold {', '.join(_KEYS[section])}"
            raise UsageError(
                f"{path}: unknown key {key!r} in [[{section}]]{hint}"
                if section
                else f"{path}: unknown key {key!r}{hint}"
            )


def compare(expected: Sequence[Expected], report: Report) -> Outcome:
    """Every entry must be met, and no failed exchange or finding may be there that is not listed."""
    outcome = Outcome()
    exchanges = list(report.exchanges)
    claimed: set[str] = set()
    named: set[int] = set()
    for entry in expected:
        if entry.section == "exchange":
            met = [one for one in exchanges if any(_fits(one, way) for way in entry.ways)]
            claimed.update(one.id for one in met)
            _count(outcome, entry, [_seen(one) for one in met])
        else:
            found = [n for n, one in enumerate(report.findings) if any(_is_finding(one, way) for way in entry.ways)]
            named.update(found)
            _count(outcome, entry, [_told(report.findings[n]) for n in found])
    expected_silence = {f"e{position + 1}" for position in report.exchanges.only_carrying()}
    for one in exchanges:
        if one.id in expected_silence or getattr(one.fields, "needs_no_answer", False):
            continue  # what it means is listed under the exchange that it carries, or it means nothing
        if one.id not in claimed and is_failed(one):
            outcome.mismatches.append(f"not expected: {_seen(one)}")
    for number, finding in enumerate(report.findings):
        if number not in named:
            outcome.mismatches.append(f"not expected: {_told(finding)}")
    return outcome


def is_failed(exchange: Exchange) -> bool:
    """Whether the contract calls the outcome failed (section 2)."""
    if exchange.outcome == "reset":
        return "f" not in str(getattr(exchange.fields, "history", "")).lower()
    return has_failed(exchange.kind, exchange.outcome)


def _fits(exchange: Exchange, way: Mapping[str, Any]) -> bool:
    if exchange.kind != way.get("kind", exchange.kind) or exchange.outcome != way.get("outcome", exchange.outcome):
        return False
    return all(_value(exchange.fields, name) == value for name, value in way.get("where", {}).items())


def _value(record: Any, path: str) -> Any:
    """A field by name; dots lead into records (``client.port``); lists compare with lists."""
    for name in path.split("."):
        if is_dataclass(record):
            names = {one.name.rstrip("_"): one.name for one in fields(record)}
            record = getattr(record, names[name]) if name in names else None
        else:
            record = None
    return list(record) if isinstance(record, tuple) else record


def _is_finding(finding: Finding, way: Mapping[str, Any]) -> bool:
    return finding.cause == way.get("cause") and finding.certainty == way.get("certainty", finding.certainty)


def _count(outcome: Outcome, entry: Expected, seen: Sequence[str]) -> None:
    if entry.count is None and seen:
        return
    if entry.count is not None and entry.count == len(seen):
        return
    wanted = " or ".join(_wanted(way) for way in entry.ways)
    many = "at least one" if entry.count is None else str(entry.count)
    found = "; ".join(seen) if seen else "none"
    outcome.mismatches.append(f"expected {many}: {wanted}; seen: {found}")


def _wanted(way: Mapping[str, Any]) -> str:
    where = "".join(f" {name}={value}" for name, value in way.get("where", {}).items())
    return f"{way.get('kind') or way.get('cause')} {way.get('outcome') or way.get('certainty') or ''}".strip() + where


def _seen(exchange: Exchange) -> str:
    return f"{exchange.id} {exchange.kind} {exchange.outcome} (frames {_frames(exchange.evidence)})"


def _told(finding: Finding) -> str:
    return f"{finding.cause} {finding.certainty} (frames {_frames(finding.evidence)})"


def _frames(evidence: Sequence[Evidence]) -> str:
    if not evidence:
        return "none"
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in evidence[0].frames[:8])
