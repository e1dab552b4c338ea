# ruff: noqa: E501 - one object a line
"""Causes that need a certain state but no certain network, told in both languages."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from explain.state.packet import answer_to, datagram, echo, syn
from explain.state.reading.state_file import host_state
from explain.state.report import path_report
from explain.state.tell import tell
from explain.state.walk import walk
from explain.state.way.dhcp import dhcp_causes
from explain.state.way.path import Path
from explain.words import say

from .hosts import LINKS, MACS, RULES, interface, raw, raws, states


def go(changed: dict[str, dict[str, Any]] | None = None, **more: Any) -> Path:
    packet = more.pop("packet", echo("10.0.2.9"))
    return walk(states(changed), packet, "S", links=LINKS, **more)


def causes(path: Path) -> list[str]:
    return [each.cause for each in path.causes]


def filtered(family: str, hook: str, *rule: dict[str, Any], **chain: Any) -> dict[str, Any]:
    base = {"family": family, "table": "t", "name": "c", "type": "filter", "hook": hook, "prio": 0, "policy": "accept"}
    listed = [{"rule": {"family": family, "table": "t", "chain": "c", "handle": 1, "expr": list(rule)}}] if rule else []
    return {"nft": {"nftables": [{"chain": base | chain}, *listed]}}


DROP = {"drop": None}
REPLY = {"match": {"op": "==", "left": {"payload": {"protocol": "icmp", "field": "type"}}, "right": "echo-reply"}}


def test_a_healthy_network_is_healthy_and_nothing_else():
    path = go()
    assert path.outcome == "answered"
    assert causes(path) == ["healthy"]
    assert path.causes[0].certainty == "proved"
    assert [step.decision.host for step in path.steps] == ["S", "R", "T", "T", "R", "S"]


def test_the_same_network_is_found_without_being_told_the_cables():
    path = walk(states(), echo("10.0.2.9"), "S")
    assert causes(path) == ["healthy"]
    assert path.network.peers[("S", "s0")] == ("R", "r0")


def brief(value: dict[str, Any]) -> dict[str, Any]:
    """A state as ``ip -br address`` shows its interfaces: without flags, and without MACs."""
    kept = ("ifname", "addr_info", "operstate")
    return {**value, "link": None, "addr": [{key: each[key] for key in kept if key in each} for each in value["addr"]]}


def test_hosts_whose_addresses_are_listed_briefly_are_up_and_have_one_loopback_each():
    path = walk([host_state(brief(value), name) for name, value in raws().items()], echo("10.0.2.9"), "S")
    assert (path.outcome, causes(path)) == ("answered", ["healthy"])


def test_a_host_that_is_listed_briefly_as_down_is_down():
    made = {name: brief(value) for name, value in raws().items()}
    made["R"]["addr"] = [each | {"operstate": "DOWN"} for each in made["R"]["addr"]]
    made["R"]["route"] = [each for each in made["R"]["route"] if each.get("type") == "local"]  # the kernel drops others
    path = walk([host_state(value, name) for name, value in made.items()], echo("10.0.2.9"), "S")
    assert causes(path)[0] == "gateway-interface-down"


def test_a_sender_whose_routes_nobody_collected_is_not_blamed_for_lacking_them():
    path = go({"S": {"route": None, "route6": None}})
    assert (path.outcome, causes(path)) == ("unknown", [])


def test_a_broadcast_into_a_segment_that_nobody_shows_is_open():
    everybody = {"type": "broadcast", "dst": "10.0.1.255", "dev": "s0", "table": "local", "scope": "link", "flags": []}
    sender = states({"S": {"route": [*raws()["S"]["route"], everybody]}})[0]
    path = walk([sender], replace(echo("10.0.1.255"), is_broadcast_allowed=True), "S")
    assert (path.outcome, causes(path)) == ("unknown", [])


def test_hosts_without_any_hint_of_a_cable_are_joined_by_their_subnets():
    made = raws()
    for value in made.values():
        for each in value["addr"]:
            each.pop("link_index", None)
    path = walk([host_state(value, name) for name, value in made.items()], echo("10.0.2.9"), "S")
    assert causes(path) == ["healthy"]


def test_the_locus_names_role_node_and_rule():
    path = go({"R": filtered("inet", "forward", REPLY, DROP)})
    assert causes(path) == ["filter-on-router-forward"]
    locus = path.causes[0].locus[0]
    assert (locus.role, locus.node, locus.rule) == ("router:1", "R", "inet t c handle 1")
    assert path.causes[0].direction == "reply"


def test_a_filter_on_the_target_is_named_by_its_hook():
    assert causes(go({"T": filtered("inet", "input", DROP)})) == ["filter-on-target-input"]
    assert causes(go({"T": filtered("netdev", "ingress", DROP, dev="t0")})) == ["filter-on-target-ingress"]
    assert causes(go({"T": filtered("ip", "output", DROP)})) == ["filter-on-target-output"]
    assert causes(go({"S": filtered("ip", "output", DROP)})) == ["filter-on-sender-output"]
    assert causes(go({"S": filtered("ip", "input", REPLY, DROP)})) == ["filter-on-sender-input"]


def test_an_error_that_the_sender_drops_is_a_second_fault_and_comes_first():
    unreachable = {
        "match": {
            "op": "==",
            "left": {"payload": {"protocol": "icmp", "field": "type"}},
            "right": "destination-unreachable",
        }
    }
    changed = {"S": filtered("ip", "input", unreachable, DROP)}
    found = causes(go(changed, packet=echo("10.0.2.200")))
    assert found[0] == "filter-on-sender-input"
    assert "destination-host-absent-behind-router" in found


def test_an_error_that_the_router_drops_is_also_seen():
    unreachable = {
        "match": {
            "op": "==",
            "left": {"payload": {"protocol": "icmp", "field": "type"}},
            "right": "destination-unreachable",
        }
    }
    path = go({"R": filtered("ip", "output", unreachable, DROP)}, packet=echo("10.0.2.200"))
    assert [each.cause for each in path.also] == ["icmp-errors-filtered-on-router"]
    assert causes(path)[0] == "destination-host-absent-behind-router"


def test_with_a_lost_message_a_small_mtu_is_a_black_hole():
    small = [each | {"mtu": 1300} if each["ifname"] == "r1" else each for each in raws()["R"]["addr"]]
    big = echo("10.0.2.9", size=1400)
    assert causes(go({"R": {"addr": small}}, packet=big)) == ["path-mtu-exceeded"]
    mute = filtered("ip", "output", DROP)
    assert causes(go({"R": {"addr": small} | mute}, packet=big))[0] == "pmtu-blackhole"


def test_two_hosts_with_one_address_are_told_even_where_the_ping_works():
    twin = raw(interface("x0", 2, "02:00:00:00:00:77", "10.0.1.5/24"))
    made = raws() | {"X": twin, "SW": switch(3)}
    links = [("S", "s0", "SW", "p0"), ("R", "r0", "SW", "p1"), ("X", "x0", "SW", "p2"), ("R", "r1", "T", "t0")]
    path = walk([host_state(value, name) for name, value in made.items()], echo("10.0.2.9"), "S", links=links)
    assert causes(path)[0] == "duplicate-address"
    assert path.causes[0].locus[0].node == "X"


def test_a_connection_that_nobody_reads_from_and_one_that_is_forgotten_are_told_by_the_sockets():
    open_port = "tcp LISTEN 0 8 0.0.0.0:80 0.0.0.0:*"
    hangs = {"T": {"sockets": [open_port, "tcp CLOSE-WAIT 22 0 10.0.2.9:80 10.0.1.5:4242"]}}
    assert causes(go(hangs, packet=syn("10.0.2.9", 80))) == ["tcp-application-hangs"]
    half = {"T": {"sockets": [open_port]}, "S": {"sockets": ["tcp ESTAB 0 0 10.0.1.5:4242 10.0.2.9:80"]}}
    assert causes(go(half, packet=syn("10.0.2.9", 80))) == ["tcp-half-open"]
    aborts = {"T": {"sockets": [open_port], "counters": {"TcpExtTCPAbortOnData": 1}}}
    assert causes(go(aborts, packet=syn("10.0.2.9", 80))) == ["tcp-application-closes"]
    assert causes(go({"T": {"sockets": [open_port]}}, packet=syn("10.0.2.9", 80))) == ["healthy"]


def test_netem_is_named_by_what_it_does():
    for option, cause in (
        ("loss-random", "partial-loss"),
        ("duplicate", "duplicated-packets"),
        ("corrupt", "corrupted-packets"),
    ):
        queue = {"kind": "netem", "dev": "r1", "options": {option: {"p": 0.3}}}
        assert causes(go({"R": {"qdisc": [queue]}})) == [cause]


def test_a_traceroute_tells_the_hop_that_keeps_silent():
    silent = {"R": filtered("ip", "output", DROP)}
    assert causes(go(silent, packet=datagram("10.0.2.9", 33434), probes_hops=True)) == ["silent-hop"]
    assert causes(go(packet=datagram("10.0.2.9", 33434), probes_hops=True)) == ["healthy"]


def test_a_destination_beyond_the_given_states_is_not_judged():
    path = walk([each for each in states() if each.name == "S"], echo("10.0.2.9"), "S")
    assert path.outcome == "unknown"
    assert path.causes == ()


def test_what_leaves_by_a_device_upon_another_whose_end_is_not_told_is_not_called_lost():
    stacked = interface("mv0", 3, "02:00:00:00:00:05", "10.0.2.9/24", link="t0")
    back = [{"dst": "default", "gateway": "10.0.2.1", "dev": "mv0", "flags": []}]
    known = [{"dst": "10.0.2.1", "dev": "mv0", "lladdr": MACS["Q"], "state": ["REACHABLE"]}]
    there = [{"dst": "10.0.2.9", "dev": "r1", "lladdr": MACS["T"], "state": ["REACHABLE"]}]
    target = raw(interface("t0", 2, MACS["T"], peer=3), stacked, routes=back, neigh=known)
    path = go({"T": target, "R": {"neigh": there}})
    assert (path.outcome, path.stop.host, path.stop.is_certain) == ("unknown", "T", False)


def test_what_no_state_was_given_for_is_never_called_proved():
    failed = [{"dst": "10.0.1.1", "dev": "s0", "state": ["FAILED"]}]
    path = walk([host_state(raws()["S"] | {"neigh": failed}, "S")], echo("10.0.2.9"), "S")
    assert {each.certainty for each in path.causes} <= {"likely", "possible"}


def switch(count: int) -> dict[str, Any]:
    """A bridge with so many ports, p0 and on."""
    bridge = interface("br0", 2, "02:00:00:00:01:00", flags=["UP", "LOWER_UP"])
    return raw(bridge, *(interface(f"p{n}", 3 + n, f"02:00:00:00:02:0{n}", master="br0") for n in range(count)))


@pytest.mark.parametrize(
    ("port", "entries", "named"),
    [
        ({"bcast_flood": False}, "T", ["bridge-port-not-forwarding"]),
        ({"mcast_flood": False}, "T", ["healthy"]),
        ({"flood": False}, "T", ["healthy"]),
        ({"flood": False}, "", ["bridge-port-not-forwarding"]),
    ],
)
def test_a_port_that_is_spared_a_flood_gets_only_what_the_table_sends_there(port, entries, named):
    ends = {name: raw(interface("e0", 2, MACS[name], f"10.0.1.{at}/24")) for at, name in enumerate("ST", 1)}
    ports = [{"ifname": name, "master": "br0", "state": "forwarding"} for name in ("p0", "p1")]
    learnt = [{"mac": MACS[each], "ifname": "p1", "master": "br0", "state": ""} for each in entries]
    ends["SW"] = switch(2) | {"bridge_link": [ports[0], ports[1] | port], "fdb": learnt}
    cables = [("S", "e0", "SW", "p0"), ("T", "e0", "SW", "p1")]
    path = walk([host_state(value, name) for name, value in ends.items()], echo("10.0.1.2"), "S", links=cables)
    assert causes(path) == named


def test_who_was_asked_for_in_vain_through_a_tunnel_need_not_be_absent():
    def outcome(kind: str) -> str:
        up = interface("vx", 3, "02:00:00:00:00:07", "10.99.0.1/24")
        failed = [{"dst": "10.99.0.2", "dev": "vx", "state": ["FAILED"]}]
        state = raw(up, neigh=failed, link=[up | {"linkinfo": {"info_kind": kind}}])
        return walk([host_state(state, "S")], echo("10.99.0.2"), "S", links=[]).outcome

    assert (outcome("vxlan"), outcome("dummy")) == ("unknown", "stopped")


def dhcp(*servers: str, filter_on: str | None = None, family: int = 4) -> list[str]:
    made = {"C": raw(interface("c0", 2, MACS["S"], "fe80::1/64"))}
    kind, everybody, port = ("ip", "*", 67) if family == 4 else ("ip6", "[::]", 547)
    cables = []
    made["SW"] = switch(4)
    for number, name in enumerate(("C", "A", "B")):
        if name != "C":
            sockets = [f"udp UNCONN 0 0 {everybody}%{name.lower()}0:{port} {everybody}:*"] if name in servers else []
            made[name] = raw(
                interface(f"{name.lower()}0", 2, f"02:00:00:00:03:0{number}", f"10.0.1.{number}/24"), sockets=sockets
            )
            if name == filter_on:
                made[name] |= filtered(
                    kind,
                    "input",
                    {"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": port}},
                    DROP,
                )
        cables.append((name, f"{name.lower()}0", "SW", f"p{number}"))
    known = [host_state(value, name) for name, value in made.items()]
    found = dhcp_causes(known, "C", "c0", family=family, links=cables)
    return [each.cause for each in found]


@pytest.mark.parametrize("family", [4, 6])
def test_who_would_answer_a_dhcp_client_is_told_by_sockets_and_filters(family):
    assert dhcp(family=family) == ["dhcp-no-server"]
    assert dhcp("A", family=family) == []
    assert dhcp("A", filter_on="A", family=family) == ["dhcp-server-filtered"]
    assert dhcp("A", "B", family=family) == ["dhcp-rogue-server"]


STORIES = [
    ({}, {}),
    ({"R": filtered("inet", "forward", REPLY, DROP)}, {}),
    ({}, {"packet": echo("10.0.2.200")}),
    ({}, {"packet": echo("192.0.2.200")}),
    ({}, {"packet": replace(echo("192.0.2.200"), bound_interface="s0")}),
    ({}, {"packet": syn("10.0.2.9", 80)}),
    ({}, {"packet": echo("10.0.1.5")}),
    ({"T": {"neigh": [{"dst": "10.0.2.1", "dev": "t0", "lladdr": "02:00:00:00:00:99", "state": ["PERMANENT"]}]}}, {}),
    ({"R": {"sysctl": {}}}, {}),
    ({"S": {"neigh": [{"dst": "10.0.1.1", "dev": "s0", "lladdr": MACS["R"], "state": ["STALE"]}]}}, {"packet": replace(echo("10.0.2.9"), ttl=1)}),
]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(("changed", "more"), STORIES)
def test_every_line_can_be_said_and_the_report_is_json(changed: Any, more: Any, language: str):
    path = go(changed, **more)
    lines = tell(path)
    assert lines[0].depth == 0
    for line in lines:
        assert say(line.message, line.values, language).strip()
    assert json.loads(json.dumps(path_report(path)))["schema"] == "explain-path/1"


def test_the_address_is_shown_in_bits_beside_its_mask():
    said = [say(line.message, line.values, "en") for line in tell(go()) if line.message.startswith("path.bits")]
    assert "    00001010.00000000.00000010.00001001  10.0.2.9" in said
    assert "AND 11111111.11111111.11111111.00000000  255.255.255.0 (/24)" in said
    assert "  = 00001010.00000000.00000010.00000000  10.0.2.0: the route's network" in said


def test_a_connection_that_ended_with_a_reset_is_told_by_the_counters():
    changed = {
        "T": {"sockets": ["tcp LISTEN 0 8 0.0.0.0:80 0.0.0.0:*"], "counters": {"TcpOutRsts": 1}},
        "S": {"counters": {"TcpEstabResets": 1}},
    }
    assert causes(go(changed, packet=syn("10.0.2.9", 80))) == ["tcp-half-open", "tcp-application-closes"]


def test_a_route_of_a_policy_table_leaves_the_rule_as_a_rival():
    routes = [
        *raws()["S"]["route"],
        {"dst": "default", "gateway": "10.0.1.250", "dev": "s0", "table": "77", "flags": []},
    ]
    rules = [*raws()["S"]["rule"], {"priority": 100, "src": "all", "dst": "10.0.2.9", "table": "77"}]
    assert causes(go({"S": {"route": routes, "rule": rules}})) == ["wrong-gateway-address", "policy-rule-on-sender"]


def direct_v6(length: int, *routes: dict[str, Any]) -> Path:
    ends = {"S": f"2001:db8:1::5/{length}", "T": "2001:db8:1::9/64"}
    made = []
    for name, address in ends.items():
        local, _, bits = address.partition("/")
        own = {"dst": local if bits == "128" else "2001:db8:1::/64", "dev": "e0", "protocol": "kernel", "flags": []}
        nic = interface("e0", 2, MACS[name], address, peer=2)
        listed = [own, *(routes if name == "S" else ())]
        made.append(host_state(raw(nic, route6=listed, rule6=RULES), name))
    return walk(made, echo("2001:db8:1::9"), "S", links=[("S", "e0", "T", "e0")])


def test_an_ipv6_address_without_its_subnet_has_the_wrong_prefix_length():
    assert causes(direct_v6(128))[0] == "wrong-netmask-on-sender"


def test_an_ipv6_address_of_its_own_is_sound_where_a_route_leads_into_its_subnet():
    onlink = {"dst": "2001:db8:1::/64", "dev": "e0", "protocol": "ra", "flags": []}
    assert causes(direct_v6(128, onlink)) == causes(direct_v6(64)) == ["healthy"]
    elsewhere = {"dst": "2001:db8:7::/64", "dev": "e0", "protocol": "ra", "flags": []}
    assert causes(direct_v6(128, elsewhere))[0] == "wrong-netmask-on-sender"


def unnumbered_v6(target: str, **changed: Any) -> Path:
    """S - R - Q: the two routers know each other by link-local addresses alone."""
    wires = {
        "S": (interface("e0", 2, MACS["S"], "2001:db8:1::5/64", "fe80::5/64", peer=2),),
        "R": (
            interface("e0", 2, MACS["R"], "2001:db8:1::1/64", peer=2),
            interface("e1", 3, MACS["Q"], "fe80::a/64", peer=2),
        ),
        "Q": (
            interface("e0", 2, MACS["T"], "fe80::b/64", peer=3),
            interface("e1", 3, MACS["T"], "2001:db8:2::1/64", "fe80::99/64"),
        ),
    }
    routes = {
        "S": [("2001:db8:1::/64", "e0", None), ("fe80::/64", "e0", None), ("default", "e0", "2001:db8:1::1")],
        "R": [("2001:db8:1::/64", "e0", None), ("fe80::/64", "e1", None), ("2001:db8:2::/64", "e1", "fe80::b")],
        "Q": [("2001:db8:2::/64", "e1", None), ("fe80::/64", "e0", None)],
    }
    made = []
    for name, nics in wires.items():
        listed = [
            {"dst": dst, "dev": dev, "flags": []} | ({"gateway": hop} if hop else {"protocol": "kernel"})
            for dst, dev, hop in routes[name]
        ]
        forwards = {"net.ipv6.conf.all.forwarding": "0" if name == "S" else changed.get(name, "1")}
        made.append(host_state(raw(*nics, route6=listed, rule6=RULES, sysctl=forwards), name))
    bound = "e0" if target.startswith("fe80") else None
    return walk(
        made, replace(echo(target), bound_interface=bound), "S", links=[("S", "e0", "R", "e0"), ("R", "e1", "Q", "e0")]
    )


def test_a_router_that_others_reach_by_its_link_local_address_is_off_and_not_the_wrong_next_hop() -> None:
    assert causes(unnumbered_v6("2001:db8:2::9", Q="0")) == ["forwarding-disabled"]
    assert causes(unnumbered_v6("2001:db8:2::9")) == []  # nothing is known of what lies behind Q


def test_no_fault_lies_behind_a_link_local_address_that_is_absent_since_no_router_leads_to_it() -> None:
    path = unnumbered_v6("fe80::99")
    assert causes(path)[0] == "destination-host-absent-on-link"
    assert path.later == ()


def test_a_network_that_is_mapped_onto_another_keeps_the_number_of_each_host() -> None:
    rule = "-A PREROUTING -d 10.9.9.0/24 -i r0 -j NETMAP --to 10.0.2.0/24"
    lines = {"nft": None, "iptables_save": ["*nat", ":PREROUTING ACCEPT [0:0]", rule, "COMMIT"]}
    assert causes(go({"R": lines}, packet=echo("10.9.9.9"))) == ["healthy"]
    assert causes(go({"R": lines}, packet=echo("10.9.9.8")))[0] != "healthy"


def test_a_macvlan_takes_the_cable_of_the_card_below_it() -> None:
    card = interface("s0", 2, MACS["Q"], peer=2)
    above = interface("m0", 3, MACS["S"], "10.0.1.5/24", link="s0", linkinfo={"info_kind": "macvlan"})
    host = raw(card, above, routes=[{"dst": "default", "gateway": "10.0.1.1", "dev": "m0", "flags": []}])
    path = go({"S": host | {"link": [card, above]}})
    assert [(each.cause, each.certainty) for each in path.causes] == [("healthy", "proved")]


def several(*gateways: str, **more: Any) -> Path:
    hops = [{"gateway": each, "dev": "s0", "weight": 1, "flags": []} for each in gateways]
    connected = [each for each in raws()["S"]["route"] if each["dst"] != "default"]
    sender = {"route": [*connected, {"dst": "default", "flags": [], "nexthops": hops}]}
    return go({"S": sender, **more.pop("changed", {})}, **more)


def test_of_several_next_hops_all_are_tried_since_no_state_tells_which_one_is_taken() -> None:
    assert [(each.cause, each.certainty) for each in several("10.0.1.1", "10.0.1.1").causes] == [("healthy", "proved")]
    mixed = several("10.0.1.1", "10.0.1.250")
    assert [(each.cause, each.certainty) for each in mixed.causes] == [("wrong-gateway-address", "likely")]
    assert causes(several("10.0.1.1", "10.0.1.250", has_succeeded=True)) == ["healthy"]
    both = several("10.0.1.1", "10.0.1.250", changed={"T": IGNORES})
    assert causes(both) == ["echo-ignored-by-target", "wrong-gateway-address"]
    assert several("10.0.1.1", "10.0.1.250", has_succeeded=False).causes[0].certainty == "proved"


def test_an_entry_from_before_an_address_was_changed_is_not_taken_for_a_forged_one() -> None:
    moved = raw(
        interface("t0", 2, MACS["T"], "10.0.2.8/24", peer=3),
        routes=[{"dst": "default", "gateway": "10.0.2.1", "dev": "t0", "flags": []}],
    )
    known = {"neigh": [{"dst": "10.0.2.9", "dev": "r1", "lladdr": MACS["T"], "state": ["REACHABLE"]}]}
    path = go({"R": known, "T": moved})
    assert [(each.cause, each.certainty) for each in path.causes[:2]] == [
        ("target-has-other-address", "likely"),
        ("arp-spoofed", "possible"),
    ]
    assert path.later == ()


def test_nothing_lies_behind_a_fault_before_a_router_whose_bridge_has_the_mac_of_a_port() -> None:
    port = interface("r0", 2, MACS["R"], peer=2, master="br0")
    bridge = interface("br0", 4, MACS["R"], "10.0.1.1/24", linkinfo={"info_kind": "bridge"})
    beyond = interface("r1", 3, MACS["Q"], "10.0.2.1/24", peer=2)
    router = raw(port, beyond, bridge, sysctl=raws()["R"]["sysctl"], link=[port, beyond, bridge])
    assert causes(go({"R": router})) == ["healthy"]
    path = go({"R": router, "S": UNROUTED})
    assert (causes(path), path.later) == (["no-route-on-sender"], ())


OFF = {"sysctl": {"net.ipv4.ip_forward": "0", "net.ipv4.conf.r0.forwarding": "0"}}
IGNORES = {"sysctl": {"net.ipv4.icmp_echo_ignore_all": "1"}}
SEND_ONLY = raws()["T"] | {"route": [each for each in raws()["T"]["route"] if each.get("dst") != "default"]}
UNROUTED = raws()["S"] | {"route": [each for each in raws()["S"]["route"] if each.get("dst") != "default"]}


@pytest.mark.parametrize(
    ("changed", "first", "later"),
    [
        ({"R": OFF, "T": IGNORES}, "forwarding-disabled", ["echo-ignored-by-target"]),
        ({"R": OFF, "T": SEND_ONLY}, "forwarding-disabled", ["no-return-route-on-target"]),
        (
            {"S": UNROUTED, "R": filtered("inet", "forward", policy="drop"), "T": filtered("ip", "input", DROP)},
            "no-route-on-sender",
            ["filter-on-router-forward", "filter-on-target-input"],
        ),
        ({"R": OFF}, "forwarding-disabled", []),
        ({"T": filtered("ip", "input", DROP)}, "filter-on-target-input", []),
    ],
)
def test_what_would_stop_the_packet_behind_the_first_fault_is_named_in_order(
    changed: dict[str, dict[str, Any]], first: str, later: list[str]
) -> None:
    path = go(changed)
    assert causes(path)[0] == first
    assert [each.cause for each in path.later] == later
    assert [each["cause"] for each in path_report(path)["later"]] == later
    assert ("path.later.proved" in {line.message for line in tell(path)}) == bool(later)


def test_a_packet_that_dnat_sends_back_to_its_sender_needs_a_hairpin() -> None:
    to = {"dnat": {"addr": "10.0.1.5", "port": 8080}}
    nat = filtered(
        "ip",
        "prerouting",
        {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}},
        to,
        type="nat",
        prio=-100,
    )
    path = walk(states({"R": nat}), syn("10.0.2.1", 80), "S", links=LINKS)
    assert causes(path) == ["hairpin-nat-missing"]


def test_a_map_that_gives_an_address_and_its_port_is_obeyed() -> None:
    port = {"payload": {"protocol": "tcp", "field": "dport"}}
    pairs = {"set": [[8080, {"concat": ["10.0.2.9", 81]}], [8081, {"concat": ["10.0.2.9", 80]}]]}
    nat = filtered("ip", "prerouting", {"dnat": {"addr": {"map": {"key": port, "data": pairs}}}}, type="nat", prio=-100)
    known = states({"R": nat, "T": {"sockets": ["tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:*"]}})
    assert causes(walk(known, syn("10.0.1.1", 8081), "S", links=LINKS)) == ["healthy"]
    assert causes(walk(known, syn("10.0.1.1", 8080), "S", links=LINKS))[0] == "dnat-to-wrong-port"


def test_an_answer_begins_with_the_hops_that_its_route_tells() -> None:
    tired = [
        each | {"metrics": [{"hoplimit": 1}]} if each["dst"] == "default" else each for each in raws()["T"]["route"]
    ]
    assert causes(go({"T": {"route": tired}})) == ["reply-ttl-too-low"]


def test_a_mark_of_the_request_that_its_flow_keeps_is_seen_by_the_answer() -> None:
    lines = [
        "*mangle", "-A PREROUTING -i r0 -p icmp -j MARK --set-xmark 0x5/0xff",
        "-A PREROUTING -m mark --mark 0x5 -j CONNMARK --save-mark", "COMMIT",
        "*filter", "-A FORWARD -o r0 -m connmark --mark 0x5 -j DROP", "COMMIT",
    ]  # fmt: skip
    path = go({"R": {"iptables_save": lines}})
    assert (causes(path), path.causes[0].direction) == (["filter-on-router-forward"], "reply")
    lines[1] = lines[1].replace("0x5/0xff", "0x6/0xff")
    assert causes(go({"R": {"iptables_save": lines}})) == ["healthy"]


def test_a_source_is_rewritten_to_the_first_of_a_prefix() -> None:
    to = {"snat": {"addr": {"prefix": {"addr": "10.0.2.200", "len": 31}}}}
    path = go({"R": filtered("ip", "postrouting", to, type="nat", prio=100)})
    assert causes(path)[0] == "snat-to-unowned-address"


def test_a_translation_behind_a_verdict_map_bears_the_keys_of_the_map() -> None:
    def mapped(interface: str) -> Path:
        jump = {
            "vmap": {"key": {"meta": {"key": "oifname"}}, "data": {"set": [[interface, {"jump": {"target": "m"}}]]}}
        }
        nat = filtered("ip", "postrouting", jump, type="nat", prio=100)
        inner = {"family": "ip", "table": "t", "chain": "m", "handle": 2, "expr": [{"masquerade": None}]}
        nat["nft"]["nftables"] += [{"chain": {"family": "ip", "table": "t", "name": "m"}}, {"rule": inner}]
        return go({"R": nat, "T": {"route": [each for each in raws()["T"]["route"] if each["dst"] != "default"]}})

    assert causes(mapped("r1")) == ["healthy"]
    assert causes(mapped("r0"))[0] == "masquerade-wrong-interface"


def test_what_forwards_for_its_own_address_is_filtered_as_a_router() -> None:
    drop = filtered("ip", "forward", DROP)
    to = {"dnat": {"addr": "10.0.2.9"}}
    drop["nft"]["nftables"] += filtered("ip", "prerouting", to, table="n", type="nat", prio=-100)["nft"]["nftables"][:1]
    drop["nft"]["nftables"].append({"rule": {"family": "ip", "table": "n", "chain": "c", "handle": 1, "expr": [to]}})
    path = walk(states({"R": drop}), echo("10.0.1.1"), "S", links=LINKS)
    assert causes(path)[0] == "filter-on-router-forward"


def test_a_filter_of_arp_reads_what_the_question_says() -> None:
    def asked(field: str, value: str) -> list[str]:
        at = {"match": {"op": "==", "left": {"payload": {"protocol": "arp", "field": field}}, "right": value}}
        unknown = [each for each in raws()["R"]["neigh"] if each.get("dst") != "10.0.2.9"]
        return causes(go({"T": filtered("arp", "input", at, DROP), "R": {"neigh": unknown}}))

    assert asked("operation", "request") == asked("daddr ip", "10.0.2.9") == ["arp-ignored-by-target"]
    assert asked("daddr ip", "10.0.2.8") == ["healthy"]


def test_a_limit_that_no_ping_meets_is_no_fault_and_one_that_it_may_meet_stands_before_health() -> None:
    def limited(rate: int) -> Path:
        return go({"R": filtered("inet", "forward", {"limit": {"rate": rate, "per": "second", "inv": True}}, DROP)})

    assert causes(limited(100)) == ["healthy"]
    assert causes(limited(1)) == ["icmp-rate-limited", "healthy"]


def test_a_probe_of_tcp_walks_as_tcp_and_a_closed_port_is_its_end() -> None:
    assert go(packet=syn("10.0.2.9", 80), probes_hops=True).outcome == "answered"
    tcp = {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}}
    stopped = go({"T": filtered("ip", "input", tcp, DROP)}, packet=syn("10.0.2.9", 80), probes_hops=True)
    assert causes(stopped) == ["filter-on-target-input"]


def test_a_link_local_source_is_answered_on_the_link_that_it_came_by() -> None:
    asked = replace(echo("fe80::1", "fe80::2"), in_interface="r1")
    assert answer_to(asked).bound_interface == "r1"
    assert answer_to(replace(echo("2001:db8::1", "2001:db8::2"), in_interface="r1")).bound_interface is None


def no_way_back(**more: Any) -> list[str]:
    changed = raws()["R"]
    changed["route"] = [each for each in changed["route"] if each["dst"] != "10.0.1.0/24"]
    return causes(go({"R": changed}, **more))


def test_what_the_target_says_to_a_trace_or_to_a_connection_goes_the_way_back() -> None:
    assert no_way_back(packet=datagram("10.0.2.9", 33434), probes_hops=True)[0] == "no-return-route-on-router"
    assert no_way_back(packet=syn("10.0.2.9", 80)) == no_way_back() == ["no-return-route-on-router"]


def nat(device: str, *match: dict[str, Any]) -> dict[str, Any]:
    is_out = {"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": device}}
    rule = {"family": "ip", "table": "t", "chain": "c", "handle": 1, "expr": [is_out, *match, {"masquerade": None}]}
    chain = {"family": "ip", "table": "t", "name": "c", "type": "nat", "hook": "postrouting", "prio": 100}
    return {"nft": {"nftables": [{"chain": chain}, {"rule": rule}]}}


def behind_two_translations(*, home: dict[str, Any], provider: dict[str, Any]) -> Path:
    """S at home, a router, that of a provider with addresses of its own, and a target without any route."""
    forwards = {"sysctl": {"net.ipv4.ip_forward": "1"}}
    way = {"dst": "default", "gateway": "100.64.0.1", "dev": "h1", "flags": []}
    made = {
        "S": raw(interface("s0", 2, MACS["S"], "192.168.1.5/24"),
                 routes=[{"dst": "default", "gateway": "192.168.1.1", "dev": "s0", "flags": []}]),
        "H": raw(interface("h0", 2, MACS["R"], "192.168.1.1/24"), interface("h1", 3, MACS["Q"], "100.64.0.2/24"),
                 routes=[way], **forwards, **home),
        "P": raw(interface("p0", 2, "02:00:00:00:00:0a", "100.64.0.1/24"), interface("p1", 3, "02:00:00:00:00:0b", "203.0.113.1/24"),
                 **forwards, **provider),
        "T": raw(interface("t0", 2, MACS["T"], "203.0.113.80/24")),
    }  # fmt: skip
    links = [("S", "s0", "H", "h0"), ("H", "h1", "P", "p0"), ("P", "p1", "T", "t0")]
    return walk([host_state(one, name) for name, one in made.items()], echo("203.0.113.80"), "S", links=links)


@pytest.mark.parametrize(
    ("home", "provider", "named"),
    [
        (nat("h1"), nat("p1"), ["healthy"]),
        (nat("h1"), {}, ["masquerade-missing", "no-return-route-on-target"]),
        ({}, nat("p1"), ["no-return-route-on-router", "masquerade-missing"]),
        (nat("h0"), nat("p1"), ["masquerade-wrong-interface", "no-return-route-on-router", "masquerade-missing"]),
    ],
)
def test_a_translation_that_is_missing_is_seen_before_and_behind_another_one(
    home: Any, provider: Any, named: Any
) -> None:
    path = behind_two_translations(home=home, provider=provider)
    assert causes(path) == named
    if "no-return-route-on-router" in named:
        assert next(each for each in path.causes if "masq" in each.cause).locus[0].node == "H"


def test_who_asks_by_a_port_of_its_own_bridge_hears_no_answer_and_no_address_is_taken_for_doubled() -> None:
    port = interface("t0", 2, MACS["T"], "10.0.2.9/24", peer=3, master="br0")
    bridge = interface("br0", 4, MACS["T"], linkinfo={"info_kind": "bridge"})
    target = raw(port, bridge, routes=raws()["T"]["route"][:1], link=[port, bridge])
    path = go({"T": target})
    assert causes(path) == ["no-return-route-on-target"]
    assert "t0 is a port of br0" in path.causes[0].because[0].text


def test_a_packet_for_a_group_from_a_bound_socket_needs_no_route_and_no_mac() -> None:
    path = go({"S": UNROUTED}, packet=replace(echo("224.0.0.1"), bound_interface="s0", is_broadcast_allowed=True))
    assert causes(path) == ["broadcast-echo-ignored"]


def test_the_rule_with_the_limit_is_shown_and_not_the_one_that_what_is_above_falls_to() -> None:
    few = ["-A INPUT -p icmp -m limit --limit 1/min -j ACCEPT", "-A INPUT -p icmp -j DROP"]
    path = go({"T": {"iptables_save": ["*filter", ":INPUT ACCEPT", *few]}})
    limited = next(each for each in path.causes if each.cause == "icmp-rate-limited")
    assert limited.because[0].text == few[0]
