"""A folder as under ``cases/``: what a diagnoser may know of it, and nothing else.

``meta.json``, the folder's own name and comments inside captures are never looked at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explain.causes.diagnosis import Topology
from explain.errors import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

_MOST_OCTETS = 16 << 20
_MOST_NODES = 512


@dataclass(frozen=True, slots=True)
class CaseFolder:
    """What a case tells; without one, nothing.

    Attributes:
        captures: ``NODE:IFACE=FILE`` as the options take them, without ``any``.
        states: files below ``state``.
    """

    command: str | None = None
    text: bytes | None = None
    exit_status: int | None = None
    sender: str | None = None
    tool: str | None = None
    family: int | None = None
    destination: str | None = None
    topology: Topology = field(default_factory=Topology)
    captures: tuple[str, ...] = ()
    states: tuple[Path, ...] = ()


def read_case(folder: Path) -> CaseFolder:
    """Reads ``case.json``, ``command.txt``, ``ping.txt``, the captures listed and ``state/``.

    Raises:
        UnreadableError: there is no ``case.json``, or it is none.
    """
    path = folder / "case.json"
    table = _json(path)
    nodes = [node for node in _list(table, "nodes") if isinstance(node, dict)][:_MOST_NODES]
    roles = {str(node.get("name")): str(node.get("role", "")) for node in nodes}
    links = tuple(
        (str(a), str(b), str(c), str(d))
        for a, b, c, d in (link for link in _list(table, "links") if isinstance(link, list) and len(link) == 4)
    )
    states = tuple(sorted((folder / "state").glob("*.json"))) if (folder / "state").is_dir() else ()
    status = table.get("exit_code")
    family = table.get("family")
    return CaseFolder(
        command=_text(folder / "command.txt") or _string(table, "command"),
        text=_octets(folder / "ping.txt"),
        exit_status=status if isinstance(status, int) else None,
        sender=_string(table, "sender"),
        tool=_string(table, "tool"),
        family=family if family in (4, 6) else None,
        destination=_string(table, "destination"),
        topology=Topology(roles, links, is_whole=bool(nodes)),
        captures=tuple(_captures(folder, table)),
        states=states,
    )


def _captures(folder: Path, table: dict[str, Any]) -> list[str]:
    found = []
    for each in _list(table, "captures"):
        if not isinstance(each, dict) or not isinstance(each.get("file"), str):
            continue
        file = folder / each["file"]
        if file.parent != folder or not file.is_file() or each.get("iface") == "any":
            continue
        inner = each.get("interface")
        found.append((str(each.get("node", "")), str(each.get("iface", "")), file, inner))
    # A file with all interfaces is read once; its own names tell the places.
    whole = list(dict.fromkeys(str(file) for _, _, file, inner in found if inner))
    return [*whole, *(f"{node}:{iface}={file}" for node, iface, file, inner in found if not inner)]


def _json(path: Path) -> dict[str, Any]:
    octets = _octets(path)
    if octets is None:
        raise UnreadableError(str(path), "unread.case_needs")
    try:
        table = json.loads(octets)
    except (ValueError, RecursionError):
        raise UnreadableError(str(path), "unread.not_json") from None
    if not isinstance(table, dict):
        raise UnreadableError(str(path), "unread.no_case")
    return table


def _octets(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    if path.stat().st_size > _MOST_OCTETS:
        raise UnreadableError(str(path), "unread.large_terminal")
    return path.read_bytes()


def _text(path: Path) -> str | None:
    octets = _octets(path)
    return octets.decode("utf-8", "replace").strip() or None if octets is not None else None


def _string(table: dict[str, Any], key: str) -> str | None:
    value = table.get(key)
    return value if isinstance(value, str) and value else None


def _list(table: dict[str, Any], key: str) -> list[Any]:
    value = table.get(key)
    return value if isinstance(value, list) else []
