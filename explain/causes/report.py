"""A diagnosis as JSON: the contract's ``explain-diagnosis/1``."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from explain.causes.diagnosis import Candidate, Diagnosis, Look, Reason

SCHEMA = "explain-diagnosis/1"


def diagnosis_report(
    diagnosis: Diagnosis, say: Callable[[str, Mapping[str, Any]], str], mend: Callable[[Candidate], str]
) -> dict[str, Any]:
    """The JSON object; absent values are null, and no key is ever left out.

    Args:
        diagnosis: the answer.
        say: turns the name of a sentence and its values into words.
        mend: the command or action that mends a cause here.
    """
    return {
        "schema": SCHEMA,
        "symptoms": [
            {"id": each.id, "text": each.text, "values": _plain(dict(each.values))} for each in diagnosis.symptoms
        ],
        "causes": [_cause(each, say, mend) for each in diagnosis.causes],
        "also": [_cause(each, say, mend) for each in (*diagnosis.later, *diagnosis.also)],
        "ruled_out": [
            {"cause": each.cause, "because": say(each.because.message, each.because.values)}
            for each in diagnosis.ruled_out
        ],
        "next": [_look(each, say) for each in diagnosis.next],
    }


def _cause(
    each: Candidate, say: Callable[[str, Mapping[str, Any]], str], mend: Callable[[Candidate], str]
) -> dict[str, Any]:
    return {
        "cause": each.cause,
        "certainty": each.certainty,
        "locus": [
            {"role": one.role, "node": one.node, "interface": one.interface, "address": one.address, "rule": one.rule}
            for one in each.locus
        ],
        "because": [_reason(one, say) for one in each.because],
        "fix": mend(each),
    }


def _reason(each: Reason, say: Callable[[str, Mapping[str, Any]], str]) -> dict[str, Any]:
    return {
        "text": say(each.message, each.values),
        "witness": each.witness,
        "evidence": _plain(dict(each.evidence)) if each.evidence is not None else None,
    }


def _look(each: Look, say: Callable[[str, Mapping[str, Any]], str]) -> dict[str, Any]:
    return {
        "ask": say(each.ask, each.values),
        "command": each.command,
        "role": each.role,
        "node": each.node,
        "tells": [{"if": say(shown, each.values), "causes": list(causes)} for shown, causes in each.outcomes],
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
