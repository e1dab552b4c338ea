"""A TTL that ran out: packets that go round in circles, or that began too low (RFC 792, RFC 4443)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import distinct
from explain.causes.from_capture.scene import Member, Scene, Seen

if TYPE_CHECKING:
    from explain.table import PacketTable, Rows

_LARGEST_TRACE_TTL = 32  # hosts send with 64, 128 or 255; only probes begin this low
_LOOP_VISITS = 3


def judge(scene: Scene, members: list[Member], rows: list[int], values: dict[str, Any], *, is_answer: bool) -> Seen:
    """A TTL ran out: a loop if the packet came by again and again, else it began too low."""
    sent = np.concatenate([part.rows(index) for part, index in members]) if members else np.empty(0, np.int64)
    talk = np.setdiff1d(sent, np.asarray(rows))
    sent = _of_sender(scene.table, talk, values["src"], is_answer=is_answer)
    again = seen_again(scene.table, sent)
    # An answer that never came back was not heard here, but where it went round.
    if not again and seen_again(scene.table.whole, _elsewhere(scene, sent if len(sent) else talk)):
        return Seen("routing-loop", "proved", members, [*rows, *sent.tolist()], (), values)
    largest = int(scene.table.ttl[sent].max()) if len(sent) else 0
    sent = _quoted(scene.table, rows, sent)
    first = int(scene.table.ttl[sent].max()) if len(sent) else 0
    values["ttl"] = first
    if len(again):
        return Seen("routing-loop", "proved", members, [*rows, *again], (), values)
    if first > _LARGEST_TRACE_TTL:
        return Seen("routing-loop", "likely", members, [*rows, *sent.tolist()], ("ttl-too-low",), values)
    if is_answer:
        values["look"] = "sysctl -ar hop_limit" if ":" in values["src"] else "sysctl net.ipv4.ip_default_ttl"
        return Seen("reply-ttl-too-low", "likely", members, rows, ("routing-loop",), values)
    if not len(sent):
        values |= {"ttl": None} if values["src"] != values["dst"] else {"ttl": None, "case": "unquoted"}
        return Seen("ttl-too-low", "possible", members, rows, ("routing-loop",), values)
    if largest > _LARGEST_TRACE_TTL:
        values |= {"case": "some", "largest": largest}
    return Seen("ttl-too-low", "likely", members, [*rows, *sent.tolist()], ("routing-loop",), values)


def _quoted(table: PacketTable, errors: list[int], sent: Rows) -> Rows:
    """The very packets that the errors quote, by their IP id; all where that tells none apart."""
    ids = table.icmp.quote_ip_id[np.searchsorted(table.icmp.row, np.sort(errors))]
    is_quoted = np.isin(table.ip_id[sent], ids)
    return sent[is_quoted] if is_quoted.any() else sent


def _of_sender(table: PacketTable, rows: Rows, sender: str, *, is_answer: bool) -> Rows:
    """Of the packets of a conversation those that the error can be about; all where a NAT has changed the asker."""
    is_own = np.array([table.addresses.text(source) == sender for source in table.sources(rows).tolist()], np.bool_)
    return rows[is_own] if is_own.any() or is_answer else rows


def _elsewhere(scene: Scene, rows: Rows) -> Rows:
    """Rows of the same conversation at every place."""
    whole = scene.table.whole
    flows = distinct(scene.table.flow[rows])
    ends = set(zip(whole.flows.low[flows].tolist(), whole.flows.high[flows].tolist(), strict=True))
    return np.sort(np.concatenate([np.empty(0, np.int64), *(whole.rows_between(*pair) for pair in ends)]))


def seen_again(table: PacketTable, rows: Rows) -> list[int]:
    """Rows of one IP packet that passed one place several times with a falling TTL."""
    copies: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row in rows.tolist():
        copies[int(table.flow[row]), int(table.ip_id[row]), int(table.length[row]), int(table.seq[row])].append(row)
    for same in copies.values():
        if len(same) < _LOOP_VISITS:
            continue
        # IPv6 has no id by which the answers of one ping were known apart; each begins anew with a high hop limit.
        begins = np.flatnonzero(np.diff(table.ttl[same].astype(np.int64)) >= 0) + 1
        rounds = max(np.split(np.array(same), begins), key=len)
        if len(rounds) >= _LOOP_VISITS:
            return [int(row) for row in rounds]
    return []
