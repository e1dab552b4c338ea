"""Checks for what happened in a capture: one for each thing that the story tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from explain.grade.events.of_report import Events

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.grade.events.event import Event
    from explain.grade.events.scene import Scene

_MOST_CHECKS = 24
_MOST_OF_A_KIND = 4
_MOST_HOPS = 8
_NOISE_PORTS = frozenset({53, 67, 68, 123, 137, 138, 546, 547, 1900, 5353, 5355})
_ASKED = (
    "arp.request", "dhcp.dora", "icmp.echo", "icmp.unreachable", "icmp.time_exceeded", "icmp.redirect", "dns.query",
    "tcp.handshake", "tcp.refused", "udp.exchange", "http.request", "nat.translation", "traceroute.hop",
    "ndp.resolution", "ndp.router", "ndp.duplicate-check", "dhcpv6.lease",
)  # fmt: skip
"""What a draft asks for; everything else follows from one of these."""


@dataclass(slots=True)
class Draft:
    """A rubric as it grows.

    Attributes:
        variables: addresses by the name under which the checks know them.
        checks: tables of ``[[check]]``.
        told: what was asked for already.
    """

    scene: Scene
    events: Events
    variables: dict[str, str] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    told: set[Any] = field(default_factory=set)

    def named(self, value: str) -> str:
        """An address as the checks write it: a variable, so that a class can have addresses of its own."""
        for name, known in self.variables.items():
            if known == value:
                return f"{{{name}}}"
        kind = "mac" if value.count(":") == 5 and len(value) == 17 else "host"
        number = sum(1 for name in self.variables if name.startswith(kind)) + 1
        self.variables[f"{kind}_{number}"] = value
        return f"{{{kind}_{number}}}"

    def add(self, points: float, about: dict[str, Any]) -> str:
        """One more check; its id."""
        base = str(about.pop("id"))
        taken = {one["id"] for one in self.checks}
        number = next(n for n in range(1, len(taken) + 2) if (base if n == 1 else f"{base}-{n}") not in taken)
        name = base if number == 1 else f"{base}-{number}"
        self.checks.append({"id": name, "points": points} | about)
        return name


def draft(scene: Scene) -> Draft:
    """Checks for what happened, in the order in which it happened."""
    made = Draft(scene, Events(scene))
    found = [event for name in _ASKED for event in made.events.of(name)]
    seen: dict[str, int] = {}
    for event in sorted(found, key=lambda one: one.start_ns):
        key = event.name, _essence(event)
        if key in made.told or len(made.checks) >= _MOST_CHECKS:
            continue
        made.told.add(key)
        most = _MOST_HOPS if event.name == "traceroute.hop" else _MOST_OF_A_KIND
        if seen.get(event.name, 0) < most:
            seen[event.name] = seen.get(event.name, 0) + 1
            _MAKERS.get(event.name, _other)(made, event)
    return made


def _essence(event: Event) -> Any:
    """What makes two events the same thing to ask for."""
    said = event.fields

    def of(*names: str) -> tuple[str, ...]:
        return tuple(str(said.get(name)) for name in names)

    match event.name:
        case "arp.request":
            return said["sender"]["ip"], said["target"]["ip"]
        case "tcp.handshake" | "tcp.refused" | "udp.exchange":
            return said["client"].ip, str(said["server"])
        case "nat.translation":
            return str(said["inside"]["dst"]), said["inside"]["src"].ip, said["proto"]
        case "dhcp.dora":
            return said["client"]["mac"]
        case "icmp.unreachable" | "icmp.time_exceeded" | "icmp.redirect":
            return of("code", "from")
        case "dns.query":
            return of("name", "type")
        case "http.request":
            return of("method", "host", "path")
    return of("src", "dst", "from", "wanted_ip", "address", "router", "outcome")


def _is_usable(address: str | None) -> bool:
    try:
        return address is not None and not ip_address(address).is_unspecified
    except ValueError:
        return False


def _arp(made: Draft, event: Event) -> None:
    sender, target = event.fields["sender"]["ip"], event.fields["target"]["ip"]
    replies = [one for one in made.events.of("arp.reply") if one.exchange == event.exchange and event.exchange]
    is_broadcast = event.fields["eth"]["dst"] == "ff:ff:ff:ff:ff:ff"
    if not _is_usable(sender) or not is_broadcast:
        return
    bind = f"asked_{len(made.checks) + 1}"
    name = made.add(2, {
        "id": "arp-request", "expect": "arp.request",
        "where": {"sender.ip": made.named(sender), "target.ip": made.named(target), "eth.dst": "broadcast"},
        "as": bind,
    })  # fmt: skip
    if replies:
        made.add(2, {
            "id": "arp-reply", "needs": [name], "expect": "arp.reply", "where": {"answers": f"{{{bind}}}"},
            "within": f"1s after {{{bind}}}",
        })  # fmt: skip


def _echo(made: Draft, event: Event) -> None:
    src, dst = event.fields["src"], event.fields["dst"]
    run = [one for one in made.events.of("icmp.echo") if (one.fields["src"], one.fields["dst"]) == (src, dst)]
    answered = sum(bool(one.fields["answered"]) for one in run)
    where = {"src": made.named(src), "dst": made.named(dst), "answered": bool(answered)}
    count = min(answered or len(run), 3)
    about = {"id": "ping", "expect": "icmp.echo", "where": where, "count": f">={count}"}
    made.add(3 if answered else 1, about | ({"partial": "linear"} if count > 1 else {}))


def _error(made: Draft, event: Event) -> None:
    where: dict[str, Any] = {"from": made.named(event.fields["from"]), "code": event.fields["code"]}
    about = event.fields["about"]
    if about and about["dst"]:
        where["about.dst"] = made.named(about["dst"])
    made.add(2, {"id": event.name.replace("_", "-").replace(".", "-"), "expect": event.name, "where": where})


def _handshake(made: Draft, event: Event) -> None:
    said = event.fields
    if any(one.exchange == event.exchange for one in made.events.of("tcp.refused")):
        return
    where = _ends(made, event)
    bind = f"opened_{len(made.checks) + 1}"
    if not said["complete"]:
        made.add(
            2, {"id": "tcp-attempt", "expect": "tcp.connection", "where": where | {"outcome": event.fields["outcome"]}}
        )
        return
    name = made.add(3, {"id": "tcp-open", "expect": "tcp.handshake", "where": where | {"complete": True}, "as": bind})
    for close in made.events.of("tcp.close"):
        if close.exchange == event.exchange:
            ending = {"flow": f"{{{bind}}}", "by": close.fields["by"]}
            ending["flow"] = f"{{{bind}.flow}}"
            made.add(2, {"id": "tcp-close", "needs": [name], "expect": "tcp.close",
                         "where": ending | {"both_directions": close.fields["both_directions"]}})  # fmt: skip
    for stream in made.events.of("tcp.stream"):
        if stream.exchange == event.exchange and stream.fields["client"]["bytes"]:
            made.add(1, {"id": "tcp-data", "needs": [name], "expect": "tcp.stream",
                         "where": {"flow": f"{{{bind}.flow}}", "client.bytes": {"min": 1}}})  # fmt: skip


def _ends(made: Draft, event: Event) -> dict[str, Any]:
    client, server = event.fields["client"], event.fields["server"]
    return {"client.ip": made.named(client.ip), "server.ip": made.named(server.ip), "server.port": server.port}


def _refused(made: Draft, event: Event) -> None:
    made.add(2, {"id": "tcp-refused", "expect": "tcp.refused", "where": _ends(made, event)})


def _udp(made: Draft, event: Event) -> None:
    client, server = event.fields["client"], event.fields["server"]
    is_trace = any(one.fields["dst"] == server.ip for one in made.events.of("traceroute.hop"))
    if not {client.port, server.port} & _NOISE_PORTS and not is_trace:
        where = _ends(made, event) | {"outcome": event.fields["outcome"]}
        made.add(2, {"id": "udp", "expect": "udp.exchange", "where": where})


def _dora(made: Draft, event: Event) -> None:
    said = event.fields
    phases = {name: 1 for name in ("discover", "offer", "request", "ack") if said[name]}
    bind = f"lease_{len(made.checks) + 1}"
    where: dict[str, Any] = {"client.mac": made.named(said["client"]["mac"])}
    if said["acked"]:
        where["acked"] = True
    name = made.add(len(phases), {"id": "dhcp", "expect": "dhcp.dora", "where": where, "as": bind, "partial": phases})
    if said["ack"]:
        made.add(1, {"id": "dhcp-one-transaction", "needs": [name],
                     "assert": f"len(unique({bind}.messages.xid)) == 1"})  # fmt: skip
        if said["ack"].fields["router"]:
            router = made.named(said["ack"].fields["router"])[1:-1]
            made.add(1, {"id": "dhcp-router", "needs": [name], "assert": f"{bind}.ack.router == {router}"})


def _dns(made: Draft, event: Event) -> None:
    ways = {"answered": "dns.answer", "no-such-name": "dns.nxdomain"}
    where = {"name": event.fields["name"], "type": event.fields["type"]}
    more = {} if event.fields["outcome"] in ways else {"outcome": event.fields["outcome"]}
    made.add(2, {"id": "dns", "expect": ways.get(event.fields["outcome"], "dns.query"), "where": where | more})


def _http(made: Draft, event: Event) -> None:
    said = {name: event.fields[name] for name in ("method", "path", "status") if event.fields.get(name) is not None}
    made.add(2, {"id": "http", "expect": "http.request", "where": said | {"outcome": event.fields["outcome"]}})


def _nat(made: Draft, event: Event) -> None:
    inside, outside = event.fields["inside"], event.fields["outside"]
    where = {"proto": event.fields["proto"], "kind": event.fields["kind"]}
    for side in [one for one in ("src", "dst") if inside[one] != outside[one]] or ["src"]:
        where |= {f"inside.{side}.ip": made.named(inside[side].ip), f"outside.{side}.ip": made.named(outside[side].ip)}
    bind = f"translated_{len(made.checks) + 1}"
    name = made.add(5, {"id": "nat", "expect": "nat.translation", "where": where, "as": bind})
    if event.fields["reply"]:
        made.add(2, {"id": "nat-reply", "needs": [name],
                     "assert": f"{bind}.reply.outside.dst == {bind}.outside.src"})  # fmt: skip


def _hop(made: Draft, event: Event) -> None:
    if event.fields["from"]:
        where = {"ttl": event.fields["ttl"], "from": made.named(event.fields["from"])}
        made.add(1, {"id": f"hop-{event.fields['ttl']}", "expect": "traceroute.hop", "where": where})


def _other(made: Draft, event: Event) -> None:
    where: dict[str, Any] = {"outcome": event.fields["outcome"]}
    for name in ("wanted_ip", "router", "address"):
        if isinstance(event.fields.get(name), str) and _is_usable(event.fields[name]):
            where[name] = made.named(event.fields[name])
    if event.fields.get("prefixes"):
        where["prefixes"] = {"contains": event.fields["prefixes"][0]}
    made.add(1, {"id": event.name.replace(".", "-"), "expect": event.name, "where": where})


_MAKERS: dict[str, Callable[[Draft, Event], None]] = {
    "arp.request": _arp, "icmp.echo": _echo, "icmp.unreachable": _error, "icmp.time_exceeded": _error,
    "icmp.redirect": _error, "tcp.handshake": _handshake, "tcp.refused": _refused, "udp.exchange": _udp,
    "dhcp.dora": _dora, "dns.query": _dns, "http.request": _http, "nat.translation": _nat, "traceroute.hop": _hop,
}  # fmt: skip
