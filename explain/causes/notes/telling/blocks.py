"""What each block of the notes says: commands in a few words, output by what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from explain.causes.notes.item import MOST_PARTS, Item, few, host_item
from explain.causes.notes.telling.flows import flows
from explain.causes.notes.telling.tables import nft, ports, sockets, switch_table
from explain.state.addresses import is_link_local
from explain.state.routing.routes import REFUSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.symptoms.changes.change import Change
    from explain.symptoms.notes import NoteBlock

_USUAL_RULES = 3
Row = Mapping[str, Any]
Values = dict[str, Any]


def did(change: Change) -> Item:
    """One change in a few words."""
    values = dict(change.values)
    host = {"host": host_item(change.node)}
    if change.verb == "link-add":
        is_pair = values.get("kind") == "veth" and values.get("peer")
        name = "did.pair" if is_pair else "did.bridge" if values.get("kind") == "bridge" else "did.link"
        parts = {"interface": values["name"], "peer": values.get("peer"), "kind": values.get("kind") or "?"}
        return Item(name, host | parts)
    if change.verb == "link-set":
        return Item(*_set(values, host))
    if change.verb.startswith("route-"):
        return Item(f"did.{change.verb}", host | {"route": values.get("text") or " ".join(values.get("words", ()))})
    if change.verb == "iptables":
        return Item("did.iptables", host | {"rule": _rule(values)})
    if change.verb in ("nft", "rule-add", "rule-del"):
        return Item(f"did.{change.verb}", host | {"words": " ".join(values["words"])})
    if change.verb.startswith("neigh-"):
        parts = {"address": values["dst"], "mac": values.get("lladdr") or "?"}
        return Item(f"did.{change.verb}{'-proxy' if values.get('proxy') else ''}", host | parts)
    return Item(f"did.{change.verb}", host | {"interface": values.get("dev") or "?", **values})


def command_text(change: Change) -> str:
    """A change of iptables or nft as it would be typed."""
    if change.verb == "iptables":
        return f"{'iptables' if change.values['family'] == 4 else 'ip6tables'} {_rule(change.values)}"
    return f"{change.verb} {' '.join(change.values['words'])}"


def _set(values: Row, host: Values) -> tuple[str, dict[str, Any]]:
    parts = host | {"interface": values["dev"]}
    for key in ("netns", "master", "name", "mtu", "address"):
        if values.get(key):
            return f"did.set-{key}", parts | {"value": values[key]}
    if values.get("state"):
        return f"did.set-{values['state']}", parts
    return "did.set", parts


def _rule(values: Row) -> str:
    letter = {"append": "-A", "insert": "-I", "delete": "-D", "policy": "-P", "flush": "-F"}[values["action"]]
    return " ".join(["-t", values["table"], letter, *([values["chain"]] if values["chain"] else []), *values["rule"]])


def says(block: NoteBlock) -> Iterator[Item]:
    """What the output of a block says, without judging it."""
    host = {"host": host_item(block.node)}
    for key, value in block.rows.items():
        if key in ("route", "route6"):
            yield from _routes(host, value, key, is_part=key in block.partial)
        elif key == "conntrack":
            yield from flows(host, value, {line.text.strip(): line.number for line in block.lines})
        elif key in _TELLERS:
            yield from _TELLERS[key](host, value)
        else:
            yield Item(f"shows.{key.replace('_', '-')}", host | {"count": len(value)}, depth=2)


def _saved(host: Values, lines: Sequence[str]) -> Iterator[Item]:
    rules = [line for line in lines if line.split("] ", 1)[-1].startswith("-A")]
    yield Item("shows.rules" if rules else "shows.no-rules", host | {"count": len(rules), "rules": few(rules)})


def _namespaces(host: Values, names: Sequence[str]) -> Iterator[Item]:
    yield Item("shows.namespaces", host | {"names": few(names) or ["-"]})


def _routing_rules(host: Values, rows: Sequence[Row]) -> Iterator[Item]:
    is_usual = len(rows) <= _USUAL_RULES
    yield Item("shows.rule" if is_usual else "shows.rules-routing", host | {"count": len(rows)}, depth=1 + is_usual)


def _links(host: Values, rows: Sequence[Row]) -> Iterator[Item]:
    parts = [_link(row) for row in rows[:MOST_PARTS] if row["ifname"] != "lo"]
    if parts:
        yield Item("shows.interfaces", host | {"interfaces": parts})
    elif rows:
        yield Item("shows.only-loopback", host)


def _link(row: Row) -> Item:
    info = row.get("addr_info")
    addresses = [f"{each['local']}/{each['prefixlen']}" for each in info or () if each.get("local")]
    state = Item(f"link.{_link_state(row)}", {})
    if info is None:
        return Item("link.bare", {"interface": row["ifname"], "state": state})
    name = "link.with" if addresses else "link.without"
    return Item(name, {"interface": row["ifname"], "state": state, "addresses": addresses})


def _link_state(row: Row) -> str:
    flags = row.get("flags")
    if flags is None:  # ``ip -br`` tells the state alone, and DOWN may be no signal as well
        return "up" if row.get("operstate") == "UP" else "unknown"
    if "UP" not in flags:
        return "down"
    return "no-carrier" if "NO-CARRIER" in flags else "up"


def _routes(host: Values, rows: Sequence[Row], key: str, *, is_part: bool) -> Iterator[Item]:
    if not rows:
        if not is_part:
            yield Item("shows.no-routes", host)
        return
    refused = [str(row["dst"]) for row in rows if row.get("type") in REFUSING]
    if refused:
        yield Item("shows.routes-refused", host | {"networks": few(refused)})
    rows = [row for row in rows if row.get("type") not in REFUSING]
    default = next((row for row in rows if row.get("dst") == "default"), None)
    others = [
        str(row["dst"])
        for row in rows
        if row.get("dst") != "default" and not is_link_local(str(row["dst"]).split("/")[0])
    ]
    values = host | {"networks": few(others) or ["-"]}
    if default is not None:
        way = default.get("gateway") or default.get("dev") or "?"
        yield Item("shows.routes-default" if others else "shows.default-only", values | {"gateway": way})
    elif others and key == "route" and not is_part and "default" not in refused:
        yield Item("shows.routes-no-default", values)
    elif others:
        yield Item("shows.routes", values)


def _neighbours(host: Values, rows: Sequence[Row]) -> Iterator[Item]:
    if not rows:
        yield Item("shows.no-neighbours", host)
    unasked = [row["dst"] for row in rows if _neighbour_state(row) == "NOARP"]
    for row in [row for row in rows if _neighbour_state(row) != "NOARP"][:MOST_PARTS]:
        name = f"neigh.{_neighbour_state(row).lower()}"
        yield Item(name, host | {"address": row["dst"], "mac": row.get("lladdr") or "?"})
    if unasked:
        yield Item("neigh.noarp", host | {"addresses": unasked[:MOST_PARTS]})


def _proxied(host: Values, rows: Sequence[Row]) -> Iterator[Item]:
    yield Item("shows.proxy", host | {"addresses": [row["dst"] for row in rows[:MOST_PARTS]]})


def _neighbour_state(row: Row) -> str:
    return next(iter(row.get("state") or ()), "NONE")


_MEANT = {
    ("net.ipv4.ip_forward", "0"): "forward-off", ("net.ipv4.ip_forward", "1"): "forward-on",
    ("net.ipv4.conf.all.forwarding", "0"): "forward-off", ("net.ipv4.conf.all.forwarding", "1"): "forward-on",
    ("net.ipv6.conf.all.forwarding", "0"): "forward6-off", ("net.ipv6.conf.all.forwarding", "1"): "forward6-on",
    ("net.ipv4.icmp_echo_ignore_all", "1"): "echo-ignored", ("net.ipv6.conf.all.disable_ipv6", "1"): "ipv6-off",
}  # fmt: skip


def _setting(host: Values, name: str, value: str) -> Item:
    meant = _MEANT.get((name, value))
    if meant is None and name.endswith(".rp_filter") and value in ("0", "1", "2"):
        meant = f"rp-filter-{value}"
    values = host | {"name": name, "value": value}
    return Item(f"setting.{meant}", values) if meant else Item("setting.other", values, depth=2)


def _settings(host: Values, values: Mapping[str, str]) -> Iterator[Item]:
    return (_setting(host, name, text) for name, text in list(values.items())[:MOST_PARTS])


def _chains(host: Values, chains: Sequence[Row]) -> Iterator[Item]:
    drops = [f"{each['chain']}" for each in chains if each.get("policy") == "DROP"]
    rules = sum(len(each["rules"]) for each in chains)
    if drops:
        yield Item("shows.policy-drop", host | {"chains": drops})
    nat = [
        rule
        for each in chains
        for rule in each["rules"]
        if rule.get("target") in ("MASQUERADE", "SNAT", "DNAT", "REDIRECT")
    ]
    for rule in nat[:MOST_PARTS]:
        values = host | {"options": rule.get("options") or "-", "source": rule.get("source") or "?"}
        yield Item(f"nat.{rule['target'].lower()}", values)
    if not rules and not drops:
        yield Item("shows.no-rules", host)
    elif rules > len(nat):
        yield Item("shows.rules-listed", host | {"count": rules})


_TELLERS: dict[str, Callable[[Values, Any], Iterator[Item]]] = {
    "addr": _links, "link": _links, "neigh": _neighbours, "proxy": _proxied, "sysctl": _settings,
    "iptables_save": _saved, "ip6tables_save": _saved, "iptables_list": _chains, "rule": _routing_rules,
    "netns": _namespaces, "sockets": sockets, "fdb": switch_table, "bridge_link": ports, "nft_text": nft,
}  # fmt: skip
