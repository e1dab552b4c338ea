"""Fields of rare headers: a side table for each, with one row for each frame that has the header.

The ``row`` column says which row of the PacketTable that is; rows come in order.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.table import U1, U2, U4, U8, Bools, Rows


@dataclass(frozen=True, slots=True)
class ArpRows:
    """ARP over Ethernet for IPv4 (RFC 826); other hardware or protocols are not in here."""

    row: Rows
    operation: U2
    sender_mac: U8
    sender_ip: U8
    target_mac: U8
    target_ip: U8


@dataclass(frozen=True, slots=True)
class IcmpRows:
    """ICMP and ICMPv6 (RFC 792, 4443, 4861), with the packet that an error quotes.

    Attributes:
        is_v6: ICMPv6.
        word: octets 4 to 7: identifier and sequence, MTU, or gateway.
        target: address key, of neighbour solicitation, advertisement and redirect.
        mac: source or target link-layer address option (RFC 4861, 4.6.1), or NO_MAC.
        quote: octets of the quoted packet's IP version, 0 without a quote.
        quote_src, quote_dst: address keys.
        quote_word: first four octets after the ports or at the start of a quoted ICMP:
            the TCP sequence number; UDP length and checksum; ICMP identifier and sequence.
        quote_kind: type and code of a quoted ICMP message, as 256 * type + code.
    """

    row: Rows
    is_v6: Bools
    type: U1
    code: U1
    word: U4
    target: U8
    mac: U8
    quote: U1
    quote_src: U8
    quote_dst: U8
    quote_protocol: U1
    quote_sport: U2
    quote_dport: U2
    quote_word: U4
    quote_kind: U2
    quote_ttl: U1
    quote_ip_id: U2
    quote_length: U2


NO_SCALE = 255
"""In place of the window scale of a SYN that offers none; no shift count is as large (RFC 7323, 2.3)."""

FAR_BLOCK = 1 << 26
"""Octets between what is confirmed and a block of SACK that no window reaches: more than systems let wait."""


@dataclass(frozen=True, slots=True)
class SynRows:
    """Options that only a SYN carries (RFC 9293, 3.1; 7323; 2018).

    Attributes:
        mss: octets, 0 if absent.
        window_scale: shift count, ``NO_SCALE`` if absent.
        multipath: of MPTCP (RFC 8684, 3.1 and 3.2): 1 it could be spoken, 2 it joins a connection, 0 if absent.
        key: the key of who sends a SYN-ACK, or the token of the connection that is joined; 0 if absent.
        is_signed: with a signature of TCP MD5 or TCP-AO (RFC 2385; 5925).
    """

    row: Rows
    mss: U2
    window_scale: U1
    sack_permitted: Bools
    has_timestamps: Bools
    multipath: U1
    key: U8
    is_signed: Bools


@dataclass(frozen=True, slots=True)
class TwiceRows:
    """Acknowledgements that say which octets have come to their sender twice (D-SACK, RFC 2883, 4).

    Also those of which a block lies ``FAR_BLOCK`` or more from what they confirm.

    Attributes:
        start, end: sequence numbers of the first of these octets, and of what follows the last.
    """

    row: Rows
    start: U4
    end: U4


@dataclass(frozen=True, slots=True)
class FragmentRows:
    """Fragments of IPv4 (RFC 791) and IPv6 (RFC 8200, 4.5).

    Attributes:
        ident: identification, 16 or 32 bits.
        offset: octets from the start of the original payload.
    """

    row: Rows
    ident: U4
    offset: U4
    more: Bools
    protocol: U1


@dataclass(frozen=True, slots=True)
class BesideRows:
    """Frames with a link layer that carry neither IP nor ARP, and those with two VLAN tags.

    Attributes:
        ethertype: of the payload; 0 where it begins with LLC (IEEE 802.2).
        inner: the innermost of several VLAN tags, 0 without a second one.
        head, after: first eight octets of the payload, and the next; 0 in place of those that were not captured.
    """

    row: Rows
    ethertype: U2
    inner: U2
    head: U8
    after: U8

    def inner_of(self, rows: Rows) -> U2:
        """What ``inner`` holds for some rows of the table, 0 for those that are not in here."""
        if not len(self.row):
            return np.zeros(len(rows), np.uint16)
        at = np.minimum(np.searchsorted(self.row, rows), len(self.row) - 1)
        found: U2 = self.inner[at] * (self.row[at] == rows)
        return found


@dataclass(frozen=True, slots=True)
class InsideRows:
    """Packets that others carried, where those are read as what they carry.

    Attributes:
        tunnel: what carried them, an index into ``explain.decode.inside.KINDS``.
    """

    row: Rows
    tunnel: U1


@dataclass(frozen=True, slots=True)
class ContentRows:
    """Octets copied out of some frames while they were at hand: names, messages, heads.

    Attributes:
        skip: octets of the payload before those that were copied.
    """

    row: list[int]
    octets: list[bytes]
    skip: list[int]


Side = TypeVar("Side", ArpRows, IcmpRows, SynRows, TwiceRows, FragmentRows, BesideRows, InsideRows)

_SIDE_TYPES = {"Rows": np.int64, "Bools": np.bool_, "U1": np.uint8, "U2": np.uint16, "U4": np.uint32, "U8": np.uint64}


def stack(kind: type[Side], parts: Sequence[Side]) -> Side:
    """One side table from its parts, in order; an empty one from none."""
    names = fields(kind)
    if not parts:
        return kind(*(np.empty(0, _SIDE_TYPES[str(f.type)]) for f in names))
    return kind(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in names))


def by_row(side: Side) -> Side:
    """A side table whose parts were found out of order, in the order of its rows."""
    order = np.argsort(side.row, kind="stable")
    return type(side)(*(getattr(side, f.name)[order] for f in fields(side)))


def chosen(side: Side, rows: Rows) -> Side:
    """A side table of only the frames that are among some rows, which come in order; ``row`` then counts these."""
    at = np.searchsorted(rows, side.row)
    inside = np.minimum(at, max(len(rows) - 1, 0))
    keep = np.flatnonzero(rows[inside] == side.row) if len(rows) else np.empty(0, np.int64)
    return type(side)(at[keep], *(getattr(side, f.name)[keep] for f in fields(side)[1:]))


def chosen_contents(kept: ContentRows, rows: Rows) -> ContentRows:
    """The same of octets that were copied out."""
    at = np.searchsorted(rows, kept.row).tolist()
    size = len(rows)
    kept_at = [number for number, place in enumerate(at) if place < size and rows[place] == kept.row[number]]
    return ContentRows(
        [at[number] for number in kept_at],
        [kept.octets[number] for number in kept_at],
        [kept.skip[number] for number in kept_at],
    )
