"""Switches off what a network card would do for the kernel, so that checksums and frames are as on a real wire.

Source: ethtool(8), the ioctl interface of linux/ethtool.h.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct

_SIOCETHTOOL = 0x8946
SET_RX_CHECKSUM, SET_TX_CHECKSUM, SET_TSO, SET_GSO, SET_GRO = 0x15, 0x17, 0x1F, 0x24, 0x2C


def switch_off(nic: str) -> None:
    """Switch the five offloads of an interface off, in the namespace of the calling thread.

    What an interface does not have cannot be switched off, and need not be.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command in (SET_TX_CHECKSUM, SET_RX_CHECKSUM, SET_TSO, SET_GSO, SET_GRO):
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP", nic.encode(), ctypes.addressof(value)).ljust(40, b"\0")
            try:
                fcntl.ioctl(sock, _SIOCETHTOOL, request)
            except OSError:
                continue
