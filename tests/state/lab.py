# ruff: noqa: E501 - one command a line
"""Small real networks for tests: namespaces with veths, a fault, the hosts' states, and what ping says.

Every namespace is named ``explain-test-...`` and is removed with its network.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from contextlib import suppress
from typing import Self

_COLLECT = r"""
p() { printf '\n@@%s\n' "$1"; }
p addr; ip -j addr; p link; ip -j -d -s link; p route; ip -j route show table all; p route6; ip -j -6 route show table all
p rule; ip -j rule; p rule6; ip -j -6 rule; p neigh; ip -j neigh; p proxy; ip -j neigh show proxy
p fdb; bridge -j fdb; p bridge_link; bridge -d -j link; p nft; nft -j list ruleset
p iptables_save; iptables-save -c; p ip6tables_save; ip6tables-save -c; p sockets; ss -H -n -t -u -a
p conntrack; conntrack -L 2>/dev/null; p counters; nstat -az
p sysctl; sysctl -e -a -r '^net\.(ipv4\.(ip_|icmp_)|ipv6\.icmp|bridge|ipv[46]\.conf\..*\.(forwarding|rp_filter|arp_ignore|arp_filter|proxy_arp|send_redirects|accept_ra|disable_ipv6|accept_local)$)' 2>/dev/null
"""
_LINES = {"iptables_save", "ip6tables_save", "sockets", "conntrack"}


class Lab:
    """Hosts joined by veths; a context manager that leaves nothing behind."""

    def __init__(self, seed: int, family: int) -> None:
        self.random = random.Random(seed)
        self.family = family
        self.prefix = f"explain-test-{os.getpid()}-{seed}-"
        self.hosts: list[str] = []
        self.links: list[tuple[str, str, str, str]] = []
        self.addresses: dict[tuple[str, str], str] = {}
        self.nets: list[str] = []
        self.running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.running:
            each.kill()
            each.wait()
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", self.prefix + host], capture_output=True, check=False)

    def host(self, name: str, *, forwards: bool = False) -> None:
        """A new namespace with everything set that a distribution could have set otherwise."""
        subprocess.run(["ip", "netns", "add", self.prefix + name], check=True, capture_output=True)
        self.hosts.append(name)
        on = int(forwards)
        knobs = [
            f"net.ipv4.ip_forward={on}", f"net.ipv6.conf.all.forwarding={on}", "net.ipv4.conf.all.rp_filter=0",
            "net.ipv4.conf.default.rp_filter=0", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0",
            "net.ipv6.conf.default.accept_ra=0", "net.ipv4.conf.all.arp_ignore=0", "net.ipv4.conf.all.proxy_arp=0",
            "net.ipv4.conf.all.send_redirects=1", "net.ipv4.conf.default.send_redirects=1",
        ]  # fmt: skip
        if self.family == 4:
            knobs += ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]
        self.sh(name, f"sysctl -q -w {' '.join(knobs)}; ip link set lo up")

    def sh(self, host: str, script: str, *, check: bool = True) -> str:
        """Run a shell script on a host; its output."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.prefix + host, "sh", "-c", script],
            capture_output=True,
            check=False,
            timeout=60,
        )
        if check and done.returncode:
            raise AssertionError(f"{host}: {script}: {done.stderr.decode()}")
        return done.stdout.decode()

    def background(self, host: str, *command: str) -> None:
        """A program that runs on a host until the lab ends."""
        self.running.append(
            subprocess.Popen(
                ["ip", "netns", "exec", self.prefix + host, *command],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip

    def join(self, one: str, one_device: str, other: str, other_device: str) -> None:
        """A cable."""
        self.sh(one, f"ip link add {one_device} type veth peer name {other_device} netns {self.prefix + other}")
        for host, device in ((one, one_device), (other, other_device)):
            self.sh(host, f"ip link set {device} up")
        self.links.append((one, one_device, other, other_device))

    def net(self) -> str:
        """A new prefix; the hosts in it are ``{net}.7`` or ``{net}::7``."""
        while True:
            numbers = [self.random.randrange(1, 250) for _ in range(3)]
            made = "10.{}.{}".format(*numbers) if self.family == 4 else "2001:db8:{:x}:{:x}".format(*numbers)
            if made not in self.nets:
                self.nets.append(made)
                return made

    def at(self, net: str, number: int) -> str:
        """An address of a prefix."""
        return f"{net}.{number}" if self.family == 4 else f"{net}::{number:x}"

    def prefix_of(self, net: str) -> str:
        """The prefix with its length."""
        return f"{net}.0/24" if self.family == 4 else f"{net}::/64"

    def address(self, host: str, device: str, net: str, number: int) -> str:
        """Give a host an address."""
        own = self.at(net, number)
        flags = "" if self.family == 4 else " nodad"
        self.sh(host, f"ip addr add {own}/{24 if self.family == 4 else 64} dev {device}{flags}")
        self.addresses[(host, device)] = own
        return own

    def route(self, host: str, network: str, gateway: str) -> None:
        """A route through a gateway."""
        self.sh(host, f"ip {'-6 ' if self.family == 6 else ''}route add {network} via {gateway}")

    def state(self, host: str) -> dict[str, object]:
        """The host's state in the contract's form."""
        parts: dict[str, object] = {}
        for section in self.sh(host, _COLLECT, check=False).split("\n@@")[1:]:
            key, _, text = section.partition("\n")
            parts[key] = _parsed(key, text)
        return parts

    def ping(self, host: str, *arguments: str) -> bool:
        """Whether a ping is answered."""
        command = ["ip", "netns", "exec", self.prefix + host, "ping", "-n", "-c", "1", "-W", "1", *arguments]
        with suppress(subprocess.TimeoutExpired):
            return subprocess.run(command, capture_output=True, check=False, timeout=15).returncode == 0
        return False


def _parsed(key: str, text: str) -> object:
    if key in _LINES:
        return [line for line in text.splitlines() if line.strip()]
    if key == "sysctl":
        pairs = [line.partition(" = ") for line in text.splitlines()]
        return {name: value for name, found, value in pairs if found}
    if key == "counters":
        rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
        return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1] != "0"}
    return json.loads(text) if text.strip() else []


def topology(lab: Lab, name: str) -> None:
    """Build one of the usual networks: direct, bridge, r1, r1b, r2, nat, lan2, par."""
    _BUILDERS[name](lab)


def _direct(lab: Lab) -> None:
    for each in "ST":
        lab.host(each)
    lab.join("S", "s0", "T", "t0")
    net = lab.net()
    lab.address("S", "s0", net, 5)
    lab.address("T", "t0", net, 9)


def _switch(lab: Lab, *members: str) -> None:
    lab.host("SW")
    lab.sh("SW", "ip link add br0 type bridge mcast_snooping 0; ip link set br0 up")
    for member in members:
        device = f"{member.lower()}0"
        lab.join(member, device, "SW", f"p{member.lower()}")
        lab.sh("SW", f"ip link set p{member.lower()} master br0")


def _bridge(lab: Lab) -> None:
    for each in "STX":
        lab.host(each)
    _switch(lab, "S", "T", "X")
    net = lab.net()
    for each, number in (("S", 5), ("T", 9), ("X", 77)):
        lab.address(each, f"{each.lower()}0", net, number)


def _r1(lab: Lab) -> None:
    lab.host("S")
    lab.host("T")
    lab.host("R1", forwards=True)
    lab.join("S", "s0", "R1", "r10")
    lab.join("R1", "r11", "T", "t0")
    _ends(lab, "R1", "r10", "R1", "r11")


def _ends(lab: Lab, near: str, near_device: str, far: str, far_device: str) -> None:
    inside, outside = lab.net(), lab.net()
    lab.address("S", "s0", inside, 5)
    lab.address("T", "t0", outside, 9)
    lab.route("S", "default", lab.address(near, near_device, inside, 1))
    lab.route("T", "default", lab.address(far, far_device, outside, 1))


def _r1b(lab: Lab) -> None:
    for each in "STX":
        lab.host(each)
    lab.host("R1", forwards=True)
    _switch(lab, "S", "R1", "X")
    lab.join("R1", "r11", "T", "t0")
    _ends(lab, "R1", "r10", "R1", "r11")
    lab.address("X", "x0", lab.nets[0], 77)
    lab.route("X", "default", lab.at(lab.nets[0], 1))


def _r2(lab: Lab) -> None:
    lab.host("S")
    lab.host("T")
    for each in ("R1", "R2"):
        lab.host(each, forwards=True)
    lab.join("S", "s0", "R1", "r10")
    lab.join("R1", "r11", "R2", "r20")
    lab.join("R2", "r21", "T", "t0")
    _ends(lab, "R1", "r10", "R2", "r21")
    middle = lab.net()
    lab.address("R1", "r11", middle, 1)
    lab.address("R2", "r20", middle, 2)
    lab.route("R1", lab.prefix_of(lab.nets[1]), lab.at(middle, 2))
    lab.route("R2", lab.prefix_of(lab.nets[0]), lab.at(middle, 1))


def _nat(lab: Lab) -> None:
    _r1(lab)
    lab.sh("T", "ip route del default")
    lab.sh("R1", f"iptables -t nat -A POSTROUTING -s {lab.prefix_of(lab.nets[0])} -o r11 -j MASQUERADE")


def _lan2(lab: Lab) -> None:
    lab.host("S")
    lab.host("T")
    for each in ("R1", "R2"):
        lab.host(each, forwards=True)
    _switch(lab, "S", "R1", "R2")
    lab.join("R2", "r21", "T", "t0")
    _ends(lab, "R1", "r10", "R2", "r21")
    lab.address("R2", "r20", lab.nets[0], 2)
    lab.route("R1", lab.prefix_of(lab.nets[1]), lab.at(lab.nets[0], 2))


def _par(lab: Lab) -> None:
    """The request goes by R1, the answer by R2."""
    lab.host("S")
    lab.host("T")
    for each in ("R1", "R2"):
        lab.host(each, forwards=True)
    lab.join("S", "s0", "R1", "r10")
    lab.join("R1", "r11", "T", "t0")
    lab.join("S", "s1", "R2", "r20")
    lab.join("R2", "r21", "T", "t1")
    inside, outside, inside2, outside2 = (lab.net() for _ in range(4))
    lab.address("S", "s0", inside, 5)
    lab.address("T", "t0", outside, 9)
    lab.address("S", "s1", inside2, 5)
    lab.address("T", "t1", outside2, 9)
    lab.route("S", "default", lab.address("R1", "r10", inside, 1))
    lab.address("R1", "r11", outside, 1)
    lab.address("R2", "r20", inside2, 1)
    lab.route("T", "default", lab.address("R2", "r21", outside2, 1))
    lab.route("R2", lab.prefix_of(inside), lab.at(inside2, 5))


_BUILDERS = {
    "direct": _direct, "bridge": _bridge, "r1": _r1, "r1b": _r1b, "r2": _r2, "nat": _nat, "lan2": _lan2, "par": _par,
}  # fmt: skip
