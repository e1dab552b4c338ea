"""What was asked of the network: the conditions under which a cause can strike at all.

A condition is True, False, or None where no witness tells; an unknown condition excludes nothing.
"""

from __future__ import annotations

from ipaddress import ip_address
from math import inf
from typing import TYPE_CHECKING

from explain.record import dataclass

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from explain.causes.diagnosis import Witnesses
    from explain.symptoms.commands.command import Command
    from explain.symptoms.witness import TextWitness

TOOLS = {
    "ping": "ping", "connect": "tcp", "traceroute": "trace", "tracepath": "trace", "mtr": "trace",
    "dhcp-client": "dhcp", "lookup": "lookup",
}  # fmt: skip
"""Programs of a text and kinds of a command, and the tool that they are here."""
_CASE_TOOLS = {"ping": "ping", "tcp": "tcp", "udp": "udp", "traceroute": "trace", "dhclient": "dhcp", "udhcpc": "dhcp"}
_TOO_BIG = (".fragmentation-needed", ".packet-too-big", ".message-too-long")
_SMALLEST_BIG = 400
"""Octets of payload from which a small MTU on the way can matter; links of fewer are museum pieces."""
_SHORTEST_4, _SHORTEST_6 = 8, 48
"""Prefixes that are shorter are not set on an interface, not even by mistake."""
_USUAL_4, _USUAL_6 = 24, 64
"""Prefixes of most links; where a shorter one is set, a router may answer for others' MACs. Source: RFC 1027."""
_ALL_HOSTS = 0b1111
_ETHERNET_PAYLOAD = 1200
_WHOLE_ON_ETHERNET = 1472
"""The most that a ping carries in one packet of 1500 octets."""
_ARP_PATIENCE_S = 3.3
"""Three questions, one second apart, and then the kernel gives up. Source: arp(7), mcast_solicit and retrans_time."""
_DEFAULT_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Context:
    """The command as far as it is known.

    Attributes:
        tool: ping, tcp, udp, trace, dhcp, lookup; None if unknown.
        family: 4 or 6; None if unknown.
        destination: the address, in canonical form; None if unknown.
        conditions: by name, True, False or None.
        patience_s: how long the command waited, at the least, from its first packet on; None if unknown.
        size: octets of payload of each of its packets; None if unknown.
        port: of a TCP or UDP service that was asked; None if unknown.
    """

    tool: str | None
    family: int | None
    destination: str | None
    conditions: dict[str, bool | None]
    patience_s: float | None = None
    size: int | None = None
    port: int | None = None

    def allows(self, conditions: tuple[str, ...]) -> bool:
        """Whether none of the conditions is known to be unfulfilled."""
        return all(self.conditions.get(name) is not False for name in conditions)

    def holds(self, condition: str) -> bool:
        """Whether the condition is known to hold."""
        return self.conditions.get(condition) is True

    @property
    def is_hasty(self) -> bool:
        """Whether the command may have ended before the kernel gave up asking for a neighbour."""
        return self.patience_s is not None and self.patience_s < _ARP_PATIENCE_S


def context_of(witnesses: Witnesses) -> Context:
    """What text, command and case tell together."""
    text, tool, destination = witnesses.text, witnesses.tool, witnesses.destination
    command = witnesses.known_command
    named = _CASE_TOOLS.get(tool or "", tool)
    kind = TOOLS.get(text.program) if text else TOOLS.get(command.kind or "") if command else None
    kind = kind or (named if named in {"ping", "tcp", "udp", "trace", "dhcp", "lookup"} else None)
    kind = "udp" if kind == "tcp" and (_is_udp(command) or _says_udp(text)) else kind
    target = canonical(text.target_address if text else None) or canonical(destination)
    target = target or (canonical(command.target) if command else None)
    family = _family(text, command, target) or witnesses.family
    size = _size(text, command)
    conditions: dict[str, bool | None] = {
        **_of_kind(kind, command, text),
        "v4": None if family is None else family == 4,
        "v6": None if family is None else family == 6,
        "named": _is_named(text, command, destination),
        **_binding(text, command),
        **room(size),
        **({"big": True} if _is_too_big(text) else {}),
        **_target(text, command, target),
        "near": _is_near(text, command, target),
        "small-passes": True if passed_smaller(text, target, size) else None,
        "told-before": True if _is_told_before(text, target) else None,
    }
    if kind in {"tcp", "udp"} and not (text is not None and text.dialect == "hping"):
        # A SYN is small; what befalls the full segments that follow is a strike of its own. hping makes any packet.
        conditions |= {**room(0), "ttl": False}
    return Context(kind, family, target, conditions, _patience(text, command), size, _port(text, command))


def _is_udp(command: Command | None) -> bool:
    """``nc -u`` and its like, which ask over UDP."""
    if command is None:
        return False
    is_netcat = command.program in {"nc", "ncat", "netcat", "nc.openbsd", "nc.traditional"}
    return command.program == "udpprobe" or (is_netcat and ("u" in command.options or "udp" in command.options))


def _says_udp(text: TextWitness | None) -> bool:
    """Whether the program names itself in what it says."""
    names = ("udpprobe:", "HPING")
    said = [each.text for each in text.symptoms if each.text.startswith(names)] if text is not None else []
    return any(each.startswith(names[0]) or "udp mode set" in each for each in said)


def canonical(text: str | None) -> str | None:
    """An address as a text that compares, without its zone; None if it is none."""
    if not text:
        return None
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def _family(text: TextWitness | None, command: Command | None, target: str | None) -> int | None:
    if target:
        return ip_address(target).version
    return (text.family if text else None) or (command.family if command else None)


def _of_kind(kind: str | None, command: Command | None, text: TextWitness | None) -> dict[str, bool | None]:
    def is_kind(name: str) -> bool | None:
        return None if kind is None else kind == name

    is_icmp_trace = kind == "trace" and command is not None and probes_of(command) == "icmp"
    echo = None if kind is None or (kind == "trace" and command is None) else kind == "ping" or is_icmp_trace
    is_arping = text is not None and text.dialect == "arping"
    return {
        "arping": is_arping, "looked-up": not is_arping,  # it asks its link, whatever the routes say
        "ping": is_kind("ping"), "tcp": is_kind("tcp"), "udp": is_kind("udp"), "trace": is_kind("trace"), "echo": echo,
    }  # fmt: skip


def probes_of(command: Command) -> str:
    """What a trace sends: ``icmp``, ``tcp`` or ``udp``. Source: traceroute(8), mtr(8), tracert of Windows."""
    given = command.options.keys()
    if given & {"T", "tcp"}:
        return "tcp"
    is_udp = command.program not in {"mtr", "tracert"} or given & {"u", "udp"}
    return "icmp" if given & {"I", "icmp"} or not is_udp else "udp"


def _is_named(text: TextWitness | None, command: Command | None, destination: str | None) -> bool | None:
    typed = (command.target if command else None) or (text.target if text else None) or destination
    return None if not typed else canonical(typed) is None and typed != "localhost"


def _binding(text: TextWitness | None, command: Command | None) -> dict[str, bool | None]:
    interface = (command.interface if command else None) or (text.interface if text else None)
    if _is_fping(text) and not interface:
        # When told to count, it keeps back what its own kernel refused, as ping does with a source.
        return {"if": False, "src": None, "free": not (command and command.source)}
    source = (command.source if command else None) or (text.source if text and not interface else None)
    if command is None and not interface and not source:
        # Without the command only ping's first line tells, and ping refuses to print it when it fails at once.
        has_title = text is not None and text.has("echo.start")
        unknown = None if not has_title else False
        return {"if": unknown, "src": unknown, "free": None if not has_title else True}
    return {
        "if": bool(interface), "src": bool(source) and not interface, "free": not interface and not source,
    }  # fmt: skip


def _is_fping(text: TextWitness | None) -> bool:
    return text is not None and text.dialect == "fping"


def _size(text: TextWitness | None, command: Command | None) -> int | None:
    size = command.size if command else None
    if size is None and text is not None:
        starts = (*text.all("echo.start"), *text.all("way.start"))
        size = next((each.values["size"] for each in starts if each.values.get("size")), None)
    return 56 if size is None and command is not None and command.kind == "ping" else size


def _port(text: TextWitness | None, command: Command | None) -> int | None:
    told = (each.values["port"] for each in (text.symptoms if text else ()) if each.values.get("port"))
    return (command.port if command else None) or next(told, None)


def _is_too_big(text: TextWitness | None) -> bool:
    """Whether a kernel says that the packet was too large, whatever size the first line names."""
    return text is not None and any(each.id.endswith(_TOO_BIG) for each in text.symptoms)


def passed_smaller(text: TextWitness | None, target: str | None, size: int | None) -> TextWitness | None:
    """A run beside this one, of fewer octets to the same target, that was answered."""
    if text is None or target is None or size is None or not room(size)["big"]:
        return None
    same = (each for each in text.others if each.program == "ping" and canonical(each.target_address) == target)
    return next((each for each in same if each.succeeded and (_size(each, each.command) or size) < size), None)


def _is_told_before(text: TextWitness | None, target: str | None) -> bool:
    """Whether a router told the MTU of the way in a run beside this one; the kernel keeps it for the next.

    Source: RFC 1191 section 6.3, ip-sysctl, mtu_expires.
    """
    same = (each for each in (text.others if text else ()) if canonical(each.target_address) == target)
    return any(each.id.startswith("icmp.") and each.id.endswith(_TOO_BIG) for run in same for each in run.symptoms)


def room(size: int | None) -> dict[str, bool | None]:
    """What may befall a packet of so many octets of payload and no smaller one."""
    if size is None:
        return {"big": None, "fragmented": None, "in-pieces": None}
    is_in_pieces = size > _WHOLE_ON_ETHERNET
    return {"big": size >= _SMALLEST_BIG, "fragmented": size >= _ETHERNET_PAYLOAD, "in-pieces": is_in_pieces}


def _target(text: TextWitness | None, command: Command | None, target: str | None) -> dict[str, bool | None]:
    options = command.options if command else {}
    address = ip_address(target) if target else None
    is_warned = text is not None and text.has("ping.broadcast-warning")
    is_asked = "b" in options and command is not None and command.kind != "arping"
    is_many = bool(address and address.is_multicast) or is_warned or is_asked
    return {
        "bc": None if command is None and address is None else is_many,
        "directed": None if address is None else _may_be_directed(address),
        "ll": None if address is None else address.is_link_local and address.version == 6,
        "lo": None if address is None else address.is_loopback or None,
        "loopback": None if address is None else address.is_loopback,
        "wire": None if address is None else not address.is_loopback,
        "ttl": None if command is None else command.ttl is not None or command.most_hops is not None,
    }


def _may_be_directed(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address may be the broadcast of a subnet that is not one's own. Source: RFC 1812, 4.2.3.1; RFC 2644.

    The sender's kernel knows no mask of it; a subnet that is worth a broadcast has a few hosts at least.
    """
    return address.version == 4 and int(address) & _ALL_HOSTS == _ALL_HOSTS and not address.is_multicast


def _is_near(text: TextWitness | None, command: Command | None, target: str | None) -> bool | None:
    """False where the sender's address has so little in common with the target's that no prefix can cover both.

    Whoever says that nobody answers is the sender itself or a router; in neither case would the target be on-link.
    """
    speakers = [each.values.get("from") for each in text.all("icmp.")] if text else []
    source = (command.source if command else None) or (text.source if text else None) or (speakers or [None])[0]
    address = canonical(source if isinstance(source, str) else None)
    return None if address is None or target is None else are_near(address, target)


def are_near(source: str, target: str) -> bool | None:
    """False where no prefix that anybody sets covers both addresses, else None."""
    return None if _share(source, target, _SHORTEST_4, _SHORTEST_6) is not False else False


def are_on_wide_link(source: str, target: str) -> bool:
    """Whether only a prefix shorter than most links' covers both: a host may ask for what lies behind a router."""
    return _share(source, target, _USUAL_4, _USUAL_6) is False


def _share(source: str, target: str, bits_4: int, bits_6: int) -> bool | None:
    """Whether the first bits of both addresses are the same; None if they have no such bits in common to compare."""
    one, other = ip_address(source), ip_address(target)
    if one.version != other.version or any(each.is_link_local or each.is_unspecified for each in (one, other)):
        return None
    common = one.max_prefixlen - (int(one) ^ int(other)).bit_length()
    return common >= (bits_4 if one.version == 4 else bits_6)


def _patience(text: TextWitness | None, command: Command | None) -> float | None:
    """Seconds from the first packet to the end of waiting, as the options say. Source: ping(8), -c, -i, -W, -w.

    Without the options the least that the text shows: they may have told it to wait no longer.
    """
    if command is None:
        lasted = [each.values.get("lasted_ms") for each in text.all("echo.statistics")] if text else []
        return lasted[0] / 1000 if lasted and lasted[0] else None
    if command.kind == "connect":
        told = command.deadline_s if command.wait_s is None else command.wait_s
        return inf if told is None else told  # as long as the kernel does
    if command.kind != "ping":
        return None
    sent = (text.counts.sent if text else None) or command.count
    if _is_fping(text):
        return _patience_of_fping(command, sent)
    if sent is None:
        return None
    interval = command.interval_s if command.interval_s is not None else 1.0
    wait = command.wait_s if command.wait_s is not None else _DEFAULT_WAIT_S
    total = (sent - 1) * interval + wait
    return min(total, command.deadline_s) if command.deadline_s is not None else total


def _patience_of_fping(command: Command, sent: int | None) -> float:
    """Four requests, each for half as long again, or as many as it was told. Source: fping(8), -c, -p, -t, -r, -B."""
    if command.count is None:
        return 8 * (command.wait_s or 0.5)
    interval = command.interval_s if command.interval_s is not None else 1.0
    wait = command.wait_s if command.wait_s is not None else min(interval, 2.0)
    return ((sent or command.count) - 1) * interval + wait
