import io
import os
import subprocess
import sys
import threading

import pytest
from capture_files import enhanced, gz, interface, mixed_pcapng, pcap, read_all, record, section, zstd

from explain.capture import open_capture, source
from explain.errors import NotACaptureError, UnreadableError


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (pcap(record()), ("pcap", None)),
        (gz(pcap(record())), ("pcap", "gzip")),
        (zstd(pcap(record())), ("pcap", "zstd")),
        (mixed_pcapng(), ("pcapng", None)),
        (gz(mixed_pcapng()), ("pcapng", "gzip")),
        (zstd(mixed_pcapng()), ("pcapng", "zstd")),
    ],
)
def test_what_a_file_is_shows_in_its_content_not_in_its_name(octets, expected, tmp_path):
    path = tmp_path / "misleading.txt.gz"
    path.write_bytes(octets)
    with open_capture(str(path)) as reader:
        assert (reader.format, reader.compression) == expected
        assert (reader.path, reader.file_bytes) == (str(path), len(octets))
        assert reader.is_mapped is (expected[1] is None)
        assert sum(len(window.start) for window in reader.frames()) in {1, 5}
        assert reader.position() == len(octets)


def test_standard_input_is_read_under_the_name_of_a_dash():
    code = "from explain.capture import open_capture as o; r = o('-'); print(sum(len(w.start) for w in r.frames()),"
    code += " r.path, r.file_bytes, r.is_mapped, r.damage)"
    for octets, packets in ((pcap(record()), 1), (gz(mixed_pcapng()), 5)):
        done = subprocess.run([sys.executable, "-c", code], input=octets, capture_output=True, check=True)
        assert done.stdout.decode().split() == [str(packets), "-", str(len(octets)), "False", "None"]


def test_a_named_pipe_is_read_as_a_stream(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(mixed_pcapng(),))
    writer.start()
    with open_capture(str(path)) as reader:
        assert not reader.is_mapped
        assert len(read_all(reader).frames) == 5
    writer.join()


def test_a_given_stream_is_not_closed():
    stream = io.BytesIO(pcap(record()))
    read_all(open_capture("name", stream))
    assert not stream.closed


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "the file is empty"),
        (gz(b""), "the file is empty"),
        (zstd(b""), "the file is empty"),
        (gz(pcap())[:12], "ends before its end mark"),
        (b"\x1f\x8b\x08garbage that is no gzip at all", "gzip data is corrupt"),
        (b"\xfd7zXZ\x00 and more", "xz"),
        (b"\0\0\1\0".ljust(72, b"\0") + b"\2\0\2\xc0" + bytes(60), "etl2pcapng"),
        (b"snoop\0\0\0\0\0\0\2\0\0\0\4", "editcap"),
        (b"\x7fELF\2\1\1", "a program"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(octets, reason, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(octets)
    with pytest.raises(UnreadableError, match=reason) as caught:
        open_capture(str(path))
    assert caught.value.path == str(path)
    assert "\n" not in caught.value.reason
    with pytest.raises(UnreadableError, match=reason):
        open_capture("-", io.BytesIO(octets))


def test_paths_that_are_no_files_are_unreadable(tmp_path):
    for path in (tmp_path, tmp_path / "absent", tmp_path / "x" / "y"):
        with pytest.raises(UnreadableError) as caught:
            open_capture(str(path))
        assert caught.value.path == str(path)
    with pytest.raises(UnreadableError, match="null"):
        open_capture("a\0b")
    with pytest.raises(UnreadableError, match="is a directory"):
        open_capture(str(tmp_path))
    with pytest.raises(UnreadableError, match=r"^'': no such file"):
        open_capture("")


@pytest.mark.parametrize("pack", [bytes, gz, zstd])
def test_text_is_handed_on_from_its_first_octet(pack, tmp_path):
    text = b"PING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.\n" * 4000
    path = tmp_path / "ping.pcap"
    path.write_bytes(pack(text))
    for given in ((str(path),), ("-", io.BytesIO(pack(text)))):
        with pytest.raises(NotACaptureError, match="no capture") as caught:
            open_capture(*given)
        assert caught.value.head == text[: 64 << 10]
        assert caught.value.content(1 << 20) == text
        assert caught.value.content(100) == text[:100]


def test_a_text_of_one_octet_is_no_capture():
    for octets in (b"x", b"\n", b"abc"):
        with pytest.raises(NotACaptureError) as caught:
            open_capture("-", io.BytesIO(octets))
        assert caught.value.head == octets


def test_a_mapped_file_can_be_read_anywhere_while_it_is_open(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "SMALL_FILE", 0)
    octets = pcap(*(record(bytes([n % 256]) * 1000) for n in range(3000)))
    path = tmp_path / "x"
    path.write_bytes(octets)
    with open_capture(str(path)) as reader:
        windows = list(reader.frames())
        assert len(windows) > 1
        for window in windows:
            # Finished windows were given back to the kernel, and are still there.
            assert window.data.tobytes() == octets[window.base : window.base + len(window.data)]
        assert reader.read_at(24, 50) == octets[24:74]
        assert reader.read_at(len(octets) - 3, 50) == octets[-3:]
    with open_capture("x", io.BytesIO(octets)) as reader, pytest.raises(ValueError, match="mapped"):
        reader.read_at(0, 1)


def test_the_position_grows_to_the_size_of_the_file(tmp_path):
    octets = pcap(*(record(os.urandom(1000)) for _ in range(3000)))
    for packed in (octets, gz(octets), zstd(octets)):
        path = tmp_path / "x"
        path.write_bytes(packed)
        with open_capture(str(path)) as reader:
            seen = [reader.position() for _ in reader.frames()]
            assert seen == sorted(seen)
            assert 0 < seen[0] < len(packed)
            assert reader.position() == len(packed)


def test_interfaces_grow_while_a_pcapng_is_read():
    with open_capture("x", io.BytesIO(section() + interface() + enhanced() + section() + interface())) as reader:
        assert reader.interfaces == []
        assert [len(window.start) for window in reader.frames()] == [1]
        assert len(reader.interfaces) == 2
