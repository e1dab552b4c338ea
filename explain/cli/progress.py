"""A progress bar on standard error, for input that takes longer than a second."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_PATIENCE_S = 1.0


class Progress:
    """Called with packets, octets read and octets in all; shows nothing off a terminal."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, packets: int, octets: int, total: int) -> None:
        """Show how far reading has come, once it takes longer than a second."""
        elapsed = time.monotonic() - self._begun
        if elapsed < _PATIENCE_S or not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar, self._task = self._start(total)
        if self._task is not None:
            self._bar.update(self._task, completed=octets, total=total or None, rate=f"{packets / elapsed:,.0f}")

    def _start(self, total: int) -> tuple[Bar, TaskID]:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        bar = Bar(
            TextColumn("reading"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[rate]} packets/s"),
            TimeRemainingColumn(), console=Console(stderr=True), transient=True,
        )  # fmt: skip
        bar.start()
        return bar, bar.add_task("reading", total=total or None, rate="")
