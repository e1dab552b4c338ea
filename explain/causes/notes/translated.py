"""Typed rules of NAT that what follows confirms: two listings, or a host's memory, show the flow before and after."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from explain.causes.notes.item import Item, host_item
from explain.causes.notes.telling.blocks import command_text
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.causes.notes.item import Span
    from explain.causes.notes.picture import Picture
    from explain.exchanges.over_places.nat_flow import NatSide
    from explain.exchanges.over_places.nat_translation import NatTranslation
    from explain.symptoms.changes.change import Change
    from explain.symptoms.notes import NoteBlock, Notes

MOST_FLOWS = 200
MOST_RULES = 200
_OF_SOURCE, _OF_TARGET = ("masquerade", "snat"), ("dnat", "redirect")
_INTERFACES = {"iifname": 0, "iif": 0, "oifname": 1, "oif": 1}


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow as it was before a translator and after it.

    Attributes:
        lines: of the text, that show it.
        blocks: index of the block that shows it before, and after.
        hosts, interfaces: where each was listed, None where the text does not tell.
    """

    before: NatSide
    after: NatSide
    lines: tuple[Span, ...]
    blocks: tuple[int, int]
    hosts: tuple[str | None, str | None]
    interfaces: tuple[str | None, str | None]


def listed(
    notes: Notes, frames: Mapping[int, Span], translations: Sequence[NatTranslation], capture: int
) -> list[Flow]:
    """What listings of one text show on both sides of a translator.

    Args:
        notes: the text.
        frames: by block, the numbers of the first and the last packet of its listing.
        translations: of everything that was given.
        capture: index of the text among the inputs.
    """
    found = []
    for one in translations[:MOST_FLOWS]:
        spots = (one.before, one.after)
        if one.outside is None or any(spot is None or spot.capture != capture for spot in spots):
            continue
        sides = (one.inside, one.outside) if one.initiator == "inside" else (one.outside, one.inside)
        at = [_listing(frames, spot.frame) for spot in spots if spot is not None]
        blocks = [notes.blocks[number] for number, _ in at]
        packets = [block.packets[index][0] for block, (_, index) in zip(blocks, at, strict=True)]
        found.append(
            Flow(
                *sides,
                tuple((packet.line, packet.line) for packet in packets),
                (at[0][0], at[1][0]),
                (blocks[0].node, blocks[1].node),
                (_interface(blocks[0], packets[0]), _interface(blocks[1], packets[1])),
            )
        )
    return found


def _listing(frames: Mapping[int, Span], frame: int) -> tuple[int, int]:
    """The block that lists a frame, and the frame's place in it."""
    return next((number, frame - first) for number, (first, last) in frames.items() if first <= frame <= last)


def _interface(block: NoteBlock, packet: Any) -> str | None:
    named = packet.interface or (block.command.interface if block.command else None)
    return None if named == "any" else named


def remembered(notes: Notes) -> list[Flow]:
    """What ``conntrack -L`` shows: how a flow began, and from where its answer is awaited."""
    from explain.exchanges.over_places.nat_flow import NatEnd, NatSide

    def end(pair: Mapping[str, Any], address: str, port: str) -> NatEnd:
        return NatEnd(str(pair[address]), pair.get(port))

    found = []
    for number, block in enumerate(notes.blocks):
        lines = {line.text.strip(): line.number for line in block.lines}
        for row in block.rows.get("conntrack", ())[:MOST_FLOWS]:
            asked, awaited = row["asked"], row["awaited"]
            before = NatSide(row["protocol"], end(asked, "src", "sport"), end(asked, "dst", "dport"))
            after = NatSide(row["protocol"], end(awaited, "dst", "dport"), end(awaited, "src", "sport"))
            line = lines.get(row["line"])
            spans = ((line, line),) if line else (block.span,)
            if before != after:
                found.append(Flow(before, after, spans, (number, number), (block.node, block.node), (None, None)))
    return found


def confirmed(notes: Notes, picture: Picture, flows: Sequence[Flow]) -> Iterator[tuple[Change, Item]]:
    """Each rule that did what a flow shows, with what there is to say of it."""
    for number, block, change in _rules(notes):
        statements = _statements(change)
        flow = next((one for one in flows if one.blocks[1] > number and _did(statements, change, one, picture)), None)
        if flow is not None:
            values = {
                "host": host_item(change.node), "rule": command_text(change),
                "before": flow.before.text, "after": flow.after.text, "typed": block.span[0], "seen": flow.lines[0][0],
            }  # fmt: skip
            yield change, Item("confirmed.translation", values, (*flow.lines[::-1], block.span), flow.blocks[1])


def _rules(notes: Notes) -> list[tuple[int, NoteBlock, Change]]:
    found = [
        (number, block, change)
        for number, block in enumerate(notes.blocks)
        for change in (() if block.refusals else block.changes)
        if change.verb == "nft" or (change.verb == "iptables" and change.values["action"] in ("append", "insert"))
    ]
    return found[:MOST_RULES]


def _statements(change: Change) -> Sequence[Mapping[str, Any]]:
    from explain.state.filters.iptables import tables_of
    from explain.state.reading.nft_listing import typed

    if change.verb == "nft":
        return typed(change.values["words"])
    if change.values["table"] != "nat":
        return ()
    line = f"-A {change.values['chain']} {shlex.join(change.values['rule'])}"
    ((_, _, _, rules),) = tables_of(("*nat", line), "ip" if change.values["family"] == 4 else "ip6")
    return rules[0][0]


def _did(statements: Sequence[Mapping[str, Any]], change: Change, flow: Flow, picture: Picture) -> bool:
    """Whether the flow is one that the rule takes, and its new end the one that the rule gives."""
    verb = next((key for one in statements for key in one if key in (*_OF_SOURCE, *_OF_TARGET)), None)
    if verb is None or any("unknown" in one or "jump" in one for one in statements):
        return False
    is_source = verb in _OF_SOURCE
    near, far = (flow.before.src, flow.after.src) if is_source else (flow.before.dst, flow.after.dst)
    to = next(one[verb] for one in statements if verb in one) or {}
    if near == far or not _is_given(to.get("addr"), far.address) or not _is_given(to.get("port"), far.port):
        return False
    owner = far.address if verb == "masquerade" else near.address if verb == "dnat" else None
    holders = [host.name for host, _ in picture.holders(owner)] if owner else []
    return (not holders or change.node in holders) and _takes(statements, change, flow, is_source=is_source)


def _is_given(wanted: Any, seen: Any) -> bool:
    """Whether a rule's ``to`` allows what was seen; a range is only known to be one."""
    return wanted is None or not isinstance(wanted, str | int) or wanted == seen


def _takes(statements: Sequence[Mapping[str, Any]], change: Change, flow: Flow, *, is_source: bool) -> bool:
    from explain.state.filters.match import holds
    from explain.state.filters.packet_values import Context
    from explain.state.packet import Packet
    from explain.state.reading.state_file import host_state

    target = flow.after.dst if is_source else flow.before.dst  # the source is changed last, on the way out
    packet = Packet(
        target.address, flow.before.protocol, flow.before.src.address,
        source_port=flow.before.src.port, destination_port=target.port, connection="new",
    )  # fmt: skip
    names = [one if host == change.node else None for one, host in zip(flow.interfaces, flow.hosts, strict=True)]
    context = Context(host_state({"addr": []}, "host"), "ip" if packet.family == 4 else "ip6", names[0], names[1])
    for match in (one["match"] for one in statements if "match" in one):
        side = _INTERFACES.get(match["left"].get("meta", {}).get("key"))
        if (side is None or names[side]) and holds(match, packet, context) is False:
            return False
    return True
