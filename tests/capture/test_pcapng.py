import io
import struct

import numpy as np
import pytest
from capture_files import (
    SECOND,
    block,
    enhanced,
    interface,
    mixed_pcapng,
    obsolete,
    option,
    read_bytes,
    section,
    simple,
    statistics,
)
from hypothesis import given
from hypothesis import strategies as st

from explain.capture import open_capture
from explain.capture.pcapng.clock import FIRST_NS, LAST_NS, clock_of, to_ns
from explain.errors import NotACaptureError, UnreadableError
from explain.words import say


@pytest.mark.parametrize("order", ["<", ">"])
def test_interfaces_have_their_own_link_types_names_and_resolutions(order):
    octets = section(option(1, b"taken at noon", order), order=order)
    octets += interface(option(2, b"eth0", order), option(1, b"uplink", order), link_type=1, snaplen=96, order=order)
    octets += interface(option(9, b"\x09", order), option(2, b"tun0\0", order), link_type=101, order=order)
    octets += enhanced(b"abc", 1_500_000, 0, length=1000, order=order)
    octets += enhanced(b"defgh", 2_500_000_000, 1, order=order)
    whole = read_bytes(octets)
    assert whole.frames == [b"abc", b"defgh"]
    assert whole.length == [1000, 5]
    assert whole.time_ns == [1_500_000_000, 2_500_000_000]
    assert whole.interface == [0, 1]
    assert [(i.name, i.link_type, i.snaplen, i.comment) for i in whole.interfaces] == [
        ("eth0", 1, 96, "uplink"),
        ("tun0", 101, 0, None),
    ]
    assert whole.comments == ["taken at noon"]
    assert whole.damage is None


def test_sections_have_their_own_byte_order_and_count_interfaces_on():
    whole = read_bytes(mixed_pcapng())
    assert whole.frames == [b"a" * 7, b"bb", b"c" * 6, b"dd", b"e"]
    assert whole.interface == [0, 0, 1, 0, 2]
    assert whole.time_ns == [1 * SECOND, 1 * SECOND, 2 * SECOND, 3 * SECOND, 5 * SECOND]
    assert [i.link_type for i in whole.interfaces] == [1, 101, 1]
    assert [i.dropped for i in whole.interfaces] == [0, 3, 0]
    assert whole.damage is None


def test_an_interface_may_be_declared_between_packets_but_not_after_its_first():
    base = section() + interface() + enhanced(b"a")
    late = interface(link_type=101)
    assert read_bytes(base + late + enhanced(b"b", port=1)).frames == [b"a", b"b"]
    whole = read_bytes(base + enhanced(b"b", port=1) + late + enhanced(b"c", port=1))
    assert whole.frames == [b"a"]
    assert len(whole.interfaces) == 1
    assert (whole.damage.kind, whole.damage.offset) == ("bad-interface", len(base))


def test_a_new_section_forgets_the_interfaces_of_the_one_before():
    whole = read_bytes(section() + interface() + enhanced(b"a") + section() + enhanced(b"b"))
    assert (whole.frames, whole.damage.kind) == ([b"a"], "bad-interface")


def test_a_simple_packet_is_cut_to_the_snaplen_of_the_first_interface():
    octets = section() + interface(snaplen=3) + simple(b"abc", length=60) + simple(b"de")
    whole = read_bytes(octets)
    assert (whole.frames, whole.length, whole.time_ns) == ([b"abc", b"de"], [60, 2], [0, 0])


def test_simple_packets_of_many_windows_have_room_before_them():
    assert len(read_bytes(section() + interface() + simple(b"x" * 40) * 9000).frames) == 9000


def test_a_simple_packet_has_no_time_whatever_the_clock_of_the_interface():
    offset = option(14, struct.pack("<q", 1_600_000_000))
    assert read_bytes(section() + interface(offset) + simple()).time_ns == [0]


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (block(6, bytes(8)), "bad-block-length"),
        (block(2, bytes(8)), "bad-block-length"),
        (block(3, b""), "bad-block-length"),
        (block(1, bytes(4)), "bad-block-length"),
        (block(5, bytes(8)), "bad-block-length"),
        (block(9, b"", total=8), "bad-block-length"),
        (block(9, b"", total=0x7FFFFFF0), "bad-block-length"),
        (block(9, b"abcd", trailer=17), "trailer-mismatch"),
        (section(version=(2, 0)), "bad-version"),
        (section()[:-4] + b"\0\0\0\0", "trailer-mismatch"),
        (block(0x0A0D0D0A, b"abcdefghijkl"), "bad-byte-order"),
        (block(0x0A0D0D0A, struct.pack("<I", 0x1A2B3C4D)), "bad-block-length"),
        (enhanced(port=1), "bad-interface"),
        (obsolete(port=9), "bad-interface"),
        (enhanced(captured=6000, length=6000), "bad-record-length"),
        (simple(length=100), "bad-record-length"),
        (enhanced(bytes(262145)), "bad-record-length"),
    ],
)
def test_what_cannot_be_ends_the_reading_at_its_place(wrong, kind):
    sound = section() + interface() + enhanced(b"a") + enhanced(b"b")
    whole = read_bytes(sound + wrong + enhanced(b"never") * 3)
    assert whole.frames == [b"a", b"b"]
    assert (whole.damage.kind, whole.damage.offset) == (kind, len(sound))
    assert say(whole.damage.line.message, whole.damage.line.values, "en")


def test_a_packet_before_any_interface_is_damage():
    for packet in (simple(), enhanced(), obsolete()):
        whole = read_bytes(section() + packet)
        assert (whole.frames, whole.damage.kind, whole.damage.offset) == ([], "bad-interface", 28)


def test_a_block_length_that_is_no_multiple_of_four_is_rounded_up():
    body = struct.pack("<IIIII", 0, 0, 1, 5, 5) + b"frame"
    odd = struct.pack("<II", 6, 37) + body + bytes(3) + struct.pack("<I", 37)
    assert read_bytes(section() + interface() + odd + enhanced(b"b")).frames == [b"frame", b"b"]


def test_options_that_make_no_sense_are_ignored():
    odd = option(9, b"\x06\x06") + option(14, b"abc") + option(13, b"") + struct.pack("<HH", 2, 60000)
    whole = read_bytes(section() + interface(odd) + enhanced(b"a", 1_000_000))
    assert (whole.time_ns, whole.interfaces[0].name, whole.damage) == ([SECOND], None, None)


def test_a_name_that_is_no_utf_8_is_read_as_far_as_it_goes():
    assert read_bytes(section() + interface(option(2, b"eth\xff"))).interfaces[0].name == "eth\N{REPLACEMENT CHARACTER}"


def test_the_length_of_the_check_sequence_is_given_by_interface():
    with open_capture("x", io.BytesIO(section() + interface(option(13, b"\x04")) + interface())) as reader:
        assert list(reader.frames()) == []
        assert reader.fcs == [4, 0]


@pytest.mark.parametrize("resolution", [0, 3, 6, 7, 9, 12, 18, 20, 63, 127, 0x80, 0x8A, 0xA8, 0xBF, 0xC0, 0xFF])
@pytest.mark.parametrize("offset", [0, -5, 1_600_000_000, -(1 << 63), (1 << 63) - 1])
def test_time_stamps_of_any_resolution_are_exact_and_never_overflow(resolution, offset):
    stamps = [0, 1, 999_999, 0x0123456789ABCDEF, (1 << 64) - 1]
    units = 1 << (resolution & 0x7F) if resolution & 0x80 else 10 ** (resolution & 0x7F)
    exact = [offset * SECOND + stamp * SECOND // units for stamp in stamps]
    held = [min(max(time, FIRST_NS), LAST_NS) for time in exact]
    assert to_ns(np.array(stamps, np.uint64), clock_of(resolution, offset)).tolist() == held
    octets = section() + interface(option(9, bytes([resolution])), option(14, struct.pack("<q", offset)))
    assert read_bytes(octets + b"".join(enhanced(b"x", stamp) for stamp in stamps)).time_ns == held


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1 << 60)), max_size=40))
def test_each_packet_is_timed_by_the_clock_of_its_own_interface(packets):
    resolutions = [6, 9, 3, 0x8A, 6]
    octets = section() + b"".join(interface(option(9, bytes([resolution]))) for resolution in resolutions)
    octets += b"".join(enhanced(b"x", stamp, port) for port, stamp in packets)
    units = [10**6, 10**9, 10**3, 1 << 10, 10**6]
    exact = [min(stamp * SECOND // units[port], LAST_NS) for port, stamp in packets]
    assert read_bytes(octets).time_ns == exact


def test_many_short_sections_are_all_read():
    octets = (section() + interface() + enhanced(b"a") + statistics(1)) * 500
    whole = read_bytes(octets)
    assert (len(whole.frames), whole.interface[-1], whole.damage) == (500, 499, None)


def test_one_interface_too_many_ends_the_reading():
    octets = section() + interface() * 65534 + enhanced(b"a") + interface() * 3 + enhanced(b"b")
    whole = read_bytes(octets)
    assert (whole.frames, len(whole.interfaces), whole.damage.kind) == ([b"a"], 65535, "too-many-interfaces")


def test_comments_are_kept_within_a_bound():
    whole = read_bytes((section(option(1, b"x") * 100) + interface()) * 20)
    assert (len(whole.comments), whole.damage) == (1000, None)


def test_text_that_begins_like_a_section_is_no_capture():
    with pytest.raises(UnreadableError) as caught:
        read_bytes(b"\n\r\r\n some text, long enough")
    assert not isinstance(caught.value, NotACaptureError)


def test_an_unsound_first_section_is_unreadable():
    for octets in (section()[:11], section()[:27], section(version=(3, 0)), section()[:-4] + bytes(4)):
        with pytest.raises(UnreadableError, match="section"):
            read_bytes(octets + b"")
