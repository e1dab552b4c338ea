from __future__ import annotations

import pytest
from packets import pcap

from explain.grade.authoring.lint import lint, sound
from explain.grade.authoring.trials import run_trials
from explain.grade.rubric.shipped import SHIPPED, rubric_path
from explain.grade.running.grading import grade_files

NAMES = sorted(path.parent.name for path in SHIPPED.glob("*/rubric.toml"))


def test_there_is_a_rubric_for_each_of_the_usual_labs():
    assert NAMES == ["arp", "dhcp", "icmp", "nat", "tcp"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_shipped_rubric_lints_without_a_warning_and_speaks_both_languages(name, language):
    rubric, errors, warnings = lint(name, language)
    assert (errors, warnings) == ([], [])
    titles = [one.title or "" for one in rubric.checks] + [one.ask for one in rubric.questions]
    is_japanese = [any("ぁ" <= char <= "鿿" for char in title) for title in titles]
    assert all(is_japanese) if language == "ja" else not any(is_japanese)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_rubric_marks_its_own_captures_as_stated(name):
    trials = dict(run_trials(sound(name)))
    assert len(trials) >= 3
    assert {what: wrong for what, wrong in trials.items() if wrong} == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_rubric_gives_an_empty_capture_nothing(tmp_path, name):
    rubric = sound(name)
    files = {one: tmp_path / f"{one}.pcap" for one in rubric.captures}
    for file in files.values():
        file.write_bytes(pcap().getvalue())
    assert grade_files(rubric, "x", files, None, {}).score == 0


def test_a_rubric_is_found_by_path_then_in_the_working_folder_then_among_the_shipped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rubric_path("arp").endswith("shipped/rubrics/arp/rubric.toml")
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "rubrics" / "arp.toml").write_text("rubric = 1\n")
    assert rubric_path("arp") == "rubrics/arp.toml"
    (tmp_path / "arp").mkdir()
    (tmp_path / "arp" / "rubric.toml").write_text("rubric = 1\n")
    assert rubric_path("arp") == "arp/rubric.toml"
    assert rubric_path("./nothing") == "./nothing"
