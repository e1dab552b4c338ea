# ruff: noqa: E501 - one object a line
"""Small hand-written states: two hosts and a router, with as much as a question needs."""

from __future__ import annotations

from typing import Any

from explain.state.reading.state_file import host_state
from explain.state.records import HostState

MACS = {"S": "02:00:00:00:00:01", "R": "02:00:00:00:00:02", "Q": "02:00:00:00:00:03", "T": "02:00:00:00:00:04"}
RULES = [
    {"priority": 0, "src": "all", "table": "local"},
    {"priority": 32766, "src": "all", "table": "main"},
    {"priority": 32767, "src": "all", "table": "default"},
]
LINKS = [("S", "s0", "R", "r0"), ("R", "r1", "T", "t0")]


def interface(name: str, index: int, mac: str, *addresses: str, peer: int | None = None, **more: Any) -> dict[str, Any]:
    """One entry of ``ip addr``; an address is ``10.0.0.1/24``."""
    listed = []
    for each in addresses:
        local, _, length = each.partition("/")
        family = "inet6" if ":" in local else "inet"
        scope = "link" if local.startswith("fe80") else "global"
        listed.append({"family": family, "local": local, "prefixlen": int(length), "scope": scope})
    made = {
        "ifindex": index, "ifname": name, "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"], "mtu": 1500,
        "link_type": "ether", "address": mac, "addr_info": listed,
    }  # fmt: skip
    if peer is not None:
        made |= {"link_index": peer, "link_netnsid": 0}
    return made | more


def loopback() -> dict[str, Any]:
    """lo, up."""
    return {
        "ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "mtu": 65536, "link_type": "loopback",
        "address": "00:00:00:00:00:00",
        "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host"}],
    }  # fmt: skip


def raw(*interfaces: dict[str, Any], routes: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """A whole state: connected and local routes are added as the kernel does."""
    listed = [*(routes or [])]
    for each in interfaces:
        for address in each["addr_info"]:
            if ":" in address["local"]:
                continue
            local, length = address["local"], address["prefixlen"]
            number = int.from_bytes(bytes(map(int, local.split("."))), "big") >> 32 - length << 32 - length
            network = ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
            local_route = {"type": "local", "dst": local, "dev": each["ifname"], "table": "local", "scope": "host"}
            listed.append(local_route | {"prefsrc": local, "flags": []})
            if length < 32 and "UP" in each["flags"]:
                listed.append(
                    {"dst": f"{network}/{length}", "dev": each["ifname"], "protocol": "kernel", "scope": "link",
                     "prefsrc": local, "flags": []}
                )  # fmt: skip
    state = {
        "addr": [loopback(), *interfaces], "route": listed, "route6": [], "rule": RULES, "rule6": [], "neigh": [],
        "proxy": [], "nft": {"nftables": []}, "iptables_save": [], "ip6tables_save": [], "sockets": [],
        "sysctl": {"net.ipv4.icmp_echo_ignore_all": "0", "net.ipv4.ip_forward": "0"}, "counters": {},
    }  # fmt: skip
    return state | more


def raws() -> dict[str, dict[str, Any]]:
    """S - R - T, healthy: 10.0.1.5, 10.0.1.1 and 10.0.2.1, 10.0.2.9."""
    forwards = {"net.ipv4.ip_forward": "1", "net.ipv4.conf.r0.forwarding": "1", "net.ipv4.conf.r1.forwarding": "1"}
    return {
        "S": raw(interface("s0", 2, MACS["S"], "10.0.1.5/24", peer=2),
                 routes=[{"dst": "default", "gateway": "10.0.1.1", "dev": "s0", "flags": []}]),
        "R": raw(interface("r0", 2, MACS["R"], "10.0.1.1/24", peer=2), interface("r1", 3, MACS["Q"], "10.0.2.1/24", peer=2),
                 sysctl=forwards),
        "T": raw(interface("t0", 2, MACS["T"], "10.0.2.9/24", peer=3),
                 routes=[{"dst": "default", "gateway": "10.0.2.1", "dev": "t0", "flags": []}]),
    }  # fmt: skip


def states(changed: dict[str, dict[str, Any]] | None = None) -> list[HostState]:
    """The records of the three hosts, with parts of some replaced."""
    made = raws()
    for name, parts in (changed or {}).items():
        made[name] |= parts
    return [host_state(value, name) for name, value in made.items()]
