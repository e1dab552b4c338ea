from __future__ import annotations

import pytest
from dhcp_packets import (
    ACK,
    ADDRESS,
    BROADCAST,
    CLIENT,
    DECLINE,
    DISCOVER,
    INFORM,
    NOWHERE,
    OTHER,
    OTHER_MAC,
    RELEASE,
    SERVER,
    SERVER_MAC,
    ack,
    answers,
    asks,
    discover,
    message,
    nak,
    offer,
    options,
    reboot,
    renew,
    request,
)  # fmt: skip
from explained import report, the_finding
from packets import datagram, error, is_at, pcap, ping, pong, who_has
from surroundings import CASES

import explain

MOBILE = "00:00:5e:00:53:77"
BOUND = (discover(), offer(), request(), ack())


def is_healthy(*frames):
    found = report(*frames)
    return not tuple(found.findings) and not found.unexplained


def test_a_lease_that_is_granted_renewed_and_released_is_healthy():
    assert is_healthy(
        *BOUND, (1800, renew()), (1800.1, ack(ciaddr=ADDRESS, to=ADDRESS)),
        (1900, asks(RELEASE, (54, SERVER), source=ADDRESS, target=SERVER, ciaddr=ADDRESS)),
    )  # fmt: skip


def test_the_servers_test_before_an_offer_is_healthy():
    asker = (SERVER_MAC, SERVER)
    assert is_healthy(
        discover(), (0.1, who_has(asker, ADDRESS)), (1.1, who_has(asker, ADDRESS)), (2.1, who_has(asker, ADDRESS)),
        (3, ping(SERVER, ADDRESS, 0, macs=(SERVER_MAC, CLIENT))), (3.01, offer()), (3.02, request()), (3.03, ack()),
    )  # fmt: skip


def test_a_capture_that_ends_while_a_server_tests_an_address_proves_nothing():
    asker, client = (SERVER_MAC, SERVER), (CLIENT, OTHER)
    tests = [(at, who_has(asker, ADDRESS)) for at in (0.1, 1.1, 2.1)]
    story = " ".join(report(discover(), *tests).story("en").split())
    assert is_healthy(discover(), *tests)
    assert f"{SERVER} began to try whether {ADDRESS} is free" in story
    assert "No DHCP server answered" not in story
    went_on = report(discover(), *tests, (9, ping(OTHER, SERVER, 1)), (9.1, pong(SERVER, OTHER, 1)))
    assert "dhcp-no-server" in [one.cause for one in went_on.findings]
    assert not is_healthy(discover(), (0.1, who_has(client, ADDRESS)))


def test_who_asks_one_mac_alone_does_not_try_whether_an_address_is_free():
    checks = [(at, who_has((SERVER_MAC, SERVER), ADDRESS, to=CLIENT)) for at in (0.1, 1.1, 2.1)]
    story = " ".join(report(discover(), (1, discover()), *checks, (4.9, discover())).story("en").split())
    assert "began to try" not in story
    assert "Nobody answered: the host has gone" in story


def test_a_host_that_says_it_has_no_address_need_not_answer_for_an_old_one():
    checks = [(at, who_has((SERVER_MAC, SERVER), OTHER, to=CLIENT)) for at in (0.1, 1.1, 2.1)]
    assert is_healthy(
        (0, discover()), *checks, (3, offer()), (3.1, request()), (3.2, ack()), (9, pong(SERVER, ADDRESS, 1))
    )


def test_an_echo_that_a_router_delivers_after_the_offer_was_the_servers_test_behind_a_relay():
    relay, afar = "192.0.2.1", "198.51.100.53"
    late = ping(afar, ADDRESS, 0, ttl=63, macs=(SERVER_MAC, CLIENT))
    granted = (given(giaddr=relay, server=afar) for given in (offer, ack))
    offered, acked = granted
    lease = (discover(), (1, offered), (1.01, request(server=afar)), (1.02, acked))
    assert is_healthy(*lease, (1.1, late))
    taken = is_at((CLIENT, ADDRESS), (SERVER_MAC, SERVER))
    assert not is_healthy(*lease, (9, late), (20, taken))
    at_server = ping(afar, ADDRESS, 0, macs=(OTHER_MAC, MOBILE))
    both = explain.explain(pcap(*lease, (1.05, taken), (1.1, late)), pcap((1.09, at_server)))
    assert [line.message for line in both.lines if line.message.startswith("journey.")] == []


def test_an_error_about_the_servers_test_is_no_trouble():
    test = ping(SERVER, ADDRESS, 0, macs=(SERVER_MAC, CLIENT))
    assert is_healthy(
        discover(), test, (1, offer()), (1.1, request()), (1.2, ack()), (3, error("192.0.2.1", 3, 1, test)),
    )  # fmt: skip


def test_who_has_for_an_address_that_is_never_offered_stays_a_finding():
    asker = (SERVER_MAC, SERVER)
    frames = [(second, who_has(asker, "192.0.2.9")) for second in (0.1, 1.1, 2.1)]
    assert the_finding(*BOUND, *frames).cause == "destination-host-absent-on-link"


def test_silence_to_every_discover_is_likely_a_missing_server():
    finding = the_finding(discover(), (3, discover()), (8, discover()))
    assert (finding.cause, finding.certainty, finding.values["tries"]) == ("dhcp-no-server", "likely", 3)
    assert {"dhcp-server-filtered", "dhcp-pool-exhausted", "bridge-port-not-forwarding"} <= set(finding.rivals)


RELAY, FAR_SERVER = "192.0.2.253", "198.51.100.67"


def handed(when, target=FAR_SERVER, **fields):
    """A client's DISCOVER as a relay hands it to the server that it knows."""
    said = message(1, options(DISCOVER), giaddr=RELAY, **fields)
    return when, datagram((RELAY, 67), (target, 67), said, (OTHER_MAC, SERVER_MAC))


def test_a_relay_that_asks_the_server_in_vain_shows_that_the_client_was_heard():
    finding = the_finding(discover(), handed(0.01), (3, discover()), handed(3.01))
    assert (finding.cause, finding.certainty) == ("dhcp-no-server", "likely")
    told = {name: finding.values.get(name) for name in ("case", "relay", "asked", "client")}
    assert told == {"case": "relayed", "relay": RELAY, "asked": FAR_SERVER, "client": CLIENT}
    assert {"no-return-route-on-target", "no-route-on-router", "dhcp-server-filtered"} <= set(finding.rivals)
    assert not {rival for rival in finding.rivals if rival.startswith("bridge-")}, "the client's own link works"
    verdict = report(discover(), handed(0.01), (3, discover()), handed(3.01)).story()
    assert f"the relay {RELAY} asked {FAR_SERVER} for it" in " ".join(verdict.split())


def test_a_relay_on_the_servers_link_suspects_no_router_between_them():
    near = RELAY[:-3] + "67"
    known = who_has((OTHER_MAC, RELAY), near), is_at((SERVER_MAC, near), (OTHER_MAC, RELAY))
    finding = the_finding(*known, discover(), handed(0.01, near), (3, discover()), handed(3.01, near))
    assert finding.values["asked"] == near
    assert not {"no-route-on-router", "destination-host-absent-behind-router"} & set(finding.rivals)
    assert set(finding.rivals) >= {"dhcp-server-filtered", "dhcp-pool-exhausted", "no-return-route-on-target"}


def test_a_relay_that_gets_an_answer_or_only_broadcasts_asked_nobody_in_vain():
    back = message(2, options(2, (54, FAR_SERVER)), yiaddr=ADDRESS, giaddr=RELAY)
    answer = datagram((FAR_SERVER, 67), (RELAY, 67), back, (SERVER_MAC, OTHER_MAC))
    for more in ((handed(0.01), (0.02, answer)), (handed(0.01, "255.255.255.255"),), ()):
        causes = {(one.cause, one.values.get("case")) for one in report(discover(), *more, (3, discover())).findings}
        assert ("dhcp-no-server", "relayed") not in causes


def test_one_discover_at_the_end_of_a_capture_proves_little():
    assert the_finding(discover()).certainty == "possible"


def test_all_attempts_of_one_client_are_one_finding():
    finding = the_finding(discover(), (3, discover(xid=8)), (9, discover(xid=9)))
    assert (finding.cause, finding.values["tries"], len(finding.exchanges)) == ("dhcp-no-server", 3, 3)


def test_a_client_that_tries_again_and_succeeds_was_only_impatient():
    assert is_healthy(discover(xid=7), (4, discover()), (4.1, offer()), (4.2, request()), (4.3, ack()))


def test_silence_for_one_while_another_is_served_is_likely_an_exhausted_pool():
    late = [(1 + 3 * n, discover(client=MOBILE, xid=9)) for n in range(3)]
    finding = the_finding(*BOUND, *late)
    assert (finding.cause, finding.certainty, finding.values["client"]) == ("dhcp-pool-exhausted", "likely", MOBILE)
    assert {"dhcp-no-server", "dhcp-server-filtered"} <= set(finding.rivals)


def test_silence_for_one_before_another_is_served_shows_a_server_that_may_only_have_come_up_then():
    alone = [(3 * n, discover(client=MOBILE, xid=9)) for n in range(3)]
    soon = [(46 + n / 10, frame) for n, frame in enumerate(BOUND)]
    finding = the_finding(*alone, *soon)
    assert (finding.cause, finding.certainty, finding.values["case"]) == ("dhcp-pool-exhausted", "possible", "later")
    assert {"dhcp-no-server", "bridge-port-not-forwarding"} <= set(finding.rivals)
    story = " ".join(report(*alone, *soon).story().split())
    assert f"No DHCP server answered {MOBILE} (3 times), though one served another client 40.1 s later" in story
    assert the_finding(*alone, *[(900 + n, frame) for n, frame in enumerate(BOUND)]).cause == "dhcp-no-server"


@pytest.mark.parametrize("asked", [reboot("192.0.2.7", client=MOBILE, xid=9), renew(client=MOBILE, xid=9)])
def test_who_asks_for_the_address_that_it_has_is_not_told_of_a_full_pool(asked):
    finding = the_finding(*BOUND, (1, asked), (5, asked))
    assert (finding.cause, finding.values["case"] in ("reboot", "renew")) == ("dhcp-no-server", True)


def test_a_client_that_asks_on_after_an_offer_did_not_hear_it_or_does_not_want_it():
    deaf = [one for when in (0, 4, 12) for one in ((when, discover()), (when + 0.1, offer()))]
    finding = the_finding(*deaf)
    assert (finding.cause, finding.certainty, finding.values["case"]) == ("dhcp-offer-lost", "likely", "unheard")
    assert "offers 192.0.2.100 to 00:00:5e:00:53:01, which goes on asking" in " ".join(report(*deaf).story().split())
    assert is_healthy(*deaf, (12.2, request()), (12.3, ack()))
    assert is_healthy(discover(), (3, discover()), (3.1, offer()), (3.2, offer())), "the offer may just have come"


def test_the_routes_of_a_lease_are_told_with_its_router():
    routes = bytes((16, 198, 51)) + bytes((192, 0, 2, 9))
    granted = ack(given=((51, 3600), (1, "255.255.255.0"), (3, SERVER), (121, routes)))
    story = " ".join(report(discover(), offer(), request(), granted).story().split())
    assert "It gets routes to certain networks: 198.51.0.0/16 via 192.0.2.9 (option 121). A client that knows" in story


def test_a_broadcast_request_of_another_client_shows_that_a_server_lives():
    late = [(1 + 3 * n, discover(client=MOBILE, xid=9)) for n in range(3)]
    assert the_finding(discover(), request(), *late).cause == "dhcp-pool-exhausted"


def test_a_question_that_was_only_overheard_is_no_trouble():
    assert is_healthy(ping("192.0.2.1", SERVER, 1), pong(SERVER, "192.0.2.1", 1), discover(client=MOBILE))


def test_where_somebody_takes_an_offer_that_was_not_recorded_a_renewal_without_an_answer_is_no_trouble():
    asked = [(5, renew(client=MOBILE, xid=8, target=BROADCAST)), (99, renew(client=MOBILE, xid=9, target=BROADCAST))]
    assert is_healthy(discover(), (0.1, request()), *asked)
    finding = the_finding(*asked)
    assert (finding.cause, finding.certainty) == ("dhcp-no-server", "possible")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (reboot("192.0.2.7"), "the address that it remembers"),
        (renew(), "more time"),
        (discover(), "No DHCP server answers"),
    ],
)
def test_who_had_an_address_before_hears_no_more_than_that_it_is_not_confirmed(asked, words):
    found = report(asked, (4.0, asked))
    assert [one.cause for one in found.findings] == ["dhcp-no-server"]
    assert words in " ".join(found.story().split())


def test_a_search_for_other_servers_is_best_left_unanswered():
    assert is_healthy(*((5 * n, asks(1, source=SERVER, client=SERVER_MAC, xid=n)) for n in range(3)))
    assert is_healthy(*BOUND, *((5 + 5 * n, discover(client=SERVER_MAC, xid=n)) for n in range(3)))


def test_an_address_of_another_network_is_refused_and_that_is_told_although_the_client_gets_a_new_one():
    finding = the_finding(reboot("198.51.100.7", xid=7), nak(xid=7), *BOUND)
    assert (finding.cause, finding.certainty) == ("dhcp-request-wrong-subnet", "likely")
    assert (finding.values["wanted"], finding.values["address"]) == ("198.51.100.7", ADDRESS)


def test_the_servers_words_tell_why_it_refuses():
    assert the_finding(reboot("192.0.2.7"), nak((56, b"wrong network"))).cause == "dhcp-request-wrong-subnet"
    finding = the_finding(reboot("192.0.2.7"), nak((56, b"address in use")))
    assert finding.cause == "dhcp-request-refused"
    assert "dhcp-pool-exhausted" in finding.rivals


def test_an_address_of_the_same_network_is_refused_for_another_reason():
    assert the_finding(reboot("192.0.2.7"), nak()).cause == "dhcp-request-refused"


def test_a_refusal_whose_request_was_not_recorded_is_told_without_an_address():
    found = report(nak())
    assert [(one.cause, one.certainty) for one in found.findings] == [("dhcp-request-wrong-subnet", "possible")]
    assert "None" not in found.story("en")


def test_offers_that_contradict_each_other_are_a_rogue_server():
    stranger = offer("192.0.2.200", ((51, 3600), (1, "255.255.255.0"), (3, OTHER)), server=OTHER, mac=OTHER_MAC)
    finding = the_finding(discover(), stranger, offer(), request(), ack())
    assert (finding.cause, finding.values["servers"]) == ("dhcp-rogue-server", [SERVER, OTHER])


def test_a_pair_of_servers_that_agree_is_healthy():
    twin = offer("192.0.2.200", server=OTHER, mac=OTHER_MAC)
    assert is_healthy(discover(), twin, offer(), request(), ack())


def test_a_server_that_refuses_what_was_asked_of_another_is_a_rogue():
    finding = the_finding(discover(), offer(), request(), nak(server=OTHER, mac=OTHER_MAC), ack())
    assert (finding.cause, finding.rivals) == ("dhcp-rogue-server", ("dhcp-request-wrong-subnet",))


def test_a_refusal_that_comes_before_the_others_grant_of_a_remembered_address_counts():
    """Two servers that both take the link for their own."""
    told = report(reboot(ADDRESS), nak(server=OTHER, mac=OTHER_MAC), ack())
    (finding,) = told.findings
    assert (finding.cause, finding.values["case"], finding.values["servers"]) == (
        "dhcp-rogue-server", "refuses", [SERVER, OTHER],
    )  # fmt: skip
    assert told.exchanges[1].outcome == "refused"
    story = " ".join(told.story().split())
    assert "begins anew all the same" in story
    assert "sets the address" not in story


def test_a_grant_that_comes_before_the_others_refusal_counts():
    told = report(reboot(ADDRESS), ack(), nak(server=OTHER, mac=OTHER_MAC))
    assert [one.cause for one in told.findings] == ["dhcp-rogue-server"]
    assert "the ACK of another server had come first" in " ".join(told.story().split())


def test_a_server_that_grants_what_it_refused_a_moment_ago_has_changed_its_mind():
    assert [one.outcome for one in report(reboot(ADDRESS), nak(), ack()).exchanges if one.kind == "dhcp.lease"] == [
        "bound"
    ]


def test_each_servers_test_is_told_with_the_address_and_the_time_of_its_own_offer():
    tried = [(n, who_has((mac, server), ip)) for n, mac, server, ip in (
        (0.5, SERVER_MAC, SERVER, ADDRESS), (1, OTHER_MAC, OTHER, "192.0.2.200"),
    )]  # fmt: skip
    offered = (2, offer()), (3, offer("192.0.2.200", server=OTHER, mac=OTHER_MAC))
    again = (4, discover(xid=9)), (4.01, offer(xid=9)), (4.02, request(xid=9)), (4.03, ack(xid=9))
    story = " ".join(report((0, discover()), *tried, *offered, *again).story().split())
    assert f"offered {ADDRESS}, the server tried whether anybody uses it already, by ARP or an echo request. " in story
    assert "the offer came 2 s after the question" in story
    assert "offered 192.0.2.200, the server tried" in story
    assert "the offer came 3 s after the question" in story
    assert "the offer came 10 ms" not in story


def test_a_declined_address_and_the_arp_that_led_to_it_are_one_duplicate_address():
    finding = the_finding(
        *BOUND, (1, who_has((CLIENT, NOWHERE), ADDRESS)), (1.001, is_at((OTHER_MAC, ADDRESS), (CLIENT, NOWHERE))),
        (1.1, asks(DECLINE, (50, ADDRESS), (54, SERVER))),
    )  # fmt: skip
    assert (finding.cause, finding.values["macs"]) == ("duplicate-address", [CLIENT, OTHER_MAC])
    assert (finding.values["case"], finding.values["holder"]) == ("objected", OTHER_MAC)
    assert finding.evidence[0].frames == ((6, 7),)


def test_a_renewal_that_meets_a_closed_port_shows_a_host_without_a_server():
    asked = renew()
    finding = the_finding(asked, error(SERVER, 3, 3, asked), (4, asked), (4.1, error(SERVER, 3, 3, asked)))
    assert (finding.cause, finding.values["server"]) == ("dhcp-no-server", SERVER)
    assert (finding.values["case"], finding.evidence[0].frames) == ("closed", ((1, 4),))


def test_a_renewal_that_a_filter_rejects_shows_the_filter():
    asked = renew()
    assert the_finding(asked, error(SERVER, 3, 13, asked)).cause == "dhcp-server-filtered"


def test_an_error_about_an_answer_that_came_after_the_client_had_left_is_no_trouble():
    late = ack(ciaddr=ADDRESS, to=ADDRESS)
    assert is_healthy(renew(), late, error(ADDRESS, 3, 3, late, macs=(CLIENT, SERVER_MAC)))


def test_what_is_answered_without_an_address_is_told_with_what_was_learned():
    asked = asks(INFORM, source=ADDRESS, ciaddr=ADDRESS)
    answered = answers(ACK, (6, OTHER), ciaddr=ADDRESS, to=ADDRESS)
    story = " ".join(report(asked, answered).story("en").split())
    assert f"{SERVER} answered with these settings (ACK)" in story
    assert f"It asks {OTHER} for names" in story
    assert the_finding(asked, (4, asked), (9, asked)).values["case"] == "inform"


def test_other_datagrams_of_the_same_ends_are_not_accounted_for_by_a_lease():
    found = report(*BOUND, (1, datagram((ADDRESS, 40000), (SERVER, 67), b"x")))
    assert [found.exchanges[int(name[1:]) - 1].kind for name in found.unexplained] == ["udp.flow"]


@pytest.mark.needs("cases")
@pytest.mark.parametrize("vantage", ["pc2.veth0", "mango.veth0"])
def test_the_recorded_refusal_is_named_from_both_ends(vantage):
    found = explain.explain(CASES / "dhcp-request-wrong-subnet.06" / f"{vantage}.pcap")
    assert [one.cause for one in found.findings] == ["dhcp-request-wrong-subnet"]
    assert [one.outcome for one in found.exchanges if one.kind == "dhcp.lease"] == ["refused", "bound"]


def test_the_network_of_the_lease_that_followed_tells_why_a_server_said_no_in_words_of_its_own():
    words = (56, b"requested address not available")
    anew = {"xid": 9}
    frames = reboot("198.51.100.9"), nak(words), discover(**anew), offer(**anew), request(**anew), ack(**anew)
    found = the_finding(*frames)
    assert (found.cause, found.certainty) == ("dhcp-request-wrong-subnet", "likely")
    (alone,) = report(reboot("198.51.100.9"), nak(words), *frames[:1]).findings
    assert (alone.cause, alone.values["case"]) == ("dhcp-request-refused", "said")


def test_a_server_that_tests_an_address_and_comes_too_late_to_offer_it_is_healthy():
    asker = (SERVER_MAC, SERVER)
    late = (0.3, who_has(asker, "192.0.2.200")), (1.3, who_has(asker, "192.0.2.200"))
    assert is_healthy((0, discover()), *late, (1.4, offer()), (1.5, request()), (1.6, ack()))


def test_the_file_to_boot_is_told_with_the_server_that_has_it():
    found = report(discover(), offer(), request(), ack(file=b"pxelinux.0"))
    (lease,) = [one for one in found.exchanges if one.kind == "dhcp.lease"]
    assert (lease.fields.boot_file, lease.fields.boot_server) == ("pxelinux.0", None)
    assert f"told to load pxelinux.0 from {SERVER}" in " ".join(found.story().split())
