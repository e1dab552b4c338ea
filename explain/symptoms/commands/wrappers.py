"""What stands before a command and says where it ran: sudo, ``ip netns exec``, containers, ssh."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace

MOST_WORDS = 400
_MOST_WRAPPERS = 12

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_ENDS = frozenset({"|", "||", "&", "&&", ";", ";;", ">", ">>", "<", "<<", "<<<", "|&", "&>", ">|"})

_PLAIN: dict[str, str] = {
    # wrapper: its options that take a value
    "sudo": "ugCDhpRrTtU",
    "doas": "uC",
    "time": "fo",
    "command": "",
    "exec": "a",
    "nohup": "",
    "stdbuf": "ioe",
    "setsid": "",
    "nice": "n",
    "strace": "eopsPuEaIO",
    "chrt": "",
    "env": "uCS",
    "watch": "n",
    "script": "",
    "unbuffer": "",
    "busybox": "",
    "chroot": "",
    "ltrace": "eop",
    "firejail": "",
    "winpty": "",
}
_CONTAINERS: dict[str, tuple[str, ...]] = {
    "docker": ("exec",),
    "podman": ("exec",),
    "nerdctl": ("exec",),
    "kubectl": ("exec",),
    "oc": ("exec",),
    "lxc": ("exec",),
    "incus": ("exec",),
    "crictl": ("exec",),
    "vagrant": ("ssh",),
}
_CONTAINER_VALUES = {
    "-e",
    "-u",
    "-w",
    "--env",
    "--user",
    "--workdir",
    "-n",
    "--namespace",
    "-c",
    "--container",
    "--detach-keys",
    "--env-file",
    "--context",
}


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A command without what stood before it.

    Attributes:
        words: the bare command.
        node: the namespace, container or host that it ran in, if a wrapper names one.
        is_privileged: sudo or doas stood before it.
    """

    words: tuple[str, ...]
    node: str | None = None
    is_privileged: bool = False


def words_of(text: str) -> tuple[str, ...]:
    """The first simple command of a line, split as a shell would; pipes, redirections and comments end it."""
    lexer = shlex.shlex(text[:4096], posix=True, punctuation_chars=";&|<>")
    lexer.whitespace_split = True
    found: list[str] = []
    try:
        for word in lexer:
            if word in _ENDS or (word and set(word) <= set(";&|<>")):
                break
            found.append(word)
            if len(found) >= MOST_WORDS:
                break
    except ValueError:  # a quotation that never ends
        found = text[:4096].split()[:MOST_WORDS]
    if len(found) > 1 and found[-1].isdigit() and re.search(rf"(?<!\S){found[-1]}(>|<)", text):
        found.pop()  # the descriptor of a redirection: 2>&1
    return tuple(found)


def _skip_options(words: tuple[str, ...], with_value: str) -> int:
    at = 1
    while at < len(words) and words[at].startswith("-") and words[at] != "--":
        takes = len(words[at]) == 2 and words[at][1] in with_value
        at += 2 if takes else 1
    return at + 1 if at < len(words) and words[at] == "--" else at


def _container(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]] | None:
    verbs = _CONTAINERS[words[0]]
    at = 1
    while at < len(words) and words[at] not in verbs:
        if not words[at].startswith("-") and words[at] != "compose":
            return None
        at += 1
    at += 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _CONTAINER_VALUES else 1
    if at >= len(words):
        return None
    rest = words[at + 1 :]
    while rest and rest[0].startswith("-"):
        rest = rest[2:] if rest[0] in _CONTAINER_VALUES else rest[1:]
    return words[at], rest


def _ip(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]] | None:
    """``ip netns exec NAME CMD``, ``ip -n NAME ...``, ``ip -all netns exec``, ``ip vrf exec``."""
    at, name, kept = 1, None, [words[0]]
    while at < len(words) and words[at].startswith("-"):
        if words[at] in ("-n", "-netns", "--netns") and at + 1 < len(words):
            name, at = words[at + 1], at + 2
            continue
        kept.append(words[at])
        at += 1
    rest = words[at:]
    if len(rest) >= 4 and rest[0] in ("netns", "net", "netn", "vrf") and rest[1] in ("exec", "e", "ex", "exe"):
        return (None if rest[0] == "vrf" else rest[2]), rest[3:]
    return (name, (*kept, *rest)) if name else None


def _nsenter(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    name, at = None, 1
    while at < len(words) and words[at].startswith("-") and words[at] != "--":
        option, _, value = words[at].partition("=")
        if "/netns/" in value:
            name = value.rsplit("/", 1)[1]
        at += 2 if not value and option in ("-t", "--target", "-S", "-G", "--setuid", "--setgid") else 1
    return name, words[at + 1 :] if at < len(words) and words[at] == "--" else words[at:]


def unwrap(words: tuple[str, ...]) -> Wrapped:
    """The command without its wrappers, and the node that they name."""
    found = Wrapped(words)
    for _ in range(_MOST_WRAPPERS):
        while found.words and _ASSIGNMENT.fullmatch(found.words[0]):
            found = replace(found, words=found.words[1:])
        inner = _without_first(found) if len(found.words) > 1 else None
        if inner is None:
            break
        found = inner
    return found


def _without_first(outer: Wrapped) -> Wrapped | None:
    """One wrapper less, or None if the first word is none."""
    words = outer.words
    first = words[0].rsplit("/", 1)[-1]
    if first in _PLAIN and not (first == "busybox" and words[1].startswith("-")):
        rest = words[_skip_options(words, _PLAIN[first]) :]
        return replace(outer, words=rest, is_privileged=outer.is_privileged or first in ("sudo", "doas"))
    if first in ("timeout", "mnexec", "unshare"):
        after = _skip_options(words, "ks" if first == "timeout" else "agn")
        return replace(outer, words=words[after + (first == "timeout") :])
    if first in ("bash", "sh", "ash", "zsh", "dash") and words[1] in ("-c", "-lc", "-ec") and len(words) > 2:
        return replace(outer, words=words_of(words[2]))
    if first in _CONTAINERS and (inside := _container((first, *words[1:]))):
        return replace(outer, words=inside[1], node=inside[0] or outer.node)
    if first == "nsenter":
        name, rest = _nsenter(words)
        return replace(outer, words=rest, node=name or outer.node)
    if first == "ip" and (found := _ip(("ip", *words[1:]))):
        return replace(outer, words=found[1], node=found[0] or outer.node)
    return None
