"""A lab that stays up until it is taken down, with names that ``ip netns exec`` knows.

A process of its own supervises it.  The names are symbolic links to descriptors of the holder; they and the file that
describes the lab are removed by whichever of supervisor and middle process outlives the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from explain.errors import ExplainError, UnknownNameError
from explain.lab import kernel
from explain.lab import plan as planning
from explain.lab.build import build
from explain.lab.holder import Tell, hold, teller
from explain.lab.operations import Break, StartService
from explain.lab.perform import Stage
from explain.lab.run import carrying, perform_into, require_pyroute2, require_tools

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.lab.records import Lab

NETNS = Path("/run/netns")


@dataclass(frozen=True, slots=True)
class Live:
    """A lab that is up.

    Attributes:
        names: node -> its name for ``ip netns exec`` on the host; empty for an ordinary user.
        supervisor, holder: process id and start time of each, since ids are used again.
    """

    name: str
    file: str
    nodes: tuple[str, ...]
    names: dict[str, str]
    supervisor: tuple[int, int]
    holder: tuple[int, int]

    @property
    def is_alive(self) -> bool:
        """True if both processes are the ones that made it."""
        return started(self.supervisor[0]) == self.supervisor[1] and started(self.holder[0]) == self.holder[1]


def started(pid: int) -> int | None:
    """When a process started, in ticks since boot; None if there is none or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def folder() -> Path:
    """Where live labs of this user are written down."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "explain-labs"
    return Path("/run/explain-labs") if os.geteuid() == 0 else Path(f"/tmp/explain-labs-{os.geteuid()}")  # noqa: S108


def all_live() -> list[Live]:
    """Labs that are up; what a crash left of others is removed."""
    found = []
    for path in sorted(folder().glob("*.json")) if folder().is_dir() else ():
        live = _read(path)
        if live is None:
            continue
        if live.is_alive:
            found.append(live)
        else:
            _remove(path, live)
    return found


def one(name: str | None) -> Live:
    """The lab of this name, or the only one that is up.

    Raises:
        ExplainError: none is up, or several are and no name is given.
        UnknownNameError: none of this name is up.
    """
    live = all_live()
    if name is not None:
        for lab in live:
            if lab.name == name:
                return lab
        raise UnknownNameError("running lab", name, tuple(lab.name for lab in live))
    if len(live) != 1:
        names = ", ".join(lab.name for lab in live)
        raise ExplainError(f"several labs are up: {names}; say which with --lab" if live else "no lab is up")
    return live[0]


def _read(path: Path) -> Live | None:
    try:
        if path.stat().st_uid != os.geteuid():
            return None
        said = json.loads(path.read_text())
        return Live(
            said["name"],
            said["file"],
            tuple(said["nodes"]),
            dict(said["names"]),
            (said["supervisor"][0], said["supervisor"][1]),
            (said["holder"][0], said["holder"][1]),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _remove(path: Path, live: Live) -> None:
    """Take the names and the file away: only links that point to this lab's holder."""
    for name in live.names.values():
        link = NETNS / name
        with contextlib.suppress(OSError):
            if str(link.readlink()).startswith(f"/proc/{live.holder[0]}/fd/"):
                link.unlink()
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()  # only when it is empty


def up(lab: Lab, file: Path, with_fault: bool, with_steps: bool, hear: Callable[[str, Any], None]) -> tuple[Live, Any]:
    """Build a lab that stays.

    Returns:
        The lab, and the Recording of its steps if they were asked for.

    Raises:
        ExplainError: it is up already, or cannot be built.
    """
    if any(live.name == lab.name for live in all_live()):
        raise ExplainError(f"the lab {lab.name} is up already; explain lab down {lab.name}")
    require_tools(lab)
    require_pyroute2()

    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _supervise(lab, file, (with_fault, with_steps), write_end)
    os.close(write_end)
    from explain.lab.holder import listen

    recording = None

    def note(kind: str, value: Any) -> None:
        nonlocal recording
        if kind == "recording":
            recording = value
        else:
            hear(kind, value)

    with os.fdopen(read_end, "rb") as told:
        try:
            listen(told, note)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
            raise
    return one(lab.name), recording


def _supervise(lab: Lab, file: Path, how: tuple[bool, bool], fd: int) -> NoReturn:
    """The process that stands behind a live lab, away from the terminal."""
    tell = teller(fd)
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _interrupted)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        path = folder() / f"{lab.name}.json"
        holder = 0
        is_told = False

        def clean() -> None:
            live = _read(path)
            if live is not None:
                _remove(path, live)

        def note(kind: str, value: Any) -> None:
            nonlocal holder, is_told
            if kind == "holder":
                holder = value
            elif kind == "ready":
                _write(path, lab, file, holder, value)
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


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _write(path: Path, lab: Lab, file: Path, holder: int, nets: dict[str, int]) -> None:
    """Names for ``ip netns exec``, then the file; the file first, so that a crash between leaves what names it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {}
    if os.geteuid() == 0:
        names = {node: node if not os.path.lexists(NETNS / node) else f"{lab.name}-{node}" for node in nets}
    said = {
        "name": lab.name,
        "file": str(file.resolve()),
        "nodes": list(nets),
        "names": names,
        "supervisor": [os.getpid(), started(os.getpid())],
        "holder": [holder, started(holder)],
    }
    path.write_text(json.dumps(said))
    if names:
        NETNS.mkdir(mode=0o755, parents=True, exist_ok=True)
    for node, name in names.items():
        (NETNS / name).symlink_to(f"/proc/{holder}/fd/{nets[node]}")


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
                    raise ExplainError(f"fault: {done.complaint}: {done.output.strip()}")
    for place in places.values():
        place.tap.close()  # nobody records now; `explain lab record` listens for itself
    stage.forget_taps()
    tell("ready", {name: place.net for name, place in places.items()})
    while True:
        stage.pump(lambda: False, 1.0)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue


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
            import select

            if not select.select([pidfd], [], [], 10)[0]:
                raise ExplainError(f"the lab {live.name} does not end")
    finally:
        os.close(pidfd)


def enter(live: Live, node: str | None) -> None:
    """Put this process into the lab, and into a node; children are processes of the lab.

    Raises:
        UnknownNameError: the lab has no such node.
        ExplainError: it is not ours to enter.
    """
    if node is not None and node not in live.nodes:
        raise UnknownNameError(f"node of {live.name}", node, live.nodes)
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    pidfd = os.pidfd_open(live.holder[0])
    try:
        if started(live.holder[0]) != live.holder[1]:
            raise ExplainError(f"the lab {live.name} has just ended")
        kernel.setns(pidfd, flags if os.geteuid() == 0 else flags | kernel.CLONE_NEWUSER)
    except PermissionError as e:
        raise ExplainError(f"the lab {live.name} cannot be entered: {e.strerror}") from e
    finally:
        os.close(pidfd)
    if node is None:
        return
    net = os.open(f"/run/netns/{node}", os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(FileNotFoundError):
        own = os.open(f"/run/explain/{node}/mnt", os.O_RDONLY | os.O_CLOEXEC)
        kernel.setns(own, kernel.CLONE_NEWNS)
        os.close(own)
    kernel.setns(net, kernel.CLONE_NEWNET)
    os.close(net)


def run_inside(live: Live, node: str | None, argv: list[str], environment: dict[str, str]) -> int:
    """Run a command in a node of a live lab with this terminal; its exit status."""
    child = os.fork()
    if child == 0:
        status = 127
        try:
            enter(live, node)
            inner = os.fork()  # only children are in the lab's process namespace
            if inner == 0:
                os.execvpe(argv[0], argv, environment)  # noqa: S606 - argv as typed, no shell
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            status = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
        except FileNotFoundError:
            os.write(2, f"explain: {argv[0]}: there is no such command\n".encode())
        except (ExplainError, OSError) as e:
            os.write(2, f"explain: {e}\n".encode())
            status = 2
        finally:
            os._exit(status if status >= 0 else 128 - status)
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        signal.signal(signal.SIGINT, old)
