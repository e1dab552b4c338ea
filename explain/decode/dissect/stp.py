"""The spanning tree: what switches tell each other of it (IEEE 802.1D-2004, 9.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_TYPES = {0: "Configuration", 2: "Rapid", 0x80: "Topology Change Notification"}
_TIMES = (("stp.msg_age", 27), ("stp.max_age", 29), ("stp.hello", 31), ("stp.forward", 33))
_UNIT_NS = 1_000_000_000 // 256


def stp(header: Header) -> None:
    """A bridge protocol data unit (BPDU)."""
    header.number("stp.protocol", 0, 2)
    header.number("stp.version", 2, 1, {0: "STP", 2: "RSTP", 3: "MSTP"})
    if header.number("stp.type", 3, 1, _TYPES) not in (0, 2):
        return
    header.bits("stp.flags.tcack", 4, 1, 0, 1)
    header.bits("stp.flags.tc", 4, 1, 7, 1)
    root, bridge = header.raw(5, 8), header.raw(17, 8)
    _bridge(header, "root", 5)
    header.number("stp.root.cost", 13, 4, None, ("stp-root", {}) if root == bridge else None)
    _bridge(header, "bridge", 17)
    header.number("stp.port", 25, 2)
    for name, at in _TIMES:
        time = int.from_bytes(header.raw(at, 2), "big")
        header.number(name, at, 2, None, ("seconds", {"lasting_ns": time * _UNIT_NS}))


def _bridge(header: Header, which: str, at: int) -> None:
    first = int.from_bytes(header.raw(at, 2), "big")
    header.note(f"stp.{which}.prio", at, 2, first & 0xF000, None, None)
    header.bits(f"stp.{which}.ext", at, 2, 4, 12)
    header.text(f"stp.{which}.hw", at + 2, 6, header.raw(at + 2, 6).hex(":"))
