"""Commands that were typed, and of which nothing that follows shows what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.notes.item import Item
from explain.causes.notes.telling.blocks import did

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from explain.causes.diagnosis import Diagnosis
    from explain.symptoms.changes.change import Change
    from explain.symptoms.notes import NoteBlock, Notes

_MOST_PARTS = 8
_SHOWN_BY = {
    "addr": ("addr",), "link": ("addr", "link"), "route": ("route", "route6", "route_get"), "rule": ("rule", "rule6"),
    "neigh": ("neigh", "proxy"), "sysctl": ("sysctl",),
    "iptables": ("iptables_list", "iptables_save", "ip6tables_save"), "nft": ("nft_text",),
}  # fmt: skip
_COMMANDS = {
    "addr": "ip address", "link": "ip link", "route": "ip route", "rule": "ip rule", "neigh": "ip neigh",
    "sysctl": "sysctl {name}", "iptables": "iptables-save -c", "nft": "nft list ruleset", "netns": "ip netns list",
}  # fmt: skip
_NEEDS_ITS_TABLE = ("iptables", "nft", "rule", "neigh")
"""What a ping that works does not prove."""


def unseen(
    notes: Notes, diagnoses: Iterable[tuple[NoteBlock, Diagnosis]], confirmed: Collection[Change] = ()
) -> list[Item]:
    """One thing to say, or nothing.

    An effect is seen where a later block shows the table that it is in, or where a later program reached its target
    (that proves addresses, links, routes and settings; not filters). A text of commands alone shows nothing at all.

    Args:
        notes: the text.
        diagnoses: of its programs.
        confirmed: changes of which something else shows that they worked.
    """
    blocks = notes.blocks
    worked = max((block.span[0] for block, diagnosis in diagnoses if diagnosis.is_success), default=0)
    last: dict[tuple[str | None, str], int] = {}
    used: dict[str | None, int] = {}
    for number, block in enumerate(blocks):
        for key in block.rows:
            last[block.node, key] = number
        if block.command is not None and not block.refusals:
            used[block.node] = number
    missed = [
        (block, change)
        for number, block in enumerate(blocks)
        for change in (() if block.refusals else block.changes)
        if not _is_seen(change, number, last, used)
        and not (_is_tried(change) and worked > block.span[0])
        and not any(change is one for one in confirmed)
    ]
    return (
        [_said(missed, has_output=bool(last) or any(block.runs or block.packets for block in blocks))] if missed else []
    )


def _what(change: Change) -> str:
    return change.verb.partition("-")[0]


def _is_tried(change: Change) -> bool:
    return _what(change) not in _NEEDS_ITS_TABLE


def _is_seen(change: Change, number: int, last: dict[tuple[str | None, str], int], used: dict[str | None, int]) -> bool:
    """Whether a table shows it, in the command's own block or later; a namespace is seen where it is used."""
    what = _what(change)
    if what == "netns":
        is_used = used.get(change.values.get("name"), -1) > number
        return is_used or any(key == "netns" and at >= number for (_, key), at in last.items())
    hosts = {change.node, change.values.get("netns"), change.values.get("peer_netns")}
    return any(last.get((host, key), -1) >= number for host in hosts for key in _SHOWN_BY.get(what, ()))


def _said(missed: list[tuple[NoteBlock, Change]], *, has_output: bool) -> Item:
    parts = [did(change) for _, change in missed[:_MOST_PARTS]]
    if len(missed) > _MOST_PARTS:
        parts.append(Item("did.more", {"count": len(missed) - _MOST_PARTS}))
    commands = dict.fromkeys(
        _COMMANDS.get(_what(change), "ip address").format(name=change.values.get("name", "?")) for _, change in missed
    )
    spans = (missed[0][0].span, *([missed[-1][0].span] if missed[-1][0] is not missed[0][0] else []))
    name = "unseen.some" if has_output else "unseen.all"
    return Item(name, {"parts": parts, "commands": list(commands)[:_MOST_PARTS]}, spans, depth=1)
