"""The looks that one can take, and what each cause predicts of them."""

# ruff: noqa: E501 - one cause more in a row reads better than another row

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.looks import foretold
from explain.causes.looks.foretold import by_cause, by_strike
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from explain.causes.looks.foretold import Strikes


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


_SENT = ("ping", "tcp", "udp", "trace")
_PUBLISHED = "dnat-missing dnat-to-absent-host dnat-to-wrong-port hairpin-nat-missing "
_AT_PUBLISHER = _PUBLISHED + (
    "forwarding-disabled filter-on-router-forward stateful-filter-asymmetric-path conntrack-table-full rst-by-middlebox "
    "idle-timeout-in-middlebox fragments-filtered pmtu-blackhole no-return-route-on-target "
)
"""What a router may do to packets for its own address that it publishes for a host behind it."""
_WORKING = "healthy icmp-redirect suboptimal-gateway proxy-arp-in-play"
"""What may come with an odd prefix that does no harm."""
_UNTRANSLATED = "masquerade-missing masquerade-wrong-interface nat-wrong-source-net masquerade-bypassed-by-notrack "
_ASTRAY = (
    "name-resolves-to-wrong-address no-route-on-sender no-route-on-router reject-route-on-router routing-loop "
    "wrong-nexthop-on-router broadcast-ping-without-b broadcast-echo-ignored loopback-down duplicate-address "
    "wrong-netmask-on-target link-local-without-scope dns-server-unreachable dns-server-not-configured "
) + _PUBLISHED
"""Where the destination need not be an address of the target's own."""
_UNPLUGGED = "link-no-carrier sender-interface-down target-interface-down gateway-interface-down "
_PORTS = "bridge-port-not-member bridge-port-down bridge-down bridge-port-not-forwarding bridge-ports-isolated "
OBSERVATIONS: tuple[Observation, ...] = (
    Observation(
        "sender-wire", "sender", "tcpdump -n -i any '{icmp} or host {target}'",
        ("nothing", "asks", "silent", "answered"),
        by_strike(foretold.at_sender, silent="sender-no-address link-local-without-scope tcp-accept-queue-full", asks="sender-no-address link-local-without-scope",
                  nothing="sender-no-address link-local-without-scope", answered="sender-no-address tcp-accept-queue-full"),
        "sender.wire", 0.2, ("ping", "tcp", "udp"),
    ),
    Observation(
        "sender-address", "sender", "ip -br link; {ip} -br address", ("down", "carrier", "none", "tentative", "other", "fine"),
        by_cause(
            "fine",
            down="sender-interface-down loopback-down",
            carrier="link-no-carrier bridge-port-down gateway-interface-down target-interface-down",
            none="sender-no-address ipv6-disabled router-advertisement-missing router-advertisement-ignored "
            "address-tentative duplicate-address sender-interface-down wrong-interface-selected link-no-carrier dhcp-no-server "
            "dhcp-server-filtered dhcp-pool-exhausted dhcp-request-wrong-subnet link-local-without-scope name-resolves-to-wrong-address",
            tentative="address-tentative duplicate-address",
            other="wrong-netmask-on-sender sender-address-in-wrong-subnet wrong-source-address-selected wrong-netmask-on-target "
            + _WORKING,
            fine="address-tentative duplicate-address gateway-interface-down target-interface-down bridge-port-down "
            "router-advertisement-missing router-advertisement-ignored wrong-interface-selected dhcp-request-wrong-subnet "
            "wrong-source-address-selected link-local-without-scope wrong-netmask-on-target name-resolves-to-wrong-address "
            + _WORKING,
        ),
        "sender.state",
    ),
    Observation(
        "sender-route", "sender", "{ip} route get {target}", ("none", "refuses", "direct", "gateway"),
        by_strike(
            foretold.way,
            none="no-route-on-sender router-advertisement-missing router-advertisement-ignored ipv6-disabled sender-interface-down "
            "sender-no-address loopback-down sender-address-in-wrong-subnet wrong-netmask-on-sender address-tentative duplicate-address "
            "link-no-carrier policy-rule-on-sender link-local-without-scope wrong-interface-selected name-resolves-to-wrong-address",
            refuses="reject-route-on-sender policy-rule-on-sender",
            direct="address-tentative duplicate-address wrong-netmask-on-sender sender-address-in-wrong-subnet loopback-down "
            "link-no-carrier proxy-arp-in-play broadcast-ping-without-b wrong-interface-selected default-route-without-gateway "
            "wrong-source-address-selected source-address-not-local unknown-interface link-local-without-scope policy-rule-on-sender "
            "name-resolves-to-wrong-address sender-no-address sender-interface-down no-raw-socket-privilege " + _AT_PUBLISHER,
            gateway="address-tentative duplicate-address wrong-netmask-on-sender sender-address-in-wrong-subnet loopback-down "
            "link-no-carrier icmp-redirect suboptimal-gateway wrong-interface-selected wrong-gateway-address no-raw-socket-privilege "
            "wrong-source-address-selected source-address-not-local unknown-interface policy-rule-on-sender "
            "name-resolves-to-wrong-address sender-no-address sender-interface-down " + _AT_PUBLISHER,
        ),
        "sender.state", 0.0, _SENT,
    ),
    Observation(
        "sender-neighbour", "sender", "{ip} neigh show", ("failed", "permanent", "known"),
        by_strike(foretold.neighbour, permanent="wrong-static-neighbour", known="wrong-static-neighbour arp-disabled",
                  failed="wrong-static-neighbour arp-disabled"),
        "sender.state", 0.1, _SENT,
    ),
    Observation(
        "sender-filter", "sender", "nft list ruleset; iptables-save", ("rule", "none"),
        by_cause("none", rule="filter-on-sender-output filter-on-sender-input pmtu-blackhole", none="pmtu-blackhole"),
        "sender.state", 0.1,
    ),
    Observation(
        "target-wire", "target", "tcpdump -n -i any '{icmp} or host {source}'", ("absent", "arrives", "replies"),
        by_strike(foretold.at_target, absent=_ASTRAY + "pmtu-blackhole mtu-mismatch-on-link arp-spoofed",
                  arrives=_ASTRAY + "pmtu-blackhole mtu-mismatch-on-link arp-spoofed tcp-accept-queue-full",
                  replies=_ASTRAY + "pmtu-blackhole mtu-mismatch-on-link arp-spoofed tcp-accept-queue-full"),
        "target.wire", 1.0, _SENT,
    ),
    Observation(
        "target-address", "target", "ip -br link; {ip} -br address", ("down", "other", "fine"),
        by_cause(
            "fine", down="target-interface-down",
            other=_ASTRAY + "target-has-other-address destination-host-absent-on-link destination-host-absent-behind-router",
            fine=_ASTRAY,
        ),
        "target.state", 0.8, _SENT,
    ),
    Observation(
        "target-route", "target", "{ip} route get {source}", ("none", "wrong", "fine"),
        by_cause(
            # Behind a translation a target may well know no way to the sender's own address.
            "none fine",
            none="routing-loop no-return-route-on-target target-has-other-address target-interface-down sender-address-in-wrong-subnet "
            "wrong-source-address-selected wrong-netmask-on-target " + _UNTRANSLATED,
            wrong="routing-loop wrong-gateway-on-target wrong-netmask-on-target sender-address-in-wrong-subnet wrong-source-address-selected "
            "wrong-netmask-on-sender",
            fine="routing-loop target-has-other-address target-interface-down sender-address-in-wrong-subnet wrong-netmask-on-target "
            "wrong-netmask-on-sender wrong-source-address-selected " + _UNTRANSLATED,
        ),
        "target.state", 0.8, _SENT,
    ),
    Observation(
        "target-filter", "target", "nft list ruleset; iptables-save; sysctl {ignore}", ("rule", "ignore", "none"),
        by_cause(
            "none",
            rule="filter-on-target-input filter-on-target-ingress filter-on-target-output icmp-rate-limited fragments-filtered "
            "arp-ignored-by-target pmtu-blackhole partial-loss",
            ignore="echo-ignored-by-target",
            none="fragments-filtered arp-ignored-by-target pmtu-blackhole partial-loss icmp-rate-limited",
        ),
        "target.state", 0.8, _SENT,
    ),
    Observation(
        "target-listener", "target", "ss -ltn 'sport = :{port}'", ("none", "loopback", "full", "listening"),
        by_cause(
            # What never reaches the target says nothing of its services.
            "none listening",
            none="tcp-no-listener dnat-missing dnat-to-wrong-port", loopback="tcp-bound-to-loopback", full="tcp-accept-queue-full",
            listening="healthy tcp-application-hangs tcp-application-closes tcp-half-open server-slow client-slow tls-alert "
            "filter-on-target-input dnat-missing dnat-to-wrong-port",
        ),
        "target.state", 0.5, ("tcp",),
    ),
    Observation(
        "target-connection", "target", "ss -tnp", ("unread", "none", "taken"),
        by_cause(
            "none taken unread",
            unread="tcp-application-hangs",
            none="tcp-application-closes tcp-half-open rst-by-middlebox idle-timeout-in-middlebox tcp-application-hangs tls-alert",
            taken="idle-timeout-in-middlebox rst-by-middlebox server-slow client-slow tcp-application-hangs",
        ),
        "target.connection", 0.8, ("tcp",),
    ),
    Observation(
        "router-forwarding", "router", "sysctl -ar '{forward}'", ("off", "on"),
        by_cause("on", off="forwarding-disabled wrong-gateway-address wrong-nexthop-on-router wrong-gateway-on-target",
                 on="wrong-gateway-address wrong-nexthop-on-router wrong-gateway-on-target"),
        "router.state", 0.8,
    ),
    Observation(
        "router-route", "router", "{ip} route get {target}; ip -br link", ("none", "down", "refuses", "wrong", "fine"),
        by_cause(
            "fine", none="no-route-on-router router-interface-down gateway-interface-down target-interface-down link-no-carrier "
            "name-resolves-to-wrong-address no-route-on-sender router-advertisement-missing loopback-down broadcast-ping-without-b reject-route-on-sender",
            down="router-interface-down gateway-interface-down",
            refuses="reject-route-on-router", wrong="wrong-nexthop-on-router routing-loop",
            fine="gateway-interface-down target-interface-down link-no-carrier name-resolves-to-wrong-address routing-loop "
            "no-route-on-sender router-advertisement-missing loopback-down broadcast-ping-without-b wrong-nexthop-on-router reject-route-on-router reject-route-on-sender",
        ),
        "router.state", 0.8, _SENT,
    ),
    Observation(
        "router-filter", "router", "nft list ruleset; iptables-save", ("rule", "nat", "none"),
        by_cause(
            # A translation that is there and right is no fault.
            "nat none",
            rule="silent-hop filter-on-router-forward stateful-filter-asymmetric-path fragments-filtered pmtu-blackhole rst-by-middlebox "
            "idle-timeout-in-middlebox partial-loss icmp-rate-limited conntrack-table-full",
            nat="silent-hop masquerade-missing masquerade-wrong-interface nat-wrong-source-net masquerade-bypassed-by-notrack snat-to-unowned-address "
            "dnat-to-absent-host dnat-to-wrong-port hairpin-nat-missing dnat-missing idle-timeout-in-middlebox pmtu-blackhole "
            "fragments-filtered rst-by-middlebox partial-loss conntrack-table-full no-return-route-on-target icmp-rate-limited",
            none="silent-hop masquerade-missing dnat-missing pmtu-blackhole fragments-filtered rst-by-middlebox idle-timeout-in-middlebox "
            "partial-loss conntrack-table-full no-return-route-on-target icmp-rate-limited",
        ),
        "router.state", 0.8,
    ),
    Observation(
        "switch-ports", "switch", "ip -br link; bridge -d link; bridge fdb; nft list ruleset", ("port", "table", "rule", "fine"),
        by_cause("fine", port=_PORTS + _UNPLUGGED + "router-interface-down dhcp-request-wrong-subnet", table="wrong-static-fdb-entry",
                 rule="filter-on-switch partial-loss", fine=_UNPLUGGED + "router-interface-down partial-loss dhcp-request-wrong-subnet"),
        "switch.state", 1.0,
    ),
    Observation(
        "resolver", "sender", "cat /etc/resolv.conf; dig {name}", ("none", "silent", "missing", "answered"),
        by_cause(
            # Where packets do not get through, those to the resolver do not either.
            "silent answered",
            none="dns-server-not-configured", silent="dns-server-unreachable", missing="name-does-not-exist",
            answered="name-resolves-to-wrong-address healthy",
        ),
        "resolver", 0.0, (*_SENT, "lookup"),
    ),
    Observation(
        "smaller", "sender", "ping -c 3 -s 56 {target}", ("works", "fails"),
        by_strike(foretold.smaller, works="mtu-mismatch-on-link pmtu-blackhole fragments-filtered path-mtu-exceeded local-mtu-too-small"),
        "smaller", 0.3, ("ping",),
    ),
    Observation(
        "more-hops", "sender", "traceroute -n {target}", ("circle", "arrives", "ends"),
        by_strike(foretold.hops, circle="routing-loop", arrives="ttl-too-low silent-hop", ends="routing-loop"),
        "more-hops", 0.4, ("ping",),
    ),
    Observation(
        "path", "sender", "tracepath -n {target}; {ip} neigh show", ("detour", "proxy", "twice", "plain"),
        by_cause("plain", detour="suboptimal-gateway icmp-redirect", proxy="proxy-arp-in-play",
                 twice="duplicate-address arp-spoofed", plain="icmp-redirect duplicate-address arp-spoofed"),
        "sender.state", 0.3, _SENT,
    ),
    Observation(
        "many", "sender", "ping -c 50 -i 0.2 {target}", ("some", "all", "none"),
        by_strike(foretold.many, some="icmp-rate-limited corrupted-packets conntrack-table-full duplicate-address arp-spoofed",
                  none="conntrack-table-full corrupted-packets duplicate-address arp-spoofed",
                  all="duplicate-address arp-spoofed conntrack-table-full"),
        "many", 0.5, ("ping",),
    ),
    Observation(
        "past", "target", "journalctl -b | grep -i -e {target} -e dhcp", ("moved", "never"),
        by_cause("never moved", moved="target-has-other-address",
                 never="destination-host-absent-on-link destination-host-absent-behind-router"),
        "past", 1.2, _SENT,
    ),
    Observation(
        "lease-server", "dhcp-server", "ss -lun 'sport = :67'; nft list ruleset; journalctl -u dnsmasq -n 20",
        ("absent", "filtered", "full", "two", "fine"),
        by_cause("fine", absent="dhcp-no-server", filtered="dhcp-server-filtered", full="dhcp-pool-exhausted", two="dhcp-rogue-server",
                 fine="dhcp-request-wrong-subnet dhcp-rogue-server"),
        "dhcp-server.state", 0.5, ("dhcp",),
    ),
)  # fmt: skip
"""Every look that may be proposed."""
