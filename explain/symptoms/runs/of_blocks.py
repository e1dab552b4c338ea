"""Blocks of a transcript become runs: one program, one target, one witness."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explain.symptoms.addresses import canonical, family_of
from explain.symptoms.commands.command import Command, parse_command
from explain.symptoms.outcome import counts_of, inconsistencies_of, is_complete, is_finished, pattern_of
from explain.symptoms.programs.arping import read_arping_line
from explain.symptoms.programs.connect import read_connect_line
from explain.symptoms.programs.dhcp import read_dhcp_line
from explain.symptoms.programs.fping import read_fping_line, read_fping_state
from explain.symptoms.programs.hping import read_hping_line, read_hping_tcp
from explain.symptoms.programs.lookup import read_lookup_line, read_short_answer
from explain.symptoms.programs.paths import read_mtr_json, read_mtr_line, read_tracepath_line
from explain.symptoms.programs.ping import read_ping_line
from explain.symptoms.programs.ping_errors import read_ping_error
from explain.symptoms.programs.ping_ios import read_ios_ping
from explain.symptoms.programs.ping_totals import read_ping_totals
from explain.symptoms.programs.ping_windows import read_windows_ping
from explain.symptoms.runs.hops import hops_of, with_reached
from explain.symptoms.runs.reading import LineReader, Understood, first_reading, make_symptom, read_lines
from explain.symptoms.witness import Counts, Pattern, Symptom, TextWitness, UnknownLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.symptoms.transcript.blocks import Block
    from explain.symptoms.transcript.cleaning import TextLine
from explain.symptoms.programs.servers import read_server_line
from explain.symptoms.programs.traceroute import read_traceroute_error, read_traceroute_line

READERS: dict[str, tuple[LineReader, ...]] = {
    "ping": (
        *(read_ping_line, read_ping_totals, read_windows_ping, read_ios_ping, read_fping_line),
        *(read_arping_line, read_hping_line, read_ping_error),
    ),
    "traceroute": (read_traceroute_line, read_traceroute_error),
    "tracepath": (read_tracepath_line, read_traceroute_error),
    "mtr": (read_mtr_line, read_traceroute_error),
    "connect": (read_hping_tcp, read_connect_line),
    "lookup": (read_lookup_line,),
    "dhcp-client": (read_dhcp_line,),
    "server-log": (read_server_line,),
}
"""The readers of each kind of program, in the order in which they are asked."""

STARTS = frozenset({"echo.start", "way.start", "connect.start", "lookup.start"})
_WAYS = frozenset({"traceroute", "tracepath", "mtr"})


def runs_of(block: Block, given: Command | None = None) -> list[TextWitness]:
    """The runs that a block shows; none for commands of other kinds and for pure remarks.

    Args:
        block: of a transcript.
        given: the command as somebody told it beside the text; it belongs to what no prompt stands above.
    """
    kind = block.command.kind if block.command else None
    kind = "ping" if kind == "arping" else kind
    if kind in READERS:
        understood = _understood(kind, block)
        return [_witness(kind, *each) for each in _by_target(block, understood)]
    if block.command is not None and kind is not None:
        return []
    if given and given.kind and (_is_fping(given) or (given.kind == "lookup" and "+short" in given.words)):
        told = _told(block, given)
        return [_witness(given.kind, *each) for each in _by_target(told, _understood(given.kind, told))]
    hint = given.kind if given and given.kind in READERS else None
    return [
        _witness(kind, *each)
        for kind, understood in _by_kind(block, hint)
        for each in _by_target(_told(block, given) if kind == hint and _fits(given, understood) else block, understood)
    ]


def _is_fping(command: Command | None) -> bool:
    return command is not None and command.program in {"fping", "fping6"}


def _by_target(block: Block, understood: Understood) -> list[tuple[Block, Understood]]:
    """A run of fping is one for each target that its lines name; what names none stays with the first."""
    if not any(each.values.get("dialect") == "fping" for each in understood.symptoms):
        return [(block, understood)]
    groups: dict[str, list[Symptom]] = {}
    for each in understood.symptoms:
        named = str(each.values.get("target") or next(iter(groups), ""))
        groups.setdefault(named, []).append(each)
    command = block.command
    return [
        (
            replace(block, command=replace(command, target=target)) if command else block,
            Understood(tuple(symptoms), understood.unknown if at == 0 else ()),
        )
        for at, (target, symptoms) in enumerate(groups.items())
    ]


def _told(block: Block, given: Command | None) -> Block:
    return replace(block, command=given, node=block.node or (given.node if given else None))


def _fits(given: Command | None, understood: Understood) -> bool:
    """Whether the lines may be those of a command: no other target stands in their header."""
    start = next((each.values for each in understood.symptoms if each.id in STARTS), {})
    printed = {str(start[key]).split("%")[0].lower() for key in ("target", "address") if start.get(key)}
    wanted = str((given.target if given else None) or "").split("%")[0].lower()
    return not printed or not wanted or bool({wanted, canonical(wanted)} & printed)


def _understood(kind: str, block: Block) -> Understood:
    """The lines below a command; mtr's JSON and dig's short form are known by the command alone."""
    if kind == "mtr" and (hops := read_mtr_json("\n".join(line.text for line in block.lines).strip())):
        first = next(line.number for line in block.lines if line.text.strip())
        return Understood(tuple(make_symptom(hop, "", first) for hop in hops), ())
    readers = READERS[kind]
    if kind == "lookup" and block.command and "+short" in block.command.words:
        readers = (*readers, read_short_answer)
    if _is_fping(block.command):
        readers = (read_fping_state, *readers)
    return read_lines(block.lines, readers)


def _by_kind(block: Block, hint: str | None) -> list[tuple[str, Understood]]:
    """Lines without a command: cut where another kind of program, or another run of the same, begins."""
    if hops := read_mtr_json("\n".join(line.text for line in block.lines[:4096]).strip()):
        symptoms = tuple(make_symptom(hop, "", block.lines[0].number) for hop in hops)
        return [("mtr", Understood(symptoms, ()))]
    pieces: list[tuple[str, list[TextLine]]] = []
    waiting: list[TextLine] = []
    for line in block.lines:
        kind, starts = _kind_of(line.text, pieces[-1][0] if pieces else hint)
        if kind is None:
            (pieces[-1][1] if pieces else waiting).append(line)
        elif (
            not pieces or kind != pieces[-1][0] or (starts and any(_starts(each.text, kind) for each in pieces[-1][1]))
        ):
            pieces.append((kind, [*waiting, line] if not pieces else [line]))
        else:
            pieces[-1][1].append(line)
    found = [(kind, read_lines(lines, READERS[kind])) for kind, lines in pieces]
    if block.is_prose:
        found = [(kind, Understood(understood.symptoms, ())) for kind, understood in found]
    return [(kind, understood) for kind, understood in found if understood.symptoms]


def _kind_of(text: str, current: str | None) -> tuple[str | None, bool]:
    """The kind of program a line belongs to; the run that is open is asked first."""
    if not text.strip():
        return None, False
    order = [current, *(kind for kind in READERS if kind != current)] if current else list(READERS)
    for kind in order:
        reading = first_reading(text, READERS[kind]) if kind else None
        if reading is not None:
            return kind, reading[0] in STARTS
    return None, False


def _starts(text: str, kind: str) -> bool:
    reading = first_reading(text, READERS[kind]) if text.strip() else None
    return reading is not None and reading[0] in STARTS


def _witness(kind: str, block: Block, understood: Understood) -> TextWitness:
    symptoms = _own_marked(understood.symptoms)
    dialect = _dialect(symptoms)
    command = block.command
    if command and dialect in ("bsd", "windows"):
        command = parse_command(command.text, dialect) or command
    start: dict[str, Any] = dict(next((each.values for each in symptoms if each.id in STARTS), {}))
    if command and dialect == "ios":  # its words are no options of ours: ping 192.0.2.1 source Loopback0
        command = replace(command, target=start.get("target"))
    counts = counts_of(symptoms) if kind == "ping" else Counts()
    is_short = _is_short(command, symptoms) or _has_cut(block)
    target, address = _target(command, start, symptoms) if kind not in ("dhcp-client", "server-log") else (None, None)
    if kind in _WAYS:
        symptoms = with_reached(symptoms, address or target)
    return TextWitness(
        program=kind,
        dialect=dialect,
        command=command,
        node=block.node,
        target=target,
        target_address=address,
        family=_family(command, start, address, symptoms),
        source=start.get("source") or (command.source if command else None),
        interface=start.get("interface") or (command.interface if command else None),
        exit_status=block.status,
        is_complete=is_complete(symptoms) if kind == "ping" else is_finished(kind, symptoms),
        counts=counts,
        pattern=pattern_of(symptoms, counts) if kind == "ping" else Pattern(),
        symptoms=symptoms,
        unknown=understood.unknown,
        inconsistencies=inconsistencies_of(symptoms, counts, is_short) if kind == "ping" else (),
        notes=("cut-lines",) if _has_cut(block) else (),
        hops=hops_of(symptoms) if kind in _WAYS else (),
    )


def _is_short(command: Command | None, symptoms: Sequence[Symptom]) -> bool:
    """Whether the text need not show every reply: asked to be quiet, a flood, or without its beginning."""
    seen = {each.id for each in symptoms}
    return bool(command and {"q", "f"} & set(command.options)) or "echo.start" not in seen or "echo.flood" in seen


def _has_cut(block: Block) -> bool:
    return any(line.is_cut for line in block.lines)


def _dialect(symptoms: Sequence[Symptom]) -> str | None:
    """Whose wording it is: the particular (busybox, windows) before what several share."""
    told = [str(symptom.values["dialect"]) for symptom in symptoms if symptom.values.get("dialect")]
    if not told:
        return None
    return next((name for name in ("busybox", "windows") if name in told), told[0])


def _own_marked(symptoms: Sequence[Symptom]) -> tuple[Symptom, ...]:
    """ICMP errors from the very address that the run leaves from are this kernel's own words."""
    own = {symptom.values.get("source") for symptom in symptoms if symptom.id in STARTS} - {None}
    return tuple(
        make_symptom((symptom.id, {**symptom.values, "is_own": True}), symptom.text, symptom.line)
        if own and symptom.id.startswith("icmp.") and symptom.values.get("from") in own
        else symptom
        for symptom in symptoms
    )


def _target(
    command: Command | None, start: dict[str, Any], symptoms: Sequence[Symptom]
) -> tuple[str | None, str | None]:
    named = start.get("target") or next((each.values["target"] for each in symptoms if each.values.get("target")), None)
    looked_up = next(
        (each.values["name"] for each in symptoms if each.id.startswith("name.") and each.values.get("name")), None
    )
    target = (command.target if command else None) or named or looked_up
    address = start.get("address") or next(
        (each.values["address"] for each in symptoms if each.values.get("address")), None
    )
    return target, address or canonical(str(target or ""))


def _family(
    command: Command | None, start: dict[str, Any], address: str | None, symptoms: Sequence[Symptom]
) -> int | None:
    told = start.get("family") or family_of(address) or (command.family if command else None)
    return told or next((each.values["family"] for each in symptoms if each.values.get("family")), None)


def without_symptoms(block: Block) -> tuple[UnknownLine, ...]:
    """The lines of a block that became no run."""
    return tuple(UnknownLine(line.number, line.text, block.is_prose) for line in block.lines if line.text.strip())
