"""One capture file, opened: what it is, and its frames in windows."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, BinaryIO, Self

from explain.capture.inflate import GzipOctets, StoredOctets, ZstdOctets
from explain.capture.recognise import compression_of, format_reader
from explain.capture.source import MAP_SPAN, MappedSource, OctetSource, StreamSource
from explain.errors import NotACaptureError, ShrunkError, UnreadableError, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.capture.frames import Frames
    from explain.capture.interrupt import Patience
    from explain.capture.source import Fault, Window
    from explain.capture.step import FormatReader, Step
    from explain.model import Damage, Interface

_FIRST_SPAN = 1 << 20
"""Octets of the first window: a small file is done with it."""

_SECTION_SPAN = 4 << 10
"""Octets of the first window of a section, which may be short."""

_GROWTH = 16
"""A window is at most so many times as long as the one before: what is mapped for a section stays near its size."""

FRAMES = 34 << 10
"""Frames in a window, about: their columns stay where the allocator reuses them, and are decoded at one go."""

HEAD = 64 << 10
"""Octets kept of what is no capture."""


class CaptureReader:
    """Reads one capture, once, from its beginning; a context manager.

    Attributes:
        path: the file as it was named by the user.
        format: ``pcap`` or ``pcapng``.
        compression: ``gzip``, ``zstd`` or None.
        damage: why reading ended early, once it has; else None.
        is_mapped: the data of each window stays valid until the reader is closed, and ``read_at`` works.
    """

    def __init__(self, path: str, source: OctetSource, kind: tuple[str, FormatReader], compression: str | None) -> None:
        self.path = path
        self.format, self._reader = kind
        self.compression = compression
        self.damage: Damage | None = None
        self.is_mapped = source.is_mapped
        self._source = source
        self._at = self._reader.first
        self._file: BinaryIO | None = None
        self._size: int | None = None

    def own(self, file: BinaryIO, size: int | None) -> Self:
        """Takes charge of closing the file; ``size`` is its octets as stored, None where nobody knows yet."""
        self._file, self._size = file, size
        return self

    @property
    def interfaces(self) -> list[Interface]:
        """The interfaces known so far; a pcapng may declare more while it is read."""
        return self._reader.interfaces

    @property
    def fcs(self) -> list[int]:
        """Octets of frame check sequence at the end of each frame, by interface; 0 where unknown."""
        return self._reader.fcs

    @property
    def comments(self) -> list[str]:
        """What the writers of a pcapng say about its sections."""
        return self._reader.comments

    @property
    def frame_comments(self) -> dict[int, tuple[str, ...]]:
        """What they say about some of the frames read so far, by the frames' numbers."""
        return self._reader.frame_comments

    @property
    def file_bytes(self) -> int:
        """Octets of the file as it is stored; of a stream, those read so far."""
        return self.position() if self._size is None else self._size

    def position(self) -> int:
        """Octets of the stored file that were consumed so far."""
        return self._source.position(self._at)

    def frames(self, patience: Patience | None = None) -> Iterator[Frames]:
        """The frames in file order, window after window; sets ``damage`` where they end early.

        Args:
            patience: Ctrl-C is held back by it; where it comes through, the frames end, and ``damage`` says so.

        Raises:
            ShrunkError: somebody cut the file while its last frames were looked at.
        """
        span, need = _FIRST_SPAN, 0
        while self.damage is None:
            window, fault = self._window(need, span, patience)
            self._ensure_it_stayed()
            step = self._reader.read(window)
            self._at, need = window.base + step.end, step.need
            if step.frames is not None:
                yield step.frames
            self._ensure_it_stayed()
            is_done = window.is_last and step.end == len(window.data)
            self.damage = step.damage
            if fault is not None and (is_done or (step.damage is not None and step.damage.kind == "cut-record")):
                # The record is cut because the stream was.
                self.damage = fault.at(self._at)
            if is_done:
                return
            span = _SECTION_SPAN if step.is_restart else min(_comfortable(step), _GROWTH * span)

    def _ensure_it_stayed(self) -> None:
        if not self._source.has_stayed():
            raise ShrunkError(self.path)

    def _window(self, need: int, span: int, patience: Patience | None) -> tuple[Window, Fault | None]:
        """The next octets, and why none follow although there should be more."""
        if patience is None:
            window = self._source.window(self._at, need, span)
            return window, self._source.fault() if window.is_last else None
        from explain.capture.interrupt import STOPPED

        try:
            with patience.let_through():
                window = self._source.window(self._at, need, span)
        except KeyboardInterrupt:
            return self._source.rest(self._at), STOPPED
        return window, self._source.fault() if window.is_last else None

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` octets of a mapped file, from ``offset`` on.

        Raises:
            ValueError: the file is not mapped.
        """
        if not isinstance(self._source, MappedSource):
            raise ValueError("only a mapped file can be read anywhere")  # noqa: TRY004
        return self._source.read_at(offset, count)

    def octets(self) -> Iterator[bytes]:
        """Everything from the first octet on, unpacked, piece by piece; instead of ``frames``, not beside it."""
        at = 0
        while True:
            window = self._source.window(at, 1, _FIRST_SPAN)
            piece = bytes(window.data[window.first :])
            if not piece:
                return
            yield piece
            at += len(piece)

    def close(self) -> None:
        """Lets go of the file; windows must not be used any more."""
        self._source.close()
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _comfortable(step: Step) -> int:
    """Octets that hold about as many frames as a window should, judged by the last one."""
    if step.frames is None:
        return MAP_SPAN
    count = len(step.frames.start)
    octets = int(step.frames.start[-1] - step.frames.start[0]) + 1
    return min(MAP_SPAN, max(_FIRST_SPAN, octets * FRAMES // count))


def open_capture(path: str, stream: BinaryIO | None = None, *, is_mapped: bool = True) -> CaptureReader:
    """Opens a capture, recognised by its content.

    Args:
        path: the file, or ``-`` for standard input; with a stream, only its name for people.
        stream: what to read instead; it is not closed.
        is_mapped: a plain file is mapped, which is faster; else it is read, and may be cut by others meanwhile.

    Raises:
        UnreadableError: it cannot be opened, is empty, or its header is unsound.
        NotACaptureError: it is something else, perhaps text.
    """
    if stream is None and path == "-":
        stream = sys.stdin.buffer
    if stream is not None:
        return _opened(path, _stream_source(stream), stream)
    try:
        file = _open(path)
    except (OSError, ValueError) as error:
        why = error if isinstance(error, OSError) else OSError(0, str(error))
        raise UnreadableError(path, reason_of(why, "unread.not_opened")) from None
    try:
        status = os.fstat(file.fileno())
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        if is_mapped and size and compression_of(os.pread(file.fileno(), 4, 0)) is None:
            source: tuple[OctetSource, str | None] = MappedSource(file.fileno(), size), None
        else:
            source = _stream_source(file)
        return _opened(path, source, None).own(file, size)
    except OSError as error:
        file.close()
        raise UnreadableError(path, reason_of(error, "unread.not_read")) from None
    except BaseException:
        file.close()
        raise


def live_capture(path: str, stream: BinaryIO) -> CaptureReader:
    """Opens a capture that is still being written, plain; its windows are what has come so far.

    Raises:
        UnreadableError: it is empty, or its header is unsound.
        NotACaptureError: it is something else, perhaps text.
    """
    return _opened(path, (StreamSource(StoredOctets(stream), is_live=True), None), stream)


def _open(path: str) -> BinaryIO:
    return open(path, "rb", buffering=0)  # noqa: PTH123  pathlib takes longer to load than a small file to read


def _stream_source(raw: BinaryIO) -> tuple[StreamSource, str | None]:
    head, stored = b"", StoredOctets(raw)
    while len(head) < 4 and (more := stored.read(4 - len(head))):
        head += more
    stored.unread(head)
    compression = compression_of(head)
    if compression == "gzip":
        return StreamSource(GzipOctets(stored)), compression
    return StreamSource(ZstdOctets(stored) if compression else stored), compression


def _opened(path: str, found: tuple[OctetSource, str | None], stream: BinaryIO | None) -> CaptureReader:
    source, compression = found
    kind = format_reader(path, source)
    if kind is not None:
        return CaptureReader(path, source, kind, compression)
    head = source.peek(HEAD)

    def content(limit: int) -> bytes:
        if stream is not None:
            return source.peek(limit)
        with _open(path) as file:
            return _stream_source(file)[0].peek(limit)

    raise NotACaptureError(path, head, content)
