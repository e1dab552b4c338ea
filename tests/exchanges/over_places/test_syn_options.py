"""What something on the way did to the options of a SYN, and to the TTL of what it passes on."""

from __future__ import annotations

from packets import A, B, R, eth, ip, pcap, tcp
from two_places import INSIDE, R2, SERVER, of_kind

import explain

MSS, SMALL = b"\x02\x04\x05\xb4", b"\x02\x04\x04\xb0"
SACK, SCALE, NOTHING = b"\x04\x02\x01\x01", b"\x03\x03\x07\x01", b"\x01\x01\x01\x01"


def opening(options, far_options, far_ttl=63):
    """A handshake through a router: what it makes of the options, and of the TTL."""

    def syn(shown, ttl):
        return ip(INSIDE, SERVER, 6, tcp(INSIDE, SERVER, 40000, 80, 2, 100, options=shown), ttl)

    def syn_ack(ttl):
        return ip(SERVER, INSIDE, 6, tcp(SERVER, INSIDE, 80, 40000, 18, 500, 101, options=MSS), ttl, 7)

    return explain.explain(
        pcap((0.0, eth(A, R, 0x800, syn(options, 64))), (0.004, eth(R, A, 0x800, syn_ack(63)))),
        pcap((0.001, eth(R2, B, 0x800, syn(far_options, far_ttl))), (0.003, eth(B, R2, 0x800, syn_ack(64)))),
    )


def test_each_option_that_is_changed_or_taken_out_on_the_way_is_told():
    report = opening(MSS + SACK + SCALE, SMALL + NOTHING + SCALE)
    (told,) = of_kind(report, "journey")
    found = [(one.option, one.before, one.after, one.is_from_server) for one in told.fields.changed_options]
    assert found == [("mss", 1460, 1200, False), ("sack-permitted", 1, None, False)]
    assert {"journey.option-mss", "journey.option-gone"} <= {line.message for line in report.lines}


def test_options_that_stay_are_not_mentioned():
    (told,) = of_kind(opening(MSS + SACK + SCALE, MSS + SACK + SCALE), "journey")
    assert told.fields.changed_options == ()


def test_what_hands_on_under_new_macs_and_keeps_the_ttl_is_told():
    report = opening(MSS, MSS, far_ttl=64)
    assert "journey.same-ttl" in [line.message for line in report.lines]
