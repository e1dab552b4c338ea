"""Tables of switches, sockets, nft, and logs of servers are told in words, from what real programs printed."""

from __future__ import annotations

import io
import re

import pytest
from surroundings import TOP

import explain
from explain.causes.notes.states import states_of
from explain.causes.notes.study import study
from explain.symptoms.notes import read_notes

RECORDED = (TOP / "pcaps" / "terminals" / "terminal.txt").read_text("utf-8")


def block(command, nth=0):
    """The command as it was recorded, with its output, up to the next prompt."""
    starts = [found.start() for found in re.finditer(rf"^root@\w+:~# {re.escape(command)}$", RECORDED, re.MULTILINE)]
    rest = RECORDED[starts[nth] :]
    end = rest.find("\nroot@", 1)
    return rest if end < 0 else rest[: end + 1]


def story(text, language="en"):
    return " ".join(explain.explain(io.BytesIO(text.encode())).story(language).split())


@pytest.mark.parametrize(
    ("command", "nth", "told"),
    [
        ("bridge link", 0, "The ports of the switch sw: p1 passes frames on, p3 passes frames on"),
        ("bridge fdb show br br0", 0, "00:00:5e:00:53:01 is behind p1, 00:00:5e:00:53:99 is behind p3 (set by hand)"),
        ("nft list ruleset", 0, "On h2 the policy of input is DROP"),
        ("nft list ruleset", 0, "DNAT tcp dport 54321 dnat to 192.0.2.1:80"),
        ("nft list ruleset", 0, "packets from 10.0.0.0/8 its own address"),
        ("ss -tanp", 0, "has not (CLOSE-WAIT): 192.0.2.1:49502 - 203.0.113.2:80"),
        ("ss -tanp", 0, "open on h1: 192.0.2.1:49504 - 203.0.113.2:80"),
        ("ss -tan", 1, "waits for an answer (SYN-SENT): 192.0.2.1:47802 - 203.0.113.2:80"),
        ("ip netns list", 0, "The namespaces that exist: "),
        ("conntrack -L", 0, "192.0.2.1:40160 to 203.0.113.2:80 goes on as if 203.0.113.1:40160 had asked"),
        ("conntrack -L", 1, "r1 remembers 11 connections"),
        ("conntrack -L", 1, "203.0.113.2:35234 to 203.0.113.1:54321 is taken to 192.0.2.1:80"),
        ("conntrack -L", 1, "192.0.2.1:42627 to 192.0.2.254:53. The answer mirrors the question"),
        ("conntrack -L", 1, "No answer has come back through r1 for 2 connections"),
        ("udhcpc -i eth0 -n -q -f -s /run/hook", 0, "h3 got the address 192.0.2.103 by DHCP"),
        ("cat /var/log/dnsmasq.log", 0, "It gave 192.0.2.103 to 00:00:5e:00:53:03"),
        ("cat /var/log/dnsmasq.log", 0, "It answered for www.example.test"),
        ("cat /var/log/dnsmasq.log", 0, "no such name: ww.example.test"),
    ],
)
def test_what_a_program_printed_is_told(command, nth, told):
    assert told in story(block(command, nth))
    assert story(block(command, nth), "ja") != story(block(command, nth))


def test_a_port_that_is_closed_is_said_to_pass_nothing_on():
    text = block("bridge link").replace("state forwarding", "state blocking", 1)
    assert "p1 passes nothing on (blocking: closed by the spanning tree), p3 passes frames on" in story(text)


def test_a_client_that_was_never_given_an_address_is_named():
    log = [line for line in block("cat /var/log/dnsmasq.log").split("\n") if "DHCPACK" not in line]
    assert "00:00:5e:00:53:03 asked, and what it got in the end is not in the log" in story("\n".join(log))


@pytest.mark.parametrize("shower", ["cat", "tail -n 50", "sudo less", "grep dnsmasq"])
def test_a_file_that_was_shown_is_read_by_its_look(shower):
    text = block("cat /var/log/dnsmasq.log").replace("cat ", f"{shower} ", 1)
    assert "It gave 192.0.2.103 to 00:00:5e:00:53:03" in story(text)
    shown = block("ip route").replace("ip route", f"{shower} routes.txt", 1)
    assert "192.0.2.254" in story(shown)


def test_a_setting_that_was_shown_as_a_file_is_still_a_setting():
    assert "r1 does not forward" in story("root@r1:~# cat /proc/sys/net/ipv4/ip_forward\n0\n")


@pytest.mark.parametrize(
    ("command", "nth"),
    [
        ("ip address", 0), ("ip -br address", 0), ("ip link", 0), ("ip -d address show dev tun0", 0),
        ("ip neigh", 0), ("bridge link", 0),
        ("ip route", 0), ("ip route", 2), ("ip route get 203.0.113.2", 0), ("ip -6 route get 2001:db8:1::fe", 0),
        ("nft list ruleset", 0), ("ss -tanp", 0), ("ss -uln", 0), ("iptables -S", 0),
    ],
)  # fmt: skip
def test_a_table_without_its_command_is_as_whole_as_with_it(command, nth):
    with_it, without = (
        [(one.kind, one.rows) for one in read_notes(text).blocks]
        for text in (block(command, nth), block(command, nth).split("\n", 1)[1])
    )
    assert without == with_it


def test_the_old_table_of_routes_needs_no_command_either():
    head = "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n"
    rows = ("0.0.0.0 192.0.2.1 0.0.0.0 UG 0 0 0 eth0", "192.0.2.0 0.0.0.0 255.255.255.0 U 0 0 0 eth0")
    told = story(head + "".join("  ".join(row.split()) + "\n" for row in rows))
    assert "knows the way to 192.0.2.0/24; everything else goes to 192.0.2.1." in told


def test_an_interface_without_an_address_belongs_to_the_short_list():
    told = story("eth0    UP    192.0.2.2/24 \neth1    DOWN    \n")
    assert "has eth0 (up) with 192.0.2.2/24, eth1 (state not shown)" in told


def test_a_route_that_refuses_is_no_way():
    refusing = "blackhole 10.1.0.0/16\nunreachable default\n192.0.2.0/24 dev eth0 proto kernel scope link\n"
    told = story(f"r# ip route\n{refusing}")
    assert "r lets no packet through to 10.1.0.0/16, default" in told
    assert "r has routes to 192.0.2.0/24." in told


TWICE = """\
    [NEW] icmp     1 30 src=2001:db8::1 dst=2001:db8:1::1 type=128 code=0 id=7 [UNREPLIED] \
src=2001:db8:1::2 dst=2001:db8:2::1 type=129 code=0 id=9
    [NEW] udp      17 30 src=192.0.2.1 dst=192.0.2.2 sport=4000 dport=53 src=192.0.2.2 dst=192.0.2.1 sport=53 dport=4000
[DESTROY] udp      17 src=192.0.2.1 dst=192.0.2.2 sport=4000 dport=53 src=192.0.2.2 dst=192.0.2.1 sport=53 dport=4000
""".replace("\\\n", "")


@pytest.mark.parametrize("change", [block, lambda command, nth: block(command, nth).split("\n", 1)[1]])
def test_a_list_of_connections_is_read_with_and_without_its_command(change):
    assert "192.0.2.1:40160 to 203.0.113.2:80 goes on as if 203.0.113.1:40160" in story(change("conntrack -L", 0))


def test_events_of_connections_tell_what_is_left_of_them_with_both_ends_translated():
    told = story(f"r# conntrack -E\n{TWICE}")
    assert "r remembers 1 connection:" in told
    assert "2001:db8::1 id 7 to 2001:db8:1::1 goes on as 2001:db8:2::1 id 9 to 2001:db8:1::2" in told


def test_the_connections_of_a_list_are_in_the_state_of_the_host_that_shows_it():
    (state,) = states_of(study(read_notes(block("conntrack -L"))).picture)
    assert state.name == "r1"
    assert [line.split()[0] for line in state.conntrack or ()] == ["tcp"]


def test_a_memory_without_connections_is_told_too():
    assert "r remembers no connection" in story(
        "r# conntrack -L\nconntrack v1.4.7 (conntrack-tools): 0 flow entries have been shown.\n"
    )
