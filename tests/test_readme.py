"""What the pages promise is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from surroundings import TOP

pytestmark = pytest.mark.long

PAGES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md")])
ids = [page.relative_to(TOP).as_posix() for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_example_is_what_the_command_answers(page):
    check = [sys.executable, "scripts/examples.py", "--check", str(page)]
    done = subprocess.run(check, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"scripts/examples.py {page} writes it anew\n{done.stdout}{done.stderr}"


def test_an_example_that_was_made_up_is_found_and_mended(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- example: explain --version -->\n\n```text\nexplain 99\n```\n")
    command = [sys.executable, "scripts/examples.py", str(page)]
    assert subprocess.run([*command, "--check"], cwd=TOP, capture_output=True, check=False).returncode == 1
    subprocess.run(command, cwd=TOP, capture_output=True, check=True)
    assert "explain 99" not in page.read_text()
    assert subprocess.run([*command, "--check"], cwd=TOP, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_to_a_file_leads_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_readme_opens_with_an_explained_capture():
    opening = (TOP / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert "<!-- example: explain pcaps/" in opening


def test_the_quick_start_is_two_commands_that_exist():
    text = (TOP / "README.md").read_text(encoding="utf-8")
    block = re.search(r"## Quick start\n.*?```sh\n(.*?)```", text, re.DOTALL)
    commands = block[1].splitlines()
    assert len(commands) == 2
    for command in commands:
        script, *arguments = command.split()
        assert os.access(TOP / script, os.X_OK)
        assert all((TOP / argument).is_file() for argument in arguments)


def test_ci_runs_the_second_command_of_the_quick_start():
    assert "exec ./test" in (TOP / ".ci" / "run").read_text(encoding="utf-8")


def test_the_pictures_of_terminals_show_what_the_commands_answer_now(tmp_path):
    subprocess.run(
        [sys.executable, "scripts/pictures.py", "--no-browser", "--into", str(tmp_path)], cwd=TOP, check=True
    )
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text(encoding="utf-8") for path in TOP.glob("docs/pictures/*.svg")}
    assert made == kept, "scripts/pictures.py makes them anew"


@pytest.mark.needs("chromium")
def test_the_picture_of_the_page_can_be_taken_anew(tmp_path):
    subprocess.run([sys.executable, "scripts/pictures.py", "--into", str(tmp_path)], cwd=TOP, check=True)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {path.name for path in TOP.glob("docs/pictures/*")}
    picture = (tmp_path / "page.webp").read_bytes()
    assert picture[:4] + picture[8:12] == b"RIFFWEBP"
    assert len(picture) > 30_000, "there is nothing on it"


@pytest.mark.needs("namespaces", "ping", "ip")
@pytest.mark.parametrize("page", sorted(TOP.glob("docs/tutorial*.md")), ids=lambda page: page.name)
def test_what_the_tutorial_types_into_a_lab_is_answered_like_that(page):
    check = [sys.executable, "scripts/examples.py", "--check", "--live", str(page)]
    done = subprocess.run(check, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"scripts/examples.py --live {page} writes it anew\n{done.stdout}{done.stderr}"


@pytest.mark.needs("namespaces", "ping", "ip")
def test_an_answer_of_a_lab_that_was_made_up_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- live -->\n\n```console\n$ explain lab up router\nrouter is down\n```\n")
    check = [sys.executable, "scripts/examples.py", "--check", "--live", str(page)]
    assert subprocess.run(check, cwd=TOP, capture_output=True, check=False).returncode == 1


def test_every_lab_that_the_tutorial_names_is_there():
    for page in TOP.glob("docs/tutorial*.md"):
        text = page.read_text(encoding="utf-8")
        table = "".join(line for line in text.splitlines() if line.startswith("| "))
        named = [*re.findall(r"`([a-z-]+)`", table), *re.findall(r"lab run (?:--lang ja )?([a-z-]+)", text)]
        assert len(named) > 25
        assert [name for name in named if not (TOP / "fixtures" / name / "lab.toml").is_file()] == []


def test_the_matrix_of_causes_says_that_the_truth_was_always_named():
    text = (TOP / "README.md").read_text(encoding="utf-8")
    table = text.partition("<!-- matrix:")[2].partition("<!-- end of matrix -->")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| ")
    ]
    assert len(rows) > 5
    for known, count, named, first, *_ in rows[2:]:
        assert int(count) == int(named) >= int(first) > 0, known
