"""Two exchanges frame by frame: how far they go alike, and what comes then in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explain.exchanges.wire_words import dhcp_type, headers_said
from explain.model import Evidence
from explain.runs import Step
from explain.table import ARP, IP

if TYPE_CHECKING:
    from explain.runs.likeness import Item
    from explain.table import PacketTable, Rows

_MOST = 20_000  # frames of an exchange that are looked at one by one
_OF_DHCP_SERVERS = ("OFFER", "ACK", "NAK", "BOOTREPLY")
_EACH_COUNTS = ("echo-request", "echo-reply")


class _Token(NamedTuple):
    """A frame as it is compared: who speaks, 0 the opener, and what."""

    speaker: int
    meaning: str
    row: int
    says: str
    is_error: bool = False


class Parting(NamedTuple):
    """Where two exchanges part: the last frame that both have, and the first that only one has."""

    last_alike: tuple[Step | None, Step | None]
    then: tuple[Step | None, Step | None]


def parting(there: tuple[PacketTable, Item], here: tuple[PacketTable, Item]) -> Parting:
    """Follow both frame by frame; what is only sent again, or only acknowledges, is not looked at."""
    ours, theirs = _tokens(*there), _tokens(*here)
    alike = 0
    for one, other in zip(ours, theirs, strict=False):
        if (one.speaker, one.meaning) != (other.speaker, other.meaning):
            break
        alike += 1
    tables = there[0], here[0]
    last = [tokens[alike - 1] if alike else None for tokens in (ours, theirs)]
    rest = ours[alike:], theirs[alike:]
    then = [_next(rest[side], rest[1 - side]) for side in (0, 1)]
    last_there, last_here = (step(table, one) for table, one in zip(tables, last, strict=True))
    then_there, then_here = (step(table, one) for table, one in zip(tables, then, strict=True))
    return Parting((last_there, last_here), (then_there, then_here))


def translated(item: Item) -> Step | None:
    """The packet of a flow behind the translator, by its ends."""
    spot, side = item.fields.after, item.fields.outside or item.fields.inside
    if item.fields.outside is not None and item.fields.initiator == "outside":
        side = item.fields.inside
    if spot is None:
        return None
    evidence = Evidence(spot.capture, spot.interface, ((spot.frame, spot.frame),))
    return Step(spot.frame, (evidence,), f"{side.src.address} > {side.dst.address}")


def answer(table: PacketTable, item: Item) -> Step | None:
    """The first frame that somebody else than the opener sent."""
    return step(table, next((token for token in _tokens(table, item) if token.speaker), None))


def _next(tokens: list[_Token], others: list[_Token]) -> _Token | None:
    """What comes next; where the other run has an answer and the opener just goes on, only an error counts."""
    if not tokens or not others or tokens[0].speaker or not others[0].speaker:
        return tokens[0] if tokens else None
    return next((token for token in tokens if token.is_error), None)


def step(table: PacketTable, token: _Token | None) -> Step | None:
    """A frame as people are shown it."""
    if token is None:
        return None
    return Step(int(table.frame[token.row]), table.evidence([token.row]), token.says)


def _tokens(table: PacketTable, item: Item) -> list[_Token]:
    rows = item.rows[:_MOST]
    senders = _senders(table, rows)
    found: list[_Token] = []
    for row, sender in zip(rows.tolist(), senders, strict=True):
        said = headers_said(table, row)
        speaker = 0 if sender == senders[0] else 1
        if int(table.layers[row]) & ARP:
            speaker = 0 if said.meaning == "arp-request" else 1
        meaning, says = said.meaning, said.text
        if item.kind == "dhcp.lease":
            meaning, says, speaker = _of_dhcp(table, row, speaker)
        elif item.kind == "dns.lookup" and meaning in ("udp", "data"):
            meaning, says = _of_dns(item, speaker)
        elif meaning == "icmp-error":
            meaning = says
        if meaning == "ack" and (not found or found[-1].meaning != "syn-ack"):
            continue
        is_again = bool(found) and (found[-1].speaker, found[-1].meaning) == (speaker, meaning)
        if not is_again or meaning in _EACH_COUNTS:
            found.append(_Token(speaker, meaning, row, says, said.meaning == "icmp-error"))
    return found


def _senders(table: PacketTable, rows: Rows) -> list[int]:
    """Who sent each frame: an address, or a MAC where there is no IP."""
    found = table.links.source.take(table.link[rows])
    has_ip = np.flatnonzero(table.layers[rows] & IP != 0)
    if len(has_ip):
        found[has_ip] = table.sources(rows[has_ip])
    senders: list[int] = found.tolist()
    return senders


def _of_dhcp(table: PacketTable, row: int, speaker: int) -> tuple[str, str, int]:
    name = dhcp_type(table, row)
    if name is None:
        return "dhcp", "DHCP", speaker
    return f"dhcp {name}", f"DHCP {name}", int(name in _OF_DHCP_SERVERS)


def _of_dns(item: Item, speaker: int) -> tuple[str, str]:
    if not speaker:
        return "dns-query", f"DNS {item.fields.type} {item.fields.name}?"
    shown = ", ".join(item.fields.answers[:2]) or item.fields.rcode or ""
    return f"dns-answer {item.outcome}", f"DNS {shown}".rstrip()
