"""Events of UDP, DHCP, DNS and traceroute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.exchanges.dhcp import message as dhcp
from explain.grade.events.event import end
from explain.grade.events.lan import each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.dhcp.talk import Step, Talk
    from explain.grade.events.event import End, Event
    from explain.grade.events.scene import Scene
    from explain.model import Endpoint

_PHASES = ("discover", "offer", "request", "ack", "nak")
_MESSAGES = (*_PHASES, "release", "decline", "inform")


def make(scene: Scene, name: str) -> list[Event] | None:
    """Events of one name; None for a name that is no alias."""
    family, _, what = name.partition(".")
    if name == "udp.exchange":
        return list(_datagrams(scene))
    if name == "dhcp.dora":
        return list(_doras(scene))
    if family == "dhcp" and what in _MESSAGES:
        return list(_messages(scene, what))
    if family == "dns" and what in ("query", "answer", "nxdomain"):
        return list(_names(scene, what))
    return list(_hops(scene)) if name == "traceroute.hop" else None


def _datagrams(scene: Scene) -> Iterator[Event]:
    for part, index in each(scene, "udp.flow"):
        told = part.fields(index)
        exchange = f"e{scene.report.exchanges.position(part, index) + 1}"
        outcome = part.outcomes[part.outcome[index]]
        yield scene.event("udp.exchange", part.rows(index).tolist(), exchange, outcome, {
            "client": end(told.client.address, told.client.port), "server": end(told.server.address, told.server.port),
            "flow": exchange, "answered": outcome == "answered", "datagrams": told.datagrams,
            "payload_bytes": told.payload_bytes,
        })  # fmt: skip


def _talks(scene: Scene) -> Iterator[tuple[Talk, str, str]]:
    for part, index in each(scene, "dhcp.lease"):
        exchange = f"e{scene.report.exchanges.position(part, index) + 1}"
        yield part.facts["talks"][index], exchange, part.outcomes[part.outcome[index]]


def _messages(scene: Scene, what: str) -> Iterator[Event]:
    for talk, exchange, outcome in _talks(scene):
        for step in talk.of(what.upper()):
            yield _message(scene, step, exchange, outcome)


def _message(scene: Scene, step: Step, exchange: str, outcome: str) -> Event:
    said, text = step.said, scene.table.addresses.text

    def address(number: int | None) -> str | None:
        return text(number) if number else None

    src, sport, dst, dport = scene.ends(step.row)
    routers, names = said.numbers(dhcp.ROUTER), said.numbers(dhcp.DNS)
    kind = said.kind.lower()
    server = address(said.number(dhcp.SERVER)) or (src if said.is_reply else None)
    return scene.event(f"dhcp.{kind}", [step.row], exchange, outcome, {
        "src": src, "dst": dst, "sport": sport, "dport": dport, "eth": scene.link(step.row), "type": kind,
        "ttl": int(scene.table.ttl[step.row]),
        "client": {"mac": said.hardware.hex(":")}, "xid": said.xid, "yiaddr": address(said.your_ip),
        "ciaddr": address(said.client_ip), "server_id": server,
        "requested": address(said.number(dhcp.REQUESTED)), "lease_time": said.number(dhcp.LEASE),
        "router": address(routers[0] if routers else None), "mask": address(said.number(dhcp.MASK)),
        "dns": address(names[0] if names else None), "hostname": said.text(dhcp.HOSTNAME),
        "options": sorted(said.options),
    })  # fmt: skip


def _doras(scene: Scene) -> Iterator[Event]:
    for talk, exchange, outcome in _talks(scene):
        if not talk.of(*(phase.upper() for phase in _PHASES)):
            continue
        messages = [_message(scene, step, exchange, outcome) for step in talk.steps]
        phases: dict[str, Any] = {
            phase: next((one for one in messages if one.name == f"dhcp.{phase}"), None) for phase in _PHASES
        }
        # Of several offers and requests the ones count that the lease came of.
        ack = next((one for one in reversed(messages) if one.name == "dhcp.ack"), None)
        if ack is not None:
            phases["ack"] = ack
            server = ack.fields["server_id"]
            phases["offer"] = next(
                (one for one in messages if one.name == "dhcp.offer" and one.fields["server_id"] == server),
                phases["offer"],
            )
        yield scene.event("dhcp.dora", talk.rows(), exchange, outcome, phases | {
            "client": {"mac": talk.hardware.hex(":")}, "xid": talk.xid, "acked": ack is not None, "messages": messages,
        })  # fmt: skip


def _names(scene: Scene, what: str) -> Iterator[Event]:
    for part, index in each(scene, "dns.lookup"):
        told, outcome = part.fields(index), part.outcomes[part.outcome[index]]
        if (what == "answer" and outcome != "answered") or (what == "nxdomain" and outcome != "no-such-name"):
            continue
        exchange = f"e{scene.report.exchanges.position(part, index) + 1}"
        yield scene.event(f"dns.{what}", part.rows(index).tolist(), exchange, outcome, {
            "client": _host(told.client), "server": _host(told.server), "name": told.name, "type": told.type,
            "answers": list(told.answers), "rcode": told.rcode, "id": told.id,
            "rtt_ms": None if told.rtt_ns is None else told.rtt_ns / 1e6,
        })  # fmt: skip


def _host(one: Endpoint) -> End:
    """An end that reads as its address alone, and knows its port."""
    made = end(one.address)
    made.port = one.port
    return made


def _hops(scene: Scene) -> Iterator[Event]:
    for part, index in each(scene, "traceroute"):
        told, outcome = part.fields(index), part.outcomes[part.outcome[index]]
        exchange = f"e{scene.report.exchanges.position(part, index) + 1}"
        rows = part.rows(index).tolist()
        table = scene.table
        for hop in told.hops:
            own = [row for row in rows if int(table.ttl[row]) == hop.ttl and scene.ends(row)[0] == told.src]
            yield scene.event("traceroute.hop", own or rows[:1], exchange, outcome, {
                "src": told.src, "dst": told.dst, "ttl": hop.ttl, "from": hop.from_,
                "rtt_ms": hop.rtt_ns[0] / 1e6 if hop.rtt_ns else None, "method": told.method,
                "answered": hop.from_ is not None,
            })  # fmt: skip
