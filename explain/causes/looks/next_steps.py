"""Which observation would split what remains: read-only, the most telling first, with what each result would mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.causes.diagnosis import Look
from explain.causes.looks.observations import OBSERVATIONS, Observation
from explain.record import dataclass
from explain.state.segment.network import is_switch

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.causes.diagnosis import Witnesses
    from explain.causes.weighing.weigh import Kept
    from explain.causes.wires.witness import Wires

_MOST_LOOKS = 3
_UNKNOWN = "ADDRESS"


@dataclass(frozen=True, slots=True)
class _Split:
    observation: Observation
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    left: float


def next_looks(kept: list[Kept], witnesses: Witnesses, context: Context, wires: Wires | None) -> tuple[Look, ...]:
    """The cheapest observations that really split the causes that are left, best first.

    An observation of which some witness already has the result is not asked for again.
    """
    if len(kept) < 2:
        return ()
    known = _known(witnesses, wires)
    tool = context.tool or "ping"
    splits = [
        split
        for each in OBSERVATIONS
        if (not each.tools or tool in each.tools) and each.sees not in known and not _is_vain(each, witnesses, context)
        if (split := _split(each, kept)) is not None
    ]
    has_switch = _has_switch(witnesses)
    splits.sort(key=lambda one: (one.observation.role == "switch" and not has_switch, one.left + one.observation.cost))
    values = _values(witnesses, context)
    return tuple(_look(split, values) for split in splits[:_MOST_LOOKS])


def _has_switch(witnesses: Witnesses) -> bool:
    """Whether a switch is known: of one that nobody named it is open whether it can be asked at all."""
    roles = map(_part, witnesses.topology.roles.values())
    return "switch" in roles or any(map(is_switch, witnesses.states))


def _is_vain(observation: Observation, witnesses: Witnesses, context: Context) -> bool:
    """Whether there is nothing to look at: no such host, no name that was looked up, no packet that was large."""
    topology = witnesses.topology
    if observation.role in {"switch", "router"} and topology.is_whole:
        return observation.role not in {_part(role) for role in topology.roles.values()}
    missing = {"resolver": "named", "smaller": "big"}.get(observation.id)
    return missing is not None and context.conditions.get(missing) is False


def _split(observation: Observation, kept: list[Kept]) -> _Split | None:
    """How an observation would part the causes; None if every cause predicts the same."""
    groups: dict[str, list[str]] = {}
    for each in kept:
        for outcome in observation.predicts(each.cause, each.strikes):
            groups.setdefault(outcome, []).append(each.cause)
    everyone = {each.cause for each in kept}
    if len(groups) < 2 or all(set(causes) == everyone for causes in groups.values()):
        return None
    left = sum(len(causes) ** 2 for causes in groups.values()) / len(kept)
    order = [name for name in observation.outcomes if name in groups]
    return _Split(observation, tuple((name, tuple(groups[name])) for name in order), left)


def _look(split: _Split, values: dict[str, Any]) -> Look:
    one = split.observation
    return Look(
        f"diagnosis.next.{one.id}.ask",
        one.command.format(**values),
        one.role,
        values["nodes"].get(one.role),
        tuple((f"diagnosis.next.{one.id}.{outcome}", causes) for outcome, causes in split.groups),
        {key: value for key, value in values.items() if key != "nodes"},
    )


def _known(witnesses: Witnesses, wires: Wires | None) -> set[str]:
    """What the witnesses have looked at already, in the words of ``Observation.sees``."""
    roles = witnesses.topology.roles
    found: set[str] = set()
    for state in witnesses.states:
        role = "sender" if state.name == witnesses.sender else _part(roles.get(state.name, ""))
        found.add(f"{role}.state")
    for spot in wires.sender if wires else ():
        if spot.is_whole:
            found.add("sender.wire")
    if wires is not None and wires.fate.at_target is not None:
        found.add("target.wire")
    return found


def _part(role: str) -> str:
    if role[:1] == "R" or role.startswith("router"):
        return "router"
    return {"S": "sender", "T": "target", "SW": "switch"}.get(role, role or "other")


def _values(witnesses: Witnesses, context: Context) -> dict[str, Any]:
    nodes: dict[str, str] = {}
    for name, role in witnesses.topology.roles.items():
        nodes.setdefault(_part(role), name)
    if witnesses.sender:
        nodes["sender"] = witnesses.sender
    text = witnesses.text
    command = witnesses.command
    is_v6 = context.family == 6
    return {
        "target": context.destination or (text.target if text else None) or _UNKNOWN,
        "source": (text.source if text else None) or (command.source if command else None) or "SENDER",
        "port": (command.port if command else None) or "PORT",
        "name": (command.target if command else None) or (text.target if text else None) or "NAME",
        "ip": "ip -6" if is_v6 else "ip",
        "icmp": "icmp6" if is_v6 else "icmp or arp",
        "forward": r"ipv6\..*\.forwarding$" if is_v6 else r"ipv4\..*\.forwarding$",
        "ignore": "net.ipv6.icmp.echo_ignore_all" if is_v6 else "net.ipv4.icmp_echo_ignore_all",
        "nodes": nodes,
    }
