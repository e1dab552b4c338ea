from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from explain.model import CaptureInfo, Evidence, Interface, Line
from explain.render.markdown import code, frames, inert, render

HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "![x](http://evil.example/x.png)",
    "[click](javascript:alert(1))", "<http://evil.example>", "http://evil.example", "www.evil.example",
    "a@evil.example",
    "`code`", "``` x", "a|b|c", "| - | - |", "# big", "1. one", "- item", "+ item", "> quote", "**bold**", "_it_",
    "~~gone~~", "&lt;b&gt;", "\\<b>", "    indented", "---", "===", "[x]: http://evil.example", "a\n\n# b", "=> x",
]  # fmt: skip


def capture(path="a.pcap", *names):
    ports = tuple(Interface(name, 1, 0) for name in names) or (Interface(None, 1, 0),)
    return CaptureInfo(path, None, "pcapng", None, ports, 1, 1, 1, 1, 0, 0, "none", None)


def tokens(text):
    found = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(text)
    return found, [child for token in found for child in token.children or ()]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_packets_becomes_no_markup(text):
    blocks, inlines = tokens(f"- {inert(text)}")
    assert [token.type for token in blocks] == [
        "bullet_list_open", "list_item_open", "paragraph_open", "inline", "paragraph_close", "list_item_close",
        "bullet_list_close",
    ]  # fmt: skip
    assert {token.type for token in inlines} <= {"text", "code_inline", "text_special"}
    assert "".join(token.content for token in inlines).replace("\\|", "|") == " ".join(text.split())


@given(st.text(alphabet="ab1 `*_[]()<>|~#@:/.!-+=\\&$", max_size=60))
def test_any_text_stays_text(text):
    _, inlines = tokens(f"- x{inert(text)}")
    assert {token.type for token in inlines} <= {"text", "code_inline", "text_special"}


@given(st.text(alphabet="`a ", max_size=20))
def test_a_code_span_ends_where_it_should(text):
    _, inlines = tokens(code(f"a{text}`a"))
    assert [token.type for token in inlines] == ["code_inline"]


def test_an_address_with_an_emoji_in_it_stays_an_address():
    assert inert("to 2001:db8:100::1.") == "to `2001:db8:100::1`."


def test_frames_name_their_vantage_point_where_there_are_several():
    evidence = (Evidence(0, 0, ((1, 2), (4, 4))), Evidence(0, 1, ((3, 3),)))
    assert frames(evidence, [capture("a", "eth0", "eth1")], "en") == "eth0: frames 1-2, 4; eth1: frame 3"
    assert frames(evidence[:1], [capture("a")], "en") == "frames 1-2, 4"


def test_the_story_has_a_verdict_a_list_with_frames_and_the_filter_as_code():
    proof = (Evidence(0, 0, ((1, 1),)),)
    lines = [
        Line("story.x", {}, proof, 0, None, "bad"),
        Line("story.x", {}, (), 1, None, "heading"),
        Line("story.x", {}, proof),
        Line("story.x", {}, proof),
        Line("story.filter", MappingProxyType({"filter": "frame.number == 1"}), proof, 1, None, "item"),
    ]
    text = render(lines, ["Lost", "What happened", "One", "Two", "?"], [capture()], "en")
    assert text == (
        "# ✗ Lost\n\n## What happened\n\n- One *(frame 1)*\n- Two *(frame 1)*\n\n```\nframe.number == 1\n```\n"
    )
