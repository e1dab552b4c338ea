"""The names that a rubric may use: events, their fields, and what each field means.

An *event* is a view of the exchanges that the story tells: a rubric's words for the same facts.
"""

from __future__ import annotations

import difflib
from dataclasses import fields
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from explain.grade.events.table import COMMON, EVENTS
from explain.model import Line
from explain.words import sentence, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_RECORDS = {
    "arp.resolution": ("arp", "ArpResolution"), "arp.announcement": ("arp", "ArpAnnouncement"),
    "icmp.error": ("icmp.error", "IcmpError"), "tcp.connection": ("tcp.connection", "TcpConnection"),
    "udp.flow": ("udp.flow", "UdpFlow"), "dhcp.lease": ("dhcp.lease", "DhcpLease"),
    "dhcpv6.lease": ("dhcpv6.lease", "Dhcpv6Lease"), "journey": ("over_places.journey", "Journey"),
    "dns.lookup": ("dns.lookup", "DnsLookup"), "http.request": ("http.request", "HttpRequest"),
    "traceroute": ("traceroute.trace", "Traceroute"), "ndp.resolution": ("ndp.resolution", "NdpResolution"),
    "ndp.duplicate-check": ("ndp.resolution", "NdpDuplicateCheck"), "ndp.router": ("ndp.router", "NdpRouter"),
}  # fmt: skip
"""Kinds of exchanges, and the records that name their fields."""
_ENDINGS = {
    "arp": ("arp",), "icmp.echo": ("icmp.echo",), "icmp": ("icmp.error",), "tcp": ("tcp.connection",),
    "udp": ("udp.flow",), "dhcp": ("dhcp.lease",), "dhcpv6": ("dhcpv6.lease",), "journey": ("over_places.journey",),
    "dns": ("dns.lookup",), "http": ("http.request",), "traceroute": ("traceroute.trace",),
    "nat": ("over_places.nat_translation",), "ndp": ("ndp.resolution", "ndp.router"),
}  # fmt: skip
"""Events, or families of them, and the modules that list how their exchanges end."""
_SAID = {
    ("tcp.close", "by"): ("fin", "rst"), ("tcp.close", "first"): ("client", "server"),
    ("tcp.reset", "by"): ("client", "server"), ("tcp.segment", "by"): ("client", "server"),
    ("tcp.retransmission", "by"): ("client", "server"), ("traceroute.hop", "method"): ("udp", "icmp", "tcp"),
    ("nat.port_rewrite", "reason"): ("collision", "other"),
}  # fmt: skip
"""Fields that say one of a few words."""
_FLAGS = ("answered", "complete", "both_directions", "df", "more")
FLAG = ("true", "false")
"""What a field says that is a claim."""
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
"""Protocols above IP that have a name here; all others go by their numbers."""
_NAMED = {
    ("dhcp", "type"): ("dhcp.message", "TYPES"), ("dns", "type"): ("dns.message", "TYPES"),
    ("dns", "rcode"): ("dns.lookup", "RCODES"),
}  # fmt: skip
"""Fields that say the name of a number, and where these names are listed."""
_CODES = {"icmp.unreachable": (3, 1), "icmp.time_exceeded": (11, 3), "icmp.redirect": (5, 137)}
"""Errors and their types, in IPv4 and in IPv6."""
_PARTS = {"client": ("address", "port", "ip"), "server": ("address", "port", "ip")}


def _is_wildcard(name: str) -> bool:
    """Whether a name such as ``tcp.*`` stands for all events that begin so."""
    return name.endswith(".*")


def members(name: str) -> tuple[str, ...]:
    """The events or kinds that a name stands for; empty for a name that nobody knows.

    ``tcp.*`` counts each conversation once, so it stands for the kinds of exchanges where there are such.
    """
    if not _is_wildcard(name):
        return (name,) if name in EVENTS or name in _RECORDS else ()
    kinds = tuple(kind for kind in (*_RECORDS, "icmp.echo") if kind.startswith(name[:-1]))
    return kinds or tuple(one for one in EVENTS if one.startswith(name[:-1]))


def all_names() -> tuple[str, ...]:
    """Every event and kind that a rubric may name, wildcards left out."""
    return (*EVENTS, *_RECORDS)


@cache
def fields_of(name: str, language: str = "en") -> Mapping[str, str]:
    """Fields of an event or kind with their meaning; dots lead into parts."""
    if _is_wildcard(name):
        return {key: text for one in members(name) for key, text in fields_of(one, language).items()}
    found = _group(COMMON, language)
    if name in EVENTS:
        for group in EVENTS[name]:
            found |= _group(group, language) if isinstance(group, str) else _below(group, found, language)
        return found
    module, record = _RECORDS[name]
    as_reported = sentence("grade_fields.report.field", language)
    own = name.replace(".", "-")  # a dot ends a part of a sentence's name
    told = _group("ends", language) | (_group(own, language) if own in table("grade_fields") else {})
    for one in fields(getattr(import_module(f"explain.exchanges.{module}"), record)):
        field = one.name.rstrip("_")
        below = (f"{field}.{part}" for part in _PARTS.get(field, ()))
        found |= {one: told.get(one, as_reported) for one in (field, *below)}
        if field == "about":
            found |= _group("about", language) | {"about.protocol": as_reported}
    return found


@cache
def values_of(name: str, field: str) -> tuple[str, ...]:
    """All that a field of an event can say, where that is a closed list; empty where it is none."""
    if _is_wildcard(name):
        some = [values_of(one, field) for one in members(name)]
        return tuple(dict.fromkeys(value for one in some for value in one)) if all(some) else ()
    if field == "code" and name in _CODES:
        from explain.exchanges.icmp.error import error_name, names_of

        v4, v6 = _CODES[name]
        names = (
            *names_of(is_v6=False, kind=v4),
            *names_of(is_v6=True, kind=v6),
            error_name(is_v6=False, kind=v4, code=255),
        )
        return tuple(dict.fromkeys(one.removesuffix("-unreachable") for one in names))
    if field == "outcome":
        modules = _ENDINGS.get(name, _ENDINGS.get(name.partition(".")[0], ()))
        lists = [vars(import_module(f"explain.exchanges.{one}")) for one in modules]
        found = [value for one in lists for key, told in one.items() if key.endswith("OUTCOMES") for value in told]
        return tuple(dict.fromkeys(found))
    if (last := field.rpartition(".")[2]) == "proto":
        return tuple(PROTOCOLS.values())
    if family := _NAMED.get((name.partition(".")[0], last)):
        module, listed = family
        told = vars(import_module(f"explain.exchanges.{module}"))[listed].values()
        return tuple(one.lower() if module.startswith("dhcp") else one for one in told)
    if last in _FLAGS or last.startswith("is_") or (name, field) == ("dhcp.dora", "acked"):
        return FLAG
    return _SAID.get((name, field), ())


def meaning(name: str, language: str) -> str:
    """What an event or kind is."""
    what = name.replace(".", "-") if name in EVENTS else "report"
    return sentence(f"grade_fields.means.{what}", language)


def _group(name: str, language: str) -> dict[str, str]:
    return {field.replace("-", "."): words[language] for field, words in table("grade_fields")[name].items()}


def _below(named: Sequence[str], found: Mapping[str, str], language: str) -> dict[str, str]:
    """The fields of a part of an event, which is a field itself."""
    part, *groups = named
    form = sentence("grade_fields.part.of", language)
    below = {field: text for group in (COMMON, *groups) for field, text in _group(group, language).items()}
    return {f"{part}.{field}": form.format(meaning=text, part=found[part]) for field, text in below.items()}


def complaint(where: str, what: str | Line, **values: object) -> Line:
    """What is wrong in a place of a rubric: a sentence of ``errors.rubric``, or one that is made already."""
    told = what if isinstance(what, Line) else Line(f"errors.rubric.{what}", values)
    return Line("errors.rubric.here", {"where": where, "what": told})


def nearest(word: str, known: Iterable[str]) -> Line | str:
    """A hint that names what the word may have meant; empty if nothing looks like it."""
    found = difflib.get_close_matches(word, list(known), 1, 0.55)
    return Line("errors.rubric.near", {"near": found[0]}) if found else ""
