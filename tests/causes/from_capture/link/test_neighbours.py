from __future__ import annotations

import pytest
from neighbours import OVERRIDE, ROUTER, SOLICITED, advertise, router, seek_router, sent, solicit
from packets import A, B, R, datagram, is_at, pcap, ping, pong, who_has

import explain

ALICE, BOB, GATE, NEW = "2001:db8:1::1", "2001:db8:1::2", "fe80::200:5eff:fe00:53fe", "fe80::200:5eff:fe00:5301"


def report(*frames):
    found = explain.explain(pcap(*frames))
    assert found.unexplained == ()
    return found


def the_finding(*frames):
    (finding,) = report(*frames).findings
    return finding


@pytest.mark.parametrize(("again", "case"), [(False, "moved"), (True, None)])
def test_an_address_that_is_announced_elsewhere_seconds_later_may_have_moved_unless_its_owner_goes_on(again, case):
    frames = [(0.0, advertise(A, BOB, flags=OVERRIDE)), (5.0, advertise(B, BOB, flags=OVERRIDE))]
    finding = the_finding(*frames, *[(6.0, ping(BOB, ALICE, 1)), (6.1, pong(ALICE, BOB, 1))][: 2 * again])
    assert (finding.cause, finding.values.get("case")) == ("duplicate-address", case)


def test_the_noise_of_a_fresh_interface_is_no_finding():
    listen = sent(A, "::", "ff02::16", 143, 1, b"\x04\0\0\0" + b"\xff\x02" + b"\0" * 13 + b"\x01")
    found = report(listen, solicit(A, "::", NEW), *((when, seek_router(A, NEW)) for when in (2.0, 6.0, 14.0)))
    assert list(found.findings) == []
    assert [one.outcome for one in found.exchanges] == ["free", "unanswered"]


def test_three_solicitations_in_vain_are_likely_an_absent_host():
    finding = the_finding(*((float(second), solicit(A, ALICE, BOB)) for second in range(3)))
    assert (finding.cause, finding.certainty) == ("destination-host-absent-on-link", "likely")
    assert {"filter-on-target-input", "target-interface-down", "ipv6-disabled"} <= set(finding.rivals)
    assert finding.values["requests"] == 3


def test_a_check_that_the_end_of_the_capture_cuts_off_is_no_finding():
    frames = solicit(A, ALICE, BOB), advertise(B, BOB, ALICE), (5.0, solicit(A, ALICE, BOB, to=(B, BOB)))
    assert list(report(*frames).findings) == []


def test_a_neighbour_whose_mac_was_known_has_gone():
    asker, wanted = (A, "192.0.2.1"), (B, "192.0.2.2")
    talk = [who_has(asker, wanted[1]), is_at(wanted, asker), ping(asker[1], wanted[1], 1), pong(wanted[1], asker[1], 1)]
    checks = [(at, who_has(asker, wanted[1], to=B)) for at in (30.0, 31.0, 32.0)]
    found = report(*talk, *checks, (60, who_has(asker, "192.0.2.3")), (60.1, is_at((R, "192.0.2.3"), asker)))
    (finding,) = found.findings
    assert (finding.cause, finding.values["case"]) == ("destination-host-absent-on-link", "gone")
    assert "never left" not in found.story()


def test_a_question_overheard_at_a_third_host_is_no_finding():
    third = datagram((ALICE, 5000), ("2001:db8:1::7", 5001), macs=(R, "00:00:5e:00:53:07"))
    found = explain.explain(pcap(third, solicit(A, ALICE, BOB)))
    assert not any("absent" in one.cause for one in found.findings)
    assert "does not pass here" in found.story()


def test_an_address_that_is_taken_is_proved_and_names_both_hosts():
    finding = the_finding((0, solicit(A, "::", BOB)), (0.001, advertise(B, BOB, flags=OVERRIDE)))
    assert (finding.cause, finding.certainty) == ("duplicate-address", "proved")
    assert finding.values["macs"] == [A, B]


def test_a_mac_that_insists_on_several_addresses_looks_forged():
    frames = []
    for wanted in (BOB, GATE):
        owner = B if wanted == BOB else R
        frames += [solicit(A, ALICE, wanted), advertise(owner, wanted, ALICE)]
        frames += [advertise("02:00:00:00:00:66", wanted, ALICE)]
    assert {one.cause for one in report(*frames).findings} == {"arp-spoofed"}


def test_a_router_that_withdraws_and_hosts_that_then_seek_in_vain_are_a_finding():
    gone = router(R, GATE, lifetime=0)
    finding = the_finding((0, router(R, GATE)), (5, gone), (20, seek_router(A, NEW)), (24, seek_router(A, NEW)))
    assert (finding.cause, finding.values["router"]) == ("router-advertisement-missing", GATE)


MDNS = datagram((NEW, 5353), ("ff02::fb", 5353), b"\0" * 12, macs=(A, "33:33:00:00:00:fb"))
SEARCH = tuple((when, seek_router(A, NEW)) for when in (1.0, 5.0, 9.0))
NEIGHBOURS = ((0.2, solicit(B, BOB, ALICE + "1")), (0.3, advertise(R, ALICE + "1", BOB, to_mac=B)))


def of_routers(*frames):
    return [one for one in explain.explain(pcap(*frames)).findings if one.cause == "router-advertisement-missing"]


def test_a_host_that_talks_and_seeks_a_router_thrice_where_others_have_global_addresses_misses_one():
    (finding,) = of_routers(*NEIGHBOURS, (0.5, MDNS), *SEARCH, (12.0, MDNS))
    assert (finding.certainty, finding.values["requests"]) == ("possible", 3)
    assert "filter-on-switch" in finding.rivals
    assert finding.evidence[0].frames == ((1, 1), (4, 6))


def test_a_router_that_shows_itself_as_such_and_advertises_nothing_is_named():
    known = (0.3, advertise(R, GATE, BOB, flags=ROUTER | SOLICITED, to_mac=B))
    (finding,) = of_routers((0.2, solicit(B, BOB, GATE)), known, (0.5, MDNS), *SEARCH, (12.0, MDNS))
    assert (finding.certainty, finding.values["neighbour"]) == ("likely", R)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param((*NEIGHBOURS, *SEARCH, (12.0, seek_router(B, GATE))), id="it says nothing else"),
        pytest.param(((0.5, MDNS), *SEARCH, (12.0, MDNS)), id="nobody has more"),
        pytest.param((*NEIGHBOURS, (0.5, MDNS), *SEARCH[:2], (12.0, MDNS)), id="it asked but twice"),
        pytest.param((*NEIGHBOURS, (0.5, MDNS), *SEARCH, (9.5, MDNS)), id="an answer may still come"),
        pytest.param((*NEIGHBOURS, (0.4, solicit(A, "::", ALICE)), (0.5, MDNS), *SEARCH, (12.0, MDNS)), id="by hand"),
        pytest.param((*NEIGHBOURS, (0.5, ping("192.0.2.1", "192.0.2.2", 1)), *SEARCH, (12.0, MDNS)), id="it has IPv4"),
        pytest.param((*NEIGHBOURS, (0.5, MDNS), (0.7, router(R, GATE)), *SEARCH, (22.0, MDNS)), id="one did before"),
    ],
)
def test_a_search_for_routers_in_vain_is_no_finding_where(frames):
    assert of_routers(*frames) == []


def test_a_router_that_withdraws_while_nobody_seeks_one_is_no_finding():
    assert list(report((0, router(R, GATE)), (5, router(R, GATE, lifetime=0))).findings) == []
