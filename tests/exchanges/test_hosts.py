from __future__ import annotations

from neighbours import advertise, router, solicit
from packets import A, B, R, is_at, pcap, ping, pong, who_has

import explain

ALICE, BOB, ALICE6, BOB6, AWAY6 = "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:1::1"


def told(*frames):
    return explain.explain(pcap(*frames))


def test_two_hosts_with_addresses_of_both_families_are_two_hosts_and_no_routers():
    found = told(who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)), ping(ALICE6, BOB6, 1), pong(BOB6, ALICE6, 1))
    assert [(one.addresses, "router" in one.roles) for one in found.hosts] == [
        ((ALICE, ALICE6), False), ((BOB, BOB6), False),
    ]  # fmt: skip
    assert "the MAC of the router" not in " ".join(found.story().split())


def test_a_further_address_of_a_host_that_nobody_asked_for_makes_it_no_router():
    further = "192.0.2.3"
    known = who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)), ping(ALICE, BOB, 1), pong(BOB, ALICE, 1)
    found = told(*known, ping(ALICE, further, 1, ident=8), pong(further, ALICE, 1, ident=8))
    assert [(one.addresses, one.roles) for one in found.hosts] == [((ALICE,), ()), ((BOB, further), ())]


def test_one_address_that_was_forwarded_or_is_far_away_makes_who_brings_it_a_router():
    known = who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE))
    for away, ttl in (("192.0.2.200", 63), ("198.51.100.1", 64)):  # behind a NAT of a virtual machine the TTL is fresh
        found = told(*known, ping(ALICE, away, 1), pong(away, ALICE, 1, ttl=ttl))
        assert [one.addresses for one in found.hosts if "router" in one.roles] == [(BOB,)]


def test_whoever_forwards_at_a_place_far_from_the_asker_is_a_router_too():
    away, beyond = "198.51.100.7", "00:00:5e:00:53:fd"
    near = [ping(ALICE, away, seq, macs=(A, R)) for seq in (1, 2)]
    far = [ping(ALICE, away, seq, macs=(beyond, B), ttl=62) for seq in (1, 2)]
    asked = who_has((beyond, "198.51.100.1"), away), is_at((B, away), (beyond, "198.51.100.1"))
    report = explain.explain(pcap(*near), pcap(*asked, *far))
    assert {one.addresses for one in report.hosts if "router" in one.roles} == {("198.51.100.1",)}


def test_the_mac_of_who_forwarded_a_hosts_packets_is_not_its_own():
    found = told(ping(ALICE, "198.51.100.1", 1, macs=(A, R)), pong("198.51.100.1", ALICE, 1, ttl=57, macs=(R, A)))
    assert [(one.addresses, one.macs) for one in found.hosts] == [((ALICE,), (A,)), (("198.51.100.1",), ())]


def test_who_passes_ipv6_on_is_a_router():
    found = told(
        who_has((A, ALICE), BOB), is_at((R, BOB), (A, ALICE)),
        ping(ALICE6, AWAY6, 1, macs=(A, R)), pong(AWAY6, ALICE6, 1, macs=(R, A), ttl=63),
    )  # fmt: skip
    assert [one.addresses for one in found.hosts if "router" in one.roles] == [(BOB,)]


def test_who_claims_one_ipv6_address_and_passes_another_on_is_a_router():
    gate, gate_local = "2001:db8::fe", "fe80::fe"
    found = told(
        solicit(A, ALICE6, gate),
        advertise(R, gate, ALICE6),
        router(R, gate_local),
        ping(ALICE6, AWAY6, 1, macs=(A, R)),
        pong(AWAY6, ALICE6, 1, ttl=63, macs=(R, A)),
    )
    by_address = {address: host for host in found.hosts for address in host.addresses}
    assert (by_address[gate].addresses, by_address[gate].roles) == ((gate, gate_local), ("router",))
    assert (by_address[AWAY6].addresses, by_address[AWAY6].macs) == ((AWAY6,), ())


def test_who_traces_over_ipv6_is_no_router():
    found = told(solicit(A, "fe80::1", "fe80::fe"), ping(ALICE6, AWAY6, 1, ttl=1, macs=(A, R)))
    assert [host.roles for host in found.hosts] == [()]
