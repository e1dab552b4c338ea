"""The parts of nft's JSON form: made, looked into, and said in nft's own words.

Source: libnftables-json(5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Statement = Mapping[str, Any]


def members(value: object) -> Mapping[str, Any]:
    """What a statement or an expression holds by name; nothing where it is a bare value."""
    return value if isinstance(value, Mapping) else {}


def match(left: object, right: object, op: str = "==") -> Statement:
    """A statement that compares."""
    return {"match": {"op": op, "left": left, "right": right}}


def meta(key: str) -> Statement:
    """An expression for what the kernel knows of a packet."""
    return {"meta": {"key": key}}


def payload(protocol: str, field: str) -> Statement:
    """An expression for a field of a header."""
    return {"payload": {"protocol": protocol, "field": field}}


def say(value: object) -> str:
    """An nft expression or statement in nft's own words, as near as is needed to find it in a listing."""
    if isinstance(value, Mapping):
        return " ".join(_say_pair(str(key), inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ",".join(map(say, value))
    if isinstance(value, bool):
        return "exists" if value else "missing"
    return "" if value is None else str(value)


def _say_pair(key: str, value: object) -> str:
    sayer = _SAYERS.get(key)
    if sayer is not None:
        return sayer(members(value))
    if key == "range" and isinstance(value, list):
        return "-".join(map(say, value))
    if key == "set":
        return "{ " + (", ".join(map(say, value)) if isinstance(value, list) else say(value)) + " }"
    if key == "&" and isinstance(value, list):
        return " & ".join(map(say, value))
    return f"{key} {say(value)}".strip()


def _say_match(inner: Mapping[str, Any]) -> str:
    op = "" if str(inner.get("op")) in {"==", "in"} else f"{inner.get('op')} "
    return f"{say(inner.get('left'))} {op}{say(inner.get('right'))}"


def _say_translation(kind: str) -> Callable[[Mapping[str, Any]], str]:
    def told(inner: Mapping[str, Any]) -> str:
        parts = [f"{say(inner.get('addr'))}", f":{say(inner['port'])}" if "port" in inner else ""]
        to = " to " if any(parts) else ""
        return f"{kind}{to}{''.join(parts)}"

    return told


_SAYERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "match": _say_match,
    "payload": lambda inner: f"{inner.get('protocol', '')} {inner.get('field', '')}".strip(),
    "meta": lambda inner: str(inner.get("key")),
    "ct": lambda inner: f"ct {inner.get('key')}",
    "prefix": lambda inner: f"{inner.get('addr')}/{inner.get('len')}",
    "limit": lambda inner: f"limit rate {'over ' if inner.get('inv') else ''}{inner.get('rate')}/{inner.get('per')}",
    "jump": lambda inner: f"jump {inner.get('target')}",
    "goto": lambda inner: f"goto {inner.get('target')}",
    "map": lambda inner: f"{say(inner.get('key'))} map {say(inner.get('data'))}",
    "vmap": lambda inner: f"{say(inner.get('key'))} vmap {say(inner.get('data'))}",
    **{kind: _say_translation(kind) for kind in ("dnat", "snat", "netmap", "masquerade", "redirect")},
    "counter": lambda _: "counter",
}
