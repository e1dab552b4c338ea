"""A TCP server with a behaviour: it echoes, answers, hangs, closes, resets, is slow, or never accepts."""

from __future__ import annotations

import argparse
import select
import socket
import struct
import sys
import time


def receive(conn: socket.socket, count: int) -> bytes:
    """So many octets, or fewer if the peer closes first."""
    data = b""
    while len(data) < count:
        more = conn.recv(count - len(data))
        if not more:
            break
        data += more
    return data


def serve(conn: socket.socket, args: argparse.Namespace) -> None:
    """Behave towards one client as told."""
    answer = (
        bytes.fromhex(args.answer_hex) if args.answer_hex else args.answer.encode().decode("unicode_escape").encode()
    )
    if args.behaviour == "close":
        time.sleep(args.delay)
    elif args.behaviour == "echo":
        while data := conn.recv(65536):
            time.sleep(args.delay)
            conn.sendall(data)
    elif args.behaviour == "framed":  # a message is its length in two octets, then that many octets
        while len(head := receive(conn, 2)) == 2:
            body = receive(conn, struct.unpack(">H", head)[0])
            conn.sendall(head + body.upper())
    elif args.behaviour == "answer":
        conn.recv(65536)
        time.sleep(args.delay)
        conn.sendall(answer * args.repeat)
    elif args.behaviour == "greet":
        time.sleep(args.delay)
        conn.sendall(answer * args.repeat)
        while conn.recv(65536):
            pass
    elif args.behaviour == "hang":
        time.sleep(3600)
    elif args.behaviour == "slow-reader":
        time.sleep(args.delay)
        while conn.recv(65536):
            pass
    elif args.behaviour == "reset":
        conn.recv(65536)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif args.behaviour == "sink":
        while conn.recv(65536):
            pass
    conn.close()


def main() -> None:
    """Listen, then serve one client after the other."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--port", type=int, required=True)
    ask.add_argument("--bind", default="")
    ask.add_argument("--behaviour", default="echo")
    ask.add_argument("--answer", default="hello\\n")
    ask.add_argument("--answer-hex", default="")
    ask.add_argument("--repeat", type=int, default=1)
    ask.add_argument("--delay", type=float, default=0.0)
    ask.add_argument("--backlog", type=int, default=16)
    ask.add_argument("--receive-buffer", type=int, default=0)
    args = ask.parse_args()
    family = socket.AF_INET6 if ":" in args.bind or (not args.bind and socket.has_dualstack_ipv6()) else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6 and not args.bind:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if args.receive_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, args.receive_buffer)
    listener.bind((args.bind, args.port))
    listener.listen(args.backlog)
    if args.behaviour == "never-accept":
        select.select([], [], [])
    while True:
        conn, _ = listener.accept()
        try:
            serve(conn, args)
        except OSError as e:
            sys.stderr.write(f"tcpserver: {e}\n")


if __name__ == "__main__":
    main()
