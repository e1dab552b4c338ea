# ruff: noqa: E501 - one rule a line
"""Rules walked for one packet: nft's and iptables' words, and what is not understood is never assumed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from state.hosts import raws

from explain.state.filters.packet_values import Context
from explain.state.filters.ruleset import ruleset_of
from explain.state.filters.verdict import Verdict, decide
from explain.state.packet import Packet, datagram, echo, syn
from explain.state.reading.state_file import host_state

PING = replace(echo("10.0.2.9", "10.0.1.5"), in_interface="r0", ttl=64, connection="new")
SYN = replace(syn("10.0.2.9", 443, "10.0.1.5"), in_interface="r0", ttl=64, connection="new")
UDP = replace(datagram("10.0.2.9", 53, "10.0.1.5"), in_interface="r0", ttl=64, connection="new")


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def payload(protocol: str, field: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


def meta(key: str) -> dict[str, Any]:
    return {"meta": {"key": key}}


def ruled(
    *rules: list[dict[str, Any]], policy: str = "accept", more: tuple[dict[str, Any], ...] = (), **chain: Any
) -> list[Any]:
    base = {
        "family": "inet",
        "table": "t",
        "name": "c",
        "type": "filter",
        "hook": "forward",
        "prio": 0,
        "policy": policy,
    }
    listed = [
        {"rule": {"family": "inet", "table": "t", "chain": "c", "handle": number, "expr": rule}}
        for number, rule in enumerate(rules, 1)
    ]
    return [{"chain": base | chain}, *more, *listed]


def verdict(nft: list[Any] | None, packet: Packet, hook: str = "forward", **state: Any) -> Verdict:
    value = raws()["R"] | {"nft": {"nftables": nft} if nft is not None else None} | state
    host = host_state(value, "R")
    context = Context(host, "ip", "r0", "r1" if hook in {"forward", "postrouting"} else None)
    return decide(ruleset_of(host), ("ip", "inet"), hook, packet, context)


def iptables(*lines: str, policy: str = "ACCEPT", packet: Packet = PING) -> Verdict:
    saved = ["*filter", f":FORWARD {policy} [0:0]", ":sub - [0:0]", *lines, "COMMIT"]
    return verdict([], packet, iptables_save=saved)


HOLDS = [
    match(payload("ip", "saddr"), "10.0.1.5"),
    match(payload("ip", "saddr"), {"prefix": {"addr": "10.0.0.0", "len": 8}}),
    match(payload("ip", "daddr"), {"range": ["10.0.2.1", "10.0.2.10"]}),
    match(payload("ip", "daddr"), {"set": ["1.2.3.4", {"prefix": {"addr": "10.0.2.0", "len": 24}}]}),
    match(payload("ip", "daddr"), {"set": [{"elem": {"val": "10.0.2.9", "timeout": 60}}]}),
    match(payload("ip", "saddr"), "1.2.3.4", "!="),
    match(payload("ip", "protocol"), "icmp"),
    match(meta("l4proto"), "icmp"),
    match(meta("l4proto"), {"set": ["icmp", "ipv6-icmp"]}),
    match(meta("nfproto"), "ipv4"),
    match(meta("iifname"), "r0"),
    match(meta("oifname"), "r*"),
    match(meta("length"), {"range": [80, 90]}),
    match(payload("icmp", "type"), "echo-request"),
    match(payload("icmp", "type"), {"set": ["echo-request", 13]}),
    match(payload("icmp", "code"), 0),
    match(payload("ip", "ttl"), 60, ">"),
    match({"ct": {"key": "state"}}, ["new", "established"], "in"),
    match({"ct": {"key": "state"}}, {"set": ["new"]}),
    match({"&": [payload("ip", "frag-off"), 0x1FFF]}, 0),
    match({"fib": {"result": "type", "flags": ["saddr"]}}, "unicast"),
    match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, True),
    match({"concat": [payload("ip", "saddr"), payload("ip", "daddr")]}, {"set": [{"concat": ["10.0.1.5", "10.0.2.9"]}]}),
    match(meta("mark"), 0),
    match({"exthdr": {"name": "frag"}}, False),
    match(meta("pkttype"), "host"),
]  # fmt: skip


@pytest.mark.parametrize("statement", HOLDS, ids=str)
def test_a_match_that_holds_lets_its_rule_decide(statement: dict[str, Any]):
    found = verdict(ruled([statement, {"counter": None}, {"drop": None}]), PING)
    assert (found.kind, found.is_certain) == ("drop", True)
    assert found.rule is not None
    assert found.rule.name == "inet t c handle 1"


FAILS = [
    match(payload("ip6", "saddr"), "::1"),
    match(payload("tcp", "dport"), 80),
    match(payload("tcp", "dport"), 80, "!="),
    match(payload("icmp", "type"), "echo-reply"),
    match(payload("icmpv6", "type"), "echo-request"),
    match(meta("iifname"), "r1"),
    match(payload("ip", "saddr"), {"prefix": {"addr": "10.0.2.0", "len": 24}}),
    match({"ct": {"key": "state"}}, ["established", "related"], "in"),
]


@pytest.mark.parametrize("statement", FAILS, ids=str)
def test_a_match_that_does_not_hold_passes_the_packet_on(statement: dict[str, Any]):
    found = verdict(ruled([statement, {"drop": None}]), PING)
    assert (found.kind, found.is_certain) == ("accept", True)


UNKNOWN = [
    match(meta("skuid"), 0),
    match({"socket": {"key": "mark"}}, 1),
    match(payload("ip", "saddr"), "@nosuch"),
    match({"rt": {"key": "mtu"}}, 1500),
    {"xt": {"type": "match", "name": "recent"}},
    match({"jhash": {}}, 1),
]


@pytest.mark.parametrize("statement", UNKNOWN, ids=str)
def test_an_expression_that_is_not_understood_makes_the_verdict_uncertain(statement: dict[str, Any]):
    found = verdict(ruled([statement, {"drop": None}]), PING)
    assert (found.kind, found.is_certain) == ("accept", False)
    harmless = verdict(ruled([statement, {"accept": None}]), PING)
    assert (harmless.kind, harmless.is_certain) == ("accept", True)


def test_rules_that_were_not_collected_leave_the_verdict_uncertain():
    assert not verdict(None, PING, iptables_save=None).is_certain
    assert verdict([], PING).is_certain


def test_chains_run_in_order_of_priority_and_every_base_chain_may_drop():
    early = ruled([{"accept": None}], prio=-10)
    late = [
        {
            "chain": {
                "family": "ip",
                "table": "u",
                "name": "d",
                "type": "filter",
                "hook": "forward",
                "prio": 5,
                "policy": "drop",
            }
        }
    ]
    assert verdict([*late, *early], PING).kind == "drop"
    found = verdict([*late, *early], PING)
    assert found.chain is not None
    assert found.chain.name == "d"


def test_jump_returns_and_goto_does_not_come_back():
    sub = (
        {"chain": {"family": "inet", "table": "t", "name": "sub"}},
        {"rule": {"family": "inet", "table": "t", "chain": "sub", "handle": 9, "expr": [{"return": None}]}},
    )
    jumped = ruled([{"jump": {"target": "sub"}}], [{"drop": None}], more=sub)
    gone = ruled([{"goto": {"target": "sub"}}], [{"drop": None}], more=sub)
    assert verdict(jumped, PING).kind == "drop"
    assert verdict(gone, PING).kind == "accept"


def test_endless_jumps_end():
    circle = (
        {"chain": {"family": "inet", "table": "t", "name": "a"}},
        *({"rule": {"family": "inet", "table": "t", "chain": "a", "handle": n, "expr": [{"jump": {"target": "a"}}]}} for n in (1, 2)),
    )  # fmt: skip
    assert not verdict(ruled([{"jump": {"target": "a"}}], more=circle), PING).is_certain


def test_a_verdict_map_decides_by_key_named_or_in_place():
    key = payload("tcp", "dport")
    inline = [{"vmap": {"key": key, "data": {"set": [[443, {"drop": None}], [{"range": [1, 99]}, {"accept": None}]]}}}]
    assert verdict(ruled(inline), SYN).kind == "drop"
    assert verdict(ruled(inline), replace(SYN, destination_port=80)).kind == "accept"
    named = ruled([{"vmap": {"key": key, "data": "@m"}}],
                  more=({"map": {"family": "inet", "table": "t", "name": "m", "elem": [[443, {"drop": None}]]}},))  # fmt: skip
    assert verdict(named, SYN).kind == "drop"
    assert verdict(named, UDP).kind == "accept"


def test_a_named_set_with_intervals_is_looked_into():
    made = ruled(
        [match(payload("ip", "saddr"), "@s"), {"drop": None}],
        more=({"set": {"family": "inet", "table": "t", "name": "s", "elem": [{"range": ["10.0.1.1", "10.0.1.9"]}]}},),
    )
    assert verdict(made, PING).kind == "drop"
    assert verdict(made, replace(PING, source="10.0.1.10")).kind == "accept"


def test_a_limit_strikes_some_packets_and_says_which_rule_does():
    over = ruled(
        [
            match(payload("icmp", "type"), "echo-request"),
            {"limit": {"rate": 1, "per": "second", "inv": True}},
            {"drop": None},
        ]
    )
    found = verdict(over, PING)
    assert (found.kind, found.sometimes) == ("accept", "limit")
    assert found.otherwise is not None
    assert found.otherwise.kind == "drop"
    assert verdict(over, SYN).sometimes is None


def test_a_mark_that_one_rule_sets_is_seen_by_the_next():
    made = ruled([{"mangle": {"key": meta("mark"), "value": 7}}], [match(meta("mark"), 7), {"drop": None}])
    assert verdict(made, PING).kind == "drop"


def test_notrack_keeps_a_packet_from_translation():
    nat = {
        "family": "ip",
        "table": "n",
        "name": "p",
        "type": "nat",
        "hook": "prerouting",
        "prio": -100,
        "policy": "accept",
    }
    rule = {"family": "ip", "table": "n", "chain": "p", "handle": 1, "expr": [{"dnat": {"addr": "10.0.2.77"}}]}
    raw = {
        "family": "ip",
        "table": "r",
        "name": "p",
        "type": "filter",
        "hook": "prerouting",
        "prio": -300,
        "policy": "accept",
    }
    off = {"family": "ip", "table": "r", "chain": "p", "handle": 1, "expr": [{"notrack": None}]}
    translated = verdict([{"chain": nat}, {"rule": rule}], PING, "prerouting")
    assert translated.packet.destination == "10.0.2.77"
    plain = verdict([{"chain": nat}, {"rule": rule}, {"chain": raw}, {"rule": off}], PING, "prerouting")
    assert plain.packet.destination == "10.0.2.9"
    assert plain.packet.connection == "untracked"


@pytest.mark.parametrize(
    ("line", "packet"),
    [
        ("-A FORWARD -s 10.0.1.0/24 -d 10.0.2.9/32 -j DROP", PING),
        ("-A FORWARD ! -s 10.9.0.0/16 -i r+ -o r1 -j DROP", PING),
        ("[7:588] -A FORWARD -p icmp -m icmp --icmp-type 8 -j DROP", PING),
        ("-A FORWARD -p icmp -m icmp --icmp-type 8/0 -j DROP", PING),
        ('-A FORWARD -p icmp -m icmp ! --icmp-type 0 -m comment --comment "no pings, please" -j DROP', PING),
        ("-A FORWARD -p tcp -m tcp --dport 400:500 --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", SYN),
        ("-A FORWARD -p tcp -m multiport --dports 80,443 -j DROP", SYN),
        ("-A FORWARD -p tcp -m tcp ! --dport 80 -j DROP", SYN),
        ("-A FORWARD -p udp -m udp --dport 53 -j DROP", UDP),
        ("-A FORWARD -m conntrack --ctstate INVALID,NEW -j DROP", PING),
        ("-A FORWARD -m state ! --state ESTABLISHED -j DROP", PING),
        ("-A FORWARD -m iprange --src-range 10.0.1.1-10.0.1.9 -j DROP", PING),
        ("-A FORWARD -m length --length 0:100 -j DROP", PING),
        ("-A FORWARD -m mark --mark 0x0/0xff -j DROP", PING),
        ("-A FORWARD -m ttl --ttl-gt 3 -j DROP", PING),
        ("-A FORWARD -m pkttype --pkt-type unicast -j DROP", PING),
        ("-A FORWARD ! -f -j DROP", PING),
        ("-A FORWARD -m addrtype --dst-type UNICAST -j DROP", PING),
    ],
)  # fmt: skip
def test_an_iptables_rule_that_matches_drops(line: str, packet: Packet):
    found = iptables(line, packet=packet)
    assert (found.kind, found.is_certain) == ("drop", True)
    assert found.rule is not None
    assert found.rule.text == line.partition("] ")[2] or line


@pytest.mark.parametrize(
    "line",
    [
        "-A FORWARD -p tcp -j DROP",
        "-A FORWARD -o r0 -j DROP",
        "-A FORWARD -f -j DROP",
        "-A FORWARD -p icmp -m icmp --icmp-type 0 -j DROP",
        "-A FORWARD -d 10.0.2.8 -j DROP",
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j DROP",
        '-A FORWARD -j LOG --log-prefix "drop me"',
        "-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
    ],
)  # fmt: skip
def test_an_iptables_rule_that_does_not_match_passes_it_on(line: str):
    found = iptables(line)
    assert (found.kind, found.is_certain) == ("accept", True)


@pytest.mark.parametrize("line", ["-A FORWARD -m recent --name x --rcheck -j DROP", "-A FORWARD -m owner --uid-owner 0 -j DROP",
                                  '-A FORWARD -m string --string "x -j DROP', "-A FORWARD -m set --match-set s src -j DROP"])  # fmt: skip
def test_an_iptables_match_that_is_not_understood_is_never_assumed(line: str):
    found = iptables(line)
    assert found.kind == "accept"
    assert not found.is_certain


def test_the_policy_of_an_iptables_chain_counts_and_user_chains_return():
    assert iptables(policy="DROP").kind == "drop"
    assert iptables("-A sub -p tcp -j DROP", "-A FORWARD -j sub", policy="ACCEPT").kind == "accept"
    assert iptables("-A sub -p icmp -j ACCEPT", "-A FORWARD -j sub", policy="DROP").kind == "accept"


@pytest.mark.parametrize(
    ("target", "name"),
    [("REJECT", "port-unreachable"), ("REJECT --reject-with icmp-admin-prohibited", "admin-prohibited"),
     ("REJECT --reject-with icmp-net-unreachable", "net-unreachable"), ("REJECT --reject-with icmp-proto-unreachable", "prot-unreachable")],
)  # fmt: skip
def test_an_iptables_reject_says_with_what(target: str, name: str):
    found = iptables(f"-A FORWARD -j {target}")
    assert (found.kind, found.reject_with) == ("reject", name)
    assert iptables("-A FORWARD -p tcp -j REJECT --reject-with tcp-reset", packet=SYN).reject_with == "tcp reset"


def test_rules_that_nft_can_only_call_xt_are_read_from_iptables_save():
    nft = ruled([{"xt": {"type": "target", "name": "REJECT"}}], family="ip", table="filter", name="FORWARD")
    nft[-1]["rule"] |= {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 4}
    saved = ["*filter", ":FORWARD ACCEPT [0:0]", "-A FORWARD -p icmp -j REJECT", "COMMIT"]
    found = verdict(nft, PING, iptables_save=saved)
    assert (found.kind, found.is_certain) == ("reject", True)
    assert found.rule is not None
    assert found.rule.handle == 4
    assert not verdict(nft, PING).is_certain


def test_a_packet_meets_the_tables_of_both_kinds_of_iptables() -> None:
    modern = ["*filter", ":FORWARD ACCEPT [0:0]", "-A FORWARD -p icmp -j ACCEPT", "COMMIT"]
    legacy = ["*filter", ":FORWARD ACCEPT [0:0]", "-A FORWARD -p icmp -j DROP", "COMMIT"]
    assert verdict([], PING, iptables_save=modern).kind == "accept"
    met = verdict([], PING, iptables_save=[*modern, *legacy])
    assert met.kind == "drop"
    assert met.rule is not None
    assert met.rule.table == "filter (legacy)"
