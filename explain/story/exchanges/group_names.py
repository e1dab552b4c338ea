"""What multicast DNS and LLMNR say: which names and services are sought, who has them, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.exchanges.dns.message import address_in
from explain.model import Line
from explain.table import UDP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from explain.exchanges.dns.group import NamesTold, Question
    from explain.exchanges.dns.records import Record
    from explain.exchanges.udp.flow import UdpFlow
    from explain.story.exchanges.teller import Teller
    from explain.table import Rows

SERVICES = frozenset((
    "ipp", "ipps", "printer", "pdl-datastream", "scanner", "uscan", "http", "https", "ssh", "sftp-ssh", "smb", "nfs",
    "afpovertcp", "airplay", "raop", "googlecast", "spotify-connect", "hap", "matter", "workstation", "device-info",
    "companion-link", "sleep-proxy", "homekit",
))  # fmt: skip
"""Services of which the word table tells what they are for."""
_MOST = 6  # things that one list tells
_ALL_KINDS = "_services._dns-sd._udp."  # begins the question which services there are (RFC 6763, 9)
_ADDRESSES = ("A", "AAAA")
_WHERE = ("SRV", "TXT")
_LLMNR = 5355


def told_of(teller: Teller, fields: UdpFlow, names: NamesTold, rows: Rows, name: str) -> Iterator[Line]:
    """What was asked, who answered, what was told and what was taken back."""
    asker = fields.client.address
    speaker = fields.server.address if fields.datagrams_to_client else asker
    by_name = {one.name: [other for other in names.asked if other.name == one.name] for one in names.asked}
    sought = {of: some for of, some in by_name.items() if not any(one.is_probe for one in some)}
    if sought:
        form = "asked-llmnr" if _LLMNR in (fields.server.port, fields.client.port) else "asked"
        form = teller.first(f"group.{form}") if _goes_to_all(teller, rows) else "group.asked-alone"
        items = _few([_question(of, [one.type for one in some]) for of, some in sought.items()])
        yield teller.line(form, fields, rows, name, asker=asker, items=items, asked=fields.server.address)
        yield from _heard(teller, fields, sought, rows, name)
    yield from _wanted(teller, fields, {of: some for of, some in by_name.items() if of not in sought}, rows, name)
    if items := _all(names.told):
        yield teller.line("group.told", fields, rows, name, speaker=speaker, items=items)
    if items := _all(names.taken_back):
        told, gone = ({(one.name, one.type, one.value) for one in some} for some in (names.told, names.taken_back))
        form = "taken-back-all" if told and told <= gone else "taken-back"
        yield teller.line(f"group.{form}", fields, rows, name, speaker=speaker, items=items)


def _goes_to_all(teller: Teller, rows: Rows) -> bool:
    """Whether any of it went to a group; a host may also ask one other alone (RFC 6762, 5.5)."""
    table = teller.table
    rows = rows[table.layers[rows] & UDP != 0]
    return not len(rows) or bool(table.addresses.are_groups(table.targets(rows)).any())


def _wanted(
    teller: Teller, fields: UdpFlow, probes: dict[str, list[Question]], rows: Rows, name: str
) -> Iterator[Line]:
    """Names that a host wants for itself, and those that another one has; of its addresses the names say nothing."""
    wanted = [of for of in probes if not address_in(of)]
    if not wanted:
        return
    asker = fields.client.address
    yield teller.line(teller.first("group.wants"), fields, rows, name, asker=asker, wanted=wanted)
    for of in wanted:
        if owners := list(dict.fromkeys(by for one in probes[of] for by in one.answered_by)):
            yield teller.line("group.taken", fields, rows, name, asker=asker, owners=owners, wanted=of)


def _all(records: Sequence[Record]) -> list[Line | str]:
    return _few([*_services(records), *_others(records)])


def _heard(teller: Teller, fields: UdpFlow, sought: dict[str, list[Question]], rows: Rows, name: str) -> Iterator[Line]:
    """Who answered; and for which names nobody did: where services are sought, silence is no news."""
    answered_by = list(dict.fromkeys(by for some in sought.values() for one in some for by in one.answered_by))
    if answered_by:
        yield teller.line("group.heard", fields, rows, name, answered_by=answered_by)
    silent = [
        of for of, some in sought.items()
        if any(one.type in _ADDRESSES for one in some) and not any(one.answered_by for one in some)
    ]  # fmt: skip
    if silent and _goes_to_all(teller, rows):
        yield teller.line("group.unheard", fields, rows, name, silent=silent)


def _few(items: Sequence[Line | str]) -> list[Line | str]:
    rest = len(items) - _MOST
    return [*items[:_MOST], *([Line("group.more", {"count": rest})] if rest > 0 else ())]


def _question(name: str, types: Sequence[str]) -> Line:
    """Which thing about a name is sought."""
    if name.startswith(_ALL_KINDS):
        return Line("group.which.kinds", {})
    if "PTR" in types:
        address = address_in(name)
        if address:
            return Line("group.which.name", {"address": address})
        return Line("group.which.service", {"service": _service(name)})
    if set(types) <= set(_ADDRESSES):
        return Line("group.which.address", {"name": name, "types": list(types)})
    form = "where" if set(types) <= set(_WHERE) else "records"
    return Line(f"group.which.{form}", {"name": name, "types": list(types)})


def _service(name: str) -> Line:
    """A kind of services, with what it is for where that is known."""
    labels = name.rpartition("._sub.")[2].split(".")  # which of them only (RFC 6763, 7.1)
    kind = labels[0].removeprefix("_")
    short = ".".join(label for label in labels if label.startswith("_")) or name
    if kind not in SERVICES:
        return Line("group.service", {"name": short})
    return Line("group.service-known", {"name": short, "use": Line(f"group.use.{kind}", {})})


def _services(records: Iterable[Record]) -> Iterator[Line]:
    """Who offers what, and which kinds of services there are."""
    offered: dict[str, list[str]] = {}
    for record in records:
        if record.type == "PTR" and not address_in(record.name):
            offered.setdefault(record.name, []).append(record.value)
    for kind, found in offered.items():
        if kind.startswith(_ALL_KINDS):
            yield Line("group.are.kinds", {"kinds": _few([_service(one) for one in found])})
        else:
            instances = [one.removesuffix(f".{kind}") for one in found]
            yield Line("group.are.offered", {"service": _service(kind), "instances": _few(instances)})


def _others(records: Iterable[Record]) -> Iterator[Line]:
    """Where services are, which addresses names have, and which names addresses have."""
    addresses: dict[str, list[str]] = {}
    for record in records:
        if record.type in _ADDRESSES:
            addresses.setdefault(record.name, []).append(record.value)
        elif record.type == "SRV" and record.value.count(" ") >= 3:
            _, _, port, host = record.value.split(" ", 3)
            yield Line("group.are.where", {"name": record.name, "host": host, "port": port})
    for name, some in addresses.items():
        yield Line("group.are.address", {"name": name, "addresses": _few(some)})
    for record in records:
        if record.type == "PTR" and (address := address_in(record.name)):
            yield Line("group.are.called", {"address": address, "name": record.value})
