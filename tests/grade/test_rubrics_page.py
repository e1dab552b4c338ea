from __future__ import annotations

import re

import pytest
from surroundings import TOP

from explain.grade.authoring.lint import lint
from explain.grade.marking.answer_values import read_as
from explain.grade.rubric.records import ANSWER_TYPES
from explain.grade.rubric.values import _KEYS

PAGE = (TOP / "docs" / "rubrics.md").read_text("utf-8")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_rubric_of_the_page_lints_without_a_warning(tmp_path, language):
    path = tmp_path / "rubric.toml"
    path.write_text(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0], encoding="utf-8")
    assert lint(str(path), language)[1:] == ([], [])


def test_the_page_names_every_key_of_a_check_and_every_type_of_an_answer():
    told = set(re.findall(r"[a-z_0-9]+(?::port)?", PAGE))
    assert set(_KEYS["[[check]]"]) - {"bonus"} <= told
    assert set(ANSWER_TYPES) <= told
    assert read_as("mac", "02-00-00-00-00-fe") == "02:00:00:00:00:fe"
