"""A router that advertises itself and a prefix (RFC 4861 section 4.2): at once, when asked, and every few seconds."""

from __future__ import annotations

import argparse
import ipaddress
import select
import socket
import struct
import time


def advertisement(args: argparse.Namespace, mac: bytes) -> bytes:
    """A Router Advertisement with the prefix and this router's MAC."""
    prefix = ipaddress.IPv6Network(args.prefix)
    head = struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, args.lifetime, 0, 0)
    option = struct.pack(">BBBBIII", 3, 4, prefix.prefixlen, 0xC0, 86400, 14400, 0) + prefix.network_address.packed
    return head + b"\x01\x01" + mac + option


def main() -> None:
    """Advertise for ever."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--interface", required=True)
    ask.add_argument("--prefix", required=True)
    ask.add_argument("--lifetime", type=int, default=1800)
    ask.add_argument("--every", type=float, default=30.0)
    args = ask.parse_args()
    index = socket.if_nametoindex(args.interface)
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    raw.bind((args.interface, 0))
    mac = raw.getsockname()[4]
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, args.interface.encode())
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    sock.setsockopt(
        socket.IPPROTO_IPV6,
        socket.IPV6_JOIN_GROUP,
        socket.inet_pton(socket.AF_INET6, "ff02::2") + struct.pack("i", index),
    )
    while True:
        try:
            sock.sendto(advertisement(args, mac), ("ff02::1", 0, 0, index))
        except OSError:  # the link-local address is still being checked for duplicates
            time.sleep(0.1)
            continue
        while select.select([sock], [], [], args.every)[0]:
            message, _ = sock.recvfrom(2048)
            if message[:1] == b"\x85":  # a Router Solicitation
                break


if __name__ == "__main__":
    main()
