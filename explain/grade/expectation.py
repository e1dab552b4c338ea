"""What an author says that a capture shows, held against a report (``--check``, ``lab run``)."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.causes.from_capture.scene import has_failed
from explain.errors import UnreadableError, UsageError, reason_of
from explain.model import Line
from explain.words import say, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.model import CaptureInfo, Exchange, Finding, Report

_KEYS = {
    "": ("schema", "exchange", "finding", "title", "any_of"),
    "exchange": ("kind", "outcome", "count", "where", "any_of"),
    "finding": ("cause", "certainty", "count", "any_of"),
    "any_of": ("exchange", "finding"),
}
_SECTIONS = ("exchange", "finding")
_SHAPES: Mapping[str, type] = {
    "schema": int, "title": str, "exchange": list, "finding": list, "kind": str, "outcome": str, "cause": str,
    "certainty": str, "count": int, "where": dict, "any_of": list,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expected:
    """One entry of the file: exchanges or findings that must be there, ``count`` of them.

    Attributes:
        section: exchange or finding; any_of for the alternatives of a whole file.
        ways: the alternatives of ``any_of``, or the entry itself; one of them must hold.
        count: how many; None is at least one.
        endings: what each alternative of a whole file expects beside the other entries.
    """

    section: str
    ways: tuple[Mapping[str, Any], ...]
    count: int | None
    endings: tuple[tuple[Expected, ...], ...] = ()


@dataclass(slots=True)
class Outcome:
    """Expected against seen.

    Attributes:
        language: of what is said.
        mismatches: lines for people; empty if everything is as expected.
    """

    language: str = "en"
    mismatches: list[str] = field(default_factory=list)

    def add(self, message: str, **values: object) -> None:
        """One more thing that is not as expected."""
        self.mismatches.append(say(f"talk.check.{message}", values, self.language))


@contextmanager
def reading_toml(path: str) -> Iterator[None]:
    """Says of a file that is being read why it is no TOML, or cannot be read.

    Raises:
        UnreadableError: instead of what the library raises.
    """
    try:
        yield
    except OSError as error:
        raise UnreadableError(path, reason_of(error, "unread.not_read")) from None
    except UnicodeDecodeError as error:
        raise UnreadableError(path, "unread.not_utf8", offset=error.start) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnreadableError(path, "unread.invalid_toml", why=str(error)) from None


def load(path: str) -> list[Expected]:
    """The entries of an expected.toml.

    Raises:
        UnreadableError: it cannot be read or is no TOML.
        UsageError: an unknown key, a value of another form, or a schema that this version does not know.
    """
    with reading_toml(path):
        text = tomllib.loads(Path(path).read_text("utf-8"))
    if text.get("schema") != 1:
        raise UsageError("rubric.no_schema", path=path)
    _known(path, "", text)
    endings = text.get("any_of", ())
    for one in endings:
        _known(path, "any_of", one)
    found = _entries(path, text)
    return (
        [*found, Expected("any_of", (), None, tuple(tuple(_entries(path, one)) for one in endings))]
        if endings
        else found
    )


def _entries(path: str, text: Mapping[str, Any]) -> list[Expected]:
    return [_entry(path, section, entry) for section in _SECTIONS for entry in text.get(section, [])]


def _entry(path: str, section: str, entry: Mapping[str, Any]) -> Expected:
    _known(path, section, entry)
    name = "outcome" if section == "exchange" else "cause"
    ways = [{name: way} if isinstance(way, str) else way for way in entry.get("any_of", ())] or [entry]
    for way in ways:
        _known(path, section, way)
        _named(path, section, way)
    shared = {key: value for key, value in entry.items() if key != "any_of"}
    return Expected(section, tuple({**shared, **way} for way in ways), entry.get("count"))


def _known(path: str, section: str, entry: Mapping[str, Any]) -> None:
    if not isinstance(entry, dict):
        raise UsageError("rubric.shape", path=path, key=section)
    for key in entry:
        if key not in _KEYS[section]:
            near = difflib.get_close_matches(key, _KEYS[section], 1)
            hint = (
                Line("errors.rubric.near", {"near": near[0]})
                if near
                else Line("errors.rubric.keys", {"keys": _KEYS[section]})
            )
            raise UsageError(
                "rubric.key_of_section" if section else "rubric.key_of_file",
                path=path,
                key=key,
                section=section,
                near=hint,
            )
        if not isinstance(entry[key], _SHAPES[key]):
            raise UsageError("rubric.shape", path=path, key=key)


def _named(path: str, section: str, way: Mapping[str, Any]) -> None:
    """Complains about a kind or a cause that nothing has: it could never be met."""
    key = "kind" if section == "exchange" else "cause"
    name, names = way.get(key), _names(section)
    if name is None or str(name) in names:
        return
    near = difflib.get_close_matches(str(name), names, 1)
    hint = Line("errors.rubric.near", {"near": near[0]}) if near else ""
    raise UsageError("rubric.no_kind" if section == "exchange" else "rubric.no_cause", path=path, name=name, near=hint)


def _names(section: str) -> tuple[str, ...]:
    if section == "exchange":
        from explain.exchanges.selection import KINDS

        return KINDS
    from explain.causes.ids import IDS, QUALIFIERS

    return (*IDS, *QUALIFIERS, *table("findings"))


def compare(expected: Sequence[Expected], report: Report, language: str = "en") -> Outcome:
    """Every entry must be met, and no failed exchange or finding may be there that is not listed.

    Of alternatives of the whole file one must hold; if none does, what the nearest one lacks is told.
    """
    ends = next((one for one in expected if one.endings), None)
    if ends:
        rest = [one for one in expected if one is not ends]
        ways = (compare([*rest, *ending], report, language) for ending in ends.endings)
        return min(ways, key=lambda way: len(way.mismatches))
    outcome = Outcome(language)
    exchange_text = partial(seen_text, captures=report.captures, language=language)
    cause_text = partial(finding_text, captures=report.captures, language=language)
    exchanges = list(report.exchanges)
    claimed: set[str] = set()
    named: set[int] = set()
    for entry in expected:
        if entry.section == "exchange":
            met = [one for one in exchanges if any(fits(one, way) for way in entry.ways)]
            claimed.update(one.id for one in met)
            _count(outcome, entry, [exchange_text(one) for one in met])
        else:
            found = [n for n, one in enumerate(report.findings) if any(is_finding(one, way) for way in entry.ways)]
            named.update(found)
            _count(outcome, entry, [cause_text(report.findings[n]) for n in found])
    for one in failures(report):
        if one.id not in claimed:
            outcome.add("unexpected", seen=exchange_text(one))
    for number, finding in enumerate(report.findings):
        if number not in named:
            outcome.add("unexpected", seen=cause_text(finding))
    return outcome


def failures(report: Report) -> list[Exchange]:
    """The exchanges that failed, without those that only look so.

    What one means that merely carries another is listed under the other, and some need no answer.
    """
    carrying = {f"e{position + 1}" for position in report.exchanges.only_carrying()}
    return [
        one
        for one in report.exchanges
        if is_failed(one) and one.id not in carrying and not getattr(one.fields, "needs_no_answer", False)
    ]


def is_failed(exchange: Exchange) -> bool:
    """Whether the contract calls the outcome failed (section 2)."""
    if exchange.outcome == "reset":
        return "f" not in str(getattr(exchange.fields, "history", "")).lower()
    return has_failed(exchange.kind, exchange.outcome)


def fits(exchange: Exchange, way: Mapping[str, Any]) -> bool:
    """Whether an exchange is of the kind, ended so, and has the values under ``where``; a function says it itself."""
    if exchange.kind != way.get("kind", exchange.kind) or exchange.outcome != way.get("outcome", exchange.outcome):
        return False
    return all(_is(value_of(exchange, name), value) for name, value in way.get("where", {}).items())


def _is(seen: Any, wanted: Any) -> bool:
    """Whether a value is the wanted one; of a record, whether what is named of it is as wanted."""
    if callable(wanted):
        return seen is not None and bool(wanted(seen))
    if isinstance(wanted, Mapping):
        return seen is not None and all(_is(_value(seen, name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(seen, list | tuple):
        return len(seen) == len(wanted) and all(map(_is, seen, wanted))
    return bool(seen == wanted)


def value_of(exchange: Exchange, path: str) -> Any:
    """A field by name; dots lead into records (``client.port``); a tuple is given as a list."""
    return _value(exchange.fields, path)


def _value(record: Any, path: str) -> Any:
    for name in path.split("."):
        if is_dataclass(record):
            names = {one.name.rstrip("_"): one.name for one in fields(record)}
            record = getattr(record, names[name]) if name in names else None
        else:
            record = record.get(name) if isinstance(record, Mapping) else None
    return list(record) if isinstance(record, tuple) else record


def is_finding(finding: Finding, way: Mapping[str, Any]) -> bool:
    """Whether a finding has this cause and this certainty."""
    return finding.cause == way.get("cause") and finding.certainty == way.get("certainty", finding.certainty)


def _count(outcome: Outcome, entry: Expected, seen: Sequence[str]) -> None:
    if entry.count is None and seen:
        return
    if entry.count is not None and entry.count == len(seen):
        return
    wanted = " or ".join(wanted_text(way) for way in entry.ways)
    found = "; ".join(seen) if seen else Line("talk.check.none", {})
    outcome.add("any" if entry.count is None else "count", count=entry.count, wanted=wanted, seen=found)


def wanted_text(way: Mapping[str, Any]) -> str:
    """What was looked for, in a few words."""
    where = "".join(f" {name}={getattr(value, '__name__', value)}" for name, value in way.get("where", {}).items())
    return f"{way.get('kind') or way.get('cause')} {way.get('outcome') or way.get('certainty') or ''}".strip() + where


def seen_text(exchange: Exchange, captures: Sequence[CaptureInfo], language: str = "en") -> str:
    """An exchange in a few words, with its frames."""
    from explain.render.markdown import frames

    return f"{exchange.id} {exchange.kind} {exchange.outcome} ({frames(exchange.evidence, captures, language)})"


def finding_text(finding: Finding, captures: Sequence[CaptureInfo], language: str = "en") -> str:
    """A finding in a few words, with its frames, if any prove it."""
    from explain.render.markdown import frames

    where = frames(finding.evidence, captures, language)
    return f"{finding.cause} {finding.certainty}" + (f" ({where})" if where else "")
