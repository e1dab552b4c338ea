"""The few calls that Python 3.11 lacks: unshare, setns, mount, prctl; and a network namespace to step into.

Source: unshare(2), setns(2), mount(2), prctl(2), namespaces(7).
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Self

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the given namespaces for new ones.

    Raises:
        OSError: the kernel refuses.
    """
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, flags: int) -> None:
    """Enter a namespace, or by a process's descriptor several.

    Raises:
        OSError: the kernel refuses.
    """
    _check(_libc.setns(fd, flags), "setns")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Mount, bind or change a mount.

    Raises:
        OSError: the kernel refuses.
    """
    encoded = [text.encode() if text is not None else None for text in (source, target, kind)]
    _check(_libc.mount(*encoded, ctypes.c_ulong(flags), data.encode() if data else None), f"mount {target}")


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Get this signal when the thread that forked this process ends, however it ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0), "prctl")


class Inside:
    """The calling thread stands in another network namespace, and for the mount namespace too if one is given.

    No other thread may run: leaving must not fail half-way, so a failure there ends the process.
    """

    def __init__(self, net: int, mounts: int | None = None) -> None:
        self._net = net
        self._mounts = mounts
        self._old: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        for kind, fd, flag in (("net", self._net, CLONE_NEWNET), ("mnt", self._mounts, CLONE_NEWNS)):
            if fd is not None:
                old = os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
                self._old.append((old, flag))
                setns(fd, flag)
        return self

    def __exit__(self, *_: object) -> None:
        for old, flag in reversed(self._old):
            try:
                setns(old, flag)
            except OSError:
                os.abort()
            os.close(old)
        self._old.clear()
