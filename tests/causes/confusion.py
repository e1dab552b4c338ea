"""The confusion matrix: for each kind of witness, how often the truth is in the set, how often first, how large.

Run by hand (``python tests/causes/confusion.py [-v] [NAME...]``); ``test_diagnosis_cases`` asserts what it measures.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

from surroundings import case_folders  # noqa: E402

from explain.causes.diagnose import diagnose  # noqa: E402
from explain.causes.diagnosis import Diagnosis, Witnesses  # noqa: E402
from explain.cli.case_folder import read_case  # noqa: E402
from explain.cli.witnesses import Given, gather  # noqa: E402
from explain.errors import InputError  # noqa: E402

VIEWS = ("text", "text+wire", "text+wires", "text+states", "everything")
ONE_EVENT = {frozenset(("link-no-carrier", "gateway-interface-down"))}


@dataclass(frozen=True)
class Recorded:
    """A recording whose truth is known."""

    name: str
    folder: Path
    truth: str
    also: tuple[str, ...]


def recordings() -> Iterator[Recorded]:
    """The shared cases, then our own recordings."""
    for folder in case_folders():
        meta = json.loads((folder / "meta.json").read_text())
        yield Recorded(folder.name, folder, meta["cause"], tuple(meta["also"]))
    for path in sorted((TOP / "pcaps").glob("*/case.json")):
        lab = TOP / "fixtures" / path.parent.name / "lab.toml"
        if lab.is_file() and (cause := tomllib.loads(lab.read_text()).get("cause")):
            yield Recorded("pcaps/" + path.parent.name, path.parent, cause, ())


def witnesses_of(recorded: Recorded, view: str) -> Witnesses:
    """What one view of a recording gives to the diagnosis."""
    folder = recorded.folder
    if view == "everything":
        return gather(Given(case=folder))
    case = read_case(folder)
    captures: tuple[str, ...] = ()
    if view == "text+wires":
        captures = case.captures
    elif view == "text+wire":
        captures = tuple(sender_captures(folder))
    states = tuple(f"{path.stem}={path}" for path in case.states) if view == "text+states" else ()
    found = gather(
        Given(
            text=str(folder / "ping.txt"),
            captures=captures,
            states=states,
            command=f"@{folder / 'command.txt'}",
            exit_status=case.exit_status,
            sender=case.sender if view != "text" else None,
        )
    )
    return replace(found, topology=case.topology) if view in {"text+wires", "text+states"} else found


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


def likeness(recorded: Recorded) -> str:
    """A text after addresses, names and numbers are taken out: recordings that agree in it cannot be told apart."""
    text = (recorded.folder / "ping.txt").read_text(errors="replace")
    command = (recorded.folder / "command.txt").read_text()
    words = re.sub(r"(?<![\w])(?:[0-9a-f]{0,4}:){2,}[0-9a-f:]*(?:%\S+)?|\d+\.\d+\.\d+\.\d+", "A", text)
    words = re.sub(r"\b[\w-]+(?:\.[\w-]+)+\b", "N", words)
    words = re.sub(r"(?<=A )[\w-]+(?=: 56)|(?<=device other than: )\S+|(?<=mtu[ :=])\s*\d+", "I", words)
    words = re.sub(r"\d+(?:\.\d+)?", "9", words)
    lines = list(dict.fromkeys(line.strip() for line in words.splitlines() if line.strip()))
    option = " ".join(re.findall(r" -(?:I|s|M|t|b)\b", command))
    return f"{option}|" + "|".join(line for line in lines if not line.startswith(("rtt", "--- ")))


def possible(everyone: list[Recorded]) -> dict[str, set[str]]:
    """For each recording the causes of all recordings whose text is alike."""
    alike: dict[str, set[str]] = {}
    for each in everyone:
        alike.setdefault(likeness(each), set()).add(each.truth)
    return {each.name: alike[likeness(each)] for each in everyone}


def main(words: list[str]) -> None:
    """Print the matrix, and with ``-v`` every miss."""
    chosen = [word for word in words if not word.startswith("-")]
    everyone = [each for each in recordings() if not chosen or any(word in each.name for word in chosen)]
    could = possible(everyone)
    for view in VIEWS if "-t" not in words else VIEWS[:1]:
        total = inside = first = size = unusable = 0
        for each in everyone:
            found = measure(each, view)
            if found is None:
                unusable += 1
                continue
            named = [cause.cause for cause in found.causes]
            total += 1
            size += len(named)
            is_in = any(is_right(cause, each.truth) for cause in named)
            is_first = bool(named) and is_right(named[0], each.truth)
            inside += is_in
            first += is_first
            if "-v" in words and (not is_in or (view == "everything" and not is_first)):
                print(f"  {view}: {each.name}: {each.truth} {'in' if is_in else 'NOT IN'} {named[:6]} ({len(named)})")
            if "-s" in words:
                print(
                    f"  {view}: {each.name}: {each.truth} ({len(named)} of {len(could[each.name])}) {' '.join(named)}"
                )
            if "-t" in words and len(named) > 2 * len(could[each.name]):
                more = sorted(set(named) - could[each.name])
                print(f"  {each.name} {len(named)}/{len(could[each.name])} more than possible: {more}")
        print(f"{view:12} {total:4} cases, truth in {inside}, first {first}, ", end="")
        print(f"mean size {size / max(total, 1):.2f}, unusable {unusable}")


if __name__ == "__main__":
    main(sys.argv[1:])
