"""A DNS server that knows a few names (RFC 1035): A, AAAA, CNAME and PTR, NXDOMAIN for the rest.

What does not fit into a datagram is cut, and given over TCP (RFC 7766).
"""

from __future__ import annotations

import argparse
import ipaddress
import socket
import struct
import threading

IP_FREEBIND, IPV6_FREEBIND = 15, 78  # linux/in.h, linux/in6.h
LARGEST_DATAGRAM = 512  # RFC 1035 section 2.3.4; larger ones are not offered


def question_of(message: bytes) -> tuple[str, int, int]:
    """The name asked for, its type, and where the question ends. Source: RFC 1035 section 4.1.2."""
    at, labels = 12, []
    while message[at]:
        length = message[at]
        labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return ".".join(labels).lower(), struct.unpack_from(">H", message, at + 1)[0], at + 5


def packed(name: str) -> bytes:
    """A name as the wire has it."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def answer(message: bytes, records: dict[str, list[str]], args: argparse.Namespace) -> bytes:
    """The response to one query."""
    name, kind, end = question_of(message)
    rdata: list[tuple[int, bytes]] = []
    for value in records.get(name, []):
        try:
            address = ipaddress.ip_address(value)
            rdata.append((1 if address.version == 4 else 28, address.packed))
        except ValueError:
            rdata.append((12 if name.endswith(".arpa") else 5, packed(value)))
    wanted = [(k, d) for k, d in rdata if k in {kind, 5}]
    code = args.code or (0 if name in records else 3)
    if code:
        wanted = []
    flags = 0x8400 | (struct.unpack_from(">H", message, 2)[0] & 0x0100) | 0x0080 | code
    head = message[:2] + struct.pack(">HHHHH", flags, 1, len(wanted), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", k, 1, 60, len(d)) + d for k, d in wanted)
    return head + message[12:end] + body


def cut(response: bytes, end: int) -> bytes:
    """The response without its records, marked as truncated. Source: RFC 1035 section 4.1.1, RFC 2181 section 9."""
    flags = struct.unpack_from(">H", response, 2)[0] | 0x0200
    return response[:2] + struct.pack(">HHHHH", flags, 1, 0, 0, 0) + response[12:end]


def exactly(peer: socket.socket, size: int) -> bytes:
    """So many octets, or fewer if the peer has said all."""
    got = b""
    while len(got) < size and (piece := peer.recv(size - len(got))):
        got += piece
    return got


def serve_connections(listener: socket.socket, records: dict[str, list[str]], args: argparse.Namespace) -> None:
    """Answer over TCP for ever: each message behind its length. Source: RFC 1035 section 4.2.2."""
    while True:
        peer, _ = listener.accept()
        with peer:
            while len(size := exactly(peer, 2)) == 2:
                message = exactly(peer, struct.unpack(">H", size)[0])
                if len(message) <= 16:
                    break
                response = answer(message, records, args)
                peer.sendall(struct.pack(">H", len(response)) + response)


def bound(family: int, kind: int, address: tuple[str, int]) -> socket.socket:
    """A socket of this address, even while the kernel still looks for its duplicates. Source: ip(7), IP_FREEBIND."""
    sock = socket.socket(family, kind)
    is_v6 = family == socket.AF_INET6
    sock.setsockopt(socket.IPPROTO_IPV6 if is_v6 else socket.IPPROTO_IP, IPV6_FREEBIND if is_v6 else IP_FREEBIND, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address)
    return sock


def main() -> None:
    """Answer for ever."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--port", type=int, default=53)
    ask.add_argument("--bind", default="")
    ask.add_argument("--record", action="append", default=[])
    ask.add_argument("--code", type=int, default=0)
    ask.add_argument("--behaviour", default="answer")
    args = ask.parse_args()
    records: dict[str, list[str]] = {}
    for record in args.record:
        name, value = record.split("=", 1)
        records.setdefault(name.lower(), []).append(value)
    family = socket.AF_INET6 if ":" in args.bind else socket.AF_INET
    if args.behaviour == "answer":
        listener = bound(family, socket.SOCK_STREAM, (args.bind, args.port))
        listener.listen()
        threading.Thread(target=serve_connections, args=(listener, records, args), daemon=True).start()
    sock = bound(family, socket.SOCK_DGRAM, (args.bind, args.port))
    while True:
        message, peer = sock.recvfrom(4096)
        if args.behaviour == "answer" and len(message) > 16:
            response = answer(message, records, args)
            fits = len(response) <= LARGEST_DATAGRAM
            sock.sendto(response if fits else cut(response, question_of(message)[2]), peer)


if __name__ == "__main__":
    main()
