"""Many symptoms of one host, or of one way, that falls silent are one finding."""

from __future__ import annotations

import tcp_scenes as tcp
from explained import report
from packets import A, B, R, eth, ip, is_at, ping, pong, segment, udp, who_has

HOST, PEER, FAR, FARTHER = "192.0.2.1", "192.0.2.7", "198.51.100.7", "203.0.113.9"
TO, FROM = (A, B), (B, A)


def _talk(server, port, macs=(A, B), start=0.0, *, cut=True, ttl=64):
    """A connection that works, and whose next data is sent again and again in vain."""
    play = tcp.Play((HOST, port), (server, 80), start=start).shake()
    play.c(tcp.PUSH, 1, 1, b"one").s(tcp.PUSH, 1, 4, b"1").c(tcp.ACK, 4, 2)
    if cut:
        for pause in (2.0, 0.3, 0.6, 1.2):
            play.c(tcp.PUSH, 4, 2, b"more", after=pause)
    return [(time, _on(frame, macs, ttl)) for time, frame in play.frames]


def _on(frame, macs, ttl):
    """The same packet between other MACs, and with this TTL where it is an answer."""
    is_back = frame[26:30] != bytes(map(int, HOST.split(".")))
    source, target = reversed(macs) if is_back else macs
    return eth(source, target, 0x800, ip_again(frame[14:], ttl if is_back else 64))


def ip_again(packet, ttl):
    source, target = (".".join(map(str, packet[at : at + 4])) for at in (12, 16))
    return ip(source, target, 6, packet[20:], ttl=ttl)


def _syns(server, macs=(A, B), start=3.0, port=41000, to=443):
    return [
        (start + after, _on(segment((HOST, port), (server, to), tcp.SYN, seq=9), macs, 64)) for after in (0.0, 1.0, 3.0)
    ]


def _pings(start=2.5):
    return [(start + seq, ping(HOST, PEER, seq, macs=TO)) for seq in range(3)]


def _causes(*frames):
    return [one.cause for one in report(*sorted(frames, key=lambda frame: frame[0])).findings]


def test_a_host_that_falls_silent_is_one_finding_for_connections_and_pings():
    (finding,) = report(*sorted([*_talk(PEER, 40000), *_pings(), *_syns(PEER)])).findings
    assert (finding.cause, finding.values["count"], finding.values.get("case")) == ("host-silent", 3, None)
    assert 3 < finding.values["silent_ns"] / 1e9 < 5
    assert "target-interface-down" in finding.rivals


def test_a_full_queue_is_not_blamed_where_open_connections_are_silent_too():
    asks = [(at, segment((HOST, 40001), (PEER, 443), tcp.ACK, seq=1000, ack=5001)) for at in (4, 5, 6, 7)]
    opened = tcp.Play((HOST, 40001), (PEER, 443)).shake().frames
    assert _causes(*opened, *asks, *_syns(PEER)) == ["host-silent"]


def test_a_host_that_never_answered_anything_is_one_finding():
    (finding,) = report(*sorted([*_pings(), *_syns(PEER)])).findings
    assert (finding.cause, finding.values["case"]) == ("host-silent", "never")
    assert "echo-ignored-by-target" not in finding.rivals
    assert "tcp-accept-queue-full" not in finding.rivals


def test_the_two_ports_of_file_sharing_are_one_service():
    both = [*_syns(PEER, to=139), *_syns(PEER, port=41001, to=445)]
    assert _causes(*both) != ["host-silent"] == _causes(*_syns(PEER, to=139), *_syns(PEER, port=41001, to=80))


def test_pings_alone_are_no_more_than_pings_without_an_answer():
    assert _causes(*_pings()) == ["echo-unanswered"]


def test_a_host_that_still_answers_something_is_not_silent():
    late = [(6.0, pong(PEER, HOST, 0, macs=FROM))]
    assert "host-silent" not in _causes(*_talk(PEER, 40000), *_syns(PEER), *_pings(), *late)


def test_several_hosts_beyond_one_router_that_fall_silent_at_once_are_one_finding():
    via = (A, R)
    frames = [*_talk(FAR, 40000, via, ttl=60), *_talk(FARTHER, 40001, via, 0.1, ttl=55), *_syns(FAR, via)]
    (finding,) = report(*sorted(frames)).findings
    assert (finding.cause, finding.values["case"], finding.values["hosts"]) == ("host-silent", "beyond", 2)
    assert finding.values["mac"] == R
    assert "router-interface-down" in finding.rivals


def test_the_router_is_not_blamed_while_anything_comes_back_through_it():
    via = (A, R)
    lives = [(6.5, eth(R, A, 0x800, ip("198.51.100.99", HOST, 17, udp("198.51.100.99", HOST, 53, 5353), ttl=52)))]
    frames = [*_talk(FAR, 40000, via, ttl=60), *_talk(FARTHER, 40001, via, 0.1, ttl=55), *lives]
    found = report(*sorted(frames)).findings
    assert "beyond" not in [one.values.get("case") for one in found]


def test_who_asks_in_vain_for_a_mac_has_told_why():
    asks = [(4 + at, who_has((A, HOST), PEER)) for at in range(3)]
    known = [(0.0, who_has((A, HOST), PEER)), (0.0005, is_at((B, PEER), (A, HOST)))]
    assert "host-silent" not in _causes(*known, *_talk(PEER, 40000), *_syns(PEER), *asks)
