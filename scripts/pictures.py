#!/usr/bin/env python3
"""Make the pictures of the pages from real captures: what a terminal shows, and what a browser shows.

    .venv/bin/python scripts/pictures.py                docs/pictures/* anew; needs Chromium and fonts for Japanese
    .venv/bin/python scripts/pictures.py --into FOLDER  somewhere else
    .venv/bin/python scripts/pictures.py --no-browser   those of a terminal only

A picture of a terminal is made of what the command writes to one, colours and all, so it is the same on every machine.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from html import escape
from pathlib import Path

from explain.render.layout import display_width

TOP = Path(__file__).resolve().parents[1]
EXPLAIN = Path(sys.executable).parent / "explain"
COLUMNS, ROWS = 80, 200
SIZE, WIDE, CELL, LINE, EDGE = 14, 16.5, 8.43, 19, 14
"""Of a terminal in a picture, in pixels: letters, those that take two cells, the width of a cell, a row, the border."""
BACK, FRONT = "#1d2127", "#e3e6ea"
COLOURS = {"2": "#9aa4b1", "31": "#ff8f87", "32": "#7ddc8f", "33": "#f2cc60", "36": "#76d4e0"}
SGR = re.compile(r"(?:\x1b\[)([0-9;]*)m")
TERMINALS = {
    "ladder.svg": "explain --ladder pcaps/no-route-on-router/capture.pcapng",
    "story.ja.svg": "explain --lang ja pcaps/no-route-on-router/sender.pcap",
}
"""The command whose answer a picture shows."""
PAGES = {"page.webp": ("pcaps/no-route-on-router/capture.pcapng", 900, 1640)}
"""The capture whose page a picture shows, its width and height in pixels."""


def on_a_terminal(command: str) -> str:
    """What a command writes to a terminal of 80 columns, with its colours.

    Raises:
        SystemExit: the command fails.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
        os.chdir(TOP)
        env = {**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        os.execve(EXPLAIN, ["explain", *shlex.split(command)[1:]], env)  # noqa: S606
    written = bytearray()
    try:
        while octets := os.read(terminal, 65536):
            written += octets
    except OSError:  # Linux says so when the last writer is gone
        pass
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        sys.exit(f"{command}: exit status {status}\n{written.decode()}")
    return written.decode().replace("\r\n", "\n").rstrip("\n")


def drawing(command: str) -> str:
    """A terminal with a command and its answer, as SVG that asks nobody for a font or a style."""
    rows = [f"\x1b[1m$ {command}\x1b[0m", "", *on_a_terminal(command).split("\n")]
    width, height = COLUMNS * CELL + 2 * EDGE, len(rows) * LINE + 2 * EDGE
    size = f'viewBox="0 0 {width:g} {height}" width="{width:g}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, Noto Sans CJK JP, monospace" font-size="{SIZE}">',
        f"<title>{escape(command)}</title>",
        f'<rect width="{width:g}" height="{height}" rx="8" fill="{BACK}"/>',
    ]
    style = ""
    for number, row in enumerate(rows):
        style, drawn = text_of(row, style, EDGE + number * LINE + SIZE)
        lines += drawn
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def text_of(row: str, style: str, y: int) -> tuple[str, list[str]]:
    """One row as text elements, and the style in which the next one begins."""
    found, column = [], 0
    for piece in re.split(r"(\x1b\[[0-9;]*m)", row):
        if order := SGR.fullmatch(piece):
            style = "" if order[1] in ("", "0") else f"{style};{order[1]}"
            continue
        for run in re.findall(r"[ -~]+|[^ -~]+", piece):
            # Every character outside of ASCII gets a place of its own, however wide the reader's font draws it.
            places = [
                EDGE + (column + display_width(run[:at])) * CELL for at in range(1 if run.isascii() else len(run))
            ]
            column += display_width(run)
            if run.strip():
                where = " ".join(f"{place:g}" for place in places)
                size = f' font-size="{WIDE}"' if display_width(run) == 2 * len(run) else ""
                found.append(f'<text x="{where}" y="{y}"{size}{look(style)} xml:space="preserve">{escape(run)}</text>')
    return style, found


def look(style: str) -> str:
    """The attributes of a style as terminals write it: numbers with semicolons between them."""
    orders = style.split(";")
    colour = next((COLOURS[order] for order in reversed(orders) if order in COLOURS), FRONT)
    return f' fill="{colour}"' + (' font-weight="bold"' if "1" in orders else "")


def photograph(capture: str, width: int, height: int, target: Path) -> None:
    """The top of a capture's page as Chromium shows it, in light colours."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        made = ["--format", "html", "--lang", "en", "-o", str(page), capture]
        subprocess.run([str(EXPLAIN), *made], cwd=TOP, check=True)
        shot = [f"--screenshot={target}", f"--window-size={width},{height}", "--hide-scrollbars"]
        quiet = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
        subprocess.run(["chromium", *quiet, *shot, page.as_uri()], check=True, capture_output=True)


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=TOP / "docs" / "pictures", help="the folder")
    parser.add_argument("--no-browser", action="store_true", help="pictures of a terminal only")
    asked = parser.parse_args()
    folder = asked.into.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name, command in TERMINALS.items():
        (folder / name).write_text(drawing(command), encoding="utf-8")
    for name, (capture, width, height) in PAGES.items() if not asked.no_browser else ():
        photograph(capture, width, height, folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
