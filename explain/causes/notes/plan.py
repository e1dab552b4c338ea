"""The network of the notes as the table of a lab file: what they built, and what they then tried."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explain.causes.notes.item import TRIED
from explain.causes.notes.retyped import retyped, rule_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from explain.causes.notes.item import Study
    from explain.causes.notes.picture import Host, Interface, Picture
    from explain.symptoms.notes import NoteBlock

Table = dict[str, Any]
_FORWARD = ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding")


def lab_table(study: Study, title: Mapping[str, str]) -> Table:
    """What a lab file would say; nothing of the text is run, and only what was understood is in it.

    The lab begins with the network in which something was tried first; what was changed later is a step of it.

    Args:
        study: the notes.
        title: what to call the lab, by language.
    """
    names = _names(study.picture)
    bridges = {(host.name, one.name) for host in study.picture.hosts.values()
               for one in host.interfaces.values() if one.kind == "bridge"}  # fmt: skip
    cables = [(near, far) for near, far in study.picture.cables() if near[0] in names and far[0] in names]
    linked = {end for pair in cables for end in pair}
    hosts = [_as_begun(host, study.begun) for host in study.picture.hosts.values() if host.name in names]
    return {
        "schema": 1,
        "chapter": "notes",
        "title": dict(title),
        "ipv6": "natural" if _has_ipv6(study.picture) else "off",
        "links": [[f"{names[host]}.{name_of(interface)}" for host, interface in pair] for pair in cables],
        "nodes": {names[host.name]: _node(host, linked, bridges) for host in hosts},
        "fault": [each for host in hosts for each in _rules(host, names)],
        "steps": [step for block in study.notes.blocks for step in _steps(block, study, names)],
    }


def _as_begun(host: Host, begun: Picture) -> Host:
    """A host as it was when something was tried first; interfaces that came later, as they were in the end."""
    before = begun.hosts.get(host.name)
    return replace(before, interfaces=host.interfaces | before.interfaces) if before else host


def name_of(text: str) -> str:
    """A name as lab files take them: lower case, at most fifteen characters."""
    plain = re.sub(r"[^a-z0-9-]", "-", text.lower())[:15]
    return plain if re.match(r"[a-z]", plain) else f"n{plain}"[:15]


def _names(picture: Picture) -> dict[str | None, str]:
    """The hosts that have a cable, or were built, under names of their own."""
    ends = {end[0] for pair in picture.cables() for end in pair}
    found: dict[str | None, str] = {}
    for host in picture.hosts.values():
        if not host.is_removed and (host.name in ends or host.is_built):
            found[host.name] = name_of(host.name or ("sw" if _is_switch(host) else "here"))
    return found


def _is_switch(host: Host) -> bool:
    return any(one.kind == "bridge" for one in host.interfaces.values())


def _has_ipv6(picture: Picture) -> bool:
    return any(":" in address for host in picture.hosts.values() for one in host.interfaces.values()
               for address in one.addresses if not address.startswith("fe80"))  # fmt: skip


def _node(host: Host, linked: set[tuple[str | None, str]], bridges: set[tuple[str | None, str]]) -> Table:
    node: Table = {}
    if _is_switch(host):
        node["kind"] = "switch"
    elif any(host.settings.get(key) == "1" for key in _FORWARD):
        node["kind"] = "router"
    interfaces: Table = {}
    for one in host.interfaces.values():
        if (host.name, one.name) in linked:
            interfaces[name_of(one.name)] = _interface(one, is_switch=_is_switch(host))
        elif (host.name, one.name) in bridges and one.addresses:
            interfaces["br0"] = _interface(one, is_switch=False)
    node["interfaces"] = {name: value for name, value in interfaces.items() if value}
    node["routes"] = [_route(row) for row in host.routes if row.get("protocol") != "kernel" and row.get("dst")]
    node["rules"] = [" ".join(row["words"]) for row in host.rules if row.get("words")]
    settings = {key: value for key, value in host.settings.items() if key not in _FORWARD or value != "1"}
    node["sysctl"] = settings
    return {key: value for key, value in node.items() if value}


def _interface(one: Interface, *, is_switch: bool) -> Table:
    value: Table = {}
    addresses = [each for each in one.addresses if not each.startswith("fe80")]
    if addresses:
        value["address"] = addresses[0] if len(addresses) == 1 else addresses
    if one.mac:
        value["mac"] = one.mac
    if one.mtu and one.mtu != 1500:
        value["mtu"] = one.mtu
    if one.is_up is False:
        value["up"] = False
    if is_switch and one.master is None:
        value["member"] = False
    return value


def _route(row: Table) -> str:
    words = str(row.get("text") or _as_typed(row)).split()
    return " ".join(name_of(word) if at and words[at - 1] == "dev" else word for at, word in enumerate(words))


def _as_typed(row: Table) -> str:
    """A route that was only shown."""
    kind = [str(row["type"])] if row.get("type") not in (None, "unicast") else []
    words = [*kind, str(row["dst"])]
    for key, word in (("gateway", "via"), ("dev", "dev"), ("metric", "metric")):
        words += [word, str(row[key])] if row.get(key) else []
    return " ".join(words)


def _rules(host: Host, names: dict[str | None, str]) -> list[Table]:
    """Filter and translation rules, as the commands that were typed."""
    found = []
    for each in host.filters:
        if "words" in each:
            found.append({"on": names[host.name], "run": ["nft", *each["words"]]})
            continue
        found.append({"on": names[host.name], "run": rule_words(each, name_of)})
    return found


def _steps(block: NoteBlock, study: Study, names: dict[str | None, str]) -> Iterator[Table]:
    tried = _step(block, study, names)
    if tried is not None:
        yield tried
    first = next((each for each in study.notes.blocks if each.kind in TRIED), None)
    if first is None or block.span[0] < first.span[0] or block.refusals:
        return
    for change in block.changes:
        host = study.begun.hosts.get(change.node)
        device = change.values.get("dev")
        run = retyped(change, name_of)
        if run and host is not None and host.name in names and (not device or device in host.interfaces):
            yield {"on": names[host.name], "run": run, "status": "any", "line": block.typed or block.span[0]}


def _step(block: NoteBlock, study: Study, names: dict[str | None, str]) -> Table | None:
    """What was tried: the command again, with a count so that it ends."""
    if block.command is None or block.kind not in TRIED or block.node not in names:
        return None
    words = list(block.command.words)
    if block.command.kind == "ping" and block.command.count is None:
        words[1:1] = ["-c", "3"]
    interfaces = {one.name for one in study.picture.host(block.node).interfaces.values()}
    words = [name_of(word) if word in interfaces else word for word in words]
    return {"on": names[block.node], "run": words, "status": "any", "line": block.typed or block.span[0]}
