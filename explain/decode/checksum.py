"""The Internet checksum over many rows, and what a wrong one means.

A one's complement sum of 16-bit words is the remainder of division by 65535, so words may be
added in any width, and a sum in the other byte order is 256 times as much.  A message whose
checksum is right leaves no remainder.

Source: RFC 1071, 2; RFC 9293, 3.1; RFC 768; RFC 8200, 8.1; Linux, Documentation/networking/checksum-offloads;
Warren, Hacker's Delight, 10-17 (what leaves no remainder, found without division).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import IPV6_KEY
from explain.decode.slab import SEGMENT, octets
from explain.table import (
    BAD_CHECKSUM,
    EXTENSIONS,
    FRAGMENT,
    GOOD_CHECKSUM,
    IPV4,
    MALFORMED,
    PARTIAL_CHECKSUM,
    ROUTED,
    TCP,
    UDP,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.addresses import Addresses
    from explain.decode.block import Block
    from explain.table import I4, I8, U1, U2, U4, U8, Bools, PacketTable, Rows

_MODULUS = 0xFFFF
_INVERSE = np.uint64(pow(_MODULUS, -1, 1 << 64))
_MOST_TIMES = np.uint64((1 << 64) // _MODULUS)
_SWAP = np.uint64(256)
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_WIDTHS = (64, 128, 256, 512, 1536, 4096, 16384, 65536)
_OCTETS_AT_A_TIME = 1 << 18
_ROWS_AT_A_TIME = 1 << 16
_MERGED = 1500
"""Octets after the IP header that no link of this size carries: more were merged by the card."""

_JUDGED = GOOD_CHECKSUM | BAD_CHECKSUM | PARTIAL_CHECKSUM
_UNFIT = FRAGMENT | ROUTED | MALFORMED  # the sum is about octets, or a target, that are not in the frame
_LONGEST_HEADER = 60  # of TCP

# For each word of a segment in a slab, what keeps of it the first n octets of the segment.
_KEEP = ((np.arange(SEGMENT) < np.arange(SEGMENT + 1)[:, None]) * np.uint8(0xFF)).view("<u8").T.copy()


def is_sound(sums: U8) -> Bools:
    """Whether sums over whole messages, checksum included, say that nothing was changed."""
    sound: Bools = sums * _INVERSE <= _MOST_TIMES
    return sound


def sum_of(octets: U1) -> U8:
    """Sum of the little-endian words of each row; uint8[n, multiple of 4] -> uint64[n]."""
    total: U8 = np.einsum("ij->i", octets.view("<u4").astype(np.uint64))
    return total


def segment_sums(data: U1, at: I8, size: I4) -> U8:
    """Sum of ``size`` octets from each position, those of like size together."""
    total = np.zeros(len(at), np.uint64)
    narrow = -1
    for width in _WIDTHS:
        some = np.flatnonzero((size <= width) & (size > narrow))
        narrow = width
        step = max(1, _OCTETS_AT_A_TIME // width)
        for first in range(0, len(some), step):
            part = some[first : first + step]
            total[part] = sum_of(octets(data, at[part], size[part], width))
    return total


def pseudo_sums(addresses: Addresses, source: U8, target: U8, protocol: U1, size: I4) -> U8:
    """Sum of the pseudo-header of IPv4 or IPv6, as little-endian words."""
    total = source + target
    total += protocol
    total += size.view(np.uint32)
    rows = np.flatnonzero(source >= IPV6_KEY)
    if len(rows):
        for keys in (source[rows], target[rows]):
            index = (keys - np.uint64(IPV6_KEY)).view(np.int64)
            total[rows] += _halves(addresses.high[index]) + _halves(addresses.low[index]) - keys
    total *= _SWAP
    return total


def _halves(words: U8) -> U8:
    """The upper half of each word and the lower one, added."""
    return (words >> _HALF) + (words & _LOW_HALF)


def judge(sums: U8, pseudo: U8, stored: U2, size: I4, layers: U4) -> U4:
    """What the sums of whole TCP or UDP segments say: a bit of ``explain.table`` for each row.

    A sending host's capture shows what the card has yet to fill in: the pseudo-header's sum
    in place of a checksum.  What a card merged keeps no checksum that fits.  Neither is an
    error, nor is a wrong sum behind IPv4 options, which may name another last target.

    Args:
        sums: over the segments, without the pseudo-header.
        pseudo: sums of the pseudo-headers.
        stored: the checksum fields.
        size: octets of the segments.
        layers: of the same rows.
    """
    verdict = np.full(len(sums), GOOD_CHECKSUM, np.uint32)
    wrong = np.flatnonzero(~is_sound(sums + pseudo))
    if len(wrong):
        field = stored[wrong].astype(np.uint64) * _SWAP
        is_partial = is_sound(pseudo[wrong] + field * np.uint64(0xFFFE))  # 0xFFFE is minus one
        is_partial |= size[wrong] > _MERGED
        verdict[wrong] = np.where(is_partial, PARTIAL_CHECKSUM, BAD_CHECKSUM)
        verdict[wrong[~is_partial & (layers[wrong] & (IPV4 | EXTENSIONS) == IPV4 | EXTENSIONS)]] = 0
    return verdict


def verify_block(block: Block, addresses: Addresses, most: int | None) -> int:
    """Verify TCP and UDP of the rows whose whole segment lies in the slab, and of the first others that are whole.

    Args:
        block: what is being decoded.
        addresses: those that its keys stand for.
        most: octets of such others; None for all.

    Returns:
        Octets of the others that were verified.
    """
    is_whole = _is_fit(block.layers, block.table.checksum[block.part])
    is_whole &= block.payload <= block.captured - block.transport
    is_small = block.payload <= SEGMENT
    small = np.flatnonzero(is_whole & is_small)
    _enter(block, addresses, small, _sums_in_slab(block, small))
    if most is not None and most <= 0:
        return 0
    large = np.flatnonzero(is_whole & ~is_small)
    sizes = np.cumsum(block.payload[large])
    if most is not None:
        large = large[sizes <= most]
    at = block.transport_at(large)
    _enter(block, addresses, large, segment_sums(block.slab.data, at, block.payload[large]))
    return int(sizes[-1]) if len(sizes) else 0


def _sums_in_slab(block: Block, rows: I8) -> U8:
    """Sums of the segments of some rows that lie wholly in the slab."""
    sums, size = np.zeros(len(rows), np.uint64), block.payload[rows].astype(np.int64)
    for word, keep in zip(block.slab.segment_words, _KEEP, strict=True):
        kept = word[rows]
        kept &= keep[size]
        sums += _halves(kept)
    return sums


def _enter(block: Block, addresses: Addresses, rows: I8, sums: U8) -> None:
    size = block.payload[rows]
    pseudo = pseudo_sums(addresses, block.source[rows], block.target[rows], block.protocol[rows], size)
    block.layers[rows] |= judge(sums, pseudo, block.table.checksum[block.rows(rows)], size, block.layers[rows])


def _is_fit(layers: U4, stored: U2) -> Bools:
    """TCP and UDP with a checksum over octets that are all in the frame; UDP may go without one (RFC 768)."""
    has_sum: Bools = (layers & TCP != 0) | ((layers & UDP != 0) & (stored != 0))
    fit: Bools = has_sum & (layers & (_UNFIT | _JUDGED) == 0)
    return fit


def verify(table: PacketTable, rows: Rows, read: Callable[[int, int], bytes]) -> None:
    """Verify checksums of TCP and UDP that were not verified yet, and enter the bits.

    Args:
        table: where the rows lie; its ``layers`` are changed.
        rows: of one capture.
        read: gives up to so many octets from an offset of that capture's stream.
    """
    unknown = rows[is_open(table, rows)].tolist()
    known = [(row, *found) for row in unknown if (found := _read_again(table, row, read))]
    if not known:
        return
    rows, lengths, sums = np.array(known).T
    sizes, flow = lengths.astype(np.int32), table.flow[rows]
    pseudo = pseudo_sums(
        table.addresses, table.flows.low[flow], table.flows.high[flow], table.flows.protocol[flow], sizes
    )
    table.layers[rows] |= judge(sums.view(np.uint64), pseudo, table.checksum[rows], sizes, table.layers[rows])


def _read_again(table: PacketTable, row: int, read: Callable[[int, int], bytes]) -> tuple[int, int] | None:
    """Octets of a segment and their sum; None where they are not there, or no longer those that were decoded."""
    start, is_tcp = int(table.transport[row]), bool(table.layers[row] & TCP)
    room = min(int(table.captured[row]), int(table.length[row])) - start
    payload = int(table.payload[row])
    segment = read(int(table.offset[row]) + start, min(room, payload + _LONGEST_HEADER))
    size = payload + ((segment[12] >> 4 << 2) if is_tcp and len(segment) > 12 else 8)
    if len(segment) < size or not _is_known(table, row, segment, is_tcp=is_tcp):
        return None
    return size, int.from_bytes(segment[:size], "little") % _MODULUS


def _is_known(table: PacketTable, row: int, segment: bytes, *, is_tcp: bool) -> bool:
    """Whether these octets are those that were decoded: a file may have been written anew in the meantime."""
    at = 16 if is_tcp else 6
    is_same = int.from_bytes(segment[at : at + 2], "big") == table.checksum[row]
    return bool(is_same and (not is_tcp or int.from_bytes(segment[4:8], "big") == table.seq[row]))


def is_open(table: PacketTable, rows: Rows) -> Bools:
    """Which rows have a checksum of TCP or UDP that could be verified and was not."""
    return _is_fit(table.layers[rows], table.checksum[rows])


def extent(table: PacketTable, rows: slice) -> str:
    """Of how many of the rows a checksum was verified, where that can be done: ``all``, ``some`` or ``none``.

    A fragment, a cut frame and UDP without a checksum cannot be verified.
    """
    is_some = is_left = False
    for first in range(rows.start, rows.stop, _ROWS_AT_A_TIME):
        part = slice(first, min(first + _ROWS_AT_A_TIME, rows.stop))
        is_whole = table.captured[part] >= table.length[part]
        is_left |= bool((_is_fit(table.layers[part], table.checksum[part]) & is_whole).any())
        is_some |= bool((table.layers[part] & _JUDGED).any())
        if is_left and is_some:
            break
    if not is_left:
        return "all"
    return "some" if is_some else "none"
