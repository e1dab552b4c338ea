"""Clients that ask for very many long names of one domain, none of them twice: data may be in the names."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.dns.message import type_name, wire_text
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.exchanges.columns import ExchangeColumns

_LONG = 48  # octets of a wire name; shorter ones are passed over
_FEWEST = 40  # different names
_LETTERS = 40  # of such a name before the domain, on the average
_ASKED_AGAIN = 2.5  # look-ups for each name: one for each type, or a few lost ones
_NULL = 10  # a type of which nobody else asks (RFC 1035, 3.3.10)
_FEWEST_NULLS = 20
_SHORT_SECOND = 3  # letters of a second label like that of ac.jp or com.au, below which domains are registered
_INFRASTRUCTURE = b"\4arpa"  # names made of addresses (RFC 3172)
_NOWHERE = b"\0"  # stands for the domain of names that end in no top-level domain: those are of letters (RFC 1123, 2.1)


@dataclass(frozen=True, slots=True)
class ManyNames:
    """One client and one domain.

    Attributes:
        domain: with which all of the names end; ``.`` where there is none.
        names: different ones that were asked for; lookups: how often in all.
        letters: of a name before the domain, on the average.
        types: of the records that were asked for.
        rows: of the first and the last look-up.
    """

    client: str
    domain: str
    names: int
    lookups: int
    letters: int
    types: tuple[str, ...]
    span_ns: int
    rows: tuple[int, ...]


def find(part: ExchangeColumns) -> list[ManyNames]:
    """The domains of which a client asks for so many different names that they look like data."""
    raw, clients = part.facts["raw_name"], part.facts["client"]
    is_long = np.fromiter(map(len, raw), np.int64, len(raw)) >= _LONG
    candidates = np.flatnonzero(is_long | (np.array(part.facts["type"], np.int64) == _NULL))
    if len(candidates) < _FEWEST_NULLS:
        return []
    groups: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for index in candidates.tolist():
        if base := _registered(raw[index]):
            groups[clients[index], base].append(index)
    found = (_judge(part, some) for some in groups.values() if len(some) >= _FEWEST_NULLS)
    return [one for one in found if one is not None]


def _judge(part: ExchangeColumns, some: list[int]) -> ManyNames | None:
    raw: list[bytes] = part.facts["raw_name"]
    names = {raw[index] for index in some}
    if len(names) < _FEWEST_NULLS or len(some) > _ASKED_AGAIN * len(names):
        return None
    domain = _common(names)
    letters = sum(len(name) - len(domain) for name in names) // len(names)
    types = tuple(sorted({type_name(part.facts["type"][index]) for index in some}))
    is_data = types == (type_name(_NULL),) or (len(names) >= _FEWEST and letters >= _LETTERS)
    if not is_data:
        return None
    first, last = part.rows(some[0]), part.rows(some[-1])
    span_ns = int(np.ptp(part.start_ns[some]))
    client = part.fields(some[0]).client.address
    rows = tuple(sorted({int(first[0]), int(last[0])}))
    return ManyNames(client, wire_text(domain), len(names), len(some), letters, types, span_ns, rows)


def _labels(name: bytes) -> list[bytes]:
    """The labels of a wire name, each with its length before it."""
    labels, at = [], 0
    while at < len(name) and name[at]:
        labels.append(name[at : at + 1 + name[at]])
        at += 1 + name[at]
    return labels


def _registered(name: bytes) -> bytes:
    """The domain that somebody may have registered; nothing where the name is no longer than that."""
    labels = _labels(name)
    if len(labels) < 3 or labels[-1] == _INFRASTRUCTURE:
        return b""
    if not labels[-1][1:].isalpha() and not labels[-1][1:].startswith(b"xn--"):
        return _NOWHERE
    is_deeper = labels[-1][0] == 2 and labels[-2][0] <= _SHORT_SECOND
    return b"".join(labels[-3 if is_deeper else -2 :]) if len(labels) > 2 + is_deeper else b""


def _common(names: set[bytes]) -> bytes:
    """The labels with which all of the names end."""
    shared: list[bytes] | None = None
    for name in names:
        labels = _labels(name)[::-1]
        if shared is None:
            shared = labels
        count = next((at for at, (one, other) in enumerate(zip(shared, labels, strict=False)) if one != other), None)
        shared = shared[: min(len(shared), len(labels)) if count is None else count]
    return b"".join((shared or [])[::-1])
