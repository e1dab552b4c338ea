"""What ``ip address`` and ``ip link`` print for people, in the form of their own JSON.

A key that the text does not show is left out: unknown, not empty.  ``-br`` shows no flags.

Source: ip-address(8), ip-link(8) of iproute2 4.9 to 6.12.
"""

# ruff: noqa: E501 - one form of output a row reads better than a pattern in pieces

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from explain.symptoms.addresses import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]

MOST_ROWS = 20_000

_LINK = re.compile(
    r"(?P<index>\d{1,9}): (?P<name>[^\s:@]{1,64})(?:@(?P<below>[^\s:]{1,64}))?: <(?P<flags>[A-Z0-9_,-]*)>(?P<rest>.*)"
)
_ONELINE = re.compile(r"(?P<index>\d{1,9}): (?P<name>[^\s:@]{1,64})(?:@\S+)? +(?P<rest>inet6? .*)")
_BRIEF = re.compile(
    r"(?P<name>[^\s:@]{1,64})(?:@(?P<below>\S{1,64}))? +(?P<state>UP|DOWN|UNKNOWN|LOWERLAYERDOWN|DORMANT|NOTPRESENT|TESTING)(?:\s+(?P<rest>.*))?\Z"
)
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5,19}\Z", re.IGNORECASE)
_PAIRS = {
    "mtu": "mtu",
    "qdisc": "qdisc",
    "master": "master",
    "state": "operstate",
    "mode": "linkmode",
    "group": "group",
    "qlen": "txqlen",
}
_NUMERIC = {"mtu", "txqlen"}
_ADDRESS_FLAGS = frozenset(
    (
        "secondary",
        "dynamic",
        "tentative",
        "dadfailed",
        "deprecated",
        "temporary",
        "mngtmpaddr",
        "noprefixroute",
        "optimistic",
        "nodad",
        "home",
        "stable-privacy",
    )
)
_LIFETIME = re.compile(r"valid_lft (\S+) preferred_lft (\S+)")
_FOREVER = 4_294_967_295
_KINDS = {
    "veth",
    "bridge",
    "vlan",
    "vxlan",
    "bond",
    "dummy",
    "macvlan",
    "ipvlan",
    "vrf",
    "tun",
    "gre",
    "sit",
    "wireguard",
    "ipip",
    "ifb",
    "macvtap",
}


def read_links(lines: Sequence[str]) -> list[Row]:
    """``ip address`` and ``ip link``: long, one-line (``-o``) or brief (``-br``), as rows of ``ip -j address``."""
    rows: list[Row] = []
    for line in lines[:MOST_ROWS]:
        if head := _LINK.match(line.strip()):
            rows.append(_link(head))
        elif one := _ONELINE.match(line.strip()):
            row = next((each for each in rows if each["ifname"] == one.group("name")), None)
            if row is None:
                rows.append(row := {"ifindex": int(one.group("index")), "ifname": one.group("name")})
            for part in one.group("rest").split("\\"):
                _take(row, part.strip())
        elif brief := _BRIEF.match(line.strip()):
            rows.append(_brief(brief))
        elif rows:
            _take(rows[-1], line.strip())
    return rows


def _link(head: re.Match[str]) -> Row:
    flags = [flag for flag in head.group("flags").split(",") if flag]
    row: Row = {"ifindex": int(head.group("index")), "ifname": head.group("name"), "flags": flags}
    row |= _below(head.group("below"))
    words = head.group("rest").replace("\\", " ").split()
    for key, value in itertools.pairwise(words):
        if key in _PAIRS:
            name = _PAIRS[key]
            row.setdefault(name, int(value) if name in _NUMERIC and value.isdigit() else value)
    if "link/" in head.group("rest"):
        _take(row, head.group("rest")[head.group("rest").index("link/") :])
    return row


def _below(name: str | None) -> Row:
    """``@if5``: the peer's index in another namespace; ``@eth1``: the interface that this one stands on."""
    if not name or name == "NONE":
        return {}
    peer = re.fullmatch(r"if(\d{1,9})", name)
    return {"link_index": int(peer.group(1))} if peer else {"link": name}


def _brief(match: re.Match[str]) -> Row:
    row: Row = {"ifname": match.group("name"), "operstate": match.group("state"), **_below(match.group("below"))}
    for word in (match.group("rest") or "").split():
        if word.startswith("<"):
            row["flags"] = [flag for flag in word.strip("<>").split(",") if flag]
        elif _MAC.match(word):
            row["address"] = word.lower()
        elif (found := _prefix(word)) is not None:
            row.setdefault("addr_info", []).append(found)
    if "address" not in row and "flags" not in row:
        row.setdefault("addr_info", [])
    return row


def _prefix(word: str) -> Row | None:
    address, _, length = word.partition("/")
    local = canonical(address)
    if local is None:
        return None
    family = "inet6" if ":" in local else "inet"
    return {
        "family": family,
        "local": local,
        "prefixlen": int(length) if length.isdigit() else (128 if family == "inet6" else 32),
    }


def _take(row: Row, text: str) -> None:
    """An indented line below an interface."""
    words = text.split()
    if not words:
        return
    if words[0].startswith("link/"):
        row["link_type"] = words[0].partition("/")[2]
        _hardware(row, words)
    elif words[0] in ("inet", "inet6") and len(words) > 1:
        _address(row, words)
    elif words[0] == "valid_lft" and row.get("addr_info") and (lifetime := _LIFETIME.match(text)):
        valid, preferred = (_seconds(part) for part in lifetime.groups())
        row["addr_info"][-1] |= {"valid_life_time": valid, "preferred_life_time": preferred}
    elif words[0] == "altname" and len(words) > 1:
        row.setdefault("altnames", []).append(words[1])
    elif words[0] in _KINDS:
        row.setdefault("linkinfo", {"info_kind": words[0]})


_HARDWARE = {"promiscuity": "promiscuity", "minmtu": "min_mtu", "maxmtu": "max_mtu", "link-netnsid": "link_netnsid"}


def _hardware(row: Row, words: list[str]) -> None:
    """``link/ether 02:.. brd ff:.. link-netns h2 promiscuity 0``."""
    if len(words) > 1 and (_MAC.match(words[1]) or canonical(words[1])):
        row["address"] = words[1].lower()
    for before, word in itertools.pairwise(words):
        if before == "brd":
            row["broadcast"] = word.lower()
        elif before == "link-netns":
            row["link_netns"] = word
        elif before in _HARDWARE and word.isdigit():
            row[_HARDWARE[before]] = int(word)


def _address(row: Row, words: list[str]) -> None:
    found = _prefix(words[1])
    if found is None:
        return
    found["family"] = words[0]
    rest = words[2:]
    for at, word in enumerate(rest):
        before = rest[at - 1] if at else ""
        if before == "peer" and (peer := _prefix(word)):
            found |= {"address": peer["local"], "prefixlen": peer["prefixlen"]}
        elif before == "brd":
            found["broadcast"] = canonical(word) or word
        elif before in ("scope", "proto", "metric"):
            name = {"proto": "protocol"}.get(before, before)
            found[name] = int(word) if word.isdigit() else word
        elif word in _ADDRESS_FLAGS:
            found[word] = True
        elif word not in ("peer", "brd", "scope", "proto", "metric") and at == len(rest) - 1 and words[0] == "inet":
            found["label"] = word
    row.setdefault("addr_info", []).append(found)


def _seconds(text: str) -> int:
    digits = text.removesuffix("sec")
    return int(digits) if digits.isdigit() else _FOREVER
