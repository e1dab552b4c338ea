"""DHCP messages made by hand."""

from __future__ import annotations

import struct

from packets import EVERYONE, R, datagram, octets, packed

CLIENT, SERVER, OTHER = "00:00:5e:00:53:01", "192.0.2.254", "192.0.2.66"
SERVER_MAC, OTHER_MAC = R, "00:00:5e:00:53:66"
ADDRESS = "192.0.2.100"
NOWHERE, BROADCAST = "0.0.0.0", "255.255.255.255"  # noqa: S104 - a client without an address speaks so
XID = 0x3E5E0CE3
COOKIE = b"\x63\x82\x53\x63"
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)


def option(code, value):
    """One option; texts are addresses, numbers have four octets."""
    data = packed(value) if isinstance(value, str) else value if isinstance(value, bytes) else struct.pack(">I", value)
    return bytes((code, len(data))) + data


def options(kind, *more):
    """Pairs of code and value behind a message type, closed by the end mark."""
    return option(53, bytes((kind,))) + b"".join(option(*one) for one in more) + b"\xff"


def message(
    op, rest, xid=XID, client=CLIENT, ciaddr=NOWHERE, yiaddr=NOWHERE, giaddr=NOWHERE, flags=0, sname=b"", file=b"",
    cookie=COOKIE,
):  # fmt: skip
    head = struct.pack(">BBBBIHH", op, 1, 6, 0, xid, 0, flags)
    head += packed(ciaddr) + packed(yiaddr) + packed(NOWHERE) + packed(giaddr)
    return head + octets(client).ljust(16, b"\0") + sname.ljust(64, b"\0") + file.ljust(128, b"\0") + cookie + rest


def asks(kind, *more, source=NOWHERE, target=BROADCAST, client=CLIENT, **fields):
    """A client's message, as a frame."""
    data = message(1, options(kind, *more), client=client, **fields)
    to = EVERYONE if target == BROADCAST else SERVER_MAC
    return datagram((source, 68), (target, 67), data, (client, to))


def answers(kind, *more, server=SERVER, mac=SERVER_MAC, to=BROADCAST, client=CLIENT, **fields):
    """A server's message, as a frame."""
    data = message(2, options(kind, (54, server), *more), client=client, **fields)
    return datagram((server, 67), (to, 68), data, (mac, EVERYONE if to == BROADCAST else client))


GIVEN = ((51, 3600), (1, "255.255.255.0"), (3, SERVER), (6, SERVER))
"""Lease, mask, router, name server."""


def discover(**fields):
    return asks(DISCOVER, **fields)


def offer(address=ADDRESS, given=GIVEN, **fields):
    return answers(OFFER, *given, yiaddr=address, **fields)


def request(address=ADDRESS, server=SERVER, **fields):
    return asks(REQUEST, (50, address), (54, server), **fields)


def reboot(address, **fields):
    return asks(REQUEST, (50, address), **fields)


def renew(address=ADDRESS, target=SERVER, **fields):
    return asks(REQUEST, source=address, target=target, ciaddr=address, **fields)


def ack(address=ADDRESS, given=GIVEN, **fields):
    return answers(ACK, *given, yiaddr=address, **fields)


def nak(*more, **fields):
    return answers(NAK, *more, **fields)
