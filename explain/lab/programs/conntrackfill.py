"""Fill the table of connections of this namespace to its last entry: ``conntrackfill SOURCE TARGET``.

Each entry is what a scan of UDP ports would have left.  The kernel counts entries per namespace and compares the count
with ``nf_conntrack_max``, which nobody can set here; so the table is filled until the kernel says that it is full.

Source: linux/netfilter/nfnetlink_conntrack.h for the attributes, nf_conntrack_common.h for the status bits.
"""

from __future__ import annotations

import argparse
import errno
import socket
import struct
import sys
from pathlib import Path

NETLINK_NETFILTER = 12
CREATE, FLAGS = 1 << 8, 0x601  # ctnetlink's IPCTNL_MSG_CT_NEW; NLM_F_REQUEST, CREATE and EXCL
ORIGINAL, REPLY, STATUS, TIMEOUT = 1, 2, 3, 7
SEEN_REPLY_ASSURED_CONFIRMED = 0b1110  # an assured entry is not thrown out early for a new one
KEPT_S = 3600
LARGEST = 2_000_000
PORTS, FIRST_PORT, BATCH = 60_000, 1024, 200
SETTINGS = Path("/proc/sys/net/netfilter")


def attribute(kind: int, data: bytes, is_nest: bool = False) -> bytes:
    """One netlink attribute, padded to four octets."""
    return struct.pack("<HH", len(data) + 4, kind | (0x8000 if is_nest else 0)) + data + b"\0" * (-len(data) % 4)


def flow(source: bytes, target: bytes, ports: tuple[int, int]) -> bytes:
    """A tuple: addresses and UDP ports of one direction."""
    addresses = attribute(1, attribute(1, source) + attribute(2, target), is_nest=True)
    numbers = [attribute(kind, struct.pack(">H", port)) for kind, port in zip((2, 3), ports, strict=True)]
    return addresses + attribute(2, attribute(1, bytes([socket.IPPROTO_UDP])) + b"".join(numbers), is_nest=True)


def entry(source: bytes, target: bytes, ports: tuple[int, int]) -> bytes:
    """The message that makes one entry; the kernel answers only where it cannot."""
    body = struct.pack("<BBH", socket.AF_INET, 0, 0)
    body += attribute(ORIGINAL, flow(source, target, ports), is_nest=True)
    body += attribute(REPLY, flow(target, source, ports[::-1]), is_nest=True)
    body += attribute(STATUS, struct.pack(">I", SEEN_REPLY_ASSURED_CONFIRMED))
    body += attribute(TIMEOUT, struct.pack(">I", KEPT_S))
    return struct.pack("<IHHII", 16 + len(body), CREATE, FLAGS, 0, 0) + body


def entries(source: str, target: str) -> list[bytes]:
    """The parts of a message around its two source ports: only those change from entry to entry."""
    mark = (0xABCD, 0xDCBA)
    whole = entry(socket.inet_aton(source), socket.inet_aton(target), mark)
    return whole.split(struct.pack(">H", mark[0]))


def complaint(answers: bytes) -> int:
    """The first error among the kernel's answers, as an errno; 0 if there is none."""
    number: int = struct.unpack_from("<i", answers, 16)[0]
    return -number


def fill(source: str, target: str, most: int) -> int:
    """Make entries until the kernel refuses one; what it said."""
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    kernel.bind((0, 0))
    kernel.setblocking(False)
    other = struct.pack(">H", 0xDCBA)
    parts = entries(source, target)
    for start in range(0, most + PORTS, PORTS):
        own = [part.replace(other, struct.pack(">H", 1 + start // PORTS)) for part in parts]
        for first in range(FIRST_PORT, FIRST_PORT + PORTS, BATCH):
            kernel.send(b"".join(struct.pack(">H", port).join(own) for port in range(first, first + BATCH)))
            try:
                return complaint(kernel.recv(65536))
            except BlockingIOError:
                continue
    return 0


def main() -> int:
    """The exit status: 0 if the table is full now, else 1."""
    ask = argparse.ArgumentParser(prog="conntrackfill")
    ask.add_argument("source")
    ask.add_argument("target")
    args = ask.parse_args()
    most = int((SETTINGS / "nf_conntrack_max").read_text())
    if most > LARGEST:
        print(f"conntrackfill: this kernel's table holds {most} entries, and more than {LARGEST} are not made here")
        return 1
    said = fill(args.source, args.target, most)
    count = int((SETTINGS / "nf_conntrack_count").read_text())
    print(f"{count} flows are tracked, and nf_conntrack_max is {most}")
    if said != errno.ENOMEM:
        print(f"conntrackfill: {errno.errorcode.get(said, said)}")
    return 0 if count >= most else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
