"""What to tell of a path, in which order and how deep: lines without words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.model import Line
from explain.state.addresses import in_bits, mask_text, parse, to_text
from explain.state.packet import Packet, error_name
from explain.state.routing.routes import Query, matching_routes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.state.one_host.decision import Decision
    from explain.state.records import HostState, Route
    from explain.state.way.path import Leg, Locus, Path, StateCause, Step, Stop

_STOPS = frozenset(
    "unknown-interface source-not-local interface-down no-source no-route blackhole unreachable prohibit"  # noqa: SIM905
    " broadcast-denied too-long loopback-down loopback-from-outside filter martian rp-filter forwarding-off"
    " ttl-expired too-big"
    " echo-ignored broadcast-ignored no-listener bound-to-loopback accept-queue-full ipv6-disabled beyond-scope"
    " unresolved lost nobody-has-mac noarp loop elsewhere unexpected-source other-interface unseen unknown"
    " nobody-answers".split()
)
_ROLES = frozenset(
    "sender target router switch link segment bystander command dns-server dhcp-server".split()  # noqa: SIM905
)
_OBSTACLES = frozenset(
    "no-carrier peer-down interface-down port-down port-not-member port-state bridge-down isolated fdb"  # noqa: SIM905
    " switch-filter mtu own-bridge unseen".split()
)


def _line(message: str, depth: int = 1, **values: Any) -> Line:
    return Line(f"path.{message}", {key: "-" if value is None else value for key, value in values.items()}, depth=depth)


def tell(path: Path) -> list[Line]:
    """The whole path: the verdict, every host's decision, the causes.

    Depth 0 is the verdict, 1 the story, 2 what ``-v`` adds: bits, rules, other routes.
    """
    lines = [*_verdict(path)]
    for leg in path.legs:
        lines += _leg(path, leg)
    lines += [line for cause in path.causes for line in _cause(cause, "cause")]
    lines += [line for cause in path.later for line in _cause(cause, "later")]
    lines += [line for cause in path.also for line in _cause(cause, "also") if cause not in path.causes]
    return lines


def _verdict(path: Path) -> Iterator[Line]:
    first = path.steps[0].decision
    sent = first.out or first.packet
    values = {"sender": path.sender, "source": sent.source, "destination": path.request.destination}
    if path.stop is None or path.outcome == "answered":
        yield _line("verdict.answered", 0, **values)
        return
    kind = "unknown" if path.outcome == "unknown" else path.stop.direction
    yield _line(f"verdict.{kind}", 0, host=path.stop.host, **values)


def _leg(path: Path, leg: Leg) -> Iterator[Line]:
    first = leg.steps[0].decision
    sent = first.out or first.packet
    what = error_name(leg.packet) if leg.packet.is_error else _kind(leg.packet)
    yield _line(f"leg.{leg.direction}", what=what, source=sent.source, destination=sent.destination)
    for number, step in enumerate(leg.steps, 1):
        role = role_line(path.roles.get(step.decision.host, "-"))
        came = step.decision.packet.in_interface
        if came is None:
            yield _line("host.first", number=number, host=step.decision.host, role=role)
        else:
            yield _line("host.next", number=number, host=step.decision.host, role=role, interface=came)
        yield from _step(path, step)
    if leg.stop is not None:
        yield from _stop(leg.stop)


def _kind(packet: Packet) -> str:
    if packet.is_echo_request:
        return "echo request"
    if packet.protocol == "tcp":
        return f"TCP [{', '.join(sorted(packet.tcp_flags)).upper()}]"
    return "echo reply" if packet.protocol.startswith("icmp") else packet.protocol.upper()


def _step(path: Path, step: Step) -> Iterator[Line]:
    decision = step.decision
    state = path.network.hosts[decision.host]
    rewritten = []
    if decision.is_translated and decision.out is not None:
        rewritten = [_line("translated", before=_ends(decision.packet), after=_ends(decision.out))]
    is_early = decision.out is not None and decision.out.destination != decision.packet.destination
    yield from rewritten if is_early else ()
    yield from _route(state, decision)
    yield from _filters(decision)
    yield from () if is_early else rewritten
    yield from _mac(decision, step)
    if decision.verdict == "delivered":
        if decision.answer is not None and decision.by is not None:
            yield _line("delivered.service", by=decision.by.told)
        else:
            yield _line("delivered.answers" if decision.answer is not None else "delivered.end")
    for doubt in decision.doubts:
        yield _line("doubt", what=doubt)


def _ends(packet: Packet) -> str:
    def one(address: str | None, port: int | None) -> str:
        shown = address or "-"
        return shown if port is None else f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"

    return f"{one(packet.source, packet.source_port)} -> {one(packet.destination, packet.destination_port)}"


def _route(state: HostState, decision: Decision) -> Iterator[Line]:
    found = decision.found
    sending = decision.sending
    if sending is not None and sending.is_assumed_on_link:
        yield _line("route.assumed", interface=sending.device, destination=decision.packet.destination)
        return
    if found is None:
        return
    if found.route is None:
        if found.is_by_rule and found.rule is not None:
            yield _line("route.rule", rule=found.rule.text)
        elif found.kind in {"no-route", "unknown"}:
            yield _line(f"route.{found.kind}", destination=decision.packet.destination, tables=list(found.tried))
        return
    moved = _looked_up(decision, found.route)
    yield _line("route.local" if found.kind == "local" else "route.found", destination=moved, route=found.route.text)
    if found.rule is not None:
        yield _line("route.table", 2, rule=found.rule.text, table=found.route.table)
    yield from _bits(found.route, moved)
    yield from _rivals(state, found.route, decision)
    if found.others:
        hops = [
            hop.gateway or hop.device or "-" for hop in (*((found.nexthop,) if found.nexthop else ()), *found.others)
        ]
        yield _line("route.several", hops=hops)
    if sending is not None and sending.source and found.kind != "local":
        yield _line(_source(decision.packet, found.route), source=sending.source, interface=sending.device)


def _source(packet: Packet, route: Route) -> str:
    """Who decided from which address a packet is sent."""
    if packet.bound_source:
        return "source.bound"
    if packet.source:
        return "source.asked"
    return "source.hint" if route.source else "source.chosen"


def _looked_up(decision: Decision, route: Route) -> str:
    """The destination that the tables were asked for: the translated one, if it was translated before."""
    seen = [
        decision.packet,
        *(look.verdict.packet for look in decision.looks),
        *((decision.out,) if decision.out else ()),
    ]
    fitting = [each.destination for each in seen if route.network.covers(each.destination)]
    return fitting[-1] if fitting else decision.packet.destination


def _bits(route: Route, destination: str) -> Iterator[Line]:
    """The AND of address and mask, as a person does it on paper. Source: RFC 950 section 2, RFC 4632 section 5.1."""
    parsed = parse(destination)
    if parsed is None or parsed[0] != route.family or not route.network.has(parsed[1]):
        return
    network = to_text(route.family, route.network.number)
    mask = mask_text(route.family, route.network.length)
    rows = (("address", destination), ("mask", mask), ("network", network))
    for name, text in rows:
        yield _line(f"bits.{name}", 2, bits=in_bits(text), text=text, length=route.network.length)


def _rivals(state: HostState, route: Route, decision: Decision) -> Iterator[Line]:
    query = Query(route.family, decision.packet.destination, decision.packet.source)
    others = [each for each in matching_routes(state, route.table, query) if each is not route]
    if others:
        yield _line("route.rivals", 2, length=route.network.length, others=[each.text for each in others[:6]])


def _filters(decision: Decision) -> Iterator[Line]:
    passed = [(look.hook, each) for look in decision.looks for each in look.verdict.passed]
    stopped = any(look.verdict.stops for look in decision.looks)
    if passed and not stopped:
        yield _line("filters.passed", count=len(passed), hooks=sorted({hook for hook, _ in passed}))
    for hook, each in passed:
        yield _line("filters.rule", 2, hook=hook, name=each.rule.name, rule=each.rule.text, did=each.did)
    for look in decision.looks:
        if look.verdict.sometimes and look.verdict.otherwise and look.verdict.otherwise.stops:
            rule = look.verdict.otherwise.rule
            yield _line("filters.sometimes", hook=look.hook, rule=rule.text if rule else None)


def _mac(decision: Decision, step: Step) -> Iterator[Line]:
    found = step.resolution
    if found is None or found.kind == "needless":
        return
    entry = found.entry
    states = " ".join(sorted(entry.states)) if entry else None
    owner = f"{found.place[0]} {found.place[1]}" if found.place else None
    values: dict[str, Any] = {
        "address": found.address, "mac": found.mac, "owner": owner, "states": states, "interface": decision.interface,
    }  # fmt: skip
    kind = found.kind
    if kind == "answered" and states:
        kind = "known"
    if kind == "answered" and found.mac is None:  # ``ip -br address`` shows none
        kind = "answered-unread"
    yield _line(f"mac.{kind}", **values)


def _stop(stop: Stop) -> Iterator[Line]:
    by = stop.decision.by
    values: dict[str, Any] = {
        "host": stop.host,
        "by": by.told if by else None,
        "rule": by.rule if by else None,
        "hook": stop.decision.hook,
        "destination": stop.decision.packet.destination,
        "source": stop.decision.packet.source,
        "length": stop.decision.packet.length,
        "address": stop.resolution.address if stop.resolution else None,
        "mac": stop.resolution.mac if stop.resolution else None,
        "interface": stop.decision.interface or stop.decision.packet.in_interface,
    }
    reason = stop.reason if stop.reason in _STOPS else "unknown"
    found = stop.decision.found
    if reason == "no-route" and found is not None and found.is_by_rule:
        reason = "no-route-by-rule"
    yield _line(f"stop.{reason}", **values)
    if stop.obstacle is not None and stop.obstacle.reason in _OBSTACLES:
        yield _obstacle(stop.obstacle.reason, stop.obstacle.host, stop.obstacle.interface, stop.obstacle.by)
    for silence in stop.resolution.silences if stop.resolution else ():
        if silence.obstacle is not None:
            where = silence.obstacle
            yield _obstacle(where.reason, where.host, where.interface, where.by)
        else:
            yield _line("silence", host=silence.place[0], interface=silence.place[1],
                        by=silence.by.told if silence.by else silence.reason)  # fmt: skip
    answer = stop.decision.answer
    if answer is not None:
        yield _line(
            "answer", host=stop.host, what=error_name(answer) if answer.is_error else "TCP [RST]", to=answer.destination
        )


def _obstacle(reason: str, host: str, interface: str, by: object) -> Line:
    return _line(f"obstacle.{reason}", host=host, interface=interface, by=getattr(by, "told", None))


def _cause(cause: StateCause, kind: str) -> Iterator[Line]:
    if not cause.locus:  # nothing is wrong anywhere: the verdict says it
        return
    where = [_place(each) for each in cause.locus]
    yield _line(f"{kind}.{cause.certainty}", 0 if kind == "cause" else 1, cause=cause.cause, where=where)
    for by in cause.because:
        yield _line("because", object=by.told)


def _place(locus: Locus) -> Line:
    where = " ".join(part for part in (locus.interface, locus.address) if part)
    values = {"role": role_line(locus.role), "node": locus.node, "where": where}
    kind = "node" if locus.node else "role"
    return Line(f"path.place.{kind}-more" if where else f"path.place.{kind}", values)


def role_line(role: str) -> Line:
    """What a host is for this packet: ``sender``, ``router:2``; words of others stay as they are."""
    if role.startswith("router:"):
        return Line("path.role.router-nth", {"number": role.partition(":")[2]})
    return Line(f"path.role.{role}" if role in _ROLES else "path.role.other", {"name": role})
