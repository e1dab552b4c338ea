from __future__ import annotations

import pytest
from packets import datagram, pcap

import explain

ALICE, BOB = "192.0.2.1", "192.0.2.2"


@pytest.mark.parametrize(("port", "said"), [(123, ":123 (NTP)"), (443, ":443 (QUIC)"), (40001, ":40001:")])
def test_a_flow_names_what_its_port_is_for_by_custom(port, said):
    story = explain.explain(pcap(datagram((ALICE, 40000), (BOB, port), b"?"))).story()
    assert f"{BOB}{said}" in " ".join(story.split())


@pytest.mark.parametrize(("port", "said"), [(5246, "and the talk goes on with it alone"), (40069, "a port of its own")])
def test_an_answer_to_a_question_to_all_comes_from_another_host_or_also_from_another_port(port, said):
    asked = datagram((ALICE, 40000), ("192.0.2.255", 5246), b"?")
    talk = [datagram((BOB, port), (ALICE, 40000), b"!"), datagram((ALICE, 40000), (BOB, port), b"?")]
    assert said in " ".join(explain.explain(pcap(asked, *talk)).story().split())


def test_a_large_capture_counts_apart_what_nobody_has_to_answer():
    sent = [datagram((ALICE, 40000 + at), ("192.0.2.255" if at < 40 else BOB, 5353), b"?") for at in range(60)]
    story = explain.explain(pcap(*sent)).story()
    assert "UDP, 60 flows: 40 that nobody has to answer, 20 without an answer." in " ".join(story.split())
