"""Every lab's recording as a file per interface, whose clocks are off and drift, and of which one lost frames."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
from asunder import skewed, split, thinned, told
from surroundings import TOP
from two_places import of_kind

from explain.exchanges.over_places.sights import spot_name

pytestmark = pytest.mark.spread


@cache
def places_of(lab):
    return split(TOP / "pcaps" / lab / "capture.pcapng")


ONE_WAY = frozenset(f"wrong-static-neighbour.{what}" for what in ("ipv6", "tcp", "ipv6-tcp"))
"""What crossed the link behind the router went one way only, so clocks that are off cannot tell its ends apart."""

LABS = [lab for path in sorted((TOP / "pcaps").glob("*/capture.pcapng")) if places_of(lab := path.parent.name)]


@cache
def truth(lab):
    return told(places_of(lab))


def translations(report):
    found = [one.fields for one in of_kind(report, "nat.translation") if one.fields.kind]
    return {(str(one.inside), str(one.outside), one.is_hairpin) for one in found}


def vanish_points(report):
    lost = [one.fields for one in of_kind(report, "journey") if one.outcome == "vanished"]
    return {(one.lost, one.stage, spot_name(report.packets, one.last_seen)) for one in lost}


def proved(report):
    return {one.cause for one in report.findings if one.certainty == "proved"}


@pytest.mark.parametrize("lab", LABS)
def test_clocks_that_are_off_and_drift_change_neither_translation_nor_vanish_point(lab):
    report = told(skewed(places_of(lab), Random(lab)))
    assert translations(report) == translations(truth(lab))
    found, wanted = vanish_points(report), vanish_points(truth(lab))
    if lab in ONE_WAY:
        found, wanted = ({(lost, stage) for lost, stage, _ in points} for points in (found, wanted))
    assert found == wanted
    assert proved(report) == proved(truth(lab))


@pytest.mark.parametrize("lab", LABS)
def test_a_fifth_of_a_capture_missing_invents_no_translation_and_proves_no_vanish_point(lab):
    random = Random(lab)
    report = told(thinned(skewed(places_of(lab), random), random))
    assert translations(report) <= translations(truth(lab))
    assert proved(report) <= proved(truth(lab))
    assert not [one for one in report.findings if "stage" in one.values and one.certainty == "proved"]
