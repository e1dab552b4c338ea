"""Other names for addresses, MACs and names: the same each time, kinship kept, and no way back without the key.

Two addresses that share a prefix share one of the same length afterwards, so networks stay networks
(the idea of Xu, Fan, Ammar and Moon, "Prefix-preserving IP address anonymization", 2002).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

_MOST_KEPT = 1 << 16
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_KEPT_LABELS = frozenset(("arpa", "in-addr", "ip6", "local", "localhost", "www"))


# Leading bits that say what an address is for, and how many of them stay (RFC 6890).
_MEANING = ((0x0A, 8, 8), (0xAC1, 12, 12), (0xC0A8, 16, 16), (0x191, 10, 10), (0xA9FE, 16, 16),
            (0, 8, 32), (0x7F, 8, 32), (0x7, 3, 32))  # fmt: skip


def _kept(number: int) -> int:
    """How many leading bits of an IPv4 address stay: those that make it private, all of one for everybody."""
    return next((kept for prefix, length, kept in _MEANING if number >> (32 - length) == prefix), 0)


class Pseudonyms:
    """Replacements under one key; whoever has another key, or none, gets others.

    Args:
        key: 16 to 64 octets that nobody else knows.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.ipv4 = lru_cache(_MOST_KEPT)(self._ipv4)
        self.ipv6 = lru_cache(_MOST_KEPT)(self._ipv6)
        self.mac = lru_cache(_MOST_KEPT)(self._mac)
        self.label = lru_cache(_MOST_KEPT)(self._label)

    def _hash(self, purpose: bytes, value: bytes, size: int = 8) -> bytes:
        return blake2b(value, digest_size=size, key=self._key, person=purpose).digest()

    def _bits(self, purpose: bytes, value: int, width: int, kept: int = 0) -> int:
        """A number of so many bits, each turned or not as the bits before it say; the first ``kept`` ones stay."""
        result = value
        for at in range(kept, width):
            prefix = (value >> (width - at)) | 1 << at
            if self._hash(purpose, prefix.to_bytes(17, "big"), 1)[0] & 1:
                result ^= 1 << (width - 1 - at)
        return result

    def _ipv4(self, octets: bytes) -> bytes:
        """Four octets for four; unspecified, loopback, multicast and broadcast stay, private ones stay private."""
        number = int.from_bytes(octets, "big")
        kept = _kept(number)
        if kept == 32:
            return octets
        while True:
            number = self._bits(b"ipv4", number, 32, kept)
            if _kept(number) == kept:  # what means something must not come out by chance, so it goes round again
                return number.to_bytes(4, "big")

    def _ipv6(self, octets: bytes) -> bytes:
        """Sixteen octets for sixteen; unspecified, loopback and groups stay, but for the address in a group's name.

        The last 24 bits are replaced on their own, because a solicited-node group repeats them (RFC 4291, 2.7.1).
        """
        if octets[:15] == bytes(15) and octets[15] < 2:
            return octets
        tail = self.tail(octets[13:])
        if octets[0] == 0xFF:
            return octets[:13] + tail if octets[:13] == b"\xff\x02" + bytes(9) + b"\x01\xff" else octets
        kept = 64 if octets[0] == 0xFE and octets[1] >> 6 == 2 else 16 if octets[0] >= 0xE0 else 3
        head = self._bits(b"ipv6", int.from_bytes(octets[:13], "big"), 104, kept)
        return head.to_bytes(13, "big") + tail

    def tail(self, octets: bytes) -> bytes:
        """The last 24 bits of an IPv6 address."""
        return self._bits(b"tail", int.from_bytes(octets, "big"), 24).to_bytes(3, "big")

    def _mac(self, octets: bytes) -> bytes:
        """Six octets for six; groups stay, and who has one vendor has one afterwards."""
        if octets[:3] == b"\x33\x33\xff":
            return octets[:3] + self.tail(octets[3:])
        if octets[0] & 1 or not any(octets):
            return octets
        vendor = bytearray(self._hash(b"vendor", octets[:3], 3))
        vendor[0] = vendor[0] & 0xFC | octets[0] & 3
        return bytes(vendor) + self._hash(b"mac", octets, 3)

    def _label(self, octets: bytes) -> bytes:
        """One label of a name by letters, as many as it has; what says how names work stays."""
        text = octets.lower()
        if text.startswith(b"_") or text.decode("ascii", "replace") in _KEPT_LABELS or not octets:
            return octets
        digest = self._hash(b"label", text, 64)
        return bytes(ord(_LETTERS[digest[at % 64] % 26]) for at in range(len(octets)))
