"""A place without a name is told by its file, and an interface of ``-i any`` by its number."""

from __future__ import annotations

import io
import struct

from capture_files import enhanced, interface, section
from packets import A, B, ip, octets, pcap, ping, pong, tcp, udp

import explain

INSIDE, NAT, SERVER = ("192.0.2.10", 40000), ("203.0.113.1", 40000), ("198.51.100.7", 80)
SYN, ACK = 2, 16
SLL2 = 276


def cooked(device: int, kind: int, mac: str, packet: bytes) -> bytes:
    """As ``tcpdump -i any`` writes it; kind 0 came for this host, 4 left it."""
    return struct.pack(">HHIHBB8s", 0x800, 0, device, 1, kind, 6, octets(mac)) + packet


def through(source, target, flags, device, ttl=64, **more):
    kind, mac = (0, A) if device == 2 else (4, B)
    return cooked(
        device,
        kind,
        mac,
        ip(source[0], target[0], 6, tcp(source[0], target[0], source[1], target[1], flags, **more), ttl),
    )


def translated(request=b"", response=b""):
    """Three segments from inside and two back, each on both sides of a router that rewrites the source."""
    segments = [
        (SYN, 1, 0, True, b""),
        (SYN | ACK, 9, 2, False, b""),
        (ACK, 2, 10, True, b""),
        (ACK, 2, 10, True, request),
        (ACK, 10, 2 + len(request), False, response),
    ]
    frames = []
    for number, (flags, seq, ack, is_out, data) in enumerate(segments):
        sides = (
            [(INSIDE, SERVER, 2, 64), (NAT, SERVER, 3, 63)]
            if is_out
            else [(SERVER, NAT, 3, 64), (SERVER, INSIDE, 2, 63)]
        )
        frames += [
            (number + 0.0001 * at, through(source, target, flags, device, ttl, seq=seq, ack=ack, data=data))
            for at, (source, target, device, ttl) in enumerate(sides)
        ]
    return frames


def test_both_sides_of_a_router_on_any_are_told_by_the_numbers_of_its_interfaces():
    told = " ".join(explain.explain(pcap(*translated(), link_type=SLL2)).story().split())
    assert "was seen on its way at: ifindex 2, ifindex 3." in told
    assert told.count("ip link shows it before the name") == 1


def test_what_a_translated_connection_carries_is_told_on_one_side():
    asked, answered = b"GET /once HTTP/1.1\r\nHost: w\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"
    found = explain.explain(pcap(*translated(asked, answered), link_type=SLL2))
    assert [one.kind for one in found.exchanges].count("http.request") == 2
    assert (found.story().count("/once"), found.story().count("204")) == (1, 1)


def test_a_translation_that_many_flows_share_is_told_once():
    frames = []
    for probe in range(3):
        for source, device, ttl in ((INSIDE[0], 2, 9), (NAT[0], 3, 8)):
            body = udp(source, SERVER[0], 4000 + probe, 33434 + probe, bytes(40))
            kind, mac = (0, A) if device == 2 else (4, B)
            frames.append(cooked(device, kind, mac, ip(source, SERVER[0], 17, body, ttl, ident=7 + probe)))
    told = " ".join(explain.explain(pcap(*frames, link_type=SLL2)).story().split())
    assert told.count("NAT of the source") == 1
    assert "The same in 2 flows more." in told


def test_files_without_names_are_told_by_their_own(tmp_path):
    for name, device in (("lan.pcap", 2), ("wan.pcap", 3)):
        frames = [frame for frame in translated() if frame[1][4:8] == struct.pack(">I", device)]
        (tmp_path / name).write_bytes(pcap(*frames, link_type=SLL2).getvalue())
    told = " ".join(explain.explain(tmp_path / "lan.pcap", tmp_path / "wan.pcap").story().split())
    assert "lan.pcap ifindex 2, wan.pcap ifindex 3." in told


def test_frames_of_another_file_than_the_one_that_is_told_of_are_named_with_it(tmp_path):
    sides = {"lan": [ping("192.0.2.1", "198.51.100.1", 1)], "wan": [ping("192.0.2.1", "198.51.100.1", 1, ttl=63)]}
    sides["lan"].append(pong("198.51.100.1", "192.0.2.1", 1))
    sides["wan"].append(pong("198.51.100.1", "192.0.2.1", 1, ttl=63))
    for name, frames in sides.items():
        (tmp_path / name).write_bytes(pcap(*frames).getvalue())
    rows = explain.explain(*(f"{name}={tmp_path / name}" for name in sides)).story().splitlines()
    assert any(row.strip().startswith("wan:1  Between lan and wan a router") for row in rows)


def test_interfaces_without_names_are_told_by_their_numbers():
    frames = [enhanced(ping("192.0.2.1", "192.0.2.2", 1), port=0), enhanced(ping("192.0.2.8", "192.0.2.9", 1), port=1)]
    story = explain.explain(io.BytesIO(section() + interface() * 2 + b"".join(frames))).story()
    assert "Seen at interface 2 of the file" in story


def test_what_any_shows_going_into_a_router_and_not_coming_out_vanished_in_it():
    closed = ("198.51.100.7", 81)
    kept = [(6.0 + number, through(INSIDE, closed, SYN, 2, seq=7)) for number in range(3)]
    frames = [
        (0.0, through(INSIDE, SERVER, SYN, 2)), (0.0001, through(INSIDE, SERVER, SYN, 3, 63)),
        (1.0, through(SERVER, INSIDE, SYN | ACK, 3, ack=1)), (1.0001, through(SERVER, INSIDE, SYN | ACK, 2, 63, ack=1)),
    ]  # fmt: skip
    told = " ".join(explain.explain(pcap(*frames, *kept, link_type=SLL2)).story().split())
    assert "passed ifindex 2 and never came out of the router behind it at ifindex 3" in told
