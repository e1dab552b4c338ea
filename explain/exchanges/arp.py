"""``arp.resolution``: who has this address?  ``arp.announcement``: I have it (RFC 826, 5227)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import BROADCAST, mac_text
from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.exchanges.neighbours import Claim, Claims, Question, Questions
from explain.record import NamedTuple, dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable

RESOLUTION_OUTCOMES = ("answered", "unanswered", "conflicting")
ANNOUNCEMENT_OUTCOMES = ("unchallenged", "challenged")
_REQUEST, _REPLY = 1, 2
_PATIENCE_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class ArpResolution:
    """One question for a MAC, with its repetitions and its answers.

    Attributes:
        answered_macs: every MAC that claimed the address, in the order of the answers.
        requests: 0 where an answer came that nobody was seen to ask for.
        is_unicast: the asker knew the MAC and only checked it (RFC 4861, 7.3.3 in spirit).
        answer_ns: from the first request to the first reply; None without either, and where the clock went back.
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


def find(table: PacketTable) -> tuple[ExchangeColumns, ExchangeColumns]:
    """The resolutions and the announcements, at each place by itself."""
    questions, claims = Questions(), Claims()
    for frame in _frames(table):
        is_claim = frame.sender_ip in (0, frame.target_ip) and not _is_objection(frame, claims)
        if is_claim and not (frame.sender_ip == 0 and frame.operation == _REPLY):
            claims.claim(
                frame.place, frame.target_ip, frame.sender_mac, frame.row, frame.time_ns, is_probe=frame.sender_ip == 0
            )
        elif frame.operation == _REQUEST:
            _ask(frame, questions)
        elif frame.operation == _REPLY and not _challenges(frame, claims):
            _answer(frame, questions)
        if frame.operation == _REQUEST and not is_claim:
            _challenges(frame, claims)
    return _resolutions(table, questions.all), _announcements(table, claims.all)


def _frames(table: PacketTable) -> Iterator[_Frame]:
    arp = table.arp
    columns = (
        arp.row, table.place[arp.row], table.time_ns[arp.row], arp.operation, arp.sender_mac, arp.sender_ip,
        arp.target_mac, arp.target_ip, table.links.target[table.link[arp.row]],
    )  # fmt: skip
    return map(_Frame._make, zip(*(column.tolist() for column in columns), strict=True))


def _ask(frame: _Frame, questions: Questions) -> None:
    ends = (frame.sender_ip, frame.sender_mac, frame.target_ip)
    questions.ask((frame.place, *ends), ends, frame.row, frame.time_ns, is_unicast=frame.link_target < BROADCAST)


def _answer(frame: _Frame, questions: Questions) -> None:
    ends = (frame.target_ip, frame.target_mac, frame.sender_ip)
    questions.answer((frame.place, *ends), ends, frame.row, frame.time_ns, frame.sender_mac, replaces=True)


def _is_objection(frame: _Frame, claims: Claims) -> bool:
    """Whether it answers, alone, one who announced the very address: Linux says so, and that is no announcement."""
    if frame.operation != _REPLY or frame.sender_ip != frame.target_ip or frame.link_target >= BROADCAST:
        return False
    claim = claims.by_another(frame.place, frame.sender_ip, frame.sender_mac, frame.time_ns)
    return claim is not None and claim.mac == frame.target_mac


def _challenges(frame: _Frame, claims: Claims) -> bool:
    """Whether this frame says that a claimed address belongs to somebody else; noted if so."""
    claim = claims.by_another(frame.place, frame.sender_ip, frame.sender_mac, frame.time_ns)
    if claim is None:
        return False
    claim.challenger = frame.sender_mac
    claim.rows.append(frame.row)
    return frame.operation == _REPLY and frame.target_mac == claim.mac and frame.target_ip in (0, claim.address)


def _resolutions(table: PacketTable, questions: list[Question]) -> ExchangeColumns:
    found = [Found(_outcome(question), question.rows, question) for question in questions]
    return from_list(
        "arp.resolution", RESOLUTION_OUTCOMES, found, table, _PATIENCE_NS, lambda question: _resolution(table, question)
    )


def _outcome(question: Question) -> str:
    return "unanswered" if not question.replies else "conflicting" if len(question.macs) > 1 else "answered"


def _resolution(table: PacketTable, question: Question) -> ArpResolution:
    text = table.addresses.text
    return ArpResolution(
        text(question.asker),
        mac_text(question.asker_mac),
        text(question.wanted),
        tuple(mac_text(mac) for mac in question.macs),
        question.requests,
        question.replies,
        question.is_unicast and question.requests > 0,
        question.answer_ns,
    )


def _announcements(table: PacketTable, claims: list[Claim]) -> ExchangeColumns:
    found = [Found("unchallenged" if claim.challenger is None else "challenged", claim.rows, claim) for claim in claims]
    return from_list(
        "arp.announcement", ANNOUNCEMENT_OUTCOMES, found, table, _PATIENCE_NS, lambda claim: _announcement(table, claim)
    )


def _announcement(table: PacketTable, claim: Claim) -> ArpAnnouncement:
    challenger = None if claim.challenger is None else mac_text(claim.challenger)
    address = table.addresses.text(claim.address)
    return ArpAnnouncement(address, mac_text(claim.mac), claim.is_probe, claim.count, challenger)
