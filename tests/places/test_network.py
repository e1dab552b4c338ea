"""Who routes, who switches and who translates, by what several places saw; told with -v."""

from __future__ import annotations

from random import Random

import pytest
from asunder import skewed, split, told
from surroundings import TOP

import explain
from explain.places.network import links, routers


def recorded(lab):
    return explain.explain(str(TOP / "pcaps" / lab / "capture.pcapng"))


def network(report):
    """Links as sets of places, and routers as sets of addresses with whether they translate."""
    (part,) = [one for one in report.exchanges.parts if one.kind == "journey"]
    paths = part.facts["paths"]
    table, text = paths.table, paths.table.addresses.text
    found = links(table, paths.seen, paths.topology), routers(table, paths.seen, paths.topology)
    seen = [({table.places[place].name for place in one.places}, one.has_switch) for one in found[0]]
    return seen, [
        ({text(address) for each in one.interfaces for address in each.addresses}, bool(one.translated))
        for one in found[1]
    ]


@pytest.mark.parametrize("is_skewed", [False, True])
@pytest.mark.parametrize(
    ("lab", "router", "translates"),
    [
        ("router", {"192.0.2.254", "198.51.100.254"}, False), ("nat-tcp", {"10.0.0.1", "203.0.113.1"}, True),
        ("dnat-port", {"10.0.0.1", "203.0.113.1"}, True), ("nat-hairpin", {"10.0.0.1"}, True),
    ],
)  # fmt: skip
def test_a_router_is_known_by_what_it_hands_on_and_a_translator_by_new_ends(lab, router, translates, is_skewed):
    report = recorded(lab)
    if is_skewed:
        report = told(skewed(split(TOP / "pcaps" / lab / "capture.pcapng"), Random(lab)))
    assert network(report)[1] == [(router, translates)]


def test_two_routers_are_two_and_the_link_between_them_is_one():
    seen, found = network(recorded("two-routers"))
    assert [addresses for addresses, _ in found] == [
        {"192.0.2.254", "203.0.113.1"}, {"203.0.113.2", "198.51.100.254"},
    ]  # fmt: skip
    assert ({"r1.eth1", "r2.eth0"}, False) in seen


def test_a_link_with_more_stations_than_a_cable_has_ends_has_a_switch():
    seen = network(recorded("nat-hairpin"))[0]
    ((places, has_switch),) = seen
    assert has_switch
    assert {"h1.eth0", "sw.p1", "sw.p3", "r1.eth0"} <= places
    assert ({"r1.eth0", "h1.eth0"}, False) in network(recorded("router"))[0]


@pytest.mark.parametrize(("language", "heading"), [("en", "The network, as these"), ("ja", "パケットから分かる")])
def test_the_network_is_told_on_request_with_frames(language, heading):
    report = recorded("nat-tcp")
    told_of = [line for line in report.lines if line.message.startswith("network.")]
    assert {line.message for line in told_of} == {"network.link", "network.router", "network.translator"}
    assert all(line.evidence and line.depth == 2 for line in told_of)
    assert heading not in report.story(language)
