"""What was typed and never shown is said, once, with the command that would show it."""

from __future__ import annotations

import io

import pytest

import explain

PINGED = """\
root@r1:~# ping -c 1 198.51.100.1
PING 198.51.100.1 (198.51.100.1) 56(84) bytes of data.
64 bytes from 198.51.100.1: icmp_seq=1 ttl=63 time=0.415 ms

--- 198.51.100.1 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
"""
MASQUERADED = "root@r1:~# iptables -t nat -A POSTROUTING -o wan -j MASQUERADE\n"
ROUTED = "root@r1:~# ip route add default via 192.0.2.1\n"
ROUTES = "root@r1:~# ip route\ndefault via 192.0.2.1 dev eth0\n"
SAVED = "root@r1:~# iptables-save -t nat\n*nat\n-A POSTROUTING -o wan -j MASQUERADE\nCOMMIT\n"
REFUSED = "root@r1:~# ip route add default via 192.0.2.1\nRTNETLINK answers: File exists\n"
SET = "root@r1:~# sysctl -w net.ipv4.ip_forward=1\nnet.ipv4.ip_forward = 1\n"


def said(text):
    lines = explain.explain(io.BytesIO(text.encode())).lines
    return [line for line in lines if line.message.startswith("notes.unseen")]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        (MASQUERADED + PINGED, ["iptables-save -c"]),
        (PINGED + ROUTED, ["ip route"]),
        (ROUTES + ROUTED + MASQUERADED, ["ip route", "iptables-save -c"]),
        (ROUTED + ROUTES.replace("@r1", "@r2"), ["ip route"]),
        ("root@r1:~# ip netns add h9\n" + ROUTES, ["ip netns list"]),
    ],
)
def test_a_command_whose_effect_is_never_shown_is_named(text, commands):
    (line,) = said(text)
    assert line.message == "notes.unseen.some"
    assert line.values["commands"] == commands


@pytest.mark.parametrize(
    "text",
    [
        ROUTED + ROUTES, ROUTED + PINGED, MASQUERADED + SAVED, REFUSED + PINGED, SET, PINGED,
        "root@r1:~# ip netns add h9\nroot@r1:~# ip netns exec h9 ip route\ndefault via 192.0.2.1 dev eth0\n",
    ],
)  # fmt: skip
def test_nothing_is_said_of_what_a_table_or_a_program_that_worked_shows(text):
    assert said(text) == []


def test_a_text_of_commands_alone_is_said_to_show_nothing():
    (line,) = said(ROUTED + MASQUERADED)
    assert line.message == "notes.unseen.all"
