"""What an exchange is, apart from who, when and by which number: by this the runs are held against each other."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explain.causes.from_capture.scene import has_failed, is_housekeeping
from explain.exchanges.over_places.trails import far_sides

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.together import Exchanges
    from explain.table import Rows

MOST = 50_000
"""Exchanges of a run that are compared."""

ENDS: dict[str, tuple[str, ...]] = {
    "arp.resolution": ("asker_ip", "wanted_ip"),
    "arp.announcement": ("address",),
    "ndp.resolution": ("asker_ip", "wanted_ip"),
    "ndp.announcement": ("address",),
    "ndp.duplicate-check": ("address",),
    "ndp.router": ("router",),
    "icmp.echo": ("src", "dst"),
    "icmp.error": ("from_", "to"),
    "udp.flow": ("client", "server"),
    "tcp.connection": ("client", "server"),
    "dns.lookup": ("client", "server"),
    "http.request": ("client", "server"),
    "dhcp.lease": (),
    "dhcpv6.lease": (),
    "traceroute": ("src", "dst"),
    "nat.translation": ("inside.src", "inside.dst"),
}
"""Fields that hold addresses, or endpoints, for each kind that is compared."""
SAME: dict[str, tuple[str, ...]] = {
    "arp.resolution": ("is_unicast",),
    "arp.announcement": ("is_probe",),
    "icmp.echo": ("family",),
    "icmp.error": ("type", "code"),
    "udp.flow": ("server.port",),
    "tcp.connection": ("server.port",),
    "dns.lookup": ("name", "type"),
    "http.request": ("method", "host", "path"),
    "traceroute": ("method",),
}
"""Fields that say what it is, for each kind: the same in both runs."""
_LIVELY = 49_152  # RFC 6335, section 6: ports from here on are lent to whoever asks, so no service has them
_ROUTINE = ("arp.", "ndp.", "nat.")
_IPV4 = 4


class Item(NamedTuple):
    """One exchange that is compared.

    Attributes:
        same: what it is, apart from who takes part.
        ends: the addresses that take part, the opener first.
        rows: its frames, and those of the errors that came back about it.
        is_routine: it serves others, and whether it was needed is a matter of what was known before.
    """

    position: int
    kind: str
    outcome: str
    fields: Any
    same: tuple[Hashable, ...]
    ends: tuple[str | None, ...]
    rows: Rows
    start_ns: int
    has_failed: bool
    is_routine: bool

    @property
    def id(self) -> str:
        """As the report of its run has it."""
        return f"e{self.position + 1}"


def items(exchanges: Exchanges) -> list[Item]:
    """What is compared, in the order of time.

    What only carries another exchange is not; and an error is part of the exchange that it ends.
    """
    carried = exchanges.only_carrying() | far_sides(exchanges)
    errors = exchanges.of_kind("icmp.error")
    quoted_by, told = _quoted_by(exchanges), set[int]()
    found: list[Item] = []
    for position in exchanges.positions:
        part, index = exchanges.at(position)
        if part.kind in ENDS and part is not errors and position not in carried:
            quotes = [one for key in _quotable(part.kind, part.fields(index)) for one in quoted_by.get(key, ())]
            told.update(quotes)
            found.append(_item(position, part, index, [errors.rows(one) for one in quotes] if errors else []))
            if len(found) == MOST:
                break
    for one in range(len(errors) if errors else 0):
        if errors and one not in told and len(found) < MOST:
            found.append(_item(exchanges.position(errors, one), errors, one, []))
    return sorted(found, key=lambda item: item.start_ns)


def _item(position: int, part: ExchangeColumns, index: int, errors: Sequence[Rows]) -> Item:
    fields = part.fields(index)
    outcome = part.outcomes[part.outcome[index]]
    same = (part.kind, *(_service(value_at(fields, path)) for path in SAME.get(part.kind, ())))
    ends = tuple(_address(value_at(fields, path)) for path in ENDS[part.kind])
    failed = has_failed(part.kind, outcome) and not is_housekeeping(part, index)
    is_routine = part.kind.startswith(_ROUTINE)
    rows = np.sort(np.concatenate((part.rows(index), *errors)))
    start_ns = int(part.start_ns[index])
    return Item(
        position, part.kind, outcome, fields, same, ends, rows, start_ns, has_failed=failed, is_routine=is_routine
    )


def likeness(kind: str, fields: Any) -> Hashable:
    """What two exchanges of a run share that are the same once more."""
    paths = (*SAME.get(kind, ()), *ENDS[kind])
    return (kind, *(str(_address(_service(value_at(fields, path)))) for path in paths))


def _quoted_by(exchanges: Exchanges) -> dict[Hashable, list[int]]:
    """The errors that came back, by the protocol, both ends and the numbers of what they quote."""
    errors = exchanges.of_kind("icmp.error")
    found: dict[Hashable, list[int]] = defaultdict(list)
    for index in range(len(errors) if errors else 0):
        about = errors.fields(index).about if errors else None
        is_end = errors is not None and not errors.outcomes[errors.outcome[index]].startswith("redirect")
        if about is not None and is_end:
            number = (about.sport, about.dport) if about.id is None else about.id
            found[about.protocol, about.src, about.dst, number].append(index)
    return found


def _quotable(kind: str, fields: Any) -> list[Hashable]:
    """What an error about an exchange quotes: a packet of either direction."""
    if kind == "icmp.echo":
        protocol = "icmp" if fields.family == _IPV4 else "icmpv6"
        return [(protocol, fields.src, fields.dst, fields.id), (protocol, fields.dst, fields.src, fields.id)]
    if kind in ("tcp.connection", "udp.flow", "dns.lookup"):
        one, other = fields.client, fields.server
        protocol = "tcp" if kind == "tcp.connection" or getattr(fields, "over_tcp", False) else "udp"
        return [
            (protocol, one.address, other.address, (one.port, other.port)),
            (protocol, other.address, one.address, (other.port, one.port)),
        ]
    return []


def value_at(record: Any, path: str) -> Any:
    """A value by its way through the records, None where one of them is missing."""
    for name in path.split("."):
        record = getattr(record, name, None)
    return record


def _service(value: Any) -> Any:
    return None if isinstance(value, int) and not isinstance(value, bool) and value >= _LIVELY else value


def _address(end: Any) -> str | None:
    found = getattr(end, "address", end)
    return None if found is None else str(found)
