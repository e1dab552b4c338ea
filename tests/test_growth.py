"""No stage grows faster than what it reads: four times the traffic is at most so much more work.

Work is counted, not timed: the lines of each function that run, and the memory that is asked for at the most.
A loop over pairs makes the one, and a table of pairs the other, sixteen times as large.
"""

from __future__ import annotations

import struct
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from command_line import called
from dhcp_packets import ack, discover, nak, offer, request
from neighbours import solicit
from packets import A, B, datagram, error, is_at, pcap, ping, pong, segment, who_has

import explain
from explain.pipeline import explain as pipeline

ROOT = str(Path(explain.__file__).parent)
CLIENT, SERVER, ROUTER = "192.0.2.1", "198.51.100.1", "192.0.2.254"
SMALL, TIMES = 40, 4
MOST = 1.6 * TIMES
"""A sort, and tables that double, cost a little more than their share."""
FEW = 15
"""Lines an exchange below which a function that was hardly used for little traffic may begin to be used."""

FIN, SYN, RST, PUSH, ACK = 1, 2, 4, 8, 16


def host(number):
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def requests_without_an_answer(count):
    return [who_has((A, CLIENT), host(number)) for number in range(count)]


def requests_of_many(count):
    return [who_has((A, host(number)), ROUTER) for number in range(count)]


def resolutions(count):
    pairs = [(who_has((A, CLIENT), host(number)), is_at((B, host(number)), (A, CLIENT))) for number in range(count)]
    return [frame for pair in pairs for frame in pair]


def neighbours_without_an_answer(count):
    return [solicit(A, "2001:db8::1", f"2001:db8::{number + 2:x}") for number in range(count)]


def one_long_ping(count):
    return [frame for seq in range(count) for frame in (ping(CLIENT, SERVER, seq), pong(SERVER, CLIENT, seq))]


def pings_lost(count):
    return [ping(CLIENT, SERVER, seq) for seq in range(count)]


def pings_of_many(count):
    return [ping(CLIENT, host(number), 1, ident=number) for number in range(count)]


def errors_about_pings(count):
    asked = [ping(CLIENT, host(number), 1, ident=number) for number in range(count)]
    return [frame for one in asked for frame in (one, error(ROUTER, 3, 1, one))]


def one_failed_ping_again_and_again(count):
    asked = [ping(CLIENT, SERVER, seq) for seq in (1, 2, 3)]
    return [frame for one in asked for frame in (one, error(ROUTER, 3, 1, one))] * count


def errors_about_one_flow(count):
    one = datagram((CLIENT, 40000), (SERVER, 53))
    return [one, error(SERVER, 3, 3, one, macs=(B, A))] * count


def probes(count):
    asked = [
        datagram((CLIENT, 40000 + number), (SERVER, 33434 + number), ttl=1 + number % 30) for number in range(count)
    ]
    return [frame for one in asked for frame in (one, error(ROUTER, 11, 0, one))]


def ports_of_many_hosts_swept(count):
    """Sixteen ports of each host that are closed, and sixteen that say nothing."""
    frames = []
    for number in range(4 * count):
        name, port = host(number // 32), 1000 + number % 32
        frames.append(datagram((CLIENT, 40000), (name, port)))
        if port < 1016:
            frames.append(error(name, 3, 3, frames[-1], macs=(B, A)))
    return frames


def datagrams_of_one_flow(count):
    return [datagram((CLIENT, 40000), (SERVER, 9), b"x" * 20)] * count


def flows_without_an_answer(count):
    return [datagram((CLIENT, 1024 + number), (SERVER, 9), b"x") for number in range(count)]


def lookups(count, answers=0x8180):
    frames = []
    for number in range(count):
        question = bytes(6) + b"\x06" + f"h{number:05}".encode() + b"\x07example\x00\x00\x01\x00\x01"
        ask, told = (struct.pack(">HHH", number, flags, 1) + question for flags in (0x100, answers))
        client = CLIENT, 40000 + number
        frames += [datagram(client, (SERVER, 53), ask), datagram((SERVER, 53), client, told, macs=(B, A))]
    return frames


def names_that_do_not_exist(count):
    return lookups(count, 0x8183)


def leases(count):
    return [
        frame
        for number in range(count)
        for frame in (discover(xid=number), offer(xid=number), request(xid=number), ack(xid=number))
    ]


def one_lease_granted_and_refused_again_and_again(count):
    return [request(), ack(), nak()] * count


def syns_refused(count):
    pairs = [((CLIENT, 1024 + number), (SERVER, 80)) for number in range(count)]
    return [f for a, b in pairs for f in (segment(a, b, SYN, seq=1), segment(b, a, RST | ACK, ack=2, macs=(B, A)))]


def syns_unanswered(count):
    return [segment((CLIENT, 1024 + number // 3), (SERVER, 80), SYN, seq=number // 3) for number in range(count)]


def connections(count, end=FIN):
    frames = []
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    for number in range(count):
        a, b = (CLIENT, 1024 + number), (SERVER, 80)
        frames += [
            segment(a, b, SYN, seq=99), segment(b, a, SYN | ACK, seq=499, ack=100, macs=(B, A)),
            segment(a, b, ACK | PUSH, seq=100, ack=500, data=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            segment(b, a, ACK | PUSH, seq=500, ack=126, data=said, macs=(B, A)),
            segment(a, b, end | ACK, seq=126, ack=538), segment(b, a, FIN | ACK, seq=538, ack=127, macs=(B, A)),
        ]  # fmt: skip
    return frames


def connections_reset(count):
    return connections(count, RST)


def one_stream(count, again=1):
    a, b = (CLIENT, 1024), (SERVER, 80)
    frames = [segment(a, b, SYN, seq=99), segment(b, a, SYN | ACK, seq=499, ack=100, macs=(B, A))]
    for number in range(count):
        frames += [segment(a, b, ACK | PUSH, seq=100 + 10 * number, ack=500, data=b"x" * 10)] * again
        frames.append(segment(b, a, ACK, seq=500, ack=110 + 10 * number, macs=(B, A), window=1000 * (number % 5 > 0)))
    return frames


def a_stream_sent_twice(count):
    return one_stream(count, again=2)


def a_gap_that_never_closes(count):
    a, b = (CLIENT, 1024), (SERVER, 80)
    data = [segment(a, b, ACK | PUSH, seq=200 + 20 * number, ack=500, data=b"x" * 10) for number in range(count)]
    told = segment(b, a, ACK, seq=500, ack=100, macs=(B, A))
    return [segment(a, b, ACK, seq=100, ack=500), *[frame for one in data for frame in (one, told)]]


def one_request_after_the_other(count):
    a, b = (CLIENT, 1024), (SERVER, 80)
    frames = [segment(a, b, SYN, seq=99), segment(b, a, SYN | ACK, seq=499, ack=100, macs=(B, A))]
    asked, said = b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
    for n in range(count):
        at, back = 100 + n * len(asked), 500 + n * len(said)
        frames.append(segment(a, b, ACK | PUSH, seq=at, ack=back, data=asked))
        frames.append(segment(b, a, ACK | PUSH, seq=back, ack=at + len(asked), data=said, macs=(B, A)))
    return frames


def one_port_again_and_again(count):
    a, b = (CLIENT, 1024), (SERVER, 80)
    return [
        frame
        for number in range(count)
        for frame in (
            segment(a, b, SYN, seq=9999 * number),
            segment(b, a, RST | ACK, ack=9999 * number + 1, macs=(B, A)),
        )
    ]


SHAPES = (
    requests_without_an_answer, requests_of_many, resolutions, neighbours_without_an_answer, one_long_ping, pings_lost,
    pings_of_many, errors_about_pings, errors_about_one_flow, probes,
    one_failed_ping_again_and_again, ports_of_many_hosts_swept, datagrams_of_one_flow, flows_without_an_answer,
    lookups, names_that_do_not_exist, leases,
    one_lease_granted_and_refused_again_and_again, syns_refused, syns_unanswered, connections, connections_reset,
    one_stream, a_stream_sent_twice, a_gap_that_never_closes, one_request_after_the_other, one_port_again_and_again,
)  # fmt: skip


def told(capture):
    report = pipeline([capture])
    capture.seek(0)
    return report.story("en"), report.to_json()


def lines_run(work):
    """How many lines of each function of the project run."""
    counts = Counter()

    def within(frame, event, _argument):
        counts[frame.f_code] += event == "line"
        return within

    before = sys.gettrace()
    sys.settrace(lambda frame, _event, _argument: within if frame.f_code.co_filename.startswith(ROOT) else None)
    try:
        work()
    finally:
        sys.settrace(before)
    return counts


def overgrown(small, large):
    """Functions that run more than their share of lines for the larger work."""
    before, after = lines_run(small), lines_run(large)
    return {
        f"{code.co_filename.removeprefix(ROOT)}:{code.co_qualname}": f"{before[code]} -> {count}"
        for code, count in after.items()
        if count > MOST * max(before[code], FEW * SMALL)
    }


def memory_at_most(capture):
    """Octets that are held at one time, at the most, before anything is told."""
    tracemalloc.start()
    try:
        pipeline([capture])
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", SHAPES)
def test_no_function_runs_more_than_its_share_of_lines_as_traffic_grows(shape):
    small, large = pcap(*shape(SMALL)), pcap(*shape(SMALL * TIMES))
    told(small)  # what is loaded and kept once is no growth
    assert not overgrown(lambda: told(small), lambda: told(large))


FAILED = "$ ping -c 3 198.51.100.1\nping: connect: Network is unreachable\n"
PASTED = {
    "interfaces": lambda number: (
        f"{number}: eth{number}: <BROADCAST,UP,LOWER_UP> mtu 1500\n    inet {host(256 * number + 1)}/24 scope global"
    ),
    "lines of other programs": lambda number: f"Nov 30 12:00:00 host app[{number}]: something happened at {number}",
    "routes": lambda number: f"$ ip route\n{host(256 * number)}/24 via 192.0.2.1 dev eth0",
    "runs": lambda number: f"$ ping -c 1 {host(number)}\nping: connect: Network is unreachable",
}


@pytest.mark.parametrize("line", PASTED.values(), ids=PASTED.keys())
def test_no_function_runs_more_than_its_share_of_lines_as_a_pasted_text_grows(tmp_path, capsys, line):
    paths = [tmp_path / f"{count}.txt" for count in (SMALL, 2 * SMALL, 2 * SMALL * TIMES)]
    for path in paths:
        count = int(path.stem)
        path.write_text(FAILED + "$ ip addr\n" + "".join(f"{line(number)}\n" for number in range(1, count)) + FAILED)
    first, small, large = (lambda path=path: called(capsys, "ping", "--text", str(path)) for path in paths)
    first()
    assert not overgrown(small, large)


def test_memory_grows_as_the_traffic_does():
    small, large = (pcap(*(frame for shape in SHAPES for frame in shape(count))) for count in (SMALL, SMALL * TIMES))
    told(small)
    assert memory_at_most(large) <= MOST * memory_at_most(small)
