# ruff: noqa: E501 - one object a line
"""One host's decision for one packet, each with the object that decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from state.hosts import MACS, RULES, interface, raw, raws

from explain.state.one_host.decide import decide
from explain.state.one_host.decision import Decision
from explain.state.packet import Packet, echo, error_name, syn
from explain.state.reading.state_file import host_state
from explain.state.routing.sources import choose_v6


def router(packet: Packet, **parts: Any) -> Decision:
    value = raws()["R"]
    value["sysctl"] = value["sysctl"] | parts.pop("sysctl", {})
    return decide(host_state(value | parts, "R"), replace(packet, in_interface="r0"))


PING = replace(echo("10.0.2.9", "10.0.1.5"), ttl=64)


def test_a_router_forwards_by_the_route_that_matches():
    found = router(PING)
    assert (found.verdict, found.interface, found.next_hop, found.certainty) == ("forwarded", "r1", "10.0.2.9", "yes")
    assert found.out is not None
    assert found.out.ttl == 63
    assert found.by is not None
    assert found.by.kind == "route"


def test_without_the_sysctl_forwarding_is_uncertain_and_without_it_set_silent():
    assert router(PING, sysctl={"net.ipv4.conf.r0.forwarding": "0"}).reason == "forwarding-off"
    assert router(PING, sysctl={"net.ipv4.conf.r0.forwarding": "0"}).answer is None
    value = raws()["R"] | {"sysctl": {}}
    unsure = decide(host_state(value, "R"), replace(PING, in_interface="r0"))
    assert (unsure.verdict, unsure.certainty) == ("forwarded", "unknown")
    assert "net.ipv4.conf.r0.forwarding" in unsure.doubts


def test_the_ingress_interface_alone_decides_about_ipv4_forwarding():
    assert router(PING, sysctl={"net.ipv4.conf.r1.forwarding": "0"}).verdict == "forwarded"


@pytest.mark.parametrize(
    ("kind", "error"), [("unreachable", "host-unreachable"), ("prohibit", "admin-prohibited"), ("blackhole", None)]
)
def test_a_refusing_route_answers_as_its_type_says(kind: str, error: str | None):
    value = raws()["R"]["route"] + [{"type": kind, "dst": "10.0.2.9", "flags": []}]
    found = router(PING, route=value)
    assert found.reason == kind
    assert (error_name(found.answer) if found.answer else None) == error


def test_no_route_is_told_to_the_source_and_throw_goes_to_the_next_rule():
    assert error_name(router(replace(PING, destination="192.0.2.1")).answer or PING) == "net-unreachable"
    tables = raws()["R"]["route"] + [{"type": "throw", "dst": "10.0.2.0/24", "table": "7", "flags": []}]
    rules = [*raws()["R"]["rule"], {"priority": 5, "src": "all", "table": "7"}]
    assert router(PING, route=tables, rule=rules).verdict == "forwarded"


def test_a_rule_that_may_match_makes_the_route_uncertain():
    rules = [*raws()["R"]["rule"], {"priority": 5, "src": "all", "table": "7", "uid_start": 0, "uid_end": 9}]
    assert router(PING, rule=rules).certainty == "unknown"


def test_the_last_hop_of_a_packet_is_told_and_an_error_about_an_error_is_not():
    told = router(replace(PING, ttl=1))
    assert error_name(told.answer or PING) == "ttl-exceeded"
    quiet = router(replace(PING, ttl=1, quoted=PING, icmp_type=3))
    assert (quiet.verdict, quiet.answer) == ("dropped", None)


def test_a_packet_that_is_too_big_is_cut_or_refused_by_its_own_wish():
    small = [each | {"mtu": 1300} if each["ifname"] == "r1" else each for each in raws()["R"]["addr"]]
    cut = router(replace(PING, length=1400, dont_fragment=False), addr=small)
    assert cut.out is not None
    assert cut.out.is_fragmented
    refused = router(replace(PING, length=1400), addr=small)
    assert refused.answer is not None
    assert (error_name(refused.answer), refused.answer.mtu) == ("fragmentation-needed", 1300)


def test_strict_reverse_path_filtering_takes_the_larger_of_the_two_settings():
    other = raws()["R"]["route"] + [{"dst": "10.0.1.5", "gateway": "10.0.2.9", "dev": "r1", "flags": []}]
    for name in ("all", "r0"):
        found = router(PING, route=other, sysctl={f"net.ipv4.conf.{name}.rp_filter": "1"})
        assert found.reason == "rp-filter"
        assert found.by is not None
        assert f"net.ipv4.conf.{name}.rp_filter = 1" in found.by.text
    both = {"net.ipv4.conf.all.rp_filter": "2", "net.ipv4.conf.r0.rp_filter": "1"}
    assert router(PING, route=other, sysctl=both).verdict == "forwarded"


def test_a_packet_from_the_hosts_own_address_or_from_nobody_is_not_believed():
    assert router(replace(PING, source="10.0.2.1")).reason == "martian"
    assert router(replace(PING, source=None)).reason == "martian"


@pytest.mark.parametrize("where", ["127.0.0.1", "::1"])
def test_a_packet_from_a_wire_for_a_loopback_address_is_dropped(where: str):
    assert (
        router(replace(echo(where, "10.0.1.5" if "." in where else "fd00::5"), ttl=64)).reason
        == "loopback-from-outside"
    )


def test_a_full_connection_table_stops_new_flows_only_where_flows_are_tracked():
    full = {"net.netfilter.nf_conntrack_count": "100", "net.netfilter.nf_conntrack_max": "100"}
    chain = {
        "family": "ip",
        "table": "n",
        "name": "p",
        "type": "nat",
        "hook": "postrouting",
        "prio": 100,
        "policy": "accept",
    }
    rule = {"family": "ip", "table": "n", "chain": "p", "handle": 1, "expr": [{"masquerade": None}]}
    nft = {"nftables": [{"chain": chain}, {"rule": rule}]}
    assert router(PING, sysctl=full, nft=nft).reason == "conntrack-full"
    assert router(PING, sysctl=full).verdict == "forwarded"
    assert router(PING, nft=nft).is_translated


def test_an_echo_to_everybody_needs_permission_and_is_usually_ignored():
    sender = host_state(raws()["S"] | {"route": [*raws()["S"]["route"], {
        "type": "broadcast", "dst": "10.0.1.255", "dev": "s0", "table": "local", "scope": "link", "flags": []}]}, "S")  # fmt: skip
    assert decide(sender, echo("10.0.1.255")).reason == "broadcast-denied"
    assert decide(sender, replace(echo("10.0.1.255"), is_broadcast_allowed=True)).verdict == "sent"
    heard = decide(sender, replace(echo("10.0.1.255", "10.0.1.9"), in_interface="s0"))
    assert heard.reason == "broadcast-ignored"


def test_a_host_that_ignores_echoes_still_takes_other_packets():
    value = raws()["T"]
    value["sysctl"] = value["sysctl"] | {"net.ipv4.icmp_echo_ignore_all": "1"}
    target = host_state(value, "T")
    assert decide(target, replace(PING, in_interface="t0")).reason == "echo-ignored"
    reply = replace(PING, in_interface="t0", icmp_type=0)
    assert decide(target, reply).verdict == "delivered"


def test_listeners_are_found_by_address_and_their_queue_may_be_full():
    def said(*sockets: str) -> Decision:
        target = host_state(raws()["T"] | {"sockets": list(sockets)}, "T")
        return decide(target, replace(syn("10.0.2.9", 80, "10.0.1.5"), in_interface="t0"))

    assert said("tcp LISTEN 0 8 0.0.0.0:80 0.0.0.0:*").verdict == "delivered"
    assert said("tcp LISTEN 0 8 *:80 *:*").verdict == "delivered"
    assert said("tcp LISTEN 0 8 :::80 :::*").verdict == "delivered"
    assert said("tcp LISTEN 0 8 [::]:80 [::]:*").reason == "no-listener"
    assert said("tcp LISTEN 0 8 127.0.0.1:80 0.0.0.0:*").reason == "bound-to-loopback"
    assert said("tcp LISTEN 0 8 0.0.0.0%lo:80 0.0.0.0:*").reason == "no-listener"
    assert said("tcp LISTEN 0 8 [::1]:80 [::]:*").reason == "bound-to-loopback"
    assert said().reason == "no-listener"
    assert said("tcp LISTEN 2 1 0.0.0.0:80 0.0.0.0:*").reason == "accept-queue-full"
    assert said("tcp LISTEN 1 1 0.0.0.0:80 0.0.0.0:*").verdict == "delivered"


def test_what_ping_is_bound_to_decides_how_a_missing_route_looks():
    value = raws()["S"]
    value["route"] = [each for each in value["route"] if each["dst"] != "default"]
    host = host_state(value, "S")
    assert decide(host, echo("192.0.2.1")).reason == "no-route"
    assert decide(host, replace(echo("192.0.2.1"), bound_source="10.0.1.5")).reason == "no-route"
    bound = decide(host, replace(echo("192.0.2.1"), bound_interface="s0"))
    assert (bound.verdict, bound.next_hop) == ("sent", "192.0.2.1")
    assert bound.sending is not None
    assert bound.sending.is_assumed_on_link
    assert decide(host, replace(echo("192.0.2.1"), bound_interface="nosuch")).reason == "unknown-interface"
    assert decide(host, replace(echo("10.0.1.1"), bound_source="10.9.9.9")).reason == "source-not-local"


def test_unknown_routes_are_never_taken_for_no_route():
    host = host_state({"addr": raws()["S"]["addr"]}, "S")
    found = decide(host, echo("192.0.2.1"))
    assert found.reason != "no-route"
    assert found.certainty == "unknown"


def six(*addresses: str, flags: dict[str, dict[str, bool]] | None = None) -> Any:
    made = interface("e0", 2, MACS["S"], *addresses)
    for each in made["addr_info"]:
        each.update((flags or {}).get(each["local"], {}))
    return host_state(raw(made), "S")


def test_ipv6_sources_are_chosen_by_scope_state_label_and_prefix():
    both = six("fe80::1/64", "fd00::1/64", "2001:db8::1/64")
    assert choose_v6(both, "e0", "2001:db8:9::9") == "2001:db8::1"
    assert choose_v6(both, "e0", "fd00:9::9") == "fd00::1"
    assert choose_v6(both, "e0", "fe80::9") == "fe80::1"
    two = six("2001:db8:1::1/64", "2001:db8:2::1/64")
    assert choose_v6(two, "e0", "2001:db8:2::9") == "2001:db8:2::1"
    old = six("2001:db8:2::1/64", "2001:db8:1::1/64", flags={"2001:db8:2::1": {"deprecated": True}})
    assert choose_v6(old, "e0", "2001:db8:2::9") == "2001:db8:1::1"
    new = six("fe80::1/64", "2001:db8:2::1/64", flags={"2001:db8:2::1": {"tentative": True}})
    assert choose_v6(new, "e0", "2001:db8:2::9") == "fe80::1"
    assert choose_v6(six(), "e0", "2001:db8::1") is None


OWN_SOURCE = {"anycast_src_echo_reply": "1"}


@pytest.mark.parametrize(
    ("sysctl", "answer"), [({}, None), (OWN_SOURCE, "fd00:2::"), ({"icmp.echo_ignore_anycast": "1"}, "")]
)
def test_what_all_routers_of_a_subnet_are_asked_is_answered_by_an_address_of_ones_own(sysctl: Any, answer: Any) -> None:
    listed = {"type": "anycast", "dst": "fd00:2::", "dev": "r0", "table": "local", "flags": []}
    told = {f"net.ipv6.{name}": value for name, value in sysctl.items()} | {"net.ipv6.icmp.echo_ignore_all": "0"}
    value = raw(interface("r0", 2, MACS["R"], "fd00:2::1/64"), route6=[listed], rule6=RULES, sysctl=told)
    decision = decide(host_state(value, "R"), replace(echo("fd00:2::", "fd00:1::9"), in_interface="r0"))
    assert (decision.answer.source if decision.answer else "") == answer
