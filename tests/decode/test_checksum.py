"""Checksums: right, wrong, left to the card, merged by it, absent, and those that cannot be verified."""

from __future__ import annotations

import numpy as np
import packets as p
import pytest
from decode.windows import A4, A6, B4, B6, KINDS, decoded, of_frames, window
from hypothesis import example, given
from hypothesis import strategies as st

from explain.decode.checksum import extent, verify
from explain.table import (
    BAD_CHECKSUM,
    BAD_IP_CHECKSUM,
    GOOD_CHECKSUM,
    IPV4,
    PARTIAL_CHECKSUM,
    PacketTable,
)

VERDICTS = GOOD_CHECKSUM | BAD_CHECKSUM | PARTIAL_CHECKSUM
FAMILIES = [(A4, B4), (A6, B6)]


def verdict(frame: bytes, *, every_checksum: bool = True) -> int:
    table = decoded(window([frame], around=b"\xa5" * 9), every_checksum=every_checksum)
    return int(table.layers[0]) & (VERDICTS | BAD_IP_CHECKSUM)


def tcp(ends: tuple[str, str], data: bytes, checksum: int | None = None) -> bytes:
    segment = p.tcp(*ends, 40000, 80, 24, seq=1, data=data)
    if checksum is not None:
        segment = segment[:16] + checksum.to_bytes(2, "big") + segment[18:]
    return p.eth(p.A, p.B, 0x86DD if ":" in ends[0] else 0x800, p.ip(*ends, 6, segment))


def pseudo(ends: tuple[str, str], size: int) -> int:
    """What a host writes into the field when the card is to do the sum: not complemented."""
    header = p.packed(ends[0]) + p.packed(ends[1]) + size.to_bytes(4, "big") + bytes([0, 0, 0, 6])
    return ~p.checksum(header) & 0xFFFF


@pytest.mark.parametrize("name", [name for name in KINDS if "fragment" not in name and name not in {"arp", "routed"}])
def test_a_whole_message_as_it_was_sent_is_good(name: str) -> None:
    assert verdict(KINDS[name][0]) == GOOD_CHECKSUM


@pytest.mark.parametrize("name", ["first fragment", "later fragment", "routed", "arp"])
def test_nothing_is_said_where_the_sum_is_of_octets_or_a_target_not_in_the_frame(name: str) -> None:
    assert verdict(KINDS[name][0]) == 0


@given(st.sampled_from(FAMILIES), st.binary(max_size=2000), st.data())
@example((A4, B4), b"", None)
@example((A6, B6), b"x" * 28, None)
@example((A6, B6), b"x" * 29, None)
def test_a_segment_is_good_and_with_any_octet_changed_it_is_not(
    ends: tuple[str, str], data: bytes, choice: st.DataObject | None
) -> None:
    frame = tcp(ends, data)
    assert verdict(frame) == GOOD_CHECKSUM
    start = len(frame) - len(data) - 20
    at, change = start + 4, 0x10
    if choice is not None:
        at = choice.draw(st.sampled_from([*range(start, start + 12), *range(start + 14, len(frame))]))
        change = choice.draw(st.integers(1, 255))
    broken = frame[:at] + bytes([frame[at] ^ change]) + frame[at + 1 :]
    is_merged = len(data) + 20 > 1500
    assert verdict(broken) in ({PARTIAL_CHECKSUM} if is_merged else {BAD_CHECKSUM, PARTIAL_CHECKSUM})


@pytest.mark.parametrize("ends", FAMILIES)
@pytest.mark.parametrize("size", [0, 1, 27, 28, 29, 1400])
def test_a_sum_that_is_left_to_the_card_is_no_error(ends: tuple[str, str], size: int) -> None:
    assert verdict(tcp(ends, b"q" * size, pseudo(ends, size + 20))) == PARTIAL_CHECKSUM
    assert verdict(tcp(ends, b"q" * size, pseudo(ends, size + 20) ^ 1)) == BAD_CHECKSUM


def test_segments_that_the_card_merged_are_no_error() -> None:
    assert verdict(tcp((A4, B4), b"q" * 20_000, 0x1234)) == PARTIAL_CHECKSUM
    assert verdict(tcp((A4, B4), b"q" * 1_000, 0x1234)) == BAD_CHECKSUM


def test_udp_without_a_checksum_is_neither_good_nor_bad() -> None:
    datagram = p.udp(A4, B4, 1, 2, b"abc")
    frame = p.eth(p.A, p.B, 0x800, p.ip(A4, B4, 17, datagram[:6] + b"\0\0" + datagram[8:]))
    assert verdict(frame) == 0


def test_what_ip_carries_beyond_a_datagram_is_not_summed() -> None:
    frame = p.eth(p.A, p.B, 0x800, p.ip(A4, B4, 17, p.udp(A4, B4, 1, 2, b"abc") + b"\xffjunk"))
    table = of_frames(frame)
    assert table.layers[0] & VERDICTS == GOOD_CHECKSUM
    assert table.payload[0] == 3


@pytest.mark.parametrize("name", ["echo", "echo over six", "error", "error over six"])
def test_an_icmp_message_that_was_changed_is_bad_however_long_it_is(name: str) -> None:
    frame = KINDS[name][0]
    assert verdict(frame[:-1] + bytes([frame[-1] ^ 1]), every_checksum=False) == BAD_CHECKSUM


@given(st.integers(0, 19), st.integers(1, 255))
def test_an_ip_header_that_was_changed_is_bad(at: int, change: int) -> None:
    frame = bytearray(KINDS["tcp"][0])
    frame[14 + at] ^= change
    table = of_frames(bytes(frame))
    assert table.layers[0] & BAD_IP_CHECKSUM or not table.layers[0] & IPV4


def test_a_wrong_sum_in_the_options_of_ip_is_found() -> None:
    frame = bytearray(KINDS["ip options"][0])
    assert not of_frames(bytes(frame)).layers[0] & BAD_IP_CHECKSUM
    frame[37] ^= 1
    assert of_frames(bytes(frame)).layers[0] & BAD_IP_CHECKSUM


def mixed() -> list[bytes]:
    """Good, bad, partial and merged segments of all sizes, and frames that cannot be verified."""
    sizes = (0, 1, 28, 29, 200, 1400, 3000)
    good = [tcp(ends, b"q" * size) for ends in FAMILIES for size in sizes]
    bad = [tcp(ends, b"q" * size, 0x1234) for ends in FAMILIES for size in sizes]
    partial = [tcp(ends, b"q" * size, pseudo(ends, size + 20)) for ends in FAMILIES for size in sizes]
    return good + bad + partial + [frame for frame, _ in KINDS.values()]


def test_what_is_verified_later_is_what_would_have_been_verified_at_once() -> None:
    frames = window(mixed(), around=b"\xa5" * 40)
    at_once, later = decoded(frames), decoded(frames, every_checksum=False)
    data = frames.data.tobytes()
    left = np.flatnonzero((later.layers[: len(later)] ^ at_once.layers[: len(later)]) & VERDICTS)
    assert len(left) > 10
    verify(later, left, lambda offset, count: data[offset : offset + count])
    assert np.array_equal(later.layers[: len(later)], at_once.layers[: len(later)])


def test_a_file_that_got_shorter_in_the_meantime_leaves_the_sum_unverified() -> None:
    table = decoded(window([tcp((A4, B4), b"q" * 500)]), every_checksum=False)
    verify(table, np.array([0]), lambda _offset, _count: b"")
    assert table.layers[0] & VERDICTS == 0


def told(table: PacketTable) -> str:
    return extent(table, slice(0, len(table)))


def test_how_many_sums_were_verified_is_told() -> None:
    small, large = tcp((A4, B4), b""), tcp((A4, B4), b"q" * 500)
    assert told(decoded(window([small, large]), every_checksum=True)) == "all"
    assert told(decoded(window([small, large]), every_checksum=False)) == "some"
    assert told(decoded(window([large]), every_checksum=False)) == "none"
    assert told(decoded(window([small]), every_checksum=False)) == "all"
    assert told(decoded(window([KINDS["arp"][0], large[:60]], [42, 554]), every_checksum=False)) == "all"
    assert told(decoded()) == "all"
