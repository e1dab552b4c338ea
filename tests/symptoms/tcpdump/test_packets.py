# ruff: noqa: E501 - output as it is printed
"""tcpdump's lines, with the options that people use, read back into what the capture holds."""

import socket
import subprocess

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surroundings import CORPUS

from explain.symptoms.tcpdump.packets import read_tcpdump

ONE = [
    ("12:16:33.081092 IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1, length 64", {"time_form": "clock", "time_ns": 44_193_081_092_000}, {"network": "ip", "src": "192.0.2.1", "dst": "192.0.2.2", "protocol": "icmp", "icmp_type": 8, "icmp_id": 7, "icmp_seq": 1, "length": 64, "ttl": None}),
    ("1700000000.000001 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [S], seq 9, win 64240, options [mss 1460], length 0", {"time_form": "epoch", "time_ns": 1_700_000_000_000_001_000}, {"protocol": "tcp", "src_port": 40000, "dst_port": 80, "flags": "S", "seq": 9, "ack": None, "window": 64240}),
    ("2023-11-14 22:13:20.000001 IP 192.0.2.2.80 > 192.0.2.1.40000: Flags [S.], seq 5, ack 10, win 65160, length 0", {"time_form": "date", "time_ns": 1_700_000_000_000_001_000}, {"flags": "S.", "ack": 10}),
    (" 00:00:00.000123 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [P.], seq 1:22, ack 1, win 502, length 21: HTTP: GET / HTTP/1.1", {"time_form": "delta", "time_ns": 123_000}, {"seq": 1, "length": 21}),
    ("IP 192.0.2.1.53000 > 192.0.2.53.53: 31062+ A? www.example.test. (34)", {"time_ns": None}, {"protocol": "udp", "dst_port": 53}),
    ("IP h1.example.40000 > h2.example.http: Flags [.], ack 1, win 502, length 0", {}, {"src": "h1.example", "src_port": 40000, "dst": "h2.example", "dst_port": "http"}),
    ("02:00:00:00:00:01 (oui Unknown) > Broadcast, ethertype ARP (0x0806), length 42: Request who-has 192.0.2.2 tell 192.0.2.1, length 28", {"src_mac": "02:00:00:00:00:01", "dst_mac": "ff:ff:ff:ff:ff:ff", "ethertype": 0x806, "link_length": 42}, {"network": "arp", "arp_op": 1, "src": "192.0.2.1", "dst": "192.0.2.2"}),
    ("12:00:00.000000 ARP, Ethernet (len 6), IPv4 (len 4), Reply 192.0.2.2 is-at 02:00:00:00:00:02, length 28", {"src_mac": None}, {"arp_op": 2, "src": "192.0.2.2", "arp_mac": "02:00:00:00:00:02"}),
    ("12:00:00.000000 eth0  Out IP6 2001:db8::1 > ff02::1:ff00:2: ICMP6, neighbor solicitation, who has 2001:db8::2, length 32", {"interface": "eth0", "direction": "Out"}, {"network": "ip6", "protocol": "icmp6", "icmp_type": 135, "about": "2001:db8::2"}),
    ("12:00:00.000000 eth0  In  ifindex 2 02:00:00:00:00:02 ethertype IPv4 (0x0800), length 100: 192.0.2.2 > 192.0.2.1: ICMP host 192.0.2.9 unreachable, length 80", {"interface": "eth0", "src_mac": "02:00:00:00:00:02", "dst_mac": None}, {"icmp_type": 3, "icmp_code": 1, "about": "192.0.2.9"}),
    ("12:00:00.000000  In 02:00:00:00:00:02 ethertype IPv4 (0x0800), length 100: 192.0.2.2 > 192.0.2.1: ICMP time exceeded in-transit, length 36", {"src_mac": "02:00:00:00:00:02"}, {"icmp_type": 11, "icmp_code": 0}),
    (" In 02:00:00:00:00:02 ethertype IPv4 (0x0800), length 100: 192.0.2.2 > 192.0.2.1: ICMP echo reply, id 1, seq 1, length 64", {"time_ns": None, "direction": "In", "src_mac": "02:00:00:00:00:02"}, {"icmp_type": 0}),
    ("12:00:00.000000 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 102: vlan 10, p 0, ethertype IPv4 (0x0800), 192.0.2.1 > 192.0.2.2: ICMP 192.0.2.9 unreachable - need to frag (mtu 1300), length 36", {"vlans": (10,), "ethertype": 0x800}, {"icmp_code": 4, "mtu": 1300}),
    ("12:00:00.000000 IP (tos 0x0, ttl 63, id 4711, offset 0, flags [DF], proto TCP (6), length 52)\n    192.0.2.1.40000 > 192.0.2.2.80: Flags [R.], cksum 0x2b46 (incorrect -> 0x1111), seq 1, ack 2, win 0, length 0", {}, {"ttl": 63, "ip_id": 4711, "dont_fragment": True, "more_fragments": False, "flags": "R.", "is_checksum_bad": True}),
    ("12:00:00.000000 IP6 (flowlabel 0x304f2, hlim 64, next-header ICMPv6 (58) payload length: 64) 2001:db8::1 > 2001:db8::2: [icmp6 sum ok] ICMP6, echo reply, id 9, seq 2, length 64", {}, {"ttl": 64, "ip_length": 64, "icmp_type": 129, "icmp_seq": 2, "is_checksum_bad": False}),
    ("12:00:00.000000 IP 192.0.2.1 > 192.0.2.2: ICMP redirect 198.51.100.1 to host 192.0.2.253, length 36", {}, {"icmp_type": 5, "icmp_code": 1, "about": "198.51.100.1", "gateway": "192.0.2.253"}),
    ("IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 1, seq 1, length 8\n\t0x0000:  4500 001c 0001 0000 4001 f6db c000 0201\n\t0x0010:  c000 0202 0800 f7fd 0001 0001", {"octets": bytes.fromhex("4500001c000100004001f6dbc0000201c00002020800f7fd00010001")}, {"icmp_type": 8}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "packet", "told"), ONE, ids=[text[:60] for text, _, _ in ONE])
def test_each_form_of_a_line_is_read(text, packet, told):
    ((frame, fields),) = read_tcpdump(text.split("\n"))
    assert {name: getattr(frame, name) for name in packet} == packet
    assert {name: getattr(fields, name) for name in told} == told


def test_a_dump_that_was_cut_within_an_octet_is_read_up_to_it():
    text = "IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 1, seq 1, length 8\n\t0x0000:  4500 001c 000"
    ((frame, _),) = read_tcpdump(text.split("\n"))
    assert frame.octets == bytes.fromhex("4500001c00")


def test_the_talk_of_tcpdump_is_no_packet():
    text = "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\nlistening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n3 packets captured\n0 packets dropped by kernel\n"
    assert read_tcpdump(text.split("\n")) == ()


@settings(max_examples=150)
@given(
    st.text(max_size=300)
    | st.lists(
        st.sampled_from(
            [text + "\n" for text, _, _ in ONE] + ["\t", "IP ", " > ", ": ", "vlan 1, p 0, ", "\n", "    "]
        ),
        max_size=10,
    ).map("".join)
)
def test_any_text_is_read_without_an_error(text):
    read_tcpdump(text.split("\n"))


MOST = 200


def shown(frame, fields):
    """What the line shows, keyed as below."""
    names = (
        "src",
        "dst",
        "ttl",
        "ip_id",
        "ip_length",
        "protocol",
        "src_port",
        "dst_port",
        "window",
        "icmp_type",
        "icmp_code",
        "arp_op",
    )
    values = {name: getattr(fields, name) for name in names}
    values |= {"src_mac": frame.src_mac, "dst_mac": frame.dst_mac}
    return {name: value for name, value in values.items() if value is not None}


def held(octets):
    """What the frame holds, by another reader; what that cannot tell is left out."""
    frame = dpkt.ethernet.Ethernet(octets)
    packet = frame.data
    found = {
        "src_mac": ":".join(f"{octet:02x}" for octet in frame.src),
        "dst_mac": ":".join(f"{octet:02x}" for octet in frame.dst),
    }
    if isinstance(packet, dpkt.ip.IP):
        found |= {
            "src": socket.inet_ntoa(packet.src),
            "dst": socket.inet_ntoa(packet.dst),
            "ttl": packet.ttl,
            "ip_id": packet.id,
            "ip_length": packet.len,
        }
        if packet._flags_offset & 0x1FFF:
            return found
    elif isinstance(packet, dpkt.ip6.IP6):
        found |= {
            "src": socket.inet_ntop(socket.AF_INET6, packet.src),
            "dst": socket.inet_ntop(socket.AF_INET6, packet.dst),
            "ttl": packet.hlim,
        }
    elif isinstance(packet, dpkt.arp.ARP):
        return found | {"arp_op": packet.op, "src": socket.inet_ntoa(packet.spa)}
    else:
        return found
    inner = packet.data
    if isinstance(inner, dpkt.tcp.TCP):
        found |= {"protocol": "tcp", "src_port": inner.sport, "dst_port": inner.dport, "window": inner.win}
    elif isinstance(inner, dpkt.udp.UDP):
        found |= {"protocol": "udp", "src_port": inner.sport, "dst_port": inner.dport}
    elif isinstance(inner, (dpkt.icmp.ICMP, dpkt.icmp6.ICMP6)):
        found |= {
            "protocol": "icmp" if isinstance(inner, dpkt.icmp.ICMP) else "icmp6",
            "icmp_type": inner.type,
            "icmp_code": inner.code,
        }
    return found


def first_frames(path):
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        if reader.datalink() != 1:
            return []
        return [octets for _, octets in zip(range(MOST), (octets for _, octets in reader), strict=False)]


@pytest.mark.needs("corpus", "tcpdump")
@pytest.mark.parametrize(
    "options", ["-nn -e -vv -S -tt", "-nn", "-nn -e -t", "-nn -ttt -v -l", "-nn -tttt -x", "-nn -X -S -e"]
)
def test_what_a_line_shows_is_what_the_frame_holds(options):
    compared = 0
    for path in sorted(CORPUS.glob("*/*.pcap")):
        try:
            frames = first_frames(path)
        except (ValueError, dpkt.Error, EOFError):
            continue
        argv = ["tcpdump", "-r", str(path), "-c", str(MOST), *options.split()]
        text = subprocess.run(argv, capture_output=True, check=False).stdout.decode("utf-8", "replace")
        packets = read_tcpdump(text.split("\n"))
        if len(packets) != len(frames):  # a dissector that breaks its lines
            continue
        for octets, (frame, fields) in zip(frames, packets, strict=True):
            try:
                truth = held(octets)
            except (dpkt.Error, ValueError, OSError):
                continue
            seen = {name: value for name, value in shown(frame, fields).items() if name in truth}
            assert seen == {name: truth[name] for name in seen}, (path.name, frame.line, frame.body[:100])
            compared += len(seen)
    assert compared > 5000
