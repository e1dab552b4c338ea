"""Ctrl-C during a long reading: it comes through while octets are fetched, never while they are decoded."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from explain.capture.source import Fault
from explain.model import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPPED = Fault(f"{INTERRUPTED}.here")


class Patience:
    """What Ctrl-C does meanwhile: a signal's mask would not do, since another thread may get it."""

    def __init__(self) -> None:
        self._is_fetching = False
        self._was_pressed = False

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Lets Ctrl-C wait until this ends or ``let_through`` begins; only the main thread hears of it at all."""
        is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        threading = sys.modules.get("threading")  # where nobody has loaded it there is but one thread
        if not is_usual or (threading and threading.current_thread() is not threading.main_thread()):
            yield
            return
        signal.signal(signal.SIGINT, lambda *_: self._press())
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Lets a Ctrl-C that waited come now, and any other until this ends, as KeyboardInterrupt."""
        self._is_fetching = True
        try:
            if self._was_pressed:
                self._press()
            yield
        finally:
            self._is_fetching = False

    def _press(self) -> None:
        self._was_pressed = not self._is_fetching
        if self._is_fetching:
            raise KeyboardInterrupt
