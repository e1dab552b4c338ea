#!/usr/bin/env python3
"""Write each example of the pages as the command really answers it.

    .venv/bin/python scripts/examples.py          README.md and docs/*.md anew
    .venv/bin/python scripts/examples.py --check  say which examples differ; exit status 1
    .venv/bin/python scripts/examples.py --live   those of labs too, which are really built

An example is a comment with the command, and the block of text under it; `| head -9` shows nine lines and three dots:

    <!-- example: explain pcaps/healthy/sender.pcap -->

The command runs at the top of the checkout, piped, so 80 columns wide and without colour, in the C locale.

A block `console` under `<!-- live -->` is a terminal: lines after `$ ` are typed, the rest is what they answer. All
blocks of a page are one session, in an empty folder. Times may differ; nothing else may.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
EXAMPLE = re.compile(r"(<!-- example: (?P<command>[^\n]+?) -->\n+```text\n)(?P<shown>.*?)(```\n)", re.DOTALL)
LIVE = re.compile(r"(<!-- live -->\n+```console\n)(.*?)(```\n)", re.DOTALL)
TIMES = re.compile(r"(?<=time=|time )[\d.]+ ?ms|(?<=mdev = )\S+ ms|sudo ip netns exec h1 COMMAND, or: ")
"""What differs each time a lab runs; its hosts have no names outside for an ordinary user."""
MARK = "@@ next @@"
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "80", "TZ": "UTC"}


def answer(command: str) -> str:
    """What a command of this checkout prints to standard output.

    Raises:
        SystemExit: the command fails.
    """
    command, _, rows = command.partition(" | head -")
    words = shlex.split(command)
    if words[0] != "explain":
        sys.exit(f"an example must start with explain: {command}")
    started = [str(Path(sys.executable).parent / "explain"), *words[1:]]
    done = subprocess.run(started, cwd=TOP, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}: exit status {done.returncode}\n{done.stderr}")
    shown = done.stdout.rstrip("\n") + "\n"
    return "".join(shown.splitlines(keepends=True)[: int(rows)]) + "...\n" if rows else shown


def rewritten(text: str) -> str:
    """The same Markdown with every example as it is answered now."""
    return EXAMPLE.sub(lambda found: f"{found[1]}{answer(found['command'])}{found[4]}", text)


def lived(text: str) -> str:
    """The same Markdown with what its terminals answer now, where more than times differ."""
    typed = [re.findall(r"^\$ (.*)", block[2], re.MULTILINE) for block in LIVE.finditer(text)]
    answers = iter(session([command for block in typed for command in block]))

    def real(block: re.Match[str]) -> str:
        commands = re.findall(r"^\$ (.*)", block[2], re.MULTILINE)
        now = "".join(f"$ {command}\n{next(answers)}" for command in commands)
        same = TIMES.sub("", now) == TIMES.sub("", block[2])
        return block[0] if same else f"{block[1]}{now}{block[3]}"

    return LIVE.sub(real, text)


def session(commands: list[str]) -> list[str]:
    """What commands answer that are typed one after another into one shell."""
    if not commands:
        return []
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        script = f"\necho '{MARK}'\n".join(commands)
        env = {**ENVIRONMENT, "PATH": tools, "XDG_RUNTIME_DIR": folder}  # a lab of this name may be up already
        done = subprocess.run(
            ["bash"],
            input=script,
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        subprocess.run(["explain", "lab", "down", "--all"], env=env, capture_output=True, check=False)
    return done.stdout.split(f"{MARK}\n")


def main() -> int:
    """Rewrite or check some pages; the exit status says whether they were in order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--live", action="store_true", help="build the labs of the pages as well")
    parser.add_argument("pages", nargs="*", type=Path, default=[TOP / "README.md", *sorted(TOP.glob("docs/*.md"))])
    asked = parser.parse_args()
    are_true = True
    for page in asked.pages:
        text = page.read_text(encoding="utf-8")
        real = lived(rewritten(text)) if asked.live else rewritten(text)
        if asked.check:
            are_true = are_true and text == real
            lines = (text.splitlines(keepends=True), real.splitlines(keepends=True))
            sys.stdout.writelines(difflib.unified_diff(*lines, str(page), "as it is"))
        else:
            page.write_text(real, encoding="utf-8")
    return 0 if are_true else 1


if __name__ == "__main__":
    sys.exit(main())
