"""A class being graded: how far it is, and what is kept when somebody stops it."""

from __future__ import annotations

import gc
import os
import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import click

from explain.cli.progress import Progress
from explain.cli.talk import noted, told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from rich.progress import ProgressColumn

    from explain.grade.hand_ins.submissions import Submission
    from explain.grade.rubric.records import Rubric
    from explain.grade.running.whole_class import Gathered


def how_to_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where submissions are graded, and what is kept of it."""
    for option in (
        click.option("--no-cache", is_flag=True),
        click.option("--cache", metavar="DIR"),
        click.option("--scheduler", metavar="ADDRESS"),
        click.option("--jobs", type=click.IntRange(1, 256)),
    ):
        command = option(command)
    return command


def grade_class(rubric: Rubric, found: Sequence[Submission], options: Mapping[str, Any], gathered: Gathered) -> None:
    """Grade all submissions and keep their forms, by their numbers, in ``gathered``.

    Raises:
        MissingError: Dask distributed is asked for and not installed.
        UsageError: no scheduler answers, or it has no workers.
        KeyboardInterrupt: it was stopped; what was done is kept.
    """
    from pathlib import Path

    from explain.grade.running.executors import grade_all
    from explain.grade.running.kept import Kept, usual_folder

    gc.enable()  # writing JSON leaves cycles behind, and a class is long; a short run does without looking for them
    folder = None if options.get("no_cache") else Path(options["cache"]) if options.get("cache") else usual_folder()
    kept = Kept(folder)
    jobs = options.get("jobs") or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    running = grade_all(rubric, found, jobs or 1, options.get("lang", "en"), kept, options.get("scheduler"))
    with closing(running), _GradingProgress(len(found)) as progress:  # type: ignore[type-var]
        try:
            for number, form in running:
                progress.add(form)
                gathered.put(number, form)
        except KeyboardInterrupt:
            progress.tell_what_is_kept(is_kept=folder is not None)
            raise
    kept.tidy()


class _GradingProgress(Progress):
    """Counts on standard error: a bar with the time left on a terminal, one line at the end elsewhere."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self._total, self._done, self._failed, self._known = total, 0, 0, 0
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if kind is None and self._known:
            told("grade.known", count=self._known, total=self._total)

    def add(self, form: dict[str, Any]) -> None:
        """One more is done."""
        made = form.pop("analysed", 0)
        self._done += 1
        self._known += not made and form["status"] == "graded"
        self._failed += form["status"] == "could-not-be-graded"
        self._show()

    def _show(self) -> None:
        if self._total > 1:
            left = time_left(time.monotonic() - self._begun, self._done - self._known, self._total - self._done)
            self.draw(self._total, self._done, failed=self._failed, known=self._known, left=left)

    def tell_what_is_kept(self, *, is_kept: bool) -> None:
        """Say what a second run need not do again."""
        self.clear()
        noted("grade.stopped_kept" if is_kept else "grade.stopped", done=self._done, total=self._total)

    def columns(self) -> Sequence[ProgressColumn]:
        """Submissions done, what became of them, and the time left."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

        return (
            TextColumn("grading"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[known]} known, {task.fields[failed]} not gradable"),
            TimeElapsedColumn(), TextColumn("left {task.fields[left]}"),
        )  # fmt: skip


def time_left(elapsed_s: float, made: int, missing: int) -> str:
    """How long the rest takes, by all that was made: submissions come in batches, and what was known tells nothing."""
    return str(timedelta(seconds=round(elapsed_s * missing / made))) if made else "-:--:--"
