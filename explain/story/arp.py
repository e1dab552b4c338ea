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
    from explain.table import Rows


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
        yield teller.line(_silence(teller, fields, asked), fields, asked, name)
    elif len(fields.answered_macs) > 1:
        yield teller.line("arp.conflicting", fields, answered, name)
    elif fields.requests > 1 and len(asked) and asked[0] < answered[0]:
        wait = teller.wait_ns(asked, answered)
        yield teller.line("arp.answered-at-last", fields, answered, name, wait_ns=wait)
    else:
        yield teller.line("arp.answered" if len(asked) else "arp.told", fields, answered, name)


def _silence(teller: Teller, fields: ArpResolution, asked: Rows) -> str:
    if _is_cut_off(teller, fields, asked):
        return "arp.cut-off"
    if len(asked) and teller.hosts.went_on(int(asked[-1])):
        return "arp.went-on"
    if len(asked) and teller.hosts.had_answer(int(asked[-1])):
        return "arp.early"
    return "arp.began" if len(asked) and teller.hosts.began(int(asked[-1])) else "arp.silent"


def _is_cut_off(teller: Teller, fields: ArpResolution, asked: Rows) -> bool:
    return fields.requests == 1 and len(asked) > 0 and teller.is_cut_off(int(asked[-1]))


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
