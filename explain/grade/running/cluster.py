"""The same batches on the workers of a Dask scheduler, by the same interface.

A worker has threads, and a process with threads must not part; so a batch is graded by a program of its own
(``python -m explain.grade.running.serving``), which the worker starts.  Workers see the submissions under the same
paths.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from explain.errors import MissingError, UsageError
from explain.grade.running.kept import code_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from explain.grade.running.batches import Batch, Forms, Work

_PATIENCE_S = 10
_SERVING = "explain.grade.running.serving"
OTHER_VERSION = 3
"""Exit status of a program that is of another version."""


@contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int, Callable[[], None]]]:
    """An executor over all workers of a scheduler, how many batches they take at a time, and who looks after them.

    The last one is to be called when nothing came back for a while; it raises UsageError if no worker is left.

    Raises:
        MissingError: Dask distributed is not installed.
        UsageError: no scheduler answers there, or it has no workers, or one that cannot do this.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise MissingError("missing.dask") from None
    try:
        client = distributed.Client(address, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError):
        raise UsageError("grade.no_scheduler", address=address) from None
    try:
        _look_at_workers(client, address)
        workers = sum(client.ncores().values())
        yield client.get_executor(pure=False, retries=0), workers, lambda: _look_for_workers(client, address)
    finally:
        client.close(_PATIENCE_S)


def _look_for_workers(client: Any, address: str) -> None:
    """One that is started again may take the place of the last one that died."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except (OSError, TimeoutError):
        raise UsageError("grade.no_workers_left", address=address) from None


def _look_at_workers(client: Any, address: str) -> None:
    """Ask with nothing but names of the standard library: a worker without this package dies of any other."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
        found = client.run(find_spec, _SERVING, on_error="return")
    except (OSError, TimeoutError):
        raise UsageError("grade.no_workers", address=address) from None
    for worker, spec in found.items():
        if not isinstance(spec, ModuleSpec):
            raise UsageError("grade.worker", worker=worker)


def grade_elsewhere(work: Work, batch: Batch) -> Forms:
    """Grade a batch in a program of its own; runs on a worker.

    Raises:
        OSError: the program was killed.
        UsageError: this worker has another version of this package.
    """
    asked = pickle.dumps((code_version(), work, batch))
    done = subprocess.run([sys.executable, "-m", _SERVING], input=asked, capture_output=True, check=False)
    if done.returncode == OTHER_VERSION:
        raise UsageError("grade.other_version")
    if done.returncode:
        raise OSError(f"the grader ended with {done.returncode}")
    return [(number, form) for number, form in json.loads(done.stdout)]
