"""The families of words, in the order of a book, and which of them a block of text asks first."""

from __future__ import annotations

FAMILIES: dict[str, dict[str, str]] = {
    "ip-address": {"en": "Addresses (ip address)", "ja": "アドレス (ip address)"},
    "ip-link": {"en": "Interfaces (ip link)", "ja": "インタフェース (ip link)"},
    "ip-route": {"en": "Routes (ip route)", "ja": "経路 (ip route)"},
    "ip-rule": {"en": "Rules for routes (ip rule)", "ja": "経路のルール (ip rule)"},
    "ip-neigh": {"en": "Neighbours (ip neigh)", "ja": "近隣表 (ip neigh)"},
    "iptables": {"en": "Filters and NAT (iptables)", "ja": "フィルターと NAT (iptables)"},
    "sysctl": {"en": "Switches of the kernel (sysctl)", "ja": "カーネルの設定 (sysctl)"},
    "tcpdump": {"en": "On the wire (tcpdump)", "ja": "線の上 (tcpdump)"},
    "nft": {"en": "Filters and NAT (nft)", "ja": "フィルターと NAT (nft)"},
    "conntrack": {"en": "Remembered connections (conntrack)", "ja": "接続の記憶 (conntrack)"},
    "bridge": {"en": "Switches (bridge)", "ja": "スイッチ (bridge)"},
    "ping": {"en": "Is anybody there? (ping)", "ja": "届くかどうか (ping)"},
    "trace": {"en": "The way (traceroute, tracepath, mtr)", "ja": "道のり (traceroute, tracepath, mtr)"},
    "sockets": {"en": "Connections of a host (ss)", "ja": "ホストの接続 (ss)"},
    "connect": {"en": "Programs that connect (curl, nc)", "ja": "接続するプログラム (curl, nc)"},
    "dhcp": {"en": "Leases (DHCP logs)", "ja": "リース (DHCP のログ)"},
    "dns": {"en": "Names (DNS, dnsmasq)", "ja": "名前解決 (DNS, dnsmasq)"},
    "netns": {"en": "Namespaces and refusals (ip netns)", "ja": "名前空間と断り書き (ip netns)"},
}
"""The names of each family, by language; each has its table beside this file."""

FIRST_FAMILIES: dict[str, tuple[str, ...]] = {
    "ip-address": ("ip-address", "ip-link"),
    "ip-link": ("ip-link", "ip-address"),
    "ip-route": ("ip-route", "ip-address"),
    "ip-rule": ("ip-rule", "ip-route"),
    "ip-neighbour": ("ip-neigh",),
    "iptables": ("iptables",),
    "iptables-save": ("iptables",),
    "sysctl": ("sysctl",),
    "tcpdump": ("tcpdump", "dns", "dhcp", "connect", "bridge"),
    "nft": ("nft",),
    "conntrack": ("conntrack", "sockets", "iptables"),
    "bridge-fdb": ("bridge",),
    "bridge-link": ("bridge", "ip-link"),
    "ping": ("ping", "tcpdump"),
    "traceroute": ("trace", "ping"),
    "tracepath": ("trace", "ping"),
    "mtr": ("trace",),
    "sockets": ("sockets",),
    "connect": ("connect",),
    "lookup": ("dns",),
    "dhcp-client": ("dhcp",),
    "server-log": ("dhcp", "dns", "tcpdump"),
    "netns": ("netns",),
}
"""Kinds of blocks (``NoteBlock.kind``): where a term of several families is looked for first."""
