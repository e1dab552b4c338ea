"""The doctor names what is missing, how to get it, and which labs need it."""

from __future__ import annotations

import subprocess

import pytest
from command_line import EXPLAIN

from explain.errors import ExplainError
from explain.lab.catalogue import everything, find
from explain.lab.doctor import features, needy, probes
from explain.lab.kernel import nft
from explain.lab.read import read
from explain.lab.services import PACKAGES

pytestmark = pytest.mark.needs("namespaces", "ip")


def test_here_everything_but_tools_is_found():
    found = {probe.what: probe for probe in probes()}
    assert not [what for what, probe in found.items() if probe.problem and what not in PACKAGES]
    assert {"veth-interfaces", "bridge-interfaces", "packet-sockets", "nftables-connection-tracking"} <= set(found)


def test_a_feature_that_the_kernel_lacks_is_told_with_its_remedy(monkeypatch):
    def refused(rules, _node):
        if "nat" in rules:
            raise ExplainError("lab.nft", node="probe", said="Could not process rule: No such file or directory")

    monkeypatch.setattr(nft, "load", refused)
    [lacking] = [probe for probe in probes() if probe.problem and probe.what not in PACKAGES]
    assert lacking.what == "nftables-address-translation"
    assert "No such file" in str(lacking.problem)
    assert "CONFIG_NF_TABLES" in lacking.remedy


def test_each_missing_tool_and_feature_names_the_labs_that_need_it(monkeypatch):
    monkeypatch.setattr("explain.lab.run.shutil.which", lambda tool, **_: None if tool == "traceroute" else tool)
    wanting = needy([read(path) for path in everything()])
    assert "traceroute-icmp" in wanting["traceroute"]
    assert "switch-learning" in wanting["bridge-interfaces"]
    assert "ping" not in wanting


def test_a_lab_of_cables_alone_needs_nothing_more():
    assert features(read(find("one-segment"))) == []
    assert features(read(find("nat-tcp"))) == ["nftables-address-translation"]


def test_japanese_has_a_name_for_all_but_tools():
    command = [*EXPLAIN, "lab", "doctor", "--lang", "ja"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    names = {line[2:].partition(":")[0] for line in done.stdout.splitlines() if not line.startswith(" ")}
    assert "nftables の接続追跡" in names
    assert not {probe.what for probe in probes() if probe.what not in PACKAGES} & names


def test_a_tool_that_no_lab_needs_is_no_failure():
    command = [*EXPLAIN, "lab", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "new namespaces as" in done.stdout


def test_what_is_wrong_with_rules_is_told_with_the_line_where_nft_names_it():
    said = "/dev/stdin:2:5-9: Error: syntax error\n  chain x {\n     ^\n"
    assert nft._first(said) == "2:5: syntax error: chain x {"
    assert nft._first("Error: syntax error\n\n     ^\n") == "Error: syntax error"
