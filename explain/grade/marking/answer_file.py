"""What a student wrote into the file of answers; nothing in it is ever looked at as anything but a value."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from explain.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from explain.model import Line

_LARGEST = 256 << 10
_STATEMENT = re.compile(r"""^[ \t\u3000]*["'“”]?([A-Za-z0-9_-]{1,64})["'“”]?[ \t\u3000]*[=＝]""", re.MULTILINE)
_BEFORE = r"^[ \t\u3000]*(?:(?:[-*+>|#・]|[0-9]{1,3}[.)])[ \t\u3000]*)*[\"'“”*_`]*"
_BEHIND = r"[\"'“”*_`]*[ \t\u3000]*(?:[=＝:：,;|\t]|-+>|→)[*_`]*"
_BORDER = re.compile(r"[ \t]*\|[ \t]*$", re.MULTILINE)
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*")
_IS_WHOLE = re.compile(r"""\[.*\]|["“„＂].*["”＂]|'.*'""")
_ORNAMENT = re.compile(r"[ \t]*(?:\||#).*|[-=*_|:+ \t]{3,}")
_BESIDE = re.compile(r"^\s*(?:#.*|\[.*\]\s*)$|\s#\s.*$", re.MULTILINE)
_STRAIGHT = str.maketrans("“”„‟＂‘’‚‛＇\u3000", '"' * 5 + "'" * 5 + " ")
_MARKS = "`*\"'“”„‟＂‘’‚‛＇ \t\r\n\u3000"
_NO_TOML = (tomllib.TOMLDecodeError, RecursionError, ValueError)


def read_answers(path: Path, asked: Sequence[str] = ()) -> tuple[dict[str, Any], Line | None]:
    """The answers by question, and what is wrong with the file; none is ever looked at as anything but a value.

    A line that is no TOML costs no other one its answer, and is taken as it stands: ``mac = 00:00:5e:00:53:01``.
    Whoever writes JSON, CSV or Markdown instead, the name of a question and its answer side by side, is understood.

    Args:
        path: the file.
        asked: the names of the questions.

    Raises:
        UnreadableError: it is too large, or nothing can be read.
    """
    with path.open("rb") as file:
        octets = file.read(_LARGEST + 1)
    if len(octets) > _LARGEST:
        raise UnreadableError(str(path), "unread.large_answers")
    text, trouble = _decoded(octets), None
    try:
        table = tomllib.loads(text)
    except MemoryError:
        raise UnreadableError(str(path), "grade.memory") from None
    except _NO_TOML as error:
        table = _of_json(text) or max(_one_by_one(text), _beside_names(text, asked), key=len)
        if path.suffix.casefold() in (".toml", ""):
            wrong = UnreadableError(str(path), "unread.not_toml", why=str(error))
            if not table:
                raise wrong from None
            trouble = wrong.why
    inner = table.get("answers", table.get("answer"))
    return (dict(inner) if isinstance(inner, dict) else table), trouble


def _decoded(octets: bytes) -> str:
    """Text as editors save it: UTF-8, with or without a mark before it, UTF-16, or what old Windows wrote."""
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return octets.decode("utf-16", "replace")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        japanese = octets.decode("cp932", "replace")
    # In western text, cp932 finds narrow katakana at most: each is one octet.
    is_japanese = "\ufffd" not in japanese and any("\u3000" <= one <= "\u9fff" for one in japanese)
    return japanese if is_japanese else octets.decode("cp1252", "replace")


def _of_json(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; none in which a name stands twice."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else {}


def _beside_names(text: str, asked: Sequence[str]) -> dict[str, Any]:
    """Answers that stand behind the names of their questions in a list or a table: of CSV, of Markdown."""
    if not asked:
        return {}
    names = "|".join(map(re.escape, sorted(asked, key=len, reverse=True)))
    statement = re.compile(f"{_BEFORE}({names}){_BEHIND}", re.MULTILINE | re.IGNORECASE)
    heading = re.compile(rf"#{{1,6}}[ \t]*({names})[ \t]*[:：]?", re.IGNORECASE)
    lines, is_row, is_below = list[str](), False, False
    for line in text.splitlines():
        is_heading = heading.fullmatch(line)
        one = f"{is_heading[1]}:" if is_heading else line
        if is_answer := statement.match(one) is not None:
            is_row, is_below = _ROW.fullmatch(one) is not None, is_heading is not None
        is_table = is_below and _ROW.fullmatch(one)  # under the name of its question, where all of it is the answer
        if is_answer or is_table or not (is_row or _ORNAMENT.fullmatch(one)):  # a row of a table ends with its line
            lines.append(one)
    return _one_by_one(_BORDER.sub("", "\n".join(lines)), statement)


def _one_by_one(text: str, statement: re.Pattern[str] = _STATEMENT) -> dict[str, Any]:
    """Answers of a file that is no TOML; none where a question is answered twice."""
    starts = list(statement.finditer(text))
    ends = [one.start() for one in starts[1:]] + [len(text)]
    found = {one[1]: _value(text[one.end() : end]) for one, end in zip(starts, ends, strict=False)}
    return found if len(found) == len(starts) else {}


def _value(written: str) -> Any:
    first = written.strip().partition("\n")[0]
    whole = (written, first) if _IS_WHOLE.fullmatch(first) else (written,)
    for one in (*whole, *(one.translate(_STRAIGHT) for one in whole)):
        try:
            return tomllib.loads(f"value = {one.lstrip()}")["value"]
        except _NO_TOML:
            continue
    return _BESIDE.sub("", written).strip(_MARKS)


def as_text(given: Any) -> str:
    """What a student wrote, as a person reads it; lists and rows without the marks of TOML."""
    if isinstance(given, dict):
        return ", ".join(f"{name} {value}" for name, value in given.items())
    if isinstance(given, list):
        is_rows = any(isinstance(one, dict) for one in given)
        return ("; " if is_rows else ", ").join(as_text(one) if isinstance(one, dict) else str(one) for one in given)
    return str(given)
