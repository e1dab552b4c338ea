"""Questions for a MAC, and addresses announced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import BROADCAST, mac_text
from explain.causes.from_capture.scene import LAST_MOMENT_NS, is_cut_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.arp import ArpAnnouncement, ArpResolution
    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.ndp.resolution import NdpResolution
    from explain.model import Line
    from explain.story.exchanges.teller import Teller
    from explain.table import Rows

_STORM, _SO_SOON_NS = 20, 50_000_000  # a host asks again after a second (RFC 1122, 2.3.2.1)
_SELF_ASSIGNED = "169.254."  # RFC 3927


def resolution(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Who asked for whom, and who answered."""
    fields: ArpResolution = part.fields(index)
    rows = part.rows(index)
    operations = teller.table.arp.operation[np.searchsorted(teller.table.arp.row, rows)]
    asked, answered = rows[operations == 1], rows[operations == 2]
    yield from resolved(teller, part, index, name, asked, answered)
    gap_ns = int(np.ptp(teller.table.time_ns[asked])) // (len(asked) - 1) if len(asked) >= _STORM else 0
    if 0 < gap_ns < _SO_SOON_NS:
        yield teller.line("arp.storm", fields, asked, name, gap_ns=gap_ns)


def resolved(
    teller: Teller, part: ExchangeColumns, index: int, name: str, asked: Rows, answered: Rows
) -> Iterator[Line]:
    """A question for a MAC with its answers, by ARP or NDP: both have the same sentences."""
    fields: ArpResolution | NdpResolution = part.fields(index)
    family = part.kind.partition(".")[0]

    def line(message: str, rows: Rows, **more: Any) -> Line:
        return teller.line(f"{family}.{message}", fields, rows, name, **more)

    if not len(answered) and teller.hosts.is_overheard(int(part.rows(index)[0]), fields.requests):
        yield line("overheard-again" if fields.requests > 1 else "overheard", asked)
        return
    if len(asked):
        again = "checked" if fields.is_unicast else "asked.repeatedly" if fields.requests > 1 else ""
        yield line(again, asked) if again else teller.line(teller.first(f"{family}.asked"), fields, asked, name)
    if not len(answered):
        elsewhere = teller.hosts.answered_elsewhere(int(asked[-1])) if len(asked) else asked
        if len(elsewhere):
            whole = teller.table.whole
            yield line("elsewhere", asked, place=whole.places[whole.place[elsewhere[0]]].label)
            return
        silence = "cut-off" if _is_last(teller, fields, asked) else _silence(teller, asked)
        yield line("gone" if silence == "silent" and fields.is_unicast else silence, asked)
    elif part.outcomes[part.outcome[index]] == "conflicting":
        yield line("conflicting", answered)
    elif fields.requests > 1 and len(asked) and asked[0] < answered[0]:
        yield line("answered-at-last", answered, wait_ns=teller.wait_ns(asked, answered))
    else:
        heard = "answered" if fields.answered_macs else "answered-bare"  # a link without MACs has no ARP, but NDP
        yield line(heard if len(asked) else "told", answered)


def _is_last(teller: Teller, fields: ArpResolution | NdpResolution, asked: Rows) -> bool:
    """A unicast check has the MAC already, so its silence means little in the last moment of any capture."""
    if not len(asked):
        return False
    table, last = teller.table, asked[-1]
    if fields.is_unicast and table.waited_ns(last) < LAST_MOMENT_NS:
        return True
    return fields.requests == 1 and is_cut_off(table, last)


def _silence(teller: Teller, asked: Rows) -> str:
    if not len(asked):
        return "silent"
    last = int(asked[-1])
    if teller.hosts.went_on(last):
        return "went-on"
    if teller.hosts.had_answer(last):
        return "early"
    return "began" if teller.hosts.began(last) else "silent"


def announcement(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Who claimed an address, and who objected; or who sought it, having none."""
    fields: ArpAnnouncement = part.fields(index)
    rows = part.rows(index)
    if fields.is_probe and teller.is_sought_by_nobody(fields.address):
        yield teller.line("arp.sought", fields, rows, name)
        if fields.challenger_mac:
            yield teller.line("arp.found", fields, rows, name)
        return
    yield teller.line("arp.probed" if fields.is_probe else "arp.announced", fields, rows, name)
    if not fields.is_probe and fields.address.startswith(_SELF_ASSIGNED):
        yield teller.line("arp.self-assigned", fields, rows, name)
    if fields.challenger_mac:
        yield teller.line(f"arp.{_contradicted(teller, fields, rows)}", fields, rows, name)


def _contradicted(teller: Teller, fields: ArpAnnouncement, rows: Rows) -> str:
    """How somebody else claimed the address: before, in answer, or by announcing it to all as well."""
    links = teller.table.links
    at = teller.table.link[rows]
    theirs = [row for row, mac in enumerate(links.source[at].tolist()) if mac_text(mac) == fields.challenger_mac]
    if not theirs:
        return "claimed-before"
    is_answer = fields.is_probe or bool((links.target[at[theirs]] < BROADCAST).any())
    return "challenged" if is_answer else "claimed-too"
