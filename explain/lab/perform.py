"""Runs services, faults and steps inside the nodes, while every frame is collected.

One thread does everything: it waits for output, for the end of a process and for frames at once.
"""

from __future__ import annotations

import os
import pty
import selectors
import signal
import subprocess
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from explain.errors import ExplainError, MissingError
from explain.lab.kernel.node import address_state, is_listening, neighbour_state, packet_sockets
from explain.lab.operations import typed
from explain.lab.records import Service, Step, Wait
from explain.lab.services import PACKAGES, SERVICES, service_argv, step_argv
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.capture.recorder import Heard
    from explain.lab.build import Place

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/run/explain",
    "TERM": "dumb",
    "NO_COLOR": "1",  # iproute2 of Debian 13 asks for it, whatever the terminal can do
    "COLUMNS": "120",
}
_TIMED_OUT = 124  # as timeout(1) has it
_LARGEST_OUTPUT = 1 << 20


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended.

    Attributes:
        step: what was asked for.
        output: what a person would have seen, standard error included, in order.
        status: exit status; 124 if it was ended for taking too long, 128 + n after signal n.
        seconds: how long it took.
    """

    step: Step
    output: str
    status: int
    seconds: float

    @property
    def complaint(self) -> ExplainError | None:
        """What was not as expected; None if all was."""
        named = {"node": self.step.on, "command": typed(self.step.run)}
        if self.step.status is not None and self.status != self.step.status:
            return ExplainError("lab.status", **named, status=self.status, wanted=self.step.status)
        for text in self.step.shows:
            if text not in self.output:
                return ExplainError("lab.output", **named, text=text)
        return None


@dataclass(slots=True)
class Child:
    """A process that runs, the terminal it writes to, and what it wrote."""

    step: Step
    process: subprocess.Popen[bytes]
    terminal: int
    started: float
    pidfd: int
    output: bytearray = field(default_factory=bytearray)
    is_open: bool = True


_ENDED = object()
"""What the selector says of a process that has ended: whoever waits for it looks at once."""


class Stage:
    """The built network with its processes; ``frames`` grows while anything is waited for.

    Attributes:
        frames: node -> what its tap heard so far.
        background: processes that go on.
    """

    def __init__(self, places: dict[str, Place]) -> None:
        self.places = places
        self.frames: dict[str, list[Heard]] = {node: [] for node in places}
        self.background: list[Child] = []
        self._last_frame = time.monotonic()
        self._selector = selectors.DefaultSelector()
        for node, place in places.items():
            self._selector.register(place.tap, selectors.EVENT_READ, node)

    def start(self, step: Step, argv: list[str]) -> Child:
        """Start a command in its node, with a terminal of its own.

        Raises:
            MissingError: there is no such tool here.
        """
        master, slave = pty.openpty()
        mode = termios.tcgetattr(slave)
        mode[1] &= ~termios.OPOST
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        try:
            with self.places[step.on].inside():
                process = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env=ENVIRONMENT, start_new_session=True
                )
        except FileNotFoundError:
            os.close(master)
            raise MissingError("missing.tool", tool=argv[0], package=PACKAGES.get(argv[0], argv[0])) from None
        finally:
            os.close(slave)
        os.set_blocking(master, False)
        child = Child(step, process, master, time.monotonic(), os.pidfd_open(process.pid))
        self._selector.register(master, selectors.EVENT_READ, child)
        self._selector.register(child.pidfd, selectors.EVENT_READ, _ENDED)
        return child

    def run(self, step: Step) -> Ran | None:
        """Run a step to its end, or leave it running if it is for the background."""
        child = self.start(step, step_argv(step.run, step.has_raw_sockets))
        if step.is_background:
            self.background.append(child)
            return None
        is_done = self.pump(lambda: child.process.poll() is not None, step.timeout_s)
        return self.end(child, None if is_done else _TIMED_OUT)

    def serve(self, service: Service) -> None:
        """Start a service and wait until it listens.

        Raises:
            ExplainError: it ended instead; with its own words.
        """
        argv = service_argv(service)
        step = Step(on=service.on, run=(service.kind,), status=None, is_background=True)
        sockets = packet_sockets(self.places[service.on])
        child = self.start(step, argv)
        self.background.append(child)
        protocol = SERVICES[service.kind].protocol
        port = service.port

        def is_ready() -> bool:
            if child.process.poll() is not None:
                said = self.end(child, None).output.strip()
                raise ExplainError("lab.service_ended", kind=service.kind, node=service.on, said=said)
            if protocol == "raw" or port is None:
                return self._waits_for_frames(child, sockets + SERVICES[service.kind].packet_sockets)
            return is_listening(self.places[service.on], protocol, port)

        if not self.pump(is_ready, 10.0):
            raise ExplainError("lab.service_silent", kind=service.kind, node=service.on)

    def _waits_for_frames(self, child: Child, wanted: int) -> bool:
        """True when a program of ours has opened so many packet sockets in its node and sleeps until frames come."""
        state = Path(f"/proc/{child.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "S" and packet_sockets(self.places[child.step.on]) >= wanted

    def wait(self, wait: Wait) -> None:
        """Wait until a condition holds.

        Raises:
            ExplainError: it does not hold in time.
        """
        if not self.pump(lambda: self._holds(wait), wait.timeout_s):
            wanted = " ".join(str(word) for word in (wait.kind, wait.value, wait.state) if word)
            where = Line("errors.lab.on", {"node": wait.on}) if wait.on else ""
            raise ExplainError("lab.did_not_come", wanted=wanted, where=where, limit_s=f"{wait.timeout_s:g}")

    def _holds(self, wait: Wait) -> bool:
        if wait.kind == "quiet":
            return time.monotonic() - self._last_frame >= float(wait.value)
        if wait.on is None:
            return False
        if wait.kind == "frames":
            return sum(frame.interface == wait.interface for frame in self.frames[wait.on]) >= int(wait.value)
        if wait.kind == "listening":
            protocol, _, port = wait.value.partition("/")
            return is_listening(self.places[wait.on], protocol, int(port))
        netlink = self.places[wait.on].netlink
        if wait.kind == "neighbour":
            return (wait.state or "REACHABLE") in neighbour_state(netlink, wait.value)
        return address_state(netlink, wait.value) == (wait.state or "valid")

    def pump(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Collect output and frames until a condition holds; False if it did not in time."""
        ends = time.monotonic() + timeout_s
        pause = 0.0005
        while not is_done():
            left = ends - time.monotonic()
            if left <= 0:
                return False
            for key, _ in self._selector.select(min(left, pause)):
                if isinstance(key.data, Child):
                    self._read(key.data)
                elif key.data is _ENDED:
                    self._selector.unregister(key.fd)
                    os.close(key.fd)
                else:
                    self._hear(key.data)
            pause = min(pause * 1.5, 0.01)
        return True

    def _hear(self, node: str) -> None:
        heard = self.places[node].tap.drain()
        if heard:
            self.frames[node] += heard
            self._last_frame = time.monotonic()

    def _read(self, child: Child) -> None:
        try:
            data = os.read(child.terminal, 65536)
        except BlockingIOError:
            return
        except OSError:  # the last writer has gone
            data = b""
        child.output += data[: _LARGEST_OUTPUT - len(child.output)]
        if not data and child.is_open:
            self._selector.unregister(child.terminal)
            os.close(child.terminal)
            child.is_open = False

    def end(self, child: Child, status: int | None) -> Ran:
        """End a process if it still runs, and take what it wrote."""
        if child.process.poll() is None:
            for number, patience in ((signal.SIGINT, 1.0), (signal.SIGTERM, 1.0), (signal.SIGKILL, 10.0)):
                child.process.send_signal(number)
                if self.pump(lambda: child.process.poll() is not None, patience):
                    break
        while child.is_open and _is_readable(child.terminal):
            self._read(child)
        if child.is_open:
            self._selector.unregister(child.terminal)
            os.close(child.terminal)
            child.is_open = False
        code = child.process.returncode
        seconds = time.monotonic() - child.started
        code = 128 - code if code < 0 else code
        return Ran(child.step, child.output.decode(errors="replace"), status if status is not None else code, seconds)

    def end_background(self) -> list[Ran]:
        """End what still runs, the last started first; its traffic on the way out belongs to the recording."""
        ended = []
        for child in reversed(self.background):
            is_service = child.step.run[0] in SERVICES
            ran = self.end(child, None if child.process.poll() is not None or is_service else _TIMED_OUT)
            if not is_service:
                ended.append(ran)
        self.background.clear()
        return ended

    def forget_taps(self) -> None:
        """The taps are closed: nothing is collected any more but output."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, str):
                self._selector.unregister(key.fileobj)

    def finish(self) -> None:
        """Everything that is still in a queue; nothing is sent any more."""
        for node in self.places:
            self._hear(node)


def _is_readable(fd: int) -> bool:
    import select

    return bool(select.select([fd], [], [], 0)[0])
