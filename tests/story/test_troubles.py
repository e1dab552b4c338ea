from __future__ import annotations

import pytest

from explain.model import Evidence, Finding
from explain.story.troubles import groups, tell


@pytest.mark.parametrize(("spans", "more"), [(40, None), (50, 20)])
def test_a_proof_of_very_many_frames_is_a_filter_of_the_first_ones_and_says_how_many_follow(spans, more):
    frames = tuple((10 * number, 10 * number + 1) for number in range(1, spans + 1))
    finding = Finding("partial-loss", "likely", (), (Evidence(0, 0, frames),), (), "the whole filter", {})
    told = {line.message: line.values for line in tell([finding], groups([finding]), everything=False)}
    assert told.get("story.filter-goes-on") == (more and {"more": more})
    shown = told["story.filter"]["filter"]
    assert shown == ("the whole filter" if more is None else shown)
    assert shown.endswith("400..401}") == (more is not None)
