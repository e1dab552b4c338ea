from __future__ import annotations

import csv
import io

import pytest

from explain.errors import UnreadableError, UsageError
from explain.grade.hand_ins.rosters import read_roster
from explain.grade.pages.gradebook_exports import filled, read_export, roster_of
from explain.grade.pages.gradebooks import prairielearn

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (41),NAT lab (42),Current Score
,,,,,,Manual Posting,
    Points Possible,,,,,10,20,(read only)
"Ito, Aiko",501,u1,aiko,A,9,,95
"=cmd|'x'!A1, Bo",502,u2,bo,A,8,12,80
"Ito, Aiko",503,u3,aiko2,B,7,,70
"Student, Test",999,,t,A,,,
"""
WORKSHEET = (
    "\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade),"
    "Feedback comments\n"
    "Participant 11,Aiko Ito,Aiko@example.org,Submitted for grading,,20.00,Yes,-,\n"
    'Participant 12,Bo Ek,bo@example.org,Submitted for grading,3.00,20.00,Yes,"Monday, 1 June",old words\n'
)
REPORT = """\
First name,Surname,ID number,Institution,Email address,Assignment: Lab 1 (Real),Assignment: NAT lab (Real),Last
Aiko,Ito,i1,X,Aiko@example.org,9.00,-,1700000000
Bo,Ek,i2,X,bo@example.org,8.00,12.00,1700000000
"""


def form(name, score, says="Not there.", visibility="now", verdict="not-met", title=None):
    checks = [
        {"id": "c", "verdict": verdict, "says": says, "visibility": visibility, "points": score, "max": 20.0,
         "title": title, "hint": None, "story": [], "evidence": []}
    ]  # fmt: skip
    status = "could-not-be-graded" if score is None else "graded"
    return {"id": name, "status": status, "score": score, "max": 20.0, "checks": checks, "answers": [], "reason": "why"}


def given_back(tmp_path, text, forms, rosters, titles=("NAT lab",)):
    """The rows of the gradebook with the marks, and who is not in it."""
    path = tmp_path / "export.csv"
    path.write_text(text, encoding="utf-8")
    export = read_export(str(path), titles)
    made, left = filled(export, {"submissions": forms, "rubric": {"total": 20.0}}, rosters)
    return list(csv.reader(io.StringIO("".join(made)))), left


def test_canvas_has_its_own_column_back_with_the_marks_and_nothing_else_to_overwrite(tmp_path):
    forms = [form("aiko", 17.5), form("bo", None), form("zoe", 3.0)]
    rows, left = given_back(tmp_path, CANVAS, forms, {"aiko": {"SIS Login ID": "aiko"}})
    assert rows == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "NAT lab (42)"],
        ["", "", "", "", "", "Manual Posting"],
        ["    Points Possible", "", "", "", "", "20"],
        ["Ito, Aiko", "501", "u1", "aiko", "A", "17.5"],
        ["'=cmd|'x'!A1, Bo", "502", "u2", "bo", "A", "12"],
        ["Ito, Aiko", "503", "u3", "aiko2", "B", ""],
        ["Student, Test", "999", "", "t", "A", ""],
    ]
    assert left == ["zoe"]


def test_two_people_of_one_name_are_never_taken_for_each_other(tmp_path):
    rows, left = given_back(tmp_path, CANVAS, [form("Ito, Aiko", 5.0)], {})
    assert {row[-1] for row in rows[3:]} == {"", "12"}
    assert left == ["Ito, Aiko"]


def test_a_worksheet_of_moodle_comes_back_whole_with_mark_and_words_together(tmp_path):
    rows, left = given_back(tmp_path, WORKSHEET, [form("11", 15.0, title="=1+1"), form("zoe", 1.0)], {})
    before = list(csv.reader(io.StringIO(WORKSHEET.lstrip("\ufeff"))))
    assert rows[0] == before[0]
    assert rows[1] == [*before[1][:4], "15", *before[1][5:8], "'=1+1: Not there."]
    assert rows[2] == before[2]
    assert left == ["zoe"]


def test_a_report_of_moodle_is_matched_by_its_own_spelling_of_the_address(tmp_path):
    rows, left = given_back(tmp_path, REPORT, [form("aiko", 15.0)], {"aiko": {"email": "aiko@example.org"}})
    assert rows[0][-2:] == ["Assignment: NAT lab (Real)", "NAT lab (Feedback)"]
    assert rows[1] == ["Aiko", "Ito", "i1", "Aiko@example.org", "15", "c: Not there."]
    assert rows[2] == ["Bo", "Ek", "i2", "bo@example.org", "12.00", ""]
    assert left == []


def test_what_a_student_may_not_read_yet_is_not_among_the_words(tmp_path):
    rows, _ = given_back(tmp_path, WORKSHEET, [form("11", 15.0, "the key", "after_due")], {})
    assert rows[1][-1] == ""


@pytest.mark.parametrize("text", [CANVAS, REPORT])
def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path, text):
    with pytest.raises(UsageError, match="NAT lab"):
        given_back(tmp_path, text, [], {}, ["DHCP"])


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", '"' * 3, "\0"])
def test_what_is_no_gradebook_is_refused(tmp_path, text):
    with pytest.raises(UnreadableError):
        given_back(tmp_path, text, [], {})


def test_the_people_of_a_gradebook_are_a_roster(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(CANVAS)
    assert [row["SIS Login ID"] for row in roster_of(read_export(str(path), ["NAT lab"]))] == [
        "",
        "aiko",
        "bo",
        "aiko2",
    ]


def test_prairielearn_has_shares_of_one_and_a_broken_submission_is_not_gradable():
    told = prairielearn(form("x", 15.0))
    assert (told["gradable"], told["score"]) == (True, 0.75)
    assert told["tests"] == [{"name": "c", "points": 15.0, "max_points": 20.0, "output": "Not there."}]
    assert prairielearn(form("x", None)) == {"gradable": False, "format_errors": ["why"]}
    assert prairielearn(form("x", 25.0))["score"] == 1
    assert prairielearn(form("x", 1.0, visibility="never"))["tests"] == []


def test_a_roster_that_a_spreadsheet_saved_in_another_encoding_is_told_how_to_save_it(tmp_path):
    (path := tmp_path / "roster.csv").write_bytes("student,name\ns1,山田\n".encode("cp932"))
    with pytest.raises(UnreadableError, match="save it as CSV UTF-8"):
        read_roster(str(path))
