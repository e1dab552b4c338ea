from __future__ import annotations

import re
import string
import tomllib
from functools import cache
from pathlib import Path

import pytest

import explain.words
from explain.model import Line
from explain.words import has, say, sentence
from explain.words.values import NOUNS, duration, size, visible

TABLES = sorted(Path(explain.words.__file__).parent.glob("*.toml"))


def entries(table, path=()):
    for key, value in table.items():
        if isinstance(value, dict) and "en" in value and isinstance(value["en"], str):
            yield ".".join((*path, key)), value
        elif isinstance(value, dict):
            yield from entries(value, (*path, key))


@cache
def sentences(table):
    return dict(entries(tomllib.loads(table.read_text("utf-8"))))


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_both_languages_say_the_same_facts(table):
    for name, entry in sentences(table).items():
        assert set(entry) == {"en", "ja"}, name
        assert placeholders(entry["en"]) == placeholders(entry["ja"]), name


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_a_sentence_read_alone_is_the_one_of_the_whole_table(table):
    for name, entry in sentences(table).items():
        assert {language: sentence(f"{table.stem}.{name}", language) for language in entry} == entry


def test_a_sentence_that_is_nowhere_is_not_had():
    assert has("findings.trace-not-answered.verdict")
    assert not any(has(name) for name in ("findings.trace-not-answered.x", "findings.x.y", "x.y", "findings.x"))


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_every_counted_noun_is_known(table):
    forms = {"duration", "size", "number", "brief", "whole", "file"}
    forms |= {"title", "gist", "span", "steps", "ttl", "forwarding", "typed", "numbered"}
    for name, entry in sentences(table).items():
        said = {noun for text in entry.values() for _, _, noun, _ in string.Formatter().parse(text) if noun}
        assert said <= NOUNS.keys() | forms, name


@pytest.mark.parametrize(
    ("frames", "said"), [("5", "frame 5"), ("5-7", "frames 5-7"), ([5, 9], "frames 5, 9"), ([5], "frame 5")]
)
def test_one_frame_is_no_frames(frames, said):
    assert say("grade_page.student.at", {"file": "a.pcap", "frames": frames}, "en") == f"a.pcap: {said}"
    assert say("grade_page.student.at", {"file": "a.pcap", "frames": "5"}, "ja") == "a.pcap: フレーム 5"


def test_nouns_are_counted_as_each_language_does():
    assert say("story.kind.icmp.error", {"total": 1}, "en") == "ICMP errors, 1 message"
    assert say("story.kind.icmp.error", {"total": 2}, "en") == "ICMP errors, 2 messages"
    assert say("story.kind.icmp.error", {"total": 2}, "ja") == "ICMP エラー、2 通のメッセージ"


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, {"en": "answer to 1 look-up, for a.test, while", "ja": "a.test の問い合わせには"}),
        (2, {"en": "answer to 2 look-ups, such as a.test, while", "ja": "a.test など 2 件の問い合わせには"}),
    ],
)
def test_an_example_is_given_only_of_several(count, told):
    values = {"server": "S", "client": "C", "name": "a.test", "count": count}
    for language, part in told.items():
        assert part in say("findings.dns-lookup-unanswered.verdict", values, language)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\nb\r\tc", "a\\x0ab\\x0d\\x09c"),
        ("\u202eevil", "\\u202eevil"),
        ("\u2066x\u200b", "\\u2066x\\u200b"),
        ("\ud800", "\\ud800"),
        ("\x00", "\\x00"),
        ("\U000e0041", "\\U000e0041"),
        ("[red]ok[/]", "[red]ok[/]"),
        ("日本語", "日本語"),
    ],
)
def test_text_from_packets_is_shown_and_never_obeyed(hostile, shown):
    assert visible(hostile) == shown


def test_a_name_from_a_packet_is_one_word_of_the_command_that_is_proposed():
    values = {"client": "192.0.2.1", "name": "a;reboot;$(id).test"}
    assert "getent hosts 'a;reboot;$(id).test';" in say("findings.name-does-not-exist.next", values, "en")


def test_a_megabyte_of_name_is_cut():
    assert len(visible("a" * 1_000_000)) < 300


def test_a_value_with_braces_is_not_a_placeholder():
    values = {"wanted_ip": "{0.__class__}", "asker_ip": "{x}"}
    assert say("arp.asked.again", values, "en") == "{x} asked everyone: who-has {0.__class__}?"


def test_of_very_many_values_the_first_are_named_and_the_others_counted():
    values = {"wanted_ip": "x", "answered_macs": [f"m{number}" for number in range(1200)]}
    assert say("arp.conflicting", values, "en").split(". ")[0].endswith("m98, m99, and 1,100 more")
    assert "m99、ほか 1,100 個" in say("arp.conflicting", values, "ja")


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 us"), (850, "0.85 us"), (21_400, "0.0214 ms"), (1_500_000, "1.5 ms"), (1_500_000_000, "1.5 s"),
        (59_940_000_000, "59.9 s"), (125_000_000_000, "2 min 5 s"), (7_260_000_000_000, "2 h 1 min"),
        (59_999_600_000, "60 s"), (999_499_999, "999 ms"), (999_600_000, "1 s"),
        (1_800_000_000_000, "30 min"), (3_600_000_000_000, "1 h"),
        (172_740_000_000_000, "47 h 59 min"), (4_000 * 86_400_000_000_000, "4,000 days"),
    ],
)  # fmt: skip
def test_durations_have_three_digits_and_the_unit_that_fits(ns, text):
    assert duration(ns) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (21_400_000, "21.4 ms 後に h2 が応答: a。"), (1_500_000_000, "1.5 秒後に h2 が応答: a。"),
        (125_000_000_000, "2 分 5 秒後に h2 が応答: a。"),
    ],
)  # fmt: skip
def test_a_japanese_unit_stands_close_to_the_word_behind_it(ns, text):
    assert say("dns.answered-in", {"rtt_ns": ns, "server": "h2", "answers": ["a"]}, "ja") == text


@pytest.mark.parametrize(
    ("host", "interface", "text"),
    [
        ("h1", "eth0", "h1 の eth0 を上げる"),
        (None, "eth0", "このホストの eth0 を上げる"),
        (None, "外側", "このホストの 外側 を上げる"),
    ],
)
def test_a_japanese_part_stands_close_to_japanese_and_text_of_others_is_left_alone(host, interface, text):
    part = Line("notes.host.named", {"name": host}) if host else Line("notes.host.here", {})
    assert say("notes.did.set-up", {"host": part, "interface": interface}, "ja") == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (9_999, "9999 B"),
        (10_000, "10 kB"),
        (2_500_000, "2.5 MB"),
        (999_700, "1 MB"),
        (999_800_000, "1 GB"),
        (3_000_000_000, "3 GB"),
    ],
)
def test_sizes_are_decimal(octets, text):
    assert size(octets) == text


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_entries_are_the_same_whether_read_quickly_or_by_the_library(path):
    text = "\n" + path.read_text("utf-8")
    sections = [part.partition("]\n")[2] for part in text.split("\n[")[1:] if "]\n" in part]
    for section in sections:
        quick = explain.words.plain_entries(section)
        assert quick is None or quick == tomllib.loads(section)


@pytest.mark.parametrize(
    "odd",
    [
        'en = """a"""',
        'en = "a"  # why',
        "n = 1",
        'en = ["a"]',
        'en = "a',
        "en = 'a'",
        'en = "a\\u0041"',
        'e.n = "a"',
    ],
)
def test_entries_that_are_more_than_a_plain_string_are_left_to_the_library(odd):
    assert explain.words.plain_entries(f'ja = "x"\n{odd}\n') is None


def test_a_quotation_mark_inside_a_sentence_is_one_of_the_sentence():
    text = r'en = "so \"it\" is"'
    assert explain.words.plain_entries(text) == {"en": 'so "it" is'} == tomllib.loads(text)
    assert explain.words.plain_entries(r'en = "a \\"') is None


def test_nearly_all_sentences_need_no_library_to_be_read():
    text = "".join("\n" + path.read_text("utf-8") for path in TABLES)
    sections = [part.partition("]\n")[2] for part in text.split("\n[")[1:] if "]\n" in part]
    quick = sum(explain.words.plain_entries(section) is not None for section in sections)
    assert quick > 0.95 * len(sections)


def test_what_an_ipv6_header_calls_hop_limit_is_not_called_ttl():
    values = {"ttl": 64, "seq": 1, "id": 7, "dst": "x"}
    assert "TTL 64" in say("icmp.echo.request.first", values | {"src": "192.0.2.1"}, "en")
    assert "hop limit 64" in say("icmp.echo.request.first", values | {"src": "2001:db8::1"}, "en")


def test_a_look_up_that_is_to_be_tried_again_asks_for_the_same_type():
    for name, entry in sentences(Path(explain.words.__file__).with_name("findings.toml")).items():
        for text in entry.values():
            again = re.findall(r"dig (?:[+@]\S+ )+\{name:typed\}(?! \{type\}| \{denied\}| CNAME)", text)
            assert not again, name


def test_what_differs_stands_apart_from_japanese_before_it_only_where_it_begins_in_latin():
    values = {"what": "TCP", "frames": (1,), "there": Line("exchange.outcome.closed", {})}
    said = say("against.then.outcome", values | {"here": Line("exchange.outcome.reset", {})}, "ja")
    assert said == "TCP: 正常な方では正常終了 (フレーム 1)、ここでは RST で切断。"
