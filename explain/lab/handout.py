"""A lab becomes a student's own: its networks, MACs and a marker are the student's, the same ones every time.

Each network of the lab is moved to another of the same size, with the hosts at their places in it: private ones within
10.0.0.0/8, documentation ones within 100.64.0.0/10 (RFC 6598), IPv6 ones within their own block.  What stands in no
network of the lab, such as 127.0.0.1, stays.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import tomllib
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING

from explain.errors import InputError
from explain.lab.read import FIRST_MAC, from_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    from explain.lab.records import Lab, Nic, Node

    Address = IPv4Address | IPv6Address
    Net = IPv4Network | IPv6Network

INSIDE, OUTSIDE = ip_network("10.0.0.0/8"), ip_network("100.64.0.0/10")
_POOLS = ((ip_network("2001:db8::/32"),) * 2, (ip_network("fd00::/8"),) * 2, *((ip_network(net), INSIDE) for net in (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")), *((ip_network(net), OUTSIDE) for net in (
    "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "100.64.0.0/10")))  # fmt: skip
"""Where a network stands, and where its copies go."""

_MOST_TRIES = 4096
_MARKER_PORT = 9  # where rubrics look for the marker
_ADDRESS = re.compile(r"(?<![\w.:])([0-9a-fA-F]*:[0-9a-fA-F:.]+|\d{1,3}(?:\.\d{1,3}){3})(/\d+)?(?![\w:]|\.\d)")
_MAC = re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b")
_MOST_MACS = 256
_FIRST_MAC_LINE = re.compile(r"^first_mac\s*=.*\n", re.MULTILINE)
_LOW_64 = (1 << 64) - 1
_PLACEHOLDER = re.compile(r"\{(marker|roster\.([^{}\n]+))\}")


@dataclass(frozen=True, slots=True)
class Handout:
    """One student's lab.

    Attributes:
        text: the lab file.
        columns: what is the student's own in it, by the names that a rubric may use: ``host_ip``, ``h1_eth0_mac``...
    """

    text: str
    columns: Mapping[str, str]


class MissingColumnError(KeyError):
    """The lab asks for a column that the roster does not have."""


def handout(lab_text: str, where: str, row: Mapping[str, str], seed: str, marker: str, taken: set[Net]) -> Handout:
    """A student's lab, and what is the student's own in it.

    Args:
        lab_text: the lab file; ``{roster.COLUMN}`` and ``{marker}`` in it are filled in, and it is then not renumbered.
        where: stands at the beginning of complaints about what became of it.
        row: the student's row; a column called like one of ours (``host_ip``, ``mac``...) is obeyed where it is filled.
        seed: who does not have it cannot tell another student's addresses.
        marker: what the student's traffic carries.
        taken: networks that are others' already; those of this student are added.

    Raises:
        InputError: a value of the roster cannot stand in a lab, or there are more students than networks.
        MissingColumnError: the lab asks for a column that is not there.
    """
    filled, own = _filled(lab_text, row, marker)
    if own:
        lab = _lab(filled, where)
        return Handout(filled, _columns(lab) | {"marker": marker})
    lab = _lab(lab_text, where)
    told = {name: row[name] for name in _columns(lab) if row.get(name)}
    first = _first_mac(lab, told, seed)
    was = tomllib.loads(lab_text).get("first_mac", FIRST_MAC)
    moves = _moves(lab, told, seed, taken)
    moved = _Moved(_fixed(lab, told, moves), moves, (was, first))
    text = f'first_mac = "{first}"\n{_marked(moved.text(_FIRST_MAC_LINE.sub("", lab_text)), lab, marker, where)}'
    return Handout(text, _columns(_lab(text, where)) | {"marker": marker})


def _lab(text: str, where: str) -> Lab:
    try:
        return from_table(tomllib.loads(text), where, where, text)
    except tomllib.TOMLDecodeError as error:
        raise InputError("lab.handout_toml", why=str(error)) from None


def _filled(text: str, row: Mapping[str, str], marker: str) -> tuple[str, bool]:
    """The text with what its author left open; whether there was anything."""

    def value(found: re.Match[str]) -> str:
        if found[1] == "marker":
            return marker
        if found[2] not in row:
            raise MissingColumnError(found[2])
        return re.sub(r'["\\\x00-\x1f\x7f]', "", row[found[2]])  # a value never ends the text that it stands in

    filled = _PLACEHOLDER.sub(value, text)
    return filled, filled != text


def _networks(lab: Lab) -> list[Net]:
    """The lab's networks, each in the widest form that some interface gives it; link-local ones left out."""
    nets = {ip_interface(text).network for node in lab.nodes for nic in node.nics for text in nic.addresses}
    widest: list[Net] = []
    for net in sorted(nets, key=lambda net: (net.version, net.prefixlen, int(net.network_address))):
        if not net.is_link_local and not any(_holds(kept, net) for kept in widest):
            widest.append(net)
    return widest


def _holds(wide: Net, net: Net) -> bool:
    return wide.version == net.version and net.subnet_of(wide)  # type: ignore[arg-type]


def _number(seed: str, *texts: str) -> int:
    return int.from_bytes(hmac.new(seed.encode(), "\0".join(texts).encode(), hashlib.sha256).digest()[:8], "big")


def _moves(lab: Lab, told: Mapping[str, str], seed: str, taken: set[Net]) -> dict[Net, Net]:
    """Network of the lab -> the student's; those that the roster's addresses name come first."""
    moves: dict[Net, Net] = {}
    networks, was = _networks(lab), _columns(lab)
    for name, text in told.items():
        if not name.endswith(("_ip", "_ip6")):
            continue
        old, new = ip_address(was[name]), _address(name, text)
        moves |= {net: ip_network(f"{new}/{net.prefixlen}", strict=False) for net in networks if old in net}
    for net in networks:
        pool = next((pool for block, pool in _POOLS if _holds(block, net)), None)
        if net in moves or pool is None or net.prefixlen <= pool.prefixlen:
            continue
        moves[net] = _free(net, pool, _number(seed, str(net)), taken | {*moves.values()})
    taken.update(moves.values())
    return moves


def _free(net: Net, pool: Net, number: int, used: set[Net]) -> Net:
    """The network of this size in the pool that a number names, or the next one that is nobody's yet."""
    count, size = 1 << (net.prefixlen - pool.prefixlen), net.max_prefixlen - net.prefixlen
    for i in range(min(count, _MOST_TRIES)):
        new = ip_network((int(pool.network_address) + ((number + i) % count << size), net.prefixlen))
        if not any(_holds(new, other) or _holds(other, new) for other in used):
            return new
    raise InputError("lab.few_networks", size=f"/{net.prefixlen}")


def _fixed(lab: Lab, told: Mapping[str, str], moves: Mapping[Net, Net]) -> dict[str, str]:
    """Addresses that the roster gives outright: old text -> new text; whoever would have one of them changes places."""
    was = _columns(lab)
    fixed = {was[name]: str(_address(name, text)) for name, text in told.items() if name.endswith(("_ip", "_ip6"))}
    places = {new: str(_shifted(ip_address(old), moves)) for old, new in fixed.items()}
    free = [place for place in places.values() if place not in places]
    for text in (text for node in lab.nodes for nic in node.nics for text in _addresses(nic)):
        wanted = str(_shifted(ip_address(text), moves))
        if text not in fixed and wanted in places and free:
            place = places[wanted] if places[wanted] in free else free[0]
            free.remove(place)
            fixed[text] = place
    return fixed


def _shifted(old: Address, moves: Mapping[Net, Net], length: int | None = None) -> Address:
    """The address, or the network of this length, at its place in the student's network."""
    for net, new in moves.items():
        if old.version == net.version and old in net and (length is None or length >= net.prefixlen):
            return type(old)(int(old) + int(new.network_address) - int(net.network_address))
    return old


def _address(name: str, text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise InputError("lab.roster_address", column=name, value=text) from None


class _Moved:
    """What stands in the lab's text instead of its addresses and MACs."""

    def __init__(self, fixed: Mapping[str, str], moves: Mapping[Net, Net], first_macs: tuple[str, str]) -> None:
        self._fixed, self._moves = fixed, moves
        self._was, self._first = (int(mac.replace(":", ""), 16) for mac in first_macs)

    def text(self, text: str) -> str:
        """A text with the student's addresses and MACs."""
        return _ADDRESS.sub(
            self._address, _MAC.sub(lambda found: self._mac(bytes.fromhex(found[0].replace(":", ""))).hex(":"), text)
        )

    def _mac(self, old: bytes) -> bytes:
        """The MAC that has the same place in the student's lab: they are counted from its first; others stay."""
        place = int.from_bytes(old, "big") - self._was
        return (self._first + place).to_bytes(6, "big") if 0 <= place < _MOST_MACS else old

    def _address(self, found: re.Match[str]) -> str:
        try:
            old = ip_address(found[1])
        except ValueError:
            return found[0]
        slash = found[2] or ""
        length = int(slash[1:]) if slash else old.max_prefixlen
        if str(old) in self._fixed:
            return self._fixed[str(old)] + slash
        number = int(_shifted(old, self._moves, length))
        number = self._with_own_mac(number) if old.version == 6 else number
        return found[0] if number == int(old) else f"{type(old)(number)}{slash}"

    def _with_own_mac(self, number: int) -> int:
        """An IPv6 address that was made from a MAC of the lab is made from the student's (RFC 4291 appendix A)."""
        low = (number & _LOW_64).to_bytes(8, "big")
        if low[3:5] != b"\xff\xfe":
            return number
        mac = self._mac(bytes([low[0] ^ 2, *low[1:3], *low[5:]]))
        return number - (number & _LOW_64) + int.from_bytes(bytes([mac[0] ^ 2, *mac[1:3], 0xFF, 0xFE, *mac[3:]]), "big")


def _first_mac(lab: Lab, told: Mapping[str, str], seed: str) -> str:
    """The first of the student's MACs, locally administered; the sender's is the roster's where it gives one."""
    if "mac" in told:
        at = [nic.mac for node in lab.nodes for nic in node.nics].index(_nic(_sender(lab)).mac)
        try:
            return (int(re.sub(r"[:.-]", "", told["mac"]), 16) - at).to_bytes(6, "big").hex(":")
        except (ValueError, OverflowError):
            raise InputError("lab.roster_mac", value=told["mac"]) from None
    return (0x02 << 40 | _number(seed, FIRST_MAC) % (1 << 32) << 8 | 1).to_bytes(6, "big").hex(":")


def _sender(lab: Lab) -> Node:
    return next((node for node in lab.nodes if node.role == "S"), lab.nodes[0])


def _nic(node: Node) -> Nic:
    return next((nic for nic in node.nics if nic.addresses), node.nics[0])


def _columns(lab: Lab) -> dict[str, str]:
    """What of a lab a rubric may name: every interface's addresses and MAC, and the usual roles."""
    found = dict(_own(lab))
    sender = _nic(_sender(lab))
    found["mac"] = sender.mac
    for role, name in (("S", "host_ip"), ("T", "target_ip")):
        own = [address for node in lab.nodes if node.role == role for address in _addresses(_nic(node))]
        found |= {name: own[0]} if own else {}
    for text in sender.addresses[:1]:
        found["subnet"] = str(ip_interface(text).network)
        near = [
            address for node in lab.nodes if node.kind == "router" for nic in node.nics for address in _addresses(nic)
            if ip_address(address) in ip_interface(text).network
        ]  # fmt: skip
        found |= {name: near[0] for name in ("router_ip", "gateway") if near}
    return found


def _own(lab: Lab) -> Iterator[tuple[str, str]]:
    for node in lab.nodes:
        for nic in node.nics:
            yield f"{node.name}_{nic.name}_mac", nic.mac
            for version, suffix in ((4, "ip"), (6, "ip6")):
                for address in [text for text in _addresses(nic) if ip_address(text).version == version][:1]:
                    yield f"{node.name}_{nic.name}_{suffix}", address


def _addresses(nic: Nic) -> list[str]:
    return [text.partition("/")[0] for text in nic.addresses]


def _marked(text: str, lab: Lab, marker: str, where: str) -> str:
    """The lab with one datagram more: it carries the marker from sender to target, and comes back as it is."""
    target = next((node for node in lab.nodes if node.role == "T"), None)
    addresses = _addresses(_nic(target)) if target else []
    if target is None or not addresses:
        return text
    new = _lab(text, where).node(target.name)
    return f"""{text.rstrip()}

# Whose lab this is: a datagram with the marker, and its echo.
[[services]]
on = "{target.name}"
kind = "udp"
port = {_MARKER_PORT}
behaviour = "echo"

[[steps]]
on = "{_sender(lab).name}"
run = ["udpprobe", "{_addresses(_nic(new))[0]}", "{_MARKER_PORT}", "--say", "{marker}", "--timeout", "0.5"]
status = "any"
main = false
"""
