"""The same network by a lab, with every interface recorded: prints the seconds, imports left out."""

from __future__ import annotations

import sys
import time
from importlib import import_module
from pathlib import Path

from explain.lab.kernel.light import lighten
from explain.lab.read import read
from explain.lab.recording import pcapng
from explain.lab.run import run

lighten()
import_module("pyroute2.iproute.linux")  # imports are left out on both sides


def main() -> int:
    began = time.perf_counter()
    recording = run(read(Path(__file__).parent / "nat" / "lab.toml"), with_states=False)
    capture = pcapng(recording)
    print(time.perf_counter() - began)
    return 0 if capture and len(recording.frames) == 16 and not recording.complaints else 1


if __name__ == "__main__":
    sys.exit(main())
