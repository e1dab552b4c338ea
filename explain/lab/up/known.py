"""Labs that are up, as each is written down: a file that describes it, and names that ``ip netns exec`` knows.

The names are symbolic links to descriptors of the lab's holder.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.errors import ExplainError, UnknownNameError, naming

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.lab.records import Lab

_NETNS = Path("/run/netns")


@dataclass(frozen=True, slots=True)
class Live:
    """A lab that is up.

    Attributes:
        names: node -> its name for ``ip netns exec`` on the host; empty for an ordinary user.
        supervisor, holder: process id and start time of each, since ids are used again.
    """

    name: str
    file: str
    nodes: tuple[str, ...]
    names: dict[str, str]
    supervisor: tuple[int, int]
    holder: tuple[int, int]

    @property
    def is_alive(self) -> bool:
        """True if both processes are the ones that made it."""
        return started(self.supervisor[0]) == self.supervisor[1] and started(self.holder[0]) == self.holder[1]


def started(pid: int) -> int | None:
    """When a process started, in ticks since boot; None if there is none or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def folder() -> Path:
    """Where live labs of this user are written down."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "explain-labs"
    return Path("/run/explain-labs") if os.geteuid() == 0 else Path(f"/tmp/explain-labs-{os.geteuid()}")  # noqa: S108


def all_live() -> list[Live]:
    """Labs that are up; what a crash left of others is removed."""
    found = []
    for path in sorted(folder().glob("*.json")) if folder().is_dir() else ():
        live = read(path)
        if live is None:
            continue
        if live.is_alive:
            found.append(live)
        else:
            remove(path, live)
    return found


def one(name: str | None) -> Live:
    """The lab of this name, or the only one that is up.

    Raises:
        ExplainError: none is up, or several are and no name is given.
        UnknownNameError: none of this name is up.
    """
    live = all_live()
    if name is not None:
        for lab in live:
            if lab.name == name:
                return lab
        raise UnknownNameError("live", name, tuple(lab.name for lab in live))
    if len(live) != 1:
        raise ExplainError("lab.several" if live else "lab.none", names=[lab.name for lab in live])
    return live[0]


def read(path: Path) -> Live | None:
    """The lab that a file describes; None where it is not this user's, or does not describe one."""
    try:
        if path.stat().st_uid != os.geteuid():
            return None
        said = json.loads(path.read_text())
        return Live(
            said["name"],
            said["file"],
            tuple(said["nodes"]),
            dict(said["names"]),
            (said["supervisor"][0], said["supervisor"][1]),
            (said["holder"][0], said["holder"][1]),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def write(path: Path, lab: Lab, file: Path, holder: int, nets: dict[str, int]) -> None:
    """Write down a lab that this process supervises: the file first, for a crash to leave what names the links.

    Raises:
        ExplainError: another one of its name came first.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {}
    if os.geteuid() == 0:
        names = {node: node if not os.path.lexists(_NETNS / node) else f"{lab.name}-{node}" for node in nets}
    said = {
        "name": lab.name,
        "file": str(file.resolve()),
        "nodes": list(nets),
        "names": names,
        "supervisor": [os.getpid(), started(os.getpid())],
        "holder": [holder, started(holder)],
    }
    with naming(path):
        _put(path, said, os.link)
    if names:
        _NETNS.mkdir(mode=0o755, parents=True, exist_ok=True)
    for node, net in nets.items() if names else ():
        try:
            (_NETNS / names[node]).symlink_to(f"/proc/{holder}/fd/{net}")
        except FileExistsError:  # a lab that comes up at the same time took the name
            names[node] = f"{lab.name}-{node}"
            _put(path, said, os.replace)
            (_NETNS / names[node]).symlink_to(f"/proc/{holder}/fd/{net}")


def _put(path: Path, said: dict[str, Any], into: Callable[[Path, Path], None]) -> None:
    """Give what describes a lab its name when it is whole; what no living lab has written gives way."""
    part = path.with_suffix(f".{os.getpid()}")
    try:
        part.write_text(json.dumps(said))
        try:
            into(part, path)
        except FileExistsError:
            other = read(path)
            if other is not None and other.is_alive:
                raise ExplainError("lab.up_already", lab=said["name"]) from None
            os.replace(part, path)  # noqa: PTH105  as the other way that is given here
    finally:
        part.unlink(missing_ok=True)


def remove_own(path: Path, supervisor: int) -> None:
    """Take away what a supervisor has written down, and nothing that another one wrote in its place."""
    live = read(path)
    if live is not None and live.supervisor[0] == supervisor:
        remove(path, live)


def remove(path: Path, live: Live) -> None:
    """Take the names and the file away: only links that point to this lab's holder."""
    for name in live.names.values():
        link = _NETNS / name
        with contextlib.suppress(OSError):
            if str(link.readlink()).startswith(f"/proc/{live.holder[0]}/fd/"):
                link.unlink()
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()  # only when it is empty
