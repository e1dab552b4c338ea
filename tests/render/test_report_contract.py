"""Every report keeps the contract: on captures of the corpus and of the cases; on our own, in test_fixtures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from render.contract import violations
from surroundings import case_folders, corpus_files

import explain
from explain.errors import ExplainError

RECORDED = [path for folder in case_folders() for path in sorted(folder.glob("*.any.pcap"))]


def told(path: Path) -> tuple[explain.model.Report, dict]:
    report = explain.explain(path)
    return report, json.loads(report.to_json())


@pytest.mark.needs("cases")
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_the_report_of_a_case_keeps_the_contract(path):
    assert violations(told(path)[1]) == []


@pytest.mark.needs("corpus")
@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_the_report_of_a_capture_by_others_keeps_the_contract(path):
    try:
        report, said = told(path)
    except ExplainError as error:
        pytest.skip(f"nothing in it can be read: {error}")
    assert violations(said) == []
    for language in ("en", "ja"):
        assert not [char for char in report.story(language) if char != "\n" and not char.isprintable()]
