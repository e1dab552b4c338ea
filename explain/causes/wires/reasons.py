"""What the frames show that speaks for a cause, or against it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.diagnosis import Candidate, Reason
from explain.state.way.path import Locus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explain.causes.predictions import Strike
    from explain.causes.wires.spots import Spot
    from explain.causes.wires.witness import Wires

_SERVERS = (67, 547)
"""Ports of the servers of DHCP and DHCPv6."""


def reasons_for(wires: Wires, strikes: tuple[Strike, ...]) -> list[Reason]:
    """What the frames show that fits."""
    found: list[Reason] = []
    asked = wires.open_questions() if wires.is_listening else {}
    strike = strikes[0]
    leasing = _leasing(wires) if wires.context.tool == "dhcp" else None
    if leasing is not None:
        found.append(leasing)
    elif asked and strike.how in {"no-neighbour", "no-carrier"}:
        wanted, rows = next(iter(asked.items()))
        found.append(_reason(wires, "diagnosis.wire.asked", {"wanted": wanted, "count": len(rows)}, rows))
    elif wires.has_left():
        rows = [hit.row for spot in wires.sender for hit in spot.requests]
        replies = wires.count("replies")
        errors = wires.errors_about_us()
        if errors:
            values = {"speaker": errors[0].speaker, "name": errors[0].name}
            found.append(_reason(wires, "diagnosis.wire.error", values, [errors[0].row]))
        else:
            resets = wires.count("resets")
            answered = "astray" if wires.is_answer_for_another else "answered"
            told = [each for spot in wires.sender for each in spot.errors if wires.context.tool == "trace"]
            shown = answered if replies else "reset" if resets else "traced" if told else "silent"
            counts = {"count": len(rows), "replies": replies, "resets": resets, "told": len(told)}
            found.append(_reason(wires, f"diagnosis.wire.{shown}", counts, rows))
    elif wires.lookups_failed and strike.at == "dns-server":
        rows = _questions(wires)
        found.append(_reason(wires, "diagnosis.wire.looked-up", {"count": len(wires.lookups)}, rows))
    elif wires.is_listening and not wires.lookups and strike.how != "works" and not wires.context.holds("lo"):
        found.append(Reason("diagnosis.wire.nothing", {}, "capture", _evidence(wires, wires.sender[0], [])))
    return [*found, *wires.fate.reasons(strike, partial(_evidence, wires))]


def _leasing(wires: Wires) -> Reason | None:
    """The messages of a client of DHCP that left the sender, and those that came."""
    rows = [row for name in ("dhcp", "dhcpv6") for row in _contents(wires, name) if _is_seen_at(wires, row)]
    table = wires.witnesses.table
    if not rows or table is None or not wires.sender:
        return None
    ports = table.target_ports(np.array(rows)).tolist()
    sent = sum(port in _SERVERS for port in ports)
    back = len(rows) - sent
    return _reason(wires, f"diagnosis.wire.{'leased' if back else 'unleased'}", {"sent": sent, "back": back}, rows)


def _contents(wires: Wires, name: str) -> list[int]:
    table = wires.witnesses.table
    return list(table.contents[name].row) if table is not None and name in table.contents else []


def _is_seen_at(wires: Wires, row: int) -> bool:
    """Whether the frame was recorded at one of the sender's places."""
    table = wires.witnesses.table
    place = table.places[table.place[row]] if table is not None else None
    return place is not None and any(
        (spot.capture, spot.number) == (place.capture, place.interface or 0) for spot in wires.sender
    )


def _questions(wires: Wires) -> list[int]:
    """The frames to and from name servers that the sender's place saw."""
    table, spot = wires.witnesses.table, (wires.sender or wires.spots)[0]
    rows = _contents(wires, "dns")
    return [row for row in rows if table is not None and table.places[table.place[row]].capture == spot.capture]


def objection(wires: Wires) -> Reason:
    """What the frames show that a cause contradicts: the short form."""
    if not wires.is_listening:
        return Reason("diagnosis.out.wire", {}, "capture")
    if wires.count("replies"):
        return Reason("diagnosis.out.answered", {}, "capture")
    if wires.has_left():
        return Reason("diagnosis.out.left", {}, "capture")
    if wires.open_questions():
        return Reason("diagnosis.out.asked", {"wanted": next(iter(wires.open_questions()))}, "capture")
    return Reason("diagnosis.out.nothing", {}, "capture")


def _reason(wires: Wires, message: str, values: dict[str, Any], rows: list[int]) -> Reason:
    return Reason(message, values, "capture", _evidence(wires, (wires.sender or wires.spots)[0], rows))


def _evidence(wires: Wires, spot: Spot, rows: Iterable[int]) -> dict[str, Any]:
    table = wires.witnesses.table
    place = {"capture": spot.capture, "interface": spot.number, "node": spot.node}
    evidence = table.evidence(list(rows)) if table is not None else ()
    mine = [each for each in evidence if each.capture == spot.capture] or list(evidence)
    return place | {"frames": [list(span) for span in mine[0].frames] if mine else []}


def redirects(wires: Wires) -> tuple[Candidate, ...]:
    """Redirects that were sent, whatever became of the rest."""
    told = [(spot, each) for spot in wires.sender for each in spot.redirects]
    if not told:
        return ()
    speaker = told[0][1].speaker
    reason = Reason(
        "diagnosis.wire.redirect", {"speaker": speaker}, "capture", _evidence(wires, told[0][0], [told[0][1].row])
    )
    return (Candidate("icmp-redirect", "proved", (Locus("router:1", None, None, speaker),), (reason,)),)
