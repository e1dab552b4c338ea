"""The picture as states of hosts, for the engine that weighs witnesses; what the notes leave open stays unknown."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explain.causes.notes.picture import Host, Interface, Picture
    from explain.state.records import HostState

HERE = "host"
"""The name of the host that no prompt names."""


def states_of(picture: Picture) -> tuple[HostState, ...]:
    """The hosts of which something is known wholly, as states."""
    from explain.errors import UnreadableError
    from explain.state.reading.state_file import host_state

    found = []
    for host in picture.hosts.values():
        value = _state(picture, host)
        if value and not host.is_removed:
            try:
                found.append(host_state(value, host.name or HERE))
            except UnreadableError:
                continue  # a text that shows what no tool prints; the others still count
    return tuple(found)


def links_of(picture: Picture) -> tuple[tuple[str, str, str, str], ...] | None:
    """The cables between them, as the engine takes them; None where the notes tell of none."""
    found = tuple((a or HERE, x, b or HERE, y) for (a, x), (b, y) in picture.cables())
    return found or None


def _state(picture: Picture, host: Host) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if "addr" in host.whole:
        value["addr"] = [_interface(picture, host, one) for one in host.interfaces.values()]
    if "route" in host.whole:
        value["route"] = _routes(host, 4)
    if "route6" in host.whole:
        value["route6"] = _routes(host, 6)
    if "neigh" in host.whole:
        value["neigh"] = host.neighbours
    if host.settings:
        value["sysctl"] = dict(host.settings)
    if host.flows:
        value["conntrack"] = [row["line"] for row in host.flows]
    saved = _iptables_lines(host)
    if saved:
        value["iptables_save"] = saved
    return value


def _interface(picture: Picture, host: Host, one: Interface) -> dict[str, Any]:
    row = dict(one.row)
    if not row.get("flags"):
        row["flags"] = _flags(picture, one)
    row |= {"ifname": one.name, "addr_info": [_address(text, each) for text, each in one.addresses.items()]}
    row |= {key: value for key, value in (("address", one.mac), ("mtu", one.mtu), ("master", one.master)) if value}
    if one.kind in ("bridge", "veth", "vlan"):
        row.setdefault("linkinfo", {"info_kind": one.kind})
    row.setdefault("ifindex", list(host.interfaces).index(one.name) + 1)
    return row


def _flags(picture: Picture, one: Interface) -> list[str]:
    flags = ["LOOPBACK"] if one.name == "lo" else ["BROADCAST", "MULTICAST"]
    if not one.is_up:
        return flags
    far = picture.hosts.get(one.peer[0]) if one.peer else None
    other = far.interfaces.get(one.peer[1]) if far and one.peer else None
    is_cut = one.has_carrier is False or (other is not None and other.is_up is False)
    return [*flags, "UP", "NO-CARRIER"] if is_cut else [*flags, "UP", "LOWER_UP"]


def _address(text: str, row: dict[str, Any]) -> dict[str, Any]:
    if row:
        return row
    address = ip_interface(text)
    family = "inet" if address.version == 4 else "inet6"
    return {"family": family, "local": str(address.ip), "prefixlen": address.network.prefixlen, "scope": "global"}


def _routes(host: Host, family: int) -> list[dict[str, Any]]:
    """The routes typed or shown, and those that the kernel makes of addresses on interfaces that are up."""
    rows = [{key: value for key, value in row.items() if key not in ("text", "family")}
            for row in host.routes if row.get("family", 4) == family]  # fmt: skip
    known = {str(row.get("dst")) for row in rows}
    for one in host.interfaces.values():
        for text in one.addresses if one.is_up and one.name != "lo" else ():
            try:
                address = ip_interface(text)
            except ValueError:
                continue
            if address.version == family and str(address.network) not in known and address.network.prefixlen < 32:
                rows.append({"dst": str(address.network), "dev": one.name, "protocol": "kernel", "scope": "link",
                             "prefsrc": str(address.ip), "flags": []})  # fmt: skip
    return [_with_device(host, row) for row in rows]


def _with_device(host: Host, row: dict[str, Any]) -> dict[str, Any]:
    """The interface that the kernel finds for a gateway."""
    from ipaddress import ip_address

    if row.get("dev") or not row.get("gateway"):
        return row
    try:
        gateway = ip_address(str(row["gateway"]))
    except ValueError:
        return row
    for one in host.interfaces.values():
        for text in one.addresses:
            try:
                if gateway in ip_interface(text).network:
                    return {**row, "dev": one.name}
            except ValueError:
                continue
    return row


_CHAINS = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "raw": ("PREROUTING", "OUTPUT"),
}


def _iptables_lines(host: Host) -> list[str]:
    """The rules as lines of ``iptables-save``: as shown, else as typed; empty where neither tells."""
    if host.saved is not None:
        return host.saved
    tables: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {}
    for each in host.filters:
        if each.get("family") != 4 or each.get("table") not in _CHAINS:
            continue
        policies, rules = tables.setdefault(each["table"], (dict.fromkeys(_CHAINS[each["table"]], "ACCEPT"), []))
        _carry_out(each, policies, rules)
    lines: list[str] = []
    for name, (policies, rules) in tables.items():
        lines += [f"*{name}", *(f":{chain} {policy} [0:0]" for chain, policy in policies.items())]
        lines += [*(f"-A {chain} {rule}" for chain, rule in rules), "COMMIT"]
    return lines


def _carry_out(change: Any, policies: dict[str, str], rules: list[tuple[str, str]]) -> None:
    chain, action = change["chain"], change["action"]
    rule = (chain, " ".join(change["rule"]))
    if action == "append":
        rules.append(rule)
    elif action == "insert":
        rules.insert(0, rule)
    elif action == "delete" and rule in rules:
        rules.remove(rule)
    elif action == "policy" and chain in policies and change["rule"]:
        policies[chain] = change["rule"][0]
    elif action == "flush":
        rules[:] = [each for each in rules if chain is not None and each[0] != chain]
