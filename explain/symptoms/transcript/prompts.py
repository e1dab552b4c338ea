"""Prompts: where on a line a person began to type, and on which host.

A bare ``#``, ``%`` or ``>`` is a prompt only before a command that is known here, for headings and quotations
look the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from explain.symptoms.commands.command import Command, parse_command
from explain.symptoms.commands.grammars import KNOWN_PROGRAMS

_NAME = r"[\w][\w.-]{0,62}"
_MARK = r"[$#%>❯➜»λ]"
_SURE = (
    re.compile(
        rf"(?:\([^()\s]{{1,40}}\) ?)?(?:\[[\d:./ -]{{1,30}}\] ?)?{_NAME}@(?P<host>{_NAME})[: ]?"
        rf"[^$#%<>❯\"']{{0,200}}?{_MARK}(?:\s+|\Z)(?P<cmd>.*)"
    ),
    re.compile(rf"\[{_NAME}@(?P<host>{_NAME})[^\]]{{0,200}}\]\s?{_MARK}(?:\s+|\Z)(?P<cmd>.*)"),
    re.compile(r"(?:ba|z|a|da|k)?sh(?:-[\d.]{1,12})?[$#%](?:\s+|\Z)(?P<cmd>.*)"),
    re.compile(rf"(?P<host>{_NAME}):[~/]?[^\s$#%]{{0,200}} {_NAME}[$%#]\s+(?P<cmd>.*)"),
    re.compile(r"(?:PS )?[A-Za-z]:\\[^>]{0,250}>\s?(?P<cmd>.*)"),
    re.compile(r"PS /[^>]{0,250}>\s?(?P<cmd>.*)"),
    re.compile(r"[~/][\w/.~-]{0,200}\s?[$#%❯](?:\s+|\Z)(?P<cmd>.*)"),
    re.compile(r"[$❯]\s+(?P<cmd>.+)"),
)
_UNSURE = (
    re.compile(r"(?P<mark>[#%➜»λ>]|->|=>)\s+(?:~\s+)?(?P<cmd>.+)"),
    re.compile(r"(?P<mark>\$)(?P<cmd>[a-z].+)"),
    re.compile(rf"(?P<host>{_NAME})(?:\([\w-]{{1,30}}\))?(?::[~/][^\s$#%]{{0,100}})?\s?[$#>%]\s?(?P<cmd>.+)"),
)
_LAB = re.compile(r"(?:mininet|containernet|mininext)>\s*(?P<cmd>.*)")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A line on which something was typed.

    Attributes:
        host: the name in the prompt, None where it shows none.
        typed: what stands after the prompt, as it is.
        command: the same, parsed; None for an empty prompt.
    """

    host: str | None
    typed: str
    command: Command | None


def read_prompt(text: str) -> Prompt | None:
    """The prompt that a line begins with, or the bare command that it is; None for any other line."""
    text = text.strip()[:4096]
    if not text:
        return None
    if lab := _LAB.match(text):
        return _lab(lab.group("cmd").strip())
    for pattern in _SURE:
        if match := pattern.match(text):
            typed = match.group("cmd").strip()
            groups = match.groupdict()
            return Prompt(groups.get("host"), typed, parse_command(typed) if typed else None)
    for pattern in _UNSURE:
        match = pattern.match(text)
        command = parse_command(match.group("cmd")) if match else None
        if match and command and _is_command(command, is_certain=True):
            host = match.groupdict().get("host")
            return Prompt(host if host not in KNOWN_PROGRAMS else None, match.group("cmd").strip(), command)
    command = (
        parse_command(text) if text.split(maxsplit=1)[0].rsplit("/", 1)[-1] in KNOWN_PROGRAMS | _WRAPPERS else None
    )
    if command and _is_command(command, is_certain=False):
        return Prompt(None, text, command)
    return None


_WRAPPERS = frozenset({"sudo", "docker", "podman", "nsenter", "timeout", "kubectl", "doas", "time", "busybox", "lxc"})


def _lab(typed: str) -> Prompt:
    """Mininet: the first word is the host on which the rest runs."""
    first, _, rest = typed.partition(" ")
    if rest and first not in KNOWN_PROGRAMS:
        return Prompt(first, rest, parse_command(rest))
    return Prompt(None, typed, parse_command(typed) if typed else None)


_VERBS = {
    *(
        "a",
        "ad",
        "addr",
        "address",
        "add",
        "del",
        "delete",
        "show",
        "sh",
        "list",
        "ls",
        "set",
        "exec",
        "save",
        "route",
        "r",
        "ro",
    ),
    *(
        "rule",
        "ru",
        "link",
        "l",
        "li",
        "neigh",
        "neighbor",
        "neighbour",
        "n",
        "netns",
        "monitor",
        "get",
        "replace",
        "flush",
    ),
    *("ruleset", "table", "fdb", "vlan", "mdb"),
}


def _is_command(command: Command, is_certain: bool) -> bool:
    """Whether words are a command rather than a sentence that begins with one's name.

    Args:
        command: the words, parsed.
        is_certain: something like a prompt stood before it; less is asked then.
    """
    if command.program not in KNOWN_PROGRAMS or command.words[0].endswith(":"):
        return False
    rest = command.words[1:]
    if rest and re.fullmatch(r"v\d[\d.]{0,20}:?", rest[0]):
        return False  # a program that complains begins with its name and version
    if not rest:
        return is_certain or command.program in ("iptables-save", "ip6tables-save", "ifconfig", "ipconfig")
    if any(word.endswith((".", ",", "!", "?", "。", "、")) and len(word) > 1 for word in rest) and len(rest) > 2:
        return False
    if any(re.fullmatch(r"-{1,2}[A-Za-z0-9][\w-]*(?:=.*)?", word) for word in rest):
        return True
    if command.kind == "state":
        return rest[0] in _VERBS or "." in rest[0] or is_certain
    if command.family or (command.target and re.search(r"[.:]", command.target) and len(rest) <= 3):
        return True
    return is_certain and len(rest) <= 6
