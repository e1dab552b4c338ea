"""What is written down of a lab that is up, also where two come up at once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from explain.errors import ExplainError
from explain.lab.up import known

pytestmark = pytest.mark.needs("root")  # whose labs alone have names for ``ip netns exec``

LAB = SimpleNamespace(name="mine")


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.setattr(known, "_NETNS", tmp_path / "netns")

    def write(lab=LAB):
        path = tmp_path / "labs" / f"{lab.name}.json"
        known.write(path, lab, Path("lab.toml"), os.getpid(), {"h1": 3})
        return path

    return write


def test_of_two_labs_of_one_name_the_later_one_is_refused_and_takes_nothing_away(written, tmp_path):
    path = written()
    before = path.read_text()
    with pytest.raises(ExplainError, match="up already"):
        written()
    known.remove_own(path, os.getpid() + 1)
    assert path.read_text() == before
    assert [one.name for one in (tmp_path / "labs").iterdir()] == ["mine.json"]
    known.remove_own(path, os.getpid())
    assert [*(tmp_path / "netns").iterdir()] == []
    assert not (tmp_path / "labs").exists()


@pytest.mark.parametrize("left", ["", "{", '{"name": "mine"}'])
def test_what_a_crash_left_half_written_gives_way(written, tmp_path, left):
    (tmp_path / "labs").mkdir()
    (tmp_path / "labs" / "mine.json").write_text(left)
    assert json.loads(written().read_text())["names"] == {"h1": "h1"}


def test_a_name_that_another_lab_takes_meanwhile_is_not_taken_from_it(written, tmp_path, monkeypatch):
    (tmp_path / "netns").mkdir()
    (tmp_path / "netns" / "h1").symlink_to("/proc/1/fd/3")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    path = written()
    assert json.loads(path.read_text())["names"] == {"h1": "mine-h1"}
    assert sorted(one.name for one in (tmp_path / "netns").iterdir()) == ["h1", "mine-h1"]
