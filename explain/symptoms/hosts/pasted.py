"""Pasted output of ``ip``, sysctl, iptables, bridge and ss, gathered host by host in the form of the state file.

Reads what is printed; what the text does not show stays unknown.  The readers know a command by the prompt above it,
and without a prompt by the look of the lines.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explain.symptoms.hosts.conntrack import read_conntrack
from explain.symptoms.hosts.in_json import is_json, read_lists, read_rows
from explain.symptoms.hosts.links import read_links
from explain.symptoms.hosts.looks import NO_SHOW, segments
from explain.symptoms.hosts.others import (
    read_bridge_links,
    read_fdb,
    read_iptables_list,
    read_iptables_rules,
    read_iptables_save,
    read_sockets,
    read_sysctl,
)
from explain.symptoms.hosts.routes import read_neighbours, read_old_routes, read_routes, read_rules
from explain.symptoms.transcript.blocks import Block, read_transcript
from explain.symptoms.witness import NothingUsableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from explain.symptoms.commands.command import Command
    from explain.symptoms.transcript.cleaning import TextLine


@dataclass(frozen=True, slots=True)
class HostText:
    """What a text shows of one host.

    Attributes:
        node: its name, None where no prompt names it.
        state: the dict of a state file, keys as in the contract; besides ``iptables_list`` (``iptables -L``),
            ``nft_text`` (lines of ``nft list``, which stand in for an absent ``nft``), ``route_get`` (``ip route get``)
            and ``netns`` (names).
        partial: keys of which the command asked for a part only (one device, one table, one chain).
    """

    node: str | None
    state: Mapping[str, Any]
    partial: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gathered:
    state: dict[str, Any] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)

    def take(self, key: str, value: Any, is_part: bool) -> None:
        """Later output replaces earlier of the same kind; parts are added to what is there."""
        before = self.state.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and key == "sysctl":
            value = {**before, **value}
        elif isinstance(value, list) and isinstance(before, list) and (is_part or key in _ADDED):
            value = [*before, *(each for each in value if each not in before)]
        elif not is_part:
            self.partial.discard(key)
        self.state[key] = value
        if is_part:
            self.partial.add(key)


_ADDED = frozenset({"iptables_save", "ip6tables_save", "iptables_list", "route_get", "sockets"})


def read_hosts(text: str | bytes, *, path: str = "text") -> tuple[HostText, ...]:
    """Every host whose state a text shows, in the order in which they first appear.

    Raises:
        NothingUsableError: the text is empty, binary, or shows no state of any host.
    """
    hosts = hosts_of(read_transcript(text, path).blocks)
    if not hosts:
        raise NothingUsableError(path, "unread.no_tables")
    return hosts


def hosts_of(blocks: Iterable[Block]) -> tuple[HostText, ...]:
    """Every host whose state some blocks of a text show, in the order in which they first appear."""
    hosts: dict[str | None, _Gathered] = {}
    for block in blocks:
        for key, value, is_part in read_block(block):
            hosts.setdefault(block.node, _Gathered()).take(key, value, is_part)
    return tuple(HostText(node, found.state, tuple(sorted(found.partial))) for node, found in hosts.items())


Found = list[tuple[str, Any, bool]]


def read_block(block: Block) -> Found:
    """What one block shows of its host: key of the state file, value, and whether it is a part only."""
    lines = [line.text for line in block.lines]
    command = block.command
    if command is None:
        return [] if block.is_prose else _by_look(block.lines)
    if command.program in {"ip", "bridge", "nft"} and is_json(command):
        rows = read_rows(lines)
        return [] if rows is None else _in_json(command, rows)
    if command.program == "ip":
        return _ip(command, lines)
    if command.program == "conntrack" or command.words[-1].endswith("/nf_conntrack"):
        is_part = len(command.words) > 2 and command.program == "conntrack"
        return [] if (flows := read_conntrack(lines)) is None else [("conntrack", flows, is_part)]
    if command.program in ("cat", "sysctl"):
        asked = [word for word in command.words[1:] if "/" in word or "." in word]
        values = read_sysctl(lines, [word for word in asked if word.startswith(("/proc/sys/", "net", "kernel"))])
        return [("sysctl", values, True)] if values else []
    return _other(command, lines)


_OBJECTS = {
    "a": "addr",
    "l": "link",
    "r": "route",
    "ro": "route",
    "ru": "rule",
    "n": "neigh",
    "ne": "netns",
    "neig": "neigh",
}


def _in_json(command: Command, rows: list[dict[str, Any]]) -> Found:
    words = command.words
    if command.program == "ip":
        return _ip(command, (), rows)
    if command.program == "nft":
        return [("nft", rows, "ruleset" not in words)]
    return [("fdb" if "fdb" in words else "bridge_link", rows, "dev" in words or "br" in words)]


def _ip(command: Command, lines: Sequence[str], rows: list[dict[str, Any]] | None = None) -> Found:
    """What ``ip`` showed in lines, or in rows where it was asked for JSON."""
    words = [word for word in command.words[1:] if not word.startswith("-")]
    options = {word for word in command.words[1:] if word.startswith("-")}
    is_6 = bool(options & {"-6", "-f6"})
    if not words:
        return []
    name = next(
        (full for full in ("addr", "link", "route", "rule", "neigh", "netns") if words[0] in (full, _FULL.get(full))),
        None,
    )
    name = name or _OBJECTS.get(words[0])
    verb = words[1] if len(words) > 1 else "show"
    if name is None or verb in NO_SHOW:
        return []
    is_part = len(words) > 2 or (len(words) == 2 and verb not in _SHOW)
    if name in ("addr", "link"):
        return _rows(name, read_links(lines) if rows is None else rows, is_part)
    if name == "netns":
        names = [line.split()[0] for line in lines if line.strip()] if rows is None else [row["name"] for row in rows]
        return [("netns", names, False)]
    if name == "neigh":
        known, proxied = read_neighbours(lines) if rows is None else _without_proxies(rows)
        own = [] if "proxy" in words else _rows("neigh", known, is_part)
        return own + ([("proxy", proxied, is_part)] if proxied else [])
    if name == "rule":
        return _rows("rule6" if is_6 else "rule", read_rules(lines) if rows is None else rows, is_part)
    routes = read_routes(lines) if rows is None else rows
    if verb == "get":
        return _rows("route_get", routes, True)
    table = next((value for key, value in itertools.pairwise(words) if key in ("table", "vrf")), None)
    return _routes([_of_table(row, table) for row in routes], lines, is_6, is_part)


def _without_proxies(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return [row for row in rows if "proxy" not in row], [row for row in rows if "proxy" in row]


def _of_table(row: dict[str, Any], table: str | None) -> dict[str, Any]:
    """A route with the table that was asked for, of which ``ip`` says nothing in its lines.  Source: ip-route(8)."""
    return row if table in {None, "all", "main"} else {"table": table, **row}


_FULL = {"addr": "address", "neigh": "neighbour", "route": "routes"}
_SHOW = frozenset(("show", "list", "ls", "sh", "lst", "s", "l"))


def _rows(key: str, rows: list[Any], is_part: bool) -> Found:
    return [(key, rows, is_part)]


def _routes(rows: list[dict[str, Any]], lines: Sequence[str], is_6: bool, is_part: bool) -> Found:
    """Routes by family; an empty answer to ``ip route`` is a fact too: there is none."""
    if any(line.strip() for line in lines) and not rows:
        return []
    if is_6 or any(":" in str(row.get("dst", "")) or ":" in str(row.get("gateway", "")) for row in rows):
        return [("route6", rows, is_part)]
    return [("route", rows, is_part)]


def _other(command: Command, lines: Sequence[str]) -> Found:
    words, program = command.words, command.program
    if program.startswith(("iptables", "ip6tables")):
        return _iptables(words, program, lines)
    if program in ("ss", "netstat"):
        return _sockets(words, program, lines)
    if program == "bridge":
        is_fdb = len(words) > 1 and "fdb" in words
        rows = read_fdb(lines) if is_fdb else read_bridge_links(lines)
        return [("fdb" if is_fdb else "bridge_link", rows, "dev" in words or "br" in words)]
    if program == "route":
        return _old_routes(lines)
    if program == "arp":
        return [("neigh", read_neighbours(lines)[0], False)]
    if program == "nft" and "list" in words:
        return [("nft_text", [line for line in lines if line.strip()], words[1:3] != ("list", "ruleset"))]
    return []


def _old_routes(lines: Sequence[str]) -> Found:
    """Routes as net-tools lists them; the tables of BSD, macOS and Windows are not read, and so they are not empty."""
    rows = read_old_routes(lines)
    is_of_linux = any(line.startswith("Kernel IP") for line in lines)
    return [("route", rows, False)] if rows or is_of_linux else []


def _letters(words: Sequence[str]) -> str:
    return "".join(word[1:] for word in words[1:] if word.startswith("-") and not word.startswith("--"))


def _iptables(words: Sequence[str], program: str, lines: Sequence[str]) -> Found:
    key = "ip6tables_save" if program.startswith("ip6") else "iptables_save"
    if program.endswith("-save"):
        saved = read_iptables_save(lines)
        return [(key, saved, False)] if saved or not any(line.strip() for line in lines) else []
    table = words[words.index("-t") + 1] if "-t" in words[:-1] else "filter"
    if "S" in _letters(words) or "--list-rules" in words:
        return [(key, rules, True)] if (rules := read_iptables_rules(lines, table)) else []
    if "L" in _letters(words) or "--list" in words:
        return [("iptables_list", chains, True)] if (chains := read_iptables_list(lines, table)) else []
    return []


def _sockets(words: Sequence[str], program: str, lines: Sequence[str]) -> Found:
    letters = _letters(words)
    if program == "netstat" and "r" in letters:
        return _old_routes(lines)
    asked = [name for name, letter in (("tcp", "t"), ("udp", "u")) if letter in letters]
    sockets = read_sockets(lines, asked[0] if len(asked) == 1 else None)
    return [("sockets", sockets, len(asked) < 2 or "l" in letters)]


def _by_look(lines: Sequence[TextLine]) -> Found:
    """Output without a command above it: each part by its look; whether it was all of its table nobody knows."""
    return [
        (key, value, True)
        for kind, part in segments(lines)
        for key, value in _of_kind(kind, [line.text for line in part])
        if value
    ]


def _of_kind(kind: str | None, lines: Sequence[str]) -> Sequence[tuple[str, Any]]:
    match kind:
        case "ip-link" | "ip-address":
            links = read_links(lines)
            return [("addr" if any("addr_info" in row for row in links) else "link", links)]
        case "ip-route" if old := read_old_routes(lines):
            return [("route", old)]
        case "ip-route":
            routes = read_routes([line for line in lines if not _ANSWER.search(line)])
            return [
                ("route_get", read_routes([line for line in lines if _ANSWER.search(line)])),
                ("route", [row for row in routes if not _is_6(row)]),
                ("route6", [row for row in routes if _is_6(row)]),
            ]
        case "ip-neighbour":
            known, proxied = read_neighbours(lines)
            return [("neigh", known), ("proxy", proxied)]
        case "ip-rule":
            return _rules(read_rules(lines))
        case "json":
            return [(key, rows) for key, rows in read_lists(lines)]
        case "iptables":
            return [("iptables_list", read_iptables_list(part, _table(part))) for part in _tables(lines)]
        case "iptables-save" if lines[0].startswith("-"):
            return [("iptables_save", read_iptables_rules(lines, "filter"))]
    if kind not in _BY_LOOK:
        return []
    key, read = _BY_LOOK[kind]
    return [(key, read(lines))]


def _rules(rows: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Rules by family: IPv6 has no third rule of its own.  Source: fib_default_rules_init(), fib6_rules_net_init()."""
    starts = [at for at, row in enumerate(rows) if at == 0 or row["priority"] < rows[at - 1]["priority"]]
    parts = [rows[at:end] for at, end in zip(starts, [*starts[1:], len(rows)], strict=True)]
    return [("rule6" if _are_6(part) else "rule", part) for part in parts]


def _are_6(rows: list[dict[str, Any]]) -> bool:
    ends = [str(row.get(key, "")) for row in rows for key in ("src", "dst")]
    own = {row["priority"] for row in rows}
    return any(":" in end for end in ends) or (
        _LAST_OF_BOTH in own and _LAST_OF_IPV4 not in own and not any("." in end for end in ends)
    )


_LAST_OF_BOTH, _LAST_OF_IPV4 = 32766, 32767


def _tables(lines: Sequence[str]) -> list[list[str]]:
    """A listing of iptables cut where the next table begins: with PREROUTING, or with a chain that was there."""
    parts: list[list[str]] = [[]]
    seen: set[str] = set()
    for line in lines:
        chain = line.split()[1] if line.startswith("Chain ") else ""
        if chain and seen and (chain in seen or chain == "PREROUTING"):
            parts.append([])
            seen = set()
        seen |= {chain} - {""}
        parts[-1].append(line)
    return parts


def _table(lines: Sequence[str]) -> str:
    """Whose chains and targets these are.  Source: iptables(8), TABLES; iptables-extensions(8), TARGET EXTENSIONS."""
    words = [line.split() for line in lines]
    chains = {each[1] for each in words if each[:1] == ["Chain"]}
    for table, targets in _TARGETS.items():
        if any(targets & set(each[:4]) for each in words):
            return table
    if "PREROUTING" not in chains:
        return "nat" if chains == {"POSTROUTING"} else "filter"
    return "mangle" if "FORWARD" in chains else "raw" if chains == {"PREROUTING", "OUTPUT"} else "nat"


_TARGETS = {
    "nat": {"DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP"}, "raw": {"CT", "NOTRACK"},
    "mangle": {"MARK", "CONNMARK", "TCPMSS", "TTL", "HL", "DSCP", "TOS"},
}  # fmt: skip
"""Targets that one table alone may have, or has nearly always."""
_BY_LOOK: Mapping[str | None, tuple[str, Callable[[Sequence[str]], Any]]] = {
    "bridge-fdb": ("fdb", read_fdb),
    "bridge-link": ("bridge_link", read_bridge_links),
    "sysctl": ("sysctl", read_sysctl),
    "iptables-save": ("iptables_save", read_iptables_save),
    "conntrack": ("conntrack", read_conntrack),
    "nft": ("nft_text", lambda lines: [line for line in lines if line.strip()]),
    "sockets": ("sockets", lambda lines: read_sockets(lines, _protocol(lines))),
}
"""The key of the state file, and what reads it, of each kind that ``_of_kind`` does not know better."""
_STATES = {"tcp": re.compile(r"LISTEN|SYN-|TIME-WAIT|CLOS|FIN-|LAST-"), "udp": re.compile("UNCONN")}
_ANSWER = re.compile(r"^\S+ from \S+ |\buid \d+\s*\Z")  # to ``ip route get``


def _protocol(lines: Sequence[str]) -> str | None:
    """Of sockets that ``ss`` shows without their protocol, as it does where one was asked for: by their states."""
    having = [name for name, state in _STATES.items() if any(state.match(line) for line in lines)]
    return having[0] if len(having) == 1 else None


def _is_6(row: Mapping[str, Any]) -> bool:
    return ":" in f"{row.get('dst', '')}{row.get('gateway', '')}{row.get('prefsrc', '')}"
