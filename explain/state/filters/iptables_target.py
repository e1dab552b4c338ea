"""What stands behind ``-j`` in a rule of iptables, as a statement in nft's JSON form.

Source: iptables-extensions(8), section TARGET EXTENSIONS.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from explain.state.filters.nft_json import meta, payload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.state.filters.nft_json import Statement

_SIMPLE = {"ACCEPT": "accept", "DROP": "drop", "RETURN": "return", "NFQUEUE": "queue", "NOTRACK": "notrack"}
_TRANSLATIONS = frozenset({"SNAT", "DNAT", "NETMAP", "MASQUERADE", "REDIRECT"})
_HARMLESS = frozenset({"LOG", "NFLOG", "ULOG", "TCPMSS", "TRACE", "CLASSIFY", "DSCP", "TOS", "CHECKSUM"})
_NOT_UNDERSTOOD = frozenset({"SYNPROXY", "TPROXY", "SET", "HMARK", "RATEEST", "AUDIT"})
_MARKINGS = {"--set-xmark": "^", "--set-mark": "|", "--and-mark": "&", "--or-mark": "|", "--xor-mark": "^"}
_ALL_BITS = 0xFFFFFFFF
_FLOWS_MARK: Statement = {"ct": {"key": "mark"}}
_REJECTS = {
    "net": "net-unreachable",
    "host": "host-unreachable",
    "port": "port-unreachable",
    "proto": "prot-unreachable",
}


def target(name: str, words: Sequence[str], family: str) -> Statement:
    """The statement of a target or of a chain's name, with the words that follow it."""
    options = _options(words)
    if name in _SIMPLE:
        return {_SIMPLE[name]: None}
    if name == "REJECT":
        return {"reject": _reject(options.get("--reject-with", ""))}
    if name == "CT":
        return {"notrack": None} if "--notrack" in options else {"effect": "CT"}
    if name in _TRANSLATIONS:
        return {name.lower(): _translation(options)}
    if name in {"MARK", "CONNMARK"}:
        return _marking(_FLOWS_MARK if name == "CONNMARK" else meta("mark"), options)
    if name in {"TTL", "HL"}:
        return _ttl(options, family)
    if name == "TEE":
        return {"dup": options.get("--gateway", "")}
    if name in _HARMLESS:
        return {"effect": name}
    if name in _NOT_UNDERSTOOD:
        return {"unknown": f"-j {name}"}
    return {"jump": {"target": name}}


def number(text: str) -> object:
    """A number in any notation; text that is none stays text."""
    try:
        return int(text, 0)
    except ValueError:
        return text


def span(text: str, mark: str = ":") -> object:
    """A number, or a range of ports where the mark stands in it."""
    first, found, last = text.partition(mark)
    return {"range": [number(first or "0"), number(last or "65535")]} if found else number(text)


def _options(words: Sequence[str]) -> dict[str, str]:
    """Each ``--option`` with the word behind it, if that is its value."""
    return {
        word: "" if value.startswith("--") else value
        for word, value in pairwise((*words, "--"))
        if word.startswith("--")
    }


def _reject(text: str) -> Statement:
    if text in {"tcp-reset", "tcp-rst"}:
        return {"type": "tcp reset"}
    kind = text.removeprefix("icmp6-").removeprefix("icmp-") or "port-unreachable"
    kind = kind.replace("adm-prohibited", "admin-prohibited")
    return {"type": "icmp", "expr": _REJECTS.get(kind.split("-")[0], kind) if "unreach" in kind else kind}


def _translation(options: Mapping[str, str]) -> Statement | None:
    text = options.get("--to-source") or options.get("--to-destination") or options.get("--to") or ""
    ports = options.get("--to-ports") or options.get("--to-port")
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        port = port.lstrip(":")
    elif text.count(":") > 1:
        address, port = text, ""
    else:
        address, _, port = text.partition(":")
    found: dict[str, object] = {}
    if address:
        first, dash, last = address.partition("-")
        base, slash, length = first.partition("/")
        whole = {"prefix": {"addr": base, "len": number(length)}} if slash else first
        found["addr"] = {"range": [first, last]} if dash else whole
    if ports or port:
        found["port"] = span(ports or port, "-")
    return found or None


def _marking(key: Statement, options: Mapping[str, str]) -> Statement:
    """A mark is set through a mask: what the mask covers is cleared first. Source: iptables-extensions(8), MARK."""
    if "--save-mark" in options:
        return {"mangle": {"key": _FLOWS_MARK, "value": meta("mark")}}
    if "--restore-mark" in options:
        return {"mangle": {"key": meta("mark"), "value": _FLOWS_MARK}}
    for name, then in _MARKINGS.items():
        value, _, mask = options.get(name, "").partition("/")
        covered = number(mask or "0xffffffff")
        if value and isinstance(covered, int):
            kept = {"&": [key, _ALL_BITS & ~covered]} if name in {"--set-xmark", "--set-mark"} else key
            return {"mangle": {"key": key, "value": {then: [kept, number(value)]}}}
    return {"effect": "MARK"}


def _ttl(options: Mapping[str, str], family: str) -> Statement:
    protocol, field = ("ip", "ttl") if family == "ip" else ("ip6", "hoplimit")
    for name in ("--ttl-set", "--hl-set"):
        if name in options:
            return {"mangle": {"key": payload(protocol, field), "value": number(options[name])}}
    return {"effect": "TTL"}
