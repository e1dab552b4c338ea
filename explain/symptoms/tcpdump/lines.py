"""tcpdump's lines cut into packets: when, on which interface, with which MACs; the rest is for ``packets``.

With any of ``-n -e -t -tt -ttt -tttt -v -vv -x -X -S -l -# -i any``, of tcpdump 4.9 to 4.99.  What an option leaves out is
None, that is unknown: the MACs without ``-e``, the time with ``-t``, TTL and IP id without ``-v``.

Source: tcpdump(1), the section "Output format".
"""

# ruff: noqa: E501 - one form of output a row reads better than a pattern in pieces

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_PACKETS = 100_000
_MOST_LINES_EACH = 600

_CLOCK = re.compile(r"(?:(?P<date>\d{4}-\d\d-\d\d) )?(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)\.(?P<f>\d{6}|\d{9}) ")
_EPOCH = re.compile(r"(?P<s>\d{1,11})\.(?P<f>\d{6}|\d{9}) ")
_DELTA = re.compile(r" -?(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)\.(?P<f>\d{6}|\d{9}) ")
_PLACE = re.compile(
    r"(?:(?P<interface>[\w.@-]{1,32}) {1,8})?(?P<direction>In|Out|M|B|P|\?) {1,4}(?=ifindex |ethertype |IP6? |ARP|[0-9a-f]{2}:|\S)"
)
_OLD_PLACE = re.compile(r" {0,2}(?:In|Out|M|B|P) (?=[0-9a-f]{2}:|ethertype )")  # 4.9 with -e -t on any
_INDEX = re.compile(r"ifindex (?P<index>\d{1,9}) ")
_MAC = r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"
_OUI = r"(?: \(oui [^)]*\)| \(Broadcast\)| \([^)]*\))?"
_LINK = re.compile(rf"(?P<src>{_MAC}){_OUI} > (?P<dst>{_MAC}|Broadcast){_OUI}, ")
_COOKED = re.compile(rf"(?:(?P<src>{_MAC}){_OUI} )?(?=ethertype )")
_TYPE = re.compile(
    r"(?:ethertype (?P<name>[\w. /-]{1,32}|Unknown) \((?P<number>0x[0-9a-f]{4})\)|802\.3), length (?P<length>\d{1,9}): "
)
_VLAN = re.compile(
    r"vlan (?P<vlan>\d{1,4}), p \d(?:, DEI)?, (?:ethertype (?P<name>[\w. /-]{1,32}) \((?P<number>0x[0-9a-f]{4})\),? ?(?:length \d+: )?)?"
)
_HEX = re.compile(r"\s+0x(?P<offset>[0-9a-f]{4,8}):  (?P<octets>(?:(?:[0-9a-f]{2}){1,2} ?){1,8})")
_NUMBER = re.compile(r"(?: {0,4}\d{1,5}|\d{6,10})  (?=\S| \d\d:)")  # of -#, five wide
_START = re.compile(r"(?:IP6? |IP6?$|ARP, |[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2} )")
_NOISE = re.compile(
    r"tcpdump: |listening on |reading from |dropped privs|\d+ packets? (?:captured|received by filter|dropped by)|Warning: |verbose output suppressed"
)


@dataclass(frozen=True, slots=True)
class PacketText:
    """One packet as tcpdump told it.

    Attributes:
        line: number of its first line, from 1.
        time_ns: since 1970 (``epoch``, ``date``: local time taken as UTC), since midnight (``clock``), since the packet
            before (``delta``); None with ``-t``.
        time_form: which of these.
        interface, direction: of ``-i any``.
        src_mac, dst_mac, ethertype, vlans, link_length: of ``-e``; octets on the wire.
        body: the text of the network layer, with ``-v``'s second line joined.
        more: further lines (quoted packets, options), without their indentation.
        octets: what ``-x`` or ``-X`` shows, from the network layer on (with ``-xx`` from the link layer on).
    """

    line: int
    time_ns: int | None
    time_form: str | None
    interface: str | None
    direction: str | None
    src_mac: str | None
    dst_mac: str | None
    ethertype: int | None
    vlans: tuple[int, ...]
    link_length: int | None
    body: str
    more: tuple[str, ...] = ()
    octets: bytes | None = None


def read_packets(lines: Sequence[str]) -> tuple[PacketText, ...]:
    """The packets of a listing, in order; at most 100,000. Lines of other kinds are left out."""
    found: list[PacketText] = []
    for number, head, rest in _records([_unnumbered(line) for line in lines]):
        packet = _packet(number, head, rest)
        if packet is not None:
            found.append(packet)
        if len(found) >= _MOST_PACKETS:
            break
    return tuple(found)


def _records(lines: Sequence[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Each first line with the indented lines that belong to it."""
    at = 0
    while at < len(lines):
        head, number = lines[at], at + 1
        at += 1
        if not _is_head(head):
            continue
        rest: list[str] = []
        while (
            at < len(lines)
            and lines[at][:1] in ("\t", " ")
            and not (_DELTA.match(lines[at]) or _OLD_PLACE.match(lines[at]))
        ):
            if len(rest) < _MOST_LINES_EACH:
                rest.append(lines[at])
            at += 1
        yield number, head, rest


_PLACE_TOLD = re.compile(r"(?:tcpdump: )?listening on ([\w.@-]{1,32})(?:,| \()")


def place_told(text: str) -> str | None:
    """The interface that tcpdump says it listens on; None in all other lines, and for all of them at once."""
    found = _PLACE_TOLD.match(text)
    return found.group(1) if found and found.group(1) != "any" else None


def begins_a_listing(text: str) -> bool:
    """Whether tcpdump says this before its first packet."""
    return text.startswith(("tcpdump: verbose output", "tcpdump: listening on", "listening on ", "reading from file"))


def is_talk(text: str) -> bool:
    """Whether a line is tcpdump about itself, not about a packet."""
    return bool(_NOISE.match(text))


_SURE = re.compile(
    r"(?:(?:[\w.@-]{1,32} {1,8})?(?:In|Out|M|B|P) {1,4}(?:ifindex \d+ )?)?"
    rf"(?:IP6? |ARP, |{_MAC}{_OUI} (?:> (?:{_MAC}|Broadcast)|ethertype)|ethertype |STP |LLDP|IPv6 |UDP|EAPOL|Loopback|PPPoE|LACP|CDPv)"
)


def _unnumbered(text: str) -> str:
    """A packet's first line without the number that ``-#`` puts before it."""
    number = _NUMBER.match(text)
    return text[number.end() :] if number and _is_head(text[number.end() :]) else text


def is_packet(text: str) -> bool:
    """Whether a line that nothing announces is surely the first one of a packet."""
    text = _unnumbered(text)
    _, form, at = _time(text)
    if form is None and at == 0 and not re.match(r"(?:IP6? .* > .*:|ARP, (?:Ethernet|Request|Reply))", text):
        return bool(
            re.match(rf" {{0,2}}(?:(?:In|Out|M|B|P) )?{_MAC}{_OUI} (?:> (?:{_MAC}|Broadcast){_OUI}, )?ethertype ", text)
        )
    return form is None or bool(_SURE.match(text[at:].lstrip()))


def _is_head(text: str) -> bool:
    if _NOISE.match(text):
        return False
    return any(form.match(text) for form in (_CLOCK, _EPOCH, _DELTA, _START, _PLACE, _OLD_PLACE))


def _time(text: str) -> tuple[int | None, str | None, int]:
    """Nanoseconds, their form, and where the time ends."""
    if match := _CLOCK.match(text) or _DELTA.match(text):
        seconds = int(match.group("h")) * 3600 + int(match.group("m")) * 60 + int(match.group("s"))
        nanoseconds = seconds * 10**9 + int(match.group("f").ljust(9, "0"))
        date = match.groupdict().get("date")
        if date:
            return _days(date) * 86_400 * 10**9 + nanoseconds, "date", match.end()
        return nanoseconds, "delta" if match.re is _DELTA else "clock", match.end()
    if match := _EPOCH.match(text):
        return int(match.group("s")) * 10**9 + int(match.group("f").ljust(9, "0")), "epoch", match.end()
    return None, None, 0


def _days(date: str) -> int:
    from datetime import date as calendar

    try:
        return (calendar.fromisoformat(date) - calendar(1970, 1, 1)).days
    except ValueError:
        return 0


def _packet(number: int, head: str, rest: list[str]) -> PacketText | None:
    time_ns, form, at = _time(head)
    text = head[at:].lstrip()
    place = _PLACE.match(text)
    if place and (place.group("interface") or place.group("direction") not in ("M", "B", "P", "?")):
        text = text[place.end() :]
    else:
        place = None
    if index := _INDEX.match(text):
        text = text[index.end() :]
    link = _LINK.match(text) or _COOKED.match(text)
    if link:
        text = text[link.end() :]
    ethertype, vlans, length, text = _type(text)
    if link is None and ethertype is None and time_ns is None and place is None and not _START.match(text):
        return None
    body, more, octets = _rest(text, rest)
    groups = link.groupdict() if link else {}
    destination = groups.get("dst")
    return PacketText(
        line=number,
        time_ns=time_ns,
        time_form=form,
        interface=place.group("interface") if place else None,
        direction=place.group("direction") if place else None,
        src_mac=groups.get("src"),
        dst_mac="ff:ff:ff:ff:ff:ff" if destination == "Broadcast" else destination,
        ethertype=ethertype,
        vlans=vlans,
        link_length=length,
        body=body,
        more=more,
        octets=octets,
    )


def _type(text: str) -> tuple[int | None, tuple[int, ...], int | None, str]:
    """EtherType (the innermost), VLAN ids, length of the frame, and what follows."""
    kind = _TYPE.match(text)
    if kind is None:
        return None, (), None, text
    ethertype = int(kind.group("number"), 16) if kind.group("number") else None
    length, text = int(kind.group("length")), text[kind.end() :]
    vlans: list[int] = []
    while (vlan := _VLAN.match(text)) and len(vlans) < 8:
        vlans.append(int(vlan.group("vlan")))
        ethertype = int(vlan.group("number"), 16) if vlan.group("number") else ethertype
        text = text[vlan.end() :]
    return ethertype, tuple(vlans), length, text


def _rest(text: str, rest: list[str]) -> tuple[str, tuple[str, ...], bytes | None]:
    """The body with the second line of ``-v``, the further lines, and the octets of a dump."""
    octets = bytearray()
    more: list[str] = []
    for line in rest:
        dump = _HEX.match(line)
        offset = int(dump.group("offset"), 16) if dump else -1
        if dump and offset in (0, len(octets)):
            octets = octets if offset else bytearray()  # an option's own dump comes before that of the packet
            octets += bytes.fromhex(dump.group("octets").replace(" ", ""))
        elif not dump:
            more.append(line.strip())
    if more and text.rstrip().endswith(")") and re.match(r"(?:IP )?\(tos ", text):
        text = f"{text.rstrip()} {more.pop(0)}"
    return text.strip(), tuple(more), bytes(octets) if octets else None
