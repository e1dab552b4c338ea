"""Whatever the octets: columns for every frame, nothing from beyond what was captured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from decode.windows import KINDS, decoded, known, of_frames, window
from hypothesis import given
from hypothesis import strategies as st

import explain.decode
from explain.addresses import NO_MAC
from explain.capture.frames import Frames
from explain.decode import Decoder
from explain.model import Interface
from explain.table import (
    ARP,
    BAD_CHECKSUM,
    BAD_IP_CHECKSUM,
    CUT,
    ETHERNET,
    ICMP,
    ICMPV6,
    IP,
    IPV4,
    IPV6,
    NO_FLOW,
    TCP,
    UDP,
    VLAN,
)

LINK_TYPES = (1, 0, 9, 50, 101, 104, 108, 113, 228, 229, 276, 105, 147)
FRAMES = [frame for frame, _ in KINDS.values()]
HEADERS = ETHERNET | VLAN | ARP | IPV4 | IPV6 | TCP | UDP | ICMP | ICMPV6


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A frame of a known kind with octets changed, cut or inserted."""
    frame = bytearray(draw(st.sampled_from(FRAMES)))
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, max(len(frame) - 1, 0)))
        match draw(st.integers(0, 3)):
            case 0:
                frame[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                frame[at : at + 1] = draw(st.sampled_from([b"\0", b"\xff", b"\x45", b"\x60", b"\x2c"]))
            case 2:
                del frame[at:]
            case 3:
                frame[at:at] = draw(st.binary(max_size=9))
    return bytes(frame)


ANY = st.lists(st.binary(max_size=120) | broken(), max_size=12)


@given(ANY, st.sampled_from(LINK_TYPES), st.binary(max_size=30))
def test_any_octets_become_one_row_a_frame_that_keeps_to_the_rules(
    frames: list[bytes], link_type: int, around: bytes
) -> None:
    table = decoded(window(frames, around=around), link_type=link_type)
    assert len(table) == len(frames)
    for one, frame in zip(known(table), frames, strict=True):
        layers = one["layers"]
        assert (one["captured"], one["length"]) == (len(frame), len(frame))
        assert bool(layers & (TCP | UDP | ICMP | ICMPV6)) <= bool(layers & IP)
        assert sum(bool(layers & bit) for bit in (TCP, UDP, ICMP, ICMPV6, ARP)) <= 1
        assert not (layers & IPV4 and layers & IPV6)
        assert ("arp" in one) == bool(layers & ARP)
        assert ("icmp" in one) == bool(layers & (ICMP | ICMPV6))
        assert one["transport"] + one["payload"] <= len(frame) or not layers & IP
        absent_is_zero(one)


def absent_is_zero(one: dict[str, object]) -> None:
    layers = int(str(one["layers"]))
    if not layers & TCP:
        assert [one[name] for name in ("seq", "ack", "flags", "window")] == [0, 0, 0, 0]
    if not layers & (TCP | UDP | ICMP | ICMPV6):
        assert one["checksum"] == 0
        assert one.get("ports", [0, 0]) == [0, 0]
    if not layers & IP:
        assert [one[name] for name in ("payload", "ttl", "ip_id", "transport")] == [0, 0, 0, 0]
        assert "ends" not in one
    if not layers & VLAN:
        assert one["vlan"] == 0
    if not layers & ETHERNET:
        assert one["macs"] == (NO_MAC, NO_MAC)


@given(ANY, st.sampled_from(LINK_TYPES), st.lists(st.integers(0, 200), min_size=12, max_size=12))
def test_what_lies_around_the_captured_octets_changes_nothing(
    frames: list[bytes], link_type: int, longer: list[int]
) -> None:
    lengths = [len(frame) + more for frame, more in zip(frames, longer, strict=False)]
    seen = [
        known(decoded(window(frames, lengths, around), link_type=link_type))
        for around in (b"", b"\0" * 100, b"\xff" * 100, bytes(range(1, 120)), FRAMES[1])
    ]
    assert all(one == seen[0] for one in seen[1:])


@given(ANY, st.integers(1, 5))
def test_how_frames_are_shared_out_among_windows_and_blocks_changes_nothing(frames: list[bytes], size: int) -> None:
    whole = known(decoded(window(frames, around=b"\xa5" * 16)))
    parts = [window(frames[at : at + size], around=b"\xa5" * 16) for at in range(0, len(frames), size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explain.decode, "_BLOCK", 2)
        split = known(decoded(*parts))
    for one in whole + split:
        del one["time_ns"]
        for side in {"arp", "icmp", "syn", "fragments"} & set(one):
            del one[side]["row"]
    assert split == whole


@given(st.lists(st.tuples(st.sampled_from(LINK_TYPES), st.binary(max_size=60) | broken()), min_size=1, max_size=12))
def test_frames_of_many_link_types_in_any_order_are_read_as_each_alone(some: list[tuple[int, bytes]]) -> None:
    interfaces = [Interface(None, link_type, 65535) for link_type in LINK_TYPES]
    used = np.array([LINK_TYPES.index(link_type) for link_type, _ in some], np.uint16)
    decoder, frames = Decoder(), window([frame for _, frame in some], around=b"\xa5" * 16)
    decoder.add(replace(frames, interface=used), 0, interfaces)
    alone = Decoder()
    for at in range(len(some)):
        alone.add(replace(_only(frames, at), interface=used[at : at + 1]), 0, interfaces)
    table = decoder.finish()
    assert [table.places[place].interface for place in table.place.tolist()] == used.tolist()
    together, one_by_one = known(table), known(alone.finish())
    for one in together + one_by_one:
        del one["place"]  # numbered by the interface here, by what came first there
        for side in {"arp", "icmp", "syn", "fragments"} & set(one):
            del one[side]["row"]
    assert together == one_by_one


def _only(frames: Frames, at: int) -> Frames:
    one = slice(at, at + 1)
    columns = ("start", "captured", "length", "time_ns")
    return replace(frames, **{name: getattr(frames, name)[one] for name in columns})


@pytest.mark.parametrize("name", KINDS)
def test_a_frame_cut_anywhere_says_so_and_keeps_only_what_is_whole(name: str) -> None:
    frame, headers = KINDS[name]
    (full,) = known(of_frames(frame))
    assert not full["layers"] & CUT
    cuts = range(len(frame))
    seen, *others = (
        known(decoded(window([frame[:size] for size in cuts], [len(frame)] * len(frame), around)))
        for around in (b"\x5a" * 90, b"\0" * 90, b"\x02\x04" * 45, frame)
    )
    assert all(other == seen for other in others)
    for size, one in zip(cuts, seen, strict=True):
        assert bool(one["layers"] & CUT) == (size < headers), f"{size} octets of {name}"
        assert one["layers"] & HEADERS & ~full["layers"] == 0
        assert not one["layers"] & (BAD_CHECKSUM | BAD_IP_CHECKSUM)
        absent_is_zero(one)
        if one["layers"] & IP:
            assert (one["ends"], one["ttl"], one["ip_id"]) == (full["ends"], full["ttl"], full["ip_id"])
        if one["layers"] & (TCP | UDP):
            for field in ("ports", "seq", "ack", "flags", "window", "checksum", "payload", "transport"):
                assert one[field] == full[field], field
        if "icmp" in one:
            for field in ("type", "code", "word"):
                assert one["icmp"][field] == full["icmp"][field]


@pytest.mark.parametrize("link_type", [0, 9, 101, 104, 113, 276])
def test_other_links_cut_anywhere_say_so(link_type: int) -> None:
    packet = FRAMES[list(KINDS).index("udp")][14:]
    lead = {
        0: bytes.fromhex("02000000"),
        9: bytes.fromhex("ff030021"),
        101: b"",
        104: bytes.fromhex("0f000800"),
        113: bytes.fromhex("0004 0001 0006 00005e005301 0000 0800"),
        276: bytes.fromhex("0800 0000 00000005 0001 04 06 00005e0053010000"),
    }[link_type]
    frame = lead + packet
    table = decoded(
        window([frame[:size] for size in range(len(frame) + 1)], [len(frame)] * (len(frame) + 1), b"\x5a" * 90),
        link_type=link_type,
    )
    for size, one in enumerate(known(table)):
        assert bool(one["layers"] & CUT) == (size < len(lead) + 28)
        assert bool(one["layers"] & UDP) == (size >= len(lead) + 28)
    assert one["ports"] == [5353, 53]


def test_a_capture_without_frames_gives_an_empty_table() -> None:
    assert len(decoded()) == len(decoded(window([]))) == 0


def test_a_frame_without_octets_has_neither_flow_nor_macs() -> None:
    table = of_frames(b"")
    assert table.flow[0] == NO_FLOW
    assert table.links.source[table.link[0]] == NO_MAC
    assert np.array_equal(table.layers[:1], [CUT])
