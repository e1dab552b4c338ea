import io
import struct

import pytest
from capture_files import (
    IXIA_MICRO,
    IXIA_NANO,
    MICRO,
    MODIFIED,
    NANO,
    SECOND,
    gz,
    pcap,
    read_bytes,
    read_file,
    record,
    zstd,
)

from explain.capture import open_capture
from explain.capture.frames import HEAD, HEAD_LEAD
from explain.errors import UnreadableError
from explain.model import Interface

LONGER = struct.pack("<I", 0x9FBFB601)  # four octets more, under the usual magic number


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(MICRO, 1000), (NANO, 1)])
def test_both_byte_orders_and_both_resolutions_give_the_same_frames(order, magic, unit):
    records = [record(b"first", 5, 7, order=order), record(b"second", 6, 999_999, length=1500, order=order)]
    whole = read_bytes(pcap(*records, order=order, magic=magic))
    assert whole.frames == [b"first", b"second"]
    assert whole.length == [5, 1500]
    assert whole.time_ns == [5 * SECOND + 7 * unit, 6 * SECOND + 999_999 * unit]
    assert whole.start == [40, 61]
    assert whole.interface == [0, 0]
    assert whole.damage is None


def test_the_header_gives_the_one_interface(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(pcap(link_type=113, snaplen=96))
    with open_capture(str(path)) as reader:
        assert reader.interfaces == [Interface(None, 113, 96)]
        assert (reader.format, reader.compression, reader.file_bytes, reader.is_mapped) == ("pcap", None, 24, True)
        assert list(reader.frames()) == []
        assert reader.damage is None


def test_the_bits_above_the_link_type_are_the_length_of_the_check_sequence():
    network = 0x24000001  # 2 times 16 bits, present, Ethernet
    with open_capture("x", _stream(pcap(record(), link_type=network))) as reader:
        assert reader.interfaces[0].link_type == 1
        assert reader.fcs == [4]


def _stream(octets):
    import io

    return io.BytesIO(octets)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(IXIA_NANO, 1), (IXIA_MICRO, 1000)])
def test_the_longer_header_of_ixia_is_skipped(order, magic, unit):
    whole = read_bytes(pcap(record(b"x", 1, 2, order=order), order=order, magic=magic, extra=b"size"))
    assert (whole.frames, whole.time_ns, whole.damage) == ([b"x"], [SECOND + 2 * unit], None)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("size", [24, 28])
def test_the_modified_format_has_longer_record_headers(order, size):
    extra = struct.pack(order + "IHBx", 3, 0x0800, 0) + bytes(size - 24)
    frames = [b"one" * 20, b"two" * 30, b"three"]
    records = [record(frame, 1_000_000_000 + n, order=order, extra=extra) for n, frame in enumerate(frames)]
    whole = read_bytes(pcap(*records, order=order, magic=MODIFIED))
    assert (whole.frames, whole.damage) == (frames, None)


@pytest.mark.parametrize("extra", [struct.pack("<IHBx", 2, 0x0806, 1), LONGER])
def test_longer_record_headers_under_the_usual_magic_number_are_noticed(extra):
    frames = [b"\x11" * 60, b"\x22" * 90, b"\x33" * 61]
    whole = read_bytes(pcap(*(record(frame, 900_000_000 + n, extra=extra) for n, frame in enumerate(frames))))
    assert (whole.frames, whole.damage) == (frames, None)


@pytest.mark.parametrize(
    ("magic", "extra"), [(MICRO, b""), (MICRO, LONGER), (MODIFIED, bytes(8)), (MODIFIED, bytes(12))]
)
def test_a_head_holds_what_lies_around_the_first_octet_of_its_frame_and_zeros_beyond_the_end(magic, extra):
    records = [record(bytes([40 + n]) * (3 * n + 60), 900_000_000 + n, extra=extra) for n in range(50)]
    seen = 0
    with open_capture("-", io.BytesIO(pcap(*records, magic=magic))) as reader:
        for frames in reader.frames():
            octets = bytes(6) + frames.data.tobytes() + bytes(HEAD)
            for start, head in zip(frames.start.tolist(), frames.heads.T, strict=True):
                assert head.tobytes() == octets[start + 6 - HEAD_LEAD :][:HEAD]
                seen += 1
    assert seen == 50


def test_versions_before_2_3_exchange_the_two_lengths():
    swapped = record(b"abc", captured=9, length=3)
    assert read_bytes(pcap(swapped, version=(2, 2))).rows[0][:3] == (b"abc", 40, 9)
    assert read_bytes(pcap(swapped, record(b"abc", length=9), version=(2, 3))).frames == [b"abc", b"abc"]


def test_aix_wrote_nanoseconds_and_interface_types():
    whole = read_bytes(pcap(record(b"abc", 1, 5), version=(2, 2), link_type=6))
    assert (whole.interfaces[0].link_type, whole.time_ns) == (1, [SECOND + 5])


def test_odd_but_whole_records_are_read():
    octets = pcap(
        record(b"longer than it was", length=4),
        record(b"", 0xFFFFFFFF, 999_999),
        record(b"x", 0, 0xFFFFFFFF),
        snaplen=0,
    )
    whole = read_bytes(octets)
    assert whole.length == [4, 0, 1]
    assert whole.time_ns == [1_700_000_000 * SECOND, 0xFFFFFFFF * SECOND + 999_999_000, 0xFFFFFFFF * 1000]
    assert whole.damage is None


def test_an_unknown_link_type_is_no_obstacle():
    assert read_bytes(pcap(record(), record(), link_type=9999)).frames == [b"frame", b"frame"]


@pytest.mark.parametrize(("link_type", "is_read"), [(1, False), (249, True), (231, True)])
def test_a_frame_beyond_the_largest_is_read_only_where_the_link_type_allows_it(link_type, is_read, tmp_path):
    octets = pcap(record(b"a"), record(bytes(262145)), record(b"b"), link_type=link_type)
    for whole in (read_bytes(octets), read_bytes(gz(octets)), read_file(tmp_path / "x", octets)):
        assert len(whole.frames) == (3 if is_read else 1)
        assert (whole.damage and (whole.damage.kind, whole.damage.offset)) == (
            None if is_read else ("bad-record-length", 41)
        )


def test_the_largest_usual_frame_is_read():
    assert len(read_bytes(pcap(record(bytes(262144)))).frames[0]) == 262144


def test_a_record_larger_than_the_window_of_a_stream_grows_it():
    large = bytes(range(256)) * (40 << 10)
    octets = pcap(record(b"a"), record(large), record(b"b"), link_type=249)
    assert read_bytes(zstd(octets)).frames == [b"a", large, b"b"]


@pytest.mark.parametrize("length", [4, 12, 23])
def test_a_cut_header_is_unreadable(length):
    with pytest.raises(UnreadableError, match=f"header is cut: {length} of 24"):
        read_bytes(pcap()[:length])


def test_a_version_of_the_distant_past_is_unreadable():
    with pytest.raises(UnreadableError, match=r"version 1\.2"):
        read_bytes(pcap(version=(1, 2)))
