# ruff: noqa: E501, ISC004 - a table: one fault a line, its script in one piece
"""Faults for the small real networks: what is done, and which cause a walk over the states has to name.

In a script ``{S}``, ``{T}``, ``{R1}`` ... stand for addresses, ``{net0}`` for prefixes, ``{ip}`` for ``ip`` or ``ip -6``.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        scripts: host and shell script, in order; run before the ping.
        late: run after the ping, before the states are read.
        packet: how the packet differs from a plain ping: size, ttl, df, bound_interface, bound_source, broadcast.
        to: the destination, as a format string.
        ping: further arguments of ping.
        truth: whether ping is answered; None where that is a race or means nothing.
    """

    cause: str
    topology: str
    scripts: tuple[tuple[str, str], ...] = ()
    families: tuple[int, ...] = (4, 6)
    packet: dict[str, object] = field(default_factory=dict)
    to: str = "{T}"
    ping: tuple[str, ...] = ()
    is_answered: bool | None = False
    late: tuple[tuple[str, str], ...] = ()
    tcp: int | None = None
    others: tuple[str, ...] = ()


def fault(cause: str, topology: str, *scripts: tuple[str, str], **more: object) -> Fault:
    """A Fault with its scripts in a row."""
    return Fault(cause, topology, scripts, **more)  # type: ignore[arg-type]  # a table of keyword arguments


_NFT = "nft add table inet fw; nft 'add chain inet fw c {{ type filter hook {hook} priority 0; }}'; nft 'add rule inet fw c {rule}'"


def _nft(hook: str, rule: str) -> str:
    return _NFT.replace("{hook}", hook).replace("{rule}", rule)


V4 = (4,)
V6 = (6,)

FAULTS = (
    fault("healthy", "direct", is_answered=True),
    fault("healthy", "bridge", is_answered=True),
    fault("healthy", "r1", is_answered=True),
    fault("healthy", "r1b", is_answered=True),
    fault("healthy", "r2", is_answered=True),
    fault("healthy", "nat", is_answered=True, families=V4),
    fault("healthy", "par", is_answered=True),
    fault("healthy", "r2", packet={"size": 3000}, ping=("-s", "3000"), is_answered=True),
    fault("icmp-redirect", "lan2", is_answered=True),
    fault("suboptimal-gateway", "lan2",
          ("R1", "sysctl -q -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.r10.send_redirects=0"),
          families=V4, is_answered=True),
    fault("proxy-arp-in-play", "r1", ("S", "ip route replace default dev s0"),
          ("R1", "sysctl -q -w net.ipv4.conf.r10.proxy_arp=1"), families=V4, is_answered=True),
    # 1. the command
    fault("source-address-not-local", "r1", packet={"bound_source": "{R1}"}, ping=("-I", "{R1}")),
    fault("unknown-interface", "r1", packet={"bound_interface": "nosuch"}, ping=("-I", "nosuch")),
    fault("wrong-interface-selected", "par", packet={"bound_interface": "s1"}, ping=("-I", "s1")),
    fault("broadcast-ping-without-b", "direct", to="{net0}.255", families=V4),
    fault("broadcast-echo-ignored", "direct", to="{net0}.255", packet={"broadcast": True}, ping=("-b",), families=V4),
    fault("ttl-too-low", "r2", packet={"ttl": 2}, ping=("-t", "2")),
    fault("local-mtu-too-small", "r1", ("S", "ip link set s0 mtu 1300"), packet={"size": 1400, "df": True},
          ping=("-M", "do", "-s", "1400")),
    # 2. the sender
    fault("sender-interface-down", "r1", ("S", "ip link set s0 down")),
    fault("sender-interface-down", "r1", ("S", "ip link set s0 down"), packet={"bound_interface": "s0"}, ping=("-I", "s0")),
    fault("sender-interface-down", "bridge", ("S", "ip link set s0 down")),
    fault("sender-no-address", "direct", ("S", "ip addr flush dev s0 scope global")),
    fault("sender-no-address", "par", ("S", "ip addr flush dev s0 scope global"), families=V4),
    fault("sender-no-address", "r1", ("S", "ip addr flush dev s0 scope global"), packet={"bound_interface": "s0"},
          ping=("-I", "s0")),
    fault("link-no-carrier", "bridge", ("SW", "ip link set ps netns {netns:Z}")),
    fault("loopback-down", "direct", ("S", "ip link set lo down"), to="127.0.0.1", families=V4),
    fault("loopback-down", "direct", ("S", "ip link set lo down"), to="{S}"),
    fault("no-route-on-sender", "r1", ("S", "{ip} route del default")),
    fault("no-route-on-sender", "r2", ("S", "{ip} route del default"), packet={"bound_source": "{S}"}, ping=("-I", "{S}")),
    fault("no-route-on-sender", "r1", ("S", "{ip} route del default"), packet={"bound_interface": "s0"}, ping=("-I", "s0")),
    fault("default-route-without-gateway", "r1", ("S", "{ip} route replace default dev s0")),
    fault("wrong-gateway-address", "r1", ("S", "{ip} route replace default via {net0:250}")),
    fault("wrong-gateway-address", "r1b", ("S", "{ip} route replace default via {X}")),
    fault("wrong-gateway-address", "r1b", ("S", "{ip} route add {prefix1} via {net0:250}")),
    fault("wrong-netmask-on-sender", "bridge", ("S", "ip addr flush dev s0 scope global; ip addr add {S}/32 dev s0"),
          families=V4),
    fault("wrong-netmask-on-sender", "bridge", ("S", "ip addr flush dev s0 scope global; ip -6 addr add {S}/128 dev s0 nodad"),
          families=V6),
    fault("wrong-netmask-on-sender", "r1", ("S", "ip addr flush dev s0; ip addr add {S}/8 dev s0; ip route add default via {R1}"),
          families=V4),
    fault("sender-address-in-wrong-subnet", "bridge", ("S", "ip addr flush dev s0; ip addr add 172.20.1.5/24 dev s0"),
          families=V4),
    fault("sender-address-in-wrong-subnet", "r1", ("S", "ip addr flush dev s0; ip addr add 172.20.1.5/24 dev s0; ip route add default via {R1} dev s0 onlink"), families=V4),
    fault("sender-address-in-wrong-subnet", "r1", ("S", "ip addr flush dev s0; ip addr add 172.20.1.5/24 dev s0"), families=V4),
    fault("sender-address-in-wrong-subnet", "r1", ("R1", "ip -6 addr add 2001:db8:77::fe/64 dev r11 nodad"), ("S", "ip -6 addr flush dev s0 scope global; ip -6 addr add 2001:db8:77::5/64 dev s0 nodad; ip -6 route replace default via 2001:db8:77::fe"), families=V6),
    fault("wrong-netmask-on-sender", "r1", ("S", "ip -6 addr flush dev s0 scope global; ip -6 addr add {S}/24 dev s0 nodad; ip -6 route replace default via {R1}"), families=V6),
    fault("duplicate-address", "bridge", ("X", "ip -6 addr add {S}/64 dev x0 nodad"), ("S", "ip -6 addr flush dev s0 scope global; sysctl -q -w net.ipv6.conf.s0.accept_dad=1; ip -6 addr add {S}/64 dev s0; sleep 2"), families=V6, is_answered=None),
    fault("address-tentative", "direct", ("S", "ip -6 addr flush dev s0 scope global; sysctl -q -w net.ipv6.conf.s0.accept_dad=1 net.ipv6.conf.s0.dad_transmits=250; ip -6 addr add {S}/64 dev s0"), packet={"bound_source": "{S}"}, ping=("-I", "{S}"), families=V6),
    fault("arp-spoofed", "r1b", ("S", "{ip} neigh add {R1} lladdr {mac:X:x0} dev s0 nud reachable")),
    fault("hairpin-nat-missing", "r1b", ("R1", "iptables -t nat -A PREROUTING -d {R1} -p icmp -j DNAT --to-destination {X}"), to="{R1}", families=V4, is_answered=True),
    fault("masquerade-missing", "nat", ("R1", "iptables -t nat -F"), families=V4, others=("no-return-route-on-target",)),
    fault("no-return-route-on-target", "r1", ("T", "{ip} route del default"), families=V6),
    fault("wrong-source-address-selected", "r1",
          ("S", "ip addr add 203.0.113.9/32 dev lo; ip route replace default via {R1} src 203.0.113.9"), families=V4),
    fault("wrong-source-address-selected", "r1",
          ("S", "ip -6 addr add 2001:db8:ffff::9/128 dev lo; ip -6 route replace default via {R1} src 2001:db8:ffff::9"),
          families=V6),
    fault("reject-route-on-sender", "r1", ("S", "{ip} route add blackhole {prefix1}")),
    fault("reject-route-on-sender", "r1", ("S", "{ip} route add unreachable {T}")),
    fault("reject-route-on-sender", "r2", ("S", "{ip} route add prohibit {prefix1}")),
    fault("policy-rule-on-sender", "r1", ("S", "{ip} rule add to {T} unreachable")),
    fault("policy-rule-on-sender", "r1", ("S", "{ip} rule add to {T} prohibit")),
    fault("policy-rule-on-sender", "r2", ("S", "{ip} rule add to {T} lookup 77; {ip} route add blackhole default table 77")),
    fault("filter-on-sender-output", "r1", ("S", _nft("output", "icmp type echo-request drop")), families=V4),
    fault("filter-on-sender-output", "r1", ("S", _nft("output", "ip6 daddr {T} reject")), families=V6),
    fault("filter-on-sender-output", "r1", ("S", _nft("postrouting", "oifname s0 meta l4proto icmp drop")), families=V4),
    fault("filter-on-sender-input", "r2", ("S", _nft("input", "ip saddr {T} drop")), families=V4),
    fault("filter-on-sender-input", "direct", ("S", _nft("input", "icmpv6 type echo-reply drop")), families=V6),
    fault("filter-on-sender-input", "r1", ("S", "iptables -t raw -A PREROUTING -p icmp --icmp-type echo-reply -j DROP"), families=V4),
    fault("ipv6-disabled", "r1", ("S", "sysctl -q -w net.ipv6.conf.s0.disable_ipv6=1"), families=V6),
    fault("ipv6-disabled", "par", ("S", "sysctl -q -w net.ipv6.conf.s0.disable_ipv6=1"), families=V6),
    fault("address-tentative", "r1",
          ("S", "ip -6 addr flush dev s0 scope global; sysctl -q -w net.ipv6.conf.s0.accept_dad=1 net.ipv6.conf.s0.dad_transmits=250; "
                "ip -6 addr add {S}/64 dev s0; ip -6 route replace default via {R1}"), families=V6),
    fault("router-advertisement-missing", "r1",
          ("S", "ip -6 route del default; ip -6 addr flush dev s0 scope global; sysctl -q -w net.ipv6.conf.s0.accept_ra=1"), families=V6),
    # 3. the segment
    fault("destination-host-absent-on-link", "direct", to="{net0:200}", others=("target-has-other-address",)),
    fault("destination-host-absent-on-link", "bridge", to="{net0:200}", others=("target-has-other-address",)),
    fault("target-has-other-address", "direct",
          ("T", "ip -6 addr flush dev t0 scope global; ip -6 addr add {net0:99}/64 dev t0 nodad"), to="{net0:9}", families=V6, others=("destination-host-absent-on-link",)),
    fault("target-has-other-address", "r1", ("T", "ip addr flush dev t0; ip addr add {net1:99}/24 dev t0"), to="{net1:9}", families=V4),
    fault("target-interface-down", "direct", ("T", "ip link set t0 down"), others=("link-no-carrier",), is_answered=None),
    fault("target-interface-down", "bridge", ("T", "ip link set t0 down")),
    fault("target-interface-down", "r1", ("T", "ip link set t0 down")),
    fault("target-interface-down", "r2", ("T", "ip link set t0 down")),
    fault("gateway-interface-down", "r1", ("R1", "ip link set r10 down"), others=("link-no-carrier",)),
    fault("gateway-interface-down", "r1b", ("R1", "ip link set r10 down")),
    fault("arp-disabled", "direct", ("T", "ip link set t0 arp off"), families=V4),
    fault("arp-disabled", "r1", ("S", "ip link set s0 arp off"), families=V4),
    fault("arp-ignored-by-target", "bridge", ("T", "sysctl -q -w net.ipv4.conf.all.arp_ignore=8"), families=V4),
    fault("arp-ignored-by-target", "direct", ("T", "ip addr del {T}/24 dev t0; ip addr add {T}/32 dev lo; sysctl -q -w net.ipv4.conf.all.arp_ignore=1; ip addr add {net0:44}/24 dev t0"), families=V4),
    fault("arp-ignored-by-target", "bridge", ("T", "nft add table arp a; nft 'add chain arp a i {{ type filter hook input priority 0; }}'; nft 'add rule arp a i drop'"), families=V4),
    fault("wrong-netmask-on-sender", "r1", ("S", "ip addr flush dev s0; ip addr add {S}/32 dev s0"), families=V4),
    fault("wrong-netmask-on-target", "r1", ("T", "ip addr flush dev t0; ip addr add {T}/32 dev t0"), families=V4),
    fault("duplicate-address", "bridge", ("X", "ip addr add {T}/24 dev x0"), families=V4, is_answered=None),
    fault("duplicate-address", "bridge", ("X", "ip addr add {S}/24 dev x0"), families=V4, is_answered=None),
    fault("arp-spoofed", "bridge", ("S", "ip neigh add {T} lladdr {mac:X:x0} dev s0 nud reachable"), families=V4, is_answered=False),
    fault("wrong-static-neighbour", "r1", ("S", "{ip} neigh replace {R1} lladdr 02:00:00:00:99:99 dev s0 nud permanent")),
    fault("wrong-static-neighbour", "r1", ("R1", "{ip} neigh replace {T} lladdr 02:00:00:00:99:99 dev r11 nud permanent")),
    fault("wrong-static-neighbour", "r1", ("T", "{ip} neigh replace {net1:1} lladdr 02:00:00:00:99:99 dev t0 nud permanent"), families=V4),
    fault("wrong-static-neighbour", "r1", ("T", "{ip} neigh replace {net1:1} lladdr 02:00:00:00:99:99 dev t0 nud permanent"), families=V6),
    fault("wrong-static-neighbour", "bridge", ("S", "{ip} neigh replace {T} lladdr {mac:X:x0} dev s0 nud permanent")),
    fault("bridge-port-not-member", "bridge", ("SW", "ip link set pt nomaster")),
    fault("bridge-port-not-member", "r1b", ("SW", "ip link set ps nomaster")),
    fault("bridge-port-down", "bridge", ("SW", "ip link set pt down")),
    fault("bridge-port-down", "r1b", ("SW", "ip link set ps down"), others=("link-no-carrier",)),
    fault("bridge-down", "bridge", ("SW", "ip link set br0 down")),
    fault("bridge-port-not-forwarding", "bridge", ("SW", "bridge link set dev pt state 0")),
    fault("bridge-ports-isolated", "bridge", ("SW", "bridge link set dev pt isolated on; bridge link set dev ps isolated on")),
    fault("wrong-static-fdb-entry", "bridge", ("SW", "bridge fdb replace {mac:T:t0} dev px master static sticky")),
    fault("filter-on-switch", "bridge", ("SW", "nft add table bridge b; nft 'add chain bridge b f {{ type filter hook forward priority 0; }}'; nft 'add rule bridge b f ip protocol icmp drop'"), families=V4),
    fault("filter-on-switch", "bridge", ("SW", "nft add table bridge b; nft 'add chain bridge b f {{ type filter hook forward priority 0; policy drop; }}'")),
    fault("filter-on-switch", "bridge", ("SW", "sysctl -q -w net.bridge.bridge-nf-call-iptables=1; iptables -P FORWARD DROP"), families=V4),
    fault("mtu-mismatch-on-link", "bridge", ("T", "ip link set t0 mtu 1300"), packet={"size": 1400}, ping=("-s", "1400")),
    # 4. routers
    fault("forwarding-disabled", "r1", ("R1", "sysctl -q -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")),
    fault("forwarding-disabled", "r2", ("R2", "sysctl -q -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")),
    fault("forwarding-disabled", "r2", ("R1", "sysctl -q -w net.ipv4.conf.r10.forwarding=0"), families=V4),
    fault("no-route-on-router", "r2", ("R1", "{ip} route del {prefix1}")),
    fault("no-route-on-router", "r1", to="203.0.113.77", families=V4),
    fault("reject-route-on-router", "r1", ("R1", "{ip} route add blackhole {T}")),
    fault("reject-route-on-router", "r2", ("R1", "{ip} route replace prohibit {prefix1} metric 1; {ip} route del {prefix1} via {net2:2} || true")),
    fault("reject-route-on-router", "r1", ("R1", "{ip} route add unreachable {T}")),
    fault("reject-route-on-router", "r2", ("R1", "{ip} rule add to {T} unreachable")),
    fault("wrong-nexthop-on-router", "r2", ("R1", "{ip} route replace {prefix1} via {net2:200}")),
    fault("wrong-nexthop-on-router", "r2", ("R1", "{ip} route del {prefix1}; {ip} route add {prefix1} dev r11")),
    fault("router-interface-down", "r1", ("R1", "ip link set r11 down")),
    fault("router-interface-down", "r2", ("R1", "ip link set r11 down")),
    fault("destination-host-absent-behind-router", "r1", to="{net1:200}", others=("target-has-other-address",)),
    fault("destination-host-absent-behind-router", "r2", to="{net1:200}", others=("target-has-other-address",)),
    fault("routing-loop", "r2", ("R2", "{ip} route add {T} via {net2:1}")),
    fault("filter-on-router-forward", "r1", ("R1", _nft("forward", "ip daddr {T} drop")), families=V4),
    fault("filter-on-router-forward", "r2", ("R2", _nft("prerouting", "ip6 saddr {S} drop")), families=V6),
    fault("filter-on-router-forward", "r2", ("R2", "iptables -P FORWARD DROP; ip6tables -P FORWARD DROP")),
    fault("filter-on-router-forward", "r2", ("R2", "nft add table inet f; nft 'add chain inet f c {{ type filter hook forward priority 0; policy drop; }}'; nft 'add chain inet f sub'; nft 'add rule inet f sub icmp type {{ timestamp-request }} accept'; nft 'add rule inet f c jump sub'; nft 'add rule inet f c ct state established accept'")),
    fault("healthy", "r2", ("R2", "nft add table inet f; nft 'add chain inet f c {{ type filter hook forward priority 0; policy drop; }}'; nft 'add rule inet f c ct state vmap {{ established : accept, related : accept, invalid : drop }}'; nft 'add rule inet f c iifname r20 accept'"), is_answered=True),
    fault("healthy", "r1", ("T", "iptables -P INPUT DROP; iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT; iptables -N pings; iptables -A INPUT -p icmp -j pings; iptables -A pings -s {S}/24 -p icmp -m icmp --icmp-type 8 -j ACCEPT"), families=V4, is_answered=True),
    fault("rp-filter-strict", "par", ("T", "sysctl -q -w net.ipv4.conf.t0.rp_filter=1"), families=V4),
    fault("rp-filter-strict", "par", ("S", "sysctl -q -w net.ipv4.conf.all.rp_filter=1"), families=V4),
    fault("healthy", "par", ("S", "sysctl -q -w net.ipv4.conf.all.rp_filter=2"), families=V4, is_answered=True),
    fault("rp-filter-strict", "r1", ("R1", "sysctl -q -w net.ipv4.conf.r10.rp_filter=1; ip route add {S}/32 via {T}"), families=V4),
    fault("link-local-without-scope", "par", to="fe80::1", families=V6),
    fault("path-mtu-exceeded", "r1", ("R1", "ip link set r11 mtu 1300"), ("T", "ip link set t0 mtu 1300"),
          packet={"size": 1400, "df": True}, ping=("-M", "do", "-s", "1400")),
    fault("pmtu-blackhole", "r1", ("R1", "ip link set r11 mtu 1300; " + _nft("output", "icmp type destination-unreachable drop")),
          ("T", "ip link set t0 mtu 1300"), packet={"size": 1400, "df": True}, ping=("-M", "do", "-s", "1400"), families=V4),
    fault("fragments-filtered", "r1", ("R1", "nft add table ip f; nft 'add chain ip f c {{ type filter hook forward priority 0; }}'; nft 'add rule ip f c ip frag-off & 0x1fff != 0 drop'"), packet={"size": 3000}, ping=("-s", "3000"), families=V4),
    fault("fragments-filtered", "r1", ("R1", "nft add table ip6 f; nft 'add chain ip6 f c {{ type filter hook forward priority 0; }}'; nft 'add rule ip6 f c exthdr frag exists drop'"), packet={"size": 3000}, ping=("-s", "3000"), families=V6),
    # 5. the way back
    fault("no-return-route-on-target", "r2", ("T", "{ip} route del default"), is_answered=False),
    fault("wrong-gateway-on-target", "r1", ("T", "{ip} route replace default via {net1:250}")),
    fault("wrong-netmask-on-target", "r1", ("T", "ip addr flush dev t0; ip addr add {T}/7 dev t0; ip route add default via {net1:1}"), families=V4),
    fault("wrong-netmask-on-target", "bridge", ("T", "ip addr flush dev t0; ip addr add {T}/32 dev t0"), families=V4),
    fault("no-return-route-on-router", "r2", ("R2", "{ip} route del {prefix0}")),
    fault("reply-ttl-too-low", "r2", ("T", "sysctl -q -w net.ipv4.ip_default_ttl=1"), families=V4),
    fault("echo-ignored-by-target", "r1", ("T", "sysctl -q -w net.ipv4.icmp_echo_ignore_all=1 net.ipv6.icmp.echo_ignore_all=1")),
    fault("filter-on-target-input", "r1", ("T", _nft("input", "iifname t0 ct state new counter reject with icmpx admin-prohibited"))),
    fault("filter-on-target-input", "bridge", ("T", "ip6tables -A INPUT -p ipv6-icmp -j DROP"), families=V6),
    fault("filter-on-target-ingress", "r1", ("T", "nft add table netdev n; nft 'add chain netdev n i {{ type filter hook ingress device t0 priority 0; }}'; nft 'add rule netdev n i ip protocol icmp drop'"), families=V4),
    fault("filter-on-target-output", "direct", ("T", _nft("output", "icmpv6 type echo-reply drop")), families=V6),
    fault("icmp-rate-limited", "r1", ("T", _nft("input", "icmp type echo-request limit rate over 1/second burst 1 packets drop")), families=V4, is_answered=True),
    fault("icmp-rate-limited", "r1", ("T", "iptables -A INPUT -p icmp --icmp-type 8 -m limit --limit 1/s --limit-burst 1 -j ACCEPT; iptables -A INPUT -p icmp --icmp-type 8 -j DROP"), families=V4, is_answered=True),
    fault("partial-loss", "r1", ("R1", _nft("forward", "numgen random mod 10 < 4 drop")), is_answered=None),
    fault("partial-loss", "r1", ("R1", "iptables -A FORWARD -m statistic --mode random --probability 0.4 -j DROP"), families=V4, is_answered=None),
    fault("duplicated-packets", "r1", ("R1", "nft add table ip d; nft 'add chain ip d f {{ type filter hook forward priority 0; }}'; nft 'add rule ip d f icmp type echo-reply dup to {S} device r10'"), families=V4, is_answered=True),
    # 6. NAT
    fault("masquerade-missing", "nat", ("R1", "iptables -t nat -F"), ("T", "ip addr flush dev t0; ip addr add 198.51.100.9/24 dev t0"), ("R1", "ip addr add 198.51.100.1/24 dev r11"), to="198.51.100.9", families=V4),
    fault("masquerade-wrong-interface", "nat", ("R1", "iptables -t nat -F; iptables -t nat -A POSTROUTING -s {prefix0} -o r10 -j MASQUERADE"), families=V4),
    fault("nat-wrong-source-net", "nat", ("R1", "iptables -t nat -F; iptables -t nat -A POSTROUTING -s 172.31.0.0/24 -o r11 -j MASQUERADE"), families=V4),
    fault("masquerade-bypassed-by-notrack", "nat", ("R1", "iptables -t raw -A PREROUTING -p icmp -j CT --notrack"), families=V4),
    fault("snat-to-unowned-address", "nat", ("R1", "iptables -t nat -F; iptables -t nat -A POSTROUTING -o r11 -j SNAT --to-source {net1:222}"), families=V4),
    fault("dnat-to-absent-host", "r1", ("R1", "iptables -t nat -A PREROUTING -i r10 -d {R1} -j DNAT --to-destination {net1:222}"), to="{R1}", families=V4),
    fault("dnat-to-wrong-port", "r1", ("R1", "nft add table ip n; nft 'add chain ip n p {{ type nat hook prerouting priority dstnat; }}'; nft 'add rule ip n p tcp dport 80 dnat to {T}:8081'"), to="{R1}", tcp=80, families=V4, late=(("T", "listen 8080"),)),
    fault("healthy", "r1", ("R1", "nft add table ip n; nft 'add chain ip n p {{ type nat hook prerouting priority dstnat; }}'; nft 'add rule ip n p iifname r10 tcp dport 80 dnat to {T}:8080'"), to="{R1}", tcp=80, families=V4, late=(("T", "listen 8080"),), is_answered=True),
    fault("dnat-missing", "r1", to="{R1}", tcp=80, late=(("T", "listen 80"),)),
    fault("hairpin-nat-missing", "r1b", ("R1", "iptables -t nat -A PREROUTING -d {R1} -p tcp --dport 80 -j DNAT --to-destination {X}"), to="{R1}", tcp=80, late=(("X", "listen 80"),), families=V4),
    # 7. TCP
    fault("healthy", "r2", tcp=80, late=(("T", "listen 80"),), is_answered=True),
    fault("pmtu-blackhole", "r2", ("R1", "ip link set r11 mtu 1300; " + _nft("output", "icmp type destination-unreachable drop")), ("R2", "ip link set r20 mtu 1300"), tcp=80, late=(("T", "listen 80"),), is_answered=True, families=V4),
    fault("healthy", "r2", ("R1", "ip link set r11 mtu 1300"), ("R2", "ip link set r20 mtu 1300"), tcp=80, late=(("T", "listen 80"),), is_answered=True),
    fault("tcp-no-listener", "r1", tcp=80),
    fault("tcp-bound-to-loopback", "r1", tcp=80, late=(("T", "listen 80 loopback"),)),
    fault("filter-on-target-input", "r1", ("T", "iptables -A INPUT -p tcp -m tcp --dport 80 --tcp-flags SYN,ACK SYN -j REJECT --reject-with tcp-reset"), tcp=80, families=V4, late=(("T", "listen 80"),)),
    fault("stateful-filter-asymmetric-path", "par", ("R2", "iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP"), tcp=80, families=V4, late=(("T", "listen 80"),)),
)  # fmt: skip
