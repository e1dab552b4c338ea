"""The pages of the causes: complete, true to the kernel's facts, and found by the messages that they name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from surroundings import CASES

from explain.causes.ids import CHAPTERS, IDS, QUALIFIERS
from explain.causes.pages import all_ids, causes_for_message, chapters, nearest, page
from explain.errors import UnknownNameError
from explain.model import LANGUAGES
from explain.render.layout import display_width

FOLDER = Path(__file__).parents[2] / "explain" / "causes" / "pages"
PARTS = ("see", "why", "tell", "mend")
CODE = re.compile(r"`([^`]+)`")
# Words of a command that a reader has to replace; they are written in the language of the page.
OPEN_WORDS = re.compile(r"NEXTHOP|NAME|ADDRESS|IFNAME|次の中継先|名前|アドレス|インタフェース名|nothing|何も言わない")
SOURCE = re.compile(
    r"RFC \d{3,4}(, .+)?"
    r"|Documentation/networking/[a-z_-]+\.rst(: .+)?"
    r"|[a-zA-Z0-9_.-]+\([1-8]\)(: .+)?"
    r"|net/ipv4/[a-z_]+\.c: \w+"
    r"|IEEE 802\.1D-2004, section .+"
    r"|iputils commit [0-9a-f]{7} \(\d{4}-\d\d-\d\d\)"
)


def text_of(cause: str, language: str) -> str:
    telling = page(cause).tellings[language]
    return "\n".join(getattr(telling, part) for part in PARTS)


def shown_as_is(cause: str, language: str) -> list[str]:
    return [OPEN_WORDS.sub("…", line) for line in text_of(cause, language).split("\n") if line.startswith("    ")]


def paragraphs(cause: str, language: str) -> list[str]:
    return text_of(cause, language).split("\n\n")


def test_the_vocabulary_names_each_cause_once():
    assert len(set(IDS)) == len(IDS) == 106
    assert set(IDS) >= QUALIFIERS


def test_the_chapters_run_from_zero_to_nine_and_hold_every_cause():
    assert [chapter.number for chapter in chapters()] == list(range(10))
    assert tuple(cause for chapter in chapters() for cause in chapter.ids) == all_ids()
    assert all(chapter.names["en"] and chapter.names["ja"] for chapter in chapters())


def test_every_cause_has_a_page_and_every_page_a_cause():
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(IDS)


@pytest.mark.parametrize("cause", IDS)
class TestEachPage:
    def test_says_which_cause_and_chapter_it_is_of(self, cause):
        told = page(cause)
        assert told.id == cause
        assert cause in CHAPTERS[told.chapter][3]

    def test_has_every_part_in_both_languages(self, cause):
        for language in LANGUAGES:
            telling = page(cause).tellings[language]
            assert telling.title
            assert "\n" not in telling.title
            assert not telling.title.endswith((".", "。"))
            for part in PARTS:
                assert len(getattr(telling, part)) > 20, (language, part)

    def test_tells_enough_to_learn_from_and_not_more(self, cause):
        assert 900 < len(text_of(cause, "en")) < 2500
        assert 500 < len(text_of(cause, "ja")) < 1600

    def test_is_written_in_japanese_where_it_says_so(self, cause):
        title = page(cause).tellings["ja"].title
        assert re.search(r"[ぁ-ん]", title)
        assert re.search(r"[ぁ-ん]", page(cause).tellings["ja"].why)
        assert not re.search(r"[ぁ-んァ-ン一-龥]", text_of(cause, "en") + page(cause).tellings["en"].title)

    def test_keeps_one_style_in_japanese(self, cause):
        assert not re.search(r"(です|ます|ません|でしょう|ください)[。、]", text_of(cause, "ja"))

    def test_gives_the_same_commands_in_both_languages(self, cause):
        assert shown_as_is(cause, "en") == shown_as_is(cause, "ja")

    def test_sends_the_reader_to_the_same_causes_in_both_languages(self, cause):
        english, japanese = (set(CODE.findall(text_of(cause, language))) & set(IDS) for language in LANGUAGES)
        assert english == japanese

    def test_names_only_causes_that_exist(self, cause):
        commands = {"iptables-save", "dhcp-host", "enable-ra"}
        for language in LANGUAGES:
            named = {word for word in CODE.findall(text_of(cause, language)) if re.fullmatch(r"[a-z]+(-[a-z]+)+", word)}
            assert named <= set(IDS) | commands

    def test_has_rivals_that_are_other_causes_and_name_it_too(self, cause):
        rivals = page(cause).rivals
        assert rivals
        assert len(set(rivals)) == len(rivals)
        assert cause not in rivals
        for rival in rivals:
            assert rival in IDS
            assert cause in page(rival).rivals, f"{rival} does not name {cause}"

    def test_is_made_by_the_lab_of_its_own_name(self, cause):
        assert page(cause).lab == cause

    def test_stands_on_sources_of_a_known_form(self, cause):
        sources = page(cause).sources
        assert len(sources) >= 2
        assert not [source for source in sources if not SOURCE.fullmatch(source)]

    def test_is_found_by_each_message_that_it_names(self, cause):
        for message in page(cause).messages:
            said = message if not message.strip("* ") else message.replace("*", "192.0.2.9")
            assert cause in dict(causes_for_message(f"ping: {said}")), message
            assert cause in dict(causes_for_message(said.upper())), message

    def test_calls_typical_only_what_it_names(self, cause):
        assert set(page(cause).typical) <= set(page(cause).messages)

    def test_has_lines_to_copy_that_are_not_bent_by_a_tab_or_a_stray_blank(self, cause):
        for language in LANGUAGES:
            text = text_of(cause, language)
            assert "\t" not in text
            assert not re.search(r"[ ]+$", text, re.MULTILINE)
            assert "\n\n\n" not in text


# What the kernel was seen to do.

BLAME = re.compile(r"ip_forward|whether it forwards|転送しているか")
DENIAL = re.compile(r"cannot be|never said|plays no part|ありえない|ことはない|関係ない")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_blames_forwarding_for_network_is_unreachable(language):
    speaks = {cause for cause in IDS if any("Network is unreachable" in text for text in page(cause).messages)}
    blaming = {
        (cause, paragraph)
        for cause in IDS
        for paragraph in paragraphs(cause, language)
        if BLAME.search(paragraph) and (cause in speaks or "Network is unreachable" in paragraph)
        # A command only asks for the setting, and says nothing of its effect.
        if not paragraph.startswith(("    ", "- "))
    }
    assert {cause for cause, _ in blaming} == {"no-route-on-sender", "sender-interface-down"}
    for cause, paragraph in blaming:
        assert DENIAL.search(paragraph), (cause, paragraph)
    silent = [text for text in paragraphs("forwarding-disabled", language) if "Network is unreachable" in text]
    assert silent
    assert all(DENIAL.search(text) for text in silent)


def test_a_router_that_does_not_forward_is_told_as_silent():
    told = page("forwarding-disabled")
    assert not [message for message in told.messages if "nreachable" in message]
    assert "never said" in told.tellings["en"].why
    assert "黙って" in told.tellings["ja"].title


@pytest.mark.parametrize("text", ["connect: Network is unreachable", "sendmsg: Network is unreachable"])
def test_what_the_senders_own_kernel_says_leads_to_no_router(text):
    for cause, _ in causes_for_message(f"ping: {text}"):
        assert page(cause).chapter in {1, 2}, cause


@pytest.mark.parametrize("message", ["sendmsg: Network is unreachable", "sendmsg: Operation not permitted"])
def test_pages_of_sendmsg_lines_say_that_newer_versions_are_silent(message):
    pages = [cause for cause in IDS if message in page(cause).messages]
    assert pages
    for cause in pages:
        assert re.search(r"newer|later versions", page(cause).tellings["en"].see), cause
        assert "新しい" in page(cause).tellings["ja"].see, cause


def test_net_unreachable_leads_to_routers_only_and_to_the_missing_route_first():
    found = [cause for cause, _ in causes_for_message("From 192.0.2.254 icmp_seq=1 Destination Net Unreachable")]
    assert found[0] == "no-route-on-router"
    assert {"router-interface-down", "filter-on-router-forward"} < set(found)
    assert {page(cause).chapter for cause in found} == {4}


def test_a_prohibit_route_and_a_broadcast_share_their_text():
    text = "ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules"
    assert {"broadcast-ping-without-b", "reject-route-on-sender", "policy-rule-on-sender"} == dict(
        causes_for_message(text)
    ).keys()


# From a message to its causes.


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("ping: connect: Network is unreachable", "no-route-on-sender"),
        ("ping: connect: ネットワークに届きません", "no-route-on-sender"),
        ("ネットワークに到達できません", "no-route-on-sender"),
        ("PING: transmit failed. General failure.", "no-route-on-sender"),
        ("Destination Net Unreachable", "no-route-on-router"),
        ("送信元 192.0.2.254 icmp_seq=1 目的のネットワークへ届きません。", "no-route-on-router"),
        ("From 2001:db8::1 icmp_seq=1 目的地へ届きません: 経路がありません", "no-route-on-router"),
        ("destination  NET\nunreachable", "no-route-on-router"),
        ("Destination Net Unreachble", "no-route-on-router"),
        ("nc: connect to 198.51.100.1 port 80 (tcp) failed: Connection refused", "tcp-no-listener"),
        ("ssh: connect to host x port 22: 接続を拒否されました", "tcp-no-listener"),
        ("3 packets transmitted, 0 received, 100% packet loss, time 2033ms", "forwarding-disabled"),
        ("要求がタイムアウトしました。", "forwarding-disabled"),
        ("10 packets transmitted, 9 received, 10% packet loss", "partial-loss"),
        ("3 packets transmitted, 3 received, 0% packet loss", "healthy"),
        ("64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=0.2 ms (DIFFERENT ADDRESS!)", "hairpin-nat-missing"),
        ("64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=0.2 ms (DUP!)", "duplicated-packets"),
        ("Frag needed", "path-mtu-exceeded"),
        ("TTL expired in transit.", "ttl-too-low"),
        ("curl: (28) Operation timed out after 10001 milliseconds with 0 bytes received", "tcp-application-hangs"),
        ("kernel: nf_conntrack: nf_conntrack: table full, dropping packet", "conntrack-table-full"),
        ("ping: bind: Cannot assign requested address", "source-address-not-local"),
        ("ping: app.lab.test: 名前またはサービスが不明です", "name-does-not-exist"),
    ],
)
def test_a_message_leads_to_its_likeliest_cause_first(text, first):
    assert causes_for_message(text)[0][0] == first


def test_no_route_to_host_leads_to_the_absent_hosts():
    found = [cause for cause, _ in causes_for_message("nc: connect to x port 80 (tcp) failed: No route to host")]
    assert found[:2] == ["destination-host-absent-on-link", "destination-host-absent-behind-router"]


def test_full_loss_is_not_taken_for_none_nor_for_some():
    found = dict(causes_for_message("3 packets transmitted, 0 received, 100% packet loss"))
    assert set(found.values()) == {"100% packet loss"}


@pytest.mark.parametrize("text", ["", " ", "foo", "The quick brown fox jumps over the lazy dog", "\x00\x1b[2J", "*"])
def test_a_text_that_no_page_knows_leads_nowhere(text):
    assert causes_for_message(text) == []


def test_a_very_long_text_is_read_in_part():
    assert causes_for_message("x" * 1_000_000) == []


@pytest.mark.needs("cases")
def test_a_recorded_failure_is_found_by_what_its_terminal_showed():
    missed = []
    for case in sorted(path for path in CASES.iterdir() if (path / "meta.json").is_file()):
        text = (case / "ping.txt").read_text(encoding="utf-8")
        truth = json.loads((case / "meta.json").read_text(encoding="utf-8"))
        # A success shows nothing of a fault behind it, and a traceroute's loop is in its numbers, not in a message.
        is_readable = truth["exit_code"] not in (0, None) and truth["tool"] in ("ping", "tcp")
        if is_readable and truth["cause"] not in dict(causes_for_message(text)):
            missed.append(case.name)
    assert not missed


# Names.


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("no-rout-on-sender", "no-route-on-sender"),
        ("forwarding_disabled", "forwarding-disabled"),
        ("Masquerade missing", "masquerade-missing"),
        ("tcp-accept-queue", "tcp-accept-queue-full"),
        ("blackhole", "pmtu-blackhole"),
    ],
)
def test_a_misspelt_name_leads_to_the_nearest(name, meant):
    assert meant in nearest(name)


def test_a_page_of_no_cause_is_refused_with_the_nearest_names():
    with pytest.raises(UnknownNameError) as refused:
        page("../pages/healthy")
    assert refused.value.exit_status == 2
    with pytest.raises(UnknownNameError) as refused:
        page("ttl-to-low")
    assert refused.value.nearest[0] == "ttl-too-low"


def test_only_what_a_program_prints_is_wider_than_a_terminal():
    # It is wrapped with a hanging indent there; a command would be broken by that, so it must fit.
    wide = {
        line.strip()
        for cause in IDS
        for language in LANGUAGES
        for line in shown_as_is(cause, language)
        if display_width(line) > 78
    }
    assert all(line.startswith(("ping: ", "64 bytes from ", "3 packets transmitted", "From ")) for line in wide), wide
