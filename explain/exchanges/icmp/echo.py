"""``icmp.echo``: a run of pings with one identifier between two hosts (RFC 792, 4443)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST, IPV6_KEY
from explain.arrays import among
from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.exchanges.fragments import whole_payload
from explain.exchanges.icmp.error import error_positions
from explain.exchanges.icmp.quotes import quoted_flows
from explain.record import NamedTuple, dataclass
from explain.table import TWICE_NS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable

OUTCOMES = ("answered", "partly-answered", "unanswered", "refused")
_REQUESTS, _REPLIES = (8, 128), (0, 129)
_ICMP = 1
_SAME_RUN_NS = 60_000_000_000
_PATIENCE_NS = 60_000_000_000
_LATEST_NS = 10_000_000_000  # after its request; a later reply is another one's


@dataclass(frozen=True, slots=True)
class IcmpEcho:
    """A run of echo requests, their replies and the errors about them.

    Attributes:
        family: 4 or 6.
        sent: requests; received: requests that got a reply; duplicates: further replies, without
            those that a router passes on in sight of this place.
        recorded_twice: frames that repeat a request at once, to its IP identification; it was sent once.
        errors: ICMP errors that quote a request of this run.
        rtt_min_ns, rtt_avg_ns, rtt_max_ns: from a request to its first reply, as seen here.
        ttl_request, ttl_reply: of the first request and the first reply; None where a text does not show it.
        unanswered_seqs: sequence numbers without a reply, at most 1,000 of them.
        responders: other addresses that replied (broadcast, or a reply that NAT did not turn back).
        size: octets of data in the first request.
    """

    src: str
    dst: str
    id: int
    family: int
    sent: int
    received: int
    duplicates: int
    recorded_twice: int
    errors: int
    rtt_min_ns: int | None
    rtt_avg_ns: int | None
    rtt_max_ns: int | None
    ttl_request: int | None
    ttl_reply: int | None
    unanswered_seqs: tuple[int, ...]
    responders: tuple[str, ...]
    size: int | None


class _Message(NamedTuple):
    row: int
    place: int
    flow: int
    time_ns: int
    source: int
    target: int
    kind: int
    id: int
    seq: int
    ttl: int
    size: int
    ip_id: int
    link: int
    is_to_many: bool


@dataclass(slots=True)
class _Run:
    source: int
    target: int
    id: int
    rows: list[int] = field(default_factory=list)
    asked_ns: dict[int, int] = field(default_factory=dict)
    asked_as: dict[int, int] = field(default_factory=dict)  # TTL, and below it the IP identification
    answers: dict[int, _Message] = field(default_factory=dict)  # the first of each
    sent: int = 0
    recorded_twice: int = 0
    duplicates: int = 0
    errors: int = 0
    rtts: list[int] = field(default_factory=list)
    ttl_request: int | None = None
    ttl_reply: int | None = None
    size: int | None = None
    last_ns: int = 0
    last_seq: int = -1
    responders: dict[int, None] = field(default_factory=dict)


_Key = tuple[int, int, int, int]
_FEW = 3  # runs of the same id between the same hosts, of which a frame out of order may be part


def find(table: PacketTable) -> ExchangeColumns:
    """Runs of echo requests at each place, with replies and errors."""
    runs: list[_Run] = []
    by_ends: dict[_Key, list[_Run]] = defaultdict(list)
    to_many: dict[tuple[int, int, int], _Run] = {}
    by_quote: dict[_Key, list[_Run]] = {}
    for message in _messages(table):
        if message.kind in _REQUESTS:
            run = _request(message, runs, by_ends, by_quote)
            if message.is_to_many:
                to_many[message.place, message.source, message.id] = run
        else:
            _reply(message, runs, by_ends, to_many)
    runs = _with_replies_from_elsewhere(runs, by_quote)
    _errors(table, by_quote, by_ends)
    return from_list("icmp.echo", OUTCOMES, [_found(table, run) for run in runs], table, _PATIENCE_NS)


def _messages(table: PacketTable) -> Iterator[_Message]:
    icmp = table.icmp
    is_echo = np.where(icmp.is_v6, np.isin(icmp.type, (128, 129)), np.isin(icmp.type, (0, 8)))
    at = np.flatnonzero(is_echo)
    rows = icmp.row[at]
    columns = (
        rows, table.place[rows], table.flow[rows], table.time_ns[rows], table.sources(rows), table.targets(rows),
        icmp.type[at], icmp.word[at] >> 16, icmp.word[at] & 0xFFFF, table.ttl[rows],
        whole_payload(table, rows),
        table.ip_id[rows], table.link[rows],
        (table.links.target[table.link[rows]] == BROADCAST) | table.addresses.are_groups(table.targets(rows)),
    )  # fmt: skip
    return map(_Message._make, zip(*(column.tolist() for column in columns), strict=True))


def _request(
    message: _Message, runs: list[_Run], by_ends: dict[_Key, list[_Run]], by_quote: dict[_Key, list[_Run]]
) -> _Run:
    key = (message.flow, message.source, message.target, message.id)
    known = by_ends[key]
    run = _lacking(known, message.seq, of_request=True)  # the reply may have been recorded before
    starts_again = False
    if run is None and known:
        run = known[-1]
        is_back = message.seq < run.last_seq and message.seq <= 1 < run.last_seq < 0xFF00
        starts_again = is_back and message.seq in run.asked_ns  # else it only comes late
    if run is None or starts_again or message.time_ns - run.last_ns > _SAME_RUN_NS:
        run = _Run(message.source, message.target, message.id)
        known.append(run)
        run.ttl_request, run.size = message.ttl or None, message.size
        runs.append(run)
        by_quote.setdefault((message.place, message.source, message.target, message.id), []).append(run)
    run.rows.append(message.row)
    mark = message.ttl << 16 | message.ip_id
    first, asked_ns = run.asked_as.get(message.seq), run.asked_ns.setdefault(message.seq, message.time_ns)
    is_copy = first == mark and abs(message.time_ns - asked_ns) < TWICE_NS
    run.recorded_twice += is_copy
    # The same request with fewer hops left comes by a second time: it was forwarded, not sent again.
    run.sent += not is_copy and message.ttl >= run.asked_as.setdefault(message.seq, mark) >> 16
    run.last_seq, run.last_ns = message.seq, message.time_ns
    return run


def _reply(
    message: _Message, runs: list[_Run], by_ends: dict[_Key, list[_Run]], to_many: dict[tuple[int, int, int], _Run]
) -> None:
    key = (message.flow, message.target, message.source, message.id)
    known = by_ends[key]
    run = _lacking(known, message.seq, of_request=False)
    run = run or (known[-1] if known else to_many.get((message.place, message.target, message.id)))
    if run is None:
        run = _Run(message.target, message.source, message.id)
        known.append(run)
        runs.append(run)
    run.rows.append(message.row)
    if run.ttl_reply is None:
        run.ttl_reply = message.ttl or None
    if message.source != run.target:
        run.responders[message.source] = None
    asked = run.asked_ns.get(message.seq)
    first = run.answers.setdefault(message.seq, message)
    if first is not message:
        run.duplicates += not _is_passed_on(first, message)
    elif asked is not None and message.time_ns >= asked:  # else the clock went back
        run.rtts.append(message.time_ns - asked)
    run.last_ns = message.time_ns


def _with_replies_from_elsewhere(runs: list[_Run], by_quote: dict[_Key, list[_Run]]) -> list[_Run]:
    """Replies whose requests are missing belong to a run to another address that lacks them: NAT did not turn them."""
    strays = [run for run in runs if not run.asked_ns]
    if not strays or len(strays) == len(runs):
        return runs
    asking: dict[tuple[int, int, int], list[_Run]] = defaultdict(list)
    for (place, source, _, ident), known in by_quote.items():
        asking[place, source, ident] += known
    joined = set()
    for stray in strays:
        place = next(iter(stray.answers.values())).place
        fit = [run for run in asking[place, stray.source, stray.id] if _are_due(stray.answers, run)]
        if len(fit) == 1:
            _join(fit[0], stray)
            joined.add(id(stray))
    return [run for run in runs if id(run) not in joined]


def _are_due(answers: dict[int, _Message], run: _Run) -> bool:
    """Whether a run lacks the replies to these numbers, and asked shortly before."""
    return all(
        seq not in run.answers and 0 <= one.time_ns - run.asked_ns.get(seq, one.time_ns + 1) < _LATEST_NS
        for seq, one in answers.items()
    )


def _join(run: _Run, stray: _Run) -> None:
    run.rows = sorted(run.rows + stray.rows)
    run.answers |= stray.answers
    run.rtts += [one.time_ns - run.asked_ns[seq] for seq, one in stray.answers.items()]
    run.ttl_reply = run.ttl_reply or stray.ttl_reply
    run.duplicates += stray.duplicates
    run.responders[stray.target] = None


def _is_passed_on(one: _Message, other: _Message) -> bool:
    """Whether a reply comes by on two links, with fewer hops left on one: a router between them forwarded it."""
    is_same = (one.source, one.ip_id) == (other.source, other.ip_id)
    return is_same and one.ttl != other.ttl and one.link != other.link


def _lacking(runs: list[_Run], seq: int, *, of_request: bool) -> _Run | None:
    """The latest of a few runs that has one half of a ping, and lacks the other."""
    for run in reversed(runs[-_FEW:]):
        if (seq in run.answers) == of_request and (seq in run.asked_ns) != of_request:
            return run
    return None


def _errors(table: PacketTable, by_quote: dict[_Key, list[_Run]], by_ends: dict[_Key, list[_Run]]) -> None:
    icmp = table.icmp
    positions = error_positions(icmp)
    told = table.targets(icmp.row[positions])  # where a NAT forgot to translate the quotation, still the asker
    shortened: list[int] = []
    for at, to in zip(positions.tolist(), told.tolist(), strict=True):
        kind, word, row = int(icmp.quote_kind[at]), int(icmp.quote_word[at]), int(icmp.row[at])
        run: _Run | None = None
        if kind >> 8 in _REQUESTS:
            ident, seq = divmod(word, 1 << 16)
            known = by_quote.get((int(table.place[row]), to, int(icmp.quote_dst[at]), ident), [])
            run = _quoted(known, row, seq)
        if run is not None and not _is_redirect(int(icmp.type[at])):
            run.errors += 1
            run.rows.append(row)
        elif run is None and not word and (not kind or kind >> 8 in _REQUESTS):
            shortened.append(at)
    _shortened(table, shortened, by_ends)


def _quoted(known: list[_Run], row: int, seq: int) -> _Run | None:
    """The latest run that had begun; else the error was recorded before what it quotes."""
    begun = bisect_left(known, row, key=lambda run: run.rows[0])
    return known[begun - 1] if begun else next((run for run in known[:_FEW] if seq in run.asked_ns), None)


def _shortened(table: PacketTable, positions: list[int], by_ends: dict[_Key, list[_Run]]) -> None:
    """Errors of which too little was captured to read the identifier of the ping: the number of its packet tells it."""
    icmp, some = table.icmp, [at for at in positions if table.icmp.quote_protocol[at] == _ICMP]
    if not some:
        return
    by_packet = {
        (key[0], mark & 0xFFFF): run for key, runs in by_ends.items() for run in runs for mark in run.asked_as.values()
    }
    flows = quoted_flows(table)
    for at in some:
        run, row = by_packet.get((int(flows[at]), int(icmp.quote_ip_id[at]))), int(icmp.row[at])
        if run is not None and run.rows[0] < row and not _is_redirect(int(icmp.type[at])):
            run.errors += 1
            run.rows.append(row)


def is_cut_short(table: PacketTable, part: ExchangeColumns, index: int, moment_ns: int) -> bool:
    """Whether the only requests without a reply are those of the last ``moment_ns`` of a recording."""
    icmp, rows = table.icmp, part.rows(index)
    late = rows[table.recorded(rows)[1] - table.time_ns[rows] < moment_ns]
    at = np.searchsorted(icmp.row, late)
    at = at[among(icmp.type[at], _REQUESTS)]
    return set(part.fields(index).unanswered_seqs) <= set((icmp.word[at] & 0xFFFF).tolist())


def _is_redirect(kind: int) -> bool:
    return kind in (5, 137)


def _found(table: PacketTable, run: _Run) -> Found:
    text = table.addresses.text
    received = len(run.answers.keys() & run.asked_ns.keys())
    sent = run.sent or len(run.answers)
    if not run.sent:  # only the replies were recorded
        outcome, received = "answered", len(run.answers)
    elif received >= len(run.asked_ns):
        outcome = "answered"
    elif received:
        outcome = "partly-answered"
    else:
        outcome = "refused" if run.errors else "unanswered"
    missing = [seq for seq in run.asked_ns if seq not in run.answers]
    rtts = run.rtts
    fields = IcmpEcho(
        src=text(run.source),
        dst=text(run.target),
        id=run.id,
        family=6 if run.source >= IPV6_KEY else 4,
        sent=sent,
        received=received,
        duplicates=run.duplicates,
        recorded_twice=run.recorded_twice,
        errors=run.errors,
        rtt_min_ns=min(rtts, default=None),
        rtt_avg_ns=sum(rtts) // len(rtts) if rtts else None,
        rtt_max_ns=max(rtts, default=None),
        ttl_request=run.ttl_request,
        ttl_reply=run.ttl_reply,
        unanswered_seqs=tuple(missing[:1000]),
        responders=tuple(text(key) for key in run.responders),
        size=run.size,
    )
    return Found(outcome, run.rows, fields)
