"""Clients that get no address, are refused, or hear two servers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among, distinct
from explain.causes.from_capture.dhcp.leases import Leases, account_for_carriers, account_for_tests
from explain.causes.from_capture.dhcp.silence import silence, turned_away, unheard
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.dhcp.lease import agree
from explain.exchanges.dhcp.outcome import late_grants, server_of
from explain.exchanges.dhcp.trials import challenge_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.dhcp.talk import Talk

_CLIENT_PORT = 68
_NETWORK_WORDS = ("network", "subnet")
_USUAL_MASK = 0xFFFFFF00
_SEVERAL = 2


def look(scene: Scene) -> Iterator[Seen]:
    """The datagrams and the server's tests are accounted for first, then each way to fail."""
    part = scene.part("dhcp.lease")
    leases = Leases(scene, part)
    account_for_carriers(scene, part, _CLIENT_PORT)
    account_for_tests(leases)
    yield from _rogue(leases)
    yield from _refused(leases)
    yield from _declined(leases)
    yield from turned_away(leases)
    yield from unheard(leases)
    yield from silence(leases)


def _rogue(leases: Leases) -> Iterator[Seen]:
    """Two servers offer and do not agree, or one refuses what was asked of the other."""
    groups: dict[frozenset[str], list[int]] = defaultdict(list)
    for index, talk in enumerate(leases.talks):
        if len({server_of(step) for step in talk.of("OFFER", "NAK")}) < _SEVERAL and not talk.of("NAK"):
            continue
        offered = leases.fields(index).offered
        meddlers = _meddlers(leases, talk)
        if meddlers or not (len({offer.server for offer in offered}) < _SEVERAL or agree(offered)):
            groups[frozenset(meddlers.union(offer.server for offer in offered))].append(index)
    for servers, indices in groups.items():
        rows = [row for index in indices for row in leases.talks[index].rows("OFFER", "NAK")]
        routers = {offer.server: offer.router for index in indices for offer in leases.fields(index).offered}
        values = {
            "servers": sorted(servers), "routers": [router for router in routers.values() if router],
            "client": leases.fields(indices[0]).client_mac, "chosen": leases.fields(indices[-1]).server,
            "count": len(indices),
        }  # fmt: skip
        is_refused = any(leases.talks[index].of("NAK") for index in indices)
        rivals = ("dhcp-request-wrong-subnet",) if is_refused else ()
        if any(late_grants(leases.talks[index]) for index in indices):
            values["case"], rivals = "refuses", ()  # the other one found it right
        yield Seen("dhcp-rogue-server", "likely", leases.members(indices), rows, rivals, values)


def _meddlers(leases: Leases, talk: Talk) -> set[str]:
    """Servers that refused a request which names another one, or which another one granted, and that one."""
    text = leases.scene.table.addresses.text
    found: set[str] = set()
    named = {server_of(step) for step in talk.of("REQUEST") if step.purpose == "select"}
    chosen = named or {server_of(step) for step in talk.of("ACK")}
    for step in talk.of("NAK"):
        if chosen and server_of(step) not in chosen:
            found |= {text(server_of(step)), *map(text, chosen)}
    return found


def _refused(leases: Leases) -> Iterator[Seen]:
    """A NAK: for an address of another network, or for another reason."""
    groups: dict[tuple[str, str, str | None, str], list[int]] = defaultdict(list)
    for index in leases.scene.open(leases.part, "refused"):
        fields = leases.fields(index)
        groups[fields.client_mac, fields.refused_by[-1], fields.requested_address, _why(leases, index)].append(index)
    for (client, server, wanted, cause), indices in groups.items():
        later = next((leases.fields(other) for index in indices for other in leases.later(index)), None)
        rows = [row for index in indices for row in leases.talks[index].rows("REQUEST", "NAK")]
        values = {
            "client": client, "server": server, "wanted": wanted, "message": leases.fields(indices[0]).message,
            "address": later.address if later else None, "count": len(indices),
        }  # fmt: skip
        if not wanted:
            values["case"] = "unasked"
        elif values["message"] and cause == "dhcp-request-refused":
            values["case"] = "said"
        rivals = {
            "dhcp-request-wrong-subnet": ("dhcp-rogue-server",),
            "dhcp-request-refused": ("dhcp-request-wrong-subnet", "dhcp-pool-exhausted", "dhcp-rogue-server"),
        }[cause]
        certainty = "likely" if wanted and cause == "dhcp-request-wrong-subnet" else "possible"
        yield Seen(cause, certainty, leases.members(indices), rows, rivals, values)


def _why(leases: Leases, index: int) -> str:
    """The server's own words first; then whether the address fits the network that the server stands in."""
    from ipaddress import IPv4Address

    fields, talk = leases.fields(index), leases.talks[index]
    said = (fields.message or "").lower()
    if any(word in said for word in _NETWORK_WORDS):
        return "dhcp-request-wrong-subnet"
    mask = next((leases.fields(other).mask for other in leases.later(index) if leases.fields(other).mask), None)
    if fields.requested_address is None or not talk.of("NAK") or (said and not mask):
        return "dhcp-request-refused" if said else "dhcp-request-wrong-subnet"
    bits = int(IPv4Address(mask)) if mask else _USUAL_MASK
    own = int(IPv4Address(fields.refused_by[-1])) if not fields.relay else int(IPv4Address(fields.relay))
    is_other = (int(IPv4Address(fields.requested_address)) ^ own) & bits
    return "dhcp-request-wrong-subnet" if is_other else "dhcp-request-refused"


def _declined(leases: Leases) -> Iterator[Seen]:
    """A client found its new address in use."""
    scene = leases.scene
    for index in scene.open(leases.part, "declined"):
        fields, talk = leases.fields(index), leases.talks[index]
        challenge = challenge_of(scene.table, talk)
        rows = talk.rows("DECLINE")
        members = leases.members([index])
        macs = [fields.client_mac]
        if challenge:
            macs.append(challenge[0])
            rows += challenge[1]
            members += _with_rows(scene, challenge[1])
        values: dict[str, Any] = {"address": fields.address, "macs": macs, "client": fields.client_mac, "count": 1}
        values |= {"case": "objected", "holder": macs[-1]} if challenge else {"case": "declined"}
        yield Seen("duplicate-address", "likely", members, rows, ("arp-spoofed", "proxy-arp-in-play"), values)


def _with_rows(scene: Scene, rows: list[int]) -> list[Member]:
    """The ARP exchanges that hold any of these rows."""
    found: list[Member] = []
    for kind in ("arp.resolution", "arp.announcement"):
        part = scene.part(kind)
        at = np.flatnonzero(among(part.frames, rows))
        found += [(part, one) for one in distinct(np.searchsorted(part.bounds, at, "right") - 1).tolist()]
    return found
