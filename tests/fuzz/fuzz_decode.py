"""Feeds the decoder whatever atheris makes of frames of every kind.

    python tests/fuzz/fuzz_decode.py                     until it finds something
    python tests/fuzz/fuzz_decode.py -max_total_time=60  for a minute

The first octet chooses the link type, the rest is one frame.  Any exception is a finding; so is a column that
depends on what lies beyond the captured octets.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

with atheris.instrument_imports(include=["explain"]):
    from decode.windows import KINDS, decoded, known, window

LINK_TYPES = (1, 0, 9, 50, 101, 104, 108, 113, 228, 229, 276, 147)


def one(octets: bytes) -> None:
    """Decodes one frame twice, with other octets around it, as it is and cut in half."""
    link_type = LINK_TYPES[octets[0] % len(LINK_TYPES)] if octets else 1
    frame = octets[1:]
    frames, lengths = [frame, frame[: len(frame) // 2]], [len(frame)] * 2
    seen = [
        known(decoded(window(frames, lengths, around), link_type=link_type)) for around in (b"\0" * 90, b"\xff" * 90)
    ]
    assert seen[0] == seen[1]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, (frame, _) in enumerate(KINDS.values()):
            (Path(folder) / str(number)).write_bytes(b"\0" + frame)
            (Path(folder) / f"raw-{number}").write_bytes(b"\4" + frame[14:])
        atheris.Setup([*sys.argv, folder], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
