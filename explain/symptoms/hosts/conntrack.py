"""``conntrack -L`` (and ``-E``, and ``/proc/net/nf_conntrack``): what a host remembers of connections.

Source: conntrack(8); nf_conntrack_standalone.c of Linux for the form of a line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]
MOST_ROWS = 100_000
_MOST_CHARACTERS = 1_000
_FLOW = re.compile(
    r"(?:\[[\d.]{1,24}\]\s+)?(?:\[(?P<event>NEW|UPDATE|DESTROY)\]\s+)?(?:ipv[46]\s+\d+\s+)?"
    r"(?P<protocol>[a-z][\w-]{0,15})\s+\d{1,3}\s+(?:\d{1,10}\s+)?(?:(?P<state>[A-Z][A-Z_0-9]{1,15})\s+)?"
    r"(?:\[\w{1,16}\]\s+)?(?P<pairs>src=.*)"
)
_VALUE = re.compile(r"\b(src|dst|sport|dport|id)=([0-9a-fA-F:.]{1,45})(?=\s|\Z)")
_COUNT = re.compile(r"conntrack v[\w.]{1,16} \(conntrack-tools\): \d{1,10} flow entries have been shown")
LOOK = (
    rf"{_COUNT.pattern}|(?:\[[\d.]{{1,24}}\]\s+)?(?:\[(?:NEW|UPDATE|DESTROY)\]\s+)?(?:ipv[46]\s+\d+\s+)?"
    r"[a-z][\w-]{0,15}\s+\d{1,3}\s+(?:\d{1,10}\s+)?(?:[A-Z][A-Z_0-9]{1,15}\s+)?(?:\[\w{1,16}\]\s+)?src=\S+ dst=\S+ "
)
"""What a line of it looks like."""


def read_conntrack(lines: Iterable[str]) -> list[Row] | None:
    """Every connection that is remembered, each once; None where the text is no such list.

    Returns:
        Rows with ``protocol``, ``state`` (None without one), ``is_unreplied``, ``line`` as it stands, and two pairs,
        ``asked`` as the first packet came and ``awaited`` as the answer is expected: ``src``, ``dst``, and ``sport``
        and ``dport``, or ``id`` of an echo, as numbers where they are shown.
    """
    found: dict[tuple[Any, ...], Row] = {}
    is_list = False
    for line in list(lines)[:MOST_ROWS]:
        text = line[:_MOST_CHARACTERS].strip()
        is_list |= _COUNT.match(text) is not None
        flow = _FLOW.match(text)
        pairs = _pairs(flow.group("pairs")) if flow else []
        if flow is None or len(pairs) != 2 or any("src" not in pair or "dst" not in pair for pair in pairs):
            continue
        is_list = True
        key = (flow.group("protocol"), *(tuple(pair.items()) for pair in pairs))
        found.pop(key, None)
        if flow.group("event") != "DESTROY":
            found[key] = {
                "protocol": flow.group("protocol"), "state": flow.group("state"), "line": text,
                "is_unreplied": "[UNREPLIED]" in text, "asked": pairs[0], "awaited": pairs[1],
            }  # fmt: skip
    return list(found.values()) if is_list else None


def _pairs(text: str) -> list[Row]:
    """The values of both directions; each begins with ``src``."""
    pairs: list[Row] = []
    for name, value in _VALUE.findall(text):
        if name == "src":
            pairs.append({})
        if pairs:
            pairs[-1][name] = value if name in ("src", "dst") else int(value) if value.isdigit() else None
    return pairs
