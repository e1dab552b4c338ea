"""Labs on a real kernel: what is recorded is complete and in order, what is expected is held, nothing stays."""

from __future__ import annotations

import base64
import errno
import gzip
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from surroundings import TOP
from two_hosts import TWO_HOSTS

import explain
from explain.capture.recorder import Tap
from explain.errors import ExplainError
from explain.lab.case import write_case
from explain.lab.catalogue import find
from explain.lab.read import from_table, read
from explain.lab.recording import pcapng
from explain.lab.run import run
from explain.lab.up.listen import _in_child

pytestmark = pytest.mark.needs("namespaces", "ping", "ip")


def tiny(*steps, more=""):
    rows = "".join(f"[[steps]]\non = 'h1'\nrun = {json.dumps(list(step))}\n" for step in steps)
    text = TWO_HOSTS + more + rows
    return from_table(tomllib.loads(text), "tiny", "lab.toml", text)


@pytest.fixture(scope="module")
def routed():
    return run(read(find("nat-icmp")))


def kinds(recording):
    """Each frame as the interface that saw it and what it is, without what changes from run to run."""
    names = [wire.name for wire in recording.wires]
    return [(names[i], heard.data[12:14].hex(), heard.length, heard.flags) for i, heard in recording.frames]


def test_a_ping_through_a_translating_router_is_seen_at_every_interface(routed):
    assert not routed.complaints
    seen = {}
    for name, *_ in kinds(routed):
        seen[name] = seen.get(name, 0) + 1
    assert seen == {"h1.eth0": 8, "r1.eth0": 8, "r1.eth1": 8, "h2.eth0": 8}


def test_frames_stand_in_order_of_time_and_none_was_lost(routed):
    times = [heard.time_ns for _, heard in routed.frames]
    assert times == sorted(times)
    assert not any(routed.dropped.values())
    for node, received in routed.received.items():
        wires = {i for i, wire in enumerate(routed.wires) if wire.node == node and wire.nic != "lo"}
        assert received == sum(i in wires for i, _ in routed.frames)


def test_the_kernel_counted_as_many_frames_as_were_recorded(routed):
    for i, wire in enumerate(routed.wires):
        stats = next(link for link in routed.after[wire.node]["link"] if link["ifname"] == wire.nic)["stats64"]
        if wire.nic != "lo":
            recorded = sum(index == i for index, _ in routed.frames)
            assert stats["rx"]["packets"] + stats["tx"]["packets"] == recorded


def test_a_recording_made_twice_holds_the_same_frames(routed):
    assert sorted(kinds(run(read(find("nat-icmp"))))) == sorted(kinds(routed))


def timeless_story(recording, language):
    """The story without what differs by nature: lengths of time, and the id that the kernel gives to a ping."""
    capture = io.BytesIO(pcapng(recording))
    capture.name = "lab.pcapng"
    text = " ".join(explain.explain(capture).story(language).split())
    timeless = re.sub(r"[\d.]+ (?:(?:ms|us|s)(?![a-z])|秒)|id \d+", "TIME", text)
    return timeless.replace(" ", "")  # where a line is broken depends on how long the times are


def test_a_recording_made_twice_tells_the_same_story(routed):
    again = run(read(find("nat-icmp")))
    for language in ("en", "ja"):
        assert timeless_story(again, language) == timeless_story(routed, language)


def test_states_are_those_of_the_nodes_and_not_of_the_host(routed):
    assert [nic["ifname"] for nic in routed.after["h1"]["addr"]] == ["lo", "eth0"]
    assert routed.after["r1"]["sysctl"]["net.ipv4.ip_forward"] == "1"
    assert routed.before["h1"]["neigh"] == []
    assert [row["dst"] for row in routed.after["h1"]["neigh"]] == ["10.0.0.1"]


def truth_of(path):
    said = subprocess.run(["capinfos", "-k", path], capture_output=True, text=True, check=True).stdout
    parts = [line.split("explain-lab/1 ", 1)[1].split() for line in said.splitlines() if "explain-lab/1 " in line]
    return json.loads(gzip.decompress(base64.b64decode("".join(words[2] for words in sorted(parts)))))


@pytest.mark.needs("tshark", "capinfos", "editcap", "mergecap")
def test_the_file_and_the_truth_in_it_survive_the_tools_of_wireshark(routed, tmp_path):
    path = tmp_path / "lab.pcapng"
    path.write_bytes(pcapng(routed))
    order = subprocess.run(["capinfos", "-o", "-c", path], capture_output=True, text=True, check=True).stdout
    assert "Strict time order:   True" in order
    assert order.split("Number of packets:")[1].split()[0] == "32"
    names = ["tshark", "-r", path, "-T", "fields", "-e", "frame.interface_name"]
    listed = subprocess.run(names, capture_output=True, text=True, check=True).stdout.split()
    assert set(listed) == {"h1.eth0", "r1.eth0", "r1.eth1", "h2.eth0"}
    wanted = truth_of(path)
    assert wanted["lab"] == "nat-icmp"
    assert wanted["states"]["after"]["h1"]["neigh"]
    for argv in (
        ["editcap", path, tmp_path / "edited.pcapng"],
        ["editcap", "-r", path, tmp_path / "some.pcapng", "1-5"],
        ["mergecap", "-w", tmp_path / "merged.pcapng", path],
        ["tshark", "-r", path, "-Y", "icmp", "-w", tmp_path / "icmp.pcapng"],
    ):
        subprocess.run(argv, check=True, capture_output=True)
    for kept in ("edited", "some", "merged", "icmp"):
        assert truth_of(tmp_path / f"{kept}.pcapng") == wanted


def test_a_case_holds_what_a_diagnoser_may_know_and_not_the_answer(routed, tmp_path):
    write_case(routed, tmp_path)
    case = json.loads((tmp_path / "case.json").read_text())
    assert case["sender"] == "h1"
    assert case["destination"] == "203.0.113.2"
    assert {(row["node"], row["iface"]) for row in case["captures"]} >= {("h1", "eth0"), ("r1", "eth1"), ("h2", "lo")}
    assert "cause" not in json.dumps(case)
    assert (tmp_path / "ping.txt").read_text().startswith("PING 203.0.113.2")
    assert set(json.loads((tmp_path / "state" / "r1.json").read_text())) >= {
        "addr",
        "route",
        "nft",
        "sysctl",
        "counters",
    }


def test_a_step_that_ends_otherwise_is_told_and_the_recording_is_kept():
    recording = run(tiny(["ping", "-c", "1", "-W", "1", "192.0.2.9"]), with_states=False)
    assert "exit status 1, expected 0" in str(recording.complaints[0])
    assert recording.frames


def test_a_step_that_takes_too_long_is_ended_and_later_steps_are_left_out():
    lab = tiny(["ping", "-c", "100", "192.0.2.2"], ["ping", "-c", "1", "192.0.2.2"])
    slow = lab.steps[0].__class__(on="h1", run=lab.steps[0].run, timeout_s=0.5)
    recording = run(lab.__class__(**{**fields(lab), "steps": (slow, lab.steps[1])}), with_states=False)
    assert [ran.status for ran in recording.ran] == [124]
    assert recording.complaints


def fields(record):
    return {name: getattr(record, name) for name in record.__slots__}


def test_frames_that_the_recorder_lost_fail_the_run_and_are_written_down(monkeypatch):
    def small(self):
        made(self, 2304)

    made = Tap.__init__
    monkeypatch.setattr(Tap, "__init__", small)
    monkeypatch.setattr("explain.lab.perform.Stage._hear", lambda *_: None)
    monkeypatch.setattr("explain.lab.perform.Stage.finish", lambda self: [t.tap.drain() for t in self.places.values()])
    recording = run(tiny(["ping", "-c", "40", "-i", "0.01", "-s", "1400", "192.0.2.2"]), with_states=False)
    assert sum(recording.dropped.values()) > 0
    assert any("not complete" in str(complaint) for complaint in recording.complaints)
    assert b"incomplete: the recorder lost" in pcapng(recording)


def test_an_operation_that_the_kernel_refuses_is_named_as_a_command():
    lab = tiny(more='nodes.h1.routes = ["default via 198.51.100.1"]\n')
    with pytest.raises(ExplainError, match=r"ip -n h1 route add default via 198\.51\.100\.1"):
        run(lab)


def test_rules_that_nft_does_not_understand_are_refused_in_its_own_words():
    with pytest.raises(ExplainError, match=r"nodes\.h1: nft: .*syntax error") as caught:
        run(tiny(more='nodes.h1.nft = "table ip { nonsense"\n'))
    assert "\n" not in str(caught.value)


def as_nobody(script, cwd, **more):
    """What a script does that root starts and that becomes nobody; the checkout is shown where all may read it."""
    with TemporaryDirectory() as place:  # pytest closes its own to others whenever it starts
        Path(place).chmod(0o755)
        shown = 'mount --bind "$1" "$2" && exec "$3" -c "$4"'
        command = ["unshare", "-m", "sh", "-c", shown, "sh", str(TOP), place, sys.executable, script]
        environment = {**os.environ, "PYTHONPATH": place, "XDG_RUNTIME_DIR": str(cwd)}
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=cwd, env=environment, **more
        )  # fmt: skip


AS_NOBODY = """
import ctypes, os, sys
from pathlib import Path
from explain.lab.catalogue import find
from explain.lab.up.listen import _in_child
from explain.lab.read import read
from explain.lab.run import run
lab = read(find("router"))
run(lab)  # everything is imported now: the interpreter may lie where nobody can read
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # dumpable again, as any program is that was started by nobody
recording = run(lab)
print(os.getuid(), len(recording.frames), len(recording.after["r1"]["route"]), *recording.complaints)
"""


def test_an_ordinary_user_runs_the_same_lab():
    if os.geteuid() != 0:
        recording = run(read(find("router")))
        assert len(recording.frames) == 32
        return
    done = as_nobody(AS_NOBODY, "/")
    if "user namespaces" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.stdout.split()[:2] == ["65534", "32"], done.stderr


LIVE_AS_NOBODY = """
import ctypes, os, sys
import explain.cli.lab, explain.lab.up.listen, explain.lab.up.supervisor, explain.lab.recording
import explain.state.collecting.collect
import pyroute2
from explain.lab.catalogue import find
from explain.lab.up.listen import _in_child
from explain.lab.read import read
from explain.lab.run import run
run(read(find("one-segment")))  # everything is imported now: the interpreter may lie where nobody can read
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
for line in sys.stdin:
    if (child := os.fork()) == 0:
        explain.cli.main(["lab", *line.split()])
    print(line.split()[0], os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="the others become nobody from root")
def test_an_ordinary_user_keeps_a_lab_up_enters_records_and_takes_it_down():
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        _keep_up(Path(folder))


def _keep_up(folder):
    typed = "up router\nexec h1 ping -c 1 198.51.100.1\nrecord -o by-hand.pcapng --seconds 0.1\nstate r1\ndown\n"
    done = as_nobody(LIVE_AS_NOBODY, folder, input=typed)
    if "user namespaces" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    ended = [line.split() for line in done.stdout.splitlines() if re.fullmatch(r"[a-z]+ -?\d+", line)]
    assert ended == [[word, "0"] for word in ("up", "exec", "record", "state", "down")], done.stderr
    assert "1 received" in done.stdout
    assert '"net.ipv4.ip_forward": "1"' in done.stdout
    assert [path.name for path in folder.iterdir()] == ["by-hand.pcapng"]


def test_the_host_sees_nothing_of_a_lab_while_it_runs():
    seen = []
    before = set(Path("/sys/class/net").iterdir())

    def hear(kind, _value):
        if kind == "step":
            seen.append((set(Path("/sys/class/net").iterdir()) <= before, Path("/run/netns/h1").exists()))

    was = Path("/run/netns/h1").exists()
    run(tiny(["ping", "-c", "1", "192.0.2.2"]), with_states=False, hear=hear)
    assert seen == [(True, was)]


def test_an_error_inside_a_lab_that_is_up_comes_out_whole(monkeypatch):
    def refused(_):
        raise PermissionError(errno.EPERM, "In Words")

    monkeypatch.setattr("explain.lab.up.listen.enter", lambda *_: None)
    with pytest.raises(ExplainError) as raised:
        _in_child(None, None, refused)
    assert raised.value.told("ja") == "その操作は許されていない"
    assert _in_child(None, None, lambda out: out.write(b"heard")) == b"heard"
