"""What the process that collects a class holds for each submission more."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from explain.cli.grade.running import grade_class
from explain.errors import UnreadableError
from explain.grade.hand_ins.submissions import Submission
from explain.grade.integrity.compare import flags
from explain.grade.integrity.prints import Prints
from explain.grade.pages import gradebooks
from explain.grade.pages.form import forms_in, json_of
from explain.grade.pages.summary import summary_page
from explain.grade.running.batches import Work
from explain.grade.running.executors import _until_done
from explain.grade.running.kept import Kept
from explain.grade.running.on_disk import OnDisk

FEW, MANY = 1100, 2200  # the pages show 1000
CHECK = {
    "id": "c", "title": "Something", "verdict": "not-met", "points": 0.0, "max": 2.0, "says": "No.", "hint": None,
    "given": None, "visibility": "now", "evidence": [], "story": [], "key": None, "bonus": False,
}  # fmt: skip


def form(number, padding=""):
    """As a submission has it, with an answer that nobody else gave."""
    answer = {**CHECK, "id": "q", "given": f"{number} {padding}"}
    return {
        "id": f"s{number:05}", "status": "graded", "score": 1.0, "max": 4.0, "checks": [CHECK], "answers": [answer],
        "flags": [], "reason": None, "files": [], "outside": None,
    }  # fmt: skip


class Made(Sequence):
    """Things that nobody keeps."""

    def __init__(self, number, make):
        self._number, self._make = number, make

    def __len__(self):
        return self._number

    def __getitem__(self, at):
        if not 0 <= at < self._number:
            raise IndexError
        return self._make(at)


def grown(consume, make):
    """Octets that a consumer holds at most for each submission more."""
    peaks = []
    gc.enable()  # as for every class
    for number in (FEW, MANY):
        some = Made(number, make)
        consume(Made(20, make))  # whatever is made at the first use
        tracemalloc.start()
        consume(some)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return (peaks[1] - peaks[0]) / (MANY - FEW)


def own_prints(number):
    spots = {f"isn:{number * 100 + at}": (0, None, at) for at in range(15)}
    return Prints(nonces=spots, gaps={f"{number}/{at}/7": (0, None, at) for at in range(15)})


def test_the_comparison_of_a_class_holds_next_to_nothing_of_each():
    rubric = SimpleNamespace(integrity={}, variables={})

    def compared(prints):
        people = Made(len(prints), lambda at: Submission(f"s{at}", (), {}))
        for _ in flags(rubric, people, prints, [], "en"):
            pass

    assert grown(compared, own_prints) < 1000  # their prints are about 4,000


def test_cycles_are_collected_while_a_class_is_graded():
    gc.disable()
    grade_class(SimpleNamespace(), [], {"no_cache": True, "jobs": 1}, SimpleNamespace())
    assert gc.isenabled()


def test_forms_on_disk_cost_two_numbers_each():
    def kept(forms):
        with OnDisk(len(forms)) as some:
            for number, one in enumerate(forms):
                some[number] = one
            assert some[len(forms) - 1] == forms[len(forms) - 1]

    assert grown(kept, lambda at: form(at, "x" * 5000)) < 50


@pytest.mark.parametrize(
    "written",
    [json_of, gradebooks.grades_csv, lambda told: gradebooks.canvas_csv(told, {}),
     lambda told: gradebooks.moodle_csv(told, {}), lambda told: [summary_page(told)]],
)  # fmt: skip
def test_no_table_or_page_holds_the_class(written):
    def wrote(forms):
        for _ in written({"rubric": {"title": "T", "total": 4.0}, "submissions": forms}):
            pass

    assert grown(wrote, form) < 400  # a form is about 3,000; different wrong answers are counted, up to a limit


def test_a_form_that_was_handed_over_is_not_kept_by_the_pool(tmp_path):
    @contextmanager
    def pool(_):
        with ThreadPoolExecutor(1) as one:
            yield one

    def graded(forms):
        work = Work(None, "en", tmp_path, Kept())
        batches = [[(number, None)] for number in range(len(forms))]
        for _ in _until_done(pool, lambda _, batch: [(number, form(number, "x" * 5000)) for number, _ in batch],
                             work, batches, 4):  # fmt: skip
            pass

    assert grown(graded, form) < 1000  # what is to be graded, and nothing of the 5,000 that came of it


def test_the_marks_of_a_class_are_read_again_one_by_one(tmp_path):
    path = tmp_path / "grades.json"
    forms = [form(number, "  }\n  {") for number in range(3)]
    whole = "".join(json_of({"schema": "s", "rubric": {"title": "T"}, "submissions": forms}))
    path.write_text(whole)
    assert list(forms_in(str(path))) == forms
    path.write_text(whole[: whole.index("s00001")])
    read = forms_in(str(path))
    assert next(read) == forms[0]  # before anybody saw that the file ends too early
    for other in ("{}", "no JSON", whole.replace('"status"', "status")):
        path.write_text(other)
        with pytest.raises(UnreadableError):
            list(forms_in(str(path)))
