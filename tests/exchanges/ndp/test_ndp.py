from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from explained import exchanges, only
from neighbours import (
    OVERRIDE,
    ROUTER,
    SOLICITED,
    advertise,
    option,
    prefix,
    router,
    seek_router,
    sent,
    solicit,
)
from packets import A, B, R, packed, pcap, ping

import explain
from explain.exchanges.ndp.frames import mac_in

ALICE, BOB, GATE = "2001:db8:1::1", "2001:db8:1::2", "fe80::200:5eff:fe00:53fe"
NEW = "fe80::200:5eff:fe00:5301"


def test_a_solicitation_and_its_advertisement_are_one_resolution():
    one = only((0, solicit(A, ALICE, BOB)), (0.002, advertise(B, BOB, ALICE)))
    assert (one.kind, one.outcome, one.frames) == ("ndp.resolution", "answered", ((1, 2),))
    assert (one.fields.asker_ip, one.fields.asker_mac, one.fields.wanted_ip) == (ALICE, A, BOB)
    assert (one.fields.requests, one.fields.replies, one.fields.answered_macs) == (1, 1, (B,))
    assert (one.fields.answer_ns, one.fields.is_unicast, one.fields.is_router) == (2_000_000, False, False)


def test_three_solicitations_without_an_answer_are_one_unanswered_resolution():
    one = only(*((float(second), solicit(A, ALICE, BOB)) for second in range(3)))
    assert (one.outcome, one.fields.requests, one.frames) == ("unanswered", 3, ((1, 3),))


def test_interleaved_questions_of_two_hosts_are_two_resolutions():
    found = exchanges(
        solicit(A, ALICE, GATE), solicit(B, BOB, GATE), advertise(R, GATE, BOB, to_mac=B), advertise(R, GATE, ALICE)
    )
    assert [(one.fields.asker_ip, one.frames) for one in found] == [(ALICE, ((1, 1), (4, 4))), (BOB, ((2, 3),))]


def test_a_check_by_unicast_is_a_resolution_that_says_so():
    one = only(solicit(A, ALICE, BOB, to=(B, BOB)), advertise(B, BOB, ALICE))
    assert (one.outcome, one.fields.is_unicast) == ("answered", True)


def test_two_macs_that_both_insist_are_a_conflict():
    frames = solicit(A, ALICE, BOB), advertise(B, BOB, ALICE), advertise(R, BOB, ALICE)
    assert only(*frames).outcome == "conflicting"


def test_two_macs_that_answer_for_an_anycast_address_are_none():
    frames = (advertise(mac, BOB, ALICE, flags=SOLICITED) for mac in (B, R))
    one = only(solicit(A, ALICE, BOB), *frames)
    assert (one.outcome, one.fields.answered_macs) == ("answered", (B, R))


def test_an_advertisement_that_nobody_asked_for_is_an_announcement():
    one = only(advertise(B, BOB, flags=OVERRIDE))
    assert (one.kind, one.outcome, one.fields.address, one.fields.mac) == ("ndp.announcement", "unchallenged", BOB, B)


def test_an_answer_whose_question_was_not_recorded_is_told_as_such():
    one = only(advertise(B, BOB, ALICE, flags=SOLICITED | ROUTER))
    assert (one.kind, one.outcome, one.fields.requests, one.fields.is_router) == ("ndp.resolution", "answered", 0, True)


def test_what_crossed_a_router_is_not_believed():
    assert exchanges(solicit(A, ALICE, BOB, ttl=254)) == []


@pytest.mark.parametrize("snaplen", [62, 70, 77])
def test_a_target_that_was_cut_off_is_not_taken_for_the_address_of_zeros(snaplen):
    frames = solicit(A, "::", BOB), solicit(B, "::", NEW), solicit(A, ALICE, BOB), advertise(B, BOB)
    assert list(explain.explain(pcap(*frames, snaplen=snaplen)).exchanges) == []


def test_a_check_from_no_address_that_nobody_answers_finds_the_address_free():
    one = only(solicit(A, "::", NEW))
    assert (one.kind, one.outcome, one.fields.address, one.fields.mac) == ("ndp.duplicate-check", "free", NEW, A)
    assert one.fields.derived_mac == A


def test_a_check_that_the_owner_answers_finds_the_address_taken():
    one = only((0, solicit(A, "::", BOB)), (0.001, advertise(B, BOB, flags=OVERRIDE)))
    assert (one.kind, one.outcome, one.frames) == ("ndp.duplicate-check", "taken", ((1, 2),))
    assert (one.fields.challenger_mac, one.fields.derived_mac) == (B, None)


def test_two_hosts_that_check_one_address_at_once_both_find_it_taken():
    found = exchanges(solicit(A, "::", BOB), solicit(B, "::", BOB))
    assert [(one.outcome, one.fields.challenger_mac) for one in found] == [("taken", B), ("taken", A)]


def test_a_host_that_announces_what_it_has_checked_itself_does_not_contradict():
    found = exchanges((0, solicit(A, "::", BOB)), (1, advertise(A, BOB, flags=OVERRIDE)))
    assert [one.outcome for one in found] == ["free", "unchallenged"]


@pytest.mark.parametrize(
    ("address", "mac"),
    [("fe80::200:5eff:fe00:5301", A), ("2001:db8::5054:ff:fe12:3456", "52:54:00:12:34:56"), ("2001:db8::1", None)],
)
def test_the_mac_in_an_address_is_found_by_the_ff_fe_in_its_middle(address, mac):
    assert mac_in(packed(address)) == mac


def test_a_host_that_seeks_a_router_and_the_advertisement_are_one_exchange_with_all_that_it_says():
    options = (
        prefix("2001:db8:1::", 64), option(5, struct.pack(">HI", 0, 1400)),
        option(25, struct.pack(">HI", 0, 600) + packed("2001:db8:1::53")),
        option(31, struct.pack(">HI", 0, 600) + b"\x03lab\x07example\x00"),
    )  # fmt: skip
    one = only((0, seek_router(A, NEW)), (0.01, router(R, GATE, *options, flags=0x48)))
    said = one.fields
    assert (one.kind, one.outcome, one.frames) == ("ndp.router", "answered", ((1, 2),))
    assert (said.router, said.router_mac, said.host, said.host_mac) == (GATE, R, NEW, A)
    assert (said.prefixes, said.mtu, said.rdnss, said.dnssl) == (
        ("2001:db8:1::/64",), 1400, ("2001:db8:1::53",), ("lab.example",),
    )  # fmt: skip
    assert (said.lifetime_s, said.hop_limit, said.preference, said.is_managed, said.is_other) == (
        1800, 64, "high", False, True,
    )  # fmt: skip
    (only_prefix,) = said.prefix_options
    assert (only_prefix.is_on_link, only_prefix.is_autonomous, only_prefix.valid_s) == (True, True, 86400)


def test_what_hosts_ignore_of_an_advertisement_is_told_as_ignored():
    options = (prefix("2001:db8:1::", 72), option(5, struct.pack(">HI", 0, 100)))
    story = " ".join(explain.explain(pcap(router(R, GATE, *options))).story("en").split())
    assert "2001:db8:1::/72 (valid for 24 h): hosts are to make their own addresses in it (flag A), but cannot" in story
    assert "MTU of the link: 100 bytes, it says. Hosts ignore that" in story


@pytest.mark.parametrize(
    ("target", "is_routed"), [("2001:db8:9::1", True), ("2001:db8::77", False), ("fe80::77", False), (GATE, False)]
)
def test_a_ping_goes_to_a_router_only_where_its_target_is_not_on_the_link(target, is_routed):
    """One box may have many addresses with one MAC; what begins as the sender's address is on its link."""
    frames = (advertise(R, GATE), advertise(R, "2001:db8::fe"), ping("2001:db8::1", target, 1, macs=(A, R)))
    story = " ".join(explain.explain(pcap(*frames)).story("en").split())
    assert ("the MAC of the router" in story) == is_routed


def test_two_routers_that_answer_are_two_exchanges():
    found = exchanges(seek_router(A, NEW), router(R, GATE), router(B, "fe80::200:5eff:fe00:5302"))
    assert [(one.outcome, one.fields.router) for one in found] == [
        ("answered", GATE),
        ("answered", "fe80::200:5eff:fe00:5302"),
    ]


def test_an_advertisement_for_another_host_does_not_answer_this_one():
    found = exchanges(seek_router(A, NEW), router(R, GATE, to="fe80::9", to_mac=B))
    assert [one.outcome for one in found] == ["unanswered", "announced"]


def test_advertisements_that_repeat_are_one_announcement():
    one = only(*((600.0 * number, router(R, GATE)) for number in range(3)))
    assert (one.outcome, one.fields.advertisements, one.fields.solicitations) == ("announced", 3, 0)


def test_solicitations_that_nobody_answers_are_one_search():
    one = only(*((when, seek_router(A, NEW)) for when in (0.0, 4.0, 12.0)))
    assert (one.outcome, one.fields.solicitations, one.fields.router, one.fields.prefixes) == (
        "unanswered",
        3,
        None,
        (),
    )


@pytest.mark.parametrize("damage", [b"\x03\x00" + b"\0" * 14, b"\x05\x09\0\0", b"\x19\xff" + b"\0" * 6])
def test_options_that_overrun_are_named_and_what_stands_before_them_is_read(damage):
    one = only(router(R, GATE, prefix("2001:db8:1::", 64), damage))
    assert (one.fields.is_damaged, one.fields.prefixes) == (True, ("2001:db8:1::/64",))


def test_an_advertisement_cut_in_its_fixed_part_is_no_crash():
    body = sent(R, GATE, "ff02::1", 134, 0, b"\0" * 4)
    assert only(body).fields.prefixes == ()


def test_a_storm_of_hosts_that_seek_routers_stays_bounded():
    frames = [seek_router(f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}", f"fe80::{n + 1:x}") for n in range(400)]
    found = exchanges(*[(n / 1e6, one) for n, one in enumerate(frames)], *[(0.01, router(R, GATE))] * 20)
    assert sum(one.outcome == "answered" for one in found) <= 64
    assert all(earlier.frames <= later.frames for earlier, later in pairwise(found))


def test_where_the_link_has_no_macs_nobody_is_named_by_one():
    frames = (
        solicit(A, "::", ALICE), sent(A, NEW, "ff02::2", 133, 0, b""), solicit(A, ALICE, GATE),
        sent(R, GATE, ALICE, 136, SOLICITED, packed(GATE), A),
    )  # fmt: skip
    story = " ".join(explain.explain(pcap(*(frame[14:] for frame in frames), link_type=101)).story("en").split())
    assert f":: asked whether anyone has {ALICE}" in story
    assert f"{NEW} asked all routers to make themselves known" in story
    assert f"No router answered {NEW}" in story
    assert f"{GATE} answered after 1 ms (neighbour advertisement): it is there." in story


def test_a_router_that_says_the_same_to_the_next_host_is_told_so_and_what_it_says_anew_is_told():
    def story(second):
        frames = (0, seek_router(A, NEW)), (0.01, router(R, GATE)), (5, seek_router(B, "fe80::5")), (5.01, second)
        return " ".join(explain.explain(pcap(*frames)).story("en").split())

    same, other = story(router(R, GATE)), story(router(R, GATE, lifetime=0))
    assert (same.count("as its default router"), same.count("It says what it said before")) == (1, 1)
    assert "is no default router" in other
    assert "what it said before" not in other
