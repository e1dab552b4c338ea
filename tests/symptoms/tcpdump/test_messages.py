"""What tcpdump prints of DNS, DHCP, HTTP and router discovery becomes the exchanges that a capture would give."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

import explain

PCAPS = Path(__file__).parents[3] / "pcaps"
LOOKED_UP = """\
10:00:00.000000 IP 192.0.2.1.40001 > 192.0.2.53.53: 11+ A? www.example.test. (34)
10:00:00.000100 IP 192.0.2.1.40001 > 192.0.2.53.53: 12+ AAAA? www.example.test. (34)
10:00:00.001000 IP 192.0.2.53.53 > 192.0.2.1.40001: 11 2/0/0 CNAME web.example.test., A 198.51.100.7 (68)
10:00:00.001100 IP 192.0.2.53.53 > 192.0.2.1.40001: 12 NXDomain* 0/1/0 (90)
10:00:01.000000 IP 192.0.2.1.40002 > 192.0.2.53.53: 13+ [1au] MX? example.test. (41)
10:00:01.001000 IP 192.0.2.53.53 > 192.0.2.1.40002: 13 ServFail- 0/0/1 (41)
10:00:02.000000 IP6 2001:db8::1.40003 > 2001:db8::53.53: 14+ PTR? 7.100.51.198.in-addr.arpa. (43)
"""
FIELDS = {
    "dns.lookup": ("name", "type", "answers"),
    "dhcp.lease": ("client_mac", "xid", "address", "server", "lease_s", "router", "dns"),
    "http.request": ("method", "host", "path", "status"),
    "ndp.router": ("router",),
}


def found(source):
    exchanges = explain.explain(source).exchanges
    return sorted(
        (one.kind, one.outcome, *(str(getattr(one.fields, name)) for name in FIELDS[one.kind]))
        for one in exchanges
        if one.kind in FIELDS
    )


def test_an_answer_without_its_question_is_joined_to_it_by_its_number():
    assert found(io.BytesIO(LOOKED_UP.encode())) == [
        ("dns.lookup", "answered", "www.example.test", "A", "('web.example.test', '198.51.100.7')"),
        ("dns.lookup", "failed", "example.test", "MX", "()"),
        ("dns.lookup", "no-such-name", "www.example.test", "AAAA", "()"),
        ("dns.lookup", "unanswered", "7.100.51.198.in-addr.arpa", "PTR", "()"),
    ]


@pytest.mark.parametrize("case", ["dns", "dhcp", "http", "dhcp-rogue-server", "name-does-not-exist", "ipv6-slaac"])
@pytest.mark.parametrize("options", ["-nn -vv", "-nn -v -e -tttt", "-nn -vvv -S -tt"])
def test_the_text_of_a_capture_holds_the_same_messages(case, options, tmp_path):
    recorded, one = PCAPS / case / "capture.pcapng", tmp_path / "one.pcap"
    subprocess.run(
        ["tshark", "-r", recorded, "-Y", "frame.interface_id == 0", "-F", "pcap", "-w", one],
        check=True,
        capture_output=True,
    )
    shown = subprocess.run(["tcpdump", "-r", one, *options.split()], capture_output=True, check=True).stdout
    expected = found(one)
    assert expected
    assert found(io.BytesIO(shown)) == expected


def test_a_message_whose_type_is_not_shown_is_not_guessed():
    text = (
        "10:00:00.000000 IP 0.0.0.0.68 > 255.255.255.255.67: BOOTP/DHCP, Request from 00:00:5e:00:53:01, length 300\n"
    )
    assert [one.kind for one in explain.explain(io.BytesIO(text.encode())).exchanges] == ["udp.flow"]


OLD = """\
10:00:00.000000 IP (tos 0x0, ttl 64, id 0, offset 0, flags [none], proto UDP (17), length 328)
    0.0.0.0.68 > 255.255.255.255.67: BOOTP/DHCP, Request from 00:00:5e:00:53:01, length 300, xid 0x115f137b
\t  Client-Ethernet-Address 00:00:5e:00:53:01
\t  Vendor-rfc1048 Extensions
\t    Magic Cookie 0x63825363
\t    DHCP-Message Option 53, length 1: Request
\t    Requested-IP Option 50, length 4: 192.0.2.101
10:00:00.100000 IP (tos 0xc0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 328)
    192.0.2.254.67 > 192.0.2.101.68: BOOTP/DHCP, Reply, length 300, xid 0x115f137b, Flags [none]
\t  Your-IP 192.0.2.101
\t  Client-Ethernet-Address 00:00:5e:00:53:01
\t  Vendor-rfc1048 Extensions
\t    Magic Cookie 0x63825363
\t    DHCP-Message Option 53, length 1: ACK
\t    Server-ID Option 54, length 4: 192.0.2.254
\t    Lease-Time Option 51, length 4: 3600
"""


def test_the_wording_of_older_versions_is_read_as_well():
    ((kind, outcome, mac, _, address, *_),) = found(io.BytesIO(OLD.encode()))
    assert (kind, outcome, mac, address) == ("dhcp.lease", "bound", "00:00:5e:00:53:01", "192.0.2.101")


HOSTILE = [
    "1+ A? " + "a." * 120 + " (9)", "1+ A? " + "é" * 200 + ". (9)", "1 60000/0/0 " + "A 1.2.3.4, " * 3000 + "(9)",
    "99999+ A? \x1b[31m. (9)", "1 1/0/0 A nonsense (9)", "1 1/0/0 MX a. 99999999 (9)", "1+ Type999999999? x. (99999)",
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_messages_are_bounded_and_inert(hostile):
    text = f"10:00:00.000000 IP 192.0.2.1.40001 > 192.0.2.53.53: {hostile}\n"
    assert "\x1b" not in explain.explain(io.BytesIO(text.encode())).story("en")
