from __future__ import annotations

from surroundings import TOP

from explain.grade.running.report_octets import octets_of, report_of
from explain.pipeline import explain


def test_a_report_with_requests_of_http_comes_back_whole():
    report = explain([str(TOP / "pcaps" / "http" / "capture.pcapng")])
    read = report_of(octets_of(report))
    assert read is not None
    before, after = (one.exchanges.of_kind("http.request") for one in (report, read))
    indices = range(len(before))
    assert [after.fields(index) for index in indices] == [before.fields(index) for index in indices]
    assert after.facts["cut_short"]() == before.facts["cut_short"]()
