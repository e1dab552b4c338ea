"""Addresses as programs print them: alone, after a name in brackets, with a scope."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address

_NAMED = re.compile(r"(\S+) [(\[]([0-9A-Fa-f:.]+(?:%[\w.@-]+)?)[)\]]")
_BARE = re.compile(r"[0-9A-Fa-f:.]+(?:%[\w.@-]+)?\Z")


@lru_cache(maxsize=4096)
def canonical(text: str) -> str | None:
    """The address in canonical form (RFC 5952), its scope kept; None if this is no address."""
    if not text or len(text) > 80 or not _BARE.match(text):
        return None
    bare, _, scope = text.partition("%")
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return f"{address}%{scope}" if scope else str(address)


def family_of(address: str | None) -> int | None:
    """4 or 6 for an address, None for anything else."""
    if address is None or canonical(address) is None:
        return None
    return 6 if ":" in address else 4


def who(text: str) -> dict[str, str | None]:
    """The speaker of a line: ``name (address)``, ``name [address]`` or either alone, as ``from`` and ``from_name``."""
    text = text.strip().rstrip(":")
    named = _NAMED.fullmatch(text)
    if named:
        name, address = named.group(1), canonical(named.group(2))
        if address:
            return {"from": address, "from_name": None if canonical(name) == address else name}
    address = canonical(text)
    return {"from": address, "from_name": None if address else text or None}
