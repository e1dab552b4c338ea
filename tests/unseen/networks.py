"""A random network that works: one of eight shapes, with names, addresses, prefixes and interfaces of its own."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from random import Random
from typing import Any

NAMES = (
    *("amber", "birch", "cedar", "delta", "elm", "fjord", "gamma", "hazel", "iris", "jade", "kilo", "lark", "moss"),
    *("nova", "onyx", "pine", "quartz", "reed", "sage", "tide", "ursa", "vega", "wren", "yew", "zinc", "pc3", "gw7"),
)
BLOCKS_4 = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
DOCUMENTATION_4 = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
STYLES = ("eth", "ens", "veth", "to", "own")
# Shape -> its segments; a switch joins the segments of three and more.
SEGMENTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "direct": (("S", "T"),),
    "bridge": (("S", "T", "X"),),
    "r1": (("S", "R1"), ("R1", "T")),
    "r1b": (("S", "R1", "X"), ("R1", "T")),
    "r2": (("S", "R1"), ("R1", "R2"), ("R2", "T")),
    "par": (("S", "R1"), ("S", "R2"), ("R1", "T"), ("R2", "T")),
    "lan2": (("S", "R1", "R2"), ("R2", "T")),
    "nat": (("S", "R1"), ("R1", "T")),
}
ROLES = {"S": "sender", "T": "target", "X": "bystander"}


@dataclass
class Net:
    """A network in the making; tables are those of a lab file.

    Attributes:
        nodes: role -> its table of the lab file.
        name: role -> name.
        nics: role -> interfaces in the order of its segments.
        cidrs: (role, number of the interface) -> address with prefix length.
        target: what the command speaks to.
    """

    rng: Random
    shape: str
    family: int
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    name: dict[str, str] = field(default_factory=dict)
    nics: dict[str, list[str]] = field(default_factory=dict)
    cidrs: dict[tuple[str, int], str] = field(default_factory=dict)
    members: list[list[tuple[str, int]]] = field(default_factory=list)
    links: list[list[str]] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)
    fault: list[dict[str, Any]] = field(default_factory=list)
    before: list[dict[str, Any]] = field(default_factory=list)
    noise: str = "off"
    port: int = 0

    def ip(self, role: str, number: int = 0) -> str:
        """The address of an interface."""
        return self.cidrs[role, number].split("/")[0]

    def net(self, role: str, number: int = 0) -> str:
        """The network of an interface."""
        return str(ipaddress.ip_interface(self.cidrs[role, number]).network)

    def unused(self, role: str, number: int = 0) -> str:
        """An address of that network that nobody has."""
        network = ipaddress.ip_network(self.net(role, number))
        taken = {each.split("/")[0] for each in self.cidrs.values()}
        while True:
            one = str(network[self.rng.randrange(1, min(network.num_addresses - 1, 1 << 16))])
            if one not in taken:
                return one

    def route(self, role: str, text: str) -> None:
        """One more route of a node."""
        self.nodes[role].setdefault("routes", []).append(text)

    def do(self, role: str, *words: str) -> None:
        """One more command of the fault."""
        run = list(words) if len(words) > 1 else words[0].split()
        self.fault.append({"on": self.name[role], "run": run})

    def sysctl(self, role: str, key: str, value: str) -> None:
        """A setting of the fault."""
        self.do(role, "sysctl", "-w", f"{key}={value}")

    @property
    def v6(self) -> bool:
        """Whether the command speaks IPv6."""
        return self.family == 6

    @property
    def switch(self) -> str | None:
        """The role of the switch, if there is one."""
        return "SW" if "SW" in self.nodes else None

    def router_towards(self, role: str) -> str:
        """The router that a host has as its gateway."""
        return {"S": "R1", "T": "R2" if self.shape in {"r2", "lan2", "par"} else "R1"}[role]

    def gateway(self, role: str) -> str:
        """The address of a host's gateway."""
        for segment in self.members:
            if any(one == role for one, _ in segment):
                for one, number in segment:
                    if one == self.router_towards(role):
                        return self.ip(one, number)
        raise LookupError(role)


def network(rng: Random, shape: str, family: int) -> Net:
    """A healthy network of that shape."""
    net = Net(rng, shape, family)
    roles = list(dict.fromkeys(role for segment in SEGMENTS[shape] for role in segment))
    names = rng.sample(NAMES, len(roles) + 1)
    for role, name in zip([*roles, "SW"], names, strict=True):
        net.name[role] = name
    for role in sorted(roles, key=lambda role: role[0] == "R"):
        net.nodes[role] = {"kind": "router"} if role[0] == "R" else {"role": ROLES[role]}
        net.nodes[role]["interfaces"] = {}
        net.nics[role] = []
    _wire(net)
    _route(net)
    net.noise = rng.choice(("quiet", "natural")) if net.v6 else rng.choice(("off", "off", "natural"))
    net.port = rng.choice((22, 53, 80, 443, 5432, 8080, 9000))
    return net


def _wire(net: Net) -> None:
    style = net.rng.choice(STYLES)
    taken: list[Any] = []
    for segment in SEGMENTS[net.shape]:
        subnet = _subnet(net, taken, is_inside=net.shape == "nat" and not taken)
        taken.append(subnet)
        has_switch = len(segment) > 2
        placed = []
        for role in segment:
            peer = "SW" if has_switch else next(one for one in segment if one != role)
            nic = _nic(net, role, peer, style)
            number = len(net.nics[role])
            net.nics[role].append(nic)
            net.cidrs[role, number] = f"{_address(net, subnet, placed)}/{subnet.prefixlen}"
            net.nodes[role]["interfaces"][nic] = {"address": net.cidrs[role, number], "mac": _mac(net.rng)}
            placed.append((role, number))
        net.members.append(placed)
        ends = [f"{net.name[role]}.{net.nics[role][number]}" for role, number in placed]
        if has_switch:
            net.nodes["SW"] = {"kind": "switch", "interfaces": {}}
            net.nics["SW"] = []
            for (role, _), end in zip(placed, ends, strict=True):
                port = _nic(net, "SW", role, style)
                net.nics["SW"].append(port)
                net.nodes["SW"]["interfaces"][port] = {"mac": _mac(net.rng)}
                net.links.append([end, f"{net.name['SW']}.{port}"])
        else:
            net.links.append(ends)


def _nic(net: Net, role: str, peer: str, style: str) -> str:
    number = len(net.nics[role])
    return {
        "eth": f"eth{number}",
        "ens": f"ens{number + 3}",
        "veth": f"veth{number}",
        "to": f"to-{net.name[peer]}",
        "own": f"{net.name[role]}-v{number}",
    }[style]


def _mac(rng: Random) -> str:
    octets = [rng.randrange(256) & 0xFE | 2, *(rng.randrange(256) for _ in range(5))]
    return ":".join(f"{octet:02x}" for octet in octets)


def _subnet(net: Net, taken: list[Any], *, is_inside: bool) -> Any:
    rng = net.rng
    while True:
        if net.v6:
            head = "fd" if rng.random() < 0.5 or is_inside else "2001:db8:"
            middle = (
                f"{rng.randrange(256):02x}:{rng.randrange(65536):x}:" if head == "fd" else f"{rng.randrange(65536):x}:"
            )
            one: Any = ipaddress.ip_network(f"{head}{middle}{rng.randrange(65536):x}::/64", strict=False)
        elif rng.random() < 0.3 and not is_inside:
            block = ipaddress.ip_network(rng.choice(DOCUMENTATION_4))
            one = rng.choice(list(block.subnets(new_prefix=rng.choice((24, 26)))))
        else:
            block = ipaddress.ip_network(rng.choice(BLOCKS_4))
            length = rng.choice((16, 20, 24, 24, 24, 24, 26, 28))
            length = max(length, block.prefixlen + 1)
            first = int(block.network_address) + rng.randrange(1 << (length - block.prefixlen)) * (1 << (32 - length))
            one = ipaddress.ip_network((first, length))
        if not any(one.overlaps(other) for other in taken):
            return one


def _address(net: Net, subnet: Any, placed: list[tuple[str, int]]) -> str:
    taken = {net.ip(role, number) for role, number in placed}
    while True:
        one = str(subnet[net.rng.randrange(1, min(subnet.num_addresses - 1, 1 << 16))])
        if one not in taken:
            return one


def _route(net: Net) -> None:
    """Every host a default route, every router routes to what it does not touch."""
    if net.shape in {"direct", "bridge"}:
        return
    hosts = ["S", *(["X"] if "X" in net.nodes else [])]
    for host in hosts:
        gateway = net.ip("R2", 0) if net.shape == "lan2" else net.gateway("S")
        net.route(host, f"default via {gateway}")
    if net.shape != "nat":
        net.route("T", f"default via {net.gateway('T')}")
    if net.shape == "r2":
        net.route("R1", f"{net.net('T')} via {net.ip('R2', 0)}")
        net.route("R2", f"{net.net('S')} via {net.ip('R1', 1)}")
    if net.shape == "par":
        # The request goes by the first router, the reply by the second.
        net.route("R2", f"{net.net('S', 0)} via {net.ip('S', 1)}")
    if net.shape == "lan2":
        net.route("R1", f"{net.net('T')} via {net.ip('R2', 0)}")
    if net.shape == "nat":
        masquerade(net, "R1", net.nics["R1"][1], net.net("S"))


def masquerade(net: Net, role: str, device: str, source: str | None) -> None:
    """Source NAT towards a device, in the words of nft or of iptables."""
    family = "ip6" if net.v6 else "ip"
    if net.rng.random() < 0.5:
        match = f"{family} saddr {source} " if source else ""
        net.nodes[role]["nft"] = (
            f"table {family} nat {{\n chain post {{\n  type nat hook postrouting priority srcnat\n"
            f'  {match}oifname "{device}" masquerade\n }}\n}}\n'
        )
        return
    words = ["ip6tables" if net.v6 else "iptables", "-t", "nat", "-A", "POSTROUTING", "-o", device]
    net.before.append({"on": net.name[role], "run": [*words, *(["-s", source] if source else []), "-j", "MASQUERADE"]})
