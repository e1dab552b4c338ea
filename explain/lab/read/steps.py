"""The steps and waits of a lab file."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explain.lab import check, services
from explain.lab.check import LabFileError
from explain.lab.read.nodes import node_named
from explain.lab.records import Step, Wait

if TYPE_CHECKING:
    from explain.lab.records import Node

_STEP = ("on", "run", "status", "shows", "timeout", "background", "main", "privileged")
WAIT = ("wait", "on", "for", "state", "interface", "timeout")
_WAITS = ("neighbour", "listening", "address", "frames", "quiet")


def step_of(row: object, nodes: dict[str, Node], where: str) -> Step | Wait:
    """A command to run on a node, or what is waited for.

    Raises:
        LabFileError: the node or the program is unknown, or what is asked of it is not allowed.
    """
    got = check.table(row, where)
    if "wait" in got:
        return _wait(got, nodes, where)
    check.keys(got, _STEP, ("on", "run"), where)
    node = check.name(got["on"], f"{where}: on")
    node_named(node, nodes, f"{where}: on")
    run = check.strings(got["run"], f"{where}: run", check.argument)
    known = (*services.TOOLS, *services.BUILT_IN)
    check.one_of(run[0] if run else None, known, f"{where}: run[0]")
    for i, word in enumerate(run[1:], 1):
        if word.split("=", 1)[0] in services.FORBIDDEN.get(run[0], ()) or "file:" in word:
            raise LabFileError(f"{where}: run[{i}]", word, "lab_file.forbidden", program=run[0])
    shows = got.get("shows", [])
    return Step(
        on=node,
        run=run,
        status=None if got.get("status") == "any" else check.number(got.get("status", 0), 0, 255, f"{where}: status"),
        shows=check.strings([shows] if isinstance(shows, str) else shows, f"{where}: shows"),
        timeout_s=check.seconds(got.get("timeout", 20), f"{where}: timeout"),
        is_background=check.flag(got.get("background", False), f"{where}: background"),
        is_main=check.flag(got["main"], f"{where}: main") if "main" in got else None,
        has_raw_sockets=check.flag(got.get("privileged", True), f"{where}: privileged"),
    )


def _wait(got: dict[str, Any], nodes: dict[str, Node], where: str) -> Wait:
    check.keys(got, WAIT, ("wait",), where)
    kind = check.one_of(got["wait"], _WAITS, f"{where}: wait")
    needed = ("for",) if kind == "quiet" else ("on", "for", "interface") if kind == "frames" else ("on", "for")
    check.keys(got, WAIT, needed, where)
    if "on" in got:
        node_named(check.name(got["on"], f"{where}: on"), nodes, f"{where}: on")
    value = got["for"]
    match kind:
        case "quiet":
            value = str(check.seconds(value, f"{where}: for"))
        case "frames":
            value = str(check.number(value, 1, 1_000_000, f"{where}: for"))
        case "neighbour" | "address":
            value = str(ipaddress.ip_address(check.address(value, f"{where}: for")))
        case "listening":
            protocol, _, port = check.text(value, f"{where}: for").partition("/")
            if protocol not in {"tcp", "udp"} or not port.isdecimal():
                raise LabFileError(f"{where}: for", value, "lab_file.protocol_port")
    return Wait(
        kind=kind,
        on=got.get("on"),
        value=value,
        state=check.text(got["state"], f"{where}: state") if "state" in got else None,
        interface=check.name(got["interface"], f"{where}: interface") if "interface" in got else None,
        timeout_s=check.seconds(got.get("timeout", 15), f"{where}: timeout"),
    )


def with_main(steps: tuple[Step | Wait, ...]) -> tuple[Step | Wait, ...]:
    """Exactly one step is what a person would ask about: the one that says so, else the last in the foreground."""
    told = [i for i, step in enumerate(steps) if isinstance(step, Step) and step.is_main]
    last = [i for i, step in enumerate(steps) if isinstance(step, Step) and step.is_main is None]
    front = [i for i in last if not steps[i].is_background]  # type: ignore[union-attr]
    chosen = (told or front or [-1])[-1]
    return tuple(replace(step, is_main=i == chosen) if isinstance(step, Step) else step for i, step in enumerate(steps))
