"""Start a command without the right to raw sockets, as an ordinary user would: ``ordinary COMMAND...``."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

PR_CAPBSET_DROP, CAP_NET_RAW = 24, 13


def main() -> None:
    """Become the command."""
    found = shutil.which(sys.argv[1])
    if found is None:
        sys.exit(f"{sys.argv[1]}: not found")
    # A copy has none of the rights that the original's file may carry.
    copied = Path("/run/explain/ordinary") / Path(found).name
    copied.parent.mkdir(exist_ok=True)
    shutil.copyfile(found, copied)
    copied.chmod(0o755)
    # What is dropped here, no program gets back when it is started.
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0)
    os.execv(copied, sys.argv[1:])  # noqa: S606 - argv as given, no shell


if __name__ == "__main__":
    main()
