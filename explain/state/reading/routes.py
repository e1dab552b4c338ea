"""Routing tables and policy rules of a state, as iproute2's JSON writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.state.addresses import Network, family_of, parse, parse_network
from explain.state.records import NextHop, PolicyRule, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.state.reading.items import Item

_TABLES = {"255": "local", "254": "main", "253": "default", None: "main"}
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "ipv6-icmp": "icmpv6"}
_FLAGS = ("linkdown", "dead", "onlink", "pervasive", "offload")


def routes_of(v4: Sequence[Item] | None, v6: Sequence[Item] | None) -> dict[int, tuple[Route, ...]]:
    """Routes by family. ``ip route show table all`` may print both families in one list."""
    tables: dict[int, tuple[Route, ...]] = {}
    if v4 is not None:
        tables[4] = tuple(route for item in v4 if _family(item) == 4 and (route := _route(item, 4)))
        mixed = tuple(route for item in v4 if _family(item) == 6 and (route := _route(item, 6)))
        if mixed and v6 is None:
            tables[6] = mixed
    if v6 is not None:
        tables[6] = tuple(route for item in v6 if (route := _route(item, 6)))
    return tables


def _family(item: Item) -> int:
    if item.has("pref"):
        return 6
    named = [item.text(key) or "" for key in ("dst", "gateway", "prefsrc", "from")]
    return 6 if any(":" in text for text in named) else 4


def _route(item: Item, family: int) -> Route | None:
    network = parse_network(item.text("dst") or "default", family)
    if network is None:
        return None
    kind = item.text("type") or "unicast"
    metrics = item.items("metrics")
    mtu = item.number("mtu") or next((each.number("mtu") for each in metrics if each.has("mtu")), None)
    hops = item.number("hoplimit") or next((each.number("hoplimit") for each in metrics if each.has("hoplimit")), None)
    table = item.text("table")
    return Route(
        family=family,
        network=network,
        type=kind,
        table=_TABLES.get(table) or table or "main",
        metric=item.number("metric") or 0,
        scope=item.text("scope") or ("host" if kind in {"local", "nat"} else "global"),
        protocol=item.text("protocol"),
        source=item.text("prefsrc") or item.text("src"),
        nexthops=_nexthops(item),
        mtu=mtu,
        hop_limit=hops,
        tos=_tos(item.text("tos")),
        preference=item.text("pref") or "medium",
        from_network=parse_network(item.text("from") or "", family),
        text=_route_text(item, kind),
    )


def _tos(text: str | None) -> int:
    try:
        return int(text or "0", 0)
    except ValueError:
        return 0


def _nexthops(item: Item) -> tuple[NextHop, ...]:
    several = item.items("nexthops")
    return tuple(_nexthop(each) for each in several) if several else (_nexthop(item),)


def _nexthop(item: Item) -> NextHop:
    via = item.item("via")
    gateway = item.text("gateway") or (via.text("host") if via else None)
    return NextHop(
        gateway=gateway if gateway and parse(gateway) else None,
        device=item.text("dev"),
        flags=item.words("flags") | {flag for flag in _FLAGS if item.fields.get(flag)},
        weight=max(1, item.number("weight") or 1),
    )


def _route_text(item: Item, kind: str) -> str:
    words = [] if kind == "unicast" else [kind]
    words.append(item.text("dst") or "default")
    for hop in item.items("nexthops") or [item]:
        via = hop.item("via")
        gateway = hop.text("gateway") or (via.text("host") if via else None)
        words += ["via", gateway] if gateway else []
        words += ["dev", device] if (device := hop.text("dev")) else []
    for key, word in (("table", "table"), ("scope", "scope"), ("prefsrc", "src"), ("metric", "metric")):
        value = item.text(key)
        if value not in {None, "0"}:
            words += [word, str(value)]
    words += sorted(item.words("flags"))
    return " ".join(words)


def rules_of(v4: Sequence[Item] | None, v6: Sequence[Item] | None) -> dict[int, tuple[PolicyRule, ...]]:
    """Policy rules by family, lowest priority number first."""
    found = {}
    for family, listed in ((4, v4), (6, v6)):
        if listed is not None:
            rules = [_rule(item, family) for item in listed if _fits(item, family)]
            found[family] = tuple(sorted(rules, key=lambda rule: rule.priority))
    return found


def _fits(item: Item, family: int) -> bool:
    named = [text for key in ("src", "dst") if (text := item.text(key)) and text != "all"]
    return all(family_of(text) == family for text in named)


def _prefix(item: Item, key: str, family: int) -> Network | None:
    text = item.text(key)
    if text is None or text in {"all", "any", "default"}:
        return None
    length = item.number(f"{key}len")
    return parse_network(text if length is None else f"{text}/{length}", family)


def _range(item: Item, key: str) -> tuple[int, int] | None:
    one, first, last = item.number(key), item.number(f"{key}_start"), item.number(f"{key}_end")
    if one is not None:
        return one, one
    return (first, last) if first is not None and last is not None else None


def _rule(item: Item, family: int) -> PolicyRule:
    table, goto = item.text("table"), item.number("goto")
    mark = item.number("fwmark")
    protocol = item.text("ipproto")
    action = item.text("action") or ("goto" if goto is not None else "lookup")
    return PolicyRule(
        family=family,
        priority=item.number("priority") or 0,
        is_inverted=item.has("not"),
        source=_prefix(item, "src", family),
        destination=_prefix(item, "dst", family),
        in_interface=item.text("iif"),
        out_interface=item.text("oif"),
        mark=mark,
        mark_mask=item.number("fwmask") or (0xFFFFFFFF if mark is not None else 0),
        tos=_tos(item.text("tos")) if item.has("tos") else None,
        protocol=_PROTOCOLS.get(protocol or "", protocol),
        source_ports=_range(item, "sport"),
        destination_ports=_range(item, "dport"),
        users=_range(item, "uid"),
        action="lookup" if action in {"to_tbl", "table"} else action,
        table=_TABLES.get(table) or table,
        goto=goto,
        suppress_length=item.number("suppress_prefixlen"),
        text=_rule_text(item),
        is_understood=not ({"l3mdev", "tun_id", "suppress_ifgroup", "dscp"} & set(item.fields)),
    )


def _rule_text(item: Item) -> str:
    words = [f"{item.number('priority') or 0}:"]
    words += ["not"] if item.has("not") else []
    for key, word in (("src", "from"), ("dst", "to")):
        if text := item.text(key):
            length = item.number(f"{key}len")
            words += [word, text if length is None else f"{text}/{length}"]
    for key in ("fwmark", "iif", "oif", "ipproto", "tos"):
        if text := item.text(key):
            words += [key, text]
    for key, word in (("sport", "sport"), ("dport", "dport"), ("uid", "uidrange")):
        if span := _range(item, key):
            words += [word, "-".join(str(each) for each in dict.fromkeys(span))]
    if table := item.text("table"):
        words += ["lookup", table]
    if item.number("goto") is not None:
        words += ["goto", str(item.number("goto"))]
    if action := item.text("action"):
        words.append(action)
    return " ".join(words)
