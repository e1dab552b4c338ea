#!/usr/bin/env python3
"""Write each example of the pages as the command really answers it.

    .venv/bin/python scripts/examples.py          README.md and docs/*.md anew
    .venv/bin/python scripts/examples.py --check  say which examples differ; exit status 1

An example is a comment with the command, and the block of text under it:

    <!-- example: explain pcaps/healthy/sender.pcap -->

The command runs at the top of the checkout, piped, so 80 columns wide and without colour, in the C locale.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
EXAMPLE = re.compile(r"(<!-- example: (?P<command>[^\n]+?) -->\n+```text\n)(?P<shown>.*?)(```\n)", re.DOTALL)


def answer(command: str) -> str:
    """What a command of this checkout prints to standard output.

    Raises:
        SystemExit: the command fails.
    """
    words = shlex.split(command)
    if words[0] != "explain":
        sys.exit(f"an example must start with explain: {command}")
    env = {**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "80", "TZ": "UTC"}
    started = [str(Path(sys.executable).parent / "explain"), *words[1:]]
    done = subprocess.run(started, cwd=TOP, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout.rstrip("\n") + "\n"


def rewritten(text: str) -> str:
    """The same Markdown with every example as it is answered now."""
    return EXAMPLE.sub(lambda found: f"{found[1]}{answer(found['command'])}{found[4]}", text)


def main() -> int:
    """Rewrite or check some pages; the exit status says whether they were in order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("pages", nargs="*", type=Path, default=[TOP / "README.md", *sorted(TOP.glob("docs/*.md"))])
    asked = parser.parse_args()
    are_true = True
    for page in asked.pages:
        text = page.read_text(encoding="utf-8")
        real = rewritten(text)
        if asked.check:
            are_true = are_true and text == real
            lines = (text.splitlines(keepends=True), real.splitlines(keepends=True))
            sys.stdout.writelines(difflib.unified_diff(*lines, str(page), "as it is"))
        else:
            page.write_text(real, encoding="utf-8")
    return 0 if are_true else 1


if __name__ == "__main__":
    sys.exit(main())
