"""How programs put ICMP errors into words: text to the name, type and code of the message.

The names are those of ``icmp.error`` in the report.

Source: RFC 792; RFC 1122 section 3.2.2.1; RFC 1812 section 5.2.7.1; RFC 4443 section 3.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_ICMP_WORDS: tuple[tuple[int, int, int, str, tuple[str, ...]], ...] = (
    # family, type, code, name, wordings (iputils, its Japanese, BSD, busybox, Windows, its Japanese)
    (
        4,
        3,
        0,
        "net-unreachable",
        (
            "Destination Net Unreachable",
            "目的のネットワークへ届きません",
            "宛先ネットワークに到達できません",
            "Network unreachable",
            "宛先ネットに到達できません",
        ),
    ),
    (
        4,
        3,
        1,
        "host-unreachable",
        ("Destination Host Unreachable", "目的のホストへ届きません", "宛先ホストに到達できません", "Host unreachable"),
    ),
    (
        4,
        3,
        2,
        "protocol-unreachable",
        ("Destination Protocol Unreachable", "目的のプロトコルへ届きません", "宛先プロトコルに到達できません"),
    ),
    (
        4,
        3,
        3,
        "port-unreachable",
        ("Destination Port Unreachable", "目的のポートへ届きません", "宛先ポートに到達できません"),
    ),
    (
        4,
        3,
        4,
        "fragmentation-needed",
        (
            "Frag needed and DF set",
            "Packet needs to be fragmented but DF set",
            "パケットの断片化が必要ですが、DF が設定されています",
            "パケットを断片化する必要がありますが、DF が設定されています",
            "断片化が必要ですがDFフラグがセットされています",
        ),
    ),
    (4, 3, 5, "source-route-failed", ("Source Route Failed", "ソースルーティングに失敗しました")),
    (4, 3, 6, "net-unknown", ("Destination Net Unknown", "目的のネットワークが不明です", "Network Unknown")),
    (4, 3, 7, "host-unknown", ("Destination Host Unknown", "目的のホストが不明です", "Host Unknown")),
    (4, 3, 8, "source-isolated", ("Source Host Isolated", "送信元ホストが孤立しています", "Source Isolated")),
    (4, 3, 9, "net-prohibited", ("Destination Net Prohibited", "目的のネットワークは禁止されています")),
    (4, 3, 10, "host-prohibited", ("Destination Host Prohibited", "目的のホストは禁止されています")),
    (
        4,
        3,
        11,
        "net-unreachable-tos",
        (
            "Destination Net Unreachable for Type of Service",
            "このtosでは目的のネットワークへ届きません",
            "Destination Net Unreachable for TOS",
        ),
    ),
    (
        4,
        3,
        12,
        "host-unreachable-tos",
        (
            "Destination Host Unreachable for Type of Service",
            "このtosでは目的のホストへ届きません",
            "Destination Host Unreachable for TOS",
        ),
    ),
    (
        4,
        3,
        13,
        "admin-prohibited",
        (
            "Packet filtered",
            "パケットがフィルタリングされました",
            "Communication prohibited by filter",
            "Communication Administratively Prohibited",
        ),
    ),
    (4, 3, 14, "precedence-violation", ("Precedence Violation", "優先度違反", "Host Precedence Violation")),
    (4, 3, 15, "precedence-cutoff", ("Precedence Cutoff", "優先度に基づく遮断", "Precedence cutoff in effect")),
    (4, 4, 0, "source-quench", ("Source Quench", "発信抑制", "Source quench received", "発信元抑制を受信しました")),
    (4, 5, 0, "redirect-net", ("Redirect Network", "Redirect Net", "ネットワークのリダイレクト")),
    (4, 5, 1, "redirect-host", ("Redirect Host", "ホストのリダイレクト")),
    (
        4,
        5,
        2,
        "redirect-net-tos",
        (
            "Redirect Type of Service and Network",
            "TOSのためのネットワークリダイレクト",
            "Redirect Type of Service and Net",
        ),
    ),
    (4, 5, 3, "redirect-host-tos", ("Redirect Type of Service and Host", "TOSのためのホストリダイレクト")),
    (
        4,
        11,
        0,
        "ttl-exceeded",
        (
            "Time to live exceeded",
            "TTLを超過しました",
            "TTL expired in transit",
            "転送中に TTL が期限切れになりました",
            "転送中に TTL の期限が切れました",
            "Time exceeded",
            "転送中に TTL が切れました",
        ),
    ),
    (
        4,
        11,
        1,
        "reassembly-exceeded",
        (
            "Frag reassembly time exceeded",
            "断片化パケットの再構築時間を超過しました",
            "TTL expired during reassembly",
            "再構築中に TTL が期限切れになりました",
            "リアセンブリ中に TTL が期限切れになりました",
        ),
    ),
    (4, 12, 0, "parameter-problem", ("Parameter problem", "パラメータの問題", "IP parameter problem")),
    (6, 1, 0, "no-route", ("Destination unreachable: No route", "No Route to Destination")),
    (
        6,
        1,
        1,
        "admin-prohibited",
        (
            "Destination unreachable: Administratively prohibited",
            "Destination Administratively Unreachable",
            "Destination prohibited",
            "宛先は禁止されています",
        ),
    ),
    (
        6,
        1,
        2,
        "beyond-scope",
        (
            "Destination unreachable: Beyond scope of source address",
            "Destination Unreachable Unknown Scope",
            "Destination scope mismatch",
        ),
    ),
    (6, 1, 3, "address-unreachable", ("Destination unreachable: Address unreachable",)),
    (6, 1, 4, "port-unreachable", ("Destination unreachable: Port unreachable", "Bad Destination Port")),
    (
        6,
        1,
        5,
        "policy-failed",
        (
            "Destination unreachable: Source address failed ingress/egress policy",
            "Destination unreachable: Failed policy",
        ),
    ),
    (
        6,
        1,
        6,
        "reject-route",
        ("Destination unreachable: Reject route to destination", "Destination unreachable: Reject route"),
    ),
    (6, 2, 0, "packet-too-big", ("Packet too big",)),
    (6, 3, 0, "ttl-exceeded", ("Time exceeded: Hop limit", "Hop limit exceeded")),
    (6, 3, 1, "reassembly-exceeded", ("Time exceeded: Defragmentation failure",)),
    (6, 4, 0, "parameter-problem", ("Parameter problem: Wrong header field", "Parameter Problem: Erroneous Header")),
    (6, 4, 1, "parameter-problem", ("Parameter problem: Unknown header", "Parameter Problem: Unknown Nextheader")),
    (6, 4, 2, "parameter-problem", ("Parameter problem: Unknown option", "Parameter Problem: Unrecognized Option")),
)
"""Every wording of an ICMP error, with what it stands for."""

_QUERIES = {
    text.lower(): text.lower().replace(" ", "-")
    for text in (
        "Echo Reply", "Echo Request", "Timestamp", "Timestamp Reply", "Information Request", "Information Reply",
        "Address Mask Request", "Address Mask Reply", "Echo reply", "MLD Query", "MLD Report", "MLD Reduction",
    )
}  # fmt: skip
"""ICMP messages that are no errors, as a verbose ping names them."""

_IN_IPV6: dict[str, tuple[str, int | None, int | None]] = {
    # what a program that has one wording for both families means when an IPv6 host speaks
    "net-unreachable": ("no-route", 1, 0),
    "host-unreachable": ("address-unreachable", 1, 3),
    "admin-prohibited": ("admin-prohibited", 1, 1),
    "port-unreachable": ("port-unreachable", 1, 4),
    "fragmentation-needed": ("packet-too-big", 2, 0),
    "ttl-exceeded": ("ttl-exceeded", 3, 0),
    "reassembly-exceeded": ("reassembly-exceeded", 3, 1),
    "parameter-problem": ("parameter-problem", 4, None),
}

_MTU = re.compile(r"\(?mtu ?[=:]? ?(\d{1,9})\)?", re.IGNORECASE)
_GATEWAY = re.compile(r"\((?:New nexthop|New addr|新しい次ホップ): ([^()\s]+)(?: \(([^()\s]+)\))?\)")
_REST = re.compile(r"\s*(?:[(:,].{0,200}|(?:at|pointer|mtu|field|reported).{0,100}|。.{0,100})?")
_CODE = re.compile(
    r"(Dest Unreachable|目的サイトへ届きません|Destination unreachable|Redirect|リダイレクト|"
    r"Time exceeded|時間超過です。?|Parameter problem)"
    r"[,:] ?(?:Bad Code: |Unknown code |不正なコード: |code )(\d+)",
    re.IGNORECASE,
)
_POINTER = re.compile(r"(?:pointer|ポインタ) = (?:0x)?([0-9a-f]{1,9})|at (\d{1,9})", re.IGNORECASE)


@cache
def _table() -> dict[str, tuple[str, int, int, int]]:
    table: dict[str, tuple[str, int, int, int]] = {}
    for family, kind, code, name, wordings in _ICMP_WORDS:
        for wording in wordings:
            table.setdefault(wording.lower(), (name, kind, code, family))
    return table


_BEGINNING = 4


@cache
def _by_beginning() -> dict[str, list[str]]:
    """Wordings by their first characters, the longest first."""
    found: dict[str, list[str]] = {}
    for wording in sorted(_table(), key=len, reverse=True):
        found.setdefault(wording[:_BEGINNING], []).append(wording)
    return found


def icmp_error(text: str, family: int | None = None) -> tuple[str, dict[str, Any]] | None:
    """The ICMP message that a piece of text names.

    Args:
        text: what stands after ``icmp_seq=1``, such as ``Frag needed and DF set (mtu = 1300)``.
        family: 4 or 6 where the speaker's address settles it; else the wording's usual family is kept.

    Returns:
        The symptom's id (``icmp.`` and the name) and its values: type, code, family, and mtu, gateway, pointer; None
        where this is no ICMP message.
    """
    text = text.strip().rstrip("。.")
    lower = text.lower()
    if unnamed := _CODE.match(text):
        return _by_code(unnamed.group(1).lower(), int(unnamed.group(2)), family or 4)
    for wording in _by_beginning().get(lower[:_BEGINNING], ()):
        if lower.startswith(wording) and _REST.fullmatch(lower[len(wording) :]):
            name, number, code, usual = _table()[wording]
            meant = (name, number, code) if family in (None, usual) else _IN_IPV6.get(name, (name, None, None))
            values: dict[str, Any] = {"type": meant[1], "code": meant[2], "family": family or usual}
            return f"icmp.{meant[0]}", values | _details(text[len(wording) :])
    if lower in _QUERIES:
        return f"icmp.{_QUERIES[lower]}", {"type": None, "code": None, "family": family or 4}
    return None


def _by_code(kind: str, code: int, family: int) -> tuple[str, dict[str, Any]]:
    """A code that the program has no words for; iputils knows no more than five of IPv6's reasons."""
    number = 5 if "redirect" in kind or "リダ" in kind else 11 if "time" in kind or "時間" in kind else 3
    if family == 6:
        number = {3: 1, 11: 3, 5: 137}[number]
    told = (name for of, of_type, of_code, name, _ in _ICMP_WORDS if (of, of_type, of_code) == (family, number, code))
    return f"icmp.{next(told, 'unknown-code')}", {"type": number, "code": code, "family": family}


def _details(rest: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if mtu := _MTU.search(rest):
        found["mtu"] = int(mtu.group(1))
    if gateway := _GATEWAY.search(rest):
        found["gateway"] = gateway.group(2) or gateway.group(1)
    if pointer := _POINTER.search(rest):
        found["pointer"] = int(pointer.group(1), 16) if pointer.group(1) else int(pointer.group(2))
    return found
