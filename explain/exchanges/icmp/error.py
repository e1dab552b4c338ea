"""``icmp.error``: somebody says why a packet could not go on, and quotes it (RFC 792, 1812, 4443)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.columns import ExchangeColumns, from_rows
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.side_tables import IcmpRows
    from explain.table import PacketTable, Rows

_NAMES_V4 = {
    (3, 0): "net-unreachable",
    (3, 1): "host-unreachable",
    (3, 2): "protocol-unreachable",
    (3, 3): "port-unreachable",
    (3, 4): "fragmentation-needed",
    (3, 5): "source-route-failed",
    (3, 6): "net-unknown",
    (3, 7): "host-unknown",
    (3, 8): "source-host-isolated",
    (3, 9): "net-prohibited",
    (3, 10): "host-prohibited",
    (3, 11): "net-unreachable-for-tos",
    (3, 12): "host-unreachable-for-tos",
    (3, 13): "admin-prohibited",
    (3, 14): "host-precedence-violation",
    (3, 15): "precedence-cutoff",
    (4, 0): "source-quench",
    (5, 0): "redirect-net",
    (5, 1): "redirect-host",
    (5, 2): "redirect-net-for-tos",
    (5, 3): "redirect-host-for-tos",
    (11, 0): "ttl-exceeded",
    (11, 1): "reassembly-exceeded",
}
_NAMES_V6 = {
    (1, 0): "no-route",
    (1, 1): "admin-prohibited",
    (1, 2): "beyond-scope",
    (1, 3): "address-unreachable",
    (1, 4): "port-unreachable",
    (1, 5): "source-policy-failed",
    (1, 6): "reject-route",
    (2, 0): "packet-too-big",
    (3, 0): "ttl-exceeded",
    (3, 1): "reassembly-exceeded",
    (137, 0): "redirect-host",
}
_OTHERS = ("unreachable", "parameter-problem", "source-quench", "redirect", "time-exceeded", "other-error")
OUTCOMES = tuple(dict.fromkeys((*_NAMES_V4.values(), *_NAMES_V6.values(), *_OTHERS)))
_ERROR_TYPES_V4 = (3, 4, 5, 11, 12)
_REDIRECT_V6 = 137
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
_PATIENCE_NS = 0
_SMALLEST_MTU = {4: 68, 6: 1280}
"""Octets that every link carries (RFC 791, 3.2; RFC 8200, 5)."""


@dataclass(frozen=True, slots=True)
class About:
    """The packet that an error quotes, as far as the quotation goes.

    Attributes:
        protocol: tcp, udp, icmp, icmpv6, or the IP protocol number as text.
        sport, dport: of TCP and UDP; id, seq: of an ICMP echo; None elsewhere, and where the quotation ends before.
        ttl: TTL with which it arrived there, before it was decremented.
        tcp_seq: raw sequence number of a TCP segment.
        length: octets of the whole packet, as its header says.
    """

    protocol: str
    src: str
    dst: str
    sport: int | None
    dport: int | None
    id: int | None
    seq: int | None
    tcp_seq: int | None
    ttl: int
    ip_id: int
    length: int


@dataclass(frozen=True, slots=True)
class IcmpError:
    """One ICMP or ICMPv6 error message.

    Attributes:
        from_: who says it (``from`` in the report).
        to: to whom: normally the sender of the quoted packet.
        mtu: octets that the next link can carry, of fragmentation-needed and packet-too-big.
        gateway: the better router, of a redirect.
    """

    from_: str
    to: str
    type: int
    code: int
    about: About | None
    mtu: int | None
    gateway: str | None


def error_positions(icmp: IcmpRows) -> Rows:
    """Positions in the side table of the messages that are errors or redirects."""
    v6 = (icmp.type < 128) | (icmp.type == _REDIRECT_V6)
    return np.flatnonzero(np.where(icmp.is_v6, v6, np.isin(icmp.type, _ERROR_TYPES_V4)))


def names_of(*, is_v6: bool, kind: int) -> tuple[str, ...]:
    """The names of the codes that a type has."""
    return tuple(name for (one, _), name in (_NAMES_V6 if is_v6 else _NAMES_V4).items() if one == kind)


def error_name(is_v6: bool, kind: int, code: int) -> str:
    """The outcome that a type and code stand for (RFC 792; 1812, 5.2.7; 4443, 3)."""
    name = (_NAMES_V6 if is_v6 else _NAMES_V4).get((kind, code))
    if name:
        return name
    families = {1: "unreachable", 3: "time-exceeded", 4: "parameter-problem", 2: "packet-too-big", 137: "redirect-host"}
    if not is_v6:
        families = {3: "unreachable", 4: "source-quench", 5: "redirect", 11: "time-exceeded", 12: "parameter-problem"}
    return families.get(kind, "other-error")


def size_claim(error: IcmpError) -> str:
    """What is odd about a report that a packet was too large, empty if nothing is.

    Returns:
        ``unsaid``: no MTU is given, as by routers older than RFC 1191; ``doubtful``: the quoted packet would have
        fitted; ``tiny``: every link carries more than that; ``unsized``: no packet is quoted.

    Source: RFC 1191, 4 and 5; RFC 8201, 4 (a host ignores what is less than 1280).
    """
    length = error.about.length if error.about else 0
    if not error.mtu:
        return "unsaid"
    if not length:
        return "unsized"
    if length <= error.mtu:
        return "doubtful"
    return "tiny" if error.mtu < _SMALLEST_MTU[6 if ":" in error.from_ else 4] else ""


def find(table: PacketTable) -> ExchangeColumns:
    """One exchange for each error message."""
    icmp = table.icmp
    positions = error_positions(icmp)
    kinds = zip(*(column[positions].tolist() for column in (icmp.is_v6, icmp.type, icmp.code)), strict=True)
    codes = {name: code for code, name in enumerate(OUTCOMES)}
    outcome = np.array([codes[error_name(*kind)] for kind in kinds], np.uint8)
    return from_rows(
        "icmp.error", OUTCOMES, outcome, icmp.row[positions], np.ones(len(positions), np.int64), table,
        cache(lambda number: _error(table, int(positions[number]))), {}, _PATIENCE_NS,
    )  # fmt: skip


def _error(table: PacketTable, at: int) -> IcmpError:
    icmp, text = table.icmp, table.addresses.text
    source, target = table.ends(int(icmp.row[at]))
    kind, code, word = int(icmp.type[at]), int(icmp.code[at]), int(icmp.word[at])
    name = error_name(bool(icmp.is_v6[at]), kind, code)
    gateway = None
    if name.startswith("redirect"):
        better = int(icmp.target[at]) if icmp.is_v6[at] else word
        gateway = text(better) if better else None
    mtu = {"fragmentation-needed": word & 0xFFFF, "packet-too-big": word}.get(name)
    return IcmpError(text(source), text(target), kind, code, _about(table, at), mtu, gateway)


def _about(table: PacketTable, at: int) -> About | None:
    icmp, text = table.icmp, table.addresses.text
    if not icmp.quote[at]:
        return None
    protocol, kind = int(icmp.quote_protocol[at]), int(icmp.quote_kind[at])
    word, sport, dport = int(icmp.quote_word[at]), int(icmp.quote_sport[at]), int(icmp.quote_dport[at])
    # A later fragment has no layer 4 to quote, and a frame may be cut before it, or behind the ports.
    has_ports = protocol in (6, 17) and (sport or dport)
    is_echo = word > 0 and kind >> 8 in (0, 8, 128, 129) and protocol in (1, 58)
    return About(
        protocol=_PROTOCOLS.get(protocol, str(protocol)),
        src=text(int(icmp.quote_src[at])),
        dst=text(int(icmp.quote_dst[at])),
        sport=sport if has_ports else None,
        dport=dport if has_ports else None,
        id=word >> 16 if is_echo else None,
        seq=word & 0xFFFF if is_echo else None,
        tcp_seq=word if word and protocol == 6 else None,
        ttl=int(icmp.quote_ttl[at]),
        ip_id=int(icmp.quote_ip_id[at]),
        length=int(icmp.quote_length[at]),
    )
