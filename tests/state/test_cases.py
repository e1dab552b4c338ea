"""The recorded cases: from the states alone, the walk names the true cause first wherever a state shows it."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from surroundings import case_folders

from explain.state.packet import Packet, datagram, echo, syn
from explain.state.reading.state_file import read_state
from explain.state.records import HostState
from explain.state.walk import walk
from explain.state.way.path import Path as Way

pytestmark = pytest.mark.needs("cases")

UNSEEN = {"name-does-not-exist", "name-resolves-to-wrong-address"}
"""What a name resolves to is in no state; the text and the captures tell."""
OTHER_TOOLS = {"dhclient"}
"""A lease that was refused and then granted leaves no trace in a state."""


def packet_of(tool: str, words: list[str], to: str) -> Packet:
    if tool == "tcp":
        return syn(to, int(words[2]))
    if tool == "traceroute":
        return echo(to) if "-I" in words else datagram(to, 33434)
    packet = echo(to)
    for option, value in zip(words, [*words[1:], ""], strict=True):
        if option == "-I":
            is_address = ":" in value or value.count(".") == 3
            packet = replace(packet, bound_source=value) if is_address else replace(packet, bound_interface=value)
        elif option == "-s":
            packet = replace(packet, length=packet.length - 56 + int(value))
        elif option == "-t":
            packet = replace(packet, ttl=int(value))
        elif option == "-M":
            packet = replace(packet, dont_fragment=value != "dont", may_split=value != "do")
    return packet


def address_of(to: str, states: list[HostState], target: str, family: int) -> str:
    """A name stands for the target: which address it resolves to is not what is tested here."""
    if ":" in to or to.replace(".", "").isdigit():
        return to
    host = next(each for each in states if each.name == target)
    return next(own.local for each, own in host.addresses(family) if not each.is_loopback and own.scope == "global")


def walked(folder: Path, *, is_told: bool) -> Way | None:
    case = json.loads((folder / "case.json").read_text())
    if case["tool"] in OTHER_TOOLS:
        return None
    states = [read_state(path.read_text(), path.stem) for path in sorted((folder / "state").glob("*.json"))]
    roles = {node["name"]: node["role"] for node in case["nodes"]}
    target = next(name for name, role in roles.items() if role == "T")
    to = address_of(case["destination"], states, target, case["family"])
    packet = packet_of(case["tool"], shlex.split(case["command"]), to)
    told = {"links": case["links"], "roles": roles, "target": target} if is_told else {}
    return walk(states, packet, case["sender"], probes_hops=case["tool"] == "traceroute", **told)


@pytest.mark.parametrize("is_told", [True, False], ids=["with-links", "from-states-alone"])
@pytest.mark.parametrize("folder", case_folders(), ids=lambda folder: folder.name)
def test_the_true_cause_comes_first(folder: Path, *, is_told: bool) -> None:
    path = walked(folder, is_told=is_told)
    truth = json.loads((folder / "meta.json").read_text())["cause"]
    if path is None or truth in UNSEEN:
        assert path is None or [each.cause for each in path.causes] == ["healthy"]
        return
    named = [each.cause for each in path.causes]
    assert named, path.stop
    assert named[0] == truth, (named, path.stop)


@pytest.mark.parametrize("folder", case_folders(), ids=lambda folder: folder.name)
def test_a_healthy_network_has_no_other_cause(folder: Path) -> None:
    truth = json.loads((folder / "meta.json").read_text())["cause"]
    path = walked(folder, is_told=True)
    if truth == "healthy":
        assert path is not None
        assert [each.cause for each in path.causes] == ["healthy"]
        assert path.outcome == "answered"


@pytest.mark.parametrize("folder", case_folders()[::5], ids=lambda folder: folder.name)
def test_with_the_senders_state_alone_nothing_beyond_it_is_claimed(folder: Path) -> None:
    case = json.loads((folder / "case.json").read_text())
    if case["tool"] in OTHER_TOOLS:
        return
    states = [read_state((folder / "state" / f"{case['sender']}.json").read_text(), case["sender"])]
    to = case["destination"] if ":" in case["destination"] or case["destination"][0].isdigit() else "192.0.2.1"
    path = walk(states, packet_of(case["tool"], shlex.split(case["command"]), to), case["sender"])
    for cause in path.causes:
        nodes = {locus.node for locus in cause.locus}
        assert nodes <= {case["sender"], None}
        assert cause.certainty != "proved" or None not in nodes or not nodes
