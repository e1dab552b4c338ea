"""Whole notes of an evening, as people write them, with what real kernels answered; read as a reader would."""

from __future__ import annotations

import pytest
from surroundings import TOP

import explain
from explain.causes.notes.plan import lab_table
from explain.causes.notes.study import study
from explain.symptoms.notes import read_notes

NOTES = sorted((TOP / "fixtures").glob("evening-*/notes.*.md"))


@pytest.mark.parametrize("path", NOTES, ids=lambda path: f"{path.parent.name}-{path.name.split('.')[1]}")
def test_the_notes_of_an_evening_tell_the_story_that_was_read_before(path, golden):
    language = path.name.split(".")[1]
    golden(path.parent / f"story.{language}.txt", explain.explain(path).story(language))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_wrong_belief_of_the_evening_is_corrected_and_the_right_one_left_alone(language):
    report = explain.explain(TOP / "fixtures" / "evening-router" / f"notes.{language}.md")
    told = [line.message for line in report.lines]
    assert [name for name in told if name.startswith("notes.belief.wrong")] == ["notes.belief.wrong-silent"]
    assert "notes.belief.right" in told


def test_both_languages_of_an_evening_come_to_the_same_conclusions():
    for folder in sorted({path.parent for path in NOTES}):
        english, japanese = (explain.explain(folder / f"notes.{language}.md").lines for language in ("en", "ja"))
        assert [line.message for line in english] == [line.message for line in japanese]


def test_a_lab_from_notes_begins_with_the_network_of_the_first_try_and_changes_it_in_their_order():
    text = (TOP / "fixtures" / "evening-router" / "notes.en.md").read_bytes()
    table = lab_table(study(read_notes(text)), {"en": "An evening", "ja": "ある晩"})
    steps = [(step["on"], *step["run"][:2], step["run"][-1]) for step in table["steps"]]
    assert "routes" not in table["nodes"]["h1"]
    assert steps[1:7] == [
        ("h1", "ping", "-c", "192.0.2.1"),
        ("h1", "ip", "route", "192.0.2.254"),
        ("h2", "ip", "route", "198.51.100.254"),
        ("r", "sysctl", "-w", "net.ipv4.ip_forward=0"),
        ("h1", "ping", "-c", "192.0.2.1"),
        ("r", "sysctl", "-w", "net.ipv4.ip_forward=1"),
    ]
