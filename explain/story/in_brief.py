"""An exchange in a few words, to stand inside a sentence: what it is, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.ids import IDS
from explain.exchanges.wire_words import headers_said
from explain.model import Endpoint, Line
from explain.story.around import segment
from explain.story.exchanges.teller import Teller, end_text
from explain.story.recording import unread
from explain.story.troubles import message, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from explain.exchanges.hosts import Hosts
    from explain.exchanges.together import Exchanges
    from explain.model import CaptureInfo, Evidence, Exchange, Finding

_SHOWN = 2  # the depth of what completes the picture


def what(kind: str, fields: Any) -> Line:
    """Such as ``the TCP connection 192.0.2.1:40000 > 192.0.2.2:80``."""
    form = kind.replace(".", "-")
    if kind == "ndp.router" and fields.router is None:
        form = "ndp-router-asked"
    elif kind == "http.request" and fields.method is None:
        form = "http-answer"
    return Line(f"exchange.what.{form}", _ends(fields))


def ended(kind: str, outcome: str) -> Any:
    """Such as ``not answered``; the error of an ICMP message has its own name on the wire."""
    return outcome if kind == "icmp.error" else Line(f"exchange.outcome.{outcome}", {})


def _ends(fields: Any) -> dict[str, Any]:
    values = {name: getattr(fields, name) for name in getattr(fields, "__slots__", ())}
    for name, value in values.items():
        if isinstance(value, Endpoint):
            values[name] = end_text(value)
    inside = values.get("inside")
    if inside is not None:
        values |= {"src": inside.src.address, "dst": inside.dst.address}
    return values


def of_frame(exchanges: Exchanges, hosts: Hosts, one: Exchange, frame: int) -> list[Line]:
    """What the story of an exchange says of one frame of a file."""
    lines = Teller(exchanges.table, exchanges, hosts).tell(int(one.id[1:]) - 1)
    return [line for line in _about(lines, frame) if line.depth < _SHOWN]


def of_stray(exchanges: Exchanges, hosts: Hosts, captures: Sequence[CaptureInfo], frame: int) -> list[Line]:
    """What the story says of a frame that belongs to no exchange."""
    table = exchanges.table
    lines = _about([*unread.tell(table, captures, exchanges), *segment.tell(table, exchanges, hosts)], frame)
    if not lines:
        row = np.flatnonzero(table.whole.frame[: len(table.whole)] == frame)[:1]
        lines = [Line(f"render.means.{headers_said(table.whole, int(each)).meaning}", {}) for each in row]
    return lines[:1]


def found(finding: Finding) -> Line:
    """What a finding says, and the page of its cause, where it has one."""
    verdict = Line(message(finding, "verdict"), values_of(finding))
    form = "packet.cause" if finding.cause in IDS else "packet.finding"
    return Line(form, {"verdict": verdict, "cause": finding.cause})


def _about(lines: Iterable[Line], frame: int) -> list[Line]:
    return [line for line in lines if line.depth <= _SHOWN and any(_has(each, frame) for each in line.evidence)]


def _has(evidence: Evidence, frame: int) -> bool:
    return any(first <= frame <= last for first, last in evidence.frames)
