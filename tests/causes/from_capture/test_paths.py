from __future__ import annotations

import pytest
from explained import report
from packets import A, B, R, datagram, error, eth, icmp, ip, is_at, ping, pong, segment, udp, who_has

ALICE, BOB, FAR = "192.0.2.1", "192.0.2.2", "198.51.100.1"
SYN, ACK, PSH_ACK = 2, 16, 24
DONT_FRAGMENT = 0x4000


def causes(*frames):
    return [one.cause for one in report(*frames).findings]


def pings(text: str, gap: float = 0.2) -> list[tuple[float, bytes]]:
    """A run in which ``x`` is answered and ``.`` is not."""
    frames = []
    for number, char in enumerate(text):
        frames.append((number * gap, ping(ALICE, FAR, number + 1)))
        frames += [(number * gap + 0.001, pong(FAR, ALICE, number + 1))] if char == "x" else []
    return frames


def large_ping(seq: int, size: int = 1400, ident: int = 9, flags: int = DONT_FRAGMENT) -> bytes:
    return eth(A, R, 0x800, ip(ALICE, FAR, 1, icmp(8, 0, ident << 16 | seq, b"x" * size), flags=flags))


def test_answers_in_step_are_a_limiter():
    (finding,) = report(*pings("x....x....x....x...")).findings
    assert (finding.cause, finding.certainty, finding.values["step"]) == ("icmp-rate-limited", "likely", 5)


@pytest.mark.parametrize(
    ("text", "case"), [("xx.xxxx.xx.xxx", "spread"), ("xxxx....xxxx", "burst"), ("xxxxxx......", "end")]
)
def test_the_pattern_of_a_partial_loss_is_told(text, case):
    (finding,) = report(*pings(text)).findings
    assert (finding.cause, finding.values["case"]) == ("partial-loss", case)


def runs(text: str, size: int, ttls: tuple[int, ...] = (64,)) -> list[tuple[float, bytes]]:
    """Runs of so many pings each, one after the other: ``x`` is answered and ``.`` is not."""
    frames = []
    for number, char in enumerate(text):
        ttl = ttls[number % len(ttls)]
        for seq in range(size):
            at = number * 10 + seq
            frames.append((at, ping(ALICE, FAR, seq + 1, ident=number + 1, ttl=ttl)))
            frames += [(at + 0.001, pong(FAR, ALICE, seq + 1, ident=number + 1))] if char == "x" else []
    return [*frames, (len(text) * 10 + 5, datagram((ALICE, 5000), ("192.0.2.255", 6000), b"a"))]


@pytest.mark.parametrize(
    ("text", "size", "found"),
    [
        ("x.x..xxx", 1, ("partial-loss", "spread", 5)),
        ("xx...xxx", 1, ("partial-loss", "burst", 5)),
        ("..x", 3, ("echo-unanswered", "mended", 0)),
        ("x.", 3, ("echo-unanswered", "ceased", 0)),
        (".x.x", 3, ("echo-unanswered", "by-turns", 0)),
    ],
)
def test_silence_between_hosts_of_which_other_pings_are_answered_is_told_with_these(text, size, found):
    (finding,) = report(*runs(text, size)).findings
    assert (finding.cause, finding.values["case"], finding.values["received"]) == found


def test_pings_that_were_answered_with_another_ttl_say_nothing_of_those_that_were_not():
    (finding,) = report(*runs("x.", 3, ttls=(64, 3))).findings
    assert (finding.cause, "case" in finding.values) == ("echo-unanswered", False)


def damaged(frame: bytes) -> bytes:
    """The last octet flipped, as a bad line does it."""
    return frame[:-1] + bytes((frame[-1] ^ 0xFF,))


def test_a_ping_with_a_wrong_checksum_was_damaged_on_the_way():
    good = [frame for seq in (1, 2, 3) for frame in (ping(ALICE, BOB, seq), pong(BOB, ALICE, seq))]
    (finding,) = report(*good, damaged(ping(ALICE, BOB, 4))).findings
    assert (finding.cause, finding.values["src"], finding.evidence[0].frames) == ("corrupted-packets", ALICE, ((7, 7),))


def test_one_wrong_checksum_among_many_right_ones_is_damage():
    frames = [datagram((ALICE, 5000), (BOB, 6000), b"abcd") for _ in range(9)]
    frames += [datagram((BOB, 6000), (ALICE, 5000), b"abcd", macs=(B, A))]
    assert causes(*frames, damaged(frames[0])) == ["corrupted-packets"]


@pytest.mark.parametrize("address", ["127.0.0.1", ALICE])
def test_what_a_host_sends_to_itself_is_damaged_by_no_wire(address):
    frames = [datagram((address, 5000), (address, 6000), b"abcd") for _ in range(9)]
    assert causes(*frames, damaged(frames[0])) == []


def test_a_sender_whose_checksums_are_all_wrong_leaves_them_to_its_card():
    frames = [damaged(datagram((ALICE, 5000), (BOB, 6000), b"abcd")) for _ in range(9)]
    assert causes(*frames, datagram((BOB, 6000), (ALICE, 5000), b"abcd", macs=(B, A))) == []


def test_pings_whose_headers_sum_the_card_still_has_to_write_were_not_damaged():
    asked = [ping(ALICE, BOB, number) for number in range(1, 10)]
    unsummed = [frame[:24] + b"\0\0" + frame[26:] for frame in asked]
    answered = [pong(BOB, ALICE, number) for number in range(1, 10)]
    assert causes(*(frame for both in zip(unsummed, answered, strict=True) for frame in both)) == []
    assert causes(*(frame for both in zip([*asked[:8], unsummed[8]], answered, strict=True) for frame in both)) == [
        "corrupted-packets"
    ]


def test_a_segment_that_was_confirmed_without_a_copy_was_not_damaged_on_its_way():
    def sent(seq: int) -> bytes:
        return segment(CLIENT, SERVER, PSH_ACK, seq=seq, ack=501, data=b"x" * 100)

    frames = [*OPENED, *(sent(101 + 100 * number) for number in range(8)), damaged(sent(901))]
    assert causes(*frames) == ["corrupted-packets"]
    confirmed = segment(SERVER, CLIENT, ACK, seq=501, ack=1001, **BACK)
    assert causes(*frames, confirmed) == []
    assert causes(*frames, sent(901), confirmed) == ["corrupted-packets"]
    before = segment(CLIENT, SERVER, PSH_ACK, seq=801, ack=501, data=b"x" * 200)
    assert causes(*frames, before, confirmed) == ["corrupted-packets"]


def test_large_pings_that_vanish_while_small_ones_pass_show_a_black_hole():
    small = [(0.0, ping(ALICE, FAR, 1)), (0.001, pong(FAR, ALICE, 1))]
    (finding,) = report(*small, *((seq, large_ping(seq)) for seq in (2, 3, 4))).findings
    assert (finding.cause, finding.certainty) == ("pmtu-blackhole", "likely")
    assert finding.values["size"] > finding.values["passed"]


def test_where_no_router_stands_large_pings_that_vanish_show_two_mtus_on_one_link():
    known = [who_has((A, ALICE), BOB), is_at((B, BOB), (A, ALICE)), ping(ALICE, BOB, 1), pong(BOB, ALICE, 1)]
    body = icmp(8, 0, 9 << 16, b"x" * 4000)
    (finding,) = report(*known, *[(seq, eth(A, B, 0x800, ip(ALICE, BOB, 1, body))) for seq in (2, 3)]).findings
    assert (finding.cause, finding.certainty) == ("mtu-mismatch-on-link", "likely")


@pytest.mark.parametrize(("text", "is_gone"), [("xxxx....", True), ("xx.x..xx", False)])
def test_an_interface_that_went_down_is_suspected_where_every_later_ping_is_lost(text, is_gone):
    (finding,) = report(*pings(text)).findings
    assert ("target-interface-down" in finding.rivals) == is_gone


def test_pings_in_fragments_that_vanish_while_small_ones_pass_show_a_filter():
    small = [(0.0, ping(ALICE, FAR, 1)), (0.001, pong(FAR, ALICE, 1))]
    pieces = []
    for seq in (2, 3, 4):
        body = icmp(8, 0, 9 << 16 | seq, b"x" * 2000)
        for at, flags in ((0, 0x2000), (1480, 1480 // 8)):
            packet = ip(ALICE, FAR, 1, body[at : at + 1480], ident=seq, flags=flags)
            pieces.append((seq + at / 1e6, eth(A, R, 0x800, packet)))
    (finding,) = report(*small, *pieces).findings
    assert (finding.cause, finding.certainty) == ("fragments-filtered", "likely")


def in_fragments(seq: int, size: int = 2000, source: str = ALICE, target: str = FAR, kind: int = 8, parts: int = 9):
    """An echo message of several fragments, of which the first ``parts`` are sent."""
    body = icmp(kind, 0, 9 << 16 | seq, b"x" * size)
    starts = range(0, len(body), 1480)
    macs = (A, R) if source == ALICE else (R, A)
    return [
        (
            seq + at / 1e6,
            eth(*macs, 0x800, ip(source, target, 1, body[at : at + 1480], ident=seq, flags=more | at // 8)),
        )
        for at in starts[:parts]
        for more in (0x2000 if at != starts[-1] else 0,)
    ]


def test_in_one_run_the_sizes_tell_as_well():
    frames = [frame for seq in (1, 2) for frame in ((seq, ping(ALICE, FAR, seq)), (seq + 0.1, pong(FAR, ALICE, seq)))]
    (finding,) = report(*frames, *((seq, large_ping(seq, ident=7)) for seq in (3, 4))).findings
    assert (finding.cause, finding.values["count"], finding.values["passed"]) == ("pmtu-blackhole", 2, 98)


def test_one_large_ping_that_is_lost_among_small_ones_may_be_chance():
    frames = [frame for seq in (1, 2) for frame in ((seq, ping(ALICE, FAR, seq)), (seq + 0.1, pong(FAR, ALICE, seq)))]
    assert causes(*frames, (3, large_ping(3, ident=7))) == ["partial-loss"]


def test_pings_in_fragments_alone_are_advised_to_be_tried_small():
    (finding,) = report(*in_fragments(1), *in_fragments(2)).findings
    assert (finding.cause, finding.rivals[0]) == ("echo-unanswered", "fragments-filtered")
    assert "ping -c 2 198.51.100.1" in report(*in_fragments(1), *in_fragments(2)).story()


def test_no_size_explains_the_silence_to_small_pings():
    (finding,) = report(*pings("...")).findings
    assert not {"fragments-filtered", "pmtu-blackhole", "mtu-mismatch-on-link"} & set(finding.rivals)


def gave_up(seq: int) -> tuple[float, bytes]:
    """The receiver reports after half a minute that an echo request never was whole."""
    quoted = ip(ALICE, FAR, 1, icmp(8, 0, 9 << 16 | seq, b""), ident=seq, flags=0x2000)
    return seq + 30.0, eth(R, A, 0x800, ip(FAR, ALICE, 1, icmp(11, 1, 0, quoted)))


def test_first_fragments_that_always_arrive_alone_show_a_filter():
    (finding,) = report(*in_fragments(1), *in_fragments(2), gave_up(1), gave_up(2)).findings
    assert (finding.cause, finding.certainty, finding.rivals) == ("fragments-filtered", "likely", ("partial-loss",))


def test_a_packet_that_once_was_not_whole_was_lost_or_filtered():
    (finding,) = report(*in_fragments(1), gave_up(1)).findings
    assert (finding.cause, finding.rivals) == ("partial-loss", ("fragments-filtered",))


def test_a_receiver_that_sees_first_fragments_only_stands_behind_a_filter():
    (finding,) = report(*in_fragments(1, parts=1), *in_fragments(2, parts=1)).findings
    assert (finding.cause, finding.values["src"], finding.values["count"]) == ("fragments-filtered", ALICE, 2)


def test_replies_of_which_only_the_first_fragment_comes_back_are_filtered_on_their_way():
    frames = [*in_fragments(1), *in_fragments(2)]
    for seq in (1, 2):
        frames += in_fragments(seq, source=FAR, target=ALICE, kind=0, parts=1)
    (finding,) = report(*sorted(frames, key=lambda one: one[0])).findings
    assert (finding.cause, finding.values["src"]) == ("fragments-filtered", FAR)


def test_large_pings_alone_say_nothing_about_the_size():
    (finding,) = report(*((float(seq), large_ping(seq)) for seq in (1, 2, 3))).findings
    assert (finding.cause, finding.values["case"], finding.rivals[0]) == ("echo-unanswered", "large", "pmtu-blackhole")


CLIENT, SERVER = (ALICE, 40000), (FAR, 80)
BACK = {"macs": (B, A)}
OPENED = [
    (0.0, segment(CLIENT, SERVER, SYN, seq=100)),
    (0.01, segment(SERVER, CLIENT, SYN | ACK, seq=500, ack=101, **BACK)),
    (0.02, segment(CLIENT, SERVER, ACK, seq=101, ack=501)),
]


def full(when: float, seq: int = 301, size: int = 1460) -> tuple[float, bytes]:
    return when, segment(CLIENT, SERVER, PSH_ACK, seq=seq, ack=501, data=b"x" * size)


def small(when: float) -> list[tuple[float, bytes]]:
    return [
        (when, segment(CLIENT, SERVER, PSH_ACK, seq=101, ack=501, data=b"x" * 200)),
        (when + 0.01, segment(SERVER, CLIENT, ACK, seq=501, ack=301, **BACK)),
    ]


def test_full_segments_sent_again_and_again_while_small_ones_pass_show_a_black_hole():
    frames = [*OPENED, *small(0.1), *(full(when) for when in (0.2, 0.5, 1.1, 2.3))]
    (finding,) = report(*frames).findings
    assert (finding.cause, finding.values["size"], finding.values["passed"]) == ("pmtu-blackhole", 1460, 200)
    assert finding.values["count"] == 4


@pytest.mark.parametrize("first", [5, 2**31 - 9, 2**31 + 9, 2**32 - 300])
def test_a_black_hole_shows_wherever_the_numbers_of_the_bytes_begin(first):
    def sent(when: float, at: int, size: int, flags: int = PSH_ACK) -> tuple[float, bytes]:
        return when, segment(SERVER, CLIENT, flags, seq=(first + at) % 2**32, ack=101, data=b"x" * size, **BACK)

    def confirmed(when: float, at: int) -> tuple[float, bytes]:
        return when, segment(CLIENT, SERVER, ACK, seq=101, ack=(first + at) % 2**32)

    opened = [(0.0, segment(CLIENT, SERVER, SYN, seq=100)), sent(0.01, 0, 0, SYN | ACK), confirmed(0.02, 1)]
    frames = [*opened, sent(0.1, 1, 200), confirmed(0.11, 201)]
    (finding,) = report(*frames, *(sent(when, 201, 1460) for when in (0.2, 0.5, 1.1, 2.3))).findings
    assert (finding.cause, finding.values["passed"]) == ("pmtu-blackhole", 200)


def test_a_sender_that_then_tries_smaller_segments_was_in_a_black_hole():
    frames = [*OPENED, *small(0.1), *(full(when) for when in (0.2, 0.5, 1.1)), full(2.3, size=900)]
    frames += [(2.31, segment(SERVER, CLIENT, ACK, seq=501, ack=1201, **BACK))]
    frames += [full(2.4, seq=1201, size=560), (2.41, segment(SERVER, CLIENT, ACK, seq=501, ack=1761, **BACK))]
    assert "pmtu-blackhole" in causes(*frames)


def test_full_segments_of_which_one_got_through_before_show_none():
    passed = [full(0.2), (0.21, segment(SERVER, CLIENT, ACK, seq=501, ack=1761, **BACK))]
    lost = [full(when, seq=1761) for when in (0.3, 0.6, 1.2, 2.4)]
    assert "pmtu-blackhole" not in causes(*OPENED, *small(0.1), *passed, *lost)


def test_a_full_segment_that_arrives_at_last_shows_none():
    frames = [*OPENED, *small(0.1), *(full(when) for when in (0.2, 0.5, 1.1))]
    assert "pmtu-blackhole" not in causes(*frames, (1.2, segment(SERVER, CLIENT, ACK, seq=501, ack=1761, **BACK)))


def test_a_way_back_by_another_router_is_told_and_no_finding():
    there = ping(ALICE, FAR, 1, macs=(A, R))
    found = report(there, pong(FAR, ALICE, 1, macs=(B, A), ttl=62))
    assert list(found.findings) == []
    assert "asymmetric" in found.story()


def test_a_virtual_router_that_answers_with_its_own_mac_is_no_other_way():
    story = report(ping(ALICE, FAR, 1, macs=(A, "00:00:5e:00:01:07")), pong(FAR, ALICE, 1, macs=(B, A))).story()
    assert "00:00:5e:00:01:07 belongs to a virtual router" in " ".join(story.split())
    assert "asymmetric" not in story


@pytest.mark.parametrize(
    ("mtu", "case", "certainty"),
    [(600, None, "proved"), (1028, "doubtful", "possible"), (0, "unsaid", "likely"), (60, "tiny", "possible")],
)
def test_a_report_that_a_packet_was_too_large_is_held_against_that_packet(mtu, case, certainty):
    sent = eth(A, R, 0x800, ip(ALICE, FAR, 17, udp(ALICE, FAR, 5000, 6000, bytes(1000)), flags=0x4000))
    (finding,) = report(sent, error("192.0.2.254", 3, 4, sent, word=mtu)).findings
    assert (finding.cause, finding.values.get("case"), finding.certainty) == ("path-mtu-exceeded", case, certainty)


def test_one_sound_report_proves_what_an_odd_one_before_it_did_not():
    sent = eth(A, R, 0x800, ip(ALICE, FAR, 17, udp(ALICE, FAR, 5000, 6000, bytes(1000)), flags=0x4000))
    (finding,) = report(sent, *(error("192.0.2.254", 3, 4, sent, word=mtu) for mtu in (9000, 600))).findings
    assert (finding.certainty, finding.values["mtu"]) == ("proved", 600)


@pytest.mark.parametrize(("whole", "found"), [(1, ["partial-loss"]), (0, [])])
def test_packets_that_lack_a_fragment_where_others_are_whole_are_told_as_lost(whole, found):
    def sent(number, parts):
        body = udp(ALICE, FAR, 40000, 7000, b"x" * 4000)
        starts = [at for at in range(0, len(body), 1480) if at // 1480 in parts]
        return [
            (number + at / 1e6, eth(A, R, 0x800, ip(ALICE, FAR, 17, body[at : at + 1480], ident=number,
             flags=(0x2000 if at + 1480 < len(body) else 0) | at // 8)))
            for at in starts
        ]  # fmt: skip

    frames = [*sent(1, (0, 1, 2) if whole else (0, 1)), *sent(2, (0, 2)), *sent(3, (0, 1)), *sent(4, (0, 2))]
    told = report(*frames, (9.0, ping(ALICE, BOB, 1)), (9.1, pong(BOB, ALICE, 1))).findings
    pieces = [one for one in told if one.values.get("case") == "pieces"]
    assert [one.cause for one in pieces] == found
    assert [one.values["count"] for one in pieces] == [3] * whole
