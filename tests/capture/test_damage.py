import io
import struct

import pytest
from capture_files import (
    enhanced,
    gz,
    interface,
    mixed_pcapng,
    pcap,
    read_bytes,
    read_file,
    read_pipe,
    record,
    section,
    zstd,
)

from explain.capture import open_capture, source
from explain.errors import UnreadableError

SMALL_PCAP = pcap(*(record(bytes([n]) * n, fraction=n, length=n + 5) for n in (1, 0, 17, 40)))


def outcome(read, *given):
    """What came of reading: the rows and where they end, or why there are none."""
    try:
        whole = read(*given)
    except UnreadableError as error:
        return error.reason
    return whole.rows, whole.damage, whole.interfaces, whole.comments


@pytest.mark.parametrize("octets", [SMALL_PCAP, mixed_pcapng()], ids=["pcap", "pcapng"])
def test_a_file_cut_at_any_octet_gives_every_packet_before_the_cut(octets, tmp_path, monkeypatch):
    whole = read_bytes(octets)
    monkeypatch.setattr(source, "SMALL_FILE", 0)
    for cut in range(len(octets)):
        expected = outcome(read_bytes, octets[:cut])
        assert outcome(read_file, tmp_path / "cut", octets[:cut]) == expected
        assert outcome(read_bytes, gz(octets[:cut])) == expected
        assert outcome(read_bytes, zstd(octets[:cut])) == expected
        if isinstance(expected, str):
            continue
        rows, damage, *_ = expected
        ends = [start + len(frame) for frame, start, *_ in whole.rows]
        trailers = 0 if octets is SMALL_PCAP else 4
        before = [row for row, end in zip(whole.rows, ends, strict=True) if end + trailers <= cut]
        # A block may have padding between the frame and its end.
        assert rows in (before, before[:-1])
        assert rows == before or cut - ends[len(rows)] < 8
        assert damage is None or (damage.kind == "cut-record" and damage.offset <= cut)
        if damage is None:
            assert not rows or cut - ends[len(rows) - 1] < 80


def test_a_cut_record_is_told_with_its_own_offset():
    for left in range(1, 16 + 5):
        whole = read_bytes(pcap(record(), record())[: 24 + 21 + left])
        assert (len(whole.frames), whole.damage.kind, whole.damage.offset) == (1, "cut-record", 45)
    header, body = (read_bytes(pcap(record(), record())[:end]).damage.line for end in (24 + 21 + 5, -1))
    assert (header.message, header.values) == ("damage.cut-record.header", {"left": 5, "need": 16})
    assert (body.message, body.values) == ("damage.cut-record.record", {"left": 20, "need": 21})


def test_a_sound_header_before_an_unsound_record_gives_no_packet_and_the_damage():
    for captured in (262145, 0x7FFFFFFF, 0xFFFFFFFF):
        whole = read_bytes(pcap(record(captured=captured)))
        assert (whole.frames, whole.damage.kind, whole.damage.offset) == ([], "bad-record-length", 24)
        assert whole.damage.line.values["claimed"] == captured


def test_a_file_behind_another_is_named_as_that_where_it_begins():
    first = pcap(record())
    for octets in (first + first, gz(first) + gz(first), first + pcap(record(order=">"), order=">")):
        damage = read_bytes(octets).damage
        assert (damage.line.message, damage.offset) == ("damage.bad-record-length.joined", len(first))


def test_a_pipe_gives_the_same_as_a_file(tmp_path):
    for octets in (SMALL_PCAP, SMALL_PCAP[:-3], mixed_pcapng(), gz(mixed_pcapng()), zstd(SMALL_PCAP)[:-2]):
        assert outcome(read_pipe, octets) == outcome(read_file, tmp_path / "x", octets)


@pytest.mark.parametrize("pack", [gz, zstd])
@pytest.mark.parametrize("octets", [SMALL_PCAP, mixed_pcapng()], ids=["pcap", "pcapng"])
def test_a_packed_file_cut_at_any_octet_gives_a_prefix_and_says_that_it_is_cut(pack, octets):
    packed, whole = pack(octets), read_bytes(octets)
    for cut in range(1, len(packed)):
        result = outcome(read_bytes, packed[:cut])
        if isinstance(result, str):
            continue
        rows, damage, *_ = result
        assert rows == whole.rows[: len(rows)]
        assert damage.kind == "cut-compression"


def test_gzip_cut_in_its_check_sum_still_gives_every_packet():
    whole = read_bytes(gz(SMALL_PCAP)[:-1])
    assert (len(whole.frames), whole.damage.kind, whole.damage.offset) == (4, "cut-compression", len(SMALL_PCAP))


def test_what_comes_before_corrupt_gzip_is_read():
    records = [record(bytes([n % 251]) * 60, fraction=n) for n in range(2000)]
    octets = pcap(*records)
    packed = bytearray(gz(octets))
    packed[-8:-4] = b"\0\0\0\0"
    whole = read_bytes(bytes(packed))
    assert (len(whole.frames), whole.damage.kind, whole.damage.offset) == (2000, "bad-compression", len(octets))
    broken = gz(octets)[:-4000] + bytes(4000)
    whole = read_bytes(broken)
    assert 100 < len(whole.frames) < 2000
    assert whole.frames[:100] == [bytes([n]) * 60 for n in range(100)]
    assert whole.damage is not None


def test_corrupt_zstd_is_told():
    packed = bytearray(zstd(pcap(*(record(bytes([n % 251]) * 60) for n in range(20000)))))
    packed[-1] ^= 1
    assert read_bytes(bytes(packed)).damage.kind == "bad-compression"
    assert read_bytes(zstd(SMALL_PCAP) + b"something else").damage.kind == "bad-compression"


def test_several_members_are_one_stream_and_padding_is_ignored():
    half = len(SMALL_PCAP) // 2
    parts = SMALL_PCAP[:half], b"", SMALL_PCAP[half:]
    for packed in (
        b"".join(gz(part) for part in parts),
        b"".join(zstd(part) for part in parts),
        gz(SMALL_PCAP) + bytes(700),
        gz(SMALL_PCAP) + b"garbage",
        struct.pack("<II", 0x184D2A53, 5) + b"notes" + zstd(SMALL_PCAP, checksum=False),
    ):
        whole = read_bytes(packed)
        assert (len(whole.frames), whole.damage) == (4, None)


class Trickle(io.RawIOBase):
    """Gives one octet at a time."""

    def __init__(self, octets):
        self._octets = io.BytesIO(octets)

    def readable(self):
        return True

    def readinto(self, view):
        view[:1] = got = self._octets.read(1)
        return len(got)


class Failing(io.RawIOBase):
    """Gives some octets, then an error of the device."""

    def __init__(self, octets):
        self._octets = io.BytesIO(octets)

    def read(self, count=-1):
        got = self._octets.read(count)
        if not got:
            raise OSError(5, "Input/output error")
        return got


@pytest.mark.parametrize("pack", [bytes, gz, zstd])
def test_octets_that_come_one_by_one_give_the_same(pack):
    octets = pack(mixed_pcapng()) * (2 if pack is not bytes else 1)
    assert outcome(lambda: read_all_from(Trickle(octets))) == outcome(read_bytes, octets)


def read_all_from(stream):
    from capture_files import read_all

    return read_all(open_capture("given", stream))


@pytest.mark.parametrize("pack", [bytes, gz, zstd])
def test_an_error_of_the_device_ends_the_reading_with_what_was_read(pack):
    whole = read_all_from(Failing(pack(SMALL_PCAP)))
    assert len(whole.frames) == 4
    assert (whole.damage.kind, whole.damage.offset) == ("read-error", len(SMALL_PCAP))
    with pytest.raises(UnreadableError, match="input/output error"):
        read_all_from(Failing(b""))


@pytest.mark.parametrize("pack", [gz, zstd])
def test_a_bomb_is_never_held_whole(pack):
    import resource

    filler = section() + interface() + enhanced(bytes(200_000)) * 1000
    bomb = pack(filler)
    assert len(bomb) < len(filler) // 100
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open_capture("bomb", io.BytesIO(bomb)) as reader:
        assert sum(len(window.start) for window in reader.frames()) == 1000
        assert reader.damage is None
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 << 10, f"{grown} KiB more for a stream of {len(filler) >> 10} KiB"


def test_a_block_that_claims_too_much_of_a_stream_is_not_waited_for():
    endless = section() + interface() + struct.pack("<II", 99, 0x7FFFFFFC)
    with open_capture("endless", io.BytesIO(endless + bytes(1 << 20))) as reader:
        assert list(reader.frames()) == []
        assert (reader.damage.kind, reader.damage.offset) == ("bad-block-length", len(endless) - 8)
