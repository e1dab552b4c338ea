"""Where our columns and tshark differ, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explain.oracle.headers import HEADERS, LAYERS, Value
from explain.oracle.tshark import EVERY, tshark_fields
from explain.table import ARP, CUT, ICMP, ICMPV6, IP, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from explain.table import U4, PacketTable, Rows

_STACK = "frame.protocols"
_LAST = ARP | TCP | UDP | ICMP | ICMPV6
_ALL = _LAST | IP | LAYERS["eth"] | LAYERS["vlan"]
_BETWEEN = frozenset((
    "ethertype", "llc", "raw", "null", "loop", "ppp", "chdlc", "mpls", "pppoes", "ipv6.hopopts", "ipv6.dstopts",
    "ipv6.routing", "ipv6.fraghdr", "ah", "shim6", "mipv6", "hip",
))  # fmt: skip
"""tshark's names of headers that we step over, before or between those that have columns."""


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

    Of what a tunnel carries nothing is compared, of what an ICMP error quotes what has columns.
    Where one side states no value there is nothing to compare.

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
    rows = _rows_of(table, capture)
    said = tshark_fields(path, sorted({_STACK, *_fields(table, rows)}))
    stacks = said[_STACK][: len(rows)]
    result: list[Difference] = []
    if len(rows) != len(said[_STACK]):
        result.append(Difference(len(stacks) + 1, "frame.number", str(len(rows)), str(len(said[_STACK]))))
    rows = rows[: len(stacks)]
    theirs = np.array([outer_layers(stack) for stack in stacks], np.uint32)
    is_bare = np.array(["mpls" in stack for stack in stacks], np.bool_) & (theirs & IP == 0)
    theirs[is_bare] |= table.layers[rows][is_bare] & np.uint32(IP)  # tshark 4.4 does not name IP behind MPLS
    is_unsaid = np.array([not stack for stack in stacks], np.bool_)
    theirs[is_unsaid] = table.layers[rows][is_unsaid] & np.uint32(_ALL)  # it names nothing at all in some IMAP frames
    result += _layers(table, rows, theirs)
    common = table.layers[rows] & theirs
    for bit, ask in HEADERS:
        at = np.flatnonzero(common & bit == bit)
        for field, values in ask(table, rows[at]).items() if len(at) else ():
            result += _differences(field, values, at.tolist(), said)
    return sorted(result, key=lambda difference: difference.frame)


def _rows_of(table: PacketTable, capture: int) -> Rows:
    is_of = np.array([place.capture == capture for place in table.places] or [False], np.bool_)
    return np.flatnonzero(is_of[table.place[: len(table)]])


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


def _layers(table: PacketTable, rows: Rows, theirs: U4) -> Iterator[Difference]:
    """Different headers; of one that was cut tshark shows the rest, where we show nothing."""
    ours = table.layers[rows] & np.uint32(_ALL)
    is_cut = table.layers[rows] & CUT != 0
    is_same = (ours == theirs) | (is_cut & (ours & ~theirs == 0))
    for index in np.flatnonzero(~is_same).tolist():
        frame = int(table.frame[rows[index]])
        yield Difference(frame, _STACK, _names(int(ours[index])), _names(int(theirs[index])))


def _names(layers: int) -> str:
    names = {bit: name for name, bit in reversed(LAYERS.items()) if bit & layers}
    return ":".join(names[bit] for bit in sorted(names))


def _differences(
    field: str, values: Sequence[Value], at: Sequence[int], said: Mapping[str, list[str]]
) -> Iterator[Difference]:
    names, _, occurrence = field.partition("#")
    read, nth = _READERS.get(names, _value), int(occurrence or 0)
    for index, ours in zip(at, values, strict=True):
        if ours is None:
            continue
        cell = next((said[name][index] for name in names.split() if said[name][index]), "")
        parts = cell.split(EVERY)
        theirs = read(parts[nth] if nth < len(parts) else "")
        if theirs is not None and str(ours) != theirs:
            yield Difference(index + 1, names.split()[0], str(ours), theirs)


def _value(text: str) -> str:
    """A number in decimal digits, whatever the notation; other text in lower case."""
    if text in _CLAIMS:
        return _CLAIMS[text]
    return str(int(text, 16)) if text.startswith("0x") else text.lower()


def _nanoseconds(text: str) -> str | None:
    """None for a frame without a time, as a simple packet block has it."""
    if not text:
        return None
    seconds, _, fraction = text.partition(".")
    return str(int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9]))


def _presence(text: str) -> str:
    return "1" if text else "0"


def _is_positive(text: str) -> str:
    return "1" if text and int(text, 0) else "0"


_CLAIMS = {"True": "1", "False": "0"}
_READERS: Mapping[str, Callable[[str], str | None]] = {
    "frame.time_epoch": _nanoseconds,
    "ip.frag_offset": _is_positive,
    "tcp.options.sack_perm": _presence,
    "tcp.options.timestamp.tsval": _presence,
}
