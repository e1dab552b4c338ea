"""Link types by their numbers: their names, and how much of one frame a record may hold."""

from __future__ import annotations

_MAX_CAPTURED = 262144
"""Octets of a frame that a record may hold; more is damage. Source: libpcap's MAXIMUM_SNAPLEN."""

_NAMES = {
    0: "NULL", 1: "ETHERNET", 6: "IEEE802_5", 7: "ARCNET_BSD", 8: "SLIP", 9: "PPP", 10: "FDDI", 12: "RAW", 14: "RAW",
    50: "PPP_HDLC", 51: "PPP_ETHER", 100: "ATM_RFC1483", 101: "RAW", 104: "C_HDLC", 105: "IEEE802_11", 107: "FRELAY",
    108: "LOOP", 113: "LINUX_SLL", 117: "PFLOG", 119: "IEEE802_11_PRISM", 122: "IP_OVER_FC", 123: "SUNATM",
    127: "IEEE802_11_RADIOTAP", 143: "DOCSIS", 144: "LINUX_IRDA", 163: "IEEE802_11_AVS", 166: "PPP_PPPD",
    186: "USB_FREEBSD", 187: "BLUETOOTH_HCI_H4", 189: "USB_LINUX", 190: "CAN20B", 192: "PPI",
    195: "IEEE802_15_4_WITHFCS", 201: "BLUETOOTH_HCI_H4_WITH_PHDR", 203: "LAPD", 204: "PPP_WITH_DIR",
    220: "USB_LINUX_MMAPPED", 224: "FC_2", 226: "IPNET", 227: "CAN_SOCKETCAN", 228: "IPV4", 229: "IPV6",
    230: "IEEE802_15_4_NOFCS", 231: "DBUS", 239: "NFLOG", 240: "NETANALYZER", 242: "IPOIB", 247: "INFINIBAND",
    249: "USBPCAP", 251: "BLUETOOTH_LE_LL", 252: "WIRESHARK_UPPER_PDU", 253: "NETLINK",
    254: "BLUETOOTH_LINUX_MONITOR", 255: "BLUETOOTH_BREDR_BB", 256: "BLUETOOTH_LE_LL_WITH_PHDR", 258: "PKTAP",
    266: "USB_DARWIN", 271: "VSOCK", 272: "NORDIC_BLE", 276: "LINUX_SLL2", 281: "DSA_TAG_BRCM",
    282: "DSA_TAG_BRCM_PREPEND", 283: "IEEE802_15_4_TAP", 284: "DSA_TAG_DSA", 285: "DSA_TAG_EDSA",
    **{147 + number: f"USER{number}" for number in range(16)},
}  # fmt: skip
_MEDIA = {
    **dict.fromkeys((105, 119, 127, 163, 192), "wifi"), **dict.fromkeys((186, 189, 220, 249, 266), "usb"),
    **dict.fromkeys((187, 201, 251, 254, 255, 256, 272), "bluetooth"),
}  # fmt: skip
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
    return _LARGER.get(link_type, _MAX_CAPTURED)


def name_of(link_type: int) -> str:
    """What a LINKTYPE is called, without the prefix; with it and the number, if it is none of the usual ones.

    Source: draft-ietf-opsawg-pcaplinktype.
    """
    return _NAMES.get(link_type, f"LINKTYPE_{link_type}")


def medium_of(link_type: int) -> str | None:
    """Of what links that carry no Ethernet are made, where one would not take it for a network's cable."""
    return _MEDIA.get(link_type)
