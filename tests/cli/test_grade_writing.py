from __future__ import annotations

import tomllib

import pytest
from click.testing import CliRunner
from grading_scenes import FAR, ME, ROSTER, asked_and_pinged, rubric_file
from packets import pcap, segment

from explain.cli.grade import grade
from explain.grade.grading import grade_files
from explain.grade.lint import lint

CONNECTED = (
    segment((ME, 4000), (FAR, 80), 0x02, seq=1), segment((FAR, 80), (ME, 4000), 0x12, seq=9, ack=2),
    segment((ME, 4000), (FAR, 80), 0x10, seq=2, ack=10), segment((ME, 4000), (FAR, 80), 0x18, seq=2, ack=10, data=b"x"),
    segment((ME, 4000), (FAR, 80), 0x11, seq=3, ack=10), segment((FAR, 80), (ME, 4000), 0x11, seq=10, ack=4),
    segment((ME, 4000), (FAR, 80), 0x10, seq=4, ack=11),
)  # fmt: skip
TEXT = """
[[check]]
id = "secret"
points = 1
expect = "arp.request"
visibility = "never"
as = "req"
[[check]]
id = "builds"
points = 1
expect = "arp.reply"
where = { answers = "{req}" }
[[check]]
id = "pings"
needs = ["secret"]
points = 2
expect = "icmp.echo"
where = { src = "{roster.host_ip}" }
pass = { en = "you pinged", ja = "ping した" }
[[answer]]
id = "mac"
ask = "whose?"
type = "mac"
points = 1
key = "{req.sender.mac}"
wrong = [ { value = "ff:ff:ff:ff:ff:ff", points = 0.5, say = "everybody" } ]
[integrity]
policy = "flag"
"""


def run(*arguments):
    # The subcommands' own exit statuses are what they return.
    return CliRunner().invoke(grade, [str(one) for one in arguments], standalone_mode=False)


@pytest.mark.parametrize("frames", [asked_and_pinged(3), CONNECTED, asked_and_pinged(1) + CONNECTED])
def test_a_draft_lints_and_gives_its_capture_full_marks_and_an_empty_one_none(tmp_path, frames):
    good, empty, made = tmp_path / "good.pcap", tmp_path / "empty.pcap", tmp_path / "draft.toml"
    good.write_bytes(pcap(*frames).getvalue())
    empty.write_bytes(pcap().getvalue())
    assert run("draft", good, "-o", made).exception is None
    rubric, errors, warnings = lint(str(made))
    assert (errors, warnings) == ([], [])
    assert grade_files(rubric, "x", {"good": good}, None, {}).score == rubric.total > 0
    assert grade_files(rubric, "x", {"good": empty}, None, {}).score == 0
    assert run("test", made).return_value == 0


def test_a_draft_of_a_capture_that_shows_nothing_is_refused(tmp_path):
    path = tmp_path / "empty.pcap"
    path.write_bytes(pcap().getvalue())
    assert "nothing that a check could ask for" in str(run("draft", path).exception)


def test_a_packed_rubric_has_no_keys_and_nothing_hidden_and_marks_in_the_same_words(tmp_path):
    head = 'rubric = 1\ncourse_key = "k"\n[submission]\ncaptures = { h1 = "lab.pcap" }\nanswers = "answers.toml"\n'
    whole = rubric_file(tmp_path, TEXT, head)
    made = tmp_path / "student.toml"
    done = run("pack", whole, "-o", made)
    text = made.read_text()
    for secret in ("secret", "key", "everybody", "sender.mac", "integrity", "builds"):
        assert secret not in text
    assert "builds is left out" in done.stderr
    assert tomllib.loads(text)["me"] == {"host_ip": ""}
    made.write_text(text.replace('host_ip = ""', f'host_ip = "{ME}"'))
    capture, answers = tmp_path / "lab.pcap", tmp_path / "answers.toml"
    capture.write_bytes(pcap(*asked_and_pinged(2)).getvalue())
    answers.write_text('mac = "00:00:5e:00:53:01"\n')
    for language in ("en", "ja"):
        full, errors, _ = lint(str(whole), language)
        own, packed_errors, _ = lint(str(made), language)
        assert (errors, packed_errors) == ([], [])
        marks = {one.id: one for one in grade_files(full, "x", {"h1": capture}, answers, ROSTER, language).checks}
        own_marks = grade_files(own, "x", {"h1": capture}, answers, {}, language)
        for one in own_marks.checks:
            assert (one.verdict, one.points, one.says) == (
                marks[one.id].verdict, marks[one.id].points, marks[one.id].says,
            )  # fmt: skip
        assert [one.verdict for one in own_marks.answers] == ["manual"]
