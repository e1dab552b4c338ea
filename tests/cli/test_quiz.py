"""The quiz asks before it shows, takes any name of what is right, and says why; without rights, also from a pipe."""

from __future__ import annotations

import io
import socket
import subprocess
import sys

import pytest
from command_line import EXPLAIN
from surroundings import TOP

from explain.cli import main
from explain.lab import kernel
from explain.render.quiz import Answer, flags_of, plain

COMMAND = [*EXPLAIN, "lab", "quiz"]


def quiz(answers, *arguments, cwd=TOP):
    text = "".join(f"{answer}\n" for answer in answers)
    done = subprocess.run([*COMMAND, *arguments], input=text, capture_output=True, text=True, check=False, cwd=cwd)
    assert "Traceback" not in done.stderr
    return done


def told(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_of_a_frame_is_shown_before_it_is_guessed():
    said = told(quiz(["", "", ""], "tcp-handshake"))
    before, after = said.split("Frame 2 of")
    asked, shown = before.split("What does it say?")
    assert "who-has 192.0.2.2?" not in asked
    assert "✗ says who-has 192.0.2.2?" in shown
    assert "is-at" not in after


def test_right_answers_in_any_spelling_are_counted_and_each_frame_says_why():
    answers = ["h1", "ff-ff-ff-ff-ff-ff", "who-has"]
    answers += ["192.0.2.254", "0000.5e00.5301", "arp reply"]
    answers += ["192.0.2.1", "R1", "ping"]
    answers += ["h2", "h1.eth0", "Echo reply", "q"]
    said = told(quiz(answers, "router"))
    assert "12 of 12 right, 4 frames." in said
    assert said.count("Why: ") == 4
    assert "goes to the MAC of the router\n  192.0.2.254" in said
    assert "198.51.100.1 wrote it and is not on this link" in said


def test_wrong_answers_are_not_counted_as_right():
    said = told(quiz(["h2", "h2", "is-at", "q"], "router"))
    assert "0 of 3 right, 1 frame." in said


def test_flags_are_asked_for_and_push_does_not_count():
    said = told(quiz(["h1", "h2", "SYN ACK", "h2", "h1", "[S.]", "h1", "h2", "ack", "", "", "psh, ack"],
                     "tcp-handshake", "--from", "3"))  # fmt: skip
    assert [line.strip()[0] for line in said.splitlines() if " says " in line] == ["✗", "✓", "✓", "✓"]


def test_the_japanese_quiz_asks_in_japanese():
    said = told(quiz(["h1", "全員", "who-has"], "one-segment", "--lang", "ja"))
    assert "次に話すのは誰？" in said
    assert "3 問中 3 問正解 (1 フレーム)。" in said


def test_the_end_of_the_recording_ends_the_quiz_with_the_score():
    said = told(quiz([""] * 400, "one-segment"))
    assert "0 of 24 right, 8 frames." in said


def test_another_place_hears_other_frames():
    assert "8 frames at r1.eth1" in told(quiz([], "router", "--at", "r1.eth1"))
    done = quiz([], "router", "--at", "r1.eth7")
    assert done.returncode == 2
    assert "r1.eth1" in done.stderr


def test_any_capture_can_be_asked_about():
    capture = TOP / "pcaps" / "healthy" / "sender.pcap"
    assert "frames. Before each one" in told(quiz(["q"], str(capture)))


def test_an_unknown_recording_is_named_with_its_likes():
    done = quiz([], "one-segmnet")
    assert done.returncode == 2
    assert "one-segment" in done.stderr


def test_an_answer_cannot_act_on_the_terminal():
    assert "\x1b" not in told(quiz(["\x1b[2J", "a" * 9000, ""], "one-segment"))


def test_the_quiz_builds_nothing(monkeypatch, capsys):
    def refused(*_args, **_kwargs):
        raise AssertionError("a quiz touched the machine")

    monkeypatch.setattr(kernel, "unshare", refused)
    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(sys, "stdin", io.StringIO("h1\n" * 3))
    with pytest.raises(SystemExit) as ended:
        main(["lab", "quiz", "router"])
    assert ended.value.code == 0
    assert "8 frames at h1.eth0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "letters"),
    [("S", "S"), ("[S.]", "S."), ("syn, ack", "S."), ("SYN+ACK", "S."), ("P.", "."), ("FIN ACK", "F."), (".", ".")],
)
def test_flags_are_understood_as_letters_and_as_words(typed, letters):
    assert flags_of(typed) == frozenset(letters)


@pytest.mark.parametrize("typed", ["", "hello", "who-has"])
def test_what_is_no_flag_is_none(typed):
    assert not flags_of(typed)


def test_an_address_is_not_taken_for_a_mac():
    assert plain("192.0.21.100") != plain("19:20:21:10:0")
    assert Answer("", frozenset({plain("00:00:5e:00:53:01")})).is_met_by(" 00-00-5E-00-53-01 ")
