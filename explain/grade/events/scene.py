"""A report under the names that a rubric uses: captures by name, rows as values, data on demand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import mac_text
from explain.grade.events.event import ROW, Event, Later, end
from explain.grade.events.vocabulary import PROTOCOLS
from explain.table import IP, NO_FLOW, TCP, UDP, VLAN, VLAN_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.model import Report
    from explain.table import PacketTable

_MOST_DATA = 1 << 20


@dataclass(slots=True, eq=False)
class Scene:
    """A report and what a rubric calls its captures.

    Attributes:
        names: of the captures, in their order.
        paths: of their files.
        table: what rows are rows of: that of the exchanges, or everything that was recorded anywhere.
        is_one_of_several: the rubric asks for more captures, so that a frame is told with the name of its own.
    """

    report: Report
    names: Sequence[str]
    paths: Sequence[str]
    table: PacketTable
    is_one_of_several: bool = False
    _data: dict[int, bytes] = field(default_factory=dict)

    @property
    def everywhere(self) -> Scene:
        """The same scene with all rows of all places."""
        return replace(self, table=self.report.packets, _data={})

    def whole_row(self, row: int) -> int:
        """Where a row stands in the report's table."""
        return int(row) if self.table is self.report.packets else self.table.whole_row(int(row))

    def capture_of(self, row: int) -> str:
        """The name of the capture in which a row was recorded."""
        table = self.report.packets
        return self.names[table.places[int(table.place[self.whole_row(row)])].capture]

    def event(self, name: str, rows: Sequence[int], exchange: str, outcome: str, fields: Mapping[str, Any]) -> Event:
        """An event with what all events have in common."""
        table, first = self.report.packets, self.whole_row(rows[0])
        place, start = int(table.place[first]), int(table.time_ns[first])
        ordered = tuple(dict.fromkeys(self.whole_row(row) for row in rows))
        common = {
            "frame": int(table.frame[first]), "time": start / 1e9, "capture": self.capture_of(int(rows[0])),
            "exchange": exchange, "outcome": outcome,
            "seconds": (max(int(table.time_ns[row]) for row in ordered) - start) / 1e9,
        }  # fmt: skip
        return Event(name, ordered, place, start, exchange, common | dict(fields), self)

    def mention(self, row: int) -> dict[str, Any]:
        """What tells any frame, also one without a packet in it: its number and its capture."""
        whole = self.whole_row(row)
        return {"frame": int(self.report.packets.frame[whole]), "capture": self.capture_of(row), ROW: (self, whole)}

    def ends(self, row: int) -> tuple[str, int | None, str, int | None]:
        """Source, its port, target, its port; ports None where there are none."""
        table, (source, target) = self.table, self.table.end_texts(row)
        ports = table.ports(row) if table.layers[row] & (TCP | UDP) else (None, None)
        return source, ports[0], target, ports[1]

    def protocol(self, row: int) -> str:
        """Name of layer 4, its number where it has no name here."""
        table = self.table
        number = int(table.flows.protocol[table.flow[row]]) if table.flow[row] != NO_FLOW else 0
        return PROTOCOLS.get(number, str(number))

    def link(self, row: int) -> dict[str, str | int | None]:
        """Both MACs of a frame, and its VLAN."""
        table = self.table
        index = int(table.link[row])
        vlan = int(table.vlan[row]) & VLAN_ID if table.layers[row] & VLAN else None
        source, target = (mac_text(int(side[index])) for side in (table.links.source, table.links.target))
        return {"src": source, "dst": target, "vlan": vlan}

    def packet(self, row: int) -> dict[str, Any]:
        """One packet of IP, as the fields of a translation have it."""
        table = self.table
        src, sport, dst, dport = self.ends(row)
        fields: dict[str, Any] = {
            "src": end(src, sport), "dst": end(dst, dport), "ttl": int(table.ttl[row]), "proto": self.protocol(row),
            "id": int(table.ip_id[row]), "checksum": int(table.checksum[row]), "length": int(table.length[row]),
            "tcp": None, "icmp": None, "frame": int(table.frame[row]), "time": int(table.time_ns[row]) / 1e9,
            "capture": self.capture_of(row), "exchange": "", "outcome": "",
            "payload": Later(lambda: self.fingerprint(row)), "eth": self.link(row), ROW: (self, self.whole_row(row)),
        }  # fmt: skip
        if table.layers[row] & TCP:
            fields["tcp"] = {"seq": int(table.seq[row]), "ack": int(table.ack[row])}
        at = int(np.searchsorted(table.icmp.row, row))
        if at < len(table.icmp.row) and int(table.icmp.row[at]) == row:
            word = int(table.icmp.word[at])
            fields["icmp"] = {"id": word >> 16, "seq": word & 0xFFFF}
        return fields

    def fingerprint(self, row: int) -> str:
        """What stands for the data of a packet when it is compared."""
        return sha256(self.data([row]).get(row, b"")).hexdigest()[:16]

    def data(self, rows: Sequence[int]) -> dict[int, bytes]:
        """The captured data behind TCP or UDP of some rows, read again from their files; a mebibyte in all."""
        table = self.table
        missing = [row for row in rows if row not in self._data and table.layers[row] & (TCP | UDP)]
        by_capture: dict[int, list[int]] = {}
        for row in missing:
            by_capture.setdefault(self._capture(row), []).append(row)
        for capture, some in by_capture.items():
            self._read(self.paths[capture], some)
        return {row: self._data[row] for row in rows if row in self._data}

    def _capture(self, row: int) -> int:
        table = self.report.packets
        return table.places[int(table.place[self.whole_row(row)])].capture

    def _read(self, path: str, rows: Sequence[int]) -> None:
        from explain.capture import open_capture

        table, room = self.table, _MOST_DATA
        by_offset = {int(table.offset[row]): row for row in rows}
        wanted = np.array(sorted(by_offset), np.int64)
        with open_capture(path) as reader:
            for frames in reader.frames():
                for at in np.flatnonzero(np.isin(frames.base + frames.start, wanted)).tolist():
                    row = by_offset[int(frames.base + frames.start[at])]
                    start, size = int(frames.start[at]), int(frames.captured[at])
                    data = _payload(frames.data[start : start + size].tobytes(), int(table.transport[row]),
                                    bool(table.layers[row] & TCP), int(table.payload[row]))  # fmt: skip
                    room -= len(data)
                    if room < 0:
                        return
                    self._data[row] = data

    def octets(self, row: int) -> bytes | None:
        """One whole frame as it was captured, read again; ``row`` is one of the report's table."""
        from explain.capture import open_capture

        table = self.report.packets
        wanted = int(table.offset[row])
        with open_capture(self.paths[table.places[int(table.place[row])].capture]) as reader:
            for frames in reader.frames():
                for at in np.flatnonzero(frames.base + frames.start == wanted).tolist():
                    start = int(frames.start[at])
                    return bytes(frames.data[start : start + int(frames.captured[at])].tobytes())
        return None

    def loses_frames(self) -> str | None:
        """Why absence cannot be told from these captures: a word for it, None if it can.

        ``dropped``: the capture says that frames were lost; ``cut``: it ends in damage; ``missing``: there is no frame
        in it at all.
        """
        for info in self.report.captures:
            if any(interface.dropped for interface in info.interfaces):
                return "dropped"
            if info.damage is not None:
                return "cut"
            if not info.packets:
                return "missing"
        return None


def _payload(frame: bytes, transport: int, is_tcp: bool, size: int) -> bytes:
    header = 8
    if is_tcp:
        header = (frame[transport + 12] >> 4) * 4 if len(frame) > transport + 12 else len(frame)
    first = transport + header
    return frame[first : first + size]


def scene_of(report: Report, names: Sequence[str], paths: Sequence[str]) -> Scene:
    """A report under the names of its captures, each frame as its exchanges count it."""
    return Scene(report, names, paths, report.exchanges.table)


def has_ip(scene: Scene) -> list[int]:
    """Rows of all packets of IP."""
    table = scene.table
    rows: list[int] = np.flatnonzero(table.layers[: len(table)] & IP).tolist()
    return rows
