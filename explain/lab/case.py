"""Writes a recording as a folder that ``explain ping --case`` reads: capture, terminal, states, what made it."""

from __future__ import annotations

import ipaddress
import json
import platform
import time
from typing import TYPE_CHECKING, Any

from explain.lab.operations import typed
from explain.lab.recording import Recording, pcapng, write_new
from explain.lab.tools import tool_versions

if TYPE_CHECKING:
    from pathlib import Path

    from explain.lab.perform import Ran
    from explain.lab.records import Lab

# tool of a step -> what case.json calls it
TOOLS = {"tcpprobe": "tcp", "udpprobe": "udp", "nc": "nc", "curl": "curl", "tracepath": "traceroute"}


def write_case(recording: Recording, folder: Path) -> None:
    """Write the whole folder.

    Raises:
        OSError: it cannot be written there.
    """
    (folder / "state").mkdir(parents=True, exist_ok=True)
    write_new(folder / "capture.pcapng", pcapng(recording))
    for node, state in recording.after.items():
        write_new(folder / "state" / f"{node}.json", _compact(state))
    main = recording.main
    write_new(folder / "command.txt", (f"{typed(main.step.run)}\n" if main else "").encode())
    write_new(folder / "ping.txt", (main.output if main else "").encode())
    write_new(folder / "terminal.txt", terminal(recording).encode())
    write_new(folder / "case.json", (json.dumps(case(recording), indent=1, ensure_ascii=False) + "\n").encode())
    write_new(folder / "recorded.toml", recorded(recording).encode())


def _compact(state: Any) -> bytes:
    """One key a line: a difference between two recordings can be read, and the file stays small."""
    lines = (f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in state.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def terminal(recording: Recording) -> str:
    """Every step as a person would have seen it, with prompts that name the node."""
    return "".join(f"root@{ran.step.on}:~# {typed(ran.step.run)}\n{ran.output}" for ran in recording.ran)


def case(recording: Recording) -> dict[str, Any]:
    """What a diagnoser may know: no cause, no fault, no expectation."""
    lab, main = recording.lab, recording.main
    sender = main.step.on if main else lab.nodes[0].name
    destination = _destination(main)
    roles = _roles(lab, main, destination)
    return {
        "tool": TOOLS.get(main.step.run[0], main.step.run[0]) if main else None,
        "command": typed(main.step.run) if main else None,
        "exit_code": main.status if main else None,
        "seconds": round(main.seconds, 2) if main else None,
        "sender": sender,
        "family": 6 if ":" in (destination or "") or (main and "-6" in main.step.run) else 4,
        "destination": destination,
        "nodes": [
            {"name": node.name, "role": roles[node.name], "interfaces": [nic.name for nic in node.nics]}
            for node in lab.nodes
        ],
        "links": [[*link.ends[0], *link.ends[1]] for link in lab.links],
        "captures": [
            # `interface` selects one of the file's interfaces by its name.
            {"node": wire.node, "iface": wire.nic, "file": "capture.pcapng", "interface": wire.name}
            for wire in recording.wires
        ],
    }


def _roles(lab: Lab, main: Ran | None, destination: str | None) -> dict[str, str]:
    """The letter of each node; where only a bystander, or a router that is pinged, has the address, it is the target.

    A router with rules that change destinations may stand for the host behind it, and keeps its number.
    """
    roles = {node.name: node.role for node in lab.nodes}
    owners = [
        node for node in lab.nodes
        if any(text.partition("/")[0] == destination for nic in node.nics for text in nic.addresses)
    ]  # fmt: skip
    is_pinged = main is not None and TOOLS.get(main.step.run[0], main.step.run[0]) in {"ping", "traceroute"}
    may_be = {"host": True, "router": is_pinged and not any("dnat" in (node.nft or "") for node in lab.nodes)}
    if not owners or not all(may_be.get(node.kind) and roles[node.name] not in "ST" for node in owners):
        return roles
    roles = {name: "X" if role == "T" else role for name, role in roles.items()} | {owners[-1].name: "T"}
    left = [name for name, role in roles.items() if role.startswith("R")]
    return roles | {name: f"R{number}" for number, name in enumerate(left, 1)}


def _destination(main: Ran | None) -> str | None:
    """The address or name that the command speaks to: an address if one is there, else its last plain word."""
    if main is None:
        return None
    words = [word for word in main.step.run[1:] if not word.startswith("-")]
    found = None
    for i, word in enumerate(main.step.run[1:]):
        if main.step.run[i] in {"-I", "-s", "-S", "--interface", "--local-port"}:
            continue
        bare = word.split("://", 1)[-1].split("/", 1)[0].strip("[]")
        for text in (bare, bare.rsplit(":", 1)[0].strip("[]")):
            try:
                ipaddress.ip_address(text.split("%", 1)[0])
            except ValueError:
                continue
            found = text
            break
    if found is None and words and main.step.run[0] not in {"udhcpc", "dhclient"}:
        plain = [word for word in words if not word.isdecimal()]
        found = plain[-1].split("://", 1)[-1].split("/", 1)[0] if plain else None
    return found


def recorded(recording: Recording) -> str:
    """What made this: kernel, tools, date; as TOML."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(recording.start_ns // 1_000_000_000))
    lines = [f"date = {when}", f'kernel = "{platform.system()} {platform.release()}"', "", "[tools]"]
    lines += [
        f"{tool} = {json.dumps(version)}" for tool, version in (recording.tools or tool_versions(recording.lab)).items()
    ]
    lines += ["", "[frames]"]
    seen = [0] * len(recording.wires)
    for wire, _ in recording.frames:
        seen[wire] += 1
    lines += [f'"{wire.name}" = {count}' for wire, count in zip(recording.wires, seen, strict=True)]
    return "\n".join(lines) + "\n"
