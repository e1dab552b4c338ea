"""What a terminal's text says, as facts: one symptom a line, and the witness they make together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explain.errors import UnreadableError

if TYPE_CHECKING:
    from explain.symptoms.commands.command import Command

Values = Mapping[str, Any]


class NothingUsableError(UnreadableError):
    """A text that is empty, binary, or of no program that is known here."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """One line that a program printed, understood.

    Attributes:
        id: a stable name, such as ``icmp.net-unreachable`` or ``kernel.network-unreachable``.
        text: the line as it stood there, without escapes.
        values: what the line says; keys as in ``vocabulary``, times in ms where they end in ``_ms``.
        speaker: ``this-kernel``, ``this-program``, ``host`` (the machine ``values["from"]``), ``resolver``,
            ``server`` (a daemon that logs here) or ``unknown``.
        about: what it speaks of: target, name, source, interface, size, command, way, time, payload, run, lease.
        line: number of the line in the text, from 1.
    """

    id: str
    text: str
    values: Values
    speaker: str
    about: str
    line: int


@dataclass(frozen=True, slots=True)
class UnknownLine:
    """A line that no reader understood: kept as it is, never guessed at.

    Attributes:
        line: number of the line in the text, from 1.
        is_remark: it reads like a person's note rather than a program's output.
    """

    line: int
    text: str
    is_remark: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """What the run adds up to; None where the text does not tell.

    Attributes:
        sent: echo requests the program says it transmitted.
        received: replies, without duplicates.
        errors: as ping counts them (``+3 errors``), ICMP errors and local ones alike.
        loss: percent of ``sent``.
    """

    sent: int | None = None
    received: int | None = None
    errors: int | None = None
    duplicates: int | None = None
    corrupted: int | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which requests were answered, as far as sequence numbers were printed.

    Attributes:
        answered, failed, missing: sequence numbers with a reply, with an error, and with neither (only those
            between the first and the last request that the text can vouch for).
        shape: none, all, first (only the beginning), last (only the end), spread, periodic; None if unknown.
    """

    answered: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    shape: str | None = None


@dataclass(frozen=True, slots=True)
class TextWitness:
    """One run of one program, as its terminal showed it.

    Attributes:
        program: ping, traceroute, tracepath, mtr, connect, lookup, dhcp-client or server-log.
        dialect: who wrote the program, where it shows: iputils, busybox, bsd, windows, ...
        command: the command line, parsed; None where neither given nor shown.
        node: the host on whose terminal this was, None where not shown.
        target: as it was typed or printed; ``target_address`` in canonical form, None if never resolved.
        family: 4 or 6, None if neither command nor output tells.
        source, interface: what the output (else the command) says the packets left from.
        exit_status: as given by the caller; None is unknown.
        is_complete: the program came to its last line (statistics, or a message that ends it).
        symptoms: in the order of the text.
        unknown: lines that were not understood.
        inconsistencies: names of statements of the text that contradict each other.
        notes: names of facts about the reading itself, such as ``cut-lines``.
        others: further runs in the same text, each a witness of its own.
    """

    program: str
    dialect: str | None
    command: Command | None
    node: str | None
    target: str | None
    target_address: str | None
    family: int | None
    source: str | None
    interface: str | None
    exit_status: int | None
    is_complete: bool
    counts: Counts
    pattern: Pattern
    symptoms: tuple[Symptom, ...]
    unknown: tuple[UnknownLine, ...] = ()
    inconsistencies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    others: tuple[TextWitness, ...] = ()
    hops: tuple[Any, ...] = field(default=())

    def has(self, *ids: str) -> bool:
        """Whether any symptom bears one of these ids, or lies below one that ends in a dot (``icmp.``)."""
        return any(self.all(one) for one in ids)

    def all(self, wanted: str) -> tuple[Symptom, ...]:
        """The symptoms of this id, or below it if it ends in a dot."""
        if wanted.endswith("."):
            return tuple(each for each in self.symptoms if each.id.startswith(wanted))
        return tuple(each for each in self.symptoms if each.id == wanted)

    @property
    def succeeded(self) -> bool | None:
        """Whether the command reached what it wanted; None if the text (and the exit status) cannot tell."""
        from explain.symptoms.outcome import has_succeeded

        return has_succeeded(self)
