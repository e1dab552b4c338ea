"""``[integrity]`` of a rubric: what is looked for beside the marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.grade.events.vocabulary import nearest
from explain.table import ICMP, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from explain.grade.rubric.values import Reader

_POLICIES = ("off", "flag", "require-review")
_WHERE = "[integrity]"
MARKER_PLACES = {"udp.payload": (UDP, 8), "tcp.payload": (TCP, None), "icmp.payload": (ICMP, 8)}
"""Where a marker may stand: the header before it, and the octets of that header, None where it says so itself."""


def read_integrity(reader: Reader, table: Mapping[str, Any], captures: Collection[str]) -> Mapping[str, Any]:
    """The section as it stands; what makes no sense in it is told."""
    found = reader.table("the rubric", table, "integrity")
    reader.known(_WHERE, _WHERE, found)
    reader.word(_WHERE, found, "policy", _POLICIES)
    for one in reader.texts(_WHERE, found, "same_run"):
        if one not in captures:
            reader.say(_WHERE, "same_run", name=one, near=nearest(one, captures))
    if not 0 < reader.number(_WHERE, found, "nonce_share", 1) <= 1:
        reader.say(_WHERE, "share")
    reader.text(_WHERE, found, "allow_groups")
    reader.texts(_WHERE, found, "handouts")
    marker = reader.table(_WHERE, found, "marker")
    reader.known(f"{_WHERE} marker", "marker", marker)
    reader.word(f"{_WHERE} marker", marker, "where", tuple(MARKER_PLACES))
    return found
