"""What sysctl, iptables, bridge and ss print for people, in the form of the state file.

Source: sysctl(8), iptables(8), iptables-save(8), bridge(8), ss(8), netstat(8).
"""

# ruff: noqa: E501 - one form of output a row reads better than a pattern in pieces

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = dict[str, Any]

MOST_ROWS = 20_000

_SYSCTL = re.compile(r"(?P<name>(?:net|kernel|vm|fs|user|dev)(?:[./][\w*-]{1,64}){1,8}) ?= ?(?P<value>.*)")


def read_sysctl(lines: Iterable[str], asked: Sequence[str] = ()) -> dict[str, str]:
    """``sysctl``: name and value; ``sysctl -n`` and ``cat /proc/sys/...`` print values only, in the order asked.

    Args:
        lines: the output.
        asked: names (with dots or slashes, with or without /proc/sys/) from the command.
    """
    found: dict[str, str] = {}
    bare: list[str] = []
    for line in list(lines)[:MOST_ROWS]:
        if match := _SYSCTL.match(line.strip()):
            found[match.group("name").replace("/", ".")] = match.group("value").strip()
        elif re.fullmatch(r"[\d\s-]{1,64}", line.strip()) and line.strip():
            bare.append(line.strip())
    if not found and len(bare) == len(asked):
        return {
            name.removeprefix("/proc/sys/").replace("/", "."): value for name, value in zip(asked, bare, strict=True)
        }
    return found


_SAVE = re.compile(r"(?:\[\d+:\d+\] )?-[AIN] |[*:][\w-]|COMMIT\b|# (?:Generated|Completed|Warning)")


def read_iptables_save(lines: Iterable[str]) -> list[str]:
    """``iptables-save``: its lines, without what is not its own."""
    return [line.strip() for line in list(lines)[:MOST_ROWS] if _SAVE.match(line.strip())]


def read_iptables_rules(lines: Iterable[str], table: str) -> list[str]:
    """``iptables -S``: the same rules as lines of ``iptables-save``.

    Args:
        lines: the output.
        table: of ``-t``, else filter.
    """
    chains: list[str] = []
    rules: list[str] = []
    for line in list(lines)[:MOST_ROWS]:
        words = line.split()
        if len(words) == 3 and words[0] == "-P":
            chains.append(f":{words[1]} {words[2]} [0:0]")
        elif len(words) == 2 and words[0] == "-N":
            chains.append(f":{words[1]} - [0:0]")
        elif len(words) > 2 and words[0] == "-A":
            rules.append(line.strip())
    return [f"*{table}", *chains, *rules, "COMMIT"] if chains or rules else []


_CHAIN = re.compile(
    r"Chain (?P<chain>\S+) \((?:policy (?P<policy>[A-Z]+)(?: (?P<packets>\d+[KMG]?) packets, \S+ bytes)?|(?P<references>\d+) references)\)"
)
_COUNT = re.compile(r"\d+[KMG]?\Z")


def read_iptables_list(lines: Iterable[str], table: str) -> list[Row]:
    """``iptables -L``, with and without ``-v -n --line-numbers``: chains with their rules.

    Without ``-v`` the interfaces are not shown: ``in`` and ``out`` are then absent, that is unknown, and such a rule
    cannot be held to apply (or not to apply) to a packet.
    """
    chains: list[Row] = []
    columns: list[str] = []
    for line in list(lines)[:MOST_ROWS]:
        if chain := _CHAIN.match(line.strip()):
            chains.append({"table": table, "chain": chain.group("chain"), "policy": chain.group("policy"), "rules": []})
        elif "target" in line.split() and "prot" in line.split():
            columns = line.split()
        elif chains and line.strip():
            rule = _listed(line.split(), columns)
            if rule:
                chains[-1]["rules"].append(rule)
    return chains


_PROTOCOLS = frozenset(
    ("all", "tcp", "udp", "icmp", "icmpv6", "ipv6-icmp", "sctp", "esp", "ah", "gre", "udplite", "mh")
)


def _listed(words: list[str], columns: list[str]) -> Row | None:
    row: Row = {}
    if columns[:1] == ["num"] and words and words[0].isdigit():
        row["number"] = int(words.pop(0))
    if "pkts" in columns and len(words) > 1 and _COUNT.match(words[0]):
        row |= {"packets": words.pop(0), "bytes": words.pop(0)}
    names = [name for name in columns if name not in ("num", "pkts", "bytes")]
    has_target = len(words) >= len(names) - 1 and not (words and (words[0] in _PROTOCOLS or words[0].isdigit()))
    if not has_target and names[:1] == ["target"]:
        names = names[1:]
    if len(words) < len(names):
        return None
    row |= dict(zip(names, words, strict=False))
    row["options"] = " ".join(words[len(names) :])
    return row


_FDB = re.compile(r"(?P<mac>(?:[0-9a-f]{2}:){5}[0-9a-f]{2}) dev (?P<dev>\S+)(?P<rest>.*)", re.IGNORECASE)


def read_fdb(lines: Iterable[str]) -> list[Row]:
    """``bridge fdb``, as rows of ``bridge -j fdb``."""
    rows: list[Row] = []
    for line in list(lines)[:MOST_ROWS]:
        match = _FDB.match(line.strip())
        if match is None:
            continue
        words = match.group("rest").split()
        row: Row = {"mac": match.group("mac").lower(), "ifname": match.group("dev")}
        row["flags"] = [
            word for word in words if word in ("self", "sticky", "extern_learn", "offload", "added_by_user")
        ]
        for key in ("vlan", "master", "dst"):
            if key in words[:-1]:
                value = words[words.index(key) + 1]
                row[key] = int(value) if key == "vlan" and value.isdigit() else value
        row["state"] = next((word for word in words if word in ("permanent", "static", "stale")), "")
        rows.append(row)
    return rows


_PORT = re.compile(r"(?P<index>\d{1,9}): (?P<name>[^\s:@]{1,64})(?:@\S+)?: <(?P<flags>[A-Z0-9_,-]*)>(?P<rest>.*)")
_SWITCHES = frozenset(
    (
        "hairpin", "guard", "root_block", "fastleave", "learning", "flood", "mcast_flood", "bcast_flood", "mcast_to_unicast", "neigh_suppress",
        "vlan_tunnel", "isolated", "locked",
    )
)  # fmt: skip


def read_bridge_links(lines: Iterable[str]) -> list[Row]:
    """``bridge link`` (with ``-d`` its switches), as rows of ``bridge -j link``."""
    rows: list[Row] = []
    for line in list(lines)[:MOST_ROWS]:
        head = _PORT.match(line.strip())
        if head:
            rows.append(
                {
                    "ifindex": int(head.group("index")),
                    "ifname": head.group("name"),
                    "flags": head.group("flags").split(","),
                }
            )
        elif not rows:
            continue
        words = (head.group("rest") if head else line).split()
        for key, value in itertools.pairwise(words):
            if key in ("mtu", "priority", "cost") and value.isdigit():
                rows[-1][key] = int(value)
            elif key in ("master", "state"):
                rows[-1][key] = value
            elif key in _SWITCHES and value in ("on", "off"):
                rows[-1][key] = value == "on"
    return rows


_SOCKET = re.compile(
    r"(?:(?P<net>tcp|udp|u_str|u_dgr|nl|icmp6?|raw|p_raw|p_dgr|v_str|sctp|mptcp)\s+)?(?P<state>LISTEN|ESTAB|UNCONN|SYN-SENT|SYN-RECV|TIME-WAIT|CLOSE-WAIT|FIN-WAIT-[12]|LAST-ACK|CLOSING|CLOSE)\s+(?P<rest>\d+\s+\d+\s+\S+.*)"
)
_NETSTAT = re.compile(
    r"(?P<net>tcp|udp)6?\s+(?P<queues>\d+\s+\d+)\s+(?P<local>\S+)\s+(?P<peer>\S+)(?:\s+(?P<state>[A-Z_]{4,12}))?(?:\s.*)?\Z"
)
_NETSTAT_STATES = {
    "ESTABLISHED": "ESTAB",
    "SYN_SENT": "SYN-SENT",
    "SYN_RECV": "SYN-RECV",
    "TIME_WAIT": "TIME-WAIT",
    "CLOSE_WAIT": "CLOSE-WAIT",
}


def read_sockets(lines: Iterable[str], protocol: str | None) -> list[str]:
    """``ss`` and ``netstat``, as lines of ``ss`` with the protocol in front.

    Args:
        lines: the output.
        protocol: tcp or udp where the command asked for one only; ``ss`` then leaves the column out.
    """
    found: list[str] = []
    for line in list(lines)[:MOST_ROWS]:
        if (one := _SOCKET.match(line.strip())) and (one.group("net") or protocol):
            found.append(f"{one.group('net') or protocol} {one.group('state'):<8} {one.group('rest')}")
        elif old := _NETSTAT.match(line.strip()):
            state = _NETSTAT_STATES.get(old.group("state") or "UNCONN", old.group("state") or "UNCONN")
            found.append(
                f"{old.group('net')} {state:<8} {old.group('queues')} {old.group('local')} {old.group('peer')}"
            )
    return found
