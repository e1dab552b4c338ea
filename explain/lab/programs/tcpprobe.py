"""Connect, say one line, tell what comes back: ``tcpprobe HOST PORT``."""

from __future__ import annotations

import argparse
import socket
import struct
import sys
import time


def talk(sock: socket.socket, args: argparse.Namespace) -> int:
    """Send what was asked for, then read until the peer closes or time is up."""
    said = b""
    for i in range(args.times):
        line = args.say.encode().decode("unicode_escape").encode()
        if args.framed:
            line = struct.pack(">H", len(line)) + line
        if i:
            time.sleep(args.pause)
        sock.sendall(line * args.repeat)
        said += line * args.repeat
    print(f"sent {len(said)} bytes", flush=True)
    if args.finish:
        sock.shutdown(socket.SHUT_WR)
    got = 0
    ended = "closed by peer"
    while data := sock.recv(65536):
        got += len(data)
        if args.enough and got >= args.enough:
            ended = "enough"
            break
    print(f"received {got} bytes, {ended}", flush=True)
    return 0


def main() -> int:
    """The exit status: 0 if something could be said and the peer ended it, else 1."""
    ask = argparse.ArgumentParser(prog="tcpprobe")
    ask.add_argument("host")
    ask.add_argument("port", type=int)
    ask.add_argument("--say", default="hello from tcpprobe\\n")
    ask.add_argument("--framed", action="store_true")
    ask.add_argument("--times", type=int, default=1)
    ask.add_argument("--repeat", type=int, default=1)
    ask.add_argument("--pause", type=float, default=0.0)
    ask.add_argument("--timeout", type=float, default=4.0)
    ask.add_argument("--enough", type=int, default=0)
    ask.add_argument("--finish", action="store_true")
    args = ask.parse_args()
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(args.host, args.port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as e:
        print(f"tcpprobe: {args.host}: {e.strerror}")
        return 2
    sock = socket.socket(family, kind, protocol)
    sock.settimeout(args.timeout)
    try:
        sock.connect(where)
    except TimeoutError:
        print(f"tcpprobe: connect to {args.host} port {args.port}: Connection timed out")
        return 1
    except OSError as e:
        print(f"tcpprobe: connect to {args.host} port {args.port}: {e.strerror}")
        return 1
    print(f"Connected to {args.host} port {args.port}", flush=True)
    try:
        return talk(sock, args)
    except TimeoutError:
        print("tcpprobe: timed out waiting for an answer")
    except OSError as e:
        print(f"tcpprobe: {e.strerror}")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
