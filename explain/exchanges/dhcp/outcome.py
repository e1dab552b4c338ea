"""How a negotiation of DHCP ended, and which server decided it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.exchanges.dhcp import message as dhcp
from explain.exchanges.dhcp.talk import tries

if TYPE_CHECKING:
    from explain.exchanges.dhcp.talk import Step, Talk


def outcome(talk: Talk) -> str:
    """How the negotiation ended, by its messages in order."""
    result, decided_by = "", None
    void = {step.row for step in (*talk.refused_copies(), *late_grants(talk))}
    purposes = {one.purpose for one in talk.of("REQUEST")}
    is_informing = bool(talk.of("INFORM"))
    for step in talk.steps:
        kind = step.said.kind
        if step.row in void:
            continue
        if kind in ("DECLINE", "RELEASE"):
            result = "declined" if kind == "DECLINE" else "released"
        elif kind in ("ACK", "BOOTREPLY") and result != "declined":
            result = "informed" if is_informing else _granted(purposes, step)
            decided_by = server_of(step)
        elif kind == "NAK" and not (result in ("bound", "renewed") and server_of(step) != decided_by):
            result = "refused"
        elif kind == "OFFER" and not result:
            result = "offered"
        elif kind in ("FORCERENEW", "LEASEACTIVE", "LEASEUNASSIGNED", "LEASEUNKNOWN"):
            result = "informed"
    if result in ("", "offered"):
        selections = [step for step in talk.of("REQUEST") if step.purpose == "select"]
        if selections:  # it answers an offer, recorded or not
            return "unanswered" if tries(selections) > 1 else "offered"
    return result or "unanswered"


def _granted(purposes: set[str], step: Step) -> str:
    said = step.said
    if said.kind == "ACK" and not said.your_ip:
        return "informed"
    is_kept = purposes & {"renew", "rebind"} or (not purposes and said.client_ip and said.client_ip == said.your_ip)
    return "renewed" if is_kept else "bound"


def late_grants(talk: Talk) -> list[Step]:
    """The ACKs to a request of no server in particular that another server refused before: the client begins anew."""
    found: list[Step] = []
    refuser: int | None = None
    is_open = False
    for step in talk.steps:
        kind = step.said.kind
        if kind == "REQUEST":
            refuser, is_open = None, step.purpose != "select"
        elif kind == "NAK" and is_open:
            refuser = refuser or server_of(step)
        elif kind == "ACK" and refuser not in (None, server_of(step)):
            found.append(step)
        elif kind == "ACK":
            is_open = False
    return found


def server_of(step: Step) -> int:
    """The server's identifier; where the message has none, who sent it."""
    return step.said.number(dhcp.SERVER) or step.source
