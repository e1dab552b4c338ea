"""The exchanges of one frame as rows of text: what each is, what this frame does in it, what came before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.exchanges.together import CARRIED
from explain.render.layout import WIDTH, wrap
from explain.render.wire_words import said
from explain.story.in_brief import ended, found, what
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.closeup import Membership
    from explain.model import Finding, Line
    from explain.table import PacketTable


def rows(
    members: Sequence[Membership], story: Sequence[Sequence[Line]], stray: Sequence[Line],
    findings: Sequence[Finding], table: PacketTable, language: str, width: int = WIDTH,
) -> Iterator[str]:  # fmt: skip
    """One block for each exchange.

    Args:
        members: what the frame belongs to.
        story: for each of them, what the story says of the frame.
        stray: what it says of a frame that belongs to nothing.
        findings: of the whole file.
        table: with all frames of the file.
        language: of the sentences.
        width: columns of the page.
    """
    yield ""
    yield say("packet.belongs", {}, language)
    is_carried = any(one.exchange.kind in CARRIED for one in members)
    told: set[int] = set()
    for one, lines in zip(members, story, strict=True):
        # Datagrams are told as what they carry: a lease by broadcast leaves them without an answer.
        if not (is_carried and one.exchange.kind == "udp.flow"):
            why = [found(each) for each in causes(one, findings) if id(each) not in told]
            told.update(id(each) for each in causes(one, findings))
            yield from _block(_sentences(one, lines, why, table, language), width)
    if not members:
        alone = [say("packet.alone", {}, language), *(say(line.message, line.values, language) for line in stray)]
        yield from (f"  {row}" for text in alone for row in wrap(text, width - 4))


def causes(one: Membership, findings: Sequence[Finding]) -> list[Finding]:
    """What was found about an exchange."""
    return [finding for finding in findings if one.exchange.id in finding.exchanges]


def _sentences(
    one: Membership, lines: Sequence[Line], why: Sequence[Line], table: PacketTable, language: str
) -> list[str]:
    """What the exchange is, then what is told of the frame in it."""
    exchange = one.exchange
    values: dict[str, Any] = {
        "id": exchange.id, "kind": exchange.kind, "what": what(exchange.kind, exchange.fields),
        "outcome": ended(exchange.kind, exchange.outcome), "number": one.position, "count": one.count,
    }  # fmt: skip
    is_journey = exchange.kind in ("journey", "nat.translation")  # whose frames are those of the conversation
    form = "journey" if is_journey else "exchange" if one.position else "beyond"
    told = [say(f"packet.{form}", values, language)]
    told += [say(line.message, line.values, language) for line in lines]
    for name, other in (("before", one.before), ("after", one.after)):
        if other and not is_journey:
            is_back = other.gap_ns is not None and other.gap_ns < 0
            gap = -other.gap_ns if is_back and other.gap_ns else other.gap_ns
            around = {"other": other.frame, "gap_ns": gap, "says": said(table, other.row, exchange).text}
            told.append(say(f"packet.{name}{'-back' if is_back else ''}", around, language))
    return told + [say(line.message, line.values, language) for line in why]


def _block(told: Sequence[str], width: int) -> Iterator[str]:
    for at, text in enumerate(told):
        indent = "    " if at else "  "
        for number, row in enumerate(wrap(text.strip(), width - 6)):
            yield f"{indent}{'  ' if number else ''}{row}"
