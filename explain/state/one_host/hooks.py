"""The hooks of one host in the order in which one packet meets them, and what they leave behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explain.state.filters.packet_values import Context
from explain.state.filters.ruleset import ruleset_of
from explain.state.filters.verdict import decide as verdict_of
from explain.state.one_host.deciders import filter_decider
from explain.state.one_host.decision import Decision, Look
from explain.state.packet import Packet, error_about, reset_to

if TYPE_CHECKING:
    from explain.state.one_host.flows import Flow, Tracked
    from explain.state.records import HostState

_V4 = {
    "net-unreachable": (3, 0), "host-unreachable": (3, 1), "prot-unreachable": (3, 2), "proto-unreachable": (3, 2),
    "port-unreachable": (3, 3), "net-prohibited": (3, 9), "host-prohibited": (3, 10), "admin-prohibited": (3, 13),
    "no-route": (3, 0),
}  # fmt: skip
_V6 = {
    "no-route": (1, 0), "admin-prohibited": (1, 1), "addr-unreachable": (1, 3), "address-unreachable": (1, 3),
    "port-unreachable": (1, 4), "policy-fail": (1, 5), "reject-route": (1, 6), "host-unreachable": (1, 3),
    "net-unreachable": (1, 0),
}  # fmt: skip


def families(packet: Packet) -> tuple[str, ...]:
    """The nft families whose chains an IP packet meets."""
    if packet.protocol == "arp":
        return ("arp",)
    return ("ip", "inet") if packet.family == 4 else ("ip6", "inet")


class Hooks:
    """Runs hooks and keeps what they said; lives as long as one decision is made."""

    def __init__(self, state: HostState, base: Decision) -> None:
        self.state = state
        self.base = base
        self.looks: list[Look] = []
        self.stopped: Look | None = None
        self.tracked: Tracked | None = None
        self.doubts: list[str] = []
        self.ruleset = ruleset_of(state)

    def run(
        self, hook: str, packet: Packet, in_device: str | None, out_device: str | None, tracked: Tracked | None
    ) -> Packet:
        """The packet after the hook; ``stopped`` tells whether it got through."""
        flow = tracked.flow if tracked else None
        context = Context(
            self.state,
            "ip" if packet.family == 4 else "ip6",
            in_device,
            out_device,
            status=flow.status if flow else frozenset(),
        )
        return self._look(hook, families(packet), packet, context)

    def run_device(self, hook: str, packet: Packet, device: str | None) -> Packet:
        """The hooks of one device: ``ingress`` before everything, ``egress`` after it."""
        inside = (device, None) if hook == "ingress" else (None, device)
        context = Context(self.state, "netdev", *inside)
        return self._look(hook, ("netdev", "inet"), packet, context)

    def _look(self, hook: str, wanted: tuple[str, ...], packet: Packet, context: Context) -> Packet:
        verdict = verdict_of(self.ruleset, wanted, hook, packet, context)
        if packet.is_fragmented and not verdict.stops and not self.ruleset.mentions("ct"):
            rest = replace(verdict.packet, is_fragment=True)
            tail = verdict_of(self.ruleset, wanted, hook, rest, context)
            verdict = tail if tail.stops else verdict
        look = Look(hook, verdict)
        self.looks.append(look)
        if verdict.stops:
            self.stopped = look
        return verdict.packet

    def ended(self, answer: Packet | None) -> Decision:
        """The decision of the filter that stopped the packet."""
        if self.stopped is None:
            raise AssertionError("nothing stopped the packet")
        verdict = self.stopped.verdict
        kind = "rejected" if verdict.kind == "reject" else "dropped"
        by = filter_decider(verdict)
        return self.done(kind, "filter", None, by=by, answer=answer, hook=self.stopped.hook)

    def done(self, verdict: str, reason: str, out: Packet | None, *, flow: Flow | None = None, **more: Any) -> Decision:
        """The decision, with everything that was met on the way to it."""
        is_certain = all(look.verdict.is_certain for look in self.looks) and not self.doubts
        found = more.get("found", self.base.found)
        if found is not None and not found.is_certain:
            is_certain = False
        return replace(
            self.base,
            verdict=verdict,
            reason=reason,
            out=out,
            flow=flow,
            looks=tuple(self.looks),
            is_certain=is_certain,
            doubts=tuple(self.doubts),
            **more,
        )


def refused_by(hooks: Hooks, packet: Packet, *, is_local: bool) -> Packet | None:
    """What a reject rule sends back. Source: nft(8), REJECT STATEMENT; RFC 1812 section 5.2.7.1."""
    look = hooks.stopped
    name = look.verdict.reject_with if look and look.verdict.kind == "reject" else None
    if name is None or packet.is_error or not packet.source:
        return None
    if name == "tcp reset":
        return reset_to(packet) if packet.protocol == "tcp" else None
    codes = _V4 if packet.family == 4 else _V6
    kind, code = codes.get(name, (3, 3) if packet.family == 4 else (1, 4))
    return error_about(packet, kind, code, source=packet.destination if is_local else None)
