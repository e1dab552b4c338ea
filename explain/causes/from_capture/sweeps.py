"""The same thing tried with very many hosts or ports: findings that differ in nothing but whom they name, as one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.together import joined, naming

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from explain.causes.from_capture.scene import Member, Scene, Seen

_Asked = tuple[int, int]
_FEWEST = 16  # people and programs try a few, scanners many
_MOST_SHOWN, _MOST_ASKED = 3, 1000
_NOBODY = "destination-host-absent-on-link"
_SWEPT = {
    _NOBODY: ("address",),
    "destination-host-absent-behind-router": ("dst",),
    "reject-route-on-router": ("dst",),
    "echo-unanswered": ("dst",),
    "filter-on-router-forward": ("dst",),
    "udp-no-listener": ("port", "dst"),
    "tcp-no-listener": ("server",),
    "tcp-syn-unanswered": ("server",),
    "tcp-handshake-unfinished": ("server",),
}
"""What such findings differ in, by cause."""
_OF_TCP = ("tcp-no-listener", "tcp-syn-unanswered", "tcp-handshake-unfinished")
"""Who tries one port of many hosts finds all of these; the first of them that there is names the finding."""
_PORTS, _SEVERAL = ("tcp-no-listener", "tcp-syn-unanswered", "udp-no-listener"), 2
_CASES = (None, "link", "neighbour", "private", "declined", "at-once")
_SUMMED = ("sent", "received", "requests", "count")


def join(scene: Scene, seen: Iterable[Seen]) -> list[Seen]:
    """Sweeps first, then all others as they came."""
    left, asked = list(seen), cache(partial(_asked, scene))
    sweeps: list[Seen] = []
    for name in ("port", "dst", "address", "server"):
        groups: dict[Hashable, list[Seen]] = defaultdict(list)
        for one in left:
            if name in _SWEPT.get(one.cause, ()) and one.values.get("case") in _CASES:
                groups[_alike(one, name)].append(one)
        found = [some for some in groups.values() if _is_sweep(some, name)]
        sweeps += [_sweep(scene, some, name, asked) for some in found]
        done = {id(one) for some in found for one in some}
        left = [one for one in left if id(one) not in done]
    return [*sweeps, *_of_few_ports(left)]


def _of_few_ports(left: Sequence[Seen]) -> list[Seen]:
    """What differs in the port of one host alone, as one finding that names the ports."""
    groups: dict[Hashable, list[Seen]] = defaultdict(list)
    for one in left:
        is_one = one.cause in _PORTS and one.values.get("case") is None
        groups[naming(one, ("port",)) if is_one else id(one)].append(one)
    return [some[0] if len(_ports(some)) < _SEVERAL else _several_ports(some) for some in groups.values()]


def _ports(some: Sequence[Seen]) -> list[Any]:
    return list(dict.fromkeys(one.values.get("port") for one in some))


def _several_ports(some: Sequence[Seen]) -> Seen:
    one = joined(some)
    values = {
        **one.values,
        "case": "several",
        "ports": _ports(some),
        "count": sum(each.values["count"] for each in some),
    }
    return replace(one, values=values)


def _alike(one: Seen, name: str) -> Hashable:
    """What findings of one sweep share; whoever says by himself that a port of his is closed differs with it."""
    if one.cause in _OF_TCP:
        return str(one.values["port"])
    return one.certainty, *naming(one, {name, "from"} if one.values.get("from") == one.values[name] else {name})


def _is_sweep(some: Sequence[Seen], name: str) -> bool:
    return len({one.values[name] for one in some if one.cause != _OF_TCP[-1]}) >= _FEWEST


def _sweep(
    scene: Scene,
    some: Sequence[Seen],
    name: str,
    asked: Callable[[str], tuple[list[_Asked], dict[_Asked, list[int]]]],
) -> Seen:
    some = sorted(some, key=lambda one: one.cause in _OF_TCP and _OF_TCP.index(one.cause))
    one = joined(some)
    tried = list(dict.fromkeys(each.values[name] for each in some))
    values: dict[str, Any] = dict(one.values) | {
        summed: sum(each.values[summed] for each in some) for summed in _SUMMED if summed in one.values
    }  # fmt: skip
    values |= {"case": "ports" if name == "port" else "sweep", "tried": len(tried), "first": tried[:_MOST_SHOWN]}
    if name == "server":
        fates = [len({each.values[name] for each in some if each.cause == cause}) for cause in _OF_TCP]
        values |= dict(zip(("refused", "silent", "answering"), fates, strict=True))
    if one.cause == _NOBODY and _finds_neighbours(scene, str(values.get("asker"))):
        return replace(one, values=values, certainty="likely", rivals=())  # its link works, and some are there
    if one.cause != "udp-no-listener":
        return replace(one, values=values, rivals=some[0].rivals)
    silent, answering = (_others(scene, one.members, *asked(name), outcome) for outcome in ("unanswered", "answered"))
    scene.accounted["udp.flow"].update(index for _, index in silent)
    values |= {"silent": len(silent), "answering": len(answering)}
    return replace(one, values=values, members=[*one.members, *silent])


def _finds_neighbours(scene: Scene, asker: str) -> bool:
    """Whether somebody answered the same host's questions for others."""
    part = scene.part("arp.resolution")
    return any(part.fields(index).asker_ip == asker for index in part.where("answered")[:_MOST_ASKED].tolist())


def _asked(scene: Scene, name: str) -> tuple[list[_Asked], dict[_Asked, list[int]]]:
    """For each UDP flow who asked which host, or at which port; and the flows that are alike in this."""
    part, table = scene.part("udp.flow"), scene.table
    opener, is_answer = part.facts["opener"], part.facts["is_answer"]
    forth, back = (
        (table.targets, table.sources) if name == "port" else (table.target_ports, table.source_ports)
    )  # fmt: skip
    asked = list(
        zip(part.facts["client"].tolist(), np.where(is_answer, back(opener), forth(opener)).tolist(), strict=True)
    )
    alike: dict[_Asked, list[int]] = defaultdict(list)
    for index, one in enumerate(asked):
        alike[one].append(index)
    return asked, alike


def _others(
    scene: Scene, members: Sequence[Member], asked: list[_Asked], alike: dict[_Asked, list[int]], outcome: str
) -> list[Member]:
    """What else the same host sent to this host, or to this port of others, and that ended like this."""
    part = scene.part("udp.flow")
    done, code = scene.accounted[part.kind], part.outcomes.index(outcome)
    swept = {asked[index] for one, index in members if one.kind == part.kind}
    near = sorted(index for one in swept for index in alike[one] if index not in done)
    return [(part, index) for index in near if part.outcome[index] == code]
