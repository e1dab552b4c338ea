"""The looks that one can take, and what each cause predicts of them."""

# ruff: noqa: ARG001, ARG005, E501 - the functions of a table have one shape, whether or not each needs all of it

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from explain.causes.predictions import Strike

Strikes = tuple["Strike", ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """A read-only look.

    Attributes:
        id: its sentences stand under ``next.<id>`` in ``words/diagnosis.toml``.
        role: where it is taken.
        command: what to type; placeholders are those of ``next_steps``.
        outcomes: what it may show, in the order in which to tell them.
        predicts: the outcomes that a cause, with the strikes that are left of it, may show.
        sees: what kind of witness it is; one that was given already is not asked for again.
        cost: what it takes beyond the sender's own keyboard: another host counts more.
        tools: only for commands of these tools; empty for all.
    """

    id: str
    role: str
    command: str
    outcomes: tuple[str, ...]
    predicts: Callable[[str, Strikes], Iterable[str]]
    sees: str
    cost: float = 0.0
    tools: tuple[str, ...] = ()


def _by_cause(table: dict[str, str], otherwise: str) -> Callable[[str, Strikes], Iterable[str]]:
    """Each outcome names its causes; every other cause predicts ``otherwise``."""
    outcome = {cause: name for name, causes in table.items() for cause in causes.split()}
    return lambda cause, strikes: [outcome.get(cause, otherwise)]


def _sender_wire(cause: str, strikes: Strikes) -> Iterable[str]:
    return dict.fromkeys(_at_sender(strike) for strike in strikes)


def _at_sender(strike: Strike) -> str:
    if strike.how in {"refuse", "name", "unspecified"} or (strike.at == "sender" and strike.leg == "request"):
        return "asks" if strike.how == "no-neighbour" else "nothing"
    if strike.how in {"works", "duplicate", "damage", "elsewhere"} or (strike.at == "sender" and strike.leg == "reply"):
        return "answered"
    return "silent"


def _target_wire(cause: str, strikes: Strikes) -> Iterable[str]:
    return dict.fromkeys(_at_target(strike) for strike in strikes)


def _at_target(strike: Strike) -> str:
    if strike.how in {"works", "duplicate", "damage", "elsewhere"}:
        return "replies"
    if strike.leg == "reply":
        return "arrives" if strike.at == "target" else "replies"
    return "arrives" if strike.at == "target" and strike.how != "no-neighbour" else "absent"


_NAT = (
    "masquerade-missing masquerade-wrong-interface nat-wrong-source-net masquerade-bypassed-by-notrack "
    "snat-to-unowned-address dnat-missing dnat-to-absent-host dnat-to-wrong-port hairpin-nat-missing"
)
_NO_ROUTE = (
    "no-route-on-sender router-advertisement-missing router-advertisement-ignored ipv6-disabled sender-interface-down "
    "sender-no-address"
)
OBSERVATIONS: tuple[Observation, ...] = (
    Observation(
        "sender-wire", "sender", "tcpdump -n -i any '{icmp} or host {target}'",
        ("nothing", "asks", "silent", "answered"), _sender_wire, "sender.wire", 0.2,
    ),
    Observation(
        "sender-address", "sender", "{ip} -br address", ("down", "carrier", "none", "tentative", "other", "fine"),
        _by_cause(
            {
                "down": "sender-interface-down",
                "carrier": "link-no-carrier bridge-port-down",
                "none": "sender-no-address ipv6-disabled",
                "tentative": "address-tentative",
                "other": "wrong-netmask-on-sender sender-address-in-wrong-subnet",
            },
            "fine",
        ),
        "sender.state",
    ),
    Observation(
        "sender-route", "sender", "{ip} route get {target}", ("none", "refuses", "direct", "gateway"),
        _by_cause(
            {
                "none": _NO_ROUTE,
                "refuses": "reject-route-on-sender policy-rule-on-sender",
                "direct": "destination-host-absent-on-link default-route-without-gateway target-has-other-address "
                "arp-ignored-by-target wrong-interface-selected",
            },
            "gateway",
        ),
        "sender.state",
    ),
    Observation(
        "sender-neighbour", "sender", "{ip} neigh show", ("failed", "permanent", "known"),
        lambda cause, strikes: ["permanent"] if cause == "wrong-static-neighbour" else list(
            dict.fromkeys(
                "failed" if each.how in {"no-neighbour", "no-carrier"} and each.at == "sender" else "known"
                for each in strikes
            )
        ),
        "sender.state", 0.1,
    ),
    Observation(
        "sender-filter", "sender", "nft list ruleset; iptables-save", ("rule", "none"),
        _by_cause({"rule": "filter-on-sender-output filter-on-sender-input"}, "none"), "sender.state", 0.1,
    ),
    Observation(
        "target-wire", "target", "tcpdump -n -i any '{icmp} or host {source}'", ("absent", "arrives", "replies"),
        _target_wire, "target.wire", 1.0,
    ),
    Observation(
        "target-address", "target", "{ip} -br address", ("down", "other", "fine"),
        _by_cause(
            {"down": "target-interface-down", "other": "target-has-other-address destination-host-absent-on-link "
             "destination-host-absent-behind-router wrong-netmask-on-target name-resolves-to-wrong-address"}, "fine",
        ),
        "target.state", 0.8,
    ),
    Observation(
        "target-route", "target", "{ip} route get {source}", ("none", "wrong", "fine"),
        _by_cause(
            {"none": "no-return-route-on-target masquerade-missing masquerade-wrong-interface nat-wrong-source-net "
             "masquerade-bypassed-by-notrack wrong-source-address-selected",
             "wrong": "wrong-gateway-on-target wrong-netmask-on-target"}, "fine",
        ),
        "target.state", 0.8,
    ),
    Observation(
        "target-filter", "target", "nft list ruleset; iptables-save; sysctl {ignore}", ("rule", "ignore", "none"),
        _by_cause(
            {"rule": "filter-on-target-input filter-on-target-ingress filter-on-target-output icmp-rate-limited",
             "ignore": "echo-ignored-by-target"}, "none",
        ),
        "target.state", 0.8,
    ),
    Observation(
        "target-listener", "target", "ss -ltn 'sport = :{port}'", ("none", "loopback", "full", "listening"),
        _by_cause(
            {"none": "tcp-no-listener", "loopback": "tcp-bound-to-loopback", "full": "tcp-accept-queue-full"}, "listening"
        ),
        "target.state", 0.5, ("tcp",),
    ),
    Observation(
        "target-connection", "target", "ss -tnp", ("unread", "none", "taken"),
        _by_cause(
            {"unread": "tcp-application-hangs server-slow client-slow",
             "none": "tcp-half-open idle-timeout-in-middlebox rst-by-middlebox tcp-application-closes"}, "taken",
        ),
        "target.state", 0.8, ("tcp",),
    ),
    Observation(
        "router-forwarding", "router", "sysctl {forward}", ("off", "on"),
        _by_cause({"off": "forwarding-disabled"}, "on"), "router.state", 0.8,
    ),
    Observation(
        "router-route", "router", "{ip} route get {target}; {ip} -br link", ("none", "down", "refuses", "wrong", "fine"),
        _by_cause(
            {"none": "no-route-on-router", "down": "router-interface-down gateway-interface-down",
             "refuses": "reject-route-on-router", "wrong": "wrong-nexthop-on-router routing-loop"}, "fine",
        ),
        "router.state", 0.8,
    ),
    Observation(
        "router-filter", "router", "nft list ruleset; iptables-save", ("rule", "nat", "none"),
        _by_cause(
            {"rule": "filter-on-router-forward stateful-filter-asymmetric-path fragments-filtered pmtu-blackhole",
             "nat": _NAT}, "none",
        ),
        "router.state", 0.8,
    ),
    Observation(
        "switch-ports", "switch", "bridge -d link; bridge fdb; nft list ruleset", ("port", "table", "rule", "fine"),
        _by_cause(
            {"port": "bridge-port-not-member bridge-port-down bridge-down bridge-port-not-forwarding "
             "bridge-ports-isolated", "table": "wrong-static-fdb-entry", "rule": "filter-on-switch"}, "fine",
        ),
        "switch.state", 1.0,
    ),
    Observation(
        "resolver", "sender", "cat /etc/resolv.conf; dig {name}", ("none", "silent", "missing", "answered"),
        _by_cause(
            {"none": "dns-server-not-configured", "silent": "dns-server-unreachable", "missing": "name-does-not-exist"},
            "answered",
        ),
        "resolver",
    ),
    Observation(
        "smaller", "sender", "ping -c 3 -s 56 {target}", ("works", "fails"),
        _by_cause(
            {"works": "mtu-mismatch-on-link pmtu-blackhole fragments-filtered path-mtu-exceeded local-mtu-too-small"},
            "fails",
        ),
        "smaller", 0.3, ("ping",),
    ),
    Observation(
        "more-hops", "sender", "traceroute -n {target}", ("circle", "arrives", "ends"),
        _by_cause({"circle": "routing-loop", "arrives": "ttl-too-low silent-hop"}, "ends"), "more-hops", 0.4, ("ping",),
    ),
    Observation(
        "path", "sender", "tracepath -n {target}; {ip} neigh show", ("detour", "proxy", "twice", "plain"),
        _by_cause(
            {"detour": "suboptimal-gateway icmp-redirect", "proxy": "proxy-arp-in-play",
             "twice": "duplicate-address arp-spoofed"}, "plain",
        ),
        "sender.state", 0.3,
    ),
    Observation(
        "many", "sender", "ping -c 50 -i 0.2 {target}", ("some", "all"),
        _by_cause({"some": "partial-loss icmp-rate-limited corrupted-packets conntrack-table-full"}, "all"),
        "many", 0.5, ("ping",),
    ),
    Observation(
        "loss-place", "target", "nstat -az IcmpInEchos IcmpInCsumErrors IcmpOutEchoReps", ("fewer", "damaged", "unanswered"),
        _by_cause({"damaged": "corrupted-packets", "unanswered": "icmp-rate-limited"}, "fewer"), "target.state", 0.8,
        ("ping",),
    ),
    Observation(
        "lease-server", "dhcp-server", "ss -lun 'sport = :67'; nft list ruleset; journalctl -u dnsmasq -n 20",
        ("absent", "filtered", "full", "two", "fine"),
        _by_cause(
            {"absent": "dhcp-no-server", "filtered": "dhcp-server-filtered", "full": "dhcp-pool-exhausted",
             "two": "dhcp-rogue-server"}, "fine",
        ),
        "dhcp-server.state", 0.5, ("dhcp",),
    ),
)  # fmt: skip
"""Every look that may be proposed."""
