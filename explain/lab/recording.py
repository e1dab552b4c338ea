"""A lab that has been run: what every interface saw, what the terminals showed, what every node looked like.

The ground truth goes into the section's comments, which editcap, mergecap, reordercap and tshark all keep:
``explain-lab/1 part=1/2 sha256=... <base64 of gzip of JSON>``.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.capture.pcapng.writer import InterfaceBlock, PacketBlock, Statistics, section
from explain.errors import naming

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from explain.capture.recorder import Heard
    from explain.errors import ExplainError
    from explain.lab.perform import Ran
    from explain.lab.records import Lab

_PART = 60_000  # a comment has at most 65,535 octets


@dataclass(frozen=True, slots=True)
class Wire:
    """One recorded interface of one node."""

    node: str
    nic: str
    mac: str | None

    @property
    def name(self) -> str:
        """The vantage point's name: NODE.INTERFACE."""
        return f"{self.node}.{self.nic}"


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything that a run left.

    Attributes:
        frames: index into ``wires`` and the frame, in order of time.
        received, dropped: per node, what the kernel counted for the tap.
        ran: the steps in the order in which they ended.
        before, after: node -> state.
        complaints: steps that did not end as the lab file says; frames that were lost.
        start_ns, end_ns: UTC nanoseconds.
    """

    lab: Lab
    wires: tuple[Wire, ...]
    frames: tuple[tuple[int, Heard], ...]
    received: Mapping[str, int]
    dropped: Mapping[str, int]
    ran: tuple[Ran, ...]
    before: Mapping[str, Mapping[str, Any]]
    after: Mapping[str, Mapping[str, Any]]
    complaints: tuple[ExplainError, ...]
    start_ns: int
    end_ns: int
    tools: Mapping[str, str]

    @property
    def main(self) -> Ran | None:
        """The step that a person would ask about."""
        return next((ran for ran in self.ran if ran.step.is_main), None)


def truth(recording: Recording) -> dict[str, Any]:
    """The ground truth as JSON: the lab file, the states, the steps, what made it."""
    return {
        "schema": "explain-lab/1",
        "lab": recording.lab.name,
        "cause": recording.lab.cause,
        "file": recording.lab.text,
        "states": {"before": recording.before, "after": recording.after},
        "steps": [
            {
                "on": ran.step.on,
                "run": ran.step.run,
                "status": ran.status,
                "seconds": round(ran.seconds, 3),
                "output": ran.output,
            }
            for ran in recording.ran
        ],
        "complaints": [str(one) for one in recording.complaints],
        "dropped": recording.dropped,
        "kernel": platform.release(),
        "tools": recording.tools,
        "start_ns": recording.start_ns,
        "end_ns": recording.end_ns,
    }


def sidecar(recording: Recording) -> bytes:
    """The ground truth as a file of its own, to lie beside the capture."""
    return (json.dumps(truth(recording), ensure_ascii=False, indent=1) + "\n").encode()


def comments(recording: Recording) -> list[str]:
    """One comment for people, then the ground truth in parts."""
    packed = gzip.compress(json.dumps(truth(recording), separators=(",", ":")).encode(), mtime=0)
    text = base64.b64encode(packed).decode()
    digest = hashlib.sha256(packed).hexdigest()
    parts = [text[i : i + _PART] for i in range(0, len(text), _PART)]
    person = f"explain lab {recording.lab.name}: {recording.lab.title['en']}"
    if sum(recording.dropped.values()):
        person += f" (incomplete: the recorder lost {sum(recording.dropped.values())} frames)"
    return [person] + [f"explain-lab/1 part={i}/{len(parts)} sha256={digest} {part}" for i, part in enumerate(parts, 1)]


def pcapng(recording: Recording, has_truth: bool = True) -> bytes:
    """The recording as a capture file: one interface block per node and interface, frames in order of time."""
    lab = recording.lab
    blocks = [
        InterfaceBlock(wire.name, description=f"{wire.nic} of {wire.node} ({_kind(lab, wire.node)})", mac=wire.mac)
        for wire in recording.wires
    ]
    packets = (
        PacketBlock(wire, heard.time_ns, heard.data, heard.length, heard.flags) for wire, heard in recording.frames
    )
    seen = [0] * len(blocks)
    for wire, _ in recording.frames:
        seen[wire] += 1
    counted = [
        # The kernel counts a tap's losses for the whole node: each of its interfaces carries that number.
        Statistics(i, recording.start_ns, recording.end_ns, seen[i], recording.dropped[wire.node])
        for i, wire in enumerate(recording.wires)
    ]
    system = f"{platform.system()} {platform.release()}"
    noted = comments(recording) if has_truth else ()
    return b"".join(section(blocks, packets, counted, noted, operating_system=system, application="explain lab"))


def _kind(lab: Lab, node: str) -> str:
    return lab.node(node).kind


def write_new(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, and nothing half-made is left behind.

    Raises:
        OSError: it cannot be written there.
    """
    with naming(path):
        _write(path, data)


def _write(path: Path, data: bytes) -> None:
    folder = path.parent
    try:
        fd = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o644)
    except OSError:  # a file system without nameless files
        path.write_bytes(data)
        return
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        path.unlink(missing_ok=True)
        at = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:  # a folder's descriptor makes Python call linkat, which alone follows the link in /proc
            os.link(f"/proc/self/fd/{file.fileno()}", path.name, dst_dir_fd=at, follow_symlinks=True)
        finally:
            os.close(at)
