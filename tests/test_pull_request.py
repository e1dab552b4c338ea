"""The workflow that comments on a pull request does so, with its own commands in a repository that has one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from surroundings import TOP

WORKFLOW = TOP / "docs" / "pull-request.yml"
HOSTILE = "x$(touch owned)`touch owned`<img src=x>\n@all.pcap"
pytestmark = pytest.mark.needs("git")


def steps() -> dict[str, dict[str, object]]:
    """The steps that run commands, by name."""
    told = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return {step["name"]: step for step in told["jobs"]["explain"]["steps"] if "run" in step}


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def pull_request(tmp_path):
    """A repository whose last commit adds and changes captures; gives its folder and the commit before."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    shutil.copy(TOP / "pcaps" / "healthy" / "sender.pcap", folder / "kept.pcap")
    shutil.copy(TOP / "pcaps" / "healthy" / "sender.pcap", folder / "changed.pcap")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "before")
    base = git(folder, "rev-parse", "HEAD")
    (folder / "new folder").mkdir()
    shutil.copy(TOP / "pcaps" / "no-route-on-router" / "sender.pcap", folder / "new folder" / "added.pcap")
    shutil.copy(TOP / "pcaps" / "no-route-on-router" / "sender.pcap", folder / HOSTILE)
    shutil.copy(TOP / "pcaps" / "router" / "capture.pcapng", folder / "changed.pcap")
    (folder / "<img src=y>.pcap").write_bytes(b"\x00\x01 no capture at all")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "after")
    return folder, base


def run(step: str, folder: Path, **settings: str) -> None:
    """Run the commands of a step as GitHub does, with `gh` and `pip` that only write down what they were told."""
    tools = folder.parent / "tools"
    tools.mkdir(exist_ok=True)
    for tool in ("gh", "pip"):
        (tools / tool).write_text(f'#!/bin/sh\nprintf "%s\\n" "{tool} $*" >>{folder.parent}/told\n')
        (tools / tool).chmod(0o755)
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": str(folder.parent / "summary.md"), **settings}
    script = str(steps()[step]["run"])
    assert "${{" not in script  # what a stranger may choose reaches the shell only as a variable
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    subprocess.run(command, cwd=folder, env=env, check=True)


def test_the_comment_tells_of_each_capture_that_was_added_or_changed_and_believes_no_name(pull_request):
    folder, base = pull_request
    run("Explain", folder, BASE=base)
    comment = (folder / "comment.md").read_text()
    assert "<code>new folder/added.pcap</code>" in comment
    assert comment.count("# ✗ Router 192.0.2.254 knows no way to 198.51.100.1") == 2
    assert "<code>changed.pcap</code></summary>\n\n# ✓ Nothing failed" in comment
    assert "kept.pcap" not in comment
    assert re.search(r"<pre>\nexplain: ./&lt;img src=y&gt;.pcap: it is neither", comment)
    assert (folder.parent / "summary.md").read_text() == comment
    assert not (folder / "owned").exists(), "a name ran a command"
    assert "<img" not in comment, "a name became markup"


def test_stories_that_are_too_long_for_a_comment_become_verdicts(pull_request):
    folder, base = pull_request
    tools = folder.parent / "tools"
    tools.mkdir()
    verbose = tools / "explain"
    real = Path(sys.executable).parent / "explain"
    verbose.write_text(f'#!/bin/sh\n{real} "$@"\ncase "$*" in *-q*) ;; *) yes | head -c 20000 ;; esac\n')
    verbose.chmod(0o755)
    run("Explain", folder, BASE=base)
    comment = (folder / "comment.md").read_text()
    assert len(comment) < 65_536 < (folder / "story.md").stat().st_size
    assert comment.count("✗ Router") == 2
    assert "What happened" not in comment


def test_the_last_comment_is_changed_rather_than_one_more_made(pull_request):
    folder, _ = pull_request
    run("Install", folder)
    run("Comment", folder, NUMBER="7")
    told = (folder.parent / "told").read_text().splitlines()
    assert told == ["pip install explain-pcap", "gh pr comment 7 --edit-last --body-file comment.md"]


def test_the_workflow_may_write_comments_and_nothing_else():
    told = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert told["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert list(told[True]) == ["pull_request"]  # YAML 1.1 reads the key `on` as true
