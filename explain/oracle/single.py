"""One frame as tshark dissects it, by pyshark."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explain.errors import MissingError
from explain.oracle.tshark import AS_RECORDED, program

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterator
    from typing import Any


@dataclass(frozen=True, slots=True)
class Layer:
    """One header of a frame in tshark's words.

    Attributes:
        name: tshark's name of the protocol.
        fields: (display-filter name, line as Wireshark shows it), in order.  The lines hold
            what the packet holds: make control characters visible before showing them.
    """

    name: str
    fields: tuple[tuple[str, str], ...]


def second_opinion(path: str, frame: int) -> tuple[Layer, ...]:
    """The layers of one frame, from the outside in; none if the capture has no such frame.

    Args:
        path: a capture in any format that tshark reads.
        frame: number in the file, from 1.

    Raises:
        MissingError: tshark or pyshark is not installed.
    """
    program()
    try:
        import pyshark
    except ImportError:
        raise MissingError("missing.pyshark") from None
    preferences = dict(preference.split(":") for preference in AS_RECORDED)
    with _own_loop() as loop:
        capture = pyshark.FileCapture(
            path,
            eventloop=loop,
            display_filter=f"frame.number == {frame}",
            keep_packets=False,
            override_prefs=preferences,
            custom_parameters=["-n", "-c", str(frame)],  # what comes later is not read
        )
        try:
            return tuple(_layer(layer) for layer in capture.next().layers)
        except StopIteration:
            return ()
        finally:
            capture.close()


@contextmanager
def _own_loop() -> Iterator[AbstractEventLoop]:
    """A loop of events for a while: one that is left open goes on hearing of every child of this process."""
    import asyncio

    if sys.platform == "linux" and sys.version_info < (3, 12):  # there its default loses the status of fast programs
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _layer(layer: Any) -> Layer:
    fields = (layer.get_field(name) for name in layer.field_names)
    lines = ((one.name, one.showname) for field in fields for one in field.all_fields if one.showname)
    return Layer(layer.layer_name, tuple(lines))
