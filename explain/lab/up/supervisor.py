"""Brings a lab up that stays until it is taken down; a process of its own supervises it.

What is written down of it is removed by whichever of supervisor and middle process outlives the other.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from typing import TYPE_CHECKING, Any, NoReturn

from explain.errors import ExplainError
from explain.lab import plan as planning
from explain.lab.build import build
from explain.lab.holder import Tell, hold, listen, teller
from explain.lab.operations import Break, StartService
from explain.lab.perform import Stage
from explain.lab.run import carrying, perform_into, require_pyroute2, require_tools
from explain.lab.up.known import Live, all_live, folder, one, remove_own, started, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from explain.lab.records import Lab


def up(lab: Lab, file: Path, with_fault: bool, with_steps: bool, hear: Callable[[str, Any], None]) -> tuple[Live, Any]:
    """Build a lab that stays.

    Returns:
        The lab, and the Recording of its steps if they were asked for.

    Raises:
        ExplainError: it is up already, or cannot be built.
    """
    if any(live.name == lab.name for live in all_live()):
        raise ExplainError("lab.up_already", lab=lab.name)
    require_tools(lab)
    require_pyroute2()

    recording = None

    def note(kind: str, value: Any) -> None:
        nonlocal recording
        if kind == "recording":
            recording = value
        else:
            hear(kind, value)

    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _supervise(lab, file, (with_fault, with_steps), write_end)
    os.close(write_end)
    _hear_out(child, read_end, note)
    return one(lab.name), recording


def _hear_out(child: int, read_end: int, note: Callable[[str, Any], None]) -> None:
    """Listen to the process that builds a lab until it is done; who stops listening ends it."""
    with os.fdopen(read_end, "rb") as told:
        try:
            listen(told, note)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
            raise


def down(live: Live) -> None:
    """Take a lab down and wait until its processes are gone.

    Raises:
        ExplainError: it does not end.
    """
    try:
        pidfd = os.pidfd_open(live.supervisor[0])
    except ProcessLookupError:
        all_live()
        return
    try:
        if started(live.supervisor[0]) == live.supervisor[1]:
            signal.pidfd_send_signal(pidfd, signal.SIGTERM)
            if not select.select([pidfd], [], [], 10)[0]:
                raise ExplainError("lab.does_not_end", lab=live.name)
    finally:
        os.close(pidfd)


def _supervise(lab: Lab, file: Path, how: tuple[bool, bool], fd: int) -> NoReturn:
    """The process that stands behind a live lab, away from the terminal."""
    tell = teller(fd)
    try:
        _leave_terminal()
        path = folder() / f"{lab.name}.json"
        holder = 0
        is_told = False
        supervisor = os.getpid()

        def clean() -> None:
            remove_own(path, supervisor)

        def note(kind: str, value: Any) -> None:
            nonlocal holder, is_told
            if kind == "holder":
                holder = value
            elif kind == "ready":
                write(path, lab, file, holder, value)
                tell("result", None)
                is_told = True
                os.close(fd)
            else:
                tell(kind, value)

        hold(lambda inner: _stay(lab, how, inner), note, clean)
    except ExplainError as e:
        tell("error", e)
    except KeyboardInterrupt:
        pass
    finally:
        os._exit(0)


def _leave_terminal() -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupted)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _stay(lab: Lab, how: tuple[bool, bool], tell: Tell) -> None:
    """Process 1 of a live lab: build, serve, perhaps perform, then reap children until the end."""
    with_fault, with_steps = how
    start_ns = time.time_ns()
    places = build(planning.built(lab))
    stage = Stage(places)
    if with_steps:
        tell("recording", perform_into(lab, stage, with_fault, True, tell, start_ns, is_kept=True))
    else:
        stage.pump(lambda: carrying(places), 2.0)
        for act in planning.started(lab, with_fault):
            tell("stage", act.command)
            if isinstance(act, StartService):
                stage.serve(act.service)
            elif isinstance(act, Break):
                done = stage.run(act.step)
                if done and done.complaint:
                    raise ExplainError("lab.fault", complaint=done.complaint.line, output=done.output.strip())
    for place in places.values():
        place.tap.close()  # nobody records now; `explain lab record` listens for itself
    stage.forget_taps()
    tell("ready", {name: place.net for name, place in places.items()})
    while True:
        stage.pump(lambda: False, 1.0)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
