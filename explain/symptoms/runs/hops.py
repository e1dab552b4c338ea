"""The way as traceroute, tracepath and mtr show it: one record for each TTL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from explain.symptoms.runs.reading import make_symptom

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.symptoms.witness import Symptom


@dataclass(frozen=True, slots=True)
class Hop:
    """What answered at one TTL.

    Attributes:
        ttl: from 1.
        addresses: of those who answered, in order, each once; a name where only a name was printed. Empty: silent.
        times_ms: of the answers, in order; mtr's mean.
        silent: probes without an answer.
        errors: names of ICMP errors other than time exceeded (``host-unreachable``, ``admin-prohibited``).
        mtu: of the path from here on, as tracepath tells it.
        is_target: the target itself answered here.
    """

    ttl: int
    addresses: tuple[str, ...]
    times_ms: tuple[float, ...]
    silent: int
    errors: tuple[str, ...] = ()
    mtu: int | None = None
    is_target: bool = False


def with_reached(symptoms: Sequence[Symptom], target: str | None) -> tuple[Symptom, ...]:
    """Hops at which the target itself answers are ``way.reached``."""
    wanted = str(target or "").split("%", 1)[0].lower().rstrip(".")
    return tuple(
        make_symptom(("way.reached", dict(each.values)), each.text, each.line)
        if wanted and each.id == "way.hop" and wanted in _named(each.values)
        else each
        for each in symptoms
    )


def _named(values: Mapping[str, Any]) -> set[str]:
    """Who answered at a hop, by address and by name."""
    told = (*values["addresses"], values.get("from_name") or "")
    return {str(one).split("%", 1)[0].lower().rstrip(".") for one in told}


def hops_of(symptoms: Sequence[Symptom]) -> tuple[Hop, ...]:
    """The hops in the order of their TTL; several lines of one TTL become one hop."""
    hops: dict[int, Hop] = {}
    last = None
    for each in symptoms:
        if not each.id.startswith("way.") or "ttl" not in each.values or each.values.get("is_local"):
            continue
        ttl = each.values["ttl"] if each.values["ttl"] is not None else last
        if ttl is None:
            continue
        last = ttl
        hops[ttl] = _merged(hops.get(ttl), _hop(ttl, each.id, each.values))
    return tuple(hops[ttl] for ttl in sorted(hops))


def _hop(ttl: int, name: str, values: Mapping[str, Any]) -> Hop:
    return Hop(
        ttl,
        tuple(str(one) for one in values.get("addresses", ()) if one),
        tuple(values.get("times_ms", ())),
        int(values.get("silent") or 0),
        tuple(values.get("errors", ())),
        values.get("mtu"),
        name == "way.reached",
    )


def _merged(before: Hop | None, now: Hop) -> Hop:
    if before is None:
        return now
    return replace(
        before,
        addresses=tuple(dict.fromkeys((*before.addresses, *now.addresses))),
        times_ms=(*before.times_ms, *now.times_ms),
        silent=before.silent + now.silent,
        errors=(*before.errors, *now.errors),
        mtu=now.mtu if now.mtu is not None else before.mtu,
        is_target=before.is_target or now.is_target,
    )
