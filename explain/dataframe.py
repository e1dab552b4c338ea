"""Packets and exchanges as data frames, with the columns that ``explain table --columns`` tells."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import mac_text
from explain.plain_data import plain
from explain.table import (
    ARP,
    BAD_CHECKSUM,
    BAD_IP_CHECKSUM,
    CUT,
    DONT_FRAGMENT,
    FRAGMENT,
    GOOD_CHECKSUM,
    ICMP,
    ICMPV6,
    IP,
    IPV4,
    MALFORMED,
    PARTIAL_CHECKSUM,
    TCP,
    UDP,
    VLAN,
    VLAN_ID,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from explain.model import Evidence, Exchange, Ranges
    from explain.table import Bools, PacketTable, Rows

_PROTOCOLS = ((TCP, "tcp"), (UDP, "udp"), (ICMP, "icmp"), (ICMPV6, "icmpv6"), (ARP, "arp"), (IP, "ip"))
_FLAGS = ((2, "S"), (1, "F"), (4, "R"), (8, "P"), (16, "."), (32, "U"), (64, "E"), (128, "W"))


def packets(table: PacketTable, paths: Sequence[str] | None = None, wanted: Bools | None = None) -> pd.DataFrame:
    """One row for each frame, or for those that are wanted.

    Args:
        table: the frames.
        paths: of the captures, as they were given; without them there is no such column.
        wanted: bool[n], which frames; None is all.
    """
    import pandas as pd

    rows = np.arange(len(table)) if wanted is None else np.flatnonzero(wanted)
    layers = table.layers[rows]
    places = [table.places[place] for place in range(len(table.places))]
    which = table.place[rows]
    path = {"path": _texts(which, [paths[place.capture] for place in places])} if paths is not None else {}
    data: dict[str, Any] = {
        "capture": _by_place(which, [place.capture for place in places]),
        **path,
        "interface": _numbers(_by_place(which, [-1 if one.interface is None else one.interface for one in places]),
                              _by_place(which, [one.interface is not None for one in places])),
        "place": _texts(which, [place.name for place in places]),
        "frame": table.frame[rows].astype(np.int64),  # with a sign: who reckons with it may come below zero
        "time": pd.to_datetime(table.time_ns[rows], unit="ns", utc=True),
        "time_ns": table.time_ns[rows],
        "length": table.length[rows].astype(np.int64),
        "captured": table.captured[rows].astype(np.int64),
        "protocol": _protocols(layers),
        "src_mac": _macs(table, rows, table.links.source),
        "dst_mac": _macs(table, rows, table.links.target),
        "vlan": _numbers(table.vlan[rows] & VLAN_ID, layers & VLAN),
        "inner_vlan": _inner_vlans(table, rows),
        **_network(table, rows),
        **_transport(table, rows),
    }  # fmt: skip
    return pd.DataFrame(data)


def _inner_vlans(table: PacketTable, rows: Rows) -> Any:
    whole = np.zeros(len(table), np.int64)
    whole[table.beside.row] = table.beside.inner & VLAN_ID
    return _numbers(whole[rows], whole[rows] != 0)


def _network(table: PacketTable, rows: Rows) -> dict[str, Any]:
    layers = table.layers[rows]
    has_ip = np.flatnonzero(layers & IP)
    found: dict[str, Any] = {}
    for name, keys in (("src", table.sources(rows[has_ip])), ("dst", table.targets(rows[has_ip]))):
        text = np.full(len(rows), None, object)
        distinct, inverse = np.unique(keys, return_inverse=True)
        text[has_ip] = np.array([table.addresses.text(key) for key in distinct.tolist()], object)[inverse]
        found[name] = text
    found["ttl"] = _numbers(table.ttl[rows], layers & IP)
    found["ip_id"] = _numbers(table.ip_id[rows], layers & IPV4)
    found["is_fragment"] = layers & FRAGMENT != 0
    found["dont_fragment"] = layers & DONT_FRAGMENT != 0
    return found


def _transport(table: PacketTable, rows: Rows) -> dict[str, Any]:
    layers = table.layers[rows]
    has_ports = layers & (TCP | UDP)
    is_tcp = layers & TCP
    found: dict[str, Any] = {}
    for name, side in (("src_port", table.source_ports), ("dst_port", table.target_ports)):
        ports = np.zeros(len(rows), np.int64)
        some = np.flatnonzero(has_ports)
        ports[some] = side(rows[some])
        found[name] = _numbers(ports, has_ports)
    flags = np.array([*(_flags(value) for value in range(256)), None], object)
    found["tcp_flags"] = flags[np.where(is_tcp != 0, table.flags[rows].astype(np.int64), 256)]
    for name in ("seq", "ack", "window"):
        found[f"tcp_{name}"] = _numbers(getattr(table, name)[rows], is_tcp)
    found["payload"] = _numbers(table.payload[rows], layers & IP)
    for name, column in (("icmp_type", table.icmp.type), ("icmp_code", table.icmp.code)):
        whole = np.zeros(len(table), np.int64)
        whole[table.icmp.row] = column
        found[name] = _numbers(whole[rows], layers & (ICMP | ICMPV6))
    found["checksum"] = _verdicts(layers)
    found["ip_checksum_wrong"] = layers & BAD_IP_CHECKSUM != 0
    found["is_cut"] = layers & CUT != 0
    found["is_malformed"] = layers & MALFORMED != 0
    return found


def _flags(value: int) -> str:
    """As tcpdump writes them."""
    return "".join(letter for bit, letter in _FLAGS if value & bit) or "none"


def _by_place(which: np.ndarray[Any, Any], values: list[Any]) -> Any:
    return np.array(values or [0])[which]


def _texts(which: np.ndarray[Any, Any], values: list[str | None]) -> Any:
    return np.array([*values, None], object)[which]


def _numbers(values: Any, is_there: Any) -> Any:
    """Whole numbers, absent where the packet has none."""
    import pandas as pd

    return pd.arrays.IntegerArray(np.asarray(values, np.int64), np.asarray(is_there) == 0)


def _protocols(layers: np.ndarray[Any, Any]) -> Any:
    names = np.full(len(layers), None, object)
    for bit, name in reversed(_PROTOCOLS):
        names[layers & bit != 0] = name
    return names


def _verdicts(layers: np.ndarray[Any, Any]) -> Any:
    names = np.full(len(layers), None, object)
    for bit, name in ((GOOD_CHECKSUM, "right"), (PARTIAL_CHECKSUM, "partial"), (BAD_CHECKSUM, "wrong")):
        names[layers & bit != 0] = name
    return names


def _macs(table: PacketTable, rows: Rows, keys: Any) -> Any:
    texts = np.array([*(mac_text(key) or None for key in keys.tolist()), None], object)
    return texts[table.link[rows]] if len(keys) else np.full(len(rows), None, object)


_OF_EACH = (
    "id", "kind", "outcome", "capture", "interface", "frames", "start_ns", "end_ns", "duration_ns", "vlans", "evidence",
)  # fmt: skip
"""The columns that exchanges of every kind have, and that are there where no exchange is."""


def exchanges(found: Iterable[Exchange], *, are_lists_text: bool = True) -> pd.DataFrame:
    """One row for each exchange; ends are two columns.

    Args:
        found: what to write.
        are_lists_text: lists become JSON text, frames ``1-3,7``, as tables have it; else they stay lists,
            and frames are ``[first, last]`` pairs.
    """
    import pandas as pd

    rows = [_exchange_row(one, are_lists_text) for one in found]
    names = dict.fromkeys(name for row in (_OF_EACH, *rows) for name in row)
    return pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> Any:
    """Whole numbers stay whole where some are absent."""
    import pandas as pd

    if {type(value) for value in values if value is not None} == {int}:
        return pd.array(values, dtype="Int64")
    return pd.Series(values, dtype=object)


def _exchange_row(one: Exchange, are_lists_text: bool) -> dict[str, Any]:
    spans, vlans, evidence = plain(one.frames), plain(one.vlans), plain(one.evidence)
    if are_lists_text:
        spans, evidence = _spans(one.frames), ";".join(map(_of_place, one.evidence))
        vlans = ",".join("/".join(map(str, tags)) for tags in one.vlans) or None
    row: dict[str, Any] = {
        "id": one.id, "kind": one.kind, "outcome": one.outcome, "capture": one.capture, "interface": one.interface,
        "frames": spans, "start_ns": one.start_ns, "end_ns": one.end_ns, "duration_ns": one.end_ns - one.start_ns,
        "vlans": vlans, "evidence": evidence,
    }  # fmt: skip
    # Some kinds have an identifier of their own, as DNS and ICMP do.
    row.update(
        {f"fields.{name}" if name in row else name: value for name, value in _flat(one.fields, "", are_lists_text)}
    )
    return row


def _spans(frames: Ranges) -> str:
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in frames)


def _of_place(one: Evidence) -> str:
    place = f"{one.capture}" if one.interface is None else f"{one.capture}/{one.interface}"
    return f"{place}:{_spans(one.frames)}"


def _flat(record: Any, prefix: str, are_lists_text: bool) -> Iterator[tuple[str, Any]]:
    for each in fields(record):
        name, value = f"{prefix}{each.name.rstrip('_')}", getattr(record, each.name)
        if is_dataclass(value) and not isinstance(value, type):
            yield from _flat(value, f"{name}.", are_lists_text)
        elif isinstance(value, (tuple, list, dict)):
            yield name, json.dumps(value, default=plain) if are_lists_text else plain(value)
        else:
            yield name, value
