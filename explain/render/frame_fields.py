"""One frame field by field, under the names that Wireshark's display filters use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain import table as t
from explain.addresses import mac_text
from explain.exchanges.wire_words import side_row
from explain.side_tables import NO_SCALE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable

_NOTES = (
    (t.CUT, "cut", "a header reaches beyond the captured octets"),
    (t.MALFORMED, "malformed", "lengths contradict each other"),
    (t.BAD_IP_CHECKSUM, "ip.checksum.status", "bad"),
    (t.BAD_CHECKSUM, "checksum.status", "bad"),
    (t.PARTIAL_CHECKSUM, "checksum.status", "left to the card"),
    (t.GOOD_CHECKSUM, "checksum.status", "good"),
)
_FLAGS = ((128, "CWR"), (64, "ECE"), (32, "URG"), (16, "ACK"), (8, "PSH"), (4, "RST"), (2, "SYN"), (1, "FIN"))


def frame_fields(table: PacketTable, row: int) -> Iterator[tuple[str, str]]:
    """Names and values of what the headers of a frame say, from the outermost one inwards."""
    layers = int(table.layers[row])
    yield "frame.number", str(int(table.frame[row]))
    yield "frame.time_epoch", "{}.{:09d}".format(*divmod(int(table.time_ns[row]), 10**9))
    yield "frame.len", str(int(table.length[row]))
    if table.captured[row] != table.length[row]:
        yield "frame.cap_len", str(int(table.captured[row]))
    link = int(table.link[row])
    if layers & t.ETHERNET and link < len(table.links.source):
        yield "eth.src", mac_text(int(table.links.source[link]))
        yield "eth.dst", mac_text(int(table.links.target[link]))
    if layers & t.VLAN:
        yield "vlan.id", str(int(table.vlan[row]) & 0xFFF)
    if layers & t.ARP and (at := side_row(table.arp.row, row)) is not None:
        yield from _arp(table, at)
    if layers & t.IP:
        yield from _ip(table, row, layers)
    for bit, name, text in _NOTES:
        if layers & bit:
            yield name, text


def _arp(table: PacketTable, at: int) -> Iterator[tuple[str, str]]:
    arp, text = table.arp, table.addresses.text
    yield "arp.opcode", str(int(arp.operation[at]))
    yield "arp.src.hw_mac", mac_text(int(arp.sender_mac[at]))
    yield "arp.src.proto_ipv4", text(int(arp.sender_ip[at]))
    yield "arp.dst.hw_mac", mac_text(int(arp.target_mac[at]))
    yield "arp.dst.proto_ipv4", text(int(arp.target_ip[at]))


def _ip(table: PacketTable, row: int, layers: int) -> Iterator[tuple[str, str]]:
    name, (source, target) = "ipv6" if layers & t.IPV6 else "ip", table.end_texts(row)
    yield f"{name}.src", source
    yield f"{name}.dst", target
    yield "ipv6.hlim" if layers & t.IPV6 else "ip.ttl", str(int(table.ttl[row]))
    if layers & t.IPV4:
        yield "ip.id", f"0x{int(table.ip_id[row]):04x}"
        yield "ip.flags.df", str(int(bool(layers & t.DONT_FRAGMENT)))
    if layers & t.FRAGMENT and (at := side_row(table.fragments.row, row)) is not None:
        yield f"{name}.fragment.offset", str(int(table.fragments.offset[at]))
        yield f"{name}.fragment.more", str(int(table.fragments.more[at]))
    if layers & (t.TCP | t.UDP):
        protocol = "tcp" if layers & t.TCP else "udp"
        own, other = table.ports(row)
        yield f"{protocol}.srcport", str(own)
        yield f"{protocol}.dstport", str(other)
    if layers & t.TCP:
        yield from _tcp(table, row)
    if layers & (t.ICMP | t.ICMPV6) and (at := side_row(table.icmp.row, row)) is not None:
        protocol = "icmpv6" if layers & t.ICMPV6 else "icmp"
        yield f"{protocol}.type", str(int(table.icmp.type[at]))
        yield f"{protocol}.code", str(int(table.icmp.code[at]))
    yield "payload", f"{int(table.payload[row])} B"


def _tcp(table: PacketTable, row: int) -> Iterator[tuple[str, str]]:
    flags = int(table.flags[row])
    yield "tcp.seq_raw", str(int(table.seq[row]))
    yield "tcp.ack_raw", str(int(table.ack[row]))
    names = ", ".join(name for bit, name in _FLAGS if flags & bit)
    yield "tcp.flags", f"0x{flags:03x} {names}".rstrip()
    yield "tcp.window_size_value", str(int(table.window[row]))
    if (at := side_row(table.syn.row, row)) is not None:
        if table.syn.mss[at]:
            yield "tcp.options.mss_val", str(int(table.syn.mss[at]))
        if table.syn.window_scale[at] != NO_SCALE:
            yield "tcp.options.wscale.shift", str(int(table.syn.window_scale[at]))
