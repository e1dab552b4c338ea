"""What may stand in a lab file: each checker takes a value and where it stands, and gives it back checked.

An error names the file, the key, what stands there and what may stand there.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
from typing import TYPE_CHECKING, Any

from explain.errors import InputError
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

# Nothing in a lab can be an address that somebody else owns: documentation (RFC 5737, RFC 3849), private
# (RFC 1918, RFC 4193), shared (RFC 6598) and link-local (RFC 4291, RFC 3927) networks only.
_ALLOWED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "2001:db8::/32",
        "fd00::/8",
        "fe80::/10",
    )
)
# What a host always has, or what belongs to nobody: a command may name these.
COMMON = (
    *tuple(
        ipaddress.ip_network(text)
        for text in ("127.0.0.0/8", "0.0.0.0/32", "224.0.0.0/4", "255.255.255.255/32", "::/127")
    ),
    ipaddress.ip_network("ff00::/8"),
)
NAME = re.compile(r"[a-z][a-z0-9-]{0,14}")
MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
HOSTNAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SYSCTL = re.compile(r"net\.(?:ipv4|ipv6|netfilter|bridge)(?:\.[A-Za-z0-9_-]+)+")


class LabFileError(InputError):
    """A lab file says something that no lab can be.

    Attributes:
        where: the file and the key, as ``nat/lab.toml: nodes.r1.routes[0]``.
    """

    def __init__(self, where: str, stands: object, may: str, near: str | None = None, **values: object) -> None:
        told = {"where": where, "stands": shown(stands), "may": Line(f"errors.{may}", values), "near": near}
        message = "lab_file.near" if near else "lab_file.wrong" if may != "lab_file.required" else "lab_file.lacking"
        super().__init__(message, **told)
        self.where = where
        self._said = stands, may, near, values

    def at(self, where: str) -> LabFileError:
        """The same of a place that is told in another way."""
        stands, may, near, values = self._said
        return LabFileError(where, stands, may, near, **values)


def shown(value: object) -> str:
    """A value as it may stand on one line of a terminal: short, and nothing in it acts."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def nearest_of(word: str, words: Iterable[str]) -> str | None:
    """The word that looks most like the given one, or None."""
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=0.55)
    return found[0] if found else None


def keys(table: Mapping[str, Any], allowed: Collection[str], required: Collection[str], where: str) -> None:
    """Complain about the first key that may not stand here, or that has to and does not."""
    for key in table:
        if key not in allowed:
            raise LabFileError(
                f"{where}: {key}", table[key], "lab_file.keys", keys=[*allowed], near=nearest_of(key, allowed)
            )
    for key in required:
        if key not in table:
            raise LabFileError(f"{where}: {key}", None, "lab_file.required")


def table(value: Any, where: str) -> dict[str, Any]:
    """A TOML table."""
    if not isinstance(value, dict):
        raise LabFileError(where, value, "lab_file.table")
    return value


def rows(value: Any, where: str) -> list[Any]:
    """A TOML array."""
    if not isinstance(value, list):
        raise LabFileError(
            where, value, "lab_file.rows", near=_listed(value, where) if isinstance(value, str) else None
        )
    return value


def _listed(text: str, where: str) -> str:
    """A text as the list that TOML has of it: of the words of a command, or of it alone."""
    return json.dumps(text.split() if where.endswith(": run") else [text], ensure_ascii=False)


def text(value: Any, where: str) -> str:
    """Text without control characters except line breaks and tabs."""
    if not isinstance(value, str) or any(ord(c) < 32 and c not in "\n\t" for c in value) or "\x7f" in value:
        raise LabFileError(where, value, "lab_file.text")
    return value


def one_of(value: Any, choices: Collection[str], where: str) -> str:
    """One word of a closed list."""
    if not isinstance(value, str) or value not in choices:
        near = nearest_of(value, choices) if isinstance(value, str) else None
        raise LabFileError(where, value, "lab_file.choices", choices=[*choices], near=near)
    return value


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise LabFileError(where, value, "lab_file.flag")
    return value


def number(value: Any, low: int, high: int, where: str) -> int:
    """A whole number in a range."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise LabFileError(where, value, "lab_file.number", low=low, high=high)
    return value


def schema(value: Any, where: str) -> None:
    """The version of the form in which a file is written, of which there is one so far."""
    if isinstance(value, bool) or value != 1:
        raise LabFileError(where, value, "lab_file.schema")


def seconds(value: Any, where: str) -> float:
    """Seconds, up to five minutes."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 300:
        raise LabFileError(where, value, "lab_file.seconds")
    return float(value)


def strings(value: Any, where: str, check: Callable[[Any, str], str] = text) -> tuple[str, ...]:
    """A list of texts, each checked."""
    return tuple(check(item, f"{where}[{i}]") for i, item in enumerate(rows(value, where)))


def name(value: Any, where: str) -> str:
    """A name of a node or an interface: it has to fit the kernel's 15 characters and a file's name."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise LabFileError(where, value, "lab_file.name")
    return value


def mac(value: Any, where: str) -> str:
    """A unicast MAC in lower case with colons."""
    if not isinstance(value, str) or not MAC.fullmatch(value) or int(value[:2], 16) & 1:
        raise LabFileError(where, value, "lab_file.mac")
    return value


def hostname(value: Any, where: str) -> str:
    """A DNS name in lower case."""
    if not isinstance(value, str) or len(value) > 253 or not HOSTNAME.fullmatch(value):
        raise LabFileError(where, value, "lab_file.hostname")
    return value


def _is_allowed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """True if a lab may own this address."""
    return any(address.version == net.version and address in net for net in _ALLOWED)


def address(value: Any, where: str) -> str:
    """An address that a lab may own, in canonical form."""
    try:
        parsed = ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError:
        raise LabFileError(where, value, "lab_file.address") from None
    if not _is_allowed(parsed):
        raise LabFileError(where, value, "lab_file.foreign_address")
    return str(parsed)


def interface_address(value: Any, where: str) -> str:
    """An address with its prefix length, as ``192.0.2.1/24``."""
    if not isinstance(value, str) or "/" not in value:
        raise LabFileError(where, value, "lab_file.with_prefix")
    try:
        parsed = ipaddress.ip_interface(value)
    except ValueError:
        raise LabFileError(where, value, "lab_file.interface_address") from None
    address(str(parsed.ip), where)
    return parsed.with_prefixlen


def prefix(value: str, where: str, family: int = 4) -> str:
    """A destination: ``default``, a network or a host, inside what a lab may own."""
    if value == "default":
        return "0.0.0.0/0" if family == 4 else "::/0"
    try:
        parsed = ipaddress.ip_network(value)
    except ValueError:
        raise LabFileError(where, value, "lab_file.prefix") from None
    if parsed.prefixlen > 1 and not (
        _is_allowed(parsed[0]) or any(parsed.version == net.version and parsed[0] in net for net in COMMON)
    ):
        raise LabFileError(where, value, "lab_file.foreign_network")
    return str(parsed)


def sysctl_key(value: str, where: str) -> str:
    """A setting of one network namespace; ``net.core`` belongs to the whole machine."""
    if not _SYSCTL.fullmatch(value):
        raise LabFileError(where, value, "lab_file.sysctl")
    return value


def argument(value: Any, where: str) -> str:
    """One argument of a command; an address in it has to be one that a lab may own."""
    word = text(value, where)
    for part in re.split(r"[\s=,@\[\]{}()<>\"']+", word):
        bare = part.split("%", 1)[0].split("/", 1)[0]
        try:
            parsed = ipaddress.ip_address(bare)
        except ValueError:
            continue
        common = any(parsed.version == net.version and parsed in net for net in COMMON)
        if not _is_allowed(parsed) and not common and not _is_netmask(parsed):
            raise LabFileError(where, value, "lab_file.foreign_address")
    return word


def _is_netmask(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """True for 255.255.255.0 and its like."""
    ones = int(address)
    return address.version == 4 and ones >> 24 == 255 and (~ones & 0xFFFFFFFF) & ((~ones & 0xFFFFFFFF) + 1) == 0
