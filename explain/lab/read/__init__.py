"""A lab file becomes a Lab, or an error that names the key, what stands there and what may stand there."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from explain.errors import UnreadableError, reason_of
from explain.lab import check, services
from explain.lab.check import LabFileError
from explain.lab.read.nodes import node_named, nodes_of
from explain.lab.read.steps import step_of, with_main
from explain.lab.records import Lab, Link, Node, Service, Step, Wait
from explain.model import LANGUAGES

if TYPE_CHECKING:
    from pathlib import Path

TOP = (
    *("schema", "title", "chapter", "cause", "also", "needs", "ipv6", "offload", "links", "nodes", "services"),
    *("fault", "steps", "settle", "first_mac"),
)
LARGEST = 262_144
_KEY = re.compile(r"([\w-]+)(?:\[(\d+)\])?")
FIRST_MAC = "00:00:5e:00:53:01"  # RFC 7042 section 2.1.2: for documentation


def read(path: Path) -> Lab:
    """The lab that a file describes.

    Args:
        path: ``lab.toml``; the folder's name is the lab's.

    Raises:
        UnreadableError: there is no such file, or it is no TOML.
        LabFileError: it says something that no lab can be.
    """
    text = text_of(path)
    try:
        return from_table(tomllib.loads(text), path.parent.name or path.stem, str(path), text)
    except tomllib.TOMLDecodeError as e:
        raise UnreadableError(str(path), "unread.not_toml", why=str(e)) from None
    except LabFileError as e:
        place = e.where.removeprefix(f"{path}: ")
        raise e.at(f"{path}:{number}: {place}" if (number := line_of(text, place)) else e.where) from None


def line_of(text: str, place: str) -> int | None:
    """The line of a key such as ``nodes.h1: interfaces.eth0: mtu``, or of the table in which it is missing."""
    lines = [line.partition(" #")[0] for line in text.splitlines()]
    at, end, found, path = 0, len(lines), None, ""
    for word, number in _KEY.findall(place):
        path = f"{path}.{word}" if path else word
        heads = [row for row in range(at, end) if re.match(rf"\s*\[\[?{re.escape(path)}\]", lines[row])]
        if int(number or 0) < len(heads):
            at = found = heads[int(number or 0)]
            outside = re.compile(rf"\s*\[\[?(?!{re.escape(path)}\.)")
            end = next((row for row in range(at + 1, end) if outside.match(lines[row])), end)
            continue
        said = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        for row in range(at, end):
            if said.search(lines[row]):
                at = found = row
                break
    return None if found is None else found + 1


def text_of(path: Path) -> str:
    """A lab file as it stands there.

    Raises:
        UnreadableError: there is no such file, it is too large, or it is no text.
    """
    try:
        data = path.read_bytes()
    except OSError as e:
        raise UnreadableError(str(path), reason_of(e, "unread.not_read")) from None
    if len(data) > LARGEST:
        raise UnreadableError(str(path), "unread.large_lab", limit=LARGEST, size=len(data))
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        raise UnreadableError(str(path), "unread.not_utf8", offset=e.start) from None


def from_table(data: dict[str, Any], name: str, where: str, text: str) -> Lab:
    """The lab of a parsed file; ``where`` stands at the beginning of each complaint."""
    check.keys(data, TOP, ("schema", "title", "chapter", "nodes"), where)
    check.schema(data["schema"], f"{where}: schema")
    links = tuple(
        _link(row, f"{where}: links[{i}]") for i, row in enumerate(check.rows(data.get("links", []), f"{where}: links"))
    )
    first_mac = check.mac(data.get("first_mac", FIRST_MAC), f"{where}: first_mac")
    nodes = nodes_of(check.table(data["nodes"], f"{where}: nodes"), links, first_mac, where)
    by_name = {node.name: node for node in nodes}
    _hold_together(by_name, links, where)
    ipv6 = check.one_of(data.get("ipv6", "off"), ("off", "quiet", "natural"), f"{where}: ipv6")
    if ipv6 == "off":
        _speaks_ipv4(nodes, where)

    def steps(key: str) -> tuple[Step | Wait, ...]:
        listed = check.rows(data.get(key, []), f"{where}: {key}")
        return tuple(step_of(row, by_name, f"{where}: {key}[{i}]") for i, row in enumerate(listed))

    listed = steps("fault")
    served = _services(check.rows(data.get("services", []), f"{where}: services"), by_name, where)
    fault = _at_once(listed, where)
    return Lab(
        name=name,
        title=_title(data["title"], f"{where}: title"),
        chapter=check.text(data["chapter"], f"{where}: chapter"),
        cause=check.text(data.get("cause", "healthy"), f"{where}: cause"),
        also=check.strings(data.get("also", []), f"{where}: also"),
        needs=check.strings(data.get("needs", []), f"{where}: needs"),
        ipv6=ipv6,
        has_offload=check.flag(data.get("offload", False), f"{where}: offload"),
        nodes=nodes,
        links=links,
        services=served,
        fault=fault,
        steps=with_main(steps("steps")),
        settle_s=check.seconds(data.get("settle", 0), f"{where}: settle"),
        text=text,
    )


def _at_once(fault: tuple[Step | Wait, ...], where: str) -> tuple[Step, ...]:
    """The steps of a fault, which waits for nothing."""
    for i, step in enumerate(fault):
        if isinstance(step, Wait):
            raise LabFileError(f"{where}: fault[{i}]", "wait", "lab_file.fault_wait")
    return tuple(step for step in fault if isinstance(step, Step))


def _services(listed: list[Any], nodes: dict[str, Node], where: str) -> tuple[Service, ...]:
    served = tuple(services.service(row, f"{where}: services[{i}]") for i, row in enumerate(listed))
    for i, service in enumerate(served):
        node_named(service.on, nodes, f"{where}: services[{i}]: on")
    return served


def _speaks_ipv4(nodes: tuple[Node, ...], where: str) -> None:
    for node in nodes:
        told = [(f"interfaces.{nic.name}: address", address) for nic in node.nics for address in nic.addresses]
        told += [(f"routes[{i}]", route.to) for i, route in enumerate(node.routes)]
        for key, address in told:
            if ":" in address:
                raise LabFileError(f"{where}: nodes.{node.name}: {key}", address, "lab_file.ipv6_off")


def _title(value: object, where: str) -> dict[str, str]:
    if isinstance(value, str):
        return dict.fromkeys(LANGUAGES, check.text(value, where))
    got = check.table(value, where)
    check.keys(got, LANGUAGES, LANGUAGES, where)
    return {language: check.text(line, f"{where}.{language}") for language, line in got.items()}


def _link(row: object, where: str) -> Link:
    ends = check.strings(row, where)
    if len(ends) != 2:
        raise LabFileError(where, row, "lab_file.two_ends")
    parsed = []
    for i, end in enumerate(ends):
        node, _, nic = end.partition(".")
        parsed.append((check.name(node, f"{where}[{i}]"), check.name(nic, f"{where}[{i}]")))
    return Link((parsed[0], parsed[1]))


def _hold_together(nodes: dict[str, Node], links: tuple[Link, ...], where: str) -> None:
    """Each cable ends at nodes that exist, each interface has one cable, each command names interfaces that exist."""
    seen: set[tuple[str, str]] = set()
    for i, link in enumerate(links):
        for end in link.ends:
            node_named(end[0], nodes, f"{where}: links[{i}]")
            if end in seen:
                raise LabFileError(f"{where}: links[{i}]", ".".join(end), "lab_file.one_link")
            seen.add(end)
    for node in nodes.values():
        names = [nic.name for nic in node.nics] + ["lo"]
        told = [(f"routes[{i}]", route.dev) for i, route in enumerate(node.routes)]
        told += [(f"rules[{i}]", rule.iif) for i, rule in enumerate(node.rules)]
        told += [(f"neighbours[{i}]", entry.dev) for i, entry in enumerate(node.neighbours)]
        told += [(f"forwarding[{i}]", entry.port) for i, entry in enumerate(node.forwarding_entries)]
        for key, dev in told:
            if dev is not None and dev not in names:
                raise LabFileError(
                    f"{where}: nodes.{node.name}: {key}",
                    dev,
                    "lab_file.interfaces",
                    node=node.name,
                    names=[*names],
                    near=check.nearest_of(dev, names),
                )
