# ruff: noqa: E501 - one rule a line
"""A listing of nft becomes the same statements as its JSON form, and what is not understood stays a condition."""

from __future__ import annotations

from typing import Any

import pytest

from explain.state.filters.nft_json import match, meta, payload
from explain.state.reading.nft_listing import listed
from explain.state.reading.state_file import host_state

LISTING = """table inet fw { # handle 3
	set bad { # handle 1
		type ipv4_addr
		flags interval
		elements = { 10.1.0.0/16,
			10.2.0.1-10.2.0.9 }
	}

	flowtable f {
		hook ingress priority filter
		devices = { eth0 }
	}

	chain in { # handle 2
		type filter hook input priority filter - 10; policy drop;
		ip saddr @bad drop # handle 5
	}
}
table netdev n {
	chain e {
		type filter hook egress device "eth0" priority 0; policy accept;
	}
}
"""
ECHO = payload("icmp", "type")
STATE = {"ct": {"key": "state"}}


def rule(text: str) -> list[Any]:
    return listed([f"table ip t {{\n\tchain c {{\n\t\t{text}\n\t}}\n}}"])[-1]["rule"]["expr"]


def test_tables_sets_chains_and_rules_are_told_apart() -> None:
    table, bad, chain, drop, *others = listed(LISTING.splitlines())
    of = {"family": "inet", "table": "fw"}
    assert table == {"table": {"family": "inet", "name": "fw"}}
    elements = [{"prefix": {"addr": "10.1.0.0", "len": 16}}, {"range": ["10.2.0.1", "10.2.0.9"]}]
    assert bad == {"set": {**of, "name": "bad", "elem": elements}}
    assert chain == {"chain": {**of, "name": "in", "type": "filter", "hook": "input", "prio": -10, "policy": "drop"}}
    expressions = [match(payload("ip", "saddr"), "@bad"), {"drop": None}]
    assert drop == {"rule": {**of, "chain": "in", "handle": 5, "expr": expressions}}
    assert others[1]["chain"]["dev"] == ["eth0"]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("ct state established,related accept", [match(STATE, ["established", "related"], "in"), {"accept": None}]),
        ("ct state invalid counter packets 3 bytes 252 drop", [match(STATE, "invalid", "in"), {"counter": None}, {"drop": None}]),
        ('iifname "lo" accept comment "own, {sic}"', [match(meta("iifname"), "lo"), {"accept": None}]),
        ("icmp type { echo-request, 3 } jump pings", [match(ECHO, {"set": ["echo-request", 3]}), {"jump": {"target": "pings"}}]),
        ("tcp dport 80-90 reject with tcp reset", [match(payload("tcp", "dport"), {"range": [80, 90]}), {"reject": {"type": "tcp reset"}}]),
        ("reject with icmp port-unreachable", [{"reject": {"type": "icmp", "expr": "port-unreachable"}}]),
        ("reject", [{"reject": None}]),
        ("limit rate over 5/second burst 5 packets drop",
         [{"limit": {"rate": 5, "per": "second", "inv": True, "rate_unit": "packets"}}, {"drop": None}]),
        ("ip saddr vmap { 10.0.0.1 : drop, 10.0.0.2 : goto c }",
         [{"vmap": {"key": payload("ip", "saddr"), "data": {"set": [["10.0.0.1", {"drop": None}], ["10.0.0.2", {"goto": {"target": "c"}}]]}}}]),
        ("tcp flags syn / fin,syn accept", [match({"&": [payload("tcp", "flags"), ["fin", "syn"]]}, "syn"), {"accept": None}]),
        ("meta mark & 0xff == 0x1 drop", [match({"&": [meta("mark"), 255]}, 1), {"drop": None}]),
        ("fib saddr . iif oif missing drop", [match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, False), {"drop": None}]),
        ("ip daddr 10.0.0.1 dnat to 10.0.0.2:80", [match(payload("ip", "daddr"), "10.0.0.1"), {"dnat": {"addr": "10.0.0.2", "port": 80}}]),
        ("dnat to [2001:db8::5]:80", [{"dnat": {"addr": "2001:db8::5", "port": 80}}]),
        ('oifname "e*" masquerade random', [match(meta("oifname"), "e*"), {"masquerade": None}]),
        ("meta mark set ct mark", [{"mangle": {"key": meta("mark"), "value": {"ct": {"key": "mark"}}}}]),
        ('xt match "recent" drop', [{"unknown": "xt match recent"}, {"drop": None}]),
        ("tcp flags & (fin | syn) == syn drop", [{"unknown": "& (fin | syn) == syn"}, {"drop": None}]),
    ],
)  # fmt: skip
def test_a_rule_is_read_as_nft_would_write_it_in_json(text: str, statements: list[Any]) -> None:
    assert rule(text) == statements


@pytest.mark.parametrize(
    "text", ["table inet", "table ip t {\nchain c {\n type filter hook", "table ip t {\nchain c {\nip saddr"]
)
def test_a_listing_that_is_cut_is_read_as_far_as_it_goes(text: str) -> None:
    assert listed(text.splitlines())[0]["table"]["family"] in {"inet", "ip"}


def test_a_state_with_a_listing_alone_is_one_and_json_goes_before_it() -> None:
    assert host_state({"nft_text": LISTING.splitlines()}, "h").nft
    assert host_state({"nft_text": LISTING.splitlines(), "nft": {"nftables": []}}, "h").nft == ()
