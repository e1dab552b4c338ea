"""Each submission in a process of its own, with limits: one that breaks, hangs or bursts costs only itself."""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.errors import ExplainError, NotGradableError, UnreadableError
from explain.grade.hand_ins import unpacking
from explain.grade.hand_ins.submissions import assign, closed_below, files_below, is_capture
from explain.grade.pages.form import failed_form, graded_form
from explain.grade.rubric.shipped import SHIPPED
from explain.grade.running.analyses import Analyses
from explain.grade.running.confinement import confine, end_with_parent
from explain.grade.running.grading import grade_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.grade.rubric.records import Rubric
    from explain.grade.running.kept import Kept
from explain.grade.hand_ins.submissions import Submission

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
_SLOWEST = 10.0  # times its own time: what a process may take on a machine that has much else to do
_SHORTEST_S = 10.0
_WORTH_IT = 20


_LOADED: list[bool] = []


def load_all() -> None:
    """Load once, before processes part, what each of them would have to load for itself."""
    if _LOADED:
        return
    from importlib import import_module
    from pkgutil import walk_packages

    import explain.pipeline

    for room in _ROOMS:
        package = import_module(f"explain.{room}")
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    # A capture without a frame, for whatever is made at the first use.
    explain.pipeline.explain([BytesIO(_EMPTY_CAPTURE)])
    _LOADED.append(True)


def warm_up(rubric: Rubric, language: str, number: int) -> None:
    """Grade the captures that came along, so that what is made at the first use need not be made in each process.

    Args:
        rubric: by which.
        language: of the sentences.
        number: of submissions to come; for a few it is not worth it.
    """
    if number < _WORTH_IT:
        return
    for path in sorted(SHIPPED.glob("*/good*.pcap")):
        with suppress(Exception):  # what fails here fails again where it is told
            grade_files(rubric, "", dict.fromkeys(rubric.captures, path), None, {}, language)


def grade_apart(
    rubric: Rubric, submission: Submission, folder: Path, language: str, kept: Kept
) -> tuple[dict[str, Any], bool]:
    """Grade one submission in a child of this process, which must have one thread.

    Args:
        rubric: with the limits.
        submission: of one student.
        folder: for what is unpacked; it is made, and removed.
        language: of the sentences.
        kept: analyses that were made before.

    Returns:
        the form, and whether the same submission would give it again: a limit may be met on a busy machine only.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pid, read_end = _in_child(lambda output: _work(rubric, submission, (language, folder, kept), output))
    until = time.monotonic() + max(_SHORTEST_S, rubric.limits.seconds * _SLOWEST)
    try:
        output = _heard(read_end, until)
    finally:
        _end(pid)
        _, status = os.waitpid(pid, 0)
        os.close(read_end)
        unpacking.remove(folder)
    form = _form_in(output)
    if form is not None:
        return form, form.pop("lasts", True)
    why = _why(until, status, len(output))
    return failed_form(rubric, submission.id, "could-not-be-graded", why), False


def _in_child(work: Callable[[int], int]) -> tuple[int, int]:
    """Do some work in a child, which ends with its status; the child's id, and the pipe that carries its output."""
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(read_end)
            os.setpgid(0, 0)
            end_with_parent(parent)
            status = work(write_end)
        finally:
            os._exit(status)
    os.close(write_end)
    return pid, read_end


def _form_in(output: bytearray) -> dict[str, Any] | None:
    """The form that a child wrote, if it is whole."""
    if len(output) > _MOST_OUTPUT:
        return None
    try:
        form = json.loads(bytes(output))
    except (ValueError, RecursionError):
        return None
    return form if isinstance(form, dict) else None


def _why(until: float, status: int, length: int) -> str:
    """Why a process gave no form."""
    if length > _MOST_OUTPUT:
        return "there is too much to tell of it"
    if until < time.monotonic() or os.WTERMSIG(status) == signal.SIGXCPU:
        return "it took too long"
    died_of = os.WTERMSIG(status)
    if died_of not in (0, signal.SIGKILL):  # the latter is what _end does, and a kernel without memory
        return f"grading it was ended by signal {died_of}"
    return "it takes too much memory" if status else "grading it gave nothing"


def _end(pid: int) -> None:
    """End a process that nobody waited for yet, and whatever it started."""
    os.kill(pid, signal.SIGKILL)  # what has ended already does not mind
    with suppress(ProcessLookupError, PermissionError):  # it ended before it had a group of its own
        os.killpg(pid, signal.SIGKILL)


def _heard(pipe: int, until: float) -> bytearray:
    """What a child writes until it ends, its time is over, or it writes too much."""
    output = bytearray()
    with selectors.DefaultSelector() as pipes:
        pipes.register(pipe, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0 and len(output) <= _MOST_OUTPUT:
            if pipes.select(left):
                block = os.read(pipe, _BLOCK)
                if not block:
                    break
                output += block
    return output


def _work(rubric: Rubric, submission: Submission, where: tuple[str, Path, Kept], output: int) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - a device
        for stream in (0, 1, 2):
            os.dup2(nothing.fileno(), stream)
    language, folder, kept = where
    kept.open()
    confine(rubric.limits, [folder, *([] if kept.folder is None else [kept.folder])])
    try:
        form = grade_one(rubric, submission, folder, language, kept)
        why: ExplainError | None = None
    except MemoryError:
        why = ExplainError("grade.memory")
    except UnreadableError as error:
        why = UnreadableError(Path(error.path).name, error.why)
    except ExplainError as error:
        why = error
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file provokes costs only that file
        why = ExplainError("grade.failed", kind=type(error).__name__)
    if why is not None:
        form = failed_form(rubric, submission.id, "could-not-be-graded", why.told(language))
        form["lasts"] = why.line.message != "errors.grade.memory"
    with os.fdopen(output, "wb", closefd=False) as pipe:  # its end is the end of this process, with its status
        pipe.write(json.dumps(form).encode())
    return 0


def grade_one(rubric: Rubric, submission: Submission, folder: Path, language: str, kept: Kept) -> dict[str, Any]:
    """Unpack, find the captures, grade; archives inside an archive are unpacked once more, no deeper.

    ``analysed`` in the form counts analyses that were not known from before.

    Raises:
        NotGradableError: there is no capture in it, or it breaks a limit.
    """
    files, broken = _unpacked(rubric, submission, folder)
    captures, answers = assign(rubric, files)
    if broken is not None and not captures:
        raise broken
    if len(captures) < len(rubric.captures) or not all(is_capture(one) for one in captures.values()):
        closed = closed_below(submission.paths)
        if closed is not None:
            raise NotGradableError("grade.closed", name=closed[0], why=closed[1])
    if not captures and captures.aside:
        names = [one.name for one in captures.aside if is_capture(one)]
        if names:
            raise NotGradableError("grade.untold_captures", files=names, wanted=list(rubric.captures.values()))
    if not captures and answers is None:
        raise NotGradableError("grade.no_captures")
    analyses = Analyses(kept, rubric.limits.octets)
    graded = grade_files(rubric, submission.id, captures, answers, submission.roster, language, analyses)
    return graded_form(graded) | {"analysed": analyses.made}


def _unpacked(rubric: Rubric, submission: Submission, folder: Path) -> tuple[list[Path], NotGradableError | None]:
    """The files of a submission and of its archives, and what is wrong with one that is damaged."""
    files, broken = files_below(submission.paths), None
    room = rubric.limits.octets * (len(rubric.captures) + 1)
    for depth in range(2):
        packed = [one for one in files if unpacking.is_archive(one)]
        files = [one for one in files if one not in packed]
        for number, archive in enumerate(packed):
            into = folder / f"{depth}-{number}"
            into.mkdir()
            try:
                unpacking.unpack(archive, into, room)
            except NotGradableError as error:
                if error.line.message != "errors.grade.archive_broken":
                    raise
                broken = broken or error
            else:
                files += files_below([into])
    return files, broken
