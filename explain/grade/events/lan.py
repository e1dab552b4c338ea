"""Events of ARP and ICMP, and packets of IP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import mac_text
from explain.exchanges.fragments import whole_payload
from explain.grade.events.scene import has_ip
from explain.table import DONT_FRAGMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.grade.events.event import Event
    from explain.grade.events.scene import Scene

_REQUEST, _REPLY = 1, 2
RUN = (
    "id", "family", "sent", "received", "duplicates", "errors", "rtt_min_ns", "rtt_avg_ns", "rtt_max_ns",
    "ttl_request",
)  # fmt: skip
"""What a ping tells of the whole run that it is part of."""
_UNREACHABLE = {(False, 3), (True, 1)}
_TIME_EXCEEDED = {(False, 11), (True, 3)}
_REDIRECT = {(False, 5), (True, 137)}
_TYPES = {"unreachable": _UNREACHABLE, "time_exceeded": _TIME_EXCEEDED, "redirect": _REDIRECT}


def make(scene: Scene, name: str) -> list[Event] | None:
    """Events of one name; None for a name that is no alias."""
    family, _, what = name.partition(".")
    if family == "arp" and what in ("request", "reply", "gratuitous"):
        return list(_arp(scene, name))
    if name == "icmp.echo":
        return list(_pings(scene))
    if family == "icmp" and what in _TYPES:
        return list(_errors(scene, name))
    return list(_packets(scene.everywhere)) if name == "ip.packet" else None


def owners(scene: Scene, *kinds: str) -> dict[int, tuple[str, str]]:
    """For each row the exchange of these kinds that it belongs to: id and outcome."""
    found: dict[int, tuple[str, str]] = {}
    for kind in kinds:
        for part, index in each(scene, kind):
            told = f"e{scene.report.exchanges.position(part, index) + 1}", part.outcomes[part.outcome[index]]
            found.update(dict.fromkeys(part.rows(index).tolist(), told))
    return found


def each(scene: Scene, kind: str) -> Iterator[tuple[ExchangeColumns, int]]:
    """All exchanges of a kind."""
    part = scene.report.exchanges.of_kind(kind)
    for index in range(len(part) if part else 0):
        if part is not None:
            yield part, index


def _arp(scene: Scene, name: str) -> Iterator[Event]:
    table = scene.table
    arp, text = table.arp, table.addresses.text
    of = owners(scene, "arp.announcement", "arp.resolution")
    for at, row in enumerate(arp.row.tolist()):
        sender, target, opcode = int(arp.sender_ip[at]), int(arp.target_ip[at]), int(arp.operation[at])
        is_own = sender == target
        kind = "gratuitous" if is_own else {_REQUEST: "request", _REPLY: "reply"}.get(opcode)
        if name != f"arp.{kind}":
            continue
        exchange, outcome = of.get(row, ("", ""))
        yield scene.event(name, [row], exchange, outcome, {
            "opcode": opcode, "eth": scene.link(row), "answers": exchange,
            "sender": {"ip": text(sender), "mac": mac_text(int(arp.sender_mac[at]))},
            "target": {"ip": text(target), "mac": mac_text(int(arp.target_mac[at]))},
        })  # fmt: skip


def _pings(scene: Scene) -> Iterator[Event]:
    table = scene.table
    icmp = table.icmp
    for part, index in each(scene, "icmp.echo"):
        rows = part.rows(index)
        rows = rows[np.isin(rows, icmp.row)]  # a later fragment belongs to the run, but has no header of ICMP
        at = np.searchsorted(icmp.row, rows)
        is_request = np.isin(icmp.type[at], (8, 128))
        is_reply = np.isin(icmp.type[at], (0, 129))
        seqs = icmp.word[at] & 0xFFFF
        replies: dict[int, list[int]] = {}
        for row, seq in zip(rows[is_reply].tolist(), seqs[is_reply].tolist(), strict=True):
            replies.setdefault(seq, []).append(row)
        exchange = f"e{scene.report.exchanges.position(part, index) + 1}"
        run = part.fields(index)
        told = exchange, part.outcomes[part.outcome[index]], {name: getattr(run, name) for name in RUN}
        asked: set[int] = set()
        sizes = dict(zip(rows.tolist(), whole_payload(table, rows).tolist(), strict=True))
        for row, seq in zip(rows[is_request].tolist(), seqs[is_request].tolist(), strict=True):
            if seq not in asked:
                asked.add(seq)
                answer = next((one for one in replies.get(seq, ()) if table.time_ns[one] >= table.time_ns[row]), None)
                yield _ping(scene, (row, answer), seq, sizes[row], told)


def _ping(
    scene: Scene, pair: tuple[int, int | None], seq: int, size: int, told: tuple[str, str, dict[str, Any]]
) -> Event:
    table, (row, answer) = scene.table, pair
    src, _, dst, _ = scene.ends(row)
    exchange, outcome, run = told
    rtt = None if answer is None else int(table.time_ns[answer] - table.time_ns[row]) / 1e6
    return scene.event("icmp.echo", [row] if answer is None else [row, answer], exchange, outcome, run | {
        "src": src, "dst": dst, "ttl": int(table.ttl[row]), "answered": answer is not None, "seq": seq,
        "rtt_ms": rtt, "ttl_reply": None if answer is None else int(table.ttl[answer]), "size": size,
        "df": bool(table.layers[row] & DONT_FRAGMENT),
    })  # fmt: skip


def _errors(scene: Scene, name: str) -> Iterator[Event]:
    table = scene.table
    wanted = _TYPES[name.partition(".")[2]]
    for part, index in each(scene, "icmp.error"):
        told = part.fields(index)
        is_v6 = ":" in told.from_
        if (is_v6, told.type) not in wanted:
            continue
        row = int(part.rows(index)[0])
        outcome = part.outcomes[part.outcome[index]]
        src, _, dst, _ = scene.ends(row)
        yield scene.event(name, [row], f"e{scene.report.exchanges.position(part, index) + 1}", outcome, {
            "src": src, "dst": dst, "ttl": int(table.ttl[row]), "from": told.from_, "to": told.to,
            "code": outcome.removesuffix("-unreachable"), "mtu": told.mtu, "gateway": told.gateway,
            "about": _about(told.about),
        })  # fmt: skip


def _about(quoted: Any) -> dict[str, Any] | None:
    if quoted is None:
        return None
    return {
        "src": quoted.src, "dst": quoted.dst, "proto": quoted.protocol, "sport": quoted.sport, "dport": quoted.dport,
        "ttl": quoted.ttl, "id": quoted.id, "seq": quoted.seq, "protocol": quoted.protocol,
    }  # fmt: skip


def _packets(scene: Scene) -> Iterator[Event]:
    table, parts = scene.table, scene.table.fragments
    offset, more = (dict(zip(parts.row.tolist(), one.tolist(), strict=True)) for one in (parts.offset, parts.more))
    for row in has_ip(scene):
        src, sport, dst, dport = scene.ends(row)
        yield scene.event("ip.packet", [row], "", "", {
            "src": src, "dst": dst, "ttl": int(table.ttl[row]), "eth": scene.link(row), "proto": scene.protocol(row),
            "sport": sport, "dport": dport, "length": int(table.length[row]), "id": int(table.ip_id[row]),
            "df": bool(table.layers[row] & DONT_FRAGMENT), "fragment": offset.get(row), "more": more.get(row, False),
        })  # fmt: skip
