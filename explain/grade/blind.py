"""Why what is not in a capture proves nothing: frames were lost, filtered out, or came before it began."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from explain.grade.predicates import holds
from explain.grade.scene import Event, end

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from explain.grade.rubric import Pattern
    from explain.grade.scene import Scene

_WORDS = re.compile(r"\s*[a-z0-9]+(\s+or\s+[a-z0-9]+)*\s*")
_CARRIERS = {"dhcp": ("udp", "ip"), "dns": ("udp", "ip"), "nat": ("ip",), "ip": (), "traceroute": (), "http": ("tcp",),
             "tcp": ("ip",), "udp": ("ip",), "icmp": ("ip",), "arp": ()}  # fmt: skip
_EARLY = ("tcp.handshake", "tcp.stream")
"""What may have been there before the capture began, where its connection was open already."""
_ENDED = ("closed", "reset", "refused", "rejected")


def hides_absence(scene: Scene, wanted: Pattern, names: Mapping[str, Any], *, is_lack: bool) -> str | None:
    """Why the absence of something cannot be told from these captures; None if it can.

    ``is_lack`` is for what should have been there: an empty capture, or one that began late, shows then that it
    was not recorded, and that is what was asked for.

    Returns:
        ``dropped``, ``cut``, ``missing``, ``filtered`` or ``midstream``, which are words of the table.
    """
    reason = scene.loses_frames()
    if reason is None and any(_excludes(one, wanted.event) for one in _filters(scene)):
        reason = "filtered"
    if is_lack and reason is not None:
        return None if reason == "missing" else reason
    if is_lack:
        return "midstream" if wanted.event in _EARLY and _began_late(scene, wanted, names) else None
    if reason in ("cut", None) and _has_ended(scene, wanted, names):
        return None
    if reason is None and wanted.event.startswith("tcp."):
        return "midstream" if _began_late(scene, wanted, names) else None
    return reason


def is_skewed(event: Event, most_ns: int | None) -> bool:
    """Whether the two clocks that saw a translated packet are further apart than the author allows."""
    inside, outside = event.fields.get("inside"), event.fields.get("outside")
    if most_ns is None or not isinstance(inside, dict) or not isinstance(outside, dict):
        return False
    return bool(abs(outside["time"] - inside["time"]) * 1e9 > most_ns)


def skews(events: Sequence[Event], wanted: Pattern, names: Mapping[str, Any], most_ns: int | None) -> bool:
    """Whether something fits in all but its clocks."""
    return any(is_skewed(one, most_ns) and holds(one, wanted.where, names) for one in events)


def _filters(scene: Scene) -> Iterable[str]:
    return (one.filter for info in scene.report.captures for one in info.interfaces if one.filter)


def _excludes(words: str, event: str) -> bool:
    """Whether a filter may have left such an event out; only one that plainly lets it through does not."""
    family = event.partition(".")[0]
    if not _WORDS.fullmatch(words.lower()):
        return True
    return not {family, *_CARRIERS.get(family, ("ip",))} & set(re.split(r"\s+or\s+|\s+", words.lower()))


def _has_ended(scene: Scene, wanted: Pattern, names: Mapping[str, Any]) -> bool:
    """Whether it is about one connection of which everything was seen, from the SYN to the end."""
    ids = [str(names_of) for names_of in _flows(wanted, names)]
    part = scene.report.exchanges.of_kind("tcp.connection")
    if not ids or part is None:
        return False
    outcomes = {
        f"e{scene.report.exchanges.position(part, index) + 1}": part.outcomes[part.outcome[index]]
        for index in range(len(part))
    }
    return all(outcomes.get(one) in _ENDED for one in ids)


def _flows(wanted: Pattern, names: Mapping[str, Any]) -> Sequence[Any]:
    from explain.grade.expressions import fill

    return [fill(one.value, names) for one in wanted.where if one.field == "flow" and one.sign in ("eq", "==")]


def _began_late(scene: Scene, wanted: Pattern, names: Mapping[str, Any]) -> bool:
    """Whether a connection that the question is about was open already when the capture began."""
    part = scene.report.exchanges.of_kind("tcp.connection")
    if part is None:
        return False
    asked = tuple(one for one in wanted.where if one.field.partition(".")[0] in ("client", "server", "flow"))
    asked = tuple(one for one in asked if one.field.rpartition(".")[2] not in ("text", "bytes"))
    for index in part.where("midstream").tolist():
        told = part.fields(index)
        exchange = f"e{scene.report.exchanges.position(part, index) + 1}"
        sides = [end(one.address, one.port) for one in (told.client, told.server)]
        # Who is the client is a guess where no SYN was seen.
        for client, server in (sides, sides[::-1]):
            fields = {"client": client, "server": server, "flow": exchange}
            if holds(Event("tcp.connection", (), 0, 0, exchange, fields), asked, names):
                return True
    return False
