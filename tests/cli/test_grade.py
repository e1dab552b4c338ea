from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import tarfile
import zipfile

import pytest
from command_line import EXPLAIN
from grading_scenes import FAR, ME, OPCODE, REQUEST, ROUTER, asked_and_pinged, limited, rubric_file
from packets import pcap, ping, segment

from explain.cli.grade.output import _put, file_names
from explain.cli.grade.running import time_left
from explain.errors import ExplainError

HIDDEN = """
[[check]]
id = "secret"
points = 1
expect = "icmp.echo"
visibility = "never"
"""
TEXT = REQUEST.replace("192.0.2.1", "{roster.host_ip}") + HIDDEN + OPCODE
HEAD = limited("2MB", "=T")
GOOD = pcap(*asked_and_pinged(2)).getvalue()


def run(*arguments):
    base = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    return subprocess.run(
        [*EXPLAIN, "grade", *map(str, arguments)], capture_output=True, check=False, text=True,
        env={**base, "LANG": "C.UTF-8"}, timeout=120,
    )  # fmt: skip


@pytest.fixture
def lab(tmp_path):
    rubric_file(tmp_path, TEXT, HEAD)
    (tmp_path / "in").mkdir()
    (tmp_path / "roster.csv").write_text(
        f"student,email,host_ip\nalice,alice@example.org,{ME}\nbob,bob@example.org,{ME}\nzoe,zoe@example.org,{ME}\n"
    )
    return tmp_path


def hand_in(lab, name, content=GOOD, file="lab.pcap", answers="q = 1\n"):
    folder = lab / "in" / name
    folder.mkdir(exist_ok=True)
    (folder / file).write_bytes(content)
    if answers:
        (folder / "answers.toml").write_text(answers)
    return folder


def opened(number):
    """A connection that has numbers of its own."""
    client, server, seq = (ME, 40000 + number), (FAR, 80), 100_003 * number
    yield segment(client, server, 2, seq=seq)
    yield segment(server, client, 18, seq=seq * 7, ack=seq + 1)
    yield segment(client, server, 16, seq=seq + 1, ack=seq * 7 + 1)


def graded(lab, *more):
    done = run(lab / "rubric.toml", lab / "in", "--roster", lab / "roster.csv", "--json", *more)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1), done.stderr
    told = json.loads(done.stdout)
    assert told["schema"] == "explain-grade/1"
    return {one["id"]: one for one in told["submissions"]}


def test_a_class_is_graded_and_who_handed_in_nothing_is_missing(lab):
    hand_in(lab, "alice")
    hand_in(lab, "bob", pcap(ping(ME, FAR, 1)).getvalue(), answers=None)
    told = graded(lab)
    assert (told["alice"]["status"], told["alice"]["score"], told["alice"]["max"]) == ("graded", 4, 4)
    assert told["bob"]["score"] == 1
    assert (told["zoe"]["status"], told["zoe"]["score"]) == ("missing", None)


def test_one_student_too_few_points_is_an_exit_status(lab):
    hand_in(lab, "alice")
    hand_in(lab, "bob")
    hand_in(lab, "zoe")
    arguments = lab / "rubric.toml", lab / "in", "--roster", lab / "roster.csv", "--fail-under"
    assert run(*arguments, "4").returncode == 0
    assert run(*arguments, "4.5").returncode == 1
    refused = run(*arguments, "nan", "--lang", "ja")  # with which no score compares
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (
        2,
        "エラー: '--fail-under' には 0 以上の数を指定する",
    )


def zipped(*entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def tarred(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = kind, len(content), "/etc/passwd"
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("alice.zip", zipped(("sub/lab.pcap", GOOD), ("answers.toml", "q = 1"))),
        ("alice.tar.gz", tarred(("a/lab.pcap", GOOD, b"0"), ("a/answers.toml", b"q = 1", b"0"))),
        ("alice.zip", zipped(("inner.zip", zipped(("lab.pcap", GOOD), ("answers.toml", "q = 1"))))),
        ("alice.zip", zipped(("../evil.pcap", GOOD), ("lab.pcap", GOOD), ("answers.toml", "q = 1"))),
        ("alice.tar.gz", tarred(("ln", b"", b"2"), ("ff", b"", b"6"), ("lab.pcap", GOOD, b"0"),
                                ("answers.toml", b"q = 1", b"0"))),
    ],
)  # fmt: skip
def test_archives_are_unpacked_without_what_does_not_belong(lab, file, content):
    (lab / "in" / file).write_bytes(content)
    assert graded(lab)["alice"]["score"] == 4
    assert not list(lab.rglob("evil.pcap"))


@pytest.mark.parametrize("file", ["LAB.PCAP", "my lab.pcap", "lab (1).pcap", "trace.pcapng", "h1.bin"])
def test_a_capture_is_found_under_another_name(lab, file):
    hand_in(lab, "alice", file=file)
    assert graded(lab)["alice"]["score"] == 4


def test_canvas_and_moodle_exports_name_the_student(lab):
    (lab / "in" / "alice_LATE_123_456_lab.pcap").write_bytes(GOOD)
    (lab / "in" / "alice_LATE_123_457_answers.toml").write_text("q = 1")
    hand_in(lab, "bob_99_assignsubmission_file_")
    told = graded(lab)
    assert (told["alice"]["score"], told["bob"]["score"]) == (4, 4)


HOSTILE = {
    "zip bomb": ("lab.zip", lambda: zipped(("lab.pcap", bytes(60_000_000)))),
    "gzip bomb": ("lab.pcap", lambda: gzip.compress(GOOD + bytes(400_000_000), 1)),
    "text": ("lab.pcap", lambda: b"nothing of the kind"),
    "cut header": ("lab.pcap", lambda: GOOD[:11]),
    "length of 4 GiB": ("lab.pcap", lambda: GOOD[:24] + b"\0" * 8 + b"\xff" * 8),
    "block of length 0": ("lab.pcap", lambda: b"\n\r\r\n" + b"\0" * 60),
    "empty": ("lab.pcap", bytes),
    "broken zip": ("lab.zip", lambda: b"PK\x03\x04" + b"\0" * 40),
    "many files": ("lab.zip", lambda: zipped(*((f"{n}", b"") for n in range(3000)))),
}
"""What is handed in, made where it is needed: every worker reads this file."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_submission_costs_only_itself(lab, name):
    file, made = HOSTILE[name]
    hand_in(lab, "alice")
    folder = lab / "in" / "bob"
    folder.mkdir()
    (folder / file).write_bytes(made())
    told = graded(lab, "--jobs", "2")
    assert told["alice"]["score"] == 4
    assert (told["bob"]["status"], told["bob"]["score"]) == ("could-not-be-graded", None)


def test_a_link_out_of_a_submission_is_not_followed(lab):
    hand_in(lab, "alice")
    folder = lab / "in" / "bob"
    folder.mkdir()
    (folder / "lab.pcap").symlink_to(lab / "in" / "alice" / "lab.pcap")
    os.mkfifo(folder / "pipe.pcap")
    assert graded(lab)["bob"]["status"] == "could-not-be-graded"


def test_planted_results_are_not_believed(lab):
    folder = hand_in(lab, "bob", pcap(ping(ME, FAR, 1)).getvalue(), answers=None)
    (folder / "results.json").write_text('{"score": 4}')
    (folder / "sitecustomize.py").write_text("raise SystemExit")
    assert graded(lab)["bob"]["score"] == 1


def test_marks_that_cannot_be_written_leave_those_of_before(tmp_path):
    def breaks():
        yield "new"
        raise OSError(28, "No space left on device")

    (tmp_path / "grades.json").write_text("old")
    with pytest.raises(ExplainError, match=r"grades\.json: no space left on device"):
        _put(tmp_path / "grades.json", breaks())
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("grades.json", "old")]


def test_names_and_answers_cannot_act_in_any_form_of_output(lab):
    name = "=cmd|'x'!A1<script>\x1b[2J"
    hand_in(lab, name, answers='q = "<script>alert(1)</script>![x](http://x/y)"\n')
    run(lab / "rubric.toml", lab / "in", "--roster", lab / "roster.csv", "-o", lab / "out")
    pages = {path.name: path.read_text() for path in (lab / "out").rglob("*") if path.is_file()}
    assert {"grades.csv", "canvas.csv", "moodle.csv", "summary.html", "results.json", "feedback.html"} <= set(pages)
    for file, page in pages.items():
        assert "\x1b" not in page
        if file.endswith(".html"):
            assert "<script" not in page
        if file.endswith(".md"):
            assert "![x](" not in page
        if file.endswith(".csv"):
            assert not any(line.startswith(("=", '"=')) or ",=" in line for line in page.splitlines())


def test_a_hidden_check_is_not_on_the_student_s_page(lab):
    hand_in(lab, "alice")
    run(lab / "rubric.toml", lab / "in", "--roster", lab / "roster.csv", "-o", lab / "out")
    assert "secret" not in (lab / "out" / "alice" / "feedback.html").read_text()
    tests = json.loads((lab / "out" / "alice" / "results.json").read_text())["tests"]
    assert ("secret", "hidden") in [(one["name"], one["visibility"]) for one in tests]


def test_lint_says_what_is_wrong_and_exits_with_1(lab):
    assert run("lint", lab / "rubric.toml").returncode == 0
    bad = rubric_file(lab, TEXT.replace("arp.request", "arp.rquest"), HEAD)
    done = run("lint", bad)
    assert (done.returncode, "did you mean arp.request" in done.stdout) == (1, True)
    assert run(bad, lab / "in").returncode == 2


def test_a_rubric_is_held_against_its_own_captures(lab):
    hand_in(lab, "alice")
    trial = (
        '[[test]]\nname = "good"\ncapture = "in/alice/lab.pcap"\nanswers = "in/alice/answers.toml"\n'
        f'roster = {{ host_ip = "{ME}" }}\n'
    )
    assert run("test", rubric_file(lab, TEXT + trial, HEAD)).returncode == 0
    wrong = trial.replace(ME, ROUTER)
    done = run("test", rubric_file(lab, TEXT + wrong, HEAD))
    assert (done.returncode, "1 points, not 4" in done.stdout) == (1, True)


def test_every_event_is_listed_and_an_unknown_one_leads_to_a_known_one():
    assert "sender.mac" in run("events", "arp.reply").stdout
    done = run("events", "arp.repply")
    assert (done.returncode, "arp.reply" in done.stderr) == (2, True)


def test_a_changed_rubric_shows_who_gains_and_by_what(lab):
    hand_in(lab, "alice")
    old = lab / "old.toml"
    old.write_text((lab / "rubric.toml").read_text())
    new = rubric_file(lab, TEXT.replace("points = 2", "points = 5"), HEAD)
    done = run("diff", old, new, lab / "in", "--roster", lab / "roster.csv")
    assert done.stdout.splitlines() == ["alice\trequest\t2 -> 5", "alice\tscore\t4 -> 7"]


def test_a_complaint_is_answered_with_the_frames(lab):
    hand_in(lab, "alice")
    run(lab / "rubric.toml", lab / "in", "--roster", lab / "roster.csv", "-o", lab / "out")
    done = run("why", "alice", "request", "--grades", lab / "out" / "grades.json")
    assert "alice, request: met, 2/2. " in done.stdout
    assert "lab.pcap: frame 1" in done.stdout
    told = run("why", "alice", "request", "--grades", lab / "out" / "grades.json", "--lang", "ja").stdout
    assert "alice, request: 達成 (2/2 点)。" in told
    assert "lab.pcap: フレーム 1" in told
    assert run("why", "alice", "zz", "--grades", lab / "out" / "grades.json").returncode == 2


def test_a_capture_that_may_be_either_of_two_is_told_by_name_and_not_as_none(tmp_path):
    rubric_file(tmp_path, REQUEST, HEAD.replace("}", ', h2 = "other.pcap" }', 1))
    (tmp_path / "in").mkdir()
    hand_in(tmp_path, "ann", file="trace.pcap", answers="")
    told = run(tmp_path / "rubric.toml", tmp_path / "in", "--no-cache").stdout
    assert (
        "ann\tcould not be graded\tnothing tells which of the captures lab.pcap, other.pcap this is: trace.pcap" in told
    )


def test_what_several_share_is_told_once_with_all_their_names(tmp_path):
    rubric_file(tmp_path, REQUEST, HEAD)
    (tmp_path / "in").mkdir()
    octets = pcap(*(frame for number in (1, 2, 3) for frame in opened(number))).getvalue()
    for name in ("ann", "ben", "cyd", "dot"):
        hand_in(tmp_path, name, octets, answers="")
    told = run(tmp_path / "rubric.toml", tmp_path / "in", "--no-cache").stdout
    ann = told[: told.index("\nben")]
    assert ann.count("of 6 random numbers") == 1
    assert "The same kind of thing is shared with cyd, dot." in ann


def test_one_run_writes_the_pages_in_both_languages(lab):
    hand_in(lab, "alice")
    hand_in(lab, "bob", b"nothing")
    arguments = lab / "rubric.toml", lab / "in", "--roster", lab / "roster.csv", "--cache", lab / "cache", "-o"
    done = run(*arguments, lab / "both", "--lang", "both")
    assert (done.returncode, done.stdout.count("alice\t")) == (0, 1)
    for language in ("en", "ja"):
        run(*arguments, lab / language, "--lang", language)
        for name in ("alice/feedback", "bob/feedback"):
            suffix = ".ja" if language == "ja" else ""
            for end in (".html", ".md"):
                one, other = (lab / "both" / f"{name}{suffix}{end}", lab / language / f"{name}{end}")
                assert one.read_bytes() == other.read_bytes()
    assert 'href="alice/feedback.ja.html"' in (lab / "both" / "summary.ja.html").read_text("utf-8")
    assert run(*arguments[:-1], "--lang", "both").returncode == 2  # there is no page
    run(*arguments, lab / "both", "--lang", "en")
    assert not list((lab / "both").rglob("*.ja.*"))  # they would show the marks of the run before


def test_the_instructor_s_own_gradebook_comes_back_with_the_marks_and_is_the_roster(lab):
    hand_in(lab, "alice")
    hand_in(lab, "bob", b"nothing")
    (lab / "canvas.csv").write_text(
        "Student,ID,SIS Login ID,Section,Lab (7),Other (8)\nPoints Possible,,,,9,5\n"
        "A,1,alice,x,,5\nB,2,bob,x,3,5\nC,3,carol,x,,4\n"
    )
    arguments = lab / "rubric.toml", lab / "in", "--gradebook", lab / "canvas.csv", "-o", lab / "out"
    assert run(*arguments).returncode == 2  # no column is called after the rubric
    done = run(*arguments, "--column", "Lab")
    assert (done.returncode, "counts 9 points, the rubric 4" in done.stderr) == (0, True)
    assert "carol\tmissing" in done.stdout
    assert (lab / "out" / "gradebook.csv").read_text().splitlines() == [
        "Student,ID,SIS Login ID,Section,Lab (7)", "Points Possible,,,,9", "A,1,alice,x,1", "B,2,bob,x,3",
        "C,3,carol,x,",
    ]  # fmt: skip
    told = json.loads((lab / "out" / "bob" / "prairielearn.json").read_text())
    assert told == {"gradable": False, "format_errors": ["lab.pcap is no capture"]}


def test_a_name_that_two_students_could_have_is_nobody_s(lab):
    (lab / "roster.csv").write_text(f"student,name,host_ip\nann-1,Ann Ek,{ME}\nann1,Ann Ek,{ME}\nbo,Bo Ek,{ME}\n")
    for name in ("ann-1", "ann1", "Ann Ek", "ann_1", "Bo Ek"):
        hand_in(lab, name)
    told = graded(lab)
    assert {name: one["score"] for name, one in told.items()} == {
        "ann-1": 4, "ann1": 4, "bo": 4, "Ann Ek": 1, "ann_1": 1,
    }  # fmt: skip


def test_the_time_left_is_told_by_what_was_made_and_not_by_what_was_known():
    assert time_left(10.0, 20, 60) == "0:00:30"
    assert time_left(1.0, 0, 60) == "-:--:--"  # everything so far was known
    assert time_left(7200.0, 300, 0) == "0:00:00"


@pytest.mark.parametrize(
    ("student", "folder"),
    [
        ("山田太郎", "山田太郎"),
        ("Jose\u0301", "José"),
        ("กำ", "กำ"),
        ("x\u202egnp.exe", "x_gnp.exe"),
        ("a/b", "a_b"),
        ("\udc80", "_"),
        ("..", "submission"),
        ("字" * 200, "字" * 50),
    ],
)
def test_a_student_s_folder_has_the_student_s_name_without_what_deceives(student, folder):
    assert file_names([student, student]) == [folder, f"{folder}-2"]
