"""A command line, read into what it asks of the network; nothing is ever run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from explain.symptoms.addresses import canonical, family_of
from explain.symptoms.commands.grammars import ALIASES, GRAMMARS, STATE, Grammar
from explain.symptoms.commands.wrappers import unwrap, words_of

Options = Mapping[str, str | bool]


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody typed.

    Attributes:
        text: the line as typed, without its prompt.
        program: name of the program (``ping``, ``nc``), without path; ``kind`` is what it does.
        kind: ping, arping, traceroute, tracepath, mtr, connect, lookup, dhcp-client, capture or state, else None.
        words: the bare command, without sudo, ``ip netns exec`` and their like.
        node: the host, container or namespace that a wrapper names.
        target: host or address as typed; ``port`` where the program takes one.
        family: 4 or 6 if an option or the target's form settles it.
        count, size, ttl: packets, octets of payload, first time to live.
        most_hops: how far a trace goes at the most.
        mark, tos: the firewall mark and the octet of the type of service that the packets get.
        interval_s, wait_s, deadline_s: between packets, for an answer, for all; seconds.
        pmtu: ``do``, ``dont``, ``want``, ``probe`` of ``-M``.
        interface, source: what ``-I`` and its like name; never both from one word.
        options: every option with its value (True for a flag).
    """

    text: str
    program: str
    kind: str | None
    words: tuple[str, ...]
    node: str | None = None
    is_privileged: bool = False
    target: str | None = None
    port: int | None = None
    family: int | None = None
    count: int | None = None
    size: int | None = None
    ttl: int | None = None
    most_hops: int | None = None
    mark: int | None = None
    tos: int | None = None
    interval_s: float | None = None
    wait_s: float | None = None
    deadline_s: float | None = None
    pmtu: str | None = None
    interface: str | None = None
    source: str | None = None
    options: Options = field(default_factory=dict)


_COUNTS = ("count", "size", "ttl", "most_hops", "port")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z|\.[0-9]+\Z")
_C_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,8}\Z|0[0-7]{0,11}\Z|[1-9][0-9]{0,9}\Z")
_DEV_TCP = re.compile(r"/dev/(?:tcp|udp)/([^/\s'\"]+)/(\w+)")
_PYTHON = re.compile(r"python[\d.]*\b.*?\(\s*['\"]([^\s'\"]+)['\"]\s*,\s*(\d+)\s*[,)]", re.DOTALL)


def parse_command(text: str, dialect: str | None = None) -> Command | None:
    """The command of a line (without prompt), or None if there is none.

    Args:
        text: the line; only its first simple command is read, and at most 4096 characters.
        dialect: ``bsd`` or ``windows`` where the output shows it: their letters mean other things.
    """
    wrapped = unwrap(words_of(text.strip()))
    if (pseudo := _DEV_TCP.search(text[:4096]) or _PYTHON.search(text[:4096])) is not None:
        port = int(pseudo.group(2)) if pseudo.group(2).isdigit() and len(pseudo.group(2)) < 6 else None
        host = pseudo.group(1)
        return Command(
            text.strip(),
            "bash" if pseudo.re is _DEV_TCP else "python",
            "connect",
            words_of(text),
            wrapped.node,
            target=host,
            port=port,
            family=family_of(host),
        )
    if not wrapped.words:
        return None
    program = re.split(r"[/\\]", wrapped.words[0])[-1].lower().removesuffix(".exe")
    name = ALIASES.get(program, program)
    grammar = GRAMMARS.get(f"{name}.{dialect}") or GRAMMARS.get(name)
    kind = grammar.kind if grammar else "state" if name in STATE else None
    bare = Command(text.strip(), program, kind, wrapped.words, wrapped.node, wrapped.is_privileged)
    if grammar is None:
        return bare
    options, operands = _options(wrapped.words[1:], grammar, slashes=dialect == "windows" or name == "tracert")
    return _fill(replace(bare, options=options), grammar, operands, name)


def _options(words: tuple[str, ...], grammar: Grammar, slashes: bool) -> tuple[dict[str, str | bool], list[str]]:
    options: dict[str, str | bool] = {}
    operands: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        following = words[at] if at < len(words) else None
        if word == "--":
            operands += words[at:]
            break
        if slashes and len(word) == 2 and word.startswith("/"):
            word = "-" + word[1:]
        if word.startswith("--"):
            name, has_value, value = word[2:].partition("=")
            options[name] = value if has_value else True
            if not has_value and name in grammar.long_with_value and following is not None:
                options[name], at = following, at + 1
        elif len(word) > 1 and word.startswith("-"):
            if grammar.has_long_dash and len(word) > 2:
                takes = word[1:] in grammar.long_with_value and following is not None
                options[word[1:]], at = (following, at + 1) if takes and following is not None else (True, at)
                continue
            at += _letters(word[1:], following, grammar, options)
        else:
            operands.append(word)
    return options, operands


def _letters(cluster: str, following: str | None, grammar: Grammar, options: dict[str, str | bool]) -> int:
    """Reads ``-nc3`` and ``-c 3``; the number of further words that it used."""
    for index, letter in enumerate(cluster):
        if letter not in grammar.with_value:
            options[letter] = True
            continue
        rest = cluster[index + 1 :]
        if rest:
            options[letter] = rest
            return 0
        options[letter] = following if following is not None else True
        return 0 if following is None else 1
    return 0


def _number(text: str | bool | None) -> float | None:
    return float(text) if isinstance(text, str) and len(text) < 16 and _NUMBER.match(text) else None


def _whole(text: str | bool | None) -> int | None:
    number = _number(text)
    return int(number) if number is not None else None


def _as_c_reads(text: str | bool | None) -> int | None:
    """A number as C reads it. Source: strtol(3), base 0."""
    if not isinstance(text, str) or (found := _C_NUMBER.match(text)) is None:
        return None
    return int(found[0], 16 if found[0][:2].lower() == "0x" else 8 if found[0][0] == "0" else 10)


def _fill(command: Command, grammar: Grammar, operands: list[str], name: str) -> Command:
    found: dict[str, object] = {}
    for option, meant in grammar.meaning.items():
        value = command.options.get(option)
        if meant in _COUNTS and value is not None:
            found[meant] = _whole(value)
        elif meant in {"mark", "tos"} and value is not None:
            found[meant] = _as_c_reads(value)
        elif meant.endswith("_ms") and (number := _number(value)) is not None:
            found[meant.replace("_ms", "_s")] = number / 1000
        elif meant.endswith("_s") and value is not None:
            found[meant] = _number(value)
        elif meant == "from" and isinstance(value, str):
            found |= _from(value)
        elif isinstance(value, str):
            found[meant] = canonical(value) or value
    target, port = _target(command, operands, name)
    found["target"] = target
    found.setdefault("port", port)
    found["family"] = _family(command, target, found.get("source"))
    return replace(command, **found)  # type: ignore[arg-type] # the keys are those of meaning


def _from(value: str) -> dict[str, object]:
    """``-I``: an address, an address with its interface, or else the name of an interface."""
    bare, _, scope = value.partition("%")
    value = value.removeprefix("if!").removeprefix("host!")
    address = canonical(bare)
    if address:
        return {"source": canonical(value) or address, **({"interface": scope} if scope else {})}
    return {"interface": value}


def _target(command: Command, operands: list[str], name: str) -> tuple[str | None, int | None]:
    if name == "dig":
        names = [each for each in operands if not each.startswith(("@", "+")) and each.upper() not in _TYPES]
        return (names[0] if names else None), None
    if name in ("getent", "resolvectl"):
        return (operands[1] if len(operands) > 1 else None), None
    if name in {"dhclient", "dhcpcd"}:
        return None, None
    if not operands:
        return None, None
    if command.kind == "ping" or name in ("tracepath", "mtr"):
        return operands[-1], None
    if name in ("curl", "wget"):
        return _url(operands[0])
    if name == "ssh":
        return operands[0].rsplit("@", 1)[-1], 22
    if GRAMMARS[name].has_port and len(operands) > 1:
        return operands[0], _whole(operands[1])
    return operands[0], None


_TYPES = frozenset(
    [
        "A",
        "AAAA",
        "MX",
        "NS",
        "SOA",
        "TXT",
        "PTR",
        "CNAME",
        "SRV",
        "ANY",
        "IN",
        "CH",
        "DS",
        "DNSKEY",
        "CAA",
        "HTTPS",
        "SVCB",
        "NAPTR",
    ]
)
_PORTS = {"http": 80, "https": 443, "ftp": 21, "telnet": 23}
_URL = re.compile(r"(?:([a-z0-9+.-]+)://)?(?:[^/@\s]*@)?(\[[^\]\s]*\]|[^/:?#\s]+)(?::(\d{1,5}))?", re.IGNORECASE)


def _url(text: str) -> tuple[str | None, int | None]:
    match = _URL.match(text[:2048])
    if match is None:
        return None, None
    scheme = (match.group(1) or "http").lower()
    return match.group(2).strip("[]"), int(match.group(3)) if match.group(3) else _PORTS.get(scheme)


def _family(command: Command, target: str | None, source: object) -> int | None:
    if "6" in command.options or "ipv6" in command.options or command.program.endswith("6"):
        return 6
    if "4" in command.options or "ipv4" in command.options or command.program.endswith("4"):
        return 4
    return family_of(target) or (family_of(source) if isinstance(source, str) else None)
