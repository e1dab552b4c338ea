"""The fast walk must be the plain walk, whatever the octets."""

import random
import struct

import pytest
from capture_files import MODIFIED, NANO, enhanced, interface, pcap, read_bytes, record, section, simple
from hypothesis import given
from hypothesis import strategies as st

from explain.capture import chains


@pytest.fixture
def small_windows(monkeypatch):
    """Chains for windows of a few records already."""
    monkeypatch.setattr(chains, "LEAST_WINDOW", 64)
    monkeypatch.setattr(chains, "_RECORDS", 4)
    monkeypatch.setattr(chains, "_SAMPLE", 1)


@pytest.fixture
def met(monkeypatch):
    """Whether the chains of each window met."""
    seen = []
    real = chains._walk_chains

    def spy(*given):
        found = real(*given)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(chains, "_walk_chains", spy)
    return seen


def plain(octets):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains, "LEAST_WINDOW", 1 << 60)
        return read_bytes(octets)


def frames(seed, count, sizes=(0, 40, 60, 66, 590, 1514)):
    chance = random.Random(seed)
    return [chance.randbytes(chance.choice(sizes)) for _ in range(count)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, NANO, MODIFIED])
def test_chains_meet_in_every_kind_of_pcap(order, magic, met):
    extra = struct.pack(order + "IHBx", 1, 0x800, 0) if magic == MODIFIED else b""
    given = frames(1, 4000)
    records = (record(f, 1_700_000_000 + n // 9, n % 9, order=order, extra=extra) for n, f in enumerate(given))
    octets = pcap(*records, order=order, magic=magic)
    assert read_bytes(octets) == plain(octets)
    assert met == [True] * len(met)
    assert met


@pytest.mark.parametrize("order", ["<", ">"])
def test_chains_meet_in_pcapng(order, met):
    packets = b"".join(enhanced(f, n * 1000, order=order) for n, f in enumerate(frames(2, 4000)))
    octets = section(order=order) + interface(order=order) + packets
    assert read_bytes(octets) == plain(octets)
    assert met == [True] * len(met)
    assert met


def test_payload_that_is_itself_a_capture_does_not_lead_astray(met):
    inner = pcap(*(record(b"i" * n, 1_700_000_000) for n in range(60))) * 8
    inner += section() + interface() + b"".join(enhanced(b"j" * n) for n in range(60))
    given = [inner[n % 900 : n % 900 + 1400 + n % 100] for n in range(2000)]
    for octets in (
        pcap(*(record(frame, 1_700_000_000) for frame in given)),
        section() + interface() + b"".join(enhanced(frame) for frame in given),
    ):
        assert read_bytes(octets).frames == given
    assert met


def test_jumps_of_time_do_not_lead_astray(met):
    jumps = [0, 1 << 16, 0xFFFFFFFF, 1_700_000_000, 5, 1_700_000_000 + (3 << 16)]
    given = frames(3, 6000)
    octets = pcap(*(record(frame, jumps[n // 1000]) for n, frame in enumerate(given)))
    assert read_bytes(octets).frames == given
    assert met


@pytest.mark.parametrize("at", [0.2, 0.5, 0.99])
def test_damage_in_a_large_window_is_found_at_the_same_place(at, met):
    for make, head in ((record, pcap()), (enhanced, section() + interface())):
        parts = [make(frame) for frame in frames(4, 9000, (40, 590))]
        cut = int(len(parts) * at)
        for wrong in (b"\xff" * 40, bytes(40), make(captured=1 << 30)):
            octets = head + b"".join(parts[:cut]) + wrong + b"".join(parts[cut:])
            whole = read_bytes(octets)
            assert whole == plain(octets)
            assert len(whole.frames) >= cut
    assert met


def test_a_whole_record_that_is_too_large_to_be_is_not_stepped_over(met):
    parts = [record(frame) for frame in frames(9, 9000, (40, 590))]
    octets = pcap(*parts[:4000], record(bytes(262145)), *parts[4000:])
    whole = read_bytes(octets)
    assert (len(whole.frames), whole.damage.kind) == (4000, "bad-record-length")
    assert whole.damage.offset == 24 + sum(map(len, parts[:4000]))
    assert met[-1] is False


def test_payload_that_looks_like_the_marks_of_a_record_does_not_stop_the_chains(met):
    mark = (1_700_000_000).to_bytes(4, "little")
    given = [frame[:-8] + mark + b"\6\0\0\0" for frame in frames(10, 9000, (60, 590))]
    for octets in (
        pcap(*(record(frame) for frame in given)),
        section() + interface() + b"".join(map(enhanced, given)),
    ):
        assert read_bytes(octets).frames == given
    assert met == [True] * len(met)
    assert met


def test_simple_packets_and_unknown_blocks_among_others_change_nothing(met):
    given = frames(5, 5000, (40, 590))
    blocks = (simple(f) if n % 7 == 0 else enhanced(f, n) for n, f in enumerate(given))
    octets = section() + interface() + b"".join(blocks)
    assert read_bytes(octets) == plain(octets)
    assert read_bytes(octets).frames == given
    assert met == [True] * len(met)
    assert met


def test_a_section_in_the_midst_of_a_large_window_is_read_in_its_own_order(met):
    given = frames(6, 6000, (40, 590))
    octets = b""
    for order, part in (("<", given[:2500]), (">", given[2500:3500]), ("<", given[3500:])):
        octets += section(order=order) + interface(order=order) + b"".join(enhanced(f, order=order) for f in part)
    assert read_bytes(octets).frames == given
    assert met


@given(st.integers(0, 1 << 32), st.integers(1, 400), st.lists(st.sampled_from([0, 1, 16, 17, 32, 60, 200]), min_size=1))
@pytest.mark.usefixtures("small_windows")
def test_chains_equal_the_plain_walk_on_payload_made_of_records(seed, count, sizes):
    chance = random.Random(seed)
    lure = b"".join(record(b"\0" * n, 1_700_000_000 + n) for n in range(20)) + b"".join(map(enhanced, frames(seed, 5)))
    given = []
    for _ in range(count):
        at = chance.randrange(len(lure))
        given.append(lure[at : at + chance.choice(sizes)])
    times = [1_700_000_000 + chance.choice((0, 1, 1 << 17, -1 << 20)) for _ in given]
    first = pcap(*(record(f, t) for f, t in zip(given, times, strict=True)))
    second = section() + interface() + b"".join(enhanced(f, t) for f, t in zip(given, times, strict=True))
    for octets in (first, second):
        assert read_bytes(octets) == plain(octets)
        assert read_bytes(octets).frames == given


@given(st.binary(max_size=3000), st.integers(0, 2000))
@pytest.mark.usefixtures("small_windows")
def test_chains_equal_the_plain_walk_on_anything_after_sound_records(tail, count):
    for octets in (
        pcap(*[record(b"x" * 20)] * count) + tail,
        section() + interface() + enhanced(b"x" * 20) * count + tail,
    ):
        assert read_bytes(octets) == plain(octets)


@given(st.data())
@pytest.mark.usefixtures("small_windows")
def test_chains_equal_the_plain_walk_on_changed_octets(data):
    base = data.draw(st.sampled_from([pcap(*map(record, frames(7, 300))), _pcapng()]))
    octets = bytearray(base)
    for at in data.draw(st.lists(st.integers(24, len(base) - 1), max_size=8)):
        octets[at] = data.draw(st.sampled_from([0, 1, 4, 6, 0x0A, 0x7F, 0xFF]))
    assert _result(read_bytes, bytes(octets)) == _result(plain, bytes(octets))


def _pcapng():
    return section() + interface() + b"".join(map(enhanced, frames(8, 300)))


def _result(read, octets):
    from explain.errors import UnreadableError

    try:
        return read(octets)
    except UnreadableError as error:
        return error.reason


def test_records_of_no_octets_in_a_large_window_are_all_counted(met):
    assert len(read_bytes(pcap() + bytes(16 * 100_000)).frames) == 100_000
    assert met
