"""One line of the ping of Cisco's IOS, understood: a mark for each request, who sent it is never told.

Source: Cisco, "Understand the Ping and Traceroute Commands"; IOS IPv6 Command Reference, ping ipv6.
"""

from __future__ import annotations

import re
from typing import Any

from explain.symptoms.addresses import canonical, family_of

Reading = tuple[str, dict[str, Any]]

_HEADER = re.compile(
    r"Sending (?P<count>\d{1,9}), (?:(?P<size>\d{1,6})-byte|\[[\d.]{1,20}\]-byte) ICMP Echos to (?P<host>\S{1,300}?), "
    r"timeout is (?P<wait>\d{1,6}) seconds?:?"
)
_TOTALS = re.compile(
    r"Success rate is \d{1,3} percent \((?P<received>\d{1,9})/(?P<sent>\d{1,9})\)"
    r"(?:, round-trip min/avg/max = (?P<min_ms>\d{1,9})/(?P<avg_ms>\d{1,9})/(?P<max_ms>\d{1,9}) ms)?"
)
_NOTES = ("Type escape sequence to abort", "Packet sent with", "Reply data will be validated", "Sweep range ")
_GOOD = re.compile(r"(?=.*!)[!.]{2,}\Z")
_MARKS = re.compile(r"[!.]*(?:(?P<mark>[UM&])(?:(?P=mark)|[!.])+|(?P<mark6>[ABHPT])(?:(?P=mark6)|[!.]){4,})\Z")
_ERRORS = {
    "M": "icmp.fragmentation-needed", "&": "icmp.ttl-exceeded", "T": "icmp.ttl-exceeded", "B": "icmp.packet-too-big",
    "A": "icmp.admin-prohibited", "H": "icmp.address-unreachable", "P": "icmp.port-unreachable",
}  # fmt: skip
"""What a mark means; U stands for each of the ways in which a host can be unreachable, of IPv4 and of IPv6."""
_HEADERS = {4: 28, 6: 48}
"""Octets of IP and ICMP in front of the data, which IOS counts too."""


def read_ios_ping(text: str) -> Reading | None:
    """What one line of the ping of IOS says, or None."""
    text = text.strip()
    if start := _HEADER.match(text):
        address = canonical(start["host"])
        family = family_of(address)
        total = int(start["size"]) if start["size"] else None
        size = None if total is None else max(0, total - _HEADERS[family or 4])
        whom = {"target": start["host"], "address": address, "family": family, "source": None, "interface": None}
        return "echo.start", {**whom, "size": size, "total": total, "dialect": "ios"}
    if totals := _TOTALS.match(text):
        return "echo.statistics", _counted(totals)
    if text.startswith(_NOTES):
        return "echo.note", {}
    if _GOOD.match(text):
        return "echo.flood", {"errors": 0, "dialect": "ios"}
    marks = _MARKS.fullmatch(text)
    return _marked(text, marks["mark"] or marks["mark6"]) if marks else None


def _counted(totals: re.Match[str]) -> dict[str, Any]:
    sent, received = int(totals["sent"]), int(totals["received"])
    times = {key: float(totals[key]) for key in ("min_ms", "avg_ms", "max_ms") if totals[key]}
    loss = 100 * (sent - received) / sent if sent else None
    counts = {"sent": sent, "received": received, "loss": loss, "duplicates": 0, "corrupted": 0, "lasted_ms": None}
    return {**counts, **times, "dialect": "ios"}


def _marked(text: str, mark: str) -> Reading:
    if mark == "U":
        return "echo.flood", {"errors": text.count(mark), "dialect": "ios"}
    return _ERRORS[mark], {"from": None, "from_name": None, "seq": None, "dialect": "ios"}
