"""One header of one frame, field by field: where it stands, which octets, what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from explain.record import dataclass

IN_HEX = ("checksum", "eth.type", "vlan.etype", "sll.etype", "llc.type", "llc.pid", "llc.cisco_pid",
          "llc.dsap", "llc.ssap", "tcp.flags", "ip.id", "gre.proto", "geneve.proto_type", "dns.id", "dhcp.id",
          "nbns.id", "dhcp.cookie", "ipv6.flow", "icmp.unused", "arp.proto.type", "llc.oui", "orgtlv.oui",
          "pppoe.session_id", "dhcpv6.xid",
          "record.version", "handshake.version", "handshake.ciphersuite", "extensions.supported_version",
          "quic.version", "quic.supported_version")  # fmt: skip
"""Endings of the names of fields that people write in hexadecimal."""

Means = tuple[str, Mapping[str, Any]]
"""The name of a sentence about a value, and what it may mention."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        name: as Wireshark's display filters have it, where it has one.
        offset: of its first octet in the frame; size: octets that hold it.
        value: a number or text.
        bits: its first bit in those octets, counted from the left, and how many; None if it fills them.
        says: the value's name on the wire, such as ``TCP``; None if it has none.
        means: what the value means here, None if the value says it itself.
    """

    name: str
    offset: int
    size: int
    value: int | str
    bits: tuple[int, int] | None = None
    says: str | None = None
    means: Means | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """A checksum with the arithmetic behind it.

    Attributes:
        name: the field's name.
        found: what stands in the packet; expected: what should, None where it cannot be known.
        parts: (name, sum of the 16-bit words) of what is covered, the checksum's own field as 0.
        verdict: ``right``, ``wrong``, ``partial`` (left to the card), ``none`` (not used) or ``unknown``.
    """

    name: str
    found: int
    expected: int | None
    parts: tuple[tuple[str, int], ...]
    verdict: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One header, or what follows the last one that is known.

    Attributes:
        name: such as ``eth``, ``ip``, ``tcp``.
        offset, size: octets, from the start of the frame.
        is_quoted: it belongs to a packet that an error quotes.
        is_cut: the frame, or what was captured of it, ends within.
    """

    name: str
    offset: int
    size: int
    fields: tuple[Field, ...]
    sums: tuple[Sum, ...] = ()
    is_quoted: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """What follows a header: its kind, where, and where the packet says that it ends."""

    kind: str
    at: int
    end: int
    context: Mapping[str, Any] = field(default_factory=dict)


Dissector = Callable[["Header"], Next | None]
"""Reads one header into its fields, and says what follows."""


class CutError(Exception):
    """The octets end within a header."""


class Header:
    """The octets of one header while it is being read.

    Attributes:
        octets: the whole frame.
        at: where the header begins; end: where its packet ends.
        context: what outer headers said: ``src``, ``dst``, ``protocol``.
    """

    def __init__(self, octets: bytes, at: int, end: int, context: Mapping[str, Any]) -> None:
        self.octets = octets
        self.at = at
        self.end = min(end, len(octets))
        self.said_end = end
        self.context = context
        self.fields: list[Field] = []
        self.sums: list[Sum] = []
        self.size = 0

    def raw(self, at: int, size: int) -> bytes:
        """``size`` octets from ``at`` on, counted from the header.

        Raises:
            CutError: some of them are not there.
        """
        start = self.at + at
        if size < 0 or start + size > self.end:
            raise CutError
        self.size = max(self.size, at + size)
        return self.octets[start : start + size]

    def number(
        self, name: str, at: int, size: int, says: Mapping[int, str] | str | None = None, means: Means | None = None
    ) -> int:
        """Read an unsigned field and note it."""
        value = int.from_bytes(self.raw(at, size), "big")
        self.note(name, at, size, value, says, means)
        return value

    def bits(
        self, name: str, at: int, size: int, first: int, count: int,
        says: Mapping[int, str] | None = None, means: Means | None = None,
    ) -> int:  # fmt: skip
        """Read some bits of a field, counted from its left, and note them."""
        whole = int.from_bytes(self.raw(at, size), "big")
        value = whole >> (size * 8 - first - count) & ((1 << count) - 1)
        self.fields.append(
            Field(name, self.at + at, size, value, (first, count), says.get(value) if says else None, means)
        )
        return value

    def text(self, name: str, at: int, size: int, value: str, means: Means | None = None) -> None:
        """Note a field whose value is text."""
        self.raw(at, size)
        self.note(name, at, size, value, None, means)

    def note(
        self, name: str, at: int, size: int, value: int | str, says: Mapping[int, str] | str | None, means: Means | None
    ) -> None:
        """Note a field whose octets were read."""
        word = says if isinstance(says, str) or says is None else says.get(int(value)) if value != "" else None
        self.fields.append(Field(name, self.at + at, size, value, None, word, means))

    def rest(self) -> int:
        """Octets from the header's beginning to the packet's end, as far as they are here."""
        return self.end - self.at
