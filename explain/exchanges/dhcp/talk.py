"""Which DHCP messages belong to one negotiation: the same client, the same transaction, the same place."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.dhcp import message as dhcp
from explain.record import NamedTuple, dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.dhcp.message import DhcpMessage
    from explain.exchanges.dhcpv6.talk import Step6
    from explain.table import PacketTable

_SAME_TALK_NS = 120_000_000_000  # clients repeat a DISCOVER at up to 64 s intervals (RFC 2131, 4.1)
COPY_NS = 500_000_000
"""Within such a time the same message, sent again by somebody who passes it on, may come by."""
_REORDERED_NS = 10_000_000
_FINAL = frozenset(("ACK", "NAK", "BOOTREPLY", "LEASEACTIVE", "LEASEUNASSIGNED", "LEASEUNKNOWN"))
_OPENING = frozenset(("DISCOVER", "INFORM", "RELEASE", "BOOTREQUEST", "LEASEQUERY", "FORCERENEW"))
_LIMITED_BROADCAST = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class DhcpStep:
    """One message of a negotiation as people are shown it: its type and its frame."""

    type: str
    frame: int


class Step(NamedTuple):
    """One message of a negotiation.

    Attributes:
        row: of the packet table.
        source, target: address keys.
        purpose: of a REQUEST: ``select``, ``reboot``, ``renew`` or ``rebind`` (RFC 2131, 4.3.2); else empty.
    """

    row: int
    place: int
    time_ns: int
    source: int
    target: int
    said: DhcpMessage
    purpose: str


@dataclass(slots=True)
class Talk:
    """The messages of one client with one transaction id, in the order of time.

    Attributes:
        hardware: the client's hardware address.
        is_done: an answer came that ends the negotiation.
        by_client: the client's own messages are among them.
    """

    place: int
    hardware: bytes
    xid: int
    steps: list[Step] = field(default_factory=list)
    is_done: bool = False
    by_client: bool = False

    def of(self, *kinds: str) -> list[Step]:
        """The messages of these kinds."""
        return [step for step in self.steps if step.said.kind in kinds]

    def refused_copies(self) -> list[Step]:
        """The NAKs for what a relay made of a renewal that went past it, while the renewal itself was granted.

        A relay that listens on the server's side, too, gives it the address of the wrong network.
        """
        if not any(one.purpose == "renew" and not one.said.relay for one in self.of("REQUEST")):
            return []
        granted = {one.said.relay for one in self.of("ACK")}
        return [one for one in self.of("NAK") if one.said.relay and granted - {one.said.relay}]

    def rows(self, *kinds: str) -> list[int]:
        """Rows of the messages of these kinds; of all messages if no kind is named."""
        return [step.row for step in self.steps if not kinds or step.said.kind in kinds]


def talks(table: PacketTable) -> list[Talk]:
    """The negotiations of all places, in the order of their first rows."""
    found: list[Talk] = []
    by_key: dict[tuple[int, bytes, int], Talk] = {}
    for step in _steps(table):
        said = step.said
        # The answer to a LEASEQUERY names the client whose lease was asked for (RFC 4388, 6.4).
        key = (step.place, b"" if said.kind.startswith("LEASE") else said.hardware, said.xid)
        talk = by_key.get(key)
        if talk is None or _begins_anew(talk, step):
            talk = by_key[key] = Talk(step.place, said.hardware, said.xid)
            found.append(talk)
        talk.steps.append(step)
        talk.is_done |= said.kind in _FINAL
        talk.by_client |= not said.is_reply
    for talk in found:
        _know_copies(talk)
    return sorted(found, key=lambda talk: min(talk.rows()))


def _know_copies(talk: Talk) -> None:
    """What a relay hands on beside a renewal that its client sends straight to its server is no rebinding."""
    direct = [one.time_ns for one in talk.of("REQUEST") if one.purpose == "renew" and not one.said.relay]
    for at, step in enumerate(talk.steps) if direct else ():
        is_relayed = step.purpose == "rebind" and step.said.relay
        if is_relayed and any(abs(step.time_ns - time_ns) <= COPY_NS for time_ns in direct):
            talk.steps[at] = step._replace(purpose="renew")


def tries(steps: Sequence[Step | Step6], copy_ns: int = COPY_NS) -> int:
    """How often something was sent, copies of one message that come closer than ``copy_ns`` counted once."""
    count, last_ns = 0, None
    for step in steps:
        if last_ns is None or step.time_ns - last_ns > copy_ns:
            count += 1
        last_ns = step.time_ns
    return count


def _steps(table: PacketTable) -> Iterator[Step]:
    kept = table.contents.get("dhcp")
    if kept is None:
        return
    rows = np.array(kept.row, np.int64)
    times = table.time_ns[rows]
    order = np.argsort(times, kind="stable")
    rows = rows[order]
    columns = (rows, table.place[rows], times[order], table.sources(rows), table.targets(rows), table.payload[rows])
    for at, row, place, time_ns, source, target, size in zip(
        order.tolist(), *(column.tolist() for column in columns), strict=True
    ):
        said = dhcp.parse(kept.octets[at], size)
        if said is not None:
            yield Step(row, place, time_ns, source, target, said, _purpose(said, target))


def _purpose(said: DhcpMessage, target: int) -> str:
    if said.kind != "REQUEST":
        return ""
    if dhcp.SERVER in said.options:
        return "select"
    if said.client_ip:
        return "rebind" if target == _LIMITED_BROADCAST or said.relay else "renew"
    return "reboot"


def _begins_anew(talk: Talk, step: Step) -> bool:
    """Whether a message with the same transaction id belongs to a later negotiation.

    Some clients keep their transaction id for renewals and for the release (udhcpc, dhclient).
    """
    since = step.time_ns - talk.steps[-1].time_ns
    if since > _SAME_TALK_NS:
        return True
    if step.said.is_reply or since <= _REORDERED_NS * (1 if talk.by_client else 100):
        return False
    is_opening = step.said.kind in _OPENING or step.purpose in ("renew", "rebind", "reboot")
    return talk.is_done and is_opening
