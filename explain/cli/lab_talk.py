"""What every ``explain lab`` command says and asks for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from explain.lab.live import Live
    from explain.lab.records import Lab

HELP = {"help_option_names": ["-h", "--help"]}


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
    told(f"{live.name} is up: {', '.join(live.nodes)}")
    if live.names:
        node, name = next(iter(live.names.items()))
        told(f"  sudo ip netns exec {name} COMMAND, or: explain lab shell {node}; explain lab down {live.name}")
    else:
        node = live.nodes[0]
        told(f"  explain lab shell {node}, explain lab exec {node} COMMAND; explain lab down {live.name}")
