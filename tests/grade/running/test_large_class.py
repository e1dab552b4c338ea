"""Classes as large as they come, one in a hundred of whom attacks the grader."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from grading_class import HEAD, TEXT, command, hand_in, high_water, mistakes
from grading_scenes import rubric_file

pytestmark = pytest.mark.long

MOST_KIB_EACH = 1.5
"""What is known of each submission until the end: its name, its paths, and where its marks are; a form is larger."""


def graded(folder, number, *options):
    """The forms of a class of this size by their ids, and the most that its collector held, in KiB."""
    for at in range(number):
        hand_in(folder / "in" / f"s{at:05}", at)
    rubric = rubric_file(folder, TEXT, HEAD)
    told, highest = folder / "told.json", 0
    with told.open("wb") as out:
        child = subprocess.Popen(command(rubric, folder / "in", "--json", "--no-cache", *options), stdout=out)
        while child.poll() is None:
            highest = max(highest, high_water(child.pid))
            time.sleep(0.1)
    assert child.returncode == 0
    return {one["id"]: one for one in json.loads(told.read_text())["submissions"]}, highest


@pytest.mark.parametrize("number", [200, pytest.param(10_000, marks=pytest.mark.full)])
def test_every_mark_of_a_large_class_is_right_and_every_attack_costs_only_itself(tmp_path, number):
    forms, _ = graded(tmp_path, number)
    assert len(forms) == number
    assert mistakes(forms) == []
    assert [one for form in forms.values() for one in form["flags"] if one["with"] is not None] == []


@pytest.mark.full
def test_the_collector_of_ten_thousand_does_not_hold_their_forms(tmp_path):
    few, many = (graded(tmp_path / str(number), number, "-o", tmp_path / f"out{number}") for number in (1000, 10_000))
    assert (many[1] - few[1]) / 9000 < MOST_KIB_EACH
