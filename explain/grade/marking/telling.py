"""What a student is told about a check: the author's words, or a sentence that names the frame and what is off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.events.event import Event, UnknownFieldError, numbered
from explain.grade.language.cited import rows_of
from explain.grade.language.expressions import UnboundError, evaluate, fill, shown
from explain.grade.language.functions import AbsentError
from explain.grade.language.syntax import names_in, placeholders
from explain.grade.marking.finding import lateness_ns, not_handed_in
from explain.grade.marking.nearly import Nearest, nearest
from explain.words import has, say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.grade.language.cited import Recorded
    from explain.grade.marking.finding import Seen
    from explain.grade.marking.marker import Marker
    from explain.grade.rubric.records import Check, Part, Pattern

_UNKNOWN = (UnboundError, AbsentError, UnknownFieldError, UsageError)
_MOST_NAMED = 3
_MOST_TOLD = 5000
_LONGEST_VALUE = 60


def thing(name: str, language: str) -> str:
    """What people call an event; its own name where there is no other."""
    return say(f"grade_events.{name}", {}, language) if has(f"grade_events.{name}") else name


def filled(template: str, names: Mapping[str, Any]) -> str:
    """An author's message with its braces filled; a value that is not there reads as such, and none can act."""
    text, pieces = template, []
    for inner in placeholders(template):
        before, _, text = text.partition("{" + inner + "}")
        try:
            value = shown(evaluate(inner, names))
        except _UNKNOWN:
            value = "?"
        pieces += [before, visible(value)]
    return "".join([*pieces, text])


def is_fillable(template: str, names: Mapping[str, Any]) -> bool:
    """Whether everything that a message mentions is there."""
    try:
        return all(evaluate(inner, names) is not None for inner in placeholders(template))
    except _UNKNOWN:
        return False


def joined(marker: Marker, sentences: Sequence[str]) -> str:
    """Whole sentences one after the other; Japanese has no blank between them."""
    return ("" if marker.language == "ja" else " ").join(sentences)


def met(marker: Marker, check: Check, seen: Seen) -> str:
    """Why a check is met, where its author has no words for it."""
    wanted = check.expect or check.none or (check.ways[0] if check.ways else None)
    if check.claim is not None:
        return _claim(marker, "claim-met", check.claim)
    if check.sequence:
        things = [thing(one.event, marker.language) for one in check.sequence]
        return say("grade.in-order", {"things": things}, marker.language)
    name = thing(seen.events[0].name if seen.events else wanted.event if wanted else check.id, marker.language)
    if check.none is not None or not seen.events:
        message = "absent-of-these" if wanted and wanted.where else "absent-as-wanted"
        return say(f"grade.{message}", {"what": name}, marker.language)
    values = {"what": name, "frame": numbered(seen.events[0]), "number": seen.number}
    if check.distinct:
        return say("grade.distinct-as-wanted", values | seen.values, marker.language)
    if check.count.most is not None:
        message = "as-many" if check.count.least == check.count.most else "at-most"
        return say(f"grade.{message}", values | {"most": check.count.most}, marker.language)
    return say("grade.found-many" if len(seen.events) > 1 else "grade.found", values, marker.language)


def not_met(marker: Marker, check: Check, seen: Seen) -> tuple[str, list[Recorded]]:
    """Why a check is not met, and what shows it best."""
    if check.claim is not None:
        return _claim(marker, "claim-not-met", check.claim), []
    if check.sequence:
        return _out_of_order(marker, check, seen), []
    wanted = check.none or check.expect or check.ways[0]
    name = thing(wanted.event, marker.language)
    if check.none is not None:
        values = {"what": name, "frame": numbered(seen.events[0]), "number": seen.number}
        return say("grade.unwanted", values, marker.language), []
    if check.count.most is not None and seen.number > check.count.most:
        if check.distinct:
            return say("grade.distinct", {"what": name} | seen.values, marker.language), []
        extra = sorted(seen.events, key=lambda one: one.start_ns)[check.count.most]
        values = {"what": name, "number": seen.number, "most": check.count.most, "frame": numbered(extra)}
        return say("grade.too-many", values, marker.language), []
    if seen.number:
        values = {"what": name, "number": seen.number, "wanted": check.count.least}
        return say("grade.too-few", values, marker.language), []
    return _lacking(marker, check, wanted)


def copies(marker: Marker, seen: Seen) -> list[str]:
    """That some of what was seen did not count."""
    return [say("grade.copies", {"number": seen.copies}, marker.language)] if seen.copies else []


def _lacking(marker: Marker, check: Check, wanted: Pattern) -> tuple[str, list[Recorded]]:
    events = [one for one in marker.source(check).of(wanted.event)[:_MOST_TOLD] if marker.lab.has(one)]
    values: dict[str, Any] = {"what": thing(wanted.event, marker.language)}
    if not events:
        if marker.source(check).of(wanted.event):
            return say("grade.none-in-the-lab", values | {"networks": list(marker.lab.networks)}, marker.language), []
        lacks = not_handed_in(marker, check, wanted)
        if lacks:
            return say("grade.not-handed-in", values | {"captures": lacks}, marker.language), []
        return say("grade.none-at-all", values, marker.language), []
    near = nearest(events, wanted.where, marker.names)
    if near is None:
        return say("grade.none-fits", values | {"number": len(events)}, marker.language), []
    values |= {"frame": numbered(near.event), "off": _off(marker, near)}
    if near.off:
        whole = "nearest" if check.failed else "none-but-nearest"
        return say(f"grade.{whole}", values, marker.language), rows_of(near.event)
    return _at_another_time(marker, check, near, values), rows_of(near.event)


def _off(marker: Marker, near: Nearest) -> list[str]:
    """What does not fit; what should stand there only where students may see what is right."""
    told = []
    for one, actual in near.off[:_MOST_NAMED]:
        values = {"field": one.field, "actual": shown(actual).strip()[:_LONGEST_VALUE]}
        message = "off"
        if actual is None:
            message = "off-missing"
        elif not values["actual"]:
            message = "off-empty"
        elif isinstance(actual, bool) and isinstance(one.value, bool):
            message = "off-yes" if actual else "off-no"
        elif marker.rubric.reveals and one.sign in ("eq", "=="):
            message, values["wanted"] = "off-instead", shown(fill(one.value, marker.names))[:_LONGEST_VALUE]
        told.append(say(f"grade.{message}", values, marker.language))
    return told


def _at_another_time(marker: Marker, check: Check, near: Nearest, values: dict[str, Any]) -> str:
    """It fits but for its time."""
    for one in check.within:
        late = lateness_ns(marker, near.event, one)
        if late is not None and not 0 <= late <= one.span_ns:
            message = "grade.too-late" if late > one.span_ns else "grade.wrong-side"
            more = {"apart": abs(late), "room": one.span_ns, "name": _short(marker, _value(marker, one.event))}
            return say(f"{message}.{one.side}", values | more, marker.language)
    return say("grade.none-fits", values | {"number": 1}, marker.language)


def _out_of_order(marker: Marker, check: Check, seen: Seen) -> str:
    missing = seen.values.get("missing")
    if missing is not None:
        number = len(marker.source(check).of(missing))
        values = {"what": thing(missing, marker.language), "number": number}
        return say("grade.none-fits" if number else "grade.none-at-all", values, marker.language)
    early, late = seen.events[:2]
    values = {
        "what": thing(early.name, marker.language), "frame": numbered(early),
        "other": thing(late.name, marker.language), "after": numbered(late),
    }  # fmt: skip
    return say("grade.out-of-order", values, marker.language)


def _claim(marker: Marker, message: str, claim: str) -> str:
    lacks = lacking(marker, claim)
    if lacks and message == "claim-not-met":
        return say("grade.claim-lacks", {"claims": [_in_words(marker, claim)], "names": lacks}, marker.language)
    values = {"claim": _in_words(marker, claim), "values": _values_in(marker, claim)}
    return say(f"grade.{message}" if values["values"] else f"grade.{message}-plain", values, marker.language)


def _in_words(marker: Marker, claim: str) -> str:
    """A claim with the values of the roster in place of its braces."""
    return filled(claim, marker.names) if is_fillable(claim, marker.names) else claim


def lacking(marker: Marker, claim: str) -> list[str]:
    """The first things on the way to what an expression speaks of that the packets do not have."""
    found = []
    for path in names_in(claim):
        for size in range(1, len(path) + 1):
            name = ".".join(path[:size])
            if _value(marker, name) is None:
                found.append(name)
                break
    return list(dict.fromkeys(found))


def _value(marker: Marker, name: str) -> Any:
    try:
        return evaluate(name, marker.names)
    except _UNKNOWN:
        return None


def _values_in(marker: Marker, claim: str) -> list[str]:
    """``name is value`` for what an expression speaks of, the roster left out."""
    told = []
    for path in dict.fromkeys(names_in(claim)):
        name = ".".join(path)
        name = f"len({name})" if f"len({name})" in claim else name  # its length is asked for, and not what is in it
        value = _value(marker, name)
        if value is None:
            told.append(say("grade.value-missing", {"name": name}, marker.language))
        elif path[0] != "roster":
            short = _short(marker, value)
            message = "value" if short.strip() else "value-empty"
            told.append(say(f"grade.{message}", {"name": name, "value": short}, marker.language))
    return told


def _short(marker: Marker, value: Any) -> str:
    if isinstance(value, Event) or (isinstance(value, dict) and "frame" in value):
        return say("grade.frame", {"frame": numbered(value)}, marker.language)
    if isinstance(value, (list, tuple)) and len(value) > 1 and all(one == value[0] for one in value):
        return f"{len(value)} x {shown(value[0])[:_LONGEST_VALUE]}"
    text = shown(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def parts_not_met(marker: Marker, parts: Sequence[Part]) -> list[str]:
    """Why some parts of ``all_of`` are not met, those for want of the same thing in one sentence."""
    told: dict[Any, str] = {}
    for number, part in enumerate(parts):
        if part.fail is not None and is_fillable(part.fail, marker.names):
            told[number] = filled(part.fail, marker.names)
            continue
        lacks = tuple(lacking(marker, part.claim)) if part.claim is not None else ()
        if not lacks:
            told[number] = _part_not_met(marker, part.claim, part.pattern)
        elif lacks not in told:
            alike = [one.claim for one in parts if one.claim and tuple(lacking(marker, one.claim)) == lacks]
            values = {"claims": [_in_words(marker, one) for one in alike], "names": list(lacks)}
            told[lacks] = say("grade.claim-lacks", values, marker.language)
    return list(told.values())


def _part_not_met(marker: Marker, claim: str | None, pattern: Pattern | None) -> str:
    """Why a part of ``all_of`` is not met."""
    if claim is not None:
        return _claim(marker, "claim-not-met", claim)
    name = thing(pattern.event if pattern else "", marker.language)
    return say("grade.part-lacking", {"what": name}, marker.language)
