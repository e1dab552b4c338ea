"""The captures as one witness: where the request and its answer were last seen, and who was silent.

A place speaks of absence only if it is known to be the place that matters, its file is whole, and it saw the run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explain.causes.at_sender import AT_SENDER, is_answered
from explain.causes.diagnosis import Candidate, Reason
from explain.causes.expected import TOO_BIG, may_say
from explain.causes.parts import parts_of
from explain.causes.sightings import look
from explain.causes.vanish import Vanished, vanished
from explain.exchanges.mld_report import solicited_node
from explain.record import dataclass
from explain.state.path import Locus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explain.causes.context import Context
    from explain.causes.diagnosis import Witnesses
    from explain.causes.predictions import Strike
    from explain.causes.signs import Sign
    from explain.causes.spots import Spot, Told

_STOPPING = {"drop", "reject", "expire", "too-big", "no-neighbour", "no-carrier"}
_ON_PUBLISHED = frozenset((
    "forwarding-disabled", "filter-on-router-forward", "stateful-filter-asymmetric-path", "conntrack-table-full",
    "rst-by-middlebox", "idle-timeout-in-middlebox", "dnat-missing", "dnat-to-absent-host", "fragments-filtered",
    "pmtu-blackhole", "wrong-interface-selected",
))  # fmt: skip
"""What a router can do to a packet for its own address that it publishes for a host behind it."""
_OF_TRACES = TOO_BIG | {"ttl-exceeded", "port-unreachable"}
_TOLD = {"reject", "expire", "too-big", "no-neighbour"}
_NO_MACS = {"", "00:00:00:00:00:00"}
_SLOW_MARKS = {"zero-window", "slow-answer", "idle", "unread"}
_FRESH_TTLS = {64, 128, 255}
"""What hosts begin with. Source: RFC 1700, IP option numbers; RFC 8200 leaves it to the host."""


@dataclass(frozen=True, slots=True)
class Wires:
    """What the captures show of the command.

    Attributes:
        sender: the places at the sender's own interfaces, loopback left out.
        fate: how far request and answer came, by every place.
        lookups: outcomes of the name look-ups, ``unanswered`` among them.
        leases: outcomes of DHCP, and the servers that offered.
        course: what TCP connections to the destination showed, as marks.
    """

    witnesses: Witnesses
    context: Context
    spots: tuple[Spot, ...]
    sender: tuple[Spot, ...]
    fate: Vanished
    lookups: tuple[str, ...]
    asked_itself: bool
    leases: tuple[str, ...]
    servers: frozenset[str]
    course: frozenset[str]

    # -- what it adds to other witnesses

    def enrich(self, context: Context) -> Context:
        """The context with what the frames show of the command where nothing else told it."""
        from explain.causes.context import are_near, room
        from explain.causes.wire_signs import tool_of

        if context.tool is None and (tool := tool_of(self)) is not None:
            kinds: dict[str, bool | None] = {kind: kind == tool for kind in ("ping", "tcp", "trace")}
            context = replace(context, tool=tool, conditions=context.conditions | kinds)
        hits = [hit for spot in self.sender for hit in spot.requests]
        if context.tool == "dhcp" or not hits:
            return context
        if context.conditions.get("near") is None and not context.holds("bc"):
            context = replace(context, conditions=context.conditions | {"near": are_near(hits[0].src, hits[0].dst)})
        if context.size is None and context.tool == "ping":
            size = hits[0].size
            context = replace(context, size=size, conditions=context.conditions | room(size))
        if context.port is None and context.tool in {"tcp", "udp"}:
            context = replace(context, port=hits[0].port)
        if context.destination is not None:
            return context
        family = 6 if ":" in hits[0].dst else 4
        conditions = context.conditions | {"v4": family == 4, "v6": family == 6}
        return replace(context, destination=hits[0].dst, family=family, conditions=conditions)

    @property
    def signs(self) -> tuple[Sign, ...]:
        """How the command may have ended, from the frames at the sender alone, the likeliest first.

        What arrives at the wire need not arrive at the program, so an answer does not exclude silence.
        """
        from explain.causes.wire_signs import signs_of

        return signs_of(self)

    def settle(self, sign: Sign) -> Sign:
        """The sign with its speaker settled: an error that was on the wire is not the sender's own, and vice versa."""
        from explain.causes.wire_signs import error_sign

        told = self.errors_about_us()
        if sign.name == "untold" and told:
            return replace(error_sign(told[0]), lines=sign.lines)
        if sign.name != "error" or sign.by is not None or not self.is_listening:
            return sign
        speakers = {told.speaker for spot in self.sender for told in spot.errors}
        if sign.speaker in speakers:
            return replace(sign, by="router")
        return sign if speakers else replace(sign, by="self")

    def count(self, name: str) -> int:
        """How many requests, replies or resets the sender's places saw."""
        return sum(len(getattr(spot, name)) for spot in self.sender)

    @property
    def is_everywhere(self) -> bool:
        """Whether sender, target and everybody between were listened to."""
        return self.fate.is_everywhere

    @property
    def also(self) -> tuple[Candidate, ...]:
        """Redirects that were sent, whatever became of the rest."""
        told = [(spot, each) for spot in self.sender for each in spot.redirects]
        if not told:
            return ()
        speaker = told[0][1].speaker
        reason = Reason(
            "diagnosis.wire.redirect", {"speaker": speaker}, "capture", self._evidence(told[0][0], [told[0][1].row])
        )
        return (Candidate("icmp-redirect", "proved", (Locus("router:1", None, None, speaker),), (reason,)),)

    # -- does it contradict

    def allow(self, strike: Strike, cause: str, context: Context, *, is_muted: bool = False) -> bool:
        """Whether the frames leave this strike possible."""
        if strike.how == "name":
            return self._allows_name(strike)
        if strike.how == "dhcp":
            return self._allows_lease(strike)
        if context.tool == "dhcp" or self.lookups_failed:
            return True
        if self.is_listening and self.is_for_itself and strike.why not in {"own-mac", "wrong-mac"}:
            return False
        if strike.how == "too-big" and self.was_split_since:
            return True
        if not self._allows_at_sender(strike, cause, context, is_muted=is_muted):
            return False
        is_behind = self.fate.has_crossed and (strike.at, strike.leg) == ("router", "request")
        if is_behind and strike.how in _STOPPING and cause not in _ON_PUBLISHED:
            return False
        return self.fate.allows(strike)

    @property
    def lookups_failed(self) -> bool:
        """Whether nothing but look-ups was tried, in vain."""
        return bool(self.lookups) and "answered" not in self.lookups and not self.count("requests")

    def _allows_name(self, strike: Strike) -> bool:
        if "not-known" in strike.shows:
            return not self.lookups or "no-such-name" in self.lookups
        if strike.at == "dns-server":
            # Nothing asked on the wire and everything asked on loopback: no server was ever known.
            return bool(self.lookups) or not self.asked_itself
        return not self.lookups or not self.is_listening

    def _allows_lease(self, strike: Strike) -> bool:
        if strike.at == "bystander":
            return len(self.servers) != 1 or not self.is_listening
        return not self.servers or "silent" not in strike.shows

    @property
    def is_listening(self) -> bool:
        """Whether the sender was listened to, and nothing of it is missing."""
        return bool(self.sender) and all(spot.is_whole for spot in self.sender)

    def _allows_at_sender(self, strike: Strike, cause: str, context: Context, *, is_muted: bool) -> bool:
        if not self.is_listening or context.holds("lo"):
            return True
        ask = None if self.is_answer_for_another and strike.how == "drop" else AT_SENDER.get(strike.how)
        if ask is not None and not ask(self, strike):
            return False
        if self.is_answer_for_another and strike.how == "drop" and (strike.at, strike.leg) == ("segment", "reply"):
            return True
        if strike.how in _STOPPING and is_answered(self) and not (strike.at == "sender" and strike.leg == "reply"):
            return cause == "tcp-accept-queue-full"
        if self.is_onlink and (strike.hop == "remote" or (strike.at == "router" and cause not in _ON_PUBLISHED)):
            return False
        text = self.witnesses.text
        is_unanswered = text is not None and text.has("connect.no-answer")
        if strike.how == "tcp-slow" and self.count("replies") and not is_unanswered:
            return bool(self.course & _SLOW_MARKS)
        if strike.how == "works" and not self._fits_success(cause):
            return False
        return self._fits_errors(strike, context, is_muted=is_muted)

    @property
    def was_split_since(self) -> bool:
        """Whether requests were answered after one was too large: the kernel has learnt the path MTU."""
        return any(told.name in TOO_BIG for told in self.errors_about_us()) and is_answered(self)

    def _fits_errors(self, strike: Strike, context: Context, *, is_muted: bool) -> bool:
        """Whether the errors that came, or that none came, leave the strike possible."""
        errors = self.errors_about_us()
        if not errors:
            return True
        if is_muted:
            return strike.how != "reject" or not strike.shows or any(told.name in strike.shows for told in errors)
        if context.tool == "tcp" and strike.how in _TOLD and strike.leg == "request" and strike.at != "sender":
            # connect() has one word for several errors; the frames tell which, and who says it.
            from explain.causes.wire_signs import error_sign

            return any(may_say(strike, error_sign(told), context) for told in errors)
        is_heard_in_vain = (strike.at, strike.leg) == ("sender", "reply")
        return strike.how != "drop" or is_heard_in_vain or strike.at == "segment"

    @property
    def was_taken(self) -> bool:
        """Whether somebody had the destination for its own, or left its group, before nobody answered for it."""
        wanted = self.context.destination or ""
        group = solicited_node(wanted)
        return any(
            (wanted in spot.claimed or group in spot.left) and wanted not in spot.answered for spot in self.spots
        )

    @property
    def is_answer_for_another(self) -> bool:
        """Whether the answers bear a MAC that is not the asker's: the wire shows them, the kernel drops them."""
        own = {hit.source_mac for spot in self.sender for hit in spot.requests}
        to = {hit.target_mac for spot in self.sender for hit in spot.replies}
        return bool(own and to) and "" not in own | to and not own & to and len(self.sender) == 1

    @property
    def is_for_itself(self) -> bool | None:
        """Whether the requests bear the sender's own MAC as their target's; None if the frames do not tell."""
        macs = [(hit.source_mac, hit.target_mac) for spot in self.sender for hit in spot.requests]
        if not macs or any(source in _NO_MACS for source, _ in macs):
            return None
        return all(source == target for source, target in macs)

    @property
    def is_onlink(self) -> bool:
        """Whether the destination itself answered for its MAC, and nobody with that MAC for anybody else."""
        macs = [mac for spot in self.sender for mac in spot.answered.get(self.context.destination or "", ())]
        others = {
            mac for spot in self.sender for wanted, given in spot.answered.items()
            if wanted != self.context.destination and not wanted.startswith("fe80:") for mac in given
        }  # fmt: skip
        asked = any(self.context.destination in spot.asked for spot in self.sender)
        return asked and bool(macs) and not set(macs) & others

    def _fits_success(self, cause: str) -> bool:
        """Whether what is odd about a success is there: a second router, a stand-in, a second owner."""
        pairs = [
            (request, reply) for spot in self.sender for request in spot.requests[:1] for reply in spot.replies[:1]
        ]
        if not pairs:
            return True
        request, reply = pairs[0]
        if cause in {"suboptimal-gateway", "icmp-redirect"}:
            return bool(self.also) or self.fate.is_detour or request.target_mac != reply.source_mac
        asked = any(self.context.destination in spot.asked for spot in self.sender)
        if cause == "proxy-arp-in-play":
            return (asked or not self.closed_questions()) and reply.ttl not in _FRESH_TTLS
        if cause == "address-tentative":
            return request.src.startswith("fe80:")
        if cause == "corrupted-packets":
            return any(hit.is_bad for spot in self.spots for hit in (*spot.requests, *spot.replies))
        return True

    def errors_about_us(self) -> list[Told]:
        """Errors that came in about the requests; a trace lives on time exceeded, tracepath on what is too big."""
        own = {hit.src for spot in self.sender for hit in spot.requests}
        is_trace = self.context.tool == "trace"
        return [
            told
            for spot in self.sender
            for told in spot.errors
            if told.about_src in own and not (is_trace and told.name in _OF_TRACES)
        ]

    def has_reached(self) -> bool:
        """Whether the target told a trace that it has come to its end."""
        told = [told for spot in self.sender for told in spot.errors]
        is_end = any(each.name == "port-unreachable" and each.speaker == self.context.destination for each in told)
        return self.context.tool == "trace" and is_end

    def has_left(self) -> bool:
        """Whether a request was seen at the sender."""
        return bool(self.count("requests"))

    def open_questions(self) -> dict[str, list[int]]:
        """Addresses that the sender asked for in vain."""
        told = {mac for spot in self.sender for mac in spot.answered}
        found: dict[str, list[int]] = {}
        for spot in self.sender:
            for wanted, rows in spot.unanswered().items():
                if wanted not in told and not (spot.askers[wanted] & self._strangers()):
                    found.setdefault(wanted, []).extend(rows)
        return found

    def closed_questions(self) -> set[str]:
        """Addresses for which the sender got a MAC."""
        return {wanted for spot in self.sender for wanted in spot.asked if wanted in spot.answered}

    def _strangers(self) -> set[str]:
        """Addresses that are known to be others': they were answered for, or are the destination."""
        others = {wanted for spot in self.sender for wanted in spot.answered}
        own = {hit.src for spot in self.sender for hit in spot.requests}
        state = next((each for each in self.witnesses.states if each.name == self.witnesses.sender), None)
        if state is not None:
            others = {one for one in others if state.owner_of(one) is None}
        return (others | {self.context.destination or ""}) - own

    # -- what it tells

    def place_of(self, strike: Strike) -> tuple[str | None, str | None] | None:
        """Where the strike fell, as node and interface, if the frames show it."""
        return self.fate.place_of(strike)

    def reasons(self, strikes: tuple[Strike, ...]) -> list[Reason]:
        """What the frames show that fits."""
        found: list[Reason] = []
        asked = self.open_questions() if self.is_listening else {}
        strike = strikes[0]
        if asked and strike.how in {"no-neighbour", "no-carrier"}:
            wanted, rows = next(iter(asked.items()))
            found.append(self._reason("diagnosis.wire.asked", {"wanted": wanted, "count": len(rows)}, rows))
        elif self.has_left():
            rows = [hit.row for spot in self.sender for hit in spot.requests]
            replies = self.count("replies")
            errors = self.errors_about_us()
            if errors:
                values = {"speaker": errors[0].speaker, "name": errors[0].name}
                found.append(self._reason("diagnosis.wire.error", values, [errors[0].row]))
            else:
                message = "diagnosis.wire.answered" if replies else "diagnosis.wire.silent"
                found.append(self._reason(message, {"count": len(rows), "replies": replies}, rows))
        elif self.is_listening and strike.how != "works" and not self.context.holds("lo"):
            found.append(Reason("diagnosis.wire.nothing", {}, "capture", self._evidence(self.sender[0], [])))
        return [*found, *self.fate.reasons(strike, self._evidence)]

    def objection(self) -> Reason:
        """What the frames show that a cause contradicts: the short form."""
        if not self.is_listening:
            return Reason("diagnosis.out.wire", {}, "capture")
        if self.count("replies"):
            return Reason("diagnosis.out.answered", {}, "capture")
        if self.has_left():
            return Reason("diagnosis.out.left", {}, "capture")
        if self.open_questions():
            return Reason("diagnosis.out.asked", {"wanted": next(iter(self.open_questions()))}, "capture")
        return Reason("diagnosis.out.nothing", {}, "capture")

    def _reason(self, message: str, values: dict[str, Any], rows: list[int]) -> Reason:
        return Reason(message, values, "capture", self._evidence(self.sender[0], rows))

    def _evidence(self, spot: Spot, rows: Iterable[int]) -> dict[str, Any]:
        table = self.witnesses.table
        place = {"capture": spot.capture, "interface": spot.number, "node": spot.node}
        evidence = table.evidence(list(rows)) if table is not None else ()
        mine = [each for each in evidence if each.capture == spot.capture] or list(evidence)
        return place | {"frames": [list(span) for span in mine[0].frames] if mine else []}


def read(witnesses: Witnesses, context: Context) -> Wires | None:
    """What the captures show; None if they hold no place at all."""
    spots = [spot for spot in look(witnesses, context) if not spot.is_loopback]
    if not spots or witnesses.table is None:
        return None
    from explain.causes.courses import course_of, leases_of, lookups_of
    from explain.causes.signs import has_lease

    parts = parts_of(spots, witnesses, context)
    text = witnesses.text
    is_bound = has_lease(text) if text is not None and context.tool == "dhcp" else None
    leases, servers = leases_of(witnesses.table, is_bound)
    return Wires(
        witnesses,
        context,
        tuple(spots),
        parts.sender,
        vanished(spots, parts, witnesses, context),
        *lookups_of(witnesses.table),
        leases,
        servers,
        course_of(witnesses.table, context),
    )
