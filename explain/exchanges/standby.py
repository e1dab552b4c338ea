"""Routers that share one address: which of them is active for it, who stands by, and how that changed.

Source: RFC 2281, 5.1 (HSRP); RFC 3768, 5.1, and RFC 9568, 5.1 (VRRP); of HSRP's second version Cisco's own.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from explain.addresses import ip_text
from explain.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.table import PacketTable

SILENCE, RESIGNED, RANK, OTHER = "silence", "resigned", "rank", "other"
"""Why another router became active: the old one was not heard any more, gave up, has the lower priority; or unknown."""

_HELLO, _COUP, _RESIGN = 0, 1, 2
_STATES = {4: "speaks", 8: "stands-by", 16: "active"}
_STATES_2 = {4: "speaks", 5: "stands-by", 6: "active"}
_SIZE_HSRP, _SIZE_HSRP_2, _SIZE_VRRP = 20, 42, 8
_CARP = (36, 7)  # size of a message of OpenBSD's CARP, which has VRRP's number, and its fourth octet
_LEAST_RIVALRY = 3  # times that one is active again at once after another; once or twice is a message that crossed
_HOLD = 4  # times the pace, after which who says nothing has fallen silent
_SECOND_NS = 1_000_000_000


class Said(NamedTuple):
    """One message.

    Attributes:
        state: ``active``, ``stands-by``, ``speaks`` (wants to become one of both), ``gives-up``; empty of others.
        hello_ns: time between two messages.
    """

    protocol: str
    group: int
    state: str
    priority: int
    hello_ns: int
    addresses: tuple[str, ...]
    is_coup: bool = False


class Turn(NamedTuple):
    """Messages one behind the other in which the same router is active.

    Attributes:
        why: of a turn after another one, the reason for it; None of the first.
        silent_ns: since the router before was last heard as active.
    """

    router: str
    priority: int
    why: str | None
    silent_ns: int
    rows: tuple[int, ...]


class Group(NamedTuple):
    """Routers of one link that share addresses.

    Attributes:
        turns: who was active, one after the other.
        standing_by: router and priority of those that said so at the end, with the rows in which they did.
        is_rivalry: several take themselves for active at the same time.
    """

    protocol: str
    number: int
    addresses: tuple[str, ...]
    turns: tuple[Turn, ...]
    standing_by: tuple[tuple[str, int, tuple[int, ...]], ...]
    is_rivalry: bool
    rows: tuple[int, ...]


def groups(table: PacketTable) -> list[Group]:
    """All of them, in the order in which they first speak."""
    import numpy as np

    found: dict[tuple[int, int, str, int, str], list[tuple[int, str, Said]]] = {}
    for name, read in (("vrrp", _vrrp), ("hsrp", _hsrp)):
        if name not in table.contents:
            continue
        kept = table.contents[name]
        speakers = map(table.addresses.text, table.sources(np.array(kept.row, np.int64)).tolist())
        for row, octets, router in zip(kept.row, kept.octets, speakers, strict=True):
            said = read(octets, is_v6=":" in router)
            if said is not None:
                place = int(table.place[row]), int(table.vlan[row])
                key = (*place, said.protocol, said.group, _network(router, said))
                found.setdefault(key, []).append((row, router, said))
    return [_group(table, one) for one in sorted(found.values(), key=lambda one: one[0][0])]


def _network(router: str, said: Said) -> str:
    """What keeps groups of one number apart that several links have, of which a mirror shows all.

    Routers number the group of every link alike; nothing in a message says how long the prefix of the link is.
    """
    return "v6" if ":" in router else min(said.addresses, default=router).rpartition(".")[0]


def _group(table: PacketTable, messages: Sequence[tuple[int, str, Said]]) -> Group:
    turns = tuple(_turns(table, messages))
    hello_ns = max(said.hello_ns for _, _, said in messages)
    back = [
        turn
        for number, turn in enumerate(turns)
        if 0 < turn.silent_ns <= hello_ns and any(turn.router == one.router for one in turns[:number])
    ]
    return Group(
        messages[0][2].protocol,
        messages[0][2].group,
        next((said.addresses for _, _, said in messages if said.addresses), ()),
        turns,
        tuple(_standing_by(table, messages, hello_ns)),
        len(back) >= _LEAST_RIVALRY,
        tuple(row for row, _, _ in messages),
    )


def _standing_by(
    table: PacketTable, messages: Sequence[tuple[int, str, Said]], hello_ns: int
) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Who stands by and has not fallen silent since."""
    end_ns = int(table.time_ns[messages[-1][0]])
    last = {router: (row, said) for row, router, said in messages if said.state}
    for router, (row, said) in last.items():
        if said.state == "stands-by" and int(table.time_ns[row]) >= end_ns - _HOLD * hello_ns:
            rows = (row for row, speaker, said in messages if speaker == router and said.state == "stands-by")
            yield router, said.priority, tuple(rows)


def _turns(table: PacketTable, messages: Sequence[tuple[int, str, Said]]) -> Iterator[Turn]:
    runs: list[tuple[str, Said, list[int]]] = []
    for row, router, said in messages:
        if said.state != "active":
            continue
        if not runs or runs[-1][0] != router:
            runs.append((router, said, []))
        runs[-1][2].append(row)
    if not runs:
        return
    yield Turn(runs[0][0], runs[0][1].priority, None, 0, tuple(runs[0][2]))
    for (old, before, rows), (new, after, own) in pairwise(runs):
        silent_ns = int(table.time_ns[own[0]] - table.time_ns[rows[-1]])
        between = [(router, said) for row, router, said in messages if rows[-1] < row < own[0]]
        if any(router == old and said.state == "gives-up" for router, said in between):
            why = RESIGNED
        elif after.priority > before.priority:
            why = RANK if silent_ns < 2 * before.hello_ns or any(said.is_coup for _, said in between) else SILENCE
        else:
            why = SILENCE if silent_ns > 2 * before.hello_ns else OTHER
        yield Turn(new, after.priority, why, silent_ns, tuple(own))


def _vrrp(octets: bytes, *, is_v6: bool) -> Said | None:
    if len(octets) < _SIZE_VRRP or octets[0] & 15 != 1 or (len(octets), octets[3]) == _CARP:
        return None
    version, size = octets[0] >> 4, 16 if is_v6 else 4
    if version not in (2, 3):
        return None
    hello = octets[5] * _SECOND_NS if version == 2 else (octets[4] << 8 & 0xF00 | octets[5]) * _SECOND_NS // 100
    last = min(_SIZE_VRRP + octets[3] * size, len(octets) - size + 1)
    addresses = tuple(ip_text(octets[at : at + size]) for at in range(_SIZE_VRRP, last, size))
    return Said("VRRP", octets[1], "active" if octets[2] else "gives-up", octets[2], hello, addresses)


def _hsrp(octets: bytes, *, is_v6: bool) -> Said | None:
    del is_v6
    if octets[:1] == b"\0" and len(octets) >= _SIZE_HSRP and octets[1] <= _RESIGN:
        state = "gives-up" if octets[1] == _RESIGN else _STATES.get(octets[2], "")
        addresses = (ip_text(octets[16:20]),) if any(octets[16:20]) else ()  # one that learns it has none yet
        return Said("HSRP", octets[6], state, octets[5], octets[3] * _SECOND_NS, addresses, octets[1] == _COUP)
    if octets[:3] != bytes((1, 40, 2)) or len(octets) < _SIZE_HSRP_2 or octets[3] > _RESIGN:
        return None
    state = "gives-up" if octets[3] == _RESIGN else _STATES_2.get(octets[4], "")
    number, priority, hello = (int.from_bytes(octets[at : at + size], "big") for at, size in ((6, 2), (14, 4), (18, 4)))
    size = 16 if octets[5] == 6 else 4
    address = ip_text(octets[26 : 26 + size])
    return Said("HSRP", number, state, priority, hello * 1_000_000, (address,), octets[3] == _COUP)
