"""What hosts ask all others of their link about names, and tell them: multicast DNS (RFC 6762) and LLMNR (RFC 4795)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from explain.addresses import NO_MAC
from explain.exchanges.dns.message import readable
from explain.exchanges.dns.records import Record, everywhere, proposed, questions
from explain.exchanges.messages import Messages
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable

PORTS = (5353, 5355)
_MOST = 64  # different questions, and different records, of one flow
_RESPONSE, _FLAGS = 0x80, 2  # the bit, and the octet in which it stands
_NAMES = ("PTR", "SRV", "CNAME", "NSEC")  # the data of these types ends in a name, or begins with one


@dataclass(frozen=True, slots=True)
class Question:
    """One question to all.

    Attributes:
        is_probe: the asker wants the name for itself, and asks whether somebody has it already (RFC 6762, 8.1).
        answered_by: who else told a record of that name, to all or to the asker alone, at the same place.
    """

    name: str
    type: str
    is_probe: bool
    answered_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamesTold:
    """What was said in a flow.

    Attributes:
        asked: each question once, in the order in which they came first.
        told: each record once.
        taken_back: records that are no longer so: their lifetime is 0 (RFC 6762, 10.1).
    """

    asked: tuple[Question, ...]
    told: tuple[Record, ...]
    taken_back: tuple[Record, ...]


class GroupNames:
    """The messages of multicast DNS and LLMNR, by flow."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._messages = Messages(table, "dns", PORTS)
        self._rows, self._octets = self._messages.rows, self._messages.octets
        self._records = cache(everywhere)  # the same is told again and again
        self._owners: dict[tuple[int, str], dict[int, int]] | None = None

    def of(self, row: int) -> NamesTold | None:
        """What was said in the flow of a row; None where nothing of it can be read."""
        table = self._table
        asked: dict[tuple[str, str], Question] = {}
        told: dict[tuple[str, str, str], Record] = {}
        gone: dict[tuple[str, str, str], Record] = {}
        for at in self._messages.of(int(table.flow[row])):
            message = self._octets[at]
            if _is_response(message):
                for record in map(_for_people, self._records(message)):
                    into = told if record.ttl else gone
                    if len(into) < _MOST:
                        into.setdefault((record.name, record.type, record.value), record)
            elif len(asked) < _MOST:
                asked |= {key: one for key, one in self._asked(at, message) if key not in asked}
        parts = tuple(asked.values()), tuple(told.values()), tuple(gone.values())
        return NamesTold(*parts) if any(parts) else None

    def _asked(self, at: int, message: bytes) -> Iterator[tuple[tuple[str, str], Question]]:
        table, row = self._table, int(self._rows[at])
        own, mac = table.ends(row)[0], self._mac(row)
        wanted = proposed(message)
        for name, kind in questions(message):
            owners = self._owners_of(int(table.place[row]), name).items()
            by = tuple(table.addresses.text(key) for key, of in owners if key != own and (of != mac or of == NO_MAC))
            yield (name, kind), Question(readable(name), kind, kind == "ANY" and name in wanted, by)

    def _owners_of(self, place: int, name: str) -> dict[int, int]:
        """Who told a record of a name at a place: address key -> MAC key."""
        if self._owners is None:
            self._owners = {}
            speakers = self._table.sources(self._rows).tolist()
            for row, speaker, message in zip(self._rows.tolist(), speakers, self._octets, strict=True):
                where, mac = int(self._table.place[row]), self._mac(row)
                for record in self._records(message) if _is_response(message) else ():
                    self._owners.setdefault((where, record.name.lower()), {})[speaker] = mac
        return self._owners.get((place, name.lower()), {})

    def _mac(self, row: int) -> int:
        return int(self._table.links.source[self._table.link[row]])


def _is_response(message: bytes) -> bool:
    return len(message) > _FLAGS and message[_FLAGS] & _RESPONSE > 0


def _for_people(record: Record) -> Record:
    value = readable(record.value) if record.type in _NAMES else record.value
    return Record(readable(record.name), record.type, record.ttl, value)
