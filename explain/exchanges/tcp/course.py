"""The course of each connection: who opened it, how far the handshake came, who closed or reset it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.record import dataclass
from explain.table import ACK, FIN, REVERSED, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.streams import Streams
    from explain.table import I8, U1, U2, Bools, PacketTable, Rows

NEVER = np.iinfo(np.int64).max
"""Stands for the position of a segment that was not seen."""

_PATIENCE = 8  # segments between SYN-ACK and ACK that are looked at for all connections at once
_REGISTERED, _EPHEMERAL = 1024, 32768  # where the system's ports end, and where those begin that Linux gives to clients


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Positions in ``Streams.rows``, one per connection; NEVER where there is no such segment.

    Attributes:
        client: uint8[n], 1 where the client is the high end of the flow.
        syn: the last SYN of the client before it was answered, or the last one at all.
        first_syn: its first SYN.
        syn_ack: the first SYN-ACK of the server.
        ack: the segment of the client that completes the handshake.
        fins, resets: int64[2, n], the first FIN and RST of the client and of the server; no RST before a SYN-ACK.
        is_talking: bool[2, n], whether the client, the server sent more than SYN and RST.
        is_simultaneous: both sides sent a SYN.
        syns: how many SYNs the client sent.
        is_established: the handshake was completed, or must have been because a side went on.
    """

    client: U1
    first_syn: I8
    syn: I8
    syn_ack: I8
    ack: I8
    fins: I8
    resets: I8
    is_talking: Bools
    is_simultaneous: Bools
    syns: I8
    is_established: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """The segments with SYN, FIN or RST.

    Attributes:
        at: positions in ``Streams.rows``; ``connection`` says of which one, ``way`` 1 if from the high end.
    """

    at: I8
    connection: I8
    flags: U1
    way: U1

    def only(self, wanted: Bools) -> Control:
        """Some of them."""
        return Control(self.at[wanted], self.connection[wanted], self.flags[wanted], self.way[wanted])

    def first(self, flags: int, wanted: int, way: int, count: int) -> I8:
        """The first position in each of ``count`` connections of a segment from one end."""
        some = np.flatnonzero((self.flags & flags == wanted) & (self.way == way))
        result = np.full(count, NEVER)
        result[self.connection[some[::-1]]] = self.at[some[::-1]]  # the last one written stays
        return result


def control(streams: Streams) -> Control:
    """The segments that open, close and reset."""
    flags = streams.flags
    at = np.flatnonzero(flags & (FIN | SYN | RST) != 0)
    connection = np.searchsorted(streams.bounds, at, side="right") - 1
    return Control(at, connection, flags[at], streams.is_high[at].astype(np.uint8))


def follow(table: PacketTable, streams: Streams, marks: Control, sent: I8) -> Course:
    """The course of all connections; ``sent`` is that of ``TcpSegments``."""
    count = len(streams.flow)
    opened = [marks.first(SYN | ACK, SYN, way, count) for way in (0, 1)]
    answered = [marks.first(SYN | ACK, SYN | ACK, way, count) for way in (0, 1)]
    client = _clients(table, streams, opened, answered)
    by_role = np.arange(count)
    fins = np.array([marks.first(FIN, FIN, way, count) for way in (0, 1)])
    roles = np.array([client, 1 - client])
    syn_ack = np.array(answered)[1 - client, by_role]
    # What was reset before the SYN-ACK was an older connection of which the server had known still.
    counts = marks.only((syn_ack == NEVER)[marks.connection] | (marks.at > syn_ack[marks.connection]))
    resets = np.array([counts.first(RST, RST, way, count) for way in (0, 1)])
    first_syn = np.array(opened)[client, by_role]
    syn, syns = _last_syn(marks, client, first_syn, syn_ack)
    ack = _completions(table, streams, client, syn_ack)
    is_talking = _talking(marks, client, sent)
    is_midstream = (syn_ack == NEVER) & (first_syn == NEVER)
    went_on = np.where(syn_ack == NEVER, is_talking[0], is_talking[1]) | (is_midstream & is_talking[1])
    return Course(
        client=client,
        first_syn=first_syn,
        syn=syn,
        syn_ack=syn_ack,
        ack=ack,
        fins=fins[roles, by_role],
        resets=resets[roles, by_role],
        is_talking=is_talking,
        is_simultaneous=(opened[0] != NEVER) & (opened[1] != NEVER),
        syns=syns,
        is_established=(ack != NEVER) | went_on,
    )


def _clients(table: PacketTable, streams: Streams, opened: list[I8], answered: list[I8]) -> U1:
    """1 where the high end opened: by its SYN, else by the SYN-ACK to it, else by the ports."""
    low_opens = (opened[0] != NEVER) & (opened[0] < opened[1])
    high_opens = (opened[1] != NEVER) & (opened[1] < opened[0])
    low_answers, high_answers = answered[0] < answered[1], answered[1] < answered[0]
    flow = streams.flow
    low_port, high_port = table.flows.low_port[flow], table.flows.high_port[flow]
    first_is_high = table.layers[streams.rows[streams.bounds[:-1]]] & REVERSED != 0
    guess = np.where(
        _is_service(low_port, high_port), True, np.where(_is_service(high_port, low_port), False, first_is_high)
    )
    return np.select([low_opens, high_opens, low_answers, high_answers], [0, 1, 1, 0], guess).astype(np.uint8)


def _is_service(port: U2, other: U2) -> Bools:
    """Servers have the system's ports or registered ones, clients those above (RFC 6335, 6; ip-sysctl)."""
    return ((port < _REGISTERED) & (other >= _REGISTERED)) | ((port < _EPHEMERAL) & (other >= _EPHEMERAL))


def _last_syn(marks: Control, client: U1, first_syn: I8, syn_ack: I8) -> tuple[I8, I8]:
    some = np.flatnonzero(marks.flags & (SYN | ACK) == SYN)
    some = some[marks.way[some] == client[marks.connection[some]]]
    at, of = marks.at[some], marks.connection[some]
    syns = np.bincount(of, minlength=len(client))
    before = at < syn_ack[of]
    last = first_syn.copy()
    last[of[before]] = at[before]
    return last, syns


def _completions(table: PacketTable, streams: Streams, client: U1, syn_ack: I8) -> I8:
    """The client's first segment with ACK after the SYN-ACK."""
    result = np.full(len(client), NEVER)
    todo = np.flatnonzero(syn_ack != NEVER)
    at = syn_ack[todo] + 1
    for _ in range(_PATIENCE):
        inside = at < streams.bounds[todo + 1]
        todo, at = todo[inside], at[inside]
        is_it = _completes(table, streams.rows[at], client[todo])
        result[todo[is_it]] = at[is_it]
        todo, at = todo[~is_it], at[~is_it] + 1
    for one, start in zip(todo.tolist(), at.tolist(), strict=True):
        rest = streams.rows[start : streams.bounds[one + 1]]
        found = np.flatnonzero(_completes(table, rest, client[one : one + 1]))
        if len(found):
            result[one] = start + found[0]
    return result


def _completes(table: PacketTable, rows: Rows, client: U1) -> Bools:
    from_client: Bools = (table.layers[rows] & REVERSED != 0) == (client == 1)
    from_client &= table.flags[rows] & (SYN | RST | ACK) == ACK
    return from_client


def _talking(marks: Control, client: U1, sent: I8) -> Bools:
    """Whether each role sent anything but SYN and RST."""
    count = len(client)
    talk = sent.T.copy()
    silent = np.flatnonzero(marks.flags & (SYN | RST))
    for side in (0, 1):
        talk[side] -= np.bincount(marks.connection[silent[marks.way[silent] == side]], minlength=count)
    roles = np.array([client, 1 - client])
    result: Bools = talk[roles, np.arange(count)] > 0
    return result
