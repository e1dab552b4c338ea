"""``conn_state`` and ``history`` against rows written by hand from Zeek's documentation.

[I] docs.zeek.org, scripts/base/protocols/conn/main.zeek, record Conn::Info, fields ``conn_state`` and ``history``.
[S] Zeek 7, src/packet_analysis/protocol/tcp/TCPSessionAdapter.cc, where [I] leaves the order or the case open.
"""

from __future__ import annotations

import pytest
from tcp_scenes import ACK, FIN, FIN_ACK, PUSH, RST, RST_ACK, SYN, SYN_ACK, Play, only


def opened() -> Play:
    return Play().shake()


def used() -> Play:
    """A request and an answer, both acknowledged alone: history ShADad."""
    return opened().c(PUSH, 1, 1, b"q" * 10).s(ACK, 1, 11).s(PUSH, 1, 11, b"a" * 10).c(ACK, 11, 11)


ROWS = {
    "[I] S0: connection attempt seen, no reply": (Play().c(SYN), "S0", "S"),
    "[I] S1: connection established, not terminated": (used(), "S1", "ShADad"),
    "[S] S1: established as soon as the SYN is answered": (Play().c(SYN).s(SYN_ACK, 0, 1), "S1", "Sh"),
    "[I] SF: normal establishment and termination": (
        used().c(FIN_ACK, 11, 11).s(FIN_ACK, 11, 12).c(ACK, 12, 12), "SF", "ShADadFf",
    ),
    "[I] SF, the responder closes first": (used().s(FIN_ACK, 11, 11).c(FIN_ACK, 11, 12), "SF", "ShADadfF"),
    "[I] REJ: connection attempt rejected": (Play().c(SYN).s(RST_ACK, 0, 1, raw=0), "REJ", "Sr"),
    "[I] S2: established and close attempt by originator seen (but no reply from responder)": (
        used().c(FIN_ACK, 11, 11), "S2", "ShADadF",
    ),
    "[I] S3: established and close attempt by responder seen (but no reply from originator)": (
        used().s(FIN_ACK, 11, 11), "S3", "ShADadf",
    ),
    "[I] RSTO: connection established, originator aborted (sent a RST)": (used().c(RST_ACK, 11, 11), "RSTO", "ShADadR"),
    "[I] RSTR: responder sent a RST": (used().s(RST_ACK, 11, 11), "RSTR", "ShADadr"),
    "[I] RSTOS0: originator sent a SYN followed by a RST, we never saw a SYN-ACK from the responder": (
        Play().c(SYN).c(RST, 1), "RSTOS0", "SR",
    ),
    "[I] RSTRH: responder sent a SYN ACK followed by a RST, we never saw a SYN from the (purported) originator": (
        Play().s(SYN_ACK, 0, 1).s(RST, 1), "RSTRH", "^hr",
    ),
    "[I] SH: originator sent a SYN followed by a FIN, we never saw a SYN ACK from the responder": (
        Play().c(SYN).c(FIN, 1), "SH", "SF",
    ),
    "[I] SHR: responder sent a SYN ACK followed by a FIN, we never saw a SYN from the originator": (
        Play().s(SYN_ACK, 0, 1).s(FIN_ACK, 1, 1), "SHR", "^hf",
    ),
    "[I] OTH: no SYN seen, just midstream traffic": (Play().c(PUSH, 1, 1, b"q").s(ACK, 1, 2), "OTH", "Da"),
    "[S] a scanner's RST after the SYN-ACK is an abort of the originator": (
        Play().c(SYN).s(SYN_ACK, 0, 1).c(RST, 1), "RSTO", "ShR",
    ),
    "[S] a FIN of one side, then its RST: the FIN of the other makes it an orderly end": (
        used().s(FIN_ACK, 11, 11).s(RST_ACK, 12, 11).c(FIN_ACK, 11, 12), "SF", "ShADadfrF",
    ),
    "[S] a RST after both FINs does not undo the end": (
        used().c(FIN_ACK, 11, 11).s(FIN_ACK, 11, 12).c(RST, 12), "SF", "ShADadFfR",
    ),
    "[I] i: inconsistent packet (e.g. FIN+RST bits set)": (used().c(FIN | RST, 11), "RSTO", "ShADadI"),
    "[I] q: multi-flag packet (SYN+FIN or SYN+RST bits set)": (Play().c(SYN | FIN), "SH", "Q"),
    "[I] a, d, i, q are recorded once in either direction": (
        used().c(PUSH, 11, 11, b"q").s(ACK, 11, 12).s(PUSH, 11, 12, b"a").c(ACK, 12, 12), "S1", "ShADad",
    ),
    "[I] f, h, r, s are recorded again only if the sequence number differs": (
        Play().c(SYN).c(SYN, after=1).s(SYN_ACK, 0, 1).s(SYN_ACK, 0, 1, after=1).c(ACK, 1, 1), "S1", "ShA",
    ),
    "[I] a second RST with another sequence number": (used().c(RST, 11).c(RST, 12), "RSTO", "ShADadRR"),
    "[I] t: packet with retransmitted payload": (used().c(PUSH, 1, 1, b"q" * 10, after=1), "S1", "ShADadT"),
    "[I] w: packet with a zero window advertisement": (used().c(ACK, 11, 11, window=0), "S1", "ShADadW"),
    "[I] g: a content gap": (
        used().s(PUSH, 31, 11, b"c" * 10).c(ACK, 11, 41), "S1", "ShADadg",
    ),
    "[I] ^: connection direction was flipped by Zeek's heuristic": (
        Play().s(PUSH, 1, 1, b"a").c(ACK, 1, 2), "OTH", "^dA",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("play", "state", "history"), ROWS.values(), ids=ROWS.keys())
def test_a_connection_reads_as_zeeks_documentation_says(play, state, history):
    _, one = only(play)
    assert (one.conn_state, one.history) == (state, history)


def test_c_g_t_w_are_recorded_at_the_first_the_tenth_and_the_hundredth_time():
    play = used()  # [I]: "the second instance represents that the event was seen (at least) 10 times"
    for count, expected in ((9, "ShADadW"), (1, "ShADadWW"), (89, "ShADadWW"), (1, "ShADadWWW")):
        for _ in range(count):
            play.c(ACK, 11, 11, window=0)
        assert only(play)[1].history == expected


def test_a_packet_with_a_bad_checksum_is_noted_and_otherwise_left_aside():
    play = opened()  # [I]: "c: packet with a bad checksum"
    when, frame = play.c(RST, 1).frames.pop()
    play.frames.append((when, frame[:50] + bytes((frame[50] ^ 0x55,)) + frame[51:]))
    _, one = only(play)
    assert (one.conn_state, one.history) == ("S1", "ShAC")
