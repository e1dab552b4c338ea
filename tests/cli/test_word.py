"""``explain word`` as a person and as a script would use it."""

from __future__ import annotations

import json

import pytest
from command_line import runs

from explain.glossary import words
from explain.glossary.families import FAMILIES
from explain.render.layout import display_width

explain = runs("word")


def test_a_word_is_told_with_what_it_is_and_what_it_is_not(explain):
    status, out, _ = explain("LOWER_UP")
    assert status == 0
    for part in ("What it is", "What it is not", "As it was recorded", "See also", "Where it stands"):
        assert f"\n{part}" in out
    assert "<BROADCAST,MULTICAST,UP,LOWER_UP>" in out


def test_a_term_may_be_given_in_several_arguments_and_in_japanese(explain):
    assert explain("scope", "link") == explain("scope link")
    assert "間違えやすい点" in explain("scope", "link", "--lang", "ja")[1]


def test_a_value_that_the_screen_shows_beside_a_word_is_no_obstacle(explain):
    assert explain("mtu 1500")[1] == explain("mtu")[1]
    assert explain("valid_lft 3600sec")[1] == explain("valid_lft")[1]


def test_without_an_argument_all_words_are_listed_by_family(explain):
    status, out, _ = explain()
    assert status == 0
    assert [row for row in out.splitlines() if row in {names["en"] for names in FAMILIES.values()}] == [
        names["en"] for names in FAMILIES.values()
    ]
    listed = json.loads(explain("--json")[1])
    assert [one["id"] for one in listed["families"]] == list(FAMILIES)
    assert [term for one in listed["families"] for term in one["terms"]] == [word.term for word in words()]


def test_a_misspelt_term_names_the_nearest_and_ends_with_two(explain):
    status, out, err = explain("LOWERUP")
    assert (status, out) == (2, "")
    assert err.startswith("explain: no word is known as LOWERUP (did you mean LOWER_UP")
    assert err.count("\n") == 1
    assert "もしかすると LOWER_UP" in explain("LOWERUP", "--lang", "ja")[2]


def test_a_piece_of_a_line_has_each_of_its_words_told(explain):
    out = explain("dpt:54321 to:", "--lang", "en")[1]
    assert [row for row in out.splitlines() if row in ("dpt", "to")] == ["dpt", "to"]
    assert "Flags [S.]\n" in explain("Flags [S.], seq 7, ack 8, win 9, length 0")[1]


@pytest.mark.parametrize(
    "hostile", ["\x1b[31mred", "x" * 100_000, "\ud800", "$(reboot)", "../../etc/passwd", "%s{0}{x}"]
)
def test_a_hostile_term_is_shown_inert_on_one_line(explain, hostile):
    status, out, err = explain(hostile)
    assert (status, out) == (2, "")
    assert "\x1b" not in err
    assert err.count("\n") == 1
    assert len(err) < 1000


def test_a_word_as_json_has_both_languages_and_the_recording(explain):
    told = json.loads(explain("tentative", "--json")[1])
    assert told["schema"] == "explain-word/1"
    (one,) = told["words"]
    assert one["term"] == "tentative"
    assert one["family"]["id"] == "ip-address"
    assert all(one[language][part] for language in ("en", "ja") for part in ("is", "not", "gist"))
    assert set(one["example"]) == {"recording", "file", "text"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_and_the_list_fit_eighty_columns(monkeypatch, language):
    monkeypatch.delenv("COLUMNS", raising=False)
    from explain.cli.word import _list_rows, _page_rows

    rows = [row for word in words() for row in _page_rows(word, language)] + list(_list_rows(language))
    assert [row for row in rows if display_width(row) > 80 and len(row.split()) > 1] == []
    assert [row for row in rows if row != row.rstrip()] == []
