"""The Community ID, by which flows of several tools are joined."""

from __future__ import annotations

from binascii import b2a_base64

try:
    from _sha1 import sha1  # type: ignore[import-not-found]  # ``random`` takes its digest so, too
except ImportError:  # built without it
    from hashlib import sha1  # loads OpenSSL, which takes longer than the sentences of a small capture

_ICMP, _ICMPV6 = 1, 58
_PAIRS = {
    _ICMP: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17, 10: 9, 9: 10},
    _ICMPV6: {128: 129, 129: 128, 133: 134, 134: 133, 135: 136, 136: 135, 130: 131, 131: 130, 144: 145, 145: 144},
}
"""Which type answers which; of the others, the code stands in the place of the second port."""


def community_id(
    source: bytes, target: bytes, protocol: int, source_port: int = 0, target_port: int = 0, seed: int = 0
) -> str:
    """The Community ID, version 1, the same for both directions.

    Args:
        source: 4 or 16 octets of an address, in network order.
        target: the other end, likewise.
        protocol: IP protocol number of layer 4.
        source_port: of ICMP the type.
        target_port: of ICMP the code.
        seed: a number by which a site keeps its ids apart.

    Source: github.com/corelight/community-id-spec.
    """
    is_one_way = False
    if protocol in _PAIRS:
        answer = _PAIRS[protocol].get(source_port)
        is_one_way = answer is None
        target_port = target_port if answer is None else answer
    low, high = (source, source_port), (target, target_port)
    if not is_one_way and high < low:
        low, high = high, low
    parts = (seed.to_bytes(2, "big"), low[0], high[0], bytes((protocol, 0)))
    ports = low[1].to_bytes(2, "big") + high[1].to_bytes(2, "big")
    digest = sha1(b"".join(parts) + ports, usedforsecurity=False).digest()
    return "1:" + b2a_base64(digest, newline=False).decode("ascii")
