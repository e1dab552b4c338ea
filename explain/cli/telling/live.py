"""``explain -i IFACE``, and ``tcpdump -U -w - | explain -``: what happens is told while it happens."""

from __future__ import annotations

import io
import os
import queue
import select
import signal
import stat
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from explain.cli.talk import noted
from explain.errors import ExplainError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.exchanges.selection import Selection
    from explain.live.watch import Watch
    from explain.live.window import Copy
    from explain.model import Interface, Line

_LOOK_S = 0.5
_SHARE = 5  # of so many seconds, one may be spent on looking
_MOST_WAITING = 256
_PATIENCE_S = 1.0
_HEAD = 1 << 20
_FRESH_S = 600
_WHOLE_ONLY = (
    "as_json",
    "output",
    "everything",
    "ladder",
    "check",
    "second_opinion",
    "checksums",
    "inside",
    "verbose",
    "anonymise",
    "against",
    "between",  # from the beginning, which is forgotten
)


def is_told_live(options: Mapping[str, Any]) -> bool:
    """Whether these options suit a story without an end."""
    return options["form"] == "terminal" and not any(options[name] for name in _WHOLE_ONLY)


def standard_input() -> tuple[BinaryIO, bool]:
    """Standard input, and whether it is a capture that is being made now: fresh frames, and then a pause.

    What is read to find that out comes first in the stream that is given back.
    """
    raw = io.FileIO(sys.stdin.fileno(), closefd=False)
    mode = os.fstat(raw.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return sys.stdin.buffer, False
    from explain.capture.live import stream_of

    head, until, pauses = b"", float("inf"), False
    try:
        while len(head) < _HEAD:
            wait = max(0.0, until - time.monotonic()) if head else None
            pauses = not select.select([raw], [], [], wait)[0]
            if pauses:
                break
            more = raw.read(_HEAD - len(head)) or b""
            if not more:
                break
            until = time.monotonic() + _PATIENCE_S if not head else until
            head += more
    except KeyboardInterrupt:
        return _Stopped(head), False
    return stream_of(raw, "-", head), pauses and _is_fresh(head)


class _Stopped(io.BytesIO):
    """What came before Ctrl-C, and then Ctrl-C again for whoever reads on."""

    def read1(self, size: int | None = -1) -> bytes:
        got = super().read1(size)
        if not got:
            raise KeyboardInterrupt
        return got


def _is_fresh(head: bytes) -> bool:
    from explain.capture.reader import open_capture

    try:
        with open_capture("-", io.BytesIO(head)) as reader:
            if reader.compression is not None:
                return False
            first = next((int(frames.time_ns[0]) for frames in reader.frames() if len(frames.start)), None)
    except ExplainError:
        return False
    return first is None or abs(time.time() - first / 1e9) < _FRESH_S


def live(options: Mapping[str, Any], selection: Selection | None, stream: BinaryIO | None = None) -> int:
    """Tell what an interface carries, or a stream that goes on, until it ends or is ended; then sum it up.

    Raises:
        UsageError: the options ask for something that needs an end.
        MissingError: nobody here may hear the interface.
    """
    from explain.capture.live import hear, stream_of
    from explain.live.watch import Watch

    if not is_told_live(options):
        raise UsageError("usage.live_form")
    name = options["interface"] or "-"
    watch = Watch(selection, is_quiet=options["quiet"])
    with ExitStack() as stack:
        # A shell lets what it starts in the background ignore SIGINT, and ``timeout`` sends SIGTERM.
        for one in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, one, signal.signal(one, signal.default_int_handler))
        source = stream or stack.enter_context(hear(name))  # standard input stays open: a thread waits for it
        copy = stack.enter_context(Path(options["write"]).open("wb", buffering=0)) if options["write"] else None
        heard = _Heard(stream_of(source, name, copy=copy), name)
        if sys.stderr.isatty():
            noted("live.listening", name=name)
        try:
            _tell(watch, heard, options["lang"])
        except KeyboardInterrupt:
            heard.take(watch)
        last = watch.look(heard.interfaces, heard.now_ns(watch), is_over=True)
        _show([*last, *watch.summary()], options["lang"])
    if heard.error:
        raise heard.error
    return 0


class _Heard:
    """A thread that reads, because reading waits.

    Attributes:
        interfaces: those that the frames taken so far refer to.
        error: why it could not be read at all.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.interfaces: Sequence[Interface] = ()
        self.error: ExplainError | None = None
        self._queue: queue.Queue[tuple[list[Copy], list[Interface]] | None] = queue.Queue(_MOST_WAITING)
        self._arrived = time.monotonic()
        self._is_over = False
        threading.Thread(target=self._read, args=(stream, name), daemon=True).start()

    def _read(self, stream: BinaryIO, name: str) -> None:
        from explain.capture.reader import live_capture
        from explain.live.window import copied

        try:
            with live_capture(name, stream) as reader:
                for frames in reader.frames():
                    self._queue.put((copied(frames), list(reader.interfaces)))
        except ExplainError as error:
            self.error = error
        except (OSError, ValueError):  # the stream was closed, because everything is told
            pass
        finally:
            self._queue.put(None)

    def take(self, watch: Watch, wait_s: float = 0.0) -> bool:
        """Give what was heard to the watch, after waiting for a while; False once nothing will come."""
        until = time.monotonic() + wait_s
        while not self._is_over:
            try:
                got = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if got is None:
                self._is_over = True
            else:
                frames, self.interfaces = got
                watch.add(frames)
                self._arrived = time.monotonic()
        return not self._is_over

    def now_ns(self, watch: Watch) -> int:
        """Now, by the clock that stamped the frames, in UTC nanoseconds."""
        return (watch.window.last_ns or 0) + int((time.monotonic() - self._arrived) * 1e9)


def _tell(watch: Watch, heard: _Heard, language: str) -> None:
    wait_s = _LOOK_S
    while heard.take(watch, wait_s):
        begun = time.monotonic()
        _show(watch.look(heard.interfaces, heard.now_ns(watch)), language)
        wait_s = max(_LOOK_S, _SHARE * (time.monotonic() - begun))


def _show(lines: Sequence[Line], language: str) -> None:
    from explain.words import say

    sentences = [say(line.message, line.values, language) for line in lines]
    if sys.stdout.isatty():
        from explain.render.terminal import show

        show(lines, sentences, sys.stdout)
    else:
        from explain.render.plain import render

        sys.stdout.write(render(lines, sentences))
    sys.stdout.flush()
