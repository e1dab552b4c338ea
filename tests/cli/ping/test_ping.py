"""``explain ping`` as people and scripts call it: forms of input, JSON of the contract, bad input, both languages."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest
from command_line import called
from packets import A, B, eth, icmp, ip, pcap, ping, who_has
from surroundings import CASES, TOP

SILENT = """$ ping -c 3 -W 4 198.51.100.1
PING 198.51.100.1 (198.51.100.1) 56(84) bytes of data.

--- 198.51.100.1 ping statistics ---
3 packets transmitted, 0 received, 100% packet loss, time 2044ms
"""
LOCUS = {"role", "node", "interface", "address", "rule"}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    return called(capsys, "ping", *words)


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "ping.txt"
    path.write_text(SILENT)
    return str(path)


def test_json_has_every_key_of_the_contract(capsys: pytest.CaptureFixture[str], text: str) -> None:
    status, out, _ = run(capsys, "--text", text, "--json")
    report = json.loads(out)
    assert status == 0
    assert set(report) == {"schema", "symptoms", "causes", "also", "ruled_out", "next"}
    assert report["schema"] == "explain-diagnosis/1"
    for cause in report["causes"]:
        assert set(cause) == {"cause", "certainty", "locus", "because", "fix"}
        assert cause["certainty"] in {"proved", "likely", "possible"}
        assert all(set(locus) == LOCUS for locus in cause["locus"])
        assert all({"text", "witness", "evidence"} == set(reason) for reason in cause["because"])
        assert cause["fix"]
    assert all(set(look) >= {"ask", "command", "role", "tells"} for look in report["next"])
    assert report["next"]


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_is_plain_and_at_most_eighty_columns_wide(
    capsys: pytest.CaptureFixture[str], text: str, lang: str
) -> None:
    from explain.render.layout import display_width

    status, out, _ = run(capsys, "--text", text, "--lang", lang, "-v")
    assert status == 0
    assert "\x1b" not in out
    assert all(display_width(line) <= 80 or " " not in line.strip() for line in out.splitlines())


def test_each_next_look_says_on_which_host_it_is_taken(capsys: pytest.CaptureFixture[str], text: str) -> None:
    _, out, _ = run(capsys, "--text", text, "--lang", "en")
    looks = out.split("Look next")[1]
    assert "    on the sender: tcpdump" in looks
    assert "    on the target: nft list ruleset" in looks


def test_quiet_is_the_verdict_only(capsys: pytest.CaptureFixture[str], text: str) -> None:
    _, out, _ = run(capsys, "--text", text, "-q", "--lang", "en")
    assert out.startswith("✗ ")
    assert len(out.splitlines()) <= 3


def test_text_comes_from_standard_input_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SILENT.encode())))
    status, out, _ = run(capsys, "--text", "-", "--json")
    assert status == 0
    assert json.loads(out)["causes"]


@pytest.mark.parametrize("content", [b"", b"  \n", bytes(range(256)) * 8, b"Dear diary, today it rained.\n"])
def test_a_text_that_tells_nothing_is_one_line_and_status_two(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    status, out, err = run(capsys, "--text", str(path), "--json")
    assert status == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1


def test_without_anything_to_explain_the_usage_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys)
    assert (status, out) == (2, "")
    assert "--text" in err


def test_a_target_that_is_an_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--", "-f")
    assert (status, out) == (2, "")


def test_pasted_state_is_a_witness(capsys: pytest.CaptureFixture[str], text: str, tmp_path: Path) -> None:
    pasted = tmp_path / "state.txt"
    pasted.write_text("$ ip route\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1\n")
    status, out, _ = run(capsys, "--text", text, "--state", f"h1={pasted}", "--json")
    assert status == 0
    assert json.loads(out)["causes"]


def test_a_live_ping_of_this_host_works(capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    if shutil.which("ping") is None:
        status, _, err = run(capsys, "127.0.0.1", "-c", "1", "--json")
        assert status == 2
        assert "ping" in err
        return
    status, out, _ = run(capsys, "127.0.0.1", "-c", "1", "--json")
    assert status == 0
    assert json.loads(out)["symptoms"]


@pytest.mark.parametrize(("option", "target"), [("-6", "127.0.0.1"), ("-4", "::1")])
def test_an_address_of_the_other_family_is_not_pinged(
    capsys: pytest.CaptureFixture[str], option: str, target: str
) -> None:
    status, out, err = run(capsys, option, target)
    assert (status, out, err) == (2, "", f"explain: {target} is no IPv{option[1]} address\n")


def test_a_sender_that_nobody_is_called_is_an_error_and_names_who_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    case = str(TOP / "pcaps" / "no-route-on-router")
    status, _, err = run(capsys, "--case", case, "--sender", "h9")
    assert (status, "there are h1, h2, r1, r2" in err) == (2, True)


def test_a_case_is_told_with_its_node_and_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    folder = TOP / "pcaps" / "forwarding-disabled"
    status, out, _ = run(capsys, "--case", str(folder), "--json")
    first = json.loads(out)["causes"][0]
    assert status == 0
    assert first["cause"] == "forwarding-disabled"
    assert first["locus"][0]["role"] == "router:1"
    assert first["locus"][0]["node"]
    assert {reason["witness"] for reason in first["because"]} >= {"state", "capture", "text"}


@pytest.mark.needs("cases")
def test_the_witness_alone_decides_not_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    folder = CASES / "no-return-route-on-target.50"
    _, with_all, _ = run(capsys, "--case", str(folder), "--json")
    _, alone, _ = run(capsys, "--text", str(folder / "ping.txt"), "--command", f"@{folder / 'command.txt'}", "--json")
    assert len(json.loads(alone)["causes"]) > len(json.loads(with_all)["causes"])


def test_a_capture_of_another_run_is_named_and_left_out(capsys: pytest.CaptureFixture[str], text: str) -> None:
    other = TOP / "pcaps" / "one-segment" / "capture.pcapng"
    status, out, err = run(capsys, "--text", text, "--capture", str(other), "--json")
    assert status == 0
    assert "another run" in err
    assert not [r for cause in json.loads(out)["causes"] for r in cause["because"] if r["witness"] == "capture"]


def test_the_state_of_a_host_of_another_network_or_another_day_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = TOP / "pcaps" / "no-return-route-on-target"
    state = json.loads((folder / "state" / "h1.json").read_text())
    foreign, older = tmp_path / "foreign.json", tmp_path / "older.json"
    foreign.write_text(json.dumps(state).replace("192.0.2.", "10.99.0."))
    foreign.write_text(re.sub(r"00:00:5e:00:53:", "02:00:00:00:00:", foreign.read_text()))
    older.write_text(re.sub(r"00:00:5e:00:53:", "02:00:00:00:00:", json.dumps(state)))
    given = ("--text", str(folder / "ping.txt"), "--capture", str(folder / "capture.pcapng"), "--sender", "h1", "-q")
    assert run(capsys, *given, "--state", f"h1={folder / 'state' / 'h1.json'}")[2] == ""
    assert "of another day?" in run(capsys, *given, "--state", f"h1={older}")[2]
    assert (
        "it is left out"
        in run(capsys, *given, "--state", f"h1={folder / 'state' / 'h1.json'}", "--state", str(foreign))[2]
    )


def test_captures_that_hold_nothing_of_the_target_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    quoted = icmp(3, 1, 0, ip("192.0.2.1", "198.51.100.1", 1, b"\x08" + b"\0" * 7))
    frames = {
        "asked": ping("192.0.2.1", "198.51.100.1", 1),
        "told": eth(B, A, 0x800, ip("192.0.2.254", "192.0.2.1", 1, quoted)),
        "arp": who_has((A, "198.51.100.7"), "198.51.100.1"),
        "other": who_has((A, "192.0.2.1"), "192.0.2.7"),
    }
    words = []
    for name, frame in frames.items():
        (tmp_path / f"{name}.pcap").write_bytes(pcap(frame).getvalue())
        words += ["--capture", str(tmp_path / f"{name}.pcap")]
    status, _, err = run(capsys, "--text", text, *words, "--json")
    (line,) = [one for one in err.splitlines() if "nothing of 198.51.100.1" in one]
    assert status == 0
    assert [name for name in frames if f"{name}.pcap" in line] == ["other"]
    _, _, err = run(capsys, "--text", text, *words[:6], "--json")
    assert "nothing of" not in err


def test_the_state_of_another_host_is_named_and_left_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shown = tmp_path / "ping.txt"
    shown.write_text(SILENT.replace("-c 3", "-I eth0 -c 3").replace(") 56", ") from 10.9.9.9 eth0: 56"))
    state = TOP / "pcaps" / "one-segment" / "state" / "h1.json"
    status, out, err = run(capsys, "--text", str(shown), "--state", str(state), "--json")
    assert status == 0
    assert "10.9.9.9" in err
    assert not [r for cause in json.loads(out)["causes"] for r in cause["because"] if r["witness"] == "state"]


def test_a_text_that_contradicts_itself_is_said_to(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "edited.txt"
    path.write_text(SILENT.replace("100% packet loss", "33% packet loss"))
    assert "the loss in percent is not what sent and received make" in run(capsys, "--text", str(path))[1]
    assert "食い違っている" in run(capsys, "--text", str(path), "--lang", "ja")[1]
    path.write_text(SILENT)
    assert "contradicts itself" not in run(capsys, "--text", str(path))[1]


def test_lines_that_nobody_understood_are_said_and_not_obeyed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "odd.txt"
    odd = "".join(f"odd remark {number} \x1b[31m\n" for number in range(7))
    path.write_text(SILENT.replace("\n--- ", f"\n{odd}--- "))
    _, page, _ = run(capsys, "--text", str(path))
    said = page.partition("Not understood, and left out")[2]
    assert "odd remark 4" in said
    assert "2 lines more" in said
    assert "\x1b" not in page
    assert "odd remark 6" in run(capsys, "--text", str(path), "-v")[1]
    path.write_text(SILENT)
    assert "Not understood" not in run(capsys, "--text", str(path), "-v")[1]


NO_WAY = """$ ping -c 3 198.51.100.1
ping: connect: Network is unreachable
{}$ ip route
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1
"""


@pytest.mark.parametrize(
    ("between", "is_sure"),
    [
        ("", True),
        ("$ systemctl status NetworkManager\n", True),
        ("$ ip route del default\n", False),
        ("$ sysctl -w net.ipv4.ip_forward=1\n", False),
        ("$ sudo systemctl restart NetworkManager\n", False),
        ("$ sudo dhclient eth0\n", False),
    ],
)
def test_what_the_terminal_shows_of_its_host_beside_the_ping_is_a_witness_unless_somebody_changed_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, between: str, is_sure: bool
) -> None:
    (tmp_path / "t.txt").write_text(NO_WAY.format(between))
    _, out, _ = run(capsys, "--text", str(tmp_path / "t.txt"), "--json")
    found = json.loads(out)
    assert ([each["cause"] for each in found["causes"]] == ["no-route-on-sender"]) is is_sure


def test_a_change_before_what_was_shown_makes_it_no_older_than_the_ping(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "t.txt").write_text("$ sudo ip addr add 192.0.2.1/24 dev eth0\n" + NO_WAY.format(""))
    _, out, _ = run(capsys, "--text", str(tmp_path / "t.txt"), "--json")
    assert [each["cause"] for each in json.loads(out)["causes"]] == ["no-route-on-sender"]


THREE_HOSTS = """root@h1:~# ping -c 3 198.51.100.1
PING 198.51.100.1 (198.51.100.1) 56(84) bytes of data.

--- 198.51.100.1 ping statistics ---
3 packets transmitted, 0 received, 100% packet loss, time 2044ms

root@h1:~# ip -br addr
lo               UNKNOWN        127.0.0.1/8
eth0@if2         UP             192.0.2.1/24
root@h1:~# ip route
default via 192.0.2.254 dev eth0
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1
root@r1:~# ip -br addr
lo               UNKNOWN        127.0.0.1/8
eth0@if2         UP             192.0.2.254/24
eth1@if2         UP             198.51.100.254/24
root@r1:~# ip route
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.254
198.51.100.0/24 dev eth1 proto kernel scope link src 198.51.100.254
root@r1:~# sysctl net.ipv4.ip_forward
net.ipv4.ip_forward = {forward}
root@h2:~# ip -br addr
lo               UNKNOWN        127.0.0.1/8
eth0@if3         {state}             198.51.100.1/24
root@h2:~# ip route
{route}198.51.100.0/24 dev eth0 proto kernel scope link src 198.51.100.1
"""


@pytest.mark.parametrize(
    ("forward", "state", "route", "cause", "node"),
    [
        (1, "UP", "", "no-return-route-on-target", "h2"),
        (0, "UP", "default via 198.51.100.254 dev eth0\n", "forwarding-disabled", "r1"),
    ],
)
def test_every_host_that_a_terminal_shows_is_a_witness(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, forward: int, state: str, route: str, cause: str, node: str
) -> None:
    (tmp_path / "t.txt").write_text(THREE_HOSTS.format(forward=forward, state=state, route=route))
    _, out, _ = run(capsys, "--text", str(tmp_path / "t.txt"), "--json")
    first = json.loads(out)["causes"][0]
    assert (first["cause"], first["locus"][0]["node"]) == (cause, node)


def test_a_look_at_a_switch_comes_first_only_where_there_is_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = "PING 192.0.2.9 (192.0.2.9) 56(84) bytes of data.\nFrom 192.0.2.1 icmp_seq=1 Destination Host Unreachable\n"
    (tmp_path / "t.txt").write_text(f"root@h1:~# ping -c 1 192.0.2.9\n{said}")
    _, out, _ = run(capsys, "--text", str(tmp_path / "t.txt"), "--json")
    assert json.loads(out)["next"][0]["role"] != "switch"
    bridged = {
        name: {"ifindex": 1, "ifname": name, "flags": ["UP", "LOWER_UP"], "master": master}
        for name, master in (("p1", "br0"), ("p2", "br0"), ("br0", None))
    }
    bridged["br0"]["linkinfo"] = {"info_kind": "bridge"}
    (tmp_path / "sw.json").write_text(json.dumps({"link": [*bridged.values()]}))
    _, out, _ = run(capsys, "--text", str(tmp_path / "t.txt"), "--state", str(tmp_path / "sw.json"), "--json")
    assert json.loads(out)["next"][0]["role"] == "switch"


def test_an_mtu_that_a_router_told_in_the_run_before_is_the_ways_and_not_the_senders(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    local = (
        "PING 198.51.100.1 (198.51.100.1) 1600(1628) bytes of data.\nping: local error: message too long, mtu=1300\n"
    )
    typed = "$ ping -c 1 -M do -s 1600 198.51.100.1\n"
    told = "PING 198.51.100.1 (198.51.100.1) 1600(1628) bytes of data.\n"
    told += "From 192.0.2.254 icmp_seq=1 Frag needed and DF set (mtu = 1300)\n"
    for before, first in (("", "local-mtu-too-small"), (typed + told, "path-mtu-exceeded")):
        (tmp_path / "t.txt").write_text(before + typed + local)
        _, out, _ = run(capsys, "--text", str(tmp_path / "t.txt"), "--json")
        assert json.loads(out)["causes"][0]["cause"] == first


HOST_DOWN = """tom@mac ~ % ping -c 1 192.168.1.50
PING 192.168.1.50 (192.168.1.50): 56 data bytes
ping: sendto: Host is down

--- 192.168.1.50 ping statistics ---
1 packets transmitted, 0 packets received, 100.0% packet loss
tom@mac ~ % netstat -rn -f inet
Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.168.1.1        UGScg                 en0
192.168.1          link#6             UCS                   en0      !
"""


def test_a_table_of_another_system_that_nobody_reads_is_not_empty(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "t.txt").write_text(HOST_DOWN)
    _, out, _ = run(capsys, "--text", str(tmp_path / "t.txt"), "--json")
    assert "state" not in {one["witness"] for each in json.loads(out)["causes"] for one in each["because"]}


UNPLUGGED = """me@nb:~$ ping -c 1 192.168.1.1
PING 192.168.1.1 (192.168.1.1) 56(84) bytes of data.
From 192.168.1.10 icmp_seq=1 Destination Host Unreachable

--- 192.168.1.1 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms
me@nb:~$ ip -br a
lo               UNKNOWN        127.0.0.1/8 ::1/128
enp3s0           DOWN           192.168.1.10/24
me@nb:~$ ip r
default via 192.168.1.1 dev enp3s0 linkdown
192.168.1.0/24 dev enp3s0 proto kernel scope link src 192.168.1.10 linkdown
"""


def test_an_interface_that_is_briefly_called_down_and_has_routes_lacks_its_cable(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "t.txt").write_text(UNPLUGGED)
    _, out, err = run(capsys, "--text", str(tmp_path / "t.txt"), "--json")
    assert (json.loads(out)["causes"][0]["cause"], err) == ("link-no-carrier", "")
