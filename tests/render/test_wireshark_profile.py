"""Wireshark takes the profile: its colours fall on the packets that they are about."""

from __future__ import annotations

import os
import subprocess

import pytest
from command_line import EXPLAIN
from surroundings import TOP

import explain
from explain.render.wireshark_profile import files

PCAPS = TOP / "pcaps"
pytestmark = pytest.mark.needs("tshark")


@pytest.fixture
def shown(tmp_path):
    """What tshark makes of an annotated capture under its profile; every complaint of tshark fails."""

    def show(capture: str, *words: str, language: str = "en") -> list[list[str]]:
        profile = tmp_path / ".config" / "wireshark" / "profiles" / "explain"
        command = ["annotate", str(capture), "-o", "told.pcapng", "--profile", str(profile), "--lang", language]
        subprocess.run([*EXPLAIN, *command], check=True, cwd=tmp_path)
        env = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": "", "LC_ALL": "C.UTF-8"}
        tshark = ["tshark", "-C", "explain", "-r", "told.pcapng", *words]
        done = subprocess.run(tshark, env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert [line for line in done.stderr.splitlines() if "Running as user" not in line] == []
        return [line.split("\t") for line in done.stdout.splitlines()]

    return show


COLOURS = ("--color", "-T", "fields", "-e", "frame.number", "-e", "frame.coloring_rule.name")


def test_what_proves_a_cause_has_its_colour_and_nothing_else_has(shown):
    capture = PCAPS / "no-route-on-router" / "capture.pcapng"
    [finding] = explain.explain(capture).findings
    spans = [span for one in finding.evidence for span in one.frames]
    proof = {str(n) for first, last in spans for n in range(first, last + 1)}
    rows = shown(capture, *COLOURS)
    assert {number for number, name in rows if name == "explain: what proves no-route-on-router"} == proof
    assert {name for _, name in rows} == {
        "explain: what proves no-route-on-router",
        "explain: who has which MAC",
        "explain: ping and other ICMP",
    }


def test_every_rule_is_one_that_wireshark_can_read(shown):
    # A filter that Wireshark does not understand is a line on its standard error, and the rule is disabled.
    rows = shown(PCAPS / "http" / "capture.pcapng", *COLOURS, language="ja")
    assert {name for _, name in rows} >= {"explain: 接続の始まりと終わり", "explain: データ"}


def test_the_story_stands_beside_the_packets(shown):
    rows = shown(PCAPS / "healthy" / "sender.pcap")
    assert "asked everyone on the link" in rows[0][-1]


def test_a_failure_without_a_cause_is_told_from_the_rest():
    class Half:
        findings = ()
        unexplained = ("e2",)
        exchanges = explain.explain(PCAPS / "no-route-on-router" / "sender.pcap").exchanges

    first = files(Half(), "en")["colorfilters"].splitlines()[0]
    assert first.startswith("@explain: failed, and no cause is known@frame.number in {3..8}@[")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    command = ["annotate", str(PCAPS / "healthy" / "sender.pcap"), "-o", "told.pcapng", "--profile", "file/x"]
    done = subprocess.run([*EXPLAIN, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "explain: file/x: not a directory\n")
