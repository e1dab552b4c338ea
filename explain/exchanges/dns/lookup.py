"""``dns.lookup``: a name asked for, and what came back (RFC 1035)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.columns import ExchangeColumns, from_rows
from explain.exchanges.dns import message as dns_message
from explain.exchanges.dns import records
from explain.exchanges.dns.following import follow
from explain.exchanges.dns.talk import messages_of, split
from explain.exchanges.dns.use import Use, Uses
from explain.model import Endpoint
from explain.record import NamedTuple, dataclass
from explain.table import FRAGMENT, TCP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explain.exchanges.dns.following import Followed
    from explain.exchanges.dns.message import Heads
    from explain.exchanges.dns.over_tcp import Told
    from explain.exchanges.dns.records import Record
    from explain.exchanges.dns.talk import Message, Messages
    from explain.table import I8, Bools, PacketTable

OUTCOMES = ("answered", "no-such-name", "failed", "refused", "unanswered")
RCODES = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET",
    8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 11: "DSOTYPENI", 16: "BADVERS", 23: "BADCOOKIE",
}  # fmt: skip
ASKED_OTHERWISE = frozenset({"FORMERR", "NOTIMP", "BADVERS", "BADCOOKIE"})
"""What a server says that takes no options, not these, or wants a cookie. Source: RFC 6891, 7; RFC 7873, 5.3."""
_ASK_FOR_ALL = ("ANY", "AXFR", "IXFR")
_FACTS = ("client", "server", "raw_name", "type", "silent", "is_odd", "says_more", "rival", "is_left")
_BESIDE = ("CNAME", "DNAME", "RRSIG")
_LOOKS_UP = 0x80  # flag RA, in the fourth octet: recursion available (RFC 1035, 4.1.1)
_WANTS_RECURSION, _AUTHORITY, _HAS_RECURSION = 0x100, 0x400, 0x80  # flags RD, AA and RA (RFC 1035, 4.1.1)
_BY_HAND = 0x20  # flag AD, which dig sets in its questions and the resolvers of programs do not (RFC 6840, 5.7)
_PORT = 53
_NXDOMAIN, _REFUSED = 3, 5
_PATIENCE_NS = 30_000_000_000


@dataclass(frozen=True, slots=True)
class DnsLookup:
    """One question of a client, with its repetitions, and the answer that ended it.

    Attributes:
        client: with the port of its first question.
        server: who answered, or who was asked last.
        servers: everyone who was asked, in the order of the first questions.
        answers: values of the answer section, aliases included, in order.
        aliases: the CNAME chain from the name asked for.
        wanted: of the answers those of the type asked for, which stand at the end of that chain; without signatures.
        is_denied: there are no others: the answer says so (an SOA record), or whoever answered looks up all that
            is asked, and so would have told them.
        rcode: the response code's mnemonic, None without a response.
        queries: how often it was asked.
        over_tcp: the answer came, or was asked for, over TCP.
        rtt_ns: from the question that was answered to the answer, as seen here.
        elapsed_ns: from the first question to the answer; None without one of them.
        is_cut: the only answer is a truncated one.
        unreadable: how many of the answers that are announced cannot be read, though the message is all there.
        unseen: how many are announced but stand beyond the octets that were recorded, as in a lost segment of TCP.
        further: how many stand in later messages of the same response, as in the copy of a zone.
        is_unrecorded: over TCP the server said something, and where its answer begins was not recorded.
        silent_servers: asked in vain, although there was time, while another one answered.
        referred_to: name servers that the server named in place of an answer: those of ``zone``, which know more.
        reasons: what the server says itself about how it ended, in extended errors (RFC 8914).
        rival_answers: values of a second response that says something else, though there was only one question.
        used_by: the first thing that the client began afterwards with an address of the answer.
    """

    client: Endpoint
    server: Endpoint
    name: str
    type: str
    answers: tuple[str, ...]
    rtt_ns: int | None
    id: int
    rcode: str | None
    queries: int
    servers: tuple[str, ...]
    aliases: tuple[str, ...]
    wanted: tuple[str, ...]
    is_denied: bool
    is_truncated: bool
    over_tcp: bool
    elapsed_ns: int | None
    is_cut: bool
    unreadable: int
    unseen: int
    further: int
    is_unrecorded: bool
    silent_servers: tuple[str, ...]
    referred_to: tuple[str, ...]
    zone: str | None
    reasons: tuple[str, ...]
    rival_answers: tuple[str, ...]
    used_by: Use | None

    @property
    def is_circle(self) -> bool:
        """Whether the aliases lead back to one of themselves, so that no answer can stand at their end."""
        names = [name.lower() for name in (self.name, *self.aliases)]
        return len(set(names)) < len(names) and not self.wanted


def find(table: PacketTable) -> ExchangeColumns:
    """Look-ups at each place; multicast DNS and LLMNR are not look-ups of a server and not in here.

    Facts: ``client`` and ``server`` (address keys), ``raw_name`` and ``type`` (as ``message.Head`` has them),
    ``silent`` (rows of the questions to each server, by address key, that did not answer while another one did),
    ``unread``, ``sent_back``, ``in_pieces`` and ``others`` (rows that are no look-up, as ``Messages`` has them),
    ``is_odd`` (bool[n]: a glance at the answer does not show that all of its records are there), ``says_more`` (of a
    denied name the answer may say more, in an alias or an extended error), ``rival`` (rows of the answer and of a
    response that was one too many), ``is_left`` (bool[n]: the client wants the server to find the answer out, which
    that does not offer, and it has none itself); over TCP also ``needs_no_answer`` (bool[n]: it was not recorded).
    """
    messages = messages_of(table)
    members, bounds, others = split(messages)
    lookups = follow(map(messages.one, others.tolist()))
    columns = _columns_of_plain(messages, members, bounds).before(_columns(lookups))
    uses = cache(lambda: Uses(table))

    @cache
    def fields(number: int) -> DnsLookup:
        rest = number - (len(bounds) - 1)
        if rest >= 0:
            return _fields(table, lookups[rest], uses, messages.told)
        own = members[bounds[number] : bounds[number + 1]].tolist()
        return _fields(table, follow(map(messages.one, own))[0], uses, messages.told)

    part = from_rows(
        "dns.lookup", OUTCOMES, np.array(columns.outcome, np.uint8), np.array(columns.rows, np.int64),
        np.array(columns.counts, np.int64), table, fields,
        {name: getattr(columns, name) for name in _FACTS},
        _PATIENCE_NS,
    )  # fmt: skip
    left: dict[str, I8 | Bools] = {
        "unread": messages.unread, "sent_back": messages.sent_back, "in_pieces": messages.in_pieces,
        "others": messages.others,
    }  # fmt: skip
    if messages.told is not None:
        left["needs_no_answer"] = _are_unrecorded(table, part, messages.told)
    return replace(part, facts={**part.facts, **left})


def _are_unrecorded(table: PacketTable, part: ExchangeColumns, told: Told) -> Bools:
    """Of all look-ups those without an answer whose server said something that was not recorded, see ``DnsLookup``."""
    found = np.zeros(len(part), np.bool_)
    some = part.where("unanswered")
    found[some] = [_is_unrecorded(table, told, row) for row in part.frames[part.bounds[some + 1] - 1].tolist()]
    return found


def _is_unrecorded(table: PacketTable, told: Told | None, row: int) -> bool:
    return told is not None and bool(table.layers[row] & TCP) and told.may_have_answered(table, row)


class _Columns(NamedTuple):
    """Of some look-ups: what ``from_rows`` wants, and the facts."""

    outcome: list[int]
    rows: list[int]
    counts: list[int]
    client: list[int]
    server: list[int]
    raw_name: list[bytes]
    type: list[int]
    silent: list[dict[int, list[int]]]
    is_odd: list[bool]
    says_more: list[bool]
    rival: list[tuple[int, ...]]
    is_left: list[bool]

    def before(self, rest: _Columns) -> _Columns:
        return _Columns._make(map(add, self, rest))


def _columns_of_plain(messages: Messages, members: I8, bounds: I8) -> _Columns:
    heads, first, last = messages.heads, members[bounds[:-1]], members[bounds[1:] - 1]
    codes = np.array([_outcome(rcode) for rcode in range(16)], np.uint8)
    is_answered = heads.is_response[last]
    return _Columns(
        np.where(is_answered, codes[np.minimum(heads.rcode[last], 15)], _outcome(None)).tolist(),
        messages.row[members].tolist(),
        np.diff(bounds).tolist(),
        np.where(heads.is_response[first], messages.target[first], messages.source[first]).tolist(),
        np.where(is_answered, messages.source[last], messages.target[last]).tolist(),
        [messages.names[at] for at in first.tolist()],
        heads.type[first].tolist(),
        [{}] * len(first),
        (is_answered & heads.is_odd[last]).tolist(),
        _say_more(heads, last),
        [()] * len(first),
        _are_left(heads, first, last).tolist(),
    )


def _say_more(heads: Heads, last: I8) -> list[bool]:
    """Which of the responses that deny a name have more to say: an alias, or perhaps an extended error."""
    found = np.zeros(len(last), np.bool_)
    some = np.flatnonzero(heads.rcode[last] == _NXDOMAIN)
    found[some] = [
        count > 0 or records.EXTENDED_ERROR in heads.messages[at]
        for count, at in zip(heads.answers[last[some]].tolist(), last[some].tolist(), strict=True)
    ]
    return found.tolist()


def _are_left(heads: Heads, first: I8, last: I8) -> Bools:
    """Which questions of programs that want recursion met a server that has no answer and does not look for one."""
    asked, told = heads.flags[first], heads.flags[last]
    is_bare = heads.is_response[last] & (heads.rcode[last] == 0) & (heads.answers[last] == 0)
    wants = ~heads.is_response[first] & (asked & (_WANTS_RECURSION | _BY_HAND) == _WANTS_RECURSION)
    is_left: Bools = is_bare & wants & (told & (_AUTHORITY | _HAS_RECURSION) == 0)
    return is_left


def _columns(lookups: list[Followed]) -> _Columns:
    return _Columns(
        [_outcome(one.answer.said.rcode if one.answer else None) for one in lookups],
        [row for one in lookups for row in sorted(one.rows)],
        [len(one.rows) for one in lookups],
        [one.client for one in lookups],
        [one.server for one in lookups],
        [one.head.raw_name for one in lookups],
        [one.head.type for one in lookups],
        [one.silent() for one in lookups],
        [one.answer is not None for one in lookups],
        [one.answer is not None for one in lookups],
        [(one.answer.row, one.rival.row) if one.answer and one.rival else () for one in lookups],
        [False] * len(lookups),
    )


def _outcome(rcode: int | None) -> int:
    """Number of the outcome; None is no response."""
    names = {None: "unanswered", 0: "answered", _NXDOMAIN: "no-such-name", _REFUSED: "refused"}
    return OUTCOMES.index(names.get(rcode, "failed"))


def _unreadable(table: PacketTable, answer: Message | None, read: int) -> int:
    """Answers that are announced and cannot be read; 0 where the octets that were kept may not be all."""
    if answer is None or answer.over_tcp or int(table.layers[answer.row]) & FRAGMENT:
        return 0
    if len(answer.octets) < int(table.payload[answer.row]):
        return 0
    return max(min(answer.said.answers, records.MOST_RECORDS) - read, 0)


def _of_rival(lookup: Followed, found: Sequence[Record]) -> tuple[str, ...]:
    """What another response says instead: the order of records is anybody's, and their time runs on."""
    if lookup.rival is None or lookup.rival.said.is_truncated:
        return ()
    other = records.answers(lookup.rival.octets)
    is_same = {(one.type, one.value) for one in other} == {(one.type, one.value) for one in found}
    return () if is_same else tuple(one.value for one in other)


def _is_wanted(kind: str, asked: str) -> bool:
    """Whether a record is what was asked for, and not only what leads to it or vouches for it."""
    return kind == asked or (asked in _ASK_FOR_ALL and kind not in _BESIDE)


def _fields(table: PacketTable, lookup: Followed, uses: Callable[[], Uses], told: Told | None) -> DnsLookup:
    text = table.addresses.text
    answer = lookup.answer
    said = answer.said if answer else None
    found = records.answers(answer.octets) if answer else ()
    servers = tuple(text(key) for key in lookup.asked)
    referral = records.referral(answer.octets) if answer and not answer.said.rcode else ()
    addresses = [record.value for record in found if record.type in ("A", "AAAA")]
    return DnsLookup(
        client=Endpoint(text(lookup.client), lookup.port),
        server=Endpoint(text(lookup.server), _PORT),
        name=dns_message.wire_text(lookup.head.raw_name),
        type=dns_message.type_name(lookup.head.type),
        answers=tuple(record.value for record in found),
        rtt_ns=lookup.rtt_ns,
        id=lookup.head.id,
        rcode=RCODES.get(said.rcode, str(said.rcode)) if said else None,
        queries=lookup.queries,
        servers=servers,
        aliases=tuple(record.value for record in found if record.type == "CNAME"),
        wanted=tuple(
            record.value for record in found if _is_wanted(record.type, dns_message.type_name(lookup.head.type))
        ),
        is_denied=bool(answer and (answer.octets[3] & _LOOKS_UP or records.denies(answer.octets))),
        is_truncated=lookup.was_truncated,
        over_tcp=lookup.over_tcp,
        elapsed_ns=answer.time_ns - lookup.first_ns if answer and lookup.first_ns is not None else None,
        is_cut=bool(said and said.is_truncated),
        unreadable=_unreadable(table, answer, len(found)),
        unseen=max(min(answer.said.answers, records.MOST_RECORDS) - len(found), 0) if answer and answer.over_tcp else 0,
        further=answer.further if answer else 0,
        is_unrecorded=_is_unrecorded(table, told, lookup.rows[-1]) if answer is None else False,
        silent_servers=tuple(text(key) for key in lookup.silent()),
        referred_to=tuple(record.value for record in referral),
        zone=referral[0].name if referral else None,
        reasons=records.reasons(answer.octets) if answer else (),
        rival_answers=_of_rival(lookup, found),
        used_by=uses().first(answer.row, lookup.client, addresses) if answer and addresses else None,
    )
