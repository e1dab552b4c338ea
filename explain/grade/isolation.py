"""Each submission in a process of its own, with limits: one that breaks, hangs or bursts costs only itself."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import selectors
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.errors import ExplainError, UnreadableError
from explain.grade import unpacking
from explain.grade.form import failed_form, graded_form
from explain.grade.grading import NotGradableError, grade_files
from explain.grade.submissions import assign, files_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.grade.rubric import Limits, Rubric
    from explain.grade.submissions import Submission

_MOST_OUTPUT = 32 << 20
_ROOMS = (
    "capture",
    "decode",
    "places",
    "exchanges",
    "causes",
    "causes.from_capture",
    "story",
    "words",
    "render",
    "grade",
    "grade.integrity",
)
_EMPTY_CAPTURE = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
_BLOCK = 1 << 16
_NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000
_SLOWEST = 3.0  # how much longer than its own time a process may take on a busy machine
_SHORTEST_S = 10.0


@dataclass(slots=True)
class _Child:
    number: int
    pid: int
    until: float
    folder: Path
    output: bytearray = field(default_factory=bytearray)


def grade_all(
    rubric: Rubric, submissions: Sequence[Submission], jobs: int, language: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Grade everything; yields the position of each submission and its form as it is done."""
    _load_all()
    waiting = list(enumerate(submissions))[::-1]
    running: dict[int, _Child] = {}
    with (
        selectors.DefaultSelector() as pipes,
        tempfile.TemporaryDirectory(prefix="explain-grade-", ignore_cleanup_errors=True) as top,
    ):
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    number, submission = waiting.pop()
                    if not submission.paths:
                        yield number, failed_form(rubric, submission.id, "missing", None)
                        continue
                    pipe, child = _start(rubric, number, submission, (language, Path(top) / str(number)))
                    running[pipe] = child
                    pipes.register(pipe, selectors.EVENT_READ)
                for pipe in _ready(pipes, running):
                    pipes.unregister(pipe)
                    child = running.pop(pipe)
                    yield child.number, _result(rubric, submissions[child.number], pipe, child)
        finally:
            for pipe, child in running.items():
                os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)
                os.close(pipe)


def _load_all() -> None:
    """Load once, before the processes part, what each of them would have to load for itself."""
    from importlib import import_module
    from pkgutil import iter_modules

    import explain.pipeline

    for room in _ROOMS:
        package = import_module(f"explain.{room}")
        for module in iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    # A capture without a frame, for whatever is made at the first use.
    explain.pipeline.explain([BytesIO(_EMPTY_CAPTURE)])


def _ready(pipes: selectors.BaseSelector, running: dict[int, _Child]) -> list[int]:
    """Pipes of processes that have ended, or whose time is over."""
    done = []
    for key, _ in pipes.select(0.2):
        pipe = int(key.fd)
        block = os.read(pipe, _BLOCK)
        running[pipe].output += block
        if not block or len(running[pipe].output) > _MOST_OUTPUT:
            done.append(pipe)
    now = time.monotonic()
    return done + [pipe for pipe, child in running.items() if child.until < now and pipe not in done]


def _start(rubric: Rubric, number: int, submission: Submission, where: tuple[str, Path]) -> tuple[int, _Child]:
    read_end, write_end = os.pipe()
    where[1].mkdir(mode=0o700)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(read_end)
            status = _work(rubric, submission, where, write_end)
        finally:
            os._exit(status)
    os.close(write_end)
    wall = max(_SHORTEST_S, rubric.limits.seconds * _SLOWEST)
    return read_end, _Child(number, pid, time.monotonic() + wall, where[1])


def _result(rubric: Rubric, submission: Submission, pipe: int, child: _Child) -> dict[str, Any]:
    is_late = child.until < time.monotonic()
    os.kill(child.pid, signal.SIGKILL)  # what has ended already does not mind
    _, status = os.waitpid(child.pid, 0)
    os.close(pipe)
    unpacking.remove(child.folder)
    try:
        form = json.loads(bytes(child.output))
    except ValueError:
        form = None
    if isinstance(form, dict) and len(child.output) <= _MOST_OUTPUT:
        return form
    why = "it took too long" if is_late or os.WTERMSIG(status) == signal.SIGXCPU else "it takes too much memory"
    return failed_form(rubric, submission.id, "could-not-be-graded", why)


def _work(rubric: Rubric, submission: Submission, where: tuple[str, Path], output: int) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - a device
        for stream in (0, 1, 2):
            os.dup2(nothing.fileno(), stream)
    _limit(rubric.limits)
    form: dict[str, Any]
    try:
        form = grade_one(rubric, submission, where[1], where[0])
    except MemoryError:
        form = failed_form(rubric, submission.id, "could-not-be-graded", "it takes too much memory")
    except UnreadableError as error:
        why = f"{Path(error.path).name}: {error.reason}"
        form = failed_form(rubric, submission.id, "could-not-be-graded", why)
    except ExplainError as error:
        form = failed_form(rubric, submission.id, "could-not-be-graded", str(error))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file provokes costs only that file
        form = failed_form(rubric, submission.id, "could-not-be-graded", f"grading it failed ({type(error).__name__})")
    with os.fdopen(output, "wb") as pipe:
        pipe.write(json.dumps(form).encode())
    return 0


def grade_one(rubric: Rubric, submission: Submission, folder: Path, language: str) -> dict[str, Any]:
    """Unpack, find the captures, grade; archives inside an archive are unpacked once more, no deeper.

    Raises:
        NotGradableError: there is no capture in it, or it breaks a limit.
    """
    files = files_below(submission.paths)
    room = rubric.limits.octets * (len(rubric.captures) + 1)
    for depth in range(2):
        packed = [one for one in files if unpacking.is_archive(one)]
        files = [one for one in files if one not in packed]
        for number, archive in enumerate(packed):
            into = folder / f"{depth}-{number}"
            into.mkdir()
            unpacking.unpack(archive, into, room)
            files += files_below([into])
    captures, answers = assign(rubric, files)
    if not captures and answers is None:
        raise NotGradableError("there is no capture in it")
    return graded_form(grade_files(rubric, submission.id, captures, answers, submission.roster, language))


def _limit(limits: Limits) -> None:
    """Limits of this process; what it has mapped already does not count against its memory."""
    try:
        mapped = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        mapped = 1 << 30
    wanted = {
        resource.RLIMIT_AS: mapped + limits.memory,
        resource.RLIMIT_CPU: int(limits.seconds) + 1,
        resource.RLIMIT_FSIZE: limits.octets * 2,
        resource.RLIMIT_CORE: 0,
    }
    for name, value in wanted.items():
        hard = resource.getrlimit(name)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # More time than the limit gets the signal that ends it; a second later the kernel does.
        resource.setrlimit(
            name, (most, most + 1 if name == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else most)
        )
    try:
        ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER_AND_NETWORK)
    except (OSError, AttributeError):
        return  # no namespaces here; nothing in the analysis opens a socket
