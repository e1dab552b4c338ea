from __future__ import annotations

import json
import re
import subprocess
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from browser import Browser
from hypothesis import given
from hypothesis import strategies as st
from packets import A, B, R, datagram, error, is_at, pcap, ping, pong, segment, who_has
from surroundings import TOP
from tcp_scenes import lossy_capture

import explain
from explain.render.html.page import render
from explain.render.html.plot import MOST_PLOTS
from explain.render.markup import data, tag, text, unbroken

ALICE, BOB = "192.0.2.1", "192.0.2.2"
EVIL = "<img/src=x/onerror=alert(1)>"
OUTSIDE_OF_THE_SCREEN = """
  [...document.querySelectorAll("body *")].filter(one => !one.closest(".scroll, script") && one.getClientRects().length
    && one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5).map(one => one.outerHTML)
"""


def page_of(*frames, language="en"):
    report = explain.explain(pcap(*frames))
    return render(report, report.lines, language)


def hostile():
    name = bytes([len(EVIL)]) + EVIL.encode() + b"\0"
    asked = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + name + b"\0\x01\0\x01"
    head = f"GET /{EVIL}</script><script>alert(2)</script> HTTP/1.1\r\nHost: {EVIL}\r\n\r\n".encode()
    unreachable = ping(ALICE, "198.51.100.1", 1, ident=9)
    return (
        who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)), datagram((ALICE, 5000), (BOB, 53), asked),
        segment((ALICE, 4000), (BOB, 80), 24, seq=1, ack=1, data=head), ping(ALICE, BOB, 1), pong(BOB, ALICE, 1),
        unreachable, error("192.0.2.254", 3, 0, unreachable, macs=(R, A)),
    )  # fmt: skip


def handshake():
    syn, answer = segment((ALICE, 4000), (BOB, 80), 2, seq=1), segment((BOB, 80), (ALICE, 4000), 18, seq=9, ack=2)
    return who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)), syn, answer


def test_outcomes_are_told_in_the_words_of_the_page():
    page = page_of(*handshake(), ping(ALICE, BOB, 1), language="ja")
    assert '<span class="t" lang="ja">応答なし</span>' in page
    assert '<option value="unanswered" data-en="not answered" data-ja="応答なし">' in page


def test_a_name_with_hyphens_is_not_broken_behind_one():
    told = unbroken("フィルター: filter-on-target-input、a-b/c と x<y-z.test>, /p/q-r")
    assert re.findall(r'<span class="whole">(.*?)</span>', told) == ["filter-on-target-input", "y-z.test"]


@pytest.fixture(scope="module")
def browser():
    with Browser() as one:
        yield one


@pytest.fixture
def recorded(browser, tmp_path):
    def load(case, language="en", width=1300):
        report = explain.explain(str(TOP / "pcaps" / case / "capture.pcapng"))
        path = tmp_path / f"{case}.html"
        path.write_text(render(report, report.lines, language), "utf-8")
        browser.open(path, width)
        return browser

    return load


@pytest.fixture
def opened(browser, tmp_path):
    def load(*frames, width=1200):
        path = tmp_path / "report.html"
        path.write_text(page_of(*frames), "utf-8")
        browser.open(path, width)
        return browser, path

    return load


def test_text_from_packets_is_never_markup():
    page = page_of(*hostile())
    assert "<img" not in page
    assert page.count("<script") == 2
    assert "&lt;img" in page or "\\u003cimg" in page


@given(st.text(max_size=60))
def test_any_text_is_escaped_in_elements_attributes_and_data(value):
    assert not re.search(r"[<>\"']", text(value))
    assert not re.search(r"[<>&]", data(value))
    shown = tag("p", {"title": value}, value)
    assert shown.count("<") == shown.count(">") == 2
    assert json.loads(data(value)) == value


def test_a_page_names_nothing_outside_of_itself():
    assert not re.findall(r"(?:src|href|action|url|@import|xmlns)\s*[=(]", page_of(*handshake()))


def test_both_languages_are_in_the_page_and_the_chosen_one_is_shown_first():
    page = page_of(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1), language="ja")
    assert '<html lang="ja" data-lang="ja">' in page
    assert "Nothing failed" in page
    assert "失敗はない" in page


def test_a_japanese_row_of_a_page_begins_with_a_word_and_never_with_a_long_vowel_mark():
    style = page_of(ping(ALICE, BOB, 1), language="ja").partition("<style>")[2].partition("</style>")[0]
    assert re.search(r"\[data-lang=ja\] body \{[^}]*line-break: strict; word-break: auto-phrase", style)


def test_the_verdict_comes_before_the_story_and_the_story_before_the_packets():
    page = page_of(*hostile())
    assert page.index("<h1") < page.index('id="story"') < page.index('id="packets"') < page.index('id="exchanges"')


def test_an_empty_capture_has_a_page():
    assert "There is no packet to draw." in page_of()


def test_a_large_capture_stays_small(tmp_path):
    path = tmp_path / "many.pcap"
    path.write_bytes(lossy_capture(3))
    report = explain.explain(str(path))
    assert len(report.packets) > 1500
    page = render(report, report.lines, "en")
    assert len(page.encode()) < 5 << 20
    assert page.count('class="arrow') <= 1500


@pytest.mark.needs("chromium")
class TestInTheBrowser:
    def test_the_page_asks_nobody_and_complains_of_nothing(self, opened):
        browser, path = opened(*hostile())
        assert browser.requests == [path.as_uri()]
        assert browser.console == []

    def test_there_are_as_many_arrows_as_frames(self, opened):
        browser, _ = opened(*hostile())
        assert browser.ask("document.querySelectorAll('.arrow').length") == len(hostile())

    def test_nothing_reaches_beyond_a_small_telephone(self, opened):
        browser, _ = opened(*hostile(), width=360)
        assert browser.ask(OUTSIDE_OF_THE_SCREEN) == []
        assert browser.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    @pytest.mark.parametrize("width", [360, 1200])
    def test_arrows_do_not_overlap_and_labels_stay_inside_of_their_rows(self, opened, width):
        browser, _ = opened(*hostile(), width=width)
        boxes = browser.ask(
            "[...document.querySelectorAll('.arrow')].map(a => a.getBoundingClientRect()).map(b => [b.top, b.bottom])"
        )
        assert all(before[1] <= after[0] + 0.5 for before, after in pairwise(boxes))
        assert browser.ask(
            "[...document.querySelectorAll('.arrow')].every(a => { const b = a.getBoundingClientRect(); "
            "return [...a.querySelectorAll('.what, .shaft')].every(one => { const c = one.getBoundingClientRect(); "
            "return b.left - 1 <= c.left && c.right <= b.right + 1 && b.top <= c.top && c.bottom <= b.bottom }) })"
        )

    def test_shafts_run_from_rail_to_rail(self, opened):
        browser, _ = opened(*handshake())
        ends = browser.ask(
            "[...document.querySelectorAll('.shaft')].map(s => { const b = s.getBoundingClientRect(); "
            "return [b.left, b.right, s.className] })"
        )
        rails = browser.ask(
            "[...document.querySelectorAll('.names > span')].map(n => { const b = n.getBoundingClientRect(); "
            "return (b.left + b.right) / 2 })"
        )
        assert len(ends) == 4
        assert all(abs(left - rails[0]) < 1.5 and abs(right - rails[1]) < 1.5 for left, right, _ in ends)
        assert ["left" in name for _, _, name in ends] == [False, True, False, True]

    def test_an_arrow_opens_the_fields_of_its_frame_and_escape_closes_them(self, opened):
        browser, _ = opened(*hostile())
        browser.ask("document.querySelectorAll('.arrow')[4].dispatchEvent(new MouseEvent('click'))")
        shown = browser.ask("document.getElementById('panel').innerText")
        assert "frame.number\n5" in shown
        assert "each router takes one off" in shown
        assert "ip.ttl\n64" in shown
        browser.press("Escape")
        assert browser.ask("document.getElementById('panel').hidden")

    def test_the_keyboard_walks_from_arrow_to_arrow(self, opened):
        browser, _ = opened(*hostile())
        browser.ask("document.querySelector('.arrow').focus()")
        browser.press("ArrowDown")
        browser.press("ArrowDown")
        assert browser.ask("document.activeElement.dataset.i") == "2"
        browser.press("Enter")
        assert "frame.number\n3" in browser.ask("document.getElementById('panel').innerText")

    def test_a_sentence_lights_its_frames(self, opened):
        browser, _ = opened(who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)))
        browser.ask("document.querySelectorAll('ol.story .says')[1].click()")
        assert browser.ask("[...document.querySelectorAll('.arrow.lit')].map(a => a.dataset.i)") == ["1"]

    def test_long_times_and_frame_numbers_stay_in_one_piece(self, opened):
        browser, _ = opened(*[(12_345.0 * at, ping(ALICE, BOB, at)) for at in range(120)])
        rows = browser.ask(
            "[...document.querySelectorAll('.arrow .no, .arrow .at')].map(one => { const r = document.createRange(); "
            "r.selectNodeContents(one); return new Set([...r.getClientRects()].map(b => b.top)).size })"
        )
        assert len(rows) > 100
        assert set(rows) == {1}

    def test_the_language_is_switched_without_a_trace_of_the_other(self, opened):
        browser, _ = opened(*hostile())
        assert "What happened" in browser.ask("document.body.innerText")
        browser.ask("document.getElementById('language').click()")
        shown = browser.ask("document.body.innerText")
        assert "何が起きたか" in shown
        assert "What happened" not in shown
        assert browser.ask("document.documentElement.lang") == "ja"

    def test_a_japanese_page_begins_in_japanese_everywhere(self, browser, tmp_path):
        path = tmp_path / "report.html"
        path.write_text(page_of(*hostile(), language="ja"), "utf-8")
        browser.open(path)
        assert browser.ask("[...document.querySelectorAll('select')].map(s => s.options[0].text)") == ["すべて"] * 3
        assert "Search" not in browser.ask("document.body.innerText")

    def test_filters_leave_what_was_asked_for(self, opened):
        browser, _ = opened(*hostile())
        browser.ask("kind.value = 'icmp.echo'; kind.dispatchEvent(new Event('input'))")
        kinds = browser.ask("[...document.querySelectorAll('.listing tbody tr:not(.off)')].map(r => r.dataset.kind)")
        assert set(kinds) == {"icmp.echo"}
        assert browser.ask("document.querySelectorAll('.arrow:not(.off)').length") == 3

    def test_the_theme_can_be_turned(self, opened):
        browser, _ = opened(ping(ALICE, BOB, 1))
        colour = "getComputedStyle(document.body).backgroundColor"
        before = browser.ask(colour)
        browser.ask("document.getElementById('theme').click()")
        assert browser.ask(colour) != before

    def test_a_packet_that_vanished_ends_in_a_cross(self, browser, tmp_path):
        report = explain.explain(str(TOP / "pcaps" / "pmtu-blackhole" / "capture.pcapng"))
        path = tmp_path / "lost.html"
        path.write_text(render(report, report.lines, "en"), "utf-8")
        browser.open(path)
        assert browser.ask("document.querySelectorAll('.hosts .arrow.lost .shaft').length") == 3
        assert browser.console == []

    @pytest.mark.parametrize("theme", ["light", "dark"])
    @pytest.mark.parametrize("case", ["nat-tcp", "no-route-on-router", "client-slow"])
    def test_axe_finds_nothing_that_shuts_anybody_out(self, recorded, case, theme):
        axe = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
        browser = recorded(case)
        browser.ask(f"document.documentElement.dataset.theme = '{theme}'")
        browser.ask("document.querySelectorAll('.arrow')[2].click()")
        browser.ask((Path(axe.__file__).parent / "axe.min.js").read_text("utf-8") + "; 0")
        found = browser.wait("axe.run().then(r => [r.passes.length, r.violations.map(v => v.id + ': ' + v.help)])")
        assert found[0] > 15
        assert found[1] == []

    def test_places_are_rails_where_several_recorded_and_a_packet_is_one_row_over_them(self, recorded):
        browser = recorded("nat-tcp")
        heads = browser.ask("[...document.querySelectorAll('.places .names > span')].map(one => one.textContent)")
        assert heads == ["h1.eth0", "r1.eth0", "r1.eth1", "h2.eth0"]
        syn = "document.querySelectorAll('.places .arrow')[2]"
        assert browser.ask(f"{syn}.querySelectorAll('.dot').length") == 4
        assert "NAT src 10.0.0.2" in browser.ask(f"{syn}.innerText")
        rails = browser.ask(
            "[...document.querySelectorAll('.places .names > span')].map(n => n.getBoundingClientRect())"
            ".map(b => (b.left + b.right) / 2)"
        )
        note = browser.ask(f"(b => (b.left + b.right) / 2)({syn}.querySelector('.nat').getBoundingClientRect())")
        assert rails[1] < note < rails[2]
        frames = browser.ask("[...document.querySelectorAll('.places .no')].map(one => one.textContent)")
        assert frames[2] == "5\N{HORIZONTAL ELLIPSIS}12"

    def test_a_reply_that_only_far_places_saw_breaks_off_between_the_rails_where_it_vanished(self, recorded):
        browser = recorded("filter-on-router-forward.reply")
        lost = "[...document.querySelectorAll('.places .arrow')].filter(a => a.textContent.includes('Echo reply'))"
        assert browser.ask(f"{lost}.map(a => a.classList.contains('lost'))") == [True, True, True]
        assert browser.ask(f"{lost}.map(a => [...a.querySelectorAll('.seen')].map(s => s.textContent))") == [
            ["13", "14"], ["19", "20"], ["25", "26"],
        ]  # fmt: skip
        rails = browser.ask(
            "[...document.querySelectorAll('.places .names > span')].map(n => n.getBoundingClientRect())"
            ".map(b => (b.left + b.right) / 2)"
        )
        middles = browser.ask(
            f"[...{lost}[0].querySelectorAll('.dot, .seen')].map(n => n.getBoundingClientRect())"
            ".map(b => (b.left + b.right) / 2)"
        )
        assert middles == pytest.approx([rails[3], rails[3], rails[2], rails[2]], abs=1.5)
        plain, broken = browser.ask(
            f"[...{lost}[0].querySelectorAll('.shaft')].map(n => n.getBoundingClientRect()).map(b => [b.left, b.right])"
        )
        assert plain == pytest.approx(rails[2:], abs=1.5)
        assert broken == pytest.approx(rails[1:3], abs=1.5)

    def test_a_reply_that_one_place_saw_alone_breaks_off_towards_its_asker(self, browser, tmp_path):
        some, path = tmp_path / "three-places.pcapng", tmp_path / "alone.html"
        whole = TOP / "pcaps" / "filter-on-router-forward.reply" / "capture.pcapng"
        subprocess.run(["tshark", "-r", whole, "-Y", "frame.interface_id != 3", "-w", some], check=True)
        report = explain.explain(str(some))
        path.write_text(render(report, report.lines, "en"), "utf-8")
        browser.open(path)
        lost = "[...document.querySelectorAll('.places .arrow')].find(a => a.textContent.includes('Echo reply'))"
        assert browser.ask(f"{lost}.querySelectorAll('.dot').length") == 1
        shafts = browser.ask(f"[...{lost}.querySelectorAll('.shaft')].map(one => one.className)")
        assert shafts == ["shaft left s1-2"]

    def test_a_reply_that_only_far_places_saw_opens_its_fields_is_sifted_and_lit_like_any_other(self, recorded):
        browser = recorded("filter-on-router-forward.reply")
        reply = "[...document.querySelectorAll('.places .arrow')].find(a => a.textContent.includes('Echo reply'))"
        browser.ask(f"{reply}.click()")
        assert "Echo reply seq=1" in browser.ask("document.querySelector('#panel h2').textContent")
        fields = browser.ask("document.querySelector('#panel dl').innerText")
        assert "frame.number\n13" in fields
        assert "198.51.100.1" in fields
        assert browser.ask(f"{reply}.dataset.kind") == "icmp.echo"
        spans = browser.ask(f"JSON.parse(document.getElementById('facts').textContent).arrows[{reply}.dataset.i][1]")
        assert spans == [[0, 13, 13], [0, 14, 14]]
        assert browser.console == []

    def test_hosts_can_be_asked_for_instead_of_places(self, recorded):
        browser = recorded("nat-tcp")
        assert browser.ask("getComputedStyle(document.querySelector('.hosts')).display") == "none"
        browser.ask("document.querySelector('[data-to=hosts]').click()")
        assert browser.ask("getComputedStyle(document.querySelector('.places')).display") == "none"
        assert browser.ask("document.querySelector('[data-to=hosts]').getAttribute('aria-pressed')") == "true"

    def test_time_to_scale_leaves_room_where_time_passed(self, recorded):
        browser = recorded("no-route-on-router")
        tall = "[...document.querySelectorAll('.places .arrow')].map(a => a.getBoundingClientRect().height)"
        before = browser.ask(tall)
        browser.ask("document.querySelector('[data-to=true]').click()")
        after = browser.ask(tall)
        grown = [later - earlier > 50 for earlier, later in zip(before, after, strict=True)]
        assert grown == [False, False, False, False, True, False, True, False]
        assert "+1.01 s" in browser.ask("document.querySelectorAll('.places .arrow')[4].dataset.gap")

    @pytest.mark.parametrize("case", ["nat-tcp", "dhcp", "pmtu-blackhole", "filter-on-router-forward.reply"])
    @pytest.mark.parametrize("language", ["en", "ja"])
    def test_recordings_fit_a_small_telephone(self, recorded, case, language):
        browser = recorded(case, language=language, width=360)
        assert browser.ask(OUTSIDE_OF_THE_SCREEN) == []
        assert browser.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert browser.console == []

    def test_paper_shows_everything_and_no_controls(self, recorded):
        browser = recorded("nat-tcp")
        browser.prefer(media="print")
        try:
            shown = "getComputedStyle(document.querySelector('{}')).display"
            assert browser.ask(shown.format(".controls")) == "none"
            assert browser.ask("getComputedStyle(document.querySelector('#packets')).overflow") == "visible"
            assert browser.ask(
                "document.querySelector('#packets').scrollHeight <= document.querySelector('#packets').clientHeight + 1"
            )
        finally:
            browser.prefer()

    def test_a_connection_with_losses_shows_what_was_sent_again_and_the_round_trips(self, browser, tmp_path):
        report = explain.explain(BytesIO(lossy_capture(3)))
        path = tmp_path / "lossy.html"
        path.write_text(render(report, report.lines, "en"), "utf-8")
        browser.open(path)
        assert browser.console == []
        assert browser.ask("document.querySelectorAll('.plot').length") == MOST_PLOTS
        kinds = browser.ask("[...document.querySelectorAll('.plot path')].map(p => p.className.baseVal)")
        assert {"data", "ack", "again", "trip"} <= set(kinds)
        labels = browser.ask("[...document.querySelectorAll('.legend .key')].map(k => k.className)")
        assert "key again" in labels
