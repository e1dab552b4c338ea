"""What a router alone can do explains no silence between two hosts of one link."""

from __future__ import annotations

import pytest
from packets import A, B, R, is_at, pcap, ping, segment, who_has

import explain

ALICE, BOB, ROUTER, FAR = "192.0.2.1", "192.0.2.2", "192.0.2.254", "198.51.100.1"
SYN = 2
OF_ROUTERS = {"no-return-route-on-router", "masquerade-missing", "reply-ttl-too-low"}
ON_TARGET = {"filter-on-target-input", "filter-on-target-output", "wrong-netmask-on-target"}
NEAR = (who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)))
BY_ROUTER = (who_has((A, ALICE), ROUTER), is_at((R, ROUTER), (A, ALICE)))


def the_finding(*frames):
    (finding,) = explain.explain(pcap(*frames)).findings
    return finding


def pings(to: str):
    return [(float(seq), ping(ALICE, to, seq)) for seq in (1, 2, 3)]


def connects(to: str, mac: str):
    return [(when, segment((ALICE, 40000), (to, 80), SYN, seq=1, macs=(A, mac))) for when in (1.0, 2.0, 4.0)]


def test_pings_from_mac_to_mac_of_one_link_suspect_no_router():
    finding = the_finding(*NEAR, *pings(BOB))
    assert finding.cause == "echo-unanswered"
    assert not OF_ROUTERS & set(finding.rivals)
    assert finding.rivals[-2:] == ("forwarding-disabled", "filter-on-router-forward"), "by destination NAT at Bob's"
    assert set(finding.rivals) >= ON_TARGET | {"echo-ignored-by-target", "filter-on-switch"}
    assert "no router stands between them" in " ".join(explain.explain(pcap(*NEAR, *pings(BOB))).story().split())


def test_connections_on_one_link_suspect_no_router_between_the_two():
    finding = the_finding(*NEAR, *connects(BOB, B))
    assert finding.cause == "tcp-syn-unanswered"
    assert not OF_ROUTERS & set(finding.rivals)
    assert set(finding.rivals) >= ON_TARGET | {
        "tcp-accept-queue-full",
        "dnat-to-absent-host",
        "filter-on-router-forward",
    }


@pytest.mark.parametrize("frames", [(*BY_ROUTER, *connects(FAR, R)), connects(BOB, B)], ids=["by-router", "no-arp"])
def test_a_router_stays_suspected_where_one_stands_or_may_stand_between(frames):
    assert set(the_finding(*frames).rivals) >= OF_ROUTERS - {"reply-ttl-too-low"} | ON_TARGET


@pytest.mark.parametrize("own", [ALICE, "127.0.0.1"])
def test_a_host_that_asks_itself_suspects_nothing_beyond_itself(own):
    unanswered = [(when, segment((own, 40000), (own, 80), SYN, seq=1)) for when in (1.0, 2.0)]
    for frames in ([(1.0, ping(own, own, 1))], unanswered):
        finding = the_finding(*frames)
        assert {"filter-on-target-input", "conntrack-table-full"} <= set(finding.rivals)
        assert not {"partial-loss", "forwarding-disabled", "wrong-static-neighbour"} & set(finding.rivals)
        assert "never leaves it" in " ".join(explain.explain(pcap(*frames)).story().split())
