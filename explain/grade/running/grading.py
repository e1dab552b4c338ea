"""One submission: files in, verdicts out."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from explain.errors import NotGradableError, UnreadableError, reason_of
from explain.grade.events.of_report import Events
from explain.grade.events.scene import scene_of
from explain.grade.hand_ins.taken import MOST_ASIDE, Taken
from explain.grade.integrity.taking import take
from explain.grade.marking.answer_file import read_answers
from explain.grade.marking.answers import mark_answers
from explain.grade.marking.around import LabNetworks, told_of
from explain.grade.marking.engine import mark_checks
from explain.grade.marking.marker import Marker
from explain.grade.marking.verdict import Graded, score_of
from explain.grade.running.analyses import EVERY_TIME, Analyses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from explain.grade.events.scene import Scene
    from explain.grade.integrity.prints import Prints
    from explain.grade.rubric.records import Rubric
    from explain.model import Line, Report


def grade_files(
    rubric: Rubric, name: str, files: Mapping[str, Path], answers: Path | None, roster: Mapping[str, str],
    language: str = "en", analyses: Analyses = EVERY_TIME,
) -> Graded:  # fmt: skip
    """Grade the captures and answers of one student.

    ``files`` has the captures by their names in the rubric, those that are missing left out; ``roster`` is the
    student's row.

    Raises:
        NotGradableError: a capture is too large, or cannot be read.
    """
    names = [one for one in rubric.captures if one in files]
    if not names:
        raise NotGradableError("grade.no_captures")
    taken = files if isinstance(files, Taken) else Taken(files, answers)
    marker = _marker(rubric, replace(taken, captures={one: files[one] for one in names}), analyses, roster, language)
    given, trouble = _answers(answers, [one.id for one in rubric.questions])
    report = marker.joint.scene.report
    checks, marked = (
        tuple(replace(one, story=tuple(told_of(report, one.evidence, marker.lab, language))) for one in some)
        for some in (mark_checks(marker), mark_answers(marker, given, trouble))
    )
    score = score_of(checks, marked)
    called = taken.told()
    return Graded(
        id=name,
        status="graded",
        score=score,
        max=rubric.total,
        checks=checks,
        answers=marked,
        reason=None,
        files=tuple((one, _called(called[files[one]], taken.interfaces.get(one))) for one in names),
        outside=len(marker.lab.strangers(report)) if rubric.networks else None,
        prints=_prints(rubric, marker.joint.scene),
        answers_file=None if answers is None else called[answers],
        aside=tuple(called[one] for one in taken.aside[:MOST_ASIDE]),
        exchanged=_exchanged(marker, taken, analyses, given, score) if len(names) == 2 else None,
    )


def _exchanged(
    marker: Marker, taken: Taken, analyses: Analyses, given: Mapping[str, Any], score: float
) -> float | None:
    """The score of two captures under each other's names, if it is higher; None also where a name was not the doubt."""
    rubric = marker.rubric
    by_place = {one.id for one in rubric.checks if one.capture}
    is_doubted = any(one.id in by_place and one.verdict == "not-met" for one in marker.verdicts.values())
    if taken.interfaces or not (is_doubted or score * 2 < rubric.total):
        return None
    one, other = taken.captures
    turned = replace(taken, captures={other: taken[one], one: taken[other]})
    again = _marker(rubric, turned, analyses, marker.roster, marker.language)
    higher = score_of(mark_checks(again), mark_answers(again, given, None))
    return higher if higher > score else None


def _called(file: str, interface: str | None) -> str:
    return file if interface is None else f"{file} ({interface})"


def _marker(rubric: Rubric, files: Taken, analyses: Analyses, roster: Mapping[str, str], language: str) -> Marker:
    """What marking begins with: the events of all captures together, and of each alone when they are asked for."""
    joint = _events(rubric, files, analyses)

    @cache
    def alone(capture: str) -> Events:
        if capture not in files:
            return Events(_nothing(joint, capture))
        return (
            joint if len(files) == 1 else _events(rubric, replace(files, captures={capture: files[capture]}), analyses)
        )

    lacking = tuple(one for one in rubric.captures if one not in files)
    return Marker(rubric, joint, alone, roster, language, lacking, LabNetworks(rubric.networks))


def _prints(rubric: Rubric, scene: Scene) -> Prints | None:
    if rubric.integrity.get("policy") == "off":
        return None
    return take(scene, rubric.integrity, scene.names)


def _nothing(joint: Events, capture: str) -> Any:
    """A scene without a frame, for a capture that was not handed in."""
    from explain.exchanges.hosts import Hosts
    from explain.exchanges.together import Exchanges
    from explain.grade.events.scene import Scene
    from explain.model import CaptureInfo, Report
    from explain.table import PacketTable

    info = CaptureInfo.without_packets("", capture)
    table, old = PacketTable(), joint.scene.report
    report = Report((info,), Hosts(table, ()), Exchanges(table, []), (), (), (), table, (), old.voice)
    return Scene(report, [capture], [""], table)


def scene_of_files(files: Mapping[str, Path], analyses: Analyses = EVERY_TIME) -> Scene:
    """What some captures show, under their names.

    Raises:
        UnreadableError: one of them cannot be read.
    """
    from explain.capture.vantage import Source

    interfaces = files.interfaces if isinstance(files, Taken) else {}
    sources = [
        Source(str(path.resolve()), name if name in interfaces else None, interfaces.get(name))
        for name, path in files.items()
    ]
    return scene_of(analyses.report(sources), list(files), [one.path for one in sources])


def _events(rubric: Rubric, files: Taken, analyses: Analyses) -> Events:
    from explain.grade.hand_ins.submissions import is_capture

    for path in files.values():
        if path.stat().st_size > rubric.limits.octets:
            raise NotGradableError("grade.octets", limit=rubric.limits.octets)
        if not is_capture(path):
            raise NotGradableError("grade.is_no_capture", name=path.name)
    scene = scene_of_files(files, analyses)
    scene.is_one_of_several = len(rubric.captures) > 1
    for number, info in enumerate(scene.report.captures):
        if info.damage is not None and info.damage.kind == "unreadable":
            raise NotGradableError("grade.capture_unread", why=info.damage.line)
        if info.damage is not None and not info.packets:
            raise NotGradableError("grade.no_frame_read", why=info.damage.line)
        if _has_only_unknown_frames(scene.report, number):
            kinds = ", ".join(str(one.link_type) for one in info.interfaces[:3])
            raise NotGradableError("grade.link_type", kinds=kinds)
        if info.packets > rubric.limits.packets:
            raise NotGradableError("grade.packets", limit=rubric.limits.packets)
    return Events(scene)


def _has_only_unknown_frames(report: Report, capture: int) -> bool:
    import numpy as np

    from explain.table import UNKNOWN_LINK

    table = report.packets.whole
    here = [place for place, spot in enumerate(table.places) if spot.capture == capture]
    found = table.layers[: table.rows][np.isin(table.place[: table.rows], here)]
    return bool(len(found)) and bool((found & UNKNOWN_LINK != 0).all())


def _answers(path: Path | None, asked: Sequence[str]) -> tuple[dict[str, Any], Line | None]:
    if path is None:
        return {}, None
    try:
        return read_answers(path, asked)
    except UnreadableError as error:
        return {}, error.why
    except OSError as error:
        return {}, reason_of(error)
