"""Programs in the notes, explained with everything that the notes tell of the hosts at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.causes.diagnosis import Topology, Witnesses
from explain.causes.notes.item import UNSEEN, Item, host_item
from explain.causes.notes.states import HERE, links_of, states_of
from explain.causes.notes.telling.tables import served
from explain.causes.weighing.reasons import placed
from explain.symptoms.outcome import replies_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.diagnosis import Diagnosis
    from explain.causes.notes.picture import Picture
    from explain.symptoms.witness import TextWitness

_MOST_CAUSES = 3
_OCTETS, _HIGHEST = 4, 255
_WAYS = ("traceroute", "tracepath", "mtr")


def diagnosed(picture: Picture, run: TextWitness) -> Diagnosis | None:
    """Why a run failed or that it did not; None for a log of a server, which is not one run."""
    from explain.causes.diagnose import diagnose

    if run.program == "server-log":
        return None
    states = states_of(picture)
    sender = next((each.name for each in states if each.name == (run.node or HERE)), None)
    if sender is None and run.source:
        holders = picture.holders(run.source)
        sender = (holders[0][0].name or HERE) if holders else None
    given = states if sender is not None else ()
    topology = Topology(links=links_of(picture) if given else None)
    return diagnose(Witnesses(run, run.command, states=given, sender=sender, topology=topology))


def tells(run: TextWitness, diagnosis: Diagnosis | None) -> Iterator[Item]:
    """What a run showed, and why."""
    if run.program == "server-log":
        yield from served(run)
        return
    yield _showed(run)
    if run.counts.sent == 0 and _is_no_address(run.target or ""):
        yield Item("result.no-address", {"target": run.target})
    if diagnosis is None or not diagnosis.causes:
        return
    first = diagnosis.causes[0]
    if first.cause == "healthy":
        return
    because = [Item("because", {"message": each.message, "values": dict(each.values)}) for each in first.because[:2]]
    if first.locus and first.locus[0].node not in {None, HERE}:
        place = placed(first.locus[0])
        because.insert(0, Item("because", {"message": place.message, "values": dict(place.values)}))
    values: dict[str, Any] = {"cause": first.cause, "count": len(diagnosis.causes), "target": run.target or UNSEEN}
    if diagnosis.is_success:
        yield Item("why.odd", values)
    elif first.certainty in ("proved", "likely"):
        yield Item(f"trouble.{first.certainty}", values)
        yield from because
    else:
        values["causes"] = [each.cause for each in diagnosis.causes[:_MOST_CAUSES]]
        yield Item("trouble.possible", values)
        if diagnosis.next:
            look = diagnosis.next[0]
            yield Item("why.next", {"where": Item(f"where.{look.role}", {}), "command": look.command})


def _showed(run: TextWitness) -> Item:
    values: dict[str, Any] = {"host": host_item(run.node), "target": run.target or UNSEEN, "program": run.program}
    received = replies_of(run)
    if run.program == "ping" and run.counts.sent is not None and received is not None:
        values |= {"sent": run.counts.sent, "received": received}
        name = "all" if received == run.counts.sent > 0 else "none" if not received else "some"
        if not run.counts.sent:
            name = "refused"
        return Item(f"result.ping-{name}", values)
    if run.program in _WAYS and run.hops:
        return Item("result.way-reached" if run.succeeded else "result.way-open", values | {"hops": len(run.hops)})
    if run.program == "dhcp-client":
        address = _leased(run)
        return Item("result.lease" if address else "result.no-lease", values | {"address": address})
    known = {True: "worked", False: "failed", None: "open"}[run.succeeded]
    return Item(f"result.{known}", values)


def _is_no_address(target: str) -> bool:
    """Whether this is written as an IPv4 address, and one of its four numbers does not fit into an octet."""
    parts = target.split(".")
    return len(parts) == _OCTETS and all(map(str.isdecimal, parts)) and any(int(part) > _HIGHEST for part in parts)


def _leased(run: TextWitness) -> str | None:
    """The address that a DHCP client says it got."""
    got = (each for each in run.all("dhcp.") if each.id.endswith((".bound", ".ack")))
    return next((each.values["address"] for each in got if each.values.get("address")), None)
