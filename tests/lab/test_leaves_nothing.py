"""Whichever process of a lab is killed, at whatever step: no process, namespace, link or file is left."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import EXPLAIN
from two_hosts import TWO_HOSTS

from explain.capture import open_capture
from explain.lab.catalogue import find
from explain.lab.operations import SetSysctl
from explain.lab.plan import plan
from explain.lab.read import read

pytestmark = [pytest.mark.long, pytest.mark.needs("namespaces", "ping", "ip", "dnsmasq")]

# One line is printed at each step; the lab's supervisor then waits until it is told to go on, or is killed.
PERFORMER = """
import sys
from pathlib import Path
from explain.lab.read import read
from explain.lab.run import run
def hear(kind, value):
    print(kind, value if kind == "holder" else "", flush=True)
    sys.stdin.readline()
run(read(Path(sys.argv[1])), hear=hear)
"""
SLOW_PERFORMER = (
    """
import time
from explain.lab import holder
prompt = holder.die_with_parent
def die_with_parent(*signals):
    time.sleep(0.5)
    prompt(*signals)
holder.die_with_parent = die_with_parent
"""
    + PERFORMER
)
LAB = (
    TWO_HOSTS
    + """
[[services]]
on = "h2"
kind = "dnsmasq"
options = ["--interface=eth0", "--dhcp-range=192.0.2.100,192.0.2.120,255.255.255.0,1h"]

[[steps]]
on = "h1"
run = ["ping", "192.0.2.2"]
background = true
status = "any"

[[steps]]
on = "h1"
run = ["ping", "-c", "2", "-i", "0.2", "192.0.2.2"]
"""
)


def children(pid):
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def tree(pid):
    return [pid, *(below for child in children(pid) for below in tree(child))]


def born(pid):
    """When a process was started; None once it is dead, also while its corpse waits."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if words[0] in "ZX" else words[19]
    return None


def comm(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return None


def namespaces(pid):
    """The network namespaces that a process stands in or holds open, except ours."""
    paths = [Path(f"/proc/{pid}/ns/net")]
    with contextlib.suppress(OSError):  # it may end while we look
        paths += Path(f"/proc/{pid}/fd").glob("*")
    found = set()
    for path in paths:
        with contextlib.suppress(OSError):
            found.add(str(path.readlink()))
    return {name for name in found if name.startswith("net:")} - {str(Path("/proc/self/ns/net").readlink())}


def everybodys_namespaces():
    return {name for path in Path("/proc").glob("[0-9]*") for name in namespaces(path.name)}


SETTINGS = {act.key for name in ("router", "ipv6-natural", "filter-on-switch")
            for act in plan(read(find(name))) if isinstance(act, SetSysctl)}  # fmt: skip


def host():
    """What a lab could leave on a host; names in /run/netns that are no links are somebody else's."""
    found = {path for path in Path("/run/netns").glob("*") if path.is_symlink()}
    found |= {*Path("/sys/class/net").iterdir(), *Path("/run/explain-labs").glob("*")}
    for key in SETTINGS:
        with contextlib.suppress(OSError):
            found.add((key, Path("/proc/sys", *key.split(".")).read_text()))
    for line in ("nft list ruleset", "ip rule", "ip -6 rule", "ip route", "ip -6 route"):
        shown = subprocess.run(line.split(), capture_output=True, text=True, check=False).stdout
        found |= {(line, re.sub(r" expires \d+sec", "", row)) for row in shown.splitlines()}
    return found


def of_a_running_lab(thing):
    """Whether a file or a name belongs to a lab that is up: another test's, once ours is dead."""
    with contextlib.suppress(OSError, ValueError, KeyError, IndexError):
        if thing.parent == Path("/run/netns"):  # a link to /proc/PID/fd/N
            return born(thing.readlink().parts[2]) is not None
        if thing.suffix == ".json":
            pid, start = json.loads(thing.read_text())["supervisor"]
            return born(pid) == str(start)
    return False


def assert_nothing_new(before):
    """Every new thing goes within a while; others may bring new ones of their own meanwhile."""
    ends = time.monotonic() + 20
    left = host() - before
    while left and time.monotonic() < ends:
        time.sleep(0.02)
        left &= host()
    left = {thing for thing in left if not (isinstance(thing, Path) and of_a_running_lab(thing))}
    assert not left, f"left on the host: {left}"


def assert_gone(pids, names):
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        alive = [pid for pid, start in pids.items() if start is not None and born(pid) == start]
        held = names & everybodys_namespaces()
        if not alive and not held:
            return
        time.sleep(0.02)
    raise AssertionError(f"processes {alive} and namespaces {held} are left")


@pytest.fixture
def lab_file(tmp_path):
    path = tmp_path / "killed" / "lab.toml"
    path.parent.mkdir()
    path.write_text(LAB)
    return path


STEPS = 7  # holder, build, service, step, step, ran, end: what is told before the result
LAST_STEP = 5


@pytest.mark.parametrize("victim", ["supervisor", "middle", "holder"])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_killed_process_takes_everything_with_it(lab_file, victim, step):
    before = host()
    if step <= LAST_STEP:  # the lab does not wait for its supervisor; so it is still busy, however slowly we look
        lab_file.write_text(LAB.replace('"0.2"', '"120"'))
    performer = subprocess.Popen(
        [sys.executable, "-c", PERFORMER, lab_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    holder = None
    for i in range(1, step + 1):
        line = performer.stdout.readline().split()
        assert line, f"the lab has only {i - 1} steps"
        holder = int(line[1]) if line[0] == "holder" else holder
        if i < step:
            performer.stdin.write("\n")
            performer.stdin.flush()
    everybody = {pid: born(pid) for pid in tree(performer.pid)}
    names = {name for pid in everybody for name in namespaces(pid)}
    is_over = step == STEPS  # then the lab may end by itself before it is looked at
    assert holder in everybody or is_over
    middle = next(iter(children(performer.pid)), None)
    assert middle or is_over
    victims = {"supervisor": performer.pid, "middle": middle, "holder": holder}
    with contextlib.suppress(ProcessLookupError, TypeError) if is_over else contextlib.nullcontext():
        os.kill(victims[victim], signal.SIGKILL)
    performer.stdin.close()
    performer.wait(timeout=60)
    performer.stdout.close()
    assert (performer.returncode == -9) == (victim == "supervisor")
    # At the last step the result may have been told before the others were killed.
    assert performer.returncode != 0 or step == STEPS
    assert_gone(everybody, names)
    assert_nothing_new(before)


def test_a_holder_that_is_slow_to_ask_to_die_with_its_parent_still_does(lab_file):
    lab_file.write_text(LAB.replace('"0.2"', '"120"'))
    performer = subprocess.Popen(
        [sys.executable, "-c", SLOW_PERFORMER, lab_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert performer.stdout.readline().startswith("holder")
    everybody = {pid: born(pid) for pid in tree(performer.pid)}
    time.sleep(0.1)  # its parent has told it to go on
    os.kill(children(performer.pid)[0], signal.SIGKILL)
    performer.communicate(timeout=60)
    assert performer.returncode == 1
    assert_gone(everybody, set())


@pytest.mark.parametrize("victim", ["dnsmasq", "ping"])
def test_a_killed_tool_ends_nothing_but_itself_and_leaves_nothing(lab_file, victim):
    before = host()
    performer = subprocess.Popen(
        [sys.executable, "-c", PERFORMER, lab_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    everybody, names, kinds = {}, set(), []
    while line := performer.stdout.readline().split():
        kinds.append(line[0])
        everybody |= {pid: born(pid) for pid in tree(performer.pid)}
        names |= {name for pid in everybody for name in namespaces(pid)}
        if line[0] == "step" and kinds.count("step") == 2:  # the server runs, and so does the ping in the background
            until = time.monotonic() + 60
            while not (found := [pid for pid in tree(performer.pid) if comm(pid) == victim]):
                assert time.monotonic() < until, f"{victim} does not run"  # a busy machine may start it late
            os.kill(found[0], signal.SIGKILL)
        performer.stdin.write("\n")
        performer.stdin.flush()
    performer.wait(timeout=60)
    performer.stdin.close()
    performer.stdout.close()
    assert performer.returncode == 0
    assert "ran" in kinds
    assert_gone(everybody, names)
    assert_nothing_new(before)


COMMAND = [*EXPLAIN, "lab"]


def test_ctrl_c_ends_a_run_with_130_and_leaves_nothing(lab_file, tmp_path):
    before = host()
    running = subprocess.Popen(
        [*COMMAND, "run", lab_file], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=tmp_path
    )
    assert "ping" in running.stderr.readline()
    everybody = {pid: born(pid) for pid in tree(running.pid)}
    names = {name for pid in everybody for name in namespaces(pid)}
    running.send_signal(signal.SIGINT)
    running.wait(timeout=60)
    running.stderr.close()
    assert running.returncode == 130
    assert_gone(everybody, names)
    assert_nothing_new(before)
    assert [path.name for path in tmp_path.iterdir()] == ["killed"]


@pytest.fixture
def live(lab_file, tmp_path, monkeypatch):
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    from explain.lab.up.known import all_live

    before = host()
    subprocess.run([*COMMAND, "up", lab_file], check=True, capture_output=True)
    [lab] = all_live()
    yield lab, before
    subprocess.run([*COMMAND, "down", "--all"], check=False, capture_output=True)


def processes_of(lab):
    everybody = {pid: born(pid) for pid in tree(lab.supervisor[0])}
    return everybody, {name for pid in everybody for name in namespaces(pid)}


def await_clean(before, runtime):
    ends = time.monotonic() + 20
    while time.monotonic() < ends and any(runtime.iterdir()):
        time.sleep(0.02)
    assert_nothing_new(before)
    assert not any(runtime.iterdir())


@pytest.mark.parametrize("victim", ["supervisor", "middle", "holder"])
def test_a_lab_that_stays_up_is_gone_with_any_of_its_processes(live, victim, tmp_path):
    lab, before = live
    everybody, names = processes_of(lab)
    [middle] = children(lab.supervisor[0])
    os.kill({"supervisor": lab.supervisor[0], "middle": middle, "holder": lab.holder[0]}[victim], signal.SIGKILL)
    assert_gone(everybody, names)
    await_clean(before, tmp_path / "runtime")


def test_a_lab_that_stays_up_is_entered_recorded_and_taken_down(live, tmp_path):
    lab, before = live
    everybody, names = processes_of(lab)
    ping = [*COMMAND, "exec", "h1", "ping", "-c", "1", "192.0.2.2"]
    assert subprocess.run(ping, capture_output=True, text=True, check=True).stdout.startswith("PING 192.0.2.2")
    state = subprocess.run([*COMMAND, "state", "h2"], capture_output=True, text=True, check=True).stdout
    assert '"192.0.2.2"' in state
    target = tmp_path / "by-hand.pcapng"
    subprocess.run([*COMMAND, "record", "-o", target, "--seconds", "0.2"], check=True, capture_output=True)
    assert target.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    to_us = [*COMMAND, "record", "-o", "-", "--seconds", "0.1"]
    piped = subprocess.run(to_us, check=True, capture_output=True, cwd=tmp_path)
    assert piped.stdout[:4] == b"\x0a\x0d\x0d\x0a"
    alone = [*COMMAND, "record", "-o", tmp_path / "alone.pcapng", "--seconds", "0.2", "--at"]
    subprocess.run([*alone, "h2.eth0"], check=True, capture_output=True)
    with open_capture(str(tmp_path / "alone.pcapng")) as reader:
        list(reader.frames())
        assert [one.name for one in reader.interfaces] == ["h2.eth0"]
    refused = subprocess.run([*alone, "h9.eth0"], capture_output=True, text=True, check=False).stderr
    assert ("h2.eth0" in refused, "recording" in refused) == (True, False)
    if lab.names:
        typed = ["ip", "netns", "exec", lab.names["h1"], "ip", "-4", "address"]
        assert "192.0.2.1/24" in subprocess.run(typed, capture_output=True, text=True, check=True).stdout
    inside = subprocess.run(
        [*COMMAND, "shell"], input="ip netns exec h2 ip -4 address\n", capture_output=True, text=True, check=True
    )
    assert "192.0.2.2/24" in inside.stdout
    subprocess.run([*COMMAND, "down", "killed"], check=True, capture_output=True)
    assert_gone(everybody, names)
    await_clean(before, tmp_path / "runtime")
