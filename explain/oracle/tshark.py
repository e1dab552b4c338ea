"""What tshark reads out of a capture: one run, any fields, as columns."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from explain.errors import MissingError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVERY = "|"
"""Stands between the occurrences of one field in one frame; no number or address holds it."""

AS_RECORDED = (
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.analyze_sequence_numbers:FALSE",
    "tcp.relative_sequence_numbers:FALSE",
    "ip.check_checksum:TRUE",
    "tcp.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
)
"""Each frame for itself, since what tshark adds from other frames is no header of this one; and every checksum."""


def tshark_fields(path: str, fields: Sequence[str]) -> Mapping[str, list[str]]:
    """Fields of every frame of a capture as tshark dissects it, each frame by itself.

    Args:
        path: a capture in any format that tshark reads.
        fields: display-filter names of numbers and addresses, such as ``ip.src``.

    Returns:
        For each field one text per frame, in order: all its occurrences from the outside in,
        with ``EVERY`` between them; empty where the frame has none.

    Raises:
        MissingError: tshark is not installed.
        UnreadableError: tshark read no frame, and says that the file is at fault.
    """
    command = [program(), "-n", "-r", path, "-T", "fields", "-E", "occurrence=a", "-E", f"aggregator={EVERY}"]
    for preference in AS_RECORDED:
        command += ["-o", preference]
    for name in fields:
        command += ["-e", name]
    run = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    lines = run.stdout.decode("utf-8", "replace").splitlines()
    if run.returncode and not lines:
        raise UnreadableError(path, "unread.by_tshark", why=_last_line(run.stderr))
    rows = [line.split("\t") for line in lines]
    return {name: [row[index] for row in rows] for index, name in enumerate(fields)}


def program() -> str:
    """Where tshark is.

    Raises:
        MissingError: it is not installed.
    """
    found = shutil.which("tshark")
    if found is None:
        raise MissingError("missing.tshark")
    return found


def _last_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it does not say why"
