"""Asks the kernel itself, for hosts without iproute2: the same keys as ``ip -j``, by pyroute2.

Source: rtnetlink(7); the names are those that iproute2 prints.
"""

from __future__ import annotations

import ipaddress
from socket import AF_INET, AF_INET6
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyroute2.iproute.linux import IPRoute

FLAGS = (
    *((0x8, "LOOPBACK"), (0x2, "BROADCAST"), (0x10, "POINTOPOINT"), (0x1000, "MULTICAST"), (0x80, "NOARP")),
    *((0x200, "ALLMULTI"), (0x100, "PROMISC"), (0x1, "UP"), (0x10000, "LOWER_UP")),
)
UP, RUNNING = 0x1, 0x40
LINK_TYPES = {1: "ether", 772: "loopback", 65534: "none", 512: "ppp"}
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
PROTOCOLS = {1: "redirect", 2: "kernel", 4: "static", 9: "ra", 16: "dhcp"}
TABLES = {253: "default", 254: "main", 255: "local"}
KINDS = {2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
_STATES = (
    *((1, "INCOMPLETE"), (2, "REACHABLE"), (4, "STALE"), (8, "DELAY"), (16, "PROBE"), (32, "FAILED")),
    *((64, "NOARP"), (128, "PERMANENT")),
)
RULE_ACTIONS = {6: "blackhole", 7: "unreachable", 8: "prohibit"}
_PREFERENCES = {0: "medium", 1: "high", 3: "low"}
_FOR_EVER = 4_294_967_295
_NO_MAC = "00:00:00:00:00:00"


def collect_netlink() -> dict[str, Any]:
    """The keys that a netlink socket can fill, of the namespace in which the calling thread stands.

    Returns:
        addr, link, route, route6, rule, rule6, neigh; empty if pyroute2 is not installed.
    """
    try:
        from pyroute2.iproute.linux import IPRoute
    except ImportError:
        return {}
    with IPRoute() as netlink:
        links = sorted(netlink.get_links(), key=lambda link: link["index"])
        names = {link["index"]: str(link.get_attr("IFLA_IFNAME")) for link in links}
        described = [_link(link, names) for link in links]
        return {
            "addr": [_with_addresses(link, netlink) for link in described],
            "link": [{**link, **_more(raw)} for link, raw in zip(described, links, strict=True)],
            "route": _routes(netlink, AF_INET, names),
            "route6": _routes(netlink, AF_INET6, names),
            "rule": [_rule(rule) for rule in netlink.get_rules(family=AF_INET)],
            "rule6": [_rule(rule) for rule in netlink.get_rules(family=AF_INET6)],
            "neigh": neighbours(
                _neighbour(entry, names)
                for family in (AF_INET, AF_INET6)
                for entry in netlink.get_neighbours(family=family)
            ),
        }


def neighbours(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that ``ip neigh`` lists, and those of ``nud noarp`` for one host, which it hides."""
    return [row for row in rows if set(row["state"]) - {"NOARP", "NONE"} or _is_of_one(row)]


def _is_of_one(row: dict[str, Any]) -> bool:
    mac = str(row.get("lladdr", ""))
    return row["state"] == ["NOARP"] and len(mac) == len(_NO_MAC) and mac[1] in "02468ace" and mac != _NO_MAC


def _link(link: Any, names: dict[int, str]) -> dict[str, Any]:
    bits = link["flags"]
    flags = ["NO-CARRIER"] if bits & UP and not bits & RUNNING else []
    flags += [name for bit, name in FLAGS if bits & bit]
    found = {
        "ifindex": link["index"],
        "link_index": link.get_attr("IFLA_LINK"),
        "ifname": names[link["index"]],
        "flags": flags,
        "mtu": link.get_attr("IFLA_MTU"),
        "qdisc": link.get_attr("IFLA_QDISC"),
        "master": names.get(link.get_attr("IFLA_MASTER") or 0),
        "operstate": link.get_attr("IFLA_OPERSTATE"),
        "group": "default",
        "txqlen": link.get_attr("IFLA_TXQLEN"),
        "link_type": LINK_TYPES.get(link["ifi_type"], str(link["ifi_type"])),
        "address": link.get_attr("IFLA_ADDRESS"),
        "broadcast": link.get_attr("IFLA_BROADCAST"),
        "link_netnsid": link.get_attr("IFLA_LINK_NETNSID"),
    }
    return {key: value for key, value in found.items() if value is not None}


def _more(link: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"promiscuity": link.get_attr("IFLA_PROMISCUITY") or 0}
    info = link.get_attr("IFLA_LINKINFO")
    if info is not None and info.get_attr("IFLA_INFO_KIND"):
        found["linkinfo"] = {"info_kind": info.get_attr("IFLA_INFO_KIND")}
    counted = link.get_attr("IFLA_STATS64")
    if counted:
        found["stats64"] = {
            way: {what: counted[f"{way}_{what}"] for what in ("bytes", "packets", "errors", "dropped")}
            for way in ("rx", "tx")
        }
    return found


def _with_addresses(link: dict[str, Any], netlink: IPRoute) -> dict[str, Any]:
    addresses = []
    for address in netlink.get_addr(index=link["ifindex"]):
        family = "inet" if address["family"] == AF_INET else "inet6"
        flags = address.get_attr("IFA_FLAGS") or address["flags"]
        life = address.get_attr("IFA_CACHEINFO") or {}
        found = {
            "family": family,
            "local": address.get_attr("IFA_LOCAL") or address.get_attr("IFA_ADDRESS"),
            "prefixlen": address["prefixlen"],
            "broadcast": address.get_attr("IFA_BROADCAST"),
            "scope": _SCOPES.get(address["scope"], str(address["scope"])),
            "tentative": True if flags & 0x40 else None,
            "dadfailed": True if flags & 0x08 else None,
            "nodad": True if flags & 0x02 else None,
            "dynamic": None if flags & 0x80 else True,
            "label": address.get_attr("IFA_LABEL"),
            "valid_life_time": life.get("ifa_valid", _FOR_EVER),
            "preferred_life_time": life.get("ifa_preferred", _FOR_EVER),
        }
        addresses.append({key: value for key, value in found.items() if value is not None})
    return {**link, "addr_info": addresses}


def _routes(netlink: IPRoute, family: int, names: dict[int, str]) -> list[dict[str, Any]]:
    found = [_route(route, names) for route in netlink.get_routes(family=family) if not route["flags"] & 0x200]
    return sorted(found, key=lambda route: "table" in route)  # the main table first, as iproute2 lists it


def _route(route: Any, names: dict[int, str]) -> dict[str, Any]:
    table = route.get_attr("RTA_TABLE") or route["table"]
    metrics = route.get_attr("RTA_METRICS")
    found = {
        "type": KINDS.get(route["type"]),
        "dst": _prefix(route.get_attr("RTA_DST"), route["dst_len"]),
        "gateway": route.get_attr("RTA_GATEWAY"),
        "dev": names.get(route.get_attr("RTA_OIF") or 0),
        "table": None if table == 254 else TABLES.get(table, str(table)),
        "protocol": PROTOCOLS.get(route["proto"]),
        "scope": _SCOPES.get(route["scope"]) if route["family"] == AF_INET and route["scope"] else None,
        "prefsrc": route.get_attr("RTA_PREFSRC"),
        "metric": route.get_attr("RTA_PRIORITY"),
        "flags": ["onlink"] if route["flags"] & 4 else [],
        "metrics": [{"mtu": metrics.get_attr("RTAX_MTU")}] if metrics and metrics.get_attr("RTAX_MTU") else None,
        "pref": _PREFERENCES.get(route.get_attr("RTA_PREF") or 0) if route["family"] == AF_INET6 else None,
    }
    if route["family"] == AF_INET6 and found["metric"] is None:
        found["metric"] = 0
    return {key: value for key, value in found.items() if value is not None}


def _prefix(address: str | None, length: int) -> str:
    if address is None or length == 0:
        return "default"
    parsed = ipaddress.ip_address(address)
    return str(parsed) if length == parsed.max_prefixlen else f"{parsed}/{length}"


def _rule(rule: Any) -> dict[str, Any]:
    action = RULE_ACTIONS.get(rule["action"])
    table = rule.get_attr("FRA_TABLE") or rule["table"]
    found = {
        "priority": rule.get_attr("FRA_PRIORITY") or 0,
        "src": rule.get_attr("FRA_SRC") or "all",
        "srclen": rule["src_len"] if 0 < rule["src_len"] < (32 if rule["family"] == AF_INET else 128) else None,
        "dst": rule.get_attr("FRA_DST"),
        "dstlen": rule["dst_len"] if 0 < rule["dst_len"] < (32 if rule["family"] == AF_INET else 128) else None,
        "iif": rule.get_attr("FRA_IIFNAME"),
        "oif": rule.get_attr("FRA_OIFNAME"),
        "action": action,
        "table": None if action else TABLES.get(table, str(table)),
    }
    return {key: value for key, value in found.items() if value is not None}


def _neighbour(entry: Any, names: dict[int, str]) -> dict[str, Any]:
    found = {
        "dst": entry.get_attr("NDA_DST"),
        "dev": names.get(entry["ifindex"]),
        "lladdr": entry.get_attr("NDA_LLADDR"),
        "state": [name for bit, name in _STATES if entry["state"] & bit],
    }
    flags = {"router": None} if entry["flags"] & 0x80 else {}  # iproute2 prints null for what is simply there
    return {**{key: value for key, value in found.items() if value is not None}, **flags}
