"""Batches on all cores, or on a cluster: one interface (``concurrent.futures.Executor``), the same marks.

A worker that dies takes nothing with it: what it had not given back is graded again, and what kills every worker
that takes it could not be graded.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from explain.grade.hand_ins import unpacking
from explain.grade.hand_ins.work_folder import work_folder
from explain.grade.pages.form import failed_form
from explain.grade.running.batches import Batch, Forms, Work, gave_up, grade_batch, in_batches
from explain.grade.running.confinement import end_with_parent
from explain.grade.running.isolation import load_all, warm_up
from explain.grade.running.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from explain.grade.hand_ins.submissions import Submission
    from explain.grade.rubric.records import Rubric

_MOST_TRIES = 3
_IN_FLIGHT = 4  # batches for each worker
_QUIET_S = 30.0
_LEAST_THERE = 10  # a batch on a cluster starts a program, which takes as long as some submissions
_LOST = ("KilledWorker", "CancelledError", "FutureCancelledError")
"""How a cluster says that a batch is lost; its classes are there only where it is installed."""


def grade_all(
    rubric: Rubric, submissions: Sequence[Submission], jobs: int, language: str, kept: Kept | None = None,
    scheduler: str | None = None,
) -> Iterator[tuple[int, dict[str, Any]]]:  # fmt: skip
    """Grade everything; yields the position of each submission and its form as it is done.

    Args:
        rubric: by which.
        submissions: in any order; who handed in nothing is missing.
        jobs: processes on this machine.
        language: of the sentences.
        kept: what was found out before; nothing is kept without it.
        scheduler: the address of a Dask scheduler, whose workers then do it instead.

    Raises:
        MissingError: Dask distributed is not installed.
        UsageError: no scheduler answers there, or it has no workers.
    """
    for number, submission in enumerate(submissions):
        if not submission.paths:
            yield number, failed_form(rubric, submission.id, "missing", None) | {"analysed": 0}
    with ExitStack() as stack:
        work = Work(rubric, language, stack.enter_context(work_folder()), kept or Kept())
        if scheduler is None:
            load_all()
            warm_up(rubric, language, len(submissions))
            yield from _until_done(
                lambda is_alone: _pool(1 if is_alone else jobs), grade_batch, work,
                in_batches(submissions, jobs), jobs * _IN_FLIGHT,
            )  # fmt: skip
        else:
            from explain.grade.running.cluster import cluster, grade_elsewhere

            pool, workers, look = stack.enter_context(cluster(scheduler))
            batches = in_batches(submissions, workers, least=_LEAST_THERE)
            yield from _until_done(lambda _: _same(pool), grade_elsewhere, work, batches, workers * _IN_FLIGHT, look)


@contextmanager
def _same(pool: Executor) -> Iterator[Executor]:
    yield pool


@contextmanager
def _pool(jobs: int) -> Iterator[Executor]:
    """Processes that are ended at once when nobody waits for them any more."""
    pool = ProcessPoolExecutor(jobs, get_context("fork"), _begin, (os.getpid(),))
    try:
        yield pool
    except BaseException:
        # They first: the pool's own thread then sees that it is broken, and ends.
        for process in list((pool._processes or {}).values()):  # noqa: SLF001 - there is no public way before 3.14
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(parent: int) -> None:
    """Leave Ctrl-C to the process that collects the results, and end with it."""
    end_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _until_done(
    open_pool: Callable[[bool], AbstractContextManager[Executor]],
    grade: Any,
    work: Work,
    batches: list[Batch],
    in_flight: int,
    look: Callable[[], None] = lambda: None,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """All forms; what was being graded when a process died is then graded alone, so that only the cause is blamed.

    At most ``in_flight`` batches are given away at a time, so no more forms than theirs wait to be taken.
    """
    tries: Counter[int] = Counter()
    rounds = [(batches, False)]
    while rounds:
        batches, is_alone = rounds.pop()
        failed: Batch = []
        with open_pool(is_alone) as pool:
            for batch, forms in _completed(partial(pool.submit, grade, work), batches, in_flight, look):
                if forms is None:
                    failed += batch
                else:
                    yield from forms
        suspects, rest = _suspects(work, failed)
        if not is_alone:
            rounds += [([rest[at : at + 10] for at in range(0, len(rest), 10)], False)] if rest else []
            rounds += [([[one] for one in suspects], True)] if suspects else []
            continue
        tries.update(number for number, _ in suspects)
        for number, submission in suspects:
            if tries[number] >= _MOST_TRIES:
                yield number, gave_up(work, submission) | {"analysed": 0}
        left = [one for one in (*rest, *suspects) if tries[one[0]] < _MOST_TRIES]
        rounds += [([[one] for one in left], True)] if left else []


def _completed(
    submit: Callable[[Batch], Future[Forms]], batches: Sequence[Batch], in_flight: int, look: Callable[[], None]
) -> Iterator[tuple[Batch, Forms | None]]:
    """Each as it is done, None where its worker died; when none was for a while, somebody looks whether any can be."""
    left, waiting = list(reversed(batches)), dict[Future[Forms], Batch]()
    while left or waiting:
        while left and len(waiting) < in_flight:
            batch = left.pop()
            try:
                waiting[submit(batch)] = batch
            except BrokenExecutor:
                yield batch, None
        done, _ = wait(waiting, _QUIET_S, FIRST_COMPLETED)
        if waiting and not done:
            look()
        while done:
            future = done.pop()
            yield waiting.pop(future), _forms(future)


def _suspects(work: Work, failed: Batch) -> tuple[Batch, Batch]:
    """What was being graded when a process died, or all where nothing tells it; and what only waited behind it."""
    begun = {number for number, _ in failed if (work.folder / str(number)).exists()}
    for number in begun:
        unpacking.remove(work.folder / str(number))
    suspects = [one for one in failed if one[0] in begun] if begun else failed
    return suspects, [one for one in failed if one not in suspects]


def _forms(future: Future[Forms]) -> Forms | None:
    """What a batch gave; None where its worker died."""
    try:
        return future.result()
    except (BrokenExecutor, OSError):
        return None
    except Exception as error:
        if type(error).__name__ in _LOST:
            return None
        raise
