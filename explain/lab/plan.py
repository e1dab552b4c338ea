"""A lab becomes a list of operations.  Pure: nothing here needs a right or touches a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.lab.operations import (
    AddAddress,
    AddForwardingEntry,
    AddNeighbour,
    AddRoute,
    AddRule,
    Break,
    ConnectNodes,
    CreateBridge,
    CreateNode,
    JoinBridge,
    LoadRules,
    Operation,
    Perform,
    RaiseNic,
    SetNic,
    SetSysctl,
    StartService,
    WaitUntil,
)
from explain.lab.records import Lab, Nic, Node, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOPBACK_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost\n"


def plan(lab: Lab, with_fault: bool = True) -> tuple[Operation, ...]:
    """Everything that is done, in order.

    Namespaces and settings come first, so that no interface ever has the host's; filters before any link is up;
    routes after it, since the kernel wants their interface up.

    Args:
        lab: what to build.
        with_fault: leave the fault out, to see the same network healthy.
    """
    return (*built(lab), *started(lab, with_fault), *performed(lab))


def built(lab: Lab) -> tuple[Operation, ...]:
    """The operations that make the network, without services, fault and steps."""
    return (*_nodes(lab), *_links(lab), *_configured(lab), *_raised(lab), *_routed(lab))


def started(lab: Lab, with_fault: bool = True) -> tuple[Operation, ...]:
    """The services, then the fault."""
    services = tuple(StartService(service) for service in lab.services)
    return (*services, *(Break(step) for step in lab.fault if with_fault))


def performed(lab: Lab) -> tuple[Operation, ...]:
    """The steps and the waits between them."""
    return tuple(Perform(step) if isinstance(step, Step) else WaitUntil(step) for step in lab.steps)


def _nodes(lab: Lab) -> Iterator[Operation]:
    clients = {step.on for step in (*lab.steps, *lab.fault) if isinstance(step, Step) and step.run[0] in _CLIENTS}
    for node in lab.nodes:
        resolv = "".join(f"nameserver {address}\n" for address in node.nameservers)
        resolv += "options timeout:1 attempts:2\n" if resolv else ""
        hosts = _LOOPBACK_HOSTS + "".join(f"{address}\t{host}\n" for host, address in (node.hosts or {}).items())
        own = bool(node.nameservers or node.hosts or node.name in clients)
        yield CreateNode(node.name, resolv, hosts, own)
        for key, value in _settings(lab, node):
            yield SetSysctl(node.name, key, value, is_optional=True)


_CLIENTS = ("udhcpc", "dhclient")  # they write a resolv.conf


def _settings(lab: Lab, node: Node) -> Iterator[tuple[str, str]]:
    """Every setting that captures would depend on, said once: a new namespace takes some from the host's."""
    is_router = node.kind == "router"
    yield "net.ipv4.ip_forward", str(int(is_router))
    for conf in ("all", "default"):
        yield f"net.ipv4.conf.{conf}.rp_filter", "0"
        yield f"net.ipv4.conf.{conf}.accept_redirects", str(int(not is_router))
        yield f"net.ipv4.conf.{conf}.send_redirects", "1"
        for key in ("arp_ignore", "arp_announce", "arp_filter", "proxy_arp", "log_martians"):
            yield f"net.ipv4.conf.{conf}.{key}", "0"
    yield "net.ipv4.icmp_echo_ignore_broadcasts", "1"
    if lab.ipv6 == "off" or node.kind in {"switch", "repeater"}:
        for conf in ("all", "default"):
            yield f"net.ipv6.conf.{conf}.disable_ipv6", "1"
    else:
        yield "net.ipv6.conf.all.disable_ipv6", "0"
        yield "net.ipv6.conf.all.forwarding", str(int(is_router))
        if lab.ipv6 == "quiet":
            for key in ("accept_dad", "dad_transmits", "router_solicitations", "accept_ra", "use_tempaddr"):
                yield f"net.ipv6.conf.default.{key}", "0"
            yield "net.ipv6.mld_qrv", "1"
    if node.kind in {"switch", "repeater"}:
        for key in ("iptables", "ip6tables", "arptables"):
            yield f"net.bridge.bridge-nf-call-{key}", "0"


def _index(node: Node, nic: str) -> int:
    """Interface numbers start after loopback's, in the file's order, so that they are the same in every run."""
    return 2 + [own.name for own in node.nics].index(nic)


def _links(lab: Lab) -> Iterator[Operation]:
    for node in lab.nodes:
        if node.kind in {"switch", "repeater"}:
            yield CreateBridge(node.name, "br0", node.nics[0].mac, 2, node.has_stp)
    for link in lab.links:
        (a, a_nic), (b, b_nic) = link.ends
        one, other = lab.node(a), lab.node(b)
        yield ConnectNodes(
            a, a_nic, _nic(one, a_nic).mac, _index(one, a_nic), b, b_nic, _nic(other, b_nic).mac, _index(other, b_nic)
        )


def _nic(node: Node, name: str) -> Nic:
    return next(nic for nic in node.nics if nic.name == name)


def _configured(lab: Lab) -> Iterator[Operation]:
    is_quiet = lab.ipv6 != "natural"
    for node in lab.nodes:
        for nic in node.nics:
            if not (nic.name == "br0" and nic.mtu is None):
                yield SetNic(node.name, nic.name, nic.mtu, nic.has_arp, lab.has_offload)
            if node.kind in {"switch", "repeater"} and nic.name != "br0" and nic.is_member:
                yield JoinBridge(node.name, nic.name, nic.is_isolated, learns=node.kind == "switch")
            for address in nic.addresses:
                yield AddAddress(node.name, nic.name, address, is_quiet)
        for key, value in (node.sysctl or {}).items():
            yield SetSysctl(node.name, key, value)
        if node.nft:
            yield LoadRules(node.name, node.nft)


def _raised(lab: Lab) -> Iterator[Operation]:
    for node in lab.nodes:
        if node.has_loopback:
            yield RaiseNic(node.name, "lo")
        for nic in node.nics:
            if nic.is_up:
                yield RaiseNic(node.name, nic.name)


def _routed(lab: Lab) -> Iterator[Operation]:
    for node in lab.nodes:
        for route in node.routes:
            yield AddRoute(node.name, route)
        for rule in node.rules:
            yield AddRule(node.name, rule)
        for neighbour in node.neighbours:
            yield AddNeighbour(node.name, neighbour)
        for entry in node.forwarding_entries:
            yield AddForwardingEntry(node.name, entry)
