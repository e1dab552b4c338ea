"""The lines of ``ss``: who listens, who is connected, what waits in the queues."""

from __future__ import annotations

from explain.state.reading.items import lines_of
from explain.state.records import Socket

_PROTOCOLS = {"tcp", "udp", "raw", "icmp6", "icmp", "sctp", "dccp", "mptcp"}


def sockets_of(value: object, place: str) -> tuple[Socket, ...]:
    """The sockets among the lines; a headline or a line of another kind is passed over."""
    return tuple(found for line in lines_of(value, place) if (found := _socket(line)))


def _socket(line: str) -> Socket | None:
    words = line.split()
    if len(words) < 6 or words[0] not in _PROTOCOLS or not (words[2].isdigit() and words[3].isdigit()):
        return None
    local, device, port = _endpoint(words[4])
    peer, _, peer_port = _endpoint(words[5])
    return Socket(
        protocol=words[0],
        state=words[1],
        receive_queue=int(words[2][:18]),
        send_queue=int(words[3][:18]),
        local=local,
        local_port=port,
        device=device,
        peer=peer,
        peer_port=peer_port,
        is_v6_only="v6only:1" in words,
        text=" ".join(words[:6]),
    )


def _endpoint(text: str) -> tuple[str, str | None, int | None]:
    host, _, port = text.rpartition(":")
    host, _, device = host.partition("%")
    device = device.rstrip("]")
    if host == "::":  # netstat, and ss before 2018, wrote this for a socket of both families as well
        host = "*"
    host = host.strip("[]")
    if host.startswith("::ffff:") and "." in host:
        host = host.removeprefix("::ffff:")
    return host or "*", device or None, int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None
