"""What a process that reads a stranger's files may still do: so much time, memory and disk, in two folders only.

It may write nowhere else, start no program and reach no network.  Where the system cannot refuse one of these, nothing
in the analysis needs it either.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.grade.rubric.records import Limits

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_ASK_VERSION, _BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _TRUNCATE = (
    1 << bit for bit in (0, 1, 4, 5, 7, 8, 14)
)
_MAKE_OTHERS = sum(1 << bit for bit in (6, 9, 10, 11, 12))  # devices, sockets, pipes, links
_OWN = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG
_TCP = 1 << 0 | 1 << 1  # to bind, to connect
_KNOWS_TRUNCATE, _KNOWS_TCP = 3, 4  # since these versions
_UNKNOWN_MAPPED = 1 << 30


def end_with_parent(parent: int | None = None) -> None:
    """Ask the kernel to end this process with its parent, however that ends.

    Args:
        parent: who must still be there, else this process ends now; None does not look.
    """
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return  # another system; there a time limit ends it
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def confine(limits: Limits, writable: Sequence[Path]) -> None:
    """Confine this process for good; it must have one thread.

    Args:
        limits: of time, memory and octets of a file; what is mapped already does not count against the memory.
        writable: the folders in which it may write.
    """
    _limit(limits)
    with suppress(OSError, AttributeError):  # without namespaces, or on another system
        ctypes.CDLL(None).unshare(_NEW_USER_AND_NETWORK)
    with suppress(OSError, AttributeError):
        _restrict(writable)


def _limit(limits: Limits) -> None:
    try:
        mapped = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        mapped = _UNKNOWN_MAPPED
    wanted = {
        resource.RLIMIT_AS: mapped + limits.memory,
        resource.RLIMIT_CPU: int(limits.seconds) + 1,
        resource.RLIMIT_FSIZE: limits.octets * 2,
        resource.RLIMIT_CORE: 0,
    }
    for name, value in wanted.items():
        hard = resource.getrlimit(name)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # More time than the limit gets the signal that ends it; a second later the kernel does.
        resource.setrlimit(
            name, (most, most + 1 if name == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else most)
        )


def _restrict(writable: Sequence[Path]) -> None:
    """Landlock: what is handled and not allowed by a rule is refused.

    Source: Linux, Documentation/userspace-api/landlock.rst.
    """
    kernel = ctypes.CDLL(None)
    version = kernel.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return
    own = _OWN | (_TRUNCATE if version >= _KNOWS_TRUNCATE else 0)
    handled = struct.pack("=QQ", own | _EXECUTE | _MAKE_OTHERS, _TCP)[: 16 if version >= _KNOWS_TCP else 8]
    rules = kernel.syscall(_CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), 0)
    for folder in writable:
        with suppress(OSError):  # a folder that could not be made stays unwritten
            there = os.open(folder, os.O_PATH | os.O_DIRECTORY)
            kernel.syscall(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", own, there), 0)
            os.close(there)
    kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    kernel.syscall(_RESTRICT_SELF, rules, 0)
    os.close(rules)
