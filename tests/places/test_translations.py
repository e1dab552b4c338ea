from __future__ import annotations

import pytest
from packets import A, R, eth, icmp, ip, pcap
from surroundings import corpus_files
from two_places import INSIDE, NAT, OTHER, SERVER, Walk, connection, datagram, of_kind, ping, segment

import explain


def pings(walk, source=INSIDE, far=NAT, ident=7, far_id=None, count=3, start=0.0):
    for seq in range(1, count + 1):
        ids = {"ident": ident}, {"ident": far_id or ident}
        walk.out(
            start + seq,
            ping(source, SERVER, seq, ip_id=100 + seq, **ids[0]),
            ping(far, SERVER, seq, ttl=63, ip_id=100 + seq, **ids[1]),
        )
        walk.back(
            start + seq + 0.1,
            ping(SERVER, source, seq, ttl=63, ip_id=900 + seq, kind=0, **ids[0]),
            ping(SERVER, far, seq, ip_id=900 + seq, kind=0, **ids[1]),
        )
    return walk


def test_a_masqueraded_ping_is_one_translation_with_both_directions():
    (found,) = of_kind(pings(Walk()).report(), "nat.translation")
    fields = found.fields
    assert (found.outcome, fields.kind, fields.changed) == ("translated", "source", ("address",))
    assert (fields.inside.src.address, fields.outside.src.address) == (INSIDE, NAT)
    assert (fields.inside.src.id, fields.packets, fields.packets_back) == (7, 3, 3)
    assert fields.checksum == "unchanged"
    assert [(one.capture, one.frames) for one in found.evidence] == [(0, ((1, 6),)), (1, ((1, 6),))]


def test_a_rewritten_icmp_id_is_told_with_the_sum_that_it_accounts_for():
    (found,) = of_kind(pings(Walk(), ident=7, far_id=4242).report(), "nat.translation")
    assert found.fields.changed == ("address", "id")
    assert (found.fields.inside.src.id, found.fields.outside.src.id) == (7, 4242)
    assert found.fields.checksum == "full"


def test_without_rewriting_there_is_no_translation_but_a_journey():
    report = pings(Walk(), far=INSIDE).report()
    assert not of_kind(report, "nat.translation")
    (journey,) = of_kind(report, "journey")
    assert journey.outcome == "delivered"
    assert [sight.changed for sight in journey.fields.seen] == [(), ("mac", "ttl")]


def test_two_clients_with_the_same_port_are_two_translations_and_one_port_changed():
    walk = Walk()
    server = SERVER, 80
    connection(walk, 0.0, (INSIDE, 40000), (NAT, 40000), server, base=1000, ids=(10, 0))
    connection(walk, 0.002, (OTHER, 40000), (NAT, 1024), server, base=9000, ids=(10, 0))
    found = {one.fields.inside.src.address: one.fields for one in of_kind(walk.report(), "nat.translation")}
    assert {name: fields.outside.src.port for name, fields in found.items()} == {INSIDE: 40000, OTHER: 1024}
    assert found[INSIDE].changed == ("address",)
    assert found[OTHER].changed == ("address", "port")
    assert {fields.checksum for fields in found.values()} == {"full"}


def test_an_ip_id_of_zero_does_not_hide_a_translation():
    walk = Walk()
    connection(walk, 0.0, (INSIDE, 40000), (NAT, 40000), (SERVER, 80), ids=(0, 0))
    (found,) = of_kind(walk.report(), "nat.translation")
    assert (found.fields.packets, found.fields.packets_back) == (5, 3)


def test_port_forwarding_has_the_server_inside():
    walk = Walk()
    client, public, server = (SERVER, 50000), (NAT, 8080), (INSIDE, 80)
    for number, (is_back, flags, seq, ack) in enumerate(((0, 2, 5, 0), (1, 18, 70, 6), (0, 16, 6, 71))):
        at = number * 0.01
        if is_back:
            walk.out(at, segment(server, client, flags, seq, ack), segment(public, client, flags, seq, ack, ttl=63))
        else:
            walk.back(at, segment(client, server, flags, seq, ack, ttl=63), segment(client, public, flags, seq, ack))
    (found,) = of_kind(walk.report(), "nat.translation")
    assert (found.fields.kind, found.fields.initiator) == ("destination", "outside")
    assert (found.fields.inside.dst.address, found.fields.inside.dst.port) == (INSIDE, 80)
    assert (found.fields.outside.dst.address, found.fields.outside.dst.port) == (NAT, 8080)
    assert found.fields.hooks == ("PREROUTING",)


def test_something_else_changed_is_seen_by_the_checksum():
    walk = Walk()
    connection(walk, 0.0, (INSIDE, 40000), (NAT, 40000), (SERVER, 21))
    walk.out(1.0, segment((INSIDE, 40000), (SERVER, 21), 24, 2000, 5, b"PORT a", ip_id=77),
             segment((NAT, 40000), (SERVER, 21), 24, 2000, 5, b"PORT b", 63, 77))  # fmt: skip
    (found,) = of_kind(walk.report(), "nat.translation")
    assert found.fields.checksum == "differs"


@pytest.mark.parametrize("skew_s", [-5.0, 5.0])
def test_clocks_that_are_seconds_apart_change_no_translation(skew_s):
    walk = pings(Walk(skew_s=skew_s, ppm=100.0), count=20)
    connection(walk, 3.0, (INSIDE, 40000), (NAT, 40000), (SERVER, 80))
    assert len(of_kind(walk.report(), "nat.translation")) == 2


def test_datagrams_of_two_clients_that_look_alike_are_left_alone():
    walk = Walk()
    for source, port in ((INSIDE, 5000), (OTHER, 5001)):
        walk.out(0.0, datagram((source, port), (SERVER, 123), b"same"), None)
    for number in range(2):
        walk.out(0.1 * number, None, datagram((NAT, 6000 + number), (SERVER, 123), b"same", 63))
    assert not of_kind(walk.report(), "nat.translation")


def test_strangers_whose_numbers_meet_by_chance_are_not_taken_for_one_flow():
    walk = Walk()
    for number in range(1, 200):
        mine, other = (number * 37 % 251).to_bytes(2, "big") * 10, (number * 91 % 241).to_bytes(2, "big") * 10
        walk.out(number * 0.01, datagram((INSIDE, 2000 + number), (SERVER, 53), mine, 64, number * 7 % 300 + 1), None)
        walk.out(number * 0.01, None, datagram((OTHER, 9000 - number), (SERVER, 53), other, 63, number * 11 % 300 + 1))
    assert not of_kind(walk.report(), "nat.translation")


def test_an_answer_that_comes_back_as_it_is_was_not_translated():
    walk = Walk()
    client, public, server = (INSIDE, 50000), (NAT, 8080), (OTHER, 80)
    frames = [
        eth(A, R, 0x800, segment(client, public, 2, 5)),
        eth(R, "00:00:5e:00:53:03", 0x800, segment(client, server, 2, 5, ttl=63)),
        eth("00:00:5e:00:53:03", A, 0x800, segment(server, client, 18, 70, 6)),
    ]
    report = explain.explain(pcap(frames[0], frames[2]), pcap(frames[0], frames[1]), pcap(frames[1], frames[2]))
    (found,) = of_kind(report, "nat.translation")
    assert (found.outcome, found.fields.why) == ("untranslated", "reply-not-translated")
    (journey,) = of_kind(report, "journey")
    assert (journey.outcome, journey.fields.speaker) == ("answered-elsewhere", OTHER)
    assert walk.inner == []


@pytest.mark.needs("corpus")
def test_the_home_router_of_the_corpus_translates_every_flow_that_both_sides_show():
    report = explain.explain(*map(str, corpus_files("nat")))
    found = of_kind(report, "nat.translation")
    inside, outside = (
        {one.fields.inside.src.address for one in found},
        {one.fields.outside.src.address for one in found},
    )
    assert len(inside) == len(outside) == 1
    assert {one.outcome for one in found} == {"translated"}
    both = _seen_on_both_sides(report)
    assert both
    assert both <= {(one.fields.inside.dst.address, one.fields.inside.dst.port) for one in found}


def _seen_on_both_sides(report):
    """Servers of TCP connections with the same initial numbers in both files."""
    seen: dict[tuple, set[int]] = {}
    for one in of_kind(report, "tcp.connection"):
        if None not in one.fields.initial_seq:
            key = one.fields.initial_seq, one.fields.server
            seen.setdefault(key, set()).update(place.capture for place in one.evidence)
    return {(server.address, server.port) for (_, server), captures in seen.items() if len(captures) > 1}


def test_very_many_translations_are_told_by_the_addresses_that_became_others():
    walk = Walk()
    for port in range(1000, 1150):
        data = port.to_bytes(2, "big") * 8
        walk.out(
            port * 0.01, datagram((INSIDE, port), (SERVER, 9), data, 64, port),
            datagram((NAT, port), (SERVER, 9), data, 63, port),
        )  # fmt: skip
    told = [line.values for line in walk.report().lines if line.message == "nat.became.source"]
    assert told == [{"count": 150, "before": INSIDE, "after": NAT}]


def test_a_trace_on_the_far_side_of_a_nat_is_told_with_the_near_one():
    walk = Walk()
    for ttl in range(1, 7):
        near, far = (
            datagram((source, 40000 + ttl), (SERVER, 33434 + ttl), b"x" * 32, ttl=left, ip_id=900 + ttl)
            for source, left in ((INSIDE, ttl), (NAT, ttl - 1))
        )
        walk.out(ttl, near, far if ttl > 1 else None)
        if ttl > 1:
            said = [
                ip(SERVER, to, 1, icmp(3, 3, 0, about), left)
                for to, about, left in ((INSIDE, near, 63), (NAT, far, 64))
            ]
            walk.back(ttl + 0.1, *said)
    report = walk.report()
    assert [one.fields.src for one in of_kind(report, "traceroute")] == [INSIDE, NAT]
    begun = [line.values["src"] for line in report.lines if line.message.startswith("traceroute.begun")]
    assert begun == [INSIDE]


def refused(walk, when, inside, outside, server, answers=None):
    """A SYN through a translator that meets a reset; ``answers`` is who it is behind a port forwarding."""
    behind, seq = answers or server, inside[1] * 77_777
    walk.out(when, segment(inside, server, 2, seq, ip_id=3), segment(outside, behind, 2, seq, ttl=63, ip_id=3))
    walk.back(
        when + 0.01,
        segment(server, inside, 20, 0, seq + 1, ttl=63, ip_id=0),
        segment(behind, outside, 20, 0, seq + 1, ip_id=0),
    )


def test_what_a_server_refuses_is_counted_once_though_both_sides_of_a_nat_show_it():
    walk = Walk()
    for number in range(3):
        refused(walk, number, (INSIDE, 40000 + number), (NAT, 40000 + number), (SERVER, 80))
    report = walk.report()
    (finding,) = report.findings
    assert (finding.cause, finding.values["count"]) == ("tcp-no-listener", 3)
    assert {one.id for one in of_kind(report, "tcp.connection")} <= set(finding.exchanges)
    assert report.unexplained == ()


def test_who_refuses_behind_a_port_forwarding_is_named_and_nobody_else():
    walk = Walk()
    refused(walk, 1.0, (INSIDE, 40001), (INSIDE, 40001), (NAT, 80), (SERVER, 8080))
    report = walk.report()
    (finding,) = report.findings
    assert (finding.values["server"], finding.values["port"], finding.values["count"]) == (SERVER, 8080, 1)
    assert {one.id for one in of_kind(report, "tcp.connection")} <= set(finding.exchanges)


def test_pings_that_stay_without_an_answer_are_counted_once_on_both_sides_of_a_nat():
    walk = Walk()
    for seq in range(1, 9):
        walk.out(seq, ping(INSIDE, SERVER, seq, ip_id=seq), ping(NAT, SERVER, seq, ttl=63, ip_id=seq))
        if seq not in (3, 7):
            near = ping(SERVER, INSIDE, seq, kind=0, ttl=63, ip_id=seq + 90)
            walk.back(seq + 0.1, near, ping(SERVER, NAT, seq, kind=0, ip_id=seq + 90))
    (finding,) = walk.report().findings
    assert (finding.cause, finding.values["src"], finding.values["sent"]) == ("partial-loss", INSIDE, 8)


def test_what_two_nats_translate_one_after_the_other_is_told_and_counted_once():
    server, sides = (SERVER, 80), ((INSIDE, 40000), (NAT, 1025), ("198.51.100.1", 2049))
    files = [
        pcap(
            (1 + 0.001 * step, eth(A, R, 0x800, segment(side, server, 2, 77_777_777, ttl=64 - step, ip_id=3))),
            (1.1, eth(R, A, 0x800, segment(server, side, 20, 0, 77_777_778, ttl=62 + step, ip_id=0))),
        )
        for step, side in enumerate(sides)
    ]
    report = explain.explain(*files)
    inside = [one.fields.inside.src.address for one in of_kind(report, "nat.translation")]
    assert inside == [INSIDE, NAT]
    assert [one.values["count"] for one in report.findings] == [1]
    assert [line.values["client"] for line in report.lines if line.message == "tcp.refused"] == [f"{INSIDE}:40000"]


def test_a_mapping_that_a_nat_forgot_is_told_with_the_new_one_and_blamed_for_the_refusal():
    walk, client, server = Walk(), (INSIDE, 5000), (SERVER, 5060)
    for when, number, port in ((0.0, 1, 6000), (5.0, 2, 6001)):
        said = f"datagram {number}".encode() * 3
        lent = NAT, port
        walk.out(when, datagram(client, server, said, 64, number), datagram(lent, server, said, 63, number))
        said = said[::-1]
        walk.back(when + 0.1, datagram(server, client, said, 63, number), datagram(server, lent, said, 64, number))
    late = datagram(server, (NAT, 6000), b"too late", 64, 9)
    walk.back(4.0, None, late)
    walk.out(4.001, None, ip(NAT, SERVER, 1, icmp(3, 3, 0, late), 64, 77))
    report = walk.report()
    told = [(one.fields.outside.src.port, one.fields.silent_ns) for one in of_kind(report, "nat.translation")]
    assert told == [(6000, None), (6001, 4_899_000_000)]
    assert [line.message for line in report.lines].count("nat.renewed") == 1
    (finding,) = [one for one in report.findings if one.cause == "idle-timeout-in-middlebox"]
    assert (finding.values["case"], finding.values["inside"]) == ("forgotten", f"{INSIDE}:5000")
    assert round(finding.values["pause_ns"], -7) == 3_900_000_000


@pytest.mark.parametrize(("pause_s", "cause"), [(5.0, "idle-timeout-in-middlebox"), (0.2, None)])
def test_a_segment_that_a_nat_passed_on_as_it_was_shows_that_it_had_forgotten_the_connection(pause_s, cause):
    walk, client, lent, server = Walk(), (INSIDE, 40000), (NAT, 40000), (SERVER, 80)
    walk.out(0.0, segment(client, server, 2, 99, ip_id=5), segment(lent, server, 2, 99, ttl=63, ip_id=5))
    walk.back(0.1, segment(server, client, 18, 500, 100, ttl=63), segment(server, lent, 18, 500, 100))
    walk.out(0.2, segment(client, server, 16, 100, 501, ip_id=6), segment(lent, server, 16, 100, 501, ttl=63, ip_id=6))
    as_is = [segment(client, server, 24, 100, 501, b"still there?", ttl, 7) for ttl in (64, 63)]
    walk.out(0.2 + pause_s, *as_is)
    walk.back(0.21 + pause_s, *(segment(server, client, 4, 501, ttl=ttl, ip_id=8) for ttl in (63, 64)))
    report = walk.report()
    (found,) = of_kind(report, "nat.translation")
    assert (found.fields.as_is.frame, round(found.fields.silent_ns, -8)) == (4, int(pause_s * 1e9))
    message = "nat.as-is" if cause else "nat.as-is-soon"
    assert [line.message for line in report.lines].count(message) == 1
    assert (cause in {one.cause for one in report.findings}) == bool(cause)


@pytest.mark.parametrize(
    ("then", "cause", "message"),
    [
        ((NAT, 40001), "idle-timeout-in-middlebox", "nat.renewed"),
        (("203.0.113.2", 40000), "stateful-filter-asymmetric-path", "nat.moved"),
    ],
)
def test_a_connection_that_goes_on_from_other_ends_is_blamed_on_the_nat_and_not_on_the_server(then, cause, message):
    """Source: a router that takes over from another one (VRRP) and does not share its table of connections."""
    walk, client, lent, server = Walk(), (INSIDE, 40000), (NAT, 40000), (SERVER, 80)
    walk.out(0.0, segment(client, server, 2, 99, ip_id=5), segment(lent, server, 2, 99, ttl=63, ip_id=5))
    walk.back(0.1, segment(server, client, 18, 500, 100, ttl=63), segment(server, lent, 18, 500, 100))
    walk.out(0.2, segment(client, server, 16, 100, 501, ip_id=6), segment(lent, server, 16, 100, 501, ttl=63, ip_id=6))
    again = (segment(one, server, 24, 100, 501, b"still there?", ttl, 7) for one, ttl in ((client, 64), (then, 63)))
    walk.out(3.2, *again)
    walk.back(3.21, *(segment(server, one, 4, 501, ttl=ttl, ip_id=8) for one, ttl in ((client, 63), (then, 64))))
    report = walk.report()
    (finding,) = report.findings
    assert (finding.cause, finding.certainty, finding.values["case"]) == (cause, "likely", "renewed")
    assert (finding.values.get("after") == then[0]) == (then[0] != NAT)
    assert [line.message for line in report.lines].count(message) == 1
