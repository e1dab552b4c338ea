"""Which router is active for a shared address, who stands by, and how that changed, is said."""

from __future__ import annotations

import struct

import pytest
from packets import A, datagram, eth, ip, packed, pcap

import explain

ONE, TWO, SHARED = "192.0.2.251", "192.0.2.252", "192.0.2.254"


def told(*frames, language="en"):
    return " ".join(explain.explain(pcap(*frames)).story(language).split())


def vrrp(router: str, priority: int, version: int = 2, shared: str = SHARED) -> bytes:
    pace = (0, 1) if version == 2 else (0, 100)
    body = struct.pack(">BBBBBBH", version << 4 | 1, 7, priority, 1, *pace, 0) + packed(shared)
    return eth(
        A,
        "01:00:5e:00:00:12",
        0x86DD if ":" in router else 0x800,
        ip(router, "224.0.0.18" if ":" not in router else "ff02::12", 112, body, 255),
    )


def hsrp(router: str, state: int, priority: int = 100, kind: int = 0) -> bytes:
    body = bytes((0, kind, state, 3, 10, priority, 7, 0)) + b"cisco\0\0\0" + packed(SHARED)
    return datagram((router, 1985), ("224.0.0.2", 1985), body, ttl=1)


def hsrp2(router: str, state: int, priority: int = 100) -> bytes:
    body = bytes((1, 40, 2, 0, state, 4)) + struct.pack(">H6sIII", 300, bytes(6), priority, 3000, 10000)
    return datagram((router, 1985), ("224.0.0.102", 1985), body + packed(SHARED) + bytes(12), ttl=1)


@pytest.mark.parametrize("version", [2, 3])
def test_the_active_router_and_its_address_are_told(version):
    story = told((0, vrrp(ONE, 100, version)), (1, vrrp(ONE, 100, version)))
    assert (
        f"1-2 {ONE} is the active router of VRRP group 7 (priority 100): it answers for the shared address {SHARED}"
        in story
    )
    assert "became active" not in story


@pytest.mark.parametrize(
    ("last", "then", "words"),
    [
        (None, (5, vrrp(TWO, 90)), f"{TWO} (priority 90) became active in group 7 after {ONE} had been silent for 4 s"),
        ((1.5, vrrp(ONE, 0)), (2, vrrp(TWO, 90)), f"(priority 90) became active in group 7: {ONE} gave up of itself"),
        (None, (1.4, vrrp(TWO, 110)), f"{TWO} became active in group 7 in place of {ONE}: its priority 110 is"),
        (None, (1.4, vrrp(TWO, 100)), f"(priority 100) became active in group 7 in place of {ONE} (priority 100)"),
    ],
)  # fmt: skip
def test_who_takes_over_is_told_with_the_reason(last, then, words):
    frames = [(0, vrrp(ONE, 100)), (1, vrrp(ONE, 100)), *([last] if last else ()), then, (then[0] + 1, then[1])]
    story = told(*frames)
    assert words in story
    assert "at the same time" not in story


def test_two_routers_that_do_not_hear_each_other_are_told():
    both = [(at + late, vrrp(router, 100)) for at in range(4) for late, router in ((0, ONE), (0.4, TWO))]
    story = told(*both)
    assert f"{ONE}, {TWO} say at the same time, each of itself, that it is active for {SHARED} (VRRP group 7)" in story
    assert "became active" not in story
    crossed = told(*both[:3], (2, vrrp(TWO, 100)), (3, vrrp(TWO, 100)))
    assert "at the same time" not in crossed


def test_groups_of_one_number_on_two_links_are_two_groups():
    far, shared = "198.51.100.251", "198.51.100.254"
    both = [(at + late, vrrp(*one)) for at in range(4) for late, one in ((0, (ONE, 100)), (0.4, (far, 100, 2, shared)))]
    story = told(*both)
    assert "at the same time" not in story
    assert f"{ONE} is the active router of VRRP group 7" in story
    assert f"{far} is the active router of VRRP group 7 (priority 100), for {shared}" in story


def test_a_router_that_still_learns_the_shared_address_stands_by_in_the_same_group():
    learning = datagram((TWO, 1985), ("224.0.0.2", 1985), bytes((0, 0, 8, 3, 10, 90, 7, 0)) + b"cisco\0\0\0" + bytes(4))
    story = told((0, hsrp(ONE, 16, 200)), (1, learning), (3, hsrp(ONE, 16, 200)))
    assert f"2 {TWO} (priority 90) stands by in group 7" in story


def test_a_router_that_stands_by_is_told_until_it_falls_silent():
    story = told((0, hsrp(ONE, 16, 200)), (1, hsrp(TWO, 8)), (3, hsrp(ONE, 16, 200)))
    assert f"{ONE} is the active router of HSRP group 7 (priority 200)" in story
    assert f"2 {TWO} (priority 100) stands by in group 7" in story
    assert "stands by" not in told((0, hsrp(TWO, 8)), *((at, hsrp(ONE, 16)) for at in range(0, 60, 3)))


def test_the_second_version_of_hsrp_is_read_and_a_group_without_an_active_router_told():
    assert f"{ONE} is the active router of HSRP group 300" in told(hsrp2(ONE, 6), hsrp2(TWO, 5))
    assert f"No router says here that it is active for {SHARED} (HSRP group 7)" in told(hsrp(ONE, 4))


def test_what_only_looks_like_a_message_of_routers_is_left_alone():
    carp = bytes((0x21, 1, 0, 7, 0, 1, 0, 0)) + bytes(28)
    story = told(
        eth(A, "01:00:5e:00:00:12", 0x800, ip(ONE, "224.0.0.18", 112, carp, 255)), datagram((ONE, 1985), (TWO, 53))
    )
    assert "active" not in story
