"""Questions of DHCP that nobody answered, or that an ICMP error turned away."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.causes.from_capture.scene import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.from_capture.dhcp.leases import Leases
    from explain.exchanges.dhcp.talk import Step, Talk

_SERVER_PORT = 67
_NO_SERVER = (
    "dhcp-server-filtered", "dhcp-pool-exhausted", "bridge-port-not-forwarding", "filter-on-switch",
    "sender-no-address",
)  # fmt: skip
NO_ANSWER_TO_RELAY = (
    "dhcp-server-filtered", "dhcp-pool-exhausted", "filter-on-router-forward", "no-route-on-router",
    "no-return-route-on-target", "destination-host-absent-behind-router",
)  # fmt: skip
_LIMITED_BROADCAST = 0xFFFFFFFF
_ALIVE = ("dhcp-server-filtered", "dhcp-no-server", "filter-on-switch")
_STARTED = ("dhcp-no-server", "dhcp-server-filtered", "bridge-port-not-forwarding", "filter-on-switch")
_RENEWED_IN_VAIN = ("dhcp-server-filtered", "filter-on-switch", "partial-loss")
_OFFER_LOST = ("filter-on-switch", "filter-on-sender-input", "bridge-port-not-forwarding", "partial-loss")
_HEARD_NS = 1_000_000_000
_INSISTS = 3
_KNOWN_BEFORE = {
    "reboot": "reboot",
    "renew": "renew",
    "rebind": "renew",
    "inform": "inform",
}  # the client has had an address


def turned_away(leases: Leases) -> Iterator[Seen]:
    """An ICMP error about a request: the server's host is there, but nobody or a filter answers for the port."""
    scene, icmp = leases.scene, leases.scene.table.icmp
    about = (icmp.quote > 0) & (icmp.quote_protocol == 17) & (icmp.quote_dport == _SERVER_PORT)
    if not about.any():
        return
    errors = scene.part("icmp.error")
    groups: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for number in np.flatnonzero(among(errors.frames[errors.bounds[:-1]], icmp.row[about])).tolist():
        said = errors.fields(number)
        if said.about and said.from_ == said.about.dst:
            groups[said.from_, errors.outcomes[errors.outcome[number]] == "port-unreachable"].append(number)
    text = scene.table.addresses.text
    for (server, is_closed), numbers in groups.items():
        indices = [
            index
            for index in scene.open(leases.part, "unanswered")
            if any(text(step.target) == server for step in leases.talks[index].steps)
        ]
        if not indices:
            continue
        cause, rival = "dhcp-server-filtered", "dhcp-no-server"
        values = _values(leases, indices) | {"server": server}
        if is_closed:
            cause, rival, values["case"] = rival, cause, "closed"
        rows = [int(errors.rows(number)[0]) for number in numbers]
        rows += [row for index in indices for row in leases.talks[index].rows()]
        members = [*leases.members(indices), *((errors, number) for number in numbers)]
        seen = Seen(cause, "likely", members, rows, (rival,), values)
        scene.account(seen)
        yield seen


def unheard(leases: Leases) -> Iterator[Seen]:
    """A client that goes on to ask for an offer after it was made one, and takes none."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index in leases.scene.open(leases.part, "offered"):
        talk = leases.talks[index]
        if not talk.of("REQUEST") and _asked_after_offer(talk) and not leases.took(index):
            groups[leases.fields(index).client_mac].append(index)
    for client, indices in groups.items():
        talks = [leases.talks[index] for index in indices]
        offer = leases.fields(indices[0]).offered[0]
        again = sum(len(_asked_after_offer(talk)) for talk in talks)
        values = {
            "client": client, "server": offer.server, "address": offer.address, "case": "unheard",
            "count": len(indices), "tries": sum(leases.fields(index).tries for index in indices),
        }  # fmt: skip
        rows = [row for talk in talks for row in talk.rows()]
        certainty = "likely" if again > 1 else "possible"
        yield Seen("dhcp-offer-lost", certainty, leases.members(indices), rows, _OFFER_LOST, values)


def _asked_after_offer(talk: Talk) -> list[Step]:
    """The client's questions that came when an offer had long reached whoever can hear it."""
    offers = talk.of("OFFER")
    return [step for step in talk.of("DISCOVER") if offers and step.time_ns - offers[0].time_ns > _HEARD_NS]


def silence(leases: Leases) -> Iterator[Seen]:
    """Questions that nobody answered, one finding for each client."""
    scene = leases.scene
    groups: dict[str, list[int]] = defaultdict(list)
    for index in scene.open(leases.part, "unanswered"):
        fields = leases.fields(index)
        is_wanted = fields.began != "query" and not fields.is_search  # somebody wants an address for himself
        if fields.began == "inform":  # it has an address, and lives without the rest
            is_wanted = fields.tries >= _INSISTS
        is_tested = bool(leases.tests.of(leases.talks[index]))  # the offer may have come after the capture's end
        if not is_wanted or is_tested or leases.later(index) or _is_overheard(leases, index):
            scene.accounted[leases.part.kind].add(index)
        else:
            groups[fields.client_mac].append(index)
    for indices in groups.values():
        yield _of_client(leases, indices)


def _of_client(leases: Leases, indices: list[int]) -> Seen:
    """What a client's questions in vain show, by what else was seen of servers."""
    rows = [row for index in indices for row in leases.talks[index].rows()]
    values = _values(leases, indices)
    certainty = "likely" if _insists(leases, indices) else "possible"
    offers = [row for index in indices for row in leases.offered_elsewhere(index)]
    began = {leases.fields(index).began for index in indices}
    alive: list[int] = []
    cause: str = "dhcp-no-server"
    rivals: tuple[str, ...] = _NO_SERVER
    if offers:
        cause, rivals = "dhcp-offer-lost", _OFFER_LOST
    elif len(began) == 1 and began <= _KNOWN_BEFORE.keys():  # a full pool keeps nobody from his own address
        rivals = _RENEWED_IN_VAIN
        values |= _relay(leases, indices) or {"case": _KNOWN_BEFORE[began.pop()]}
    elif alive := [row for index in indices for row in leases.servers_alive(index)]:
        cause, rivals = "dhcp-pool-exhausted", _ALIVE
    elif alive := [row for index in indices for row in leases.served_soon_after(index)]:
        cause, certainty, rivals = "dhcp-pool-exhausted", "possible", _STARTED
        values |= {"case": "later", "after_ns": _between(leases, rows, alive)}
    elif relay := _relay(leases, indices):
        values |= relay
    if values.get("case") == "relayed":
        rivals = leases.scene.one_link.possible(_handed_on(leases, indices), NO_ANSWER_TO_RELAY)
    return Seen(cause, certainty, leases.members(indices), [*rows, *(offers or alive)], rivals, values)


def _between(leases: Leases, asked: list[int], served: list[int]) -> int:
    """How long after its last question another client was served."""
    time_ns = leases.scene.table.time_ns
    return int(time_ns[served].min() - time_ns[asked].max())


def _insists(leases: Leases, indices: list[int]) -> bool:
    """Whether a client asked again unanswered; questions about an address that it has may stand alone."""
    asked = [leases.fields(index) for index in indices]
    return any(one.tries > 1 for one in asked) or sum(one.began not in _KNOWN_BEFORE for one in asked) > 1


def _relay(leases: Leases, indices: list[int]) -> dict[str, Any]:
    """Which relay handed the questions to which server; empty if none is seen."""
    table = leases.scene.table
    handed = _handed_on(leases, indices)[:1]
    if not handed:
        return {}
    relay = next(step.said.relay for index in indices for step in leases.talks[index].steps if step.row == handed[0])
    asked = table.end_texts(handed[0])[1]
    return {"case": "relayed", "relay": table.addresses.text(relay), "asked": asked}


def _handed_on(leases: Leases, indices: list[int]) -> list[int]:
    """Rows in which a relay carries a question to a server's address."""
    return [
        step.row
        for index in indices
        for step in leases.talks[index].steps
        if step.said.relay and not step.said.is_reply and step.target != _LIMITED_BROADCAST
    ]


def _is_overheard(leases: Leases, index: int) -> bool:
    """Whether the answer would not pass here: it may go to the client alone.

    A client that gets an offer asks everyone for it next, so repeated questions were not answered.
    """
    fields, talk = leases.fields(index), leases.talks[index]
    if fields.tries > 1 or fields.is_broadcast:
        return False
    common = leases.scene.hosts.in_every_frame(talk.place)
    if common is None:  # nothing for one host alone was recorded, so nobody knows whose capture it is
        return leases.took_unseen_offer(talk.place)
    return int.from_bytes(talk.hardware, "big") not in common


def _values(leases: Leases, indices: list[int]) -> dict[str, Any]:
    """What the sentences mention; a question seen at several places is counted once."""
    tries: dict[int, int] = defaultdict(int)
    for index in indices:
        tries[leases.talks[index].place] += leases.fields(index).tries
    asked = next((leases.fields(index).server for index in indices if leases.fields(index).server), None)
    client = leases.fields(indices[0]).client_mac
    return {"client": client, "tries": max(tries.values()), "server": asked, "count": len(indices)}
