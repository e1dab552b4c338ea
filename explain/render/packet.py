"""One frame field by field: as text for a person, as JSON for a program."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from explain.decode.dissect.field import IN_HEX
from explain.model import Line
from explain.plain_data import json_text
from explain.render.layout import WIDTH, display_width, wrap
from explain.render.packet_exchanges import causes
from explain.words import has, say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

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
    "dns": "DNS", "dhcp": "DHCP", "nbns": "NetBIOS names",
    "dhcpv6": "DHCPv6", "http": "HTTP", "tls": "TLS", "igmp": "IGMP", "gre": "GRE", "vxlan": "VXLAN",
    "geneve": "Geneve", "gtp": "GTP-U", "teredo": "Teredo", "quic": "QUIC", "lldp": "LLDP", "ospf": "OSPF",
}  # fmt: skip
_INDENT = 7  # of what is said below a field
_BESIDE = 34  # of what a field says, beside its octets
_NARROW = 72  # columns of a page where that leaves no room
_OCTETS_SHOWN = 8
_BITS_SHOWN = 16
_NO_DHCP_OPTIONS = ("dhcp.option.end", "dhcp.option.padding")
_NO_CLAIM = ("ip.flags.rb",)  # flags that say nothing when they are set
_SECOND_NS = 1_000_000_000


def text(
    frame: Recorded, layers: Sequence[Layer], copies: Sequence[tuple[int, str | None]], belongs: Iterable[str],
    path: str, language: str, *, verbose: bool = False, width: int = WIDTH,
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
        width: columns of the page.
    """

    def said(message: str, **values: Any) -> str:
        return say(f"packet.{message}", values, language)

    rows = [*wrap(said("title", frame=frame.number, path=path), width), *_recorded(frame, said, width)]
    if copies:
        frames = [
            Line("packet.copy-at" if place else "packet.copy", {"frame": other, "place": place})
            for other, place in copies
        ]
        rows += [f"  {row}" for row in wrap(said("elsewhere", frames=frames), width - 2)]
    for layer in layers:
        rows += ["", *_layer(layer, frame.octets, language, verbose=verbose, width=width)]
    rows += belongs
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _recorded(frame: Recorded, said: Callable[..., str], width: int) -> Iterator[str]:
    """When a frame was recorded and where, and what somebody wrote beside it."""
    sizes = {"length": frame.length, "captured": len(frame.octets)}
    if frame.time_ns is None:
        when = said("when-unknown", **sizes)
    else:
        form = "when-first" if frame.number == 1 else "when-back" if frame.elapsed_ns < 0 else "when"
        when = said(form, time=_time(frame.time_ns), elapsed_ns=abs(frame.elapsed_ns), **sizes)
    yield from (f"  {row}" for row in wrap(when, width - 2))
    if frame.place:
        yield f"  {said('place', place=frame.place)}"
    for comment in frame.comments:
        yield from (f"  {row}" for row in wrap(said("comment", text=comment), width - 2))


def _layer(layer: Layer, octets: bytes, language: str, *, verbose: bool, width: int) -> Iterator[str]:
    name = _TITLES.get(layer.name, layer.name)
    first, last = layer.offset, layer.offset + max(layer.size, 1) - 1
    values = {"name": name, "first": first, "last": last}
    yield from wrap(say("packet.quoted" if layer.is_quoted else "packet.layer", values, language), width)
    told: set[str] = set()
    for field in layer.fields:
        raw = octets[field.offset : field.offset + field.size]
        yield from _beside(field, _bits(field, raw) if field.bits else _octets(raw), width)
        if about := _about(field, layer, language, is_new=field.name not in told):
            yield from _indented(about, _INDENT, width)
        told.add(field.name)
        if verbose:
            for one in layer.sums:
                if one.name == field.name and one.expected is not None:
                    yield from _indented(_arithmetic(one, language), _INDENT + 2, width)
    if layer.is_cut:
        yield from _indented(say("packet.cut", {}, language), _INDENT, width)


def _beside(field: Field, shown: str, width: int) -> Iterator[str]:
    """The octets of a field and beside them what they say; below them where the page or a word leaves no room."""
    name, word = field.name, f" ({visible(field.says)})" if field.says else ""
    if _is_dhcp_option(field):  # the number is that of the option, not of its value
        name, word = f"{name}{word}", ""
    display = f"{_value(field)}{word}".strip()
    says = f"{name} = {display}" if display else name
    rows = wrap(says, width - _BESIDE)
    if width < _NARROW or any(display_width(row) > width - _BESIDE for row in rows):
        yield f"{field.offset:>5}  {shown}".rstrip()
        yield from _indented(says, _INDENT, width)
        return
    for number, row in enumerate(rows):
        yield f"{field.offset:>5}  {shown:<23}    {row}" if number == 0 else f"{'':{_BESIDE}}{row}"


def _indented(text: str, indent: int, width: int) -> Iterator[str]:
    return (f"{'':{indent}}{row}".rstrip() for row in wrap(text, width - indent - 2))


def _is_dhcp_option(field: Field) -> bool:
    return field.name.startswith("dhcp.option.") and field.name not in _NO_DHCP_OPTIONS


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
    if _is_dhcp_option(field):
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
