"""Enters a lab that is up, and one of its nodes."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from explain.errors import ExplainError, UnknownNameError, UnreadableError, reason_of
from explain.lab import kernel
from explain.lab.live import started

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.lab.live import Live


def enter(live: Live, node: str | None) -> None:
    """Put this process into the lab, and into a node; children are processes of the lab.

    Raises:
        UnknownNameError: the lab has no such node.
        ExplainError: it is not ours to enter.
    """
    if node is not None and node not in live.nodes:
        raise UnknownNameError("node", node, live.nodes, lab=live.name)
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    pidfd = os.pidfd_open(live.holder[0])
    try:
        if started(live.holder[0]) != live.holder[1]:
            raise ExplainError("lab.just_ended", lab=live.name)
        kernel.setns(pidfd, flags if os.geteuid() == 0 else flags | kernel.CLONE_NEWUSER)
    except PermissionError as e:
        raise ExplainError("lab.not_entered", lab=live.name, why=reason_of(e)) from e
    finally:
        os.close(pidfd)
    if node is None:
        return
    net = os.open(f"/run/netns/{node}", os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(FileNotFoundError):
        own = os.open(f"/run/explain/{node}/mnt", os.O_RDONLY | os.O_CLOEXEC)
        kernel.setns(own, kernel.CLONE_NEWNS)
        os.close(own)
    kernel.setns(net, kernel.CLONE_NEWNET)
    os.close(net)


def run_inside(
    live: Live, node: str | None, argv: list[str], environment: dict[str, str], complain: Callable[[ExplainError], None]
) -> int:
    """Run a command in a node of a live lab with this terminal; its exit status, and what was in its way."""
    child = os.fork()
    if child == 0:
        status = 127
        try:
            enter(live, node)
            inner = os.fork()  # only children are in the lab's process namespace
            if inner == 0:
                os.execvpe(argv[0], argv, environment)  # noqa: S606 - argv as typed, no shell
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            status = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
        except FileNotFoundError:
            complain(ExplainError("lab.no_command", command=argv[0]))
        except (ExplainError, OSError) as e:
            complain(e if isinstance(e, ExplainError) else UnreadableError(argv[0], reason_of(e)))
            status = 2
        finally:
            os._exit(status if status >= 0 else 128 - status)
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        signal.signal(signal.SIGINT, old)
