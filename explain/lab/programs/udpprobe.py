"""Send datagrams and tell what comes back: ``udpprobe HOST PORT``."""

from __future__ import annotations

import argparse
import socket
import sys
import time


def main() -> int:
    """The exit status: 0 if every datagram was answered, else 1."""
    ask = argparse.ArgumentParser(prog="udpprobe")
    ask.add_argument("host")
    ask.add_argument("port", type=int)
    ask.add_argument("--say", default="hello from udpprobe")
    ask.add_argument("--times", type=int, default=1)
    ask.add_argument("--pause", type=float, default=0.0)
    ask.add_argument("--timeout", type=float, default=2.0)
    args = ask.parse_args()
    family, kind, protocol, _, where = socket.getaddrinfo(args.host, args.port, type=socket.SOCK_DGRAM)[0]
    sock = socket.socket(family, kind, protocol)
    sock.settimeout(args.timeout)
    answered = 0
    try:
        sock.connect(where)
        for i in range(args.times):
            if i:
                time.sleep(args.pause)
            sock.send(args.say.encode())
            print(f"sent {len(args.say)} bytes to {args.host} port {args.port}", flush=True)
            print(f"received {len(sock.recv(65536))} bytes", flush=True)
            answered += 1
    except TimeoutError:
        print("udpprobe: timed out waiting for an answer")
    except OSError as e:
        print(f"udpprobe: {e.strerror}")
    return 0 if answered == args.times else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
