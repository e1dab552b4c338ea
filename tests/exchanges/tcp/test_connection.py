from __future__ import annotations

import io
import struct
from ipaddress import ip_address

import numpy as np
import packets
import pytest
from tcp_scenes import (
    ACK,
    FIN,
    FIN_ACK,
    PUSH,
    RST,
    RST_ACK,
    SYN,
    SYN_ACK,
    WS7,
    C,
    Play,
    S,
    found,
    labels,
    only,
    outcomes,
    repeated_acks,
    table_of,
    wild_capture,
)  # fmt: skip

from explain.exchanges.tcp.connection import OUTCOMES, find
from explain.exchanges.tcp.labels import RESENT
from explain.model import Endpoint
from explain.table import TCP

SECOND = 1_000_000_000


def talk() -> Play:
    """A request of 10 octets, an answer of 20."""
    return Play().shake().c(PUSH, 1, 1, b"q" * 10).s(ACK, 1, 11).s(PUSH, 1, 11, b"a" * 20).c(ACK, 11, 21)


# -- outcomes


def test_a_conversation_that_both_sides_end_is_closed():
    play = talk().c(FIN_ACK, 11, 21).s(FIN_ACK, 21, 12).c(ACK, 12, 22)
    outcome, one = only(play)
    assert (outcome, one.closed_by, one.reset_by) == ("closed", "client", None)
    assert (one.client, one.server) == (Endpoint(*C), Endpoint(*S))
    assert (one.bytes_to_server, one.bytes_to_client) == (10, 20)
    assert (one.segments_to_server, one.segments_to_client) == (6, 4)
    assert (one.initial_seq, one.initial_window, one.is_established) == ((1000, 5000), (1000, 1000), True)


def test_a_conversation_that_goes_on_is_open():
    assert only(talk())[0] == "open"


def test_a_half_closed_conversation_is_open_and_tells_who_has_closed():
    outcome, one = only(talk().s(FIN_ACK, 21, 11).c(ACK, 11, 22))
    assert (outcome, one.closed_by) == ("open", "server")


@pytest.mark.parametrize("flags", [RST, RST_ACK])
def test_a_reset_in_answer_to_the_syn_is_a_refusal(flags):
    outcome, one = only(Play().c(SYN).s(flags, 0, 1 if flags & ACK else None, raw=0))
    assert (outcome, one.resets, one.reset_by, one.is_established) == ("refused", 1, "server", False)


def test_syns_without_reply_are_one_unanswered_connection_with_its_retries():
    outcome, one = only(Play().c(SYN).c(SYN, after=1).c(SYN, after=1))
    assert (outcome, one.syn_retries, one.retransmissions, one.handshake_rtt_ns) == ("unanswered", 2, 2, None)


def test_a_client_that_gives_up_its_unanswered_syn_was_not_refused():
    assert only(Play().c(SYN).c(RST, 1))[0] == "unanswered"


def test_a_syn_ack_that_nobody_acknowledges_is_half_open():
    assert only(Play().c(SYN).s(SYN_ACK, 0, 1).s(SYN_ACK, 0, 1, after=1))[0] == "half-open"


def test_a_scanner_that_resets_after_the_syn_ack_leaves_the_handshake_half_open():
    assert only(Play().c(SYN).s(SYN_ACK, 0, 1).c(RST, 1))[0] == "half-open"


@pytest.mark.parametrize("port", [80, 5672])
def test_without_a_syn_it_is_midstream_and_the_port_tells_the_server(port):
    play = Play(server=("192.0.2.2", port))
    outcome, one = only(play.s(PUSH, 1, 11, b"late answer").c(ACK, 11, 12))
    assert (outcome, one.client.port, one.server.port) == ("midstream", 40000, port)
    assert (one.initial_seq, one.window_scale, one.has_sack) == ((None, None), (None, None), None)


def test_the_sender_of_a_syn_ack_is_the_server_whatever_its_port():
    play = Play(client=("192.0.2.1", 79), server=("192.0.2.2", 50000)).s(SYN_ACK, 0, 1).c(ACK, 1, 1)
    outcome, one = only(play)
    assert (outcome, one.server.port) == ("midstream", 50000)


@pytest.mark.parametrize("flags", [RST, RST_ACK])
def test_a_reset_in_mid_life_is_told_with_its_sender(flags):
    outcome, one = only(talk().s(flags, 21, 11 if flags & ACK else None))
    assert (outcome, one.reset_by, one.closed_by) == ("reset", "server", None)


def test_a_reset_after_one_fin_is_a_reset_and_after_both_none():
    assert only(talk().s(FIN_ACK, 21, 11).c(RST, 11))[0] == "reset"
    assert only(talk().s(FIN_ACK, 21, 11).c(FIN_ACK, 11, 22).s(RST, 22))[0] == "closed"


def test_a_reset_of_an_older_connection_before_the_syn_ack_does_not_end_the_new_one():
    play = Play().c(SYN).s(ACK, 7777, 0).c(RST, 0).c(SYN, after=1).s(SYN_ACK, 0, 1).c(ACK, 1, 1)
    assert only(play)[0] == "open"
    assert only(play.c(FIN_ACK, 1, 1).s(FIN_ACK, 1, 2))[0] == "closed"


def test_one_direction_alone_shows_an_established_connection():
    client = Play().c(SYN).c(ACK, 1, 1).c(PUSH, 1, 1, b"hello")
    server = Play().s(SYN_ACK, 0, 1).s(PUSH, 1, 6, b"answer")
    assert only(client)[0] == "open"
    outcome, one = only(server)
    assert (outcome, one.is_established) == ("midstream", True)


def test_both_sides_that_open_at_once_are_one_connection():
    outcome, one = only(Play().c(SYN).s(SYN).c(SYN_ACK, 0, 1).s(SYN_ACK, 0, 1).c(ACK, 1, 1))
    assert (outcome, one.is_simultaneous_open, one.client) == ("open", True, Endpoint(*C))


# -- ICMP errors


def rejected(play: Play, kind=3, code=13, speaker="192.0.2.254", about=0):
    return play.add(packets.error(speaker, kind, code, play.frames[about][1]))


def test_an_error_that_quotes_the_syn_rejects_and_is_kept_as_evidence():
    columns = found(rejected(Play().c(SYN)).c(SYN, after=1))
    assert columns.outcomes[columns.outcome[0]] == "rejected"
    moments = columns.facts["moments"]
    assert (moments.errors(0).tolist(), columns.rows(0).tolist()) == ([1], [0, 2])
    assert (columns.facts["error_row"].tolist(), columns.facts["error_of"].tolist()) == ([1], [0])
    assert columns.fields(0).icmp_errors == 1


def test_an_error_of_ipv6_rejects_as_well():
    play = Play(client=("2001:db8::1", 40000), server=("2001:db8::2", 80)).c(SYN)
    assert outcomes(rejected(play, 1, 1, "2001:db8::ff")) == ["rejected"]


def test_an_error_about_an_established_connection_does_not_reject_it():
    columns = found(rejected(talk(), 3, 4, about=5))
    assert (columns.outcomes[columns.outcome[0]], columns.fields(0).icmp_errors) == ("open", 1)


def test_a_redirect_is_no_rejection():
    assert outcomes(rejected(Play().c(SYN), 5, 1)) == ["unanswered"]


def test_an_error_belongs_to_the_connection_that_had_begun_when_it_came():
    first, second = Play().c(SYN), Play(client_seq=77_000, start=10).c(SYN)
    assert outcomes(rejected(first), second) == ["rejected", "unanswered"]


def test_an_error_recorded_just_before_the_syn_that_it_quotes_rejects_it():
    play = rejected(Play().c(SYN))
    (syn_at, syn), (_, said) = play.frames
    for early_s, outcome in ((0.001, "rejected"), (10, "unanswered")):
        play.frames[:] = [(syn_at - early_s, said), (syn_at, syn)]
        assert outcomes(play) == [outcome]


# -- which segments belong together


def test_a_syn_with_another_number_begins_a_new_connection_on_the_same_ports():
    first = talk().c(FIN_ACK, 11, 21).s(FIN_ACK, 21, 12)
    columns = found(first, Play(client_seq=9_000_000, server_seq=1, start=60).shake())
    assert [columns.outcomes[code] for code in columns.outcome] == ["closed", "open"]
    assert [columns.fields(index).is_port_reuse for index in (0, 1)] == [False, True]


def test_ports_used_a_thousand_times_are_a_thousand_connections():
    plays = [Play(client_seq=1 + 7 * turn, start=turn).c(SYN).s(RST_ACK, 0, 1, raw=0) for turn in range(1000)]
    assert outcomes(*plays) == ["refused"] * 1000


def test_connections_come_in_the_order_of_their_first_frames_and_share_none():
    table = table_of(io.BytesIO(wild_capture(7)))
    columns = find(table)
    first = columns.frames[columns.bounds[:-1]]
    assert (np.diff(first) > 0).all()
    assert np.array_equal(np.sort(columns.frames), np.flatnonzero(table.layers & TCP))
    for index in range(len(columns)):
        assert (np.diff(columns.rows(index)) > 0).all()
        assert columns.start_ns[index] <= columns.end_ns[index]
        columns.fields(index)


def test_the_same_frames_at_two_places_are_two_connections_and_no_retransmission():
    frames = talk().frames
    columns = find(table_of(packets.pcap(*frames), packets.pcap(*frames)))
    assert len(columns) == 2
    assert [columns.fields(index).retransmissions for index in (0, 1)] == [0, 0]


def test_nothing_is_found_where_there_is_no_tcp():
    columns = find(table_of(packets.pcap(packets.ping("192.0.2.1", "192.0.2.2", 1))))
    assert (len(columns), columns.outcomes) == (0, OUTCOMES)


# -- octets


def test_octets_are_counted_across_the_wrap_of_the_sequence_number():
    play = Play(client_seq=2**32 - 500).shake()
    for turn in range(10):
        play.c(PUSH, 1 + 100 * turn, 1, b"x" * 100).s(ACK, 1, 101 + 100 * turn)
    _, one = only(play)
    assert (one.bytes_to_server, one.retransmissions, one.gaps, one.acked_unseen) == (1000, 0, 0, 0)


def test_a_repeated_segment_counts_once_as_octets_and_twice_as_sent():
    _, one = only(talk().c(PUSH, 1, 1, b"q" * 10, after=1))
    assert (one.bytes_to_server, one.sent_to_server, one.retransmissions) == (10, 20, 1)


def test_octets_that_fill_a_gap_later_count_and_those_never_seen_do_not():
    play = Play().shake().s(ACK, 1, 1, b"a" * 100).s(ACK, 301, 1, b"c" * 100).s(ACK, 101, 1, b"b" * 100)
    _, one = only(play)
    assert (one.bytes_to_client, one.gaps) == (300, 1)


def test_data_in_the_syn_counts():
    play = Play().c(SYN, 0, None, b"early").s(SYN_ACK, 0, 6).c(ACK, 6, 1).c(PUSH, 6, 1, b"late")
    _, one = only(play)
    assert (one.bytes_to_server, one.retransmissions, one.gaps) == (9, 0, 0)


def test_a_repeated_fin_adds_no_octet():
    _, one = only(talk().c(FIN_ACK, 11, 21).c(FIN_ACK, 11, 21, after=1).s(FIN_ACK, 21, 12))
    assert (one.bytes_to_server, one.retransmissions) == (10, 1)


def test_segments_merged_by_offload_count_whole():
    _, one = only(Play().shake().s(PUSH, 1, 1, b"m" * 22000).c(ACK, 1, 22001))
    assert (one.bytes_to_client, one.gaps, one.acked_unseen) == (22000, 0, 0)


def test_a_keep_alive_adds_no_octet():
    _, one = only(talk().c(ACK, 10, 21, b"\0", after=60).s(ACK, 21, 11))
    assert (one.keep_alives, one.retransmissions, one.bytes_to_server) == (1, 0, 10)


def test_the_length_of_a_cut_frame_is_the_one_that_ip_says():
    stream = packets.pcap(*Play().shake().s(PUSH, 1, 1, b"m" * 1000).frames).getvalue()
    cut = io.BytesIO(stream[:-940])
    at = len(stream) - 16 - 14 - 20 - 20 - 1000
    cut.getbuffer()[at + 8 : at + 12] = struct.pack("<I", 14 + 20 + 20 + 60)
    columns = find(table_of(cut))
    assert columns.fields(0).bytes_to_client == 1000


def fragmented(play: Play, *cuts: int, ident=99) -> Play:
    """The last frame of a play in pieces that begin at these octets of what IP carries."""
    when, frame = play.frames.pop()
    body = frame[34:]
    for start, end in zip((0, *cuts), (*cuts, len(body)), strict=True):
        flags = (0x2000 if end < len(body) else 0) | start // 8
        source, target = (str(ip_address(frame[at : at + 4])) for at in (26, 30))
        piece = packets.ip(source, target, 6, body[start:end], ident=ident, flags=flags)
        play.frames.append((when, frame[:14] + piece))
    return play


def test_a_segment_in_fragments_is_as_long_as_all_of_them():
    play = fragmented(Play().shake().s(ACK, 1, 1, b"x" * 1000), 520, 800).s(ACK, 1001, 1, b"y").c(ACK, 1, 1002)
    _, one = only(play)
    assert (one.bytes_to_client, one.gaps, one.acked_unseen) == (1001, 0, 0)


def test_a_segment_with_a_missing_fragment_is_as_long_as_the_first():
    play = fragmented(Play().shake().s(ACK, 1, 1, b"x" * 1000), 520, 800)
    del play.frames[-2]
    assert only(play)[1].bytes_to_client == 500


# -- labels


def test_a_copy_after_a_long_silence_is_a_retransmission():
    play = Play().shake().s(PUSH, 1, 1, b"a" * 10).s(PUSH, 1, 1, b"a" * 10, after=0.3)
    assert labels(play)[-1] == ("retransmission",)


def test_the_missing_segment_after_three_equal_acknowledgements_is_a_fast_retransmission():
    play = Play().shake().s(ACK, 1, 1, b"a" * 10).c(ACK, 1, 11).s(ACK, 21, 1, b"c" * 10)
    for turn in range(3):
        play.c(ACK, 1, 11).s(ACK, 31 + 10 * turn, 1, b"d" * 10)
    play.s(ACK, 11, 1, b"b" * 10, after=0.01)
    said = labels(play)
    assert said[5] == ("lost_segment",)
    assert [one for one in said if one == ("duplicate_ack",)] == [("duplicate_ack",)] * 3
    assert said[-1] == ("fast_retransmission",)
    columns = found(play)
    assert list(repeated_acks(columns, 0).values()) == [1, 2, 3]
    one = columns.fields(0)
    assert (one.retransmissions, one.fast_retransmissions, one.duplicate_acks, one.gaps) == (1, 1, 3, 1)


def test_a_copy_of_what_was_acknowledged_is_a_spurious_retransmission():
    play = talk().c(PUSH, 1, 1, b"q" * 10, after=1)
    assert labels(play)[-1] == ("spurious_retransmission",)
    assert only(play)[1].spurious_retransmissions == 1


def test_a_segment_that_comes_late_by_less_than_a_round_trip_is_out_of_order():
    play = Play().shake(after=0.05).s(ACK, 1, 1, b"a" * 10).s(ACK, 21, 1, b"c" * 10).s(ACK, 11, 1, b"b" * 10)
    assert labels(play)[-2:] == [("lost_segment",), ("out_of_order",)]
    _, one = only(play)
    assert (one.out_of_order, one.retransmissions) == (1, 0)


def test_a_window_that_closes_and_opens_again_is_a_recovery_and_a_wait():
    play = Play().shake(options=WS7).s(ACK, 1, 1, b"a" * 100).c(ACK, 1, 101, window=0)
    play.s(ACK, 101, 1, b"p", after=0.2).c(ACK, 1, 101, window=0).c(ACK, 1, 101, window=500, after=0.3)
    assert labels(play)[4:] == [
        ("zero_window",), ("zero_window_probe",), ("zero_window", "zero_window_probe_ack"), ("window_update",),
    ]  # fmt: skip
    _, one = only(play)
    assert (one.zero_windows, one.window_recoveries, one.window_closed_ns) == (2, 1, 501_000_000)


def test_data_up_to_the_edge_of_a_scaled_window_fills_it():
    play = Play().shake(options=WS7).c(ACK, 1, 1, window=2).s(PUSH, 1, 1, b"f" * 256)
    assert labels(play)[-1] == ("window_full",)
    assert only(play)[1].windows_full == 1


def test_the_window_of_a_syn_ack_is_not_scaled():
    play = Play().c(SYN, options=WS7).s(SYN_ACK, 0, 1, window=100, options=WS7).c(PUSH, 1, 1, b"f" * 100)
    assert labels(play)[-1] == ("window_full",)


def test_frames_recorded_twice_are_retransmissions_that_nobody_sent():
    play = Play().shake().c(PUSH, 1, 1, b"q" * 10).c(PUSH, 1, 1, b"q" * 10, after=0.00001)
    _, one = only(play)
    assert (one.retransmissions, one.recorded_twice) == (1, 1)
    _, other = only(Play().shake().c(PUSH, 1, 1, b"q" * 10).c(PUSH, 1, 1, b"q" * 10, after=0.3))
    assert (other.retransmissions, other.recorded_twice) == (1, 0)


@pytest.mark.parametrize(("after_s", "retries"), [(0.00001, 0), (1.0, 1)])
def test_a_syn_recorded_twice_is_no_second_attempt(after_s, retries):
    _, one = only(Play().c(SYN).c(SYN, after=after_s).s(SYN_ACK, 0, 1).c(ACK, 1, 1))
    assert (one.syn_retries, one.recorded_twice) == (retries, 1 - retries)


# -- options


def test_the_options_of_both_syns_tell_what_was_agreed():
    _, one = only(Play().shake(options=WS7))
    assert (one.mss, one.window_scale, one.has_sack, one.has_timestamps) == ((1460, 1460), (7, 7), True, False)


def test_a_window_scale_that_only_one_side_offers_is_not_in_use():
    _, one = only(Play().c(SYN, options=WS7).s(SYN_ACK, 0, 1).c(ACK, 1, 1))
    assert (one.mss, one.window_scale, one.has_sack) == ((1460, None), (0, 0), False)


# -- times


def test_the_handshake_is_timed_as_a_whole_and_on_each_side_of_the_place():
    play = Play().c(SYN).s(SYN_ACK, 0, 1, after=0.030).c(ACK, 1, 1, after=0.002)
    _, one = only(play)
    assert (one.handshake_rtt_ns, one.syn_to_syn_ack_ns, one.syn_ack_to_ack_ns) == (32_000_000, 30_000_000, 2_000_000)


def test_a_retried_syn_is_timed_from_the_last_one():
    _, one = only(Play().c(SYN).c(SYN, after=1).s(SYN_ACK, 0, 1, after=0.030).c(ACK, 1, 1, after=0.002))
    assert (one.handshake_rtt_ns, one.syn_retries) == (32_000_000, 1)


def test_the_wait_for_the_first_octet_is_split_into_the_way_and_the_server():
    play = Play().c(SYN).s(SYN_ACK, 0, 1, after=0.030).c(ACK, 1, 1)
    play.c(ACK, 1, 1, b"re").c(PUSH, 3, 1, b"quest").s(ACK, 1, 8, after=0.030).s(PUSH, 1, 8, b"a", after=0.170)
    _, one = only(play)
    assert (one.first_byte_wait_ns, one.network_time_ns, one.server_time_ns) == (200_000_000, 30_000_000, 170_000_000)
    rows = found(play).facts["moments"].exchange_of_data(0)
    assert rows.tolist() == [4, 6]


@pytest.mark.parametrize(
    ("is_lost", "network", "server"), [(True, 280_000_000, 20_000_000), (False, 30_000_000, 270_000_000)]
)
def test_a_request_that_was_lost_cost_its_time_on_the_network(is_lost, network, server):
    play = Play().c(SYN).s(SYN_ACK, 0, 1, after=0.030).c(ACK, 1, 1).c(PUSH, 1, 1, b"request")
    if not is_lost:
        play.s(ACK, 1, 8, after=0.030)
    play.c(PUSH, 1, 1, b"request", after=0.25 if is_lost else 0.22).s(PUSH, 1, 8, b"a", after=0.05)
    _, one = only(play)
    assert (one.first_byte_wait_ns, one.network_time_ns, one.server_time_ns) == (300_000_000, network, server)


def test_a_server_that_speaks_first_was_not_waited_for():
    _, one = only(Play().shake().s(PUSH, 1, 1, b"220 hello").c(PUSH, 1, 10, b"EHLO"))
    assert (one.first_byte_wait_ns, one.server_time_ns, one.network_time_ns) == (None, None, None)


def test_without_a_handshake_the_wait_is_known_but_not_its_parts():
    _, one = only(Play().c(PUSH, 1, 1, b"q").s(PUSH, 1, 2, b"a", after=0.1))
    assert (one.first_byte_wait_ns, one.server_time_ns, one.network_time_ns) == (100_000_000, None, None)


def test_clocks_that_go_back_give_no_negative_time():
    columns = found(Play().shake())
    table = table_of(packets.pcap((5.0, Play().c(SYN).frames[0][1]), (1.0, Play().s(SYN_ACK, 0, 1).frames[0][1])))
    back = find(table)
    assert back.fields(0).syn_to_syn_ack_ns is None
    assert back.start_ns[0] <= back.end_ns[0]
    assert columns.fields(0).handshake_rtt_ns == 2_000_000


# -- rows to cite


def test_the_moments_name_the_rows_of_handshake_end_and_trouble():
    columns = found(talk().c(PUSH, 1, 1, b"q" * 10, after=1).c(FIN_ACK, 11, 21).s(FIN_ACK, 21, 12).s(RST, 22))
    moments = columns.facts["moments"]
    assert moments.labelled(0, RESENT).tolist() == [7]
    assert moments.fins(0).tolist() == [8, 9]
    assert moments.resets(0).tolist() == [10]
    assert moments.syns(0).tolist() == [0]


def test_whoever_reads_tls_enters_it_in_the_facts():
    assert found(talk()).fields(0).tls is None
    columns = found(talk())
    columns.facts["tls"][0] = "what was read"
    assert columns.fields(0).tls == "what was read"


def test_a_fin_alone_does_not_end_what_never_began():
    assert only(Play().c(FIN, 1))[0] == "midstream"


def test_the_connection_that_was_asked_for_last_is_kept_and_no_other_given_for_it():
    moments = found(Play().shake(), Play(client=("192.0.2.1", 40001)).shake().c(FIN_ACK, 1, 1)).facts["moments"]
    first, second = moments.talk(0), moments.talk(1)
    assert moments.talk(1) is second
    assert (len(first.rows), len(second.rows), len(moments.talk(0).rows)) == (3, 4, 3)
