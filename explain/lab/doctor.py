"""Asks the kernel and the system what labs can be built here; each missing thing with its remedy."""

from __future__ import annotations

import os
import platform
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.errors import ExplainError, reason_of
from explain.lab.perform import ENVIRONMENT
from explain.lab.records import Step
from explain.lab.run import missing_tools
from explain.lab.services import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.lab.records import Lab


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that labs need.

    Attributes:
        what: its name, as ``words/doctor.toml`` and ``needy`` have it; a tool goes by its own.
        problem: None if it is here, else why not.
        remedy: how to get it, as commands and options of the kernel; None if it is here.
    """

    what: str
    problem: ExplainError | None = None
    remedy: str | None = None


_LINKS = {"veth": "CONFIG_VETH", "bridge": "CONFIG_BRIDGE"}
_RULES = {
    "nftables-filters": "table inet p1 { chain c { type filter hook input priority 0; }; }",
    "nftables-address-translation": "table ip p2 { chain c { type nat hook postrouting priority 100; }; }",
    "nftables-connection-tracking": "table ip p3 { chain c { type filter hook input priority 0; ct state new; }; }",
    "nftables-bridge-filters": "table bridge p4 { chain c { type filter hook forward priority 0; }; }",
}


def probes() -> list[Probe]:
    """Everything that was looked at, here and now."""
    if platform.system() != "Linux":
        return [Probe("Linux", ExplainError("lab.other_system", system=platform.system()))]
    try:
        import pyroute2  # noqa: F401
    except ImportError:
        return [Probe("pyroute2", ExplainError("lab.not_installed"), "pip install pyroute2")]
    from explain.lab.holder import hold

    try:
        inside = hold(lambda _tell: [*_links(), *_rules(), _sockets()], lambda _kind, _value: None)
    except ExplainError as e:
        return [Probe("namespaces", e, "sudo explain lab doctor")]
    namespaces = Probe("namespaces-as-root" if os.geteuid() == 0 else "namespaces-as-user")
    return [namespaces, *inside, *(_tool(*tool) for tool in PACKAGES.items())]


def _links() -> Iterator[Probe]:
    """One link of each kind is made, in a namespace of our own."""
    from pyroute2.iproute.linux import IPRoute
    from pyroute2.netlink.exceptions import NetlinkError

    with IPRoute(ext_ack=True) as netlink:
        for kind, option in _LINKS.items():
            more: dict[str, Any] = {"peer": {"ifname": "q0"}} if kind == "veth" else {}
            try:
                netlink.link("add", kind=kind, ifname=f"p-{kind}", **more)
                yield Probe(f"{kind}-interfaces")
            except (NetlinkError, OSError) as e:
                yield Probe(f"{kind}-interfaces", _refusal(e), f"kernel: {option}; sudo modprobe {kind}")


def _rules() -> Iterator[Probe]:
    """One table of each kind is loaded there."""
    from explain.lab.kernel import nft

    for what, table in _RULES.items():
        try:
            nft.load(table, "probe")
            yield Probe(what)
        except ExplainError as e:
            yield Probe(what, e, "kernel: CONFIG_NF_TABLES; sudo apt install nftables")


def _sockets() -> Probe:
    from explain.capture.recorder import Tap

    try:
        Tap().close()
    except OSError as e:
        return Probe("packet-sockets", _refusal(e), "kernel: CONFIG_PACKET")
    return Probe("packet-sockets")


def _tool(name: str, package: str) -> Probe:
    is_here = shutil.which(name, path=ENVIRONMENT["PATH"])
    return Probe(name) if is_here else Probe(name, ExplainError("lab.not_installed"), f"sudo apt install {package}")


def _refusal(error: Exception) -> ExplainError:
    """What the kernel said."""
    return ExplainError("at.alone", reason=reason_of(error) if isinstance(error, OSError) else str(error))


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
        "bridge-interfaces": any(node.kind in {"switch", "repeater"} for node in lab.nodes),
        "nftables-filters": "type filter" in rules,
        "nftables-address-translation": "type nat" in rules,
        "nftables-connection-tracking": bool(re.search(r"\bct\b|conntrack", "\n".join((rules, *steps)))),
        "nftables-bridge-filters": "table bridge" in rules,
    }
    return [what for what, is_needed in needed.items() if is_needed]
