"""A change of the notes as the words of one command: made from what was understood, never from the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from explain.symptoms.changes.change import Change

_LETTERS = {"append": "-A", "insert": "-I", "delete": "-D", "policy": "-P", "flush": "-F"}


def retyped(change: Change, name_of: Callable[[str], str]) -> list[str] | None:
    """The command that does it inside its host; None for what makes hosts and cables.

    Args:
        change: what was typed, understood.
        name_of: the name that an interface has in the lab.
    """
    values = change.values
    what, _, action = change.verb.partition("-")
    device = ["dev", name_of(values["dev"])] if values.get("dev") else []
    if what == "addr":
        return ["ip", "address", action, *([values["address"]] if values.get("address") else []), *device]
    if change.verb == "link-set":
        return _set(values, device)
    if what == "route":
        family = ["-6"] if values.get("family") == 6 else []
        return ["ip", *family, "route", action, *_renamed(str(values.get("text") or "").split(), ("dev",), name_of)]
    if what == "rule":
        return ["ip", "rule", action, *values["words"]]
    if what == "neigh":
        if values.get("proxy"):
            return ["ip", "neigh", "replace" if action == "add" else action, "proxy", values["dst"], *device]
        address = ["lladdr", values["lladdr"]] if values.get("lladdr") else []
        return ["ip", "neigh", "replace" if action == "add" else action, values["dst"], *address, *device]
    if what == "sysctl":
        return ["sysctl", "-w", f"{values['name']}={values['value']}"]
    return rule_words(values, name_of) if what in ("iptables", "nft") else None


def _set(values: Mapping[str, Any], device: list[str]) -> list[str] | None:
    for key in ("state", "mtu", "address"):
        if values.get(key):
            return ["ip", "link", "set", *device, *([] if key == "state" else [key]), str(values[key])]
    return None


def rule_words(values: Mapping[str, Any], name_of: Callable[[str], str]) -> list[str]:
    """A filter or translation rule as the command that sets it."""
    if "words" in values:
        return ["nft", *values["words"]]
    program = "ip6tables" if values["family"] == 6 else "iptables"
    chain = [values["chain"]] if values["chain"] else []
    words = [program, "-t", values["table"], _LETTERS[values["action"]], *chain, *values["rule"]]
    return _renamed(words, ("-i", "-o"), name_of)


def _renamed(words: list[str], before: tuple[str, ...], name_of: Callable[[str], str]) -> list[str]:
    return [name_of(word) if at and words[at - 1] in before else word for at, word in enumerate(words)]
