# ruff: noqa: S104 - the server listens in a namespace of its own
"""The walk against real kernels: each fault is made in namespaces, pinged, and read back from the states."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from explain.state.packet import Packet, echo, syn
from explain.state.reading.state_file import host_state
from explain.state.walk import walk
from explain.state.way.path import Path

from .faults import FAULTS, Fault
from .lab import Lab, topology

pytestmark = pytest.mark.needs("namespaces", "root", "ip", "nft", "ping", "iptables")
CASES = [(number, each, family) for number, each in enumerate(FAULTS) for family in each.families]

LISTEN = """
import socket, sys
family = socket.AF_INET6 if sys.argv[1] == "6" else socket.AF_INET
with socket.socket(family) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((sys.argv[3], int(sys.argv[2])))
    s.listen(8)
    while True:
        taken, _ = s.accept()
        while taken.recv(4096):
            pass
        taken.close()
"""
CONNECT = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.socket(family) as s:
    s.settimeout(1.5)
    s.connect((sys.argv[1], int(sys.argv[2])))
"""


def filled(lab: Lab, text: str) -> str:
    """The placeholders of a fault's script, with this lab's names."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name == "ip":
            return "ip -6" if lab.family == 6 else "ip"
        if name.startswith("netns:"):
            return lab.prefix + name[6:]
        if name.startswith("mac:"):
            _, host, device = name.split(":")
            return mac(lab, host, device)
        if found := re.fullmatch(r"(net|prefix)(\d)(?::(\d+))?", name):
            net = lab.nets[int(found[2])]
            if found[1] == "prefix":
                return lab.prefix_of(net)
            return lab.at(net, int(found[3])) if found[3] else net
        return next(address for (host, _), address in lab.addresses.items() if host == name)

    return (
        re.sub(r"\{([^{}\s]+)\}", value, text.replace("{{", "\0").replace("}}", "\1"))
        .replace("\0", "{")
        .replace("\1", "}")
    )


def mac(lab: Lab, host: str, device: str) -> str:
    return lab.sh(host, f"ip -br link show {device}").split()[2]


def packet_of(lab: Lab, fault: Fault, to: str) -> Packet:
    if fault.tcp is not None:
        return syn(to, fault.tcp)
    wanted = dict(fault.packet)
    made = echo(to, size=int(str(wanted.get("size", 56))), ttl=wanted.get("ttl"))  # type: ignore[arg-type]  # a number
    return replace(
        made,
        may_split=not wanted.get("df"),
        is_broadcast_allowed=bool(wanted.get("broadcast")),
        bound_interface=wanted.get("bound_interface"),  # type: ignore[arg-type]  # a name
        bound_source=filled(lab, str(wanted["bound_source"])) if "bound_source" in wanted else None,
    )


def run(fault: Fault, family: int, seed: int) -> tuple[bool, Path, Path]:
    """Whether the real packet was answered; the path with the cables told, and from the states alone."""
    with Lab(seed, family) as lab:
        topology(lab, fault.topology)
        lab.host("Z")  # what is moved there is out of everybody's sight
        for host, script in fault.scripts:
            lab.sh(host, filled(lab, script))
        for host, words in fault.late:
            listen(lab, host, *words.split()[1:])
        to = filled(lab, fault.to)
        words = [filled(lab, word) for word in fault.ping]
        answered = connected(lab, to, fault.tcp) if fault.tcp else lab.ping("S", *words, to)
        states = [host_state(lab.state(host), host) for host in lab.hosts if host != "Z"]
        packet = packet_of(lab, fault, to)
        roles = {each.name: each.name for each in states}
        told = walk(states, packet, "S", links=lab.links, roles=roles, target="T")
        return answered, told, walk(states, packet, "S")


def listen(lab: Lab, host: str, port: str, where: str = "any") -> None:
    bound = {"any": "::" if lab.family == 6 else "0.0.0.0", "loopback": "::1" if lab.family == 6 else "127.0.0.1"}[
        where
    ]
    lab.background(host, sys.executable, "-c", LISTEN, str(lab.family), port, bound)
    for _ in range(100):
        if f":{port} " in lab.sh(host, "ss -H -l -n -t"):
            return
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError("the listener did not start")


def connected(lab: Lab, to: str, port: int | None) -> bool:
    try:
        lab.sh("S", f"{sys.executable} -c '{CONNECT}' {to} {port}")
    except AssertionError:
        return False
    return True


def params():
    """Every eighth lab each day, because each takes a second or two; all of them with ``--full``."""
    for index, (number, fault, family) in enumerate(CASES):
        marks = () if index % 8 == 0 else pytest.mark.full
        yield pytest.param(number, fault, family, marks=marks, id=f"{fault.cause}-{fault.topology}-v{family}-{number}")


@pytest.mark.parametrize(("number", "fault", "family"), list(params()))
def test_the_walk_ends_as_the_real_packet_does_and_names_the_fault(number: int, fault: Fault, family: int) -> None:
    answered, *paths = run(fault, family, number * 2 + (family == 6))
    if fault.is_answered is not None:
        assert answered is fault.is_answered, "the lab does not make its fault"
    for path in paths:
        if fault.is_answered is not None:
            assert (path.outcome == "answered") is answered, (path.outcome, path.stop)
        named = [each.cause for each in path.causes]
        assert named, path.stop
        assert named[0] in {fault.cause, *fault.others}, (named, path.stop)
        assert fault.cause in named, (named, path.stop)
        # The way back that makes the filter drop the request would lead the answer astray as well.
        later = [(each.cause, each.locus) for each in path.later]
        assert not later or fault.cause == "rp-filter-strict", later
