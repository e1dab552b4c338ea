"""A state file becomes a HostState: JSON of iproute2 and nft in, frozen records out.

What is absent stays unknown; what is there but has another shape is refused with its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from explain.errors import UnreadableError
from explain.state.reading.items import Item, MisshapenError, check_depth, items_of, lines_of
from explain.state.reading.links import bridge_ports_of, fdb_of, interfaces_of, neighbours_of
from explain.state.reading.local_table import with_local_table
from explain.state.reading.nft_listing import listed
from explain.state.reading.routes import routes_of, rules_of
from explain.state.reading.sockets import sockets_of
from explain.state.records import HostState

KEYS = frozenset(
    "addr link route route6 rule rule6 neigh proxy fdb bridge_link nft nft_text conntrack qdisc"  # noqa: SIM905
    " iptables_save ip6tables_save sockets sysctl counters".split()
)
T = TypeVar("T")


def read_state(text: str, name: str, path: str = "state") -> HostState:
    """The state of one host.

    Args:
        text: JSON.
        name: what to call the host.
        path: how errors name the source.

    Raises:
        UnreadableError: the text is no JSON, or is not a state.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError(path, "unread.not_json") from None
    return host_state(value, name, path)


def host_state(value: object, name: str, path: str = "state") -> HostState:
    """The records of a state that is already parsed.

    Args:
        value: the JSON object of the contract, section 4.
        name: what to call the host.
        path: how errors name the source.

    Raises:
        UnreadableError: the object is not a state, or a part of it has another shape.
    """
    if not isinstance(value, Mapping) or not KEYS & set(value):
        raise UnreadableError(path, "unread.no_state_keys")
    try:
        check_depth(value)
        return _host_state(value, name)
    except MisshapenError as error:
        raise UnreadableError(path, error.line) from None


def _host_state(value: Mapping[str, Any], name: str) -> HostState:
    def given(key: str, make: Callable[[object, str], T]) -> T | None:
        return make(value[key], key) if value.get(key) is not None else None

    links = given("link", items_of)
    addresses = given("addr", items_of)
    rows = [*(given("route", items_of) or ()), *(given("route6", items_of) or ())]
    routed = frozenset(str(row.fields.get("dev")) for row in rows if row.fields.get("type") in (None, "unicast"))
    interfaces = interfaces_of(links, addresses, routed) if links is not None or addresses is not None else None
    return HostState(
        name=name,
        interfaces=interfaces,
        routes=with_local_table(routes_of(given("route", items_of), given("route6", items_of)), interfaces),
        rules=rules_of(given("rule", items_of), given("rule6", items_of)),
        neighbours=given("neigh", neighbours_of),
        proxies=given("proxy", lambda listed, place: neighbours_of(listed, place, is_proxy=True)),
        fdb=given("fdb", fdb_of),
        bridge_ports=bridge_ports_of(given("bridge_link", items_of), links),
        sysctls=given("sysctl", _sysctls_of),
        counters=given("counters", _counters_of),
        sockets=given("sockets", sockets_of),
        conntrack=given("conntrack", _conntrack_of),
        qdiscs=given("qdisc", lambda listed, place: tuple(item.fields for item in items_of(listed, place))),
        nft=given("nft", _nft_of) if value.get("nft") is not None else given("nft_text", _nft_listed),
        iptables=given("iptables_save", lines_of),
        ip6tables=given("ip6tables_save", lines_of),
    )


def _sysctls_of(value: object, place: str) -> dict[str, str]:
    item = Item(value, place)
    return {str(key).replace("/", "."): (item.text(key) or "").strip() for key in item.fields}


def _counters_of(value: object, place: str) -> dict[str, int]:
    item = Item(value, place)
    return {str(key): number for key in item.fields if (number := item.number(key)) is not None}


def _conntrack_of(value: object, place: str) -> tuple[str, ...]:
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return tuple(json.dumps(each) for each in value)
    return lines_of(value, place)


def _nft_listed(value: object, place: str) -> tuple[Mapping[str, object], ...]:
    return tuple(listed(lines_of(value, place)))


def _nft_of(value: object, place: str) -> tuple[Mapping[str, object], ...]:
    listed = value.get("nftables", []) if isinstance(value, Mapping) else value
    return tuple(item.fields for item in items_of(listed, f"{place}.nftables"))
