"""``explain lab quiz``: a recording frame by frame, each guessed before it is shown."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from explain.cli.options import HELP, language_option
from explain.errors import ExplainError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.lab.records import Lab
    from explain.model import CaptureInfo, Report
    from explain.render.quiz import Card

WIDTH = 80
_LONGEST_ANSWER, _LONGEST_LINE = 200, 4096


@dataclass(frozen=True, slots=True)
class Source:
    """What is asked about.

    Attributes:
        name: what people call it.
        place: the interface whose frames are asked about, None where the file names none.
        command: what was typed there, None if nobody knows.
        drawing: the lab's network.
        names: MAC or address -> names that the lab gives to its owner.
    """

    name: str
    capture: Path
    place: str | None
    command: str | None
    drawing: tuple[str, ...]
    names: dict[str, list[str]]


class _EndedError(Exception):
    """Nobody answers any more."""


@click.command("quiz", context_settings=HELP)
@click.argument("name")
@click.option("--at", metavar="NODE.IFACE")
@click.option("--from", "first", type=click.IntRange(1), default=1)
@language_option()
def quiz(name: str, at: str | None, first: int, lang: str) -> int:
    """Guess each frame of a recording before it is shown: who speaks, to which MAC, with which flags; then why."""
    from explain.pipeline import explain
    from explain.render.quiz import cards

    source = _source(name, at)
    chosen = f"quiz:{source.place}={source.capture}" if source.place else str(source.capture)
    report = explain([chosen])
    deck = list(cards(report, source.names))
    if first > max(len(deck), 1):
        raise UsageError("usage.quiz_from", count=len(deck), place=source.place or name, first=first)
    if source.place:
        _say(lang, "quiz.intro", name=source.name, place=source.place, frames=len(deck))
    else:
        _say(lang, "quiz.intro-nowhere", name=source.name, frames=len(deck))
    for row in source.drawing:
        print(row)
    if source.command:
        _say(lang, "quiz.typed", command=source.command)
    right = asked = shown = 0
    with suppress(_EndedError):
        times = [card.time_ns for card in deck]
        gaps = [0, *(after - before for before, after in pairwise(times))]
        for number, card in enumerate(deck[first - 1 :], first):
            message = "quiz.next" if number > 1 else "quiz.first"
            print()
            _say(lang, message, number=number, count=len(deck), after_ns=gaps[number - 1])
            marks = _asked(card, lang)
            shown += 1
            right, asked = right + sum(marks), asked + len(marks)
            _explain_card(card, lang)
        print()
        _say(lang, "quiz.ended", capture=str(source.capture))
    _say(lang, "quiz.score", right=right, asked=asked, frames=shown)
    return 0


def _asked(card: Card, lang: str) -> list[bool]:
    """Ask about one frame, show it, and tell what was right.

    Raises:
        _EndedError: the answers have ended.
    """
    questions: list[tuple[str, str, Callable[[str], bool]]] = [
        *((("speaker", card.speaker.shown, card.speaker.is_met_by),) if card.speaker else ()),
        *((("listener", card.listener.shown, card.listener.is_met_by),) if card.listener else ()),
        ("said", card.said.text, card.says),
    ]
    answers = [_answer(f"quiz.ask.{what}", lang) for what, _, _ in questions]
    marks = [is_right(answer) for answer, (_, _, is_right) in zip(answers, questions, strict=True)]
    for is_right, (what, shown, _) in zip(marks, questions, strict=True):
        print(f"  {'✓' if is_right else '✗'} {_sentence(lang, f'quiz.was.{what}', right=shown)}")
    return marks


def _answer(message: str, lang: str) -> str:
    from explain.words.values import visible

    print(f"  {_sentence(lang, message)} > ", end="", flush=True)
    try:
        typed = sys.stdin.readline(_LONGEST_LINE)
    except UnicodeDecodeError:
        typed = "?\n"
    if not typed or typed.strip().lower() in {"q", "quit", "exit"}:
        print()
        raise _EndedError
    if not sys.stdin.isatty():  # then nobody has seen what was answered
        print(visible(typed.strip(), _LONGEST_ANSWER))
    return typed[:_LONGEST_ANSWER]


def _explain_card(card: Card, lang: str) -> None:
    from explain.words import say

    told = [say(line.message, line.values, lang) for line in card.reasons]
    _print_wrapped(_sentence(lang, "quiz.why", reason=told[0]), "  ")
    for sentence in told[1:]:
        _print_wrapped(sentence, "  ")


def _sentence(lang: str, message: str, **values: object) -> str:
    from explain.words import say

    return say(message, values, lang)


def _say(lang: str, message: str, **values: object) -> None:
    _print_wrapped(_sentence(lang, message, **values), "")


def _print_wrapped(text: str, indent: str) -> None:
    from explain.render.layout import wrap

    for row in wrap(text, WIDTH - len(indent)):
        print(f"{indent}{row}")


def _source(name: str, at: str | None) -> Source:
    """A recorded lab by its name or folder, else a capture."""
    from explain.cli.ping.case_folder import read_case
    from explain.lab.catalogue import find_recording
    from explain.lab.draw import draw

    if Path(name).is_file():
        place = _place(_captured(name), at, None)
        return Source(Path(name).name, Path(name), place, None, (), {})
    folder = find_recording(name)
    case = read_case(folder)
    capture = folder / "capture.pcapng"
    place = _place(_captured(str(capture)), at, case.sender)
    where = f"{case.sender}# {case.command}" if case.command else None
    lab = _lab(folder.resolve().name)
    drawing = tuple(draw(lab, WIDTH)) if lab else ()
    return Source(folder.resolve().name, capture, place, where, drawing, _names(lab))


def _captured(path: str) -> tuple[CaptureInfo, Report]:
    """What the file is, and its frames: read once to see where anything was heard."""
    from explain.pipeline import explain

    report = explain([path])
    return report.captures[0], report


def _place(read: tuple[CaptureInfo, Report], at: str | None, sender: str | None) -> str | None:
    """The interface to listen at: the one asked for, else the sender's first that heard something, else the first.

    Raises:
        UnknownNameError: the file has no such interface.
    """
    import numpy as np

    info, report = read
    whole = report.packets
    heard = [whole.places[number].name for number in np.unique(whole.place[: len(whole)]).tolist()]
    named = [one.name for one in info.interfaces if one.name]
    if at is not None:
        if at not in named:
            raise UnknownNameError("interface", at, tuple(name for name in named if name in heard))
        return at
    here = [name for name in named if name in heard]
    own = [name for name in here if sender and name.startswith(f"{sender}.")]
    return next(iter((*own, *here)), None)


def _lab(name: str) -> Lab | None:
    """The lab that was recorded; None if its file is not here any more."""
    from explain.lab.catalogue import find
    from explain.lab.read import read

    with suppress(ExplainError):
        return read(find(name))
    return None


def _names(lab: Lab | None) -> dict[str, list[str]]:
    """What the lab's file calls the owner of each MAC and address."""
    found: dict[str, list[str]] = {}
    for node in lab.nodes if lab else ():
        for nic in node.nics:
            for text in (nic.mac, *(address.partition("/")[0] for address in nic.addresses)):
                found[text] = [node.name, f"{node.name}.{nic.name}"]
    return found
