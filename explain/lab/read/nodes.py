"""The nodes of a lab file, with their interfaces and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.lab import check
from explain.lab.check import LabFileError
from explain.lab.read import iproute
from explain.lab.records import Link, Nic, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = (
    *("kind", "role", "interfaces", "routes", "rules", "neighbours", "forwarding", "sysctl", "nft", "nameservers"),
    *("hosts", "stp", "loopback"),
)
_NIC = ("address", "mac", "mtu", "up", "arp", "member", "isolated")
KINDS = ("host", "router", "switch", "repeater")
ROLES = ("sender", "target", "bystander")


def _macs(first: str, named: set[str]) -> Iterator[str]:
    """MACs in order, for interfaces that name none; in the place of one that the file names, one from the end."""
    number = int(first.replace(":", ""), 16)
    texts = [mac.to_bytes(6, "big").hex(":") for mac in range(number, number + 255)]
    spare = (mac for mac in reversed(texts) if mac not in named)
    for mac in texts:
        yield next(spare) if mac in named else mac


def _named(value: object) -> Iterator[str]:
    """The MACs that the interfaces of a node name, whatever else stands there: that is judged later."""
    nics = value.get("interfaces") if isinstance(value, dict) else None
    for nic in nics.values() if isinstance(nics, dict) else ():
        if isinstance(nic, dict) and isinstance(nic.get("mac"), str):
            yield nic["mac"].lower()


def nodes_of(data: dict[str, Any], links: tuple[Link, ...], first_mac: str, where: str) -> tuple[Node, ...]:
    """The nodes of a file; interfaces that name no MAC get the next one, from ``first_mac`` on.

    Raises:
        LabFileError: what stands there is no node, or there are none or too many.
    """
    if not 1 <= len(data) <= 16:
        raise LabFileError(f"{where}: nodes", sorted(data), "lab_file.nodes_count")
    macs = _macs(first_mac, {mac for value in data.values() for mac in _named(value)})
    roles = _roles(data, where)
    nodes = []
    for name, value in data.items():
        here = f"{where}: nodes.{name}"
        check.name(name, here)
        nodes.append(_node(name, check.table(value, here), roles[name], _nic_names(name, links), macs, here))
    return tuple(nodes)


def _nic_names(node: str, links: tuple[Link, ...]) -> list[str]:
    return [nic for link in links for end, nic in link.ends if end == node]


def _roles(data: dict[str, Any], where: str) -> dict[str, str]:
    """The letters of case.json: hosts are sender, target, bystanders in order, where they do not say otherwise."""
    told = {}
    letters = {"sender": "S", "target": "T", "bystander": "X"}
    for name, value in data.items():
        got = check.table(value, f"{where}: nodes.{name}")
        if "role" in got:
            told[name] = letters[check.one_of(got["role"], ROLES, f"{where}: nodes.{name}: role")]
    free = iter([letter for letter in "ST" if letter not in told.values()])
    routers = 0
    for name, value in data.items():
        kind = value.get("kind", "host")  # of any type: what it must be is asked later
        if name in told:
            continue
        if kind == "router":
            routers += 1
            told[name] = f"R{routers}"
        else:
            told[name] = "SW" if kind in ("switch", "repeater") else next(free, "X")
    return told


def _node(name: str, got: dict[str, Any], role: str, linked: list[str], macs: Iterator[str], where: str) -> Node:
    check.keys(got, NODE, (), where)
    kind = check.one_of(got.get("kind", "host"), KINDS, f"{where}: kind")
    nics = check.table(got.get("interfaces", {}), f"{where}: interfaces")
    for nic in nics:
        if nic not in linked and not (nic == "br0" and kind in {"switch", "repeater"}):
            near = check.nearest_of(nic, linked)
            raise LabFileError(f"{where}: interfaces.{nic}", nics[nic], "lab_file.no_end", near=near)
    if kind in {"switch", "repeater"}:
        linked = ["br0", *linked]
    sysctl = check.table(got.get("sysctl", {}), f"{where}: sysctl")
    hosts = check.table(got.get("hosts", {}), f"{where}: hosts")

    def each(key: str, parse: Any) -> tuple[Any, ...]:
        listed = check.rows(got.get(key, []), f"{where}: {key}")
        return tuple(parse(line, f"{where}: {key}[{i}]") for i, line in enumerate(listed))

    return Node(
        name=name,
        kind=kind,
        role=role,
        nics=tuple(_nic(nic, nics.get(nic, {}), macs, f"{where}: interfaces.{nic}") for nic in linked),
        routes=each("routes", iproute.route),
        rules=each("rules", iproute.rule),
        neighbours=each("neighbours", iproute.neighbour),
        forwarding_entries=each("forwarding", iproute.forwarding_entry),
        sysctl={check.sysctl_key(k, f"{where}: sysctl"): str(v) for k, v in sysctl.items()},
        nft=check.argument(got["nft"], f"{where}: nft") if "nft" in got else None,
        nameservers=check.strings(got.get("nameservers", []), f"{where}: nameservers", check.address),
        hosts={
            check.hostname(host, f"{where}: hosts"): check.address(at, f"{where}: hosts.{host}")
            for host, at in hosts.items()
        },
        has_stp=check.flag(got.get("stp", False), f"{where}: stp"),
        has_loopback=check.flag(got.get("loopback", True), f"{where}: loopback"),
    )


def _nic(name: str, value: object, macs: Iterator[str], where: str) -> Nic:
    got = check.table(value, where)
    check.keys(got, _NIC, (), where)
    own = next(macs)  # taken even if the file names one, so that naming one moves no other
    mac = check.mac(got["mac"], f"{where}: mac") if "mac" in got else own
    addresses = got.get("address", [])
    return Nic(
        name=name,
        mac=mac,
        addresses=check.strings(
            [addresses] if isinstance(addresses, str) else addresses, f"{where}: address", check.interface_address
        ),
        mtu=check.number(got["mtu"], 68, 9000, f"{where}: mtu") if "mtu" in got else None,
        is_up=check.flag(got.get("up", True), f"{where}: up"),
        has_arp=check.flag(got.get("arp", True), f"{where}: arp"),
        is_member=check.flag(got.get("member", True), f"{where}: member"),
        is_isolated=check.flag(got.get("isolated", False), f"{where}: isolated"),
    )


def node_named(name: str, nodes: dict[str, Node], where: str) -> Node:
    """The node that a key names.

    Raises:
        LabFileError: the lab has none of this name.
    """
    if name not in nodes:
        raise LabFileError(where, name, "lab_file.nodes", names=[*nodes], near=check.nearest_of(name, nodes))
    return nodes[name]
