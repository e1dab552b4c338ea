"""Datagrams in which one side refuses or warns: errors of TFTP, kisses of death of NTP, failures of SIP.

Source: RFC 1350, 5; RFC 5905, 7.4; RFC 3261, 21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.decode.contents import COMPLAINT
from explain.exchanges.messages import Messages
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.table import PacketTable

_MOST = 16  # different ones of one flow
_TFTP_ERRORS = {
    0: "not defined", 1: "file not found", 2: "access violation", 3: "disk full", 4: "illegal operation",
    5: "unknown transfer id", 6: "file exists already", 7: "no such user", 8: "option refused",
}  # fmt: skip
_TFTP, _SIP = b"\0\5", b"SIP/"
_REFERENCE = slice(12, 16)  # of NTP


@dataclass(frozen=True, slots=True)
class UdpComplaint:
    """What one side said, as often as it did.

    Attributes:
        protocol: TFTP, NTP or SIP.
        by: the address of who said it.
        code: of an error or a status; None where there is none.
        word: its name on the wire, or the kiss code.
        text: what was added to it; None if nothing.
        frame: in which it was said first; count: how often.
    """

    protocol: str
    by: str
    code: int | None
    word: str
    text: str | None
    frame: int
    count: int


class Complaints:
    """All of them, by flow."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._messages = Messages(table, COMPLAINT)

    def of(self, row: int) -> tuple[UdpComplaint, ...]:
        """What was said in the flow of a row, each thing once."""
        table, places = self._table, self._messages.of(int(self._table.flow[row]))
        rows = self._messages.rows[places.start : places.stop]
        found: dict[tuple[str, str, int | None, str], list[tuple[int, str | None]]] = {}
        for at, by in zip(places, table.sources(rows).tolist(), strict=True):
            protocol, code, word, text = _read(self._messages.octets[at])
            key = protocol, table.addresses.text(by), code, word
            if key in found or len(found) < _MOST:
                found.setdefault(key, []).append((int(table.frame[self._messages.rows[at]]), text))
        return tuple(UdpComplaint(*key, said[0][1], said[0][0], len(said)) for key, said in found.items())


def _read(octets: bytes) -> tuple[str, int | None, str, str | None]:
    """Protocol, code, word and text."""
    if octets.startswith(_SIP):
        line = octets.partition(b"\r")[0].partition(b"\n")[0].decode("utf-8", "backslashreplace")
        _, code, word = (*line.split(" ", 2), "", "")[:3]
        return "SIP", int(code) if code.isdecimal() else None, word, None
    if octets.startswith(_TFTP):
        text = octets[4:].partition(b"\0")[0].decode("utf-8", "backslashreplace")
        return "TFTP", octets[3], _TFTP_ERRORS[octets[3]], text or None
    return "NTP", None, octets[_REFERENCE].rstrip(b"\0").decode("ascii", "backslashreplace"), None
