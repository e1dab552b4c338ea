"""``explain grade review``: read what waits for a person, one answer after another."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from explain.cli.options import HELP, LANG
from explain.cli.talk import complained, language, sentence
from explain.cli.talk import told as tell
from explain.errors import UnreadableError
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.grade.pages.review import Waiting
    from explain.grade.rubric.records import Rubric


def review_of(rubric: Rubric, told: Mapping[str, Any], folder: Path, language: str) -> str:
    """Enter into the marks what a person gave before; the queue as it has to be written now."""
    from explain.grade.pages import review

    path = folder / review.QUEUE
    items, complaints = review.read_queue(path, review.waiting(rubric, told))
    for complaint in complaints:
        complained(complaint)
    review.enter(told, items, language)
    left = sum(one.points is None for one in items)
    if left:
        tell("grade.waiting", left=left, count=len(items), folder=folder)
    return review.queue_csv(items)


def enter_reviewed(rubric: Rubric, told: Mapping[str, Any], folder: Path, language: str) -> None:
    """The same without a word, once the queue is written."""
    from explain.grade.pages import review

    items, _ = review.read_queue(folder / review.QUEUE, review.waiting(rubric, told))
    review.enter(told, items, language)


@click.command(
    "review",
    context_settings=HELP,
)
@click.argument("rubric", metavar="RUBRIC.toml")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@LANG
def review_answers(rubric: str, folder: Path) -> int:
    """Read the answers that wait for a person, and enter points and a remark for each."""
    from explain.grade.authoring.lint import sound
    from explain.grade.pages import review

    read, path = sound(rubric, language()), folder / review.QUEUE
    items, complaints = review.read_queue(path, review.waiting(read, {"submissions": _told(folder / "grades.json")}))
    for complaint in complaints:
        complained(complaint)
    open_ones = [number for number, one in enumerate(items) if one.points is None]
    for done, number in enumerate(open_ones, 1):
        entry = _asked(items[number], (done, len(open_ones)))
        if entry is None:
            break
        items[number] = entry
        _save(path, items)
    left = sum(one.points is None for one in items)
    print(sentence("review.left" if left else "review.done", left=left, count=len(items)))
    return 0


def _told(path: Path) -> Iterator[dict[str, Any]]:
    """The verdicts as they were before a person looked: what was read already waits in the queue with its points."""
    from explain.grade.pages.form import forms_in

    for form in forms_in(str(path)):
        try:
            for one in (*form["checks"], *form["answers"]):
                one["verdict"] = "manual" if one.get("by_hand") else one["verdict"]
        except (KeyError, TypeError, AttributeError):
            raise UnreadableError(str(path), "unread.no_grades") from None
        yield form


def _asked(one: Waiting, where: tuple[int, int]) -> Waiting | None:
    """The answer with points, or as it is if it was passed over; None where the reader stops."""
    number, count = where
    print("\n" + sentence("review.one", number=number, count=count, student=one.student, question=one.question))
    print(f"  {visible(one.asked, 500)}")
    print(f"  > {one.answer}" if one.answer else sentence("review.check"))
    if one.mentions:
        print(sentence("review.mentions", words=one.mentions))
    if one.frames:
        print(sentence("review.frames", frames=one.frames))
    while True:
        text = _line(sentence("review.points", most=f"{one.max:g}"))
        if text is None or text.casefold() == "q":
            return None
        if not text:
            return one
        try:
            points = float(text.replace(",", "."))
        except ValueError:
            points = -1.0
        if 0 <= points <= one.max:
            return replace(one, points=points, remark=visible(_line(sentence("review.remark")) or ""))
        print(sentence("review.number", most=f"{one.max:g}"))


def _line(prompt: str) -> str | None:
    """What was typed; None at the end of input or after Ctrl-C."""
    print(prompt, end="", file=sys.stderr, flush=True)
    try:
        text = sys.stdin.readline()
    except KeyboardInterrupt:
        text = ""
    return text.strip() if text else None


def _save(path: Path, items: Sequence[Waiting]) -> None:
    """Replace the file as a whole, so that it is never half written."""
    from explain.grade.pages.review import queue_csv

    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8", newline="") as file:
        file.write(queue_csv(items))
    new.replace(path)
