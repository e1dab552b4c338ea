"""The flow, top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from os import PathLike
    from typing import BinaryIO

    from explain.capture.vantage import Source
    from explain.causes.notes.item import Study
    from explain.exchanges.selection import Selection
    from explain.model import CaptureInfo, Report
    from explain.symptoms.notes import Notes
    from explain.table import PacketTable


def explain(
    inputs: Iterable[str | PathLike[str] | BinaryIO | Source],
    selection: Selection | None = None,
    *,
    everything: bool = False,
    most_lines: int | None = None,
    every_checksum: bool = False,
    inside: bool = False,
    progress: Callable[[int, int, int], None] | None = None,
    against: Iterable[str | PathLike[str] | BinaryIO | Source] = (),
    until_interrupted: bool = False,
) -> Report:
    """Captures in, report out; each step takes what the one before it gives.

    Args:
        inputs: ``[NAME[:IFACE]=]FILE``, paths, binary streams, or what these were already read as.
        selection: which exchanges to keep; None keeps all.
        everything: tell every exchange, however many there are.
        most_lines: how many lines will be shown; many more need not be made.
        every_checksum: verify the checksums of all payloads.
        inside: read packets that carry others (tunnels) as what they carry.
        progress: called now and then with packets so far, octets read and octets in all.
        against: captures of a run of the same thing that went well, to hold this one against.
        until_interrupted: Ctrl-C ends the reading only, and what was read is explained; its ``damage`` says so.
    """
    from dataclasses import replace

    from explain import story
    from explain.intake import take_in

    table, captures, texts = take_in(
        inputs, every_checksum=every_checksum, inside=inside, progress=progress, until_interrupted=until_interrupted
    )
    report = understand(table, captures)
    if selection:
        report = selection.apply(report)
    if texts:
        report = replace(report, studies=_studied(texts, report))
    report = replace(report, lines=story.tell(report, everything=everything, most=most_lines))
    return _held_against(against, report, selection, inside=inside) if against else report


def understand(table: PacketTable, captures: tuple[CaptureInfo, ...] = ()) -> Report:
    """What the rows mean; its ``lines`` are still to come.

    Given the files as they were read, it looks into them again where it doubts an octet, and says what was verified.
    """
    from explain import causes, exchanges, places
    from explain.exchanges.hosts import Hosts
    from explain.model import Report
    from explain.render.voice import PlainVoice

    seen = places.match(table, len(captures) or 1)
    near = places.each_once(table, seen)
    found = exchanges.find(near, seen)
    if any(one.checksums != "all" for one in captures):
        from explain.exchanges.doubtful import doubtful
        from explain.second_look import look_again

        captures = look_again(near, doubtful(found), captures)
    hosts = Hosts(near, found.parts)
    findings, unexplained = causes.find(near, found, hosts)
    return Report(
        captures=captures,
        hosts=hosts,
        exchanges=found,
        findings=findings,
        unexplained=unexplained,
        lines=(),
        packets=table,
        clocks=seen.clocks if seen else (),
        voice=PlainVoice(),
    )


def _studied(texts: Mapping[int, Notes], report: Report) -> list[Study]:
    """The texts among the inputs, replayed and judged; what reads them is imported only where there is one."""
    from explain.causes.notes.beside.lines import beside
    from explain.causes.notes.study import study

    part = report.exchanges.of_kind("nat.translation")
    translations = [part.fields(index) for index in range(len(part))] if part else []
    studies = [study(notes, number, translations) for number, notes in texts.items()]
    return beside(studies, report.packets, report.captures)


def _held_against(
    good: Iterable[str | PathLike[str] | BinaryIO | Source],
    report: Report,
    selection: Selection | None,
    *,
    inside: bool,
) -> Report:
    """The report with what a good run shows otherwise; what is chosen by address or time is chosen only here."""
    from dataclasses import replace

    from explain import story
    from explain.intake import take_in
    from explain.runs.compare import compare

    other = understand(*take_in(good, inside=inside)[:2])
    if selection:
        other = replace(selection, hosts=(), between=None).apply(other)
    compared = compare(other, report)
    return replace(report, lines=story.with_comparison(report.lines, compared, report.captures), against=compared)
