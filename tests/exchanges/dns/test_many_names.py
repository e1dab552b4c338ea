"""Names that look like data, and names that do not."""

from __future__ import annotations

import hashlib
import struct

import pytest
from packets import datagram, pcap

import explain

CLIENT, SERVER = "192.0.2.1", "192.0.2.53"
TXT, A, NULL = 16, 1, 10


def asks(names, kind=TXT):
    for number, name in enumerate(names):
        wire = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
        message = struct.pack(">6H", number, 0x100, 1, 0, 0, 0) + wire + struct.pack(">HH", kind, 1)
        yield number / 10, datagram((CLIENT, 40000), (SERVER, 53), message)


def digest(number, size=60):
    return hashlib.sha512(bytes([number])).hexdigest()[:size]


def observed(frames):
    report = explain.explain(pcap(*frames))
    assert report.story("ja")
    return " ".join(report.story("en").split())


def test_many_long_names_of_one_domain_are_told_with_what_else_they_may_be():
    told = observed(asks([f"{digest(number)}.t.example.com" for number in range(60)]))
    assert f"{CLIENT} asked for 60 different names below t.example.com (TXT)" in told
    assert "DNS tunnel" in told
    assert "telemetry" in told


def test_names_that_end_nowhere_are_told_as_that():
    told = observed(asks([f"dnscat.{digest(number)}.{digest(number + 100, 30)}1" for number in range(60)]))
    assert "they end in no domain that exists" in told


def test_records_of_type_null_are_asked_for_by_tunnels_alone():
    told = observed(asks([f"pa{digest(number, 6)}.pirate.sea" for number in range(30)], NULL))
    assert "30 different names below pirate.sea (NULL)" in told


@pytest.mark.parametrize(
    "names",
    [
        [f"{digest(number)}.example.com" for number in range(30)],
        [f"host{number}.example.com" for number in range(200)],
        [f"{digest(number % 3)}.cdn.example.com" for number in range(200)],
        [f"{digest(number)}.example{number}.com" for number in range(200)],
        [".".join(f"{number:032x}"[::-1]) + ".ip6.arpa" for number in range(200)],
        [f"{digest(number)}.co.jp" for number in range(100)],
    ],
    ids=["few", "short", "again and again", "of many domains", "of addresses", "registered ones"],
)
def test_other_names_are_no_news(names):
    assert "different names" not in observed(asks(names))
