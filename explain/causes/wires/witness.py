"""The captures as one witness: where the request and its answer were last seen, and who was silent.

A place speaks of absence only if it is known to be the place that matters, its file is whole, and it saw the run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.causes.context import are_on_wide_link
from explain.causes.text.expected import TOO_BIG
from explain.causes.wires.at_sender import is_answered
from explain.causes.wires.how_far import vanished
from explain.causes.wires.parts import interfaces_of, parts_of
from explain.causes.wires.sightings import look
from explain.exchanges.groups import solicited_node
from explain.record import dataclass
from explain.table import FOR_OTHERS

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.causes.diagnosis import Witnesses
    from explain.causes.predictions import Strike
    from explain.causes.text.signs import Sign
    from explain.causes.wires.spots import Spot, Told
    from explain.causes.wires.vanish import Vanished

_OF_TRACES = TOO_BIG | {"ttl-exceeded", "port-unreachable"}
_LATE_NS = 10_000_000
"""No host that is awake takes so long to tell its MAC."""
_COOKED = {113, 276}
"""Link types without a device's own header: of any device. Source: LINKTYPE_LINUX_SLL and its second version."""
_NO_MACS = {"", "00:00:00:00:00:00"}


@dataclass(frozen=True, slots=True)
class Wires:
    """What the captures show of the command.

    Attributes:
        sender: the places at the sender's own interfaces, loopback left out.
        is_sender_guessed: nobody told which these are; the frames look like it.
        fate: how far request and answer came, by every place.
        lookups: outcomes of the name look-ups, ``unanswered`` among them.
        leases: outcomes of DHCP, and the servers that offered.
        course: what TCP connections to the destination showed, as marks.
    """

    witnesses: Witnesses
    context: Context
    spots: tuple[Spot, ...]
    sender: tuple[Spot, ...]
    is_sender_guessed: bool
    fate: Vanished
    lookups: tuple[str, ...]
    asked_itself: bool
    leases: tuple[str, ...]
    servers: frozenset[str]
    course: frozenset[str]

    def enrich(self, context: Context) -> Context:
        """The context with what the frames show of the command where nothing else told it."""
        from explain.causes.context import are_near, room
        from explain.causes.wires.signs import tool_of

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
        from explain.causes.wires.signs import signs_of

        return signs_of(self)

    def settle(self, sign: Sign) -> Sign:
        """The sign with its speaker settled: an error that was on the wire is not the sender's own, and vice versa."""
        from explain.causes.wires.signs import error_sign

        told = self.errors_about_us()
        if sign.name == "untold" and told:
            return replace(error_sign(told[0]), lines=sign.lines)
        if sign.name != "error" or sign.by is not None or not self.is_listening:
            return sign
        if self.is_sender_guessed and not self.has_left():
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
    def has_redirects(self) -> bool:
        """Whether a router told the sender of a better way."""
        return any(spot.redirects for spot in self.sender)

    @property
    def lookups_failed(self) -> bool:
        """Whether nothing but look-ups was tried, in vain."""
        return bool(self.lookups) and "answered" not in self.lookups and not self.count("requests")

    @property
    def may_have_come_in_elsewhere(self) -> bool:
        """Whether an answer may have come to the sender by an interface that is not known to be listened to.

        It was seen at a place that may be the sender's, as nobody told which are; or the sender has more of them, or
        nobody told how many, and what comes from beyond a router may come by another one.
        """
        nodes = {spot.node for spot in self.sender}
        heard = [spot for spot in self.spots if spot.node in nodes]
        count, own = len({spot.interface for spot in heard}), interfaces_of(self.witnesses.sender, self.witnesses)
        is_all = any(self._is_of_every_interface(spot) for spot in heard)
        is_one = self.is_onlink or count > 1 if own is None else len(own) <= count
        return not (is_all or is_one) or (self.is_sender_guessed and any(spot.replies for spot in self.spots))

    @property
    def was_answered_elsewhere(self) -> bool:
        """Whether an answer was seen that may have come to the sender by another interface."""
        return self.fate.from_target is True and not self.count("replies") and self.may_have_come_in_elsewhere

    def _is_of_every_interface(self, spot: Spot) -> bool:
        """Whether it was recorded on all of a host's interfaces at once, as ``-i any`` does."""
        info = self.witnesses.captures[spot.capture]
        return spot.interface == "any" or any(each.link_type in _COOKED for each in info.interfaces)

    @property
    def is_listening(self) -> bool:
        """Whether the sender was listened to, and nothing of it is missing."""
        return bool(self.sender) and all(spot.is_whole for spot in self.sender)

    @property
    def was_split_since(self) -> bool:
        """Whether requests were answered after one was too large: the kernel has learnt the path MTU."""
        return any(told.name in TOO_BIG for told in self.errors_about_us()) and is_answered(self)

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
        layers = self.witnesses.table.layers if self.witnesses.table is not None else ()
        if to and all(layers[hit.row] & FOR_OTHERS for spot in self.sender for hit in spot.replies):
            return True
        return bool(own and to) and "" not in own | to and not own & to and len(self.sender) == 1

    @property
    def is_for_itself(self) -> bool | None:
        """Whether the requests bear the sender's own MAC as their target's; None if the frames do not tell."""
        macs = [(hit.source_mac, hit.target_mac) for spot in self.sender for hit in spot.requests]
        if not macs or any(source in _NO_MACS for source, _ in macs):
            return None
        return all(source == target for source, target in macs)

    @property
    def is_for_its_router(self) -> bool:
        """Whether some place saw a router send the requests on to its own MAC."""
        hits = (hit for spot in self.spots for hit in spot.requests)
        return any(hit.source_mac == hit.target_mac and hit.source_mac not in _NO_MACS for hit in hits)

    @property
    def is_onlink(self) -> bool:
        """Whether the destination itself answered for its MAC, and nobody with that MAC for anybody else."""
        if self._has_stand_in():
            return False
        macs = [mac for spot in self.sender for mac in spot.answered.get(self.context.destination or "", ())]
        others = {
            mac for spot in self.sender for wanted, given in spot.answered.items()
            if wanted != self.context.destination and not wanted.startswith("fe80:") for mac in given
        }  # fmt: skip
        asked = any(self.context.destination in spot.asked for spot in self.sender)
        return asked and bool(macs) and not set(macs) & others

    def _has_stand_in(self) -> bool:
        """Whether a router may have answered for the destination: it, or one behind it, speaks or sends on.

        Or the destination would hardly be a neighbour. Linux lets others answer first, and waits for up to 0.8 s.
        Source: RFC 1027; arp(7), proxy_delay.
        """
        wanted = self.context.destination or ""
        own = {hit.src for spot in self.sender for hit in spot.requests}
        speakers = {told.speaker for told in self.errors_about_us()}
        if speakers - {wanted, *own}:
            return True
        if wanted and wanted not in speakers and any(are_on_wide_link(one, wanted) for one in own):
            return True
        fewest = min((hit.ttl for spot in self.sender for hit in spot.requests), default=0)
        is_sent_on = any(hit.ttl < fewest for spot in self.spots for hit in spot.requests)
        return is_sent_on or any(self._is_late(spot, wanted) for spot in self.sender)

    def _is_late(self, spot: Spot, wanted: str) -> bool:
        answer, table = spot.first_answer.get(wanted), self.witnesses.table
        asked = [row for row in spot.asked.get(wanted, ()) if answer is not None and row < answer]
        return bool(asked) and table is not None and int(table.time_ns[answer] - table.time_ns[asked[-1]]) > _LATE_NS

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
        elif not own:
            others = set()  # neighbours ask for the sender as well, to see whether it is still there
        return (others | {self.context.destination or ""}) - own

    def place_of(self, strike: Strike) -> tuple[str | None, str | None] | None:
        """Where the strike fell, as node and interface, if the frames show it."""
        return self.fate.place_of(strike)


def wires_of(witnesses: Witnesses, context: Context) -> Wires | None:
    """What the captures show; None if they hold no place at all, or a tunnel that may carry what is not seen."""
    spots = [spot for spot in look(witnesses, context) if not spot.is_loopback]
    if not spots or witnesses.table is None:
        return None
    if "tunnel" in witnesses.table.contents and not any(spot.requests for spot in spots):
        return None
    from explain.causes.text.signs import has_lease
    from explain.causes.wires.courses import course_of, leases_of, lookups_of

    parts = parts_of(spots, witnesses, context)
    text = witnesses.text
    is_bound = has_lease(text) if text is not None and context.tool == "dhcp" else None
    leases, servers = leases_of(witnesses.table, is_bound)
    return Wires(
        witnesses,
        context,
        tuple(spots),
        parts.sender,
        parts.is_sender_guessed,
        vanished(spots, parts, witnesses, context),
        *lookups_of(witnesses.table),
        leases,
        servers,
        course_of(witnesses.table, context),
    )
