"""The states as a witness: the walk of this very command through them, and what it leaves open."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.causes.states.sent import name_server, packet_of
from explain.record import dataclass
from explain.state.addresses import is_link_local
from explain.state.one_host.decision import Decider, worded
from explain.state.packet import Packet, echo
from explain.state.walk import walk
from explain.state.way.dhcp import dhcp_causes
from explain.state.way.path import Locus, StateCause
from explain.state.way.scene import Scene, filter_cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.context import Context
    from explain.causes.diagnosis import Witnesses
    from explain.state.records import HostState
    from explain.state.way.path import Path, Step

_WHOLE_6 = 128
_NEARLY = 100
"""Of so many entries of a full table one may have run out between the command and the look."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What the states show.

    Attributes:
        outcome: ``answered``, ``stopped`` or ``unknown``; of a DHCP client ``stopped`` where they show a cause.
        causes: those that the states show, most likely first.
        is_whole: nothing that matters lies outside the given states.
        passed: (role, leg) of hosts that certainly let the packet pass.
        path: the walk itself; None of a DHCP client.
        next_hop: whose MAC the sender needs, where its own state certainly tells.
        is_source_borrowed: the sender has no better source than its link-local address, or one of another interface.
        later: causes that would stop it next, were the first ones mended.
        uncollected: causes of which the states say nothing, since what would show them was not collected.
        is_joined: what joins the hosts of the way is known, not only that they share a segment.
    """

    outcome: str
    causes: tuple[StateCause, ...]
    also: tuple[StateCause, ...]
    is_whole: bool
    passed: frozenset[tuple[str, str]]
    path: Path | None = None
    next_hop: str | None = None
    is_source_borrowed: bool = False
    uncollected: frozenset[str] = frozenset()
    later: tuple[StateCause, ...] = ()
    is_joined: bool = True


def walked(witnesses: Witnesses, context: Context, destination: str | None) -> Walked | None:
    """The walk that the states allow; None without the sender's state or without a destination.

    Args:
        witnesses: with states.
        context: the command.
        destination: the address that was meant, if any witness tells it.
    """
    sender = next((each for each in witnesses.states if each.name == witnesses.sender), None)
    if sender is None:
        return None
    if context.tool == "dhcp":
        return _of_dhcp(witnesses, sender)
    target = _target(witnesses)
    server = name_server(witnesses) if context.tool == "lookup" else None
    to = server or destination or _address_of(target, context.family)
    if to is None:
        return None
    path = _way(witnesses, context, sender.name, target, packet_of(witnesses, context, to))
    if context.tool == "trace" and path.request.protocol == "udp":
        path = _more_telling(path, _way(witnesses, context, sender.name, target, echo(to)), witnesses)
    causes = (*_misnamed(witnesses, context, path, target, sender), *_corrected(path.causes, context))
    causes += (*_nearly_full(witnesses, path), *_in_doubt(path))
    causes = tuple(_of_server(each, server) for each in causes) if server else causes
    is_whole = _is_whole(witnesses, context, path)
    causes, behind = _parted(causes) if is_whole and not server else (causes, ())
    return Walked(
        outcome=path.outcome,
        causes=causes,
        also=path.also,
        is_whole=is_whole,
        passed=_passed(path),
        path=path,
        next_hop=_next_hop(path),
        is_source_borrowed=_is_borrowed(path, sender),
        uncollected=_uncollected(witnesses, path),
        later=(*behind, *path.later) if is_whole and not server else (),
        is_joined=_is_joined(path),
    )


def _parted(causes: tuple[StateCause, ...]) -> tuple[tuple[StateCause, ...], tuple[StateCause, ...]]:
    """A sender that drops the error hides a fault, which lies behind its own and is no rival of it."""
    is_hiding = bool(causes) and causes[0].cause == "filter-on-sender-input" and causes[0].direction == "error"
    return (
        (causes[:1], tuple(each for each in causes[1:] if each.certainty != "possible")) if is_hiding else (causes, ())
    )


def _way(witnesses: Witnesses, context: Context, sender: str, target: HostState | None, packet: Packet) -> Path:
    """The walk of a packet over the cables that are told, and with the roles of the hosts whose states are given."""
    known, topology = {each.name for each in witnesses.states}, witnesses.topology
    return walk(
        witnesses.states,
        packet,
        sender,
        links=topology.links,
        target=target.name if target else None,
        roles={name: role for name, role in topology.roles.items() if name in known} or None,
        probes_hops=context.tool == "trace",
        has_succeeded=witnesses.text.succeeded if witnesses.text else None,
    )


def _is_whole(witnesses: Witnesses, context: Context, path: Path) -> bool:
    """Whether nothing that matters lies outside the states: all of the network is known, or all of the way is."""
    topology = witnesses.topology
    if topology.is_whole and set(topology.roles) <= {each.name for each in witnesses.states}:
        return path.is_certain or path.outcome != "answered"
    is_numeric = context.conditions.get("named") is False
    is_proved = _is_joined(path) and any(each.certainty == "proved" for each in path.causes)
    return path.is_certain and (is_proved or (is_numeric and Scene(path).is_complete()))


def _is_joined(path: Path) -> bool:
    """Where hosts are only taken to share a segment, nobody knows what joins them, nor who else is there."""
    return all(step.to is None or path.network.is_joined(step.to) for step in path.steps)


def _is_borrowed(path: Path, sender: HostState) -> bool:
    """Without an address of its own on the interface, a host sends from its link-local one, or lends another's."""
    out = path.steps[0].decision.out if path.steps else None
    if out is None or not out.source or is_link_local(path.request.destination):
        return False
    bound = path.request.bound_interface
    owner = sender.owner_of(out.source)
    return is_link_local(out.source) or (bound is not None and owner is not None and owner.name != bound)


def _uncollected(witnesses: Witnesses, path: Path) -> frozenset[str]:
    """The hop limit of IPv6 is a setting that older dumps lack; ``ip neigh`` hides entries of ``nud noarp``."""
    named = [name for state in witnesses.states for name in state.sysctls or ()]
    is_known = path.request.family == 4 or any(name.endswith(".hop_limit") for name in named)
    hidden = (("reply-ttl-too-low", not is_known), ("wrong-static-neighbour", any(map(_is_unlisted, path.steps))))
    return frozenset(cause for cause, is_hidden in hidden if is_hidden)


def _is_unlisted(step: Step) -> bool:
    """Whether the neighbour that a packet went to is none of those that were listed."""
    found = step.resolution
    return found is not None and found.address is not None and found.is_found and found.entry is None


def _more_telling(probe: Path, ping: Path, witnesses: Witnesses) -> Path:
    """A trace's datagrams are answered by errors, of which less is known than of an echo that meets the same fate."""
    text = witnesses.text
    has_failed = text is not None and text.succeeded is False
    if ping.outcome != "stopped":
        return probe
    same = {each.cause for each in probe.causes} <= {each.cause for each in ping.causes}
    return ping if (probe.outcome == "stopped" and same) or (probe.outcome == "answered" and has_failed) else probe


def _next_hop(path: Path) -> str | None:
    first = path.steps[0].decision if path.steps else None
    return first.next_hop if first is not None and first.verdict == "sent" and first.is_certain else None


def _misnamed(
    witnesses: Witnesses, context: Context, path: Path, target: HostState | None, sender: HostState
) -> tuple[StateCause, ...]:
    """A name led to an address that nobody has, while the target is there under its own."""
    to = _address_of(target, path.request.family)
    if not context.holds("named") or to is None or path.outcome != "stopped":
        return ()
    if any(each.owner_of(path.request.destination) for each in witnesses.states):
        return ()
    right = walk(witnesses.states, replace(path.request, destination=to, source=None), sender.name)
    if right.outcome == "stopped":
        return ()
    wrong = path.request.destination
    by = worded("address", f"{wrong} instead of {to}", "instead", None, wrong, wrong=wrong, wanted=to)
    place = Locus("dns-server", None, None, path.request.destination)
    return (StateCause("name-resolves-to-wrong-address", "likely", (place,), (by,)),)


def _corrected(causes: tuple[StateCause, ...], context: Context) -> tuple[StateCause, ...]:
    """What the command tells beyond the packet: a port asked of a router, an echo asked of everybody."""
    if not causes:
        return causes
    first = causes[0]
    role = first.locus[0].role if first.locus else ""
    if first.cause == "tcp-no-listener" and role.startswith("router"):
        return (replace(first, cause="dnat-missing", certainty="likely"), replace(first, certainty="possible"))
    if context.holds("bc") and first.cause == "forwarding-disabled" and not role.startswith("router"):
        by = Decider("sysctl", "net.ipv4.icmp_echo_ignore_broadcasts")
        return (StateCause("broadcast-echo-ignored", "likely", (Locus("target"),), (by,)),)
    return causes


def _nearly_full(witnesses: Witnesses, path: Path) -> tuple[StateCause, ...]:
    """A connection table on the way that has room for hardly any flow now may have had none when the command ran."""
    passed = {step.decision.host for step in path.steps if step.decision.out and step.decision.out.connection == "new"}
    found = []
    for state in witnesses.states if path.outcome == "answered" else ():
        count, most = (state.sysctl(f"net.netfilter.nf_conntrack_{name}") for name in ("count", "max"))
        if state.name in passed and count and most and count >= most - most // _NEARLY:
            by = Decider("sysctl", f"net.netfilter.nf_conntrack_count = {count} of {most}")
            place = Locus(path.roles.get(state.name, "bystander"), state.name)
            found.append(StateCause("conntrack-table-full", "possible", (place,), (by,)))
    return tuple(found)


_REFUSING = {
    "sender": "policy-rule-on-sender",
    "router": "reject-route-on-router",
    "target": "no-return-route-on-target",
}


def _in_doubt(path: Path) -> Iterator[StateCause]:
    """Rules on a way that seems free which stop the packet if a condition holds that the states do not tell."""
    for step in path.steps if path.outcome == "answered" else ():
        role, host = path.roles.get(step.decision.host, "bystander"), step.decision.host
        part = role.partition(":")[0]
        for device, hook in _classified(step, path):
            by = worded("qdisc", f"clsact dev {device}", "classifiers", device, device=device, hook=hook)
            yield StateCause(filter_cause(part, hook), "possible", (Locus(role, host, device),), (by,))
        rule = step.decision.found.suspect if step.decision.found else None
        if rule is not None and part in _REFUSING:
            by = Decider("policy-rule", rule.text, rule=rule.text)
            yield StateCause(_REFUSING[part], "possible", (Locus(role, host, rule=rule.text),), (by,))
        for look in step.decision.looks:
            if (doubted := look.verdict.suspect) is not None:
                by = Decider("filter-rule", doubted.text, rule=doubted.name)
                place = Locus(role, host, rule=doubted.name)
                yield StateCause(filter_cause(part, look.hook), "possible", (place,), (by,))


def _classified(step: Step, path: Path) -> Iterator[tuple[str, str]]:
    """Interfaces of a step at which filters of tc may hang, which no state lists. Source: tc-actions(8)."""
    decision = step.decision
    kinds = {str(each.get("dev")): each.get("kind") for each in path.network.hosts[decision.host].qdiscs or ()
             if each.get("kind") in {"clsact", "ingress"}}  # fmt: skip
    came = decision.packet.in_interface if decision.packet.in_interface in kinds else None
    if came is not None:
        yield came, "ingress"
    if decision.verdict in {"sent", "forwarded"} and kinds.get(decision.interface or "") == "clsact":
        yield decision.interface or "", "egress"


def _of_server(cause: StateCause, server: str) -> StateCause:
    """What stops a question beyond the asker is, to a look-up, a server that does not answer."""
    if cause.certainty == "possible" or (cause.locus and cause.locus[0].role in {"sender", "command"}):
        return cause
    return replace(cause, cause="dns-server-unreachable", locus=(*cause.locus, Locus("dns-server", None, None, server)))


def _target(witnesses: Witnesses) -> HostState | None:
    named = {"T", "target"}
    return next((each for each in witnesses.states if witnesses.topology.roles.get(each.name) in named), None)


def _address_of(target: HostState | None, family: int | None) -> str | None:
    if target is None:
        return None
    for wanted in (family,) if family else (4, 6):
        own = [
            address.local
            for interface, address in target.addresses(wanted)
            if not interface.is_loopback and not is_link_local(address.local)
        ]
        if own:
            return own[0]
    return None


def _of_dhcp(witnesses: Witnesses, client: HostState) -> Walked:
    command = witnesses.known_command
    words = command.words[1:] if command else ()
    names = [each.name for each in client.interfaces or () if not each.is_loopback]
    device = next((word for word in reversed(words) if word in names), None) or (names or [""])[0]
    topology = witnesses.topology
    links = topology.links if topology.is_whole else None
    is_whole = topology.is_whole and set(topology.roles) <= {each.name for each in witnesses.states}
    family = 6 if command is not None and (command.family == 6 or "-6" in words) else 4
    causes = dhcp_causes(witnesses.states, client.name, device, family=family, links=links)
    if not causes and is_whole:
        own = [each for nic, each in client.addresses(family) if nic.name == device and not is_link_local(each.local)]
        # A lease of IPv6 says nothing of the link's prefix. Source: RFC 8415, 18.2.10.1.
        leased = [each for each in own if family == 4 or each.prefix_length == _WHOLE_6]
        by = tuple(Decider("address", f"{each.local}/{each.prefix_length} dev {device}", device) for each in leased)
        exhausted = StateCause("dhcp-pool-exhausted", "likely", (Locus("dhcp-server"),), ())
        causes = (StateCause("healthy", "likely", (), by) if leased else exhausted,)
        return Walked("unknown", causes, (), is_whole, frozenset())
    return Walked("stopped" if causes else "unknown", causes, (), is_whole, frozenset())


def _passed(path: Path) -> frozenset[tuple[str, str]]:
    """Roles that let the packet pass, and the next one got it; a role is only named if all its hosts did."""
    fates: dict[tuple[str, str], bool] = {}
    for step in path.steps:
        role = path.roles.get(step.decision.host, "")
        part = "router" if role.startswith("router") else role
        is_through = step.decision.goes_on and step.decision.is_certain
        is_through = is_through and (step.to is not None or step.decision.verdict == "delivered")
        key = (part, "request" if step.direction == "request" else "reply")
        fates[key] = fates.get(key, True) and is_through
    return frozenset(key for key, is_through in fates.items() if is_through)
