"""Who is in a class, and whom a name is about."""

from __future__ import annotations

import csv
import re
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from explain.errors import UnreadableError, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LARGEST_ROSTER = 16 << 20
_MAC = re.compile(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")
_ID_COLUMNS = ("student", "sid", "id", "email", "login", "name", "SIS User ID", "SIS Login ID", "ID",
               "Email address", "ID number", "Username", "Full name", "Student")  # fmt: skip


def read_roster(path: str) -> list[dict[str, str]]:
    """The rows of a roster.

    Raises:
        UnreadableError: it cannot be read as CSV with a header.
    """
    with reading_csv(path):
        if Path(path).stat().st_size > _LARGEST_ROSTER:
            raise UnreadableError(path, "unread.large_roster")
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            return [{str(key): value or "" for key, value in row.items() if key} for row in csv.DictReader(file)]


@contextmanager
def reading_csv(path: str) -> Iterator[None]:
    """Says of a file that is being read why it is no CSV, or cannot be read.

    Raises:
        UnreadableError: instead of what the library raises.
    """
    try:
        yield
    except OSError as error:
        raise UnreadableError(path, reason_of(error, "unread.not_read")) from None
    except UnicodeDecodeError:
        raise UnreadableError(path, "unread.csv_not_utf8") from None
    except csv.Error as error:
        raise UnreadableError(path, "unread.no_csv", why=str(error)) from None


def row_of(name: str, roster: Sequence[Mapping[str, str]]) -> int | None:
    """Whose row a name is about: as it stands, as people write it, or by a word of it; None if that is not sure."""
    key = key_of_name(name)
    tokens = set(re.split(r"[^a-z0-9@.]+", name.casefold()))

    def stands_there(row: Mapping[str, str]) -> bool:
        return any(row.get(column) == name for column in _ID_COLUMNS)

    def is_alike(row: Mapping[str, str]) -> bool:
        values = {key_of_name(row[column]) for column in _ID_COLUMNS if row.get(column)}
        values |= {key_of_name(row["email"].partition("@")[0])} if row.get("email") else set()
        return key in values - {""}

    def is_mentioned(row: Mapping[str, str]) -> bool:
        exact = {row[column].casefold() for column in ("student", "sid", "id", "login") if row.get(column)}
        return bool(exact & tokens)

    for fits in (stands_there, is_alike, is_mentioned):
        found = [number for number, row in enumerate(roster) if fits(row)]
        if found:  # of two people, neither; somebody who is there twice is one
            return found[0] if len({id_of(roster[number]) for number in found}) == 1 else None
    return None


def key_of_name(text: str) -> str:
    """A name as it is compared: without case, blanks and marks."""
    return re.sub(r"[^\w@.]", "", text.casefold()).replace("_", "")


def id_of(row: Mapping[str, str]) -> str:
    """Whom a row of the roster is about; empty if it does not say."""
    return next((row[column] for column in _ID_COLUMNS if row.get(column)), "")


def shared_addresses(roster: Sequence[Mapping[str, str]]) -> list[tuple[str, str, list[str]]]:
    """Column, address, and who has it, where most students have one that is theirs alone; that of a team is no such."""
    found = []
    for column in dict.fromkeys(name for row in roster for name in row):
        people: dict[str, list[str]] = {}
        for row in roster:
            address = address_of(row.get(column, ""))
            if address is not None and id_of(row) not in people.setdefault(address, []):
                people[address].append(id_of(row))
        shared = {address: some for address, some in people.items() if len(some) > 1}
        if sum(map(len, shared.values())) * 2 < sum(map(len, people.values())):
            found += [(column, address, some) for address, some in shared.items()]
    return found


def address_of(text: str) -> str | None:
    """An IP address or a MAC in the form that captures have; None for anything else."""
    value = text.strip()
    if _MAC.fullmatch(value):
        return value.lower().replace("-", ":")
    try:
        return str(ip_address(value))
    except ValueError:
        return None


def twice(roster: Sequence[Mapping[str, str]]) -> list[str]:
    """Who has two rows that do not say the same; the first one counts."""
    first: dict[str, Mapping[str, str]] = {}
    return list(dict.fromkeys(name for row in roster if (name := id_of(row)) and first.setdefault(name, row) != row))
