"""Hears a network namespace from a thread of this process while something else goes on."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

from explain.capture.pcapng.writer import InterfaceBlock, PacketBlock, section
from explain.capture.recorder import Tap
from explain.errors import InputError, MissingError

if TYPE_CHECKING:
    from explain.capture.recorder import Heard

_PAUSE_S = 0.05
ANY = "any"
"""The name that stands for all interfaces."""


class Ear:
    """Keeps every frame between entering and leaving.

    Attributes:
        heard: the frames, oldest first.
        dropped: frames that were lost.
    """

    def __init__(self, namespace: str | int | None, interface: str = ANY, settle_s: float = 0.0) -> None:
        self.heard: list[Heard] = []
        self.dropped = 0
        self._where = namespace
        self._interface = interface
        self._settle_s = settle_s
        self._names: list[str] = []
        self._wake, self._end = os.pipe2(os.O_CLOEXEC)
        self._is_ready = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_ready.wait()
        if self._error:
            self._close()
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(self._settle_s)
        self._close()
        if self._error:
            raise self._error

    def _close(self) -> None:
        os.close(self._end)
        self._thread.join()
        os.close(self._wake)

    def _listen(self) -> None:
        """The thread: it enters the namespace for ever, and ends."""
        try:
            with self._tap() as tap:
                self._is_ready.set()
                while not select.select([self._wake], [], [], 0)[0]:
                    select.select([tap.fileno(), self._wake], [], [], _PAUSE_S)
                    self._take(tap)
                self._take(tap)
        except (OSError, InputError, MissingError) as error:
            self._error = error
        finally:
            self._is_ready.set()

    def _take(self, tap: Tap) -> None:
        self.heard += [one for one in tap.drain() if self._interface in (ANY, one.interface)]
        self.dropped = tap.dropped

    def _tap(self) -> Tap:
        try:
            if self._where is not None:
                _enter(self._where)
            self._names = [name for _, name in socket.if_nameindex()]
            if self._interface != ANY and self._interface not in self._names:
                raise InputError("usage.no_interface", interface=self._interface, names=[*self._names])
            return Tap()
        except PermissionError:
            raise MissingError("missing.hearing_namespace") from None

    def pcapng(self) -> bytes:
        """What was heard, as a file."""
        known = [name for name in self._names if self._interface in (ANY, name)]
        names = list(dict.fromkeys([*known, *(one.interface for one in self.heard)]))
        place = {name: number for number, name in enumerate(names)}
        packets = [PacketBlock(place[h.interface], h.time_ns, h.data, h.length, flags=h.flags) for h in self.heard]
        return b"".join(section([InterfaceBlock(name) for name in names], packets, application="explain"))


def _enter(where: str | int) -> None:
    from explain.lab import kernel

    named = f"/proc/{where}/ns/net" if isinstance(where, int) else where if "/" in where else f"/run/netns/{where}"
    try:
        net = os.open(named, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise InputError("usage.no_namespace", where=where) from None
    try:
        kernel.setns(net, kernel.CLONE_NEWNET)
    finally:
        os.close(net)
