"""TCP and UDP (RFC 9293, 7323, 2018, 768)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.decode.dissect import sums
from explain.decode.dissect.field import CutError, Means, Next
from explain.decode.services import TCP, UDP, tunnel_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.decode.dissect.field import Header

_FLAGS = (
    ("tcp.flags.ae", 7), ("tcp.flags.cwr", 8), ("tcp.flags.ece", 9), ("tcp.flags.urg", 10), ("tcp.flags.ack", 11),
    ("tcp.flags.push", 12), ("tcp.flags.reset", 13), ("tcp.flags.syn", 14), ("tcp.flags.fin", 15),
)  # fmt: skip
_OPTIONS = {
    2: "tcp.options.mss_val", 3: "tcp.options.wscale.shift", 4: "tcp.options.sack_perm", 5: "tcp.options.sack",
    8: "tcp.options.timestamp.tsval", 34: "tcp.options.tfo", 28: "tcp.options.user_to", 30: "tcp.options.mptcp",
}  # fmt: skip
_TIMESTAMPS, _SCALE, _MSS, _SACK = 8, 3, 2, 5
_MOST_OPTIONS = 40
_EPHEMERAL = 32768
_PROBES = range(33434, 33535)
_DNS, _DHCP, _DHCPV6, _NETBIOS_NAMES = (53, 5353, 5355), (67, 68), (546, 547), (137,)
_TLS_KINDS, _TLS_MAJOR, _LETTERS = range(20, 25), 3, range(0x41, 0x5B)


def _port(port: int, services: Mapping[int, str]) -> Means | None:
    return ("port-ephemeral", {}) if port >= _EPHEMERAL and port not in services else None


def tcp(header: Header) -> Next | None:
    """A segment's header and its options."""
    ports = [int.from_bytes(header.raw(at, 2), "big") for at in (0, 2)]
    header.number("tcp.srcport", 0, 2, TCP, _port(ports[0], TCP))
    header.number("tcp.dstport", 2, 2, TCP, _port(ports[1], TCP))
    header.number("tcp.seq_raw", 4, 4)
    header.number("tcp.ack_raw", 8, 4)
    size = (
        header.bits("tcp.hdr_len", 12, 2, 0, 4, None, ("header-words", {"octets": (header.raw(12, 1)[0] >> 4) * 4})) * 4
    )
    flags = int.from_bytes(header.raw(12, 2), "big") & 0xFFF
    header.note("tcp.flags", 12, 2, flags, _flag_names(flags), _flags_mean(flags))
    header.bits("tcp.flags.res", 12, 2, 4, 3)
    for name, bit in _FLAGS:
        header.bits(name, 12, 2, bit, 1)
    window = int.from_bytes(header.raw(14, 2), "big")
    header.number("tcp.window_size_value", 14, 2, None, ("window-closed", {}) if not window and not flags & 4 else None)
    header.number("tcp.checksum", 16, 2)
    header.number("tcp.urgent_pointer", 18, 2)
    payload = header.said_end - header.at - size
    sums.with_pseudo_header(header, "tcp.checksum", 16, header.context, header.said_end - header.at)
    if size < 20:
        raise CutError
    _options(header, size)
    if payload <= 0:
        return None
    kind = "dns-tcp" if _DNS[0] in ports else _carried(header.octets[header.at + size : header.end])
    return Next(kind, header.at + size, header.said_end, header.context)


def _carried(octets: bytes) -> str:
    """What a segment looks like, on whatever port; its dissector may find that it is something else."""
    if len(octets) > 2 and octets[0] in _TLS_KINDS and octets[1] == _TLS_MAJOR:
        return "tls"
    return "http" if octets and octets[0] in _LETTERS else "data"


def _flag_names(flags: int) -> str:
    names = ((2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (32, "URG"), (16, "ACK"), (64, "ECE"), (128, "CWR"))
    return " ".join(name for bit, name in names if flags & bit) or "none"


def _flags_mean(flags: int) -> Means | None:
    for bits, value, name in (
        (4, 4, "flags-rst"),
        (18, 2, "flags-syn"),
        (18, 18, "flags-syn-ack"),
        (1, 1, "flags-fin"),
    ):
        if flags & bits == value:
            return name, {}
    if flags & 16:
        return ("flags-data", {}) if flags & 8 else ("flags-ack", {})
    return None


def _options(header: Header, size: int) -> None:
    at = 20
    for _ in range(_MOST_OPTIONS):
        if at >= size:
            return
        kind = header.raw(at, 1)[0]
        if kind < 2:
            header.text("tcp.options.nop" if kind else "tcp.options.eol", at, 1, "")
            at += 1
            if not kind:
                return
            continue
        length = header.raw(at + 1, 1)[0]
        if length < 2 or at + length > size:
            raise CutError
        _option(header, kind, at, length)
        at += length


def _option(header: Header, kind: int, at: int, length: int) -> None:
    name = _OPTIONS.get(kind, "tcp.options.unknown")
    if (kind, length) == (_MSS, 4):
        header.number(name, at + 2, 2)
    elif (kind, length) == (_SCALE, 3):
        shift = header.raw(at + 2, 1)[0]
        header.number(name, at + 2, 1, None, ("scale", {"factor": 1 << min(shift, 14)}))
    elif (kind, length) == (_TIMESTAMPS, 10):
        header.number(name, at + 2, 4)
        header.number("tcp.options.timestamp.tsecr", at + 6, 4)
    elif kind == _SACK and length >= 10 and (length - 2) % 8 == 0:
        for edge in range(at + 2, at + length, 8):
            header.number("tcp.options.sack_le", edge, 4)
            header.number("tcp.options.sack_re", edge + 4, 4)
    else:
        header.text(name, at, length, header.raw(at, length)[2:].hex() or "")


def udp(header: Header) -> Next | None:
    """A datagram's header."""
    ports = [int.from_bytes(header.raw(at, 2), "big") for at in (0, 2)]
    header.number("udp.srcport", 0, 2, UDP, _port(ports[0], UDP))
    is_probe = ports[1] in _PROBES
    header.number("udp.dstport", 2, 2, UDP, ("port-traceroute", {}) if is_probe else _port(ports[1], UDP))
    size = header.number("udp.length", 4, 2)
    header.number("udp.checksum", 6, 2)
    if not header.context.get("is_quoted"):
        sums.with_pseudo_header(header, "udp.checksum", 6, header.context, size or header.said_end - header.at)
    end = min(header.at + size, header.said_end) if size >= 8 else header.said_end
    kinds = (("dns", _DNS), ("dhcp", _DHCP), ("dhcpv6", _DHCPV6), ("nbns", _NETBIOS_NAMES))
    kind = next((kind for kind, known in kinds if set(ports) & set(known)), tunnel_of(*ports) or "quic")
    return Next(kind, header.at + 8, end, header.context) if end > header.at + 8 else None
