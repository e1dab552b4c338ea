"""Questions for a MAC, and addresses announced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.arp import ArpAnnouncement, ArpResolution
    from explain.exchanges.columns import ExchangeColumns
    from explain.model import Line
    from explain.story.teller import Teller


def resolution(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Who asked for whom, and who answered."""
    fields: ArpResolution = part.fields(index)
    rows = part.rows(index)
    operations = teller.table.arp.operation[np.searchsorted(teller.table.arp.row, rows)]
    asked, answered = rows[operations == 1], rows[operations == 2]
    if not len(answered) and teller.hosts.is_overheard(int(rows[0]), fields.requests):
        yield teller.line("arp.overheard", fields, asked, name)
        return
    if len(asked):
        message = "arp.checked" if fields.is_unicast else "arp.asked.repeatedly" if fields.requests > 1 else ""
        yield teller.line(message or teller.first("arp.asked"), fields, asked, name)
    if not len(answered):
        yield teller.line("arp.silent", fields, asked, name)
    elif len(fields.answered_macs) > 1:
        yield teller.line("arp.conflicting", fields, answered, name)
    else:
        yield teller.line("arp.answered" if len(asked) else "arp.told", fields, answered, name)


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
    if fields.challenger_mac:
        yield teller.line("arp.challenged", fields, rows, name)
