"""rubric.toml -> Rubric: every key, event, field and reference is checked, and all complaints are told at once."""

from __future__ import annotations

import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.errors import UnreadableError, UsageError
from explain.grade.events.vocabulary import nearest
from explain.grade.expectation import reading_toml
from explain.grade.rubric.checks import read_check
from explain.grade.rubric.integrity import read_integrity
from explain.grade.rubric.questions import read_question
from explain.grade.rubric.records import Limits, Rubric, Trial, worth
from explain.grade.rubric.values import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from explain.model import Line

_LARGEST = 4 << 20


def load(path: str, language: str = "en") -> tuple[Rubric, list[Line]]:
    """A rubric, with its author's words in one language, and what is wrong with it.

    Raises:
        UnreadableError: it cannot be read or is no TOML.
        UsageError: it does not begin with ``rubric = 1``.
    """
    table = read_table(path)
    if table.get("rubric") != 1 or isinstance(table.get("rubric"), bool):
        raise UsageError("rubric.no_version", path=path)
    return _rubric(path, table, Reader(language=language, is_packed=table.get("packed") is True))


def read_table(path: str) -> dict[str, Any]:
    """What a rubric's file says, as TOML has it.

    Raises:
        UnreadableError: it cannot be read or is no TOML.
    """
    with reading_toml(path):
        with Path(path).open("rb") as file:
            octets = file.read(_LARGEST + 1)
        if len(octets) > _LARGEST:
            raise UnreadableError(path, "unread.large_rubric")
        return tomllib.loads(octets.decode("utf-8"))


def _rubric(path: str, table: Mapping[str, Any], reader: Reader) -> tuple[Rubric, list[Line]]:
    reader.known("the rubric", "the rubric", table)
    submission = reader.table("the rubric", table, "submission")
    reader.known("[submission]", "[submission]", submission)
    captures = reader.table("[submission]", submission, "captures")
    if not captures or not all(isinstance(one, str) for one in captures.values()):
        reader.say("[submission]", "captures_names")
    integrity = read_integrity(reader, table, captures)
    checks = tuple(read_check(reader, one) for one in reader.tables("the rubric", table, "check"))
    questions = tuple(read_question(reader, one) for one in reader.tables("the rubric", table, "answer"))
    _names_once(reader, [*(one.id for one in checks), *(one.id for one in questions)])
    total = worth(checks, questions)
    if "total" in table and abs(reader.number("the rubric", table, "total", total) - total) > 1e-9:
        reader.say("the rubric", "total", total=table["total"], sum=f"{total:g}")
    answers = reader.text("[submission]", submission, "answers") or ("answers.toml" if questions else None)
    rubric = Rubric(
        path=path,
        title=reader.words("the rubric", table, "title") or Path(path).stem,
        captures={str(name): str(file) for name, file in captures.items()},
        answers=answers,
        roster=reader.text("the rubric", table, "roster"),
        variables={"course_key": reader.text("the rubric", table, "course_key") or ""}
        | dict(reader.table("the rubric", table, "vars")),
        limits=_limits(reader, reader.table("[submission]", submission, "limits")),
        checks=checks,
        questions=questions,
        total=total,
        integrity=integrity,
        trials=tuple(_trial(reader, one) for one in reader.tables("the rubric", table, "test")),
        me={str(key): str(value) for key, value in reader.table("the rubric", table, "me").items() if value != ""},
        networks=_networks(reader, table, path),
        reveals=reader.flag("the rubric", table, "reveal"),
        is_packed=reader.flag("the rubric", table, "packed"),
        interfaces=_interfaces(reader, submission, captures),
    )
    return rubric, reader.complaints


def _names_once(reader: Reader, ids: list[str]) -> None:
    for one in sorted({one for one in ids if ids.count(one) > 1}):
        reader.say(f"id {one!r}", "used_twice")


def _interfaces(
    reader: Reader, submission: Mapping[str, Any], captures: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    """What the interfaces of captures may be called that are handed in as one file."""
    table = reader.table("[submission]", submission, "interfaces")
    for name in table:
        if name not in captures:
            reader.say("[submission] interfaces", "unknown_key", key=name, near=nearest(name, captures))
    listed = {name: [value] if isinstance(value, str) else value for name, value in table.items()}
    return {name: reader.texts("[submission] interfaces", listed, name) for name in listed}


def _networks(reader: Reader, table: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """The lab's networks: as the rubric lists them, else those of its lab file where it lies beside."""
    stated = reader.texts("[submission]", reader.table("the rubric", table, "submission"), "networks")
    for one in stated:
        if network_of(one) is None:
            reader.say("[submission]", "no_network", network=repr(one))
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


def _trial(reader: Reader, table: Mapping[str, Any]) -> Trial:
    where = f"test {table.get('name')!r}"
    reader.known(where, "[[test]]", table)
    files = table.get("captures", {"": table["capture"]} if "capture" in table else {})
    if not isinstance(files, dict) or not all(isinstance(one, str) and "\0" not in one for one in files.values()):
        reader.say(where, "captures_table")
        files = {}
    score = reader.number(where, table, "score") if "score" in table else None
    return Trial(
        str(table.get("name", "")), dict(files), reader.text(where, table, "answers"),
        {str(key): str(value) for key, value in reader.table(where, table, "roster").items()}, score,
        {str(key): str(value) for key, value in reader.table(where, table, "checks").items()},
    )  # fmt: skip
