"""What the sysctls of a host mean for one interface: the kernel's way of joining ``all`` and the interface.

Source: Documentation/networking/ip-sysctl.rst of Linux.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from explain.state.records import HostState


class Setting(NamedTuple):
    """A sysctl that decided: its effective value (None is unknown) and the name of the one that did."""

    value: int | None
    name: str


def _either(state: HostState, interface: str, knob: str, family: int = 4) -> Setting:
    """The larger of ``conf.all`` and ``conf.IFACE``."""
    own = f"net.ipv{family}.conf.{interface}.{knob}"
    every = f"net.ipv{family}.conf.all.{knob}"
    known = [(value, name) for name in (own, every) if (value := state.sysctl(name)) is not None]
    if not known:
        return Setting(None, own)
    value, name = max(known, key=lambda pair: pair[0])
    return Setting(value, name)


def forwarding(state: HostState, interface: str, family: int) -> Setting:
    """Whether packets that come in here may leave again.

    IPv4 asks the interface that the packet came in by; IPv6 asks ``all`` alone.
    """
    if family == 6:
        return _first(state, "net.ipv6.conf.all.forwarding")
    return _first(state, f"net.ipv4.conf.{interface}.forwarding", "net.ipv4.conf.all.forwarding", "net.ipv4.ip_forward")


def _first(state: HostState, *names: str) -> Setting:
    for name in names:
        value = state.sysctl(name)
        if value is not None:
            return Setting(value, name)
    return Setting(None, names[0])


def is_router(state: HostState, family: int) -> bool:
    """Whether the host forwards at all."""
    name = "net.ipv4.ip_forward" if family == 4 else "net.ipv6.conf.all.forwarding"
    return _first(state, name, f"net.ipv{family}.conf.all.forwarding").value == 1


def rp_filter(state: HostState, interface: str) -> Setting:
    """Reverse path filter: 0 off, 1 strict, 2 loose; the larger of the two counts. Source: RFC 3704."""
    return _either(state, interface, "rp_filter")


def arp_ignore(state: HostState, interface: str) -> Setting:
    """Which ARP requests are answered; the larger of the two counts."""
    return _either(state, interface, "arp_ignore")


def arp_filter(state: HostState, interface: str) -> Setting:
    """Whether ARP is answered only on the interface that leads back to the asker."""
    return _either(state, interface, "arp_filter")


def proxy_arp(state: HostState, interface: str) -> Setting:
    """Whether ARP is answered for hosts that are reached through another interface."""
    return _either(state, interface, "proxy_arp")


def send_redirects(state: HostState, interface: str) -> Setting:
    """Whether a better router is told to the sender; one of the two is enough."""
    return _either(state, interface, "send_redirects")


def ignores_linkdown(state: HostState, interface: str, family: int) -> Setting:
    """Whether routes over an interface without carrier are passed over."""
    return _either(state, interface, "ignore_routes_with_linkdown", family)


def is_ipv6_disabled(state: HostState, interface: str) -> Setting:
    """Whether the interface speaks no IPv6."""
    own = f"net.ipv6.conf.{interface}.disable_ipv6"
    return _first(state, own, "net.ipv6.conf.all.disable_ipv6")


def accept_ra(state: HostState, interface: str) -> Setting:
    """Whether router advertisements are heeded: 0 no, 1 if not forwarding, 2 always. The interface alone counts."""
    own = f"net.ipv6.conf.{interface}.accept_ra"
    setting = _first(state, own)
    if setting.value == 1 and _first(state, f"net.ipv6.conf.{interface}.forwarding").value == 1:
        return Setting(0, own)
    return setting


def default_ttl(state: HostState, family: int, interface: str | None) -> int:
    """The TTL or hop limit of packets that the host makes; 64 where nothing else is known.

    The kernel looks at ``conf.all.hop_limit`` only where an interface has no settings of IPv6.
    """
    if family == 4:
        return state.sysctl("net.ipv4.ip_default_ttl") or 64
    return state.sysctl(f"net.ipv6.conf.{interface}.hop_limit") or 64


def bridged_is_filtered(state: HostState, family: int) -> Setting:
    """Whether bridged IP packets pass iptables: on as soon as br_netfilter is loaded."""
    name = "net.bridge.bridge-nf-call-iptables" if family == 4 else "net.bridge.bridge-nf-call-ip6tables"
    return Setting(state.sysctl(name), name)
