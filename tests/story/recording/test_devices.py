"""Devices that name themselves to their neighbour, and cables that they bundle, are told."""

from __future__ import annotations

import struct

import pytest
from packets import A, B, eth, octets, packed, pcap

import explain

NEAREST = "01:80:c2:00:00:0e"


def told(*frames, language="en"):
    return " ".join(explain.explain(pcap(*frames)).story(language).split())


def lldp(mac: str, port: str, *more: tuple[int, bytes], lifetime: int = 120) -> bytes:
    facts = (1, b"\4" + octets(mac)), (2, b"\5" + port.encode()), (3, struct.pack(">H", lifetime)), *more, (0, b"")
    body = b"".join(struct.pack(">H", kind << 9 | len(value)) + value for kind, value in facts)
    return eth(mac, NEAREST, 0x88CC, body)


def test_a_switch_that_names_itself_and_its_port_is_named():
    managed = bytes((5, 1)) + packed("192.0.2.9") + bytes(6)
    more = (4, b"to the lab"), (5, b"sw1.example"), (6, b"A switch\nof 2020"), (8, managed)
    story = told(lldp(A, "ge-0/0/1", *more), lldp(A, "ge-0/0/1", *more))
    assert f"1-2 {A} calls itself sw1.example (A switch; managed at 192.0.2.9)" in story
    assert "this cable is in its port ge-0/0/1 (to the lab)" in story
    assert f"{A} calls itself {A}, and this cable is in its port eth0." in told(lldp(A, "eth0"))


def test_a_switch_that_takes_its_name_back_is_told():
    assert f"{A} takes back what it said of its port eth0 (lifetime 0)" in told(lldp(A, "eth0", lifetime=0))


@pytest.mark.parametrize("size", [3, 12, 18])
def test_a_message_that_is_cut_names_nobody(size):
    assert "calls itself" not in told(lldp(A, "eth0")[: 14 + size])


def cdp(mac: str, name: str, vlan: int, duplex: int = 1) -> bytes:
    address = struct.pack(">IBBBH", 1, 1, 1, 0xCC, 4) + packed("192.0.2.9")
    facts = (
        (1, name.encode()),
        (2, address),
        (3, b"Gi0/1"),
        (6, b"cisco X"),
        (10, struct.pack(">H", vlan)),
        (11, bytes((duplex,))),
    )
    body = b"\2\xb4\0\0" + b"".join(struct.pack(">HH", kind, 4 + len(value)) + value for kind, value in facts)
    body = bytes.fromhex("aaaa0300000c2000") + body
    return eth(mac, "01:00:0c:cc:cc:cc", len(body), body)


def test_a_device_of_cisco_is_named_and_two_that_do_not_fit_are_told():
    story = told(cdp(A, "S1", 1), cdp(B, "S2", 20, 0))
    assert (
        f"1 {A} calls itself S1 (cisco X; managed at 192.0.2.9; native VLAN 1), and this cable is in its port Gi0/1"
        in story
    )
    assert "1-2 S1 has the native VLAN 1 and S2 20." in story
    assert "S1 is full duplex and S2 half duplex." in story
    well = told(cdp(A, "S1", 1), cdp(B, "S2", 1))
    assert "has the native VLAN" not in well
    assert "half duplex" not in well


def lacp(system: str, port: int, state: int, partner: str, far: int) -> bytes:
    sides = ((1, system, port, state), (2, partner, far, 0))
    body = b"\1\1" + b"".join(
        struct.pack(">BBH6sHHHB3x", kind, 20, 32768, octets(mac), 1, 32768, number, flags)
        for kind, mac, number, flags in sides
    )
    return eth(system, "01:80:c2:00:00:02", 0x8809, body + bytes(66))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (0x3D, f"{A} carries traffic on port 1, 2 in a bundle with {B} (LACP)"),
        (0x0D, f"{A} hears {B} on port 1, 2 (LACP), but carries no traffic"),
        (0x7D, f"{A} hears no LACP from the other end on port 1, 2"),
        (0x85, f"{A} hears no LACP from the other end on port 1, 2"),
    ],
)
def test_a_bundle_of_cables_is_told_as_it_stands_in_the_end(state, words):
    story = told(lacp(A, 1, 5, B, 7), lacp(A, 1, state, B, 7), lacp(A, 2, state, B, 8))
    assert words in story
    assert story.count("(LACP)") + story.count("hears no LACP") == 1
