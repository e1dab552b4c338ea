"""``explain cause`` as a person and as a script would use it."""

from __future__ import annotations

import json

import pytest
from command_line import called, runs

from explain.causes.ids import IDS
from explain.render.layout import display_width

explain = runs("cause")


def test_without_an_argument_every_cause_is_listed_by_chapter(explain):
    status, out, _ = explain()
    assert status == 0
    listed = [line.strip() for line in out.splitlines() if line.strip() in IDS]
    assert listed == list(IDS)
    assert out.startswith("0 Nothing wrong\n  healthy\n")


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("cause", ["no-route-on-sender", "filter-on-router-forward", "server-slow", "healthy"])
def test_a_page_fits_eighty_columns(explain, cause, language):
    status, out, _ = explain(cause, "--lang", language)
    assert status == 0
    # What has no blank to break at stays whole, so that it can be copied.
    assert not [line for line in out.splitlines() if display_width(line) > 80 and len(line.split()) > 1]
    assert not [line for line in out.splitlines() if line != line.rstrip()]
    assert not [line for line in out.splitlines() if line.lstrip().startswith(("、", "。", "」", ")"))]


@pytest.mark.parametrize("width", ["40", "57", "200"])
def test_a_page_keeps_to_the_width_it_is_given(explain, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    _, out, _ = explain("healthy", "--lang", "ja")
    assert max(display_width(line) for line in out.splitlines()) <= int(width)


def test_off_a_terminal_the_page_is_plain_text(explain):
    assert "\x1b" not in explain("healthy")[1]


def test_the_locale_chooses_the_language(explain, monkeypatch):
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert "なぜ起きるか" in explain("healthy")[1]
    monkeypatch.setenv("LC_ALL", "C")
    assert "Why it happens" in explain("healthy")[1]
    assert "なぜ起きるか" in explain("healthy", "--lang", "ja")[1]


@pytest.mark.parametrize("before", [["--lang", "ja"], ["--lang=ja"]])
def test_the_language_may_stand_before_the_command(capsys, before):
    assert called(capsys, *before, "cause", "healthy")[:2] == called(capsys, "cause", "healthy", "--lang", "ja")[:2]


def test_a_page_names_its_likeliest_rivals_and_all_of_them_on_request(explain):
    _, short, _ = explain("forwarding-disabled")
    _, full, _ = explain("forwarding-disabled", "--all")
    assert "explain cause forwarding-disabled --all" in " ".join(short.split())
    assert "snat-to-unowned-address" not in short
    assert "snat-to-unowned-address" in full


def test_a_message_leads_to_its_causes_with_their_titles(explain):
    status, out, _ = explain("Destination Net Unreachable")
    assert status == 0
    assert out.index("no-route-on-router") < out.index("router-interface-down")
    assert "A router on the way has no route to the destination" in out


def test_a_message_need_not_be_quoted(explain):
    assert "tcp-no-listener" in explain("Connection", "refused")[1]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_misspelt_id_gets_the_nearest_and_status_two(explain, language):
    status, out, err = explain("no-rout-on-sender", "--lang", language)
    assert (status, out) == (2, "")
    assert "no-route-on-sender" in err
    assert err.count("\n") == 1


def test_a_text_that_nobody_knows_is_refused_in_one_harmless_line(explain):
    status, out, err = explain("\x1b[2Jabracadabra")
    assert (status, out) == (2, "")
    assert "\x1b" not in err
    assert err.count("\n") == 1


def test_json_holds_both_languages_and_every_part(explain):
    told = json.loads(explain("ttl-too-low", "--json", "--lang", "ja")[1])
    assert told["schema"] == "explain-cause/1"
    assert told["id"] == "ttl-too-low"
    assert told["chapter"] == {"number": 1, "name": {"en": "The command and the name", "ja": "コマンドと名前"}}
    for language in ("en", "ja"):
        assert set(told[language]) == {"title", "see", "why", "tell", "mend"}
    assert told["rivals"] == ["routing-loop"]
    assert told["lab"] == "ttl-too-low"
    assert told["sources"]


def test_json_of_the_list_and_of_a_message_carry_ids_and_titles(explain):
    listed = json.loads(explain("--json")[1])
    assert [one["id"] for chapter in listed["chapters"] for one in chapter["causes"]] == list(IDS)
    found = json.loads(explain("Connection refused", "--json")[1])
    assert found["causes"][0]["id"] == "tcp-no-listener"
    assert found["causes"][0]["message"] == "Connection refused"
    assert set(found["causes"][0]["title"]) == {"en", "ja"}
