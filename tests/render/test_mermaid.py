from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from packets import A, B, is_at, pcap, ping, pong, who_has
from surroundings import TOP
from tcp_scenes import lossy_capture

import explain
from explain.render.mermaid import MOST, inert, render

ALICE, BOB = "192.0.2.1", "192.0.2.2"


def test_arrows_are_numbered_by_frame_and_a_broadcast_is_dashed():
    report = explain.explain(pcap(who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)), ping(ALICE, BOB, 1)))
    assert render(report, "en").splitlines() == [
        "sequenceDiagram",
        "    participant p0 as 192.0.2.1",
        "    participant p1 as 192.0.2.2",
        "    p0-->>p1: 1: who-has 192.0.2.2?",
        "    p1->>p0: 2: 192.0.2.2 is-at 00:00:5e:00:53:02",
        "    p0->>p1: 3: Echo request seq=1",
    ]


@given(st.text(max_size=80))
def test_no_text_ends_a_statement_or_begins_a_comment(text):
    shown = inert(text)
    assert not re.search(r"[\n\r;<%{}\"]|#(?!\d+;)", re.sub(r"#\d+;", "", shown))


def test_a_large_capture_gives_a_diagram_that_mermaid_still_reads(tmp_path):
    path = tmp_path / "many.pcap"
    path.write_bytes(lossy_capture(2))
    text = render(explain.explain(str(path)), "ja")
    assert len(text) < 50_000
    assert len(re.findall(r"->>p\d+: ", text)) <= MOST
    assert "Note over p0" in text


def test_nothing_to_draw_is_a_diagram_too():
    assert render(explain.explain(pcap()), "en").startswith("sequenceDiagram\n    participant p0 as There is no packet")
    assert "->>" in render(explain.explain(pcap(pong(BOB, ALICE, 1))), "en")


def test_a_router_is_one_participant_with_all_its_addresses():
    text = render(explain.explain(str(TOP / "pcaps" / "two-routers" / "capture.pcapng")), "en")
    assert set(re.findall(r"participant p\d as (.+)", text)) == {
        "192.0.2.1", "192.0.2.254 / 203.0.113.1", "203.0.113.2 / 198.51.100.254", "198.51.100.1",
    }  # fmt: skip
