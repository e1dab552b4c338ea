"""The labels made for many connections at once against those made step by step."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tcp_scenes import ACK, Play, found, lossy_capture, table_of, wild_capture

from explain.exchanges.tcp.connection import find
from explain.exchanges.tcp.course import control
from explain.exchanges.tcp.labelling import blocks as tcp_blocks
from explain.exchanges.tcp.labelling.hints import find_hints
from explain.exchanges.tcp.labelling.segments import TcpSegments, follow_steps
from explain.exchanges.tcp.labels import NAMES, names
from explain.exchanges.tcp.streams import find_streams


def disagreements(table):
    streams = find_streams(table)
    segments = TcpSegments(table, streams, control(streams))
    return [
        (index, [(names(int(one)), names(other)) for one, other in zip(segments.of(index), steps, strict=True)])
        for index in range(len(streams.flow))
        if segments.of(index).tolist() != (steps := follow_steps(table, streams, index)[0])
    ]


@pytest.mark.parametrize("size", [1, 50, 700, 1 << 15])
def test_blocks_of_any_size_give_the_labels_of_the_steps(size, monkeypatch):
    monkeypatch.setattr(tcp_blocks, "_BLOCK", size)
    for seed in range(10):
        assert not disagreements(table_of(io.BytesIO(wild_capture(seed))))
        assert not disagreements(table_of(io.BytesIO(lossy_capture(seed))))


@settings(max_examples=40, deadline=None)
@given(st.integers(100, 10**9), st.integers(1, 30), st.integers(3, 60))
@example(26374, 26, 23)  # a FIN comes again with the last octet, into a closed window
@example(779669, 7, 31)  # the last number before the wrap, and nothing was heard of the other side's window
def test_any_capture_gets_the_labels_of_the_steps(seed, flows, length):
    assert not disagreements(table_of(io.BytesIO(wild_capture(seed, flows, length))))
    assert not disagreements(table_of(io.BytesIO(lossy_capture(seed, flows, length))))


def tidy(turns: int, gap_at: int | None = None) -> Play:
    play = Play().shake()
    for turn in range(turns):
        if turn != gap_at:
            play.s(ACK, 1 + 100 * turn, 1, b"x" * 100, after=0.0001)
        if turn % 2 and gap_at is None:
            play.c(ACK, 1, 101 + 100 * turn, after=0.0001)
    if gap_at is not None:
        play.s(ACK, 1 + 100 * gap_at, 1, b"x" * 100)
    return play


def odd(*plays: Play) -> list[int]:
    return odd_of(found(*plays).facts["moments"].table)


def odd_of(table) -> list[int]:
    streams = find_streams(table)
    hints = find_hints(table, streams, control(streams))
    return tcp_blocks.label_blocks(table, streams, hints, np.zeros(len(streams.rows), np.uint16))


def test_ordinary_connections_never_need_the_steps():
    refused = Play(client=("192.0.2.9", 1)).c(2).s(20, 0, 1, raw=0)
    unanswered = Play(client=("192.0.2.9", 2)).c(2).c(2, after=1)
    lossy = tidy(300, gap_at=100)
    assert odd(tidy(200), refused, unanswered) == []
    assert odd(lossy) == []
    assert found(lossy).fields(0).gaps == 1


def test_losses_and_repetitions_alone_do_not_need_the_steps():
    table = table_of(io.BytesIO(lossy_capture(1, 200)))
    segments = found_labels(table)
    assert len(odd_of(table)) < 20
    for bit, name in NAMES.items():
        assert name in {"ack_lost_segment", "reused_ports"} or (segments & bit).any(), name


def found_labels(table):
    return find(table).facts["segments"].labels


def test_a_jump_beyond_any_window_is_left_to_the_steps():
    assert odd(tidy(5).s(ACK, 2**31, 1, b"x")) == [0]


def test_every_label_has_a_name_and_a_bit_of_its_own():
    assert len(set(NAMES.values())) == len(NAMES) == sum(NAMES).bit_count()
    assert names(sum(NAMES)) == tuple(NAMES.values())
