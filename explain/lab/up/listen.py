"""Looks into a lab that is up from outside: records its wires, collects a node's state."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import platform
import select
import signal
import socket
import time
from typing import IO, TYPE_CHECKING, Any, NoReturn

from explain.capture.pcapng.writer import (
    InterfaceBlock,
    PacketBlock,
    Statistics,
    header_block,
    interface_block,
    packet_block,
    section,
)
from explain.capture.recorder import Heard, Tap
from explain.errors import ExplainError, InputError, reason_of
from explain.lab.up.inside import enter

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.lab.up.known import Live

_PAUSE_S = 0.1
_TOLD = 3
"""Status of a child that wrote its error into the pipe."""


def _in_child(live: Live, node: str | None, work: Any) -> bytes:
    """What a process of the lab writes into a pipe: entering namespaces is for ever, so a child does it.

    Raises:
        ExplainError: the child could not do it.
    """
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _work_inside(live, node, work, write_end)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as told:
        while True:
            try:
                data = told.read()
                break
            except KeyboardInterrupt:  # the child got it too and is about to write
                continue
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise pickle.loads(data) if status == _TOLD else ExplainError("lab.not_looked")  # noqa: S301 - our own child's
    return data


def _work_inside(live: Live, node: str | None, work: Any, write_end: int) -> NoReturn:
    """The child's whole life: its status says whether the work was done, or that the pipe holds an error."""
    status = 1
    try:
        enter(live, node)
        inner = os.fork()  # only children are in the lab's process namespace, and find themselves in its /proc
        if inner == 0:
            with os.fdopen(write_end, "wb", closefd=False) as out:
                work(out)
            os._exit(0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        status = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
    except (ExplainError, OSError) as e:
        error = ExplainError("at.alone", reason=reason_of(e)) if isinstance(e, OSError) else e
        os.write(write_end, pickle.dumps(error))
        status = _TOLD
    finally:
        os._exit(status if status >= 0 else 1)


def state_of(live: Live, node: str) -> dict[str, Any]:
    """A node's state now.

    Raises:
        ExplainError: it cannot be entered.
    """

    def work(out: Any) -> None:
        from explain.state.collecting.collect import collect

        out.write(json.dumps(collect()).encode())

    state: dict[str, Any] = json.loads(_in_child(live, node, work))
    return state


def record_live(live: Live, seconds: float | None, at: str | None, begun: Callable[[], None]) -> tuple[bytes, int, int]:
    """Record until Ctrl-C or for some seconds; every interface, or the one that ``at`` names as NODE.INTERFACE.

    ``begun`` is called once it listens, in a process of its own.

    Returns:
        The capture file, how many frames it has, and how many were lost.

    Raises:
        InputError: there is no such interface.
    """

    def work(out: Any) -> None:
        data, frames, dropped = _record(live, seconds, at, begun)
        out.write(b"%d %d\n" % (frames, dropped) + data)

    head, _, data = _in_child(live, None, work).partition(b"\n")
    frames, dropped = head.split()
    return data, int(frames), int(dropped)


def stream_live(live: Live, file: IO[bytes]) -> None:
    """Write what a lab carries into a stream as pcapng, from now on and until nobody reads it.

    Raises:
        ExplainError: the lab cannot be looked into.
    """

    def work(_: object) -> None:
        with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
            _stream(*_listening(live), file)

    _in_child(live, None, work)


def _stream(taps: dict[str, Tap], names: list[tuple[str, str]], file: IO[bytes]) -> None:
    index = {name: i for i, name in enumerate(names)}
    file.write(header_block(application="explain lab"))
    file.write(b"".join(interface_block(InterfaceBlock(f"{node}.{nic}")) for node, nic in names))
    is_read = select.poll()
    is_read.register(file, 0)
    while not is_read.poll(0):
        select.select([tap.fileno() for tap in taps.values()], [], [], _PAUSE_S)
        heard = [(node, one) for node, tap in taps.items() for one in tap.drain()]
        for node, one in sorted(heard, key=lambda pair: pair[1].time_ns):
            if (node, one.interface) not in index:
                index[node, one.interface] = len(index)
                file.write(interface_block(InterfaceBlock(f"{node}.{one.interface}")))
            place = index[node, one.interface]
            file.write(packet_block(PacketBlock(place, one.time_ns, one.data, one.length, one.flags)))


def _listening(live: Live) -> tuple[dict[str, Tap], list[tuple[str, str]]]:
    """A tap in every node, and node and name of every interface; this process has to be the lab's."""
    from explain.lab import kernel

    taps: dict[str, Tap] = {}
    names: list[tuple[str, str]] = []
    for node in live.nodes:
        net = os.open(f"/run/netns/{node}", os.O_RDONLY | os.O_CLOEXEC)
        kernel.setns(net, kernel.CLONE_NEWNET)
        os.close(net)
        taps[node] = Tap()
        names += [(node, name) for _, name in socket.if_nameindex()]
    return taps, names


def _record(live: Live, seconds: float | None, at: str | None, begun: Callable[[], None]) -> tuple[bytes, int, int]:
    taps, names = _listening(live)
    if at is not None:
        names = [_named(at, names)]
        taps = {node: taps[node] for node, _ in names}
    start_ns = time.time_ns()
    begun()
    heard = _until(taps, seconds)
    index = {name: i for i, name in enumerate(names)}
    frames: list[tuple[int, Heard]] = []
    for node, some in heard.items():
        kept = [one for one in some if at is None or (node, one.interface) in index]
        frames += [(index.setdefault((node, one.interface), len(index)), one) for one in kept]
    frames.sort(key=lambda pair: pair[1].time_ns)
    blocks = [InterfaceBlock(f"{node}.{nic}", description=f"{nic} of {node}") for node, nic in index]
    counts = [0] * len(blocks)
    for place, _ in frames:
        counts[place] += 1
    end_ns = time.time_ns()
    statistics = [Statistics(i, start_ns, end_ns, counts[i], taps[node].dropped) for i, (node, _) in enumerate(index)]
    packets = (PacketBlock(place, one.time_ns, one.data, one.length, one.flags) for place, one in frames)
    system = f"{platform.system()} {platform.release()}"
    note = [f"explain lab {live.name}, recorded by hand"]
    data = b"".join(section(blocks, packets, statistics, note, operating_system=system, application="explain lab"))
    return data, len(frames), sum(tap.dropped for tap in taps.values())


def _named(wanted: str, names: list[tuple[str, str]]) -> tuple[str, str]:
    for node, nic in names:
        if f"{node}.{nic}" == wanted:
            return node, nic
    raise InputError("usage.no_interface", interface=wanted, names=[f"{node}.{nic}" for node, nic in names])


def _until(taps: dict[str, Tap], seconds: float | None) -> dict[str, list[Heard]]:
    heard: dict[str, list[Heard]] = {node: [] for node in taps}
    by_fd = {tap.fileno(): node for node, tap in taps.items()}
    ends = None if seconds is None else time.monotonic() + seconds
    try:
        while ends is None or time.monotonic() < ends:
            left = 1.0 if ends is None else min(1.0, max(0.0, ends - time.monotonic()))
            for fd in select.select(list(by_fd), [], [], left)[0]:
                heard[by_fd[fd]] += taps[by_fd[fd]].drain()
    except KeyboardInterrupt:
        pass
    for node, tap in taps.items():
        heard[node] += tap.drain()
    return heard
