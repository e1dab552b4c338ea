"""The rules of the house, held against the tree; test_house_rules.py shows that each of them bites."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import house_rules
from surroundings import TOP

from explain.exchanges.selection import KINDS
from explain.story.exchanges.teller import TELLERS

PACKAGE = TOP / "explain"
MODULES = sorted(PACKAGE.rglob("*.py"))
OF_A_RUN = ("capture", "decode", "places", "exchanges", "causes/from_capture", "story", "words", "render")
"""Rooms that a run over a capture loads, where every millisecond is felt."""
WORD_TABLES = sorted((PACKAGE / "words").rglob("*.toml"))


@cache
def project_files() -> tuple[Path, ...]:
    """The files of the project: what git tracks, or all but what it ignores where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return tuple(TOP / name for name in listed.stdout.split("\0") if name and (TOP / name).is_file())
    tops = [path for path in TOP.iterdir() if path.name != ".git" and path.name not in (TOP / ".gitignore").read_text()]
    return tuple(path for top in tops for path in ([top] if top.is_file() else top.rglob("*")) if path.is_file())


def named(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


def assert_none(complaints: list[str]) -> None:
    assert not complaints, "\n" + "\n".join(complaints)


def test_every_public_name_is_documented_in_google_form():
    assert_none(
        [
            f"{named(path)}: {complaint}"
            for path in MODULES
            for complaint in house_rules.docstring_complaints(path.read_text(encoding="utf-8"))
        ]
    )


def test_every_folder_of_the_package_is_a_room_that_newcomers_are_told_of():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name not in {"__pycache__", "shipped"}}
    assert set(re.findall(r"^\| `(\w+)` \|", (TOP / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)) == folders


def test_newcomers_are_told_of_every_file_beside_the_rooms():
    files = {path.name for path in PACKAGE.glob("*.py") if not path.name.startswith("__")}
    assert set(re.findall(r"^\| `(\w+\.py)` \|", (TOP / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)) == files


def test_every_folder_with_code_is_a_package():
    assert_none([f"{named(p.parent)} has no __init__.py" for p in MODULES if not (p.parent / "__init__.py").is_file()])


def test_module_names_say_what_they_hold():
    assert_none(
        [f"{named(path)}: {said}" for path in MODULES for said in house_rules.name_complaints(path.relative_to(TOP))]
    )


def test_no_file_and_no_function_is_far_longer_than_a_reader_likes():
    assert_none(
        [
            f"{named(path)}: {complaint}"
            for path in MODULES
            for complaint in house_rules.size_complaints(path.read_text(encoding="utf-8"))
        ]
    )


def test_what_a_run_over_a_capture_loads_makes_its_records_quickly():
    assert_none(
        [
            f"{named(path)}: {complaint}"
            for room in OF_A_RUN
            for path in sorted((PACKAGE / room).rglob("*.py"))
            for complaint in house_rules.slow_record_complaints(path.read_text(encoding="utf-8"))
        ]
    )


def test_no_file_names_a_machine_or_leaves_something_undone():
    complaints = []
    for path in project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        complaints += [f"{named(path)}: {said}" for said in house_rules.word_complaints(text)]
    assert_none(complaints)


def test_every_dependency_has_its_reason_beside_it():
    text = (TOP / "pyproject.toml").read_text(encoding="utf-8")
    assert_none(list(house_rules.undocumented_requirements(text)))


def test_the_lock_gives_one_version_to_everything_that_the_project_asks_for():
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    locked = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (TOP / "requirements.lock").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    missing = [name for name in (need.partition(">")[0].lower() for need in wanted) if name not in locked]
    assert_none([f"{name} is not in requirements.lock; run scripts/lock" for name in missing])


def test_both_languages_say_every_message_with_the_same_values():
    assert WORD_TABLES
    assert_none(
        [
            f"{named(path)}: {complaint}"
            for path in WORD_TABLES
            for complaint in house_rules.language_complaints(tomllib.loads(path.read_text(encoding="utf-8")))
        ]
    )


def test_every_kind_of_exchange_stands_wherever_kinds_are_listed():
    sources = [path.read_text(encoding="utf-8") for path in (PACKAGE / "exchanges").rglob("*.py")]
    made = {kind for source in sources for kind in house_rules.kinds_made(source)}
    tables = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in WORD_TABLES}
    counted = {name for name, _ in house_rules.messages(tables["story"]["kind"])}
    lists = {
        "exchanges/selection.py": KINDS,
        "story/exchanges/teller.py": TELLERS,
        "words/story.toml as kind": counted,
        "words/exchange.toml as what": [kind for kind in made if kind.replace(".", "-") in tables["exchange"]["what"]],
    }
    assert set(KINDS) <= made
    assert_none([f"{kind} is not in {where}" for where, listed in lists.items() for kind in sorted(made - {*listed})])


OTHER_NAMES = {
    "explain/causes/from_capture/__init__.py",  # modules of rules
    "explain/causes/text/signs.py",  # ids of symptoms, which look alike
    "explain/render/frame_fields.py",  # names of fields as Wireshark has them
}


def test_every_message_that_the_code_names_is_in_its_word_table():
    # The code may also name a family of messages, such as `arp.asked`, and append `.first` or `.again`.
    tables = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in WORD_TABLES}
    kinds = {
        name
        for path in (PACKAGE / "exchanges").rglob("*.py")
        for name in house_rules.messages_named(path.read_text(encoding="utf-8"), tables)
    }
    written = {f"{stem}.{name}" for stem, table in tables.items() for name, _ in house_rules.messages(table)}
    assert_none(
        [
            f"{named(path)} says {message}, which no table has"
            for path in MODULES
            if path.relative_to(PACKAGE).parts[0] in {"story", "causes", "render"} and named(path) not in OTHER_NAMES
            for message in house_rules.messages_named(path.read_text(encoding="utf-8"), tables)
            if message not in kinds and not any(f"{name}.".startswith(f"{message}.") for name in written)
        ]
    )


def test_every_cause_has_its_page_predictions_lab_and_recording():
    from explain.causes.ids import IDS

    labs = {path.parent.name: tomllib.loads(path.read_text("utf-8")) for path in TOP.glob("fixtures/*/lab.toml")}
    # What is never a cause by itself is made by the labs that say so under `also`.
    causes = {name: {lab.get("cause"), *lab.get("also", [])} for name, lab in labs.items()}
    recorded = [name for name in labs if (TOP / "pcaps" / name / "recorded.toml").is_file()]
    present = {
        "page": {path.stem for path in PACKAGE.glob("causes/pages/*.toml")},
        "predictions": {path.stem for path in PACKAGE.glob("causes/predictions/*")},
        "lab": set().union(*causes.values()),
        "recording": set().union(*(causes[name] for name in recorded)),
    }
    assert_none([f"{cause} has no {part}" for part, names in present.items() for cause in sorted(set(IDS) - names)])


def test_every_lab_is_of_a_cause_in_the_vocabulary():
    from explain.causes.ids import IDS, QUALIFIERS

    labs = {path: tomllib.loads(path.read_text("utf-8")).get("cause") for path in TOP.glob("fixtures/*/lab.toml")}
    assert labs
    unknown = {named(path): cause for path, cause in labs.items() if cause not in {*IDS, *QUALIFIERS}}
    assert_none([f"{path}: no cause is called {cause}" for path, cause in unknown.items()])


def test_every_page_is_of_a_cause_in_the_vocabulary():
    from explain.causes.ids import IDS, QUALIFIERS

    pages = {path.stem for path in PACKAGE.glob("causes/pages/*.toml")}
    assert pages
    assert pages <= set(IDS) | QUALIFIERS
