"""A lab's topology as text: boxes in a row where the nodes stand in a row, else one cable a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.lab.records import Lab, Link, Node


def draw(lab: Lab, width: int = 100) -> list[str]:
    """The drawing, as lines of at most ``width`` columns where the topology allows it."""
    row = _in_a_row(lab)
    if row is not None:
        lines = _boxes(lab, row)
        if max(len(line) for line in lines) <= width:
            return lines + _settings(lab)
    return _cables(lab) + _settings(lab)


def _settings(lab: Lab) -> list[str]:
    """What else the file says of each node: all of it decides about packets."""
    return [f"{node.name}: {line}" for node in lab.nodes for line in _told(node)]


def _told(node: Node) -> Iterator[str]:
    yield from (f"route {route.text}" for route in node.routes)
    yield from (f"rule {rule.text}" for rule in node.rules)
    yield from (f"neighbour {entry.text}" for entry in node.neighbours)
    yield from (f"forwarding entry {entry.text}" for entry in node.forwarding_entries)
    yield from (f"nameserver {address}" for address in node.nameservers)
    yield from (f"host {host} {address}" for host, address in (node.hosts or {}).items())
    yield from (f"sysctl {key} = {value}" for key, value in (node.sysctl or {}).items())
    yield from (f"nft {line}" for line in (node.nft or "").strip().splitlines())
    if node.has_stp:
        yield "spanning tree on"
    for nic in node.nics:
        away = [
            *(() if nic.is_up else ("down",)), *(() if nic.has_arp else ("without ARP",)),
            *(() if nic.is_member else ("no port of the switch",)), *(("isolated",) if nic.is_isolated else ()),
            *((f"MTU {nic.mtu}",) if nic.mtu is not None else ()),
        ]  # fmt: skip
        if away:
            yield f"{nic.name} {', '.join(away)}"


def _in_a_row(lab: Lab) -> list[Node] | None:
    """The nodes from one end to the other, if each has at most two cables and they form one line."""
    near: dict[str, list[str]] = {node.name: [] for node in lab.nodes}
    for link in lab.links:
        (a, _), (b, _) = link.ends
        near[a].append(b)
        near[b].append(a)
    ends = [name for name, others in near.items() if len(others) == 1]
    if len(ends) != 2 or any(len(others) > 2 for others in near.values()):
        return None
    order, last = [ends[0]], ""
    while len(order) < len(near):
        onward = [name for name in near[order[-1]] if name != last]
        if not onward:
            return None
        last = order[-1]
        order.append(onward[0])
    return [lab.node(name) for name in order]


def _cable(lab: Lab, a: str, b: str) -> Link:
    return next(link for link in lab.links if {link.ends[0][0], link.ends[1][0]} == {a, b})


def _nic_of(link: Link, node: str) -> str:
    return next(nic for name, nic in link.ends if name == node)


def _boxes(lab: Lab, row: list[Node]) -> list[str]:
    columns: list[list[str]] = []
    for i, node in enumerate(row):
        nics = [
            _nic_of(_cable(lab, node.name, other.name), node.name) for other in (*row[i - 1 : i], *row[i + 1 : i + 2])
        ]
        inside = [f"{node.name} ({node.kind})"]
        for nic in node.nics:
            inside += [f"{nic.name} {address}" for address in nic.addresses]
            inside += [nic.name] if nic.name in nics and not nic.addresses and node.kind == "host" else []
        columns.append(inside)
    height = max(len(inside) for inside in columns)
    lines = ["" for _ in range(height + 2)]
    for i, inside in enumerate(columns):
        width = max(len(text) for text in inside)
        box = ["┌" + "─" * (width + 2) + "┐"]
        box += [f"│ {text:<{width}} │" for text in inside + [""] * (height - len(inside))]
        box += ["└" + "─" * (width + 2) + "┘"]
        joint = ["   " if y != 1 else "───" for y in range(len(box))] if i else [""] * len(box)
        lines = [line + between + part for line, between, part in zip(lines, joint, box, strict=True)]
    return lines


def _cables(lab: Lab) -> list[str]:
    lines = []
    for link in lab.links:
        texts = []
        for name, nic in link.ends:
            addresses = next((own.addresses for own in lab.node(name).nics if own.name == nic), ())
            texts.append((name, " ".join((nic, *addresses))))
        (a, left), (b, right) = texts
        lines.append(f"[{a}] {left} ───── {right} [{b}]")
    width = max(line.index(" ─────") for line in lines) if lines else 0
    aligned = []
    for line in lines:
        at = line.index(" ─────")
        aligned.append(line[:at] + " " + "─" * (width - at) + line[at + 1 :])
    return aligned
