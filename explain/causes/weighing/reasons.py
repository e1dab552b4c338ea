"""Why a cause is believed or not, and where it would lie: facts with the name of their sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.context import context_of, passed_smaller
from explain.causes.diagnosis import Reason
from explain.causes.weighing.favour import BY_SIZE
from explain.causes.wires.reasons import objection, reasons_for
from explain.model import Line
from explain.state.walk import told_role
from explain.state.way.path import Locus

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.causes.diagnosis import Witnesses
    from explain.causes.states.walked import Walked
    from explain.causes.text.signs import Sign
    from explain.causes.weighing.weigh import Fallen, Kept
    from explain.causes.wires.witness import Wires
    from explain.state.way.path import StateCause
    from explain.symptoms.witness import Symptom

_COMMAND = frozenset((
    "source-address-not-local", "unknown-interface", "wrong-interface-selected", "no-raw-socket-privilege",
    "broadcast-ping-without-b", "link-local-without-scope", "ttl-too-low", "name-does-not-exist",
))  # fmt: skip
_NAMES = frozenset(("name-resolves-to-wrong-address", "dns-server-unreachable"))


def because(
    each: Kept, found: StateCause | None, witnesses: Witnesses, sign: Sign | None, wires: Wires | None
) -> tuple[Reason, ...]:
    """What speaks for a cause, the strongest first."""
    reasons: list[Reason] = []
    for by in found.because if found else ():
        evidence = {"host": found.locus[0].node if found and found.locus else None, "kind": by.kind, "text": by.text,
                    "interface": by.interface, "address": by.address, "rule": by.rule}  # fmt: skip
        reasons.append(Reason("diagnosis.state.object", {"text": by.told}, "state", evidence))
    if wires is not None:
        reasons += reasons_for(wires, each.strikes)
    if sign is not None and sign.lines:
        line = sign.lines[0]
        witness = "live" if witnesses.is_live else "text"
        message = "diagnosis.text.muted" if each.is_muted else "diagnosis.text.said"
        reasons.append(Reason(message, {"text": line.text}, witness, {"line": line.line, "symptom": line.id}))
    if each.cause in BY_SIZE and (smaller := _smaller(witnesses)):
        reasons.append(Reason("diagnosis.text.smaller", {"text": smaller.text}, "text", {"line": smaller.line}))
    return tuple(reasons)


def _smaller(witnesses: Witnesses) -> Symptom | None:
    """The first answer to a smaller ping beside this one."""
    known = context_of(witnesses)
    run = passed_smaller(witnesses.text, known.destination, known.size)
    return next(iter(run.all("echo.reply")), None) if run else None


def locus_of(
    each: Kept, witnesses: Witnesses, context: Context, sign: Sign | None, wires: Wires | None
) -> tuple[Locus, ...]:
    """Where the cause would lie, as far as the witnesses tell."""
    if each.cause in _COMMAND:
        return (Locus("command", witnesses.sender),)
    if each.cause in _NAMES:
        return (Locus("dns-server"),)
    strike = each.strikes[0]
    if strike.at is None:
        return ()
    part = _named_part(each.cause)
    if part is not None and strike.at != part:
        return (_locus_of_part(part, each.cause, witnesses, context),)
    at = wires.place_of(strike) if wires is not None else None
    if at is not None:
        role = told_role(witnesses.topology.roles.get(at[0] or "", "")) or _role(strike.at)
        return (Locus(role, at[0], at[1]),)
    if strike.at == "sender":
        return (Locus("sender", witnesses.sender),)
    if each.cause == "silent-hop" and (gap := _silent_hop(witnesses)):
        return (Locus(f"router:{gap}"),)
    if strike.at == "router":
        speaker = sign.speaker if sign and sign.by != "self" else None
        return (Locus("router:1" if strike.leg == "request" and speaker is None else "router", None, None, speaker),)
    if strike.at == "target":
        return (Locus("target", None, None, context.destination),)
    return (Locus(_role(strike.at)),)


def placed(locus: Locus) -> Line:
    """Where a cause lies, as a sentence to come."""
    from explain.state.tell import role_line

    values = {"role": role_line(locus.role), "node": locus.node or locus.address, "interface": locus.interface}
    kind = "interface" if locus.node and locus.interface else "node" if values["node"] else "role"
    return Line(f"diagnosis.place.{kind}", values)


def _silent_hop(witnesses: Witnesses) -> int | None:
    """The number of the first hop that a trace shows as silent."""
    return next((hop.ttl for hop in witnesses.text.hops if not hop.addresses), None) if witnesses.text else None


def _named_part(cause: str) -> str | None:
    """Where a cause lies by its own name, although it is the sender who waits in vain."""
    if cause.startswith("destination-host-absent") or "target" in cause:
        return "target"
    if cause.startswith("bridge-") or cause in {"filter-on-switch", "wrong-static-fdb-entry"}:
        return "switch"
    return "router:1" if cause == "gateway-interface-down" else None


def _locus_of_part(part: str, cause: str, witnesses: Witnesses, context: Context) -> Locus:
    """The part with its node, if there is one of them and it is not absent."""
    nodes = [name for name, role in witnesses.topology.roles.items() if told_role(role) == part]
    is_known = len(nodes) == 1 and not cause.startswith("destination-host-absent")
    return Locus(part, nodes[0] if is_known else None, None, context.destination if part == "target" else None)


def _role(at: str) -> str:
    return {"segment": "link"}.get(at, at)


def ruled_out(
    fallen: Fallen, sign: Sign | None, wires: Wires | None, states: Walked | None, context: Context
) -> Reason:
    """Which witness contradicts a cause, and by what."""
    if fallen.stage == "text" and sign is not None:
        text = sign.lines[0].text if sign.lines else sign.name
        return Reason("diagnosis.out.text", {"text": text}, "text")
    if fallen.stage == "capture" and wires is not None:
        return objection(wires)
    if fallen.stage == "state" and states is not None:
        host = states.path.stop.host if states.path and states.path.stop else None
        if host is not None:
            return Reason("diagnosis.out.stopped", {"host": host}, "state")
        return Reason("diagnosis.out.passed", {}, "state")
    return Reason("diagnosis.out.command", {"tool": context.tool or "-"}, "text")
