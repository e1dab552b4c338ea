"""``conn.log``, ``dns.log`` and ``dhcp.log`` as Zeek writes them: tab-separated, with their headers.

Names and types of the columns are Zeek's; what explain does not know is unset (``-``), and a column
that would always be unset is left out.

Source: docs.zeek.org, the scripts ``base/protocols/conn``, ``dns`` and ``dhcp``, and the ASCII writer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.model import Exchange, Report
    from explain.table import Rows

_ENDS = "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port proto:enum "
_COLUMNS = {
    "conn": _ENDS + "duration:interval orig_bytes:count resp_bytes:count conn_state:string history:string "
    "orig_pkts:count resp_pkts:count community_id:string",
    "dns": _ENDS + "trans_id:count rtt:interval query:string qtype_name:string rcode_name:string TC:bool "
    "answers:vector[string]",
    "dhcp": "ts:time client_addr:addr server_addr:addr mac:string host_name:string requested_addr:addr "
    "assigned_addr:addr lease_time:interval msg_types:vector[string] duration:interval",
}  # fmt: skip
_KINDS = {
    "conn": ("tcp.connection", "udp.flow", "icmp.echo"), "dns": ("dns.lookup",), "dhcp": ("dhcp.lease",),
}  # fmt: skip
_UNSET, _EMPTY = "-", "(empty)"
_SECOND = 1_000_000_000


def logs(report: Report) -> dict[str, str]:
    """The text of each log by its name without ``.log``; one that would have no row is not there."""
    writer = _Writer(report)
    found: dict[str, list[str]] = {name: [] for name in _COLUMNS}
    of_kind = {kind: name for name, kinds in _KINDS.items() for kind in kinds}
    for position, exchange in zip(report.exchanges.positions, report.exchanges, strict=True):
        if name := of_kind.get(exchange.kind):
            values = getattr(writer, name)(exchange, position)
            found[name].append("\t".join(_cell(value) for value in values) + "\n")
    return {name: "".join((*_head(name), *rows)) for name, rows in found.items() if rows}


def render(report: Report) -> str:
    """All logs, one after the other; each begins with its own header."""
    return "".join(logs(report).values())


def _head(name: str) -> Iterator[str]:
    pairs = [column.rsplit(":", 1) for column in _COLUMNS[name].split()]
    yield f"#separator \\x09\n#set_separator\t,\n#empty_field\t{_EMPTY}\n#unset_field\t{_UNSET}\n#path\t{name}\n"
    yield "\t".join(["#fields", *(pair[0] for pair in pairs)]) + "\n"
    yield "\t".join(["#types", *(pair[1] for pair in pairs)]) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return _UNSET
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, (list, tuple)):
        return ",".join(_escaped(str(one)).replace(",", "\\x2c") for one in value) or _EMPTY
    text = _escaped(str(value))
    return {"": _EMPTY, _UNSET: "\\x2d", _EMPTY: "\\x28empty)"}.get(text, text)


def _escaped(text: str) -> str:
    r"""Text in which nothing ends a cell or a line: octets that are no printable text as ``\xNN``."""
    kept = text.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else "".join(f"\\x{o:02x}" for o in char.encode()) for char in kept)


def _seconds(ns: int | None) -> str | None:
    """A time or an interval, with the six digits that Zeek writes."""
    return None if ns is None else "{}.{:06d}".format(*divmod(max(ns, 0) // 1000, 1_000_000))


class _Writer:
    """Makes the rows; ``conn`` of what carries a look-up has the same uid."""

    def __init__(self, report: Report) -> None:
        self._table, self._exchanges = report.exchanges.table, report.exchanges
        self._carrier = np.full(len(self._table), -1, np.int64)
        for part in report.exchanges.parts:
            if part.kind in _KINDS["conn"]:
                of = np.repeat(report.exchanges.positions_of(part), np.diff(part.bounds))
                self._carrier[part.frames] = of

    def _rows(self, position: int) -> Rows:
        part, index = self._exchanges.at(position)
        return part.rows(index)

    def conn(self, exchange: Exchange, position: int) -> tuple[Any, ...]:
        fields = exchange.fields
        start, uid = _seconds(exchange.start_ns), f"C{position + 1}"
        lasted = _seconds(exchange.end_ns - exchange.start_ns)
        if exchange.kind == "tcp.connection":
            return (
                start, uid, fields.client.address, fields.client.port, fields.server.address, fields.server.port, "tcp",
                lasted, fields.bytes_to_server, fields.bytes_to_client, fields.conn_state, fields.history,
                fields.segments_to_server, fields.segments_to_client, fields.community_id,
            )  # fmt: skip
        if exchange.kind == "udp.flow":
            ends = (fields.client.address, fields.client.port, fields.server.address, fields.server.port)
            protocol, community = "udp", fields.community_id
        else:
            # Zeek writes types as ports: of the request, and of the reply that it expects.
            types = (8, 0) if fields.family == 4 else (128, 129)
            ends, protocol, community = (fields.src, types[0], fields.dst, types[1]), "icmp", None
        octets, counts = self._by_side(position, ends[0])
        state = "SF" if counts[0] and counts[1] else "S0" if counts[0] else "SHR"
        history = ("D" if octets[0] else "") + ("d" if octets[1] else "")
        state = state if protocol == "udp" else "OTH"
        return (start, uid, *ends, protocol, lasted, *octets, state, history or None, *counts, community)

    def _by_side(self, position: int, client: str) -> tuple[tuple[int, int], tuple[int, int]]:
        """Octets of payload and numbers of packets, from the client and to it."""
        rows = self._rows(position)
        sources = self._table.sources(rows)
        keys = {int(key) for key in np.unique(sources).tolist() if self._table.addresses.text(int(key)) == client}
        is_own = np.isin(sources, list(keys))
        payload = self._table.payload[rows].astype(np.int64)
        return (
            (int(payload[is_own].sum()), int(payload[~is_own].sum())), (int(is_own.sum()), int((~is_own).sum())),
        )  # fmt: skip

    def dns(self, exchange: Exchange, position: int) -> tuple[Any, ...]:
        fields, first = exchange.fields, self._rows(position)[:1]
        carrier = int(self._carrier[first[0]])
        return (
            _seconds(exchange.start_ns), f"C{carrier + 1}" if carrier >= 0 else None,
            fields.client.address, fields.client.port, fields.server.address, fields.server.port,
            "tcp" if fields.over_tcp else "udp", fields.id, _seconds(fields.rtt_ns),
            fields.name, fields.type, fields.rcode, fields.is_truncated, fields.answers or None,
        )  # fmt: skip

    def dhcp(self, exchange: Exchange, position: int) -> tuple[Any, ...]:  # noqa: ARG002
        fields = exchange.fields
        granted = fields.address if exchange.outcome in ("bound", "renewed") else None
        lease = None if fields.lease_s is None else _seconds(fields.lease_s * _SECOND)
        return (
            _seconds(exchange.start_ns), granted, fields.server, fields.client_mac, fields.hostname,
            fields.requested_address, granted, lease, [step.type for step in fields.messages],
            _seconds(exchange.end_ns - exchange.start_ns),
        )  # fmt: skip
