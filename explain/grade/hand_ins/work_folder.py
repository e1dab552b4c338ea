"""A folder for what is unpacked, gone when its run is: at its end, or, after one that was killed, at the next run."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from explain.grade.hand_ins.unpacking import remove

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "explain-grade-"
_YOUNG_S = 60.0  # one that is not locked yet may just have been made
_MOST_SEEN = 10_000


@contextmanager
def work_folder() -> Iterator[Path]:
    """A new folder of this user alone; those of dead runs are removed first.

    It is locked as long as this process, or one that was parted from it, lives.
    """
    remove_dead()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
    finally:
        remove(folder)
        os.close(handle)


def remove_dead() -> None:
    """Remove the folders of this user that no process has locked any more."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry, _ in zip((one for one in entries if one.name.startswith(PREFIX)), range(_MOST_SEEN), strict=False):
            with suppress(OSError):
                _remove_if_dead(Path(entry.path))


def _remove_if_dead(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(handle)
        if status.st_uid == os.getuid() and time.time() - status.st_mtime > _YOUNG_S:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(folder)
    finally:
        os.close(handle)
