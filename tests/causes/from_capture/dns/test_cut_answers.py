"""An answer that does not fit into a datagram, and a server that is not to be had over TCP: one failure, not two."""

from __future__ import annotations

import struct

import pytest
from explained import report
from packets import B, datagram, error, segment

CLIENT, SERVER = "192.0.2.1", "192.0.2.53"
SYN, RESET, SYN_ACK = 2, 0x14, 0x12
ASKED = b"\1a\7example\0" + struct.pack(">HH", 16, 1)


def message(flags, port=40000, answer=False):
    ends = ((SERVER, 53), (CLIENT, port)) if answer else ((CLIENT, port), (SERVER, 53))
    return datagram(*ends, struct.pack(">6H", 1, flags, 1, 0, 0, 0) + ASKED)


def syn(port=50000, to=53):
    return segment((CLIENT, port), (SERVER, to), SYN, seq=7)


CUT = (0, message(0x0100)), (0.001, message(0x8380, answer=True))
SILENT = (0.002, syn()), (1.002, syn()), (3.002, syn())
RESET_AT_ONCE = (0.002, syn()), (0.003, segment((SERVER, 53), (CLIENT, 50000), RESET, ack=8))
TURNED_AWAY = (0.002, syn()), (0.003, error(SERVER, 3, 3, syn(), macs=(B, B)))


@pytest.mark.parametrize(
    ("frames", "case"), [(SILENT, "cut-unanswered"), (RESET_AT_ONCE, "cut-refused"), (TURNED_AWAY, "cut-refused")]
)
def test_an_answer_that_was_cut_and_tcp_in_vain_are_one_finding(frames, case):
    found = report(*CUT, *frames)
    (one,) = found.findings
    assert (one.cause, one.values["case"], one.values["type"]) == ("dns-server-unreachable", case, "TXT")
    assert found.unexplained == ()
    kinds = {each.kind for each in found.exchanges if each.id in one.exchanges}
    assert {"dns.lookup", "tcp.connection"} <= kinds


@pytest.mark.parametrize("frames", [RESET_AT_ONCE, (CUT[0], (0.001, message(0x8180, answer=True)), *RESET_AT_ONCE)])
def test_tcp_that_is_refused_without_an_answer_that_was_cut_is_told_by_itself(frames):
    assert [one.cause for one in report(*frames).findings] == ["tcp-no-listener"]


def test_the_rest_of_an_answer_is_not_asked_for_at_another_port():
    other = (0.002, syn(to=80)), (0.003, segment((SERVER, 80), (CLIENT, 50000), RESET, ack=8))
    assert [one.cause for one in report(*CUT, *other).findings] == ["tcp-no-listener"]
