"""Hops are held, probe by probe, against what the real traceroute printed about the same packets."""

from __future__ import annotations

import io
import json
import re
import tomllib
from pathlib import Path

import pytest

import explain
from explain.lab.catalogue import find
from explain.lab.read import from_table
from explain.lab.recording import pcapng
from explain.lab.run import run

PCAPS = Path(__file__).parents[3] / "pcaps"
OPTIONS = (
    *("-q 4", "-q 3 -N 1", "-I", "-T -p 80", "-T -p 81 -q 1", "-U -p 53", "-f 3 -q 2", "-F -q 6 -N 30"),
    *("-P 253 -m 4", "-UL -m 4", "--sport=33000"),
)
MORE_MS = 5.0  # what the program added at most to the time on the wire in what is stored; live it may be held up


def folders(root):
    named = sorted(path.parent for path in Path(root).glob("*/command.txt"))
    return [folder for folder in named if re.match(r"traceroute\b", (folder / "command.txt").read_text())]


def printed(text):
    """For each distance (who, ms) of each probe, as they stand in the line; (None, None) for a star."""
    hops = {}
    for line in re.findall(r"^ *\d+  .*", text, re.MULTILINE):
        ttl, rest = line.split(maxsplit=1)
        who, hops[int(ttl)] = None, []
        for star, ms, address in re.findall(r"(\*)|([\d.]+) ms|([\da-f.:]+)(?= )", rest):
            if star or ms:
                hops[int(ttl)].append((None, None) if star else (who, float(ms)))
            else:
                who = address
    return hops


def differences(trace, text, more_ms=MORE_MS):
    said, seen = printed(text), {hop.ttl: hop for hop in trace.fields.hops}
    assert said
    assert list(said) == list(seen)
    for ttl, probes in said.items():
        hop, times = seen[ttl], [ms for _, ms in probes if ms is not None]
        who = list(dict.fromkeys(name for name, _ in probes if name))
        assert [name for name in (hop.from_, *hop.others) if name] == who, ttl
        assert (hop.probes, len(hop.rtt_ns)) == (len(probes), len(times)), ttl
        assert all(-0.1 <= ms - wire / 1e6 < more_ms for ms, wire in zip(times, hop.rtt_ns, strict=True)), ttl


def traces(source):
    return [one for one in explain.explain(source).exchanges if one.kind == "traceroute"]


@pytest.mark.parametrize("folder", folders(PCAPS), ids=lambda folder: folder.name)
def test_each_hop_of_a_recording_is_what_traceroute_printed(folder):
    (trace,) = traces(folder / "capture.pcapng")
    differences(trace, (folder / "ping.txt").read_text())


def test_each_hop_of_a_case_is_what_traceroute_printed(cases):
    for folder in folders(cases):
        captures = json.loads((folder / "case.json").read_text())["captures"]
        (trace,) = traces(folder / captures[0]["file"])
        differences(trace, (folder / "ping.txt").read_text())


def many_runs():
    """The lab with two ways of equal cost, and one run for each set of options, all in one capture."""
    text = find("traceroute-load-balanced").read_text()
    table = tomllib.loads(text)
    for node in table["nodes"].values():
        node.setdefault("sysctl", {}).update({"net.ipv4.icmp_ratelimit": "0", "net.ipv4.icmp_msgs_burst": "1000"})
    *before, _ = table["steps"]
    again = [
        {"on": "h1", "run": ["traceroute", "-n", "-w", "0.5", *options.split(), "198.51.100.1"]} for options in OPTIONS
    ]
    return from_table(table | {"steps": [*before, *again]}, "many", "lab.toml", text)


@pytest.mark.needs("namespaces", "traceroute")
def test_runs_with_any_options_one_after_the_other_are_told_apart_and_as_printed():
    recording = run(many_runs(), with_states=False)
    asked = [ran for ran in recording.ran if ran.step.run[0] == "traceroute"]
    found = traces(io.BytesIO(pcapng(recording, has_truth=False)))
    assert (len(found), not recording.complaints) == (len(OPTIONS), True)
    for ran, trace in zip(asked, sorted(found, key=lambda one: one.start_ns), strict=True):
        differences(trace, ran.output, float("inf"))
