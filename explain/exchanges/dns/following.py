"""Which messages are one look-up: a question with its repetitions, and the answer that ended it."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import field
from typing import TYPE_CHECKING

from explain.exchanges.dns.talk import SAME_LOOKUP_NS, may_be_many
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explain.exchanges.dns.message import Head
    from explain.exchanges.dns.talk import Message

_REORDERED_NS = 5_000_000_000
_SERVER_DUE_NS = 1_000_000_000  # a server that answers at all does so by then, mostly


@dataclass(slots=True)
class Followed:
    """A look-up as its messages show it.

    Attributes:
        client, port: address key and port of the first question.
        head: of the first message.
        rows: of all messages, in the order in which they came.
        asked: when each server was last asked, by address key; asked_rows: the rows of the questions to it.
        sent_ns: when each server was last asked from each port, by address key and port.
        replied: who sent a response.
        first_ns: of the first question; last_ns: of the last message; UTC nanoseconds.
        answer: the last response, or the first one that was not cut.
        rival: a response after that, more than there were questions.
    """

    client: int
    port: int
    head: Head
    rows: list[int] = field(default_factory=list)
    asked: dict[int, int] = field(default_factory=dict)
    asked_rows: dict[int, list[int]] = field(default_factory=dict)
    sent_ns: dict[tuple[int, int], int] = field(default_factory=dict)
    replied: set[int] = field(default_factory=set)
    queries: int = 0
    responses: int = 0
    first_ns: int | None = None
    last_ns: int = 0
    last_server: int = 0
    answer: Message | None = None
    rival: Message | None = None
    rtt_ns: int | None = None
    was_truncated: bool = False
    over_tcp: bool = False

    @property
    def is_done(self) -> bool:
        """Whether it was answered, and not only by what was cut."""
        return self.answer is not None and not self.answer.said.is_truncated

    @property
    def server(self) -> int:
        """Who answered, or who was asked last."""
        return self.answer.source if self.answer else self.last_server

    def expects(self, source: int) -> bool:
        """Whether a response may come from there: who was asked, unless everybody was, or no question was recorded."""
        return not self.queries or source in self.asked or any(map(may_be_many, self.asked))

    def silent(self) -> dict[int, list[int]]:
        """Rows of the questions to the servers that had time to answer, and did not, where another one answered."""
        if self.answer is None or len(self.asked) < 2:
            return {}
        ended = self.answer.time_ns
        return {
            server: rows
            for server, rows in self.asked_rows.items()
            if server not in self.replied and ended - self.asked[server] >= _SERVER_DUE_NS
        }


_Key = tuple[int, int, int, bytes, int]


def follow(messages: Iterable[Message]) -> list[Followed]:
    """The look-ups of some messages in the order of time, by their first ones."""
    lookups: list[Followed] = []
    open_lookups: dict[_Key, Followed] = {}
    truncated: dict[tuple[int, int, int, bytes, int], deque[Followed]] = defaultdict(deque)
    for message in messages:
        said = message.said
        client = message.target if said.is_response else message.source
        key = (message.place, client, said.id, said.raw_name, said.type)
        lookup = open_lookups.get(key)
        if said.is_response and lookup and not lookup.expects(message.source):
            key = (message.place, message.source, said.id, said.raw_name, said.type)  # a talk of its own
            lookup = open_lookups.get(key)
        is_new = lookup is None or message.time_ns - lookup.last_ns > SAME_LOOKUP_NS
        if lookup is None or is_new or (not said.is_response and lookup.is_done and not _is_early(lookup, message)):
            cut = truncated.get((message.place, client, message.target, said.raw_name, said.type))
            lookup = open_lookups[key] = (cut and _asked_again(message, cut)) or Followed(
                client, message.target_port if said.is_response else message.source_port, said
            )
            if not lookup.rows:
                lookups.append(lookup)
        _note(lookup, message)
        if said.is_response and said.is_truncated and lookup.answer is message:
            truncated[message.place, client, message.source, said.raw_name, said.type].append(lookup)
    return lookups


def _asked_again(message: Message, truncated: deque[Followed]) -> Followed | None:
    """The look-up whose answer was cut, if this question asks for the rest: over TCP, perhaps with a new id.

    Source: RFC 7766 section 5; RFC 5452 section 9.2 wants a fresh id for each question.
    """
    while message.over_tcp and truncated and truncated[0].last_ns <= message.time_ns:
        lookup = truncated.popleft()
        if not lookup.over_tcp and message.time_ns - lookup.last_ns <= SAME_LOOKUP_NS:
            return lookup
    return None


def _is_early(lookup: Followed, question: Message) -> bool:
    """Whether the answer was only recorded before its question."""
    return lookup.queries == 0 and question.time_ns - lookup.last_ns <= _REORDERED_NS


def _note(lookup: Followed, message: Message) -> None:
    said = message.said
    lookup.rows += (message.row, *message.more)
    lookup.last_ns = message.time_ns
    lookup.over_tcp |= message.over_tcp
    if not said.is_response:
        lookup.queries += 1
        lookup.first_ns = message.time_ns if lookup.first_ns is None else lookup.first_ns
        lookup.last_server = message.target
        lookup.asked[message.target] = lookup.sent_ns[message.target, message.source_port] = message.time_ns
        lookup.asked_rows.setdefault(message.target, []).append(message.row)
        return
    lookup.replied.add(message.source)
    lookup.responses += 1
    if lookup.is_done:
        if lookup.rival is None and lookup.responses > lookup.queries > 0:
            lookup.rival = message
        return
    lookup.was_truncated |= said.is_truncated
    lookup.answer = message
    asked = lookup.sent_ns.get((message.source, message.target_port), lookup.asked.get(message.source))
    lookup.rtt_ns = None if asked is None else message.time_ns - asked
