# ruff: noqa: E501 - one wording a row
"""Traceroute, tracepath, tracert and mtr, as they print."""

import pytest

from explain.symptoms.runs.of_blocks import READERS
from explain.symptoms.runs.reading import first_reading
from explain.symptoms.text import read_text

LINES = [
    ("traceroute", "traceroute to 198.51.100.1 (198.51.100.1), 30 hops max, 60 byte packets", "way.start", {"address": "198.51.100.1", "hops": 30, "size": 60}),
    ("traceroute", "traceroute6 to 2001:db8::9 (2001:db8::9) from 2001:db8::1, 64 hops max, 12 byte packets", "way.start", {"source": "2001:db8::1", "family": 6}),
    ("traceroute", " 1  192.0.2.254  0.127 ms  0.026 ms", "way.hop", {"ttl": 1, "from": "192.0.2.254", "times_ms": (0.127, 0.026), "silent": 0}),
    ("traceroute", " 1  gw.example.test (192.0.2.254)  0.127 ms * 0.026 ms", "way.hop", {"from": "192.0.2.254", "from_name": "gw.example.test", "silent": 1}),
    ("traceroute", " 2  192.0.2.254  0.022 ms !X  0.016 ms !X", "way.refused", {"errors": ("admin-prohibited", "admin-prohibited")}),
    ("traceroute", " 2  2001:db8::1  3.0 ms !H  3.1 ms !N", "way.refused", {"errors": ("address-unreachable", "no-route")}),
    ("traceroute", " 3  10.0.0.1  1.0 ms !F-1300  1.1 ms !<9>", "way.refused", {"errors": ("fragmentation-needed", "net-prohibited")}),
    ("traceroute", " 3  * * *", "way.silent", {"ttl": 3, "silent": 3, "addresses": ()}),
    ("traceroute", " 4  * 192.0.2.7  1.0 ms 192.0.2.8  2.0 ms", "way.hop", {"addresses": ("192.0.2.7", "192.0.2.8"), "silent": 1}),
    ("traceroute", " 5  192.0.2.7 (192.0.2.7) [AS64500]  1.0 ms 192.0.2.8 (192.0.2.8) [*]  2.0 ms", "way.hop", {"addresses": ("192.0.2.7", "192.0.2.8"), "times_ms": (1.0, 2.0)}),
    ("traceroute", "    192.0.2.8 (192.0.2.8)  2.0 ms  2.1 ms", "way.more", {"from": "192.0.2.8", "ttl": None}),
    ("traceroute", "connect: Network is unreachable", "kernel.network-unreachable", {"call": "connect"}),
    ("traceroute", "send: Operation not permitted", "kernel.not-permitted", {"call": "send"}),
    ("traceroute", "setsockopt SO_BINDTODEVICE: No such device", "kernel.no-such-device", {}),
    ("traceroute", "nowhere.test: Name or service not known", "name.not-known", {"name": "nowhere.test"}),
    ("traceroute", "Cannot handle \"host\" cmdline arg `nowhere.test' on position 1 (argc 1)", "way.usage", {}),
    ("traceroute", "You do not have enough privileges to use this traceroute method.", "way.no-privilege", {}),
    ("traceroute", "traceroute: can't connect to remote host (203.0.113.1): Network is unreachable", "kernel.network-unreachable", {}),
    ("traceroute", "traceroute: bad address 'nowhere.test'", "name.unresolved", {"name": "nowhere.test"}),
    ("traceroute", "traceroute: unknown host nowhere.test", "name.unresolved", {"name": "nowhere.test"}),
    ("traceroute", "Tracing route to www.example.test [192.0.2.9]", "way.start", {"address": "192.0.2.9", "dialect": "windows"}),
    ("traceroute", "over a maximum of 30 hops:", "way.note", {}),
    ("traceroute", "  1    <1 ms    <1 ms     2 ms  192.0.2.254", "way.hop", {"times_ms": (1.0, 1.0, 2.0), "from": "192.0.2.254"}),
    ("traceroute", "  2     *        1 ms     *     gw.example.test [192.0.2.253]", "way.hop", {"silent": 2, "from_name": "gw.example.test"}),
    ("traceroute", "  3     *        *        *     Request timed out.", "way.silent", {"silent": 3}),
    ("traceroute", "  3     *        *        *     要求がタイムアウトしました。", "way.silent", {"silent": 3}),
    ("traceroute", "  4  192.0.2.254  reports: Destination host unreachable.", "way.refused", {"errors": ("host-unreachable",)}),
    ("traceroute", "192.0.2.9 へのルートをトレースしています。経由するホップ数は最大 30 です", "way.start", {"address": "192.0.2.9", "hops": 30}),
    ("traceroute", "Unable to resolve target system name nowhere.test.", "name.unresolved", {"name": "nowhere.test"}),
    ("tracepath", " 1?: [LOCALHOST]                      pmtu 1500", "way.mtu", {"mtu": 1500, "is_local": True}),
    ("tracepath", " 1:  192.0.2.254                                           0.217ms ", "way.hop", {"from": "192.0.2.254", "times_ms": (0.217,)}),
    ("tracepath", " 2:  gw.example.test (192.0.2.253)                    1.217ms asymm  3 ", "way.hop", {"from": "192.0.2.253", "hops_back": 3}),
    ("tracepath", " 2:  192.0.2.253                                           0.1ms pmtu 1300", "way.hop", {"mtu": 1300}),
    ("tracepath", " 3:  192.0.2.9                                             0.077ms reached", "way.reached", {"from": "192.0.2.9"}),
    ("tracepath", " 3:  192.0.2.253                                           0.077ms !H", "way.refused", {"errors": ("host-unreachable",)}),
    ("tracepath", " 3:  2001:db8::1                                           0.077ms !N", "way.refused", {"errors": ("no-route",)}),
    ("tracepath", " 4:  no reply", "way.silent", {"ttl": 4}),
    ("tracepath", " 1:  send failed", "way.send-failed", {}),
    ("tracepath", "     Too many hops: pmtu 1500", "way.total", {"mtu": 1500, "hops": None}),
    ("tracepath", "     Resume: pmtu 1500 hops 3 back 4 ", "way.total", {"mtu": 1500, "hops": 3, "back": 4}),
    ("mtr", "HOST: h1                          Loss%   Snt   Last   Avg  Best  Wrst StDev", "way.title", {"host": "h1"}),
    ("mtr", "  1.|-- 192.0.2.254                  0.0%     2    0.1   0.2   0.1   0.3   0.1", "way.hop", {"from": "192.0.2.254", "loss": 0.0, "sent": 2, "avg_ms": 0.2}),
    ("mtr", "  2.|-- ???                       100.0     10    0.0   0.0   0.0   0.0   0.0", "way.silent", {"silent": 10, "loss": 100.0}),
    ("mtr", "  1. AS???    192.0.2.2   0.0%     1    0.0   0.0   0.0   0.0   0.0", "way.hop", {"from": "192.0.2.2"}),
    ("mtr", " 3. (waiting for reply)", "way.silent", {"ttl": 3}),
    ("mtr", "MTR.0.95,1795396811,OK,192.0.2.2,1,192.0.2.2,0.00,1,0,0.06,0.06,0.06,0.06,0.00", "way.hop", {"from": "192.0.2.2", "sent": 1}),
    ("mtr", "mtr: udp socket connect failed: Network is unreachable", "kernel.network-unreachable", {}),
    ("mtr", "mtr: Failed to resolve host: nowhere.test: Name or service not known", "name.not-known", {"name": "nowhere.test"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "line", "name", "values"), LINES, ids=[line[1].strip()[:60] for line in LINES])
def test_each_line_of_a_way_is_understood(kind, line, name, values):
    reading = first_reading(line, READERS[kind])
    assert reading is not None
    assert reading[0] == name
    assert {key: reading[1].get(key) for key in values} == values


def test_hops_are_merged_by_their_ttl_and_the_target_is_marked():
    text = (
        "traceroute to 198.51.100.9 (198.51.100.9), 30 hops max, 60 byte packets\n 1  192.0.2.254  0.1 ms\n"
        "    192.0.2.253  0.2 ms\n 2  * *\n 3  198.51.100.9  0.3 ms\n"
    )
    witness = read_text(text)
    assert [(hop.ttl, hop.addresses, hop.silent, hop.is_target) for hop in witness.hops] == [
        (1, ("192.0.2.254", "192.0.2.253"), 0, False),
        (2, (), 2, False),
        (3, ("198.51.100.9",), 0, True),
    ]
    assert witness.succeeded
    assert witness.unknown == ()


def test_a_way_that_ends_in_silence_did_not_succeed():
    text = "traceroute to 198.51.100.9 (198.51.100.9), 2 hops max, 60 byte packets\n 1  192.0.2.254  0.1 ms\n 2  *\n"
    witness = read_text(text, exit_status=0)
    assert witness.succeeded is False


def test_the_json_of_mtr_becomes_hops():
    text = '{"report": {"mtr": {"src": "h1", "dst": "198.51.100.9", "tests": 1}, "hubs": [{"count": 1, "host": "???", "Loss%": 100.0, "Snt": 1}, {"count": 2, "host": "198.51.100.9", "Loss%": 0.0, "Snt": 1, "Avg": 0.2}]}}'
    witness = read_text(text)
    assert (witness.program, witness.target, witness.succeeded) == ("mtr", "198.51.100.9", True)
    assert [hop.addresses for hop in witness.hops] == [(), ("198.51.100.9",)]
