"""Groups that hosts join and leave: every form of the message, and what is cut or no such message."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explain.exchanges.groups import Membership, memberships, solicited_node

A, B = "ff02::1:ff00:5", "ff02::1:ff00:9"


def record(kind: int, group: str, sources: int = 0, words: int = 0) -> bytes:
    return bytes((kind, words, 0, sources)) + ip_address(group).packed + b"\x20" * (16 * sources + 4 * words)


def report(*records: bytes) -> bytes:
    return bytes((143, 0, 0, 0, 0, 0, 0, len(records))) + b"".join(records)


def test_a_change_to_exclude_joins_and_one_to_include_leaves() -> None:
    assert memberships(report(record(3, A), record(4, B))) == (
        Membership(A, is_left=True),
        Membership(B, is_left=False),
    )


def test_sources_and_auxiliary_words_before_a_record_are_stepped_over() -> None:
    assert memberships(report(record(4, A, sources=2, words=3), record(3, B))) == (Membership(B, is_left=True),)


def test_a_host_that_only_narrows_its_sources_has_not_left() -> None:
    assert memberships(report(record(3, A, sources=1))) == ()


@pytest.mark.parametrize(("kind", "is_left"), [(131, False), (132, True)])
def test_the_first_version_joins_and_is_done(kind: int, is_left: bool) -> None:
    assert memberships(bytes((kind, *b"\0" * 7)) + ip_address(A).packed) == (Membership(A, is_left),)


@given(st.binary(max_size=80), st.sampled_from((131, 132, 143)))
def test_any_octets_are_read_without_harm(octets: bytes, kind: int) -> None:
    assert len(memberships(bytes((kind,)) + octets)) <= 4


def test_a_cut_record_and_another_message_tell_nothing() -> None:
    assert memberships(report(record(3, A))[:-1]) == memberships(b"") == memberships(b"\x87" + b"\0" * 40) == ()


def test_the_owner_of_an_address_listens_to_the_group_of_its_last_24_bits() -> None:
    assert solicited_node("2001:db8::ab12:3456") == "ff02::1:ff12:3456"
    assert solicited_node("fe80::1%eth0") == "ff02::1:ff00:1"
    assert solicited_node("192.0.2.1") is None
