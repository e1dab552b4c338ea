"""Wireshark's own programs see the labs as interfaces and capture on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import explain
from explain.lab import extcap
from explain.lab.extcap import interfaces, script

COMMAND = [str(Path(sys.executable).parent / "explain"), "lab"]


@pytest.fixture
def wireshark(tmp_path):
    """Runs one of Wireshark's programs with the script in its folder; as root it would not look there."""
    folder = tmp_path / "extcap"
    folder.mkdir()
    (folder / "explain").write_text(script())
    (folder / "explain").chmod(0o755)
    other = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    env = {**os.environ, "WIRESHARK_EXTCAP_DIR": str(folder), "LC_ALL": "C.UTF-8", "HOME": str(tmp_path)}

    def run(*words: str) -> str:
        command = [*other, *words]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.needs("tshark", "namespaces")
def test_tshark_lists_every_lab(wireshark):
    labs = json.loads(subprocess.run([*COMMAND, "list", "--json"], capture_output=True, check=True).stdout)
    listed = wireshark("tshark", "-D").splitlines()
    for lab in labs:
        wanted = f" lab-{lab['name']} (explain lab {lab['name']}: {lab['title']['en']})"
        assert sum(line.endswith(wanted) for line in listed) == 1, wanted


@pytest.mark.needs("tshark", "namespaces", "ping", "ip")
def test_tshark_runs_and_records_the_lab_that_it_captures_on(wireshark, tmp_path):
    wireshark("tshark", "-i", "lab-no-route-on-router", "-w", "seen.pcapng")
    report = explain.explain(tmp_path / "seen.pcapng")
    assert "no-route-on-router" in {finding.cause for finding in report.findings}


def test_what_wireshark_asks_at_every_start_is_answered_without_python(tmp_path, monkeypatch):
    monkeypatch.setattr(extcap.sys, "executable", str(tmp_path / "no such python"))

    def answer(*words: str) -> str:
        return subprocess.run(
            ["sh", "-c", script(), "explain", *words], capture_output=True, text=True, check=True
        ).stdout

    assert answer("--extcap-config", "--extcap-interface", "lab-router").startswith("arg {number=0}{call=--healthy}")
    assert answer("--extcap-config", "--extcap-interface", "up-router") == ""
    assert answer("--extcap-interface", "up-router", "--extcap-config") == ""
    assert answer("--extcap-dlts", "--extcap-interface", "lab-router").startswith("dlt {number=1}{name=EN10MB}")


def test_a_title_cannot_end_a_sentence_of_the_protocol():
    assert (
        list(interfaces([("x", "a}{value=b}\nc")], []))[1]
        == "interface {value=lab-x}{display=explain lab x: a  value=b  c}"
    )


@pytest.mark.needs("namespaces", "ping", "ip")
def test_a_lab_that_is_up_is_recorded_until_nobody_reads(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    subprocess.run([*COMMAND, "up", "one-segment"], check=True, capture_output=True)
    try:
        listed = subprocess.run([*COMMAND, "extcap", "--extcap-interfaces"], capture_output=True, text=True, check=True)
        assert "interface {value=up-one-segment}" in listed.stdout
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        ask = ["extcap", "--capture", "--extcap-interface", "up-one-segment", "--fifo", str(fifo)]
        recorder = subprocess.Popen([*COMMAND, *ask])
        with fifo.open("rb", buffering=0) as stream:
            octets = stream.read(100)  # the taps are open before the first octet
            more = threading.Thread(target=lambda: wait_for(stream, collected), daemon=True)
            collected = bytearray(octets)
            more.start()
            show = subprocess.run([*COMMAND, "show", "one-segment"], capture_output=True, text=True, check=True).stdout
            target = next(
                word for line in show.splitlines() if "ping" in line for word in line.split() if "192." in word
            )
            subprocess.run([*COMMAND, "exec", "h1", "ping", "-c1", target], check=True, capture_output=True)
            more.join(timeout=60)
        assert recorder.wait(timeout=60) == 0
    finally:
        subprocess.run([*COMMAND, "down", "--all"], check=True, capture_output=True)
    (tmp_path / "seen.pcapng").write_bytes(collected)
    echo = next(one for one in explain.explain(tmp_path / "seen.pcapng").exchanges if one.kind == "icmp.echo")
    assert echo.outcome == "answered"


def wait_for(stream, collected: bytearray) -> None:
    """Read on until the reply to a ping is there, as both ends of one link see it: four frames."""
    while collected.count(b"\x08\x00\x45") < 4 and (more := stream.read(65536)):
        collected += more


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--capture", "--fifo", "x"], "needs --extcap-interface and --fifo"),
        (["--capture", "--fifo", "x", "--extcap-interface", "eth0"], "eth0: no such interface"),
        (["--capture", "--fifo", "x", "--extcap-interface", "lab-nothing"], "no lab is called 'nothing'"),
    ],
)
def test_what_cannot_be_captured_is_one_line(words, said, tmp_path):
    done = subprocess.run([*COMMAND, "extcap", *words], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
