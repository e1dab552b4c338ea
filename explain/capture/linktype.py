"""How much of one frame a record may hold, by link type."""

from __future__ import annotations

MAX_CAPTURED = 262144
"""Octets of a frame that a record may hold; more is damage. Source: libpcap's MAXIMUM_SNAPLEN."""

_LARGER = {
    189: 128 << 20,  # LINKTYPE_USB_LINUX
    220: 128 << 20,  # LINKTYPE_USB_LINUX_MMAPPED
    231: 128 << 20,  # LINKTYPE_DBUS: messages are this large by their specification
    249: 128 << 20,  # LINKTYPE_USBPCAP
    266: 128 << 20,  # LINKTYPE_USB_DARWIN
    279: 32 << 20,  # LINKTYPE_EBHSCR
}


def max_captured(link_type: int) -> int:
    """The largest believable number of octets in one record of this LINKTYPE.

    Source: libpcap, max_snaplen_for_dlt; Wireshark, wtap_max_snaplen_for_encap.
    """
    return _LARGER.get(link_type, MAX_CAPTURED)
