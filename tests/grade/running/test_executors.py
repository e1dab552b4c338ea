from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest
from grading_class import TEXT, a_class, command, marks, run

from explain.errors import UsageError
from explain.grade.hand_ins.handed_in import find
from explain.grade.rubric.reading import load
from explain.grade.running import batches, cluster, executors
from explain.grade.running.executors import grade_all
from explain.grade.running.kept import Kept

pytestmark = pytest.mark.long

SIZE = 24


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """A class, and its marks by one process, one submission after the other, nothing kept."""
    top = tmp_path_factory.mktemp("class")
    rubric = a_class(top, SIZE)
    return rubric, top / "in", marks(run(rubric, top / "in", "--jobs", 1, "--no-cache", "--json"))


def graded(rubric_path, folder, **how):
    """The forms by position, with a step after each for whoever wants to disturb."""
    rubric, complaints = load(str(rubric_path))
    assert complaints == []
    found = find(rubric, [str(folder)], [])
    disturb = how.pop("disturb", lambda _: None)
    forms = {}
    for number, form in grade_all(rubric, found, how.pop("jobs", 2), "en", **how):
        assert number not in forms
        forms[number] = form
        disturb(len(forms))
    return [forms[number] for number in range(len(found))]


def score_of(text):
    return [(one["id"], one["status"], one["score"], one["reason"]) for one in text]


def scores(text):
    return score_of(json.loads(text))


def test_marks_are_the_same_whatever_the_number_of_processes(school):
    rubric, folder, alone = school
    assert {one[1] for one in scores(alone)} == {"graded", "could-not-be-graded"}
    assert len({one[2] for one in scores(alone)}) == 3
    for jobs in (2, 5):
        assert marks(run(rubric, folder, "--jobs", jobs, "--no-cache", "--json")) == alone


def test_a_changed_rubric_is_marked_without_a_single_new_analysis(school, tmp_path):
    _, folder, _ = school
    kept = Kept(tmp_path / "kept")
    old = graded(a_class(tmp_path, 0), folder, kept=kept)
    assert sum(form.get("analysed", 0) for form in old) == SIZE * 3 // 4
    new = a_class(tmp_path, 0, TEXT.replace("points = 3", "points = 7"))
    again = graded(new, folder, kept=kept)
    assert sum(form.pop("analysed", 0) for form in again) == 0
    cold = graded(new, folder)
    for form in cold:
        form.pop("analysed", None)
    assert again == cold
    assert again != old


def children_of(pid):
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - names
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - of a process
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found.append(int(name))
    return found


def wait_until(claim, seconds=60.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := claim():
            return found
        time.sleep(0.01)
    raise AssertionError("it never happened")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_stopped_goes_on_where_it_was(school, tmp_path, how):
    rubric, folder, alone = school
    kept = tmp_path / "kept"
    begun = subprocess.Popen(
        command(rubric, folder, "--jobs", 1, "--cache", kept),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: len(list(kept.glob("marks/*/*"))) >= 4)
    family = children_of(begun.pid)
    begun.send_signal(how)
    said = begun.communicate(timeout=60)[1]
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in family))  # noqa: PTH110 - of a process
    if how == signal.SIGINT:
        assert begun.returncode == 130
        assert "they are kept" in said
        assert "Traceback" not in said
    done = len([one for one in kept.glob("marks/*/*") if not one.name.startswith("tmp")])
    assert 4 <= done < SIZE
    again = run(rubric, folder, "--jobs", 2, "--cache", kept, "--json")
    assert marks(again) == alone
    known = int(again.stderr.split(" of ")[0])
    assert known >= done * 3 // 4 - 1  # those that could not be graded are no analyses


def test_a_process_that_dies_costs_no_mark(school):
    rubric, folder, alone = school

    def kill(done):
        if done == 1:
            os.kill(children_of(os.getpid())[0], signal.SIGKILL)

    assert score_of(graded(rubric, folder, disturb=kill)) == scores(alone)


def test_what_kills_every_process_that_takes_it_costs_only_itself(school, monkeypatch):
    rubric, folder, alone = school
    honest = batches.grade_apart

    def fatal(rubric, submission, *rest):
        if submission.id == "s005":
            os.kill(os.getpid(), signal.SIGKILL)
        return honest(rubric, submission, *rest)

    monkeypatch.setattr(batches, "grade_apart", fatal)
    found = score_of(graded(rubric, folder))
    want = scores(alone)
    want[5] = ("s005", "could-not-be-graded", None, "the process that graded it was killed")
    assert found == want


DASK = [sys.executable, "-m", "distributed.cli.dask_scheduler"], [sys.executable, "-m", "distributed.cli.dask_worker"]


@contextmanager
def started(arguments, folder, **surroundings):
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            arguments, stdout=said, stderr=said, cwd=folder,
            env={**os.environ, "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "1h", **surroundings},
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def a_cluster(folder, workers=2, **surroundings):
    """A scheduler and its workers, each a process on loopback; gives the address."""
    beside = folder / "scheduler.json"
    options = ["--scheduler-file", str(beside)]
    with started([*DASK[0], "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", *options], folder):
        wait_until(lambda: beside.exists() and beside.stat().st_size)
        address = json.loads(beside.read_text())["address"]
        more = ["--nworkers", str(workers), "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"]
        with ExitStack() as stack:
            if workers:
                stack.enter_context(started([*DASK[1], address, *more], folder, **surroundings))
            yield address


def processes_of(address, workers):
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)
        return list(client.run(os.getpid).values())


def test_a_cluster_gives_the_marks_of_one_process_also_when_a_worker_is_killed(school, tmp_path, monkeypatch):
    rubric, folder, alone = school
    monkeypatch.setattr(executors, "_LEAST_THERE", 6)
    with a_cluster(tmp_path) as address:
        first, _ = processes_of(address, 2)

        def kill(done):
            if done == 1:
                os.kill(first, signal.SIGKILL)

        found = graded(rubric, folder, scheduler=address, disturb=kill)
        assert first not in processes_of(address, 2)
    assert score_of(found) == scores(alone)


def test_a_cluster_that_is_not_there_or_has_no_workers_is_told_in_a_sentence(school, tmp_path, monkeypatch):
    rubric, folder, _ = school
    monkeypatch.setattr(cluster, "_PATIENCE_S", 1)
    with pytest.raises(UsageError, match="no Dask scheduler answers at"):
        graded(rubric, folder, scheduler="tcp://127.0.0.1:9")
    with a_cluster(tmp_path, 0) as address, pytest.raises(UsageError, match="has no workers"):
        graded(rubric, folder, scheduler=address)


def test_workers_with_another_program_of_this_name_are_told_in_a_sentence(school, tmp_path):
    rubric, folder, _ = school
    other = tmp_path / "other" / "explain"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("")
    with a_cluster(tmp_path, 1, PYTHONPATH=str(other.parent)) as address:
        done = run(rubric, folder, "--no-cache", "--scheduler", address)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot run explain; it must have the same version" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cluster_whose_last_worker_is_gone_is_not_waited_for(school, tmp_path, monkeypatch):
    rubric, folder, _ = school
    monkeypatch.setattr(cluster, "_PATIENCE_S", 3)
    monkeypatch.setattr(executors, "_QUIET_S", 1)
    monkeypatch.setattr(executors, "_LEAST_THERE", 6)
    with a_cluster(tmp_path, 1) as address:
        (worker,) = processes_of(address, 1)
        nanny = parent_of(worker)

        def kill(done):
            if done == 1:
                os.kill(nanny, signal.SIGKILL)
                os.kill(worker, signal.SIGKILL)

        with pytest.raises(UsageError, match="no workers left; what was done is kept"):
            graded(rubric, folder, scheduler=address, disturb=kill)


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - of a process
        return int(file.read().rpartition(")")[2].split()[1])
