"""Which other causes could lie behind the silence of a name server; what only a router can do needs a router."""

from __future__ import annotations

import struct
from itertools import chain

import pytest
from neighbours import advertise, solicit
from packets import A, B, R, datagram, error, is_at, pcap, segment, who_has

import explain
from explain.table import ACK, SYN

CLIENT, SERVER, ROUTER, FAR = "192.0.2.1", "192.0.2.53", "192.0.2.254", "198.51.100.53"
CLIENT6, SERVER6, LINK_LOCAL6 = "2001:db8::1", "2001:db8::53", "fe80::53"
OF_ROUTERS = {
    "filter-on-router-forward", "forwarding-disabled", "destination-host-absent-behind-router", "masquerade-missing",
}  # fmt: skip
ON_THE_LINK = {"wrong-static-neighbour", "arp-spoofed", "wrong-static-fdb-entry", "filter-on-switch"}
ON_TARGET = {"filter-on-target-input", "filter-on-target-output", "wrong-netmask-on-target", "partial-loss"}


def query(
    when, server=SERVER, macs=(A, B), client=CLIENT, name=b"\1a", ident=1, answer=False, rcode=0, zone=b"\7example\0"
):
    flags = 0x8180 | rcode if answer else 0x0100
    message = struct.pack(">6H", ident, flags, 1, 0, 0, 0) + name + zone + struct.pack(">HH", 1, 1)
    ends = ((server, 53), (client, 40000)) if answer else ((client, 40000), (server, 53))
    return when, datagram(*ends, message, macs[::-1] if answer else macs)


def resolved(asker, wanted, mac):
    return who_has(asker, wanted), is_at((mac, wanted), asker)


def solicited(about, mac):
    return solicit(A, CLIENT6, about), advertise(mac, about, CLIENT6)


def the_finding(*frames):
    report = explain.explain(pcap(*frames))
    (finding,) = report.findings
    return finding


ON_ONE_LINK = {
    "arp": (*resolved((A, CLIENT), SERVER, B), query(1), query(6)),
    "ndp": (
        *solicited(SERVER6, B), *solicited(LINK_LOCAL6, B),
        query(1, SERVER6, client=CLIENT6), query(6, SERVER6, client=CLIENT6),
    ),
}  # fmt: skip


@pytest.mark.parametrize("frames", ON_ONE_LINK.values(), ids=ON_ONE_LINK)
def test_no_router_is_suspected_where_the_question_went_to_the_servers_own_mac(frames):
    finding = the_finding(*frames)
    assert finding.cause == "dns-server-unreachable"
    assert not OF_ROUTERS & set(finding.rivals)
    assert set(finding.rivals) >= ON_TARGET | ON_THE_LINK


MAYBE_THROUGH_A_ROUTER = {
    "server-behind-a-router": (*resolved((A, CLIENT), ROUTER, R), query(1, FAR, (A, R)), query(6, FAR, (A, R))),
    "client-behind-a-router": (
        *resolved((R, ROUTER), SERVER, B), query(1, macs=(R, B), client=FAR), query(6, macs=(R, B), client=FAR),
    ),
    "answered-by-proxy": (
        *resolved((A, CLIENT), ROUTER, R), *resolved((A, CLIENT), SERVER, R), query(1, macs=(A, R)),
        query(6, macs=(A, R)),
    ),
    "nobody-asked-for-macs": (query(1), query(6)),
}  # fmt: skip


@pytest.mark.parametrize("frames", MAYBE_THROUGH_A_ROUTER.values(), ids=MAYBE_THROUGH_A_ROUTER)
def test_a_router_that_may_stand_between_stays_suspected(frames):
    finding = the_finding(*frames)
    assert finding.cause == "dns-server-unreachable"
    assert set(finding.rivals) >= OF_ROUTERS | ON_THE_LINK


@pytest.mark.parametrize(("speaker", "code"), [(FAR, 3), (ROUTER, 1)], ids=["the-server", "a-router"])
def test_a_server_whose_host_says_that_the_port_is_closed_was_reached(speaker, code):
    asked = [query(when, FAR, (A, R)) for when in (1, 6)]
    told = [(when + 0.01, error(speaker, 3, code, frame)) for when, frame in asked]
    finding = next(
        one
        for one in explain.explain(
            pcap(*resolved((A, CLIENT), ROUTER, R), *chain(*zip(asked, told, strict=True)))
        ).findings
        if one.cause == "dns-server-unreachable"
    )
    assert (finding.rivals == ("filter-on-target-input",)) is (speaker == FAR)
    assert (finding.values.get("from") == ROUTER) is (speaker == ROUTER)
    assert (finding.values["case"] == "closed") is (speaker == FAR)


def test_a_router_that_has_no_way_to_the_server_says_so_and_nothing_else_is_suspected():
    asked = query(1, FAR, (A, R))
    finding = the_finding(
        *resolved((A, CLIENT), ROUTER, R), asked, (1.01, error(ROUTER, 3, 0, asked[1])), query(6, FAR, (A, R))
    )
    assert (finding.cause, finding.values["case"], finding.values["error"]) == (
        "dns-server-unreachable", "told", "net-unreachable",
    )  # fmt: skip
    assert finding.rivals[0] == "no-route-on-router"
    assert not {"filter-on-target-input", "masquerade-missing"} & set(finding.rivals)


def test_an_error_about_a_question_over_tcp_is_no_second_root():
    client, server = (CLIENT, 40000), (FAR, 53)
    message = query(0)[1][42:]
    opening = (
        (0, segment(client, server, SYN, (A, R))),
        (0.01, segment(server, client, SYN | ACK, (R, A), ack=1)),
        (0.02, segment(client, server, ACK, (A, R), seq=1, ack=1)),
    )
    asked = segment(client, server, ACK, (A, R), seq=1, ack=1, data=len(message).to_bytes(2, "big") + message)
    told = error(ROUTER, 3, 0, asked)
    finding = the_finding(*opening, (0.03, asked), (0.04, told), (5, who_has((A, CLIENT), ROUTER)))
    assert (finding.cause, finding.values["case"], finding.values["error"]) == (
        "dns-server-unreachable", "told", "net-unreachable",
    )  # fmt: skip


@pytest.mark.parametrize("is_near", [True, False])
def test_a_server_that_is_silent_now_and_then_is_judged_alike(is_near):
    known = resolved((A, CLIENT), SERVER, B) if is_near else ()
    served = [query(when, name=b"\1b", ident=2, answer=answer) for when, answer in ((0.1, False), (0.2, True))]
    finding = the_finding(*known, *served, query(1), query(2), query(9, name=b"\1c", ident=3),
                          query(9.1, name=b"\1c", ident=3, answer=True))  # fmt: skip
    assert finding.cause == "dns-lookup-unanswered"
    assert ("filter-on-router-forward" in finding.rivals) is not is_near


def test_a_second_server_that_helps_does_not_bring_a_router_into_it():
    other = "192.0.2.54"
    known = (*resolved((A, CLIENT), SERVER, B), *resolved((A, CLIENT), other, R))
    frames = [
        query(start + after, server, (A, mac), name=name, ident=ident, answer=answer)
        for start, name, ident in ((1, b"\1a", 1), (20, b"\1b", 2))
        for after, server, mac, answer in ((0, SERVER, B, False), (5, other, R, False), (5.01, other, R, True))
    ]
    finding = the_finding(*known, *frames)
    assert (finding.cause, finding.values.get("case")) == ("dns-server-unreachable", "fallback")
    assert not OF_ROUTERS & set(finding.rivals)


@pytest.mark.parametrize(("rcode", "words"), [(2, "could not find out a.example"), (5, "refuses to look up a.example")])
def test_a_server_that_answers_with_an_error_is_told_as_reached(rcode, words):
    report = explain.explain(pcap(query(1), query(1.01, answer=True, rcode=rcode)))
    assert words in report.story("en")
    assert "ネットワークは動いている" in report.story("ja").replace("\n  ", "")


@pytest.mark.parametrize("outcome", ["no-such-name", "unanswered"])
def test_that_no_name_server_knows_local_is_as_it_should_be(outcome):
    local = {"name": b"\5local", "zone": b"\0"}
    answer = [query(1.01, answer=True, rcode=3, **local)] if outcome == "no-such-name" else []
    report = explain.explain(pcap(query(1, **local), *answer))
    assert [one.outcome for one in report.exchanges if one.kind == "dns.lookup"] == [outcome]
    assert (list(report.findings), report.unexplained) == ([], ())


def test_who_asks_everybody_for_a_name_knows_no_name_server():
    finding = the_finding(query(1, "255.255.255.255", (A, "ff:ff:ff:ff:ff:ff")))
    assert (finding.cause, finding.rivals) == ("dns-server-not-configured", ("dns-server-unreachable",))


@pytest.mark.parametrize(("times", "certainty"), [((1,), "possible"), ((1, 6), "likely")])
def test_a_single_question_in_vain_may_only_have_been_lost(times, certainty):
    assert the_finding(*(query(when) for when in times)).certainty == certainty


@pytest.mark.parametrize("own", ["127.0.0.53", "::1"])
def test_a_resolver_on_the_host_itself_is_behind_no_router(own):
    client = "127.0.0.1" if "." in own else own
    finding = the_finding(query(1, own, client=client), query(6, own, client=client))
    assert (finding.cause, finding.values["case"]) == ("dns-server-unreachable", "here")
    assert not (OF_ROUTERS | {"partial-loss", "no-return-route-on-target"}) & set(finding.rivals)


def test_a_host_that_asks_itself_and_has_no_name_server_says_so():
    asked = [query(when, "127.0.0.1", client="127.0.0.1") for when in (1, 6)]
    told = [(when + 0.01, error("127.0.0.1", 3, 3, frame)) for when, frame in asked]
    finding = the_finding(*chain(*zip(asked, told, strict=True)))
    assert (finding.values["case"], finding.rivals) == (
        "closed-here", ("filter-on-target-input", "dns-server-not-configured"),
    )  # fmt: skip
