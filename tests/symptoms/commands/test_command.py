# ruff: noqa: E501 - one command a row
"""Command lines, read into what they ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explain.symptoms.commands.command import parse_command

COMMANDS = [
    ("ping -c 3 -W 4 -I veth0 192.0.2.9", {"kind": "ping", "count": 3, "wait_s": 4.0, "interface": "veth0", "source": None, "target": "192.0.2.9", "family": 4}),
    ("ping -c3 -i.2 -I 192.0.2.1 www.example.test", {"count": 3, "interval_s": 0.2, "source": "192.0.2.1", "interface": None, "family": 4}),
    ("ping -nc3 -I 2001:db8::1%eth0 fe80::1%eth0", {"source": "2001:db8::1%eth0", "interface": "eth0", "family": 6, "target": "fe80::1%eth0"}),
    ("ping -M do -s 1400 -t 3 -Q 0x10 -w 5 h2", {"pmtu": "do", "size": 1400, "ttl": 3, "deadline_s": 5.0, "target": "h2", "family": None}),
    ("ping6 h2", {"family": 6, "program": "ping6"}),
    ("ping -6 h2", {"family": 6}),
    ("sudo -u bob ip netns exec h1 ping 192.0.2.9", {"node": "h1", "is_privileged": True, "program": "ping"}),
    ("ip -n r1 route", {"node": "r1", "kind": "state", "words": ("ip", "route")}),
    ("docker exec -it -e A=b web ping 192.0.2.9", {"node": "web", "kind": "ping"}),
    ("docker compose exec web ping 192.0.2.9", {"node": "web", "kind": "ping"}),
    ("nsenter --net=/var/run/netns/h2 ping -c1 192.0.2.9", {"node": "h2", "count": 1}),
    ("LANG=C timeout 5 ping 192.0.2.9 2>&1 | tee x", {"target": "192.0.2.9", "kind": "ping"}),
    ("bash -c 'ping -c 1 192.0.2.9'", {"target": "192.0.2.9", "count": 1}),
    ("busybox ping -c 2 192.0.2.9", {"count": 2, "kind": "ping"}),
    ("traceroute -n -q 2 -w 1 -m 6 -I 2001:db8::9", {"kind": "traceroute", "count": 2, "wait_s": 1.0, "target": "2001:db8::9", "interface": None}),
    ("traceroute -i eth0 -s 192.0.2.1 h2", {"interface": "eth0", "source": "192.0.2.1"}),
    ("traceroute --max-hops 5 --fwmark=0x7 192.0.2.9", {"most_hops": 5, "mark": 7, "ttl": None, "target": "192.0.2.9"}),
    ("ping -m 010 -Q 0x10 192.0.2.9", {"mark": 8, "tos": 16, "ttl": None}),
    ("ping -m 0xfffffffff -Q 09 192.0.2.9", {"mark": None, "tos": None}),
    ("tracert -d -h 5 h2", {"kind": "traceroute", "target": "h2", "most_hops": 5}),
    ("tracepath -n -m 3 192.0.2.9", {"kind": "tracepath", "target": "192.0.2.9"}),
    ("mtr -n -r -c 2 192.0.2.9", {"kind": "mtr", "count": 2, "target": "192.0.2.9"}),
    ("curl -sS --connect-timeout 3 -m 9 http://[2001:db8::9]:8080/x", {"kind": "connect", "target": "2001:db8::9", "port": 8080, "wait_s": 3.0, "family": 6}),
    ("curl https://www.example.test", {"target": "www.example.test", "port": 443}),
    ("nc -zv -w 2 192.0.2.9 80", {"target": "192.0.2.9", "port": 80, "wait_s": 2.0}),
    ("ssh -p 2222 bob@h2 uptime", {"target": "h2", "port": 2222}),
    ("telnet h2 25", {"target": "h2", "port": 25}),
    ("wget -T 2 -O - http://192.0.2.9:81/", {"target": "192.0.2.9", "port": 81, "wait_s": 2.0}),
    ("exec 3<>/dev/tcp/192.0.2.9/80", {"kind": "connect", "target": "192.0.2.9", "port": 80}),
    ("python3 -c \"import socket; socket.create_connection(('192.0.2.9', 80), 3)\"", {"kind": "connect", "program": "python", "target": "192.0.2.9", "port": 80}),
    ("dig @192.0.2.53 +short www.example.test AAAA", {"kind": "lookup", "target": "www.example.test"}),
    ("dhclient -4 -d -v -1 -lf /tmp/x eth0", {"kind": "dhcp-client", "target": None, "family": 4}),
    ("udhcpc -i eth0 -n -q", {"kind": "dhcp-client", "interface": "eth0"}),
    ("tcpdump -ni eth0 icmp", {"kind": "capture", "interface": "eth0"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fields"), COMMANDS, ids=[text for text, _ in COMMANDS])
def test_each_command_is_read_for_what_it_asks(text, fields):
    command = parse_command(text)
    assert {name: getattr(command, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("text", "dialect", "fields"),
    [
        ("ping -n 3 -l 1400 -w 2000 -i 5 h2", "windows", {"count": 3, "size": 1400, "wait_s": 2.0, "ttl": 5}),
        ("ping /n 3 h2", "windows", {"count": 3, "target": "h2"}),
        (
            "ping -c 3 -t 9 -m 5 -W 500 -S 192.0.2.1 h2",
            "bsd",
            {"deadline_s": 9.0, "ttl": 5, "wait_s": 0.5, "source": "192.0.2.1"},
        ),
    ],
)
def test_the_letters_mean_what_they_mean_in_the_dialect(text, dialect, fields):
    command = parse_command(text, dialect)
    assert {name: getattr(command, name) for name in fields} == fields


def test_nothing_typed_is_no_command():
    assert parse_command("   ") is None
    assert parse_command("FOO=bar") is None


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text):
    parse_command(text)


@given(
    st.lists(
        st.sampled_from(
            [
                "sudo",
                "ip",
                "netns",
                "exec",
                "-n",
                "ping",
                "--",
                "docker",
                "bash",
                "-c",
                "'",
                "nsenter",
                "-I",
                "9",
                "|",
                "timeout",
            ]
        ),
        max_size=12,
    )
)
def test_any_pile_of_wrappers_ends(words):
    parse_command(" ".join(words))
