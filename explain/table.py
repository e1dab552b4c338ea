"""The columns: one row per frame, one NumPy column per header field, no raw bytes.

``COLUMNS`` says type and meaning of each.  What a frame does not have is said by a missing
bit in ``layers``; the column then holds 0.  Fields of rare headers (ARP, ICMP, options of a
SYN, fragments) lie in ``side_tables`` whose ``row`` column points into this one; what ``place``,
``flow`` and ``link`` point to lies in ``flows``.
"""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import Addresses
from explain.arrays import distinct, ragged
from explain.flows import FlowRows, Flows, Links
from explain.model import Evidence
from explain.side_tables import ArpRows, BesideRows, FragmentRows, IcmpRows, InsideRows, SynRows, TwiceRows, stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    from explain.arrays import Number
    from explain.flows import Place
    from explain.side_tables import ContentRows

    U1 = npt.NDArray[np.uint8]
    U2 = npt.NDArray[np.uint16]
    U4 = npt.NDArray[np.uint32]
    U8 = npt.NDArray[np.uint64]
    I4 = npt.NDArray[np.int32]
    I8 = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]
    Rows = npt.NDArray[np.int64]
    """Indices into a table."""

VLAN_ID = 0x0FFF
"""The bits of a VLAN tag that name the VLAN (IEEE 802.1Q, 9.6)."""
# Bits of ``layers``: which headers are there whole, and what is odd about the frame.
ETHERNET = 1 << 0
VLAN = 1 << 1
ARP = 1 << 2
IPV4 = 1 << 3
IPV6 = 1 << 4
TCP = 1 << 5
UDP = 1 << 6
ICMP = 1 << 7
ICMPV6 = 1 << 8
FRAGMENT = 1 << 9  # any fragment; only the first one has the header of layer 4
LATER_FRAGMENT = 1 << 10
DONT_FRAGMENT = 1 << 11
CUT = 1 << 12  # a header reaches beyond the captured octets
MALFORMED = 1 << 13  # lengths that contradict each other
BAD_IP_CHECKSUM = 1 << 14
BAD_CHECKSUM = 1 << 15  # of TCP, UDP, ICMP
PARTIAL_CHECKSUM = 1 << 16  # left to the card: the uncomplemented pseudo-header sum, or of merged segments
REVERSED = 1 << 17  # the source is the flow's high end
OUTGOING = 1 << 18  # the link layer says that the recording host sent it (SLL, SLL2)
UNKNOWN_LINK = 1 << 19  # a link type that is not decoded
GOOD_CHECKSUM = 1 << 20  # of TCP, UDP, ICMP: verified and right
EXTENSIONS = 1 << 21  # IPv4 options or IPv6 extension headers
ROUTED = 1 << 22  # IPv6 with a routing header that is not used up: another target comes last
FOR_OTHERS = 1 << 23  # the link layer says that the frame was for another MAC than the recording host's (SLL, SLL2)
IP = IPV4 | IPV6

FIN, SYN, RST, PSH, ACK, URG, ECE = 1, 2, 4, 8, 16, 32, 64
"""Bits of ``flags`` (RFC 9293, 3.1)."""

FRESH_TTLS = (64, 128, 255)
"""Hop limits that hosts begin with; whoever forwards takes one off (RFC 1812, 5.3.1; RFC 8200, 3)."""
TWICE_NS = 500_000
"""A network card hands a frame to two devices within this time; a sender repeats none that soon."""

_TCP, _UDP = 6, 17  # protocol numbers
_REVERSED_BIT = np.uint32(17)
_PART = 1 << 16  # rows looked at together, so that what is between stays in a cache
NO_FLOW = 0xFFFFFFFF

COLUMNS: dict[str, str] = {
    "time_ns": "i8",  # UTC nanoseconds
    "offset": "i8",  # of the frame's first octet in the uncompressed stream
    "frame": "u4",  # number in its file, from 1
    "captured": "u4",  # octets recorded
    "length": "u4",  # octets on the wire
    "layers": "u4",  # the bits above
    "flow": "u4",  # index into Flows; NO_FLOW without IP
    "link": "u4",  # index into Links
    "seq": "u4",  # TCP sequence number, raw
    "ack": "u4",  # TCP acknowledgement number, raw
    "payload": "u4",  # octets after the header of TCP, UDP or ICMP, as IP says; else of IP
    "place": "u2",  # index into PacketTable.places
    "vlan": "u2",  # outermost 802.1Q tag: priority, DEI and VLAN id
    "transport": "u2",  # octets from the frame's first one to layer 4; 0 without IP
    "ip_id": "u2",  # identification of IPv4
    "window": "u2",  # TCP window, not scaled
    "checksum": "u2",  # of TCP, UDP or ICMP, as it stands there
    "ttl": "u1",  # TTL or hop limit
    "flags": "u1",  # TCP: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128
}
"""Name, type; 64 octets a packet."""


class PacketTable:
    """One row per frame of all captures; see ``COLUMNS`` for the columns.

    Attributes:
        arp, icmp, syn, fragments, beside, inside: side tables of rare headers.
        contents: by name of the protocol, octets copied out for later.
        places: what the ``place`` column means.
    """

    time_ns: I8
    offset: I8
    frame: U4
    captured: U4
    length: U4
    layers: U4
    flow: U4
    link: U4
    seq: U4
    ack: U4
    payload: U4
    place: U2
    vlan: U2
    transport: U2
    ip_id: U2
    window: U2
    checksum: U2
    ttl: U1
    flags: U1

    def __init__(self, capacity: int = 1 << 12) -> None:
        self.rows = 0
        self._capacity = capacity
        for name, kind in COLUMNS.items():
            setattr(self, name, np.empty(capacity, kind))
        self.places: list[Place] = []
        empty8, empty2 = np.empty(0, np.uint64), np.empty(0, np.uint16)
        self.flows = Flows(empty8, empty8, empty2, empty2, np.empty(0, np.uint8), empty2)
        self.links = Links(empty8, empty8)
        self.addresses = Addresses(empty8, empty8)
        self.arp = stack(ArpRows, [])
        self.icmp = stack(IcmpRows, [])
        self.syn = stack(SynRows, [])
        self.twice = stack(TwiceRows, [])
        self.fragments = stack(FragmentRows, [])
        self.beside = stack(BesideRows, [])
        self.inside = stack(InsideRows, [])
        self.contents: dict[str, ContentRows] = {}

    def __len__(self) -> int:
        return self.rows

    def __repr__(self) -> str:
        return f"<Packets {self.rows}>"

    def reserve(self, rows: int) -> None:
        """Make room for ``rows`` more.  What is never written costs no memory: a page is given when it is touched."""
        needed = self.rows + rows
        if needed <= self._capacity:
            return
        self._capacity = max(needed, self._capacity * 2)
        for name, kind in COLUMNS.items():
            column = np.empty(self._capacity, kind)
            column[: self.rows] = getattr(self, name)[: self.rows]
            setattr(self, name, column)

    def trim(self) -> None:
        """Let the columns end with the last row."""
        self._capacity = self.rows
        for name in COLUMNS:
            setattr(self, name, getattr(self, name)[: self.rows])

    # -- who spoke to whom

    def sources(self, rows: Rows) -> U8:
        """Address keys of the senders; only for rows with IP."""
        return self._of_flows(rows, self.flows.low, self.flows.high)

    def targets(self, rows: Rows) -> U8:
        """Address keys of the receivers; only for rows with IP."""
        return self._of_flows(rows, self.flows.high, self.flows.low)

    def source_ports(self, rows: Rows) -> U2:
        """Ports of the senders, 0 where there is none; only for rows with IP."""
        return self._of_flows(rows, self.flows.low_port, self.flows.high_port)

    def target_ports(self, rows: Rows) -> U2:
        """Ports of the receivers, 0 where there is none; only for rows with IP."""
        return self._of_flows(rows, self.flows.high_port, self.flows.low_port)

    def _of_flows(self, rows: Rows, usual: npt.NDArray[Number], reverse: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """What one column of the flows says of rows as they are, and another one of those that are REVERSED."""
        flow = self.flow[rows]
        found = usual.take(flow)
        turned = np.flatnonzero(self.layers[rows] & REVERSED != 0)
        found[turned] = reverse.take(flow[turned])
        return found

    def ends(self, row: int) -> tuple[int, int]:
        """Address keys of the sender and the receiver of one row with IP."""
        flow = self.flow.item(row)
        low, high = self.flows.low.item(flow), self.flows.high.item(flow)
        return (high, low) if self.layers.item(row) & REVERSED else (low, high)

    def end_texts(self, row: int) -> tuple[str, str]:
        """Addresses of the sender and the receiver of one row with IP."""
        source, target = self.ends(row)
        return self.addresses.text(source), self.addresses.text(target)

    def ports(self, row: int) -> tuple[int, int]:
        """Ports of the sender and the receiver of one row with IP, 0 where there is none."""
        flow = self.flow.item(row)
        low, high = self.flows.low_port.item(flow), self.flows.high_port.item(flow)
        return (high, low) if self.layers.item(row) & REVERSED else (low, high)

    @cached_property
    def sides(self) -> U4:
        """uint32[n]: who speaks in each row, as 2 * flow, and one more where REVERSED; behind all others without IP."""
        sides = np.minimum(self.flow[: self.rows], np.uint32(len(self.flows.low)))
        sides <<= np.uint32(1)
        sides |= self.layers[: self.rows] >> _REVERSED_BIT & np.uint32(1)
        return sides

    @cached_property
    def first_of_side(self) -> Rows:
        """int64[2 * flows + 2]: the first row of each of ``sides``, -1 where there is none."""
        first = np.full(2 * len(self.flows.low) + 2, -1, np.int64)
        first[self.sides[::-1]] = np.arange(self.rows - 1, -1, -1, dtype=np.int32)
        return first

    @cached_property
    def by_flow(self) -> FlowRows:
        """All rows sorted by their flows."""
        flows = self.flows.protocol
        first = self.first_of_side[:-2].view(np.uint64).reshape(-1, 2).min(axis=1)  # none is the largest number
        flow = np.lexsort((first, np.where(flows == _TCP, 0, np.where(flows == _UDP, 1, 2))))
        number = np.empty(len(flow) + 1, np.int64)
        number[flow] = np.arange(len(flow))
        number[-1] = len(flow)
        # Sorting values is far cheaper than sorting indices: the number of the flow, and behind it that of the row.
        bits = self.rows.bit_length()
        keys = (number << bits).take(self.flow[: self.rows], mode="clip")
        keys |= np.arange(self.rows)
        keys.sort()
        bounds = np.searchsorted(keys, np.arange(len(flow) + 1) << bits)
        keys &= (1 << bits) - 1
        return FlowRows(keys, bounds, flow, number[:-1])

    def recorded(self, rows: Rows) -> tuple[I8, I8]:
        """When the recordings that hold some rows began and ended, by the clocks that stamped these rows; two int64."""
        place = self.place[rows]
        began, ended = self._recordings
        return began[place], ended[place]

    def waited_ns(self, row: int | np.integer[Any]) -> int:
        """For how long the recording of a frame went on after it."""
        return int(self.recorded(np.array([row]))[1][0]) - int(self.time_ns[row])

    @cached_property
    def _recordings(self) -> tuple[I8, I8]:
        """For each place the first and the last time of the recording that it is part of.

        Interfaces of one file that saw something during the same time were recorded together, and a quiet one was
        listened to for as long as the others.  What was appended to a file is another recording.
        """
        first, last = self.spans(self.time_ns[: self.rows])
        if len(first) < 2:
            return first, last
        capture = np.array([place.capture for place in self.places], np.int64)
        order = np.lexsort((first, capture))
        bounds = np.flatnonzero(np.diff(capture[order], prepend=-1, append=-1))
        until = last[order]
        for start, end in itertools.pairwise(bounds.tolist()):
            until[start:end] = np.maximum.accumulate(until[start:end])
        begins = np.append(True, first[order[1:]] > until[:-1])
        begins[bounds[:-1]] = True
        starts = np.flatnonzero(begins)
        of = np.empty(len(order), np.int64)
        of[order] = np.cumsum(begins) - 1
        return first[order[starts]][of], np.maximum.reduceat(until, starts)[of]

    def spans(self, time_ns: I8) -> tuple[I8, I8]:
        """The first and the last time of each place, by any clock; two int64[places], 0 where it has no frame.

        Args:
            time_ns: of all rows.
        """
        place = self.place[: self.rows]
        first, last = np.zeros(len(self.places), np.int64), np.zeros(len(self.places), np.int64)
        if len(self.places) == 1 and self.rows:
            first[0], last[0] = time_ns.min(), time_ns.max()
        else:
            first[place] = last[place] = time_ns
            np.minimum.at(first, place, time_ns)
            np.maximum.at(last, place, time_ns)
        return first, last

    def links_at(self, place: int) -> Bools:
        """Which of ``links`` have a frame at a place."""
        if len(self.places) == 1 and self.whole is self:  # no link is known but from a row
            return np.ones(len(self.links.source), np.bool_)
        used = np.zeros(len(self.links.source), np.bool_)
        used[self.link[: self.rows][self.place[: self.rows] == place]] = True
        return used

    def with_header(self, layer: int) -> tuple[Rows, I8]:
        """The rows with a header of TCP or of UDP, flow after flow, and where each flow begins, with the end.

        Flows come by the first of these rows.
        """
        by_flow, is_wanted = self.by_flow, self.flows.protocol == {TCP: _TCP, UDP: _UDP}[layer]
        count = int(np.count_nonzero(is_wanted))
        first = int(np.argmax(is_wanted[by_flow.flow])) if count else 0
        bounds = by_flow.bounds[first : first + count + 1]
        rows, bounds = by_flow.rows[bounds[0] : bounds[-1]], bounds - bounds[0]
        has_header = self.layers[: self.rows] & layer != 0
        if np.count_nonzero(has_header) == len(rows):
            return rows, distinct(bounds)
        is_it = has_header[rows]  # later fragments have none, and some are cut
        rows, bounds = rows[is_it], distinct(np.concatenate(([0], np.cumsum(is_it)))[bounds])
        order = np.argsort(rows[bounds[:-1]], kind="stable")
        starts, sizes = bounds[:-1][order], np.diff(bounds)[order]
        return ragged(rows, starts, sizes), np.concatenate(([0], np.cumsum(sizes)))

    def rows_of(self, is_wanted: Bools) -> Rows:
        """Rows of some flows, given as one boolean for each flow."""
        return np.sort(self.by_flow.of(np.flatnonzero(is_wanted)))

    @cached_property
    def _flows_by_ends(self) -> tuple[I8, U8, U8]:
        """The flows sorted by their low ends, then by the high ones; and these ends."""
        order = np.lexsort((self.flows.high, self.flows.low))
        return order, self.flows.low[order], self.flows.high[order]

    def rows_between(self, one: int, other: int) -> Rows:
        """Rows of all flows between two address keys, at every place."""
        flows, lows, highs = self._flows_by_ends
        low, high = sorted((one, other))
        first, last = np.searchsorted(lows, np.array((low, low + 1), np.uint64)).tolist()
        begin, end = np.searchsorted(highs[first:last], np.array((high, high + 1), np.uint64)).tolist()
        return np.sort(self.by_flow.of(flows[first + begin : first + end]))

    def rows_from(self, source: int, target: int) -> Rows:
        """Rows that one address key sent to another one, in all flows and at every place."""
        rows = self.rows_between(source, target)
        own: Rows = rows[self.sources(rows) == np.uint64(source)]
        return own

    def rows_on(self, is_wanted: Bools) -> Rows:
        """Rows on some links, given as one boolean for each link."""
        parts = (slice(at, min(at + _PART, self.rows)) for at in range(0, self.rows, _PART))
        found = (np.flatnonzero(is_wanted.take(self.link[part])) + part.start for part in parts)
        return np.concatenate((np.empty(0, np.int64), *found))

    def rows_of_frames(self, capture: int, frames: Sequence[int]) -> Rows:
        """Rows of some frames of a capture, given by their numbers there."""
        is_own = np.array([place.capture == capture for place in self.places], np.bool_)
        return np.flatnonzero(np.isin(self.frame[: self.rows], frames) & is_own[self.place[: self.rows]])

    # -- what proves it

    def evidence(self, rows: Rows | Sequence[int]) -> tuple[Evidence, ...]:
        """The rows as frame ranges per vantage point, in the order of the captures."""
        index = np.asarray(rows, np.int64)
        place, frame = self.place.take(index), self.frame.take(index)
        found: dict[tuple[int, int], list[int]] = {}
        for number in set(place.tolist()):
            spot = self.places[number]
            key = (spot.capture, -1 if spot.interface is None else spot.interface)
            found.setdefault(key, []).extend(frame[place == number].tolist())
        return tuple(
            Evidence(capture, None if interface < 0 else interface, ranges(sorted(frames)))
            for (capture, interface), frames in sorted(found.items())
        )

    @property
    def whole(self) -> PacketTable:
        """The table with all rows of all places; this one, unless it holds only some of them."""
        return self

    def whole_row(self, row: int) -> int:
        """Where a row stands in the whole table."""
        return row

    def home(self, rows: Rows) -> Evidence:
        """The rows where the first of them was recorded."""
        return self.evidence(rows[self.place[rows] == self.place[rows[0]]])[0]

    def to_pandas(self) -> pd.DataFrame:
        """One row per frame, with the columns of ``explain table --columns`` except ``path``."""
        from explain.dataframe import packets

        return packets(self)


def ranges(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Sorted numbers as maximal inclusive ranges."""
    if not numbers:
        return ()
    result: list[tuple[int, int]] = []
    first = last = numbers[0]
    for number in numbers:
        if number > last + 1:
            result.append((first, last))
            first = number
        last = number
    return (*result, (first, last))
