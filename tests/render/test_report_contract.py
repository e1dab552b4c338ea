"""Every report keeps the contract: on captures of the corpus, of the cases, and of the project itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from render.contract import violations
from surroundings import TOP, case_folders, corpus_files

import explain
from explain.errors import ExplainError

OWN = sorted(TOP.glob("pcaps/*/capture.pcapng"))
RECORDED = [path for folder in case_folders() for path in sorted(folder.glob("*.any.pcap"))]


def told(path: Path) -> tuple[explain.model.Report, dict]:
    report = explain.explain(path)
    return report, json.loads(report.to_json())


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.parent.name)
def test_the_report_of_an_own_recording_keeps_the_contract(path):
    assert violations(told(path)[1]) == []


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


@pytest.mark.needs("corpus")
@pytest.mark.needs("capinfos")
@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_packets_are_as_many_as_capinfos_counts(path):
    done = subprocess.run([shutil.which("capinfos"), "-TrcM", path], capture_output=True, text=True, check=False)
    capture = explain.explain(path).captures[0]
    if done.returncode or "\t" not in done.stdout:
        assert capture.damage, "capinfos does not read it to its end, and we say nothing"
    else:
        assert capture.packets == int(done.stdout.split("\t")[-1])


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.parent.name)
def test_every_failed_exchange_is_accounted_for(path):
    report, said = told(path)
    told_of = {name for finding in said["findings"] for name in finding["exchanges"]} | set(said["unexplained"])
    assert told_of <= {one["id"] for one in said["exchanges"]}
    assert not {name for finding in report.findings for name in finding.exchanges} & set(said["unexplained"])
