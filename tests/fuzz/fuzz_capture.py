"""Feeds the capture reader and the decoder whatever atheris makes of small captures.

    python tests/fuzz/fuzz_capture.py                     until it finds something
    python tests/fuzz/fuzz_capture.py -max_total_time=60  for a minute

Any exception but ``UnreadableError`` is a finding; so is a frame outside its window, and a stream that gives
other frames than the chains or the plain walk.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

with atheris.instrument_imports(include=["explain"]):
    from capture_files import gz, interface, mixed_pcapng, option, pcap, read_bytes, record, section, simple, zstd

    from explain.capture import chains, open_capture
    from explain.decode import Decoder
    from explain.errors import UnreadableError


def seeds() -> list[bytes]:
    """Small captures of every kind."""
    records = [record(bytes([n]) * n, 1_700_000_000, n) for n in (0, 1, 40, 200)]
    return [
        pcap(*records),
        pcap(*(record(b"x" * 60, order=">") for _ in range(40)), order=">", magic=0xA1B23C4D),
        pcap(*records, magic=0xA1B2CD34),
        pcap(*records, version=(2, 3)),
        mixed_pcapng(),
        section(option(1, b"note")) + interface(option(9, b"\x8a"), option(14, bytes(8)), snaplen=4) + simple(b"abcd"),
        gz(pcap(*records)),
        zstd(mixed_pcapng()),
    ]


def one(octets: bytes) -> None:
    """Reads these octets twice, by chains and plainly."""
    results = []
    for least, count in ((64, 4), (1 << 60, 64)):
        chains.LEAST_WINDOW, chains._RECORDS = least, count
        whole = None
        with contextlib.suppress(UnreadableError):
            whole = read_bytes(octets)
        results.append(whole)
    assert results[0] == results[1]
    if results[0] is not None:
        decoder = Decoder()
        with open_capture("given", io.BytesIO(octets)) as reader:
            for window in reader.frames():
                decoder.add(window, 0, reader.interfaces)
        decoder.finish()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / str(number)).write_bytes(seed)
        atheris.Setup([*sys.argv, folder], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
