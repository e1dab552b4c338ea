"""The confusion matrix: for each kind of witness, how often the truth is in the set, how often first, how large.

Run by hand.  ``test_diagnosis_cases`` asserts what may never change: that the truth is in every set, and first with
everything.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests"), str(TOP / "tests" / "causes")]

import likeness  # noqa: E402
from surroundings import case_folders  # noqa: E402

from explain.causes.diagnose import diagnose  # noqa: E402
from explain.causes.diagnosis import Diagnosis, Topology, Witnesses  # noqa: E402
from explain.cli.ping.case_folder import read_case  # noqa: E402
from explain.cli.ping.witnesses import Given, gather  # noqa: E402
from explain.errors import InputError  # noqa: E402

VIEWS = ("text", "text+wire", "text+wires", "text+places", "text+states", "unplaced", "everything")
MORE_VIEWS = ("text alone", "text+state", "text+unnamed", "wire", "wires", "states")
ONE_EVENT = {frozenset(("link-no-carrier", "gateway-interface-down"))}
SECTION_0 = ("healthy", "icmp-redirect", "suboptimal-gateway", "proxy-arp-in-play")


@dataclass(frozen=True)
class Recorded:
    """A recording whose truth is known."""

    name: str
    folder: Path
    truth: str
    also: tuple[str, ...]


@cache
def recordings() -> tuple[Recorded, ...]:
    """The shared cases, then our own recordings."""
    found = [_told(folder) for folder in case_folders()]
    for path in sorted((TOP / "pcaps").glob("*/case.json")):
        lab = TOP / "fixtures" / path.parent.name / "lab.toml"
        if lab.is_file() and (cause := tomllib.loads(lab.read_text()).get("cause")):
            found.append(Recorded("pcaps/" + path.parent.name, path.parent, cause, ()))
    return tuple(found)


def _told(folder: Path) -> Recorded:
    meta = json.loads((folder / "meta.json").read_text())
    return Recorded(folder.name, folder, meta["cause"], tuple(meta["also"]))


def witnesses_of(recorded: Recorded, view: str) -> Witnesses:
    """What one view of a recording gives to the diagnosis."""
    folder = recorded.folder
    if view == "everything":
        return gather(Given(case=folder))
    case = read_case(folder)
    parts = view.removeprefix("text+")
    captures = {
        "wires": case.captures,
        "wire": tuple(sender_captures(folder)),
        "places": case.captures,
        "unplaced": case.captures,
        "unnamed": tuple(dict.fromkeys(each.split("=", 1)[1] for each in sender_captures(folder))),
    }.get(parts, ())
    own = tuple(one for one in case.states if one.stem == case.sender)
    wanted = {"states": case.states, "unplaced": case.states, "state": own}
    has_text = view.startswith("text") or view == "unplaced"
    found = gather(
        Given(
            text=str(folder / "ping.txt") if has_text else None,
            captures=captures,
            states=tuple(f"{path.stem}={path}" for path in wanted.get(parts, ())),
            command=f"@{folder / 'command.txt'}" if view != "text alone" else None,
            exit_status=case.exit_status if has_text else None,
            sender=case.sender if parts not in {"text", "text alone", "unnamed", "places", "unplaced"} else None,
        )
    )
    is_whole = parts in {"wires", "states"}
    return replace(found, topology=case.topology) if is_whole else replace(found, topology=Topology())


def sender_captures(folder: Path) -> Iterator[str]:
    """The captures at the sender's own interfaces, without loopback."""
    case = json.loads((folder / "case.json").read_text())
    for each in case["captures"]:
        if each["node"] == case["sender"] and each["iface"] not in {"lo", "any"}:
            label = each.get("interface") or each["iface"]
            name = case["sender"] if not each.get("interface") else f"only{len(label)}"
            yield f"{name}:{label}={folder / each['file']}"


def is_right(cause: str, truth: str) -> bool:
    """Whether a cause is the true one, or the same event under another name."""
    return cause == truth or frozenset((cause, truth)) in ONE_EVENT


def measure(recorded: Recorded, view: str) -> Diagnosis | None:
    """The diagnosis of one view; None if it has no usable witness."""
    try:
        return diagnose(witnesses_of(recorded, view))
    except InputError:
        return None


def alike(recorded: Recorded, view: str) -> str:
    """What a recording has in common with those that this view cannot tell from it."""
    folder, command = recorded.folder, (recorded.folder / "command.txt").read_text()
    text = (folder / "ping.txt").read_text(errors="replace")
    found = likeness.of_text(text, command if view != "text alone" else "") if view.startswith("text") else ""
    if view in {"text+wire", "text+unnamed", "wire"}:
        found += "||" + likeness.of_wire(witnesses_of(recorded, "wire"))
    return found


@cache
def possible(view: str) -> dict[str, frozenset[str]]:
    """Likeness -> the causes of all recordings that are alike in this view."""
    causes: dict[str, set[str]] = {}
    for each in recordings():
        causes.setdefault(alike(each, view), set()).add(each.truth)
    return {key: frozenset(names) for key, names in causes.items()}


def could_be(recorded: Recorded, view: str) -> frozenset[str]:
    """The causes that this view leaves possible: what is recorded and looks the same."""
    return possible(view).get(alike(recorded, view), frozenset()) | {recorded.truth}


@dataclass
class Row:
    """One line of the matrix: sums over recordings."""

    view: str
    cases: int = 0
    inside: int = 0
    first: int = 0
    size: int = 0
    possible: int = 0
    unusable: int = 0
    seconds: float = 0.0


COMPARED = {"text", "text alone", "text+wire", "text+unnamed", "wire"}


def matrix_row(everyone: list[Recorded], view: str, asked: argparse.Namespace) -> Row:
    """The sums of one view; with ``-v`` every miss is said, with ``-s`` every set."""
    row = Row(view)
    for each in everyone:
        start = time.process_time()
        found = measure(each, view)
        row.seconds = max(row.seconds, time.process_time() - start)
        if found is None:
            row.unusable += 1
            continue
        named = [cause.cause for cause in found.causes]
        could = could_be(each, view) if view in COMPARED else frozenset({each.truth})
        row.cases, row.size, row.possible = row.cases + 1, row.size + len(named), row.possible + len(could)
        is_in = any(is_right(cause, each.truth) for cause in named)
        is_first = bool(named) and is_right(named[0], each.truth)
        row.inside, row.first = row.inside + is_in, row.first + is_first
        is_whole = view in {"everything", "text+states", "states"}
        is_odd = each.truth in SECTION_0 and (named[:1] != [each.truth] or (view == "everything" and len(named) > 1))
        if asked.is_verbose and (not is_in or (is_whole and not is_first) or is_odd):
            print(f"  {view}: {each.name}: {each.truth} {'in' if is_in else 'NOT IN'} {named[:6]} ({len(named)})")
        if asked.has_sizes:
            more = sorted(set(named) - could)
            print(f"  {view}: {each.name}: {each.truth} ({len(named)} of {len(could)}) more: {' '.join(more)}")
    return row


TOLD = {
    "text": "the terminal's text and the command",
    "text+wire": "and a capture at the sender",
    "text+wires": "the text, and captures at every host",
    "text+states": "the text, and the state of every host",
    "everything": "everything",
    "text alone": "the text without its command",
    "text+state": "the text, and the state of the sender",
    "text+unnamed": "the text, and the sender's capture without its name",
    "text+places": "the text, and all captures, but nobody says who is who",
    "unplaced": "all captures and states, but nobody says who is who",
    "wire": "a capture at the sender alone",
    "wires": "captures at every host alone",
    "states": "the states alone",
}
"""The views of the README's table."""
_BEGIN, _END = "<!-- matrix: python tests/causes/confusion.py --readme -->\n", "<!-- end of matrix -->\n"


def write_table(rows: list[Row]) -> None:
    """The rows as the README's table, between its two marks."""
    lines = [
        "| what is known | recordings | the true cause is named | is named first | causes named | possible |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        several = max(row.cases, 1)
        could = f"{row.possible / several:.1f}" if row.view in COMPARED else ""
        lines.append(
            f"| {TOLD[row.view]} | {row.cases} | {row.inside} | {row.first} | {row.size / several:.1f} | {could} |"
        )
    path = TOP / "README.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    table = "\n".join(lines)
    path.write_text(f"{before}{_BEGIN}\n{table}\n\n{_END}{after}", encoding="utf-8")


def main() -> None:
    """Print the matrix."""
    asked = _words().parse_args()
    source = asked.source
    everyone = [_told(path.parent) for path in sorted(source.glob("*/meta.json"))] if source else recordings()
    everyone = [each for each in everyone if not asked.names or any(word in each.name for word in asked.names)]
    if asked.readme:
        write_table([matrix_row(everyone, view, asked) for view in TOLD])
        return
    for view in asked.view.split(","):
        row = matrix_row(everyone, view, asked)
        several = max(row.cases, 1)
        print(f"{view:12} {row.cases:4} cases, truth in {row.inside}, first {row.first}, ", end="")
        print(f"mean size {row.size / several:.2f}", end="")
        if view in COMPARED:
            print(f", {row.size / max(row.possible, 1):.2f} times the possible {row.possible / several:.2f}", end="")
        print(f", unusable {row.unusable}, slowest {row.seconds:.2f} s")


def _words() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only recordings with one of these in their names")
    parser.add_argument(
        "--from", type=Path, dest="source", metavar="FOLDER", help="other recordings (unseen/record.py)"
    )
    parser.add_argument("--view", default=",".join((*VIEWS, *MORE_VIEWS)), metavar="VIEW,...", help="all by default")
    parser.add_argument("--readme", action="store_true", help="write the table of the README anew")
    parser.add_argument("-v", dest="is_verbose", action="store_true", help="name the recordings told wrongly")
    parser.add_argument("-s", dest="has_sizes", action="store_true", help="name what else each recording could be")
    return parser


if __name__ == "__main__":
    main()
