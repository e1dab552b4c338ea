"""What ``--help`` says, in both languages and at any width."""

from __future__ import annotations

import subprocess

import click
import pytest
from command_line import EXPLAIN

from explain.cli import choose, place, present
from explain.cli.helping import put_into_words
from explain.render.layout import display_width
from explain.words import has, table


def tree(command, words):
    """A command and all below it, each with the place of its words."""
    yield command, words
    for below, one in getattr(command, "commands", {}).items():
        yield from tree(one, f"{words}.{below}")


TOP = [choose([word])[0] for word in ("", *present())]
ALL = [each for command in TOP for each in tree(command, place(command))]


def spoken_by(command, words):
    """The messages of one command's help."""
    own = {f"{words}.is", f"{words}.short", f"{words}.after"}
    context = click.Context(command, **command.context_settings)
    for option in command.get_params(context):
        if isinstance(option, click.Option) and not option.hidden:
            key = option.opts[-1].lstrip("-")
            own.add(f"{words}.{key}" if has(f"help.{words}.{key}") else f"shared.{key}")
    return own


def test_every_command_and_option_says_what_it_is_for():
    asked = {one for each in ALL for one in spoken_by(*each) if not one.endswith((".short", ".after"))}
    assert [one for one in sorted(asked) if not has(f"help.{one}")] == []


def test_every_command_can_be_asked_for_a_language():
    own = {words: {name for one in command.params for name in one.opts} for command, words in ALL}
    within = {words for command, words in ALL if not getattr(command, "commands", None)}
    assert sorted(words for words in within if "--lang" not in own[words]) == []


def test_nothing_is_said_of_what_is_not_there():
    asked = {one for each in ALL for one in spoken_by(*each)}
    assert not [one for one in sentences(table("help"), "") if one not in asked and not one.startswith("frame.")]


def sentences(entries, path):
    for key, entry in entries.items():
        if isinstance(entry.get("en"), str):
            yield f"{path}{key}"
        else:
            yield from sentences(entry, f"{path}{key}.")


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_is_no_wider_than_the_terminal(language, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in TOP:
        put_into_words(command, place(command), language)
    for command, words in ALL:
        with command.context_class(command, info_name=words) as context:
            shown = command.get_help(context)
        long = [row for row in shown.split("\n") if display_width(row) > columns]
        assert [row for row in long if len(row.split()) > 2 or columns > 40] == []


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--help"], 0), (["lab", "--help"], 0), (["--lang", "ja", "lab", "--help"], 0), (["lab"], 2),
        (["lab", "run", "-h"], 0), (["packet", "--help"], 0), (["grade", "--lang=ja", "-h"], 0),
    ],
    ids=str,
)  # fmt: skip
def test_help_is_japanese_where_that_is_spoken(words, status):
    done = subprocess.run(
        [*EXPLAIN, *words], capture_output=True, text=True, check=False, env={"LANG": "ja_JP.UTF-8", "PATH": "/bin"}
    )
    assert done.returncode == status
    told = done.stdout + done.stderr
    assert told.startswith("使い方: explain")
    assert "オプション:" in told
    assert "-h, --help" in told
    assert "この説明を表示して終わる" in told
    assert "Show this" not in told
