"""Reads network captures and explains what happened, with the frames that prove it.

    >>> import explain
    >>> report = explain.explain("capture.pcap")
    >>> print(report.story("en"))

Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not typing's own: until it is loaded Ctrl-C would find nobody to answer it
if TYPE_CHECKING:
    from os import PathLike
    from typing import BinaryIO

    from explain.model import Report

__version__ = "0.1.0"


def explain(*captures: str | PathLike[str] | BinaryIO, inside: bool = False) -> Report:
    """Tell what happened in one or more captures.

    Args:
        captures: paths, vantage points as ``NAME=PATH`` or ``NAME:INTERFACE=PATH``, or
            readable binary streams.
        inside: read packets that carry others (tunnels) as what they carry.

    Raises:
        explain.errors.ExplainError: nothing was given, or nothing that was given can be read.
    """
    if not captures:
        from explain.errors import UsageError

        raise UsageError("usage.nothing_usable")
    from explain.pipeline import explain as run

    return run(captures, inside=inside)
