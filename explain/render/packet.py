"""One frame field by field: as text for a person, as JSON for a program."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from explain.decode.dissect.field import IN_HEX
from explain.model import Line
from explain.plain_data import json_text
from explain.render.layout import WIDTH, wrap
from explain.render.packet_exchanges import causes
from explain.words import has, say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from explain.decode.dissect.field import Field, Layer, Sum
    from explain.exchanges.closeup import Membership, Neighbour, Recorded
    from explain.model import Finding

SCHEMA = "explain-packet/1"
_TITLES = {
    "eth": "Ethernet", "vlan": "802.1Q", "ieee8021ad": "802.1ad", "llc": "LLC", "stp": "STP",
    "eapol": "EAPOL", "eap": "EAP", "sll": "Linux cooked capture", "null": "BSD loopback",
    "ppp": "PPP", "chdlc": "Cisco HDLC", "pppoe": "PPPoE", "mpls": "MPLS", "arp": "ARP", "ip": "IPv4", "ipv6": "IPv6",
    "ipv6.hopopts": "IPv6 hop-by-hop options", "ipv6.dstopts": "IPv6 destination options",
    "ipv6.routing": "IPv6 routing header", "ipv6.fraghdr": "IPv6 fragment header", "ah": "AH", "tcp": "TCP",
    "udp": "UDP", "icmp": "ICMP", "icmpv6": "ICMPv6", "icmp-extension": "ICMP extension",
    "dns": "DNS", "dhcp": "DHCP",
    "dhcpv6": "DHCPv6", "http": "HTTP", "tls": "TLS", "igmp": "IGMP", "gre": "GRE", "vxlan": "VXLAN",
    "geneve": "Geneve", "gtp": "GTP-U", "teredo": "Teredo", "lldp": "LLDP", "ospf": "OSPF",
}  # fmt: skip
_OCTETS_SHOWN = 8
_BITS_SHOWN = 16
_NO_DHCP_OPTIONS = ("dhcp.option.end", "dhcp.option.padding")
_NO_CLAIM = ("ip.flags.rb",)  # flags that say nothing when they are set
_SECOND_NS = 1_000_000_000


def text(
    frame: Recorded, layers: Sequence[Layer], copies: Sequence[tuple[int, str | None]], belongs: Iterable[str],
    path: str, language: str, *, verbose: bool = False,
) -> str:  # fmt: skip
    """The page, ending in a line break.

    Args:
        frame: as it was recorded.
        layers: what it says.
        copies: the frames of the same packet and their places.
        belongs: the rows about its exchanges.
        path: of the file.
        language: of the sentences.
        verbose: show the arithmetic of checksums.
    """

    def said(message: str, **values: Any) -> str:
        return say(f"packet.{message}", values, language)

    rows = [said("title", frame=frame.number, path=path)]
    sizes = {"length": frame.length, "captured": len(frame.octets)}
    if frame.time_ns is None:
        when = said("when-unknown", **sizes)
    else:
        when = said("when", time=_time(frame.time_ns), elapsed_ns=frame.elapsed_ns, **sizes)
    rows += [f"  {row}" for row in wrap(when, WIDTH - 2)]
    rows += [f"  {said('place', place=frame.place)}"] if frame.place else []
    for comment in frame.comments:
        rows += [f"  {row}" for row in wrap(said("comment", text=comment), WIDTH - 2)]
    if copies:
        frames = [
            Line("packet.copy-at" if place else "packet.copy", {"frame": other, "place": place})
            for other, place in copies
        ]
        rows += [f"  {row}" for row in wrap(said("elsewhere", frames=frames), WIDTH - 2)]
    for layer in layers:
        rows += ["", *_layer(layer, frame.octets, language, verbose=verbose)]
    rows += belongs
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _layer(layer: Layer, octets: bytes, language: str, *, verbose: bool) -> Iterator[str]:
    name = _TITLES.get(layer.name, layer.name)
    first, last = layer.offset, layer.offset + max(layer.size, 1) - 1
    values = {"name": name, "first": first, "last": last}
    yield say("packet.quoted" if layer.is_quoted else "packet.layer", values, language)
    told: set[str] = set()
    for field in layer.fields:
        yield from _field(field, layer, octets, language, verbose=verbose, is_new=field.name not in told)
        told.add(field.name)
    if layer.is_cut:
        yield f"       {say('packet.cut', {}, language)}"


def _field(field: Field, layer: Layer, octets: bytes, language: str, *, verbose: bool, is_new: bool) -> Iterator[str]:
    """A field with its octets; what it is for is said where it comes up first."""
    raw = octets[field.offset : field.offset + field.size]
    shown = _bits(field, raw) if field.bits else _octets(raw)
    value = _value(field)
    word = f" ({visible(field.says)})" if field.says else ""
    if display := f"{value}{word}".strip():
        display = f" = {display}"
    for number, row in enumerate(wrap(f"{field.name}{display}", WIDTH - 34)):
        yield f"{field.offset:>5}  {shown:<23}    {row}" if number == 0 else f"{'':34}{row}"
    if about := _about(field, layer, language, is_new=is_new):
        yield from (f"       {row}".rstrip() for row in wrap(about, WIDTH - 9))
    if verbose:
        for one in layer.sums:
            if one.name == field.name and one.expected is not None:
                yield from (f"         {row}" for row in wrap(_arithmetic(one, language), WIDTH - 11))


def _about(field: Field, layer: Layer, language: str, *, is_new: bool) -> str:
    """What it is for, and behind it what this value means."""
    purpose = (_purpose(field, language) or "") if is_new else ""
    meaning = _meaning(field, language)
    for one in layer.sums:
        if one.name == field.name:
            meaning = _verdict(one, language)
    is_flag = field.bits is not None and field.bits[1] == 1 and field.name not in _NO_CLAIM
    if purpose and is_flag and not field.value and not meaning:
        return say("packet.unset", {"purpose": purpose}, language)
    if not purpose:
        return meaning or ""
    return say("packet.here", {"purpose": purpose, "meaning": meaning}, language) if meaning else purpose


def _octets(raw: bytes) -> str:
    text = raw[:_OCTETS_SHOWN].hex(" ")
    return f"{text[:-3]}.." if len(raw) > _OCTETS_SHOWN else text


def _bits(field: Field, raw: bytes) -> str:
    """The field's own bits among dots, in groups of four."""
    first, count = field.bits or (0, 0)
    width = field.size * 8
    if count > _BITS_SHOWN:
        return _digits(raw, first, count)
    digits = f"{int.from_bytes(raw, 'big'):0{width}b}"
    shown = "".join(digit if first <= at < first + count else "." for at, digit in enumerate(digits))
    skip = 16 if width > 16 and first >= 16 else 0
    shown = shown[skip : skip + 16] if width > 16 else shown
    return " ".join(shown[at : at + 4] for at in range(0, len(shown), 4))


def _digits(raw: bytes, first: int, count: int) -> str:
    """The same for a long field, four bits to a hexadecimal digit."""
    digits = (digit if first <= 4 * at < first + count else "." for at, digit in enumerate(raw.hex()))
    shown = "".join(digits)
    return " ".join(shown[at : at + 2] for at in range(0, len(shown), 2))


def _value(field: Field) -> str:
    if isinstance(field.value, int) and field.name.endswith(IN_HEX):
        return f"0x{field.value:0{field.size * 2}x}"
    return visible(str(field.value))


def _key(name: str) -> str:
    return name.replace(".", "-").replace("_", "-")


def _purpose(field: Field, language: str) -> str | None:
    if field.name.startswith("dhcp.option.") and field.name not in _NO_DHCP_OPTIONS:
        message = f"dhcp_options.{field.name.removeprefix('dhcp.option.')}"
        return say(message if has(message) else "packet.for.dhcp-option", {}, language)
    message = f"packet.for.{_key(field.name)}"
    return say(message, {}, language) if has(message) else None


def _meaning(field: Field, language: str) -> str | None:
    if not field.means:
        return None
    return say(f"packet.means.{field.means[0]}", field.means[1], language)


def _verdict(one: Sum, language: str) -> str:
    expected = None if one.expected is None else f"0x{one.expected:04x}"
    return say(f"packet.sum-{one.verdict}", {"expected": expected}, language)


def _arithmetic(one: Sum, language: str) -> str:
    """The sum of the words, its carries added back, all bits turned over (RFC 1071)."""
    parts = dict(one.parts)
    total = sum(parts.values())
    folded = total
    while folded >> 16:
        folded = (folded & 0xFFFF) + (folded >> 16)
    pseudo = say("packet.pseudo", {"sum": f"0x{parts['pseudo']:x}"}, language) if "pseudo" in parts else ""
    values = {
        "words": f"0x{parts['words']:x}", "pseudo": pseudo, "folded": f"0x{folded:04x}",
        "expected": f"0x{folded ^ 0xFFFF:04x}", "found": f"0x{one.found:04x}",
    }  # fmt: skip
    return say("packet.arithmetic", values, language)


def _time(time_ns: int) -> str:
    when = datetime.fromtimestamp(time_ns // _SECOND_NS, UTC)
    return f"{when:%Y-%m-%d %H:%M:%S}.{time_ns % _SECOND_NS:09d}"


def as_json(
    frame: Recorded, layers: Sequence[Layer], copies: Sequence[tuple[int, str | None]], members: Sequence[Membership],
    findings: Sequence[Finding], path: str, language: str,
) -> str:  # fmt: skip
    """The same as one JSON object: names and values, prose under ``for`` and ``means``."""
    content = {
        "schema": SCHEMA,
        "path": path,
        "frame": frame.number,
        "time_ns": frame.time_ns,
        "interface": frame.interface,
        "place": frame.place,
        "link_type": frame.link_type,
        "length": frame.length,
        "captured": len(frame.octets),
        "comments": list(frame.comments),
        "copies": [other for other, _ in copies],
        "layers": [_layer_json(layer, frame.octets, language) for layer in layers],
        "exchanges": [_member_json(one, findings) for one in members],
    }
    return f"{json_text(content)}\n"


def _layer_json(layer: Layer, octets: bytes, language: str) -> dict[str, Any]:
    return {
        "name": layer.name,
        "title": _TITLES.get(layer.name, layer.name),
        "offset": layer.offset,
        "size": layer.size,
        "is_quoted": layer.is_quoted,
        "is_cut": layer.is_cut,
        "fields": [
            {
                "name": field.name,
                "offset": field.offset,
                "size": field.size,
                "bits": list(field.bits) if field.bits else None,
                "raw": octets[field.offset : field.offset + field.size].hex(),
                "value": field.value,
                "says": field.says,
                "for": _purpose(field, language),
                "means": _meaning(field, language),
            }
            for field in layer.fields
        ],
        "checksums": [
            {"name": one.name, "found": one.found, "expected": one.expected, "verdict": one.verdict,
             "parts": dict(one.parts)}
            for one in layer.sums
        ],
    }  # fmt: skip


def _member_json(one: Membership, findings: Sequence[Finding]) -> dict[str, Any]:
    exchange = one.exchange
    return {
        "id": exchange.id, "kind": exchange.kind, "outcome": exchange.outcome, "position": one.position,
        "count": one.count, "before": _neighbour_json(one.before), "after": _neighbour_json(one.after),
        "causes": [finding.cause for finding in causes(one, findings)],
    }  # fmt: skip


def _neighbour_json(one: Neighbour | None) -> dict[str, int | None] | None:
    return {"frame": one.frame, "gap_ns": one.gap_ns} if one else None
