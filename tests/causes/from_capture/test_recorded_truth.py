"""Over recordings whose true cause is known: it is named, or among the rivals, or nothing shows."""

from __future__ import annotations

import json

import pytest
from surroundings import case_folders

import explain

pytestmark = pytest.mark.needs("cases")


def recordings():
    for folder in case_folders():
        case = json.loads((folder / "case.json").read_text())
        for capture in case["captures"]:
            yield pytest.param(folder, capture["file"], id=f"{folder.name}-{capture['file']}")


@pytest.mark.parametrize(("folder", "file"), list(recordings()))
def test_each_finding_holds_the_true_cause_and_a_healthy_network_has_none(folder, file):
    truth = json.loads((folder / "meta.json").read_text())
    causes = {truth["cause"], *truth["also"]}
    report = explain.explain(folder / file)
    if truth["cause"] == "healthy":
        assert [finding.cause for finding in report.findings] == []
        assert report.unexplained == ()
        return
    missed = [finding.cause for finding in report.findings if not causes & {finding.cause, *finding.rivals}]
    assert missed == []
    assert report.unexplained == ()
