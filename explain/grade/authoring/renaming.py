"""A frame in which one address, MAC or port is another: everything else, and the checksums, as right as before."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from explain.decode.anonymise.frames import anonymised
from explain.decode.anonymise.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from collections.abc import Mapping


class Instead(Pseudonyms):
    """Puts some addresses and MACs in place of others and leaves all else as it is."""

    def __init__(self, names: Mapping[bytes, bytes]) -> None:
        super().__init__(bytes(16))
        self._names = names

    def _ipv4(self, octets: bytes) -> bytes:
        return self._names.get(octets, octets)

    _ipv6 = _mac = _label = tail = _ipv4


def packed(name: str) -> bytes:
    """An address or a MAC as it stands in a frame."""
    is_mac = name.count(":") == 5 and len(name) == 17
    return bytes.fromhex(name.replace(":", "")) if is_mac else ip_address(name).packed


def renamed(octets: bytes, link_type: int, names: Instead) -> bytes:
    """A frame under other names; what does not hold names stays."""
    head = anonymised(octets, link_type, names)
    return head + octets[len(head) :]
