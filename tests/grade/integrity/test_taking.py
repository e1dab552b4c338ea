"""Captures that a rubric wants from one run: those of two runs are told, also where a kernel counted for both."""

from __future__ import annotations

import struct

import packets
import pytest
from tcp_scenes import SYN, SYN_ACK, Play, table_of

from explain.grade.integrity.nonces import kind_of
from explain.grade.integrity.nonces import nonces as found
from explain.grade.integrity.taking import take
from explain.grade.running.grading import scene_of_files

SIDES = ["inside", "outside"]
MINE = {"isn": (10**6, 2 * 10**6), "stamps": (10**8, 2 * 10**8)}
OTHER = {"isn": (3 * 10**6, 4 * 10**6), "stamps": (10**8 + 700, 2 * 10**8 + 700)}


def run(isn, stamps, ping_s=0, late_us=(0, 0, 0)):
    """The frames of a handshake with these initial numbers and timestamps, and of three pings since such a second."""
    play = Play(client_seq=isn[0], server_seq=isn[1])
    options = [struct.pack(">BBBBII", 1, 1, 8, 10, stamp, 0) for stamp in stamps]
    play.c(SYN, options=options[0]).s(SYN_ACK, 0, 1, options=options[1])
    for seq in range(1, 4) if ping_s else ():
        data = struct.pack("<QQ", packets.EPOCH + ping_s, seq * 1000 + late_us[seq - 1]) + bytes(range(40))
        echo = packets.icmp(8, 0, 7 << 16 | seq, data)
        play.add(packets.eth(packets.A, packets.B, 0x800, packets.ip("192.0.2.1", "198.51.100.7", 1, echo)))
    return play.frames


def told(tmp_path, *captures):
    """The kinds of signs that two captures leave."""
    files = {side: tmp_path / f"{side}.pcap" for side in SIDES}
    for path, frames in zip(files.values(), captures, strict=True):
        path.write_bytes(packets.pcap(*frames).getvalue())
    return [kind for kind, *_ in take(scene_of_files(files), {"same_run": SIDES}, SIDES).signs if "run" in kind]


def test_two_captures_of_one_run_are_not_told_though_one_began_late(tmp_path):
    assert told(tmp_path, run(**MINE, ping_s=1), run(**MINE, ping_s=1)) == []
    assert told(tmp_path, run(**MINE, ping_s=1), run(**MINE, ping_s=1)[-1:] + run(**OTHER, ping_s=2)) == []


@pytest.mark.parametrize("met", [(), (0,), (0, 1)])
def test_two_runs_are_told_also_where_they_met_in_a_millisecond_of_their_kernel(tmp_path, met):
    stamps = tuple(MINE["stamps"][at] if at in met else OTHER["stamps"][at] for at in (0, 1))
    other = run(OTHER["isn"], stamps, ping_s=2)
    assert told(tmp_path, run(**MINE, ping_s=1), other) == ["different-runs"]


@pytest.mark.parametrize(("late_us", "signs"), [((12, 0, 7), ["different-runs"]), ((0, 0, 0), [])])
def test_two_runs_are_told_also_where_two_pings_met_in_a_microsecond(tmp_path, late_us, signs):
    """Pings of one kernel wait for the same tick, each in its turn on one of a few processors."""
    other = run(**OTHER, ping_s=1, late_us=late_us)
    assert told(tmp_path, run(**MINE, ping_s=1), other) == signs


def test_sequence_numbers_that_a_firewall_made_anew_are_no_other_run(tmp_path):
    assert told(tmp_path, run(**MINE), run(OTHER["isn"], MINE["stamps"])) == []
    assert told(tmp_path, run(**MINE), run(**OTHER)) == ["different-runs"]


def trace(numbers):
    """The datagrams of a trace whose packets have these identifications."""
    made = []
    for ttl, number in enumerate(numbers, 1):
        body = packets.udp("192.0.2.1", "198.51.100.7", 40000 + ttl, 33433 + ttl, b"x" * 32)
        whole = packets.ip("192.0.2.1", "198.51.100.7", 17, body, ttl, ident=number)
        made.append((float(ttl), packets.eth(packets.A, packets.B, 0x800, whole)))
    return made


@pytest.mark.parametrize(
    ("numbers", "count"),
    [((40000, 911, 31007, 17), 4), ((1, 2, 3, 4), 0), ((65530, 65535, 3, 90), 0), ((0, 0, 0, 0), 0), ((5,), 0)],
)
def test_a_trace_leaves_its_identifications_where_its_host_does_not_count_them(numbers, count):
    assert sum(kind_of(one) == "probe" for one, _ in found(table_of(packets.pcap(*trace(numbers))), {})) == count


def test_a_trace_whose_packets_a_router_numbered_anew_is_no_other_run(tmp_path):
    assert told(tmp_path, trace((40000, 911, 31007, 17)), trace((1234, 50000, 812, 30009))) == []
