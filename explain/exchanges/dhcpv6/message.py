"""What a DHCP message for IPv6 says (RFC 8415), out of the relays' envelopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv6_text
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPES = {
    1: "SOLICIT", 2: "ADVERTISE", 3: "REQUEST", 4: "CONFIRM", 5: "RENEW", 6: "REBIND", 7: "REPLY", 8: "RELEASE",
    9: "DECLINE", 10: "RECONFIGURE", 11: "INFORMATION-REQUEST", 12: "RELAY-FORW", 13: "RELAY-REPL", 14: "LEASEQUERY",
    15: "LEASEQUERY-REPLY",
}  # fmt: skip
"""Message types (RFC 8415, 7.3; 5007)."""

STATUS = {
    0: "Success", 1: "UnspecFail", 2: "NoAddrsAvail", 3: "NoBinding", 4: "NotOnLink", 5: "UseMulticast",
    6: "NoPrefixAvail", 7: "UnknownQueryType", 8: "MalformedQuery", 9: "NotConfigured", 10: "NotAllowed",
}  # fmt: skip
"""Status codes (RFC 8415, 21.13; 5007)."""

_RELAYED = (12, 13)
_RELAY_HEADER, _HEADER, _OPTION_HEADER = 34, 4, 4
_CLIENT_ID, _SERVER_ID, _IA_NA, _IA_TA, _IA_ADDRESS, _STATUS = 1, 2, 3, 4, 5, 13
_RELAYED_MESSAGE, _RAPID_COMMIT, _DNS, _DOMAINS, _IA_PD, _IA_PREFIX, _NAME = 9, 14, 23, 24, 25, 26, 39
_MOST_RELAYS = 8  # HOP_COUNT_LIMIT (RFC 8415, 7.6)
_MOST_OPTIONS = 256
_LONGEST_DUID = 130
_DUID_LLT, _DUID_LL = 1, 3


@dataclass(frozen=True, slots=True)
class Lease6:
    """One address or prefix of an identity association.

    Attributes:
        text: the address, or the prefix with its length.
        preferred_s, valid_s: lifetimes in seconds; valid 0 takes it back.
    """

    text: str
    is_prefix: bool
    preferred_s: int
    valid_s: int


@dataclass(frozen=True, slots=True)
class Dhcpv6Message:
    """One message.

    Attributes:
        kind: as in ``TYPES``; ``TYPE200`` for an unknown one.
        client, server: DUIDs, empty where the message has none.
        leases: addresses and prefixes of all identity associations.
        t1_s, t2_s: the shortest of all identity associations; None if none says it.
        status: the worst status code of the message and of its associations; None if none is there.
        relays: link addresses of the relays that carried it, the nearest to the server first.
        notes: ``cut`` or ``overrun``, where options reach beyond the octets that are there.
    """

    kind: str
    xid: int
    client: bytes
    server: bytes
    leases: tuple[Lease6, ...]
    t1_s: int | None
    t2_s: int | None
    status: int | None
    status_text: str | None
    dns: tuple[str, ...]
    domains: tuple[str, ...]
    name: str | None
    is_rapid: bool
    relays: tuple[str, ...]
    notes: tuple[str, ...]


class _Reader:
    """What is gathered while the options are walked through."""

    def __init__(self, is_cut: bool) -> None:
        self.is_cut = is_cut
        self.notes: dict[str, None] = {"cut": None} if is_cut else {}
        self.leases: list[Lease6] = []
        self.renewals: list[tuple[int, int]] = []
        self.statuses: list[tuple[int, str]] = []

    def options(self, octets: bytes) -> Iterator[tuple[int, bytes]]:
        """The options that are whole."""
        at, count = 0, 0
        while at + _OPTION_HEADER <= len(octets) and count < _MOST_OPTIONS:
            size = int.from_bytes(octets[at + 2 : at + 4], "big")
            end = at + _OPTION_HEADER + size
            if end > len(octets):
                break
            yield int.from_bytes(octets[at : at + 2], "big"), octets[at + _OPTION_HEADER : end]
            at, count = end, count + 1
        if at != len(octets) and count < _MOST_OPTIONS:
            self.notes["cut" if self.is_cut else "overrun"] = None

    def association(self, code: int, data: bytes) -> None:
        """Addresses or prefixes under one identity (RFC 8415, 21.4, 21.5 and 21.21)."""
        fixed = 4 if code == _IA_TA else 12
        if len(data) < fixed:
            return
        if fixed == 12 and any(data[4:12]):
            self.renewals.append((int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")))
        for inner, value in self.options(data[fixed:]):
            if inner == _STATUS:
                self.status(value)
            elif inner == _IA_ADDRESS and len(value) >= 24:
                self._lease(ipv6_text(value[:16]), False, value[16:24], value[24:])
            elif inner == _IA_PREFIX and len(value) >= 25:
                self._lease(f"{ipv6_text(value[9:25])}/{value[8]}", True, value[:8], value[25:])

    def _lease(self, text: str, is_prefix: bool, times: bytes, rest: bytes) -> None:
        preferred, valid = int.from_bytes(times[:4], "big"), int.from_bytes(times[4:], "big")
        self.leases.append(Lease6(text, is_prefix, preferred, valid))
        for code, value in self.options(rest):
            if code == _STATUS:
                self.status(value)

    def status(self, value: bytes) -> None:
        if len(value) >= 2:
            self.statuses.append((int.from_bytes(value[:2], "big"), value[2:].decode("utf-8", "backslashreplace")))


def parse(octets: bytes, size: int) -> Dhcpv6Message | None:
    """A message from the octets that were kept of a datagram of ``size`` octets; None if it is none."""
    reader = _Reader(len(octets) < size)
    relays: list[str] = []
    while len(octets) >= _RELAY_HEADER and octets[0] in _RELAYED and len(relays) < _MOST_RELAYS:
        relays.append(ipv6_text(octets[2:18]))
        inner = dict(reader.options(octets[_RELAY_HEADER:])).get(_RELAYED_MESSAGE)
        if inner is None:
            return None
        octets = inner
    if len(octets) < _HEADER or octets[0] in _RELAYED or not octets[0]:
        return None
    return _message(octets, reader, tuple(relays))


def _message(octets: bytes, reader: _Reader, relays: tuple[str, ...]) -> Dhcpv6Message:
    options: dict[int, bytes] = {}
    for code, value in reader.options(octets[_HEADER:]):
        options.setdefault(code, value)
        if code in (_IA_NA, _IA_TA, _IA_PD):
            reader.association(code, value)
        elif code == _STATUS:
            reader.status(value)
    worst = max(reader.statuses, default=(None, None), key=lambda status: status[0] or 0)
    times = [t1 for t1, _ in reader.renewals], [t2 for _, t2 in reader.renewals]
    dns = options.get(_DNS, b"")
    return Dhcpv6Message(
        kind=TYPES.get(octets[0]) or f"TYPE{octets[0]}",
        xid=int.from_bytes(octets[1:4], "big"),
        client=options.get(_CLIENT_ID, b"")[:_LONGEST_DUID],
        server=options.get(_SERVER_ID, b"")[:_LONGEST_DUID],
        leases=tuple(reader.leases),
        t1_s=min(times[0], default=None),
        t2_s=min(times[1], default=None),
        status=worst[0],
        status_text=worst[1] or None,
        dns=tuple(ipv6_text(dns[at : at + 16]) for at in range(0, len(dns) - 15, 16)),
        domains=_domains(options.get(_DOMAINS, b"")),
        name=_full_name(options.get(_NAME)),
        is_rapid=_RAPID_COMMIT in options,
        relays=relays,
        notes=tuple(reader.notes),
    )


def _domains(octets: bytes) -> tuple[str, ...]:
    """The names of a search list, uncompressed (RFC 3646, 4; RFC 8415, 10)."""
    from explain.exchanges.dns.message import name_at

    names: list[str] = []
    at = 0
    while at < len(octets) and (found := name_at(octets, at)):
        names.append(found[0])
        at = found[1]
    return tuple(names)


def _full_name(octets: bytes | None) -> str | None:
    """Flags, then labels that need not be complete (RFC 4704, 4)."""
    if octets is None or len(octets) < 2:
        return None
    labels: list[str] = []
    at = 1
    while at < len(octets) and octets[at]:
        labels.append(octets[at + 1 : at + 1 + octets[at]].decode("utf-8", "backslashreplace"))
        at += 1 + octets[at]
    return ".".join(labels) or None


def mac_of(duid: bytes) -> str | None:
    """The MAC in a DUID that was made of one (RFC 8415, 11.2 and 11.4); None in others."""
    kind = int.from_bytes(duid[:2], "big")
    start = {_DUID_LLT: 8, _DUID_LL: 4}.get(kind, 0)
    mac = duid[start:]
    return mac.hex(":") if start and len(mac) == 6 and duid[2:4] == b"\0\1" else None
