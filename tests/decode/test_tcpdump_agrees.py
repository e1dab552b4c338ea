"""A third opinion: the texts that tcpdump's own tests expect, for ARP, ICMP and TCP flags."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from explain.addresses import mac_text
from explain.intake import read
from explain.table import ARP, ICMP, ICMPV6, IPV4, TCP, PacketTable

HEAD = re.compile(r"^ {0,4}(\d+)  \d{4}-\d\d-\d\d ", re.MULTILINE)
REQUEST = re.compile(r"Request who-has ([\d.]+)(?: \([^)]*\))? tell ([\d.]+)")
REPLY = re.compile(r"Reply ([\d.]+) is-at ([\da-f:]{17})")
FLAGS = re.compile(r"^[^\n]*?: Flags \[([^]]*)]", re.DOTALL)
ECHO = re.compile(r"ICMP6?,? echo (request|reply), id (\d+), seq (\d+)")
ERROR = re.compile(r": ICMP (time exceeded in-transit|host [\d.]+ unreachable)")
LETTERS = ((1, "F"), (2, "S"), (4, "R"), (8, "P"), (16, "."), (32, "U"), (64, "E"), (128, "W"))


def told(path: Path) -> Iterator[tuple[int, str]]:
    """Frame number and text of every frame in a file of expected output."""
    parts = HEAD.split(path.read_text(encoding="utf-8", errors="replace"))
    return zip(map(int, parts[1::2]), parts[2::2], strict=True)


def check_arp(table: PacketTable, row: int, text: str) -> int:
    match = REQUEST.search(text) or REPLY.search(text)
    if not (match and table.layers[row] & ARP):
        return 0
    at = int(np.searchsorted(table.arp.row, row))
    sender, target = (table.addresses.text(key) for key in (table.arp.sender_ip[at], table.arp.target_ip[at]))
    if match.re is REQUEST:
        assert (table.arp.operation[at], target, sender) == (1, *match.groups())
    else:
        assert (table.arp.operation[at], sender, mac_text(int(table.arp.sender_mac[at]))) == (2, *match.groups())
    return 1


def check_flags(table: PacketTable, row: int, text: str) -> int:
    # With -v the header of IP has a line of its own.
    match = FLAGS.search(text.partition("\n    ")[2] or text) if " > " in text else None
    if not (match and table.layers[row] & TCP):
        return 0
    seen = "".join(letter for bit, letter in LETTERS if table.flags[row] & bit)
    assert seen or match[1] == "none"
    assert match[1] == (seen or "none")
    return 1


def check_icmp(table: PacketTable, row: int, text: str) -> int:
    if not table.layers[row] & (ICMP | ICMPV6):
        return 0
    at = int(np.searchsorted(table.icmp.row, row))
    kind, word = int(table.icmp.type[at]), int(table.icmp.word[at])
    text = text.partition("\n\t")[0]  # what an error quotes is indented
    if match := ECHO.search(text):
        wanted = {(ICMP, "request"): 8, (ICMP, "reply"): 0, (ICMPV6, "request"): 128, (ICMPV6, "reply"): 129}
        assert kind == wanted[int(table.layers[row]) & (ICMP | ICMPV6), match[1]]
        assert (word >> 16, word & 0xFFFF) == (int(match[2]), int(match[3]))
        return 1
    if (match := ERROR.search(text)) and table.layers[row] & IPV4:
        assert (kind, int(table.icmp.code[at])) == ((11, 0) if match[1].startswith("time") else (3, 1))
        return 1
    return 0


@pytest.mark.needs("corpus")
def test_arp_icmp_and_tcp_flags_are_as_tcpdump_tells_them(corpus: Path) -> None:
    agreed = {"arp": 0, "flags": 0, "icmp": 0}
    with (corpus / "TCPDUMP-EXPECTED.tsv").open(encoding="utf-8", newline="") as lines:
        for entry in csv.DictReader(lines, delimiter="\t"):
            table, _ = read([corpus / entry["capture"]])
            for frame, text in told(corpus / entry["expected_text"]):
                agreed["arp"] += check_arp(table, frame - 1, text)
                agreed["flags"] += check_flags(table, frame - 1, text)
                agreed["icmp"] += check_icmp(table, frame - 1, text)
    assert agreed["arp"] >= 15
    assert agreed["flags"] >= 500
    assert agreed["icmp"] >= 15
