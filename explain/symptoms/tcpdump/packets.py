"""What the body of a tcpdump line says of the packet: addresses, ports, flags, numbers.

Source: tcpdump(1), the section "Output format"; RFC 792 and RFC 4443 for types and codes.
"""

# ruff: noqa: E501 - one form of output a row reads better than a pattern in pieces

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explain.symptoms.addresses import canonical
from explain.symptoms.tcpdump.lines import PacketText, read_packets

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Told:
    """The fields that a line shows; None is unknown.

    Attributes:
        network: ip, ip6, arp, or None for others.
        src, dst: addresses in canonical form; names (without ``-n``) as they stand.
        protocol: tcp, udp, icmp, icmp6, or the name that ``-v`` gives.
        ttl, ip_id, fragment_offset, dont_fragment, more_fragments, ip_length: of ``-v``; octets.
        flags: letters of TCP as tcpdump has them (``S.``); ``seq`` is relative but for the first, or with ``-S``.
        length: octets of payload as printed.
        icmp_type, icmp_code, icmp_id, icmp_seq, mtu, gateway, about: of ICMP, where the words settle them.
        arp_op: 1 who-has, 2 is-at; ``src`` asks or answers, ``dst`` is wanted, ``arp_mac`` answers.
        is_checksum_bad: tcpdump found a checksum wrong; None if it did not say.
        rest: what the line says after the addresses, as it stands.
    """

    network: str | None = None
    src: str | None = None
    dst: str | None = None
    src_port: int | str | None = None
    dst_port: int | str | None = None
    protocol: str | None = None
    ttl: int | None = None
    ip_id: int | None = None
    fragment_offset: int | None = None
    dont_fragment: bool | None = None
    more_fragments: bool | None = None
    ip_length: int | None = None
    flags: str | None = None
    seq: int | None = None
    ack: int | None = None
    window: int | None = None
    length: int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None
    icmp_id: int | None = None
    icmp_seq: int | None = None
    mtu: int | None = None
    gateway: str | None = None
    about: str | None = None
    arp_op: int | None = None
    arp_mac: str | None = None
    is_checksum_bad: bool | None = None
    rest: str | None = None


_IP4 = re.compile(
    r"\(tos 0x[0-9a-f]+(?:,(?:CE|ECT\(\d\)))?, (?:ttl (?P<ttl>\d+), )?id (?P<id>\d+), offset (?P<offset>\d+), flags \[(?P<flags>[^\]]*)\], proto:? (?P<proto>[\w-]+)(?: \((?P<number>\d+)\))?, length (?:\d+ \[was )?(?P<length>\d+)"
)
_IP6 = re.compile(
    r"\((?:class 0x[0-9a-f]+, )?(?:flowlabel 0x[0-9a-f]+, )?hlim (?P<ttl>\d+), next-header (?P<proto>[\w() -]+?) (?:\((?P<number>\d+)\) )?payload length: (?P<length>\d+)\)"
)
_PAIR = re.compile(r"(?P<src>[\w.:%-]{1,255}) > (?P<dst>[\w.:%-]{1,255}?): (?P<rest>.*)", re.DOTALL)
_WHO_HAS = re.compile(
    r"Request who-has (?P<dst>\S+?)(?: \((?P<mac>[0-9a-fA-F:]{17}|Broadcast)[^)]*\))? tell (?P<src>[^\s,]+)"
)
_IS_AT = re.compile(r"Reply (?P<src>\S+) is-at (?P<mac>[0-9a-fA-F:]{17})")
_TCP = re.compile(r"Flags \[(?P<flags>[^\]]*)\]")
_NUMBER = {
    "seq": re.compile(r"\bseq (\d+)"),
    "ack": re.compile(r"\back (\d+)"),
    "window": re.compile(r"\bwin (\d+)"),
    "length": re.compile(r"\blength:? (\d+)"),
}
_SUM = re.compile(
    r"cksum 0x[0-9a-f]+ \((correct|incorrect)|\[(?:bad )?(?:udp|icmp6|tcp) (?:sum|cksum) (ok|0x[0-9a-f]+)"
)
_SIZE = re.compile(r" \((\d{1,5})\)\Z")  # of a DNS message
_PROTOCOLS = {"ICMPv6": "icmp6"}
_ICMP4 = tuple((kind, code, re.compile(pattern)) for kind, code, pattern in (
    (8, 0, r"echo request"), (0, 0, r"echo reply"),
    (3, 13, r"(?:host )?(?P<about>\S+) unreachable - admin prohibited filter"), (3, 10, r"host (?P<about>\S+) unreachable - admin prohibited"),
    (3, 9, r"net (?P<about>\S+) unreachable - admin prohibited"), (3, 4, r"(?P<about>\S+) unreachable - need to frag(?: \(mtu (?P<mtu>\d+)\))?"),
    (3, 12, r"host (?P<about>\S+) unreachable - tos prohibited"), (3, 11, r"net (?P<about>\S+) unreachable - tos prohibited"),
    (3, 3, r"(?P<about>\S+) (?:udp|tcp|\S+) port \S+ unreachable"), (3, 2, r"(?P<about>\S+) protocol \S+ unreachable"),
    (3, 1, r"host (?P<about>\S+) unreachable"), (3, 0, r"net (?P<about>\S+) unreachable"), (3, 5, r"(?P<about>\S+) unreachable - source route failed"),
    (11, 0, r"time exceeded in-transit"), (11, 1, r"ip reassembly time exceeded"), (5, 1, r"redirect (?P<about>\S+) to host (?P<gateway>[^\s,]+)"),
    (5, 0, r"redirect (?P<about>\S+) to net (?P<gateway>[^\s,]+)"), (12, 0, r"parameter problem"), (4, 0, r"source quench"),
    (10, 0, r"router solicitation"), (9, None, r"router advertisement"), (13, 0, r"time stamp query"), (14, 0, r"time stamp reply"),
    (17, 0, r"address mask request"), (18, 0, r"address mask is"),
))  # fmt: skip
_ICMP6 = tuple((kind, code, re.compile(pattern)) for kind, code, pattern in (
    (128, 0, r"echo request"), (129, 0, r"echo reply"), (1, 0, r"destination unreachable, (?:length \d+, )?unreachable route (?P<about>[^\s,]+)"),
    (1, 1, r"destination unreachable, (?:length \d+, )?unreachable prohibited (?P<about>[^\s,]+)"), (1, 2, r"destination unreachable, (?:length \d+, )?beyond scope (?P<about>[^\s,]+)"),
    (1, 3, r"destination unreachable, (?:length \d+, )?unreachable address (?P<about>[^\s,]+)"),
    (1, 4, r"destination unreachable, (?:length \d+, )?unreachable port, (?P<about>[^\s,]+)"), (2, 0, r"packet too big, (?:length \d+, )?mtu (?P<mtu>\d+)"),
    (3, 0, r"time exceeded in-transit(?:, length \d+,?)? for (?P<about>[^\s,]+)"), (3, 1, r"ip reassembly time exceeded|time exceeded.*reassembly"), (4, None, r"parameter problem"),
    (135, 0, r"neighbor solicitation"), (136, 0, r"neighbor advertisement"), (133, 0, r"router solicitation"), (134, 0, r"router advertisement"), (137, 0, r"redirect"),
))  # fmt: skip
_WANTED = re.compile(r"(?:who has|tgt is) (?P<about>[0-9a-f:.]+)")
_ECHO = re.compile(r"\bid (?P<id>\d+), seq (?P<seq>\d+)")


def read_tcpdump(lines: Sequence[str]) -> tuple[tuple[PacketText, Told], ...]:
    """Every packet of a listing with what its line tells.

    Args:
        lines: as printed, in order; lines of other programs are left out.
    """
    return tuple((packet, told(packet)) for packet in read_packets(lines))


def told(packet: PacketText) -> Told:
    """The fields of one packet."""
    body = packet.body
    network = {0x0800: "ip", 0x86DD: "ip6", 0x0806: "arp"}.get(packet.ethertype or 0)
    for name, tag in (("ip6", "IP6 "), ("ip", "IP "), ("arp", "ARP, ")):
        if body.startswith(tag):
            network, body = name, body[len(tag) :]
    if network == "arp":
        return _arp(body)
    if network is None:
        return Told()
    return _ip(network, body)


def _arp(body: str) -> Told:
    if asked := _WHO_HAS.search(body):
        src, dst = _host(asked.group("src")), _host(asked.group("dst"))
        return Told("arp", src, dst, arp_op=1, length=_int("length", body))
    if answered := _IS_AT.search(body):
        return Told(
            "arp",
            _host(answered.group("src")),
            arp_op=2,
            arp_mac=answered.group("mac").lower(),
            length=_int("length", body),
        )
    return Told("arp")


def _host(text: str) -> str:
    return canonical(text) or text


def _int(name: str, body: str) -> int | None:
    found = _NUMBER[name].findall(body)
    if not found:
        return None
    last = found[-1] if name == "length" else found[0]
    return int(last[0] if isinstance(last, tuple) else last)


def _ip(network: str, body: str) -> Told:
    header = (_IP4 if network == "ip" else _IP6).search(body)
    found = Told(network)
    if header:
        found = _with_header(found, header)
        body = body[header.end() :]
    pair = _PAIR.search(body.lstrip(") ") if header is None else body)
    if pair is None:
        return found
    rest = re.sub(r"^(?:HBH |RT6 \([^)]*\) |frag \([^)]*\) |DSTOPT )+", "", pair.group("rest"))
    protocol = found.protocol or _protocol(rest)
    has_ports = protocol in ("tcp", "udp", "sctp", "dccp") and not found.fragment_offset
    src, src_port = _endpoint(pair.group("src"), has_ports)
    dst, dst_port = _endpoint(pair.group("dst"), has_ports)
    found = replace(found, src=src, dst=dst, src_port=src_port, dst_port=dst_port, protocol=protocol, rest=rest)
    if (checksum := _SUM.search(rest)) is not None:
        found = replace(found, is_checksum_bad=(checksum.group(1) or checksum.group(2)) not in ("correct", "ok"))
    if protocol == "tcp" and (flags := _TCP.search(rest)):
        return _tcp(found, flags.group("flags"), rest)
    if protocol in ("icmp", "icmp6"):
        return _icmp(found, rest)
    size = _SIZE.search(rest) if protocol == "udp" else None
    return replace(found, length=int(size.group(1)) if size else _int("length", rest))


_EXTENSIONS = ("Options", "Routing", "Fragment", "Destination", "Hop-by-Hop", "unknown", "AH", "Mobile")


def _with_header(found: Told, header: re.Match[str]) -> Told:
    groups = header.groupdict()
    name = groups["proto"].strip()
    found = replace(found, ttl=int(groups["ttl"]) if groups["ttl"] else None, ip_length=int(groups["length"]))
    if not name.startswith(_EXTENSIONS):
        found = replace(found, protocol=_PROTOCOLS.get(name, name.lower()))
    if "id" not in groups:
        return found
    marks = groups["flags"]
    return replace(
        found,
        ip_id=int(groups["id"]),
        fragment_offset=int(groups["offset"]),
        dont_fragment="DF" in marks,
        more_fragments="+" in marks,
    )


def _protocol(rest: str) -> str | None:
    if _TCP.match(rest):
        return "tcp"
    if rest.startswith("ICMP6") or " ICMP6," in rest[:40]:
        return "icmp6"
    if rest.startswith("ICMP "):
        return "icmp"
    if rest.startswith(
        ("igmp", "gre", "ESP", "AH", "OSPF", "VRRP", "PIM", "GREv", "ip-proto", "no next", "tcp", "HBH")
    ):
        return None
    return (
        "udp"
        if rest.startswith(("UDP", "[", "BOOTP", "NTP", "dhcp6"))
        or re.match(r"\d+[+*\[ ]|SIP|RADIUS|SNMP", rest)
        or "domain" in rest
        else None
    )


def _endpoint(text: str, has_port: bool) -> tuple[str, int | str | None]:
    """``192.0.2.1.80`` is an address and a port, ``h1.example.http`` a name and a service."""
    host, dot, port = text.rpartition(".")
    is_v4_only = bool(re.fullmatch(r"\d+\.\d+\.\d+\.\d+", text))
    if not dot or (is_v4_only and not has_port) or (not has_port and canonical(host) is None):
        return _host(text), None
    if is_v4_only:
        return _host(text), None
    return _host(host), int(port) if port.isdigit() and len(port) < 6 else port


def _tcp(found: Told, flags: str, rest: str) -> Told:
    return replace(
        found,
        flags="" if flags == "none" else flags,
        seq=_int("seq", rest),
        ack=_int("ack", rest),
        window=_int("window", rest),
        length=_first_length(rest),
    )


def _first_length(rest: str) -> int | None:
    match = _NUMBER["length"].search(rest)
    return int(match.group(1)) if match else None


def _icmp(found: Told, rest: str) -> Told:
    said = re.sub(r"^(?:\[[^\]]*\] )?(?:ICMP6, |ICMP )", "", rest)
    echo = _ECHO.search(said) if "echo" in said else None
    found = replace(
        found,
        length=_first_length(said),
        icmp_id=int(echo.group("id")) if echo else None,
        icmp_seq=int(echo.group("seq")) if echo else None,
    )
    for kind, code, pattern in _ICMP4 if found.protocol == "icmp" else _ICMP6:
        if match := pattern.match(said):
            groups = match.groupdict()
            about = groups.get("about") or ((wanted := _WANTED.search(said)) and wanted.group("about")) or None
            return replace(
                found,
                icmp_type=kind,
                icmp_code=code,
                about=_host(about) if about else None,
                mtu=int(groups["mtu"]) if groups.get("mtu") else None,
                gateway=_host(groups["gateway"]) if groups.get("gateway") else None,
            )
    return found
