"""TCP connections played by hand for tests, and random ones that hold every oddity at once."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterable

import packets

from explain.capture import open_capture
from explain.decode import Decoder
from explain.exchanges.columns import ExchangeColumns
from explain.exchanges.tcp.connection import TcpConnection, find
from explain.exchanges.tcp.labelling.segments import follow_steps
from explain.exchanges.tcp.labels import names
from explain.table import PacketTable

C, S = ("192.0.2.1", 40000), ("198.51.100.7", 80)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SYN_ACK, FIN_ACK, RST_ACK, PUSH = SYN | ACK, FIN | ACK, RST | ACK, PSH | ACK
WS7 = b"\x02\x04\x05\xb4\x01\x03\x03\x07\x04\x02\x01\x01"


class Play:
    """Writes segments down; sequence numbers are relative to the sides' initial ones."""

    def __init__(self, client=C, server=S, client_seq=1000, server_seq=5000, start=0.0) -> None:
        self.ends, self.base, self.now = (client, server), (client_seq, server_seq), start
        self.frames: list[tuple[float, bytes]] = []

    def say(self, side, flags, seq=0, ack=None, data=b"", after=0.001, window=1000, options=b"", raw=None) -> Play:
        """``side`` 0 is the client; ``raw`` is a sequence number as it is."""
        self.now += after
        mine = (self.base[side] + seq) % 2**32 if raw is None else raw
        other = 0 if ack is None else (self.base[1 - side] + ack) % 2**32
        frame = packets.segment(
            self.ends[side], self.ends[1 - side], flags, seq=mine, ack=other, data=data, window=window, options=options
        )
        self.frames.append((self.now, frame))
        return self

    def c(self, flags, seq=0, ack=None, data=b"", **more) -> Play:
        return self.say(0, flags, seq, ack, data, **more)

    def s(self, flags, seq=0, ack=None, data=b"", **more) -> Play:
        return self.say(1, flags, seq, ack, data, **more)

    def shake(self, options=b"", after=0.001) -> Play:
        self.c(SYN, options=options).s(SYN_ACK, 0, 1, options=options, after=after)
        return self.c(ACK, 1, 1)

    def add(self, frame: bytes, after=0.001) -> Play:
        self.now += after
        self.frames.append((self.now, frame))
        return self


def table_of(*streams: io.BytesIO) -> PacketTable:
    decoder = Decoder()
    for capture, stream in enumerate(streams):
        with open_capture("made", stream) as reader:
            for frames in reader.frames():
                decoder.add(frames, capture, reader.interfaces)
    return decoder.finish()


def found(*plays: Play) -> ExchangeColumns:
    """The connections of one capture in which all plays happen."""
    frames = sorted((frame for play in plays for frame in play.frames), key=lambda pair: pair[0])
    return find(table_of(packets.pcap(*frames)))


def outcomes(*plays: Play) -> list[str]:
    columns = found(*plays)
    return [columns.outcomes[code] for code in columns.outcome.tolist()]


def only(play: Play) -> tuple[str, TcpConnection]:
    columns = found(play)
    assert len(columns) == 1
    return columns.outcomes[columns.outcome[0]], columns.fields(0)


def labels(play: Play) -> list[tuple[str, ...]]:
    """What is said of each frame of a play that is one connection."""
    segments = found(play).facts["segments"]
    rows = segments.streams.rows
    return [names(int(segments.labels[rows == row].sum())) for row in range(len(play.frames))]


def repeated_acks(columns: ExchangeColumns, index: int) -> dict[int, int]:
    """By row of the table the number of each duplicate acknowledgement of a connection, counted from 1."""
    moments = columns.facts["moments"]
    rows = moments.streams.rows[moments.streams.bounds[index] :]
    _, numbers = follow_steps(moments.table, moments.streams, index)
    return {int(rows[at]): number for at, number in numbers.items()}


# -- random captures

_WINDOWS = (0, 0, 100, 100, 100, 200, 3)
_WAITS = (0, 1_000, 100_000, 1_000_000, 3_000_000, 4_000_000, 19_000_000, 21_000_000, 500_000_000)
_OPTIONS = (b"", b"\x03\x03\x00\x01", b"\x03\x03\x03\x01", b"\x02\x04\x05\xb4")
_STARTS = (0, 1, 5, 1000, 2**31 - 20, 2**31, 2**32 - 30)


def wild_capture(seed: int, flows: int = 60, length: int = 40) -> bytes:
    """Short flows in which numbers, flags and windows are chosen by lot: retransmissions, gaps, wraps, reuse."""
    lot = random.Random(seed)
    return _capture(frame for flow in range(flows) for frame in _wild_flow(lot, flow, length))


def lossy_capture(seed: int, flows: int = 60, length: int = 60) -> bytes:
    """Downloads that lose, reorder and repeat segments on the way, between hosts that keep to the rules."""
    lot = random.Random(seed)
    return _capture(frame for flow in range(flows) for frame in _Download(lot, flow).frames(length))


def _capture(frames: Iterable[tuple[int, bytes]]) -> bytes:
    frames = sorted(frames, key=lambda frame: frame[0])
    records = (struct.pack("<IIII", ns // 10**9, ns % 10**9, len(data), len(data)) + data for ns, data in frames)
    return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1) + b"".join(records)


def _wild_flow(lot: random.Random, flow: int, length: int) -> Iterable[tuple[int, bytes]]:
    base = [lot.choice((*_STARTS, lot.randrange(2**32))) for _ in (0, 1)]
    following, is_chaos = list(base), lot.random() < 0.5
    now = 1_700_000_000 * 10**9 + flow * 10**7
    for _ in range(lot.randrange(2, length)):
        way = lot.randrange(2)
        flags, seq, ack, size = _chaos(lot, base, way) if is_chaos else _walk(lot, following, way)
        if not flags & ACK and lot.random() < 0.7:
            ack = 0
        now += lot.choice(_WAITS)
        options = lot.choice(_OPTIONS) if flags & SYN else b""
        ends = (("10.0.0.1", 10000 + flow), ("10.0.0.2", 80))
        yield now, packets.segment(
            ends[way], ends[1 - way], flags, seq=seq % 2**32, ack=ack % 2**32, data=b"x" * size,
            window=lot.choice(_WINDOWS), options=options,
        )  # fmt: skip


def _chaos(lot: random.Random, base: list[int], way: int) -> tuple[int, int, int, int]:
    flags = lot.choice((16, 16, 16, 16, 24, 2, 18, 17, 4, 20, 1, 0)) if lot.random() < 0.5 else ACK
    seq, ack = base[way] + lot.randrange(-2, 12), base[1 - way] + lot.randrange(-2, 12)
    return flags, seq, ack, lot.choice((0, 0, 0, 1, 1, 2, 3, 5))


def _walk(lot: random.Random, following: list[int], way: int) -> tuple[int, int, int, int]:
    flags = lot.choice((2, 18, 17, 20, 4, 2, 18)) if lot.random() < 0.1 else ACK
    seq, ack, size = following[way], following[1 - way], lot.choice((0, 0, 1, 2, 10, 100))
    chance = lot.random()
    seq += -lot.choice((1, 1, 2, 10, 50)) if chance < 0.1 else lot.choice((1, 5, 100)) if chance < 0.2 else 0
    if lot.random() < 0.15:
        ack += lot.choice((-1, -10, 5, 1, 100))
    following[way] = max(following[way], seq + size + (1 if flags & 3 else 0))
    return flags, seq, ack, size


class _Download:
    """A server that sends and a client that acknowledges, with losses before and after the place of the capture."""

    def __init__(self, lot: random.Random, flow: int) -> None:
        self.lot, self.flow = lot, flow
        self.now = 1_700_000_000 * 10**9 + flow * 10**7
        self.base = [lot.choice((1000, 2**32 - 300, lot.randrange(2, 2**32 - 2))) for _ in (0, 1)]
        self.shift = lot.choice((None, 0, 1, 3))
        self.following, self.asked, self.window = 1, 1, 64
        self.got: set[int] = set()  # tens of octets that reached the client

    def frames(self, length: int) -> Iterable[tuple[int, bytes]]:
        options = b"" if self.shift is None else b"\x03\x03" + bytes((self.shift, 1))
        if self.lot.random() < 0.9:
            yield self._say(0, SYN, 0, None, options=options)
            yield self._say(1, SYN_ACK, 0, 1, options=options)
            yield self._say(0, ACK, 1, 1)
        for _ in range(self.lot.randrange(2, length)):
            action = self.lot.choices((self._send, self._resend, self._acknowledge, self._probe), (8, 3, 8, 1))[0]
            yield from action()
        if self.lot.random() < 0.5:
            yield self._say(1, FIN_ACK, self.following, self.asked)

    def _say(
        self, way: int, flags: int, seq: int, ack: int | None, size: int = 0, options: bytes = b""
    ) -> tuple[int, bytes]:
        self.now += self.lot.choice(_WAITS)
        number = 0 if ack is None else (self.base[1 - way] + ack) % 2**32
        ends = (("10.0.0.1", 10000 + self.flow), ("10.0.0.2", 80))
        return self.now, packets.segment(
            ends[way], ends[1 - way], flags, seq=(self.base[way] + seq) % 2**32, ack=number, data=b"x" * size,
            window=self.window if way == 0 else 100, options=options,
        )  # fmt: skip

    def _send(self) -> Iterable[tuple[int, bytes]]:
        seq, tens = self.following, self.lot.choice((1, 1, 2, 3))
        self.following += 10 * tens
        fate = self.lot.random()
        if fate > 0.1:  # else lost before it was captured
            yield self._say(1, ACK, seq, self.asked, 10 * tens)
        if fate > 0.2:  # else lost after it was
            self.got |= set(range(seq // 10, seq // 10 + tens))

    def _resend(self) -> Iterable[tuple[int, bytes]]:
        seq = self.lot.choice((self._contiguous(), 1 + 10 * self.lot.randrange(max(1, self.following // 10))))
        if seq < self.following:
            self.got.add(seq // 10)
            yield self._say(1, ACK, seq, self.asked, 10)

    def _contiguous(self) -> int:
        tens = 0
        while tens in self.got:
            tens += 1
        return 1 + 10 * tens

    def _acknowledge(self) -> Iterable[tuple[int, bytes]]:
        self.window = self.lot.choice((self.window, self.window, self.window, 0, 20, 64))
        for _ in range(self.lot.choice((1, 1, 1, 2, 4))):
            yield self._say(0, ACK, self.asked, self._contiguous())
        if self.lot.random() < 0.1:
            yield self._say(0, PUSH, self.asked, self._contiguous(), 7)
            self.asked += 7

    def _probe(self) -> Iterable[tuple[int, bytes]]:
        back = self.lot.choice((0, 1, 1))  # a keep-alive, or the next octet into a window that may be closed
        if not back:
            self.window = 0
            yield self._say(0, ACK, self.asked, self._contiguous())
        yield self._say(1, ACK, self.following - back, self.asked, self.lot.choice((0, 1)) if back else 1)
        yield self._say(0, ACK, self.asked, self._contiguous())
