from __future__ import annotations

import json
import tomllib

import pytest
from click.testing import CliRunner
from grading_scenes import FAR, ME, ROSTER, asked_and_pinged, rubric_file
from packets import pcap, segment
from surroundings import TOP

import explain
from explain.cli.grade import grade
from explain.errors import UnknownNameError
from explain.grade.authoring.lint import lint
from explain.grade.running.grading import grade_files

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


def test_a_draft_asks_for_what_a_forwarded_port_changes_and_for_each_router_with_its_prefix(tmp_path):
    wanted = {}
    for name in ("dnat-port", "ipv6-slaac"):
        made = tmp_path / f"{name}.toml"
        assert run("draft", TOP / "pcaps" / name / "capture.pcapng", "-o", made).exception is None
        wanted[name] = [one.get("where") for one in tomllib.loads(made.read_text("utf-8"))["check"]]
    nat = next(one for one in wanted["dnat-port"] if one and one.get("kind") == "destination")
    assert set(nat["inside"]) == set(nat["outside"]) == {"dst"}
    routers = [one for one in wanted["ipv6-slaac"] if one and "prefixes" in one]
    assert len({one["router"] for one in routers}) == 2


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


def test_a_rubric_for_one_student_says_which_table_it_needs_or_that_it_needs_none(tmp_path):
    head = 'rubric = 1\nroster = "roster.csv"\n[submission]\ncaptures = { h1 = "lab.pcap" }\nanswers = "answers.toml"\n'
    rubric = rubric_file(tmp_path, TEXT, head)
    done = run("pack", rubric, "--student", "ann")
    assert str(done.exception) == "--student needs --roster CSV, a table with the columns student, host_ip"
    (tmp_path / "roster.csv").write_text(f"student,host_ip\nann,{ME}\n")
    done = run("pack", rubric, "--student", "ann")
    assert tomllib.loads(done.stdout)["me"] == {"host_ip": ME}
    assert isinstance(run("pack", rubric, "--student", ME).exception, UnknownNameError)  # an address is nobody
    done = run("pack", "arp", "--student", "ann")
    assert (done.return_value, "the same for all" in done.stderr) == (0, True)


LOOSE = """
[[check]]
id = "pinged"
points = 2
expect = "icmp.echo"
where = { src = "192.0.2.1" }
[[test]]
name = "good"
captures = { h1 = "lab.pcap" }
"""


def mutated(*arguments):
    told = json.loads(run("mutate", *arguments, "--json", "--lang", "en").stdout)
    missed = {one["text"] for one in told["tried"] if not one["is_noticed"] and not one["is_harmless"]}
    return told, missed, {one["text"]: one for one in told["tried"]}


def test_mutate_shows_what_a_loose_rubric_misses_and_a_stricter_one_notices(tmp_path):
    (tmp_path / "lab.pcap").write_bytes(pcap(*asked_and_pinged(2)).getvalue())
    loose = rubric_file(tmp_path, LOOSE)
    told, missed, _ = mutated(loose)
    lost = {"no ARP reply", "ping: only the first frame of each", "everything in reverse order"}
    assert lost <= missed
    assert told["missed"] == len(missed)
    assert "192.0.2.42 instead of 192.0.2.1" not in missed
    strict = LOOSE.replace("[[test]]", """
[[check]]
id = "order"
points = 1
sequence = ["arp.request", "arp.reply", "icmp.echo"]
[[check]]
id = "answered"
points = 1
expect = "icmp.echo"
where = { answered = true }
count = ">=2"
[[test]]""")  # fmt: skip
    _, missed, tried = mutated(rubric_file(tmp_path, strict))
    assert not lost & missed
    assert tried["ping: only the first frame of each"]["checks"] == {"answered": "not-met"}


def test_mutate_names_a_harmless_change_that_costs_points(tmp_path):
    (tmp_path / "lab.pcap").write_bytes(pcap(*asked_and_pinged(2)).getvalue())
    text = LOOSE.replace('src = "192.0.2.1"', 'src = "192.0.2.1", time = { max = 1_700_000_100 }')
    done = run("mutate", rubric_file(tmp_path, text), "--lang", "en")
    assert "Harmless, but it costs points" in done.stdout
    assert "the same a year later (pinged: not-met)" in done.stdout
    assert "無害なのに点が減るもの" in run("mutate", tmp_path / "rubric.toml", "--lang", "ja").stdout


def test_mutate_keeps_the_damaged_captures_with_checksums_as_right_as_before(tmp_path):
    (tmp_path / "good.pcap").write_bytes(pcap(*asked_and_pinged(1), *CONNECTED, gap_s=0.01).getvalue())
    rubric = rubric_file(tmp_path, LOOSE.partition("[[test]]")[0])
    assert run("mutate", rubric, tmp_path / "good.pcap", "-o", tmp_path / "kept").return_value == 0
    kept = sorted((tmp_path / "kept").iterdir())
    assert len(kept) > 40
    damaged = [found for path in kept for found in explain.explain(str(path)).findings]
    assert not [one for one in damaged if "checksum" in one.cause or "corrupt" in one.cause]


def test_mutate_without_a_good_capture_says_what_is_missing(tmp_path):
    rubric = rubric_file(tmp_path, LOOSE.partition("[[test]]")[0])
    assert "no [[test]] with a good capture" in str(run("mutate", rubric).exception)
