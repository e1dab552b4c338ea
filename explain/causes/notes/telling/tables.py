"""What tables of switches, sockets and nft say, and what the log of a server tells of its clients."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from explain.causes.notes.item import MOST_PARTS, Item, few

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.symptoms.witness import TextWitness

Values = dict[str, Any]
_PORTS = {"forwarding": "forwarding", "disabled": "disabled", "blocking": "blocking"}
_NFT_CHAIN = re.compile(r"\s*chain (?P<name>[\w.-]{1,64}) \{")
_NFT_HOOK = re.compile(r"\s*type \w+ hook (?P<hook>\w+) .*?(?:policy (?P<policy>\w+))?;?\s*\Z")
_NFT_NAT = re.compile(r"\b(?P<kind>masquerade|snat|dnat|redirect)\b")
_NFT_SOURCE = re.compile(r"\bsaddr (?P<source>[^\s;{}]{1,64})")
_SHOWN_SOCKETS = {
    "ESTAB": "connected", "ESTABLISHED": "connected", "SYN-SENT": "calling", "SYN_SENT": "calling",
    "CLOSE-WAIT": "unclosed", "CLOSE_WAIT": "unclosed",
}  # fmt: skip


def switch_table(host: Values, rows: Sequence[Mapping[str, Any]]) -> Iterator[Item]:
    """Behind which port each MAC is; the switch's own are left out."""
    others = [row for row in rows if row.get("state") != "permanent" and "self" not in row.get("flags", ())]
    parts = [
        Item("fdb.static" if row.get("state") == "static" else "fdb.learnt", {"mac": row["mac"], "port": row["ifname"]})
        for row in others[:MOST_PARTS]
    ]
    yield Item("shows.fdb" if parts else "shows.fdb-empty", host | {"places": parts} if parts else host)


def ports(host: Values, rows: Sequence[Mapping[str, Any]]) -> Iterator[Item]:
    """The ports of a switch, and which of them pass frames on."""
    parts = [
        Item(f"port.{_PORTS.get(str(row.get('state')), 'waiting')}", {"port": row["ifname"]})
        for row in rows[:MOST_PARTS]
        if row.get("state")
    ]
    if parts:
        yield Item("shows.bridge-link", host | {"ports": parts})


def sockets(host: Values, lines: Sequence[str]) -> Iterator[Item]:
    """Where programs listen, and which connections are open, called for, or not closed by their program."""
    listening: list[str] = []
    pairs: dict[str, list[str]] = {}
    for line in lines[:1000]:
        words = line.split()
        if words[1:2] == ["LISTEN"] and len(words) > 4:
            listening.append(words[4])
        elif len(words) > 5 and words[1] in _SHOWN_SOCKETS:
            pairs.setdefault(_SHOWN_SOCKETS[words[1]], []).append(f"{words[4]} - {words[5]}")
    yield Item("shows.listening" if listening else "shows.not-listening", host | {"sockets": few(listening)})
    for name, shown in pairs.items():
        yield Item(f"shows.{name}", host | {"sockets": few(shown)})


def nft(host: Values, lines: Sequence[str]) -> Iterator[Item]:
    """What drops by policy and what changes addresses in the text of ``nft list``."""
    chain, drops, nat, rules = "", [], [], 0
    for line in lines[:5000]:
        if begun := _NFT_CHAIN.match(line):
            chain = begun["name"]
        elif hook := _NFT_HOOK.match(line):
            shown = chain if chain == hook["hook"] else f"{chain} ({hook['hook']})"
            drops += [shown] if hook["policy"] == "drop" else []
        elif chain and line.strip().strip("}"):
            rules += 1
            nat += [line.strip()] if _NFT_NAT.search(line) else []
        elif line.strip() == "}":
            chain = ""
    if drops:
        yield Item("shows.policy-drop", host | {"chains": few(drops)})
    for rule in nat[:MOST_PARTS]:
        kind, source = _NFT_NAT.search(rule), _NFT_SOURCE.search(rule)
        values = host | {"options": rule, "source": source["source"] if source else "0.0.0.0/0"}
        yield Item(f"nat.{kind['kind'] if kind else 'snat'}", values)
    if rules > len(nat):
        yield Item("shows.rules-listed", host | {"count": rules})


def served(run: TextWitness) -> Iterator[Item]:
    """What the log of a server tells of each client and of the names that were asked for."""
    yield Item("result.server-log", {"count": len(run.symptoms)})
    clients: dict[str, Item] = {}
    names: dict[str, dict[str, None]] = {}
    for one in run.symptoms:
        what, values = one.id.removeprefix("server."), one.values
        mac = str(values.get("mac") or "")
        if mac and what in ("discover", "offer", "request"):
            clients.setdefault(mac, Item("server.asked", {"mac": mac}))
        if mac and what in ("ack", "nak", "pool-exhausted", "release", "decline"):
            clients[mac] = Item(f"server.{what}", {"mac": mac, "address": values.get("address") or "?"})
        if what in ("answered", "no-such-name", "refused", "no-data") and values.get("name"):
            names.setdefault(what, {})[str(values["name"])] = None
    yield from list(clients.values())[:MOST_PARTS]
    for what, asked in names.items():
        yield Item(f"server.{what}", {"names": few(list(asked))})
