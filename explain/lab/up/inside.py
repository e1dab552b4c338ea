"""Enters a lab that is up, and one of its nodes."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from explain.errors import ExplainError, UnknownNameError, UnreadableError, reason_of
from explain.lab import kernel
from explain.lab.up.known import started

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.lab.up.known import Live

_HEARD = {signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
_OF_THE_KERNEL = 0x80  # SI_KERNEL


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
    old = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    child = os.fork()
    if child == 0:
        status = 127
        try:
            kernel.die_with_parent(signal.SIGTERM)
            enter(live, node)
            inner = os.fork()  # only children are in the lab's process namespace
            if inner == 0:
                signal.pthread_sigmask(signal.SIG_SETMASK, old)
                os.execvpe(argv[0], argv, environment)  # noqa: S606 - argv as typed, no shell
            status = _ended(inner)
        except FileNotFoundError:
            complain(ExplainError("lab.no_command", command=argv[0]))
        except (ExplainError, OSError) as e:
            complain(e if isinstance(e, ExplainError) else UnreadableError(argv[0], reason_of(e)))
            status = 2
        finally:
            os._exit(status if status >= 0 else 128 - status)
    try:
        return _ended(child)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def _ended(child: int) -> int:
    """Wait for a child and give its exit status; what somebody sends to this process alone is meant for the child.

    What a key on the terminal sends, the child has heard itself.
    """
    while True:
        heard = signal.sigwaitinfo(_HEARD)
        if heard.si_signo == signal.SIGCHLD:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        elif heard.si_code != _OF_THE_KERNEL:
            os.kill(child, heard.si_signo)
