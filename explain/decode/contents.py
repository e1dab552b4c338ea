"""Octets that are needed later: names, messages and heads, copied while they are at hand.

Only what is recognised is copied, so much of each frame and so much in all; the rest of a
capture's payload is never kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.capture.walk import gather
from explain.decode.continued import Continued, missing
from explain.decode.pipelined import Pipelined
from explain.decode.services import tunnel_ends
from explain.decode.slab import TRANSPORT, members
from explain.side_tables import ContentRows
from explain.table import IP, IPV6, TCP, UDP

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.side_tables import BesideRows
    from explain.table import I4, I8, U2, U4, Bools

TUNNEL = "tunnel"
"""The name under which the beginnings of packets within packets are kept."""
TUNNELS = {4: "ip", 41: "ipv6", 47: "gre"}
"""Protocols of IP that carry packets, and what theirs begin with."""

GREETING = "greeting"
"""The name under which the beginnings of lines are kept with which servers greet or refuse in plain text."""

COMPLAINT = "complaint"
"""The name under which the beginnings of datagrams are kept in which a server refuses or warns."""
_TFTP, _NTP, _SIP = 69, 123, 5060
_TFTP_ERROR, _MOST_TFTP_ERRORS = 0x000500, 8
_NTP_SERVER = 4  # the mode
_SIP_WORD, _SIP_FAILURES = int.from_bytes(b"SIP/", "little"), members(*b"456")  # the first digit

QUIC = "quic"
"""The name under which datagrams with the long headers of QUIC are kept, those of its handshake."""
_QUIC_VERSIONS = np.array([0, 0x01000000, 0xCF43336B], np.uint32)  # their first octets lowest, as in all of these
_QUIC_DRAFTS = members(*range(19, 35))  # those whose headers are as in RFC 9000
_QUIC_NAMED = (0x00B0CEFA, 0x0A0A0A0A)  # mvfst by its first three octets; what is sent so that nobody may speak it

_MOST_TUNNELLED = 2000  # packets, from the first on
_ROUTERS_SAY = {2: "igmp", 112: "vrrp"}  # protocols of IP whose messages are few and short, kept whole
_IS_KEPT = members(*TUNNELS, *_ROUTERS_SAY)
_IS_TUNNEL = members(*TUNNELS)
_MOST_OF_A_FRAME = {
    "dns": 4096, "dns-tcp": 16384, "dhcp": 2048, "dhcpv6": 2048, "http": 1460, "tls": 2048, "ndp": 1024, "mld": 1024,
    "netbios": 576, "igmp": 1024, "vrrp": 256, "hsrp": 128, "lldp": 512, "cdp": 512, "slow": 110,
    TUNNEL: 160, GREETING: 96, COMPLAINT: 160, QUIC: 1500,
}  # fmt: skip
_MOST_IN_ALL = 40 << 20
_RESERVED = 2 << 20  # for each protocol, so that a flood of one does not silence another
_PER_COPY = 80  # octets that an object and its places in two lists need
_TCP_HEADER = 20
_QUIC_LEAST = 7
_UDP_HEADER = 8
_PORTS = {"dns": (53, 5353, 5355), "dhcp": (67, 68), "dhcpv6": (546, 547), "netbios": (137,), "hsrp": (1985,)}
# How lines begin that open a head: responses, and methods (RFC 9110, 5789, 4918, 3253, 3744, 5323; RPC).
_HTTP_WORDS = (
    "HTTP GET  POST HEAD PUT  DELE OPTI PATC CONN TRAC PROP MKCO COPY MOVE LOCK UNLO REPO SEAR ACL  MERG CHEC VERS "
    "MKAC UNCH LABE UPDA BASE NOTI SUBS UNSU RPC_ LINK UNLI BIND REBI UNBI ORDE QUER"
)
_HTTP_HEADS = np.array(
    sorted(int.from_bytes(_HTTP_WORDS[at : at + 4].encode(), "little") for at in range(0, len(_HTTP_WORDS), 5)),
    np.uint32,
)
_GREETING_WORDS = "SSH-220 220-421 500 501 502 503 530 554 +OK -ERR* OK* BYERRORTSPSIP/RFB AMQP"
_GREETINGS = np.array(
    sorted(int.from_bytes(_GREETING_WORDS[at : at + 4].encode(), "little") for at in range(0, len(_GREETING_WORDS), 4)),
    np.uint32,
)
_TLS_CIPHER_CHANGE, _TLS_ALERT, _TLS_HANDSHAKE, _TLS_MAJOR = 0x14, 0x15, 0x16, 0x03
_SSL2, _SSL2_HELLO = 0x80, 1  # a record of less than 256 octets, and what it says
_SSL2_OFFERS = members(0, _TLS_MAJOR)  # high halves of the versions
_SSL2_LONGER, _SSL2_ANSWER = range(0x80, 0x88), 4  # with a certificate, in a record of less than 2,048 octets
_TLS_CHANGE_SIZE = 6  # header and one octet
_MAY_OPEN = members(
    _TLS_CIPHER_CHANGE,
    _TLS_ALERT,
    _TLS_HANDSHAKE,
    *_SSL2_LONGER,
    *(int(word) & 0xFF for word in _HTTP_HEADS),
    *(int(word) & 0xFF for word in _GREETINGS),
)
_SHORTEST = 4  # octets by which a head is recognised
_ICMPV6 = 58
_ICMPV6_KINDS = {"ndp": members(134), "mld": members(130, 131, 132, 143)}  # router advertisements; listeners
_LINK_KINDS = {"lldp": 0x88CC, "slow": 0x8809}  # EtherTypes (IEEE 802.1AB, 7.3; 802.3, 57A)
_CISCO, _CDP = 0xAAAA0300000C, 0x2000  # LLC and SNAP of Cisco's own protocols, and one of them


class Contents:
    """What was copied so far, by protocol.

    Attributes:
        found: protocol -> rows and octets; TCP and UDP payloads from their first octet, ICMPv6 whole.
    """

    def __init__(self) -> None:
        self.found: dict[str, ContentRows] = {}
        self._room = _MOST_IN_ALL
        self._own_room: dict[str, int] = {}
        self._continued = Continued()
        self._pipelined = Pipelined()
        self._has_tftp = False

    def copy(self, block: Block, source_port: U2, target_port: U2) -> None:
        """Copy what some rows of a block carry."""
        rows = np.flatnonzero(block.layers & UDP != 0)
        source, target = source_port[rows], target_port[rows]
        for name, ports in _PORTS.items():
            fits = np.zeros(len(rows), np.bool_)
            for port in ports:
                fits |= (source == port) | (target == port)
            if fits.any():
                self._keep(name, block, rows[fits], np.full(np.count_nonzero(fits), _UDP_HEADER, np.int32))
        self._copy_complaints(block, rows, source, target)
        self._copy_quic(block, rows)
        self._copy_tcp(block, source_port, target_port)
        self._copy_icmpv6(block)
        self._copy_beside(block, rows, (source, target))

    def _copy_complaints(self, block: Block, rows: I8, source: U2, target: U2) -> None:
        """Failures of SIP, answers of NTP of stratum 0, and after a question of TFTP its errors, on whatever ports."""
        self._has_tftp |= bool((target == _TFTP).any())
        is_clock, is_call = source == _NTP, (source == _SIP) | (target == _SIP)
        near = np.flatnonzero(is_clock | is_call) if not self._has_tftp else np.arange(len(rows))
        near = near[block.have_transport(rows[near]) >= _UDP_HEADER + 2 * _SHORTEST + 4]
        if not len(near):
            return
        word, status = (block.slab.words4(rows[near], np.full(len(near), TRANSPORT + at, np.int32)) for at in (8, 16))
        is_said = is_clock[near] & (word & 7 == _NTP_SERVER) & (word >> 8 & 0xFF == 0)
        is_said |= is_call[near] & (word == _SIP_WORD) & _SIP_FAILURES[status & 0xFF]
        if self._has_tftp:
            is_said |= (word & 0xFFFFFF == _TFTP_ERROR) & (word >> 24 <= _MOST_TFTP_ERRORS) & ~is_clock[near]
        if is_said.any():
            some = rows[near[is_said]]
            self._keep(COMPLAINT, block, some, np.full(len(some), _UDP_HEADER, np.int32))

    def _copy_quic(self, block: Block, rows: I8) -> None:
        """Datagrams with the first bit and the version of a handshake (RFC 8999, 5.1); the next may be 0 (RFC 9287)."""
        word = block.slab.raw8(TRANSPORT + _UDP_HEADER)[rows]
        some = np.flatnonzero(word & np.uint64(0x80))
        some = some[block.have_transport(rows[some]) >= _UDP_HEADER + _QUIC_LEAST]
        if not len(some):
            return
        is_it = are_quic((word[some] >> np.uint64(8)).astype(np.uint32))
        if is_it.any():
            found = rows[some[is_it]]
            self._keep(QUIC, block, found, np.full(len(found), _UDP_HEADER, np.int32))

    def _copy_tcp(self, block: Block, source_port: U2, target_port: U2) -> None:
        payload = block.table.payload[block.part]
        has_data = (block.layers & TCP != 0) & (payload > 0)
        ports = source_port, target_port
        tiny = np.flatnonzero(has_data & (payload < _SHORTEST))
        heads = self._copy_tiny(block, tiny, ports) if len(tiny) else tiny
        rows = np.flatnonzero(has_data & (payload >= _SHORTEST))
        if len(rows):
            rest = self._copy_long(block, rows, ports)
            tiny = np.concatenate((rest, tiny)) if len(tiny) else rest
        if self._continued and len(tiny):
            self._copy_rest(block, tiny, ports, set(heads.tolist()))

    def _copy_tiny(self, block: Block, rows: I8, ports: tuple[U2, U2]) -> I8:
        """Copy segments of DNS, and those in which no more than the first octets of TLS fit; which these are."""
        header = block.payload[rows] - block.table.payload[block.rows(rows)]
        at = block.transport_at(rows) + header
        is_head = block.have_transport(rows) > header
        is_head[is_head] = gather(block.slab.data, at[is_head], 1)[:, 0] == _TLS_HANDSHAKE
        is_dns = ((ports[0] == _PORTS["dns"][0]) | (ports[1] == _PORTS["dns"][0]))[rows]
        is_dns &= block.have_transport(rows) > header
        for name, some in (("tls", is_head & ~is_dns), ("dns-tcp", is_dns)):
            if some.any():
                self._keep(name, block, rows[some], header[some], ports)
        known: I8 = rows[is_head | is_dns]
        return known

    def _copy_long(self, block: Block, rows: I8, ports: tuple[U2, U2]) -> I8:
        """Copy heads, and what follows one in its segment; the rows in which the rest of one may be."""
        payload = block.table.payload[block.part]
        source_port, target_port = ports
        header = block.payload[rows] - payload[rows]
        word = block.slab.words4(rows, TRANSPORT + header)
        is_dns = ((source_port == _PORTS["dns"][0]) | (target_port == _PORTS["dns"][0]))[rows]
        some = np.flatnonzero(_MAY_OPEN.take(word & 0xFF) | is_dns)
        some = some[block.have_transport(rows[some]) >= header[some] + _SHORTEST]
        is_head = np.zeros(len(rows), np.bool_)
        is_head[some] = self._copy_heads(block, rows[some], header[some], word[some], is_dns[some], ports)
        if not self._continued and not self._pipelined:
            return rows[:0]
        fits = block.have_transport(rows) >= header + _SHORTEST
        self._copy_within(block, rows[fits], header[fits], ports)
        rest: I8 = rows[fits & ~is_head]
        return rest

    def _copy_heads(self, block: Block, rows: I8, header: I4, word: U4, is_dns: Bools, ports: tuple[U2, U2]) -> Bools:
        """Copy the segments of DNS, and those that begin like a head of HTTP or TLS; which these are."""
        is_http = _HTTP_HEADS.take(np.searchsorted(_HTTP_HEADS, word), mode="clip") == word
        kind = word & 0xFF
        is_tls = ((kind == _TLS_HANDSHAKE) | (kind == _TLS_ALERT)) & (word >> 8 & 0xFF == _TLS_MAJOR)
        is_tls |= self._warns(block, rows, header, word)
        is_tls |= (kind == _SSL2) & (word >> 16 & 0xFF == _SSL2_HELLO) & _SSL2_OFFERS.take(word >> 24)
        is_tls |= (kind & 0xF8 == _SSL2) & (word >> 16 & 0xFF == _SSL2_ANSWER) & (word >> 24 <= 1)
        is_plain = _GREETINGS.take(np.searchsorted(_GREETINGS, word), mode="clip") == word
        for name, chosen in (("http", is_http), ("tls", is_tls & ~is_dns), ("dns-tcp", is_dns)):
            if chosen.any():
                self._keep(name, block, rows[chosen], header[chosen], ports)
        if is_plain.any():
            self._keep(GREETING, block, rows[is_plain], header[is_plain])
        known: Bools = is_http | is_tls | is_dns
        return known

    def _warns(self, block: Block, rows: I8, header: I4, word: U4) -> Bools:
        """Segments in which an alert follows a change of ciphers, as clients send it that give up (RFC 8446, D.4)."""
        is_change = (word & 0xFF == _TLS_CIPHER_CHANGE) & (word >> 8 & 0xFF == _TLS_MAJOR)
        is_change &= block.have_transport(rows) >= header + 2 * _TLS_CHANGE_SIZE
        some = np.flatnonzero(is_change)
        at = block.transport_at(rows[some]) + header[some] + _TLS_CHANGE_SIZE
        behind = gather(block.slab.data, at, 4).view("<u4")[:, 0]
        is_change[some] = (behind & 0xFF == _TLS_ALERT) & (behind >> 8 & 0xFF == _TLS_MAJOR)
        found: Bools = is_change
        return found

    def _copy_rest(self, block: Block, rows: I8, ports: tuple[U2, U2], known: set[int]) -> None:
        """Segments in which a head goes on that began in an earlier one, but for those that are known already."""
        for row, name in self._continued.take(block, rows, ports):
            if row in known:
                continue
            at = np.array([row])
            self._keep(name, block, at, block.payload[at] - block.table.payload[block.rows(at)])

    def _copy_within(self, block: Block, rows: I8, header: I4, ports: tuple[U2, U2]) -> None:
        """Heads that begin, or end, within a segment."""
        for row, skip, octets in self._pipelined.follow(block, rows, header, ports):
            if self._has_room("http", len(octets) + _PER_COPY):
                into = self.found["http"]
                into.row.append(block.first + row)
                into.octets.append(octets)
                into.skip.append(skip)

    def _copy_icmpv6(self, block: Block) -> None:
        """Messages whose parts lie one behind the other, whole (RFC 4861, 4.6; RFC 3810, 5.2)."""
        rows = np.flatnonzero((block.protocol == _ICMPV6) & (block.layers & IPV6 != 0))
        if not len(rows):
            return
        kind = block.slab.u1(TRANSPORT)[rows]
        for name, kinds in _ICMPV6_KINDS.items():
            some = rows[kinds[kind]]
            if len(some):
                self._keep(name, block, some, np.zeros(len(some), np.int32))

    def copy_link(self, block: Block, beside: BesideRows) -> None:
        """What devices tell their neighbour on the cable, from behind the addresses and the type on."""
        rows = beside.row - block.first
        is_cdp = (beside.ethertype == 0) & (beside.head >> np.uint64(16) == _CISCO) & (beside.head & 0xFFFF == _CDP)
        kinds = {name: beside.ethertype == number for name, number in _LINK_KINDS.items()}
        for name, fits in ({**kinds, "cdp": is_cdp}).items():
            if fits.any():
                some = rows[fits]
                start, size = block.frame_at[some] + block.network[some], block.captured[some] - block.network[some]
                self._enter(name, block, some, start, size)

    def _copy_beside(self, block: Block, datagrams: I8, ports: tuple[U2, U2]) -> None:
        """What neither TCP nor UDP carries: messages of routers, and packets that others carry."""
        rows = np.flatnonzero(_IS_KEPT[block.protocol] & (block.layers & IP != 0))
        if len(rows):
            protocol = block.protocol[rows]
            for number, name in _ROUTERS_SAY.items():
                some = rows[protocol == number]
                if len(some):
                    self._keep(name, block, some, np.zeros(len(some), np.int32))
            rows = rows[_IS_TUNNEL[protocol]]
        self._copy_tunnels(block, rows, datagrams, ports)

    def _copy_tunnels(self, block: Block, rows: I8, datagrams: I8, ports: tuple[U2, U2]) -> None:
        """How the first packets begin that others carry; those in datagrams with the header of UDP."""
        in_udp = np.zeros(len(datagrams), np.bool_)
        for own, known_ports in zip(ports, tunnel_ends(), strict=True):
            for port in known_ports:
                in_udp |= own == port
        if len(rows) or in_udp.any():
            known = self.found.get(TUNNEL)
            rows = np.sort(np.concatenate((rows, datagrams[in_udp])))[
                : _MOST_TUNNELLED - len(known.row if known else ())
            ]
            self._keep(TUNNEL, block, rows, np.zeros(len(rows), np.int32))

    def _keep(self, name: str, block: Block, rows: I8, header: I4, ports: tuple[U2, U2] | None = None) -> None:
        """Copy what stands behind the headers; with ``ports``, heads that go on are noted."""
        size = block.have_transport(rows) - header
        octets = self._enter(name, block, rows, block.transport_at(rows) + header, size)
        count, size = len(octets), np.clip(size, 0, _MOST_OF_A_FRAME[name])
        if ports is not None and name == "http":
            self._pipelined.note(block, rows[:count], ports, octets)
        if ports is not None and name != "dns-tcp":
            is_whole = size[:count] == block.table.payload[block.rows(rows[:count])]
            for at in np.flatnonzero(is_whole).tolist():
                if (left := missing(name, octets[at])) > 0:
                    self._continued.begin(name, block, int(rows[at]), ports, left)

    def _enter(self, name: str, block: Block, rows: I8, start: I8, size: I4) -> list[bytes]:
        """Copy so many octets of each row from there on, as far as there is room; what was copied."""
        into = self.found.setdefault(name, ContentRows([], [], []))
        size = np.clip(size, 0, _MOST_OF_A_FRAME[name])
        count = self._room_for(name, size + _PER_COPY)
        data = block.slab.data.data
        ends = zip(start[:count].tolist(), (start + size)[:count].tolist(), strict=True)
        octets = [data[first:end].tobytes() for first, end in ends]
        into.row.extend((rows[:count] + block.first).tolist())
        into.octets.extend(octets)
        into.skip.extend([0] * count)
        return octets

    def _room_for(self, name: str, sizes: I4) -> int:
        """How many of the copies, from the first on, there is room for; it is taken."""
        own = self._own_room.get(name, _RESERVED)
        total = int(sizes.sum())
        if total <= own:
            self._own_room[name] = own - total
            return len(sizes)
        return next((at for at, size in enumerate(sizes.tolist()) if not self._has_room(name, size)), len(sizes))

    def _has_room(self, name: str, count: int) -> bool:
        """Take room for one copy: what is reserved for the protocol first, then what is shared."""
        own = self._own_room.get(name, _RESERVED)
        if own >= count:
            self._own_room[name] = own - count
            return True
        self._room -= count
        return self._room >= 0


def are_quic(versions: U4) -> Bools:
    """Which versions are of QUIC as it is read here; the first of their octets is the lowest (RFC 9000, 15)."""
    found: Bools = among(versions, _QUIC_VERSIONS) | (versions & 0xFFFFFF == 0xFF) & _QUIC_DRAFTS[versions >> 24]
    found |= (versions & 0xFFFFFF == _QUIC_NAMED[0]) | (versions & 0x0F0F0F0F == _QUIC_NAMED[1])
    return found
