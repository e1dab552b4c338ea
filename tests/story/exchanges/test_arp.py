"""What the story says of questions for a MAC."""

from __future__ import annotations

import pytest
from explained import report
from packets import A, B, who_has

ASKED = who_has((A, "192.0.2.1"), "192.0.2.2")


@pytest.mark.parametrize(("gap", "is_storm"), [(0.001, True), (1.0, False), (0.0, False)])
def test_questions_that_come_faster_than_a_host_asks_are_a_storm(gap, is_storm):
    story = " ".join(report(*((gap * number, ASKED) for number in range(30))).story("en").split())
    assert ("a broadcast storm" in story) is is_storm
    assert ("That is one question in 1 ms" in story) is is_storm


def test_a_check_by_unicast_in_the_last_moment_says_nothing_of_the_host():
    check = who_has((A, "192.0.2.1"), "192.0.2.2", to=B)
    assert "The capture ends before an answer was due" in report((0, check)).story("en")
    assert "the host has gone" in report((0, check), (5, who_has((B, "192.0.2.2"), "192.0.2.9"))).story("en")
