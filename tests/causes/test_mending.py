"""How to mend it: the page's commands with the network's own addresses, or as the page has them."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_interface

import pytest

from explain.causes.diagnose import diagnose
from explain.causes.ids import IDS
from explain.causes.mending import _in_ipv6, _networks, mending
from explain.causes.pages import page
from explain.cli.ping.witnesses import Given, gather

from .confusion import Recorded, recordings

ONLY_IPV4 = {"broadcast-ping-without-b", "dhcp-pool-exhausted"}
PARTS = {"sender-net", "gateway", "target", "target-net", "target-gateway", "interface"}
FILLED = [each for each in recordings() if page(each.truth).stands_for]


@pytest.mark.parametrize("cause", IDS)
def test_what_a_page_lets_fill_in_stands_in_both_its_languages(cause: str) -> None:
    assert set(page(cause).stands_for.values()) <= PARTS
    for example in page(cause).stands_for:
        assert all(example in telling.mend for telling in page(cause).tellings.values())


@pytest.mark.parametrize("recorded", FILLED, ids=lambda each: each.name)
def test_a_command_that_mends_names_nobody_of_another_network(recorded: Recorded) -> None:
    witnesses = gather(Given(case=recorded.folder))
    first = diagnose(witnesses).causes[0]
    networks = [str(net) for state in witnesses.states for family in (4, 6) for _, net in _networks(state, family)]
    owned = {each.name for state in witnesses.states for each in state.interfaces or ()} | set(networks)
    owned |= {each.local for state in witnesses.states for family in (4, 6) for _, each in state.addresses(family)}
    for lang in ("en", "ja"):
        told, is_own = mending(first, witnesses, lang)
        written = re.split(
            f"({'|'.join(map(re.escape, page(first.cause).stands_for))})", page(first.cause).tellings[lang].mend
        )
        if is_own:
            found = re.fullmatch("(.+)".join(map(re.escape, written[::2])), told, re.DOTALL)
            assert found
            assert set(found.groups()) <= owned | {witnesses.destination}
        elif ":" not in (witnesses.destination or ""):
            assert told == "".join(written)


def test_with_the_states_a_gateway_is_named_by_its_own_address_and_without_them_by_the_examples() -> None:
    recorded = next(each for each in FILLED if each.name == "pcaps/no-return-route-on-target.ipv6")
    witnesses = gather(Given(case=recorded.folder))
    for known, gateway, is_own in (
        (witnesses, "2001:db8:2::fe", True),
        (replace(witnesses, states=()), "2001:db8:2::fe", False),
        (replace(witnesses, states=(), destination="198.51.100.1", text=None), "198.51.100.254", False),
    ):
        found = next(one for one in diagnose(known).causes if one.cause == recorded.truth)
        text, is_filled = mending(found, known, "en")
        assert f"`ip route add default via {gateway}`" in text
        assert is_filled is is_own


@pytest.mark.parametrize("cause", IDS)
def test_where_a_ping_was_ipv6_the_example_has_no_address_of_ipv4(cause: str) -> None:
    for telling in page(cause).tellings.values():
        told = _in_ipv6(telling.mend)
        assert not re.search(r"\d+\.\d+\.\d+\.\d+", told.replace("host 0.0.0.0", "")) or cause in ONLY_IPV4
        for found in re.findall(r"2001:[0-9a-f:]+(?:/\d+)?", told):
            ip_interface(found)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("policy-rule-on-sender", "ip rule del pref 100"),
        ("reject-route-on-sender.blackhole", "ip route del blackhole 198.51.100.0/24"),
        ("reject-route-on-sender.prohibit", "ip route del prohibit 198.51.100.0/24"),
        ("filter-on-router-forward", "nft delete rule inet fw forward handle 2"),
        ("filter-on-target-ingress", "nft delete rule netdev fw ingress handle 2"),
        ("reject-route-on-router.ipv6", "ip -6 route del blackhole 2001:db8:2::/64"),
    ],
)
def test_what_refuses_is_deleted_by_its_own_type_or_number(name: str, command: str) -> None:
    witnesses = gather(Given(case=next(each.folder for each in recordings() if each.name == f"pcaps/{name}")))
    text, is_own = mending(diagnose(witnesses).causes[0], witnesses, "en")
    assert (text.strip().split("\n")[0], is_own) == (command, True)


def test_a_rule_of_iptables_is_deleted_in_its_table_and_one_with_quotes_is_left_to_the_reader() -> None:
    witnesses = gather(
        Given(case=next(each.folder for each in recordings() if each.name == "pcaps/filter-on-router-forward"))
    )
    first = diagnose(witnesses).causes[0]

    def told(text: str, rule: str) -> str:
        shown = {"kind": "filter-rule", "text": text}
        locus = (replace(first.locus[0], rule=rule),)
        reason = replace(first.because[0], evidence=shown)
        return mending(replace(first, locus=locus, because=(reason,)), witnesses, "en")[0].strip().split("\n")[0]

    rule = "ip raw PREROUTING handle 2"
    assert told("-A PREROUTING -p icmp -j DROP", rule) == "iptables -t raw -D PREROUTING -p icmp -j DROP"
    page_itself = page("filter-on-router-forward").tellings["en"].mend.strip()
    for text in ('-A PREROUTING -m comment --comment "a; b" -j DROP', "l4proto vmap @m", "jump other"):
        assert told(text, rule) == page_itself
