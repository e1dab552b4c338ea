"""The manual page says what the commands say, and every reader of manual pages takes it."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from surroundings import TOP

from explain.cli import choose, present

PAGE = TOP / "docs" / "explain.1"


def options(command: click.Command) -> set[str]:
    """Every option that a command and those below it tell of."""
    own = {text for one in command.params if isinstance(one, click.Option) and not one.hidden for text in one.opts}
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union(*(options(one) for one in below))


def test_the_page_is_what_the_commands_say():
    check = [sys.executable, "scripts/manual.py", "--check"]
    done = subprocess.run(check, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"scripts/manual.py writes it anew\n{done.stdout}{done.stderr}"


@pytest.mark.needs("man")
def test_man_shows_every_command_and_option_without_a_warning():
    done = subprocess.run(
        ["man", "--warnings", "--no-hyphenation", "-l", str(PAGE)],
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "200", "MAN_KEEP_FORMATTING": "", "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    commands = [choose([])[0], *(choose([word])[0] for word in present())]
    wanted = {f"explain {word}" for word in present()}.union(*(options(one) for one in commands))
    assert [one for one in sorted(wanted) if one not in done.stdout] == []


@pytest.mark.needs("mandoc")
def test_mandoc_finds_nothing_to_complain_about():
    done = subprocess.run(["mandoc", "-T", "lint", str(PAGE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
