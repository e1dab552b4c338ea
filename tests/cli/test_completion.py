"""Real shells complete what `explain` takes: a person types, presses Tab, and the line goes on."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from surroundings import TOP

from explain.cli.completion import SHELLS, script

EXPLAIN = Path(sys.executable).parent / "explain"
STARTS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--private", "-i"],
}
_PATIENCE_S = 60


class Typist:
    """A shell on a terminal, with the script read, and hands that type."""

    def __init__(self, shell: str, folder: Path) -> None:
        env = {
            "PATH": f"{EXPLAIN.parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
        }
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(STARTS[shell][0], STARTS[shell], env)  # noqa: S606
        self.shown = ""
        (folder / ".script").write_text(script(shell))
        load = "autoload -U compinit && compinit -u; " if shell == "zsh" else ""
        self.type(f"{load}. ./.script; echo rea''dy\r")
        self.wait("ready")

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def wait(self, pattern: str) -> re.Match[str]:
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.2)[0]:
                self.shown += os.read(self.terminal, 65536).decode("utf-8", "replace")
            if found := re.search(pattern, self.shown):
                return found
        raise AssertionError(f"{pattern} was not shown:\n{self.shown}")

    def line_after(self, keys: str) -> list[str]:
        """The words of the line after these keys and a Tab, as the shell itself takes them."""
        self.shown = ""
        self.type(f"{keys}\t")
        self.type("\x01printf '<%s>' beg''in \x05 e''nd\r")
        return self.wait(r"<begin>(.*)<end>")[1].strip("<>").split("><")

    def close(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture(scope="module", params=[pytest.param(one, marks=pytest.mark.needs(one)) for one in SHELLS])
def typist(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    for name in ("mine.pcap", "pictures.pcap", "two words.pcap"):
        shutil.copy(TOP / "pcaps" / "healthy" / "sender.pcap", folder / name)
    (folder / "logs").mkdir()
    hands = Typist(request.param, folder)
    yield hands
    hands.close()


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("explain anno", "explain annotate"),
        ("explain lab run no-route-on-rou", "explain lab run no-route-on-router"),
        ("explain lab qui", "explain lab quiz"),
        ("explain cause ttl-too", "explain cause ttl-too-low"),
        ("explain --form", "explain --format"),
        ("explain x.pcap --format mer", "explain x.pcap --format mermaid"),
        ("explain x.pcap --format=mer", "explain x.pcap --format=mermaid"),
        ("explain x.pcap --check=min", "explain x.pcap --check=mine.pcap"),
        ("explain x.pcap --against min", "explain x.pcap --against mine.pcap"),
        ("explain x.pcap --only tcp,icmp.ec", "explain x.pcap --only tcp,icmp.echo"),
        ("explain min", "explain mine.pcap"),
        ("explain -v x.pcap min", "explain -v x.pcap mine.pcap"),
        ("explain client=min", "explain client=mine.pcap"),
        ("explain packet min", "explain packet mine.pcap"),
        ("explain pict", "explain pictures.pcap"),
        ("explain word stal", "explain word STALE"),
        ("explain word policy DR", "explain word policy DROP"),
        ("explain word Do you want to ping broad", "explain word Do you want to ping broadcast?"),
        ("explain grade min", "explain grade mine.pcap"),
        ("explain grade even", "explain grade events"),
        ("explain grade run x.toml . -o lo", "explain grade run x.toml . -o logs"),
    ],
)
def test_a_tab_goes_on_as_a_person_would(typist, typed, line):
    words = typist.line_after(typed)
    assert [*words[:-1], words[-1].rstrip("/")] == line.split()  # zsh takes a slash back when the cursor leaves it


def test_a_name_with_a_space_stays_one_word(typist):
    assert typist.line_after("explain tw") == ["explain", "two words.pcap"]


def asked(*words: str, shell: str = "bash") -> list[str]:
    """What the command answers a shell; the last word is the one begun."""
    env = {**os.environ, "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    env["_EXPLAIN_COMPLETE"] = f"{shell}_complete"
    done = subprocess.run([EXPLAIN], env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_every_command_word_is_offered_first_and_a_file_too():
    from explain.cli import present

    offered = asked("explain", "")
    assert [f"plain,{name}" for name in present()] == [one for one in offered if "plain" in one]
    assert "file," in offered


def test_a_command_word_is_offered_only_where_it_is_one():
    assert asked("explain", "-v", "pi") == ["file,pi"]


def test_every_option_of_a_command_is_offered():
    assert set(asked("explain", "cause", "--")) == {f"plain,--{one}" for one in ("lang", "json", "all", "help")}


@pytest.mark.parametrize(
    "line", ["explain lab run", "explain nonsense --nonsense", "explain grade run", "explain '", "x"]
)
def test_nonsense_is_answered_in_silence(line):
    asked(*line.split(), "z")
    asked(*line.split())


@pytest.mark.parametrize("shell", SHELLS)
def test_the_option_prints_the_script_and_how_to_use_it(shell):
    done = subprocess.run([EXPLAIN, "--completion", shell], capture_output=True, text=True, check=True)
    assert done.stdout == script(shell)
    assert f"explain --completion {shell}" in done.stdout
