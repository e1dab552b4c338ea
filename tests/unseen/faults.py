"""One random way to break a network for each cause; what does not fit a network says so."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from unseen.networks import Net, masquerade
from unseen.rules import filtered, reject_of


class UnfitError(Exception):
    """The cause cannot strike in this network."""


@dataclass
class Broken:
    """What the fault asks of the command.

    Attributes:
        culprits: roles of the nodes at fault.
        tool: ping, tcp, trace or dhcp.
        options: more words for ping.
        target: what is typed, if it is not the target's address.
        steps: what is done before the command.
        behaviour: what the service at the target does.
        run: the whole command, where it is another.
        privileged: whether the command may open a raw socket.
    """

    culprits: tuple[str, ...]
    tool: str = "ping"
    options: list[str] = field(default_factory=list)
    target: str | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    behaviour: str | None = "answer"
    run: list[str] | None = None
    privileged: bool = True
    also: tuple[str, ...] = ()


FAULTS: dict[str, tuple[tuple[str, ...], tuple[int, ...], Callable[[Net], Broken]]] = {}
ROUTED = ("r1", "r1b", "r2", "par", "lan2")
ANY = ("direct", "bridge", *ROUTED)
BOTH = (4, 6)


def fault(
    cause: str, shapes: tuple[str, ...], families: tuple[int, ...] = BOTH
) -> Callable[[Callable[[Net], Broken]], Callable[[Net], Broken]]:
    """Enters a fault under its cause."""

    def enter(make: Callable[[Net], Broken]) -> Callable[[Net], Broken]:
        key = cause if cause not in FAULTS else f"{cause}.{make.__name__}"
        FAULTS[key] = (shapes, families, make)
        return make

    return enter


def tool_of(net: Net, *names: str) -> str:
    return net.rng.choice(names or ("ping", "ping", "ping", "tcp", "trace"))


def target_nic(net: Net) -> str:
    return net.nics["T"][0]


def routers(net: Net) -> list[str]:
    """The routers that the request passes."""
    return {"r2": ["R1", "R2"], "lan2": ["R2"]}.get(net.shape, ["R1"])


def ip(net: Net) -> str:
    return "ip -6" if net.v6 else "ip"


# -- section 0


@fault("healthy", (*ANY, "nat"))
def healthy(net: Net) -> Broken:
    tool = tool_of(net)
    options = net.rng.choice(([], [], [], ["-s", "3000"], ["-I", net.ip("S")], ["-I", net.nics["S"][0]]))
    return Broken((), tool, options if tool == "ping" else [])


@fault("healthy", ("nat",), (4,))
def dnat(net: Net) -> Broken:
    device = net.nics["R1"][0]
    net.do("R1", "iptables", "-t", "nat", "-A", "PREROUTING", "-i", device, "-p", "tcp", "--dport", str(net.port),
           "-j", "DNAT", "--to-destination", f"{net.ip('T')}:{net.port}")  # fmt: skip
    net.fault, net.before = [], [*net.before, *net.fault]
    return Broken((), "tcp", target=net.ip("R1", 0))


@fault("icmp-redirect", ("lan2",), (4,))
def redirect(net: Net) -> Broken:
    net.nodes["S"]["routes"] = [f"default via {net.ip('R1', 0)}"]
    return Broken(("S", "R1"))


@fault("suboptimal-gateway", ("lan2",), (4,))
def suboptimal(net: Net) -> Broken:
    net.nodes["S"]["routes"] = [f"default via {net.ip('R1', 0)}"]
    for key in ("all", net.nics["R1"][0]):
        net.sysctl("R1", f"net.ipv4.conf.{key}.send_redirects", "0")
    return Broken(("S",))


@fault("proxy-arp-in-play", ("r1", "r1b"), (4,))
def proxy_arp(net: Net) -> Broken:
    net.nodes["S"]["routes"] = [f"{net.net('T')} dev {net.nics['S'][0]}"]
    net.sysctl("R1", f"net.ipv4.conf.{net.nics['R1'][0]}.proxy_arp", "1")
    return Broken(("S", "R1"), tool_of(net, "ping", "tcp"))


# -- section 1


@fault("source-address-not-local", ANY)
def foreign_source(net: Net) -> Broken:
    return Broken(("command",), options=["-I", net.unused("S")])


@fault("unknown-interface", ANY)
def no_such_interface(net: Net) -> Broken:
    return Broken(("command",), options=["-I", net.rng.choice(("eth7", "wlan0", "lan9"))])


@fault("wrong-interface-selected", ("par",), BOTH)
def other_interface(net: Net) -> Broken:
    return Broken(("command",), options=["-I", net.nics["S"][1]])


@fault("no-raw-socket-privilege", ("direct", "r1"), (4,))
def no_privilege(net: Net) -> Broken:
    net.before.append({"on": net.name["S"], "run": ["sysctl", "-w", "net.ipv4.ping_group_range=1 0"]})
    return Broken(("command",), privileged=False)


@fault("broadcast-ping-without-b", ("direct", "bridge", "r1"), (4,))
def broadcast(net: Net) -> Broken:
    return Broken(("command",), target=str(ipaddress.ip_network(net.net("S")).broadcast_address))


@fault("broadcast-echo-ignored", ("direct", "bridge", "r1b"), (4,))
def broadcast_ignored(net: Net) -> Broken:
    return Broken(("T",), options=["-b"], target=str(ipaddress.ip_network(net.net("S")).broadcast_address))


@fault("ttl-too-low", ROUTED)
def small_ttl(net: Net) -> Broken:
    hops = len(routers(net))
    return Broken(("command",), options=["-t", str(net.rng.randint(1, hops))])


@fault("local-mtu-too-small", ANY)
def local_mtu(net: Net) -> Broken:
    net.do("S", f"ip link set {net.nics['S'][0]} mtu {net.rng.choice((1280, 1300, 1400))}")
    return Broken(("S",), options=["-M", "do", "-s", str(net.rng.choice((1400, 1450, 1472 if not net.v6 else 1452)))])


def named(net: Net, asked: str, answer: str | None, behaviour: str = "answer", code: int | None = None) -> None:
    at = net.rng.choice(("T", "R1")) if net.shape in {"r1", "r1b"} else "T"
    net.nodes["S"]["nameservers"] = [net.ip(at)]
    service: dict[str, Any] = {"on": net.name[at], "kind": "dns", "behaviour": behaviour, "bind": net.ip(at)}
    if answer:
        service["record"] = [f"{asked}={answer}"]
    if code is not None:
        service["code"] = code
    net.services.append(service)


HOSTS = ("www.example.test", "db.corp.test", "app.lab.test", "files.example.test")


@fault("name-does-not-exist", ("direct", "r1", "r1b"))
def nxdomain(net: Net) -> Broken:
    name = net.rng.choice(HOSTS)
    named(net, f"x{name}", net.ip("T"))
    return Broken(("command",), target=name)


@fault("name-resolves-to-wrong-address", ("direct", "r1", "r1b", "r2"))
def wrong_record(net: Net) -> Broken:
    name = net.rng.choice(HOSTS)
    named(net, name, net.unused("T"))
    return Broken(("dns-server",), target=name)


@fault("dns-server-unreachable", ("direct", "r1", "r1b"))
def no_dns(net: Net) -> Broken:
    name = net.rng.choice(HOSTS)
    if net.rng.random() < 0.5:
        named(net, name, net.ip("T"), "silent")
    else:
        net.nodes["S"]["nameservers"] = [net.rng.choice((net.ip("T"), net.unused("S")))]
    return Broken(("dns-server",), target=name)


@fault("dns-server-not-configured", ("direct", "r1"))
def dns_unknown(net: Net) -> Broken:
    net.nodes["S"]["hosts"] = {"printer.lab.test": net.unused("S")}  # a resolv.conf of its own, and empty
    return Broken(("S",), target=net.rng.choice(HOSTS))


# -- section 2


@fault("sender-interface-down", ANY)
def sender_down(net: Net) -> Broken:
    net.do("S", f"ip link set {net.nics['S'][0]} down")
    return Broken(("S",), tool_of(net, "ping", "tcp"), _bound(net))


def _bound(net: Net) -> list[str]:
    return net.rng.choice(([], [], ["-I", net.ip("S")], ["-I", net.nics["S"][0]]))


@fault("sender-no-address", ANY)
def sender_bare(net: Net) -> Broken:
    net.do("S", f"ip addr del {net.cidrs['S', 0]} dev {net.nics['S'][0]}")
    return Broken(("S",), options=net.rng.choice(([], ["-I", net.nics["S"][0]])))


@fault("link-no-carrier", ("r1", "r2", "nat"))
def cut(net: Net) -> Broken:
    net.do("R1", f"ip link set {net.nics['R1'][0]} down")
    return Broken(("R1",), tool_of(net, "ping", "tcp"))


@fault("loopback-down", ("direct", "r1"))
def no_loopback(net: Net) -> Broken:
    net.do("S", "ip link set lo down")
    return Broken(("S",), target=net.rng.choice(("127.0.0.1" if not net.v6 else "::1", net.ip("S"))))


@fault("no-route-on-sender", ROUTED)
def no_route(net: Net) -> Broken:
    net.do("S", f"{ip(net)} route del default")
    return Broken(("S",), tool_of(net, "ping", "ping", "tcp"), net.rng.choice(([], [], ["-I", net.ip("S")])))


@fault("default-route-without-gateway", ROUTED)
def no_gateway(net: Net) -> Broken:
    net.do("S", f"{ip(net)} route replace default dev {net.nics['S'][0]}")
    if net.v6:
        net.fault.pop()
        net.do("S", "ip -6 route del default")
        net.do("S", f"ip -6 route add default dev {net.nics['S'][0]}")
    return Broken(("S",), tool_of(net, "ping", "tcp"))


@fault("wrong-gateway-address", ROUTED)
def bad_gateway(net: Net) -> Broken:
    way = net.rng.choice(("unused", "host", "specific"))
    bad = net.ip("X") if way == "host" and "X" in net.nodes else net.unused("S")
    if way == "specific":
        net.do("S", f"{ip(net)} route add {net.net('T')} via {bad}")
    else:
        net.do("S", f"{ip(net)} route del default")
        net.do("S", f"{ip(net)} route add default via {bad}")
    return Broken(("S",), tool_of(net))


def _readdress(net: Net, role: str, cidr: str, number: int = 0) -> None:
    nic = net.nics[role][number]
    net.nodes[role]["interfaces"][nic]["address"] = cidr


@fault("wrong-netmask-on-sender", ("direct", "bridge"))
def long_mask(net: Net) -> Broken:
    length = 128 if net.v6 else 32
    _readdress(net, "S", f"{net.ip('S')}/{length}")
    return Broken(("S",), tool_of(net, "ping", "tcp"), net.rng.choice(([], ["-I", net.ip("S")])))


@fault("wrong-netmask-on-sender", ("r1", "r1b", "r2"), (4,))
def short_mask(net: Net) -> Broken:
    one, other = int(ipaddress.ip_address(net.ip("S"))), int(ipaddress.ip_address(net.ip("T")))
    length = 32 - (one ^ other).bit_length()
    if length < 2:
        raise UnfitError
    _readdress(net, "S", f"{net.ip('S')}/{length}")
    return Broken(("S",), tool_of(net, "ping", "tcp"))


@fault("sender-address-in-wrong-subnet", ("r1", "r1b", "direct", "bridge"))
def wrong_subnet(net: Net) -> Broken:
    other = "fd77:1:2:3::5/64" if net.v6 else "10.99.77.5/24"
    gateway = "fd77:1:2:3::1" if net.v6 else "10.99.77.1"
    _readdress(net, "S", other)
    if "routes" in net.nodes["S"] or net.rng.random() < 0.5:
        net.nodes["S"]["routes"] = [f"default via {gateway}"]
    return Broken(("S",), tool_of(net, "ping", "tcp"))


@fault("wrong-source-address-selected", ("r1", "r2", "direct", "bridge"))
def bad_source(net: Net) -> Broken:
    one = "fd88:5::77" if net.v6 else "10.200.99.77"
    net.noise = "quiet" if net.v6 else net.noise  # an address that is tentative is no source
    nic = net.nics["S"][0]
    net.nodes["S"]["interfaces"][nic]["address"] = [net.cidrs["S", 0], f"{one}/{128 if net.v6 else 32}"]
    if net.shape in {"direct", "bridge"}:
        net.do("S", f"{ip(net)} route add {net.ip('T')} dev {nic} src {one}")
    else:
        net.do("S", f"{ip(net)} route del default")
        net.do("S", f"{ip(net)} route add default via {net.gateway('S')} src {one}")
    return Broken(("S",), tool_of(net, "ping", "tcp"))


@fault("reject-route-on-sender", ANY)
def sender_rejects(net: Net) -> Broken:
    kind = net.rng.choice(("blackhole", "unreachable", "prohibit"))
    to = net.net("T") if net.shape not in {"direct", "bridge"} and net.rng.random() < 0.6 else net.ip("T")
    net.do("S", f"{ip(net)} route add {kind} {to}")
    return Broken(("S",), tool_of(net, "ping", "ping", "tcp"), net.rng.choice(([], [], ["-I", net.ip("S")])))


@fault("policy-rule-on-sender", ANY)
def sender_rule(net: Net) -> Broken:
    kind = net.rng.choice(("blackhole", "unreachable", "prohibit"))
    net.do("S", f"{ip(net)} rule add to {net.net('T')} priority 100 {kind}")
    return Broken(("S",), tool_of(net, "ping", "tcp"))


@fault("filter-on-sender-output", ANY)
def sender_output(net: Net) -> Broken:
    tool = tool_of(net, "ping", "ping", "tcp")
    filtered(net, "S", "output", tool, "request", net.rng.choice((None, reject_of(net))))
    return Broken(("S",), tool)


@fault("filter-on-sender-input", ANY)
def sender_input(net: Net) -> Broken:
    tool = tool_of(net, "ping", "ping", "tcp", "trace")
    filtered(net, "S", "input", tool if tool == "tcp" or net.v6 else net.rng.choice((tool, "icmp")), "reply")
    return Broken(("S",), tool)


@fault("ipv6-disabled", ANY, (6,))
def v6_off(net: Net) -> Broken:
    net.sysctl("S", f"net.ipv6.conf.{net.rng.choice((net.nics['S'][0], 'all'))}.disable_ipv6", "1")
    return Broken(("S",), tool_of(net, "ping", "tcp"))


@fault("address-tentative", ("direct", "bridge", "r1"), (6,))
def tentative(net: Net) -> Broken:
    nic = net.nics["S"][0]
    if net.rng.random() < 0.3:
        net.noise = "natural"
        net.nodes["S"].setdefault("sysctl", {})[f"net.ipv6.conf.{nic}.dad_transmits"] = "40"
    else:
        net.noise = "quiet"
        net.do("S", f"ip -6 addr del {net.cidrs['S', 0]} dev {nic}")
        net.sysctl("S", f"net.ipv6.conf.{nic}.accept_dad", "1")
        net.sysctl("S", f"net.ipv6.conf.{nic}.dad_transmits", "40")
        net.do("S", f"ip -6 addr add {net.cidrs['S', 0]} dev {nic}")
    return Broken(("S",), options=net.rng.choice(([], ["-I", net.ip("S")])))


@fault("router-advertisement-missing", ("r1", "r1b"), (6,))
def no_advertisement(net: Net) -> Broken:
    return _advertised(net, "1", has_router=False)


@fault("router-advertisement-ignored", ("r1", "r1b"), (6,))
def deaf_to_advertisement(net: Net) -> Broken:
    return _advertised(net, "0", has_router=True)


def _advertised(net: Net, accepts: str, *, has_router: bool) -> Broken:
    net.noise = "natural"
    nic = net.nics["S"][0]
    del net.nodes["S"]["interfaces"][nic]["address"]
    net.nodes["S"]["routes"] = []
    keys = {
        "accept_ra": accepts,
        "router_solicitations": "2",
        "router_solicitation_interval": "1",
        "router_solicitation_delay": "0",
    }
    net.nodes["S"]["sysctl"] = {f"net.ipv6.conf.{nic}.{key}": value for key, value in keys.items()}
    if has_router:
        net.services.append(
            {
                "on": net.name["R1"],
                "kind": "advertiser",
                "interface": net.nics["R1"][0],
                "prefix": net.net("S"),
                "every": 60,
            }
        )
    return Broken(("S",) if has_router else ("R1",), steps=[{"wait": "quiet", "for": 2.5}])


# -- section 3


@fault("destination-host-absent-on-link", ("direct", "bridge"))
def absent(net: Net) -> Broken:
    return Broken(("target",), tool_of(net), _bound(net), target=net.unused("S"))


@fault("target-has-other-address", ("direct", "bridge"))
def other_address(net: Net) -> Broken:
    was = net.ip("T")
    new = f"{net.unused('T')}/{net.cidrs['T', 0].split('/')[1]}"
    net.do("T", f"ip addr del {net.cidrs['T', 0]} dev {target_nic(net)}")
    net.do("T", f"ip addr add {new} dev {target_nic(net)}")
    return Broken(("T",), tool_of(net, "ping", "tcp"), target=was)


@fault("target-interface-down", ANY)
def target_down(net: Net) -> Broken:
    net.do("T", f"ip link set {target_nic(net)} down")
    return Broken(("T",), tool_of(net))


@fault("gateway-interface-down", ("r1b", "lan2"))
def gateway_down(net: Net) -> Broken:
    router = "R2" if net.shape == "lan2" else "R1"
    net.do(router, f"ip link set {net.nics[router][0]} down")
    return Broken((router,), tool_of(net, "ping", "tcp"))


@fault("arp-disabled", ("direct", "bridge", "r1"))
def no_arp(net: Net) -> Broken:
    who = net.rng.choice(("S", "T"))
    net.do(who, f"ip link set {net.nics[who][0]} arp off")
    return Broken((who,), tool_of(net, "ping", "tcp"))


@fault("arp-ignored-by-target", ("direct", "bridge", "r1"), (4,))
def arp_ignored(net: Net) -> Broken:
    net.sysctl("T", f"net.ipv4.conf.{net.rng.choice(('all', target_nic(net)))}.arp_ignore", "8")
    return Broken(("T",), tool_of(net, "ping", "tcp"))


@fault("duplicate-address", ("bridge",), (4,))
def twice(net: Net) -> Broken:
    _readdress(net, "X", net.cidrs["T", 0])
    # The bystander has the address and answers no echo; who wins the question is a race.
    filtered(net, "X", "input", "ping", "request")
    net.before, net.fault = [*net.before, *net.fault], []
    return Broken(("T", "X"))


@fault("duplicate-address", ("bridge", "r1b"), (6,))
def dad_failed(net: Net) -> Broken:
    net.noise = "natural"
    _readdress(net, "X", net.cidrs["S", 0])
    net.nodes["S"].setdefault("sysctl", {})[f"net.ipv6.conf.{net.nics['S'][0]}.dad_transmits"] = "3"
    return Broken(
        ("S", "X"), options=net.rng.choice(([], ["-I", net.nics["S"][0]])), steps=[{"wait": "quiet", "for": 1.5}]
    )


@fault("wrong-static-neighbour", ("direct", "bridge", "r1", "r1b"))
def static_neighbour(net: Net) -> Broken:
    near = net.shape in {"direct", "bridge"}
    who = net.rng.choice(("S", "T") if near else ("S", "R1", "T"))
    mac = "02:00:00:de:ad:01"
    of = {
        "S": net.ip("T") if near else net.gateway("S"),
        "T": net.ip("S") if near else net.ip("R1", 1),
        "R1": net.ip("T"),
    }[who]
    nic = net.nics[who][1] if who == "R1" else net.nics[who][0]
    net.do(who, f"ip neigh replace {of} lladdr {mac} nud permanent dev {nic}")
    return Broken((who,), tool_of(net, "ping", "tcp"))


def _port(net: Net, role: str) -> str:
    order = [one for one, _ in next(each for each in net.members if len(each) > 2)]
    return net.nics["SW"][order.index(role)]


def _far_port(net: Net) -> str:
    return _port(net, net.rng.choice(("S", {"bridge": "T", "r1b": "R1", "lan2": "R2"}[net.shape])))


SWITCHED = ("bridge", "r1b", "lan2")


@fault("bridge-port-not-member", SWITCHED)
def no_member(net: Net) -> Broken:
    net.do("SW", f"ip link set {_far_port(net)} nomaster")
    return Broken(("SW",), tool_of(net, "ping", "tcp"))


@fault("bridge-port-down", SWITCHED)
def port_down(net: Net) -> Broken:
    net.do("SW", f"ip link set {_far_port(net)} down")
    return Broken(("SW",), tool_of(net, "ping", "tcp"))


@fault("bridge-down", SWITCHED)
def bridge_down(net: Net) -> Broken:
    net.do("SW", "ip link set br0 down")
    return Broken(("SW",), tool_of(net, "ping", "tcp"))


@fault("bridge-port-not-forwarding", SWITCHED)
def port_blocked(net: Net) -> Broken:
    net.do("SW", f"bridge link set dev {_far_port(net)} state 0")
    return Broken(("SW",), tool_of(net, "ping", "tcp"))


@fault("bridge-ports-isolated", SWITCHED)
def isolated(net: Net) -> Broken:
    for role in ("S", {"bridge": "T", "r1b": "R1", "lan2": "R2"}[net.shape]):
        net.do("SW", f"bridge link set dev {_port(net, role)} isolated on")
    return Broken(("SW",), tool_of(net, "ping", "tcp"))


@fault("wrong-static-fdb-entry", ("bridge", "r1b"))
def wrong_fdb(net: Net) -> Broken:
    near = "T" if net.shape == "bridge" else "R1"
    mac = net.nodes[near]["interfaces"][net.nics[near][0]]["mac"]
    net.do("SW", f"bridge fdb replace {mac} dev {_port(net, 'X')} master dynamic sticky")
    return Broken(("SW",), tool_of(net, "ping", "tcp"))


@fault("filter-on-switch", SWITCHED)
def switch_filter(net: Net) -> Broken:
    tool = tool_of(net, "ping", "tcp")
    if net.rng.random() < 0.5:
        key = "ip6tables" if net.v6 else "iptables"
        net.sysctl("SW", f"net.bridge.bridge-nf-call-{key}", "1")
        net.do("SW", f"{key} -P FORWARD DROP")
    else:
        word = {"ping": "icmpv6 type echo-request" if net.v6 else "ip protocol icmp", "tcp": f"tcp dport {net.port}"}[
            tool
        ]
        word = f"meta protocol {'ip6' if net.v6 else 'ip'} {word}"
        net.do("SW", "nft", f"table bridge fw {{ chain f {{ type filter hook forward priority 0; {word} drop; }}; }}")
    return Broken(("SW",), tool)


@fault("mtu-mismatch-on-link", ("bridge", "r1b"))
def mtu_mismatch(net: Net) -> Broken:
    near = "T" if net.shape == "bridge" else "R1"
    net.do(near, f"ip link set {net.nics[near][0]} mtu 1300")
    return Broken((near,), options=["-s", str(net.rng.choice((1400, 1450)))])


# -- section 4


@fault("forwarding-disabled", ROUTED)
def not_forwarding(net: Net) -> Broken:
    router = net.rng.choice(routers(net))
    if net.v6:
        net.sysctl(router, "net.ipv6.conf.all.forwarding", "0")
    elif net.rng.random() < 0.5:
        net.sysctl(router, "net.ipv4.ip_forward", "0")
    else:
        net.sysctl(router, f"net.ipv4.conf.{net.nics[router][0]}.forwarding", "0")
    return Broken((router,), tool_of(net))


@fault("no-route-on-router", ("r2", "lan2"))
def router_lost(net: Net) -> Broken:
    if net.shape == "lan2":
        net.nodes["S"]["routes"] = [f"default via {net.ip('R1', 0)}"]
    net.do("R1", f"{ip(net)} route del {net.net('T')}")
    return Broken(("R1",), tool_of(net))


@fault("no-route-on-router", ("r1", "r1b"))
def nowhere(net: Net) -> Broken:
    return Broken(("R1",), tool_of(net), target="fd99:9::9" if net.v6 else "10.77.99.9")


@fault("reject-route-on-router", ("r1", "r2"))
def router_rejects(net: Net) -> Broken:
    kind = net.rng.choice(("blackhole", "unreachable", "prohibit"))
    net.do("R1", f"{ip(net)} route add {kind} {net.ip('T')}")
    return Broken(("R1",), tool_of(net))


@fault("wrong-nexthop-on-router", ("r2",))
def bad_nexthop(net: Net) -> Broken:
    net.do("R1", f"{ip(net)} route del {net.net('T')}")
    way = f"via {net.unused('R1', 1)}" if net.rng.random() < 0.6 else f"dev {net.nics['R1'][1]}"
    net.do("R1", f"{ip(net)} route add {net.net('T')} {way}")
    return Broken(("R1",), tool_of(net))


@fault("router-interface-down", ("r1", "r1b", "r2"))
def router_down(net: Net) -> Broken:
    router = net.rng.choice(routers(net))
    net.do(router, f"ip link set {net.nics[router][1]} down")
    return Broken((router,), tool_of(net))


@fault("destination-host-absent-behind-router", ("r1", "r1b", "r2", "lan2", "nat"))
def absent_far(net: Net) -> Broken:
    return Broken(("target",), tool_of(net), target=net.unused("T"))


@fault("routing-loop", ("r2",))
def loop(net: Net) -> Broken:
    far = "fd99:9::/64" if net.v6 else "10.77.99.0/24"
    target = "fd99:9::9" if net.v6 else "10.77.99.9"
    net.do("R1", f"{ip(net)} route add {far} via {net.ip('R2', 0)}")
    net.do("R2", f"{ip(net)} route add {far} via {net.ip('R1', 1)}")
    return Broken(("R1", "R2"), tool_of(net), target=target)


@fault("filter-on-router-forward", ROUTED)
def forward_filter(net: Net) -> Broken:
    tool = tool_of(net)
    router = net.rng.choice(routers(net))
    filtered(net, router, "forward", tool, "request", net.rng.choice((None, reject_of(net))))
    return Broken((router,), tool)


@fault("filter-on-router-forward", ("r1", "r1b", "r2", "lan2"))
def backward_filter(net: Net) -> Broken:
    tool = tool_of(net, "ping", "ping", "tcp")
    router = net.rng.choice(routers(net))
    filtered(net, router, "forward", tool, "reply", net.rng.choice((None, None, reject_of(net))))
    return Broken((router,), tool)


@fault("filter-on-router-forward", ("r1", "r1b", "r2"))
def early_filter(net: Net) -> Broken:
    tool = tool_of(net, "ping", "tcp")
    router = net.rng.choice(routers(net))
    filtered(net, router, "prerouting", tool, "request")
    return Broken((router,), tool)


@fault("rp-filter-strict", ("par",), (4,))
def strict(net: Net) -> Broken:
    who = net.rng.choice(("S", "T"))
    nic = net.nics[who][1 if who == "S" else 0]
    net.sysctl(who, f"net.ipv4.conf.{net.rng.choice(('all', nic))}.rp_filter", "1")
    return Broken((who,), tool_of(net, "ping", "tcp"))


@fault("path-mtu-exceeded", ("r2", "r1"))
def path_mtu(net: Net) -> Broken:
    net.do("R1", f"ip link set {net.nics['R1'][1]} mtu 1300")
    far = ("R2", 0) if net.shape == "r2" else ("T", 0)
    net.do(far[0], f"ip link set {net.nics[far[0]][far[1]]} mtu 1300")
    return Broken(("R1",), options=["-M", "do", "-s", "1400"])


@fault("pmtu-blackhole", ("r2", "r1"))
def blackhole(net: Net) -> Broken:
    broken = path_mtu(net)
    word = "icmpv6 type packet-too-big" if net.v6 else "icmp type destination-unreachable"
    net.do("R1", "nft", f"table inet fw {{ chain o {{ type filter hook output priority 0; {word} drop; }}; }}")
    return broken


@fault("fragments-filtered", ("r1", "r2"), (4,))
def no_fragments(net: Net) -> Broken:
    router = net.rng.choice(routers(net))
    net.do(
        router,
        "nft",
        "table ip raw { chain p { type filter hook prerouting priority -450; ip frag-off & 0x3fff != 0 drop; }; }",
    )
    return Broken((router,), options=["-s", str(net.rng.choice((2000, 3000, 4000)))])


@fault("silent-hop", ("r1", "r2"))
def silent_hop(net: Net) -> Broken:
    router = net.rng.choice(routers(net))
    word = "icmpv6 type time-exceeded" if net.v6 else "icmp type time-exceeded"
    net.do(router, "nft", f"table inet fw {{ chain o {{ type filter hook output priority 0; {word} drop; }}; }}")
    return Broken((router,), "trace")


# -- section 5


@fault("no-return-route-on-target", ("r1", "r1b", "r2", "lan2"))
def no_return(net: Net) -> Broken:
    net.do("T", f"{ip(net)} route del default")
    return Broken(("T",), tool_of(net))


@fault("wrong-gateway-on-target", ("r1", "r1b", "r2"))
def bad_return(net: Net) -> Broken:
    net.do("T", f"{ip(net)} route del default")
    net.do("T", f"{ip(net)} route add default via {net.unused('T')}")
    return Broken(("T",), tool_of(net))


@fault("wrong-netmask-on-target", ("r1", "r1b", "r2"), (4,))
def target_mask(net: Net) -> Broken:
    one, other = int(ipaddress.ip_address(net.ip("S"))), int(ipaddress.ip_address(net.ip("T")))
    length = 32 - (one ^ other).bit_length()
    if length < 2:
        raise UnfitError
    _readdress(net, "T", f"{net.ip('T')}/{length}")
    return Broken(("T",), tool_of(net, "ping", "tcp"))


@fault("no-return-route-on-router", ("r2",))
def router_no_return(net: Net) -> Broken:
    net.do("R2", f"{ip(net)} route del {net.net('S')}")
    return Broken(("R2",), tool_of(net, "ping", "tcp"))


@fault("reply-ttl-too-low", ("r1", "r2", "r1b"))
def tired_reply(net: Net) -> Broken:
    if net.v6:
        net.sysctl("T", f"net.ipv6.conf.{target_nic(net)}.hop_limit", "1")
    else:
        net.sysctl("T", "net.ipv4.ip_default_ttl", "1")
    return Broken(("T",), tool_of(net, "ping", "tcp"))


@fault("echo-ignored-by-target", ANY)
def echo_ignored(net: Net) -> Broken:
    net.sysctl("T", "net.ipv6.icmp.echo_ignore_all" if net.v6 else "net.ipv4.icmp_echo_ignore_all", "1")
    return Broken(("T",))


@fault("filter-on-target-input", ANY)
def target_input(net: Net) -> Broken:
    tool = tool_of(net)
    filtered(net, "T", "input", tool, "request", net.rng.choice((None, reject_of(net))))
    return Broken(("T",), tool)


@fault("filter-on-target-input", ANY)
def target_input_all(net: Net) -> Broken:
    filtered(net, "T", "input", "icmp", "request")
    return Broken(("T",))


@fault("filter-on-target-ingress", ANY)
def target_ingress(net: Net) -> Broken:
    tool = tool_of(net, "ping", "tcp")
    filtered(net, "T", "ingress", tool, "request")
    return Broken(("T",), tool)


@fault("filter-on-target-output", ANY)
def target_output(net: Net) -> Broken:
    tool = tool_of(net, "ping", "ping", "tcp")
    filtered(net, "T", "output", tool, "reply")
    return Broken(("T",), tool)


@fault("icmp-rate-limited", ANY)
def limited(net: Net) -> Broken:
    word = "icmpv6" if net.v6 else "icmp"
    net.do(
        "T", "nft",
        f"table inet f {{ chain i {{ type filter hook input priority 0; "
        f"{word} type echo-request limit rate over 1/second burst 1 packets drop; }}; }}",
    )  # fmt: skip
    return Broken(("T",), options=["-c", "6", "-i", "0.2"])


# -- section 6


@fault("masquerade-missing", ("nat",), (4,))
def no_masquerade(net: Net) -> Broken:
    net.nodes["R1"].pop("nft", None)
    net.before.clear()
    return Broken(("R1",), tool_of(net, "ping", "tcp"))


@fault("masquerade-wrong-interface", ("nat",))
def masquerade_elsewhere(net: Net) -> Broken:
    no_masquerade(net)
    masquerade(net, "R1", net.nics["R1"][0], net.net("S"))
    return Broken(("R1",), tool_of(net, "ping", "tcp"))


@fault("nat-wrong-source-net", ("nat",))
def masquerade_others(net: Net) -> Broken:
    no_masquerade(net)
    masquerade(net, "R1", net.nics["R1"][1], "fd55:1::/64" if net.v6 else "10.1.250.0/24")
    return Broken(("R1",), tool_of(net, "ping", "tcp"))


@fault("masquerade-bypassed-by-notrack", ("nat",))
def untracked(net: Net) -> Broken:
    family = "ip6" if net.v6 else "ip"
    net.do(
        "R1",
        "nft",
        f"table {family} raw {{ chain p {{ type filter hook prerouting priority -300; "
        f"{family} saddr {net.net('S')} notrack; }}; }}",
    )
    return Broken(("R1",), tool_of(net, "ping", "tcp"))


@fault("snat-to-unowned-address", ("nat",))
def unowned(net: Net) -> Broken:
    no_masquerade(net)
    words = ["ip6tables" if net.v6 else "iptables", "-t", "nat", "-A", "POSTROUTING", "-o", net.nics["R1"][1]]
    net.do("R1", *words, "-j", "SNAT", "--to-source", net.unused("T"))
    return Broken(("R1",), tool_of(net, "ping", "tcp"))


def _published(net: Net, to: str) -> None:
    """The sender stands outside: the router's address towards it publishes a port of the target."""
    net.do("R1", "iptables", "-t", "nat", "-A", "PREROUTING", "-i", net.nics["R1"][0], "-p", "tcp", "--dport",
           str(net.port), "-j", "DNAT", "--to-destination", to)  # fmt: skip


@fault("dnat-missing", ("r1", "r1b"), (4,))
def no_dnat(net: Net) -> Broken:
    return Broken(("R1",), "tcp", target=net.ip("R1", 0))


@fault("dnat-to-absent-host", ("r1", "r1b"), (4,))
def dnat_absent(net: Net) -> Broken:
    _published(net, f"{net.unused('T')}:{net.port}")
    return Broken(("R1",), "tcp", target=net.ip("R1", 0))


@fault("dnat-to-wrong-port", ("r1", "r1b"), (4,))
def dnat_port(net: Net) -> Broken:
    _published(net, f"{net.ip('T')}:{net.port + 1}")
    return Broken(("R1",), "tcp", target=net.ip("R1", 0))


# -- section 7


@fault("tcp-no-listener", ANY)
def nobody_listens(_net: Net) -> Broken:
    return Broken(("T",), "tcp", behaviour=None)


@fault("tcp-bound-to-loopback", ANY)
def loopback_only(net: Net) -> Broken:
    net.services.append(
        {
            "on": net.name["T"],
            "kind": "tcp",
            "port": net.port,
            "behaviour": "answer",
            "bind": "::1" if net.v6 else "127.0.0.1",
        }
    )
    return Broken(("T",), "tcp", behaviour=None)


@fault("tcp-application-hangs", ANY)
def hangs(_net: Net) -> Broken:
    return Broken(("T",), "tcp", behaviour="hang")


@fault("tcp-application-closes", ANY)
def closes(net: Net) -> Broken:
    return Broken(("T",), "tcp", behaviour=net.rng.choice(("close", "reset")))


# -- section 8


@fault("dhcp-no-server", ("direct", "bridge"), (4,))
def no_lease(net: Net) -> Broken:
    return _client(net, None)


@fault("healthy", ("direct", "bridge"), (4,))
def lease(net: Net) -> Broken:
    return Broken((), "dhcp", run=_client(net, "T").run)


@fault("dhcp-server-filtered", ("direct", "bridge"), (4,))
def lease_filtered(net: Net) -> Broken:
    broken = _client(net, "T")
    net.do(
        "T",
        "nft",
        f"table netdev fw {{ chain i {{ type filter hook ingress device {target_nic(net)} priority 0; "
        f"udp dport 67 drop; }}; }}",
    )
    return Broken(("T",), broken.tool, run=broken.run)


@fault("dhcp-rogue-server", ("bridge",), (4,))
def rogue(net: Net) -> Broken:
    _client(net, "T")
    broken = _client(net, "X")
    return Broken(("X",), broken.tool, run=broken.run)


def _client(net: Net, server: str | None) -> Broken:
    nic = net.nics["S"][0]
    net.nodes["S"]["interfaces"][nic].pop("address", None)
    network = ipaddress.ip_network(net.net("T"))
    if server:
        first = network[4] if server == "T" else network[9]
        options = [
            f"--interface={net.nics[server][0]}", f"--dhcp-range={first},{first + 3},{network.netmask},1h",
            "--dhcp-authoritative", "--no-ping",
        ]  # fmt: skip
        net.services.append({"on": net.name[server], "kind": "dnsmasq", "options": options})
    return Broken(("target",), "dhcp", run=["udhcpc", "-i", nic, "-n", "-q", "-f", "-t", "3", "-T", "1"])
