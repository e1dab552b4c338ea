"""Hosts' states as a command line names them: ``[NAME=]FILE``, in JSON or pasted from ``ip`` and its like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from explain.capture.vantage import named
from explain.cli.reading import octets_of
from explain.errors import UnreadableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.errors import InputError
    from explain.state.records import HostState


def read_states(files: Sequence[str | Path], failures: list[InputError]) -> list[HostState]:
    """Every state that can be read.

    Args:
        files: as they were typed; a ``Path`` has no name before it.
        failures: why a file is no state is put here.

    Raises:
        UsageError: two hosts have one name.
    """
    found: list[HostState] = []
    for file in files:
        name, path = (None, str(file)) if isinstance(file, Path) else named(file)
        try:
            found += _states_in(path, name)
        except UnreadableError as error:
            failures.append(error)
    names = [each.name for each in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError("usage.states_twice", name=twice)
    return found


def _states_in(path: str, name: str | None) -> list[HostState]:
    """One file: a state as JSON, or the pasted output of ``ip`` and its like, of one host or several."""
    from explain.state.reading.state_file import host_state, read_state
    from explain.symptoms.hosts.pasted import read_hosts

    octets = octets_of(path)
    stem = name or ("host" if path == "-" else Path(path).stem)
    text = octets.decode("utf-8-sig", "replace")
    if text.lstrip()[:1] == "{":
        return [read_state(text, stem, path)]
    try:
        hosts = read_hosts(octets, path=path)
    except UnreadableError:
        if text.lstrip()[:1] == "[":
            raise UnreadableError(path, "unread.no_state") from None
        raise
    return [
        host_state(dict(each.state), name or each.node or stem, path)
        for each in (hosts[:1] if name else hosts)
        if each.state
    ]
