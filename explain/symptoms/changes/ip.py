"""What a typed ``ip`` command would change.

Source: ip(8), ip-netns(8), ip-link(8), ip-address(8), ip-route(8), ip-rule(8), ip-neighbour(8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.symptoms.addresses import canonical
from explain.symptoms.changes.change import Change, values_after
from explain.symptoms.hosts.routes import read_routes, read_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_VERBS = {"add": "add", "a": "add", "append": "add", "replace": "add", "change": "add", "del": "del", "delete": "del",
          "d": "del", "flush": "flush", "set": "set", "s": "set"}  # fmt: skip
_OBJECTS = (("netns", 3), ("link", 1), ("address", 1), ("route", 1), ("rule", 2), ("neighbour", 1), ("neighbor", 1))


def ip_changes(words: list[str], node: str | None) -> Iterator[Change]:
    """The changes that the words behind ``ip`` would make on a host."""
    family = 6 if "-6" in words else None
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in ("-f", "-family", "-n", "-netns") else words[1:]
    if len(words) < 2:
        return
    kind = next((name for name, least in _OBJECTS if name.startswith(words[0]) and len(words[0]) >= least), None)
    if words[0] in ("addr", "a"):
        kind = "address"
    verb = _VERBS.get(words[1])
    if kind is None or verb is None:
        return
    if kind in _READERS:
        yield from _READERS[kind](verb, words[2:], node)
    elif kind == "route" and verb in ("add", "del", "flush"):
        yield from _route(verb, words[2:], node, family)


def _netns(verb: str, words: list[str], node: str | None) -> Iterator[Change]:
    del node  # namespaces stand beside each other, wherever they are made
    if words and verb in ("add", "del"):
        yield Change(f"netns-{verb}", None, {"name": words[0]})


def _link(verb: str, words: list[str], node: str | None) -> Iterator[Change]:
    if verb == "add":
        yield from _link_add(words, node)
        return
    if words[:1] == ["dev"]:
        words = words[1:]
    if not words:
        return
    if verb == "del":
        yield Change("link-del", node, {"dev": words[0]})
        return
    values: dict[str, Any] = {
        "dev": words[0],
        **values_after(words[1:], {"netns", "master", "mtu", "address", "name", "arp"}),
    }
    values |= {"type": words[words.index("type") + 1]} if "type" in words[:-1] else {}
    for word in words[1:]:
        if word in ("up", "down"):
            values["state"] = word
        elif word == "nomaster":
            values["master"] = None
    yield Change("link-set", node, values)


def _link_add(words: list[str], node: str | None) -> Iterator[Change]:
    kind = words[words.index("type") + 1] if "type" in words[:-1] else None
    at = words.index("type") if kind else len(words)
    head, tail = words[:at], words[at + 2 :]
    found = values_after(head, {"name", "dev", "netns", "mtu", "address", "link", "master"})
    names = [
        word
        for index, word in enumerate(head)
        if word not in _LINK_WORDS and (index == 0 or head[index - 1] not in _LINK_WORDS)
    ]
    name = found.get("name") or found.get("dev") or (names[0] if names else None)
    values: dict[str, Any] = {
        "name": name,
        "kind": kind,
        **{key: found[key] for key in ("netns", "mtu", "address", "link", "master") if key in found},
    }
    if "peer" in tail:
        far = tail[tail.index("peer") + 1 :]
        pairs = values_after(far, {"name", "dev", "netns", "address", "mtu"})
        values["peer"] = (
            pairs.get("name") or pairs.get("dev") or (far[0] if far and far[0] not in _LINK_WORDS else None)
        )
        values["peer_netns"] = pairs.get("netns")
        values["peer_address"] = pairs.get("address")
    elif kind == "vlan" and "id" in tail[:-1]:
        values["vlan"] = tail[tail.index("id") + 1]
    yield Change("link-add", node, values)


_LINK_WORDS = frozenset({"name", "dev", "netns", "mtu", "address", "link", "peer", "index", "txqueuelen", "master"})


def _address(verb: str, words: list[str], node: str | None) -> Iterator[Change]:
    pairs = values_after(words, {"dev", "peer", "scope", "label"})
    plain = [
        word
        for at, word in enumerate(words)
        if canonical(word.partition("/")[0]) and (at == 0 or words[at - 1] not in ("peer", "brd", "broadcast"))
    ]
    if verb == "flush":
        yield Change("addr-flush", node, {"dev": pairs.get("dev") or (words[-1] if words else None)})
    elif verb in ("add", "del") and plain:
        address, slash, length = plain[0].partition("/")
        full = (
            f"{canonical(address)}{slash}{length}" if slash else f"{canonical(address)}/{128 if ':' in address else 32}"
        )
        yield Change(f"addr-{verb}", node, {"address": full, "dev": pairs.get("dev")})


def _route(verb: str, words: list[str], node: str | None, family: int | None) -> Iterator[Change]:
    if verb == "flush":
        yield Change("route-flush", node, {"words": tuple(words)})
        return
    text = " ".join(words).removeprefix("to ")
    rows = read_routes([text])
    if not rows and words:
        return
    for row in rows:
        is_6 = family == 6 or ":" in f"{row.get('dst', '')}{row.get('gateway', '')}"
        yield Change(f"route-{verb}", node, {**row, "family": 6 if is_6 else 4, "text": text})


def _rule(verb: str, words: list[str], node: str | None) -> Iterator[Change]:
    if verb in ("add", "del"):
        rows = read_rules([f"0: {' '.join(words if 'from' in words else ['from', 'all', *words])}"])
        yield from (Change(f"rule-{verb}", node, {**row, "words": tuple(words)}) for row in rows)


def _neighbour(verb: str, words: list[str], node: str | None) -> Iterator[Change]:
    is_proxy = words[:1] == ["proxy"]
    asked = words[is_proxy:]
    if verb in ("add", "del") and asked:
        found = values_after(asked[1:], {"lladdr", "dev", "nud", "state"})
        for_others = {"proxy": True} if is_proxy else {}
        yield Change(f"neigh-{verb}", node, {"dst": canonical(asked[0]) or asked[0], **found, **for_others})


_READERS: dict[str, Callable[[str, list[str], str | None], Iterator[Change]]] = {
    "netns": _netns, "link": _link, "address": _address, "rule": _rule, "neighbour": _neighbour, "neighbor": _neighbour,
}  # fmt: skip
