"""What a report says of each group of a link: the same in IGMPv3 and MLDv2 but for the size of an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ip_text
from explain.record import NamedTuple

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_MOST = 32  # groups of a report, or sources of a group
_RECORDS = {
    1: "include", 2: "exclude", 3: "change to include", 4: "change to exclude", 5: "allow new sources",
    6: "block old sources",
}  # fmt: skip
_FIRST = 8


class Names(NamedTuple):
    """What the fields of a record are called; the addresses of sources stay bare octets where they have no name."""

    kind: str
    aside: str
    number: str
    group: str
    source: str | None


def records(header: Header, count: int, names: Names, size: int) -> None:
    """Note the records of a report.

    Args:
        header: the report.
        count: how many records it announces.
        names: of the fields.
        size: octets of an address.

    Source: RFC 3376, 4.2; RFC 3810, 5.2.
    """
    at = _FIRST
    for _ in range(min(count, _MOST)):
        header.number(names.kind, at, 1, _RECORDS)
        words = header.number(names.aside, at + 1, 1)
        number = header.number(names.number, at + 2, 2)
        _address(header, names.group, at + 4, size)
        if names.source is not None:
            sources(header, at + 4 + size, number, names.source, size)
        at += 4 + size + number * size + words * 4
        header.raw(0, at)


def sources(header: Header, at: int, count: int, name: str, size: int) -> None:
    """Note the addresses of sources, which stand one behind the other."""
    for number in range(min(count, _MOST)):
        _address(header, name, at + number * size, size)


def _address(header: Header, name: str, at: int, size: int) -> None:
    header.text(name, at, size, ip_text(header.raw(at, size)))
