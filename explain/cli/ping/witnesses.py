"""What was given on the command line, read into witnesses; what cannot be used is said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from explain.causes.diagnosis import Witnesses
from explain.cli.ping.case_folder import CaseFolder, read_case
from explain.cli.reading import octets_of
from explain.cli.states import read_states
from explain.cli.talk import complained, noted
from explain.errors import InputError, UnreadableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.model import CaptureInfo
    from explain.state.records import HostState
    from explain.symptoms.commands.command import Command
    from explain.symptoms.transcript.blocks import Block
    from explain.symptoms.witness import TextWitness
    from explain.table import PacketTable


@dataclass(frozen=True, slots=True)
class Given:
    """The options as they were typed."""

    text: str | None = None
    captures: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    command: str | None = None
    exit_status: int | None = None
    sender: str | None = None
    case: Path | None = None


def gather(given: Given) -> Witnesses:
    """Everything that was given, read.

    Raises:
        UsageError: nothing was given.
        UnreadableError: nothing of what was given can be used.
    """
    from explain.causes.wires.parts import with_sender
    from explain.cli.ping.doubts import without_strangers

    found = _read(given)
    _known_sender(given.sender, found)
    witnesses = with_sender(_without_looks(found))
    if witnesses.sender is None and witnesses.states:
        noted("ping.sender")
    return without_strangers(witnesses)


def _read(given: Given) -> Witnesses:
    if not (given.case or given.text or given.captures or given.states):
        raise UsageError("usage.nothing_given")
    case = read_case(given.case) if given.case else CaseFolder()
    command_text = _command_text(given) or case.command
    failures: list[InputError] = []
    status = case.exit_status if given.exit_status is None else given.exit_status
    typed = _typed(given, case)
    text = _text(*typed, command_text, status, failures) if typed else None
    table, captures = _captures([*case.captures, *given.captures], failures)
    states = read_states([*case.states, *given.states], failures)
    if typed and text is not None and not states:
        states = _pasted_states(typed[0], text)
    if text is None and table is None and not states:
        raise failures[0] if failures else UsageError("usage.nothing_usable")
    for error in failures:
        complained(error)
    return Witnesses(
        text=text,
        command=_command(command_text) or (text.command if text else None),
        table=table,
        captures=captures,
        states=tuple(states),
        sender=given.sender or case.sender or (text.node if text else None),
        topology=case.topology,
        tool=case.tool,
        destination=case.destination,
        family=case.family,
    )


def _known_sender(asked: str | None, witnesses: Witnesses) -> None:
    """Refuse a sender that no state, place or role is called, where any host has a name."""
    places = [place.name or "" for place in witnesses.table.places] if witnesses.table is not None else []
    names = dict.fromkeys((*(state.name for state in witnesses.states), *witnesses.topology.roles))
    is_place = any(name.replace(".", ":").partition(":")[0] == asked for name in places)
    if asked is not None and names and asked not in names and not is_place:
        raise UsageError("unknown.sender", name=asked, names=[*names])


def _without_looks(witnesses: Witnesses) -> Witnesses:
    """A command that only looks (``bridge fdb``, ``ss``) has no way through the network; the others' traffic has."""
    from explain.causes.context import TOOLS

    command = witnesses.command
    if command is None or command.kind in {*TOOLS, None} or witnesses.text is not None:
        return witnesses
    noted("ping.sends_nothing", program=command.program)
    roles = witnesses.topology.roles
    asker = next((name for name, role in roles.items() if role in {"S", "sender"}), None)
    return replace(witnesses, command=None, tool=None, destination=None, sender=asker)


def _command_text(given: Given) -> str | None:
    if given.command is None or not given.command.startswith("@"):
        return given.command
    return octets_of(given.command[1:]).decode("utf-8", "replace").strip() or None


def _command(text: str | None) -> Command | None:
    from explain.symptoms.commands.command import parse_command
    from explain.symptoms.transcript.prompts import read_prompt

    if text is None:
        return None
    first = text.strip().split("\n", 1)[0]
    prompt = read_prompt(first)
    return parse_command(prompt.typed if prompt else first)


def _typed(given: Given, case: CaseFolder) -> tuple[bytes, str] | None:
    """The terminal's text, and how it is named in an error."""
    if given.text is not None:
        return octets_of(given.text), given.text
    return None if case.text is None else (case.text, str((given.case or Path()) / "ping.txt"))


def _text(
    octets: bytes, name: str, command: str | None, status: int | None, failures: list[InputError]
) -> TextWitness | None:
    from explain.symptoms.text import is_mistyped, read_text
    from explain.symptoms.witness import NothingUsableError

    try:
        found = read_text(octets, command, status, path=name)
    except UnreadableError as error:
        failures.append(error)
        return None
    if not is_mistyped(found):
        return found
    failures.append(NothingUsableError(name, "unread.mistyped", text=found.symptoms[0].text))
    return None


def _pasted_states(octets: bytes, text: TextWitness) -> list[HostState]:
    """What a terminal showed of the hosts, as they were when the command ran; without a name, of one host alone."""
    from explain.state.reading.state_file import host_state
    from explain.symptoms.hosts.pasted import hosts_of
    from explain.symptoms.transcript.blocks import read_transcript

    try:
        hosts = hosts_of(_of_the_time(read_transcript(octets, "text").blocks, text))
        same = [each for each in hosts if each.state and (each.node is None) == (text.node is None)]
        return [host_state(dict(each.state), each.node or "host", "text") for each in same]
    except UnreadableError:  # a program that said nothing, or rows that no tool prints
        return []


def _of_the_time(blocks: Sequence[Block], text: TextWitness) -> Iterator[Block]:
    """The blocks that show a host as the command met it: between that and the command nothing was changed there."""
    from explain.symptoms.changes.typed import hosts_changed

    shown = {each.line for each in text.symptoms}
    changes: Counter[str | None] = Counter()
    seen: list[tuple[Block, int]] = []
    then: Mapping[str | None, int] = changes
    for block in blocks:
        changes.update(hosts_changed(block.command.text, block.node) if block.command is not None else ())
        if shown.intersection(line.number for line in block.lines) or block.command is text.command is not None:
            then = Counter(changes)
        seen.append((block, changes[block.node]))
    return (block for block, before in seen if before == then[block.node])


def _captures(named: Sequence[str], failures: list[InputError]) -> tuple[PacketTable | None, tuple[CaptureInfo, ...]]:
    from explain.intake import read

    if not named:
        return None, ()
    try:
        table, captures = read(named)
    except UnreadableError as error:
        failures.append(error)
        return None, ()
    for each in captures:
        if each.damage is not None:
            noted("damage.witness", path=each.path, what=each.damage.line, offset=each.damage.offset)
    return table, captures
