"""What the columns ``place``, ``flow`` and ``link`` point to: vantage points, and pairs of ends that talked there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.arrays import ragged
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.table import I8, U1, U2, U8, Rows


@dataclass(frozen=True, slots=True)
class Place:
    """Where frames were recorded: a vantage point, or one device seen through ``-i any``.

    Attributes:
        device: interface index of an SLL2 frame, else None.
        is_echo: the outgoing copy that a loopback device shows beside the incoming one.
        part: number of this place, from 1, where one list of frames holds those of several.
        file: what tells its file from the others, None where there is but one.
    """

    capture: int
    interface: int | None
    name: str | None = None
    device: int | None = None
    is_echo: bool = False
    part: int | None = None
    file: str | None = None

    @property
    def label(self) -> str:
        """What people call it: its name, else its file; and of ``-i any`` the number that ``ip link`` shows.

        Source: draft-ietf-opsawg-pcaplinktype, LINKTYPE_LINUX_SLL2: the kernel's index of the interface.
        """
        home = self.name or self.file
        if self.device is not None:
            number = f"ifindex {self.device}"
            return f"{home} {number}" if home and home != "any" else number
        return home or f"#{(self.interface or 0) + 1}"


@dataclass(frozen=True, slots=True)
class Flows:
    """Pairs of ends that talked at one place; ``low`` and ``high`` are ordered by number.

    Attributes:
        low, high: uint64[n], address keys.
        low_port, high_port: 0 where the protocol has none, or in a later fragment.
        protocol: IP protocol number of layer 4.
        place: index into PacketTable.places.
    """

    low: U8
    high: U8
    low_port: U2
    high_port: U2
    protocol: U1
    place: U2


@dataclass(frozen=True, slots=True, eq=False)
class FlowRows:
    """The rows of all flows, flow after flow: those of TCP, those of UDP, the others; each kind by their first rows.

    Attributes:
        rows: int64[n], each flow's in order; behind the last flow those without IP.
        bounds: int64[flows + 1]; the flow that comes as number i has ``rows[bounds[i]:bounds[i + 1]]``.
        flow: int64[flows], which flow comes as number i; ``number`` is the inverse.
    """

    rows: Rows
    bounds: I8
    flow: I8
    number: I8

    def of(self, flows: Rows) -> Rows:
        """The rows of some flows, one after the other."""
        number = self.number[flows]
        if len(number) == 1:
            alone: Rows = self.rows[self.bounds[number[0]] : self.bounds[number[0] + 1]]
            return alone
        return ragged(self.rows, self.bounds[number], self.bounds[number + 1] - self.bounds[number])


@dataclass(frozen=True, slots=True)
class Links:
    """Pairs of MAC keys."""

    source: U8
    target: U8
