"""One root is one finding: what several places saw of it is told once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from explain.causes.from_capture.scene import Seen

_NAMES = frozenset((
    "address", "asker", "case", "chosen", "client", "dst", "error", "from", "gateway", "mac", "macs", "name", "port",
    "protocol", "reader", "server", "servers", "src", "wanted", "writer",
))  # fmt: skip
"""Values that say who and where; the others are counts and measures, which differ from place to place."""
_RANK = {"proved": 0, "likely": 1, "possible": 2}
_SCANS = frozenset(("ports", "scan", "scan-open", "stealth", "sweep"))
_WORKS = frozenset(("icmp-redirect", "silent-hop", "suboptimal-gateway", "proxy-arp-in-play"))
_HARMLESS = ("heeded", "moved", "flux")
"""Who was told that packets are too large sends smaller ones, that arrive; an address seems to have
moved, or one host to answer on several interfaces."""


def works(cause: str, case: object) -> bool:
    """Whether all that was wanted works nevertheless, as far as it can be seen."""
    return cause in _WORKS or case in _HARMLESS


def join(seen: Iterable[Seen]) -> list[Seen]:
    """Findings of the same cause about the same hosts as one; scans first, then the surest, what works anyway last.

    Whoever tries very many ports is the reason for the few that answered otherwise, too.
    """
    groups: dict[Hashable, list[Seen]] = {}
    for one in seen:
        groups.setdefault(naming(one), []).append(one)
    found = [some[0] if len(some) == 1 else joined(some) for some in groups.values()]
    return sorted(found, key=lambda one: (_harm(one), one.values.get("case") not in _SCANS, _RANK[one.certainty]))


def _harm(one: Seen) -> int:
    """Failures first, then what came twice or was given as well as denied, then what works anyway."""
    case = one.values.get("case")
    return 2 if works(one.cause, case) else int(one.cause == "duplicated-packets" or case == "denied")


def naming(one: Seen, without: Iterable[str] = ()) -> tuple[Hashable, ...]:
    """The cause and all that says who and where, but for some: what findings have in common that can be one."""
    values = one.values
    names = _names_among(tuple(values), frozenset(without))
    return one.cause, names, *map(str, map(values.__getitem__, names))


@cache
def _names_among(names: tuple[str, ...], without: frozenset[str]) -> tuple[str, ...]:
    """Those that say who and where; rules give their values under few sets of names."""
    return tuple(sorted(_NAMES.intersection(names) - without))


def joined(some: Sequence[Seen]) -> Seen:
    """Several as one: the surest, with what all show, and the largest of each count."""
    surest = min(some, key=lambda one: _RANK[one.certainty])
    values: dict[str, Any] = dict(surest.values)
    for one in some:
        for name, value in one.values.items():
            if isinstance(value, int) and isinstance(values.get(name), int):
                values[name] = max(values[name], value)
    return replace(
        surest,
        members=[member for one in some for member in one.members],
        rows=sorted({row for one in some for row in one.rows}),
        elsewhere=sorted({row for one in some for row in one.elsewhere}),
        beyond=sorted({row for one in some for row in one.beyond}),
        rivals=tuple(dict.fromkeys(rival for one in some for rival in one.rivals)),
        values=values,
    )
