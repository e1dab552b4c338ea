"""What an expression of a rubric may call, and when two values are the same."""

from __future__ import annotations

import hashlib
import hmac as keyed
import math
import re
import statistics
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from explain.grade.events.event import End, Event, UnknownFieldError, part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MAC = re.compile(r"(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12}")
_SHORT_MAC = re.compile(r"[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}")
_NETWORK = re.compile(r"\s*[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}\s*")
_MINUTE = 60
_COMPARED = {
    "ip.src": "src.ip", "ip.dst": "dst.ip", "ip.ttl": "ttl", "ip.id": "id", "sport": "src.port", "dport": "dst.port",
    "seq": "tcp.seq", "ack": "tcp.ack", "icmp.id": "icmp.id", "eth.src": "eth.src", "eth.dst": "eth.dst",
}  # fmt: skip


class AbsentError(LookupError):
    """A value that is needed is not there; the text says which, where it has a name."""


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses with a common prefix."""

    text: str

    def __contains__(self, value: object) -> bool:
        try:
            return ip_address(str(part(value, "ip") if isinstance(value, End) else value)) in ip_network(
                self.text, strict=False
            )
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers from ``low`` to ``high``, both included."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.low <= value <= self.high


def canonical_mac(text: str) -> str | None:
    """A MAC in any usual spelling as lower case with colons; None if it is none."""
    lower = text.strip().lower()
    if _SHORT_MAC.fullmatch(lower):  # as macOS writes it
        lower = ":".join(one.zfill(2) for one in lower.split(":"))
    if not _MAC.fullmatch(lower):
        return None
    digits = re.sub(r"[^0-9a-f]", "", lower)
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def equal(one: Any, other: Any) -> bool:
    """Whether two values mean the same: MACs and addresses in any spelling, numbers also as text of the roster."""
    if isinstance(other, (list, tuple)) and not isinstance(one, (list, tuple)):
        return any(equal(one, each) for each in other)
    if isinstance(other, Event):
        return one is other or (bool(other.exchange) and one == other.exchange)
    if isinstance(one, End) and isinstance(other, str):
        return str(one) == str(other) or (not isinstance(other, End) and _equal_text(one.ip, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str) and isinstance(other, str):
        return _equal_text(one, other)
    if isinstance(one, str) != isinstance(other, str) and one is not None and other is not None:
        return str(one) == str(other).strip()
    return bool(one == other)


def _equal_text(one: str, other: str) -> bool:
    if one == other:
        return True
    if (mac := canonical_mac(one)) is not None:
        return mac == canonical_mac(other)
    try:
        return ip_address(one) == ip_address(other.strip())
    except ValueError:
        return False


def contains(whole: Any, one: Any) -> bool:
    """Whether a network, a span, a list or a text holds a value."""
    if one is None:
        raise AbsentError
    if isinstance(whole, str) and not isinstance(whole, End) and _NETWORK.fullmatch(whole):
        whole = Network(whole)
    if isinstance(whole, (Network, Span)):
        return one in whole
    if isinstance(whole, str):
        return str(one) in whole
    return isinstance(whole, (list, tuple)) and any(equal(each, one) for each in whole)


def _numbers(*given: Any) -> list[float]:
    flat = [value for one in given for value in (one if isinstance(one, (list, tuple)) else [one])]
    found = [value for value in flat if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if not found:
        raise AbsentError
    return found


def _unique(values: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(str(one) if isinstance(one, (list, dict)) else one for one in values))


def _field(record: Any, name: str) -> Any:
    for step in _COMPARED.get(name, name).split("."):
        record = part(record, step)
    return record


def _same(one: Any, other: Any, fields: Sequence[str]) -> bool:
    return all(_field(one, name) == _field(other, name) for name in fields)


def diff_fields(one: Any, other: Any) -> list[str]:
    """Header fields of IP and layer 4 in which two packets differ, by their names in ``answer_values.FIELD_NAMES``."""
    names = {
        "ip.src": "src.ip", "ip.dst": "dst.ip", "ip.ttl": "ttl", "ip.id": "id", "port.src": "src.port",
        "port.dst": "dst.port", "tcp.seq": "tcp.seq", "tcp.ack": "tcp.ack", "icmp.id": "icmp.id",
        "checksum": "checksum",
    }  # fmt: skip
    changed = []
    for name, path in names.items():
        try:
            if _field(one, path) != _field(other, path):
                changed.append(name)
        except UnknownFieldError:
            continue
    # IPv4's header checksum covers these; it has to follow them (RFC 791, 3.1).
    if {"ip.src", "ip.dst", "ip.ttl", "ip.id"} & set(changed) and ":" not in str(_field(one, "src.ip")):
        changed.append("ip.checksum")
    return changed


def _hmac(key: Any, *texts: Any) -> str:
    message = "\0".join(str(text) for text in texts).encode("utf-8", "surrogatepass")
    return keyed.new(str(key).encode("utf-8", "surrogatepass"), message, hashlib.sha256).hexdigest()[:16]


def _largest(records: Any, name: str) -> Any:
    """Of some events the one whose field is largest; those without the field are left out."""
    told = [one for one in records if _field(one, name) is not None] if isinstance(records, (list, tuple)) else []
    if not told:
        raise AbsentError(name)
    return max(told, key=lambda one: _field(one, name))


def _difference(one: Any, other: Any) -> list[Any]:
    """What is in only one of two lists."""
    if not isinstance(one, (list, tuple)) or not isinstance(other, (list, tuple)):
        raise AbsentError
    return [each for each in one if each not in other] + [each for each in other if each not in one]


def _offset(record: Any, name: str) -> Any:
    from explain.grade.language.offsets import offset

    return offset(record, name)


def _ether_type(record: Any) -> Any:
    from explain.grade.language.offsets import ether_type

    return ether_type(record)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "unique": _unique,
    "network": Network,
    "minutes": lambda low, high: Span(low * _MINUTE, high * _MINUTE),
    "seconds": Span,
    "between": Span,
    "same": _same,
    "diff_fields": diff_fields,
    "median": lambda *given: statistics.median(_numbers(*given)),
    "mean": lambda *given: statistics.fmean(_numbers(*given)),
    "min": lambda *given: min(_numbers(*given)),
    "max": lambda *given: max(_numbers(*given)),
    "sum": lambda *given: math.fsum(_numbers(*given)),
    "abs": lambda value: abs(_numbers(value)[0]),
    "round": lambda value, digits=0: round(_numbers(value)[0], min(int(digits), 12)),
    "u32": lambda value: int(_numbers(value)[0]) % (1 << 32),
    "hex": lambda value: hex(int(_numbers(value)[0])),
    "largest": _largest,
    "difference": _difference,
    "offset": _offset,
    "ether_type": _ether_type,
    "lower": lambda value: str(value).lower(),
    "hmac": _hmac,
}
"""By name; none of them can run anything, or take longer than its arguments are long."""
