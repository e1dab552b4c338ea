"""Every recording in pcaps/ is explained and held against what its author expects, exactly."""

from __future__ import annotations

import json

import pytest
from render.contract import violations
from surroundings import TOP

import explain
from explain.grade.expectation import compare, load

CASES = sorted(path.parent.name for path in (TOP / "pcaps").glob("*/capture.pcapng"))
TWO_LANGUAGES = ("en", "ja")

pytestmark = pytest.mark.spread


@pytest.fixture(scope="module")
def reports():
    """Each recording explained once, however many tests look at it."""
    made = {}

    def report(case):
        if case not in made:
            made[case] = explain.explain(TOP / "pcaps" / case / "capture.pcapng")
        return made[case]

    return report


@pytest.mark.parametrize("case", CASES)
def test_a_recording_shows_what_its_author_expects_and_nothing_else(case, reports):
    expected = load(str(TOP / "fixtures" / case / "expected.toml"))
    assert compare(expected, reports(case)).mismatches == []


@pytest.mark.parametrize("case", CASES)
def test_a_recording_tells_the_story_that_was_read_before(case, reports, golden):
    for language in TWO_LANGUAGES:
        golden(TOP / "fixtures" / case / f"story.{language}.txt", reports(case).story(language))


@pytest.mark.parametrize("case", CASES)
def test_the_report_of_a_recording_keeps_the_contract(case, reports):
    assert violations(json.loads(reports(case).to_json())) == []


def test_a_router_captured_on_any_shows_both_sides_of_its_translation():
    report = explain.explain(TOP / "pcaps" / "views" / "any.pcap")
    (nat,) = [one for one in report.exchanges if one.kind == "nat.translation"]
    assert (nat.outcome, nat.fields.inside.src.address, nat.fields.outside.src.address) == (
        "translated", "10.0.0.2", "203.0.113.1",
    )  # fmt: skip
    assert not report.findings


def test_a_capture_that_keeps_sixty_octets_of_each_frame_still_tells_the_connection():
    report = explain.explain(TOP / "pcaps" / "views" / "cut.pcap")
    (talk,) = [one for one in report.exchanges if one.kind == "tcp.connection"]
    assert (talk.outcome, talk.fields.bytes_to_server, talk.fields.bytes_to_client) == ("closed", 76, 124)
    assert not report.findings
    (line,) = [one for one in report.lines if one.message == "story.kept-in-part"]
    assert line.values == {"count": 12, "most": 58}
    assert [one.frames for one in line.evidence] == [((6, 6), (8, 8), (10, 10))]
