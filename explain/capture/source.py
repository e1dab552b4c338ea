"""Where the octets of a capture come from: a mapped file, or a stream in a reused buffer."""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
from typing import TYPE_CHECKING, Protocol

from explain.model import Damage, Line
from explain.record import dataclass

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_LEAD = 16
"""Octets kept before the first unread one, so that every frame has a header's room before it."""

MAP_SPAN = 32 << 20
"""Octets of a mapped file looked at in one window."""

_STREAM_SPAN = 8 << 20
"""Octets of a stream held at a time, unless one record is larger."""

SMALL_FILE = 1 << 20
"""A file up to this size is read at once: cheaper than mapping, and safe if somebody truncates it."""

_MADV_POPULATE_READ = 22  # madvise(2); Python's mmap has no name for it


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a stream of octets ended early: the name of a sentence about damage, and its values."""

    what: str
    said: str | Line = ""

    def at(self, offset: int) -> Damage:
        """As the damage of the capture in it."""
        return Damage.at(offset, self.what, said=self.said)


@dataclass(frozen=True, slots=True)
class Window:
    """Octets to look at.

    Attributes:
        data: the octets, uint8.
        base: offset of ``data[0]`` in the uncompressed stream.
        first: index into ``data`` of the first octet that was not consumed yet.
        is_last: nothing follows ``data``.
        store: what ``data`` is a view of.
        origin: index into ``store`` of ``data[0]``.
    """

    data: npt.NDArray[np.uint8]
    base: int
    first: int
    is_last: bool
    store: mmap.mmap | bytes | bytearray
    origin: int


class Octets(Protocol):
    """A stream of uncompressed octets.

    Attributes:
        fault: why it ended early, or None.
    """

    fault: Fault | None

    @property
    def consumed(self) -> int:
        """Octets of the stored file that were read so far."""

    def readinto(self, view: memoryview) -> int:
        """Fills some of ``view``; 0 is the end."""


class OctetSource(Protocol):
    """What a reader of a format asks for octets."""

    is_mapped: bool

    def peek(self, count: int) -> bytes:
        """The first octets of the stream, fewer only where it is shorter."""

    def window(self, at: int, need: int, span: int) -> Window:
        """Octets from offset ``at`` on: about ``span``, never less than ``need`` unless the stream ends."""

    def rest(self, at: int) -> Window:
        """The octets from offset ``at`` on that are there already, as the last ones: nobody waits for more."""

    def has_stayed(self) -> bool:
        """Whether what the windows showed so far was what the file held."""

    def fault(self) -> Fault | None:
        """Why the stream ended early, once it has ended."""

    def position(self, at: int) -> int:
        """Octets of the stored file that stand for the first ``at`` uncompressed ones, roughly."""

    def close(self) -> None:
        """Lets go of the file."""


class MappedSource:
    """A plain file, mapped: windows are slices of the map and stay valid until it is closed."""

    is_mapped = True

    def __init__(self, descriptor: int, size: int) -> None:
        self.size = size
        self._octets: mmap.mmap | bytes
        self._given_back = 0
        self._handed_out = 0
        self._address = 0
        self._descriptor = descriptor
        if size <= SMALL_FILE:
            self._octets = os.pread(descriptor, size, 0)
            self.size = len(self._octets)
        else:
            self._octets = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
            self._guard()

    def _guard(self) -> None:
        import numpy as np

        from explain.capture.shrinking import guard

        self._address = np.frombuffer(self._octets, np.uint8).ctypes.data
        guard(self._descriptor, self._address, self.size)

    def peek(self, count: int) -> bytes:
        """The first octets of the file, fewer only where it is shorter."""
        return self._octets[:count]

    def window(self, at: int, need: int, span: int) -> Window:
        """A slice of the map; see ``OctetSource.window``."""
        import numpy as np

        low = max(0, at - _LEAD)
        high = min(self._size_now(), at + max(need, span))
        self._handed_out = max(self._handed_out, high)
        self._give_back(low)
        self._bring_in(low, high)
        data = np.frombuffer(self._octets, np.uint8, high - low, low) if high > low else np.empty(0, np.uint8)
        return Window(data, low, at - low, high >= self.size, self._octets, low)

    def rest(self, at: int) -> Window:
        """Nothing more; see ``OctetSource.rest``."""
        self.size = min(self.size, at)
        return self.window(at, 0, 0)

    def _size_now(self) -> int:
        """The file may be cut meanwhile; what was not looked at yet is then no loss."""
        if isinstance(self._octets, mmap.mmap):
            self.size = min(self.size, os.fstat(self._descriptor).st_size)
        return self.size

    def has_stayed(self) -> bool:
        """Whether the file still has all octets that windows showed; else some may have been zeros."""
        is_mapped = isinstance(self._octets, mmap.mmap)
        return not is_mapped or os.fstat(self._descriptor).st_size >= self._handed_out

    def _bring_in(self, low: int, high: int) -> None:
        """Lets the kernel map a window at one go: a fault for every few pages costs more than to decode them."""
        low -= low % mmap.PAGESIZE
        if isinstance(self._octets, mmap.mmap) and high > low and sys.platform == "linux":
            with contextlib.suppress(OSError):  # a kernel before 5.14: then page by page
                self._octets.madvise(_MADV_POPULATE_READ, low, high - low)

    def _give_back(self, until: int) -> None:
        """Lets the kernel unmap what was read; whoever looks there again has it mapped again."""
        until -= until % mmap.PAGESIZE
        if isinstance(self._octets, mmap.mmap) and until > self._given_back:
            self._octets.madvise(mmap.MADV_DONTNEED, self._given_back, until - self._given_back)
            self._given_back = until

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` octets from ``offset`` on; fewer where the file was cut meanwhile."""
        if isinstance(self._octets, mmap.mmap):
            return os.pread(self._descriptor, count, offset)
        return self._octets[offset : offset + count]

    def fault(self) -> Fault | None:
        """None: a map has all its octets."""
        return None

    def position(self, at: int) -> int:
        """``at`` itself: nothing is compressed."""
        return at

    def close(self) -> None:
        """Unmaps the file, or leaves that to the last slice that somebody still holds."""
        octets, self._octets, self.size = self._octets, b"", 0
        if isinstance(octets, mmap.mmap):
            from explain.capture.shrinking import release

            release(self._address)
            try:
                octets.close()
            except BufferError:
                return


class StreamSource:
    """A stream, seen through one buffer that is filled again and again.

    Args:
        octets: the stream.
        is_live: a window is what has come so far; nobody waits until it is full.
    """

    is_mapped = False

    def __init__(self, octets: Octets, *, is_live: bool = False) -> None:
        self._octets = octets
        self._is_live = is_live
        self._buffer = bytearray(0)
        self._base = 0
        self._filled = 0
        self._is_ended = False

    def peek(self, count: int) -> bytes:
        """The first octets of the stream, fewer only where it is shorter; valid before the first window moves on."""
        self._fill(count, count)
        return bytes(self._buffer[: min(count, self._filled)])

    def window(self, at: int, need: int, span: int) -> Window:
        """The buffer from shortly before ``at`` on, filled up; see ``OctetSource.window``."""
        import numpy as np

        low = max(self._base, at - _LEAD)
        gone = low - self._base
        if gone:
            with memoryview(self._buffer) as view:
                view[: self._filled - gone] = view[gone : self._filled]
            self._base, self._filled = low, self._filled - gone
        wanted = at - low + max(need, min(span, _STREAM_SPAN - _LEAD))
        self._fill(at - low + max(need, 1) if self._is_live else wanted, wanted)
        data = np.frombuffer(self._buffer, np.uint8, self._filled)
        return Window(data, low, at - low, self._is_ended, self._buffer, 0)

    def rest(self, at: int) -> Window:
        """What the buffer holds; see ``OctetSource.rest``."""
        self._is_ended = True
        return self.window(at, 0, 0)

    def has_stayed(self) -> bool:
        """True: the buffer is our own."""
        return True

    def _fill(self, wanted: int, room: int) -> None:
        if room > len(self._buffer):
            # Views of the old buffer may be alive, so it cannot be resized in place.
            larger = bytearray(max(room, 2 * len(self._buffer)))
            larger[: self._filled] = memoryview(self._buffer)[: self._filled]
            self._buffer = larger
        with memoryview(self._buffer) as view:
            while self._filled < wanted and not self._is_ended:
                with view[self._filled : room] as free:
                    got = self._octets.readinto(free)
                self._filled += got
                self._is_ended = got == 0

    def fault(self) -> Fault | None:
        """Why the stream ended early, once it has ended."""
        return self._octets.fault

    def position(self, at: int) -> int:  # noqa: ARG002  the stored octets cannot be told from the unpacked ones
        """Octets of the stored file read so far."""
        return self._octets.consumed

    def close(self) -> None:
        """Lets go of the buffer."""
        self._buffer = bytearray(0)
        self._filled = 0
        self._is_ended = True
