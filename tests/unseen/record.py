"""Failures that nobody has seen: random networks, broken in a random way, recorded as folders like those of ``cases/``.

Makes one case for each seed and cause that fits; a seed always gives the same network.  Run by hand, as root;
``tests/causes/confusion.py --from FOLDER`` then measures the diagnosis over them.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from pathlib import Path
from random import Random
from typing import Any

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

from unseen.faults import FAULTS, Broken, UnfitError  # noqa: E402
from unseen.networks import Net, network  # noqa: E402

from explain.lab.case import case as told_case  # noqa: E402
from explain.lab.operations import typed  # noqa: E402
from explain.lab.read import from_table  # noqa: E402
from explain.lab.recording import Recording  # noqa: E402
from explain.lab.run import run  # noqa: E402

SECTION_0 = {"healthy", "icmp-redirect", "suboptimal-gateway", "proxy-arp-in-play"}
MAY_END_WELL = {
    *("silent-hop", "icmp-rate-limited", "dhcp-rogue-server", "tcp-application-closes", "duplicate-address"),
    *("address-tentative", "arp-disabled"),
}


FROM_ITSELF = b"\x86\xdd" + bytes(15) + b"\x01"
"""An IPv6 frame's type and its source, ::1: on a wire, what it shows is not the fault that was meant."""


def prepared(cause: str, seed: int) -> tuple[Net, Broken]:
    """The network of a seed, broken."""
    shapes, families, make = FAULTS[cause]
    rng = Random(f"{cause}/{seed}")
    for _ in range(20):
        net = network(rng, rng.choice(shapes), rng.choice(families) if rng.random() < 0.9 else families[0])
        try:
            return net, make(net)
        except UnfitError:
            continue
    raise UnfitError(cause)


def command(net: Net, broken: Broken) -> list[str]:
    """What the person types."""
    target = broken.target or net.ip("T")
    if broken.run:
        return broken.run
    if broken.tool == "tcp":
        return ["tcpprobe", target, str(net.port)]
    if broken.tool == "trace":
        options = ["-I"] if net.rng.random() < 0.2 else []
        return ["traceroute", "-n", "-q", "2", "-w", "1", "-m", "6", *options, target]
    count = ["-c", net.rng.choice(("3", "4"))] if "-c" not in broken.options else []
    pace = net.rng.choice(([], ["-i", "0.2"], ["-i", "0.25"])) if "-i" not in broken.options else []
    wait = net.rng.choice((["-W", "4"], ["-W", "4"], []))
    options = broken.options
    if "-I" in options and options[options.index("-I") + 1].startswith("fe80"):
        options = []
    return ["ping", *count, *pace, *wait, *options, target]


def lab_of(net: Net, broken: Broken, cause: str) -> dict[str, Any]:
    """The lab file of a broken network."""
    if broken.tool == "tcp" and broken.behaviour:
        net.services.append({"on": net.name["T"], "kind": "tcp", "port": net.port, "behaviour": broken.behaviour})
    main = {
        "on": net.name["S"], "run": command(net, broken), "status": "any", "main": True,
        "privileged": broken.privileged, "timeout": 30,
    }  # fmt: skip
    steps = [*broken.steps]
    if net.noise == "natural" and cause not in {"address-tentative", "duplicate-address.dad_failed"}:
        steps.append({"wait": "quiet", "for": 1.5})
    return {
        "schema": 1,
        "title": {"en": "unseen", "ja": "unseen"},
        "chapter": "unseen",
        "cause": cause.split(".", maxsplit=1)[0],
        "ipv6": net.noise,
        "links": net.links,
        "nodes": {net.name[role]: table for role, table in net.nodes.items()},
        "services": net.services,
        "fault": [*net.before, *net.fault],
        "steps": [*steps, main],
    }


def pcap(frames: list[tuple[int, bytes, int]]) -> bytes:
    """A classic capture with nanoseconds, as tcpdump writes it."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
    for time_ns, data, length in frames:
        out += [struct.pack("<IIII", time_ns // 10**9, time_ns % 10**9, len(data), length), data]
    return b"".join(out)


def write(recording: Recording, net: Net, broken: Broken, cause: str, folder: Path) -> None:
    """The folder, in the form of the shared cases."""
    (folder / "state").mkdir(parents=True, exist_ok=True)
    captures = []
    for number, wire in enumerate(recording.wires):
        kept = [(heard.time_ns, heard.data, heard.length) for at, heard in recording.frames if at == number]
        file = f"{wire.node}.{wire.nic}.pcap"
        (folder / file).write_bytes(pcap(kept))
        captures.append({"node": wire.node, "iface": wire.nic, "file": file})
    for node, state in recording.after.items():
        (folder / "state" / f"{node}.json").write_text(json.dumps(state))
    main = recording.main
    told = told_case(recording) | {"captures": captures}
    meta = {
        "cause": cause.split(".", maxsplit=1)[0], "also": list(broken.also),
        "topology": net.shape, "family": net.family,
        "culprits": [{"role": role, "node": net.name.get(role)} for role in broken.culprits],
        "fault": net.fault,
    }  # fmt: skip
    (folder / "case.json").write_text(json.dumps(told, indent=1))
    (folder / "meta.json").write_text(json.dumps(meta, indent=1))
    (folder / "command.txt").write_text(typed(main.step.run) + "\n" if main else "")
    (folder / "ping.txt").write_text(main.output if main else "")


def is_reached(output: str, target: str) -> bool:
    """Whether the last hop of a trace is its target, and says nothing ill of it."""
    last = output.strip().splitlines()[-1].split()
    return target in last and not any(word.startswith("!") for word in last)


def record(cause: str, seed: int, top: Path) -> str:
    """One case; what became of it, in a word."""
    folder = top / f"{cause}.{seed}"
    if folder.exists():
        return "there"
    net, broken = prepared(cause, seed)
    table = lab_of(net, broken, cause)
    lab = from_table(table, "unseen", f"{cause}.{seed}", "")
    recording = run(lab)
    main, frames = recording.main, recording.frames
    if main is None:
        return f"no command: {[str(one) for one in recording.complaints]}"
    if cause != "address-tentative" and any(
        heard.data[12:14] + heard.data[22:38] == FROM_ITSELF for _, heard in frames
    ):
        return "sent from ::1: the sender's own address was not ready yet"
    is_well = main.status == 0 if broken.tool != "trace" else is_reached(main.output, broken.target or net.ip("T"))
    if (
        is_well != (cause.split(".", maxsplit=1)[0] in SECTION_0)
        and cause.split(".", maxsplit=1)[0] not in MAY_END_WELL
    ):
        return f"ended with {main.status}: {typed(main.step.run)} {net.shape} {net.family} {net.fault}"
    write(recording, net, broken, cause, folder)
    return "recorded"


def main() -> None:
    """Record what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("first", type=int, metavar="FIRST", help="the first seed")
    parser.add_argument("last", type=int, metavar="LAST", help="the seed before which it ends")
    parser.add_argument("causes", nargs="*", metavar="CAUSE", help="only those that begin so")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(asked.first, asked.last):
        for cause in FAULTS:
            if asked.causes and not cause.startswith(tuple(asked.causes)):
                continue
            try:
                became = record(cause, seed, asked.folder)
            except Exception as error:  # noqa: BLE001 - one lab that cannot be built must not end the others
                became = f"{type(error).__name__}: {error}"
            print(f"{cause}.{seed}: {became}", flush=True)


if __name__ == "__main__":
    main()
