"""Who asks for multicast groups, who joins and leaves which, and what nobody answers, is said."""

from __future__ import annotations

import struct

import pytest
from packets import A, B, checksum, eth, icmp6, ip, packed, pcap, ping

import explain

HOST, OTHER, LOW, HIGH, GROUP = "192.0.2.1", "192.0.2.2", "192.0.2.253", "192.0.2.254", "239.1.2.3"
NOBODY, EVERYONE = "0.0.0.0", "224.0.0.1"  # noqa: S104  the address of who has none
LATER = (300, ping("10.0.0.1", "10.0.0.2", 1))  # the recording goes on


def told(*frames, language="en"):
    return " ".join(explain.explain(pcap(*frames)).story(language).split())


def igmp(source: str, kind: int, group: str = NOBODY, wait: int = 0, more: bytes = b"") -> bytes:
    body = struct.pack(">BBH", kind, wait, 0) + packed(group) + more
    body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    return eth(A, "01:00:5e:01:02:03", 0x800, ip(source, EVERYONE if group == NOBODY else group, 2, body, 1))


def query(source: str, group: str = NOBODY, wait: int = 100) -> bytes:
    return igmp(source, 0x11, group, wait)


def report(source: str, *records: tuple) -> bytes:
    """Of IGMPv3: kind, group and senders of each record."""
    parts = (struct.pack(">BBH", kind, 0, len(some)) + packed(group) for kind, group, *some in records)
    body = b"".join(part + b"".join(map(packed, some)) for part, (_, _, *some) in zip(parts, records, strict=True))
    return igmp(source, 0x22, f"0.0.0.{len(records)}", more=body)


def test_who_asks_answers_and_leaves_is_told():
    story = told(
        (0, query(HIGH)), (1, igmp(HOST, 0x16, GROUP)), (30, igmp(HOST, 0x17, GROUP)), (125, query(HIGH)), LATER
    )
    assert f"1,4 {HIGH} asks which multicast groups anybody here listens to (IGMPv2, 2 times, every 2 min 5 s)" in story
    assert f"2 {HOST} answers that it listens to {GROUP}." in story
    assert f"3 {HOST} leaves {GROUP}" in story
    assert "Nobody answers" not in story
    assert "packets of IGMP" not in story


@pytest.mark.parametrize(
    ("before", "words"),
    [((), f"{HOST} says that it listens to {GROUP}: it has just joined, or answers a question that is not in"),
     (((0, query(HIGH)),), f"{HOST} joins {GROUP}")],
)  # fmt: skip
def test_a_report_that_nothing_asked_for_joins_where_questions_are_seen(before, words):
    assert words in told(*before, (60, igmp(HOST, 0x16, GROUP)), LATER)


def test_records_of_the_third_version_join_and_leave_with_their_senders():
    story = told(report(HOST, (4, GROUP), (3, "232.0.0.1", "10.0.0.9"), (3, "239.0.0.9"), (2, "239.0.0.8")))
    assert f"{HOST} joins {GROUP}; 232.0.0.1 (only what 10.0.0.9 sends)" in story
    assert f"{HOST} leaves 239.0.0.9" in story
    assert "says that it listens to 239.0.0.8" in story


def test_a_group_that_is_asked_for_in_vain_is_told_as_such():
    asked = (30, query(HIGH, GROUP, 10)), (31, query(HIGH, GROUP, 10))
    assert f"{GROUP} (2 times), and nobody answers" in told((0, query(HIGH)), *asked, LATER)
    assert f"{GROUP} (2 times), and {OTHER} does" in told(*asked, (31.5, igmp(OTHER, 0x16, GROUP)), LATER)
    assert "nobody answers" not in told(*asked)  # the recording ends before it could


def test_questions_at_no_even_pace_are_told_without_one():
    story = told((0, query(HIGH)), (31, query(HIGH)), (113, query(HIGH)), LATER)
    assert "(IGMPv2, 3 times): it is the querier" in story


def test_a_question_that_no_host_answers_is_told():
    assert f"Nobody answers {HIGH} here" in told((0, query(HIGH)), LATER)
    assert "Nobody answers" not in told((0, query(HIGH)), (2, ping("10.0.0.1", "10.0.0.2", 1)))


def test_of_two_queriers_the_one_with_the_higher_address_has_to_fall_silent():
    first = (0, query(HIGH)), (60, query(LOW))
    assert f"{HIGH} fell silent after {LOW} had asked" in told(*first, LATER)
    assert f"{HIGH} goes on asking after {LOW} asked, too" in told(*first, (125, query(HIGH)), LATER)
    lone = told((0, query(NOBODY)), (60, query(HIGH)), LATER)
    assert "Somebody without an address (0.0.0.0) asks" in lone
    assert "goes on asking" not in lone


def mld(kind: int, group: str, wait: int = 0, source: str = "fe80::1") -> bytes:
    body = icmp6(source, "ff02::1", kind, 0, wait << 16, packed(group))
    return eth(A, "33:33:00:00:00:01", 0x86DD, ip(source, "ff02::1", 58, body, 1))


def test_groups_of_ipv6_are_told_and_those_of_neighbour_discovery_counted():
    story = told((0, mld(130, "::", 10000)), (1, mld(131, "ff05::1:3")), (2, mld(131, "ff02::1:ff00:1")), LATER)
    assert "fe80::1 asks which multicast groups anybody here listens to (MLDv1, once)" in story
    assert "2 fe80::1 answers that it listens to ff05::1:3" in story
    assert "3 1 message about multicast groups (MLD)" in story


def test_what_cannot_be_read_of_igmp_is_counted():
    assert "1 packet of IGMP, by which" in told(eth(A, B, 0x800, ip(HOST, EVERYONE, 2, b"\x16\0\0")))
