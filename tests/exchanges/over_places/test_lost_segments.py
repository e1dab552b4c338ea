"""Segments that a card merged or cut, and some that were lost between two places."""

from __future__ import annotations

from packets import A, B, R, eth, pcap
from two_places import INSIDE, OTHER, SERVER, Walk, of_kind, ping, segment

import explain

CLIENT, WEB = (INSIDE, 40000), (SERVER, 80)
SIZE = 1000


def data(number, count=1, ttl=64, ip_id=2):
    return segment(CLIENT, WEB, 16, 2 + number * SIZE, 9, bytes(count * SIZE), ttl, ip_id)


def walked(lost=(), unrecorded=()):
    """Six segments: the inner place records them merged by twos, the outer one as they went."""
    walk = Walk()
    walk.out(0.0, segment(CLIENT, WEB, 2, 1, ip_id=1), segment(CLIENT, WEB, 2, 1, ttl=63, ip_id=1))
    walk.back(0.01, segment(WEB, CLIENT, 18, 8, 2, ttl=63), segment(WEB, CLIENT, 18, 8, 2))
    for number in range(6):
        if number % 2 == 0:
            walk.out(0.02 + number / 1000, data(number, 2, ip_id=10 + number), None)
        if number not in lost and number not in unrecorded:
            walk.out(0.02 + number / 1000, None, data(number, ttl=63, ip_id=10 + number))
    for number in lost:
        walk.out(0.3 + number / 1000, data(number, ip_id=30 + number), data(number, ttl=63, ip_id=30 + number))
    walk.back(0.5, segment(WEB, CLIENT, 16, 9, 2 + 6 * SIZE, ttl=63), segment(WEB, CLIENT, 16, 9, 2 + 6 * SIZE))
    return walk


def upload(**more):
    (journey,) = of_kind(walked(**more).report(), "journey")
    return journey


def test_merged_segments_of_which_none_was_lost_show_no_loss():
    assert upload().fields.lost_segments == ()


def test_a_segment_that_was_cut_out_of_a_merged_one_and_lost_is_told_with_the_frame_that_carried_it():
    (lost,) = upload(lost=(3,)).fields.lost_segments
    assert (lost.segments, lost.is_from_server) == (1, False)
    assert (lost.capture, lost.next_capture) == (0, 1)
    assert lost.frames == (4,)  # SYN, SYN-ACK, octets of 0 and 1, then those of 2 and 3


def test_several_losses_are_counted():
    (lost,) = upload(lost=(1, 4)).fields.lost_segments
    assert lost.segments == 2
    assert lost.frames == (3, 5)


def test_a_segment_that_is_sent_again_in_smaller_ones_was_lost_once():
    walk = Walk()
    walk.out(0.0, segment(CLIENT, WEB, 2, 1, ip_id=1), segment(CLIENT, WEB, 2, 1, ttl=63, ip_id=1))
    walk.back(0.01, segment(WEB, CLIENT, 18, 8, 2, ttl=63), segment(WEB, CLIENT, 18, 8, 2))
    walk.out(0.02, data(0, ip_id=2), None)
    walk.out(0.021, data(1, ip_id=3), data(1, ttl=63, ip_id=3))
    for number, start in enumerate(range(0, SIZE, 400)):
        again = [
            segment(CLIENT, WEB, 16, 2 + start, 9, bytes(min(400, SIZE - start)), ttl, 9 + number) for ttl in (64, 63)
        ]
        walk.out(0.1 + number / 1000, *again)
    (journey,) = of_kind(walk.report(), "journey")
    assert [(lost.segments, lost.frames) for lost in journey.fields.lost_segments] == [(1, (3,))]


def test_frames_of_another_capture_than_the_one_of_the_heading_are_told_with_their_place():
    walk = Walk()
    for seq in (1, 2, 3):  # the outer capture numbers its frames otherwise
        walk.out(0.0, None, ping(OTHER, SERVER, seq))
    for number, (source, target) in enumerate([(CLIENT, WEB), (WEB, CLIENT)]):
        flags, seq, ack = (2, 1, 0) if not number else (18, 8, 2)
        frames = [segment(source, target, flags, seq, ack, ttl=ttl, ip_id=1) for ttl in (64, 63)]
        (walk.back if number else walk.out)(0.01 * number, *(reversed(frames) if number else frames))
    for at, passes in ((0.02, False), (0.3, True)):
        lost = segment(WEB, CLIENT, 16, 9, 2, bytes(SIZE), ip_id=int(at * 100))
        near = segment(WEB, CLIENT, 16, 9, 2, bytes(SIZE), 63, int(at * 100))
        walk.back(at, near if passes else None, lost)
    (lost,) = [line for line in walk.report().lines if line.message == "journey.lost-segments"]
    assert (lost.evidence[0].capture, "elsewhere" in lost.values) == (1, True)


def test_a_recording_that_itself_lost_frames_proves_no_loss_on_the_way():
    assert upload(lost=(3,), unrecorded=(2,)).fields.lost_segments == ()
    assert upload(unrecorded=(2,)).fields.lost_segments == ()


def test_a_finding_of_lost_segments_names_the_two_places_between_which_all_were_lost():
    (told,) = [one.values for one in walked(lost=(1, 3, 4)).report().findings if one.cause == "partial-loss"]
    assert (told["case"], told["resent"]) == ("segments-between", 3)
    assert {"last", "next"} <= told.keys()


def test_a_syn_that_went_another_way_than_its_repetition_was_lost_behind_that_way():
    def syn(number, ttl):
        return eth(A, R, 0x800, segment(CLIENT, WEB, 2, 1, ttl=ttl, ip_id=number))

    def answer(ttl):
        return eth(R, A, 0x800, segment(WEB, CLIENT, 18, 8, 2, ttl=ttl, ip_id=0))

    early = eth(A, B, 0x800, ping(OTHER, SERVER, 1))
    for order in ((0, 1, 2, 3), (0, 2, 1, 3)):
        files = [
            pcap((1.0, syn(1, 64)), (2.0, syn(2, 64)), (2.01, answer(62))),
            pcap((1.001, syn(1, 63))),
            pcap((2.001, syn(2, 63)), (2.009, answer(63))),
            pcap((0.5, early), (2.002, syn(2, 62)), (2.008, answer(64))),
        ]
        (lost,) = of_kind(explain.explain(*(files[at] for at in order)), "journey")[0].fields.lost_segments
        assert (order[lost.capture], lost.frames, order[lost.next_capture]) == (1, (1,), 3)
