from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from browser import Browser
from grading_scenes import ME, ROSTER, ROUTER, asked_and_pinged, rubric_file
from markdown_it import MarkdownIt
from packets import A, R, is_at, pcap, who_has

from explain.grade.pages.feedback import html_page
from explain.grade.pages.feedback_markdown import markdown_page
from explain.grade.pages.form import failed_form, graded_form, whole
from explain.grade.pages.summary import summary_page
from explain.grade.pages.unrevealed import unrevealed
from explain.grade.rubric.reading import load
from explain.grade.running.grading import grade_files

EVIL = "<img src=x onerror=alert(1)>\"'=![x](http://beacon.invalid/x.png)\x1b[31m\u202e"
RUBRIC = """
[[check]]
id = "reply"
title = "<b>The reply</b>"
points = 2
expect = "arp.reply"
where = { sender.ip = "192.0.2.254" }
as = "rep"
[[check]]
id = "late"
points = 1
expect = "tcp.handshake"
hint = "Begin <i>earlier</i>."
[[check]]
id = "secret"
title = "hidden check"
points = 1
expect = "icmp.echo"
visibility = "never"
[[answer]]
id = "mac"
ask = "Whose MAC?"
type = "mac"
points = 2
key = "{rep.sender.mac}"
[[answer]]
id = "where"
ask = "Which frame?"
type = "frame"
points = 1
key = "{rep.frame}"
[[answer]]
id = "why"
ask = "Why?"
type = "text"
points = 1
mark = "manual"
"""
MAC = "00:00:5e:00:53:fe"


def graded(folder, answers='mac = "00:00:5e:00:53:99"\nwhere = 77\n', language="en", head=""):
    rubric, complaints = load(str(rubric_file(folder, head + RUBRIC)))
    assert complaints == []
    capture, written = folder / "lab.pcap", folder / "answers.toml"
    capture.write_bytes(pcap(who_has((A, ME), ROUTER), is_at((R, ROUTER), (A, ME)), *asked_and_pinged(1)).getvalue())
    written.write_text(answers, encoding="utf-8")
    return rubric, graded_form(grade_files(rubric, EVIL, {"h1": capture}, written, ROSTER, language))


class _Shape(HTMLParser):
    """The tags and attributes of a page; text that was escaped makes none."""

    def __init__(self, page):
        super().__init__()
        self.tags = set()
        self.handlers = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name in ("src", "srcset")]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_name_no_answer_and_no_word_of_a_rubric_becomes_markup(tmp_path, language):
    rubric, form = graded(tmp_path, f"mac = {EVIL!r}\nwhy = '''{EVIL[:28]}'''\n".replace("\x1b", ""), language)
    broken = failed_form(rubric, EVIL, "could-not-be-graded", EVIL)
    flag = {"kind": EVIL, "with": EVIL, "says": EVIL, "evidence": form["checks"][0]["evidence"]}
    form["flags"] = [flag, {**flag, "with": None}]
    form |= {"answers_file": EVIL, "aside": [EVIL] * 9}
    told = whole(rubric, [form, broken])
    told["rubric"]["title"] = EVIL
    for page in (html_page(EVIL, form, language), html_page(EVIL, broken, language), summary_page(told, language)):
        shape = _Shape(page)
        assert not shape.tags & {"img", "script", "b onerror", "iframe", "link", "object"}
        assert shape.handlers == []
        assert "<b>The reply" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page


def test_markdown_of_a_name_or_an_answer_has_no_effect(tmp_path):
    _, form = graded(tmp_path, "mac = '![x](http://beacon.invalid/x.png) <b> **x**'\n")
    page = markdown_page(EVIL, form, "en")
    assert "\x1b" not in page
    told = [child for token in MarkdownIt("gfm-like", {"linkify": False}).parse(page) for child in token.children or ()]
    kinds = {child.type for child in told}
    assert kinds <= {"text", "text_special", "code_inline", "softbreak", "strong_open", "strong_close"}
    assert "![x](http://beacon.invalid/x.png) <b> **x**" in "".join(child.content for child in told)


def test_markdown_spells_out_only_what_would_be_obeyed(tmp_path):
    _, form = graded(tmp_path)
    form["checks"][1] |= {"says": "10.0.0.1 > 10.0.0.2, and (once) a*b*c; 1.5 ms!", "hint": "Not a - b."}
    page = markdown_page("ARP: who-has", form, "en")
    assert page.startswith("# ARP: who-has\n")
    assert "not met, 0 / 1. 10.0.0.1 &gt; 10.0.0.2, and (once) a\\*b\\*c; 1.5 ms!\n  - Hint: Not a - b.\n" in page
    assert "In Wireshark: `frame.number in {" in page


@pytest.mark.parametrize("number", [0, 1, 6, 9])
def test_the_page_names_what_was_graded_and_what_was_left_aside(tmp_path, number):
    _, form = graded(tmp_path)
    assert (form["answers_file"], form["aside"]) == ("answers.toml", [])
    form["aside"] = [f"attempt {at}/lab" for at in range(number)]
    for page in (html_page("T", form, "en"), markdown_page("T", form, "en").replace("\\", "")):
        assert "Graded: lab.pcap as h1, answers.toml for the answers" in page
        assert ("not graded" in page) == bool(number)
        assert page.count("attempt ") - page.count("last attempt") == min(number, 6)
        assert ("and 3 files more" in page) == (number == 9)


def test_a_hidden_check_is_counted_and_not_named(tmp_path):
    _, form = graded(tmp_path)
    for page in (html_page("T", form, "en"), markdown_page("T", form, "en").replace("\\", "")):
        assert "hidden check" not in page
        assert "1 check not shown here; the points count." in page


def test_a_hint_stands_where_something_is_missing_only(tmp_path):
    _, form = graded(tmp_path)
    page = html_page("T", form, "en")
    assert page.count("Hint: ") == 1
    assert "Begin &lt;i&gt;earlier&lt;/i&gt;." in page


def test_an_answer_that_is_wrong_is_not_told_anywhere_on_the_page_unless_the_rubric_reveals_it(tmp_path):
    _, form = graded(tmp_path)
    mac = next(one for one in form["answers"] if one["id"] == "mac")["key"]
    pages = html_page("T", form, "en"), markdown_page("T", form, "en").replace("\\", "")
    assert all(mac not in page for page in pages)
    assert all("would name an answer" in page for page in pages)
    shown = html_page("T", form, "en", reveals=True)
    assert f"<dt>It is</dt><dd><code>{mac}" in shown
    assert "would name an answer" not in shown


def test_an_answer_that_is_right_hides_nothing(tmp_path):
    _, form = graded(tmp_path)
    mac = next(one for one in form["answers"] if one["id"] == "mac")["key"]
    _, form = graded(tmp_path, f'mac = "{mac}"\nwhere = 2\n')
    page = html_page("T", form, "en")
    assert f"at {mac}" in page
    assert "would name an answer" not in page


def test_the_frame_that_is_asked_for_is_not_shown_beside_a_wrong_answer(tmp_path):
    _, form = graded(tmp_path)
    page = html_page("T", form, "en")
    asked = page[page.index("Which frame?") :]
    asked = asked[: asked.index("</section>")]
    assert "77" in asked
    assert "In Wireshark" not in asked
    assert "<dt>Frames" not in asked


def test_the_page_of_what_could_not_be_graded_says_that_it_is_not_0(tmp_path):
    rubric, _ = graded(tmp_path)
    page = html_page("T", failed_form(rubric, "x", "could-not-be-graded", "the archive is damaged"), "en")
    assert "It is not 0 points." in page
    assert "the archive is damaged" in page
    assert "0 of" not in page


def test_the_class_is_told_in_numbers_that_a_person_can_check(tmp_path):
    rubric, form = graded(tmp_path)
    best = {**form, "id": "best", "score": 8.0}
    told = whole(rubric, [form, best, best | {"id": "third"}, failed_form(rubric, "none", "missing", None)])
    page = summary_page(told, "en", ["a/feedback.html"])
    for tile in ("<b>4</b>submissions", "<b>3</b>graded", "<b>1</b>missing", "<b>8</b>median, of 8"):
        assert tile in page
    assert [int(one) for one in re.findall(r'<i style="height:\d+%"><b>(\d+)</b>', page)] == [1, 2]
    assert '<a href="a/feedback.html">' in page
    assert re.search(r"Whose MAC\?</td>.*?00:00:5e:00:53:99.*?>3</td>", page)


def test_copies_are_shown_as_one_group_with_the_frames_of_both(tmp_path):
    rubric, form = graded(tmp_path)
    names = ["ann", "bob", "cid"]
    seen = form["checks"][0]["evidence"]
    forms = [
        form | {"id": one, "flags": [
            {"kind": "same", "with": other, "says": f"shared with {other}", "evidence": seen, "with_evidence": seen}
            for other in names if abs(names.index(one) - names.index(other)) == 1
        ]}
        for one in names
    ]  # fmt: skip
    page = summary_page(whole(rubric, forms), "en")
    assert page.count("<details") == 1
    assert "ann, bob, cid: what they share" in page
    assert page.count("shared with") == 2
    assert "ann: 2, 4; bob: 2, 4" in page


@pytest.mark.needs("chromium")
def test_the_pages_ask_nobody_and_nothing_reaches_beyond_a_small_telephone(tmp_path):
    rubric, form = graded(tmp_path, f"mac = {EVIL!r}\nwhy = 'x'\n".replace("\x1b", ""))
    form["flags"] = [{"kind": "k", "with": None, "says": EVIL * 3, "evidence": []}]
    told = whole(rubric, [form, failed_form(rubric, EVIL, "missing", None)])
    pages = html_page(EVIL, form, "ja"), summary_page(told, "en", ["x/feedback.html"] * 2)
    with Browser() as browser:
        for number, page in enumerate(pages):
            path = tmp_path / f"{number}.html"
            path.write_text(page, encoding="utf-8")
            for width in (360, 1200):
                browser.open(path, width)
                assert browser.requests == [path.as_uri()]
                assert browser.console == []
                assert browser.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
                assert browser.ask("[...document.querySelectorAll('img, script')].length") == 0
            for scheme in ("light", "dark"):
                browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
                assert browser.ask(LEAST_CONTRAST) >= 4.5


LEAST_CONTRAST = """(() => {
  const channel = one => { const x = one / 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4 };
  const light = color => { const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map(channel);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return Math.min(...[...document.querySelectorAll("body *")].filter(one => one.innerText).map(one => {
    const ink = light(getComputedStyle(one).color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) }));
})()"""


@pytest.mark.parametrize(
    ("key", "text", "hidden"),
    [
        ("0x1a2b3c", "the xid is 1715004.", True), ("1715004", "xid 0x1A2B3C", True),
        ("1 時間", "1 時間たったら", True),
        ("192.0.2.1", "from 192.0.2.1:80 on", True), ("192.0.2.1", "from 192.0.2.10 on", False),
        ("7", "7 frames", False),
        ("1 h", "for 1 h (OFFER)", True), ("ip.src, port.src", "its ip.src differs", False),
    ],
)  # fmt: skip
def test_a_sentence_elsewhere_keeps_an_open_answer_secret_in_any_form(key, text, hidden):
    question = {"id": "q", "verdict": "not-met", "key": key, "says": "", "story": [], "evidence": []}
    check = {"id": "c", "verdict": "met", "says": text, "story": [{"text": text}], "evidence": []}
    told = unrevealed({"checks": [check], "answers": [question]})["checks"][0]
    assert (told["withheld"], told["says"] != text) == (int(hidden), hidden)
    open_to_all = unrevealed({"checks": [check], "answers": [{**question, "verdict": "met"}]})["checks"][0]
    assert (open_to_all["withheld"], open_to_all["says"]) == (0, text)


def test_a_short_number_is_kept_secret_in_sentences_of_the_frames_that_it_is_read_from():
    at = [{"capture": 0, "interface": None, "frames": [[10, 10], [12, 12]]}]
    question = {"id": "q", "verdict": "not-met", "key": "200", "says": "", "story": [], "evidence": at}
    story = [{"text": "answered 200: here it is.", "capture": 0, "frames": [[number, number]]} for number in (12, 30)]
    check = {"id": "c", "verdict": "met", "says": "", "story": story, "evidence": at}
    told = unrevealed({"checks": [check], "answers": [question]})["checks"][0]
    assert (told["story"], told["withheld"]) == (story[1:], 1)
    assert unrevealed({"checks": [check], "answers": [{**question, "verdict": "met"}]})["checks"][0]["story"] == story


@pytest.mark.parametrize(
    ("key", "hint", "shown"),
    [
        ("1", "A request has opcode 1, a reply 2.", "A request has opcode ..., a reply 2."),
        ("0x1a2b3c", "It is 1715004, or 0x1A2B3C.", "It is ..., or ...."),
        ("broadcast", "Think of broadcast and unicast.", "Think of ... and unicast."),
        ("ip.src, udp.checksum", "Compare ip.src and the checksum.", "Compare ... and the checksum."),
        ("the router", "The first router of the way.", "The first router of the way."),
        (None, "Nobody knows 1.", "Nobody knows 1."),
    ],
)
def test_a_hint_does_not_give_the_answer_away_while_the_question_is_open(key, hint, shown):
    question = {"id": "q", "verdict": "not-met", "key": key, "says": "", "hint": hint, "story": [], "evidence": []}
    assert unrevealed({"checks": [], "answers": [question]})["answers"][0]["hint"] == shown


def test_the_hint_of_a_check_does_not_give_an_open_answer_away_either():
    question = {
        "id": "q",
        "verdict": "not-met",
        "key": "192.0.2.9",
        "says": "",
        "hint": None,
        "story": [],
        "evidence": [],
    }
    check = {"id": "c", "verdict": "not-met", "says": "", "hint": "Ping 192.0.2.9.", "story": [], "evidence": []}
    assert unrevealed({"checks": [check], "answers": [question]})["checks"][0]["hint"] == "Ping ...."
