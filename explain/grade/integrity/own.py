"""What of a capture is a student's own: words of datagrams, and addresses, to be held against the roster."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import BROADCAST, NO_MAC, mac_text
from explain.grade.events.event import UnknownFieldError
from explain.grade.hand_ins.rosters import address_of
from explain.grade.language.expressions import UnboundError, fill
from explain.grade.language.functions import AbsentError
from explain.grade.rubric.integrity import MARKER_PLACES
from explain.table import ARP, ICMP, IP, UDP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.grade.rubric.records import Rubric
    from explain.table import PacketTable, Rows

"""Where a marker may be looked for: the layer, and how long its header is."""
_LONGEST_WORD = 64
_MOST_WORDS = 64
_MOST_ADDRESSES = 4096
_TOKEN = re.compile(r"[\w.-]{4,}")


def marker_of(rubric: Rubric, row: Mapping[str, str]) -> str | None:
    """The marker that a student's traffic should carry; None where nothing says which."""
    wanted = rubric.integrity.get("marker")
    if not isinstance(wanted, dict) or not row:
        return None
    names: dict[str, Any] = {"roster": dict(row), "course_key": rubric.variables.get("course_key", "")}
    try:
        found = fill(str(wanted.get("value", "{roster.marker}")), names)
    except (UnboundError, AbsentError, UnknownFieldError):
        return None
    return str(found) if found else None


def marker_rows(table: PacketTable, marker: Any) -> Rows:
    """Rows that may carry a marker, as a rubric's ``marker`` says where."""
    layer, _ = MARKER_PLACES.get(str(marker.get("where", "udp.payload")), (UDP, 8))
    rows = np.flatnonzero(table.layers[: len(table)] & layer)
    port = marker.get("port")
    if port is not None and layer != ICMP:
        rows = rows[(table.source_ports(rows) == port) | (table.target_ports(rows) == port)]
    return rows[table.payload[rows] > 0][: _MOST_WORDS * 4]


def words(table: PacketTable, octets: Mapping[int, bytes], marker: Any) -> Iterator[tuple[str, int]]:
    """What datagrams carry where the marker is looked for."""
    _, header = MARKER_PLACES.get(str(marker.get("where", "udp.payload")), (UDP, 8))
    found: set[str] = set()
    for row in marker_rows(table, marker).tolist():
        data = octets.get(row, b"")
        size = (data[12] >> 4) * 4 if header is None and len(data) > 12 else header or 0
        word = data[size : size + _LONGEST_WORD].decode("latin-1").strip("\0\r\n\t ")
        for one in (word, *_TOKEN.findall(word)):
            if one and one not in found and len(found) < _MOST_WORDS:
                found.add(one)
                yield one, row


def addresses(table: PacketTable) -> Iterator[tuple[str, int]]:
    """Addresses and MACs that occur, each with its first row."""
    last = len(table)
    rows = np.flatnonzero((table.layers[:last] & IP != 0) & (table.flow[:last] != 0xFFFFFFFF))
    for keys in (table.sources(rows), table.targets(rows)):
        values, first = np.unique(keys, return_index=True)
        for key, at in list(zip(values.tolist(), first.tolist(), strict=True))[:_MOST_ADDRESSES]:
            yield table.addresses.text(key), int(rows[at])
    for keys in (table.arp.sender_ip, table.arp.target_ip):
        values, first = np.unique(keys, return_index=True)
        for key, at in list(zip(values.tolist(), first.tolist(), strict=True))[:_MOST_ADDRESSES]:
            yield table.addresses.text(key), int(table.arp.row[at])
    has_link = np.flatnonzero(table.layers[:last] & (IP | ARP))
    for column in (table.links.source, table.links.target):
        values, first = np.unique(column[table.link[has_link]], return_index=True)
        for key, at in list(zip(values.tolist(), first.tolist(), strict=True))[:_MOST_ADDRESSES]:
            if key < NO_MAC and key != BROADCAST:
                yield mac_text(key), int(has_link[at])


def _roster_addresses(row: Mapping[str, str]) -> set[str]:
    """The addresses and MACs of a row of the roster, in canonical form."""
    return {address for text in row.values() if (address := address_of(text)) is not None}


def only_ones(rows: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Address -> index of the one row that has it; what several have is nobody's own."""
    owner: dict[str, int] = {}
    shared: set[str] = set()
    for number, row in enumerate(rows):
        for address in _roster_addresses(row):
            if owner.setdefault(address, number) != number:
                shared.add(address)
    return {address: number for address, number in owner.items() if address not in shared}
