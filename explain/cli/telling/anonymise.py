"""``--anonymise``: what goes into a ticket tells what happened, and not who you are.

The captures are written anew under other names, and only these copies are explained: so nothing of
the originals can stand in any form of output.
"""

from __future__ import annotations

import secrets
import struct
import tempfile
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from explain.capture.vantage import Source, sources
from explain.cli.talk import noted
from explain.errors import NotACaptureError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.decode.anonymise.pseudonyms import Pseudonyms

_IN_MEMORY = 64 << 20
_PIECE = 1 << 20


@contextmanager
def renamed(files: Sequence[str | Source], options: Mapping[str, Any]) -> Iterator[list[Source]]:
    """Copies of the captures under other names, to be explained instead; with ``-w`` the copy is kept.

    Raises:
        UsageError: ``-w`` without ``--anonymise``, of several captures, or an input that is no capture.
    """
    from explain.decode.anonymise.pseudonyms import Pseudonyms

    output = options["write"]
    if output and not options["anonymise"]:
        raise UsageError("usage.w_needs_anonymise")
    if options["second_opinion"]:
        raise UsageError("usage.anonymised_opinion")
    found = sources(files)
    if output and len(found) > 1:
        raise UsageError("usage.w_one")
    names = Pseudonyms(secrets.token_bytes(32))
    with ExitStack() as opened:
        copies = []
        for number, one in enumerate(found, start=1):
            copy = opened.enter_context(_copy(one, names))
            copies.append(Source(f"anonymised-{number}.pcapng", one.name, one.interface, copy))
            if output:
                _keep(copy, output)
        yield copies


def _copy(source: Source, names: Pseudonyms) -> BinaryIO:
    """One capture as a pcapng with the names of its interfaces, and nothing else that somebody wrote into it."""
    from explain.capture import open_capture
    from explain.capture.pcapng.options import ANONYMISED
    from explain.capture.pcapng.writer import InterfaceBlock, section
    from explain.decode.anonymise.frames import anonymised

    packets, whole = _spool(), _spool()
    try:
        with open_capture(source.path, source.stream) as reader:
            for window in reader.frames():
                links = [one.link_type for one in reader.interfaces]
                columns = (window.start, window.captured, window.length, window.time_ns, window.interface)
                for start, captured, length, time_ns, at in zip(*(one.tolist() for one in columns), strict=True):
                    octets = anonymised(window.data[start : start + captured].tobytes(), links[at], names)
                    packets.write(_packet(at, time_ns, octets, length))
            described = [InterfaceBlock(one.name or "", None, None, one.link_type) for one in reader.interfaces]
            if reader.damage:
                noted("damage.told", path=source.path, offset=reader.damage.offset, what=reader.damage.line)
    except NotACaptureError as error:
        raise UsageError("usage.anonymise_text", path=source.path, reason=error.why) from None
    whole.writelines(section(described, (), comments=(ANONYMISED,)))
    packets.seek(0)
    while piece := packets.read(_PIECE):
        whole.write(piece)
    packets.close()
    whole.seek(0)
    return whole


def _spool() -> BinaryIO:
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))


def _packet(interface: int, time_ns: int, octets: bytes, length: int) -> bytes:
    from explain.capture.pcapng.writer import ENHANCED_PACKET, block

    fixed = struct.pack("<III", interface, time_ns >> 32 & 0xFFFFFFFF, time_ns & 0xFFFFFFFF)
    return block(
        ENHANCED_PACKET, fixed + struct.pack("<II", len(octets), length) + octets + bytes(-len(octets) % 4), b""
    )


def _keep(copy: BinaryIO, output: str) -> None:
    from explain.cli.output import whole_file

    with whole_file(output) as file:
        while piece := copy.read(_PIECE):
            file.write(piece)
    copy.seek(0)
