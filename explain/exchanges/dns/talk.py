"""The messages to and from name servers as columns, and which of them nobody has to look at one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from explain.exchanges.dns import message as dns_message
from explain.exchanges.dns import over_tcp
from explain.record import NamedTuple, dataclass
from explain.table import FRAGMENT

if TYPE_CHECKING:
    from explain.exchanges.dns.message import Head, Heads
    from explain.exchanges.dns.over_tcp import Told, Whole
    from explain.table import I8, U2, U8, Bools, PacketTable, Rows

SAME_LOOKUP_NS = 60_000_000_000
"""Resolvers try each server a few times, five seconds apart."""

_PORT = 53
_QUERY = 0
_V4_BITS = 32


@overload
def may_be_many(target: int) -> bool: ...
@overload
def may_be_many(target: U8) -> Bools: ...
def may_be_many(target: int | U8) -> bool | Bools:
    """Whether that address key is a group's or, in most networks, everybody's of IPv4 (RFC 5771; 919)."""
    return (target >> _V4_BITS == 0) & ((target & 0xFF == 0xFF) | (target >> 28 == 0xE))


class Message(NamedTuple):
    """One of the messages, with what its header and its question say."""

    row: int
    place: int
    time_ns: int
    source: int
    target: int
    source_port: int
    target_port: int
    over_tcp: bool
    octets: bytes
    said: Head
    more: tuple[int, ...]
    further: int


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """Questions to name servers and responses of them that can be read: those over UDP, then those over TCP.

    Attributes:
        names: of the questions, as ``Head.raw_name``.
        unread: rows of datagrams from or to a port of DNS that no DNS message begins.
        sent_back: rows of questions that come from a port of DNS and go to another, as if they were answers.
        in_pieces: rows of first fragments that end before the question does.
        others: rows of DNS messages that are neither a query nor its response, such as UPDATE and NOTIFY.
        wholes: by the number of each that went over TCP, in which other rows it goes on, and with what.
        told: what went over TCP; None if nothing did.
    """

    row: Rows
    place: U2
    time_ns: I8
    source: U8
    target: U8
    source_port: U2
    target_port: U2
    over_tcp: Bools
    heads: Heads
    names: list[bytes]
    unread: Rows
    sent_back: Rows
    in_pieces: Rows
    others: Rows
    wholes: dict[int, Whole]
    told: Told | None

    def one(self, at: int) -> Message:
        """One of them as a record."""
        whole = self.wholes.get(at)
        return Message(
            row=int(self.row[at]),
            place=int(self.place[at]),
            time_ns=int(self.time_ns[at]),
            source=int(self.source[at]),
            target=int(self.target[at]),
            source_port=int(self.source_port[at]),
            target_port=int(self.target_port[at]),
            over_tcp=bool(self.over_tcp[at]),
            octets=self.heads.messages[at],
            said=self.heads.one(at),
            more=whole.more if whole else (),
            further=whole.further if whole else 0,
        )


def messages_of(table: PacketTable) -> Messages:
    """What was copied of them; multicast DNS and LLMNR are not in here."""
    kept = table.contents.get("dns")
    told = over_tcp.read(table, table.contents["dns-tcp"]) if "dns-tcp" in table.contents else None
    wholes, count = told.wholes if told else [], len(kept.row) if kept else 0
    rows = np.array([*(kept.row if kept else ()), *(one.row for one in wholes)], np.int64)
    is_tcp = np.arange(len(rows)) >= count
    heads = dns_message.heads([*(kept.octets if kept else ()), *(one.octets for one in wholes)])
    if len(bare := np.flatnonzero(heads.is_bare)):
        heads = dns_message.heads(_completed(table, rows, heads, bare))
    is_wanted = heads.is_read & (heads.opcode == _QUERY) & (heads.type > 0)
    is_wanted &= (table.source_ports(rows) == _PORT) | (table.target_ports(rows) == _PORT)
    is_whole = ~is_tcp & (table.captured[rows] >= table.length[rows])
    is_part = table.layers[rows] & FRAGMENT > 0
    is_wanted &= heads.is_response | (table.target_ports(rows) == _PORT)
    is_echo = heads.is_read & ~heads.is_response & (table.source_ports(rows) == _PORT) & ~is_wanted
    unread, in_pieces = (rows[is_whole & ~heads.is_read & some] for some in (~is_part, is_part))
    sent_back = rows[is_whole & is_echo]
    others = rows[is_whole & heads.is_read & (heads.opcode != _QUERY)]
    some = np.flatnonzero(is_wanted)
    rows, heads = rows[some], heads.take(some)
    ports = table.source_ports(rows), table.target_ports(rows)
    return Messages(
        rows, table.place[rows], table.time_ns[rows], table.sources(rows), table.targets(rows), *ports, is_tcp[some],
        heads, heads.names(), unread, sent_back, in_pieces, others,
        {number: wholes[at - count] for number, at in enumerate(some.tolist()) if at >= count}, told,
    )  # fmt: skip


def _completed(table: PacketTable, rows: Rows, heads: Heads, bare: I8) -> list[bytes]:
    """All messages; responses that leave out the question, as servers may that cannot read it, with the one asked."""
    messages = list(heads.messages)
    asked = np.flatnonzero(heads.is_read & ~heads.is_response & (heads.type > 0))
    known = dict(
        zip(zip(table.flow[rows[asked]].tolist(), heads.id[asked].tolist(), strict=True), asked.tolist(), strict=True)
    )
    for at in bare.tolist():
        question = known.get((int(table.flow[rows[at]]), int(heads.id[at])))
        if question is not None:
            said, end = messages[at], int(heads.end[question]) + 5
            messages[at] = said[:4] + b"\0\1" + said[6:12] + messages[question][12:end] + said[12:]
    return messages


def split(messages: Messages) -> tuple[I8, I8, I8]:
    """The look-ups that are one question over UDP and its response, or one of them alone.

    Returns:
        The numbers of their messages, look-up after look-up, and where each begins, with the end; and the
        numbers of all other messages.
    """
    heads = messages.heads
    numbers = {name: number for number, name in enumerate(dict.fromkeys(messages.names))}
    name = np.fromiter(map(numbers.__getitem__, messages.names), np.int64, len(messages.names))
    client = np.where(heads.is_response, messages.target, messages.source)
    keys = name, heads.id << 16 | heads.type, client, messages.place
    order = np.lexsort(keys)
    is_new = np.ones(len(order) + 1, np.bool_)
    is_new[1:-1] = False
    for key in keys:
        is_new[1:-1] |= key[order[1:]] != key[order[:-1]]
    bounds = np.flatnonzero(is_new) if len(order) else np.zeros(1, np.int64)
    sizes = np.diff(bounds)
    first, last = order[bounds[:-1]], order[bounds[1:] - 1]
    is_pair = (sizes == 2) & ~heads.is_response[first] & heads.is_response[last]
    is_pair &= (messages.source[last] == messages.target[first]) | may_be_many(messages.target[first])
    is_pair &= messages.time_ns[last] - messages.time_ns[first] <= SAME_LOOKUP_NS
    is_special = messages.over_tcp | heads.is_truncated
    is_plain = (is_pair | (sizes == 1)) & ~is_special[first] & ~is_special[last]
    is_among = is_plain.repeat(sizes)
    bounds = np.concatenate(([0], np.cumsum(sizes[is_plain])))
    return order[is_among], bounds, np.sort(order[~is_among])
