"""Honest recordings stay unflagged; forgeries made with the real programs are counted by type."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import forging
import pytest

from explain.grade.hand_ins.submissions import Submission
from explain.grade.integrity.compare import flags

pytestmark = pytest.mark.needs("namespaces", "root", "tshark", "editcap", "mergecap", "tcprewrite", "ping")

RUBRIC = SimpleNamespace(integrity={"same_run": ["inside", "outside"]})
UNSEEN = "scapy: all numbers new, jitter, sums made good"
ALONE = {
    "editcap: shifted", "editcap: shifted, as pcapng", "editcap: cut to 80 octets, shifted", "two runs mixed",
    "scapy: stretched", "scapy: shifted, jitter", "scapy: all numbers new", "scapy: all numbers new, jitter",
    "scapy: from nothing",
}  # fmt: skip
"""What gives itself away, also where nobody handed in the original."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory, request):
    """Folders of honest runs of one lab on one machine, with the same addresses, and their prints.

    Several run at a time, as they would on the server of a class: their kernel counts one clock for all of them.
    """
    number = 100 if request.config.getoption("--full") else 3
    top = tmp_path_factory.mktemp("honest")
    with ThreadPoolExecutor(8) as some:  # they mostly wait
        folders = list(some.map(lambda at: forging.record(top / f"run{at}"), range(number)))
    return [(folder, forging.prints(folder)) for folder in folders]


def told(prints):
    """The flags of each of some submissions."""
    return list(flags(RUBRIC, [Submission(f"s{at}", (), {}) for at in range(len(prints))], prints, [], "en"))


def test_honest_recordings_of_one_lab_are_never_flagged(honest):
    assert told([prints for _, prints in honest]) == [[] for _ in honest]


def test_every_honest_recording_has_enough_to_be_told_apart_by(honest):
    assert all(len(prints.nonces) >= 8 and len(prints.gaps) >= 4 for _, prints in honest)


@pytest.mark.parametrize("name", forging.FORGERIES)
def test_a_forgery_is_flagged_with_its_source_or_gives_itself_away(name, honest, tmp_path, record_property):
    number = min(len(honest), 24)
    with_source = alone = 0
    for at in range(number):
        into = tmp_path / str(at)
        into.mkdir()
        forging.FORGERIES[name](honest[at][0], honest[(at + 1) % number][0], into, random.Random(at))
        made = forging.prints(into)
        found = told([*(prints for _, prints in honest), made])[-1]
        with_source += any(flag["with"] in (f"s{at}", None) for flag in found)
        alone += bool(told([made])[0])
        assert all(flag["evidence"] for flag in found)
    record_property("forgeries", f"{name}: {with_source} of {number}, {alone} without the source")
    print(f"{name}: {with_source} of {number}; without the source {alone}")
    assert with_source == (0 if name == UNSEEN else number)
    assert alone == (number if name in ALONE else 0)
