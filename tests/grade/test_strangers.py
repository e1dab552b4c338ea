"""A capture that also holds what others did, or the same thing many times."""

from __future__ import annotations

import json
import struct

import pytest
from dhcp_packets import discover
from grading_class import marks, run
from grading_scenes import FAR, HEAD, ME, REQUEST, ROUTER, asked_and_pinged, mark, rubric_file
from packets import A, R, datagram, error, is_at, pcap, ping, pong, segment, who_has

MATE, MATE_MAC = "192.0.2.77", "00:00:5e:00:53:77"
OWN_ONLY = """
[[check]]
id = "request"
points = 2
expect = "arp.request"
where = { sender.ip = "{roster.host_ip}" }
as = "req"
[[check]]
id = "pings"
points = 3
expect = "icmp.echo"
where = { src = "{roster.host_ip}" }
count = ">=3"
[[answer]]
id = "mac"
ask = "your MAC?"
type = "mac"
points = 1
key = "{req.eth.src}"
"""


def of_a_mate():
    frames = [who_has((MATE_MAC, MATE), ROUTER), is_at((R, ROUTER), (MATE_MAC, MATE))]
    for seq in range(1, 6):
        frames += [ping(MATE, FAR, seq, macs=(MATE_MAC, R)), pong(FAR, MATE, seq, macs=(R, MATE_MAC))]
    return frames


def test_what_another_student_did_earns_nothing(tmp_path):
    told, score = mark(tmp_path, OWN_ONLY, *of_a_mate(), answers=f'mac = "{MATE_MAC}"\n')
    assert {name: one.verdict for name, one in told.items()} == {
        "request": "not-met", "pings": "not-met", "mac": "skipped",
    }  # fmt: skip
    assert score == 0


@pytest.mark.parametrize("place", ["before", "behind", "between"])
def test_the_traffic_of_others_changes_no_mark(tmp_path, place):
    own, theirs = list(asked_and_pinged(2)), of_a_mate()
    between = [one for both in zip(own, theirs, strict=False) for one in both] + theirs[len(own) :]
    frames = {"before": theirs + own, "behind": own + theirs, "between": between}
    alone, score = mark(tmp_path, OWN_ONLY, *own, answers=f'mac = "{A}"\n')
    mixed, same = mark(tmp_path, OWN_ONLY, *frames[place], answers=f'mac = "{A}"\n')
    assert (score, {name: one.verdict for name, one in alone.items()}) == (
        3, {"request": "met", "pings": "not-met", "mac": "met"},
    )  # fmt: skip
    assert (same, {name: one.verdict for name, one in mixed.items()}) == (
        score,
        {n: v.verdict for n, v in alone.items()},
    )


def test_addresses_that_the_roster_gives_to_another_are_told_and_cost_nothing(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.pcap").write_bytes(pcap(*asked_and_pinged(3), *of_a_mate()).getvalue())
    (tmp_path / "in" / "ben.pcap").write_bytes(pcap(*of_a_mate()).getvalue())
    roster = tmp_path / "roster.csv"
    roster.write_text(f"student,host_ip\nann,{ME}\nben,{MATE}\n")
    done = run(rubric_file(tmp_path, OWN_ONLY, HEAD), tmp_path / "in", "--roster", roster, "--no-cache", "--json")
    ann, ben = json.loads(marks(done))
    assert (ann["score"], ben["score"]) == (5, 5)
    assert ("addresses-of-another", "ben") in {(one["kind"], one["with"]) for one in ann["flags"]}
    assert not [one for one in ben["flags"] if one["kind"].startswith("addresses")]


HANDSHAKE = [
    segment((ME, 4000), (FAR, 80), 2, seq=100_000),
    segment((FAR, 80), (ME, 4000), 0x12, seq=200_000, ack=100_001),
    segment((ME, 4000), (FAR, 80), 0x10, seq=100_001, ack=200_001),
]


@pytest.mark.parametrize(
    ("event", "frames"),
    [
        ("icmp.echo", asked_and_pinged(1)[2:]), ("tcp.handshake", HANDSHAKE), ("tcp.connection", HANDSHAKE),
        ("tcp.refused", [HANDSHAKE[0], segment((FAR, 80), (ME, 4000), 0x14, seq=0, ack=100_001)]),
        ("udp.exchange", [datagram((ME, 5000), (FAR, 7), b"hi"), datagram((FAR, 7), (ME, 5000), b"hi")]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_whole", [True, False])
def test_a_packet_that_was_recorded_a_thousand_times_was_sent_once(tmp_path, event, frames, as_whole):
    many = list(frames) * 1000 if as_whole else [one for one in frames for _ in range(1000)]
    told, _ = mark(tmp_path, f'[[check]]\nid = "c"\npoints = 1\nexpect = "{event}"\ncount = ">=2"\n', *many)
    assert told["c"].verdict == "not-met"


def numbered(frame, ident):
    """A frame of IPv4 with another identification."""
    changed = bytearray(frame)
    changed[18:20] = struct.pack(">H", ident)
    return bytes(changed)


LATER = [(at * 2.0, frame) for at, frame in enumerate(asked_and_pinged(1)[:1] * 5)]
ERRORS = [numbered(error(ROUTER, 3, 1, ping(ME, FAR, 1)), ident) for ident in range(100, 105)]
ASKED = discover()


@pytest.mark.parametrize(
    ("event", "frames", "number"),
    [
        ("icmp.unreachable", [(at * 2.0, ERRORS[0]) for at in range(1000)], 1),
        ("icmp.unreachable", ERRORS * 200, 5),
        ("ip.packet", ERRORS * 200, 5),
        ("icmp.echo", [(at * 90.0 + n, numbered(one, 7 + n)) for at in range(5) for n, one in
                       enumerate(asked_and_pinged(1)[2:])], 1),
        ("arp.request", asked_and_pinged(1)[:1] * 1000, 1),
        ("arp.request", LATER, 5),
        ("arp.gratuitous", [who_has((A, ME), ME)] * 5, 5),
        ("dhcp.discover", [ASKED] * 100, 1),
        ("dhcp.discover", [(at * 4.0, ASKED) for at in range(5)], 5),
    ],
)  # fmt: skip
def test_a_copy_never_makes_up_for_what_lacks_and_who_asks_again_is_counted(tmp_path, event, frames, number):
    text = '[[check]]\nid = "c"\npoints = 6\nexpect = "{}"\ncount = ">={}"\npartial = "linear"\n'
    told, _ = mark(tmp_path, text.format(event, number), *frames)
    assert told["c"].verdict == "met"
    told, _ = mark(tmp_path, text.format(event, number + 1), *frames)
    assert told["c"].points == pytest.approx(6 * number / (number + 1), abs=0.001)
    assert ("same frames" in told["c"].says) == (len(frames) > number)
    text = '[[check]]\nid = "c"\npoints = 1\nexpect = "{}"\n[[check]]\nid = "n"\npoints = 1\nassert = "len(c) == {}"\n'
    told, _ = mark(tmp_path, text.format(event, number), *frames)
    assert told["n"].verdict == "met"


def test_a_storm_of_copies_is_too_many_where_few_are_allowed(tmp_path):
    text = REQUEST + '[[check]]\nid = "c"\npoints = -1\nexpect = "arp.request"\ncount = "2-6"\n'
    assert mark(tmp_path, text, *LATER)[1] == 2
    told, score = mark(tmp_path, text, *LATER, *(frame for _, frame in LATER))
    assert (told["c"].verdict, score) == ("not-met", 1)
