"""The words of one nft rule, as typed, as statements in nft's JSON form.

Source: nft(8), sections RULES, EXPRESSIONS and STATEMENTS; libnftables-json(5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.state.filters.nft_json import match, meta, payload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.state.filters.nft_json import Statement

_FAMILIES = ("ip", "ip6", "inet", "arp", "bridge", "netdev")
_FIELDS = {
    "ip": ("saddr", "daddr", "protocol"), "ip6": ("saddr", "daddr", "nexthdr"),
    "tcp": ("sport", "dport"), "udp": ("sport", "dport"), "th": ("sport", "dport"), "icmp": ("type",),
}  # fmt: skip
_META = ("iifname", "oifname", "iif", "oif", "l4proto", "nfproto", "mark")
_TRANSLATIONS = ("masquerade", "snat", "dnat", "redirect")


def rule_statements(words: Sequence[str]) -> tuple[Statement, ...]:
    """What ``add rule`` or ``insert rule`` would add, statement by statement.

    Args:
        words: of the command, without ``nft`` itself.

    Returns:
        The statements in their order; a word that is not understood is one ``unknown``. Empty for other commands.
    """
    if len(words) < 5 or words[0] not in ("add", "insert") or words[1] != "rule":
        return ()
    rest = list(words[5:] if words[2] in _FAMILIES else words[4:])
    if rest[:1] and rest[0] in ("position", "handle", "index"):
        del rest[:2]
    found: list[Statement] = []
    while rest:
        found.append(_next(rest))
    return tuple(found)


def _next(rest: list[str]) -> Statement:
    word = rest.pop(0)
    if word == "meta" and rest:
        word = rest.pop(0)
    if word in _META and rest:
        return _match(meta(word), rest)
    if word in _FIELDS and len(rest) > 1 and rest[0] in _FIELDS[word]:
        return _match(payload(word, rest.pop(0)), rest)
    if word in _TRANSLATIONS:
        return {word: _target(rest)}
    if word in ("counter", "log"):
        return {"effect": word}
    return {"unknown": word}


def _match(left: Statement, rest: list[str]) -> Statement:
    op = rest.pop(0) if rest[0] in ("==", "!=") and len(rest) > 1 else "=="
    return match(left, _value(rest), op)


def _value(rest: list[str]) -> object:
    """A number, a name, a network, a range, or a set of these in braces."""
    text = rest.pop(0)
    if text.startswith("{"):
        while not text.endswith("}") and rest:
            text += f" {rest.pop(0)}"
        return {"set": [_single(one) for one in text.strip("{} ").replace(",", " ").split()]}
    return _single(text)


def _single(text: str) -> object:
    address, slash, length = text.partition("/")
    if slash and length.isdigit():
        return {"prefix": {"addr": address, "len": int(length)}}
    first, dash, last = text.partition("-")
    if dash and first.isdigit() == last.isdigit() and (first.isdigit() or "." in first):
        return {"range": [_number(first), _number(last)]}
    return _number(text)


def _number(text: str) -> object:
    return int(text) if text.isdigit() else text


def _target(rest: list[str]) -> Statement | None:
    """Where a translation leads: ``to ADDRESS``, ``to ADDRESS:PORT``, ``to :PORT``."""
    if rest and rest[0] in ("ip", "ip6"):
        del rest[0]
    if len(rest) < 2 or rest[0] != "to":
        return None
    text = rest[1]
    del rest[:2]
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
    elif text.count(":") > 1:
        address, port = text, ""
    else:
        address, _, port = text.partition(":")
    port = port.lstrip(":")
    return ({"addr": _single(address)} if address else {}) | ({"port": _single(port)} if port else {}) or None
