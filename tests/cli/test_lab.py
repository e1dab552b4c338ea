"""``explain lab`` as a person meets it: what is wrong is told, what was recorded is kept."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec

import pytest
from command_line import EXPLAIN
from two_hosts import TWO_HOSTS

from explain.cli.lab.run import WARM

COMMAND = [*EXPLAIN, "lab"]
LAB = (
    TWO_HOSTS
    + """
[[steps]]
on = "h1"
run = ["ping", "-c", "1", "-W", "1", "192.0.2.9"]
"""
)


def lab(cwd, *words):
    done = subprocess.run([*COMMAND, *words], cwd=cwd, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "lab.toml").write_text(LAB)
    return tmp_path


@pytest.mark.needs("namespaces", "ping")
@pytest.mark.parametrize("words", [[], ["-q"]])
def test_a_failing_step_shows_its_output_and_the_recording_is_kept(mine, words):
    (mine / "mine.pcapng").write_text("somebody's own")
    done = lab(mine, "run", "mine", *words)
    assert done.returncode == 1
    assert "ping -c 1 -W 1 192.0.2.9: exit status 1, expected 0" in done.stderr
    assert "1 packets transmitted, 0 received" in done.stderr
    assert "kept in mine-2.pcapng" in done.stderr
    assert (mine / "mine-2.pcapng").read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    assert (mine / "mine.pcapng").read_text() == "somebody's own"


@pytest.mark.parametrize(
    ("output", "said"),
    [("-", "-o takes a file"), ("no/such/x.pcapng", "no such file"), ("mine/lab.toml", "read as an input")],
)
def test_where_no_recording_can_be_written_nothing_is_built(mine, output, said):
    done = lab(mine, "run", "mine", "-o", output)
    assert (done.returncode, said in done.stderr) == (2, True)
    assert (mine / "mine" / "lab.toml").read_text() == LAB


def test_what_may_stand_there_is_told_to_the_end(mine):
    (mine / "mine" / "lab.toml").write_text(LAB.replace('"ping"', '"pnig"'))
    done = lab(mine, "run", "mine")
    assert done.returncode == 2
    assert "steps[0]: run[0]: 'pnig' (did you mean 'ping'?); one of ping, " in done.stderr
    assert "conntrackfill" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["show", "routre"], ["run", "routre"], ["plan", "routre"], ["quiz", "routre"]])
def test_a_name_that_is_nearly_one_is_told_with_its_likes(tmp_path, words):
    done = lab(tmp_path, *words)
    assert done.returncode == 2
    assert "did you mean router" in done.stderr


def test_labs_are_listed_by_chapter_and_by_cause_in_both_languages(tmp_path):
    assert "1 segment\n" in lab(tmp_path, "list").stdout
    assert "1 セグメント\n" in lab(tmp_path, "list", "--lang", "ja").stdout
    assert "(2 ルーター; healthy)" in lab(tmp_path, "show", "router", "--lang", "ja").stdout
    by_cause = lab(tmp_path, "list", "--by", "cause", "--lang", "ja").stdout
    assert "\nforwarding-disabled\n  forwarding-disabled " in by_cause
    assert "ルーター" in by_cause


@pytest.mark.parametrize(("room", "modules"), WARM.items())
def test_what_is_imported_while_a_lab_is_built_exists(room, modules):
    assert all(find_spec(f"explain.{room}{module}") for module in modules)
