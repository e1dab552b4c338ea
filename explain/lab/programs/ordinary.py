"""Start a command without the right to raw sockets, as an ordinary user would: ``ordinary COMMAND...``."""

from __future__ import annotations

import ctypes
import os
import sys

PR_CAPBSET_DROP, CAP_NET_RAW = 24, 13

if __name__ == "__main__":
    # What is dropped here, no program gets back when it is started, whatever its file says.
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - argv as given, no shell
