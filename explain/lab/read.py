"""A lab file becomes a Lab, or an error that names the key, what stands there and what may stand there."""

from __future__ import annotations

import ipaddress
import tomllib
from typing import TYPE_CHECKING, Any

from explain.errors import UnreadableError, reason_of
from explain.lab import check, iproute, services
from explain.lab.check import LabFileError
from explain.lab.records import Lab, Link, Nic, Node, Step, Wait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOP = (
    *("schema", "title", "chapter", "cause", "also", "needs", "ipv6", "offload", "links", "nodes", "services"),
    *("fault", "steps", "settle", "first_mac"),
)
NODE = (
    *("kind", "role", "interfaces", "routes", "rules", "neighbours", "forwarding", "sysctl", "nft", "nameservers"),
    *("hosts", "stp", "loopback"),
)
NIC = ("address", "mac", "mtu", "up", "arp", "member", "isolated")
STEP = ("on", "run", "status", "shows", "timeout", "background", "main", "privileged")
WAIT = ("wait", "on", "for", "state", "interface", "timeout")
KINDS = ("host", "router", "switch", "repeater")
ROLES = ("sender", "target", "bystander")
WAITS = ("neighbour", "listening", "address", "frames", "quiet")
LARGEST = 262_144
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
        raise UnreadableError(str(path), f"not TOML: {e}") from None


def text_of(path: Path) -> str:
    """A lab file as it stands there.

    Raises:
        UnreadableError: there is no such file, it is too large, or it is no text.
    """
    try:
        data = path.read_bytes()
    except OSError as e:
        raise UnreadableError(str(path), reason_of(e, "it cannot be read")) from None
    if len(data) > LARGEST:
        raise UnreadableError(str(path), f"a lab file has at most {LARGEST} octets, this has {len(data)}")
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        raise UnreadableError(str(path), f"not UTF-8 at octet {e.start}") from None


def from_table(data: dict[str, Any], name: str, where: str, text: str) -> Lab:
    """The lab of a parsed file; ``where`` stands at the beginning of each complaint."""
    check.keys(data, TOP, ("schema", "title", "chapter", "nodes"), where)
    check.number(data["schema"], 1, 1, f"{where}: schema")
    links = tuple(_link(row, f"{where}: links[{i}]") for i, row in enumerate(check.rows(data.get("links", []), where)))
    first_mac = check.mac(data.get("first_mac", FIRST_MAC), f"{where}: first_mac")
    nodes = _nodes(check.table(data["nodes"], f"{where}: nodes"), links, first_mac, where)
    by_name = {node.name: node for node in nodes}
    _hold_together(by_name, links, where)

    def steps(key: str) -> tuple[Step | Wait, ...]:
        listed = check.rows(data.get(key, []), f"{where}: {key}")
        return tuple(_step(row, by_name, f"{where}: {key}[{i}]") for i, row in enumerate(listed))

    fault = steps("fault")
    served = tuple(
        services.service(row, f"{where}: services[{i}]")
        for i, row in enumerate(check.rows(data.get("services", []), f"{where}: services"))
    )
    for i, service in enumerate(served):
        _node_name(service.on, by_name, f"{where}: services[{i}]: on")
    for i, step in enumerate(fault):
        if isinstance(step, Wait):
            raise LabFileError(f"{where}: fault[{i}]", "wait", "a fault is a list of commands")
    return Lab(
        name=name,
        title=_title(data["title"], f"{where}: title"),
        chapter=check.text(data["chapter"], f"{where}: chapter"),
        cause=check.text(data.get("cause", "healthy"), f"{where}: cause"),
        also=check.strings(data.get("also", []), f"{where}: also"),
        needs=check.strings(data.get("needs", []), f"{where}: needs"),
        ipv6=check.one_of(data.get("ipv6", "off"), ("off", "quiet", "natural"), f"{where}: ipv6"),
        has_offload=check.flag(data.get("offload", False), f"{where}: offload"),
        nodes=nodes,
        links=links,
        services=served,
        fault=tuple(step for step in fault if isinstance(step, Step)),
        steps=_with_main(steps("steps")),
        settle_s=check.seconds(data.get("settle", 0), f"{where}: settle"),
        text=text,
    )


def _title(value: object, where: str) -> dict[str, str]:
    got = check.table(value, where)
    check.keys(got, ("en", "ja"), ("en", "ja"), where)
    return {language: check.text(line, f"{where}.{language}") for language, line in got.items()}


def _link(row: object, where: str) -> Link:
    ends = check.strings(row, where)
    if len(ends) != 2:
        raise LabFileError(where, row, 'two ends such as ["h1.eth0", "r1.eth0"] stand here')
    parsed = []
    for i, end in enumerate(ends):
        node, _, nic = end.partition(".")
        parsed.append((check.name(node, f"{where}[{i}]"), check.name(nic, f"{where}[{i}]")))
    return Link((parsed[0], parsed[1]))


def _macs(first: str) -> Iterator[str]:
    """MACs in order, for interfaces that name none."""
    number = int(first.replace(":", ""), 16)
    for mac in range(number, number + 255):
        yield mac.to_bytes(6, "big").hex(":")


def _nodes(data: dict[str, Any], links: tuple[Link, ...], first_mac: str, where: str) -> tuple[Node, ...]:
    if not 1 <= len(data) <= 16:
        raise LabFileError(f"{where}: nodes", sorted(data), "one to sixteen nodes stand here")
    macs = _macs(first_mac)
    roles = _roles(data, where)
    nodes = []
    for name, value in data.items():
        here = f"{where}: nodes.{name}"
        check.name(name, here)
        nodes.append(_node(name, check.table(value, here), roles[name], _nic_names(name, links), macs, here))
    return tuple(nodes)


def _nic_names(node: str, links: tuple[Link, ...]) -> list[str]:
    return [nic for link in links for end, nic in link.ends if end == node]


def _roles(data: dict[str, Any], where: str) -> dict[str, str]:
    """The letters of case.json: hosts are sender, target, bystanders in order, where they do not say otherwise."""
    told = {}
    letters = {"sender": "S", "target": "T", "bystander": "X"}
    for name, value in data.items():
        got = check.table(value, f"{where}: nodes.{name}")
        if "role" in got:
            told[name] = letters[check.one_of(got["role"], ROLES, f"{where}: nodes.{name}: role")]
    free = iter([letter for letter in "ST" if letter not in told.values()])
    routers = 0
    for name, value in data.items():
        kind = value.get("kind", "host")
        if name in told:
            continue
        if kind == "router":
            routers += 1
            told[name] = f"R{routers}"
        else:
            told[name] = "SW" if kind in {"switch", "repeater"} else next(free, "X")
    return told


def _node(name: str, got: dict[str, Any], role: str, linked: list[str], macs: Iterator[str], where: str) -> Node:
    check.keys(got, NODE, (), where)
    kind = check.one_of(got.get("kind", "host"), KINDS, f"{where}: kind")
    nics = check.table(got.get("interfaces", {}), f"{where}: interfaces")
    for nic in nics:
        if nic not in linked and not (nic == "br0" and kind in {"switch", "repeater"}):
            near = check.nearest_of(nic, linked)
            raise LabFileError(
                f"{where}: interfaces.{nic}", nics[nic], "an interface is the end of a link; this is none", near
            )
    if kind in {"switch", "repeater"}:
        linked = ["br0", *linked]
    sysctl = check.table(got.get("sysctl", {}), f"{where}: sysctl")
    hosts = check.table(got.get("hosts", {}), f"{where}: hosts")

    def each(key: str, parse: Any) -> tuple[Any, ...]:
        listed = check.rows(got.get(key, []), f"{where}: {key}")
        return tuple(parse(line, f"{where}: {key}[{i}]") for i, line in enumerate(listed))

    return Node(
        name=name,
        kind=kind,
        role=role,
        nics=tuple(_nic(nic, nics.get(nic, {}), macs, f"{where}: interfaces.{nic}") for nic in linked),
        routes=each("routes", iproute.route),
        rules=each("rules", iproute.rule),
        neighbours=each("neighbours", iproute.neighbour),
        forwarding_entries=each("forwarding", iproute.forwarding_entry),
        sysctl={check.sysctl_key(k, f"{where}: sysctl"): str(v) for k, v in sysctl.items()},
        nft=check.argument(got["nft"], f"{where}: nft") if "nft" in got else None,
        nameservers=check.strings(got.get("nameservers", []), f"{where}: nameservers", check.address),
        hosts={
            check.hostname(host, f"{where}: hosts"): check.address(at, f"{where}: hosts.{host}")
            for host, at in hosts.items()
        },
        has_stp=check.flag(got.get("stp", False), f"{where}: stp"),
        has_loopback=check.flag(got.get("loopback", True), f"{where}: loopback"),
    )


def _nic(name: str, value: object, macs: Iterator[str], where: str) -> Nic:
    got = check.table(value, where)
    check.keys(got, NIC, (), where)
    own = next(macs)  # taken even if the file names one, so that naming one moves no other
    mac = check.mac(got["mac"], f"{where}: mac") if "mac" in got else own
    addresses = got.get("address", [])
    return Nic(
        name=name,
        mac=mac,
        addresses=check.strings(
            [addresses] if isinstance(addresses, str) else addresses, f"{where}: address", check.interface_address
        ),
        mtu=check.number(got["mtu"], 68, 9000, f"{where}: mtu") if "mtu" in got else None,
        is_up=check.flag(got.get("up", True), f"{where}: up"),
        has_arp=check.flag(got.get("arp", True), f"{where}: arp"),
        is_member=check.flag(got.get("member", True), f"{where}: member"),
        is_isolated=check.flag(got.get("isolated", False), f"{where}: isolated"),
    )


def _node_name(name: str, nodes: dict[str, Node], where: str) -> Node:
    if name not in nodes:
        raise LabFileError(where, name, f"nodes here are {', '.join(nodes)}", check.nearest_of(name, nodes))
    return nodes[name]


def _hold_together(nodes: dict[str, Node], links: tuple[Link, ...], where: str) -> None:
    """Each cable ends at nodes that exist, each interface has one cable, each command names interfaces that exist."""
    seen: set[tuple[str, str]] = set()
    for i, link in enumerate(links):
        for end in link.ends:
            _node_name(end[0], nodes, f"{where}: links[{i}]")
            if end in seen:
                raise LabFileError(f"{where}: links[{i}]", ".".join(end), "an interface is the end of one link only")
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
                    f"interfaces of {node.name} are {', '.join(names)}",
                    check.nearest_of(dev, names),
                )


def _step(row: object, nodes: dict[str, Node], where: str) -> Step | Wait:
    got = check.table(row, where)
    if "wait" in got:
        return _wait(got, nodes, where)
    check.keys(got, STEP, ("on", "run"), where)
    node = check.name(got["on"], f"{where}: on")
    _node_name(node, nodes, f"{where}: on")
    run = check.strings(got["run"], f"{where}: run", check.argument)
    known = (*services.TOOLS, *services.BUILT_IN)
    check.one_of(run[0] if run else None, known, f"{where}: run[0]")
    for i, word in enumerate(run[1:], 1):
        if word.split("=", 1)[0] in services.FORBIDDEN.get(run[0], ()) or "file:" in word:
            raise LabFileError(f"{where}: run[{i}]", word, f"{run[0]} may not read or write files, or start programs")
    shows = got.get("shows", [])
    return Step(
        on=node,
        run=run,
        status=None if got.get("status") == "any" else check.number(got.get("status", 0), 0, 255, f"{where}: status"),
        shows=check.strings([shows] if isinstance(shows, str) else shows, f"{where}: shows"),
        timeout_s=check.seconds(got.get("timeout", 20), f"{where}: timeout"),
        is_background=check.flag(got.get("background", False), f"{where}: background"),
        is_main=check.flag(got["main"], f"{where}: main") if "main" in got else None,
        has_raw_sockets=check.flag(got.get("privileged", True), f"{where}: privileged"),
    )


def _wait(got: dict[str, Any], nodes: dict[str, Node], where: str) -> Wait:
    check.keys(got, WAIT, ("wait",), where)
    kind = check.one_of(got["wait"], WAITS, f"{where}: wait")
    needed = ("for",) if kind == "quiet" else ("on", "for", "interface") if kind == "frames" else ("on", "for")
    check.keys(got, WAIT, needed, where)
    if "on" in got:
        _node_name(check.name(got["on"], f"{where}: on"), nodes, f"{where}: on")
    value = got["for"]
    match kind:
        case "quiet":
            value = str(check.seconds(value, f"{where}: for"))
        case "frames":
            value = str(check.number(value, 1, 1_000_000, f"{where}: for"))
        case "neighbour" | "address":
            value = str(ipaddress.ip_address(check.address(value, f"{where}: for")))
        case "listening":
            protocol, _, port = check.text(value, f"{where}: for").partition("/")
            if protocol not in {"tcp", "udp"} or not port.isdecimal():
                raise LabFileError(f"{where}: for", value, "tcp/PORT or udp/PORT stands here")
    return Wait(
        kind=kind,
        on=got.get("on"),
        value=value,
        state=check.text(got["state"], f"{where}: state") if "state" in got else None,
        interface=check.name(got["interface"], f"{where}: interface") if "interface" in got else None,
        timeout_s=check.seconds(got.get("timeout", 15), f"{where}: timeout"),
    )


def _with_main(steps: tuple[Step | Wait, ...]) -> tuple[Step | Wait, ...]:
    """Exactly one step is what a person would ask about: the one that says so, else the last in the foreground."""
    from dataclasses import replace

    told = [i for i, step in enumerate(steps) if isinstance(step, Step) and step.is_main]
    last = [i for i, step in enumerate(steps) if isinstance(step, Step) and step.is_main is None]
    front = [i for i in last if not steps[i].is_background]  # type: ignore[union-attr]
    chosen = (told or front or [-1])[-1]
    return tuple(replace(step, is_main=i == chosen) if isinstance(step, Step) else step for i, step in enumerate(steps))
