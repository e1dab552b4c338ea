"""Files -> PacketTable: opens what was named, feeds the decoder, and counts."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from explain.capture import open_capture
from explain.capture.pcapng.options import ANONYMISED, GROUND_TRUTH
from explain.capture.vantage import Source, sources
from explain.errors import NotACaptureError, ShrunkError, UnreadableError
from explain.model import INTERRUPTED, CaptureInfo, Comment, Line
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from os import PathLike
    from typing import BinaryIO

    from explain.capture import CaptureReader
    from explain.capture.frames import Frames
    from explain.capture.interrupt import Patience
    from explain.decode import Decoder
    from explain.model import Interface
    from explain.symptoms.notes import Notes
    from explain.table import PacketTable

_MOST_EXPECTED = 1 << 24
"""Rows for which room is made on a guess; a hostile first window may promise any number."""
_UNTOLD = 1 << 20
"""Rows for which room is made where nobody knows how many come: to move columns as they grow takes them twice."""
_MOST_TEXT = 64 << 20
"""Octets of a text that are looked at."""


@dataclass(slots=True)
class _Count:
    packets: int = 0
    octets: int = 0
    captured: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    untimed: int = 0

    def add(self, frames: Frames) -> None:
        if not len(frames.start):
            return
        self.packets += len(frames.start)
        self.octets += int(frames.length.sum(dtype="u8"))
        self.captured += int(frames.captured.sum(dtype="u8"))
        time_ns = frames.time_ns if frames.is_timed is None else frames.time_ns[frames.is_timed]
        self.untimed += len(frames.start) - len(time_ns)
        if not len(time_ns):
            return
        first, last = int(time_ns.min()), int(time_ns.max())
        self.first_ns = first if self.first_ns is None else min(first, self.first_ns)
        self.last_ns = last if self.last_ns is None else max(last, self.last_ns)


def read(
    inputs: Iterable[str | PathLike[str] | BinaryIO | Source],
    *,
    every_checksum: bool = False,
    progress: Callable[[int, int, int], None] | None = None,
) -> tuple[PacketTable, tuple[CaptureInfo, ...]]:
    """All packets of all inputs as one table, in the order given; see ``take_in``.

    Raises:
        UnreadableError: the only input, or the first of several, none of which can be read.
    """
    return take_in(inputs, every_checksum=every_checksum, progress=progress)[:2]


def take_in(
    inputs: Iterable[str | PathLike[str] | BinaryIO | Source],
    *,
    every_checksum: bool = False,
    inside: bool = False,
    progress: Callable[[int, int, int], None] | None = None,
    until_interrupted: bool = False,
) -> tuple[PacketTable, tuple[CaptureInfo, ...], dict[int, Notes]]:
    """All inputs as one table, in the order given; and the texts among them, by their place in that order.

    An input that cannot be read is named in its place (``damage``), and the others are read;
    only if none can be read is that an error.

    Args:
        inputs: what to read.
        every_checksum: verify the checksums of all payloads.
        inside: read packets that carry others (tunnels) as what they carry.
        progress: called now and then with packets so far, octets read and octets in all.
        until_interrupted: Ctrl-C ends the reading, and what was read is given; a ``damage`` says where it ended.

    Raises:
        UnreadableError: the only input, or the first of several, none of which can be read.
    """
    patience = _patience() if until_interrupted else None
    take = partial(
        _take, sources(inputs), every_checksum=every_checksum, inside=inside, progress=progress, patience=patience
    )
    try:
        return take(is_mapped=True)
    except ShrunkError:  # all over again, now from a copy: what is left of the file is what it holds
        return take(is_mapped=False)


def _take(
    named: Sequence[Source],
    *,
    every_checksum: bool,
    inside: bool,
    progress: Callable[[int, int, int], None] | None,
    patience: Patience | None,
    is_mapped: bool,
) -> tuple[PacketTable, tuple[CaptureInfo, ...], dict[int, Notes]]:
    from explain.decode import MOST_SUMMED, Decoder

    decoder = Decoder(most_summed=None if every_checksum else MOST_SUMMED, inside=inside)
    captures: list[CaptureInfo] = []
    failures: list[UnreadableError] = []
    texts: dict[int, Notes] = {}
    read_capture = partial(_read_one, decoder=decoder, progress=progress, patience=patience, is_mapped=is_mapped)
    for number, source in enumerate(named):
        if captures and _is_interrupted(captures[-1]):
            captures.append(_unread(source))
            continue
        try:
            info, notes = _take_one(source, number, decoder, read_capture)
        except ShrunkError:
            raise
        except UnreadableError as error:
            failures.append(error)
            info, notes = _unreadable(source, error), None
        captures.append(info)
        if notes is not None:
            texts[number] = notes
    if failures and len(failures) == len(named):
        raise failures[0]
    table = decoder.finish()
    captures = _interfaces_apart(captures)
    _tell_places_apart(table, captures)
    return table, tuple(captures), texts


def _files(captures: Sequence[CaptureInfo]) -> list[str]:
    """What tells the files from each other: the path of names alike."""
    names = [os.path.basename(one.path) for one in captures]  # noqa: PTH119  pathlib is slow to load
    return [name if names.count(name) == 1 else one.path for name, one in zip(names, captures, strict=True)]


def _interfaces_apart(captures: Sequence[CaptureInfo]) -> list[CaptureInfo]:
    """The captures; where interfaces of several files have one name, each host's ``eth0``, with the file in it."""
    named = [{each.vantage for each in one.interfaces} - {None} for one in captures]
    often = {name for at, names in enumerate(named) for name in names if any(name in more for more in named[:at])}
    if not often:
        return list(captures)
    return [
        one if one.vantage else replace(one, interfaces=tuple(_with_file(file, one.interfaces, often)))
        for file, one in zip(_files(captures), captures, strict=True)
    ]


def _with_file(file: str, interfaces: Sequence[Interface], often: Collection[str | None]) -> Iterator[Interface]:
    is_alone = len({one.name for one in interfaces}) == 1
    for one in interfaces:
        yield replace(one, vantage=file if is_alone else f"{file}:{one.name}") if one.vantage in often else one


def _tell_places_apart(table: PacketTable, captures: Sequence[CaptureInfo]) -> None:
    """Name each place as its interface, and give it its file, where there are several."""
    told = _files(captures)
    for at, place in enumerate(table.places):
        interfaces = captures[place.capture].interfaces
        name = interfaces[place.interface].vantage if interfaces and place.interface is not None else place.name
        table.places[at] = replace(place, name=name, file=told[place.capture] if len(captures) > 1 else None)


def _take_one(
    source: Source, number: int, decoder: Decoder, read_capture: Callable[[Source, int], CaptureInfo]
) -> tuple[CaptureInfo, Notes | None]:
    """An input as a capture, or else as a text."""
    try:
        return read_capture(source, number), None
    except NotACaptureError as other:
        notes = _read_text(source, other)
        return _text(source, notes, number, decoder), notes


def _read_one(
    source: Source,
    number: int,
    *,
    decoder: Decoder,
    progress: Callable[[int, int, int], None] | None,
    patience: Patience | None,
    is_mapped: bool,
) -> CaptureInfo:
    from explain.decode.checksum import extent

    count, first_row = _Count(), len(decoder.table)
    opened = open_capture(source.path, source.stream, is_mapped=is_mapped)
    with opened as reader, patience.held_back() if patience else nullcontext():
        for frames in reader.frames(patience):
            if not count.packets and reader.position():
                # A guess from the first window, that the columns need not be moved as they grow.
                guess = len(frames.start) * reader.file_bytes // reader.position() * 5 // 4
                decoder.table.reserve(min(guess if reader.is_mapped else max(guess, _UNTOLD), _MOST_EXPECTED))
            decoder.add(frames, number, reader.interfaces, _chosen(source, reader))
            count.add(frames)
            if progress:
                progress(count.packets, reader.position(), reader.file_bytes)
        return _info(source, reader, count, extent(decoder.table, slice(first_row, len(decoder.table))))


def _patience() -> Patience:
    from explain.capture.interrupt import Patience

    return Patience()


def _is_interrupted(capture: CaptureInfo) -> bool:
    return capture.damage is not None and capture.damage.kind == INTERRUPTED


def _named(source: Source, interfaces: Sequence[Interface]) -> list[Interface]:
    """The interfaces under the name that the user gave, else their own; several under one name with both.

    Those that were not selected have none.
    """
    if source.vantage is None:
        return [replace(one, vantage=one.name) for one in interfaces]
    if len(interfaces) == 1 or source.interface:
        is_there = any(one.name == source.interface for one in interfaces)
        chosen = [one.name == source.interface or not is_there for one in interfaces]
        return [
            replace(one, vantage=source.vantage if is_one else None)
            for one, is_one in zip(interfaces, chosen, strict=True)
        ]
    names = (one.name or f"#{number}" for number, one in enumerate(interfaces, 1))
    return [replace(one, vantage=f"{source.vantage}:{name}") for one, name in zip(interfaces, names, strict=True)]


def _chosen(source: Source, reader: CaptureReader) -> list[int]:
    """The interface that the user selected, each time the file describes it; if it has none so named, all of them."""
    if source.interface is None:
        return []
    return [number for number, one in enumerate(reader.interfaces) if one.name == source.interface]


def _info(source: Source, reader: CaptureReader, count: _Count, checksums: str) -> CaptureInfo:
    return CaptureInfo(
        path=source.path,
        vantage=source.vantage,
        format=reader.format,
        compression=reader.compression,
        interfaces=tuple(_named(source, reader.interfaces)),
        packets=count.packets,
        bytes=count.octets,
        captured_bytes=count.captured,
        file_bytes=reader.file_bytes,
        first_ns=count.first_ns,
        last_ns=count.last_ns,
        checksums=checksums,
        damage=reader.damage,
        is_anonymised=ANONYMISED in reader.comments,
        comments=tuple(_comments(reader)),
        untimed=count.untimed,
    )


def _comments(reader: CaptureReader) -> Iterator[Comment]:
    for text in reader.comments:
        if not text.startswith(GROUND_TRUTH):
            yield Comment(None, text)
    for frame, texts in reader.frame_comments.items():
        yield from (Comment(frame, text) for text in texts)


def _read_text(source: Source, other: NotACaptureError) -> Notes:
    from explain.symptoms.notes import read_notes

    return read_notes(other.content(_MOST_TEXT), path=source.path)


def _text(source: Source, notes: Notes, number: int, decoder: Decoder) -> CaptureInfo:
    """A text as an input; the packets that tcpdump's lines in it tell are rows of the table."""
    from explain.symptoms.listing import listing_of

    listing = listing_of(notes)
    if listing is None:
        return CaptureInfo.without_packets(source.path, source.vantage, "text")
    first, count, frames = len(decoder.table), _Count(), listing.frames()
    interfaces = _named(source, listing.interfaces)
    decoder.add(frames, number, interfaces)
    listing.mark(decoder.table, first)
    count.add(frames)
    times = (count.first_ns, count.last_ns) if listing.is_timed else (None, None)
    return CaptureInfo(
        source.path, source.vantage, "text", None, tuple(interfaces), count.packets, count.octets, count.captured, 0,
        *times, "none", None,
    )  # fmt: skip


def _unreadable(source: Source, error: UnreadableError) -> CaptureInfo:
    return _nothing_of(source, "unreadable", error.why)


def _unread(source: Source) -> CaptureInfo:
    return _nothing_of(source, INTERRUPTED, Line("damage.interrupted.before", {}))


def _nothing_of(source: Source, kind: str, line: Line) -> CaptureInfo:
    from explain.model import Damage

    return CaptureInfo.without_packets(source.path, source.vantage, damage=Damage(kind, 0, line))
