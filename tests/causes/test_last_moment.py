"""Silence in the last moment proves little, and it is the end of the own recording that counts."""

from __future__ import annotations

import io

from capture_files import enhanced, interface, option, section
from packets import EPOCH, pcap, ping, pong

import explain

ASKER, ASKED, FOREIGN = "192.0.2.1", "192.0.2.2", "198.51.100.9"
ANSWERED = [(0.0, ping(ASKER, ASKED, 1)), (0.001, pong(ASKED, ASKER, 1))]
LAST = (5.0, ping(ASKER, "192.0.2.3", 9, ident=8))
FOR_LONG = [(float(at), ping(FOREIGN, "198.51.100.8", at + 1, ident=3)) for at in range(0, 40, 3)]
FOR_LONG += [(at + 0.001, pong("198.51.100.8", FOREIGN, at + 1, ident=3)) for at in range(0, 40, 3)]
FOR_LONG.sort(key=lambda pair: pair[0])


def several(*sections):
    """One file with an interface for each list of frames of a section."""
    out = b""
    for places in sections:
        out += section() + b"".join(interface(option(9, b"\x09")) for _ in places)
        frames = sorted((when, port, frame) for port, place in enumerate(places) for when, frame in place)
        out += b"".join(enhanced(frame, EPOCH * 10**9 + round(when * 1e9), port) for when, port, frame in frames)
    return io.BytesIO(out)


def causes(*captures):
    return [finding.cause for finding in explain.explain(*captures).findings]


def test_a_question_at_the_end_of_its_recording_means_nothing_though_another_one_goes_on():
    assert causes(pcap(*ANSWERED, LAST)) == []
    assert causes(pcap(*ANSWERED, LAST), pcap(*FOR_LONG)) == []
    assert causes(pcap(*FOR_LONG), pcap(*ANSWERED, LAST)) == []


def test_several_quick_pings_in_the_last_moment_are_no_single_one():
    quick = [(5.0 + number / 5, ping(ASKER, "192.0.2.3", number, ident=8)) for number in range(3)]
    assert causes(pcap(*ANSWERED, *quick)) == ["echo-unanswered"]
    assert causes(pcap(*ANSWERED, *((5 + at / 100, frame) for at, frame in quick))) == []


def test_a_clock_that_is_ahead_makes_no_recording_longer():
    ahead = [(when + 90, frame) for when, frame in ANSWERED]
    assert causes(pcap(*ANSWERED, LAST), pcap(*ahead)) == []
    assert causes(pcap(*ahead), pcap(*ANSWERED, LAST)) == []


def test_a_quiet_interface_was_listened_to_for_as_long_as_the_others_of_its_recording():
    assert causes(several([[*ANSWERED, LAST], FOR_LONG])) == ["echo-unanswered"]


def test_what_was_appended_to_a_file_is_another_recording():
    later = [(when + 86_400, frame) for when, frame in FOR_LONG]
    assert causes(several([[*ANSWERED, LAST]], [later])) == []


def test_a_place_on_the_way_that_sees_nothing_come_back_does_not_say_that_a_ping_failed():
    there = [(float(seq), ping(ASKER, "198.51.100.7", seq, ttl=63)) for seq in range(1, 5)]
    report = explain.explain(pcap(*there))
    (finding,) = report.findings
    assert (finding.certainty, finding.values["case"]) == ("possible", "underway")
    assert "Whether anything failed cannot be told from here" in report.story()
    near = [(when, frame[:22] + b"\x40" + frame[23:]) for when, frame in there]  # the sender's own link
    assert "case" not in explain.explain(pcap(*near)).findings[0].values
