"""A lab that is recorded again ends as its stored recording did: neither labs nor captures can rot."""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from again import PCAPS, lasting_differences

from explain.lab.catalogue import everything, find
from explain.lab.read import read
from explain.lab.run import missing_tools

pytestmark = [pytest.mark.needs("namespaces"), pytest.mark.spread]

NAMES = sorted(path.parent.name for path in everything())
AT_ONCE = 5
"""Labs wait, for answers that do not come, far more than they work."""
GROUPS = [NAMES[first : first + AT_ONCE] for first in range(0, len(NAMES), AT_ONCE)]


@pytest.fixture(scope="module")
def recorders():
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize("names", GROUPS, ids=" ".join)
def test_labs_recorded_again_end_as_they_did(names, recorders):
    missing = {name: missing_tools(read(find(name))) for name in names}
    there = [name for name in names if not missing[name]]
    found = dict(zip(there, recorders.map(lasting_differences, there), strict=True))
    assert not {name: differs for name, differs in found.items() if differs}
    if there != names:
        pytest.skip(f"some labs need {', '.join(tool for tools in missing.values() for tool in tools)}")


def test_no_recording_is_of_a_lab_that_is_gone():
    labs = {path.parent.name for path in everything()}
    recorded = {path.parent.name for path in PCAPS.glob("*/case.json")}
    assert recorded <= labs
    assert shutil.which("ip")
