"""What hosts ask about NetBIOS names, tell of them and claim, over UDP port 137 (RFC 1001, 15; RFC 1002, 4.2)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from explain.exchanges.messages import Messages
from explain.record import NamedTuple, dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable

ADDRESSES, STATUS = 0x20, 0x21
"""Types of records (RFC 1002, 4.2.1.3)."""
_MOST = 64  # different things that one flow says
_HEADER, _NAME = 12, 34  # octets; the name with its length and its end, where it has no scope
_RESPONSE, _GROUP, _POINTER = 0x80, 0x80, 0xC0
_LETTERS = frozenset(b"ABCDEFGHIJKLMNOP")  # each is half an octet (RFC 1001, 14.1)
_QUERY, _REGISTRATION, _RELEASE, _WAIT, _REFRESH, _REFRESH_TOO, _SEVERAL_HOMES = 0, 5, 6, 7, 8, 9, 15
_ASKS = {
    _REGISTRATION: "claims", _SEVERAL_HOMES: "claims", _RELEASE: "releases", _REFRESH: "renews", _REFRESH_TOO: "renews",
}  # fmt: skip
_CONFLICT = 7  # RCODE (RFC 1002, 4.2.6)
_ANSWERS = {"has": "asks", "lists": "lists-asked", "taken": "claims", "conflict": "claims"}

TOLD_TO_ONE = frozenset(("has", "lacks", "granted", "taken", "conflict", "waits"))
"""What is said to one host about a name that it asked for, or claims."""


class _Said(NamedTuple):
    """One message.

    Attributes:
        name: as ``NAME<20>``, the last octet being the kind of what has the name.
        names: of a host that lists all of its own.
    """

    act: str
    name: str
    is_group: bool | None
    addresses: tuple[str, ...]
    names: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class NetbiosAct:
    """What somebody said of a name.

    Attributes:
        act: asks, lists-asked, claims, renews, releases; has, lists, lacks, granted, taken, conflict, waits.
        name: as ``NAME<20>``, the last octet being the kind of what has the name; ``*`` is any.
        is_group: several hosts may share it; None where it is not said.
        addresses: of who has it, or claims it.
        answered_by: who told the asker that it has the name, at the same place; of a claim, who objects.
    """

    act: str
    by: str
    name: str
    is_group: bool | None
    addresses: tuple[str, ...]
    answered_by: tuple[str, ...]


class NetbiosNames:
    """The messages of the name service, by flow."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._messages = Messages(table, "netbios")
        self._rows = self._messages.rows
        self._said = [*map(cache(read), self._messages.octets)]  # the same is said again and again
        self._speakers, self._hearers = (ends(self._rows).tolist() for ends in (table.sources, table.targets))
        self._answers: dict[tuple[int, int, str, str], dict[int, None]] | None = None

    def of(self, row: int) -> tuple[NetbiosAct, ...]:
        """What was said in the flow of a row, each thing once."""
        table = self._table
        found: dict[tuple[int, str, str], NetbiosAct] = {}
        for at in self._messages.of(int(table.flow[row])):
            said = self._said[at]
            for one in _apart(said) if said is not None and len(found) < _MOST else ():
                key = self._speakers[at], one.act, one.name
                if key not in found:
                    by = self._answered_by(int(table.place[self._rows[at]]), one, key[0])
                    text = table.addresses.text(key[0])
                    found[key] = NetbiosAct(one.act, text, one.name, one.is_group, one.addresses, by)
        return tuple(found.values())

    def _answered_by(self, place: int, said: _Said, own: int) -> tuple[str, ...]:
        if self._answers is None:
            self._answers = {}
            columns = self._rows.tolist(), self._speakers, self._hearers, self._said
            for row, speaker, hearer, one in zip(*columns, strict=True):
                if one is not None and (asked := _ANSWERS.get(one.act)):
                    key = int(self._table.place[row]), hearer, asked, one.name
                    self._answers.setdefault(key, {})[speaker] = None
        owners = self._answers.get((place, own, said.act, said.name), {})
        return tuple(self._table.addresses.text(key) for key in owners)


def _apart(said: _Said) -> Iterator[_Said]:
    """A list as one thing for each name."""
    if said.act != "lists":
        yield said
    for name, is_group in said.names:
        yield _Said("lists", name, is_group, (), ())


def read(message: bytes) -> _Said | None:
    """What a message says; None where it cannot be read."""
    if len(message) < _HEADER + _NAME:
        return None
    named = name_at(message, _HEADER)
    if named is None:
        return None
    name, end = named
    opcode, rcode = message[2] >> 3 & 15, message[3] & 15
    kind = int.from_bytes(message[end : end + 2], "big")
    if message[2] & _RESPONSE:
        if opcode == _QUERY and kind == STATUS:
            return None if rcode else _Said("lists", name, None, (), _listed(message, end + 10))
        return _about(_answer(opcode, rcode), name, message, end)
    if opcode == _QUERY:
        act = {ADDRESSES: "asks", STATUS: "lists-asked"}.get(kind)
        return _Said(act, name, None, (), ()) if act else None
    return _about(_ASKS.get(opcode), name, message, _record_behind(message, end + 4))


def _about(act: str | None, name: str, message: bytes, record_at: int) -> _Said | None:
    """What is said of a name with the record of who has it."""
    return _Said(act, name, *_owners(message, record_at), ()) if act else None


def _answer(opcode: int, rcode: int) -> str | None:
    if opcode == _QUERY:
        return "lacks" if rcode else "has"
    if opcode in (_REGISTRATION, _SEVERAL_HOMES):
        return "conflict" if rcode == _CONFLICT else "taken" if rcode else "granted"
    return "waits" if opcode == _WAIT else None


def name_at(message: bytes, at: int) -> tuple[str, int] | None:
    """The name that is spelled at a place, and where it ends (RFC 1002, 4.1)."""
    letters = message[at + 1 : at + 33]
    if message[at] != 32 or len(letters) < 32 or not _LETTERS.issuperset(letters):
        return None
    octets = bytes((letters[one] - 65) << 4 | letters[one + 1] - 65 for one in range(0, 32, 2))
    scope, at = [], at + 33
    while at < len(message) and 0 < message[at] < _POINTER:
        scope.append(message[at + 1 : at + 1 + message[at]].decode("ascii", "backslashreplace"))
        at += 1 + message[at]
    if at >= len(message) or message[at]:
        return None
    return ".".join((name_text(octets), *scope)), at + 1


def name_text(octets: bytes) -> str:
    """A name as people write it."""
    padded = octets[:15].rstrip(b" \0").lstrip(b"\1\2").rstrip(b"\2")
    text = "".join(chr(one) if 0x20 <= one < 0x7F else f"\\x{one:02x}" for one in padded)
    return text if text == "*" else f"{text}<{octets[15]:02x}>"


def _record_behind(message: bytes, at: int) -> int:
    """Where the type of the additional record stands, whose name points back to the question, or is spelled again."""
    if at < len(message) and message[at] >= _POINTER:
        return at + 2
    named = name_at(message, at) if at < len(message) else None
    return named[1] if named else len(message)


def _owners(message: bytes, at: int) -> tuple[bool | None, tuple[str, ...]]:
    """Whether a group has the name, and the addresses of who has it; ``at`` is the record's type (RFC 1002, 4.2.2)."""
    size = int.from_bytes(message[at + 8 : at + 10], "big")
    octets = message[at + 10 : at + 10 + size]
    if int.from_bytes(message[at : at + 2], "big") != ADDRESSES or len(octets) < 6:
        return None, ()
    entries = [octets[one : one + 6] for one in range(0, len(octets) - 5, 6)]
    addresses = tuple(".".join(map(str, one[2:])) for one in entries)
    return bool(octets[0] & _GROUP), addresses


def _listed(message: bytes, at: int) -> tuple[tuple[str, bool], ...]:
    """The names of a host, and which of them it shares with others (RFC 1002, 4.2.18)."""
    count = message[at] if at < len(message) else 0
    entries = (message[one : one + 18] for one in range(at + 1, at + 1 + 18 * count, 18))
    return tuple((name_text(one[:16]), bool(one[16] & _GROUP)) for one in entries if len(one) == 18)
