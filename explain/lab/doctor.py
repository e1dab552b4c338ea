"""Asks the kernel and the system what labs can be built here; each missing thing with its remedy."""

from __future__ import annotations

import os
import platform
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.errors import ExplainError
from explain.lab.perform import ENVIRONMENT
from explain.lab.records import Step
from explain.lab.run import missing_tools
from explain.lab.services import PACKAGES

if TYPE_CHECKING:
    from explain.lab.records import Lab


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that labs need.

    Attributes:
        what: in words.
        problem: None if it is here, else why not.
        remedy: how to get it, as commands and options of the kernel; None if it is here.
    """

    what: str
    problem: str | None = None
    remedy: str | None = None


KINDS = {"veth": "CONFIG_VETH", "bridge": "CONFIG_BRIDGE"}


def probes() -> list[Probe]:
    """Everything that was looked at, here and now."""
    if platform.system() != "Linux":
        return [Probe("Linux", f"this is {platform.system()}", "labs need the namespaces of Linux")]
    try:
        import pyroute2  # noqa: F401
    except ImportError:
        return [Probe("pyroute2", "the package is missing", "pip install pyroute2")]
    from explain.lab.holder import hold

    rights = "root" if os.geteuid() == 0 else "an ordinary user, by user namespaces"
    try:
        inside = hold(lambda _tell: _probe_kernel(), lambda _kind, _value: None)
    except ExplainError as e:
        return [Probe("new namespaces", str(e), getattr(e, "remedy", "run as root"))]
    found = [Probe(f"new namespaces as {rights}"), *inside]
    for tool, package in PACKAGES.items():
        here = shutil.which(tool, path=ENVIRONMENT["PATH"])
        found.append(Probe(tool) if here else Probe(tool, "not installed", f"sudo apt install {package}"))
    return found


def _probe_kernel() -> list[Probe]:
    """Inside a namespace of our own: make one of each thing and see what the kernel says."""
    from pyroute2.iproute.linux import IPRoute
    from pyroute2.netlink.exceptions import NetlinkError

    from explain.capture.recorder import Tap
    from explain.lab import nft

    found = []
    with IPRoute(ext_ack=True) as netlink:
        for i, (kind, option) in enumerate(KINDS.items()):
            more: dict[str, Any] = {"peer": {"ifname": f"q{i}"}} if kind == "veth" else {}
            try:
                netlink.link("add", kind=kind, ifname=f"p{i}", **more)
                found.append(Probe(f"{kind} interfaces"))
            except (NetlinkError, OSError) as e:
                found.append(Probe(f"{kind} interfaces", str(e), f"kernel: {option}; sudo modprobe {kind}"))
    for what, rules in {
        "nftables filters": "table inet probe { chain c { type filter hook input priority 0; }; }",
        "nftables address translation": "table ip probe4 { chain c { type nat hook postrouting priority 100; }; }",
        "nftables connection tracking": "table ip p5 { chain c { type filter hook input priority 0; ct state new; }; }",
        "nftables bridge filters": "table bridge probe { chain c { type filter hook forward priority 0; }; }",
    }.items():
        try:
            nft.load(rules, "probe")
            found.append(Probe(what))
        except ExplainError as e:
            problem = str(e).splitlines()[0]
            found.append(Probe(what, problem, "kernel: CONFIG_NF_TABLES; sudo apt install nftables"))
    try:
        Tap().close()
        found.append(Probe("packet sockets"))
    except OSError as e:
        found.append(Probe("packet sockets", str(e), "kernel: CONFIG_PACKET"))
    return found


def needy(labs: list[Lab]) -> dict[str, list[str]]:
    """What some labs need -> names of these labs: missing tools, and features of the kernel."""
    found: dict[str, list[str]] = {}
    for lab in labs:
        for what in (*missing_tools(lab), *features(lab)):
            found.setdefault(what, []).append(lab.name)
    return found


def features(lab: Lab) -> list[str]:
    """Features of the kernel that the lab needs beyond namespaces and cables, as ``probes`` calls them."""
    steps = [" ".join(step.run) for step in (*lab.fault, *lab.steps) if isinstance(step, Step)]
    rules = "\n".join([*(node.nft or "" for node in lab.nodes), *(line for line in steps if line.startswith("nft "))])
    needed = {
        "bridge interfaces": any(node.kind in {"switch", "repeater"} for node in lab.nodes),
        "nftables filters": "type filter" in rules,
        "nftables address translation": "type nat" in rules,
        "nftables connection tracking": bool(re.search(r"\bct\b|conntrack", "\n".join((rules, *steps)))),
        "nftables bridge filters": "table bridge" in rules,
    }
    return [what for what, is_needed in needed.items() if is_needed]
