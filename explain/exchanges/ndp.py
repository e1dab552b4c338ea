"""``ndp.resolution``, ``ndp.announcement`` and ``ndp.duplicate-check``: IPv6 neighbours (RFC 4861, 4862)."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from explain.addresses import mac_text
from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.exchanges.ndp_frames import ADVERTISEMENT, SOLICITATION, Message, mac_in, messages
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.table import PacketTable

RESOLUTION_OUTCOMES = ("answered", "unanswered", "conflicting")
ANNOUNCEMENT_OUTCOMES = ("unchallenged", "challenged")
_CHECK_OUTCOMES = ("free", "taken")
_SOLICITED, _OVERRIDE = 1 << 30, 1 << 29  # RFC 4861, 4.4
_ROUTER = 1 << 31
_SAME_QUESTION_NS = 5_000_000_000  # RETRANS_TIMER is a second; three by unicast, then three to the group
_LATE_ANSWER_NS = 2_000_000_000
_SAME_CHECK_NS = 10_000_000_000
_PATIENCE_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class NdpResolution:
    """One question for a neighbour's MAC, with its repetitions and its answers.

    Attributes:
        answered_macs: every MAC that claimed the address, in the order of the answers.
        requests: neighbour solicitations; 0 where an answer came that nobody was seen to ask for.
        is_unicast: the asker knew the MAC and only checked it (neighbour unreachability detection).
        answer_ns: from the first solicitation to the first advertisement, None without either.
        is_router: who answered calls itself a router (R flag).
    """

    asker_ip: str
    asker_mac: str
    wanted_ip: str
    answered_macs: tuple[str, ...]
    requests: int
    replies: int
    is_unicast: bool
    answer_ns: int | None
    is_router: bool


@dataclass(frozen=True, slots=True)
class NdpAnnouncement:
    """An advertisement to everybody that nobody asked for (RFC 4861, 7.2.6).

    Attributes:
        challenger_mac: who else announced the address, None if nobody.
    """

    address: str
    mac: str
    count: int
    challenger_mac: str | None


@dataclass(frozen=True, slots=True)
class NdpDuplicateCheck:
    """A host asks whether an address is in use before it takes it (RFC 4862, 5.4).

    Attributes:
        challenger_mac: who has or wants the address, too; None if nobody.
        derived_mac: the MAC that the address was made from (EUI-64), None if it was not.
    """

    address: str
    mac: str
    count: int
    challenger_mac: str | None
    derived_mac: str | None


@dataclass(slots=True)
class _Question:
    asker: int
    asker_mac: int
    wanted: int
    rows: list[int] = field(default_factory=list)
    requests: int = 0
    replies: int = 0
    first_ns: int = 0
    last_ns: int = 0
    answer_ns: int | None = None
    macs: dict[int, bool] = field(default_factory=dict)
    is_unicast: bool = True
    is_router: bool = False


@dataclass(slots=True)
class _Claim:
    address: int
    mac: int
    is_check: bool
    rows: list[int] = field(default_factory=list)
    count: int = 0
    last_ns: int = 0
    challenger: int | None = None


@dataclass(slots=True)
class _State:
    """What is known so far, and what may still grow."""

    questions: list[_Question] = field(default_factory=list)
    claims: list[_Claim] = field(default_factory=list)
    asked: dict[tuple[int, int, int], _Question] = field(default_factory=dict)
    claimed: dict[tuple[int, int], _Claim] = field(default_factory=dict)


def find(table: PacketTable) -> tuple[ExchangeColumns, ExchangeColumns, ExchangeColumns]:
    """Resolutions, announcements and duplicate checks, at each place by itself."""
    state = _State()
    for message in messages(table):
        if message.kind == SOLICITATION and message.is_from_nobody:
            _claim(message, state, is_check=True)
        elif message.kind == SOLICITATION:
            _ask(message, state)
        elif message.kind == ADVERTISEMENT and not _challenges(message, state):
            if message.is_to_group:
                _claim(message, state, is_check=False)
            else:
                _answer(message, state)
    checks = [claim for claim in state.claims if claim.is_check]
    announcements = [claim for claim in state.claims if not claim.is_check]
    return _resolutions(table, state.questions), _announcements(table, announcements), _checks(table, checks)


def _ask(message: Message, state: _State) -> None:
    key = (message.place, message.source, message.target)
    question = state.asked.get(key)
    if question is None or question.replies or message.time_ns - question.last_ns > _SAME_QUESTION_NS:
        question = state.asked[key] = _Question(message.source, message.mac, message.target)
        question.first_ns = message.time_ns
        state.questions.append(question)
    question.rows.append(message.row)
    question.requests += 1
    question.last_ns = message.time_ns
    question.is_unicast &= not message.is_to_group


def _answer(message: Message, state: _State) -> None:
    key = (message.place, message.to, message.target)
    question = state.asked.get(key)
    patience = _LATE_ANSWER_NS if question and question.replies else _SAME_QUESTION_NS
    if question is None or message.time_ns - question.last_ns > patience:
        question = state.asked[key] = _Question(message.to, 0, message.target)
        question.first_ns = message.time_ns
        state.questions.append(question)
    if question.requests and question.answer_ns is None:
        question.answer_ns = message.time_ns - question.first_ns
    question.rows.append(message.row)
    question.replies += 1
    question.last_ns = message.time_ns
    question.macs[message.mac] = question.macs.get(message.mac, False) or bool(message.word & _OVERRIDE)
    question.is_router |= bool(message.word & _ROUTER)


def _claim(message: Message, state: _State, *, is_check: bool) -> None:
    key = (message.place, message.target)
    claim = state.claimed.get(key)
    is_recent = claim is not None and message.time_ns - claim.last_ns <= _SAME_CHECK_NS
    challenger = None
    if claim is not None and is_recent and claim.mac != message.mac:
        claim.challenger = challenger = message.mac
        claim.rows.append(message.row)
        challenger = claim.mac
    if claim is None or not is_recent or claim.mac != message.mac or claim.is_check != is_check:
        claim = state.claimed[key] = _Claim(message.target, message.mac, is_check, challenger=challenger)
        state.claims.append(claim)
    claim.rows.append(message.row)
    claim.count += 1
    claim.last_ns = message.time_ns


def _challenges(message: Message, state: _State) -> bool:
    """Whether this advertisement defends an address that somebody is checking; noted if so."""
    claim = state.claimed.get((message.place, message.target))
    if claim is None or message.mac == claim.mac or message.time_ns - claim.last_ns > _SAME_CHECK_NS:
        return False
    if not message.is_to_group and not claim.is_check:
        return False
    claim.challenger = message.mac
    claim.rows.append(message.row)
    return claim.is_check and message.is_to_group and not message.word & _SOLICITED


def _resolution_outcome(question: _Question) -> str:
    if not question.replies:
        return "unanswered"
    # Several may answer for an anycast address, or as proxies: they leave the override flag out (RFC 4861, 7.2.7).
    return "conflicting" if len(question.macs) > 1 and sum(question.macs.values()) > 1 else "answered"


def _resolutions(table: PacketTable, questions: list[_Question]) -> ExchangeColumns:
    text = table.addresses.text
    found = [
        Found(
            _resolution_outcome(one),
            one.rows,
            NdpResolution(
                text(one.asker), mac_text(one.asker_mac) if one.requests else "", text(one.wanted),
                tuple(shown for mac in one.macs if (shown := mac_text(mac))), one.requests, one.replies,
                one.is_unicast and one.requests > 0, one.answer_ns, one.is_router,
            ),
        )
        for one in questions
    ]  # fmt: skip
    return from_list("ndp.resolution", RESOLUTION_OUTCOMES, found, table, _PATIENCE_NS)


def _announcements(table: PacketTable, claims: list[_Claim]) -> ExchangeColumns:
    found = [
        Found(
            "unchallenged" if one.challenger is None else "challenged",
            one.rows,
            NdpAnnouncement(table.addresses.text(one.address), mac_text(one.mac), one.count, _challenger(one)),
        )
        for one in claims
    ]
    return from_list("ndp.announcement", ANNOUNCEMENT_OUTCOMES, found, table, _PATIENCE_NS)


def _checks(table: PacketTable, claims: list[_Claim]) -> ExchangeColumns:
    found = [
        Found(
            "free" if one.challenger is None else "taken",
            one.rows,
            NdpDuplicateCheck(
                table.addresses.text(one.address), mac_text(one.mac), one.count, _challenger(one),
                mac_in(table.addresses.octets(one.address)),
            ),
        )
        for one in claims
    ]  # fmt: skip
    return from_list("ndp.duplicate-check", _CHECK_OUTCOMES, found, table, _PATIENCE_NS)


def _challenger(claim: _Claim) -> str | None:
    return None if claim.challenger is None else mac_text(claim.challenger)
