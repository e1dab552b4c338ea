"""Recorded networks to which a hand adds a rule: the walk obeys it, suspects it or drops a cause that it disproves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from surroundings import TOP

from explain.causes.diagnose import diagnose
from explain.causes.diagnosis import Witnesses
from explain.causes.mending import mending
from explain.cli.ping.witnesses import Given, gather


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., Witnesses]:
    """A recording of which one host's state was changed; ``command`` replaces the recorded one and its text."""

    def found(lab: str, host: str, changes: dict[str, Any], command: str | None = None) -> Witnesses:
        folder = shutil.copytree(TOP / "pcaps" / lab, tmp_path / "case", dirs_exist_ok=True)
        path = folder / "state" / f"{host}.json"
        state = json.loads(path.read_text("utf-8"))
        for key, rows in changes.items():
            state[key] = [*rows, *state[key]] if isinstance(rows, list) else {**state[key], **rows}
        path.write_text(json.dumps(state), "utf-8")
        states = tuple(f"{one.stem}={one}" for one in sorted((folder / "state").glob("*.json")))
        text = None if command else str(folder / "ping.txt")
        given = Given(text=text, states=states, sender="h1", command=command or f"@{folder / 'command.txt'}")
        return gather(given)

    return found


@pytest.fixture
def causes_of(altered: Callable[..., Witnesses]) -> Callable[..., list[str]]:
    """The causes that are left of an altered recording."""
    return lambda *told: [each.cause for each in diagnose(altered(*told)).causes]


@pytest.mark.parametrize(
    ("rule", "option"),
    [
        ({"fwmark": "0x5"}, "-m 5"),
        ({"fwmark": "5"}, "-m 0x5"),
        ({"tos": "0x10"}, "-Q 16"),
        ({"tos": "0x10"}, "-Q 0x12"),
    ],
)
def test_a_rule_for_what_ping_writes_on_its_packets_meets_them_alone(causes_of, rule, option) -> None:
    refusing = {"rule": [{"priority": 1, "src": "all", **rule, "action": "prohibit"}]}
    assert causes_of("router", "h1", refusing, f"ping -c 1 {option} 198.51.100.1") == ["policy-rule-on-sender"]
    assert causes_of("router", "h1", refusing, "ping -c 1 198.51.100.1")[0] == "healthy"


@pytest.mark.parametrize(
    ("host", "changes", "suspected"),
    [
        ("h1", {"rule": [{"priority": 1, "src": "all", "uid_start": 0, "uid_end": 0, "action": "blackhole"}]},
         "policy-rule-on-sender"),
        ("r1", {"nft": {"nftables": [
            {"table": {"family": "ip", "name": "filter", "handle": 1}},
            {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 1, "type": "filter",
                       "hook": "forward", "prio": 0, "policy": "accept"}},
            {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 2,
                      "expr": [{"xt": {"type": "match", "name": "u32"}}, {"drop": None}]}},
        ]}}, "filter-on-router-forward"),
        ("r1", {"qdisc": [{"kind": "clsact", "handle": "ffff:", "dev": "eth1", "parent": "ffff:fff1"}]},
         "filter-on-router-forward"),
        ("h2", {"qdisc": [{"kind": "ingress", "handle": "ffff:", "dev": "eth0", "parent": "ffff:fff1"}]},
         "filter-on-target-ingress"),
    ],
)  # fmt: skip
def test_a_rule_whose_condition_no_state_tells_is_suspected_on_a_way_that_else_is_free(
    causes_of, host, changes, suspected
) -> None:
    assert causes_of("router", host, changes, "ping -c 1 198.51.100.1")[:2] == ["healthy", suspected]


def test_an_entry_that_asks_nobody_counts_as_one_that_is_permanent(causes_of) -> None:
    wrong = {"dst": "192.0.2.254", "dev": "eth0", "lladdr": "02:00:00:00:00:99", "state": ["NOARP"]}
    assert causes_of("router", "h1", {"neigh": [wrong]}, "ping -c 1 198.51.100.1") == ["wrong-static-neighbour"]


def test_a_translation_that_would_not_bring_the_answer_back_is_not_what_is_missing(causes_of) -> None:
    assert causes_of("masquerade-missing", "h2", {})[0] == "masquerade-missing"
    refusing = {"rule": [{"priority": 1, "src": "203.0.113.2", "action": "unreachable"}]}
    assert causes_of("masquerade-missing", "h2", refusing) == ["no-return-route-on-target"]


def test_a_route_in_a_table_of_its_own_is_mended_there(altered) -> None:
    way = {"dst": "default", "gateway": "192.0.2.99", "dev": "eth0", "flags": [], "table": "56"}
    changes = {"rule": [{"priority": 1, "src": "all", "fwmark": "0x6", "table": "56"}], "route": [way]}
    witnesses = altered("router", "h1", changes, "ping -m 6 -c 1 198.51.100.1")
    first = diagnose(witnesses).causes[0]
    assert first.cause == "wrong-gateway-address"
    told, is_own = mending(first, replace(witnesses, destination="198.51.100.1"), "en")
    assert is_own
    assert "ip route replace default via 192.0.2.254 table 56\n" in told


def test_the_hops_that_a_packet_began_with_are_told_and_not_those_that_were_left(altered) -> None:
    witnesses = altered("two-routers", "h1", {"sysctl": {"net.ipv4.ip_default_ttl": "2"}}, "ping -c 1 198.51.100.1")
    first = diagnose(witnesses).causes[0]
    assert (first.cause, first.because[0].values["text"]) == ("ttl-too-low", "TTL 2")


def test_nobody_is_sent_to_look_where_there_is_nothing(altered) -> None:
    asked = {look.ask for look in diagnose(altered("conntrack-table-full", "r1", {})).next}
    assert not {one for one in asked if ".resolver." in one or ".smaller." in one}


@pytest.mark.parametrize(
    ("outside", "router", "first"),
    [
        ("172.16.5", "r1", "masquerade-missing"),  # another block: nobody there needs to know the inside
        ("10.0.77", "r1", "no-return-route-on-target"),  # one site's plan of addresses
        ("172.16.5", "h2", "no-return-route-on-target"),  # more than one host forwards: a network of routes
    ],
)
def test_two_private_networks_are_translated_or_routed_as_their_addresses_say(
    tmp_path: Path, outside: str, router: str, first: str
) -> None:
    for path in (TOP / "pcaps" / "masquerade-missing" / "state").glob("*.json"):
        (tmp_path / path.name).write_text(path.read_text("utf-8").replace("203.0.113", outside), "utf-8")
    forwards = tmp_path / f"{router}.json"
    state = json.loads(forwards.read_text("utf-8"))
    state["sysctl"]["net.ipv4.ip_forward"] = "1"
    forwards.write_text(json.dumps(state), "utf-8")
    states = tuple(f"{one.stem}={one}" for one in sorted(tmp_path.glob("*.json")))
    found = diagnose(gather(Given(states=states, sender="h1", command=f"ping -c 3 {outside}.2"))).causes
    assert found[0].cause == first
    assert {"masquerade-missing", "no-return-route-on-target"} <= {one.cause for one in found}


@pytest.mark.parametrize(("port", "first"), [(80, "target-has-other-address"), (81, "destination-host-absent-on-link")])
def test_a_host_that_waits_at_the_port_that_was_asked_for_is_the_one_that_was_meant(altered, port, first) -> None:
    waiting = {"sockets": ["tcp LISTEN 0 16 *:80 *:*"]}
    witnesses = altered("target-has-other-address", "h2", waiting, f"nc -z 192.0.2.2 {port}")
    assert diagnose(witnesses).causes[0].cause == first


def test_a_host_without_any_interface_lacks_a_route_and_no_address(tmp_path: Path) -> None:
    state = json.loads((TOP / "pcaps" / "sender-no-address" / "state" / "h1.json").read_text("utf-8"))
    for only in (False, True):
        if only:
            state |= {key: [row for row in state[key] if row["ifname"] == "lo"] for key in ("addr", "link")}
        (tmp_path / "h1.json").write_text(json.dumps(state), "utf-8")
        given = Given(states=(f"h1={tmp_path / 'h1.json'}",), sender="h1", command="ping -c 1 198.51.100.1")
        first = diagnose(gather(given)).causes[0].cause
        assert first == ("no-route-on-sender" if only else "sender-no-address")


def test_a_fault_whose_error_the_sender_drops_lies_behind_and_is_no_rival(altered) -> None:
    table = {"family": "ip", "table": "t"}
    chain = {**table, "name": "c", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}
    kind = {"match": {"op": "==", "left": {"payload": {"protocol": "icmp", "field": "type"}}, "right": 3}}
    rules = [{"chain": chain}, {"rule": {**table, "chain": "c", "handle": 2, "expr": [kind, {"drop": None}]}}]
    found = diagnose(altered("no-route-on-router", "h1", {"nft": {"nftables": rules}}, "ping -c 1 198.51.100.1"))
    assert [each.cause for each in found.causes] == ["filter-on-sender-input"]
    assert [each.cause for each in found.later] == ["no-route-on-router"]
