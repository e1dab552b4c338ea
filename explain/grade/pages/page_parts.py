"""What all pages about marks are made of; nothing in them runs, nothing is loaded, nothing from outside is obeyed."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARKS = {"met": "✓", "partly": "◐", "not-met": "✗", "cannot-tell": "?", "skipped": "–", "manual": "✎"}
LONGEST = 4000
_MOST_SPANS = 12


@cache
def _style() -> str:
    return (Path(__file__).with_name("grade.css")).read_text("utf-8")


def head(title: str, language: str, kind: str = "") -> str:
    """A page up to its body."""
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<title>{text(title)}</title><style>{_style()}</style></head><body class="{kind}"><main>\n'
    )


TAIL = "</main></body></html>\n"


def text(value: Any) -> str:
    """Text from outside: visible, and nothing that a page could obey."""
    return escape(visible(str(value), LONGEST))


def label(name: str, language: str, **values: Any) -> str:
    """A label of the pages, to be put into HTML as it is."""
    return escape(say(f"grade_page.{name}", values, language))


def stripes(counts: Mapping[str, int], language: str) -> str:
    """How many verdicts of each kind, as one bar."""
    told = ", ".join(f"{counts[name]} {label(f'verdict.{name}', language)}" for name in MARKS if counts.get(name))
    inner = "".join(f'<i class="b-{name}" style="flex:{counts[name]}"></i>' for name in MARKS if counts.get(name))
    return f'<div class="bar" role="img" aria-label="{told}" title="{told}">{inner}</div>'


def legend(language: str, counts: Mapping[str, int] | None = None) -> str:
    """What the colours of a bar mean, in words; with the numbers where there are some."""
    inner = "".join(
        f'<span><i class="b-{name}"></i>{mark} {counts[name] if counts else ""} '
        f"{label(f'verdict.{name}', language)}</span>"
        for name, mark in MARKS.items()
        if not counts or counts.get(name)
    )
    return f'<p class="legend">{inner}</p>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], language: str, kind: str = "") -> str:
    """A table of cells that are HTML already; on a narrow screen each cell stands below the name of its column."""
    if not rows:
        return f"<p>{label('class.none', language)}</p>\n"
    names = [label(f"class.{name}", language) for name in heads]
    top = "".join(f"<th>{name}</th>" for name in names)
    inner = "".join(
        "<tr>" + "".join(f'<td data-name="{name}">{one}</td>' for name, one in zip(names, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<table class="stack {kind}"><thead><tr>{top}</tr></thead><tbody>{inner}</tbody></table>\n'


def places(form: Mapping[str, Any], evidence: Sequence[Mapping[str, Any]]) -> str:
    """Frames as people write them, with the name of the capture where there are several."""
    names = [one["capture"] for one in form["files"]]
    told = []
    for one in evidence:
        spans = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in one["frames"][:_MOST_SPANS])
        spans += ", ..." if len(one["frames"]) > _MOST_SPANS else ""
        told.append(f"{names[one['capture']]}: {spans}" if len(names) > 1 else spans)
    return "; ".join(told)


def display_filter(evidence: Sequence[Mapping[str, Any]]) -> str | None:
    """A display filter that shows the frames in Wireshark; None where they are in several files or too many."""
    if len(evidence) != 1 or not 0 < len(evidence[0]["frames"]) <= _MOST_SPANS:
        return None
    spans = ", ".join(str(a) if a == b else f"{a}..{b}" for a, b in evidence[0]["frames"])
    return f"frame.number in {{{spans}}}"
