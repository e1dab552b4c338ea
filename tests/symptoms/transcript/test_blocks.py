# ruff: noqa: E501 - one prompt a row
"""Prompts, blocks, quotations, remarks; and texts that mean harm."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surroundings import CASES

from explain.symptoms.text import read_runs, read_text
from explain.symptoms.transcript.blocks import read_transcript
from explain.symptoms.transcript.cleaning import clean_line, decode
from explain.symptoms.transcript.prompts import read_prompt
from explain.symptoms.witness import NothingUsableError

PROMPTS = [
    ("bob@h1:~$ ping -c3 192.0.2.9", "h1", "ping -c3 192.0.2.9"),
    ("root@h1:/# ping 192.0.2.9", "h1", "ping 192.0.2.9"),
    ("[bob@h1 ~]$ ping 192.0.2.9", "h1", "ping 192.0.2.9"),
    ("bob@mac ~ % ping 192.0.2.9", "mac", "ping 192.0.2.9"),
    ("(venv) bob@h1:~/x$ ping 192.0.2.9", "h1", "ping 192.0.2.9"),
    ("bash-5.2# ip addr", None, "ip addr"),
    ("sh-5.1$ ping h2", None, "ping h2"),
    ("/ # ping 192.0.2.9", None, "ping 192.0.2.9"),
    ("~ $ ping 192.0.2.9", None, "ping 192.0.2.9"),
    ("$ ping h2", None, "ping h2"),
    ("# ip netns exec h1 ping 192.0.2.9", None, "ip netns exec h1 ping 192.0.2.9"),
    ("% ping h2", None, "ping h2"),
    ("> ping 192.0.2.9", None, "ping 192.0.2.9"),
    ("h1# ping 192.0.2.9", "h1", "ping 192.0.2.9"),
    ("h1:~# ip route", "h1", "ip route"),
    ("C:\\Users\\bob>ping h2", None, "ping h2"),
    ("PS C:\\> ping h2", None, "ping h2"),
    ("mininet> h1 ping -c1 h2", "h1", "ping -c1 h2"),
    ("❯ ping h2", None, "ping h2"),
    ("ping -c 3 192.0.2.9", None, "ping -c 3 192.0.2.9"),
    ("sudo ip netns exec h1 ping 192.0.2.9", None, "sudo ip netns exec h1 ping 192.0.2.9"),
    ("bob@h1:~$ ", "h1", ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "host", "typed"), PROMPTS, ids=[line for line, _, _ in PROMPTS])
def test_each_prompt_is_recognised(line, host, typed):
    prompt = read_prompt(line)
    assert prompt is not None
    assert (prompt.host, prompt.typed) == (host, typed)


@pytest.mark.parametrize(
    "line",
    [
        "# Notes of tonight", "## ping", "ping does not work here.", "ping from h1 fails, why?", "ip forwarding is off on r1", "PING 192.0.2.9 (192.0.2.9) 56(84) bytes of data.",
        "ping: connect: Network is unreachable", "64 bytes from 192.0.2.9: icmp_seq=1 ttl=64 time=0.1 ms", "100% packet loss!", "> this is quoted", "route seems fine", "",
        "bob@h2: Permission denied (publickey).", "これは ping の結果です",
    ],
)  # fmt: skip
def test_what_is_no_prompt_is_left_alone(line):
    assert read_prompt(line) is None


NOTE = """# Evening notes

first I tried from h1:

```
bob@lab:~$ sudo ip netns exec h1 ping -c 2 192.0.2.9
PING 192.0.2.9 (192.0.2.9) 56(84) bytes of data.
From 192.0.2.1 icmp_seq=1 Destination Host Unreachable
From 192.0.2.1 icmp_seq=2 Destination Host Unreachable

--- 192.0.2.9 ping statistics ---
2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1002ms

bob@lab:~$ echo $?
1
bob@lab:~$ ip -n h1 route
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1
```

but from h2 it is another thing:

```
\x1b[32mroot@h2\x1b[0m:/# ping -c 1 198.51.100.7
ping: connect: Network is unreachable
```
I think the router does not forward.
"""


def test_several_hosts_in_one_file_become_several_runs():
    first, second = read_runs(NOTE)
    assert (first.node, first.target, first.counts.errors, first.exit_status) == ("h1", "192.0.2.9", 2, 1)
    assert (second.node, second.target, second.symptoms[0].id) == ("h2", "198.51.100.7", "kernel.network-unreachable")
    assert first.unknown == second.unknown == ()


def test_the_given_command_chooses_among_the_runs():
    witness = read_text(NOTE, "ping -c 2 192.0.2.9")
    assert witness.node == "h1"
    assert len(witness.others) == 1


def test_blocks_keep_commands_of_other_kinds_apart():
    kinds = [block.command.kind for block in read_transcript(NOTE).blocks if block.command]
    assert kinds == ["ping", "state", "ping"]


QUOTED = "> > bob@h1:~$ ping -c1 192.0.2.9\n> > PING 192.0.2.9 (192.0.2.9) 56(84) bytes of data.\n> > 64 bytes from 192.0.2.9: icmp_seq=1 ttl=64 time=0.1 ms\n"


def test_quotation_marks_are_taken_off():
    witness = read_text(QUOTED)
    assert (witness.node, witness.has("echo.reply"), witness.unknown) == ("h1", True, ())


WRAPPED = """PING 2001:db8:62f8:381c::1acf(2001:db8:62f8:381c::1acf) 56 data
 bytes
64 bytes from 2001:db8:62f8:381c::1acf: icmp_seq=1 ttl=64 ti
me=0.179 ms
--- 2001:db8:62f8:381c::1acf ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
rtt min/avg/max/mdev = 0.179/0.179/0.179/0.000 ms
"""


def test_wrapped_lines_are_put_together():
    witness = read_text(WRAPPED)
    assert witness.unknown == ()
    assert witness.all("echo.reply")[0].values["time_ms"] == 0.179


def test_remarks_between_lines_are_kept_as_remarks():
    text = "PING 192.0.2.9 (192.0.2.9) 56(84) bytes of data.\n// nothing for a minute\nここで止めた\n^C\n--- 192.0.2.9 ping statistics ---\n3 packets transmitted, 0 received, 100% packet loss, time 2045ms\n"
    witness = read_text(text)
    assert [(each.line, each.is_remark) for each in witness.unknown] == [(2, True), (3, True)]
    assert witness.counts.sent == 3


def test_two_pings_without_a_prompt_are_two_runs():
    one = "PING 192.0.2.{0} (192.0.2.{0}) 56(84) bytes of data.\n--- 192.0.2.{0} ping statistics ---\n1 packets transmitted, 0 received, 100% packet loss, time 0ms\n\n"
    assert [run.target for run in read_runs(one.format(8) + one.format(9))] == ["192.0.2.8", "192.0.2.9"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n\n",
        b"\x7fELF\x00\x01\x02\x00",
        "\x00\x01\x02 hello",
        "int main(void) { return 0; }\n",
        "lorem ipsum dolor sit amet\n" * 9,
    ],
)
def test_a_text_that_shows_nothing_known_is_one_clear_error(text):
    with pytest.raises(NothingUsableError) as caught:
        read_text(text)
    assert "\n" not in str(caught.value)


def test_a_text_of_which_the_end_was_not_read_is_not_said_to_show_nothing():
    with pytest.raises(NothingUsableError) as caught:
        read_text("x\n" * 200_001 + "ping: connect: Network is unreachable\n")
    assert "too long" in str(caught.value)


def test_bytes_of_several_encodings_are_read():
    said = "192.0.2.2 からの応答: バイト数 =32 時間 =2ms TTL=64\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp932", "euc_jp", "iso2022_jp"):
        assert read_text(said.encode(encoding)).has("echo.reply"), encoding
        assert decode(said.encode(encoding)) == said, encoding
    assert decode("あ".encode()[:-1]) == "\ufffd"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\x1b[1;31mFrom\x1b[0m", "From"), ("\x1b]0;title\x07$ ls", "$ ls"), ("a\x1b[2Kb", "ab"), ("10%\r20%\r100%", "100%"), (".\b \b.", "."), ("a\u202eb\x9b31mc", "abc"),
        ("\x1bPevil\x1b\\x", "x"),
    ],
)  # fmt: skip
def test_escapes_leave_no_trace(raw, clean):
    assert clean_line(raw) == clean


@pytest.mark.parametrize(
    "text",
    [
        "64 bytes from " + "a" * 1_000_000, "> " * 500_000 + "x", "\x1b[" * 500_000, "PING " + "(" * 200_000, "a@b:" * 300_000, "\n" * 300_000 + "x", "{" * 100_000, "[" * 4000,
        "traceroute to " + "1 " * 100_000, " 1  " + "* " * 200_000, "ping " + "-c " * 100_000, "\\\n" * 200_000, "```\n" * 100_000, "'" * 100_000, "\b" * 500_000,
    ],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_a_hostile_text_is_bounded_and_inert(text):
    try:
        witness = read_text(text)
    except NothingUsableError:
        return
    assert all("\x1b" not in each.text for each in (*witness.symptoms, *witness.unknown))


PIECES = (
    "64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=0.1 ms", "From 192.0.2.1 icmp_seq=1 Destination Host Unreachable", "PING h (192.0.2.1) 56(84) bytes of data.",
    "$ ping h", "```", "> ", "\x1b[31m", "--- h ping statistics ---", "1 packets transmitted, 1 received, 0% packet loss, time 0ms", " 1  * * *", "curl: (7) x",
    "DHCPACK of 1.2.3.4 from 5.6.7.8", "\n", "\n", "\n", "{", "}", ":", "( ", ")", "ping: ", "%", "9", "é", "からの応答",
)  # fmt: skip
WORDS = st.sampled_from(PIECES)


@settings(max_examples=150)
@given(st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=40).map("".join)))
def test_any_text_gives_a_witness_or_one_clear_error(text):
    try:
        witness = read_text(text, "ping -c1 192.0.2.1")
    except NothingUsableError:
        return
    lines = [each.line for each in witness.symptoms]
    assert lines == sorted(lines)
    assert 1 <= lines[0] <= lines[-1] <= text.count("\n") + 1


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_witness_or_one_clear_error(data):
    try:
        read_text(data)
    except NothingUsableError:
        return


@pytest.mark.needs("cases")
def test_no_line_of_a_recorded_case_stays_unknown():
    import json

    for folder in sorted(path.parent for path in CASES.glob("*/case.json")):
        case = json.loads((folder / "case.json").read_text())
        witness = read_text((folder / "ping.txt").read_bytes(), (folder / "command.txt").read_text(), case["exit_code"])
        told = (witness.unknown, witness.inconsistencies, witness.others)
        assert told == ((), (), ()), folder.name
        assert witness.program == {
            "ping": "ping",
            "traceroute": "traceroute",
            "tcp": "connect",
            "dhcp": "dhcp-client",
        }.get(case["tool"], witness.program)
        assert witness.family in (case["family"], None), folder.name
