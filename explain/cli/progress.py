"""Progress bars on standard error, for what takes longer than a second."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn

_PATIENCE_S = 1.0


class Progress:
    """A bar that is cleared at the end; nothing is drawn off a terminal."""

    def __init__(self) -> None:
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()
        self._bar = None

    def columns(self) -> Sequence[ProgressColumn]:
        """What stands side by side in the bar, made when it is first drawn."""
        raise NotImplementedError

    def draw(self, total: int | None, completed: int, **fields: Any) -> None:
        """Draw the bar with these values, if there is a terminal."""
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(*self.columns(), console=Console(stderr=True), transient=True)
            self._bar.add_task("", total=total, **fields)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=completed, total=total, **fields)


class ReadingProgress(Progress):
    """Called with packets, octets read and octets in all."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = time.monotonic()

    def __call__(self, packets: int, octets: int, total: int) -> None:
        """Show how far reading has come, once it takes longer than a second."""
        elapsed = time.monotonic() - self._begun
        if elapsed >= _PATIENCE_S:
            self.draw(total or None, octets, rate=f"{packets / elapsed:,.0f}")

    def columns(self) -> Sequence[ProgressColumn]:
        """Octets, packets per second, and the time left."""
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

        return (
            TextColumn("reading"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[rate]} packets/s"),
            TimeRemainingColumn(),
        )  # fmt: skip
