"""Very many ports of one host, tried one after the other: one finding, however each of them answered."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among, distinct
from explain.causes.from_capture.scene import Scene, Seen
from explain.exchanges.columns import rows_of
from explain.table import ACK, FIN, RST, SYN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.connection import TcpConnection
    from explain.table import U8, PacketTable, Rows

_PORT_BITS = np.uint64(16)
_FEWEST = 16  # ports of one host; people and programs try a few, scanners many
_MOST_SHOWN = 12  # open ports that are named
_REFUSED, _SILENT, _HALF_OPEN = "refused", "unanswered", "half-open"
_OPENED = ("reset", "closed")
_MIDSTREAM = "midstream"
_FEW = 3  # segments: a probe, the same again, and a RST
_LETTERS = ((FIN, "F"), (8, "P"), (ACK, "."), (32, "U"))


def look(scene: Scene, part: ExchangeColumns, refused: tuple[str, ...], silent: tuple[str, ...]) -> Iterator[Seen]:
    """One finding for each host that was scanned; ports that opened and then heard nothing belong to it.

    Args:
        scene: all facts.
        part: the connections.
        refused: what else may refuse connections.
        silent: what else may keep silent.
    """
    ports: dict[str, dict[str, dict[int, list[int]]]] = defaultdict(lambda: defaultdict(dict))
    for outcome in (_REFUSED, _SILENT, _HALF_OPEN):
        for server, port, some in by_service(scene, part, scene.open(part, outcome)):
            ports[server][outcome].setdefault(port, []).extend(some)
    scanned = {server: found for server, found in ports.items() if _is_scan(found)}
    if not scanned:
        return
    for server, port, some in by_service(scene, part, part.where(*_OPENED).tolist()):
        if server in scanned and (for_nothing := [index for index in some if _is_for_nothing(part, index)]):
            scanned[server][_HALF_OPEN].setdefault(port, []).extend(for_nothing)
    for server, found in scanned.items():
        yield _seen(scene, part, server, found, (refused, silent))


def stealthy(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """One finding for each host of which many ports were sent a lone segment that opens nothing.

    Whoever scans so hopes that nobody logs it: a closed port answers with RST, an open one with nothing (RFC 9293,
    3.10.7).  A server that ends old connections sends from one port to many higher ones, and is none.
    """
    table = scene.table
    few = np.flatnonzero((np.diff(part.bounds) <= _FEW) & (part.outcome == part.outcomes.index(_MIDSTREAM)))
    first = part.frames[part.bounds[few]]
    opens_nothing = (table.flags[first] & (SYN | RST) == 0) & (table.payload[first] == 0)
    is_probe = opens_nothing & (table.source_ports(first) > table.target_ports(first))
    few, first = few[is_probe], first[is_probe]
    if len(few) < _FEWEST:
        return
    groups: dict[tuple[int, int, int, int], list[int]] = defaultdict(list)
    ends = table.place[first], table.sources(first), table.targets(first), table.flags[first]
    for key, index in zip(zip(*(one.tolist() for one in ends), strict=True), few.tolist(), strict=True):
        if _is_lone(scene, part, index):
            groups[key].append(index)
    for (_, scanner, server, flags), some in groups.items():
        ports = distinct(table.target_ports(part.frames[part.bounds[some]]))
        if len(ports) < _FEWEST:
            continue
        refused = sum(len(part.rows(index)) > 1 for index in some)
        values = {
            "case": "stealth", "server": table.addresses.text(server), "src": table.addresses.text(scanner),
            "port": int(ports[0]), "ports": len(ports), "count": len(some), "refused": refused,
            "silent": len(some) - refused, "flags": _letters(flags),
        }  # fmt: skip
        members = [(part, index) for index in some]
        yield Seen("tcp-no-listener", "likely", members, rows_of(members), (), values)


def _is_lone(scene: Scene, part: ExchangeColumns, index: int) -> bool:
    """Whether nothing but the same again, or a RST, followed."""
    flags = scene.table.flags[part.rows(index)]
    return bool(((flags[1:] & RST != 0) | (flags[1:] == flags[0])).all())


def _letters(flags: int) -> str:
    """As tcpdump writes them."""
    return "".join(letter for bit, letter in _LETTERS if flags & bit) or "none"


def _is_scan(found: dict[str, dict[int, list[int]]]) -> bool:
    return len(found.get(_REFUSED, {}).keys() | found.get(_SILENT, {}).keys()) >= _FEWEST


def _is_for_nothing(part: ExchangeColumns, index: int) -> bool:
    """Opened, and closed before anybody had said anything."""
    fields: TcpConnection = part.fields(index)
    return not fields.bytes_to_server and not fields.bytes_to_client


def _seen(
    scene: Scene, part: ExchangeColumns, server: str, found: dict[str, dict[int, list[int]]],
    rivals: tuple[tuple[str, ...], tuple[str, ...]],
) -> Seen:  # fmt: skip
    members = [
        (part, index)
        for index in sorted(index for ports in found.values() for some in ports.values() for index in some)
    ]
    rows = rows_of(members)
    kinds = [outcome for outcome, by_port in found.items() if by_port]
    tried, answering = set().union(*found.values()), sorted(found.get(_HALF_OPEN, {}))
    values = {
        "case": "ports" if len(kinds) == 1 else "scan-open" if answering else "scan",
        "server": server, "port": min(tried), "count": len(members), "ports": len(tried),
        "refused": len(found.get(_REFUSED, {})), "silent": len(found.get(_SILENT, {})), "answering": len(answering),
        "open": answering[:_MOST_SHOWN],
    }  # fmt: skip
    if _REFUSED in kinds:
        return Seen("tcp-no-listener", "likely", members, rows, rivals[0], values)
    why = scene.one_link.possible(rows, rivals[1])
    return Seen("tcp-syn-unanswered", "possible", members, rows, why, values)


def by_service(scene: Scene, part: ExchangeColumns, indices: Sequence[int]) -> Iterator[tuple[str, int, list[int]]]:
    """Address and port to which connections were opened, and the connections, for each place by itself."""
    if not indices:
        return
    table = scene.table
    place = table.place[part.frames[part.bounds[:-1]][np.asarray(indices)]]
    server, ports = _services(table, part, np.asarray(indices))
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    keys = zip(place.tolist(), server.tolist(), ports.tolist(), strict=True)
    for key, index in zip(keys, indices, strict=True):
        groups[key].append(index)
    for (_, address, port), some in groups.items():
        yield table.addresses.text(address), port, some


def with_services_of(table: PacketTable, part: ExchangeColumns, some: Sequence[int], others: Rows) -> list[int]:
    """Of the others those that were opened to a service to which one of some was opened."""
    (server, ports), own = _services(table, part, others), _services(table, part, np.asarray(some))
    found: list[int] = others[among(server << _PORT_BITS | ports, own[0] << _PORT_BITS | own[1])].tolist()
    return found


def _services(table: PacketTable, part: ExchangeColumns, indices: Rows) -> tuple[U8, U8]:
    """The address keys of servers and their ports."""
    flows, flow = table.flows, table.flow[part.frames[part.bounds[:-1]][indices]]
    is_high = part.facts["course"].client[indices] == 0
    server = np.where(is_high, flows.high[flow], flows.low[flow])
    return server, np.where(is_high, flows.high_port[flow], flows.low_port[flow]).astype(np.uint64)
