"""The front door of this room: a pasted text in, a witness out."""

from __future__ import annotations

from dataclasses import replace

from explain.symptoms.addresses import family_of
from explain.symptoms.commands.command import Command, parse_command
from explain.symptoms.runs.of_blocks import runs_of, without_symptoms
from explain.symptoms.transcript.blocks import Block, read_transcript
from explain.symptoms.transcript.cleaning import decode
from explain.symptoms.transcript.prompts import read_prompt
from explain.symptoms.witness import NothingUsableError, Symptom, TextWitness


def read_text(
    text: str | bytes, command: str | Command | None = None, exit_status: int | None = None, *, path: str = "text"
) -> TextWitness:
    """What a terminal's text says of one run of ping, traceroute, a TCP client, a look-up or a DHCP client.

    Args:
        text: the pasted text, or its bytes; it may begin with a prompt line that holds the command, and may hold
            several runs, notes and quotations.
        command: the command line, where it is known beside the text.
        exit_status: of that command, where it is known.
        path: how the text is named in an error.

    Returns:
        The run that ``command`` names; without it the last run that failed, else the last. The others are in
        ``others``.

    Raises:
        NothingUsableError: the text is empty, binary, or of no program that is known here.
    """
    given = parse_command(_bare(command)) if isinstance(command, str) else command
    try:
        runs = list(read_runs(text, given, path=path))
    except NothingUsableError:
        runs = _silent(text, given) if exit_status is not None else []
        if not runs:
            raise
    chosen = runs.pop(_chosen(runs, given))
    if exit_status is not None:
        chosen = replace(chosen, exit_status=exit_status)
    if chosen.program == "ping" and _contradicts(chosen):
        chosen = replace(chosen, inconsistencies=(*chosen.inconsistencies, "exit-status-contradicts"))
    return replace(chosen, others=tuple(runs))


_OF_ANY_PROGRAM = frozenset(("connect.trace", "connect.note"))
"""Lines that any program may print; alone they show no connection."""
_MISTYPED = frozenset(("ping.usage", "way.usage"))


def read_runs(text: str | bytes, given: Command | None = None, *, path: str = "text") -> tuple[TextWitness, ...]:
    """Every run that a text shows, in its order.

    Args:
        text: as for ``read_text``.
        given: a command that is known beside the text.
        path: how the text is named in an error.

    Raises:
        NothingUsableError: as ``read_text``.
    """
    transcript = read_transcript(text, path)
    runs: list[TextWitness] = []
    for block in transcript.blocks:
        runs += _with_leftovers(block, given)
    usable = [run for run in runs if any(each.id not in _OF_ANY_PROGRAM for each in run.symptoms)]
    if not usable:
        raise NothingUsableError(path, "unread.cut_before_client" if transcript.is_cut else "unread.no_known_client")
    return tuple(replace(run, notes=(*run.notes, "cut-text")) for run in usable) if transcript.is_cut else tuple(usable)


def _silent(text: str | bytes, given: Command | None) -> list[TextWitness]:
    """The run of a TCP client that printed nothing, as ``curl -s`` and ``nc -z`` do: only its exit status tells."""
    shown = (decode(text) if isinstance(text, bytes) else text).strip()
    prompt = read_prompt(shown) if "\n" not in shown else None
    command = given if not shown else prompt.command if prompt else None
    if command is None or command.kind != "connect":
        return []
    node = command.node or (prompt.host if prompt else None)
    return runs_of(Block(node, command, 1 if shown else None, ()))


def _with_leftovers(block: Block, given: Command | None) -> list[TextWitness]:
    runs = runs_of(block, given)
    if runs and block.command is None and not block.is_prose:
        seen = {each.line for run in runs for each in run.unknown} | {
            each.line for run in runs for each in run.symptoms
        }
        first = min(seen, default=0)
        early = tuple(each for each in without_symptoms(block) if each.line < first)
        runs[0] = replace(runs[0], unknown=(*early, *runs[0].unknown))
    return runs


def _bare(command: str) -> str:
    """A command without the prompt that may stand before it."""
    prompt = read_prompt(command.strip().split("\n", 1)[0])
    return prompt.typed if prompt else command


def _chosen(runs: list[TextWitness], given: Command | None) -> int:
    if given is not None:
        same = [at for at, run in enumerate(runs) if run.command and run.command.words == given.words]
        kind = [at for at, run in enumerate(runs) if run.program == given.kind and given.target in (None, run.target)]
        for found in (same, kind, [at for at, run in enumerate(runs) if run.program == given.kind]):
            if found:
                return found[-1]
    sent = [at for at, run in enumerate(runs) if not is_mistyped(run)] or list(range(len(runs)))
    failed = [at for at in sent if runs[at].succeeded is False]
    return failed[-1] if failed else sent[-1]


def is_mistyped(run: TextWitness) -> bool:
    """Whether the program only complains of how it was called: it has sent nothing."""
    return bool(run.symptoms) and all(each.id in _MISTYPED or _is_of_other_family(each) for each in run.symptoms)


def _is_of_other_family(symptom: Symptom) -> bool:
    """Whether a plain address, which nobody looks up, was refused because the other family was asked for."""
    return symptom.id == "name.family-unsupported" and family_of(str(symptom.values.get("name"))) is not None


def _contradicts(run: TextWitness) -> bool:
    if run.exit_status is None or run.counts.received is None:
        return False
    return (run.exit_status == 0) != (run.counts.received > 0) and not (run.command and run.command.deadline_s)
