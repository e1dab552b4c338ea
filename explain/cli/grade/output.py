"""The marks of a class on the terminal, as JSON, and as the files of ``-o DIR``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import category, normalize

from explain.cli import page
from explain.cli.grade import gradebook
from explain.cli.grade.review import enter_reviewed, review_of
from explain.cli.output import whole_file
from explain.errors import NotMetError
from explain.model import LANGUAGES
from explain.render.layout import WIDTH
from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from explain.grade.pages.gradebook_exports import Export
    from explain.grade.rubric.records import Rubric

_LONGEST_NAME = 150
"""Octets: file systems take 255, and some archives of them less."""
BOTH = "both"
"""A second time in the other language, as ``--lang`` calls it."""


def tell(
    rubric: Rubric, forms: Sequence[Any], rosters: Mapping[str, Mapping[str, str]], export: Export | None,
    options: Mapping[str, Any],
) -> int:  # fmt: skip
    """Write the marks of a class as it is asked for; the exit status."""
    from explain.grade.pages.form import whole

    told = whole(rubric, forms)
    if options.get("is_other"):
        enter_reviewed(rubric, told, Path(options["output"]), options["lang"])
        _write_pages(Path(options["output"]), told, options["lang"], f".{options['lang']}")
        return 0
    if options["output"]:
        queue = review_of(rubric, told, Path(options["output"]), options["lang"])
        _write(Path(options["output"]), told, rosters, options["lang"])
        if export is not None:
            _put(Path(options["output"]) / "gradebook.csv", gradebook.with_marks(export, told, rosters))
        _put(Path(options["output"]) / "review.csv", queue)
    _print(told, options["lang"], is_json=options["as_json"])
    least = options["fail_under"]
    is_under = least is not None and any(form["score"] is None or form["score"] < least for form in forms)
    return NotMetError.exit_status if is_under else 0


def _print(told: Mapping[str, Any], language: str, *, is_json: bool) -> None:
    if is_json:
        from explain.grade.pages.form import json_of

        sys.stdout.writelines(json_of(told))
        return
    from explain.grade.pages.feedback import exchanged

    for form in told["submissions"]:
        score = (
            f"{form['score']:g}/{form['max']:g}" if form["status"] == "graded" else _ungraded(form["status"], language)
        )
        print(f"{visible(form['id'])}\t{score}\t{form['reason'] or ''}".rstrip())
        for one in (*form["checks"], *form["answers"]):
            if one["verdict"] != "met":
                tell_verdict(one["id"], one, language)
        for note in exchanged(form, language):
            _tell(note)
        _tell_flags(form, language)


def _ungraded(status: str, language: str) -> str:
    return say(f"grade_page.class.{status}", {}, language)


def tell_verdict(name: str, verdict: Mapping[str, Any], language: str, indent: str = "  ") -> None:
    """What a check or an answer gave, and why."""
    values = {"name": visible(name), "points": f"{verdict['points']:g}", "most": f"{verdict['max']:g}"}
    values |= {"verdict": say(f"grade_page.verdict.{verdict['verdict']}", {}, language), "says": verdict["says"]}
    _tell(say("grade_page.student.line", values, language), indent)


def _tell_flags(form: Mapping[str, Any], language: str) -> None:
    """What a person has to look at: what is shared with several others once, and with whom."""
    from explain.grade.pages.page_parts import places

    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for number, flag in enumerate(form["flags"]):
        groups.setdefault(number if flag["with"] is None else flag["kind"], []).append(flag)
    for first, *others in groups.values():
        seen = places(form, first["evidence"])
        values = {"says": first["says"], "frames": seen}
        _tell(say(f"grade_page.class.flagged-{'at' if seen else 'whole'}", values, language))
        if others:
            _tell(say("grade_page.class.flagged-others", {"others": [one["with"] for one in others]}, language), "    ")


def _tell(sentence: str, indent: str = "  ") -> None:
    page.give(page.block(sentence, indent, f"{indent}  ", WIDTH))


def _write(folder: Path, told: Mapping[str, Any], rosters: Mapping[str, Mapping[str, str]], language: str) -> None:
    from explain.grade.pages import gradebooks
    from explain.grade.pages.form import json_of

    folder.mkdir(parents=True, exist_ok=True)
    _put(folder / "grades.json", json_of(told))
    _put(folder / "grades.csv", gradebooks.grades_csv(told))
    _put(folder / "canvas.csv", gradebooks.canvas_csv(told, rosters))
    _put(folder / "moodle.csv", gradebooks.moodle_csv(told, rosters))
    pages = [(f"{name}/feedback", kind) for name in _names(told) for kind in ("html", "md")]
    for name, form in zip(_names(told), told["submissions"], strict=True):
        own = folder / name
        own.mkdir(exist_ok=True)
        _put(own / "results.json", json.dumps(gradebooks.gradescope(form), indent=1) + "\n")
        _put(own / "prairielearn.json", json.dumps(gradebooks.prairielearn(form), indent=1) + "\n")
    for second in [f"{place}.{other}.{kind}" for other in LANGUAGES for place, kind in (("summary", "html"), *pages)]:
        (folder / second).unlink(missing_ok=True)  # of an earlier run, with its marks
    _write_pages(folder, told, language)


def _write_pages(folder: Path, told: Mapping[str, Any], language: str, suffix: str = "") -> None:
    """The pages for people, in folders that are there; ``suffix`` tells those of a second language apart."""
    from explain.grade.pages import feedback, feedback_markdown, summary

    title, reveals = told["rubric"]["title"], bool(told["rubric"].get("reveal"))
    names = _names(told)
    pages = [f"{name}/feedback{suffix}.html" for name in names]
    _put(folder / f"summary{suffix}.html", summary.summary_page(told, language, pages))
    for name, form in zip(names, told["submissions"], strict=True):
        own = folder / name
        _put(own / f"feedback{suffix}.html", feedback.html_page(title, form, language, reveals=reveals))
        _put(own / f"feedback{suffix}.md", feedback_markdown.markdown_page(title, form, language, reveals=reveals))


def _names(told: Mapping[str, Any]) -> list[str]:
    return file_names(form["id"] for form in told["submissions"])


def _put(path: Path, text: str | Iterable[str]) -> None:
    pieces = [text] if isinstance(text, str) else text
    with whole_file(str(path)) as file:
        file.writelines(piece.encode("utf-8", "backslashreplace") for piece in pieces)


def file_names(ids: Iterable[str]) -> list[str]:
    """A folder's name for each submission: only letters and digits, of any script, and no two alike."""
    taken: set[str] = {
        "grades.json",
        "grades.csv",
        "canvas.csv",
        "moodle.csv",
        "summary.html",
        "summary.en.html",
        "summary.ja.html",
        "review.csv",
        "gradebook.csv",
    }
    names = []
    for one in ids:
        plain = "".join(char if _is_plain(char) else "_" for char in normalize("NFC", one))
        base = name = plain.lstrip(".-").encode()[:_LONGEST_NAME].decode(errors="ignore") or "submission"
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _is_plain(char: str) -> bool:
    """Whether a character may stand in a file's name; outside ASCII letters, their marks and digits only."""
    if char.isascii():
        return char.isalnum() or char in "-_@."
    return sys.getfilesystemencoding() == "utf-8" and category(char)[0] in "LMN"
