from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from dhcp_packets import discover
from hypothesis import given
from hypothesis import strategies as st
from packets import A, B, datagram, error, eth, icmp, icmp6, ip, packed, pcap, ping, tcp, udp
from surroundings import TOP, corpus_files

from explain.capture import open_capture
from explain.decode.dissect import dissect
from explain.exchanges import closeup
from explain.words import has

ALICE, BOB = "192.0.2.1", "198.51.100.1"
LINKS = (0, 1, 9, 12, 50, 101, 104, 108, 113, 228, 229, 276, 147)
# What tshark prints of these is the field itself, as a number or as text.
COMPARED = (
    "eth.dst", "eth.src", "eth.type", "vlan.id", "vlan.priority", "arp.opcode", "arp.src.proto_ipv4",
    "arp.dst.proto_ipv4", "arp.src.hw_mac", "ip.version", "ip.dsfield.dscp", "ip.len", "ip.id", "ip.flags.df",
    "ip.flags.mf", "ip.ttl", "ip.proto", "ip.checksum", "ip.src", "ip.dst", "ip.rec_rt", "ip.opt.flag",
    "ip.opt.overflow", "ip.opt.time_stamp_addr", "ipv6.plen", "ipv6.nxt", "ipv6.hlim",
    "ipv6.flow", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags",
    "tcp.flags.syn", "tcp.flags.push", "tcp.window_size_value", "tcp.checksum", "tcp.options.mss_val",
    "tcp.options.wscale.shift", "tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr", "udp.srcport",
    "udp.dstport", "udp.length", "udp.checksum", "icmp.type", "icmp.code", "icmp.checksum", "icmpv6.type",
    "icmpv6.code", "icmpv6.checksum", "icmpv6.nd.ns.target_address", "icmpv6.nd.na.target_address",
    "icmpv6.nd.na.flag.s", "icmpv6.nd.ra.router_lifetime", "icmpv6.opt.prefix", "icmpv6.opt.linkaddr",
    "icmpv6.opt.rdnss", "icmpv6.opt.dnssl", "dns.id",
    "dns.flags.rcode", "dns.count.answers", "dns.qry.name", "dns.qry.type", "dns.a", "dns.aaaa", "dhcp.type",
    "dhcp.id", "dhcp.ip.client", "dhcp.ip.your", "dhcp.ip.server", "dhcp.ip.relay", "dhcp.hw.mac_addr",
    "icmpv6.mldr.mar.record_type", "icmpv6.mldr.mar.multicast_address", "llc.dsap", "llc.control", "dns.qry.class",
    "dns.rr.udp_payload_size", "dns.resp.ext_rcode", "dns.resp.edns0_version", "dns.resp.z.do", "stp.version",
    "stp.type", "stp.flags.tc", "stp.root.prio", "stp.root.hw", "stp.root.cost", "stp.bridge.prio", "stp.bridge.hw",
    "igmp.type", "igmp.max_resp", "igmp.checksum", "igmp.maddr", "igmp.num_grp_recs", "igmp.record_type",
    "igmp.num_src", "igmp.saddr", "igmp.qqic", "gre.proto", "gre.key", "gre.sequence_number", "vxlan.vni", "geneve.vni",
    "icmp.ext.class", "icmp.ext.ctype", "icmp.mpls.label", "icmp.mpls.exp", "icmp.mpls.s", "icmp.mpls.ttl",
    "icmpv6.opt.captive_portal", "icmpv6.opt.pref64.scaled_lifetime", "icmpv6.opt.pref64.plc",
    "gtp.teid", "gtp.message", "teredo.orig.port", "teredo.orig.addr",
    "lldp.tlv.type", "lldp.tlv.len", "lldp.chassis.subtype", "lldp.chassis.id.mac", "lldp.port.subtype", "lldp.port.id",
    "lldp.time_to_live", "lldp.tlv.system.name", "lldp.tlv.system_cap", "lldp.mgn.addr.ip4",
    "ospf.version", "ospf.msg", "ospf.packet_length", "ospf.srcrouter", "ospf.area_id", "ospf.checksum",
    "ospf.auth.type", "ospf.hello.network_mask", "ospf.hello.hello_interval", "ospf.hello.router_priority",
    "ospf.hello.router_dead_interval", "ospf.hello.designated_router", "ospf.hello.active_neighbor",
    "quic.header_form", "quic.fixed_bit", "quic.long.packet_type", "quic.dcil", "quic.dcid", "quic.scil", "quic.scid",
    "quic.token_length", "quic.token", "quic.length", "quic.retry_token", "quic.retry_integrity_tag",
    "quic.supported_version", "quic.version",
    "sll.pkttype", "sll.etype", "sll.src.eth",
    "dhcpv6.msgtype", "dhcpv6.xid", "dhcpv6.hopcount", "dhcpv6.linkaddr", "dhcpv6.peeraddr", "dhcpv6.option.type",
    "dhcpv6.option.length", "dhcpv6.iaid.t1", "dhcpv6.iaid.t2", "dhcpv6.iaaddr.ip", "dhcpv6.iaaddr.pref_lifetime",
    "dhcpv6.iaaddr.valid_lifetime", "dhcpv6.iaprefix.pref_addr", "dhcpv6.iaprefix.pref_len", "dhcpv6.status_code",
    "dhcpv6.requested_option_code", "dhcpv6.dns_server", "dhcpv6.search_list_entry",
    "http.request.method", "http.request.uri", "http.request.version", "http.response.version", "http.response.code",
    "http.response.phrase", "http.host", "http.user_agent", "http.content_type", "http.content_length_header",
    "http.connection", "http.server", "http.transfer_encoding", "http.location",
    "tls.record.content_type", "tls.record.version", "tls.record.length", "tls.handshake.type",
    "tls.handshake.length", "tls.handshake.version", "tls.handshake.ciphersuite", "tls.handshake.extension.type",
    "tls.handshake.extension.len", "tls.handshake.extensions_server_name", "tls.handshake.extensions_alpn_str",
    "tls.handshake.extensions.supported_version", "tls.alert_message.level", "tls.alert_message.desc",
    "nbns.id", "nbns.flags.opcode", "nbns.flags.rcode", "nbns.count.answers", "nbns.type", "nbns.ttl", "nbns.addr",
    "nbns.nb_flags.group", "nbns.nb_flags.ont", "nbns.number_of_names", "nbns.name_flags.act",
)  # fmt: skip
# What tshark alone says: the suites of a ClientHello, which we show as one list; newer ones repeat a request's
# target beside the answer.
LISTED = {"tls.handshake.ciphersuite", "http.request.uri"}
SAMPLE = (
    "tcp-handshake", "dhcp", "dns", "ipv6-slaac", "ttl-too-low", "fragments-filtered", "nat-icmp", "traceroute",
    "path-mtu-exceeded", "http", "tls-alert", "bridge-port-not-forwarding",
)  # fmt: skip


def sample() -> list[Path]:
    ours = [TOP / "pcaps" / name / "capture.pcapng" for name in SAMPLE]
    return ours + corpus_files("icmpv6-ndp", "vlan", "dns", "dhcp")


def layers_of(path: Path, most: int = 400):
    """Frame number and layers of the first frames."""
    number = 0
    with open_capture(str(path), None) as reader:
        for window in reader.frames():
            for at in range(len(window.start)):
                number += 1
                if number > most:
                    return
                start, size = int(window.start[at]), int(window.captured[at])
                link_type = reader.interfaces[int(window.interface[at])].link_type
                octets = window.data[start : start + size].tobytes()
                yield number, dissect(octets, link_type, int(window.length[at]), closeup._CONTENTS)


def plain(text: str) -> str:
    """A value as both sides can write it."""
    text = {"True": "1", "False": "0"}.get(text, text).lower().rstrip(". ")
    try:
        return str(int(text, 0))
    except ValueError:
        return text


def said_by_tshark(path: Path, most: int) -> dict[int, dict[str, list[str]]]:
    command = [
        str(shutil.which("tshark")),
        "-n",
        "-r",
        str(path),
        "-c",
        str(most),
        "-T",
        "fields",
        "-E",
        "aggregator=|",
    ]
    for preference in ("ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE"):
        command += ["-o", preference]
    command += [word for name in ("frame.number", *COMPARED) for word in ("-e", name)]
    rows = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    found = {}
    for row in rows:
        number, *values = row.split("\t")
        found[int(number)] = {
            name: [plain(one) for one in value.split("|")]
            for name, value in zip(COMPARED, values, strict=True)
            if value
        }
    return found


def fact(kind: int, octets: bytes) -> bytes:
    return (kind << 9 | len(octets)).to_bytes(2, "big") + octets


ALICE6, BOB6 = "2001:db8::1", "2001:db8::2"
INNER = ping("192.0.2.5", "192.0.2.6", 1)
GROUP = packed("239.1.2.3")
NUMBER = int.from_bytes(GROUP, "big")
IDS = fact(1, b"\4" + bytes.fromhex(A.replace(":", ""))) + fact(2, b"\5eth7") + fact(3, b"\0\x78")
QUIC_IDS = b"\0\0\0\1\x08clientID\4srvr"
QUIC = {
    "initial": b"\xc0" + QUIC_IDS + b"\3tok\x40\x20" + b"x" * 32 + b"\xe0" + QUIC_IDS + b"\x14" + b"y" * 20,
    "retry": b"\xf0" + QUIC_IDS + b"a token" + b"t" * 16,
    "negotiation": b"\x80\0\0\0\0\x08clientID\4srvr\0\0\0\1\xff\0\0\x1d",
}
TOLD_ON_A_LINK = {
    **{f"quic-{name}": ip(ALICE, BOB, 17, udp(ALICE, BOB, 50000, 443, one)) for name, one in QUIC.items()},
    "igmp-query": ip(ALICE, "224.0.0.1", 2, icmp(0x11, 0x64, 0)),
    "igmp-query-v3": ip(ALICE, "239.1.2.3", 2, icmp(0x11, 0xFE, NUMBER, b"\x0a\x7d\0\1" + packed(BOB))),
    "igmp-leave": ip(ALICE, "224.0.0.2", 2, icmp(0x17, 0, NUMBER)),
    "igmp-report": ip(
        ALICE, "224.0.0.22", 2, icmp(0x22, 0, 2, b"\4\0\0\0" + GROUP + b"\5\0\0\1" + GROUP + packed(BOB))
    ),
    "gre": ip(ALICE, BOB, 47, b"\x30\0\x08\0\0\0\0\x2a\0\0\0\1" + INNER[14:]),
    "gre-bridge": ip(ALICE, BOB, 47, b"\x20\0\x65\x58\0\0\0\7" + INNER),
    "vxlan": ip(ALICE, BOB, 17, udp(ALICE, BOB, 50000, 4789, b"\x08\0\0\0\0\0\x2a\0" + INNER)),
    "gtp": ip(
        ALICE, BOB, 17, udp(ALICE, BOB, 2152, 2152, b"\x34\xff" + (len(INNER) - 14 + 8).to_bytes(2, "big")
        + b"\0\0\x64\1\0\0\0\x85\1\x10\x09\0" + INNER[14:]),
    ),
    "teredo": ip(ALICE, BOB, 17, udp(
        ALICE, BOB, 3544, 50000, bytes((0, 0, 0x63, 0xBF, 0x3F, 0xFF, 0xFD, 0xF8))
        + ip("2001::1", "2001:db8::2", 17, udp("2001::1", "2001:db8::2", 5000, 6000, b"x")),
    )),
    "ospf": ip(
        ALICE, "224.0.0.5", 89, b"\2\1\0\x30" + packed("10.0.0.1") + bytes(8) + bytes(8) + packed("255.255.255.0")
        + b"\0\x0a\2\1\0\0\0\x28" + packed(ALICE) + bytes(4) + packed("10.0.0.2"), 1,
    ),
    "lldp": IDS + fact(5, b"sw1") + fact(7, b"\0\x14\0\4") + fact(8, b"\5\1" + packed(ALICE) + b"\2\0\0\0\1\0")
    + b"\0\0",
}  # fmt: skip


LABEL = bytes.fromhex("2000e81800080101 05dcf101")
NET = b"\0\0\0\0\x26\2\2\x58" + packed("64:ff9b::")[:12] + b"\x25\3" + b"https://login.example/"
TOLD_BY_ROUTERS = {
    "mpls": ip(BOB, ALICE, 1, icmp(11, 0, 32 << 16, INNER[14:].ljust(128, b"\0") + LABEL)),
    "mpls-v6": ip("2001:db8::1", "2001:db8::2", 58, icmp6(
        "2001:db8::1", "2001:db8::2", 3, 0, 16 << 24,
        ip("2001:db8::2", "2001:db8::3", 17, udp("2001:db8::2", "2001:db8::3", 5, 6, bytes(400)))[:128] + LABEL,
    )),
    "advert": ip("fe80::1", "ff02::1", 58, icmp6("fe80::1", "ff02::1", 134, 0, 0, bytes(4) + NET), 255),
}  # fmt: skip


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("name", TOLD_BY_ROUTERS)
def test_what_routers_add_to_errors_and_advertisements_is_taken_apart_as_tshark_does(name, tmp_path):
    packet = TOLD_BY_ROUTERS[name]
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(eth(A, B, 0x86DD if packet[0] >> 4 == 6 else 0x800, packet)).getvalue())
    ((_, layers),) = layers_of(path)
    assert "padding" not in [layer.name for layer in layers]
    theirs = said_by_tshark(path, 1)[1]
    told = {one: values(layers, one) for one in theirs if one.startswith(("icmp.ext", "icmp.mpls", "icmpv6.opt"))}
    assert told
    assert {one: [plain(str(value)) for value in found] for one, found in told.items()} == {
        one: theirs[one] for one in told
    }


def test_an_extension_is_no_data_of_a_packet_that_is_quoted_in_part():
    """Source: RFC 4884, 4; tshark 4.0 takes it for data of the quoted packet, whose length says more."""
    quote = ip(ALICE, BOB, 17, udp(ALICE, BOB, 5, 6, bytes(400)))[:128]
    layers = only(eth(A, B, 0x800, ip(BOB, ALICE, 1, icmp(11, 0, 32 << 16, quote + LABEL))))
    assert [layer.name for layer in layers] == ["eth", "ip", "icmp", "ip", "udp", "data", "icmp-extension"]
    assert [layer.is_quoted for layer in layers] == [False] * 3 + [True] * 3 + [False]
    assert values(layers, "icmp.mpls.label") == [24015]


@pytest.mark.needs("tshark")
def test_groups_tunnels_and_neighbour_devices_are_taken_apart_as_tshark_does(tmp_path):
    frames = [eth(A, B, 0x88CC if name == "lldp" else 0x800, one) for name, one in TOLD_ON_A_LINK.items()]
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(*frames).getvalue())
    theirs = said_by_tshark(path, 20)
    for number, layers in layers_of(path):
        assert [layer.name for layer in layers if layer.is_cut] == []
        ours: dict[str, list[str]] = defaultdict(list)
        for layer in layers:
            for field in layer.fields:
                ours[field.name].append(plain(str(field.value)))
                if field.name == "ipv6.version":  # tshark notes it under both names
                    ours["ip.version"].append(str(field.value))
                assert has(f"packet.for.{field.name.replace('.', '-').replace('_', '-')}"), field.name
        assert {name: ours[name] for name in theirs[number]} == theirs[number]


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("path", sample(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_values_of_fields_are_those_of_tshark(path):
    theirs = said_by_tshark(path, 400)
    assert theirs
    for number, layers in layers_of(path):
        ours: dict[str, list[str]] = defaultdict(list)
        for layer in layers:
            for field in layer.fields:
                ours[field.name].append(plain(str(field.value)))
        for name, values in theirs[number].items():
            # tshark goes on where we stop (other protocols on other ports), never the other way round.
            is_same = ours[name] == values[: len(ours[name])] if ours[name] else not known(layers, name)
            assert is_same or (name in LISTED and not ours[name]), (number, name)


def known(layers, name: str) -> bool:
    """Whether a header was dissected whole that should have this field."""
    prefix = name.partition(".")[0]
    return any(layer.name == prefix and not layer.is_cut for layer in layers) and prefix not in {
        "icmpv6", "dns", "tcp", "sll", "dhcp",
    }  # fmt: skip


def vxlan(frame: bytes) -> bytes:
    return udp(ALICE, BOB, 5000, 4789, b"\x08\0\0\0\0\0\x64\0" + frame)


def only(frame: bytes, link_type: int = 1):
    return dissect(frame, link_type, len(frame), closeup._CONTENTS)


def test_layers_lie_side_by_side_from_the_first_octet_to_the_last():
    frame = eth(A, B, 0x800, ip(ALICE, BOB, 17, udp(ALICE, BOB, 5000, 6000, b"payload")))
    layers = only(frame)
    assert [layer.name for layer in layers] == ["eth", "ip", "udp", "data"]
    edges = [(layer.offset, layer.offset + layer.size) for layer in layers]
    assert edges == [(0, 14), (14, 34), (34, 42), (42, 49)]


@pytest.mark.parametrize(("pointer", "count"), [(4, 0), (12, 2), (16, 3), (255, 3)])
def test_of_a_recorded_route_the_addresses_before_its_pointer_are_told(pointer, count):
    route = ["192.0.2.9", "198.51.100.9", "203.0.113.9"]
    options = bytes((7, 15, pointer)) + b"".join(map(packed, route)) + b"\0"
    frame = bytearray(ping(ALICE, BOB, 1))
    frame[14] = 0x45 + len(options) // 4
    assert values(only(bytes(frame[:34]) + options + bytes(frame[34:])), "ip.rec_rt") == route[:count]


WRITER = "0.56.206.252"  # the same octets as the time


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ((68, 12, 9, 0x10), [("flag", 0), ("overflow", 1), ("time_stamp", 3723004)]),
        ((68, 12, 5, 0x00), [("flag", 0), ("overflow", 0)]),
        ((68, 12, 13, 0x01), [("flag", 1), ("overflow", 0), ("time_stamp", 3723004), ("time_stamp_addr", WRITER)]),
        ((68, 12, 5, 0x03), [("flag", 3), ("overflow", 0), ("time_stamp_addr", WRITER)]),
    ],
)
def test_of_recorded_times_those_before_the_pointer_are_told(option, told):
    """Source: RFC 791, 3.1."""
    frame = bytearray(ping(ALICE, BOB, 1))
    frame[14] = 0x48
    layers = only(bytes(frame[:34]) + bytes(option) + (3723004).to_bytes(4, "big") * 2 + bytes(frame[34:]))
    found = [field for field in layers[1].fields if field.name.startswith("ip.opt.") and field.name != "ip.opt.type"]
    assert sorted((field.name.removeprefix("ip.opt."), field.value) for field in found) == told
    assert all(field.means == ("time-of-day", {"time": "01:02:03.004"}) for field in found if field.value == 3723004)


def test_an_option_shorter_than_its_own_length_is_no_option():
    """Source: RFC 791, 3.1: the length counts the octets of type and length too."""
    frame = bytearray(ping(ALICE, BOB, 1))
    frame[14] = 0x46
    layers = only(bytes(frame[:34]) + bytes((7, 1, 1, 0)) + bytes(frame[34:]))
    assert "ip.opt.type" not in [field.name for layer in layers for field in layer.fields]


def test_a_time_that_nobody_filled_in_yet_is_no_midnight():
    message = bytes((13, 0, 0, 0, 0, 7, 0, 1)) + (3723004).to_bytes(4, "big") + bytes(8)
    fields = {field.name: field.means for field in only(eth(A, B, 0x800, ip(ALICE, BOB, 1, message)))[2].fields}
    assert fields["icmp.originate_timestamp"] == ("time-of-day", {"time": "01:02:03.004"})
    assert fields["icmp.receive_timestamp"] is fields["icmp.transmit_timestamp"] is None


def test_a_source_route_tells_where_it_was_and_where_it_still_goes():
    frame = bytearray(ping(ALICE, BOB, 1))
    frame[14] = 0x48
    option = bytes((131, 11, 8)) + packed("192.0.2.9") + packed("198.51.100.9") + b"\0"
    layers = only(bytes(frame[:34]) + option + bytes(frame[34:]))
    assert values(layers, "ip.rec_rt") == ["192.0.2.9"]
    assert values(layers, "ip.src_rt") == ["198.51.100.9"]


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        (bytes(16), {"maximum_response_delay": 10000, "multicast_address": "::"}),
        (
            bytes(16) + bytes((0x0A, 60, 0, 1)) + packed("2001:db8::1"),
            {
                "maximum_response_code": 10000, "multicast_address": "::", "flag.s": 1, "flag.qrv": 2, "qqi": 60,
                "nb_sources": 1, "source_address": "2001:db8::1",
            },
        ),
    ],
    ids=["version 1", "version 2"],
)  # fmt: skip
def test_a_query_of_mld_is_read_to_its_end(rest, told):
    """Source: RFC 2710, 3; RFC 3810, 5.1."""
    message = icmp6("fe80::1", "ff02::1", 130, 0, 10000 << 16, rest)
    layers = only(eth(A, B, 0x86DD, ip("fe80::1", "ff02::1", 58, message)))
    assert [layer.name for layer in layers] == ["eth", "ipv6", "icmpv6"]
    prefix = "icmpv6.mld."
    assert {one.name.removeprefix(prefix): one.value for one in layers[2].fields if one.name.startswith(prefix)} == told


def test_options_of_a_router_name_routes_servers_and_search_domains():
    """Source: RFC 4191, 2.3; RFC 8106, 5.1 and 5.2."""
    options = (
        bytes((24, 2, 48, 8, 0, 0, 7, 8)) + packed("2001:db8:1::")[:8]
        + bytes((25, 3, 0, 0, 0, 0, 7, 8)) + packed("2001:db8::53")
        + bytes((31, 3, 0, 0, 0, 0, 7, 8)) + b"\3lan\0\1a\1b\0".ljust(16, b"\0")
    )  # fmt: skip
    message = icmp6("fe80::1", "ff02::1", 134, 0, 0x40000708, bytes(8) + options)
    fields = only(eth(A, B, 0x86DD, ip("fe80::1", "ff02::1", 58, message)))[2].fields
    told = [field.value for field in fields if field.name.startswith("icmpv6.opt.")]
    assert told == [24, 2, 48, 1, 1800, "2001:db8:1::", 25, 3, 1800, "2001:db8::53", 31, 3, 1800, "lan", "a.b"]


def test_what_is_no_report_of_igmp_is_not_read_as_one():
    layers = only(eth(A, B, 0x800, ip(ALICE, BOB, 2, bytes((0x1F, 32, 0, 0)) + bytes(20))))
    assert [field.name for field in layers[2].fields] == ["igmp.type", "igmp.checksum"]
    assert [layer.name for layer in layers] == ["eth", "ip", "igmp", "data"]


def test_a_full_ttl_within_a_tunnel_says_nothing_of_this_link():
    inner = ip(ALICE, BOB, 17, udp(ALICE, BOB, 5000, 6000, b"x"))
    for protocol, carried in ((4, inner), (47, b"\0\0\x08\0" + inner), (17, vxlan(eth(A, B, 0x800, inner)))):
        layers = [one for one in only(eth(A, B, 0x800, ip(ALICE, BOB, protocol, carried))) if one.name == "ip"]
        said = [field.means[0] for layer in layers for field in layer.fields if field.name == "ip.ttl"]
        assert said == ["ttl-full", "ttl-full-inside"]


@pytest.mark.parametrize(
    ("protocol", "inner"),
    [(0x6558, ["eth", "ip", "udp", "data"]), (0x0800, ["ip", "udp", "data"]), (0x1234, ["data"])],
    ids=["frame", "packet", "unknown"],
)
def test_geneve_carries_what_its_type_says_behind_its_options(protocol, inner):
    """Source: RFC 8926, 3.4."""
    packet = ip(ALICE, BOB, 17, udp(ALICE, BOB, 5000, 6000, b"x"))
    carried = eth(A, B, 0x800, packet) if protocol == 0x6558 else packet
    head = bytes((2, 0x40)) + protocol.to_bytes(2, "big") + b"\0\0\x64\0" + bytes(8)
    layers = only(eth(A, B, 0x800, ip(ALICE, BOB, 17, udp(ALICE, BOB, 5000, 6081, head + carried))))
    assert [layer.name for layer in layers] == ["eth", "ip", "udp", "geneve", *inner]
    assert values(layers, "geneve.vni") == [100]


@pytest.mark.parametrize(
    ("head", "carried", "inner"),
    [
        (b"\x30\xff", 4, ["ip", "udp", "data"]), (b"\x30\xff", 6, ["ipv6", "udp", "data"]),
        (b"\x34\xff", 4, ["ip", "udp", "data"]), (b"\x32\x01", 0, ["data"]),
    ],
    ids=["IPv4", "IPv6", "extended", "echo"],
)  # fmt: skip
def test_gtp_carries_what_its_first_octet_says_behind_its_extensions(head, carried, inner):
    """Source: 3GPP TS 29.281, 5.1 and 5.2; 38.415 has the header of type 0x85."""
    ends = {4: (ALICE, BOB), 6: ("2001:db8::1", "2001:db8::2"), 0: ()}[carried]
    packet = ip(*ends, 17, udp(*ends, 5000, 6000, b"x")) if ends else b"\x0e\0"
    more = {0x30: b"", 0x32: b"\0\7\0\0", 0x34: b"\0\0\0\x85\1\x10\x09\0"}[head[0]]
    message = head + (len(more) + len(packet)).to_bytes(2, "big") + b"\0\0\x64\1" + more + packet
    layers = only(eth(A, B, 0x800, ip(ALICE, BOB, 17, udp(ALICE, BOB, 5000, 2152, message))))
    assert [layer.name for layer in layers] == ["eth", "ip", "udp", "gtp", *inner]
    assert values(layers, "gtp.teid") == [0x6401]


def test_teredo_shows_the_address_behind_a_nat_and_the_packet_within():
    """Source: RFC 4380, 5.1.1."""
    inner = ip("2001::1", "2001:db8::2", 17, udp("2001::1", "2001:db8::2", 5000, 6000, b"x"))
    origin = bytes((0, 0, 0x63, 0xBF, 0x3F, 0xFF, 0xFD, 0xF8))
    signed = b"\0\1\0\0" + bytes(range(8)) + b"\0" + origin + inner
    for message, names in ((inner, []), (origin + inner, ["teredo"]), (signed, ["teredo"])):
        layers = only(eth(A, B, 0x800, ip(BOB, ALICE, 17, udp(BOB, ALICE, 3544, 40000, message))))
        assert [layer.name for layer in layers] == ["eth", "ip", "udp", *names, "ipv6", "udp", "data"]
        assert values(layers, "teredo.orig.addr") == (["192.0.2.7"] if names else [])
        assert values(layers, "teredo.orig.port") == ([0x9C40] if names else [])


def test_a_short_header_is_one_of_quic_only_behind_a_long_one():
    short = b"\x45short"
    shown = only(eth(A, B, 0x800, ip(ALICE, BOB, 17, udp(ALICE, BOB, 443, 50000, QUIC["initial"] + short))))
    assert [layer.name for layer in shown[3:]] == ["quic", "quic", "quic"]
    assert values(shown, "quic.remaining_payload") == [32, 20, 5]
    shown = only(eth(A, B, 0x800, ip(ALICE, BOB, 17, udp(ALICE, BOB, 443, 50000, short))))
    assert [layer.name for layer in shown[3:]] == ["data"]


@pytest.mark.parametrize(("ethertype", "version"), [(0x800, 4), (0x86DD, 6)])
def test_a_version_that_contradicts_the_frame_is_said_to_be_wrong(ethertype, version):
    first = only(eth(A, B, ethertype, bytes(60)))[1].fields[0]
    assert (first.value, first.means) == (0, ("version-other", {"version": version}))


def test_padding_of_a_short_frame_is_no_data():
    frame = eth(A, B, 0x800, ip(ALICE, BOB, 17, udp(ALICE, BOB, 5000, 6000, b"ab"))).ljust(60, b"\0")
    assert [layer.name for layer in only(frame)] == ["eth", "ip", "udp", "data", "padding"]


def test_zeros_behind_the_options_of_dhcp_are_its_own_and_no_padding_of_ethernet():
    known = discover()
    body = known[42:] + b"\0" * 20
    frame = datagram(("0.0.0.0", 68), ("255.255.255.255", 67), body)  # noqa: S104 - a client without an address
    layers = only(frame)
    assert [layer.name for layer in layers] == ["eth", "ip", "udp", "dhcp"]
    assert values(layers, "dhcp.option.padding") == [20]
    assert values(only(known), "dhcp.option.padding") == []


def test_what_stands_behind_the_end_of_a_message_is_no_padding_of_ethernet():
    body = discover()[42:] + b"more"
    frame = datagram(("0.0.0.0", 68), ("255.255.255.255", 67), body) + b"\0" * 8  # noqa: S104
    tail = [(layer.name, layer.size) for layer in only(frame)[-2:]]
    assert tail == [("data", 4), ("padding", 8)]


def test_the_ttl_of_a_quoted_packet_tells_of_who_quotes_it():
    said = [
        field.means[0]
        for layer in only(error(BOB, 11, 0, ping(ALICE, BOB, 1, ttl=64)))
        for field in layer.fields
        if field.name == "ip.ttl" and field.means
    ]
    assert said == ["ttl-full", "ttl-quoted"]


def verdicts(frame: bytes) -> dict[str, str]:
    return {one.name: one.verdict for layer in only(frame) for one in layer.sums}


def test_checksums_are_verified_each_with_what_it_covers():
    good = eth(A, B, 0x800, ip(ALICE, BOB, 6, tcp(ALICE, BOB, 1, 2, 16, data=b"odd")))
    assert verdicts(good) == {"ip.checksum": "right", "tcp.checksum": "right"}
    assert verdicts(good[:-1] + b"?") == {"ip.checksum": "right", "tcp.checksum": "wrong"}
    ttl = good[:22] + bytes((good[22] - 1,)) + good[23:]
    assert verdicts(ttl) == {"ip.checksum": "wrong", "tcp.checksum": "right"}


@pytest.mark.parametrize(
    ("kind", "stations", "ends"),
    [(0, (BOB6, "2001:db8::9"), 1), (2, ("2001:db8::9",), 0), (4, (BOB6, "2001:db8::9"), 0)],
)
def test_a_sum_covers_the_last_station_of_a_routing_header(kind, stations, ends):
    final = stations[ends]
    message = udp(ALICE6, final, 5000, 6000, b"x")
    head = bytes((17, 2 * len(stations), kind, 1, len(stations) - 1, 0, 0, 0)) + b"".join(map(packed, stations))
    frame = eth(A, B, 0x86DD, ip(ALICE6, "2001:db8::7", 43, head + message))
    assert verdicts(frame)["udp.checksum"] == "right"
    names = {one.name for layer in only(frame) for one in layer.fields if one.value in stations}
    assert len(names) == 1
    assert all(has(f"packet.for.{name.replace('.', '-').replace('_', '-')}") for name in names)


def test_a_sum_within_a_tunnel_that_is_routed_by_segments_is_verified():
    inner = ip(ALICE6, BOB6, 17, udp(ALICE6, BOB6, 5000, 6000, b"x"))
    head = bytes((41, 2, 4, 1, 0, 0, 0, 0)) + packed("2001:db8::9")
    assert verdicts(eth(A, B, 0x86DD, ip(ALICE6, "2001:db8::7", 43, head + inner)))["udp.checksum"] == "right"


def test_a_sum_that_was_left_to_the_card_is_recognised():
    segment = bytearray(tcp(ALICE, BOB, 1, 2, 16))
    pseudo = packed(ALICE) + packed(BOB) + (6).to_bytes(2, "big") + len(segment).to_bytes(2, "big")
    total = sum(int.from_bytes(pseudo[at : at + 2], "big") for at in range(0, len(pseudo), 2))
    segment[16:18] = ((total & 0xFFFF) + (total >> 16)).to_bytes(2, "big")
    assert verdicts(eth(A, B, 0x800, ip(ALICE, BOB, 6, bytes(segment))))["tcp.checksum"] == "partial"


def test_udp_without_a_checksum_is_not_wrong():
    datagram = bytearray(udp(ALICE, BOB, 5000, 6000, b"ab"))
    datagram[6:8] = b"\0\0"
    assert verdicts(eth(A, B, 0x800, ip(ALICE, BOB, 17, bytes(datagram))))["udp.checksum"] == "none"


def test_what_an_error_quotes_is_dissected_and_marked():
    quoted = ip(ALICE, BOB, 17, udp(ALICE, BOB, 33434, 33435, b"x" * 20))[:28]
    layers = only(eth(B, A, 0x800, ip(BOB, ALICE, 1, icmp(3, 3, 0, quoted))))
    assert [(layer.name, layer.is_quoted) for layer in layers] == [
        ("eth", False), ("ip", False), ("icmp", False), ("ip", True), ("udp", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "name", "pointer"),
    [(error("192.0.2.254", 12, 0, ping(ALICE, BOB, 1), word=22 << 24), "icmp.pointer", 22),
     (error("fe80::1", 4, 2, ping("2001:db8::1", "2001:db8::2", 1), word=42), "icmpv6.pointer", 42)],
)  # fmt: skip
def test_a_parameter_problem_points_to_the_octet_at_fault(frame, name, pointer):
    assert values(only(frame), name) == [pointer]
    assert has(f"packet.for.{name.replace('.', '-')}")


def test_a_frame_that_is_cut_says_in_which_header():
    frame = eth(A, B, 0x800, ip(ALICE, BOB, 6, tcp(ALICE, BOB, 1, 2, 16)))
    layers = dissect(frame[:40], 1, len(frame), {})
    assert [(layer.name, layer.is_cut) for layer in layers] == [("eth", False), ("ip", False), ("tcp", True)]
    assert [field.name for field in layers[-1].fields] == ["tcp.srcport", "tcp.dstport"]


def segment(data: bytes) -> bytes:
    return eth(A, B, 0x800, ip(ALICE, BOB, 6, tcp(ALICE, BOB, 40000, 8080, 24, data=data)))


def values(layers, name: str) -> list[int | str]:
    return [field.value for layer in layers for field in layer.fields if field.name == name]


def test_requests_behind_each_other_in_a_segment_are_each_taken_apart():
    first = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
    layers = only(segment(first + b"GET /b HTTP/1.1\r\nConnection: close\r\n\r\n"))
    assert [layer.name for layer in layers] == ["eth", "ip", "tcp", "http", "http"]
    assert values(layers, "http.request.uri") == ["/a", "/b"]
    assert [(field.name, field.offset - 54) for field in layers[3].fields][-1] == ("http.file_data", len(first) - 4)
    assert layers[4].fields[-1].means == ("http-connection-close", {})


def test_text_that_is_no_head_stays_data():
    assert [layer.name for layer in only(segment(b"Hello there\r\n"))][-1] == "data"
    assert [layer.name for layer in only(segment(b"\x16\x03\x01\xff\xff" + b"x" * 9))][-1] == "data"


def test_records_of_tls_lie_behind_each_other_and_what_is_encrypted_says_so():
    records = b"\x14\3\3\0\1\1" + b"\x15\3\3\0\2\2\x28" + b"\x16\3\3\0\x08" + b"\0" * 8
    layers = only(segment(records))[3:]
    assert [layer.name for layer in layers] == ["tls", "tls", "tls"]
    assert [field.says for field in layers[1].fields][-2:] == ["fatal", "handshake_failure"]
    assert layers[2].fields[-1].name == "tls.encrypted"


def test_a_message_in_the_envelopes_of_relays_is_taken_apart():
    inner = b"\1\0\0\7" + b"\0\x08\0\2\0\x64" + b"\0\x0d\0\4\0\2no"
    relayed = inner
    for hops in range(2):
        head = bytes((12, hops)) + packed("2001:db8::1") + packed("fe80::7")
        relayed = head + b"\0\x09" + len(relayed).to_bytes(2, "big") + relayed
    layers = only(eth(A, B, 0x86DD, ip("fe80::1", "ff02::1:2", 17, udp("fe80::1", "ff02::1:2", 546, 547, relayed))))
    assert values(layers, "dhcpv6.msgtype") == [12, 12, 1]
    assert values(layers, "dhcpv6.hopcount") == [1, 0]
    assert values(layers, "dhcpv6.status_msg") == ["no"]
    assert layers[-1].size == len(relayed)


def test_a_log_in_to_a_link_is_taken_apart():
    layers = only(eth(A, B, 0x888E, bytes((2, 0, 0, 10, 2, 1, 0, 10, 1)) + b"alice" + bytes(32)))
    assert [layer.name for layer in layers] == ["eth", "eapol", "eap", "padding"]
    assert (values(layers, "eap.code"), values(layers, "eap.identity")) == ([2], ["alice"])
    short = only(eth(A, B, 0x888E, bytes((2, 0, 0, 10, 2, 1, 0, 200, 1)) + b"al"))
    assert short[-1].is_cut
    assert all(has(f"packet.for.{one.name.replace('.', '-')}") for layer in layers[1:3] for one in layer.fields)


def test_tunnels_in_tunnels_end():
    packet = ip(ALICE, BOB, 17, udp(ALICE, BOB, 1, 2))
    for _ in range(60):
        packet = ip(ALICE, BOB, 4, packet)
    assert len(only(eth(A, B, 0x800, packet))) <= 24


@given(st.binary(max_size=200), st.sampled_from(LINKS))
def test_any_octets_are_dissected_or_named_as_cut(octets, link_type):
    for layer in dissect(octets, link_type, len(octets) + 7, closeup._CONTENTS):
        for field in layer.fields:
            assert field.offset >= 0
            assert field.offset + field.size <= len(octets)


@given(st.data())
def test_damaged_headers_are_dissected_or_named_as_cut(data):
    frame = bytearray(
        data.draw(
            st.sampled_from(
                [
                    eth(A, B, 0x800, ip(ALICE, BOB, 6, tcp(ALICE, BOB, 1, 53, 2, options=b"\x02\x04\x05\xb4" * 5))),
                    eth(
                        A, B, 0x800, ip(ALICE, BOB, 17, udp(ALICE, BOB, 68, 67, b"\x01\x01\x06\0" + b"\x35\x01" * 140))
                    ),
                    eth(
                        A,
                        B,
                        0x800,
                        ip(ALICE, BOB, 17, udp(ALICE, BOB, 5000, 53, b"\0\1\1\0\0\1\0\1\0\0\0\0\xc0\x0c" * 3)),
                    ),
                    eth(A, B, 0x86DD, ip("fe80::1", "ff02::1", 58, b"\x86\0\0\0" + b"\x40\0\7\x08" * 12)),
                    eth(A, B, 0x86DD, ip("fe80::1", "ff02::1", 0, b"\x2b\0\0\0\0\0\0\0" * 8)),
                    segment(b"GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nA: b\r\n\r\n"),
                    segment(
                        b"\x16\3\1\0\x40\1\0\0\x3c\3\3" + b"r" * 32 + b"\0\0\2\x13\1\1\0\0\x0b\0\x2b\0\3\2\3\4" * 2
                    ),
                    eth(
                        A,
                        B,
                        0x86DD,
                        ip(
                            "fe80::1",
                            "fe80::2",
                            17,
                            udp("fe80::1", "fe80::2", 546, 547, b"\1\0\0\1" + b"\0\3\0\x28" * 12),
                        ),
                    ),
                ]
            )
        )
    )
    for _ in range(data.draw(st.integers(1, 6))):
        frame[data.draw(st.integers(12, len(frame) - 1))] = data.draw(st.integers(0, 255))
    for layer in only(bytes(frame)):
        for field in layer.fields:
            assert field.offset + field.size <= len(frame)


def test_every_field_of_the_sample_has_its_sentence():
    missing = set()
    for name in SAMPLE:
        for _, layers in layers_of(TOP / "pcaps" / name / "capture.pcapng", 60):
            for field in (field for layer in layers for field in layer.fields):
                key = f"packet.for.{field.name.replace('.', '-').replace('_', '-')}"
                if not has(key) and not field.name.startswith("dhcp.option."):
                    missing.add(field.name)
                if field.means and not has(f"packet.means.{field.means[0]}"):
                    missing.add(field.means[0])
    assert missing == set()
