"""One run of a lab: plan, build, serve, break, perform, take down; what is left is a Recording."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from explain.errors import ExplainError, MissingError
from explain.lab import plan as planning
from explain.lab.build import Place, build
from explain.lab.holder import Tell, hold
from explain.lab.kernel.carrier import IFF_LOOPBACK, IFF_UP, OPERSTATE_UP, Seen, interfaces
from explain.lab.operations import Break, Perform, StartService, WaitUntil
from explain.lab.perform import ENVIRONMENT, Ran, Stage
from explain.lab.recording import Recording, Wire
from explain.lab.records import Lab, Step
from explain.lab.services import BUILT_IN, PACKAGES
from explain.lab.tools import tool_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from explain.capture.recorder import Heard


def missing_tools(lab: Lab) -> list[str]:
    """The tools that the lab's steps and services name and this system lacks."""
    wanted = {step.run[0] for step in (*lab.fault, *lab.steps) if isinstance(step, Step)} - set(BUILT_IN)
    wanted |= {"dnsmasq"} if any(service.kind == "dnsmasq" for service in lab.services) else set()
    wanted |= set(lab.needs)
    return sorted(tool for tool in wanted if shutil.which(tool, path=ENVIRONMENT["PATH"]) is None)


def require_tools(lab: Lab) -> None:
    """Complain about missing tools before anything is built.

    Raises:
        MissingError: it names them and their packages.
    """
    missing = missing_tools(lab)
    if missing:
        packages = " ".join(dict.fromkeys(PACKAGES.get(tool, tool) for tool in missing))
        raise MissingError("missing.lab_tools", lab=lab.name, tools=[*missing], packages=packages)


def require_pyroute2() -> None:
    """Complain about a missing package before anything is built.

    Raises:
        MissingError: it is not installed.
    """
    from importlib.util import find_spec

    if find_spec("pyroute2") is None:
        raise MissingError("missing.pyroute2")


def run(
    lab: Lab,
    with_fault: bool = True,
    with_states: bool = True,
    hear: Callable[[str, Any], None] = lambda _kind, _value: None,
    is_imported_first: bool = True,
) -> Recording:
    """Build the lab, run its steps, record everything, take everything down.

    Args:
        lab: what to run.
        with_fault: leave the fault out to see the network healthy.
        with_states: collect every node's state before and after the steps.
        hear: told of ``("step", Step)`` before and ``("ran", Ran)`` after each step, while it happens.
        is_imported_first: import pyroute2 before the fork, so that many labs import it once; a single lab is faster
            without, since ``hear`` can import what comes later at the same time.

    Raises:
        ExplainError: the lab cannot be built, or was ended from outside.
        MissingError: a tool, a right or a kernel feature is missing.
    """
    require_tools(lab)
    require_pyroute2()
    if is_imported_first:
        import pyroute2  # noqa: F401

    result = hold(lambda tell: _performed(lab, with_fault, with_states, tell), hear)
    if not isinstance(result, Recording):
        raise TypeError(f"the holder gave {type(result)}")
    return result


@contextmanager
def _noted(lost: list[ExplainError]) -> Iterator[None]:
    """A step or wait that fails ends the run, but not the recording."""
    try:
        yield
    except MissingError:
        raise
    except ExplainError as e:
        lost.append(e)


def _performed(lab: Lab, with_fault: bool, with_states: bool, tell: Tell) -> Recording:
    start_ns = time.time_ns()
    tell("stage", "build")
    stage = Stage(build(planning.built(lab)))
    recording = perform_into(lab, stage, with_fault, with_states, tell, start_ns)
    tell("stage", "end")
    return recording


def perform_into(
    lab: Lab, stage: Stage, with_fault: bool, with_states: bool, tell: Tell, start_ns: int, is_kept: bool = False
) -> Recording:
    """Serve, break and perform on a network that is built; what was seen.  If it is kept, its servers go on."""
    places = stage.places
    ran: list[Ran] = []
    complaints: list[ExplainError] = []
    before: dict[str, dict[str, Any]] = {}
    stage.pump(lambda: carrying(places), 2.0)
    with _noted(complaints):
        for act in planning.started(lab, with_fault):
            tell("stage", act.command)
            _act(act, stage, tell, ran, complaints)
        if with_states:
            stage.pump(lambda: settled(places), 2.0)
        before = states(places) if with_states else {}
        is_as_written = with_fault or not lab.fault  # without its fault, a lab's steps end as they like
        for act in planning.performed(lab):
            _act(act, stage, tell, ran, complaints if is_as_written else [])
            if complaints:
                break
        if lab.settle_s:
            stage.pump(lambda: False, lab.settle_s)
    stage.finish()
    after = states(places) if with_states else {}
    ran += [] if is_kept else stage.end_background()
    stage.finish()
    return _recording(lab, stage, ran, complaints, (before, after), start_ns)


def _act(act: object, stage: Stage, tell: Tell, ran: list[Ran], complaints: list[ExplainError]) -> None:
    match act:
        case StartService(service):
            stage.serve(service)
        case Break(step):
            done = stage.run(step)
            if done is not None and done.complaint:
                raise ExplainError("lab.fault", complaint=done.complaint.line, output=done.output.strip())
        case Perform(step):
            tell("step", step)
            done = stage.run(step)
            if done is not None:
                tell("ran", done)
                ran.append(done)
                if done.complaint:
                    complaints.append(done.complaint)
        case WaitUntil(wait):
            stage.wait(wait)


def _alive(places: dict[str, Place]) -> Iterator[Seen]:
    """Interfaces of the nodes that are up and have a carrier, loopback left out."""
    for place in places.values():
        with place.inside():
            found = list(interfaces())
        yield from (one for one in found if one.flags & IFF_UP and one.has_carrier and not one.flags & IFF_LOOPBACK)


def settled(places: dict[str, Place]) -> bool:
    """True when every interface that has a carrier is said to be up: the kernel says so up to a second late."""
    return all(one.operstate == OPERSTATE_UP for one in _alive(places))


def carrying(places: dict[str, Place]) -> bool:
    """True when every interface with a carrier lets frames through: until the kernel has noticed it, it drops them."""
    return all(one.qdisc != b"noop" for one in _alive(places))


def states(places: dict[str, Place]) -> dict[str, dict[str, Any]]:
    """Node -> its state now."""
    from explain.state.collecting.collect import collect

    found = {}
    for name, place in places.items():
        with place.inside():
            found[name] = collect()
    return found


def _recording(
    lab: Lab,
    stage: Stage,
    ran: list[Ran],
    complaints: list[ExplainError],
    seen: tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]],
    start_ns: int,
) -> Recording:
    wires, frames = _joined(lab, stage)
    dropped = {node: place.tap.dropped for node, place in stage.places.items()}
    for node, count in dropped.items():
        if count:
            complaints.append(ExplainError("lab.recorder_lost", node=node, count=count))
    return Recording(
        lab=lab,
        wires=wires,
        frames=frames,
        received={node: place.tap.received for node, place in stage.places.items()},
        dropped=dropped,
        ran=tuple(ran),
        before=seen[0],
        after=seen[1],
        complaints=tuple(complaints),
        start_ns=start_ns,
        end_ns=time.time_ns(),
        tools=tool_versions(lab) if seen[1] else {},
    )


def _joined(lab: Lab, stage: Stage) -> tuple[tuple[Wire, ...], tuple[tuple[int, Heard], ...]]:
    """The ends of all cables, and what was heard at them in order of time, each frame with the number of its end."""
    wires = [Wire(node.name, nic.name, nic.mac) for node in lab.nodes for nic in node.nics]
    wires += [Wire(node.name, "lo", None) for node in lab.nodes]
    index = {(wire.node, wire.nic): i for i, wire in enumerate(wires)}
    frames = []
    for node, heard in stage.frames.items():
        for frame in heard:
            key = (node, frame.interface)
            if key not in index:  # an interface that a step made
                index[key] = len(wires)
                wires.append(Wire(node, frame.interface or "gone", None))
            frames.append((index[key], frame))
    frames.sort(key=lambda pair: pair[1].time_ns)  # stable: frames of one tap keep the kernel's order
    return tuple(wires), tuple(frames)
