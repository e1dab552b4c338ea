"""``explain ping TARGET``: run ping here, hear this host's own wire, read its state; nothing is changed.

Nothing is sent but what ping sends, and what ``--probe`` allows: a traceroute and a ping of another size.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING

from explain.causes.diagnosis import Witnesses
from explain.cli.talk import complained, noted
from explain.errors import MissingError, UsageError
from explain.symptoms.addresses import family_of

if TYPE_CHECKING:
    from explain.capture.recorder import Heard, Tap
    from explain.model import CaptureInfo
    from explain.state.records import HostState
    from explain.symptoms.witness import TextWitness
    from explain.table import PacketTable

_SETTLE_S = 0.2
_WAIT_S = 4
_LONGEST_S = 300
_MOST_FRAMES = 100_000
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SMALL, _LARGE = 56, 1472
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Asked:
    """What to ping, and how."""

    target: str
    count: int = 3
    family: int | None = None
    bound: str | None = None
    size: int | None = None
    probes: bool = False


@dataclass(slots=True)
class _Ear:
    """A thread that keeps what a tap hears."""

    tap: Tap
    heard: list[Heard] = field(default_factory=list)
    is_over: bool = False

    def listen(self) -> None:
        while not self.is_over:
            self._take()
            time.sleep(0.02)
        self._take()

    def _take(self) -> None:
        frames = self.tap.drain()
        self.heard += frames[: max(0, _MOST_FRAMES - len(self.heard))]


def observe(asked: Asked) -> Witnesses:
    """Run the ping and gather everything that this host can tell of it.

    Raises:
        UsageError: the target is no host's name or address.
        MissingError: there is no ping here.
    """
    _check(asked)
    words = _command_of(asked)
    runs, status, ear = _overheard(asked, words)
    name = socket.gethostname() or "here"
    text = _text(runs, words, status)
    table, captures = _captures(ear, name)
    state = _state(name)
    return Witnesses(
        text=text,
        command=text.command if text else None,
        table=table,
        captures=captures,
        states=(state,) if state else (),
        sender=name,
        destination=asked.target,
        family=asked.family,
        is_live=True,
    )


def _overheard(asked: Asked, words: list[str]) -> tuple[list[str], int | None, _Ear | None]:
    """What the ping and its probes said, the ping's status, and who heard their frames."""
    ear, thread = _open_ear()
    try:
        shown, status = _run(words)
        runs = [f"$ {' '.join(words)}\n{shown}"]
        if asked.probes:
            runs += [f"$ {' '.join(probe)}\n{_run(probe)[0]}" for probe in _probes(asked)]
        time.sleep(_SETTLE_S)
    finally:
        if ear is not None and thread is not None:
            ear.is_over = True
            thread.join()
            ear.tap.close()
    return runs, status, ear


def _command_of(asked: Asked) -> list[str]:
    """The ping that will be run, word by word; no shell ever sees it."""
    words = ["ping", "-c", str(asked.count), "-W", str(_WAIT_S)]
    words += [f"-{asked.family}"] if asked.family else []
    words += ["-I", asked.bound] if asked.bound else []
    words += ["-s", str(asked.size)] if asked.size is not None else []
    return [*words, asked.target]


def _check(asked: Asked) -> None:
    for word in (asked.target, asked.bound or "x"):
        if not word or word.startswith("-") or len(word) > _LONGEST_NAME or not word.isprintable() or " " in word:
            raise UsageError("usage.no_target", word=word)
    if asked.family is not None and family_of(asked.target) not in {None, asked.family}:
        raise UsageError("usage.not_of_family", text=asked.target, family=asked.family)
    if shutil.which("ping", path=_path()) is None:
        raise MissingError("missing.ping")


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:{_PATH}"


def _open_ear() -> tuple[_Ear | None, threading.Thread | None]:
    """Ears on this host's wires, where it may have them; else it is said what could not be heard."""
    if sys.platform != "linux":
        noted("ping.deaf_system")
        return None, None
    from explain.capture.recorder import Tap

    try:
        ear = _Ear(Tap())
    except OSError:
        noted("ping.deaf")
        return None, None
    thread = threading.Thread(target=ear.listen, daemon=True)
    thread.start()
    return ear, thread


def _run(words: list[str]) -> tuple[str, int | None]:
    environment = {**os.environ, "LC_ALL": "C", "PATH": _path()}
    try:
        done = subprocess.run(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            timeout=_LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode("utf-8", "replace"), None
    except FileNotFoundError:
        return "", None
    return done.stdout.decode("utf-8", "replace"), done.returncode


def _probes(asked: Asked) -> list[list[str]]:
    """What ``--probe`` adds: the way hop by hop, and the other size."""
    other = _SMALL if (asked.size or 0) > _SMALL else _LARGE
    found = [_command_of(replace(asked, size=other, count=1))]
    if shutil.which("traceroute", path=_path()):
        found.append(["traceroute", "-n", "-q", "1", "-w", "1", "-m", "16", asked.target])
    elif shutil.which("tracepath", path=_path()):
        found.append(["tracepath", "-n", "-m", "16", asked.target])
    return found


def _text(runs: list[str], words: list[str], status: int | None) -> TextWitness | None:
    from explain.errors import UnreadableError
    from explain.symptoms.text import read_text

    try:
        others = [read_text(run, path="the probe") for run in runs[1:]]
    except UnreadableError:
        others = []
    try:
        first = read_text(runs[0], " ".join(words), status, path="what ping printed")
    except UnreadableError as error:
        complained(error)
        return None
    return replace(first, others=(*first.others, *others))


def _captures(ear: _Ear | None, name: str) -> tuple[PacketTable | None, tuple[CaptureInfo, ...]]:
    if ear is None:
        return None, ()
    from explain.capture.pcapng.writer import InterfaceBlock, PacketBlock, section
    from explain.intake import read

    devices = sorted({each.interface for each in ear.heard} | _devices())
    place = {device: number for number, device in enumerate(devices)}
    blocks = [InterfaceBlock(f"{name}.{device}") for device in devices]
    packets = [PacketBlock(place[h.interface], h.time_ns, h.data, h.length, flags=h.flags) for h in ear.heard]
    return read([BytesIO(b"".join(section(blocks, packets)))])


def _devices() -> set[str]:
    try:
        return {name for _, name in socket.if_nameindex()}
    except OSError:
        return set()


def _state(name: str) -> HostState | None:
    if sys.platform != "linux":
        return None
    from explain.state.collecting.collect import collect
    from explain.state.reading.state_file import host_state

    return host_state(collect(), name, "this host's state")
