"""Text that was made to harm: every reader stays bounded, and nothing of it reaches the screen as it came."""

from __future__ import annotations

import io
import re
import resource
import subprocess
import sys

import pytest
from command_line import EXPLAIN
from surroundings import TOP

import explain
from explain.errors import ExplainError

pytestmark = pytest.mark.long

RECORDED = (TOP / "pcaps" / "terminals" / "terminal.txt").read_text("utf-8")
BLOCKS = re.split(r"(?m)^(?=root@)", RECORDED)[1:]
PROGRAMS = (
    "ip address", "ip link", "ip route", "ip rule", "ip neigh", "ip netns list", "iptables -L -n -v", "iptables -S",
    "iptables-save", "nft list", "bridge link", "bridge fdb show", "ss -tanp", "netstat", "sysctl", "conntrack -L",
    "ping", "traceroute", "tracepath", "mtr", "curl", "nc", "dig", "nslookup", "dhclient", "udhcpc", "cat /var/log",
    "tcpdump -l -n -i lan", "tcpdump -l -n -v", "tcpdump -l -n -e -v", "tcpdump -l -n -X",
)  # fmt: skip
CHOSEN = {
    name: next(block for block in BLOCKS if f"# {name}" in block.split("\n")[0] and block.count("\n") > 1)
    for name in PROGRAMS
}
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
HARM = {
    "a title": "\x1b]0;owned\x07",
    "a cleared screen": "\x1b[2J\x1b[H",
    "an open string": "\x1b]8;;http://198.51.100.9/",
    "one eight-bit sequence": "\x9b31m",
    "a turned direction": "\u202e\u2066",
    "an invisible mark": "\u200b\ufeff",
    "a null": "\x00",
    "markup": "<script>alert(1)</script>[x](javascript:1)",
    "a deep quotation": "> " * 900,
    "a deep nesting": "[" * 900 + "]" * 900,
}
CPU_SECONDS = 60
PUMP = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({limit}, {limit}))
from explain.causes.notes.study import study
from explain.symptoms.notes import read_notes
from explain.symptoms.witness import NothingUsableError
for text in sys.stdin.read().split("\\x1e"):
    try:
        study(read_notes(text))
    except NothingUsableError:
        pass
print("ended")
"""


def told(text):
    """What the screen would show, in both languages; nothing where the text is refused."""
    try:
        report = explain.explain(io.BytesIO(text if isinstance(text, bytes) else text.encode("utf-8", "replace")))
    except ExplainError as refused:
        return str(refused)
    return report.story("en") + report.story("ja")


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_harmful_in_any_place_of_a_block_reaches_the_screen(name):
    lines = CHOSEN[name].split("\n")[:40]
    for turn, harm in enumerate(HARM.values()):
        words = [re.split(r"(\s+)", line) for line in lines]
        for at, parts in enumerate(words[turn % 2 :: 2]):
            parts.insert((at + turn) % (len(parts) + 1), harm)
        shown = told("\n".join("".join(parts) for parts in words))
        assert FORBIDDEN.search(shown.replace("\n", "")) is None, (name, harm)


@pytest.mark.parametrize("name", PROGRAMS)
def test_colours_change_nothing_of_what_is_read(name):
    text = CHOSEN[name]
    coloured = re.sub(r"(?m)(\S+)(?=[^\n]*$)", "\x1b[1;32m\\1\x1b[0m", text)
    assert told(coloured) == told(text)


@pytest.mark.parametrize("raw", [b"\xc3\x28", b"\xff", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x80" * 50])
def test_octets_that_are_no_characters_are_no_obstacle(raw):
    text = CHOSEN["ip route"].encode()
    assert "192.0.2.254" in told(text + b"# a remark " + raw + b"\n" + text)


def pumped(block):
    """The block with one line grown beyond all bounds in each of several ways, and that line many times."""
    lines = block.split("\n")[:12]
    for at, line in list(enumerate(lines))[1:6]:
        parts = re.findall(r"\S+|\s+", line)
        for part in dict.fromkeys(parts[:: max(1, len(parts) // 4)]):
            grown = line.replace(part, part * (2100 // len(part)), 1)
            yield "\n".join([*lines[:at], *[grown] * 20, *lines[at + 1 :]])


def test_no_pattern_of_any_reader_goes_back_and_forth_over_a_long_line():
    text = "\x1e".join(grown for block in CHOSEN.values() for grown in pumped(block))
    program = PUMP.format(limit=CPU_SECONDS)
    done = subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, text=True, check=False)
    assert done.stdout == "ended\n", done.stderr[-2000:]


@pytest.mark.parametrize("line", [" 1" + " " * 2040 + "*", "(" * 2048, "a." * 1024, "1.2.3.4 " * 256])
def test_thousands_of_such_lines_are_read_to_the_end(line):
    text = f"root@h1:~# traceroute 192.0.2.1\n{line}\n" + f"{line}\n" * 2000
    program = PUMP.format(limit=CPU_SECONDS)
    done = subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, text=True, check=False)
    assert done.stdout == "ended\n", done.stderr[-2000:]


@pytest.mark.full
@pytest.mark.parametrize("rest", [b"x" * 100_000_000, b"64 bytes from 192.0.2.2: icmp_seq=1 ttl=64\n" * 2_000_000])
def test_a_hundred_megabytes_take_no_more_memory_than_their_beginning(rest, tmp_path):
    (tmp_path / "text").write_bytes(CHOSEN["ping"].encode() + rest)
    limit = 1 << 30
    done = subprocess.run(
        [*EXPLAIN, "-q", str(tmp_path / "text")], capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "longer than what is read" in done.stdout
