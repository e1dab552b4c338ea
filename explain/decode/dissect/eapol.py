"""Log-in to a link: EAPOL, and EAP in it (IEEE 802.1X-2010, 11.3; RFC 3748, 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.decode.dissect.field import Next

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_KINDS = {0: "EAP packet", 1: "Start", 2: "Logoff", 3: "Key", 5: "MKA"}
_CODES = {1: "Request", 2: "Response", 3: "Success", 4: "Failure"}
_TYPES = {
    1: "Identity", 2: "Notification", 3: "Nak", 4: "MD5-Challenge", 6: "GTC", 13: "TLS", 17: "LEAP", 18: "SIM",
    21: "TTLS", 23: "AKA", 25: "PEAP", 26: "MSCHAPv2", 43: "FAST", 50: "AKA'",
}  # fmt: skip
_IDENTITY = 1


def eapol(header: Header) -> Next | None:
    """The envelope: what is sent, and how long it is."""
    header.number("eapol.version", 0, 1)
    kind = header.number("eapol.type", 1, 1, _KINDS)
    end = header.at + 4 + header.number("eapol.len", 2, 2)
    return Next("data" if kind else "eap", header.at + 4, end) if end > header.at + 4 else None


def eap(header: Header) -> Next | None:
    """Question, answer, or verdict."""
    code = header.number("eap.code", 0, 1, _CODES)
    header.number("eap.id", 1, 1)
    size = header.number("eap.len", 2, 2)
    if code not in (1, 2) or size < 5:
        return None
    kind = header.number("eap.type", 4, 1, _TYPES)
    if kind == _IDENTITY and size > 5:
        header.text("eap.identity", 5, size - 5, header.raw(5, size - 5).decode("utf-8", "backslashreplace"))
        return None
    return Next("data", header.at + 5, header.at + size) if size > 5 else None
