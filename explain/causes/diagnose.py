"""Witnesses in, diagnosis out; each step takes what the one before it gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.causes.context import context_of
from explain.causes.diagnosis import Candidate, Diagnosis, Reason, RuledOut, Witnesses
from explain.causes.looks.next_steps import next_looks
from explain.causes.states.walked import walked
from explain.causes.text.signs import OPEN, sign_of
from explain.causes.weighing.rank import order
from explain.causes.weighing.reasons import because, locus_of, ruled_out
from explain.causes.weighing.weigh import GOOD, weigh
from explain.causes.wires.reasons import redirects
from explain.causes.wires.witness import wires_of
from explain.state.addresses import network_of

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.causes.states.walked import Walked
    from explain.causes.text.signs import Sign
    from explain.causes.weighing.weigh import Fallen, Kept
    from explain.causes.wires.witness import Wires
    from explain.state.way.path import StateCause

_BOTH_SURE = 2
_LATER = Reason("diagnosis.later", {}, "state")


def diagnose(witnesses: Witnesses) -> Diagnosis:
    """Why the command failed, or that it did not.

    Args:
        witnesses: at least one of text, captures and states.
    """
    context = context_of(witnesses)
    wires = wires_of(witnesses, context) if witnesses.table is not None else None
    if wires is not None:
        context = wires.enrich(context)
        wires = replace(wires, context=context)
    sign = sign_of(witnesses.text, context) if witnesses.text else None
    if wires is not None and sign is not None:
        sign = wires.settle(sign)
    if sign is not None:
        sign = _spoken(sign, witnesses)
    # Without a text that tells, whatever the frames leave open may have been said.
    signs = (sign,) if sign is not None else wires.signs if wires is not None else ()
    sign = sign or next(iter(signs), None)
    states = walked(witnesses, context, context.destination) if witnesses.states else None
    kept, fallen = _reconciled(witnesses, context, signs, wires, states)
    kept = order(kept, sign, wires, states, context)
    causes = tuple(_candidate(each, kept, witnesses, context, sign, wires, states) for each in kept)
    is_success = None if sign is None or sign.name in OPEN else sign.name in GOOD
    return Diagnosis(
        symptoms=witnesses.text.symptoms if witnesses.text else (),
        causes=causes,
        also=_also(causes, wires, states),
        ruled_out=tuple(RuledOut(each.cause, ruled_out(each, sign, wires, states, context)) for each in fallen),
        next=next_looks(kept, witnesses, context, wires),
        is_success=is_success,
        later=tuple(_shown(each, _LATER) for each in (states.later if states and not is_success else ())),
    )


def _spoken(sign: Sign, witnesses: Witnesses) -> Sign:
    """An error whose speaker the sender's state knows: by itself, or by another host of one of its networks."""
    state = next((each for each in witnesses.states if each.name == witnesses.sender), None)
    if state is None or sign.name != "error" or sign.by is not None or sign.speaker is None:
        return sign
    if state.owner_of(sign.speaker) is not None:
        return replace(sign, by="self")
    nets = (network_of(own.local, own.prefix_length) for family in (4, 6) for _, own in state.addresses(family))
    return replace(sign, by="router") if any(net and net.covers(sign.speaker) for net in nets) else sign


def _reconciled(
    witnesses: Witnesses, context: Context, signs: tuple[Sign, ...], wires: Wires | None, states: Walked | None
) -> tuple[list[Kept], list[Fallen]]:
    """Witnesses that contradict each other leave nothing; then the ones that are less direct are heard less.

    A state is taken after the command, and a capture may be of another place than it seems; what the terminal
    showed is what is to be explained.
    """
    topology = witnesses.topology
    for heard in (
        (signs, wires, states),
        (signs, None, states),
        (signs, wires, None),
        (signs, None, None),
        ((), wires, states),
    ):
        kept, fallen = weigh(context, heard[0], heard[1], heard[2], topology)
        if kept:
            return kept, fallen
    return weigh(context, (), None, states, topology)


def _candidate(
    each: Kept, kept: list[Kept], witnesses: Witnesses, context: Context, sign: Sign | None, wires: Wires | None,
    states: Walked | None,
) -> Candidate:  # fmt: skip
    found = _walked_cause(each.cause, states)
    return Candidate(
        each.cause,
        _certainty(each, kept, sign, wires, states, found),
        found.locus if found and found.locus else locus_of(each, witnesses, context, sign, wires),
        because(each, found, witnesses, sign, wires),
    )


def _walked_cause(cause: str, states: Walked | None) -> StateCause | None:
    if states is None:
        return None
    return next((each for each in (*states.causes, *states.also) if each.cause == cause), None)


def _certainty(
    each: Kept, kept: list[Kept], sign: Sign | None, wires: Wires | None, states: Walked | None,
    found: StateCause | None,
) -> str:  # fmt: skip
    is_first = each is kept[0]
    if found is not None and not each.is_muted:
        return found.certainty if is_first or found.certainty != "proved" else "likely"
    if len(kept) == 1:
        return "proved" if wires is not None and (states is not None or wires.is_everywhere) else "likely"
    if is_first and sign is not None and sign.rest is None and sign.name in GOOD | {"part-lost", "damaged"}:
        return "likely"
    return "likely" if is_first and len(kept) <= _BOTH_SURE + 1 else "possible"


def _shown(each: StateCause, *reasons: Reason) -> Candidate:
    objects = tuple(
        Reason("diagnosis.state.object", {"text": by.told}, "state", {"kind": by.kind, "text": by.text})
        for by in each.because
    )
    return Candidate(each.cause, each.certainty, each.locus, (*reasons, *objects))


def _also(causes: tuple[Candidate, ...], wires: Wires | None, states: Walked | None) -> tuple[Candidate, ...]:
    """Observations that are no cause of this failure, and what explains only its silence."""
    named = {each.cause for each in causes}
    found = [_shown(each) for each in (states.also if states else ()) if each.cause not in named]
    found += [each for each in (redirects(wires) if wires else ()) if each.cause not in named]
    return tuple(found)
