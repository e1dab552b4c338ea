"""Honest recordings of one lab, and forgeries of them made with the tools that a student would take.

editcap, mergecap (Wireshark), tcprewrite (tcpreplay) and scapy: the real programs, no imitation.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from explain.capture import open_capture
from explain.grade.integrity.prints import Prints
from explain.grade.integrity.taking import take
from explain.grade.running.grading import scene_of_files

LAB = Path(__file__).parent / "grade" / "integrity" / "honest.toml"
SIDES = {"inside": "r1.eth0", "outside": "r1.eth1"}


def run(*command: object) -> None:
    subprocess.run([str(one) for one in command], check=True, capture_output=True, timeout=120)


def record(folder: Path) -> Path:
    """Run the lab once on the real kernel; a student's two captures of it."""
    folder.mkdir(parents=True)
    whole = folder / "whole.pcapng"
    run(sys.executable, "-m", "explain", "lab", "run", LAB, "--no-states", "-q", "-o", whole)
    for side, interface in SIDES.items():
        run(
            "tshark",
            "-r",
            whole,
            "-Y",
            f'frame.interface_name=="{interface}"',
            "-F",
            "pcap",
            "-w",
            folder / f"{side}.pcap",
        )
    whole.unlink()
    return folder


def prints(folder: Path, integrity: dict | None = None, sides: tuple[str, ...] = tuple(SIDES)) -> Prints:
    """What a submission leaves for the comparison; through JSON, as it travels."""
    import json

    scene = scene_of_files({side: folder / f"{side}.pcap" for side in sides})
    taken = take(scene, integrity or {"same_run": list(SIDES)}, list(SIDES))
    return Prints.of(json.loads(json.dumps(taken.form())))


def each(change):
    """A forgery of a folder from one of a file."""

    def forge(source: Path, mate: Path, into: Path, chance: random.Random) -> None:
        del mate
        seed = chance.random()  # both sides of a run are changed alike
        for side in SIDES:
            change(source / f"{side}.pcap", into / f"{side}.pcap", random.Random(seed))

    return forge


# -- with the programs


def copied(source: Path, into: Path, chance: random.Random) -> None:
    del chance
    into.write_bytes(source.read_bytes())


def shifted(source: Path, into: Path, chance: random.Random) -> None:
    run("editcap", "-F", "pcap", "-t", f"{chance.uniform(600, 90_000):.6f}", source, into)


def converted(source: Path, into: Path, chance: random.Random) -> None:
    run("editcap", "-F", "pcapng", "-t", f"-{chance.uniform(600, 90_000):.6f}", source, into)


def cut(source: Path, into: Path, chance: random.Random) -> None:
    del chance
    run("editcap", "-F", "pcap", "-s", 80, "-t", 7200, source, into)


def subset(source: Path, into: Path, chance: random.Random) -> None:
    with open_capture(str(source)) as reader:
        number = sum(len(frames.start) for frames in reader.frames())
    kept = sorted(chance.sample(range(1, number + 1), round(number * 0.6)))
    run("editcap", "-F", "pcap", "-r", source, into, *kept)


def other_addresses(*more: str):
    def change(source: Path, into: Path, chance: random.Random) -> None:
        net = chance.randrange(1, 200)
        run(
            "tcprewrite", f"--pnat=10.0.0.0/24:10.9.{net}.0/24,203.0.113.0/24:198.51.100.0/24",
            "--enet-smac=02:00:00:00:00:01", "--enet-dmac=02:00:00:00:00:02", *more, "-i", source, "-o", into,
        )  # fmt: skip

    return change


def randomised_addresses(source: Path, into: Path, chance: random.Random) -> None:
    run("tcprewrite", f"--seed={chance.randrange(1, 10**6)}", "-i", source, "-o", into)


def merged(source: Path, mate: Path, into: Path, chance: random.Random) -> None:
    """A copy, and the forger's own run with its times moved beside it."""
    for side in SIDES:
        moved = into / f"moved-{side}.pcap"
        run("editcap", "-F", "pcap", "-t", f"{chance.uniform(1, 3):.6f}", mate / f"{side}.pcap", moved)
        run("mergecap", "-F", "pcap", "-w", into / f"{side}.pcap", source / f"{side}.pcap", moved)
        moved.unlink()


def mixed(source: Path, mate: Path, into: Path, chance: random.Random) -> None:
    """The inside of one run and the outside of another."""
    del chance
    (into / "inside.pcap").write_bytes((source / "inside.pcap").read_bytes())
    (into / "outside.pcap").write_bytes((mate / "outside.pcap").read_bytes())


# -- with scapy


def _scapy(change):
    def whole(source: Path, into: Path, chance: random.Random) -> None:
        import scapy.layers.inet
        import scapy.layers.l2  # noqa: F401 - without it frames stay raw
        from scapy.utils import rdpcap, wrpcap

        wrpcap(str(into), change(list(rdpcap(str(source))), chance))

    return whole


def _stretch(packets, chance):
    first, factor = packets[0].time, chance.choice((2, 3)) * 85 / 100
    for one in packets:
        one.time = float(first) + float(one.time - first) * factor + 3600
    return packets


def _jitter(packets, chance, shift=3600):
    for one in packets:
        one.time = float(one.time) + shift + chance.uniform(0, 0.0002)
    return sorted(packets, key=lambda one: one.time)


def _payload_clock(packets, _):
    """Times moved together with the clock in ping's data."""
    from scapy.layers.inet import ICMP
    from scapy.packet import Raw

    for one in packets:
        one.time = float(one.time) + 3600
        if ICMP in one and Raw in one:
            data = one[Raw].load
            seconds = int.from_bytes(data[:8], "little") + 3600
            one[Raw].load = seconds.to_bytes(8, "little") + data[8:]
            del one[ICMP].chksum
    return packets


def _random_again(packets, chance, *, jitter=False, sums=False):
    """Every random number of a kernel replaced, flow by flow, and the clock in ping's data moved."""
    from scapy.layers.inet import ICMP, IP, TCP

    shifts = [chance.randrange(1 << 32) for _ in range(4)]
    first = None
    for one in _payload_clock(packets, chance):
        if ICMP in one:
            one[ICMP].id = (one[ICMP].id + shifts[3]) & 0xFFFF
        if TCP in one:
            segment = one[TCP]
            first = first or one[IP].src
            mine, other = shifts[:2] if segment.dport == 7 else (shifts[1], shifts[0])
            segment.seq = (segment.seq + mine) % (1 << 32)
            if segment.flags & 0x10:
                segment.ack = (segment.ack + other) % (1 << 32)
            segment.options = [
                (name, ((value[0] + mine) % (1 << 32), (value[1] + other) % (1 << 32) if value[1] else 0))
                if name == "Timestamp" else (name, value) for name, value in segment.options
            ]  # fmt: skip
            if sums:
                del segment.chksum
        if IP in one:
            one[IP].id = (one[IP].id + shifts[3]) & 0xFFFF if one[IP].id else 0
            del one[IP].chksum
    return _jitter(packets, chance, 0) if jitter else packets


def _from_nothing(packets, chance):
    """The conversation as a script writes it."""
    from scapy.layers.inet import ICMP, IP, TCP
    from scapy.layers.l2 import Ether

    del packets
    now, made = 1.8e9 + chance.random(), []
    macs = "00:00:5e:00:53:01", "00:00:5e:00:53:02"
    mine, other = Ether(src=macs[0], dst=macs[1]), Ether(src=macs[1], dst=macs[0])  # none to be looked up on a network
    data = b"x" * 56
    ends, back = IP(src="10.0.0.2", dst="203.0.113.2"), IP(src="203.0.113.2", dst="10.0.0.2")
    for seq in range(1, 5):
        made += [mine / ends / ICMP(seq=seq) / data, other / back / ICMP(type=0, seq=seq) / data]
    port = chance.randrange(30000, 60000)
    made += [
        mine / ends / TCP(sport=port, dport=7, flags="S", seq=1000),
        other / back / TCP(sport=7, dport=port, flags="SA", seq=2000, ack=1001),
        mine / ends / TCP(sport=port, dport=7, flags="A", seq=1001, ack=2001),
        mine / ends / TCP(sport=port, dport=7, flags="FA", seq=1001, ack=2001),
        other / back / TCP(sport=7, dport=port, flags="FA", seq=2001, ack=1002),
    ]
    for one in made:
        now += chance.uniform(0.0001, 0.3)
        one.time = now
    return made


FORGERIES = {
    "copied": each(copied),
    "editcap: shifted": each(shifted),
    "editcap: shifted, as pcapng": each(converted),
    "editcap: cut to 80 octets, shifted": each(cut),
    "editcap: 60 % of the frames": each(subset),
    "tcprewrite: addresses": each(other_addresses()),
    "tcprewrite: addresses, sums made good": each(other_addresses("--fixcsum")),
    "tcprewrite: random addresses": each(randomised_addresses),
    "mergecap: with the forger's own": merged,
    "two runs mixed": mixed,
    "scapy: stretched": each(_scapy(_stretch)),
    "scapy: shifted, jitter": each(_scapy(_jitter)),
    "scapy: shifted with ping's clock": each(_scapy(_payload_clock)),
    "scapy: all numbers new": each(_scapy(_random_again)),
    "scapy: all numbers new, jitter": each(_scapy(lambda p, c: _random_again(p, c, jitter=True))),
    "scapy: all numbers new, jitter, sums made good": each(
        _scapy(lambda p, c: _random_again(p, c, jitter=True, sums=True))
    ),
    "scapy: from nothing": each(_scapy(_from_nothing)),
}
"""By name: makes a folder from the source's, with the forger's own honest run at hand."""
