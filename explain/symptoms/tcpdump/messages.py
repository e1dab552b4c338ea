"""The messages of DNS, DHCP, HTTP and router discovery as tcpdump prints them, written as octets again.

Only what the line says is written; a message whose type is not told (DHCP without ``-v``) is left out. An answer of DNS
does not repeat its question unless asked to, so the question is remembered by its number.

Source: tcpdump(1); RFC 1035, section 4; RFC 2131, section 2; RFC 2132; RFC 4861, section 4.
"""

# ruff: noqa: E501 - one form of output a row reads better than a pattern in pieces

from __future__ import annotations

import re
import struct
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.symptoms.tcpdump.lines import PacketText
    from explain.symptoms.tcpdump.packets import Told

_MOST_ANSWERS = 60
_MOST_QUESTIONS = 10_000
_MOST_LINES = 200
_DNS_PORTS = {53, "domain", 5353, "mdns", 5355}
_TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
          "NAPTR": 35, "DS": 43, "SIG": 24, "KEY": 25, "NXT": 30, "SSHFP": 44, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "SVCB": 64, "HTTPS": 65, "URI": 256, "ANY": 255}  # fmt: skip
_RCODES = {"FormErr": 1, "ServFail": 2, "NXDomain": 3, "NotImp": 4, "Refused": 5, "YXDomain": 6}
_OF_NAMES = ("CNAME", "NS", "PTR")
_SUM = re.compile(r"^\[[^\]]{1,60}\] ")
_QUERY = re.compile(
    r"(?P<id>\d{1,5})(?P<marks>[+%]*) (?:\[[^\]]{1,60}\] )*(?P<type>[A-Za-z0-9]{1,12})(?: \(Q[MU]\))?\? (?P<name>\S{1,255})"
)
_ANSWER = re.compile(
    rf"(?P<id>\d{{1,5}})(?: (?P<rcode>{'|'.join(_RCODES)}))?(?P<marks>[*|$-]*) (?:\[[^\]]{{1,60}}\] )?"
    r"(?:q: (?P<type>[A-Za-z0-9]{1,12})(?: \(Q[MU]\))?\? (?P<name>\S{1,255}) )?(?P<count>\d{1,5})/\d{1,5}/\d{1,5}(?: (?P<records>.*))?"
)
_RECORD = re.compile(
    r"(?:(?P<owner>\S{1,255}) )?(?:\(Cache flush\) )?(?:\[[^\]]{1,20}\] )?(?P<type>[A-Z][A-Za-z0-9]{0,11})(?: (?P<data>\S{1,255}))?(?: (?P<more>\d+))?"
)
_HTTP = re.compile(r"HTTP: (?P<line>(?:[A-Z]{2,12} \S{1,1000} HTTP/1\.[01]|HTTP/1\.[01] \d{3}.{0,100}))")
_HTTP_LINE = re.compile(r"[A-Z]{2,12} \S{1,4000} HTTP/1\.[01]|HTTP/1\.[01] \d{3}")
_XID = re.compile(r"\bxid 0x([0-9a-f]{1,8})")
_SECONDS = re.compile(r"\bsecs (\d{1,5})")
_FIELD = re.compile(r"(?P<name>Client|Your|Server|Gateway)-IP (?P<address>[\d.]{7,15})")
_HARDWARE = re.compile(r"Client-Ethernet-Address ((?:[0-9a-f]{2}:){5}[0-9a-f]{2})")
_OPTION = re.compile(
    r"[\w/.+-]{1,60}(?: Option (?P<old>\d{1,3})| \((?P<number>\d{1,3})\)), length (?P<length>\d{1,3}):? ?(?P<value>.*)"
)
_MESSAGES = {
    "discover": 1,
    "offer": 2,
    "request": 3,
    "decline": 4,
    "ack": 5,
    "nack": 6,
    "nak": 6,
    "release": 7,
    "inform": 8,
    "leasequery": 10,
    "leaseunassigned": 11,
    "leaseunknown": 12,
    "leaseactive": 13,
}
_ADDRESSES, _LONG, _SHORT, _TEXTS = {1, 3, 6, 28, 42, 50, 54}, {51, 58, 59}, {26, 57}, {12, 15, 56, 60}
_LINK_OPTION = re.compile(
    r"(?P<which>source|destination) link-address option \((?P<number>[12])\).*?: (?P<mac>(?:[0-9a-f]{2}:){5}[0-9a-f]{2})"
)
_PREFIX = re.compile(
    r"prefix info option \(3\).*?: (?P<prefix>[0-9a-f:]{2,39})/(?P<size>\d{1,3}), Flags \[(?P<flags>[^\]]*)\], valid time (?P<valid>\w+), pref\. time (?P<preferred>\w+)"
)
_MTU = re.compile(r"mtu option \(5\).*?: +(?P<mtu>\d{1,10})")
_ROUTER = re.compile(
    r"hop limit (?P<hops>\d{1,3}), Flags \[(?P<flags>[^\]]*)\](?:, pref \w+)?, router lifetime (?P<life>\d{1,5})s, reachable time (?P<reachable>\d{1,10})(?:ms|s), retrans (?:timer|time) (?P<retrans>\d{1,10})(?:ms|s)"
)


class Messages:
    """What the packets of one listing carry; it remembers the questions of DNS."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str | None, str | None, int], tuple[str, str]] = {}

    def octets(self, packet: PacketText, told: Told) -> bytes:
        """The payload of UDP or TCP, or what follows ICMPv6's first four octets; empty where the line shows none."""
        rest = _SUM.sub("", told.rest or "")
        if told.protocol == "udp" and not told.fragment_offset:
            if "BOOTP/DHCP" in rest[:40]:
                return _dhcp(rest, packet.more)
            if _DNS_PORTS & {told.src_port, told.dst_port}:
                return self._dns(told, rest)
        if told.protocol == "tcp" and told.length:
            return _http(rest, packet.more, told.length)
        if told.protocol == "icmp6" and told.icmp_type in (133, 134, 135, 136):
            return _discovery(told, packet.more)
        return b""

    def _dns(self, told: Told, rest: str) -> bytes:
        if answer := _ANSWER.match(rest):
            number = int(answer["id"]) & 0xFFFF
            asked = (
                (answer["type"], answer["name"]) if answer["name"] else self._asked.get((told.dst, told.src, number))
            )
            return _dns_answer(answer, number, asked)
        if query := _QUERY.match(rest):
            number = int(query["id"]) & 0xFFFF
            if len(self._asked) < _MOST_QUESTIONS:
                self._asked[told.src, told.dst, number] = (query["type"], query["name"])
            name = _Names()
            head = struct.pack(">HHHHHH", number, 0x0100 if "+" in query["marks"] else 0, 1, 0, 0, 0)
            return head + name.write(query["name"], 12) + struct.pack(">HH", _type(query["type"]), 1)
        return b""


def _type(name: str) -> int:
    if name.startswith(("Type", "TYPE")) and name[4:].isdigit():
        return int(name[4:]) & 0xFFFF
    return _TYPES.get(name.upper(), 65_280)  # for private use: RFC 6895, section 3.1


class _Names:
    """Names of one message; one that was written before becomes a pointer (RFC 1035, section 4.1.4)."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def write(self, name: str, at: int) -> bytes:
        octets = b""
        rest = name.rstrip(".").casefold()
        labels = rest.split(".") if rest else []
        while labels:
            whole = ".".join(labels)
            if whole in self._places:
                return octets + struct.pack(">H", 0xC000 | self._places[whole])
            if at + len(octets) < 0x3FFF:
                self._places[whole] = at + len(octets)
            label = labels.pop(0).encode("utf-8", "replace")[:63] or b"_"
            octets += bytes((len(label),)) + label
        return octets + b"\0"


def _dns_answer(answer: re.Match[str], number: int, asked: tuple[str, str] | None) -> bytes:
    names = _Names()
    body = b""
    if asked:
        body = names.write(asked[1], 12) + struct.pack(">HH", _type(asked[0]), 1)
    records = 0
    for text in (
        (answer["records"] or "")
        .split(" ns: ")[0]
        .split(" ar: ")[0]
        .split(", ")[: min(int(answer["count"]), _MOST_ANSWERS)]
    ):
        record = _RECORD.match(text.strip())
        if record is None:
            break
        owner = record["owner"] or (asked[1] if asked else "")
        body += _record(names, owner, record, 12 + len(body))
        records += 1
    marks = answer["marks"]
    flags = 0x8100 | _RCODES.get(answer["rcode"] or "", 0)
    flags |= 0x0400 if "*" in marks else 0
    flags |= 0x0200 if "|" in marks else 0
    flags |= 0 if "-" in marks else 0x0080
    return struct.pack(">HHHHHH", number, flags, 1 if asked else 0, records, 0, 0) + body


def _record(names: _Names, owner: str, record: re.Match[str], at: int) -> bytes:
    head = names.write(owner, at)
    kind, shown = record["type"], record["data"] or ""
    data = b""
    if kind in ("A", "AAAA"):
        data = _address(shown, 4 if kind == "A" else 16)
    elif kind in _OF_NAMES:
        data = names.write(shown, at + len(head) + 10)
    elif kind == "MX":
        data = struct.pack(">H", int(record["more"] or 0) & 0xFFFF) + names.write(shown, at + len(head) + 12)
    return head + struct.pack(">HHIH", _type(kind), 1, 0, len(data)) + data


def _address(text: str, size: int) -> bytes:
    try:
        octets = ip_address(text).packed
    except ValueError:
        return b""
    return octets if len(octets) == size else b""


def _http(rest: str, more: tuple[str, ...], size: int) -> bytes:
    """A head, or its first line where the line shows no more; nothing of the content."""
    if first := _HTTP.search(rest):
        return f"{first['line']}\r\n".encode("utf-8", "replace")
    if not re.search(r"\bHTTP, length: \d+", rest) or not more or not _HTTP_LINE.match(more[0]):
        return b""
    lines = [*more[:_MOST_LINES], ""]
    lines = lines[: lines.index("")]
    head = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")
    is_ended = len(head) + 2 <= size  # the empty line at the end is often lost when text is copied
    return head + b"\r\n" if is_ended else head


def _dhcp(rest: str, more: tuple[str, ...]) -> bytes:
    """The message with the options that are told; empty without ``-v``, for then its type and number are unknown."""
    xid = _XID.search(rest)
    options = b"".join(_dhcp_option(line) for line in more[:_MOST_LINES])
    if xid is None or not options:
        return b""
    said = "\n".join((rest, *more[:_MOST_LINES]))
    places = {found["name"]: _address(found["address"], 4) or bytes(4) for found in _FIELD.finditer(said)}
    hardware = _HARDWARE.search(said)
    seconds = _SECONDS.search(rest)
    head = struct.pack(">BBBBIHH", 1 if "Request" in rest[:40] else 2, 1, 6, 0, int(xid[1], 16),
                       int(seconds[1]) & 0xFFFF if seconds else 0, 0x8000 if "Flags [Broadcast]" in rest else 0)  # fmt: skip
    head += b"".join(places.get(name, bytes(4)) for name in ("Client", "Your", "Server", "Gateway"))
    mac = bytes.fromhex(hardware[1].replace(":", "")) if hardware else bytes(6)
    asked = _requested(more)
    return head + mac + bytes(10 + 64 + 128) + b"\x63\x82\x53\x63" + options + asked + b"\xff"


def _dhcp_option(line: str) -> bytes:
    found = _OPTION.match(line)
    if found is None:
        return b""
    number, value = int(found["number"] or found["old"]), found["value"].strip()
    data = b""
    if number == 53:
        data = bytes((_MESSAGES.get(value.casefold(), 254),))
    elif number in _ADDRESSES:
        data = b"".join(_address(each, 4) for each in value.split(",")[:60])
    elif number in _LONG and value.isdigit():
        data = struct.pack(">I", int(value) & 0xFFFFFFFF)
    elif number in _SHORT and value.isdigit():
        data = struct.pack(">H", int(value) & 0xFFFF)
    elif number in _TEXTS and value.startswith('"'):
        data = value.strip('"').encode("utf-8", "replace")[:255]
    return bytes((number, len(data))) + data if data and number < 255 else b""


def _requested(more: tuple[str, ...]) -> bytes:
    """Option 55: the numbers of the lines below it."""
    for at, line in enumerate(more[:_MOST_LINES]):
        if not line.startswith("Parameter-Request"):
            continue
        numbers = b""
        for row in more[at + 1 : at + 40]:
            if ", length " in row:
                break
            numbers += bytes(int(each) & 255 for each in re.findall(r"\((\d{1,3})\)", row))
        return bytes((55, len(numbers[:255]))) + numbers[:255] if numbers else b""
    return b""


def _discovery(told: Told, more: tuple[str, ...]) -> bytes:
    """What follows the first four octets: fixed fields and the options that are told."""
    lines = more[:_MOST_LINES]
    options = b"".join(_discovery_option(line) for line in lines)
    if told.icmp_type == 134:
        found = next((match for line in lines if (match := _ROUTER.search(line))), None)
        if found is None:
            return b""
        flags = (0x80 if "managed" in found["flags"] else 0) | (0x40 if "other" in found["flags"] else 0)
        fixed = struct.pack(">BBHII", int(found["hops"]) & 255, flags, int(found["life"]) & 0xFFFF,
                            int(found["reachable"]) & 0xFFFFFFFF, int(found["retrans"]) & 0xFFFFFFFF)  # fmt: skip
        return fixed + options
    return options


def _discovery_option(line: str) -> bytes:
    if link := _LINK_OPTION.search(line):
        return bytes((int(link["number"]), 1)) + bytes.fromhex(link["mac"].replace(":", ""))
    if mtu := _MTU.search(line):
        return struct.pack(">BBHI", 5, 1, 0, int(mtu["mtu"]) & 0xFFFFFFFF)
    if prefix := _PREFIX.search(line):
        flags = (0x80 if "onlink" in prefix["flags"] else 0) | (0x40 if "auto" in prefix["flags"] else 0)
        times = [_seconds(prefix["valid"]), _seconds(prefix["preferred"])]
        address = _address(prefix["prefix"], 16) or bytes(16)
        return struct.pack(">BBBBIII", 3, 4, int(prefix["size"]) & 255, flags, *times, 0) + address
    return b""


def _seconds(text: str) -> int:
    number = text.rstrip("s")
    return min(int(number), 0xFFFFFFFF) if number.isdigit() and len(number) < 12 else 0xFFFFFFFF
