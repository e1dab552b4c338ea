"""What typed commands would change in a network: parsed from a closed list of forms, never run.

Source: ip(8), ip-netns(8), ip-link(8), ip-address(8), ip-route(8), ip-rule(8), ip-neighbour(8), sysctl(8), brctl(8),
iptables(8), nft(8).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.symptoms.addresses import canonical
from explain.symptoms.route_text import read_routes, read_rules
from explain.symptoms.wrappers import unwrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MOST_COMMANDS = 40
MOST_WORDS = 200
_BREAKS = frozenset({";", "&&", "||", "&", "|"})


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that one command would change.

    Attributes:
        verb: netns-add, netns-del, link-add, link-set, link-del, addr-add, addr-del, addr-flush, route-add, route-del,
            rule-add, rule-del, neigh-add, neigh-del, sysctl, iptables, nft.
        node: the namespace or host on which it works; None for the host that nobody names.
        values: what is changed; keys as iproute2's JSON has them where it has any.
    """

    verb: str
    node: str | None
    values: Mapping[str, Any]


def changes_of(text: str, node: str | None = None) -> Iterator[Change]:
    """The changes that a line of a shell would make, in order.

    Args:
        text: the line, without its prompt.
        node: the host that the prompt names.
    """
    for words in _simple_commands(text):
        bare = unwrap(words)
        where = bare.node or node
        if not bare.words:
            continue
        program = bare.words[0].rsplit("/", 1)[-1]
        rest = list(bare.words[1:])
        if program == "ip":
            yield from _ip(rest, where)
        elif program == "sysctl":
            yield from _sysctl(rest, where)
        elif program in ("echo", "printf", "tee"):
            yield from _written(words, where)
        elif program in ("brctl", "ifconfig", "route"):
            yield from _elder(program, rest, where)
        elif program in ("iptables", "ip6tables"):
            yield from _iptables(program, rest, where)
        elif program == "nft" and rest[:1] and rest[0] in ("add", "insert", "delete", "flush", "create"):
            yield Change("nft", where, {"words": tuple(rest)})


def _simple_commands(text: str) -> Iterator[tuple[str, ...]]:
    lexer = shlex.shlex(text[:4096], posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    found: list[str] = []
    count = 0
    try:
        for word in lexer:
            if word in _BREAKS:
                if found:
                    yield tuple(found)
                found, count = [], count + 1
                if count >= MOST_COMMANDS:
                    return
            elif len(found) < MOST_WORDS:
                found.append(word)
    except ValueError:  # a quotation that never ends
        return
    if found:
        yield tuple(found)


_VERBS = {"add": "add", "a": "add", "append": "add", "replace": "add", "change": "add", "del": "del", "delete": "del",
          "d": "del", "flush": "flush", "set": "set", "s": "set"}  # fmt: skip
_OBJECTS = (("netns", 3), ("link", 1), ("address", 1), ("route", 1), ("rule", 2), ("neighbour", 1), ("neighbor", 1))


def _ip(words: list[str], node: str | None) -> Iterator[Change]:
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


def _rule(verb: str, words: list[str], node: str | None) -> Iterator[Change]:
    if verb in ("add", "del"):
        rows = read_rules([f"0: {' '.join(words if 'from' in words else ['from', 'all', *words])}"])
        yield from (Change(f"rule-{verb}", node, {**row, "words": tuple(words)}) for row in rows)


def _neighbour(verb: str, words: list[str], node: str | None) -> Iterator[Change]:
    is_proxy = words[:1] == ["proxy"]
    asked = words[is_proxy:]
    if verb in ("add", "del") and asked:
        found = _pairs(asked[1:], {"lladdr", "dev", "nud", "state"})
        for_others = {"proxy": True} if is_proxy else {}
        yield Change(f"neigh-{verb}", node, {"dst": canonical(asked[0]) or asked[0], **found, **for_others})


def _pairs(words: Sequence[str], keys: set[str]) -> dict[str, str]:
    return {word: words[at + 1] for at, word in enumerate(words[:-1]) if word in keys}


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
        **_pairs(words[1:], {"netns", "master", "mtu", "address", "name", "arp"}),
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
    found = _pairs(head, {"name", "dev", "netns", "mtu", "address", "link", "master"})
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
        pairs = _pairs(far, {"name", "dev", "netns", "address", "mtu"})
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
    pairs = _pairs(words, {"dev", "peer", "scope", "label"})
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


def _sysctl(words: list[str], node: str | None) -> Iterator[Change]:
    for word in words:
        name, equals, value = word.partition("=")
        if equals and "." in name.replace("/", "."):
            yield Change("sysctl", node, {"name": name.replace("/", "."), "value": value})


_PROC = re.compile(r"/proc/sys/((?:net|kernel)(?:/[\w.-]+){1,8})")


def _written(words: Sequence[str], node: str | None) -> Iterator[Change]:
    """``echo 1 > /proc/sys/net/ipv4/ip_forward``."""
    target = next((match for word in words if (match := _PROC.search(word))), None)
    value = next((word for word in words[1:] if re.fullmatch(r"-?\d{1,10}", word)), None)
    if target and value is not None:
        yield Change("sysctl", node, {"name": target.group(1).replace("/", "."), "value": value})


def _elder(program: str, words: list[str], node: str | None) -> Iterator[Change]:
    """brctl, ifconfig and route."""
    if program == "brctl" and len(words) > 1:
        if words[0] == "addbr":
            yield Change("link-add", node, {"name": words[1], "kind": "bridge"})
        elif words[0] == "delbr":
            yield Change("link-del", node, {"dev": words[1]})
        elif words[0] in ("addif", "delif"):
            for port in words[2:]:
                yield Change("link-set", node, {"dev": port, "master": words[1] if words[0] == "addif" else None})
    elif program == "ifconfig" and len(words) > 1:
        yield from _ifconfig(words, node)
    elif program == "route" and words[:1] and words[0] in ("add", "del"):
        yield from _old_route(words, node)


def _ifconfig(words: list[str], node: str | None) -> Iterator[Change]:
    address, _, length = words[1].partition("/")
    mask = words[words.index("netmask") + 1] if "netmask" in words[:-1] else ""
    if canonical(address):
        bits = length or (
            str(sum(int(part).bit_count() for part in mask.split(".") if part.isdigit())) if mask else "24"
        )
        yield Change("addr-add", node, {"address": f"{canonical(address)}/{bits}", "dev": words[0]})
        yield Change("link-set", node, {"dev": words[0], "state": "up"})
    for word in words[1:]:
        if word in ("up", "down"):
            yield Change("link-set", node, {"dev": words[0], "state": word})


def _old_route(words: list[str], node: str | None) -> Iterator[Change]:
    pairs = _pairs(words, {"gw", "netmask", "dev", "metric"})
    to = next(
        (
            word
            for at, word in enumerate(words[1:], 1)
            if word not in ("-net", "-host", "gw", "dev", "netmask", "metric") and words[at - 1] not in pairs
        ),
        None,
    )
    if to is None:
        return
    bits = (
        sum(int(part).bit_count() for part in pairs["netmask"].split(".") if part.isdigit())
        if "netmask" in pairs
        else None
    )
    dst = f"{to}/{bits}" if bits is not None and "/" not in to else to
    row: dict[str, Any] = {"dst": dst, "flags": [], "family": 4, "text": dst}
    row |= {"gateway": pairs["gw"]} if "gw" in pairs else {}
    row |= {"dev": pairs["dev"]} if "dev" in pairs else {}
    yield Change(f"route-{words[0]}", node, row)


_IPTABLES = {"A": "append", "I": "insert", "D": "delete", "P": "policy", "F": "flush", "append": "append",
             "insert": "insert", "delete": "delete", "policy": "policy", "flush": "flush"}  # fmt: skip


def _iptables(program: str, words: list[str], node: str | None) -> Iterator[Change]:
    table = words[words.index("-t") + 1] if "-t" in words[:-1] else "filter"
    rest = [word for at, word in enumerate(words) if word != "-t" and (at == 0 or words[at - 1] != "-t")]
    at = next(
        (index for index, word in enumerate(rest) if word.lstrip("-") in _IPTABLES and word.startswith("-")), None
    )
    if at is None:
        return
    action = _IPTABLES[rest[at].lstrip("-")]
    chain = rest[at + 1] if at + 1 < len(rest) and not rest[at + 1].startswith("-") else None
    rule = [*rest[:at], *rest[at + (2 if chain else 1) :]]
    if action == "insert" and rule and rule[0].isdigit():
        rule = rule[1:]
    family = 6 if program == "ip6tables" else 4
    yield Change(
        "iptables", node, {"table": table, "chain": chain, "action": action, "rule": tuple(rule), "family": family}
    )


_READERS: dict[str, Callable[[str, list[str], str | None], Iterator[Change]]] = {
    "netns": _netns, "link": _link, "address": _address, "rule": _rule, "neighbour": _neighbour, "neighbor": _neighbour,
}  # fmt: skip
