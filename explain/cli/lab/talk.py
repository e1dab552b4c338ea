"""What every ``explain lab`` command says and asks for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from explain.cli.talk import told as tell

if TYPE_CHECKING:
    from pathlib import Path

    from explain.lab.records import Lab
    from explain.lab.up.known import Live


def visible(text: str) -> str:
    """Text that cannot act on a terminal."""
    from explain.words.values import visible as made_visible

    return "\n".join(made_visible(line) for line in text.split("\n"))


def told(text: str) -> None:
    """Talk, not data."""
    print(text, file=sys.stderr, flush=True)


def read_lab(name: str) -> tuple[Lab, Path]:
    """The lab of this name, and its file."""
    from explain.lab.catalogue import find
    from explain.lab.read import read

    path = find(name)
    return read(path), path


def silent(_kind: str, _value: Any) -> None:
    """Say nothing of the steps."""


def tell_names(live: Live) -> None:
    """How to reach the nodes of a lab that is up."""
    tell("lab.up", lab=live.name, nodes=live.nodes)
    if live.names:
        node, name = next(iter(live.names.items()))
        tell("lab.reach_by_name", name=name, node=node, lab=live.name)
    else:
        tell("lab.reach", node=live.nodes[0], lab=live.name)
