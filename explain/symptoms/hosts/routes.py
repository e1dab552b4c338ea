"""What ``ip route|rule|neigh`` and their elders print for people, in the form of iproute2's JSON.

A key that the text does not show is left out: unknown, not empty.  ``ip route`` shows no other table than main.

Source: ip-route(8), ip-rule(8), ip-neighbour(8) of iproute2 4.9 to 6.12; route(8) and arp(8) of net-tools.
"""

# ruff: noqa: E501 - one form of output a row reads better than a pattern in pieces

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from explain.symptoms.addresses import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]

MOST_ROWS = 20_000

_ROUTE_TYPES = frozenset(
    ["unicast", "local", "broadcast", "multicast", "anycast", "blackhole", "unreachable", "prohibit", "throw", "nat"]
)
_ROUTE_KEYS = {
    "via": "gateway", "dev": "dev", "proto": "protocol", "scope": "scope", "src": "prefsrc", "metric": "metric", "table": "table", "pref": "pref",
    "weight": "weight", "expires": "expires", "nhid": "nhid", "from": "from", "iif": "iif", "uid": "uid", "tos": "tos", "error": "error", "realm": "realm",
}  # fmt: skip
_ROUTE_METRICS = frozenset(
    [
        "mtu",
        "advmss",
        "hoplimit",
        "rtt",
        "rttvar",
        "window",
        "cwnd",
        "initcwnd",
        "initrwnd",
        "rto_min",
        "quickack",
        "congctl",
    ]
)
_ROUTE_FLAGS = frozenset(
    ["linkdown", "dead", "onlink", "pervasive", "offload", "trap", "notify", "unresolved", "rt_offload", "rt_trap"]
)


def read_routes(lines: Iterable[str]) -> list[Row]:
    """``ip route``, as rows of ``ip -j route``; lines of other programs are left out."""
    rows: list[Row] = []
    for line in list(lines)[:MOST_ROWS]:
        words = line.replace("\\", " ").split()
        if not words:
            continue
        if words[0] == "nexthop" and rows:
            hop = _route_words(words[1:], {"flags": []})
            rows[-1].setdefault("nexthops", []).append(hop)
            continue
        kind = words.pop(0) if words[0] in _ROUTE_TYPES and len(words) > 1 else None
        dst = words[0]
        if dst != "default" and canonical(dst.partition("/")[0]) is None and not re.fullmatch(r"[\d.]+/\d+", dst):
            continue
        row: Row = {"type": kind} if kind else {}
        row |= {"dst": _canonical_prefix(dst), "flags": []}
        if "nexthop" in words:
            at = words.index("nexthop")
            row = _route_words(words[1:at], row)
            row["nexthops"] = [
                _route_words(part.split(), {"flags": []}) for part in " ".join(words[at:]).split("nexthop ")[1:]
            ]
        else:
            row = _route_words(words[1:], row)
        rows.append(row)
    return rows


def _canonical_prefix(text: str) -> str:
    if text == "default":
        return text
    address, slash, length = text.partition("/")
    octets = address.split(".")
    if "." in address and len(octets) < 4:  # "10/8", as people type it
        address = ".".join([*octets, "0", "0", "0"][:4])
    return f"{canonical(address) or address}{slash}{length}"


def _route_words(words: list[str], row: Row) -> Row:
    at = 0
    while at < len(words):
        word = words[at]
        value = words[at + 1] if at + 1 < len(words) else None
        if word == "via" and value in ("inet", "inet6") and at + 2 < len(words):
            row["via"] = {"family": value, "host": canonical(words[at + 2]) or words[at + 2]}
            at += 3
        elif word in _ROUTE_FLAGS:
            row["flags"].append(word)
            at += 1
        elif word in _ROUTE_METRICS and value is not None:
            locked = value == "lock" and at + 2 < len(words)
            value = words[at + 2] if locked else value
            row.setdefault("metrics", [{}])[0][word] = int(value) if value.isdigit() else value
            at += 3 if locked else 2
        elif word in _ROUTE_KEYS and value is not None:
            row[_ROUTE_KEYS[word]] = _route_value(word, value)
            at += 2
        else:
            at += 1
    return row


def _route_value(word: str, value: str) -> Any:  # a name, a number or an address
    if word in ("metric", "weight", "nhid", "error", "uid") and re.fullmatch(r"-?\d{1,10}", value):
        return int(value)
    if word == "expires":
        return int(value.removesuffix("sec")) if value.removesuffix("sec").isdigit() else value
    if word in ("via", "src", "from"):
        return canonical(value) or value
    return value


_OLD_ROUTE = re.compile(
    r"(?P<dst>default|[\d.]+) +(?P<gateway>[\d.*]+|link#\d+) +(?P<mask>[\d.]+) +(?P<flags>[UGHRDMA!C]+) +(?P<rest>.*) (?P<dev>\S+)\Z"
)


_ANY = {"default": "0.0.0.0"}  # noqa: S104 - the network of a default route, not a socket


def read_old_routes(lines: Iterable[str]) -> list[Row]:
    """``route -n`` and ``netstat -rn`` of net-tools, as rows of ``ip -j route``."""
    rows: list[Row] = []
    for line in list(lines)[:MOST_ROWS]:
        match = _OLD_ROUTE.match(line.strip())
        if match is None:
            continue
        try:
            net = ip_network(f"{_ANY.get(match.group('dst'), match.group('dst'))}/{match.group('mask')}", strict=False)
        except ValueError:
            continue
        row: Row = {
            "dst": "default" if net.prefixlen == 0 else (str(net.network_address) if net.prefixlen == 32 else str(net)),
            "flags": [],
        }
        if "!" in match.group("flags"):
            row["type"] = "unreachable"
        elif "G" in match.group("flags"):
            row["gateway"] = match.group("gateway")
        else:
            row["scope"] = "link"
        row["dev"] = match.group("dev")
        metric = match.group("rest").split()
        if metric and metric[0].isdigit() and int(metric[0]):
            row["metric"] = int(metric[0])
        rows.append(row)
    return rows


_RULE = re.compile(r"(?P<priority>\d{1,10}):\s+(?P<rest>(?:not )?from \S+.*)")
_RULE_KEYS = {
    "fwmark",
    "iif",
    "oif",
    "ipproto",
    "sport",
    "dport",
    "uidrange",
    "tos",
    "suppress_prefixlength",
    "suppress_ifgroup",
    "goto",
}


def read_rules(lines: Iterable[str]) -> list[Row]:
    """``ip rule``, as rows of ``ip -j rule``."""
    matches = (_RULE.match(line.strip()) for line in list(lines)[:MOST_ROWS])
    return [_rule(int(match.group("priority")), match.group("rest").split()) for match in matches if match]


def _rule(priority: int, words: list[str]) -> Row:
    row: Row = {"priority": priority}
    at = 0
    while at < len(words):
        word, value = words[at], words[at + 1] if at + 1 < len(words) else None
        if word == "not":
            row["not"] = None
            at += 1
        elif word in ("from", "to") and value is not None:
            row |= _rule_prefix({"from": "src", "to": "dst"}[word], value)
            at += 2
        elif word in ("lookup", "table") and value is not None:
            row["table"] = value
            at += 2
        elif word == "fwmark" and value is not None:
            mark, _, mask = value.partition("/")
            row |= {"fwmark": mark, **({"fwmask": mask} if mask else {})}
            at += 2
        elif word in _RULE_KEYS and value is not None:
            row[word] = int(value) if value.isdigit() else value
            at += 2
        else:
            if word in ("unreachable", "prohibit", "blackhole", "nop"):
                row["action"] = word
            elif word.startswith("[") and word.endswith("]"):
                row[word.strip("[]")] = None
            at += 1
    return row


def _rule_prefix(key: str, value: str) -> Row:
    if value in ("all", "any"):
        return {key: "all"}
    address, _, length = value.partition("/")
    return {key: canonical(address) or address, **({f"{key}len": int(length)} if length.isdigit() else {})}


_NEIGHBOUR = re.compile(r"(?P<dst>[0-9a-fA-F.:]+) dev (?P<dev>\S+)(?P<rest>.*)")
_OLD_ARP = re.compile(
    r"\S+ \((?P<dst>[\d.]+)\) at (?P<mac><incomplete>|[0-9a-fA-F:]+)(?: \[ether\])?(?P<perm> PERM)? on (?P<dev>\S+)"
)
_OLD_ARP_TABLE = re.compile(
    r"(?P<dst>[\d.]+) +(?:ether +(?P<mac>[0-9a-fA-F:]{17}) +(?P<flags>[CMP]+)|\(incomplete\)) +(?P<dev>\S+)\Z"
)
_STATES = frozenset(["REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "INCOMPLETE", "PERMANENT", "NOARP", "NONE"])


def read_neighbours(lines: Iterable[str]) -> tuple[list[Row], list[Row]]:
    """``ip neigh``, ``arp -an`` and ``arp -n``, as rows of ``ip -j neigh``; and apart the proxied addresses."""
    rows: list[Row] = []
    proxied: list[Row] = []
    for line in list(lines)[:MOST_ROWS]:
        text = line.strip()
        match = _NEIGHBOUR.match(text)
        old = _OLD_ARP.match(text) or _OLD_ARP_TABLE.match(text)
        if match and canonical(match.group("dst")):
            words = match.group("rest").split()
            row: Row = {"dst": canonical(match.group("dst")), "dev": match.group("dev")}
            if "proxy" in words:
                proxied.append({**row, "proxy": None})
                continue
            if "lladdr" in words[:-1]:
                row["lladdr"] = words[words.index("lladdr") + 1].lower()
            row |= {word: None for word in ("router", "extern_learn", "offload", "managed") if word in words}
            rows.append({**row, "state": [word for word in words if word in _STATES]})
        elif old:
            rows.append(_old_arp(old))
    return rows, proxied


def _old_arp(match: re.Match[str]) -> Row:
    mac = match.group("mac")
    row: Row = {"dst": match.group("dst"), "dev": match.group("dev")}
    if not mac or "incomplete" in mac:
        return {**row, "state": ["INCOMPLETE"]}
    groups = match.groupdict()
    is_fixed = bool(groups.get("perm")) or "M" in (groups.get("flags") or "")
    return {**row, "lladdr": mac.lower(), **({"state": ["PERMANENT"]} if is_fixed else {})}
