"""A target that is there under another address, or nobody: what the groups that hosts leave tell."""

from __future__ import annotations

from typing import Any

import pytest
from neighbours import sent, solicit
from packets import packed, pcap
from state.hosts import MACS, RULES, interface, raw

from explain.causes.diagnose import diagnose
from explain.causes.diagnosis import Topology, Witnesses
from explain.intake import read
from explain.state.reading.state_file import host_state
from explain.symptoms.commands.command import parse_command
from explain.symptoms.text import read_text

SENDER, TARGET, WANTED = "2001:db8:1::5", "2001:db8:1::9", "2001:db8:1::77"
LEFT, JOINED = 3, 4
TEXT = f"""PING {WANTED}({WANTED}) 56 data bytes
From {SENDER} icmp_seq=1 Destination unreachable: Address unreachable

--- {WANTED} ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms
"""


def tells(host: str, *changes: tuple[int, str]) -> bytes:
    """An MLDv2 report behind a router alert, as hosts send it."""
    records = b"".join(bytes((kind, 0, 0, 0)) + packed("ff02::1:ff00:0")[:13] + packed(of)[13:] for kind, of in changes)
    return sent(MACS[host], "fe80::1", "ff02::16", 143, len(changes), records, ttl=1)


def left_over(tmp_path: Any, reports: dict[str, int], *frames: bytes) -> list[str]:
    folder = tmp_path / "wire.pcap"
    folder.write_bytes(pcap(*frames, *((1.0 + each, solicit(MACS["S"], SENDER, WANTED)) for each in range(3))).read())
    table, captures = read([f"S:e0={folder}"])
    states = []
    for name, address in (("S", SENDER), ("T", TARGET)):
        own = {"dst": "2001:db8:1::/64", "dev": "e0", "protocol": "kernel", "flags": []}
        more = {"route6": [own], "rule6": RULES, "counters": {"Icmp6OutMLDv2Reports": reports[name]}}
        made = raw(interface("e0", 2, MACS[name], f"{address}/64", peer=2), **more)
        states.append(host_state(made, name))
    command = f"ping -c 1 -W 4 {WANTED}"
    found = diagnose(
        Witnesses(
            text=read_text(TEXT, command, 1), command=parse_command(command), table=table, captures=captures,
            states=tuple(states), sender="S",
            topology=Topology({"S": "sender", "T": "target"}, (("S", "e0", "T", "e0"),), is_whole=True),
        )
    )  # fmt: skip
    return [each.cause for each in found.causes]


ABSENT, MOVED = "destination-host-absent-on-link", "target-has-other-address"


def test_who_left_the_group_of_the_address_had_it_before(tmp_path: Any) -> None:
    first, then = tells("T", (JOINED, WANTED)), tells("T", (LEFT, WANTED), (JOINED, TARGET))
    assert left_over(tmp_path, {"S": 4, "T": 4}, first, then)[:2] == [MOVED, ABSENT]


@pytest.mark.parametrize("changes", [(), ((JOINED, TARGET),), ((LEFT, "2001:db8:1::78"),)])
def test_without_such_a_departure_the_address_is_rather_nobodys(tmp_path: Any, changes: Any) -> None:
    frames = [tells("T", *changes)] if changes else []
    assert left_over(tmp_path, {"S": 4, "T": 4}, *frames)[:2] == [ABSENT, MOVED]


def test_more_reports_than_others_speak_of_a_change_only_if_some_were_not_seen(tmp_path: Any) -> None:
    seen = [tells("S", (JOINED, SENDER)), *(tells("T", (JOINED, TARGET)) for _ in range(2))]
    assert left_over(tmp_path, {"S": 1, "T": 2}, *seen)[:2] == [ABSENT, MOVED]
    assert left_over(tmp_path, {"S": 1, "T": 2}, *seen[:2])[:2] == [MOVED, ABSENT]
