from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packets import A, B, R, datagram, error, is_at, ping, segment, who_has
from surroundings import TOP

from explain.capture import open_capture
from explain.decode.anonymise.frames import anonymised
from explain.decode.anonymise.pseudonyms import Pseudonyms
from explain.decode.dissect import dissect

ALICE, BOB = "192.0.2.1", "192.0.2.2"
NAMES = Pseudonyms(b"k" * 32)
KEPT = ("tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "ip.ttl", "ip.len")
SECRET = b"attack at dawn"
ADDRESSES = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "arp.src.proto_ipv4", "arp.dst.proto_ipv4", "eth.src")


def fields(octets, link_type=1):
    return {field.name: field.value for layer in dissect(octets, link_type, len(octets), {}) for field in layer.fields}


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4))
def test_addresses_that_share_a_prefix_share_one_afterwards(one, other):
    before, after = (
        32 - (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_length()
        for a, b in ((one, other), (NAMES.ipv4(one), NAMES.ipv4(other)))
    )
    assert before == after if before >= 16 else after < 16


@given(st.binary(min_size=4, max_size=4))
def test_an_address_stays_of_its_kind(octets):
    before, after = (IPv4Address(one) for one in (octets, NAMES.ipv4(octets)))
    for kind in ("is_loopback", "is_multicast", "is_link_local", "is_unspecified"):
        assert getattr(before, kind) == getattr(after, kind)
    assert (before in IPv4Network("10.0.0.0/8")) == (after in IPv4Network("10.0.0.0/8"))
    assert (before in IPv4Network("192.168.0.0/16")) == (after in IPv4Network("192.168.0.0/16"))


def test_another_key_gives_other_addresses():
    assert NAMES.ipv4(b"\x0a\0\0\1") != Pseudonyms(b"j" * 32).ipv4(b"\x0a\0\0\1")


def test_a_solicited_node_group_still_ends_as_the_address_that_it_is_for():
    address = bytes.fromhex("20010db8000000000000000000123456")
    group = bytes.fromhex("ff0200000000000000000001ff123456")
    assert NAMES.ipv6(address)[13:] == NAMES.ipv6(group)[13:] == NAMES.mac(bytes.fromhex("3333ff123456"))[3:]
    assert NAMES.ipv6(address)[13:] != address[13:]


@given(st.binary(max_size=200), st.sampled_from([0, 1, 9, 50, 101, 104, 108, 113, 147, 228, 229, 276]))
def test_any_octets_become_no_longer_and_no_error(octets, link_type):
    assert len(anonymised(octets, link_type, NAMES)) <= len(octets)


@given(st.binary(max_size=120), st.sampled_from([53, 67]))
def test_any_message_is_taken(octets, port):
    frame = datagram((ALICE, port), (BOB, port), octets)
    assert len(anonymised(frame, 1, NAMES)) <= len(frame)


@pytest.mark.parametrize(("link_type", "head"), [
    (12, ""), (9, "0021"), (50, "ff030021"), (50, "0f000800"), (104, "0f000800"),
    (1, "02530000010202530000010188641100000100680021"),
])  # fmt: skip
def test_every_link_that_is_understood_keeps_its_ip_under_other_names(link_type, head):
    packet = segment((ALICE, 4000), (BOB, 80), 24, seq=7, ack=9, data=SECRET)[14:]
    frame = bytes.fromhex(head) + packet
    new = anonymised(frame, link_type, NAMES)
    assert SECRET not in new
    assert len(new) == len(frame) - len(SECRET)
    assert new[-len(packet) + len(SECRET) + 12 :][:4] == NAMES.ipv4(bytes([192, 0, 2, 1]))


def test_payload_is_cut_off_and_the_headers_stay():
    frame = segment((ALICE, 4000), (BOB, 80), 24, seq=7, ack=9, data=SECRET)
    new = anonymised(frame, 1, NAMES)
    assert SECRET not in new
    before, after = fields(frame), fields(new)
    assert {name: before[name] for name in KEPT} == {name: after[name] for name in KEPT}


@pytest.mark.parametrize(
    "frame",
    [who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)), ping(ALICE, BOB, 1), segment((ALICE, 4000), (BOB, 80), 2),
     error("192.0.2.254", 3, 0, ping(ALICE, BOB, 1), macs=(R, A))],
)  # fmt: skip
def test_no_address_of_a_frame_stands_in_the_new_one(frame):
    new = anonymised(frame, 1, NAMES)
    for octets in (bytes((192, 0, 2)), bytes.fromhex(A.replace(":", "")), bytes.fromhex(B.replace(":", ""))):
        assert octets not in new


def test_a_wrong_checksum_stays_wrong_and_a_right_one_right():
    right = segment((ALICE, 4000), (BOB, 80), 2, seq=1)
    wrong = bytearray(right)
    wrong[14 + 20 + 16] ^= 0x55
    found = [
        [one.verdict for layer in dissect(new, 1, len(new), {}) for one in layer.sums]
        for new in (anonymised(right, 1, NAMES), anonymised(bytes(wrong), 1, NAMES))
    ]
    assert found == [["right", "right"], ["right", "wrong"]]


@pytest.mark.parametrize("case", ["dns", "dhcp", "ipv6-slaac", "no-route-on-router", "http"])
def test_no_address_of_a_recording_is_left(case):
    before: set[object] = set()
    after: set[object] = set()
    with open_capture(str(TOP / "pcaps" / case / "capture.pcapng")) as reader:
        for window in reader.frames():
            for start, captured in zip(window.start.tolist(), window.captured.tolist(), strict=True):
                octets = window.data[start : start + captured].tobytes()
                new = anonymised(octets, 1, NAMES)
                for found, frame in ((before, octets), (after, new)):
                    said = fields(frame)
                    found.update(said[name] for name in ADDRESSES if name in said)
    kept = {
        one
        for one in before & after
        if not str(one).startswith(("ff", "0.", "::", "255.", "224.", "33:33", "00:00:00:00:00:00"))
    }
    assert len(after) == len(before)
    assert not kept
