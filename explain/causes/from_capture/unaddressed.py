"""Pings from nobody: a host without an address that sends through a named interface."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.columns import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - an address that is looked for, not bound to
_RIVALS = ("address-tentative", "ipv6-disabled")


def look(scene: Scene) -> Iterator[Seen]:
    """Requests whose source is the unspecified address, and the questions before them, which look like probes."""
    part = scene.part("icmp.echo")
    groups: dict[str, list[Member]] = defaultdict(list)
    sent: dict[str, int] = defaultdict(int)
    for index in scene.open(part, "unanswered", "refused", "partly-answered"):
        fields = part.fields(index)
        if fields.src in _NO_ADDRESS:
            groups[fields.dst].append((part, index))
            sent[fields.dst] += fields.sent
    for target, pings in groups.items():
        src = part.fields(pings[0][1]).src
        members = [*pings, *_asked_for(scene, target)]
        rows = rows_of(members)
        values = {"case": "nobody", "src": src, "dst": target, "sent": sent[target]}
        yield Seen("sender-no-address", "likely", members, rows, _RIVALS, values)


def _asked_for(scene: Scene, target: str) -> list[Member]:
    part = scene.part("arp.announcement")
    found = ((index, part.fields(index)) for index in scene.open(part, "challenged"))
    return [(part, index) for index, fields in found if fields.is_probe and fields.address == target]
