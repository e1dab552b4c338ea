"""One frame as layers and fields, with the octets behind each: slow, thorough, for a person who asks about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.decode.dissect import control, eapol, igmp, ip, link, lldp, ospf, stp, transport, tunnel
from explain.decode.dissect.field import CutError, Dissector, Field, Header, Layer, Next

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_LAYERS = 24
_LINKS = {
    1: "eth", 113: "sll", 276: "sll2", 0: "null", 108: "null", 101: "bare", 12: "bare", 14: "bare", 228: "bare",
    229: "bare", 9: "ppp", 50: "ppp", 104: "chdlc",
}  # fmt: skip
_CISCO_HDLC = b"\x0f\0", b"\x8f\0"  # in captures of PPP, too (RFC 1547, 4.3.1)
_NAMES = {"sll2": "sll", "dns-tcp": "dns"}
_DISSECTORS: dict[str, Dissector] = {
    "eth": link.ethernet, "sll": link.cooked, "sll2": link.cooked_second, "null": link.loopback, "bare": link.bare,
    "ppp": link.ppp, "chdlc": link.cisco, "vlan": link.vlan, "ieee8021ad": link.service_tag,
    "eapol": eapol.eapol, "eap": eapol.eap, "llc": link.llc, "stp": stp.stp, "pppoe": link.pppoe, "mpls": link.mpls,
    "arp": link.arp, "ip": ip.ipv4, "ipv6": ip.ipv6, "ipv6.hopopts": ip.extension, "ipv6.dstopts": ip.extension,
    "ipv6.routing": ip.routing, "ipv6.fraghdr": ip.fragment, "ah": ip.authentication, "tcp": transport.tcp,
    "udp": transport.udp, "icmp": control.icmp, "icmpv6": control.icmpv6,
    "icmp-extension": control.extension, "igmp": igmp.igmp, "gre": tunnel.gre,
    "vxlan": tunnel.vxlan, "geneve": tunnel.geneve, "gtp": tunnel.gtp,
    "teredo": tunnel.teredo, "lldp": lldp.lldp, "ospf": ospf.ospf,
}  # fmt: skip


def dissect(octets: bytes, link_type: int, length: int, contents: Mapping[str, Dissector]) -> tuple[Layer, ...]:
    """All layers of a frame, from the outside in.

    Args:
        octets: what was captured of it.
        link_type: LINKTYPE number.
        length: octets it had on the wire.
        contents: dissectors of what TCP and UDP carry, by the name that ``transport`` gives it.
    """
    kind = _LINKS.get(link_type, "data")
    if kind == "ppp" and octets[:2] in _CISCO_HDLC:
        kind = "chdlc"
    return dissect_from(Next(kind, 0, length), octets, contents)


def dissect_from(first: Next, octets: bytes, contents: Mapping[str, Dissector]) -> tuple[Layer, ...]:
    """All layers from one on whose kind is known, from the outside in."""
    dissectors = {**_DISSECTORS, **contents}
    layers: list[Layer] = []
    following: Next | None = first
    is_quoted = False
    for _ in range(_MOST_LAYERS):
        if following is None or following.at >= len(octets):
            return tuple(layers)
        is_quoted |= bool(following.context.get("is_quoted"))
        layer, after = _read(octets, following, dissectors, is_quoted=is_quoted)
        if layer.size:
            layers.append(layer)
        after = after or _trailer(layers, following, octets)
        if after is not None and after.kind == "icmp-extension":
            is_quoted = False
        elif after is not None and is_quoted:
            after = Next(after.kind, after.at, after.end, {**after.context, "is_quoted": True})
        following = after
    return tuple(layers)


def _read(
    octets: bytes, what: Next, dissectors: Mapping[str, Dissector], *, is_quoted: bool
) -> tuple[Layer, Next | None]:
    name = _NAMES.get(what.kind, what.kind)
    dissector = dissectors.get(what.kind)
    if dissector is None:
        kind = "padding" if what.kind == "padding" else "data"
        size = max(min(what.end, len(octets)) - what.at, 0)
        raw = Field(kind, what.at, size, size, means=("octets", {"octets": size}))
        return Layer(kind, what.at, size, (raw,), is_quoted=is_quoted, is_cut=what.end > len(octets)), None
    header = Header(octets, what.at, what.end, what.context)
    after: Next | None = None
    is_cut = False
    try:
        after = dissector(header)
    except CutError:
        is_cut = True
        header.size = max(header.end - header.at, 0)
    layer = Layer(name, what.at, header.size, tuple(header.fields), tuple(header.sums), is_quoted, is_cut)
    return layer, after


def _trailer(layers: list[Layer], last: Next, octets: bytes) -> Next | None:
    """What a message holds behind its known end; behind the packet of a short frame its padding to 60 octets."""
    end = max((layer.offset + layer.size for layer in layers), default=0)
    if last.kind == "padding" or any(layer.is_cut for layer in layers) or end >= len(octets):
        return None
    if end < last.end:
        return Next("data", end, last.end)
    error = next((layer for layer in layers if layer.name in ("icmp", "icmpv6")), None)
    if error and layers[-1].is_quoted:
        start = control.extension_at(octets, error.offset, is_v6=error.name == "icmpv6")
        if start >= end:
            return Next("icmp-extension", end, len(octets), {"fill": start - end})
    return Next("padding", end, len(octets))
