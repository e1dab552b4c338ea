"""What ``ip -j``, ``bridge -j`` and ``nft -j`` print: rows as a state file has them.

Source: ip(8), bridge(8), nft(8), option -j.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.symptoms.commands.command import Command

Row = dict[str, Any]

_MOST_LISTS = 64
_LOOKS = (
    ("addr", {"addr_info"}), ("rule", {"priority", "src"}), ("proxy", {"dst", "proxy"}), ("neigh", {"dst", "state"}),
    ("fdb", {"mac", "ifname"}), ("bridge_link", {"ifname", "cost"}), ("link", {"ifname", "flags"}),
    ("route_get", {"dst", "cache"}), ("route", {"dst", "flags"}), ("nft", {"metainfo"}),
)  # fmt: skip
"""The key of a state file by names that one of its rows has; the particular before the general."""


def is_json(command: Command) -> bool:
    """Whether a command of iproute2 or nft asks for JSON."""
    options = [word for word in command.words[1:] if word.startswith("-")]
    return any(word in {"-j", "-json", "--json"} or (word[:2] in {"-j", "-a"} and "j" in word) for word in options)


def read_rows(lines: Sequence[str]) -> list[Row] | None:
    """The rows of all lists in some lines; None where they are no JSON.

    Older versions of ``ip`` print {} for each row that was not asked for.
    """
    lists = list(_lists("".join(line.strip() for line in lines)))
    return [row for rows in lists for row in rows] if lists else None


def read_lists(lines: Sequence[str]) -> list[tuple[str, list[Row]]]:
    """Each list in some lines without a command above them, with the key of the state file that its rows look like."""
    found = []
    for rows in _lists("".join(line.strip() for line in lines)):
        key = next((key for key, names in _LOOKS if any(names <= set(row) for row in rows)), None)
        is_6 = key in {"route", "rule"} and any(
            ":" in f"{row.get('dst')}{row.get('src')}{row.get('gateway')}" for row in rows
        )
        found += [(f"{key}6" if is_6 else key, rows)] if key else []
    return found


def _lists(text: str) -> Iterator[list[Row]]:
    decoder, at = json.JSONDecoder(), 0
    for _ in range(_MOST_LISTS):
        if text[at : at + 1] not in {"[", "{"}:
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        value = value.get("nftables") if isinstance(value, dict) else value
        if isinstance(value, list) and all(isinstance(row, dict) for row in value):
            yield [row for row in value if row]
