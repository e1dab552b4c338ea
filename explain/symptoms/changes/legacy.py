"""What typed commands of the older tools, bridge-utils and net-tools, would change.

Source: brctl(8), ifconfig(8), route(8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.symptoms.addresses import canonical
from explain.symptoms.changes.change import Change, values_after

if TYPE_CHECKING:
    from collections.abc import Iterator


def legacy_changes(program: str, words: list[str], node: str | None) -> Iterator[Change]:
    """The changes that the words behind ``brctl``, ``ifconfig`` or ``route`` would make on a host."""
    if program == "brctl" and len(words) > 1:
        if words[0] == "addbr":
            yield Change("link-add", node, {"name": words[1], "kind": "bridge"})
        elif words[0] == "delbr":
            yield Change("link-del", node, {"dev": words[1]})
        elif words[0] in ("addif", "delif"):
            for port in words[2:]:
                yield Change("link-set", node, {"dev": port, "master": words[1] if words[0] == "addif" else None})
    elif program == "ifconfig" and len(words) > 1:
        yield from _ifconfig(words, node)
    elif program == "route" and words[:1] and words[0] in ("add", "del"):
        yield from _old_route(words, node)


def _ifconfig(words: list[str], node: str | None) -> Iterator[Change]:
    address, _, length = words[1].partition("/")
    mask = words[words.index("netmask") + 1] if "netmask" in words[:-1] else ""
    if canonical(address):
        bits = length or (
            str(sum(int(part).bit_count() for part in mask.split(".") if part.isdigit())) if mask else "24"
        )
        yield Change("addr-add", node, {"address": f"{canonical(address)}/{bits}", "dev": words[0]})
        yield Change("link-set", node, {"dev": words[0], "state": "up"})
    for word in words[1:]:
        if word in ("up", "down"):
            yield Change("link-set", node, {"dev": words[0], "state": word})


def _old_route(words: list[str], node: str | None) -> Iterator[Change]:
    pairs = values_after(words, {"gw", "netmask", "dev", "metric"})
    to = next(
        (
            word
            for at, word in enumerate(words[1:], 1)
            if word not in ("-net", "-host", "gw", "dev", "netmask", "metric") and words[at - 1] not in pairs
        ),
        None,
    )
    if to is None:
        return
    bits = (
        sum(int(part).bit_count() for part in pairs["netmask"].split(".") if part.isdigit())
        if "netmask" in pairs
        else None
    )
    dst = f"{to}/{bits}" if bits is not None and "/" not in to else to
    row: dict[str, Any] = {"dst": dst, "flags": [], "family": 4, "text": dst}
    row |= {"gateway": pairs["gw"]} if "gw" in pairs else {}
    row |= {"dev": pairs["dev"]} if "dev" in pairs else {}
    yield Change(f"route-{words[0]}", node, row)
