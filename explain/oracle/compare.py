"""Where our columns and tshark differ, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explain.oracle.headers import HEADERS, LAYERS, Value
from explain.oracle.tshark import EVERY, tshark_fields
from explain.table import ARP, ICMP, ICMPV6, IP, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from explain.table import PacketTable, Rows

_STACK = "frame.protocols"
_LAST = ARP | TCP | UDP | ICMP | ICMPV6
_ALL = _LAST | IP | LAYERS["eth"] | LAYERS["vlan"]
_BETWEEN = frozenset(
    [
        "ethertype",
        "llc",
        "raw",
        "null",
        "loop",
        "ppp",
        "chdlc",
        "mpls",
        "pwach",
        "pppoes",
        "ipv6.hopopts",
        "ipv6.dstopts",
        "ipv6.routing",
        "ipv6.fraghdr",
        "ah",
        "shim6",
        "mipv6",
        "radiotap",
        "wlan_radio",
        "wlan",
        "ppi",
    ]
)
"""tshark's names of headers that stand before or between those that have columns."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact of one frame on which the two opinions differ.

    Attributes:
        frame: number in the file, from 1.
        field: tshark's name; ``frame.protocols`` where they see different headers.
        ours, theirs: the values as text; empty where a side has none.
    """

    frame: int
    field: str
    ours: str
    theirs: str


def compare(table: PacketTable, path: str, capture: int = 0) -> list[Difference]:
    """Hold every outer header of one capture against what tshark says of it.

    What a tunnel or an ICMP error carries inside is compared as far as it has columns: the
    quoted packet.  A value that we do not state is not compared.

    Args:
        table: as decoded from the capture, alone or among others.
        path: the capture.
        capture: its index in the table.

    Returns:
        The differences, by frame; none where both agree.

    Raises:
        MissingError: tshark is not installed.
        UnreadableError: tshark cannot read the capture.
    """
    of_capture = np.array([place.capture == capture for place in table.places], np.bool_)
    rows = np.flatnonzero(of_capture[table.place[: len(table)]]) if len(of_capture) else np.empty(0, np.int64)
    said = tshark_fields(path, sorted({_STACK, *_fields(table, rows)}))
    known = min(len(rows), len(said[_STACK]))
    result = [Difference(known + 1, "frame.number", str(len(rows)), str(len(said[_STACK])))]
    result = result if len(rows) != len(said[_STACK]) else []
    rows = rows[:known]
    theirs = np.array([outer_layers(stack) for stack in said[_STACK][:known]], np.uint32)
    result += _layers(table, rows, theirs)
    common = table.layers[rows] & theirs
    for bit, ask in HEADERS:
        at = np.flatnonzero(common & bit == bit)
        for field, values in ask(table, rows[at]).items() if len(at) else ():
            result += _differences(field, values, at.tolist(), said)
    return sorted(result, key=lambda difference: difference.frame)


def _fields(table: PacketTable, rows: Rows) -> Iterator[str]:
    for bit, ask in HEADERS:
        some = rows[table.layers[rows] & bit == bit][:1]
        for field in ask(table, some):
            yield from (name.partition("#")[0] for name in field.split())


def outer_layers(stack: str) -> int:
    """The bits of ``explain.table`` for tshark's ``frame.protocols``, up to a tunnel or a quote."""
    layers = 0
    for name in stack.split(":"):
        bit = LAYERS.get(name, 0)
        if layers & _LAST or (bit & (IP | LAYERS["eth"]) and layers & IP):
            break
        if bit == 0 and name not in _BETWEEN:
            break
        layers |= bit
    return layers


def _layers(table: PacketTable, rows: Rows, theirs: np.ndarray) -> Iterator[Difference]:
    ours = table.layers[rows] & _ALL
    for index in np.flatnonzero(ours != theirs).tolist():
        yield Difference(int(table.frame[rows[index]]), _STACK, _names(int(ours[index])), _names(int(theirs[index])))


def _names(layers: int) -> str:
    return ":".join({bit: name for name, bit in reversed(LAYERS.items()) if bit & layers}.values())


def _differences(
    field: str, values: Sequence[Value], at: Sequence[int], said: Mapping[str, list[str]]
) -> Iterator[Difference]:
    names, _, occurrence = field.partition("#")
    read = _READERS.get(names, _value)
    for index, ours in zip(at, values, strict=True):
        if ours is None:
            continue
        cells = [cell for name in names.split() if (cell := said[name][index])]
        nth = int(occurrence or 0)
        parts = cells[0].split(EVERY) if cells else []
        theirs = read(parts[nth] if nth < len(parts) else "")
        if str(ours) != theirs:
            yield Difference(index + 1, names.split()[0], str(ours), theirs)


def _value(text: str) -> str:
    """A number in decimal digits, whatever the notation; other text in lower case."""
    if text in _CLAIMS:
        return _CLAIMS[text]
    return str(int(text, 16)) if text.startswith("0x") else text.lower()


def _nanoseconds(text: str) -> str:
    seconds, _, fraction = text.partition(".")
    return str(int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9]))


def _presence(text: str) -> str:
    return "1" if text else "0"


_CLAIMS = {"True": "1", "False": "0"}
_READERS: Mapping[str, Callable[[str], str]] = {
    "frame.time_epoch": _nanoseconds,
    "tcp.options.sack_perm": _presence,
    "tcp.options.timestamp.tsval": _presence,
}
