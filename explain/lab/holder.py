"""The process tree in which a lab lives, made so that nothing can be left behind.

supervisor -> middle -> holder.  The holder is process 1 of a namespace of its own: when it ends, the kernel ends every
process in there.  Middle and holder end with their parent.  Network namespaces have no name in any file; they end with
the last process and descriptor.  So whichever process is killed, at any moment, everything goes.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from explain.errors import ExplainError, MissingError, reason_of
from explain.lab.kernel import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    die_with_parent,
    mount,
    unshare,
)
from explain.model import Line

Tell = Callable[[str, Any], None]


def hold(task: Callable[[Tell], Any], hear: Callable[[str, Any], None], clean: Callable[[], None] | None = None) -> Any:
    """Run a task as process 1 of new namespaces and give what it returns.

    Args:
        task: called inside; what it tells is passed to ``hear`` out here, in order.
        hear: called with each told ``(kind, value)``; ``("holder", pid)`` is told first.
        clean: called when the tree ends, also by the middle process if this one was killed.

    Returns:
        What the task returned.

    Raises:
        ExplainError: what the task raised, or that the process tree was ended from outside.
        MissingError: the kernel gives us no namespaces.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    supervisor = os.getpid()
    middle = os.fork()
    if middle == 0:
        os.close(read_end)
        _middle(task, write_end, supervisor, clean)
    os.close(write_end)
    try:
        with os.fdopen(read_end, "rb") as told:
            return listen(told, hear)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(middle, signal.SIGKILL)
        os.waitpid(middle, 0)
        if clean:
            clean()


def listen(told: Any, hear: Callable[[str, Any], None]) -> Any:
    """Everything that is told through a pipe, until a result or an error.

    Raises:
        ExplainError: what was told as an error, or that the other end was ended.
    """
    while len(head := told.read(8)) == 8:
        kind, value = pickle.loads(told.read(struct.unpack("<Q", head)[0]))  # noqa: S301 - written by our own child
        if kind == "result":
            return value
        if kind == "error":
            raise value
        hear(kind, value)
    raise ExplainError("lab.ended")


def teller(fd: int) -> Tell:
    """What sends ``(kind, value)`` through a pipe."""

    def tell(kind: str, value: Any) -> None:
        body = pickle.dumps((kind, value))
        data = memoryview(struct.pack("<Q", len(body)) + body)
        while data:
            data = data[os.write(fd, data) :]

    return tell


def _middle(task: Callable[[Tell], Any], fd: int, supervisor: int, clean: Callable[[], None] | None) -> NoReturn:
    """Enter new namespaces, fork the holder, end with it."""
    tell = teller(fd)
    try:
        os.setsid()  # Ctrl-C is for the supervisor, which ends us
        if clean is None:
            die_with_parent()
        else:
            signal.signal(signal.SIGTERM, lambda *_: _clean_and_go(clean))
            die_with_parent(signal.SIGTERM)
        if os.getppid() != supervisor:
            os._exit(1)
        enter()
        ready, go = os.pipe2(os.O_CLOEXEC)
        holder = os.fork()
        if holder == 0:
            os.close(go)
            die_with_parent()
            # No parent can be asked for in here: a parent that died before the line above has let go of the pipe.
            if os.read(ready, 1) != b"!" or select.select([ready], [], [], 0)[0]:
                os._exit(1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _holder(task, tell)
        os.close(ready)
        tell("holder", holder)
        os.write(go, b"!")
        os.close(fd)
        os.waitpid(holder, 0)
    except ExplainError as e:
        tell("error", e)
    except BaseException as e:
        tell("error", RuntimeError(f"the lab's process tree: {e!r}"))
        raise
    finally:
        os._exit(0)


def _clean_and_go(clean: Callable[[], None]) -> NoReturn:
    """The supervisor is gone: take its files away; the holder ends with us."""
    try:
        clean()
    finally:
        os._exit(0)


def _holder(task: Callable[[Tell], Any], tell: Tell) -> NoReturn:
    """Process 1: make the surroundings ours, do the task, end."""
    import traceback

    try:
        _own_mounts()
        tell("result", task(tell))
    except ExplainError as e:
        tell("error", e)
    except BrokenPipeError:
        pass
    except BaseException:  # noqa: BLE001 - a bug has to reach the supervisor, which is loud about it
        with contextlib.suppress(BrokenPipeError):
            tell("error", RuntimeError(traceback.format_exc()))
    finally:
        os._exit(0)


def enter() -> None:
    """Leave all namespaces of the host; an ordinary user gets a user namespace in which he is root.

    Raises:
        MissingError: the kernel, or a setting of the system, does not allow it.
    """
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
    uid, gid = os.geteuid(), os.getegid()
    try:
        unshare(flags if uid == 0 else flags | CLONE_NEWUSER)
    except OSError as e:
        if uid == 0:
            raise MissingError("missing.new_namespaces", why=reason_of(e)) from e
        raise MissingError("missing.user_namespaces", why=reason_of(e), remedy=_why_not()) from e
    if uid == 0:
        return
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        mount("none", "/", None, MS_REC | MS_PRIVATE)
    except OSError as e:
        raise MissingError("missing.namespace_rights", why=reason_of(e), remedy=_why_not()) from e


def _why_not() -> Line:
    """The setting that forbids user namespaces to ordinary users, for the middle of a line."""
    for path, forbidding, remedy in (
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
        ("/proc/sys/user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=15000"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ):
        with contextlib.suppress(OSError):
            if Path(path).read_text().strip() == forbidding:
                setting = path.removeprefix("/proc/sys/").replace("/", ".")
                return Line("errors.missing.setting", {"setting": setting, "value": forbidding, "remedy": remedy})
    return Line("errors.missing.as_root", {})


def _own_mounts() -> None:
    """Mounts that nobody else sees: processes of our own, an empty /run, files of /etc that say nothing of the host."""
    unshare(CLONE_NEWNS)  # the middle process keeps the host's view, to clean up in it
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    resolv, hosts = Path("/etc/resolv.conf").resolve(), Path("/etc/hosts").resolve()
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    Path("/run/netns").mkdir()
    Path("/run/explain").mkdir()
    for name, target, text in (("resolv.conf", resolv, ""), ("hosts", hosts, "127.0.0.1\tlocalhost\n")):
        source = Path("/run/explain") / name
        source.write_text(text)
        if target.is_relative_to("/run"):  # a link to a service's file, which the empty /run has just hidden
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        if target.exists():
            mount(str(source), f"/etc/{name}", None, MS_BIND)
    with contextlib.suppress(OSError):
        mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.chdir("/")
