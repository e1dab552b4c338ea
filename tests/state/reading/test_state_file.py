# ruff: noqa: E501, S104 - one object a line; the addresses are what ss prints
"""What a state file says, what it leaves open, and what is no state at all."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from state.hosts import LINKS, raws, states

from explain.errors import UnreadableError
from explain.state.packet import echo, syn
from explain.state.reading.state_file import host_state, read_state
from explain.state.tell import tell
from explain.state.walk import walk


def test_an_absent_key_is_unknown_and_an_empty_value_is_empty():
    nothing = host_state({"addr": []}, "H")
    assert nothing.interfaces == ()
    assert nothing.neighbours is None
    assert nothing.routes == {}
    assert nothing.sockets is None
    empty = host_state({"neigh": [], "route": [], "sockets": [], "nft": {"nftables": []}}, "H")
    assert empty.neighbours == ()
    assert empty.routes == {4: ()}
    assert empty.sockets == ()
    assert empty.nft == ()
    assert empty.interfaces is None


def test_routes_of_both_families_in_one_list_are_told_apart():
    listed = [
        {"dst": "default", "gateway": "10.0.0.1", "dev": "e0", "flags": []},
        {"dst": "default", "dev": "e0", "metric": 1024, "flags": [], "pref": "medium"},
        {"dst": "2001:db8::/32", "gateway": "fe80::1", "dev": "e0", "flags": []},
    ]
    both = host_state({"route": listed}, "H")
    assert [len(both.routes[4]), len(both.routes[6])] == [1, 2]
    assert len(host_state({"route": listed, "route6": []}, "H").routes[6]) == 0


def test_a_route_over_an_ipv6_gateway_and_one_with_a_locked_mtu_are_read():
    listed = [
        {"dst": "10.8.0.0/16", "via": {"family": "inet6", "host": "fe80::1"}, "dev": "e0", "flags": []},
        {"dst": "10.6.0.0/16", "gateway": "10.0.0.2", "dev": "e0", "metrics": [{"mtu": 1300, "lock": True}], "flags": []},
        {"dst": "10.5.0.0/16", "flags": [], "nexthops": [
            {"gateway": "10.0.0.2", "dev": "e0", "weight": 2, "flags": []}, {"gateway": "10.1.0.2", "dev": "e1", "flags": ["dead"]},
        ]},
    ]  # fmt: skip
    routes = host_state({"route": listed}, "H").routes[4]
    assert routes[0].nexthops[0].gateway == "fe80::1"
    assert routes[1].mtu == 1300
    assert [hop.gateway for hop in routes[2].nexthops] == ["10.0.0.2", "10.1.0.2"]
    assert "dead" in routes[2].nexthops[1].flags


def test_a_socket_line_tells_address_port_device_and_queues():
    lines = [
        "tcp LISTEN 3 2 0.0.0.0%eth0:67 0.0.0.0:* ino:1 sk:1",
        "tcp   LISTEN 0      8            [::1]:443          [::]:*",
        "udp UNCONN 0 0 *:53 *:* v6only:1",
        "State Recv-Q Send-Q",
    ]
    found = host_state({"sockets": lines}, "H").sockets
    assert found is not None
    assert [(s.local, s.local_port, s.device, s.receive_queue) for s in found] == [
        ("0.0.0.0", 67, "eth0", 3), ("::1", 443, None, 0), ("*", 53, None, 0),
    ]  # fmt: skip
    assert found[2].is_v6_only


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nonsense", '{"captures": []}', "[" * 100_000, '{"addr": 7}', '{"addr": [{"ifname": 7.5}]}{',
     '{"addr": ["x"]}', '{"route": {"a": 1}}', '{"sysctl": []}', '{"counters": {"A": []}}', '{"sockets": [1]}',
     '{"link": [{"ifindex": 1}]}', '{"nft": ' + '{"a":' * 90 + "1" + "}" * 90 + "}"],
)  # fmt: skip
def test_what_is_no_state_is_refused_in_one_clear_line(text: str):
    with pytest.raises(UnreadableError) as caught:
        read_state(text, "x", "states/x.json")
    assert "states/x.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_state_can_be_read_from_text():
    assert read_state(json.dumps(raws()["S"]), "S").owner_of("10.0.1.5") is not None


WORDS = [
    "match",
    "payload",
    "meta",
    "left",
    "right",
    "op",
    "key",
    "field",
    "protocol",
    "set",
    "prefix",
    "range",
    "addr",
    "len",
    "drop",
    "jump",
    "target",
    "limit",
    "ct",
    "vmap",
    "data",
    "concat",
    "fib",
    "flags",
    "result",
    "numgen",
    "mangle",
    "value",
    "dnat",
    "snat",
    "port",
    "reject",
    "expr",
    "exthdr",
    "&",
    "elem",
    "type",
    "dst",
    "gateway",
    "dev",
    "nexthops",
    "metrics",
    "via",
]
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 1 << 70)
    | st.text(max_size=6)
    | st.sampled_from(["10.0.1.1", "::1", "drop"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=8,
)


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += places(inner, (*path, key))
    return found


RICH = copy.deepcopy(raws()["R"]) | {
    "nft": {"nftables": [
        {"chain": {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "forward", "prio": 0, "policy": "accept"}},
        {"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 1, "expr": [
            {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"set": ["10.0.0.0"]}}},
            {"vmap": {"key": {"meta": {"key": "l4proto"}}, "data": {"set": [["icmp", {"accept": None}]]}}},
            {"limit": {"rate": 1, "per": "second"}}, {"drop": None}]}},
    ]},
    "fdb": [{"mac": "02:00:00:00:00:09", "ifname": "r0", "flags": ["sticky"], "state": "static"}],
    "bridge_link": [{"ifname": "r0", "master": "br0", "state": "forwarding"}],
    "iptables_save": ["*filter", ":INPUT ACCEPT [0:0]", "-A INPUT -p icmp -j DROP", "COMMIT"],
    "qdisc": [{"kind": "netem", "dev": "r1", "options": {"loss-random": {}}}],
}  # fmt: skip
PLACES = places(RICH)


@example([(("route", 2, "type"), [])])
@given(st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=4))
def test_any_json_is_either_a_state_that_can_be_walked_or_refused(changes: list[tuple[tuple[object, ...], object]]):
    value = copy.deepcopy(RICH)
    for path, junk in changes:
        inner: object = value
        try:
            for key in path[:-1]:
                inner = inner[key]  # type: ignore[index]  # a path of this very value
            inner[path[-1]] = junk  # type: ignore[index]  # as above
        except (KeyError, IndexError, TypeError):
            continue
    try:
        router = host_state(value, "R")
    except UnreadableError:
        return
    ends = [each for each in states() if each.name != "R"]
    for links in (LINKS, None):
        for packet in (echo("10.0.2.9"), syn("10.0.2.1", 80)):
            tell(walk([*ends, router], packet, "S", links=links, probes_hops=True))
