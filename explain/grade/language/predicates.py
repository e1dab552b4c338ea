"""What must hold of an event's fields (``where``)."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.events.event import UnknownFieldError, part
from explain.grade.events.vocabulary import FLAG, PROTOCOLS, fields_of, nearest, values_of
from explain.grade.language.expressions import fill
from explain.grade.language.functions import Network, contains, equal
from explain.grade.language.patterns import search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.grade.events.event import Event

_UNNAMED = re.compile(r"(?:TYPE)?[0-9]{1,5}")
"""A number that has no name."""
_OPERATORS = ("==", "eq", "not", "in", "not_in", "min", "max", "network", "contains", "regex", "exists")
_BETWEEN = re.compile(r"\s*(>=|<=|>|<|==)\s*(-?\d{1,20}(?:\.\d{1,20})?)\s*|\s*(\d{1,20})\s*(?:-|\.\.)\s*(\d{1,20})\s*")
"""A number as ``count`` says it: ``">=2"``, ``"1-5"``."""
_SIGNS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq}
_BROADCAST = ("ff:ff:ff:ff:ff:ff", "255.255.255.255")
_ZERO = ("00:00:00:00:00:00", "0.0.0.0", "::", "", "0")  # noqa: S104 - what stands in a packet, nothing is bound


@dataclass(frozen=True, slots=True)
class Predicate:
    """One thing that must hold of a field.

    Attributes:
        field: its name with dots.
        sign: one of ``_OPERATORS``.
        value: what to compare with; text in braces is filled when it is asked.
    """

    field: str
    sign: str
    value: Any


def read(event: str, where: Mapping[str, Any]) -> tuple[Predicate, ...]:
    """The predicates of a ``where`` table.

    Raises:
        UsageError: the event has no such field, or there is no such operator.
    """
    return tuple(_spelt(event, one) for one in _below(event, "", where))


def _spelt(event: str, one: Predicate) -> Predicate:
    """The same with its words as the field says them, capitals or not; complain of a word that it never says."""
    if one.sign not in ("eq", "not", "in", "not_in") or not (known := values_of(event, one.field)):
        return one
    listed = isinstance(one.value, list)
    words = [_word(one.field, value, known) for value in (one.value if listed else [one.value])]
    return Predicate(one.field, one.sign, words if listed else words[0])


def _word(field: str, value: Any, known: Sequence[str]) -> Any:
    if field.rpartition(".")[2] == "proto" and str(value).isdecimal():
        return PROTOCOLS.get(int(value), str(value))
    is_flag = known == FLAG
    if isinstance(value, bool) or (not is_flag and (not isinstance(value, str) or _UNNAMED.fullmatch(value))):
        return value
    value = str(value)
    if "{" in value or value == "any":
        return value
    for one in known:
        if one.casefold() == value.casefold():
            return one == FLAG[0] if is_flag else one
    listed = [*known, "0-255"] if field.rpartition(".")[2] == "proto" else [*known]
    raise UsageError("rubric.none_of", key=field, value=repr(value), known=listed, near=nearest(value, known))


def _below(event: str, prefix: str, table: Mapping[str, Any]) -> list[Predicate]:
    known = fields_of(event)
    found: list[Predicate] = []
    for key, value in table.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, dict):
            is_test = path in known and all(name in _OPERATORS and f"{path}.{name}" not in known for name in value)
            found += _tests(path, value) if is_test else _below(event, path, value)
        elif path in known:
            found.append(Predicate(path, "eq", value))
        elif prefix in known and prefix:
            raise UsageError("rubric.no_operator", name=key, near=nearest(str(key), _OPERATORS))
        else:
            raise UsageError("rubric.no_field", event=event, field=path, near=nearest(path, known))
    return found


def _tests(path: str, table: Mapping[str, Any]) -> list[Predicate]:
    for name, value in table.items():
        if name == "regex" and isinstance(value, str) and "{" not in value:
            search(value, "")
        if name in ("min", "max") and isinstance(value, bool):
            raise UsageError("rubric.is_number", path=path, name=name)
    return [Predicate(path, "eq" if name == "==" else name, value) for name, value in table.items()]


def value_of(event: Event, path: str) -> Any:
    """A field of an event; None where the packets do not have it."""
    found: Any = event
    for name in path.split("."):
        try:
            found = part(found, name)
        except UnknownFieldError:
            return None
    return found


def holds(event: Event, predicates: Sequence[Predicate], names: Mapping[str, Any]) -> bool:
    """Whether all predicates hold of an event."""
    return all(_holds(value_of(event, one.field), one, names) for one in predicates)


def _holds(actual: Any, one: Predicate, names: Mapping[str, Any]) -> bool:
    wanted = [fill(each, names) for each in one.value] if isinstance(one.value, list) else fill(one.value, names)
    if one.sign == "exists":
        return (actual is not None) == bool(wanted)
    if actual is None:
        return False
    match one.sign:
        case "eq":
            return _is(actual, wanted)
        case "not":
            return not _is(actual, wanted)
        case "in":
            return contains(wanted, actual)
        case "not_in":
            return not contains(wanted, actual)
        case "min" | "max":
            return _in_order(actual, wanted, one.sign == "min")
        case "network":
            return actual in Network(str(wanted))
        case "contains":
            return str(wanted) in actual if isinstance(actual, str) else contains(actual, wanted)
    return search(str(wanted), str(actual))


def _is(actual: Any, wanted: Any) -> bool:
    if wanted == "any":
        return True
    if wanted == "broadcast":
        return str(actual) in _BROADCAST
    if wanted == "zero":
        return str(actual) in _ZERO
    if isinstance(wanted, str) and wanted.startswith("network(") and wanted.endswith(")"):
        return actual in Network(wanted[len("network(") : -1].strip("'\" "))
    if isinstance(wanted, (Network,)):
        return actual in wanted
    if isinstance(actual, (int, float)) and isinstance(wanted, str) and (said := _BETWEEN.fullmatch(wanted)):
        if said[1]:
            return bool(_SIGNS[said[1]](actual, float(said[2])))
        return int(said[3]) <= actual <= int(said[4])
    return equal(actual, wanted)


def _in_order(actual: Any, wanted: Any, is_least: bool) -> bool:
    try:
        one, other = float(actual), float(wanted)
    except (TypeError, ValueError):
        return False
    return one >= other if is_least else one <= other
