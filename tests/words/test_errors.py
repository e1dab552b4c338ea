"""Every error that the code can raise has its sentence, and is told in the language that was asked for."""

from __future__ import annotations

import ast
import errno
import pickle
import re
import string
from functools import cache
from pathlib import Path

import pytest

import explain
from explain.cli import main
from explain.errors import MissingError, UnknownNameError, UnreadableError, reason_of
from explain.words import table

PACKAGE = Path(explain.__file__).parent
PLACES = {"UnreadableError": 1, "NothingUsableError": 1, "LabFileError": 2} | dict.fromkeys(
    ("ExplainError", "InputError", "UsageError", "MissingError", "NotGradableError"), 0
)
CALLED = {"say": 1, "complaint": 1, "UnknownNameError": 0}
GIVEN = {"UnknownNameError": {"name", "near"}}


@cache
def calls():
    """Every call of the package that may make an error: the file, what is called, and the call."""
    return [
        (path, name, node)
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and (name := getattr(node.func, "attr", getattr(node.func, "id", None))) in {*PLACES, *CALLED}
    ]


@cache
def raised():
    """Errors as they stand in the code: where, the name of the sentence, and the values that it is given."""
    found = []
    for path, name, node in calls():
        is_rubric = name in ("say", "complaint") and path.name.startswith(("lint", "reading"))
        place = PLACES.get(name, CALLED.get(name) if is_rubric or name == "UnknownNameError" else None)
        if place is None or len(node.args) <= place or not isinstance(node.args[place], ast.Constant):
            continue
        section = "unknown." if name == "UnknownNameError" else "rubric." if is_rubric else ""
        values = {one.arg for one in node.keywords} | GIVEN.get(name, set())
        found.append((f"{path.name}:{node.lineno}", section + node.args[place].value, values))
    return found


def wanted(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_errors_of_the_whole_package_are_found():
    assert len(raised()) > 230


def test_no_error_is_made_with_its_text_in_place_of_a_name():
    for path, name, node in calls():
        for given in node.args[PLACES[name] : PLACES[name] + 1] if name in PLACES else ():
            assert not isinstance(given, ast.JoinedStr) or " " not in ast.unparse(given), f"{path.name}:{node.lineno}"


def test_an_error_has_its_sentence_and_gives_what_it_asks_for():
    for where, message, values in raised():
        section, _, key = message.partition(".")
        entry = table("errors")[section].get(key)
        assert entry is not None, (where, message)
        assert None in values or wanted(entry["en"]) | wanted(entry["ja"]) <= values, where


def test_a_sentence_that_no_error_says_is_not_kept():
    code = "".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    said = {message for _, message, _ in raised()}
    for section, entries in table("errors").items():
        for key in entries:
            # What is no error itself stands inside one, or is chosen by a condition.
            assert f"{section}.{key}" in said or f'"{key}"' in code or f'.{key}"' in code, key


def test_what_the_system_says_has_a_sentence_where_it_is_frequent():
    for name in table("errors")["system"]:
        error = OSError(getattr(errno, name), "In Words")
        assert reason_of(error).message == f"errors.system.{name}"
    assert UnreadableError("a", reason_of(OSError(errno.EMFILE, "Too Many"))).reason == "too many"
    assert UnreadableError("a", reason_of(OSError(), "unread.not_made")).reason == "it cannot be made"


def test_what_is_missing_is_said_to_be_missing_before_the_remedy():
    for key, entry in table("errors")["missing"].items():
        said = entry["en"].partition("; ")[0].partition(": ")[0] if key != "as_root" else entry["en"]
        assert re.search(r"\bno\b|\bnot\b|cannot|needs|only|would have to|is \{value\}", said), said


@pytest.mark.parametrize(
    "error",
    [MissingError("missing.nft"), UnreadableError("a.pcap", "unread.zip"), UnknownNameError("lab", "x", ("y",))],
)
def test_an_error_comes_whole_through_a_pipe(error):
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert [str(again), again.told("ja")] == [str(error), error.told("ja")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["none.pcap", "--lang", "ja"], "explain: none.pcap: そのようなファイルやディレクトリはない"),
        (["--lang=ja", "none.pcap"], "explain: none.pcap: そのようなファイルやディレクトリはない"),
        (["--nonsense", "none.pcap", "--lang", "ja"], "エラー: --nonsense というオプションはない"),
        (["--port", "70000", "--lang", "ja", "x"], "エラー: '--port' には 0 から 65535 までの整数を指定する"),
        (["packet", "x", "one", "--lang", "ja"], "エラー: 'FRAME' には 1 以上の整数を指定する"),
        (["--port", "http", "--lang", "en", "x"], "Error: '--port' takes a whole number from 0 to 65535"),
        (["--format", "x", "--lang", "ja", "x"], "エラー: '--format' には terminal、"),
        (["lab", "rnu", "--lang", "ja"], "エラー: rnu というコマンドはない (もしかすると run)"),
        (["path", "a", "b", "--lang", "ja"], "エラー: '--state' が指定されていない"),
        (["--lang", "ja"], "エラー: FILE か -i IFACE のどちらか一方を指定する"),
    ],
)
def test_an_error_is_told_in_the_language_asked_for_wherever_it_stands(words, told, capsys):
    with pytest.raises(SystemExit) as done:
        main(words)
    assert done.value.code == 2
    assert told in capsys.readouterr().err


def talked():
    """What commands say beside their answers: where, the names that may be chosen from, and the values."""
    for path in sorted((PACKAGE / "cli").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(getattr(node, "func", None), "id", None)
            if name in ("noted", "told", "tell", "sentence") and node.args:
                texts = {one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)}
                names = [one for one in texts if re.fullmatch(r"[a-z]+\.[a-z_]+", str(one))]
                yield f"{path.name}:{node.lineno}", names, {one.arg for one in node.keywords}


def test_what_a_command_says_beside_its_answer_has_its_sentence_and_gives_what_it_asks_for():
    found = list(talked())
    assert len(found) > 40
    for where, names, values in found:
        for message in names:
            section, _, key = message.partition(".")
            entry = table("talk")[section][key]
            assert None in values or wanted(entry["en"]) | wanted(entry["ja"]) <= values, where


def test_damage_has_its_sentence_and_gives_what_it_asks_for():
    made = [
        (f"{path.name}:{node.lineno}", node.args[place], {one.arg for one in node.keywords} | more)
        for path in sorted((PACKAGE / "capture").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        for called, place, more in (("Damage.at", 1, set()), ("Fault", 0, {"said"}))
        if ast.unparse(node.func) == called and isinstance(node.args[place], ast.Constant)
    ]
    assert len(made) > 15
    for where, what, values in made:
        entry = table("damage")
        for key in what.value.split("."):
            entry = entry[key]
        assert None in values or wanted(entry["en"]) <= values, where
