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
    for one in fields(getattr(import_module(f"explain.exchanges.{module}"), record)):
        field = one.name.rstrip("_")
        found[field] = as_reported
        found |= {f"{field}.{part}": as_reported for part in _PARTS.get(field, ())}
        if field == "about":
            found |= _group("about", language) | {"about.protocol": as_reported}
    return found


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
