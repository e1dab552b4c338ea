"""What the kernel says of a node that is up: sockets, neighbours, addresses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.lab.build import Place

_LISTENING = {"tcp": "0A", "udp": "07"}
_NUD_NAMES = {
    1: "INCOMPLETE", 2: "REACHABLE", 4: "STALE", 8: "DELAY", 16: "PROBE", 32: "FAILED", 64: "NOARP", 128: "PERMANENT",
}  # fmt: skip


def packet_sockets(place: Place) -> int:
    """How many packet sockets a node has, our own tap among them."""
    with place.inside():
        return len(Path("/proc/thread-self/net/packet").read_text().splitlines()) - 1


def is_listening(place: Place, protocol: str, port: int) -> bool:
    """True if a socket of the node listens on the port."""
    wanted = f":{port:04X}"
    with place.inside():
        for table in (protocol, f"{protocol}6"):
            try:
                with open(f"/proc/thread-self/net/{table}", encoding="ascii") as rows:  # noqa: PTH123 - a /proc file
                    for row in rows:
                        words = row.split()
                        if words[1].endswith(wanted) and words[3] == _LISTENING[protocol]:
                            return True
            except FileNotFoundError:
                continue
    return False


def neighbour_state(netlink: object, address: str) -> tuple[str | None, ...]:
    """The entry's state and its MAC; nothing if there is no entry."""
    from socket import AF_INET, AF_INET6

    for entry in netlink.get_neighbours(family=AF_INET6 if ":" in address else AF_INET):  # type: ignore[attr-defined]
        if entry.get_attr("NDA_DST") == address:
            return _NUD_NAMES.get(entry["state"]), entry.get_attr("NDA_LLADDR")
    return ()


def address_state(netlink: object, address: str) -> str | None:
    """valid, tentative or dadfailed; None if there is no such address."""
    for entry in netlink.get_addr():  # type: ignore[attr-defined]
        if entry.get_attr("IFA_ADDRESS") == address:
            flags = entry.get_attr("IFA_FLAGS") or entry["flags"]
            return "dadfailed" if flags & 0x08 else "tentative" if flags & 0x40 else "valid"
    return None
