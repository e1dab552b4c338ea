"""Questions by one interface, answers by another: one conversation, if they were heard."""

from __future__ import annotations

import io

import pytest
from capture_files import enhanced, interface, option, section
from packets import A, B, datagram, eth, icmp, ip, is_at, pcap, segment, who_has
from two_places import R2, of_kind

import explain

HOST, SERVER = ("192.0.2.10", 40000), ("198.51.100.7", 80)
OUT, IN = (A, B), (R2, "00:00:5e:00:53:02")
SYN, SYN_ACK, ACK, PUSH, RST_ACK = 2, 18, 16, 24, 20
_NAME = 2


def told(*frames):
    """What a recording of two interfaces shows; each frame with the number of its interface, 0.1 s apart."""
    head = section() + interface(option(_NAME, b"e1")) + interface(option(_NAME, b"e2"))
    body = (enhanced(frame, 100_000 * number, port) for number, (port, frame) in enumerate(frames, 1))
    return explain.explain(io.BytesIO(head + b"".join(body)))


def asks(flags, seq=0, ack=0, data=b""):
    return 0, segment(HOST, SERVER, flags, OUT, seq=100 + seq, ack=500 + ack if ack else 0, data=data)


def answers(flags, seq=0, ack=0, data=b"", port=1):
    return port, segment(SERVER, HOST, flags, IN, 62, seq=500 + seq, ack=100 + ack, data=data)


def ping(seq):
    return 0, eth(*OUT, 0x800, ip(HOST[0], SERVER[0], 1, icmp(8, 0, 7 << 16 | seq, b"x" * 56)))


def pong(seq, port=1):
    return port, eth(*IN, 0x800, ip(SERVER[0], HOST[0], 1, icmp(0, 0, 7 << 16 | seq, b"x" * 56), 62))


SHAKEN = (asks(SYN), answers(SYN_ACK, 0, 1), asks(ACK, 1, 1))


@pytest.mark.parametrize(
    ("frames", "kind", "outcome"),
    [
        ((*SHAKEN, asks(PUSH, 1, 1, b"hello"), answers(PUSH, 1, 6, b"world")), "tcp.connection", "open"),
        ((asks(SYN), answers(RST_ACK, 0, 1)), "tcp.connection", "refused"),
        ((ping(1), pong(1), ping(2), pong(2)), "icmp.echo", "answered"),
        (((0, datagram(HOST, SERVER, b"?", OUT)), (1, datagram(SERVER, HOST, b"!", IN, 62))), "udp.flow", "answered"),
    ],
)
def test_what_a_host_hears_by_another_interface_answers_it(frames, kind, outcome):
    report = told(*frames)
    assert [one.outcome for one in of_kind(report, kind)] == [outcome]
    assert [line.values["back"] for line in report.lines if line.message == "paths.crossed"] == ["e2"]
    assert not of_kind(report, "journey")


def test_a_syn_that_goes_again_when_it_was_answered_names_the_filter_of_the_way_back():
    """Source: the kernel, with rp_filter=1: what comes in by another way is shown to recorders, and to nobody else."""
    report = told(asks(SYN), answers(SYN_ACK, 0, 1), asks(SYN), answers(SYN_ACK, 0, 1))
    (finding,) = report.findings
    assert (finding.cause, finding.certainty, finding.values["case"]) == ("rp-filter-strict", "likely", "door")
    assert (finding.values["asked"], finding.values["answered"], finding.values["count"]) == ("e1", "e2", 1)
    assert "paths.crossed" not in {line.message for line in report.lines}


def test_pings_of_both_sides_that_are_lost_are_no_answers_to_each_other():
    own = ip(SERVER[0], HOST[0], 1, icmp(8, 0, 9 << 16 | 1, b"x" * 56), 62)
    report = told(ping(1), (1, eth(*IN, 0x800, own)))
    assert {one.outcome for one in of_kind(report, "icmp.echo")} == {"unanswered"}


def test_a_reply_that_is_lost_behind_the_second_interface_is_no_answer():
    passed = 1, eth(R2, "00:00:5e:00:53:09", 0x800, ip(HOST[0], SERVER[0], 1, icmp(8, 0, 7 << 16 | 1, b"x" * 56), 63))
    report = told(ping(1), passed, pong(1))
    (run,) = of_kind(report, "icmp.echo")
    assert run.outcome == "unanswered"


@pytest.mark.parametrize("times", [(0,), (0, 1, 2)])
def test_an_answer_by_arp_that_another_capture_shows_was_given(times):
    """Source: a switch that lets the question to everybody pass, and not the answer to one; who had it asks no more."""
    asker, owner = (A, "192.0.2.1"), (B, "192.0.2.2")
    asked = [(when, who_has(asker, owner[1])) for when in times]
    there = [one for when, frame in asked for one in ((when, frame), (when + 0.001, is_at(owner, asker)))]
    report = explain.explain(pcap(*asked), pcap(*there))
    found = [(one.cause, one.values.get("case"), one.values["requests"]) for one in report.findings]
    assert found == ([("filter-on-switch", "answer", 3)] if len(times) > 1 else [])
    messages = {line.message for line in report.lines}
    assert "arp.silent" not in messages
    assert messages & {"arp.elsewhere", "arp.overheard"}
