from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner
from grading_scenes import asked_and_pinged, rubric_file
from packets import pcap

from explain.cli.grade import grade

TEXT = """
[[check]]
id = "asked"
points = 1
expect = "arp.request"
[[answer]]
id = "why"
ask = "What is it for?"
type = "text"
points = 2
mark = "manual"
keywords = ["address", "MAC"]
"""


@pytest.fixture
def lab(tmp_path):
    rubric_file(tmp_path, TEXT)
    for name, answer in (("alice", "the mac of an address"), ("bob", "=HYPERLINK(1)"), ("zoe", "no idea")):
        folder = tmp_path / "in" / name
        folder.mkdir(parents=True)
        (folder / "lab.pcap").write_bytes(pcap(*asked_and_pinged(1)).getvalue())
        (folder / "answers.toml").write_text(f"why = {answer!r}\n")
    return tmp_path


def run(lab, *more, typed=""):
    arguments = more or ("run", lab / "rubric.toml", lab / "in", "-o", lab / "out", "--jobs", "1", "--lang", "en")
    done = CliRunner().invoke(grade, [str(one) for one in arguments], standalone_mode=False, input=typed)
    assert done.exception is None, done.exception
    return done


def marks(lab):
    told = json.loads((lab / "out" / "grades.json").read_text())
    return {form["id"]: (form["score"], form["answers"][0]["verdict"], form["answers"][0]["says"])
            for form in told["submissions"]}  # fmt: skip


def queue(lab):
    with (lab / "out" / "review.csv").open(newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def enter(lab, student, **entry):
    rows = queue(lab)
    rows[student] |= entry
    with (lab / "out" / "review.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[student]))
        writer.writeheader()
        writer.writerows(rows.values())


def test_free_answers_wait_in_a_table_with_what_they_mention_and_no_formula(lab):
    assert "3 of 3 answers wait" in run(lab).stderr
    rows = queue(lab)
    assert (rows["alice"]["mentions"], rows["alice"]["points"], rows["alice"]["max"]) == ("address, MAC", "", "2")
    assert rows["bob"]["answer"] == "'=HYPERLINK(1)"


def test_what_a_person_entered_counts_in_the_next_run_and_the_one_after_it(lab):
    run(lab)
    enter(lab, "alice", points="1,5", remark="Whose?")
    for _ in range(2):
        assert "2 of 3 answers wait" in run(lab).stderr
        assert marks(lab)["alice"] == (2.5, "partly", "Whose?")
        assert marks(lab)["bob"][:2] == (1, "manual")


@pytest.mark.parametrize("points", ["2.5", "-1", "nan", "much"])
def test_points_that_cannot_be_are_refused_and_the_answer_waits_on(lab, points):
    run(lab)
    enter(lab, "alice", points=points)
    assert "is no number from 0 to 2" in run(lab).stderr
    assert marks(lab)["alice"][:2] == (1, "manual")


def test_an_answer_that_changed_after_it_was_read_waits_again(lab):
    run(lab)
    enter(lab, "alice", points="2")
    (lab / "in" / "alice" / "answers.toml").write_text('why = "copied"\n')
    assert "the answer has changed since it was read" in run(lab).stderr
    assert marks(lab)["alice"][:2] == (1, "manual")


def test_an_entry_stays_while_others_alone_are_graded(lab):
    run(lab)
    enter(lab, "alice", points="2")
    run(lab, "run", lab / "rubric.toml", lab / "in" / "bob", "-o", lab / "out", "--jobs", "1")
    run(lab)
    assert marks(lab)["alice"][:2] == (3, "met")


def test_reading_can_be_left_at_any_time_and_goes_on_where_it_was(lab):
    run(lab)
    command = "review", lab / "rubric.toml", lab / "out"
    first = run(lab, *command, typed="3\n2\nwell said\nq\n")
    assert "a number from 0 to 2" in first.stdout
    assert "2 of 3 still wait" in first.stdout
    run(lab)
    second = run(lab, *command, typed="0\n\n\n")
    assert "1 of 2: bob" in second.stdout
    assert "1 of 3 still wait" in second.stdout
    run(lab)
    told = marks(lab)
    assert told["alice"] == (3, "met", "well said")
    assert told["bob"] == (1, "not-met", "A person has read this.")
    assert told["zoe"][1] == "manual"
