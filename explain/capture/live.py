"""Frames while they are heard: a capture that grows, read as far as it has come.

What hears is this process (AF_PACKET), or Wireshark's dumpcap where an ordinary user may run it, or whoever
writes into standard input; all of them give one stream in a format of captures.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, BinaryIO, Protocol, cast

from explain.capture.pcapng.writer import InterfaceBlock, PacketBlock, header_block, interface_block, packet_block
from explain.errors import InputError, MissingError, reason_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from explain.capture.recorder import Tap

_PAUSE_S = 0.1
_START_S = 5.0
ANY = "any"
"""The name that stands for all interfaces."""


class Raw(Protocol):
    """A stream that gives what has come, without waiting for more."""

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Fills some of the buffer; 0 is the end."""

    def fileno(self) -> int:
        """Its descriptor."""


class _Tee(io.RawIOBase):
    """What a stream gives, as soon as it gives it, after a head that was read before; written elsewhere as well.

    Attributes:
        name: of the stream, for people.
    """

    def __init__(self, stream: Raw, name: str, head: bytes = b"", copy: BinaryIO | None = None) -> None:
        super().__init__()
        self.name = name
        self._stream = stream
        self._head = head
        self._copy = copy

    def fileno(self) -> int:
        """That of the stream; what was read of it before does not come from there."""
        return self._stream.fileno()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Some octets, as soon as there are any; 0 is the end."""
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._head))
        if count:
            view[:count], self._head = self._head[:count], self._head[count:]
        else:
            count = self._stream.readinto(view) or 0
        if self._copy:
            self._keep(self._copy, view[:count])
        return count

    @staticmethod
    def _keep(copy: BinaryIO, octets: memoryview) -> None:
        try:
            while octets:
                octets = octets[copy.write(octets) :]
        except OSError as error:
            raise InputError("at.reason", path=copy.name, reason=reason_of(error, "unread.not_written")) from None


def stream_of(stream: Raw | BinaryIO, name: str, head: bytes = b"", copy: BinaryIO | None = None) -> BinaryIO:
    """What a stream gives, as soon as it gives it.

    Nothing is buffered between: whoever ends must not wait for a thread that waits for octets.

    Args:
        stream: one without a buffer of its own.
        name: of the stream, for people.
        head: what was read of it before, and comes first.
        copy: where everything is written as well, without a buffer of its own.
    """
    return cast("BinaryIO", _Tee(cast("Raw", stream), name, head, copy))


def hear(interface: str) -> BinaryIO:
    """A stream of pcapng with what an interface (or ``any``) carries from now on; closing it ends the hearing.

    Raises:
        InputError: there is no such interface.
        MissingError: nobody here may hear it.
    """
    if interface != ANY and interface not in {name for _, name in socket.if_nameindex()}:
        names = [name for _, name in socket.if_nameindex()]
        raise InputError("usage.no_interface_any", interface=interface, names=names, any=ANY)
    if sys.platform == "linux":
        from explain.capture.recorder import Tap

        try:
            return _from_tap(Tap(), interface)
        except PermissionError:
            pass
    return _from_dumpcap(interface)


def _from_tap(tap: Tap, interface: str) -> BinaryIO:
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    writer = os.fdopen(write_end, "wb", buffering=0)
    threading.Thread(target=_write, args=(tap, interface, writer), daemon=True).start()
    return cast("BinaryIO", io.FileIO(read_end))


def _write(tap: Tap, interface: str, writer: IO[bytes]) -> None:
    names = [name for _, name in socket.if_nameindex() if interface in (ANY, name)]
    place = {name: number for number, name in enumerate(names)}
    with tap, writer, contextlib.suppress(BrokenPipeError):
        writer.write(header_block(application="explain") + b"".join(interface_block(InterfaceBlock(n)) for n in names))
        while True:
            select.select([tap], [], [], _PAUSE_S)
            heard = [one for one in tap.drain() if interface in (ANY, one.interface)]
            for one in heard:
                if one.interface not in place:
                    place[one.interface] = len(place)
                    writer.write(interface_block(InterfaceBlock(one.interface)))
                block = PacketBlock(place[one.interface], one.time_ns, one.data, one.length, flags=one.flags)
                writer.write(packet_block(block))
            if not heard and not _is_read(writer):
                return


def _is_read(writer: IO[bytes]) -> bool:
    """Whether somebody still has the other end of a pipe."""
    poll = select.poll()
    poll.register(writer, 0)
    return not poll.poll(0)


def _from_dumpcap(interface: str) -> BinaryIO:
    program = shutil.which("dumpcap")
    if program is None:
        raise MissingError("missing.hearing", interface=interface)
    child = subprocess.Popen(
        [program, "-q", "-i", interface, "-w", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL, bufsize=0,
    )  # fmt: skip
    if child.stdout is None or child.stderr is None:
        raise MissingError("missing.hearing", interface=interface)
    if select.select([child.stdout], [], [], _START_S)[0] and _is_open(child.stdout):
        return cast("BinaryIO", child.stdout)
    child.kill()
    said = child.stderr.read().decode("utf-8", "replace").strip().partition("\n")[0]
    child.wait()
    raise MissingError("missing.hearing_said", interface=interface, said=said or "dumpcap: ?")


def _is_open(pipe: IO[bytes]) -> bool:
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return any(events & select.POLLIN for _, events in poll.poll(0))
