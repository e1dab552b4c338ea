"""Streams of octets: as stored, or unpacked from gzip or zstd while they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from explain.capture.source import Fault
from explain.errors import reason_of

if TYPE_CHECKING:
    import zlib

_CHUNK = 256 << 10
"""Octets read from the stored stream at a time."""

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class StoredOctets:
    """The octets as they are stored."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._head = b""
        self.consumed = 0
        self.fault: Fault | None = None

    def read(self, count: int = _CHUNK) -> bytes:
        """Some octets, at most ``count``; empty at the end."""
        if self._head:
            got, self._head = self._head[:count], self._head[count:]
        else:
            got = self._read_raw(count)
        self.consumed += len(got)
        return got

    def unread(self, octets: bytes) -> None:
        """Puts back what was read to see what it is."""
        self._head = octets + self._head
        self.consumed -= len(octets)

    def _read_raw(self, count: int) -> bytes:
        read = getattr(self._raw, "read1", self._raw.read)
        try:
            return read(count) or b""
        except OSError as error:
            self.fault = Fault("read-error", reason_of(error))
            return b""

    def readinto(self, view: memoryview) -> int:
        """Fills some of ``view``; 0 is the end."""
        got = self.read(min(len(view), _CHUNK))
        view[: len(got)] = got
        return len(got)


class GzipOctets:
    """The members of a gzip stream, one after the other.

    Source: RFC 1952, section 2.2 (several members are one stream).
    """

    def __init__(self, stored: StoredOctets) -> None:
        self._stored = stored
        self._input = b""
        self._member: zlib._Decompress | None = None
        self._is_done = False
        self.fault: Fault | None = None

    @property
    def consumed(self) -> int:
        """Octets of the stored file that were read so far."""
        return self._stored.consumed

    def readinto(self, view: memoryview) -> int:
        """Fills some of ``view``; 0 is the end."""
        while not self._is_done:
            if not self._input and not self._more():
                break
            if self._member is None and not self._begin():
                continue
            got = self._inflate(len(view))
            if got:
                view[: len(got)] = got
                return len(got)
        return 0

    def _more(self) -> bool:
        more = self._stored.read()
        self._input += more
        if more:
            return True
        self._is_done = True
        if self._member is not None:
            self.fault = self._stored.fault or Fault("cut-compression.gzip")
        else:
            self.fault = self._stored.fault
        return False

    def _begin(self) -> bool:
        import zlib

        # gzip(1) pads with zeros on some media and ignores what is no member at the end.
        self._input = self._input.lstrip(b"\0")
        if len(self._input) < len(GZIP_MAGIC) and self._more():
            return False
        if not self._input.startswith(GZIP_MAGIC):
            self._is_done = self._is_done or bool(self._input)
            return False
        self._member = zlib.decompressobj(wbits=31)
        return True

    def _inflate(self, room: int) -> bytes:
        import zlib

        assert self._member is not None  # noqa: S101  begun by the caller
        before = self._member.copy()
        try:
            got = self._member.decompress(self._input, room)
        except zlib.error as error:
            self._is_done = True
            self.fault = Fault("bad-compression.gzip", _reason(error))
            return _salvage(before, self._input, room)
        if self._member.eof:
            self._input, self._member = self._member.unused_data, None
        else:
            self._input = self._member.unconsumed_tail
        return got


def _reason(error: Exception) -> str:
    """What zlib or zstd says, without its prefix."""
    return str(error).rpartition(": ")[2]


def _salvage(member: zlib._Decompress, data: bytes, room: int) -> bytes:
    """What comes before the fault: zlib gives nothing of a call that fails, so feed it octet by octet."""
    import zlib

    found, pending = bytearray(), b""
    try:
        for index in range(len(data)):
            found += member.decompress(pending + data[index : index + 1], room - len(found))
            if len(found) >= room:
                break
            pending = member.unconsumed_tail
    except zlib.error:
        return bytes(found)
    return bytes(found)


class ZstdOctets:
    """The frames of a zstd stream, unpacked block by block, so that no input grows without bound.

    Source: RFC 8878, sections 3.1.1 (frames, blocks) and 3.1.2 (skippable frames).
    """

    def __init__(self, stored: StoredOctets) -> None:
        self._stored = stored
        self._input = bytearray()
        self._frame: Any = None
        self._has_checksum = False
        self._output = memoryview(b"")
        self._is_done = False
        self.fault: Fault | None = None

    @property
    def consumed(self) -> int:
        """Octets of the stored file that were read so far."""
        return self._stored.consumed

    def readinto(self, view: memoryview) -> int:
        """Fills some of ``view``; 0 is the end."""
        while not self._output and not self._is_done:
            self._output = memoryview(self._next())
        got = min(len(view), len(self._output))
        view[:got] = self._output[:got]
        self._output = self._output[got:]
        return got

    def _next(self) -> bytes:
        import zstandard

        try:
            return self._block() if self._frame is not None else self._header()
        except zstandard.ZstdError as error:
            return self._end(Fault("bad-compression.zstd", _reason(error)))

    def _end(self, fault: Fault | None) -> bytes:
        self._is_done = True
        self.fault = fault
        return b""

    def _have(self, count: int) -> bool:
        while len(self._input) < count:
            more = self._stored.read()
            if not more:
                self._end(self._stored.fault or Fault("cut-compression.zstd"))
                return False
            self._input += more
        return True

    def _take(self, count: int) -> bytes:
        taken = bytes(self._input[:count])
        del self._input[:count]
        return taken

    def _header(self) -> bytes:
        import zstandard

        if not self._input:
            self._input += self._stored.read()
        if not self._input:
            return self._end(self._stored.fault)
        if not self._have(5):
            return b""
        if self._input[1:4] == b"\x2a\x4d\x18" and self._input[0] >> 4 == 5:
            return self._skip()
        if self._input[:4] != ZSTD_MAGIC:
            return self._end(Fault("bad-compression.no_frame"))
        descriptor = self._input[4]
        is_single = descriptor >> 5 & 1
        size = 5 + (1 - is_single) + (0, 1, 2, 4)[descriptor & 3] + (is_single, 2, 4, 8)[descriptor >> 6]
        if not self._have(size):
            return b""
        self._has_checksum = bool(descriptor & 4)
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        got: bytes = self._frame.decompress(self._take(size))
        return got

    def _skip(self) -> bytes:
        if self._have(8):
            left = int.from_bytes(self._input[4:8], "little") + 8
            while left and self._have(1):
                left -= len(self._take(left))
        return b""

    def _block(self) -> bytes:
        if not self._have(3):
            return b""
        header = int.from_bytes(self._input[:3], "little")
        is_last, kind, size = header & 1, header >> 1 & 3, header >> 3
        count = 3 + (1 if kind == 1 else size) + (4 if is_last and self._has_checksum else 0)
        if kind == 3 or size > 128 << 10:
            return self._end(Fault("bad-compression.block"))
        if not self._have(count):
            return b""
        got: bytes = self._frame.decompress(self._take(count))
        if is_last:
            self._frame = None
        return got
