"""Look-ups that a resolver hands on: what its own server does not tell it, it cannot tell who asked it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from explain.causes.from_capture.scene import Scene
    from explain.exchanges.columns import ExchangeColumns

_PATIENCE_NS = 5_000_000_000  # after its last question a client waits as long, and the resolver may ask on meanwhile
_MOST_BETWEEN = 16  # look-ups for the same in vain that begin while one is not answered
_FEWEST = 2


def handed_on(scene: Scene, part: ExchangeColumns, *outcomes: str) -> Mapping[int, list[int]]:
    """Of look-ups that ended so: those that were only handed on, by the one that was the reason.

    It asked for the same, of another server and from another address, and ended while the first one waited.  Who
    asks again soon is told the same again, and not only then.
    """
    vain = part.where(*outcomes).tolist()
    if len(vain) < _FEWEST:
        return {}
    reasons = _reasons(scene, part, vain)
    last: dict[Hashable, int] = {}
    found: dict[int, list[int]] = defaultdict(list)
    for index in vain if reasons else ():
        asked = tuple(part.facts[fact][index] for fact in ("client", "server", "raw_name", "type"))
        before = last.get(asked)
        if before is not None and part.start_ns[index] - part.end_ns[before] <= _PATIENCE_NS:
            reasons.setdefault(index, reasons[before])
        if index in reasons:
            last[asked] = index
            found[reasons[index]].append(index)
    return found


def _reasons(scene: Scene, part: ExchangeColumns, vain: list[int]) -> dict[int, int]:
    """For each of some look-ups the one that it was handed on as; the last one where that was handed on, too.

    Of a server that said nothing it has to be seen that it asked: by its address, or as it is on the host itself.
    """
    clients, servers, names, types = (part.facts[fact] for fact in ("client", "server", "raw_name", "type"))
    found: dict[int, int] = {}
    if len({servers[index] for index in vain}) < _FEWEST:
        return found
    is_silent = part.outcome == part.outcomes.index("unanswered")
    starts, until = part.start_ns.tolist(), (part.end_ns + np.where(is_silent, _PATIENCE_NS, 0)).tolist()
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for index in vain:
        alike[names[index], types[index]].append(index)

    def is_tied(index: int, other: int) -> bool:
        if not is_silent[index] or clients[other] == servers[index]:
            return True
        return is_loopback(scene.table.addresses.text(servers[index]))

    for some in alike.values():
        for at in range(len(some) - 2, -1, -1):
            index = some[at]
            for other in some[at + 1 : at + 1 + _MOST_BETWEEN]:
                if starts[other] > until[index]:
                    break
                is_other = servers[other] != servers[index] and clients[other] != clients[index]
                if is_other and part.end_ns[other] <= until[index] and is_tied(index, other):
                    found[index] = found.get(other, other)
                    break
    return found


def is_loopback(address: str) -> bool:
    """127.0.0.0/8 (RFC 1122, 3.2.1.3) or ::1 (RFC 4291, 2.5.3)."""
    return address.startswith("127.") or address == "::1"


def account_for_those_handed_on(scene: Scene, part: ExchangeColumns, behind: Mapping[int, list[int]]) -> None:
    """Where the reason is known already, what it led to is no second trouble."""
    done = scene.accounted[part.kind]
    for reason, some in behind.items():
        if reason in done:
            done.update(some)
