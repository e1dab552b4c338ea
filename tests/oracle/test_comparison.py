"""The comparison itself: it is silent where both agree, and loud about any column that is wrong."""

from __future__ import annotations

import functools
import signal
from pathlib import Path

import numpy as np
import packets as p
import pytest

from explain.errors import MissingError, UnreadableError
from explain.intake import read
from explain.oracle import compare, second_opinion, tshark_fields
from explain.oracle.comparison import outer_layers
from explain.table import COLUMNS, ETHERNET, ICMP, IPV4, IPV6, TCP, UDP, VLAN

ALICE, BOB = "192.0.2.1", "192.0.2.2"
SIX, SEVEN = "2001:db8::6", "2001:db8::7"
SYN_OPTIONS = bytes.fromhex("020405b4 0402080a 00000001 00000000 01030307")


def one_of_each() -> list[bytes]:
    ping = p.ping(ALICE, BOB, 1)
    query = p.datagram((ALICE, 5000), (BOB, 53), b"q" * 9)
    piece = p.ip(ALICE, BOB, 17, b"y" * 16, ident=77, flags=0x2003)
    return [
        p.who_has((p.A, ALICE), BOB),
        p.is_at((p.B, BOB), (p.A, ALICE)),
        ping,
        p.pong(BOB, ALICE, 1),
        p.error("192.0.2.254", 3, 3, query),
        p.error("192.0.2.254", 11, 0, ping),
        p.error("192.0.2.254", 3, 4, p.segment((ALICE, 4000), (BOB, 80), 24, seq=7, ack=9, data=b"z" * 40), 1400),
        p.segment((ALICE, 4000), (BOB, 80), 2, seq=100, options=SYN_OPTIONS),
        p.segment((BOB, 80), (ALICE, 4000), 18, seq=2**32 - 1, ack=101),
        p.segment((SIX, 4000), (SEVEN, 80), 24, seq=5, ack=6, data=b"GET /"),
        p.ping(SIX, SEVEN, 3),
        p.error(SEVEN, 1, 4, p.datagram((SIX, 9), (SEVEN, 10), b"abc")),
        query,
        p.eth(p.A, p.B, 0x800, p.ip(ALICE, BOB, 6, p.tcp(ALICE, BOB, 1, 2, 16)), vlan=2005),
        p.eth(p.A, p.B, 0x800, piece),
    ]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("oracle") / "each.pcap"
    path.write_bytes(p.pcap(*one_of_each()).getvalue())
    return path


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run tshark once for all questions with the same fields."""
    monkeypatch.setattr("explain.oracle.comparison.tshark_fields", _remembered)


def _remembered(path: str, fields: list[str]) -> dict[str, list[str]]:
    return dict(_once(path, tuple(fields)))


@functools.cache
def _once(path: str, fields: tuple[str, ...]) -> dict[str, list[str]]:
    return dict(tshark_fields(path, fields))


@pytest.mark.needs("tshark")
@pytest.mark.usefixtures("remembered")
def test_nothing_differs_in_frames_of_every_kind(capture: Path) -> None:
    table, _ = read([capture], every_checksum=True)
    assert compare(table, str(capture)) == []


@pytest.mark.needs("tshark")
@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("column", sorted(set(COLUMNS) - {"offset", "transport", "flow", "link", "place"}))
def test_a_wrong_column_is_found(capture: Path, column: str) -> None:
    table, _ = read([capture], every_checksum=True)
    values = getattr(table, column)
    values[:] ^= np.array(1, values.dtype)
    assert compare(table, str(capture))


@pytest.mark.needs("tshark")
@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(
    ("side", "column"),
    [("arp", name) for name in ("operation", "sender_mac", "sender_ip", "target_mac", "target_ip")]
    + [("icmp", name) for name in ("type", "code", "word", "quote_src", "quote_dst", "quote_protocol")]
    + [("icmp", name) for name in ("quote_sport", "quote_dport", "quote_word", "quote_kind", "quote_ttl")]
    + [("icmp", name) for name in ("quote_ip_id", "quote_length")]
    + [("syn", name) for name in ("mss", "window_scale", "sack_permitted", "has_timestamps")]
    + [("fragments", "more"), ("links", "source"), ("links", "target")]
    + [("flows", name) for name in ("low", "high", "low_port", "high_port", "protocol")],
)
def test_a_wrong_column_of_a_side_table_is_found(capture: Path, side: str, column: str) -> None:
    table, _ = read([capture], every_checksum=True)
    values = getattr(getattr(table, side), column)
    values[:] ^= np.array(1, values.dtype)
    assert compare(table, str(capture))


@pytest.mark.needs("tshark")
@pytest.mark.usefixtures("remembered")
def test_a_difference_names_the_frame_the_field_and_both_values(capture: Path) -> None:
    table, _ = read([capture])
    table.ttl[2] = 9
    (difference,) = compare(table, str(capture))
    assert (difference.frame, difference.field, difference.ours, difference.theirs) == (3, "ip.ttl", "9", "64")


@pytest.mark.needs("tshark")
@pytest.mark.usefixtures("remembered")
def test_the_second_of_two_captures_is_compared_with_its_own_file(capture: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pcap"
    other.write_bytes(p.pcap(*reversed(one_of_each())).getvalue())
    table, _ = read([capture, other])
    assert compare(table, str(other), 1) == []
    assert compare(table, str(other), 0)


@pytest.mark.needs("tshark")
def test_a_frame_that_one_side_lacks_is_a_difference(capture: Path, tmp_path: Path) -> None:
    shorter = tmp_path / "shorter.pcap"
    shorter.write_bytes(p.pcap(*one_of_each()[:-1]).getvalue())
    table, _ = read([capture])
    (difference,) = compare(table, str(shorter))
    assert (difference.field, difference.ours, difference.theirs) == ("frame.number", "15", "14")


def test_what_lies_in_a_tunnel_or_a_quote_is_no_outer_layer() -> None:
    assert outer_layers("eth:ethertype:vlan:ethertype:ip:tcp:http") == ETHERNET | VLAN | IPV4 | TCP
    assert outer_layers("eth:ethertype:ip:ip:tcp") == ETHERNET | IPV4
    assert outer_layers("eth:ethertype:ip:gre:ip:udp") == ETHERNET | IPV4
    assert outer_layers("eth:ethertype:ip:icmp:ip:udp") == ETHERNET | IPV4 | ICMP
    assert outer_layers("eth:ethertype:ipv6:ipv6.hopopts:udp:vxlan:eth:ethertype:ip:tcp") == ETHERNET | IPV6 | UDP
    assert outer_layers("radiotap:wlan_radio:wlan:llc:ip:tcp") == 0


def test_without_tshark_its_absence_is_named_with_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match="apt install tshark"):
        tshark_fields("any.pcap", ["frame.number"])
    with pytest.raises(MissingError, match="apt install tshark"):
        second_opinion("any.pcap", 1)


@pytest.mark.needs("tshark")
def test_a_file_that_tshark_cannot_read_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "text.pcap"
    path.write_text("this is no capture at all, only text")
    with pytest.raises(UnreadableError, match="tshark does not read it"):
        tshark_fields(str(path), ["frame.number"])


@pytest.mark.needs("tshark")
def test_one_frame_is_told_layer_by_layer(capture: Path) -> None:
    layers = second_opinion(str(capture), 5)
    assert [layer.name for layer in layers][:3] == ["eth", "ip", "icmp"]
    lines = dict(layers[2].fields)
    assert "Destination unreachable" in lines["icmp.type"]
    assert "Port unreachable" in lines["icmp.code"]
    assert second_opinion(str(capture), 99) == ()
    assert signal.set_wakeup_fd(-1) == -1, "a loop goes on hearing of every child"
