"""``ndp.resolution``, ``ndp.announcement`` and ``ndp.duplicate-check``: IPv6 neighbours (RFC 4861, 4862)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import mac_text
from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.exchanges.ndp.frames import ADVERTISEMENT, SOLICITATION, Message, mac_in, messages
from explain.exchanges.neighbours import Claim, Claims, Question, Questions
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.table import PacketTable

RESOLUTION_OUTCOMES = ("answered", "unanswered", "conflicting")
ANNOUNCEMENT_OUTCOMES = ("unchallenged", "challenged")
_CHECK_OUTCOMES = ("free", "taken")
_SOLICITED, _OVERRIDE = 1 << 30, 1 << 29  # RFC 4861, 4.4
_ROUTER = 1 << 31
_PATIENCE_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class NdpResolution:
    """One question for a neighbour's MAC, with its repetitions and its answers.

    Attributes:
        answered_macs: every MAC that claimed the address, in the order of the answers.
        requests: neighbour solicitations; 0 where an answer came that nobody was seen to ask for.
        is_unicast: the asker knew the MAC and only checked it (neighbour unreachability detection).
        answer_ns: from the first solicitation to the first advertisement; None without either, and where the clock
            went back.
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


def find(table: PacketTable) -> tuple[ExchangeColumns, ExchangeColumns, ExchangeColumns]:
    """Resolutions, announcements and duplicate checks, at each place by itself."""
    questions, claims = Questions(), Claims()
    for message in messages(table):
        if message.kind == SOLICITATION and message.is_from_nobody:
            _claim(message, claims, is_probe=True)
        elif message.kind == SOLICITATION:
            _ask(message, questions)
        elif message.kind == ADVERTISEMENT and not _challenges(message, claims):
            if message.is_to_group:
                _claim(message, claims, is_probe=False)
            else:
                _answer(message, questions)
    checks = [claim for claim in claims.all if claim.is_probe]
    announcements = [claim for claim in claims.all if not claim.is_probe]
    return _resolutions(table, questions.all), _announcements(table, announcements), _checks(table, checks)


def _ask(message: Message, questions: Questions) -> None:
    key, ends = (message.place, message.source, message.target), (message.source, message.mac, message.target)
    questions.ask(key, ends, message.row, message.time_ns, is_unicast=not message.is_to_group)


def _answer(message: Message, questions: Questions) -> None:
    key, ends = (message.place, message.to, message.target), (message.to, 0, message.target)
    replaces = bool(message.word & _OVERRIDE)
    question = questions.answer(key, ends, message.row, message.time_ns, message.mac, replaces=replaces)
    question.is_router |= bool(message.word & _ROUTER)


def _claim(message: Message, claims: Claims, *, is_probe: bool) -> None:
    claims.claim(message.place, message.target, message.mac, message.row, message.time_ns, is_probe=is_probe)


def _challenges(message: Message, claims: Claims) -> bool:
    """Whether this advertisement defends an address that somebody is checking; noted if so."""
    claim = claims.by_another(message.place, message.target, message.mac, message.time_ns)
    if claim is None or not (message.is_to_group or claim.is_probe):
        return False
    claim.challenger = message.mac
    claim.rows.append(message.row)
    return claim.is_probe and message.is_to_group and not message.word & _SOLICITED


def _resolution_outcome(question: Question) -> str:
    if not question.replies:
        return "unanswered"
    # Several may answer for an anycast address, or as proxies: they leave the override flag out (RFC 4861, 7.2.7).
    return "conflicting" if len(question.macs) > 1 and sum(question.macs.values()) > 1 else "answered"


def _resolutions(table: PacketTable, questions: list[Question]) -> ExchangeColumns:
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


def _announcements(table: PacketTable, claims: list[Claim]) -> ExchangeColumns:
    found = [
        Found(
            "unchallenged" if one.challenger is None else "challenged",
            one.rows,
            NdpAnnouncement(table.addresses.text(one.address), mac_text(one.mac), one.count, _challenger(one)),
        )
        for one in claims
    ]
    return from_list("ndp.announcement", ANNOUNCEMENT_OUTCOMES, found, table, _PATIENCE_NS)


def _checks(table: PacketTable, claims: list[Claim]) -> ExchangeColumns:
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


def _challenger(claim: Claim) -> str | None:
    return None if claim.challenger is None else mac_text(claim.challenger)
