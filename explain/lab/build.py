"""Carries out the operations that make a network: namespaces, cables, addresses, routes, rules.

Everything is made by netlink sockets that were opened inside the namespace that they speak to, so no operation can
reach the host, whatever a lab file says.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.capture.recorder import Tap
from explain.errors import ExplainError
from explain.lab import operations
from explain.lab.kernel import CLONE_NEWNET, CLONE_NEWNS, MS_BIND, Inside, mount, nft, offload, setns, unshare
from explain.lab.kernel.light import lighten
from explain.lab.services import HOOK, PROGRAMS

if TYPE_CHECKING:
    from pyroute2.iproute.linux import IPRoute

FILES = Path("/run/explain")
_IFA_F_NODAD = 2
NTF_STICKY, NTF_MASTER = 0x40, 0x04
_NUD_NOARP = 0x40
NUD = {"permanent": 0x80, "noarp": 0x40, "reachable": 0x02, "stale": 0x04, "failed": 0x20}
RULE_ACTIONS = {"lookup": 1, "blackhole": 6, "unreachable": 7, "prohibit": 8}


@dataclass(slots=True)
class Place:
    """A node that exists: its namespaces, a netlink socket inside, and the ear of the recorder.

    Attributes:
        indexes: interface -> its number in the kernel, known because we chose it: asking would take most of the time.
    """

    net: int
    mounts: int | None
    netlink: IPRoute
    tap: Tap
    indexes: dict[str, int]

    def inside(self) -> Inside:
        """The namespaces of this node, to step into."""
        return Inside(self.net, self.mounts)


def build(acts: tuple[operations.Operation, ...]) -> dict[str, Place]:
    """Carry out operations in the network namespace of the calling thread, which must be ours alone.

    Returns:
        Node name -> what was made for it.

    Raises:
        ExplainError: the kernel refuses an operation; the operation is named as a command.
    """
    lighten()
    from pyroute2.iproute.linux import IPRoute
    from pyroute2.netlink.exceptions import NetlinkError

    places: dict[str, Place] = {}
    Path(HOOK).write_bytes((PROGRAMS / "dhcphook.sh").read_bytes())
    Path(HOOK).chmod(0o755)
    with IPRoute(ext_ack=True) as home:
        for act in acts:
            try:
                _carry_out(act, places, home)
            except (NetlinkError, OSError) as e:
                number, text = e.args[0], e.args[-1] if len(e.args) > 1 else e
                known = errno.errorcode.get(number, number) if isinstance(number, int) else number
                raise ExplainError("lab.refused", command=act.command, text=text, code=known) from e
    return places


def _carry_out(act: operations.Operation, places: dict[str, Place], home: IPRoute) -> None:
    """One operation of building."""
    match act:
        case operations.CreateNode():
            places[act.node] = _create(act)
        case operations.SetSysctl():
            _set_sysctl(act, places[act.node])
        case operations.ConnectNodes():
            _connect(act, places[act.a], places[act.b], home)
        case operations.CreateBridge():
            _create_bridge(act, places[act.node])
        case operations.LoadRules():
            with places[act.node].inside():
                nft.load(act.nft, act.node)
        case operations.SetNic():
            _set_nic(act, places[act.node])
        case operations.StartService() | operations.Break() | operations.Perform() | operations.WaitUntil():
            raise TypeError(f"{act.command} is no operation of building")
        case _:
            _configure(act, places[act.node])


def _connect(act: operations.ConnectNodes, a: Place, b: Place, home: IPRoute) -> None:
    """A cable: both of its ends are made in their nodes at once."""
    peer = {"ifname": act.b_nic, "address": act.b_mac, "index": act.b_index, "net_ns_fd": b.net}
    home.link("add", kind="veth", ifname=act.a_nic, address=act.a_mac, index=act.a_index, net_ns_fd=a.net, peer=peer)
    a.indexes[act.a_nic] = act.a_index
    b.indexes[act.b_nic] = act.b_index


def _create_bridge(act: operations.CreateBridge, place: Place) -> None:
    options = {"br_stp_state": int(act.has_stp), "br_mcast_snooping": 0}
    if not act.has_stp:
        options["br_forward_delay"] = 0
    place.netlink.link("add", kind="bridge", ifname=act.nic, address=act.mac, index=act.index, **options)
    place.indexes[act.nic] = act.index


def _configure(act: Any, place: Place) -> None:
    """Operations that are one netlink message in the node."""
    netlink = place.netlink
    match act:
        case operations.JoinBridge():
            index = _index(place, act.nic)
            netlink.link("set", index=index, master=_index(place, "br0"))
            netlink.brport("set", index=index, isolated=int(act.is_isolated), learning=int(act.learns))
        case operations.AddAddress():
            address, length = act.address.split("/")
            more = _about_address(act)
            netlink.addr("add", index=_index(place, act.nic), address=address, prefixlen=int(length), **more)
        case operations.RaiseNic():
            netlink.link("set", index=_index(place, act.nic), state="up")
        case operations.AddRoute():
            _add_route(act.route, place)
        case operations.AddRule():
            _add_rule(act.rule, place)
        case operations.AddNeighbour():
            _add_neighbour(act.neighbour, place)
        case operations.AddForwardingEntry():
            flags = NTF_MASTER | (NTF_STICKY if act.entry.is_sticky else 0)
            # A sticky entry has to be dynamic to the kernel; a static one is NOARP.
            netlink.fdb(
                "replace", ifindex=_index(place, act.entry.port), lladdr=act.entry.mac, flags=flags, state=_NUD_NOARP
            )


def _index(place: Place, nic: str) -> int:
    if nic not in place.indexes:
        raise OSError(errno.ENODEV, f"there is no interface {nic}")
    return place.indexes[nic]


def _about_address(act: operations.AddAddress) -> dict[str, Any]:
    import ipaddress

    parsed = ipaddress.ip_interface(act.address)
    if parsed.version == 6:
        return {"flags": _IFA_F_NODAD} if act.is_quiet else {}
    return {"broadcast": str(parsed.network.broadcast_address)} if parsed.network.prefixlen < 31 else {}


def _create(act: operations.CreateNode) -> Place:
    from pyroute2.iproute.linux import IPRoute

    here = FILES / act.node
    here.mkdir()
    (here / "resolv.conf").write_text(act.resolv_conf)
    (here / "hosts").write_text(act.hosts)
    old = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    unshare(CLONE_NEWNET)
    net = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    netlink = IPRoute(ext_ack=True)
    tap = Tap()
    setns(old, CLONE_NEWNET)
    os.close(old)
    # The name under which `ip netns exec` finds it, inside the lab's own mounts.
    Path(f"/run/netns/{act.node}").symlink_to(f"/proc/1/fd/{net}")
    mounts = _own_files(here) if act.needs_own_files else None
    if mounts is not None:
        (here / "mnt").symlink_to(f"/proc/1/fd/{mounts}")
    return Place(net, mounts, netlink, tap, {"lo": 1})


def _own_files(here: Path) -> int:
    """A mount namespace in which resolv.conf and hosts are the node's."""
    old = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    unshare(CLONE_NEWNS)
    for name in ("resolv.conf", "hosts"):
        mount(str(here / name), f"/etc/{name}", None, MS_BIND)
    own = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    setns(old, CLONE_NEWNS)
    os.close(old)
    return own


def _set_sysctl(act: operations.SetSysctl, place: Place) -> None:
    """``/proc/sys/net`` is that of the namespace in which the calling thread stands."""
    path = f"/proc/sys/{act.key.replace('.', '/')}"
    with place.inside():
        try:
            setting = os.open(path, os.O_WRONLY | os.O_CLOEXEC)  # there are dozens: a file object would take longer
            try:
                os.write(setting, act.value.encode())
            finally:
                os.close(setting)
        except OSError:
            if not act.is_optional:
                raise


def _set_nic(act: operations.SetNic, place: Place) -> None:
    index = _index(place, act.nic)
    if act.mtu is not None:
        place.netlink.link("set", index=index, mtu=act.mtu)
    if not act.has_arp:
        place.netlink.link("set", index=index, arp=False)
    if not act.has_offload and act.nic != "br0":
        with place.inside():
            offload.switch_off(act.nic)


def _add_route(route: Any, place: Place) -> None:
    from socket import AF_INET, AF_INET6

    more: dict[str, Any] = {}
    if route.via is not None:
        more["gateway"] = route.via
    if route.dev is not None:
        more["oif"] = _index(place, route.dev)
    if route.src is not None:
        more["prefsrc"] = route.src
    if route.metric is not None:
        more["priority"] = route.metric
    if route.mtu is not None:
        more["metrics"] = {"mtu": route.mtu}
    if route.is_onlink:
        more["flags"] = 4
    if route.via is None and route.kind == "unicast" and ":" not in route.to:
        more["scope"] = 253
    place.netlink.route(
        "add",
        family=AF_INET6 if ":" in route.to else AF_INET,
        dst=route.to,
        type=route.kind,
        table=route.table or 254,
        **more,
    )


def _add_rule(rule: Any, place: Place) -> None:
    from socket import AF_INET, AF_INET6

    more: dict[str, Any] = {}
    if rule.source is not None:
        more["src"], _, length = rule.source.partition("/")
        more["src_len"] = int(length)
    if rule.to is not None:
        more["dst"], _, length = rule.to.partition("/")
        more["dst_len"] = int(length)
    if rule.iif is not None:
        more["iifname"] = rule.iif
    if rule.priority is not None:
        more["priority"] = rule.priority
    if rule.table is not None:
        more["table"] = rule.table
    place.netlink.rule(
        "add", family=AF_INET6 if rule.family == 6 else AF_INET, action=RULE_ACTIONS[rule.action], **more
    )


def _add_neighbour(entry: Any, place: Place) -> None:
    from socket import AF_INET, AF_INET6

    family = AF_INET6 if ":" in entry.address else AF_INET
    index = _index(place, entry.dev)
    if entry.is_proxy:
        place.netlink.neigh("add", family=family, dst=entry.address, ifindex=index, flags=8)
    else:
        place.netlink.neigh(
            "add", family=family, dst=entry.address, lladdr=entry.mac, ifindex=index, state=NUD[entry.state]
        )
