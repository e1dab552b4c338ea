"""A path as JSON: ids and values, no prose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.state.packet import Packet, error_name

if TYPE_CHECKING:
    from explain.state.one_host.decision import Decider, Decision
    from explain.state.way.path import Locus, Path, StateCause, Step

SCHEMA = "explain-path/1"


def path_report(path: Path) -> dict[str, Any]:
    """The JSON object of ``explain path --json``; absent values are null, no key is ever left out."""
    stop = path.stop
    return {
        "schema": SCHEMA,
        "sender": path.sender,
        "target": path.target,
        "destination": path.request.destination,
        "outcome": path.outcome,
        "stopped_at": None
        if stop is None
        else {
            "host": stop.host,
            "direction": stop.direction,
            "reason": stop.reason,
            "by": _decider(stop.decision.by),
            "obstacle": None
            if stop.obstacle is None
            else {
                "reason": stop.obstacle.reason,
                "host": stop.obstacle.host,
                "interface": stop.obstacle.interface,
                "by": _decider(stop.obstacle.by),
            },
        },
        "steps": [_step(step) for step in path.steps],
        "causes": [_cause_report(cause) for cause in path.causes],
        "later": [_cause_report(cause) for cause in path.later],
        "also": [_cause_report(cause) for cause in path.also if cause not in path.causes],
        "roles": dict(path.roles),
    }


def _cause_report(cause: StateCause) -> dict[str, Any]:
    """A cause in the shape of the diagnosis: cause, certainty, locus, because."""
    return {
        "cause": cause.cause,
        "certainty": cause.certainty,
        "locus": [_locus(each) for each in cause.locus],
        "because": [{"text": each.text, "witness": "state", "evidence": _decider(each)} for each in cause.because],
    }


def _locus(locus: Locus) -> dict[str, Any]:
    return {
        "role": locus.role,
        "node": locus.node,
        "interface": locus.interface,
        "address": locus.address,
        "rule": locus.rule,
    }


def _decider(by: Decider | None) -> dict[str, Any] | None:
    if by is None:
        return None
    return {
        "kind": by.kind,
        "text": by.text,
        "interface": by.interface,
        "address": by.address,
        "rule": by.rule,
    }


def _packet(packet: Packet | None) -> dict[str, Any] | None:
    if packet is None:
        return None
    return {
        "protocol": packet.protocol,
        "src": {"address": packet.source, "port": packet.source_port},
        "dst": {"address": packet.destination, "port": packet.destination_port},
        "ttl": packet.ttl,
        "length": packet.length,
        "error": error_name(packet) if packet.is_error else None,
    }


def _step(step: Step) -> dict[str, Any]:
    decision = step.decision
    found = step.resolution
    return {
        "direction": step.direction,
        "host": decision.host,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "certainty": decision.certainty,
        "by": _decider(decision.by),
        "in_interface": decision.packet.in_interface,
        "out_interface": decision.interface,
        "route": _route(decision),
        "next_hop": decision.next_hop,
        "mac": None
        if found is None
        else {
            "needed_for": found.address,
            "found": found.kind,
            "mac": found.mac,
            "owner": None if found.place is None else {"host": found.place[0], "interface": found.place[1]},
            "state": sorted(found.entry.states) if found.entry else None,
        },
        "packet": _packet(decision.packet),
        "out": _packet(decision.out),
        "answer": _packet(decision.answer),
        "rules": [
            {"hook": look.hook, "rule": passed.rule.name, "text": passed.rule.text, "did": passed.did}
            for look in decision.looks
            for passed in look.verdict.passed
        ],
        "unknown": list(decision.doubts),
    }


def _route(decision: Decision) -> dict[str, Any] | None:
    found = decision.found
    if found is None:
        return None
    return {
        "kind": found.kind,
        "text": found.route.text if found.route else None,
        "network": str(found.route.network) if found.route else None,
        "table": found.route.table if found.route else None,
        "policy_rule": found.rule.text if found.rule else None,
        "tables_tried": list(found.tried),
        "source": decision.sending.source if decision.sending else None,
    }
