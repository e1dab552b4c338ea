"""A person's notes, or any pasted terminal, as typed blocks: what was typed where, what it showed, what was remarked.

This is the seam for everything that reads text: each block says its kind, its host, its lines (with the fields of
each), and what its reader understood: rows of a state, runs of programs, packets, refusals of commands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from explain.symptoms.changes.refusals import Refusal, refusals_of
from explain.symptoms.changes.typed import changes_of
from explain.symptoms.fields import Field, fields_of
from explain.symptoms.hosts.looks import KINDS_OF_KEYS, kind_of_command, segments
from explain.symptoms.hosts.pasted import read_block
from explain.symptoms.runs.of_blocks import runs_of
from explain.symptoms.tcpdump.packets import read_tcpdump
from explain.symptoms.transcript.blocks import Block, read_transcript
from explain.symptoms.witness import NothingUsableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.symptoms.changes.change import Change
    from explain.symptoms.commands.command import Command
    from explain.symptoms.tcpdump.lines import PacketText
    from explain.symptoms.tcpdump.packets import Told
    from explain.symptoms.transcript.cleaning import TextLine
    from explain.symptoms.witness import TextWitness

_MOST_BLOCKS = 20_000
_WEAK = (".trace", ".note", ".usage", ".sent", ".trying")
"""What a sentence of prose may also look like; alone it makes no run of lines that no command stands above."""
PROSE, COMMAND, TCPDUMP = "prose", "command", "tcpdump"


@dataclass(frozen=True, slots=True)
class NoteLine:
    """One line of a block.

    Attributes:
        number: in the text as given, from 1.
        is_remark: no reader understood it; it is the author's own, or of a program that is not known.
    """

    number: int
    text: str
    is_remark: bool = False

    def fields(self, kind: str) -> tuple[Field, ...]:
        """Its fields, by the kind of the block."""
        return () if self.is_remark else fields_of(kind, self.text)


@dataclass(frozen=True, slots=True)
class NoteBlock:
    """One command with what came back, or lines of one kind without a command.

    Attributes:
        kind: ip-address, ip-link, ip-route, ip-rule, ip-neighbour, netns, sysctl, iptables, iptables-save, nft,
            bridge-fdb, bridge-link, sockets, ping, traceroute, tracepath, mtr, connect, lookup, dhcp-client,
            server-log, tcpdump, command (it builds, or shows nothing), prose.
        node: the host, None where nothing names it.
        typed: the number of the line with the command, None without one.
        lines: what came back, in order.
        rows: what a state reader understood, keyed as in a state file (``iptables_list`` and such as in ``HostText``).
        partial: keys of rows of which the command asked for a part only.
        runs: what a reader of programs understood.
        packets: what tcpdump's lines told.
        changes: what the command would change, parsed; nothing is run.
        refusals: why a command was refused, by its own words.
    """

    kind: str
    node: str | None
    command: Command | None
    typed: int | None
    lines: tuple[NoteLine, ...]
    rows: Mapping[str, Any]
    partial: frozenset[str] = frozenset()
    runs: tuple[TextWitness, ...] = ()
    packets: tuple[tuple[PacketText, Told], ...] = ()
    changes: tuple[Change, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def span(self) -> tuple[int, int]:
        """Its first and last line in the text."""
        numbers = [line.number for line in self.lines if line.text.strip()]
        numbers += [self.typed] if self.typed else []
        return (min(numbers), max(numbers)) if numbers else (1, 1)

    @property
    def remarks(self) -> tuple[NoteLine, ...]:
        """The author's own lines in it."""
        return tuple(line for line in self.lines if line.is_remark)


@dataclass(frozen=True, slots=True)
class Notes:
    """A whole text.

    Attributes:
        is_cut: something was left out because it was too long.
    """

    blocks: tuple[NoteBlock, ...]
    is_cut: bool

    @property
    def is_known(self) -> bool:
        """Whether anything in it is of a kind that is known."""
        return any(block.kind not in (PROSE, COMMAND) or block.changes for block in self.blocks)


def read_notes(text: str | bytes, *, path: str = "text", otherwise: str = "unread.neither") -> Notes:
    """Every block of a text, in its order.

    Nothing in it is run or followed. A text of any length takes bounded time and memory.

    Args:
        text: as it was given.
        path: how the text is named in an error.
        otherwise: the sentence for octets that are no text.

    Raises:
        NothingUsableError: the text is empty, binary, or of no kind that is known here.
    """
    transcript = read_transcript(text, path, otherwise)
    blocks: list[NoteBlock] = []
    for block in transcript.blocks:
        blocks += _blocks_of(block)
        if len(blocks) >= _MOST_BLOCKS:
            break
    notes = Notes(tuple(blocks[:_MOST_BLOCKS]), transcript.is_cut or len(blocks) >= _MOST_BLOCKS)
    if not notes.is_known:
        raise NothingUsableError(path, "unread.no_known_tool")
    return notes


def _blocks_of(block: Block) -> list[NoteBlock]:
    if block.command is not None and _shows_a_file(block.command):
        return _of_a_file(block, block.command)
    if block.command is not None:
        return [_commanded(block, block.command)]
    return [_looked_at(kind, replace(block, lines=tuple(lines))) for kind, lines in segments(block.lines)]


_SHOWERS = frozenset({"cat", "tail", "head", "less", "more", "grep", "zcat", "journalctl", "dmesg"})


def _shows_a_file(command: Command) -> bool:
    """Whether the output is of a kind that the command does not tell; files of ``/proc/sys`` are settings."""
    return command.program in _SHOWERS and not any("/proc/" in word for word in command.words[1:])


def _of_a_file(block: Block, command: Command) -> list[NoteBlock]:
    """What a file held, each part by its look; the command stands above the first."""
    shown = replace(block, command=None)
    parts = [_looked_at(kind, replace(shown, lines=tuple(lines))) for kind, lines in segments(block.lines)]
    if not parts:
        return [_commanded(block, command)]
    return [replace(parts[0], command=command, typed=block.typed), *parts[1:]]


def _commanded(block: Block, command: Command) -> NoteBlock:
    """A command and its output: the command says how to read it."""
    kind = kind_of_command(command)
    refusals = refusals_of(block.lines)
    changes = tuple(changes_of(command.text, block.node))
    made = NoteBlock(kind, block.node, command, block.typed, (), {}, changes=changes, refusals=refusals)
    known = {each.line for each in refusals}
    if kind == TCPDUMP:
        return _with_packets(made, block.lines, known)
    if command.kind == "state" or kind == "sysctl":
        rows, partial = _rows(block)
        shown = made if changes or not rows else replace(made, kind=_kind_of_rows(rows, kind))
        return replace(
            shown,
            rows=rows,
            partial=partial,
            lines=_lines(block.lines, shown.kind, known, bool(rows) or kind == "conntrack"),
        )
    runs = tuple(run for run in runs_of(block) if run.symptoms)
    if command.kind in (None, "state") and runs:
        kind = runs[0].program
    return replace(made, kind=kind, runs=runs, lines=_of_runs(block.lines, runs, known))


def _looked_at(kind: str | None, block: Block) -> NoteBlock:
    """Lines without a command, of a kind that their look tells; None is everything else, perhaps runs."""
    made = NoteBlock(kind or PROSE, block.node, None, None, (), {})
    if kind == TCPDUMP:
        return _with_packets(made, block.lines, set())
    if kind is not None:
        rows, partial = _rows(replace(block, is_prose=False))
        return replace(made, rows=rows, partial=partial, lines=_lines(block.lines, kind, set(), bool(rows)))
    runs = tuple(run for run in runs_of(block) if any(not each.id.endswith(_WEAK) for each in run.symptoms))
    kind = runs[0].program if runs else PROSE
    refusals = refusals_of(block.lines)
    known = {each.line for each in refusals}
    return replace(made, kind=kind, runs=runs, lines=_of_runs(block.lines, runs, known), refusals=refusals)


def _rows(block: Block) -> tuple[dict[str, Any], frozenset[str]]:
    found = read_block(block)
    return {key: value for key, value, _ in found}, frozenset(key for key, _, is_part in found if is_part)


def _kind_of_rows(rows: Mapping[str, Any], kind: str) -> str:
    first = KINDS_OF_KEYS.get(next(iter(rows)), kind)
    return kind if kind in {KINDS_OF_KEYS.get(key) for key in rows} else first


def _with_packets(made: NoteBlock, lines: Sequence[TextLine], known: set[int]) -> NoteBlock:
    from explain.symptoms.tcpdump.lines import is_talk

    packets = read_tcpdump([line.text for line in lines])
    numbers = [line.number for line in lines]
    told = tuple((replace(packet, line=numbers[packet.line - 1]), fields) for packet, fields in packets)
    heads = {packet.line for packet, _ in told} | known
    shown = tuple(
        NoteLine(line.number, line.text,
                 bool(line.text.strip()) and line.number not in heads and line.text[:1] not in " \t"
                 and not is_talk(line.text))
        for line in lines
    )  # fmt: skip
    return replace(made, packets=told, lines=shown)


def _lines(lines: Sequence[TextLine], kind: str, known: set[int], is_understood: bool) -> tuple[NoteLine, ...]:
    """Lines of a state: what holds no field of its kind is a remark."""
    return tuple(
        NoteLine(line.number, line.text, bool(line.text.strip()) and line.number not in known
                 and not (is_understood and fields_of(kind, line.text)) and not _is_plain_output(kind, line.text))
        for line in lines
    )  # fmt: skip


def _is_plain_output(kind: str, text: str) -> bool:
    """Output that has nothing to look up: a namespace's name, a bare number."""
    words = text.split()
    if kind == "netns":
        return len(words) == 1 or text.rstrip().endswith(")")
    if kind == "nft":
        return text.strip() in ("}", "};")
    return kind == "sysctl" and bool(words) and all(word.lstrip("-").isdigit() for word in words)


def _of_runs(lines: Sequence[TextLine], runs: Sequence[TextWitness], known: set[int]) -> tuple[NoteLine, ...]:
    by_number = {line.number: line.text.strip() for line in lines}
    heard = set(known)
    for symptom in (each for run in runs for each in run.symptoms):
        heard.add(symptom.line)
        if len(symptom.text) > len(by_number.get(symptom.line, symptom.text)):
            heard.add(symptom.line + 1)  # put together from this line and the next
    return tuple(
        NoteLine(line.number, line.text, bool(line.text.strip()) and line.number not in heard) for line in lines
    )
