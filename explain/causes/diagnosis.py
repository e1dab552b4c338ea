"""The shapes of a diagnosis: what is known, which causes remain, why the others do not, what to look at next."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.model import CaptureInfo
    from explain.state.records import HostState
    from explain.state.way.path import Locus
    from explain.symptoms.commands.command import Command
    from explain.symptoms.witness import Symptom, TextWitness
    from explain.table import PacketTable


@dataclass(frozen=True, slots=True)
class Topology:
    """Who is who, as far as somebody told it.

    Attributes:
        roles: role by node, in the words of the contract or of a case.
        links: cables as (node, interface, node, interface); None if not told.
        is_whole: every node of the network is named.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    links: tuple[tuple[str, str, str, str], ...] | None = None
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Everything that was seen; what is None or empty was not given and is unknown.

    Attributes:
        table, captures: the frames of all captures, and the files.
        states: the hosts whose state is known.
        command: as it was given apart from the text.
        sender: name of the host that ran the command.
        tool, destination, family: as a case tells them beside the command.
        is_live: the sender is this host, and the command has just been run here.
    """

    text: TextWitness | None = None
    command: Command | None = None
    table: PacketTable | None = None
    captures: tuple[CaptureInfo, ...] = ()
    states: tuple[HostState, ...] = ()
    sender: str | None = None
    topology: Topology = field(default_factory=Topology)
    tool: str | None = None
    destination: str | None = None
    family: int | None = None
    is_live: bool = False

    @property
    def known_command(self) -> Command | None:
        """The command as it was given, else as the text shows it."""
        return self.command or (self.text.command if self.text else None)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a cause is believed, or not: a sentence to come.

    Attributes:
        message: the name of the sentence in ``words/diagnosis.toml``.
        witness: text, capture, state or live.
        evidence: what shows it: a line, frames, an object of a state; plain data.
    """

    message: str
    values: Mapping[str, Any]
    witness: str
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cause that the witnesses leave, with where it would lie and why it is believed."""

    cause: str
    certainty: str
    locus: tuple[Locus, ...]
    because: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A cause that a witness contradicts."""

    cause: str
    because: Reason


@dataclass(frozen=True, slots=True)
class Look:
    """An observation that would split what remains.

    Attributes:
        ask: the name of the question in ``words/diagnosis.toml``.
        command: what to type, with everything that is known filled in.
        role: of the host where to type it.
        node: its name; None if unknown.
        outcomes: what it may show and the causes that would then remain.
    """

    ask: str
    command: str
    role: str
    node: str | None
    outcomes: tuple[tuple[str, tuple[str, ...]], ...]
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The whole answer; ``causes`` are most likely first, ``later`` would stop it next once the first is mended."""

    symptoms: tuple[Symptom, ...]
    causes: tuple[Candidate, ...]
    also: tuple[Candidate, ...]
    ruled_out: tuple[RuledOut, ...]
    next: tuple[Look, ...]
    is_success: bool | None
    notes: tuple[Reason, ...] = ()
    later: tuple[Candidate, ...] = ()
