"""The network that notes build up: what typed commands should have made, and what output showed, host by host."""

from __future__ import annotations

from dataclasses import field
from ipaddress import ip_interface
from typing import TYPE_CHECKING, Any

from explain.record import dataclass
from explain.state.addresses import is_link_local

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.symptoms.changes.change import Change

Row = dict[str, Any]
End = tuple[str | None, str]
"""A host (None for the one that nothing names) and one of its interfaces."""


@dataclass(slots=True)
class Interface:
    """An interface as the notes leave it; None is unknown."""

    name: str
    kind: str | None = None
    addresses: dict[str, Row] = field(default_factory=dict)
    is_up: bool | None = None
    has_carrier: bool | None = None
    mac: str | None = None
    mtu: int | None = None
    master: str | None = None
    peer: End | None = None
    row: Row = field(default_factory=dict)


@dataclass(slots=True)
class Host:
    """A host as the notes leave it.

    Attributes:
        is_built: the notes made it (``ip netns add``), so that what they do not say of it is its default.
        whole: keys of a state file of which everything is known: it was built from nothing, or shown wholly.
        settings: sysctl by name.
        filters: iptables and nft changes, in order.
        saved: lines of iptables-save, where shown.
        flows: connections that it remembers, as ``conntrack -L`` shows them.
        is_removed: the notes deleted it.
    """

    name: str | None
    is_built: bool = False
    interfaces: dict[str, Interface] = field(default_factory=dict)
    routes: list[Row] = field(default_factory=list)
    rules: list[Row] = field(default_factory=list)
    neighbours: list[Row] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    filters: list[Mapping[str, Any]] = field(default_factory=list)
    saved: list[str] | None = None
    flows: list[Row] = field(default_factory=list)
    is_removed: bool = False


@dataclass(slots=True)
class Picture:
    """All hosts of the notes, in the order in which they appear."""

    hosts: dict[str | None, Host] = field(default_factory=dict)

    def host(self, name: str | None) -> Host:
        """The host of a name; it appears when it is first asked for."""
        return self.hosts.setdefault(name, Host(name))

    def holders(self, address: str) -> list[tuple[Host, Interface]]:
        """Who has an address."""
        bare = address.partition("/")[0]
        return [
            (host, one) for host in self.hosts.values() for one in host.interfaces.values()
            if any(each.partition("/")[0] == bare for each in one.addresses)
        ]  # fmt: skip

    # -- what a command changes

    def apply(self, change: Change) -> str | None:
        """Carries one change out on paper; the name of what is wrong with its order, or None."""
        name, values = change.verb, change.values
        if name == "netns-add":
            return self._add_namespace(values["name"])
        if name == "netns-del":
            self.host(values["name"]).is_removed = True
            self._unplug(values["name"])
            return None
        host = self.host(change.node)
        if name == "link-add":
            return self._add_link(host, values)
        if name.startswith(("link-", "addr-")):
            return self._on_interface(host, change)
        if name in ("route-add", "route-del"):
            return _route(host, name, dict(values))
        if name == "sysctl":
            host.settings[values["name"]] = values["value"]
        elif name in ("iptables", "nft"):
            host.filters.append(values)
        elif name == "rule-add":
            host.rules.append(dict(values))
        elif name == "neigh-add" and not values.get("proxy"):
            host.neighbours.append(dict(values))
        return None

    def _add_namespace(self, name: str) -> str | None:
        known = self.hosts.get(name)
        if known is not None and known.is_built and not known.is_removed:
            return "namespace-twice"
        is_late = known is not None and not known.is_removed
        self.hosts[name] = host = Host(name, is_built=True, whole={"addr", "route"})
        host.interfaces["lo"] = Interface("lo", "loopback", is_up=False)
        return "namespace-late" if is_late else None

    def _add_link(self, host: Host, values: Mapping[str, Any]) -> str | None:
        if not values.get("name"):
            return None
        near = self.host(values["netns"]) if values.get("netns") else host
        one = near.interfaces[values["name"]] = Interface(values["name"], values.get("kind"), is_up=False)
        one.mac, one.master = values.get("address"), values.get("master")
        if values.get("peer"):
            far = self.host(values["peer_netns"]) if values.get("peer_netns") else host
            other = far.interfaces[values["peer"]] = Interface(values["peer"], values.get("kind"), is_up=False)
            other.mac = values.get("peer_address")
            one.peer, other.peer = (far.name, other.name), (near.name, one.name)
        return None

    def _on_interface(self, host: Host, change: Change) -> str | None:
        values = change.values
        name = values.get("dev")
        if not name:
            return None
        one = host.interfaces.get(name)
        if one is None:
            elsewhere = [other.name for other in self.hosts.values() if name in other.interfaces and other is not host]
            one = host.interfaces[name] = Interface(name)
            if host.is_built and elsewhere:
                del host.interfaces[name]
                return "interface-elsewhere"
            if host.is_built:
                return "interface-unknown"
        if change.verb == "link-del":
            self._drop(host, one)
        elif change.verb == "addr-add":
            return _address(one, values["address"])
        elif change.verb == "addr-del":
            if values["address"] not in one.addresses and host.is_built:
                return "address-absent"
            one.addresses.pop(values["address"], None)
        elif change.verb == "addr-flush":
            one.addresses.clear()
        else:
            self._set(host, one, values)
        return None

    def _set(self, host: Host, one: Interface, values: Mapping[str, Any]) -> None:
        if "state" in values:
            one.is_up = values["state"] == "up"
            if not one.is_up:
                host.routes[:] = [row for row in host.routes if row.get("dev") != one.name]
        one.master = values.get("master", one.master)
        one.mac = values.get("address", one.mac)
        if str(values.get("mtu", "")).isdigit():
            one.mtu = int(values["mtu"])
        if values.get("name"):
            self._move(host, one, host, values["name"])
        if values.get("netns"):
            self._move(host, one, self.host(values["netns"]), one.name)

    def _move(self, host: Host, one: Interface, to: Host, name: str) -> None:
        """Into another namespace, or to another name: in another namespace it arrives down and bare."""
        del host.interfaces[one.name]
        if to is not host:
            one.addresses.clear()
            one.is_up, one.master = False, None
        one.name = name
        to.interfaces[name] = one
        if one.peer is not None and (far := self.hosts.get(one.peer[0])) and (other := far.interfaces.get(one.peer[1])):
            other.peer = (to.name, name)

    def _drop(self, host: Host, one: Interface) -> None:
        host.interfaces.pop(one.name, None)
        if one.peer is not None and (far := self.hosts.get(one.peer[0])):
            far.interfaces.pop(one.peer[1], None)

    def _unplug(self, name: str) -> None:
        for one in list(self.host(name).interfaces.values()):
            self._drop(self.host(name), one)

    def cables(self) -> list[tuple[End, End]]:
        """Pairs of interfaces that hang together, each once."""
        found: list[tuple[End, End]] = []
        for host in self.hosts.values():
            for one in host.interfaces.values():
                near = (host.name, one.name)
                if one.peer is not None and (one.peer, near) not in found:
                    found.append((near, one.peer))
        return found


def _address(one: Interface, address: str) -> str | None:
    if address in one.addresses:
        return "address-twice"
    one.addresses[address] = {}
    return None


def _route(host: Host, verb: str, row: Row) -> str | None:
    key = (row.get("dst"), row.get("gateway"), row.get("dev"), row.get("metric"))
    same = [one for one in host.routes if (one.get("dst"), one.get("gateway")) == key[:2] or
            (verb == "route-del" and one.get("dst") == key[0] and row.get("gateway") is None)]  # fmt: skip
    if verb == "route-del":
        if not same and host.is_built:
            return "route-absent"
        host.routes[:] = [one for one in host.routes if one not in same[:1]]
        return None
    host.routes[:] = [one for one in host.routes if one not in same]
    gateway = row.get("gateway")
    host.routes.append(row)
    if host.is_built and gateway and "onlink" not in row.get("flags", ()) and not is_on_link(host, str(gateway)):
        return "gateway-off-link"
    return None


def is_on_link(host: Host, address: str) -> bool:
    """Whether an address lies in the network of an interface that is up."""
    from ipaddress import ip_address

    if is_link_local(address):
        return True
    try:
        wanted = ip_address(address)
    except ValueError:
        return True
    return any(
        wanted in net.network for one in host.interfaces.values() if one.is_up is not False for net in _nets(one)
    )


def _nets(one: Interface) -> list[Any]:
    found = []
    for address in one.addresses:
        try:
            found.append(ip_interface(address))
        except ValueError:
            continue
    return found
