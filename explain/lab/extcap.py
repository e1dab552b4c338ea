"""The labs as interfaces of Wireshark: what an extcap program answers.

Wireshark asks for the configuration of every interface whenever it starts, so a script answers that without Python.

Source: Wireshark Developer's Guide, Capture Sources, Extcap.
"""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from explain import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from explain.lab.up.known import Live

RUNS, IS_UP = "lab-", "up-"
"""What the name of an interface begins with: a lab that is run for the capture, one that is up already."""

_SCRIPT = """#!/bin/sh
# The labs of explain as interfaces of Wireshark. Written by `explain lab extcap`.
case " $* " in
*" --extcap-interfaces "*) ;;
*" --extcap-dlts "*)
    echo 'dlt {{number=1}}{{name=EN10MB}}{{display=Ethernet}}'
    exit ;;
*" --extcap-interface up-"*" --extcap-config "* | *" --extcap-config --extcap-interface up-"*)
    exit ;;
*" --extcap-config "*)
    echo 'arg {{number=0}}{{call=--healthy}}{{display=Leave the fault out}}{{type=boolflag}}{{default=false}}'
    exit ;;
esac
exec {python} -m explain lab extcap "$@"
"""


def script() -> str:
    """What belongs into Wireshark's folder of extcap programs, made executable."""
    return _SCRIPT.format(python=shlex.quote(sys.executable))


def interfaces(labs: Iterable[tuple[str, str]], live: Iterable[Live]) -> Iterator[str]:
    """The answer to ``--extcap-interfaces``: the labs that are up, then those that can be run.

    Args:
        labs: name and title of each.
        live: those that are up.
    """
    yield f"extcap {{version={__version__}}}{{display=explain labs}}"
    for one in live:
        yield f"interface {{value={IS_UP}{one.name}}}{{display={_plain(f'explain lab {one.name}, which is up')}}}"
    for name, title in labs:
        yield f"interface {{value={RUNS}{name}}}{{display={_plain(f'explain lab {name}: {title}')}}}"


def _plain(text: str) -> str:
    """Text that ends no sentence of the protocol."""
    return "".join(one if one.isprintable() and one not in "{}" else " " for one in text)
