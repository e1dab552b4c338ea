"""What a text told, as plain data: its blocks, the network they build, and what was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.plain_data import plain

if TYPE_CHECKING:
    from explain.causes.notes.item import Item, Study
    from explain.causes.notes.picture import Host, Interface
    from explain.symptoms.notes import NoteBlock


def study(one: Study) -> dict[str, Any]:
    """One text, with every key whatever the text holds."""
    return {
        "capture": one.capture,
        "blocks": [_block(one, number, block) for number, block in enumerate(one.notes.blocks)],
        "network": [_host(host) for host in one.picture.hosts.values()],
        "cables": [[list(near), list(far)] for near, far in one.picture.cables()],
        "items": [_item(item) for item in one.items],
    }


def _block(one: Study, number: int, block: NoteBlock) -> dict[str, Any]:
    first, last = one.frames.get(number, (0, 0))
    return {
        "kind": block.kind,
        "node": block.node,
        "lines": list(block.span),
        "command": block.command.text if block.command else None,
        "rows": plain(block.rows),
        "partial": sorted(block.partial),
        "changes": [{"verb": each.verb, "node": each.node, "values": plain(each.values)} for each in block.changes],
        "refusals": [{"id": each.id, "line": each.line, "text": each.text} for each in block.refusals],
        "runs": [
            {"program": run.program, "target": run.target, "succeeded": run.succeeded,
             "symptoms": [{"id": each.id, "line": each.line, "values": plain(each.values)} for each in run.symptoms]}
            for run in block.runs
        ],
        "frames": [first, last] if last else None,
        "packet_lines": [packet.line for packet, _ in block.packets],
        "remarks": [{"line": line.number, "text": line.text} for line in block.remarks],
    }  # fmt: skip


def _host(host: Host) -> dict[str, Any]:
    return {
        "name": host.name,
        "is_built": host.is_built,
        "is_removed": host.is_removed,
        "interfaces": [_interface(one) for one in host.interfaces.values()],
        "routes": plain(host.routes),
        "rules": plain(host.rules),
        "neighbours": plain(host.neighbours),
        "settings": plain(host.settings),
        "known": sorted(host.whole),
    }


def _interface(one: Interface) -> dict[str, Any]:
    return {
        "name": one.name, "kind": one.kind, "addresses": list(one.addresses), "is_up": one.is_up,
        "has_carrier": one.has_carrier, "mac": one.mac, "mtu": one.mtu, "master": one.master,
        "peer": list(one.peer) if one.peer else None,
    }  # fmt: skip


def _item(item: Item) -> dict[str, Any]:
    return {"name": item.name, "lines": plain(item.spans), "block": item.block, "values": _values(item)}


def _values(item: Item) -> dict[str, Any]:
    return {key: _value(value) for key, value in item.values.items()}


def _value(value: Any) -> Any:
    from explain.causes.notes.item import Item as Part

    if isinstance(value, Part):
        return {"name": value.name, "values": _values(value)}
    if isinstance(value, (list, tuple)):
        return [_value(one) for one in value]
    return plain(value)
