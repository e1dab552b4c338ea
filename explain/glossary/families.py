"""The families of words, in the order of a book, and which of them a block of text asks first."""

from __future__ import annotations

FAMILIES: dict[str, dict[str, str]] = {
    "ip-address": {"en": "Addresses (ip address)", "ja": "アドレス (ip address)"},
    "ip-link": {"en": "Interfaces (ip link)", "ja": "インタフェース (ip link)"},
    "ip-route": {"en": "Routes (ip route)", "ja": "経路 (ip route)"},
    "ip-rule": {"en": "Rules for routes (ip rule)", "ja": "経路のルール (ip rule)"},
    "ip-neigh": {"en": "Neighbours (ip neigh)", "ja": "隣人の表 (ip neigh)"},
    "iptables": {"en": "Filters and NAT (iptables)", "ja": "フィルターと NAT (iptables)"},
    "sysctl": {"en": "Switches of the kernel (sysctl)", "ja": "カーネルの設定 (sysctl)"},
    "tcpdump": {"en": "On the wire (tcpdump)", "ja": "電線の上 (tcpdump)"},
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
    "tcpdump": ("tcpdump",),
    "netns": ("netns",),
}
"""Kinds of blocks (``NoteBlock.kind``): where a term of several families is looked for first."""
