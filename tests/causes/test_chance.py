"""Chance may lose all of a few packets and not of many, whoever judges it: the story or the diagnosis."""

from __future__ import annotations

import pytest
from packets import A, B, R, eth, is_at, pcap, who_has
from two_places import ping

import explain
from explain.causes.diagnose import diagnose
from explain.causes.diagnosis import Witnesses
from explain.intake import read
from explain.symptoms.text import read_text

ALICE, BOB, ROUTER = "192.0.2.1", "198.51.100.1", "192.0.2.254"
NEAR = "192.0.2.2"
TEXT = """PING {0} ({0}) 56(84) bytes of data.

--- {0} ping statistics ---
{1} packets transmitted, 0 received, 100% packet loss, time 9ms
"""


def sent(target, owner, count):
    asked = [(0.0, who_has((A, ALICE), owner[1])), (0.001, is_at(owner, (A, ALICE)))]
    requests = (eth(A, owner[0], 0x800, ping(ALICE, target, seq, ip_id=seq)) for seq in range(1, count + 1))
    return [*asked, *enumerate(requests, 1)]


def rivals(*captures):
    (finding,) = [one for one in explain.explain(*captures).findings if one.cause == "echo-unanswered"]
    return finding.rivals


@pytest.mark.parametrize(("count", "may_be"), [(1, True), (3, True), (6, True), (7, False), (20, False)])
def test_the_story_and_the_diagnosis_of_a_silent_ping_ask_chance_alike(tmp_path, count, may_be):
    far, near = sent(BOB, (R, ROUTER), count), sent(NEAR, (B, NEAR), count)
    file = tmp_path / "sender.pcap"
    file.write_bytes(pcap(*far).getvalue())
    table, captures = read([f"h1:eth0={file}"])
    text = read_text(TEXT.format(BOB, count), f"ping -c {count} -W 4 {BOB}")
    judged = {
        "story": rivals(pcap(*far)),
        "places": rivals(pcap(*near), pcap(*((when + 0.0001, frame) for when, frame in near[:2]))),
        "text": [one.cause for one in diagnose(Witnesses(text=text)).causes],
        "wire": [one.cause for one in diagnose(Witnesses(table=table, captures=captures, sender="h1")).causes],
    }
    assert {view: "partial-loss" in causes for view, causes in judged.items()} == dict.fromkeys(judged, may_be)
