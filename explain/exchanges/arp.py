"""``arp.resolution``: who has this address?  ``arp.announcement``: I have it (RFC 826, 5227)."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from explain.addresses import BROADCAST, mac_text
from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable

RESOLUTION_OUTCOMES = ("answered", "unanswered", "conflicting")
ANNOUNCEMENT_OUTCOMES = ("unchallenged", "challenged")
_REQUEST, _REPLY = 1, 2
_SAME_QUESTION_NS = 5_000_000_000  # a host repeats an unanswered who-has each second or so
_LATE_ANSWER_NS = 2_000_000_000  # a second answer to the same question comes at once or never
_SAME_PROBE_NS = 10_000_000_000  # RFC 5227, 1.1: three probes and two announcements, at most 2 s apart
_PATIENCE_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class ArpResolution:
    """One question for a MAC, with its repetitions and its answers.

    Attributes:
        answered_macs: every MAC that claimed the address, in the order of the answers.
        requests: 0 where an answer came that nobody was seen to ask for.
        is_unicast: the asker knew the MAC and only checked it (RFC 4861, 7.3.3 in spirit).
        answer_ns: from the first request to the first reply, None without either.
    """

    asker_ip: str
    asker_mac: str
    wanted_ip: str
    answered_macs: tuple[str, ...]
    requests: int
    replies: int
    is_unicast: bool
    answer_ns: int | None


@dataclass(frozen=True, slots=True)
class ArpAnnouncement:
    """An address claimed (gratuitous ARP) or asked for before use (probe).

    Attributes:
        challenger_mac: who else said that the address is taken, None if nobody.
    """

    address: str
    mac: str
    is_probe: bool
    count: int
    challenger_mac: str | None


class _Frame(NamedTuple):
    """One row of ``table.arp``."""

    row: int
    place: int
    time_ns: int
    operation: int
    sender_mac: int
    sender_ip: int
    target_mac: int
    target_ip: int
    link_target: int


@dataclass(slots=True)
class _Question:
    """A resolution that is still growing."""

    asker_ip: int
    asker_mac: int
    wanted: int
    rows: list[int] = field(default_factory=list)
    requests: int = 0
    replies: int = 0
    first_ns: int = 0
    last_ns: int = 0
    answer_ns: int | None = None
    macs: dict[int, None] = field(default_factory=dict)
    is_unicast: bool = True


@dataclass(slots=True)
class _Claim:
    """An announcement that is still growing."""

    address: int
    mac: int
    is_probe: bool
    rows: list[int] = field(default_factory=list)
    count: int = 0
    last_ns: int = 0
    challenger: int | None = None


def find(table: PacketTable) -> tuple[ExchangeColumns, ExchangeColumns]:
    """The resolutions and the announcements, at each place by itself."""
    questions: list[_Question] = []
    claims: list[_Claim] = []
    open_questions: dict[tuple[int, int, int, int], _Question] = {}
    open_claims: dict[tuple[int, int], _Claim] = {}
    for frame in _frames(table):
        is_claim = frame.sender_ip in (0, frame.target_ip)
        if is_claim and not (frame.sender_ip == 0 and frame.operation == _REPLY):
            _claim(frame, claims, open_claims)
        elif frame.operation == _REQUEST:
            _ask(frame, questions, open_questions)
        elif frame.operation == _REPLY and not _challenges(frame, open_claims):
            _answer(frame, questions, open_questions)
        if frame.operation == _REQUEST and not is_claim:
            _challenges(frame, open_claims)
    return _resolutions(table, questions), _announcements(table, claims)


def _frames(table: PacketTable) -> Iterator[_Frame]:
    arp = table.arp
    columns = (
        arp.row, table.place[arp.row], table.time_ns[arp.row], arp.operation, arp.sender_mac, arp.sender_ip,
        arp.target_mac, arp.target_ip, table.links.target[table.link[arp.row]],
    )  # fmt: skip
    return map(_Frame._make, zip(*(column.tolist() for column in columns), strict=True))


def _ask(frame: _Frame, questions: list[_Question], still_open: dict[tuple[int, int, int, int], _Question]) -> None:
    key = (frame.place, frame.sender_ip, frame.sender_mac, frame.target_ip)
    question = still_open.get(key)
    if question is None or question.replies or frame.time_ns - question.last_ns > _SAME_QUESTION_NS:
        question = still_open[key] = _Question(frame.sender_ip, frame.sender_mac, frame.target_ip)
        question.first_ns = frame.time_ns
        questions.append(question)
    question.rows.append(frame.row)
    question.requests += 1
    question.last_ns = frame.time_ns
    question.is_unicast &= frame.link_target < BROADCAST


def _answer(frame: _Frame, questions: list[_Question], still_open: dict[tuple[int, int, int, int], _Question]) -> None:
    key = (frame.place, frame.target_ip, frame.target_mac, frame.sender_ip)
    question = still_open.get(key)
    patience = _LATE_ANSWER_NS if question and question.replies else _SAME_QUESTION_NS
    if question is None or frame.time_ns - question.last_ns > patience:
        question = still_open[key] = _Question(frame.target_ip, frame.target_mac, frame.sender_ip)
        question.first_ns = frame.time_ns
        questions.append(question)
    if question.requests and question.answer_ns is None:
        question.answer_ns = frame.time_ns - question.first_ns
    question.rows.append(frame.row)
    question.replies += 1
    question.last_ns = frame.time_ns
    question.macs[frame.sender_mac] = None


def _claim(frame: _Frame, claims: list[_Claim], still_open: dict[tuple[int, int], _Claim]) -> None:
    key = (frame.place, frame.target_ip)
    claim = still_open.get(key)
    is_recent = claim is not None and frame.time_ns - claim.last_ns <= _SAME_PROBE_NS
    if claim is not None and is_recent and claim.mac != frame.sender_mac:
        claim.challenger = frame.sender_mac
        claim.rows.append(frame.row)
    is_probe = frame.sender_ip == 0
    if claim is None or not is_recent or claim.mac != frame.sender_mac or claim.is_probe != is_probe:
        challenger = claim.mac if claim is not None and is_recent and claim.mac != frame.sender_mac else None
        claim = still_open[key] = _Claim(frame.target_ip, frame.sender_mac, is_probe, challenger=challenger)
        claims.append(claim)
    claim.rows.append(frame.row)
    claim.count += 1
    claim.last_ns = frame.time_ns


def _challenges(frame: _Frame, still_open: dict[tuple[int, int], _Claim]) -> bool:
    """Whether this frame says that a claimed address belongs to somebody else; noted if so."""
    claim = still_open.get((frame.place, frame.sender_ip))
    if claim is None or frame.sender_mac == claim.mac or frame.time_ns - claim.last_ns > _SAME_PROBE_NS:
        return False
    claim.challenger = frame.sender_mac
    claim.rows.append(frame.row)
    return frame.operation == _REPLY and frame.target_mac == claim.mac and frame.target_ip in (0, claim.address)


def _resolutions(table: PacketTable, questions: list[_Question]) -> ExchangeColumns:
    found = [Found(_outcome(question), question.rows, question) for question in questions]
    return from_list(
        "arp.resolution", RESOLUTION_OUTCOMES, found, table, _PATIENCE_NS, lambda question: _resolution(table, question)
    )


def _outcome(question: _Question) -> str:
    return "unanswered" if not question.replies else "conflicting" if len(question.macs) > 1 else "answered"


def _resolution(table: PacketTable, question: _Question) -> ArpResolution:
    text = table.addresses.text
    return ArpResolution(
        text(question.asker_ip),
        mac_text(question.asker_mac),
        text(question.wanted),
        tuple(mac_text(mac) for mac in question.macs),
        question.requests,
        question.replies,
        question.is_unicast and question.requests > 0,
        question.answer_ns,
    )


def _announcements(table: PacketTable, claims: list[_Claim]) -> ExchangeColumns:
    found = [Found("unchallenged" if claim.challenger is None else "challenged", claim.rows, claim) for claim in claims]
    return from_list(
        "arp.announcement", ANNOUNCEMENT_OUTCOMES, found, table, _PATIENCE_NS, lambda claim: _announcement(table, claim)
    )


def _announcement(table: PacketTable, claim: _Claim) -> ArpAnnouncement:
    challenger = None if claim.challenger is None else mac_text(claim.challenger)
    address = table.addresses.text(claim.address)
    return ArpAnnouncement(address, mac_text(claim.mac), claim.is_probe, claim.count, challenger)
