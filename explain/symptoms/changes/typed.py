"""What typed commands would change in a network: parsed from a closed list of forms, never run.

Source: sysctl(8), iptables(8), nft(8).
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from explain.symptoms.changes.change import Change
from explain.symptoms.changes.ip import ip_changes
from explain.symptoms.changes.legacy import legacy_changes
from explain.symptoms.commands.wrappers import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_COMMANDS = 40
_MOST_WORDS = 200
_BREAKS = frozenset({";", "&&", "||", "&", "|"})


def changes_of(text: str, node: str | None) -> Iterator[Change]:
    """The changes that a line of a shell would make, in order.

    Args:
        text: the line, without its prompt.
        node: the host that the prompt names.
    """
    for words in _simple_commands(text):
        bare = unwrap(words)
        where = bare.node or node
        if not bare.words:
            continue
        program = bare.words[0].rsplit("/", 1)[-1]
        rest = list(bare.words[1:])
        if program == "ip":
            yield from ip_changes(rest, where)
        elif program == "sysctl":
            yield from _sysctl(rest, where)
        elif program in ("echo", "printf", "tee"):
            yield from _written(words, where)
        elif program in ("brctl", "ifconfig", "route"):
            yield from legacy_changes(program, rest, where)
        elif program in ("iptables", "ip6tables"):
            yield from _iptables(program, rest, where)
        elif program == "nft" and rest[:1] and rest[0] in ("add", "insert", "delete", "flush", "create"):
            yield Change("nft", where, {"words": tuple(rest)})


_CHANGERS = frozenset(
    "dhclient udhcpc dhcpcd ifup ifdown reboot iptables-restore iptables-legacy-restore wg-quick".split()  # noqa: SIM905
)
_MAY_CHANGE = frozenset("systemctl service nmcli netplan ufw firewall-cmd nft wg docker".split())  # noqa: SIM905
_TO_CHANGE = frozenset(
    "up down start stop restart reload apply try connect disconnect enable disable allow deny mod modify add insert"  # noqa: SIM905
    " delete flush set -f --file --reload".split()
)


def hosts_changed(text: str, node: str | None) -> frozenset[str | None]:
    """The hosts on which a line of a shell changes something, also where nobody can tell what.

    Args:
        text: the line, without its prompt.
        node: the host that the prompt names.
    """
    found = {change.node for change in changes_of(text, node)}
    for words in _simple_commands(text):
        bare = unwrap(words)
        program = bare.words[0].rsplit("/", 1)[-1] if bare.words else ""
        if program in _CHANGERS or (program in _MAY_CHANGE and _TO_CHANGE & set(bare.words[1:])):
            found.add(bare.node or node)
    return frozenset(found)


def _simple_commands(text: str) -> Iterator[tuple[str, ...]]:
    lexer = shlex.shlex(text[:4096], posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    found: list[str] = []
    count = 0
    try:
        for word in lexer:
            if word in _BREAKS:
                if found:
                    yield tuple(found)
                found, count = [], count + 1
                if count >= _MOST_COMMANDS:
                    return
            elif len(found) < _MOST_WORDS:
                found.append(word)
    except ValueError:  # a quotation that never ends
        return
    if found:
        yield tuple(found)


def _sysctl(words: list[str], node: str | None) -> Iterator[Change]:
    for word in words:
        name, equals, value = word.partition("=")
        if equals and "." in name.replace("/", "."):
            yield Change("sysctl", node, {"name": name.replace("/", "."), "value": value})


_PROC = re.compile(r"/proc/sys/((?:net|kernel)(?:/[\w.-]+){1,8})")


def _written(words: Sequence[str], node: str | None) -> Iterator[Change]:
    """``echo 1 > /proc/sys/net/ipv4/ip_forward``."""
    target = next((match for word in words if (match := _PROC.search(word))), None)
    value = next((word for word in words[1:] if re.fullmatch(r"-?\d{1,10}", word)), None)
    if target and value is not None:
        yield Change("sysctl", node, {"name": target.group(1).replace("/", "."), "value": value})


_IPTABLES = {"A": "append", "I": "insert", "D": "delete", "P": "policy", "F": "flush", "append": "append",
             "insert": "insert", "delete": "delete", "policy": "policy", "flush": "flush"}  # fmt: skip


def _iptables(program: str, words: list[str], node: str | None) -> Iterator[Change]:
    table = words[words.index("-t") + 1] if "-t" in words[:-1] else "filter"
    rest = [word for at, word in enumerate(words) if word != "-t" and (at == 0 or words[at - 1] != "-t")]
    at = next(
        (index for index, word in enumerate(rest) if word.lstrip("-") in _IPTABLES and word.startswith("-")), None
    )
    if at is None:
        return
    action = _IPTABLES[rest[at].lstrip("-")]
    chain = rest[at + 1] if at + 1 < len(rest) and not rest[at + 1].startswith("-") else None
    rule = [*rest[:at], *rest[at + (2 if chain else 1) :]]
    if action == "insert" and rule and rule[0].isdigit():
        rule = rule[1:]
    family = 6 if program == "ip6tables" else 4
    yield Change(
        "iptables", node, {"table": table, "chain": chain, "action": action, "rule": tuple(rule), "family": family}
    )
