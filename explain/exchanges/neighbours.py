"""Questions for a MAC and claims of an address as they grow, frame by frame: ARP and IPv6 neighbours alike."""

from __future__ import annotations

from dataclasses import field

from explain.record import dataclass

_SAME_QUESTION_NS = 5_000_000_000  # an unanswered question is repeated each second or so (RFC 4861, RETRANS_TIMER)
_LATE_ANSWER_NS = 2_000_000_000  # a second answer to the same question comes at once or never
_SAME_CLAIM_NS = 10_000_000_000  # RFC 5227, 1.1: three probes and two announcements, at most 2 s apart


@dataclass(slots=True)
class Question:
    """A resolution that is still growing.

    Attributes:
        asker, wanted: address keys.
        asker_mac: MAC key, 0 where nobody was seen to ask.
        answer_ns: from the first request to the first reply; None without either, and where the clock went back.
        macs: who answered, in order, and whether with an answer that replaces an older one.
        is_router: who answered calls itself one.
    """

    asker: int
    asker_mac: int
    wanted: int
    first_ns: int
    last_ns: int
    rows: list[int] = field(default_factory=list)
    requests: int = 0
    replies: int = 0
    answer_ns: int | None = None
    macs: dict[int, bool] = field(default_factory=dict)
    is_unicast: bool = True
    is_router: bool = False


@dataclass(slots=True)
class Claim:
    """An announcement, or a check before an address is used, that is still growing.

    Attributes:
        address: address key.
        mac, challenger: MAC keys of who claims it, and of who else does, None if nobody.
        is_probe: the address was only asked for.
    """

    address: int
    mac: int
    is_probe: bool
    last_ns: int
    challenger: int | None = None
    rows: list[int] = field(default_factory=list)
    count: int = 0


class Questions:
    """Questions in the order in which they began.

    A ``key`` says at which place who asks for whom; ``ends`` are the asker, its MAC, and the wanted address.
    """

    def __init__(self) -> None:
        self.all: list[Question] = []
        self._last: dict[tuple[int, ...], Question] = {}

    def ask(
        self, key: tuple[int, ...], ends: tuple[int, int, int], row: int, time_ns: int, *, is_unicast: bool
    ) -> None:
        """A request: a new question, or the last one repeated."""
        question = self._last.get(key)
        if question is None or question.replies or time_ns - question.last_ns > _SAME_QUESTION_NS:
            question = self._begin(key, ends, time_ns)
        question.rows.append(row)
        question.requests += 1
        question.last_ns = time_ns
        question.is_unicast &= is_unicast

    def answer(
        self, key: tuple[int, ...], ends: tuple[int, int, int], row: int, time_ns: int, mac: int, *, replaces: bool
    ) -> Question:
        """A reply: to the last question, or to one that nobody was seen to ask."""
        question = self._last.get(key)
        patience = _LATE_ANSWER_NS if question and question.replies else _SAME_QUESTION_NS
        if question is None or time_ns - question.last_ns > patience:
            question = self._begin(key, ends, time_ns)
        if question.requests and question.answer_ns is None and time_ns >= question.first_ns:
            question.answer_ns = time_ns - question.first_ns
        question.rows.append(row)
        question.replies += 1
        question.last_ns = time_ns
        question.macs[mac] = question.macs.get(mac, False) or replaces
        return question

    def _begin(self, key: tuple[int, ...], ends: tuple[int, int, int], time_ns: int) -> Question:
        question = self._last[key] = Question(*ends, time_ns, time_ns)
        self.all.append(question)
        return question


class Claims:
    """Claims in the order in which they began; the last one of each place and address may still grow."""

    def __init__(self) -> None:
        self.all: list[Claim] = []
        self._last: dict[tuple[int, int], Claim] = {}

    def by_another(self, place: int, address: int, mac: int, time_ns: int) -> Claim | None:
        """The last claim of an address, if it is recent and of another MAC."""
        claim = self._last.get((place, address))
        if claim is None or claim.mac == mac or time_ns - claim.last_ns > _SAME_CLAIM_NS:
            return None
        return claim

    def claim(self, place: int, address: int, mac: int, row: int, time_ns: int, *, is_probe: bool) -> None:
        """One more frame that claims an address; each of two MACs that do so at a time challenges the other."""
        other = self.by_another(place, address, mac, time_ns)
        if other is not None:
            other.challenger = mac
            other.rows.append(row)
        claim = self._last.get((place, address))
        is_recent = claim is not None and time_ns - claim.last_ns <= _SAME_CLAIM_NS
        if claim is None or not is_recent or claim.mac != mac or claim.is_probe != is_probe:
            challenger = None if other is None else other.mac
            claim = self._last[place, address] = Claim(address, mac, is_probe, time_ns, challenger)
            self.all.append(claim)
        claim.rows.append(row)
        claim.count += 1
        claim.last_ns = time_ns
