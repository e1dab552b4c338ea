"""Each student gets a lab of their own: other addresses, MACs and marker, the same ones every time, and it works."""

from __future__ import annotations

import csv
import io
import ipaddress
import json
import subprocess
import tomllib
from itertools import product

import pytest
from command_line import EXPLAIN
from two_hosts import TWO_HOSTS

from explain.errors import InputError
from explain.grade.language.functions import FUNCTIONS
from explain.lab.catalogue import everything, find
from explain.lab.check import LabFileError
from explain.lab.handout import handout
from explain.lab.operations import Perform, StartService
from explain.lab.plan import plan
from explain.lab.read import FIRST_MAC, from_table, read
from explain.lab.recording import pcapng
from explain.lab.run import run

ROSTER = "student,email,sid,host_ip\nann,ann@example.test,s1001,\nbob,bob@example.test,s1002,10.7.3.2\n"


def made(name, row=None, seed="key\0ann", taken=None):
    text = find(name).read_text()
    return handout(text, "lab.toml", row or {}, seed, "0123456789abcdef", set() if taken is None else taken)


STEPS = 'steps = [{ on = "h1", run = ["ping", "-c", "1", "192.0.2.2"] }]\nnodes.h1'


def lab_of(own):
    return from_table(tomllib.loads(own.text), "own", "lab.toml", own.text)


def addresses(lab):
    return {text for node in lab.nodes for nic in node.nics for text in nic.addresses}


def macs(lab):
    return {nic.mac for node in lab.nodes for nic in node.nics}


def interfaces(lab):
    """Each address of a lab with its prefix, in the order of the file."""
    return [ipaddress.ip_interface(text) for node in lab.nodes for nic in node.nics for text in nic.addresses]


@pytest.mark.parametrize("name", [path.parent.name for path in everything()])
def test_every_lab_becomes_a_students_own_with_the_same_shape(name):
    lab, own = read(find(name)), lab_of(made(name))
    shape = [type(act) for act in plan(lab) if not isinstance(act, StartService | Perform)]
    assert [type(act) for act in plan(own) if not isinstance(act, StartService | Perform)] == shape
    kept = {text for text in addresses(lab) & addresses(own) if not ipaddress.ip_interface(text).is_link_local}
    assert not kept
    assert not macs(lab) & macs(own)
    assert FIRST_MAC[:-2] not in made(name).text


def test_neighbours_stay_neighbours_and_remote_hosts_stay_remote():
    for path in everything():
        lab, own = read(path), lab_of(made(path.parent.name))
        pairs = list(zip(interfaces(lab), interfaces(own), strict=True))
        for (a, x), (b, y) in product(pairs, pairs):
            if a.version == b.version:
                assert (b.ip in a.network) == (y.ip in x.network), path


def test_macs_in_the_text_of_a_lab_that_counts_its_own_become_the_student_s():
    first, second = lab_of(made("static-neighbours")).nodes
    assert second.nics[0].mac != "00:00:5e:00:53:02"
    assert first.neighbours[0].mac == second.nics[0].mac


def test_the_same_student_gets_the_same_lab_and_another_one_another():
    assert made("nat-tcp") == made("nat-tcp")
    assert made("nat-tcp").text != made("nat-tcp", seed="key\0bob").text
    assert made("nat-tcp").text != made("nat-tcp", seed="other\0ann").text


def test_no_two_students_share_a_network():
    taken = set()
    seen = [made("router", seed=f"\0{i}", taken=taken).columns["subnet"] for i in range(300)]
    assert len(set(seen)) == 300


def test_an_address_of_the_roster_is_obeyed_and_its_network_follows():
    own = made("nat-tcp", {"host_ip": "10.7.3.9", "mac": "02:00:00:00:10:05"})
    assert own.columns["host_ip"] == own.columns["h1_eth0_ip"] == "10.7.3.9"
    assert own.columns["gateway"] == "10.7.3.1"
    assert own.columns["subnet"] == "10.7.3.0/24"
    assert own.columns["mac"] == "02:00:00:00:10:05"


@pytest.mark.parametrize("given", ["10.7.3.1", "10.7.3.2", "10.7.3.9"])
def test_a_router_makes_room_for_an_address_of_the_roster(given):
    own = made("nat-tcp", {"host_ip": given})
    (gateway,) = (nic.addresses[0] for nic in lab_of(own).node("r1").nics if nic.name == "eth0")
    assert own.columns["host_ip"] == given
    assert own.columns["gateway"] == gateway.partition("/")[0] == ("10.7.3.2" if given == "10.7.3.1" else "10.7.3.1")
    assert f"default via {own.columns['gateway']}" in own.text


def test_two_hosts_of_a_roster_may_change_places():
    own = made("nat-tcp", {"h1_eth0_ip": "10.7.3.1", "r1_eth0_ip": "10.7.3.2"})
    assert (own.columns["host_ip"], own.columns["gateway"]) == ("10.7.3.1", "10.7.3.2")


def test_an_address_that_no_lab_may_own_is_refused_by_name():
    with pytest.raises(LabFileError, match=r"^[^:].*8\.8\.8\.8"):
        made("nat-tcp", {"host_ip": "8.8.8.8"})


def test_a_lab_that_leaves_places_open_has_them_filled_and_nothing_else_moved():
    text = find("one-segment").read_text().replace('"192.0.2.1/24"', '"{roster.mine}/24"')
    own = handout(text, "lab.toml", {"mine": "192.0.2.77"}, "", "0123456789abcdef", set())
    assert own.columns["host_ip"] == "192.0.2.77"
    assert own.columns["h2_eth0_ip"] == "192.0.2.2"


def test_a_lab_whose_steps_are_one_list_is_refused_with_what_to_write_instead():
    with pytest.raises(InputError, match=r"steps as \[\[steps\]\]"):
        handout(TWO_HOSTS.replace("nodes.h1", STEPS, 1), "lab.toml", {}, "key", "0123456789abcdef", set())


def test_a_value_of_the_roster_cannot_add_keys_to_a_lab():
    text = find("one-segment").read_text().replace('"192.0.2.1/24"', '"{roster.mine}/24"')
    with pytest.raises(LabFileError):
        handout(text, "lab.toml", {"mine": '192.0.2.77/24", mtu = 68, mac = "'}, "", "", set())


def written(tmp_path, roster=ROSTER, name="nat-tcp"):
    (tmp_path / "roster.csv").write_text(roster)
    words = ["lab", "handout", name, "--roster", "roster.csv", "-o", "labs", "--key", "secret"]
    return subprocess.run([*EXPLAIN, *words], cwd=tmp_path, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("roster", "said"),
    [
        ("student,sid\nann,1\nann,1\n", "line 3: ann is there twice"),
        ("points\n3\n", "names no student"),
        ("student\n", "no student"),
        ("student,host_ip\nann,nonsense\n", "line 2: host_ip = 'nonsense' is no IP address"),
    ],
)
def test_a_roster_that_cannot_be_used_is_told_by_its_line(tmp_path, roster, said):
    done = written(tmp_path, roster)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "labs").exists()


def test_a_folder_that_has_something_in_it_is_left_alone(tmp_path):
    assert written(tmp_path).returncode == 0
    done = written(tmp_path)
    assert done.returncode == 2
    assert "not empty" in done.stderr


RUBRIC = """
rubric = 1
title = "Own addresses"
lab = "nat-tcp"
roster = "labs/roster.csv"
submission.captures = { inside = "{student}.pcapng" }
total = 3
course_key = "secret"

[[check]]
id = "mine"
points = 2
expect = "tcp.connection"
where = { client.ip = "{roster.host_ip}" }

[[check]]
id = "resolved"
points = 1
expect = "arp.resolution"
where = { wanted_ip = "{roster.gateway}" }
"""


@pytest.mark.needs("namespaces")
def test_a_handout_runs_carries_the_marker_and_is_graded_by_the_columns_of_its_roster(tmp_path):
    assert written(tmp_path).returncode == 0
    table = (tmp_path / "labs" / "roster.csv").read_text()
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(table))}
    assert rows["bob"]["host_ip"] == "10.7.3.2"
    recording = run(read(tmp_path / "labs" / "ann" / "lab.toml"), with_states=False)
    assert not recording.complaints
    assert recording.main.step.run[0] == "tcpprobe"
    assert sum(rows["ann"]["marker"].encode() in heard.data for _, heard in recording.frames) >= 4
    assert rows["ann"]["marker"] == FUNCTIONS["hmac"]("secret", "s1001")
    for student in ("ann", "bob"):  # what bob hands in is ann's
        (tmp_path / "in" / student).mkdir(parents=True)
        (tmp_path / "in" / student / "inside.pcapng").write_bytes(pcapng(recording, has_truth=False))
    (tmp_path / "rubric.toml").write_text(RUBRIC)
    words = ["grade", "run", "rubric.toml", "in", "--roster", "labs/roster.csv", "--json"]
    done = subprocess.run([*EXPLAIN, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    scores = {one["id"]: one["score"] for one in json.loads(done.stdout)["submissions"]}
    assert scores == {"ann": 3, "bob": 0}
