from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from command_line import EXPLAIN
from packets import EPOCH, pcap, ping, pong

from explain.cli.telling import live

A, B = "192.0.2.1", "198.51.100.1"
ALONE = ["unshare", "--net", "--mount"]
ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def text_until(stream, wanted):
    """What was printed up to a row that has some words in it."""
    text = ""
    while wanted not in text:
        row = stream.readline().decode()
        assert row, f"{wanted!r} was never told:\n{text}"
        text += row
    return text


def fresh(*frames):
    """A capture whose frames were recorded just now."""
    return pcap((time.time() - 1 - EPOCH, frames[0]), *frames[1:]).getvalue()


@pytest.fixture
def piped():
    """`explain -` with a pipe that stays open, as behind `tcpdump -U -w -`."""
    process = subprocess.Popen([*EXPLAIN, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT)
    yield process
    process.kill()
    process.stdin.close()
    process.stdout.close()
    process.wait()


def test_an_exchange_is_told_while_the_capture_is_still_being_made(piped):
    piped.stdin.write(fresh(ping(A, B, 1), pong(B, A, 1)))
    piped.stdin.flush()
    told = text_until(piped.stdout, "Echo reply from 198.51.100.1")
    assert "Echo request (ping) from 192.0.2.1 to 198.51.100.1" in told
    piped.stdin.close()
    assert "Nothing failed: 1 exchange among 2 packets" in text_until(piped.stdout, "Nothing failed")
    assert piped.wait(20) == 0


def test_ctrl_c_while_numpy_is_loaded_ends_the_command_since_nothing_can_load_it_once_more(monkeypatch):
    def interrupted(_head):
        raise KeyboardInterrupt

    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb") as writer:
        writer.write(fresh(ping(A, B, 1)))
        writer.flush()
        monkeypatch.setattr(sys, "stdin", pipe)
        monkeypatch.setattr(live, "_PATIENCE_S", 0.0)
        monkeypatch.setattr(live, "_is_fresh", interrupted)
        with pytest.raises(KeyboardInterrupt):
            live.standard_input()


@pytest.mark.parametrize(("by", "ignored"), [(signal.SIGTERM, ()), (signal.SIGINT, (signal.SIGINT,))])
def test_who_ends_a_live_story_gets_its_summary_also_where_a_shell_started_it_in_the_background(by, ignored):
    process = subprocess.Popen(
        [*EXPLAIN, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT,
        preexec_fn=lambda: [signal.signal(one, signal.SIG_IGN) for one in ignored],  # noqa: PLW1509
    )  # fmt: skip
    with process as piped:
        piped.stdin.write(fresh(ping(A, B, 1), pong(B, A, 1)))
        piped.stdin.flush()
        text_until(piped.stdout, "Echo reply")
        piped.send_signal(by)
        told = piped.stdout.readline().decode()
        piped.kill()
    assert told.startswith("✓ Nothing failed: 1 exchange among 2 packets")


def test_an_old_capture_that_comes_slowly_is_told_as_a_whole():
    with subprocess.Popen([*EXPLAIN, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        process.stdin.write(pcap(ping(A, B, 1), pong(B, A, 1)).getvalue())
        process.stdin.flush()
        time.sleep(1.5)
        process.stdin.close()
        assert process.stdout.read().decode().startswith("✓ Nothing failed: 1 exchange among 2 packets")


@pytest.mark.needs("namespaces", "ping", "tshark")
def test_an_interface_is_heard_and_what_it_carried_is_kept(tmp_path):
    kept = tmp_path / "kept.pcapng"
    # A shell lets its background jobs ignore SIGINT, so the listener is in the foreground.
    script = f"""
        ip link set lo up
        (
            while [ ! -s {kept} ]; do sleep 0.1; done
            ping -c 1 127.0.0.1 > {tmp_path}/pinged
            python3 -c 'import socket; socket.socket().connect_ex(("127.0.0.1", 9))'
            until grep -q refuses {tmp_path}/told; do sleep 0.1; done
            kill -INT $$
        ) &
        exec "$@" -i lo -w {kept} > {tmp_path}/told
    """
    listener = [*ALONE, "timeout", "60", "bash", "-c", script, "bash", *EXPLAIN]
    done = subprocess.run(listener, env=ENVIRONMENT, capture_output=True, check=False)
    told = (tmp_path / "told").read_text()
    assert done.returncode == 0, done.stderr
    assert "Echo reply from 127.0.0.1" in told
    assert "✗ 127.0.0.1 refuses connections to port 9" in told
    assert "tcp-no-listener: once" in told
    again = subprocess.run(["tshark", "-r", kept, "-T", "fields", "-e", "_ws.col.Protocol"], capture_output=True,
                           text=True, check=True)  # fmt: skip
    assert again.stdout.split() == ["ICMP", "ICMP", "TCP", "TCP"]


def run(*arguments):
    return subprocess.run([*EXPLAIN, *arguments], capture_output=True, text=True, env=ENVIRONMENT, check=False)


def test_an_interface_that_is_not_there_is_one_line_with_those_that_are():
    done = run("-i", "nowhere0")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("explain: nowhere0: no such interface; there are lo")


def test_nothing_is_left_where_nothing_could_be_recorded(tmp_path):
    assert run("-i", "nowhere0", "-w", str(tmp_path / "kept.pcapng")).returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("namespaces", "ping")
def test_a_full_disk_ends_a_recording_with_one_line_that_names_the_file():
    pings = "while kill -0 $!; do ping -c1 -W1 127.0.0.1; sleep 0.1; done >/dev/null 2>&1"
    script = f'ip link set lo up; "$@" -i lo -w /dev/full & {pings}; wait $!'
    done = subprocess.run([*ALONE, "sh", "-c", script, "sh", *EXPLAIN], capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [b"explain: /dev/full: no space left on device"]


def test_a_form_that_needs_an_end_is_refused_with_the_way_to_get_it():
    done = run("-i", "lo", "--json")
    assert done.returncode == 2
    assert "record with -w FILE, then explain FILE" in done.stderr


def test_a_file_and_an_interface_at_once_are_a_usage_error():
    assert run("-i", "lo", "x.pcap").returncode == 2
