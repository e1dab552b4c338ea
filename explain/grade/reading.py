"""rubric.toml -> Rubric: every key, event, field and reference is checked, and all complaints are told at once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.errors import UnreadableError, UsageError, reason_of
from explain.grade import predicates
from explain.grade.rubric import (
    ANSWER_TYPES,
    Check,
    Count,
    Credit,
    Limits,
    Part,
    Pattern,
    Question,
    Rubric,
    Trial,
    Within,
    WrongAnswer,
    worth,
)
from explain.grade.vocabulary import all_names, members, nearest
from explain.words import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LARGEST = 4 << 20
_KEYS = {
    "the rubric": (
        "rubric", "title", "lab", "roster", "total", "submission", "vars", "check", "answer", "integrity", "test",
        "description", "visibility", "due", "course_key", "me", "reveal", "packed",
    ),
    "[submission]": ("captures", "answers", "limits", "optional", "networks"),
    "limits": ("bytes", "packets", "seconds", "memory"),
    "[[check]]": (
        "id", "title", "points", "expect", "none", "sequence", "assert", "all_of", "any_of", "where", "count",
        "distinct", "as", "needs", "within", "window",
        "capture", "credit", "partial", "optional", "bonus", "pass", "fail", "hint",
        "skew", "visibility",
    ),
    "[[answer]]": (
        "id", "ask", "type", "points", "key", "wrong", "tolerance", "partial", "follow_through", "columns", "choices",
        "mark", "keywords", "hint", "needs", "visibility", "title",
    ),
    "[integrity]": ("policy", "same_run", "nonce_share", "allow_groups", "handouts", "marker"),
    "[[test]]": ("name", "captures", "capture", "answers", "roster", "score", "checks"),
    "all_of": ("assert", "expect", "event", "where", "count", "points", "fail"),
    "any_of": ("event", "expect", "where"),
    "credit": ("points", "where", "event", "say"),
    "wrong": ("value", "points", "say"),
    "tolerance": ("relative", "absolute"),
}  # fmt: skip
_UNITS_NS = {"ns": 1, "us": 1_000, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_SIZES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ns|us|ms|s|min|m|h)\s*")
_WITHIN = re.compile(r"(.+?)\s+(after|before)\s+\{([^{}]+)\}")
_COUNT = re.compile(r"\s*(>=|<=|==|=|>|<)?\s*(\d{1,9})\s*(?:(?:-|\.\.)\s*(\d{1,9}))?\s*")
_VISIBLE = ("now", "after_due", "never")


@dataclass(slots=True)
class Reader:
    """Collects what is wrong while a rubric is read.

    Attributes:
        complaints: each with the place in the file that it is about.
        language: of the author's words, where there are several.
        is_packed: a student's rubric, whose questions have no keys.
    """

    complaints: list[str] = field(default_factory=list)
    language: str = "en"
    is_packed: bool = False

    def say(self, where: str, text: str) -> None:
        """Note a complaint."""
        self.complaints.append(f"{where}: {text}")

    def known(self, where: str, section: str, table: Mapping[str, Any]) -> None:
        """Complain of keys that the section does not have."""
        for key in table:
            if key not in _KEYS[section]:
                self.say(where, f"unknown key {key!r}{nearest(key, _KEYS[section])}")

    def text(self, where: str, table: Mapping[str, Any], key: str) -> str | None:
        """A text, or None where it is missing."""
        value = table.get(key)
        if value is not None and not isinstance(value, str):
            self.say(where, f"{key} is a text")
            return None
        return value

    def words(self, where: str, table: Mapping[str, Any], key: str) -> str | None:
        """What a person reads: a text, or one for each language, of which the asked one or else the first counts."""
        value = table.get(key)
        if not isinstance(value, dict):
            return self.text(where, table, key)
        if not value or not set(value) <= set(LANGUAGES) or not all(isinstance(one, str) for one in value.values()):
            self.say(where, f"{key} is a text, or a table such as {{ en = ..., ja = ... }}")
            return None
        return str(value.get(self.language) or next(iter(value.values())))

    def number(self, where: str, table: Mapping[str, Any], key: str, default: float = 0.0) -> float:
        """A finite number."""
        value = table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 10**9:
            self.say(where, f"{key} is a number")
            return default
        return float(value)

    def flag(self, where: str, table: Mapping[str, Any], key: str) -> bool:
        """True or false; false where it is missing."""
        value = table.get(key, False)
        if not isinstance(value, bool):
            self.say(where, f"{key} is true or false")
        return value is True

    def texts(self, where: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """A list of texts, empty where it is missing."""
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.say(where, f"{key} is a list of texts")
            return ()
        return tuple(value)

    def table(self, where: str, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """A table, empty where it is missing."""
        value = table.get(key, {})
        if not isinstance(value, dict):
            self.say(where, f"{key} is a table")
            return {}
        return value

    def tables(self, where: str, table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        """A list of tables, empty where it is missing."""
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.say(where, f"{key} is a list of tables")
            return []
        return value

    def pattern(self, where: str, name: Any, table: Any) -> Pattern | None:
        """An event with its predicates; None, with a complaint, where it makes no sense."""
        if not isinstance(name, str) or not members(name):
            self.say(where, f"no event is called {name!r}{nearest(str(name), all_names())}")
            return None
        if not isinstance(table, dict):
            self.say(where, "where is a table")
            return None
        try:
            return Pattern(name, predicates.read(name, table))
        except UsageError as error:
            self.say(where, str(error))
            return None

    def span(self, where: str, text: Any) -> int | None:
        """A length of time in nanoseconds."""
        found = _SPAN.fullmatch(text) if isinstance(text, str) else None
        if not found:
            self.say(where, f"{text!r} is no length of time such as 1s or 500ms")
            return None
        return round(float(found[1]) * _UNITS_NS[found[2]])

    def count(self, where: str, value: Any, default: Count) -> Count:
        """How many."""
        if value is None:
            return default
        found = _COUNT.fullmatch(str(value)) if not isinstance(value, bool) else None
        if not found:
            self.say(where, f'count = {value!r} is none of 1, ">=1", "<=3", "2-4"')
            return default
        number = int(found[2])
        if (found[3] and int(found[3]) < number) or (found[1] == "<" and number == 0):
            self.say(where, f"count = {value!r} can never hold")
        if found[3]:
            return Count(number, int(found[3]))
        return {
            ">=": Count(number), ">": Count(number + 1), "<=": Count(0, number), "<": Count(0, max(0, number - 1)),
        }.get(found[1] or "==", Count(number, number))  # fmt: skip

    def size(self, where: str, value: Any, default: int) -> int:
        """A number of octets, as a number or with a unit."""
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        found = re.fullmatch(r"\s*(\d{1,9})\s*([kKMG]i?B|B)?\s*", value) if isinstance(value, str) else None
        if not found:
            self.say(where, f"{value!r} is no size such as 20MB")
            return default
        return int(found[1]) * _SIZES.get(found[2] or "B", 1)


def load(path: str, language: str = "en") -> tuple[Rubric, list[str]]:
    """A rubric, with its author's words in one language, and what is wrong with it.

    Raises:
        UnreadableError: it cannot be read or is no TOML.
        UsageError: it does not begin with ``rubric = 1``.
    """
    table = read_table(path)
    if table.get("rubric") != 1 or isinstance(table.get("rubric"), bool):
        raise UsageError(f"{path}: rubric = 1 is missing")
    return _rubric(path, table, Reader(language=language, is_packed=table.get("packed") is True))


def read_table(path: str) -> dict[str, Any]:
    """What a rubric's file says, as TOML has it.

    Raises:
        UnreadableError: it cannot be read or is no TOML.
    """
    try:
        with Path(path).open("rb") as file:
            octets = file.read(_LARGEST + 1)
        if len(octets) > _LARGEST:
            raise UnreadableError(path, "it is too large for a rubric")
        return tomllib.loads(octets.decode("utf-8"))
    except OSError as error:
        raise UnreadableError(path, reason_of(error, "it cannot be read")) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(path, f"not valid TOML: {error}") from None


def _rubric(path: str, table: Mapping[str, Any], reader: Reader) -> tuple[Rubric, list[str]]:
    reader.known("the rubric", "the rubric", table)
    submission = reader.table("the rubric", table, "submission")
    reader.known("[submission]", "[submission]", submission)
    captures = reader.table("[submission]", submission, "captures")
    if not captures or not all(isinstance(one, str) for one in captures.values()):
        reader.say("[submission]", 'captures names the files, as in { h1 = "lab.pcap" }')
    integrity = reader.table("the rubric", table, "integrity")
    reader.known("[integrity]", "[integrity]", integrity)
    checks = tuple(_check(reader, one) for one in reader.tables("the rubric", table, "check"))
    questions = tuple(_question(reader, one) for one in reader.tables("the rubric", table, "answer"))
    ids = [*(one.id for one in checks), *(one.id for one in questions)]
    for one in sorted({one for one in ids if ids.count(one) > 1}):
        reader.say(f"id {one!r}", "is used twice")
    total = worth(checks, questions)
    if "total" in table and abs(reader.number("the rubric", table, "total", total) - total) > 1e-9:
        reader.say("the rubric", f"total = {table['total']}, but the points add up to {total:g}")
    answers = reader.text("[submission]", submission, "answers") or ("answers.toml" if questions else None)
    rubric = Rubric(
        path, reader.words("the rubric", table, "title") or Path(path).stem,
        {str(name): str(file) for name, file in captures.items()},
        answers, reader.text("the rubric", table, "roster"),
        {"course_key": reader.text("the rubric", table, "course_key") or ""} | dict(
            reader.table("the rubric", table, "vars")
        ),
        _limits(reader, reader.table("[submission]", submission, "limits")),
        checks, questions, total, integrity,
        tuple(_trial(reader, one) for one in reader.tables("the rubric", table, "test")),
        {str(key): str(value) for key, value in reader.table("the rubric", table, "me").items() if value != ""},
        _networks(reader, table, path), reader.flag("the rubric", table, "reveal"),
        reader.flag("the rubric", table, "packed"),
    )  # fmt: skip
    return rubric, reader.complaints


def _networks(reader: Reader, table: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """The lab's networks: as the rubric lists them, else those of its lab file where it lies beside."""
    stated = reader.texts("[submission]", reader.table("the rubric", table, "submission"), "networks")
    for one in stated:
        if network_of(one) is None:
            reader.say("[submission]", f"networks: {one!r} is no network such as 192.0.2.0/24")
    lab = reader.text("the rubric", table, "lab")
    if stated or lab is None:
        return stated
    beside = Path(path).parent / lab
    file = beside / "lab.toml" if beside.is_dir() else beside
    try:
        return tuple(dict.fromkeys(_addresses(read_table(str(file)).get("nodes"))))
    except (UnreadableError, RecursionError):
        return ()  # a lab file that is not there is nothing that grading needs


def _addresses(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("address", "addresses"):
                texts = inner if isinstance(inner, list) else [inner]
                yield from (found for one in texts if (found := network_of(one)) is not None)
            else:
                yield from _addresses(inner)


def network_of(text: Any) -> str | None:
    """The network of an address with its length; None if it is none."""
    try:
        return str(ip_network(text, strict=False)) if isinstance(text, str) else None
    except ValueError:
        return None


def _limits(reader: Reader, table: Mapping[str, Any]) -> Limits:
    reader.known("limits", "limits", table)
    default = Limits()
    return Limits(
        reader.size("limits", table.get("bytes", default.octets), default.octets),
        int(reader.number("limits", table, "packets", default.packets)),
        reader.number("limits", table, "seconds", default.seconds),
        reader.size("limits", table.get("memory", default.memory), default.memory),
    )


def _check(reader: Reader, table: Mapping[str, Any]) -> Check:
    name = table.get("id")
    where = f"check {name!r}"
    if not isinstance(name, str) or not name:
        reader.say("[[check]]", "id is missing")
        name = ""
    reader.known(where, "[[check]]", table)
    base = table.get("where", {})
    expect = reader.pattern(where, table["expect"], base) if "expect" in table else None
    none = reader.pattern(where, table["none"], base) if "none" in table else None
    kinds = [key for key in ("expect", "none", "sequence", "assert", "all_of", "any_of") if key in table]
    if not kinds:
        reader.say(where, "asks for nothing: expect, none, sequence, assert, all_of or any_of is missing")
    if len(kinds) > 1 and set(kinds) != {"expect", "any_of"}:
        reader.say(where, f"asks for several things: {', '.join(kinds)}")
    visibility = table.get("visibility", "now")
    if visibility not in _VISIBLE:
        reader.say(where, f"visibility is one of {', '.join(_VISIBLE)}")
    if "points" not in table:
        reader.say(where, "points are missing")
    return Check(
        name, reader.number(where, table, "points"), reader.words(where, table, "title"),
        reader.text(where, table, "capture"), expect, none, _sequence(reader, where, table),
        reader.text(where, table, "assert"), _parts(reader, where, table), _ways(reader, where, table),
        reader.count(where, table.get("count"), Count()), _distinct(reader, where, table),
        _within(reader, where, table.get("within")),
        reader.span(where, table["window"]) if "window" in table else None,
        reader.span(where, table["skew"]) if "skew" in table else None, reader.text(where, table, "as"),
        reader.texts(where, table, "needs"), _partial(reader, where, table), _credit(reader, where, table),
        bool(table.get("optional") or table.get("bonus")), reader.words(where, table, "pass"),
        reader.words(where, table, "fail"), reader.words(where, table, "hint"),
        visibility if isinstance(visibility, str) else "now",
    )  # fmt: skip


def _sequence(reader: Reader, where: str, table: Mapping[str, Any]) -> tuple[Pattern, ...]:
    steps = table.get("sequence", [])
    if not isinstance(steps, list) or (len(steps) < 2 and "sequence" in table):
        reader.say(where, "sequence is a list of two or more events")
        return ()
    found = []
    for step in steps:
        name, base = (step.get("event"), step.get("where", {})) if isinstance(step, dict) else (step, {})
        pattern = reader.pattern(where, name, base)
        if pattern:
            found.append(pattern)
    return tuple(found)


def _parts(reader: Reader, where: str, table: Mapping[str, Any]) -> tuple[Part, ...]:
    found = []
    for one in reader.tables(where, table, "all_of"):
        reader.known(where, "all_of", one)
        name = one.get("expect", one.get("event"))
        pattern = reader.pattern(where, name, one.get("where", {})) if name is not None else None
        claim = reader.text(where, one, "assert")
        if claim is None and name is None:
            reader.say(where, "a part of all_of has assert or expect")
        count = reader.count(where, one.get("count"), Count())
        found.append(Part(claim, pattern, count, reader.number(where, one, "points"), reader.words(where, one, "fail")))
    stated = sum(one.points for one in found)
    if found and stated and abs(stated - reader.number(where, table, "points")) > 1e-9:
        reader.say(where, f"points = {table.get('points')}, but its parts add up to {stated:g}")
    return tuple(found)


def _ways(reader: Reader, where: str, table: Mapping[str, Any]) -> tuple[Pattern, ...]:
    found = []
    for one in reader.tables(where, table, "any_of"):
        reader.known(where, "any_of", one)
        pattern = reader.pattern(where, one.get("event", one.get("expect")), one.get("where", {}))
        if pattern:
            found.append(pattern)
    return tuple(found)


def _distinct(reader: Reader, where: str, table: Mapping[str, Any]) -> str | None:
    name = reader.text(where, table, "distinct")
    if name is not None and "expect" in table:
        reader.pattern(where, table["expect"], {name: "any"})
    return name


def _within(reader: Reader, where: str, value: Any) -> tuple[Within, ...]:
    found = []
    for one in value if isinstance(value, list) else [] if value is None else [value]:
        told = _WITHIN.fullmatch(one.strip()) if isinstance(one, str) else None
        span = reader.span(where, told[1]) if told else None
        if not told or span is None:
            reader.say(where, f'within = {one!r} is not of the form "1s after {{name}}"')
            continue
        found.append(Within(span, told[2], told[3]))
    return tuple(found)


def _partial(reader: Reader, where: str, table: Mapping[str, Any]) -> str | Mapping[str, float] | None:
    value = table.get("partial")
    if value is None or value == "linear":
        return value
    if not isinstance(value, dict) or not value:
        reader.say(where, 'partial is "linear", or phases with their points')
        return None
    if isinstance(table.get("expect"), str):
        for phase in value:
            reader.pattern(where, table["expect"], {phase: "any"})
    points = {str(name): reader.number(where, value, name) for name in value}
    if abs(sum(points.values()) - reader.number(where, table, "points")) > 1e-9:
        reader.say(where, f"points = {table.get('points')}, but its phases add up to {sum(points.values()):g}")
    return points


def _credit(reader: Reader, where: str, table: Mapping[str, Any]) -> tuple[Credit, ...]:
    found = []
    for one in reader.tables(where, table, "credit"):
        reader.known(where, "credit", one)
        is_whole = "where" not in one and "event" not in one
        pattern = None
        if not is_whole:
            pattern = reader.pattern(where, one.get("event", table.get("expect")), one.get("where", {}))
            if pattern is None:
                continue
        found.append(Credit(pattern, reader.number(where, one, "points"), reader.words(where, one, "say")))
    return tuple(found)


def _question(reader: Reader, table: Mapping[str, Any]) -> Question:
    name = table.get("id")
    where = f"answer {name!r}"
    if not isinstance(name, str) or not name:
        reader.say("[[answer]]", "id is missing")
        name = ""
    reader.known(where, "[[answer]]", table)
    kind = table.get("type", "text")
    if kind not in ANSWER_TYPES:
        reader.say(where, f"no type is called {kind!r}{nearest(str(kind), ANSWER_TYPES)}")
    is_manual = table.get("mark") == "manual" or kind == "text"
    if "key" not in table and not is_manual and not reader.is_packed:
        reader.say(where, "key is missing")
    tolerance = reader.table(where, table, "tolerance") if not isinstance(table.get("tolerance"), (int, float)) else {
        "absolute": table["tolerance"]
    }  # fmt: skip
    reader.known(where, "tolerance", tolerance)
    wrong = []
    for one in reader.tables(where, table, "wrong"):
        reader.known(where, "wrong", one)
        if "value" not in one:
            reader.say(where, "a wrong answer has a value")
        told = reader.words(where, one, "say")
        wrong.append(WrongAnswer(one.get("value"), reader.number(where, one, "points"), told))
    columns = reader.table(where, table, "columns") or None
    for column in (columns or {}).values():
        if column not in ANSWER_TYPES:
            reader.say(where, f"no type is called {column!r}{nearest(str(column), ANSWER_TYPES)}")
    return Question(
        name, reader.words(where, table, "ask") or "", str(kind), reader.number(where, table, "points"),
        table.get("key"),
        tuple(wrong), reader.number(where, tolerance, "relative"), reader.number(where, tolerance, "absolute"),
        reader.text(where, table, "partial"), reader.text(where, table, "follow_through"), columns,
        reader.texts(where, table, "choices"), is_manual, reader.texts(where, table, "keywords"),
        reader.words(where, table, "hint"), reader.texts(where, table, "needs"),
        reader.text(where, table, "visibility") or "now",
    )  # fmt: skip


def _trial(reader: Reader, table: Mapping[str, Any]) -> Trial:
    where = f"test {table.get('name')!r}"
    reader.known(where, "[[test]]", table)
    files = table.get("captures", {"": table["capture"]} if "capture" in table else {})
    if not isinstance(files, dict) or not all(isinstance(one, str) for one in files.values()):
        reader.say(where, "captures is a table of files")
        files = {}
    score = reader.number(where, table, "score") if "score" in table else None
    return Trial(
        str(table.get("name", "")), dict(files), reader.text(where, table, "answers"),
        {str(key): str(value) for key, value in reader.table(where, table, "roster").items()}, score,
        {str(key): str(value) for key, value in reader.table(where, table, "checks").items()},
    )  # fmt: skip
