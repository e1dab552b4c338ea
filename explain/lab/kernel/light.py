"""Imports of pyroute2 only what speaks to the kernel: its database, protocols and tools take longer than a lab."""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec


def lighten() -> None:
    """Let ``import pyroute2.iproute.linux`` leave out the rest of the package, in a process that only runs a lab.

    What the package gathers for its users, such as ``pyroute2.NDB``, is not there afterwards.  Where it has been
    imported already, nothing changes.
    """
    if "pyroute2" not in sys.modules and (spec := find_spec("pyroute2")) is not None:
        sys.modules["pyroute2"] = module_from_spec(spec)  # made, and not executed
