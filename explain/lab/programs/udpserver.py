"""A UDP server that echoes what it gets, or keeps silent."""

from __future__ import annotations

import argparse
import socket


def main() -> None:
    """Receive for ever."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--port", type=int, required=True)
    ask.add_argument("--bind", default="")
    ask.add_argument("--behaviour", default="echo")
    args = ask.parse_args()
    sock = socket.socket(socket.AF_INET6 if ":" in args.bind else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((args.bind, args.port))
    while True:
        data, peer = sock.recvfrom(65536)
        if args.behaviour == "echo":
            sock.sendto(data, peer)


if __name__ == "__main__":
    main()
