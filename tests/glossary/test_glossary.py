"""The words of the screen: complete in both languages, true to recordings, found by any spelling."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from surroundings import TOP

from explain.glossary import family, lookup, nearest, words
from explain.glossary.families import FAMILIES, FIRST_FAMILIES
from explain.model import LANGUAGES
from explain.symptoms import fields

FOLDER = Path(fields.__file__).parents[1] / "glossary"
ALL = tuple(words())
SOURCE = re.compile(
    r"RFC \d{3,4}(, .+)?(: .+)?"
    r"|Documentation/networking/[a-z0-9_/-]+\.rst(: .+)?"
    r"|Documentation/admin-guide/sysctl/[a-z]+\.rst(: .+)?"
    r"|[a-zA-Z0-9_.-]+\([1-8]\)(: .+)?"
    r"|(include|net)/[a-zA-Z0-9_/-]+\.[ch]: \w+"
    r"|/etc/[a-z0-9_/.]+"
    r"|IEEE 802[0-9.A-Zad]*-20\d\d(, section .+)?"
    r"|IANA .+"
)


def test_every_table_is_a_family_and_every_family_a_table():
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(FAMILIES)
    assert all(set(names) == set(LANGUAGES) for names in FAMILIES.values())
    assert {name for names in FIRST_FAMILIES.values() for name in names} <= set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_word_is_whole_in_both_languages(name):
    for word in family(name):
        for language in LANGUAGES:
            meaning = word.meanings[language]
            assert len(meaning.what) >= 10, word.term
            assert len(meaning.unlike) >= 10, word.term
            assert meaning.what[-1] in ".。`)1", (word.term, language)
            assert meaning.unlike[-1] in ".。", (word.term, language)
        english, japanese = word.meanings["en"], word.meanings["ja"]
        assert english.what.isascii(), word.term
        assert english.unlike.isascii(), word.term
        assert all(_is_japanese(text) for text in (japanese.what, japanese.unlike)), word.term


def _is_japanese(text):
    return any(unicodedata.name(char, "").startswith(("HIRAGANA", "CJK")) for char in text)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_first_sentence_of_a_word_is_short_enough_for_the_margin_of_a_line(name):
    for word in family(name):
        assert 8 <= len(word.meanings["en"].gist) <= 190, word.term
        assert 4 <= len(word.meanings["ja"].gist) <= 110, word.term


@pytest.mark.parametrize("name", FAMILIES)
def test_every_example_stands_in_a_recording(name):
    for word in family(name):
        example = word.example
        recorded = (TOP / "pcaps" / example.recording / example.file).read_text("utf-8")
        rows = [row.rstrip() for row in example.text.split("\n")]
        held = recorded.split("\n")
        assert any(
            all(row in line for row, line in zip(rows, held[start:], strict=False))
            for start in (number for number, line in enumerate(held) if rows[0] in line)
            if start + len(rows) <= len(held)
        ), (word.term, example.text)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_word_to_see_also_exists_and_is_not_the_word_itself(name):
    terms = {word.term for word in ALL} | {key for word in ALL for key in word.keys}
    for word in family(name):
        assert word.see, word.term
        assert set(word.see) <= terms, (word.term, set(word.see) - terms)
        assert word.term not in word.see


@pytest.mark.parametrize("name", FAMILIES)
def test_every_word_says_where_it_stands(name):
    for word in family(name):
        assert word.sources, word.term
        assert [source for source in word.sources if not SOURCE.fullmatch(source)] == [], word.term


def test_no_family_has_two_words_for_one_spelling():
    for name in FAMILIES:
        keys = [key for word in family(name) for key in dict.fromkeys((word.term, *word.keys))]
        assert len(keys) == len(set(keys)), (name, sorted(key for key in set(keys) if keys.count(key) > 1))


@pytest.mark.parametrize("word", ALL, ids=lambda word: f"{word.family}/{word.term}")
def test_a_word_is_found_by_its_own_term(word):
    assert word in lookup(word.term)


@pytest.mark.parametrize(
    ("asked", "term"),
    [
        ("lower_up", "LOWER_UP"), ("  scope   link ", "scope link"), ("scope site", "scope"), ("@if7", "@if5"),
        ("eth0@if12", "@if5"), ("mtu 9000", "mtu"), ("fe80::1", "fe80::"), ("state DORMANT", "state"),
    ],
)  # fmt: skip
def test_other_spellings_lead_to_the_word(asked, term):
    assert [word.term for word in lookup(asked)] == [term]


@pytest.mark.parametrize(
    ("typed", "meant"), [("LOWERUP", "LOWER_UP"), ("scop link", "scope link"), ("tentativ", "tentative")]
)
def test_a_misspelt_term_has_the_right_one_nearest(typed, meant):
    assert lookup(typed) == ()
    assert nearest(typed)[0] == meant


def test_there_are_at_least_three_hundred_words():
    assert len({(word.family, word.term) for word in ALL}) >= 300


@pytest.mark.parametrize(
    "named",
    [
        "LOWER_UP", "NO-CARRIER", "@if5", "link-netns", "scope link", "valid_lft", "mngtmpaddr", "proto kernel",
        "metric",
        "STALE", "policy ACCEPT", "dpt", "to:", "Flags [S.]", "length 0", "DHCPACK", "MASQUERADE", "-l", "-e", "xid",
        "renewal in", "net.ipv4.ip_forward", "net.ipv4.conf.lan.rp_filter",
    ],
)  # fmt: skip
def test_the_words_that_a_learner_asks_for_first_are_there(named):
    assert len(lookup(named)) >= 1


def test_no_pattern_swallows_words_that_nobody_wrote_about():
    assert [text for text in ("x y z", "renat", "a/b/c", "../../etc", "100 blubb") if lookup(text)] == []


@pytest.mark.parametrize("hostile", ["", "*" * 5000, "(" * 300, "\x1b]0;x\x07", "a" * 1_000_000, "\ud800", "[*]" * 99])
def test_hostile_terms_are_bounded_and_find_nothing(hostile):
    assert lookup(hostile) == ()
    assert len(nearest(hostile)) <= 3
