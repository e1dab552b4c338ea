"""Whatever the octets: an end, no surprise, and the same from every kind of source."""

import pytest
from capture_files import Whole, gz, mixed_pcapng, pcap, read_bytes, read_file, record, zstd
from hypothesis import given
from hypothesis import strategies as st

from explain.capture import source
from explain.errors import UnreadableError

STARTS = [
    b"",
    pcap(),
    pcap(record(b"x" * 30)),
    pcap(order=">", magic=0xA1B23C4D),
    pcap(magic=0xA1B2CD34),
    pcap(version=(2, 3)),
    mixed_pcapng(),
    gz(pcap(record())),
    zstd(pcap(record())),
    zstd(mixed_pcapng())[:30],
    gz(mixed_pcapng())[:30],
]


def read(how, *given) -> Whole | str:
    try:
        return how(*given)
    except UnreadableError as error:
        reason = error.reason
    assert reason
    assert "\n" not in reason
    return reason


@given(st.sampled_from(STARTS), st.binary(max_size=500))
def test_any_octets_after_any_start_are_read_or_refused(start, tail):
    read(read_bytes, start + tail)


@given(st.sampled_from(STARTS[1:]), st.data())
def test_changed_captures_are_read_or_refused(start, data):
    octets = bytearray(start)
    for at in data.draw(st.lists(st.integers(0, len(start) - 1), max_size=6)):
        octets[at] = data.draw(st.integers(0, 255))
    read(read_bytes, bytes(octets))


@given(st.sampled_from(STARTS[:7]), st.binary(max_size=300), st.lists(st.integers(0, 10_000), max_size=4))
def test_a_file_a_map_a_stream_and_packed_streams_agree(tmp_path_factory, start, tail, changes):
    octets = bytearray(start + tail)
    for change in changes:
        if octets:
            octets[change % len(octets)] ^= 1 << change % 8
    path = tmp_path_factory.mktemp("x") / "x"
    expected = read(read_bytes, bytes(octets))
    assert read(read_file, path, bytes(octets)) == expected
    assert read(read_bytes, gz(bytes(octets))) == expected
    assert read(read_bytes, zstd(bytes(octets))) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "SMALL_FILE", 0)
        assert read(read_file, path, bytes(octets)) == expected
