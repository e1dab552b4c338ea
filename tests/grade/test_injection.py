"""Texts from captures, answers and names of files that a terminal, a page or a spreadsheet would obey."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import struct

import pytest
from dhcp_packets import asks
from grading_class import run
from grading_scenes import FAR, HEAD, ME, asked_and_pinged, rubric_file
from markdown_it import MarkdownIt
from packets import datagram, pcap, segment

SPELLS = {
    "escape": "\x1b[2J\x1b[31mX",
    "link of a terminal": "\x1b]8;;http://evil.example\x07X",
    "clipboard of a terminal": "\x1b]52;c;ZXZpbA==\x07",
    "C1 controls": "\x9b2JX\x85",
    "rich markup": "[link=http://evil.example]X[/link][/]",
    "a script": "<script>alert(1)</script>",
    "an image": "<svg/onload=alert(1)>",
    "a beacon in Markdown": "![x](http://evil.example/b)",
    "a formula": "=HYPERLINK(0)",
    "a formula behind a blank": " =1+1",
    "another formula": "@SUM(1)",
    "a sum": "+1+1",
    "a difference": "-1+1",
    "a carriage return": "\r=1+1",
    "a tab": "\t=1+1",
    "two rows": "a\r\n=1+1,b",
    "right to left": "\u202egnp.x",
    "LaTeX": "\\input{/etc/passwd}",
    "a format": "{event.frame.__class__}",
}
TEXT = """
[[check]]
id = "lease"
points = 1
expect = "dhcp.discover"
as = "d"
pass = "The name was {d.hostname}."
[[check]]
id = "nearly"
points = 1
expect = "dhcp.discover"
where = { hostname = "never" }
[[check]]
id = "asked"
points = 1
expect = "dns.query"
as = "n"
pass = "You asked for {n.name} in frame {n.frame}."
[[check]]
id = "fetched"
points = 1
expect = "http.request"
as = "h"
pass = "You fetched {h.path} from {h.host}."
[[answer]]
id = "q"
ask = "Which name?"
type = "text"
points = 1
"""
LONG = "h" * 250


def question(name: bytes) -> bytes:
    labels = b"".join(bytes([len(one)]) + one for one in (name[:60], b"example"))
    return datagram((ME, 40000), (FAR, 53), struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + b"\0\1\0\1")


def fetched(path: bytes) -> list[bytes]:
    """A connection on which a page of such a name is asked for."""
    me, far = (ME, 40001), (FAR, 80)
    text = b"GET /" + b"".join(path.split()) + b" HTTP/1.1\r\nHost: " + path.strip() + b"\r\n\r\n"
    return [
        segment(me, far, 0x02, seq=100), segment(far, me, 0x12, seq=900, ack=101),
        segment(me, far, 0x10, seq=101, ack=901), segment(me, far, 0x18, seq=101, ack=901, data=text),
    ]  # fmt: skip


def pages(folder):
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Everything that is written of a class whose every name and word is a spell; in both languages."""
    top = tmp_path_factory.mktemp("spells")
    rubric = rubric_file(top, TEXT, HEAD)
    rows = [["student", "email", "name"]]
    for number, spell in enumerate((*SPELLS.values(), LONG)):
        name = spell.replace("/", "\u2215")
        own = top / "in" / name
        own.mkdir(parents=True)
        octets = spell.encode()
        frames = (*asked_and_pinged(1), asks(1, (12, octets[:200])), question(octets), *fetched(octets))
        (own / "lab.pcap").write_bytes(pcap(*frames).getvalue())
        (own / "answers.toml").write_text(f"q = {json.dumps(spell)}\n", "utf-8")
        rows.append([name, f"{spell}@example.org", spell] if number % 2 else [name, "", spell])
    strange = top / "in" / os.fsdecode(b"no UTF-8 \xff\xed\xa0\x80")
    strange.mkdir()
    (strange / "lab.pcap").write_bytes(pcap(*asked_and_pinged(1)).getvalue())
    with (top / "roster.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    found = {}
    for language in ("en", "ja"):
        out = top / f"out-{language}"
        arguments = ("--roster", top / "roster.csv", "--no-cache", "--lang", language)
        done = run(rubric, top / "in", *arguments, "-o", out)
        assert done.returncode == 0, done.stderr
        found |= {f"{language}/{name}": text for name, text in pages(out).items()}
        found[f"{language}/terminal"] = done.stdout + done.stderr
    names = [one["id"] for one in json.loads(found["en/grades.json"])["submissions"]]
    told = [run("why", name, "q", "--grades", top / "out-en" / "grades.json") for name in names[:2]]
    found["why/terminal"] = "".join(one.stdout + one.stderr for one in told)
    assert os.sep not in "".join(names)
    return found


def of_kind(outputs, *endings):
    chosen = {name: text for name, text in outputs.items() if name.endswith(endings)}
    assert chosen
    return chosen


def test_every_spell_reached_the_marks(outputs):
    told = json.loads(outputs["en/grades.json"])["submissions"]
    assert len(told) == len(SPELLS) + 2
    assert all(one["status"] == "graded" for one in told)
    assert sum("alert(1)" in one["says"] for form in told for one in form["checks"] if one["id"] == "fetched") >= 1
    assert sum("HYPERLINK" in json.dumps(one["checks"]) for one in told) == 1


def test_no_output_holds_a_control_character_or_turns_the_reading_direction(outputs):
    for name, text in outputs.items():
        plain = text.replace("\r\n", "\n")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", plain), name
        assert "\t=" not in plain, name


def test_no_cell_of_a_table_begins_like_a_formula(outputs):
    for name, text in of_kind(outputs, ".csv").items():
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        wrong = [one for one in cells if one.lstrip().startswith(("=", "+", "-", "@", "|", "%")) or "\n" in one]
        assert not wrong, (name, wrong)


def test_no_page_has_a_tag_or_a_link_that_a_student_wrote(outputs):
    for name, text in of_kind(outputs, ".html").items():
        assert not re.search(r"<script>alert|<svg/onload|onload=alert\(1\)>", text), name
        assert not re.search(r"""(?:href|src)=["']?http://evil""", text), name
    for name, text in of_kind(outputs, ".md").items():
        tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
        kinds = {one.type for token in tokens for one in (token, *(token.children or ()))}
        assert not {one for one in kinds if "html" in one or "link" in one or "image" in one}, name
        assert "table_open" not in kinds, name


def test_braces_of_a_student_are_never_filled_in(outputs):
    for name, text in outputs.items():
        assert "<class" not in text, name
        assert "&lt;class" not in text, name


def test_folders_of_the_output_are_named_with_plain_characters(outputs):
    for name in outputs:
        assert re.fullmatch(r"[\w./@-]+", name, re.ASCII), name
        assert ".." not in name
