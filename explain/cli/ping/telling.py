"""A diagnosis as lines of a page: the verdict first, then why, then what else it could be, then what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.model import Line

if TYPE_CHECKING:
    from explain.causes.diagnosis import Candidate, Diagnosis, Look, Reason, Witnesses

_SECTION_0 = 4
_FEW = 12
_FEW_CAUSES, _FEW_EXAMPLES, _FEW_LOOKS = 6, 3, 2
_FEW_LINES = 5


def plain_text(diagnosis: Diagnosis, witnesses: Witnesses, lang: str, *, verbose: bool, quiet: bool) -> str:
    """The page without colour, 80 columns wide."""
    from explain.render.plain import render

    return render(*lines_of(diagnosis, witnesses, lang, verbose=verbose, quiet=quiet))


def lines_of(
    diagnosis: Diagnosis, witnesses: Witnesses, lang: str, *, verbose: bool, quiet: bool
) -> tuple[list[Line], list[str]]:
    """The lines of the page and their sentences, in the language asked for."""
    from explain.words import say

    lines = [_verdict(diagnosis, witnesses, lang)]
    if not quiet:
        lines += _story(diagnosis, witnesses, lang, say, verbose=verbose)
    return lines, [say(line.message, line.values, lang) for line in lines]


def _title(cause: str, lang: str) -> str:
    from explain.causes.pages import page

    return page(cause).tellings[lang].title


def _verdict(diagnosis: Diagnosis, witnesses: Witnesses, lang: str) -> Line:
    from explain.causes.ids import IDS

    if not diagnosis.causes:
        return Line("diagnosis.verdict.none", {}, depth=0, label="odd")
    first = diagnosis.causes[0]
    values: dict[str, Any] = {
        "title": _title(first.cause, lang), "cause": first.cause, "count": len(diagnosis.causes),
        "target": _target(witnesses),
    }  # fmt: skip
    is_sound = first.cause in IDS[:_SECTION_0] or (first.cause == "silent-hop" and diagnosis.is_success is None)
    if is_sound and first.certainty == "possible" and not diagnosis.is_success:
        return Line("diagnosis.verdict.untold", values, depth=0, label="odd")
    if first.cause == "healthy":
        message = "diagnosis.verdict.success" if values["target"] != "-" else "diagnosis.verdict.well"
        return Line(message, values, depth=0, label="good")
    if first.cause in IDS[:_SECTION_0] or diagnosis.is_success:
        return Line("diagnosis.verdict.odd", values, depth=0, label="odd")
    return Line(f"diagnosis.verdict.{first.certainty}", values, depth=0, label="bad")


def _target(witnesses: Witnesses) -> str:
    text = witnesses.text
    return (text.target if text else None) or witnesses.destination or (
        witnesses.command.target if witnesses.command else None) or "-"  # fmt: skip


def _story(diagnosis: Diagnosis, witnesses: Witnesses, lang: str, say: Any, *, verbose: bool) -> list[Line]:
    if not diagnosis.causes:
        return [*_contradictions(witnesses), *_unread(witnesses, verbose=verbose)]
    first, *rest = diagnosis.causes
    lines = [_place(first)] if first.locus else []
    lines += _section("diagnosis.head.why", [_because(each) for each in first.because])
    if first.cause != "healthy":
        from explain.causes.mending import mending

        text, is_own = mending(first, witnesses, lang)
        lines.append(_heading("diagnosis.head.mend" if is_own else "diagnosis.head.mend-example", {}))
        lines += [_raw(row) for row in text.splitlines() if row.strip()]
    lines += _section("diagnosis.head.later", [row for each in diagnosis.later for row in _later(each, lang)])
    if rest:
        lines.append(_heading("diagnosis.head.rivals", {"count": len(rest)}))
        shown = rest if verbose else rest[:_FEW]
        lines += [_item("diagnosis.rival", {"cause": each.cause, "title": _title(each.cause, lang)}) for each in shown]
        if len(rest) > len(shown):
            lines.append(_item("diagnosis.more", {"count": len(rest) - len(shown)}))
    if diagnosis.next:
        lines.append(_heading("diagnosis.head.next", {}))
    for look in diagnosis.next[: None if verbose else _FEW_LOOKS]:
        lines += _look(look, lang, say, verbose=verbose)
    if diagnosis.also:
        rows = [_item("diagnosis.rival", {"cause": e.cause, "title": _title(e.cause, lang)}) for e in diagnosis.also]
        lines += _section("diagnosis.head.also", rows)
    if verbose and diagnosis.ruled_out:
        lines += _section("diagnosis.head.out", _ruled_out(diagnosis, lang, say))
    lines += [*_contradictions(witnesses), *_unread(witnesses, verbose=verbose)]
    return [*lines, Line("diagnosis.page", {"cause": first.cause}, label="heading")]


def _contradictions(witnesses: Witnesses) -> list[Line]:
    """Where the text disagrees with itself: it may have been edited, or be of two runs."""
    names = witnesses.text.inconsistencies if witnesses.text else ()
    return _section("diagnosis.head.odds", [_item(f"diagnosis.odds.{name}", {}) for name in names])


def _unread(witnesses: Witnesses, *, verbose: bool) -> list[Line]:
    """The lines of the text that no reader understood: nothing above rests on them."""
    lines = witnesses.text.unknown if witnesses.text else ()
    shown = lines if verbose else lines[:_FEW_LINES]
    rows = [_item("diagnosis.unread", {"line": each.line, "text": each.text}) for each in shown]
    if len(lines) > len(shown):
        rows.append(_item("diagnosis.unread-more", {"count": len(lines) - len(shown)}))
    return _section("diagnosis.head.unread", rows)


def _later(each: Candidate, lang: str) -> list[Line]:
    named = _item("diagnosis.rival", {"cause": each.cause, "title": _title(each.cause, lang)})
    return [named, *([_place(each)] if each.locus else []), *(_because(reason) for reason in each.because[1:])]


def _look(look: Look, lang: str, say: Any, *, verbose: bool) -> list[Line]:
    from explain.state.tell import role_line

    where = {"role": role_line(look.role), "node": look.node, "command": look.command}
    rows = [
        Line(look.ask, look.values, label="under"),
        _item("diagnosis.type.node" if look.node else "diagnosis.type.role", where),
    ]
    for shown, causes in look.outcomes:
        is_long = len(causes) > _FEW_CAUSES and not verbose
        values = {"shown": say(shown, look.values, lang), "count": len(causes),
                  "causes": list(causes[:_FEW_EXAMPLES] if is_long else causes)}  # fmt: skip
        rows.append(_item("diagnosis.tells.many" if is_long else "diagnosis.tells.few", values))
    return rows


def _ruled_out(diagnosis: Diagnosis, lang: str, say: Any) -> list[Line]:
    """What it is not, by the reason that they share."""
    by_reason: dict[str, list[str]] = {}
    for each in diagnosis.ruled_out:
        by_reason.setdefault(say(each.because.message, each.because.values, lang), []).append(each.cause)
    return [_item("diagnosis.out.line", {"reason": why, "causes": causes}) for why, causes in by_reason.items()]


def _place(first: Candidate) -> Line:
    from explain.causes.weighing.reasons import placed

    place = placed(first.locus[0])
    return Line(place.message, place.values, label="under")


def _because(reason: Reason) -> Line:
    return Line(reason.message, reason.values, label="under")


def _section(heading: str, rows: list[Line]) -> list[Line]:
    return [_heading(heading, {}), *rows] if rows else []


def _heading(message: str, values: dict[str, Any]) -> Line:
    return Line(message, values, label="heading")


def _item(message: str, values: dict[str, Any]) -> Line:
    return Line(message, values, label="item")


def _raw(text: str) -> Line:
    return Line("diagnosis.raw", {"text": text.strip()}, label="item")
