"""One batch from standard input, its forms to standard output: what a worker of a cluster starts."""

from __future__ import annotations

import json
import pickle
import sys
from dataclasses import replace
from typing import BinaryIO

from explain.grade.hand_ins.work_folder import work_folder
from explain.grade.running.batches import grade_batch
from explain.grade.running.cluster import OTHER_VERSION
from explain.grade.running.confinement import end_with_parent
from explain.grade.running.isolation import load_all, warm_up
from explain.grade.running.kept import code_version


def serve(asked: BinaryIO, answer: BinaryIO) -> int:
    """Grade what is asked; the exit status."""
    version, work, batch = pickle.load(asked)  # noqa: S301 - from the worker that started this
    if version != code_version():
        return OTHER_VERSION
    load_all()
    warm_up(work.rubric, work.language, len(batch))
    with work_folder() as folder:
        answer.write(json.dumps(grade_batch(replace(work, folder=folder), batch)).encode())
    return 0


if __name__ == "__main__":
    end_with_parent()
    sys.exit(serve(sys.stdin.buffer, sys.stdout.buffer))
