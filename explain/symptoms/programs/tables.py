"""Lines by table: a symptom's id, and a pattern whose groups become its values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from explain.symptoms.addresses import canonical, family_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Reading = tuple[str, dict[str, Any]]

_ADDRESSES = frozenset({"address", "server", "from", "client", "relay"})
_NUMBERS = frozenset({"port", "lease_s", "renewal_s", "interval_s", "bytes", "status", "id", "ttl"})
_SYSLOG = re.compile(
    r"(?:(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|"
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:[+-]\d\d:?\d\d|Z)?)"
    r"(?: (?P<host>[\w.-]{1,255}))? (?P<program>[\w./-]{1,64})(?:\[\d{1,9}\])?: )"
)
_BARE_PROGRAM = re.compile(
    r"(?P<program>dnsmasq(?:-dhcp)?|dhclient|dhcpd|udhcpc[46]?|udhcpd|dhcpcd)(?:-[\d.]+)?(?:\[\d{1,9}\])?: "
)


def without_stamp(text: str) -> tuple[str, str | None]:
    """A log line without its time, host and program; and the program, where it names one."""
    text = text.strip()
    stamp = _SYSLOG.match(text) or _BARE_PROGRAM.match(text)
    return (text[stamp.end() :], stamp.group("program")) if stamp else (text, None)


class Table:
    """Rows of a symptom's id and the pattern of its line; compiled when a line is first asked about.

    The order of the rows matters: the particular stands before the general.
    """

    __slots__ = ("_compiled", "rows")

    def __init__(self, rows: Sequence[tuple[str, str]]) -> None:
        self.rows = tuple(rows)
        self._compiled: list[tuple[str, re.Pattern[str]]] = []

    def read(self, text: str) -> Reading | None:
        """The first row that a line fits, with the pattern's groups as values of the right type."""
        if not self._compiled:
            self._compiled = [(name, re.compile(pattern)) for name, pattern in self.rows]
        for name, pattern in self._compiled:
            if match := pattern.match(text):
                return name, values_of(match)
        return None


def values_of(match: re.Match[str]) -> dict[str, Any]:
    """Named groups: addresses in canonical form, counts as int, transaction ids from hexadecimal."""
    return {key: _value(key, text) for key, text in match.groupdict().items()}


def _value(key: str, text: str | None) -> Any:
    if text is None:
        return None
    if key in _ADDRESSES:
        return canonical(text.strip("[]")) or text
    if key in _NUMBERS or key.endswith("_ms"):
        return int(text) if text.isdigit() and len(text) < 16 else None
    if key == "xid":
        return int(text, 16)
    if key == "mac":
        return text.lower()
    return text


def with_family(values: dict[str, Any], key: str) -> dict[str, Any]:
    """The values with the family of the address under ``key``, if it is one."""
    family = family_of(values.get(key))
    return {**values, "family": family} if family else values
