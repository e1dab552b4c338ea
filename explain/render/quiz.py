"""Report -> cards: for each frame who speaks, to which MAC, what is said, and why.  Nothing is asked here."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from explain import table as t
from explain.addresses import BROADCAST, NO_MAC, mac_text
from explain.exchanges.wire_words import Said, side_row
from explain.model import Line
from explain.record import dataclass
from explain.render.scene.choice import owners
from explain.render.wire_words import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.model import Report

_GROUP = 1 << 40  # of the first octet of a MAC
_ADVERTISEMENT, _SOLICITATION = 136, 135
_FLAG_WORDS = {"fin": "F", "syn": "S", "rst": "R", "reset": "R", "psh": "", "push": "", "p": "", "ack": "."}
_LETTERS = set("SFR.U")
EVERYONE = ("broadcast", "everyone", "all", "everybody", "全員", "ブロードキャスト")
GROUP = ("multicast", "group", "マルチキャスト", "グループ")
# What people also call a message; the words of the wire itself are always right.
_ALSO = {
    "arp-request": ("arp request", "who has", "request", "arp"),
    "arp-reply": ("arp reply", "is at", "reply", "arp"),
    "echo-request": ("request", "ping", "echo"),
    "echo-reply": ("reply", "pong", "echo"),
    "neighbor-solicitation": ("ns", "solicitation", "neighbour solicitation"),
    "neighbor-advertisement": ("na", "advertisement", "neighbour advertisement"),
    "router-solicitation": ("rs", "solicitation"),
    "router-advertisement": ("ra", "advertisement"),
    "multicast-listener": ("mld",),
    "icmp-error": ("icmp error", "error", "icmp"),
    "dns-query": ("dns", "query", "udp"),
    "dns-answer": ("dns", "answer", "response", "udp"),
    "udp": ("udp", "datagram"),
    "fragment": ("fragment",),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is right: how it is shown, and everything that counts as it, in the form of ``plain``."""

    shown: str
    accepted: frozenset[str]

    def is_met_by(self, typed: str) -> bool:
        """Whether what a person typed is right."""
        return plain(typed) in self.accepted


@dataclass(frozen=True, slots=True)
class Card:
    """One frame that is asked about.

    Attributes:
        frame: its number in its file.
        speaker: None where no header names one.
        listener: the MAC it is sent to; None where the link layer has none.
        said: what it says, and ``flags``, the letters of TCP, None without TCP.
        reasons: why it is so, as lines to come.
    """

    frame: int
    time_ns: int
    speaker: Answer | None
    listener: Answer | None
    said: Said
    flags: frozenset[str] | None
    reasons: tuple[Line, ...]

    def says(self, typed: str) -> bool:
        """Whether a person named the message: by its flags for TCP, else by its kind."""
        if self.flags is not None:
            return flags_of(typed) == self.flags
        words, wanted = plain(typed), plain(self.said.text)
        known = (self.said.meaning.replace("-", " "), *_ALSO.get(self.said.meaning, ()))
        return bool(words) and (words in known or wanted == words or wanted.startswith(f"{words} "))


def _answer(shown: Sequence[str], accepted: Sequence[str]) -> Answer:
    return Answer(", ".join(shown), frozenset(plain(one) for one in accepted))


def plain(typed: str) -> str:
    """An answer without case, signs and the many spellings of a MAC."""
    words = typed.strip().lower().strip("?[].")
    digits = re.sub(r"[:.-]", "", words)
    if re.fullmatch(r"[0-9a-f]{12}", digits) and not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", words):
        return digits
    return " ".join(words.replace("-", " ").split())


def _stays_on_link(address: str) -> bool:
    """Whether routers leave the address alone, or it is nobody's (RFC 4291 section 2.5; RFC 3927)."""
    from ipaddress import ip_address

    parsed = ip_address(address)
    return parsed.is_link_local or parsed.is_unspecified or parsed.is_multicast


def flags_of(typed: str) -> frozenset[str] | None:
    """TCP flags as tcpdump's letters, from ``[S.]`` or ``SYN ACK``; PSH does not count; None if it is neither."""
    found: set[str] = set()
    for word in re.findall(r"[a-z.]+", typed.lower()):
        if word in _FLAG_WORDS:
            found.update(_FLAG_WORDS[word])
        elif set(word.upper()) <= _LETTERS | {"P"}:
            found.update(set(word.upper()) - {"P"})
        else:
            return None
    return frozenset(found) if typed.strip() else None


def cards(report: Report, names: Mapping[str, Sequence[str]]) -> Iterator[Card]:
    """A card for each frame, in the order of the capture, which should be of one place.

    Args:
        report: of the capture.
        names: MAC or address as text -> names of its owner, the shortest first, as far as they are known.
    """
    deck = _Deck(report, names)
    for row in range(len(deck.table)):
        yield deck.card(row)


class _Deck:
    def __init__(self, report: Report, names: Mapping[str, Sequence[str]]) -> None:
        self.table = report.exchanges.table
        self._report, self._names = report, names
        self._owners = owners(report)
        self._told: dict[int, list[Line]] = {}
        for line in report.lines:
            if line.evidence and line.label is None and line.depth <= 1:
                self._told.setdefault(line.evidence[0].frames[0][0], []).append(line)

    def card(self, row: int) -> Card:
        table = self.table
        owner = int(self._owners[row])
        words = said(table, row, self._report.exchanges.view(owner) if owner >= 0 else None)
        frame = int(table.frame[row])
        why = self._told.get(frame) or [Line(f"render.means.{words.meaning}", {})]
        is_tcp = bool(int(table.layers[row]) & t.TCP) and words.meaning in {
            "syn",
            "syn-ack",
            "ack",
            "data",
            "fin",
            "rst",
        }
        return Card(
            frame, int(table.time_ns[row]), self._speaker(row), self._listener(row), words,
            flags_of(words.text.partition("[")[2].partition("]")[0]) if is_tcp else None,
            (*why, *self._passed_on(row), *self._why_this_mac(row)),
        )  # fmt: skip

    @cached_property
    def _holders(self) -> dict[int, list[int]]:
        """MAC key -> address keys that were said to be there (ARP; neighbour discovery)."""
        arp, icmp = self.table.arp, self.table.icmp
        is_told = (icmp.mac != NO_MAC) & (icmp.type == _ADVERTISEMENT) & icmp.is_v6
        pairs = [*zip(arp.sender_mac.tolist(), arp.sender_ip.tolist(), strict=True)]
        pairs += zip(icmp.mac[is_told].tolist(), icmp.target[is_told].tolist(), strict=True)
        asks = np.flatnonzero((icmp.mac != NO_MAC) & (icmp.type == _SOLICITATION) & icmp.is_v6)
        pairs += zip(icmp.mac[asks].tolist(), self.table.sources(icmp.row[asks]).tolist(), strict=True)
        found: dict[int, list[int]] = {}
        for mac, address in pairs:
            if address and address not in (kept := found.setdefault(mac, [])):
                kept.append(address)
        return found

    def _macs(self, row: int) -> tuple[int, int]:
        link = int(self.table.link[row])
        return int(self.table.links.source[link]), int(self.table.links.target[link])

    def _addresses(self, row: int) -> tuple[int | None, int | None]:
        """Address keys of sender and receiver, of ARP those in the message."""
        if int(self.table.layers[row]) & t.IP:
            return self.table.ends(row)
        if (at := side_row(self.table.arp.row, row)) is not None:
            return int(self.table.arp.sender_ip[at]), int(self.table.arp.target_ip[at])
        return None, None

    def _speaker(self, row: int) -> Answer | None:
        """Whoever wrote the packet; whoever put it on this link is right too."""
        mac, _ = self._macs(row)
        address, _ = self._addresses(row)
        on_link = [mac_text(mac), *self._named(mac)] if mac != NO_MAC else []
        right = [*on_link, *(self.table.addresses.text(one) for one in self._holders.get(mac, ()))]
        if not address:
            return _answer(on_link[:2], right) if on_link else None
        text = self.table.addresses.text(address)
        called = list(self._names.get(text, ()))
        return _answer([text, *called[:1]], [*right, text, *called])

    def _named(self, mac: int) -> list[str]:
        return list(self._names.get(mac_text(mac), ()))

    def _listener(self, row: int) -> Answer | None:
        _, mac = self._macs(row)
        if mac == NO_MAC:
            return None
        text = mac_text(mac)
        right = [text]
        right += [self.table.addresses.text(one) for one in self._holders.get(mac, ())]
        called = EVERYONE if mac == BROADCAST else GROUP if mac & _GROUP else self._named(mac)
        return _answer([text, *called[:1]], [*right, *called])

    def _passed_on(self, row: int) -> tuple[Line, ...]:
        """Who put the packet on this link, where that is not who wrote it."""
        mac, _ = self._macs(row)
        address, _ = self._addresses(row)
        held = self._holders.get(mac, [])
        if not address or not held or self._is_at(address, mac):
            return ()
        values = {"holder": self.table.addresses.text(held[0]), "source": self.table.addresses.text(address)}
        return (Line("quiz.passed-on", values | {"mac": mac_text(mac)}),)

    def _is_at(self, address: int, mac: int) -> bool:
        """Whether the owner of the MAC has the address: it was said here, the lab says so, no router passes it on."""
        text = self.table.addresses.text(address)
        is_named = self._names.get(text, ("",))[0] == (*self._named(mac), None)[0]
        return address in self._holders.get(mac, ()) or is_named or _stays_on_link(text)

    def _why_this_mac(self, row: int) -> tuple[Line, ...]:
        """Why the frame goes to this MAC."""
        _, mac = self._macs(row)
        _, address = self._addresses(row)
        if mac == NO_MAC:
            return ()
        values = {"mac": mac_text(mac)}
        if mac == BROADCAST:
            return (Line(f"quiz.to.{'asked' if int(self.table.layers[row]) & t.ARP else 'everyone'}", values),)
        if mac & _GROUP:
            return (Line("quiz.to.group", values),)
        held = self._holders.get(mac, [])
        if not held or address is None:
            return (Line("quiz.to.known", values),)
        values |= {"target": self.table.addresses.text(address), "holder": self.table.addresses.text(held[0])}
        if int(self.table.layers[row]) & t.ARP:
            return (Line("quiz.to.asker", values),)
        return (Line("quiz.to.neighbour" if self._is_at(address, mac) else "quiz.to.router", values),)
