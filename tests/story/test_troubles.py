from __future__ import annotations

from dataclasses import replace

import pytest

from explain.causes.ids import CHAPTERS
from explain.model import CaptureInfo, Evidence, Finding
from explain.story.troubles import groups, tell

FILE = CaptureInfo.without_packets("a.pcap", None, "pcap")


@pytest.mark.parametrize(("spans", "more"), [(40, None), (50, 20)])
def test_a_proof_of_very_many_frames_is_a_filter_of_the_first_ones_and_says_how_many_follow(spans, more):
    frames = tuple((10 * number, 10 * number + 1) for number in range(1, spans + 1))
    finding = Finding("partial-loss", "likely", (), (Evidence(0, 0, frames),), (), "frame.number", {})
    told = {line.message: line.values for line in tell([finding], groups([finding]), [FILE], everything=False)}
    assert told.get("story.filter-goes-on") == (more and {"more": more})
    assert told["story.filter"]["filter"].endswith("400..401}")


def test_the_proof_of_each_of_several_files_is_told_by_itself():
    evidence = Evidence(0, 0, ((4, 4),)), Evidence(1, 0, ((5, 6),)), Evidence(1, 1, ((7, 7), (9, 9)))
    finding = Finding("partial-loss", "likely", (), evidence, (), "frame.number == 4", {})
    told = tell([finding], groups([finding]), [FILE, replace(FILE, vantage="router")], everything=False)
    assert [(line.message, *line.values.values()) for line in told if "filter" in line.message] == [
        ("story.filter-of", "a.pcap"), ("story.filter", "frame.number == 4"),
        ("story.filter-of", "router"), ("story.filter", "frame.number in {5..7, 9}"),
    ]  # fmt: skip


def _losses(number):
    frames = tuple((10 * at, 10 * at + 1) for at in range(1, 31))
    return [
        Finding("partial-loss", "likely", (), (Evidence(0, 0, frames),), (), "all", {"case": f"of-{at // 2}"})
        for at in range(number)
    ]


@pytest.mark.parametrize(("number", "together"), [(12, 0), (14, 7)])
def test_of_very_many_findings_each_kind_is_told_once_and_proved_briefly(number, together):
    some = _losses(number)
    told = [line.message for line in tell(some, groups(some), [FILE], everything=False)]
    assert told.count("story.alike") == told.count("story.filter-goes-on") == together
    assert told.count("story.heading.evidence") == (together or number)


def test_who_asks_for_everything_is_told_each_of_very_many_findings():
    some = _losses(14)
    told = [line.message for line in tell(some, groups(some), [FILE], everything=True)]
    assert told.count("story.heading.evidence") == 14
    assert not {"story.alike", "story.filter-goes-on"} & set(told)


def test_losses_are_one_kind_of_trouble_on_whichever_side_of_the_capture_they_were():
    cases = ("segments", "segments-before", "segments-beyond", "segments-between", "outage")
    some = [Finding("partial-loss", "likely", (), (), (), None, {"case": case}) for case in cases]
    assert [group.members for group in groups(some)] == [(0, 1, 2, 3), (4,)]


MANY = tuple(sorted(CHAPTERS[5][3])[:9])


@pytest.mark.parametrize(
    ("rivals", "everything", "again"),
    [(MANY, False, 1), (MANY[::-1], False, 1), (MANY, True, 0), (MANY[:8], False, 0)],
    ids=["the same", "in another order", "on request", "others"],
)
def test_rivals_that_stand_above_are_not_named_again(rivals, everything, again):
    some = [Finding("partial-loss", "likely", (), (), several, None, {}) for several in (MANY, rivals)]
    told = [line.message for line in tell(some, groups(some), [FILE], everything=everything)]
    assert told.count("story.rivals-above") == again


def test_a_few_rivals_are_named_each_time():
    some = [Finding("partial-loss", "likely", (), (), MANY[:3], None, {})] * 2
    assert [line.message for line in tell(some, groups(some), [FILE], everything=False)].count("story.rivals") == 2
