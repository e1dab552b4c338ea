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


def swallow(conn: socket.socket) -> None:
    """Read until the client closes."""
    while conn.recv(65536):
        pass


def echo(conn: socket.socket, args: argparse.Namespace) -> None:
    """Give everything back."""
    while data := conn.recv(65536):
        time.sleep(args.delay)
        conn.sendall(data)


def framed(conn: socket.socket, _args: argparse.Namespace) -> None:
    """A message is its length in two octets, then that many octets; the answer is the same in capitals."""
    while len(head := receive(conn, 2)) == 2:
        body = receive(conn, struct.unpack(">H", head)[0])
        conn.sendall(head + body.upper())


def words(args: argparse.Namespace) -> bytes:
    """What the server is to say."""
    if args.answer_hex:
        raw = bytes.fromhex(args.answer_hex)
    else:
        raw = str(args.answer).encode().decode("unicode_escape").encode()
    return raw * int(args.repeat)


def answer(conn: socket.socket, args: argparse.Namespace) -> None:
    """Hear once, say it, close."""
    conn.recv(65536)
    time.sleep(args.delay)
    conn.sendall(words(args))


def greet(conn: socket.socket, args: argparse.Namespace) -> None:
    """Say it unasked, then listen."""
    time.sleep(args.delay)
    conn.sendall(words(args))
    swallow(conn)


def hang(_conn: socket.socket, _args: argparse.Namespace) -> None:
    """Never say anything."""
    time.sleep(3600)


def slow_reader(conn: socket.socket, args: argparse.Namespace) -> None:
    """Read late."""
    time.sleep(args.delay)
    swallow(conn)


def reset(conn: socket.socket, _args: argparse.Namespace) -> None:
    """Hear once, then close with a reset."""
    conn.recv(65536)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(_conn: socket.socket, args: argparse.Namespace) -> None:
    """Close without a word."""
    time.sleep(args.delay)


def sink(conn: socket.socket, _args: argparse.Namespace) -> None:
    """Read, say nothing."""
    swallow(conn)


BEHAVIOURS = {
    "echo": echo,
    "framed": framed,
    "answer": answer,
    "greet": greet,
    "hang": hang,
    "slow-reader": slow_reader,
    "reset": reset,
    "close": close,
    "sink": sink,
}


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
            BEHAVIOURS[args.behaviour](conn, args)
        except OSError as e:
            sys.stderr.write(f"tcpserver: {e}\n")
        finally:
            conn.close()


if __name__ == "__main__":
    main()
