"""The network that notes build becomes a lab that runs."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
from command_line import EXPLAIN
from surroundings import TOP

NOTES = """\
Tonight:

```
$ sudo ip netns add h1
$ sudo ip netns add r1
$ sudo ip link add veth0 type veth peer name r1-a
$ sudo ip link set veth0 netns h1; sudo ip link set r1-a netns r1
$ sudo ip -n h1 addr add 192.0.2.1/24 dev veth0
$ sudo ip -n h1 link set veth0 up
$ sudo ip -n r1 addr add 192.0.2.254/24 dev r1-a
$ sudo ip -n r1 link set r1-a up
$ sudo ip -n h1 route add default via 192.0.2.254
$ sudo ip netns exec r1 sysctl -w net.ipv4.ip_forward=1
$ sudo ip netns exec h1 ping -c 1 192.0.2.254
$ sudo ip netns exec h1 ping 8.8.8.8
$ touch {mark}
$ sudo ip netns exec h1 touch {mark}
```
"""


def run(*words, text=""):
    argv = [*EXPLAIN, "lab", *words]
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=False, timeout=60)


def test_commands_become_nodes_cables_addresses_routes_and_steps_and_nothing_is_run(tmp_path):
    mark = tmp_path / "mark"
    done = run("from", "-", text=NOTES.format(mark=mark))
    assert done.returncode == 0, done.stderr
    table = tomllib.loads(done.stdout)
    assert table["links"] == [["h1.veth0", "r1.r1-a"]]
    assert table["nodes"]["h1"]["routes"] == ["default via 192.0.2.254"]
    assert table["nodes"]["r1"] == {"kind": "router", "interfaces": {"r1-a": {"address": "192.0.2.254/24"}}}
    assert [step["run"] for step in table["steps"]] == [["ping", "-c", "1", "192.0.2.254"]]
    assert "8.8.8.8" in done.stderr  # an address that somebody owns is left out, and said
    assert not mark.exists()


def test_notes_that_build_nothing_are_told_so_in_one_line():
    done = run("from", "-", text="$ ip route\ndefault via 192.0.2.254 dev eth0\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_a_capture_is_told_to_be_no_text_and_not_to_be_no_capture():
    done = run("from", str(TOP / "pcaps/router/capture.pcapng"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("capture.pcapng: it is not text\n")


@pytest.mark.needs("namespaces")
def test_the_lab_runs_and_shows_what_the_notes_tried(tmp_path):
    assert run("from", "-", "-o", str(tmp_path / "mine"), text=NOTES.format(mark="x")).returncode == 0
    done = run("run", str(tmp_path / "mine"))
    assert "1 received" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "titles"), [([], ("From notes", "メモ")), (["--title", "An evening"], ("An evening",) * 2)]
)
def test_the_lab_has_a_title_in_both_languages(words, titles):
    title = tomllib.loads(run("from", "-", *words, text=NOTES.format(mark="x")).stdout)["title"]
    assert (title["en"], title["ja"][: len(titles[1])]) == titles


@pytest.mark.needs("namespaces")
def test_the_lab_of_a_whole_evening_comes_to_what_its_notes_show(tmp_path):
    notes = (TOP / "fixtures" / "evening-dhcp-nat" / "notes.en.md").read_text("utf-8")
    quick = notes.replace("ping -c 3", "ping -W 1 -c 1").replace("3 packets transmitted", "1 packets transmitted")
    assert run("from", "-", "-o", str(tmp_path / "evening"), text=quick).returncode == 0
    done = run("run", str(tmp_path / "evening"))
    found = [re.findall(r"\d packets transmitted, \d received", text) for text in (quick, done.stdout + done.stderr)]
    assert found[0] == found[1] == ["1 packets transmitted, 0 received", "1 packets transmitted, 1 received"]
