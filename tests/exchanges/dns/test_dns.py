from __future__ import annotations

import struct

import pytest
from explained import report
from hypothesis import given
from hypothesis import strategies as st
from packets import A, B, datagram, error, pcap, segment, who_has

import explain
from explain.exchanges.dns import message as dns_message
from explain.exchanges.dns import records
from explain.model import Endpoint

CLIENT, SERVER, OTHER = "192.0.2.1", "192.0.2.53", "192.0.2.54"


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def question(ident, name, kind=1, flags=0x0100):
    return struct.pack(">HHHHHH", ident, flags, 1, 0, 0, 0) + wire(name) + struct.pack(">HH", kind, 1)


def answer(ident, name, *records, kind=1, rcode=0, flags=0x8180):
    """Records as (type, data); their name is a pointer to the question."""
    out = struct.pack(">HHHHHH", ident, flags | rcode, 1, len(records), 0, 0) + wire(name) + struct.pack(">HH", kind, 1)
    for record_kind, data in records:
        out += struct.pack(">HHHIH", 0xC00C, record_kind, 1, 300, len(data)) + data
    return out


def extended(ident, name, low, high):
    """An answer without a record, but for OPT with the upper bits of the response code and a server's cookie."""
    cookie = struct.pack(">HH", 10, 16) + bytes(range(16))
    opt = struct.pack(">BHHBBHH", 0, 41, 1232, high, 0, 0, len(cookie)) + cookie
    message = answer(ident, name, rcode=low) + opt
    return message[:11] + b"\x01" + message[12:]


def ask(message, server=SERVER, port=40000):
    return datagram((CLIENT, port), (server, 53), message)


def tell(message, server=SERVER, port=40000):
    return datagram((server, 53), (CLIENT, port), message, macs=(B, "00:00:5e:00:53:01"))


def lookups(*frames):
    return [one for one in explain.explain(pcap(*frames)).exchanges if one.kind == "dns.lookup"]


def test_a_question_and_its_answer_are_one_look_up():
    (one,) = lookups(ask(question(7, "www.example.com")), tell(answer(7, "www.example.com", (1, b"\xcb\0\x71\x05"))))
    fields = one.fields
    assert (one.outcome, one.frames, fields.client, fields.server) == (
        "answered", ((1, 2),), Endpoint(CLIENT, 40000), Endpoint(SERVER, 53),
    )  # fmt: skip
    assert (fields.name, fields.type, fields.answers, fields.rtt_ns) == (
        "www.example.com", "A", ("203.0.113.5",), 1_000_000,
    )  # fmt: skip


def test_who_answers_look_ups_is_a_name_server_and_an_address_looked_up_is_called_so():
    found = explain.explain(pcap(
        ask(question(7, "www.example.com")), tell(answer(7, "www.example.com", (1, bytes((192, 0, 2, 80))))),
        segment((CLIENT, 5000), ("192.0.2.80", 80), 2), segment(("192.0.2.80", 80), (CLIENT, 5000), 20, macs=(A, B)),
    )).hosts  # fmt: skip
    assert [one.roles for one in found if SERVER in one.addresses] == [("dns-server", "server")]
    assert [one.names for one in found if "192.0.2.80" in one.addresses] == [("www.example.com",)]


@pytest.mark.parametrize(("later_s", "outcomes"), [(0.5, ["answered"]), (20, ["answered", "unanswered"])])
def test_an_answer_recorded_shortly_before_its_question_answers_it(later_s, outcomes):
    said, asked = tell(answer(7, "www.example.test", (1, bytes(4)))), ask(question(7, "www.example.test"))
    found = lookups(said, (later_s, asked))
    assert [one.outcome for one in found] == outcomes
    assert found[0].fields.rtt_ns is None


def test_interleaved_look_ups_are_kept_apart_by_id_and_name():
    found = lookups(
        ask(question(1, "a.example")), ask(question(2, "b.example")),
        tell(answer(2, "b.example", (1, b"\1\2\3\4"))), tell(answer(1, "a.example", rcode=3)),
    )  # fmt: skip
    assert [(one.fields.name, one.outcome, one.frames) for one in found] == [
        ("a.example", "no-such-name", ((1, 1), (4, 4))),
        ("b.example", "answered", ((2, 3),)),
    ]


@pytest.mark.parametrize(("low", "high", "rcode"), [(7, 1, "BADCOOKIE"), (0, 1, "BADVERS"), (0, 255, "4080")])
def test_a_response_code_has_eight_more_bits_in_the_options(low, high, rcode):
    (one,) = lookups(ask(question(7, "a.example")), tell(extended(7, "a.example", low, high)))
    assert (one.outcome, one.fields.rcode) == ("failed", rcode)


@pytest.mark.parametrize("name", ["a.example", ""])
def test_a_question_that_is_asked_again_with_a_cookie_is_no_trouble(name):
    told = explain.explain(pcap(
        ask(question(7, name)), tell(extended(7, name, 7, 1)),
        ask(question(8, name)), tell(answer(8, name, (1, b"\1\2\3\4"))),
        ask(question(9, "b.example")), tell(extended(9, "b.example", 7, 1)),
    ))  # fmt: skip
    (finding,) = told.findings
    assert finding.exchanges == tuple(one.id for one in told.exchanges if one.frames == ((5, 6),))


def test_a_name_that_fills_lines_is_shortened_in_the_verdict():
    name = ".".join(["x" * 60] * 3)
    story = explain.explain(pcap(ask(question(7, name)), tell(answer(7, name, rcode=3)))).story()
    assert f"✗ There is no name {name[:64]}...:" in " ".join(story.split())


def test_a_and_aaaa_with_one_id_are_two_look_ups():
    found = lookups(ask(question(1, "a.example")), ask(question(1, "a.example", kind=28)))
    assert [one.fields.type for one in found] == ["A", "AAAA"]


def test_a_question_repeated_to_the_second_server_is_the_same_look_up():
    (one,) = lookups(
        (0, ask(question(1, "a.example"))), (5, ask(question(1, "a.example"), OTHER)),
        (5.01, tell(answer(1, "a.example", (1, b"\1\2\3\4")), OTHER)),
    )  # fmt: skip
    assert (one.outcome, one.fields.queries, one.fields.servers, one.fields.server.address) == (
        "answered", 2, (SERVER, OTHER), OTHER,
    )  # fmt: skip
    assert one.fields.rtt_ns == 10_000_000


@pytest.mark.parametrize(
    ("rcode", "outcome"),
    [(0, "answered"), (1, "failed"), (2, "failed"), (3, "no-such-name"), (4, "failed"), (5, "refused")],
)
def test_each_response_code_has_its_outcome(rcode, outcome):
    (one,) = lookups(ask(question(1, "a.example")), tell(answer(1, "a.example", rcode=rcode)))
    assert one.outcome == outcome


def test_silence_is_unanswered():
    (one,) = lookups(ask(question(1, "a.example")))
    assert (one.outcome, one.fields.rcode, one.fields.rtt_ns) == ("unanswered", None, None)


@pytest.mark.parametrize(("kinds", "said"), [((2, 2), "says who does"), ((6,), "has no A record"), ((), "has no A")])
def test_a_server_that_names_other_servers_and_no_soa_refers_to_them(kinds, said):
    record = b"\xc0\x0c" + struct.pack(">HIH", 1, 60, 4) + b"\x02ns\x00"
    records = b"".join(record[:2] + struct.pack(">H", kind) + record[2:] for kind in kinds)
    octets = answer(1, "net", flags=0x8000)
    octets = octets[:8] + struct.pack(">H", len(kinds)) + octets[10:] + records
    frames = ask(question(1, "net", flags=0)), tell(octets)
    (lookup,) = lookups(*frames)
    assert lookup.outcome == "answered"
    assert lookup.fields.referred_to == (("ns", "ns") if kinds == (2, 2) else ())
    assert lookup.fields.zone == ("net" if kinds == (2, 2) else None)
    assert said in " ".join(report(*frames).story().split())


@pytest.mark.parametrize(
    ("asked", "told", "is_failure"),
    [
        (0x0100, 0x8100, True),
        (0x0100, 0x8180, False),
        (0, 0x8000, False),
        (0x0100, 0x8500, False),
        (0x0120, 0x8100, False),
    ],
    ids=["wanted", "offered", "not-wanted", "authority", "dig"],
)
def test_a_referral_is_no_answer_to_who_wants_the_server_to_find_it_out(asked, told, is_failure):
    octets = answer(1, "www.net", flags=told) + b"\xc0\x10" + struct.pack(">HHIH", 2, 1, 60, 4) + wire("ns")
    octets = octets[:8] + b"\0\1" + octets[10:]
    found = report(ask(question(1, "www.net", flags=asked)), tell(octets))
    assert [one.values["case"] for one in found.findings] == ["refers"] * is_failure
    assert ("it does not offer that" in " ".join(found.story().split())) == is_failure


@pytest.mark.parametrize(("name", "case"), [("www.net", "lame"), ("www.internet", "refused")])
def test_a_server_that_refuses_the_zone_that_another_one_delegates_to_it_is_lame(name, case):
    referral = answer(1, "www.net", flags=0x8000) + b"\xc0\x10" + struct.pack(">HHIH", 2, 1, 60, 4) + wire("ns")
    first = ask(question(1, "www.net", flags=0)), tell(referral[:8] + b"\0\1" + referral[10:])
    asked = question(2, name, flags=0)
    second = (
        ask(asked, server=OTHER, port=40001),
        tell(answer(2, name, rcode=5, flags=0x8000), server=OTHER, port=40001),
    )
    (one,) = report(*first, *second).findings
    assert (one.values["case"], one.values["server"]) == (case, OTHER)
    assert one.values.get("zone") == ("net" if case == "lame" else None)


def test_an_alias_is_followed():
    chain = (5, wire("web.example")), (1, b"\1\2\3\4")
    (one,) = lookups(ask(question(1, "www.example")), tell(answer(1, "www.example", *chain)))
    assert (one.fields.aliases, one.fields.answers) == (("web.example",), ("web.example", "1.2.3.4"))


def test_a_truncated_answer_goes_on_over_tcp_as_the_same_look_up():
    whole = answer(1, "a.example", (16, b"\x03abc"), kind=16)
    (one,) = lookups(
        ask(question(1, "a.example", kind=16)), tell(answer(1, "a.example", kind=16, flags=0x8380)),
        segment((CLIENT, 40001), (SERVER, 53), 24, seq=1, ack=1, data=b"\0\x1b" + question(1, "a.example", kind=16)),
        segment((SERVER, 53), (CLIENT, 40001), 24, seq=1, ack=1, data=struct.pack(">H", len(whole)) + whole),
    )  # fmt: skip
    assert (one.outcome, one.fields.is_truncated, one.fields.over_tcp, one.fields.answers) == (
        "answered", True, True, ("abc",),
    )  # fmt: skip


def test_a_question_that_goes_over_tcp_with_a_new_id_belongs_to_the_answer_that_was_cut():
    def again(ident: int, port: int) -> list[bytes]:
        whole = answer(ident, "a.example", (16, b"\x03abc"), kind=16)
        asked = question(ident, "a.example", kind=16)
        return [
            segment((CLIENT, port), (SERVER, 53), 24, seq=1, ack=1, data=struct.pack(">H", len(asked)) + asked),
            segment((SERVER, 53), (CLIENT, port), 24, seq=1, ack=1, data=struct.pack(">H", len(whole)) + whole),
        ]

    def cut(ident: int, port: int) -> list[bytes]:
        said = answer(ident, "a.example", kind=16, flags=0x8380)
        return [ask(question(ident, "a.example", kind=16), port=port), tell(said, port=port)]

    both = lookups(*cut(1, 40000), *cut(2, 40001), *again(11, 41000), *again(12, 41001), *again(13, 41002))
    assert [(one.fields.is_truncated, one.fields.over_tcp, one.fields.answers) for one in both] == [
        (True, True, ("abc",)), (True, True, ("abc",)), (False, True, ("abc",)),
    ]  # fmt: skip


def test_an_answer_whose_question_was_not_recorded_is_still_told():
    (one,) = lookups(tell(answer(1, "a.example", (1, b"\1\2\3\4"))))
    assert (one.outcome, one.fields.queries, one.fields.client) == ("answered", 0, Endpoint(CLIENT, 40000))


def test_upper_and_lower_case_are_the_same_name():
    (one,) = lookups(ask(question(1, "WwW.ExAmple")), tell(answer(1, "www.example", (1, b"\1\2\3\4"))))
    assert one.outcome == "answered"


def test_multicast_dns_is_no_look_up_of_a_server():
    assert lookups(datagram((CLIENT, 5353), ("224.0.0.251", 5353), question(0, "host.local"))) == []


def test_a_name_that_points_at_itself_ends():
    looping = struct.pack(">HHHHHH", 1, 0x8180, 1, 1, 0, 0) + wire("a") + b"\0\1\0\1" + b"\xc0\x13" + b"\0" * 12
    assert records.answers(looping) == ()


def test_control_characters_in_a_name_are_spelled_out():
    assert dns_message.wire_text(b"\x05\x1b[31m\x02a.\0") == "\\027[31m.a\\."


@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused_but_never_crash(message):
    dns_message.heads([message]).one(0)
    records.answers(message)


@given(st.lists(st.binary(min_size=1, max_size=63), max_size=4))
def test_a_name_reads_the_same_in_the_question_and_by_pointer(labels):
    raw = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    message = b"\0" * 12 + raw + b"\xc0\x0c"
    if len(raw) <= 255:
        assert dns_message.name_at(message, 12) == (dns_message.wire_text(raw), 12 + len(raw))
        assert dns_message.name_at(message, 12 + len(raw))[0] == dns_message.wire_text(raw)


def causes(*frames):
    return [(one.cause, one.values.get("clients")) for one in explain.explain(pcap(*frames)).findings]


def asks_from(client, ident, name, when):
    return (when, datagram((client, 40000 + ident), (SERVER, 53), question(ident, name)))


def test_a_server_that_answers_nobody_is_one_finding_for_all_its_clients():
    asked = [asks_from(f"192.0.2.{number}", number, "a.example", float(number)) for number in (1, 2, 3)]
    assert causes(*asked, asks_from("192.0.2.1", 9, "b.example", 9.0)) == [("dns-server-unreachable", 3)]


def test_a_server_that_answers_other_questions_can_be_reached():
    frames = [
        (0.0, ask(question(1, "www.example"))), (0.1, tell(answer(1, "www.example", (1, b"\1\2\3\4")))),
        (0.2, ask(question(2, "_sip.example", 33))), (1.2, ask(question(2, "_sip.example", 33))),
        (9.0, ask(question(3, "www.example"))), (9.1, tell(answer(3, "www.example", (1, b"\1\2\3\4")))),
    ]  # fmt: skip
    assert causes(*frames) == [("dns-lookup-unanswered", 1)]


def test_a_capture_that_ends_right_after_a_question_proves_little():
    served = [(0.0, ask(question(1, "www.example"))), (0.1, tell(answer(1, "www.example", (1, b"\1\2\3\4"))))]
    last = (9.0, ask(question(2, "mail.example")))
    assert causes(*served, last) == []
    assert causes(*served, last, (10.5, who_has((A, CLIENT), "192.0.2.9"))) != []
    several = [(number / 100, ask(question(number, f"{number}.example"), port=4000 + number)) for number in range(5)]
    (hasty,), (patient,) = (
        explain.explain(pcap(*asked)).findings for asked in (several, [*several, (5.0, several[0][1])])
    )
    assert (hasty.certainty, patient.certainty) == ("possible", "likely")


@pytest.mark.parametrize("name", ["b._dns-sd._udp.example", "wpad.example", "1.2.0.192.in-addr.arpa"])
def test_what_hosts_look_for_by_habit_need_not_exist(name):
    assert causes(ask(question(1, name)), tell(answer(1, name, rcode=3))) == []


@pytest.mark.parametrize(("name", "expected"), [("local", []), ("www.example", ["name-does-not-exist"])])
def test_an_asker_by_habit_may_have_gone_when_the_answer_comes(name, expected):
    said = tell(answer(1, name, rcode=3))
    found = causes(ask(question(1, name)), said, error(CLIENT, 3, 3, said, macs=(A, B)))
    assert [cause for cause, _ in found] == expected


def findings(*frames):
    return [(one.cause, one.certainty) for one in report(*frames).findings]


def refusals(*names):
    """A search list at work: each name is asked for at once after the refusal of the one before."""
    frames = []
    for number, name in enumerate(names):
        frames += [ask(question(number, name)), tell(answer(number, name, rcode=3))]
    return frames


def test_the_names_of_a_search_list_are_one_finding_about_the_short_name():
    found = report(*refusals("db.lab.corp.example", "db.corp.example", "db"))
    (one,) = found.findings
    assert (one.cause, one.values["name"], one.values["count"]) == ("name-does-not-exist", "db", 3)
    assert "db.lab.corp.example, db.corp.example, db" in " ".join(found.story("en").split())


@pytest.mark.parametrize(("rcode", "said"), [(5, "REFUSED"), (2, "SERVFAIL")])
def test_a_search_list_whose_last_name_the_server_does_not_look_up_is_one_finding(rcode, said):
    last = [ask(question(9, "db")), tell(answer(9, "db", rcode=rcode))]
    found = report(*refusals("db.lab.corp.example", "db.corp.example"), *last)
    (one,) = found.findings
    assert (one.cause, one.certainty, one.rivals) == ("name-does-not-exist", "likely", ("dns-server-unreachable",))
    assert (one.values["tried"][-1], found.unexplained) == ("db", ())
    assert f"says {said}" in " ".join(found.story("en").split())


def test_a_search_list_that_finds_the_name_at_last_is_healthy():
    found = [ask(question(9, "db.corp.example")), tell(answer(9, "db.corp.example", (1, b"\1\2\3\4")))]
    assert findings(*refusals("db.x.lab.corp.example", "db.lab.corp.example"), *found) == []


def tried(ident, name, kind, *records, rcode=0):
    return [ask(question(ident, name, kind)), tell(answer(ident, name, *records, kind=kind, rcode=rcode))]


V4, V6, ADDRESS = 1, 28, (1, b"\1\2\3\4")


def test_a_search_through_the_whole_list_for_one_type_of_address_may_find_nothing_where_the_other_is_found():
    """As ``getent hosts`` does."""
    six = tried(1, "db.a.example", V6, rcode=3) + tried(2, "db.b.example", V6) + tried(3, "db", V6, rcode=5)
    four = tried(4, "db.a.example", V4, rcode=3) + tried(5, "db.b.example", V4, ADDRESS)
    assert findings(*six, *four) == []


def test_a_name_that_one_type_denies_and_the_other_gives_is_a_contradiction_in_a_search_too():
    six = tried(1, "db.a.example", V6, rcode=3) + tried(2, "db.b.example", V6, rcode=3)
    four = tried(4, "db.a.example", V4, rcode=3) + tried(5, "db.b.example", V4, ADDRESS)
    assert findings(*six, *four) == [("dns-answer-malformed", "proved")]


@pytest.mark.parametrize("last", [3, 5])
def test_a_search_list_for_both_types_of_address_is_one_finding(last):
    both = [
        frame
        for number, name, rcode in ((1, "db.a.example", 3), (3, "db", last))
        for pair in zip(tried(number, name, V4, rcode=rcode), tried(number + 1, name, V6, rcode=rcode), strict=True)
        for frame in pair
    ]
    (one,) = report(*both).findings
    assert (one.values["tried"], one.values["count"]) == (("db.a.example", "db"), 4)


def test_a_name_that_the_server_looked_up_in_vain_after_it_had_refused_one_was_not_refused_last():
    refused_first = tried(1, "db", V4, rcode=5) + tried(2, "db.a.example", V4, rcode=3)
    assert sorted(findings(*refused_first)) == [("dns-server-unreachable", "likely"), ("name-does-not-exist", "proved")]


def test_another_name_a_moment_later_does_not_excuse_the_one_that_is_missing():
    later = [(1, ask(question(9, "db.corp.example"))), tell(answer(9, "db.corp.example", (1, b"\1\2\3\4")))]
    other = [ask(question(9, "ftp.corp.example")), tell(answer(9, "ftp.corp.example", (1, b"\1\2\3\4")))]
    for frames in (later, other):
        assert findings(*refusals("db.lab.corp.example"), *frames) == [("name-does-not-exist", "proved")]


def test_a_search_list_goes_on_later_where_the_first_server_is_sought_in_vain_by_arp():
    later = [(1.2, ask(question(9, "db.corp.example"))), tell(answer(9, "db.corp.example", (1, b"\1\2\3\4")))]
    sought = [(second, who_has(("00:00:5e:00:53:01", CLIENT), OTHER)) for second in (0.1, 1.1)]
    causes = [cause for cause, _ in findings(*refusals("db.lab.corp.example"), *sought, *later)]
    assert causes == ["destination-host-absent-on-link"]


def slow(*names):
    """The first server is silent, the second one is asked five seconds later."""
    frames = []
    for number, name in enumerate(names):
        asked, start = question(number, name), 10 * number
        told = answer(number, name, (1, b"\1\2\3\4"))
        frames += [(start, ask(asked)), (start + 5, ask(asked, OTHER)), (start + 5.002, tell(told, OTHER))]
    return frames


def test_a_first_server_that_is_always_silent_is_a_finding_although_every_name_is_found():
    found = report(*slow("a.example", "b.example"))
    (one,) = found.findings
    assert (one.cause, one.certainty, one.values["server"]) == ("dns-server-unreachable", "likely", SERVER)
    assert found.unexplained == ()
    first = next(one for one in found.exchanges if one.kind == "dns.lookup")
    assert (first.outcome, first.fields.servers) == ("answered", (SERVER, OTHER))
    assert first.fields.silent_servers == (SERVER,)
    assert (first.fields.elapsed_ns, first.fields.rtt_ns) == (5_002_000_000, 2_000_000)
    assert "192.0.2.1 asked the DNS server 192.0.2.53 for the A record of a.example" in " ".join(
        found.story("en").split()
    )


def test_a_first_server_that_was_silent_once_may_have_lost_a_packet():
    assert findings(*slow("a.example")) == [("dns-server-unreachable", "possible")]
    heals = [(30, ask(question(9, "c.example"))), tell(answer(9, "c.example", (1, b"\1\2\3\4")))]
    assert findings(*slow("a.example"), *heals) == []


def test_two_servers_that_are_asked_at_once_are_both_in_time():
    both = [ask(question(1, "a.example")), ask(question(1, "a.example"), OTHER)]
    told = answer(1, "a.example", (1, b"\1\2\3\4"))
    assert findings(*both, tell(told, OTHER), tell(told)) == []


def test_the_connection_that_uses_an_answer_is_named():
    syn = segment((CLIENT, 50000), ("1.2.3.4", 443), 2)
    (one,) = lookups(ask(question(1, "a.example")), tell(answer(1, "a.example", (1, b"\1\2\3\4"))), syn)
    assert (one.fields.used_by.protocol, one.fields.used_by.port, one.fields.used_by.frame) == ("tcp", 443, 3)


@pytest.mark.parametrize(("flags", "said"), [(2, "then opened a connection to"), (16, "was not recorded")])
def test_a_connection_whose_beginning_was_not_recorded_is_not_said_to_open(flags, said):
    asked = ask(question(1, "a.example")), tell(answer(1, "a.example", (1, b"\1\2\3\4")))
    story = explain.explain(
        pcap(*asked, segment((CLIENT, 50000), ("1.2.3.4", 443), flags, data=b"x" * (flags & 16)))
    ).story()
    assert said in " ".join(story.split()).split("With this address ")[1]


def test_a_connection_that_began_before_the_answer_does_not_use_it():
    syn = segment((CLIENT, 50000), ("1.2.3.4", 443), 2)
    (one,) = lookups(syn, ask(question(1, "a.example")), tell(answer(1, "a.example", (1, b"\1\2\3\4"))), syn)
    assert one.fields.used_by is None


def test_a_truncated_answer_alone_says_nothing_about_the_records():
    text = report(ask(question(1, "a.example")), tell(answer(1, "a.example", flags=0x8380))).story("en")
    assert "The whole answer is not in this capture" in text
    assert "has no A record" not in text


def test_an_alias_that_leads_to_no_record_of_the_wanted_type_is_told_so():
    frames = ask(question(1, "www.example", 28)), tell(answer(1, "www.example", (5, wire("web.example")), kind=28))
    (line,) = [one for one in explain.explain(pcap(*frames)).lines if one.message == "dns.alias-empty-in"]
    assert (line.values["chain"], line.values["type"]) == ("www.example -> web.example", "AAAA")


def strings(*texts):
    return b"".join(bytes([len(text)]) + text.encode() for text in texts)


SOA = wire("ns.example") + wire("admin.example") + struct.pack(">5I", 7, 3600, 900, 604800, 60)
PARAMETERS = struct.pack(">HH", 1, 6) + strings("h3", "h2") + struct.pack(">HHH", 3, 2, 8443)
PARAMETERS += struct.pack(">HH", 4, 4) + bytes((192, 0, 2, 80))


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (6, SOA, "ns.example admin.example 7 3600 900 604800 60"),
        (13, strings("PC", "Linux"), '"PC" "Linux"'),
        (16, strings("v=spf1 include:spf.example -all"), "v=spf1 include:spf.example -all"),
        (16, strings("k=rsa; p=AAA", "BBB"), '"k=rsa; p=AAA" "BBB"'),
        (16, b"\x05ab", "TXT of 3 octets"),
        (35, struct.pack(">HH", 10, 100) + strings("S", "SIP+D2U", "") + wire("sip.example"),
         '10 100 "S" "SIP+D2U" "" sip.example'),
        (47, wire("b.example") + b"\0\x04\x40\0\0\x08", "b.example A AAAA"),
        (65, struct.pack(">H", 1) + wire("") + PARAMETERS, "1 . alpn=h3,h2 port=8443 ipv4hint=192.0.2.80"),
        (65, struct.pack(">H", 0) + wire("web.example"), "0 web.example"),
        (256, struct.pack(">HH", 10, 1) + b"https://a.example/", '10 1 "https://a.example/"'),
        (257, b"\0\x05issueca.example", '0 issue "ca.example"'),
        (257, b"\0\x09issue", "CAA of 7 octets"),
    ],
)  # fmt: skip
def test_the_data_of_a_record_is_told_as_people_write_it(kind, data, said):
    (one,) = lookups(ask(question(1, "a.example", kind)), tell(answer(1, "a.example", (kind, data), kind=kind)))
    assert one.fields.answers == (said,)


@pytest.mark.parametrize(("flags", "said"), [(0x8180, "the last has no A record"), (0x8400, "It does not say whether")])
def test_a_server_that_looks_nothing_up_does_not_say_that_the_end_of_an_alias_has_no_record(flags, said):
    frames = ask(question(1, "a.example")), tell(answer(1, "a.example", (5, wire("b.test")), flags=flags))
    assert said in " ".join(report(*frames).story().split())


def test_an_alias_that_is_asked_for_is_the_answer():
    frames = ask(question(1, "a.example", 5)), tell(answer(1, "a.example", (5, wire("b.test")), kind=5))
    assert "answered after 1 ms: b.test." in report(*frames).story()


def test_a_name_that_is_made_of_another_does_not_stand_among_the_addresses():
    records_told = (39, wire("new.test")), (5, wire("a.new.test")), (1, bytes((192, 0, 2, 9)))
    frames = ask(question(1, "a.old.test")), tell(answer(1, "a.old.test", *records_told))
    assert "and at the end 192.0.2.9." in " ".join(report(*frames).story().split())


@pytest.mark.parametrize(
    ("name", "address"),
    [("9.2.0.192.in-addr.arpa", "192.0.2.9"), ("1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa", "2001:db8::1")],
)
def test_a_question_for_the_name_of_an_address_shows_the_address(name, address):
    story = " ".join(report(ask(question(1, name, 12))).story().split())
    assert f"which name the address {address} has" in story
    assert "people use names" not in story


def test_a_copy_of_a_zone_is_told_by_its_size():
    told = [(6, SOA), (1, bytes(4)), (6, SOA)]
    frames = ask(question(1, "example", 252)), tell(answer(1, "example", *told, kind=252))
    assert "with 3 records of the zone" in " ".join(report(*frames).story().split())


def over_tcp(*, is_confirmed):
    """A connection that carries one question, which the server's host may confirm, and no answer."""
    at, to = (CLIENT, 41000), (SERVER, 53)
    asked = question(1, "www.example")
    sent = struct.pack(">H", len(asked)) + asked
    back = (B, A)
    frames = [
        segment(at, to, 2, seq=100), segment(to, at, 18, seq=900, ack=101, macs=back),
        segment(at, to, 16, seq=101, ack=901), segment(at, to, 24, seq=101, ack=901, data=sent),
    ]  # fmt: skip
    if is_confirmed:
        frames.append(segment(to, at, 16, seq=901, ack=101 + len(sent), macs=back))
    return [*frames, (3, segment(at, to, 17, seq=101 + len(sent), ack=901))]


def test_a_question_that_arrived_over_tcp_and_has_no_answer_is_the_programs_silence_and_told_once():
    found = explain.explain(pcap(*over_tcp(is_confirmed=True))).findings
    assert [(one.cause, one.values.get("case"), one.rivals) for one in found] == [
        ("dns-server-unreachable", "taken", ("tcp-application-hangs", "server-slow", "filter-on-target-output")),
    ]  # fmt: skip


def test_a_question_over_tcp_that_nobody_confirms_may_have_been_lost():
    (found,) = explain.explain(pcap(*over_tcp(is_confirmed=False))).findings
    assert "partial-loss" in found.rivals


@pytest.mark.parametrize("goes_on", [True, False])
def test_an_answer_over_tcp_that_goes_on_in_a_later_segment_says_how_many_records_stand_there(goes_on):
    asked = question(1, "a.example", kind=16)
    whole = answer(1, "a.example", *[(16, b"\x03abc")] * 4, kind=16)
    sent, to, at = struct.pack(">H", len(whole)) + whole, (SERVER, 53), (CLIENT, 40001)
    cut = len(sent) - (20 if goes_on else 0)
    frames = [
        segment(at, to, 24, seq=1, ack=1, data=struct.pack(">H", len(asked)) + asked),
        segment(to, at, 24, seq=1, ack=1, data=sent[:cut]),
    ]  # fmt: skip
    (one,) = lookups(*frames)
    assert one.fields.unseen + len(one.fields.answers) == 4
    assert (one.fields.unseen > 0, "not in this capture" in report(*frames).story()) == (goes_on, goes_on)


def in_segments(asked, told, *, lost=()):
    """A connection from its SYN on: the segments of a client, then those of its server without the ``lost`` ones."""
    at, to, seq, ack = (CLIENT, 41000), (SERVER, 53), 101, 901
    frames = [segment(at, to, 2, seq=100), segment(to, at, 18, seq=900, ack=101, macs=(B, A))]
    for data in asked:
        frames.append(segment(at, to, 24, seq=seq, ack=ack, data=data))
        seq += len(data)
    for number, data in enumerate(told):
        if number not in lost:
            frames.append(segment(to, at, 24, seq=ack, ack=seq, data=data, macs=(B, A)))
        ack += len(data)
    return [*frames, (3, segment(at, to, 16, seq=seq, ack=ack))]


def with_length(message):
    return struct.pack(">H", len(message)) + message


def in_pieces(octets, size):
    return [octets[at : at + size] for at in range(0, len(octets), size)]


ASKED = question(1, "www.example")
LONG = answer(1, "www.example", *[(1, bytes((192, 0, 2, number))) for number in range(60)])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 5000])
def test_a_message_over_tcp_may_be_cut_anywhere(size):
    told = in_pieces(with_length(LONG), size if size > 2 else 700)
    (one,) = lookups(*in_segments(in_pieces(with_length(ASKED), size), told))
    assert (one.outcome, one.fields.queries, len(one.fields.answers), one.fields.unseen) == ("answered", 1, 60, 0)


def test_messages_over_tcp_that_share_a_segment_are_all_read():
    asked = with_length(ASKED) + with_length(question(2, "b.example"))
    told = with_length(answer(2, "b.example", (1, bytes(4)))) + with_length(answer(1, "www.example", (1, bytes(4))))
    both = lookups(*in_segments([asked], [told]))
    assert sorted((one.fields.name, one.outcome) for one in both) == [
        ("b.example", "answered"), ("www.example", "answered"),
    ]  # fmt: skip


def test_a_question_that_stands_in_one_segment_twice_was_not_repeated_for_want_of_an_answer():
    told = " ".join(report(*in_segments([with_length(ASKED) * 2], [with_length(LONG)])).story().split())
    assert "The same question was sent 2 times" in told
    assert "asked again" not in told


def test_a_segment_of_dns_that_comes_again_asks_nothing_again():
    frames = in_segments([with_length(ASKED)], [with_length(LONG)])
    (one,) = lookups(*frames[:3], frames[2], *frames[3:])
    assert one.fields.queries == 1


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_hole_in_an_answer_over_tcp_lacks_what_stands_in_it_and_behind_it(lost):
    frames = in_segments([with_length(ASKED)], in_pieces(with_length(LONG), 300), lost=[lost])
    (one,) = lookups(*frames)
    assert one.outcome == "answered"
    assert 0 < one.fields.unseen == 60 - len(one.fields.answers)
    assert not report(*frames).findings


def test_what_follows_a_hole_is_found_again():
    second = with_length(answer(2, "b.example", (1, bytes((192, 0, 2, 1)))))
    told = [*in_pieces(with_length(LONG), 300), second]
    asked = [with_length(ASKED), with_length(question(2, "b.example"))]
    both = lookups(*in_segments(asked, told, lost=[1]))
    assert [one.outcome for one in both] == ["answered", "answered"]
    assert both[1].fields.answers == ("192.0.2.1",)


@pytest.mark.parametrize("lost", [[0], [0, 1], [0, 1, 2, 3]])
def test_a_server_whose_answer_begins_in_a_hole_is_not_silent(lost):
    frames = in_segments([with_length(ASKED)], in_pieces(with_length(LONG), 300), lost=lost)
    found = report(*frames)
    assert (list(found.findings), found.unexplained) == ([], ())
    assert "the segment in which its answer begins is not in this capture" in " ".join(found.story().split())


def test_a_server_whose_answer_lies_in_a_hole_before_another_one_is_not_silent():
    second = with_length(answer(2, "b.example", (1, bytes((192, 0, 2, 1)))))
    asked = [with_length(ASKED), with_length(question(2, "b.example"))]
    found = report(*in_segments(asked, [*in_pieces(with_length(LONG), 300), second], lost=[0, 1, 2, 3]))
    assert (list(found.findings), found.unexplained) == ([], ())


def test_an_answer_over_tcp_whose_question_lies_in_a_hole_is_not_taken_for_that_of_another_question():
    """The same name was asked for twice; the recording lacks the first answer and the second question."""
    second = with_length(answer(2, "www.example", (1, bytes((192, 0, 2, 1)))))
    frames = in_segments([with_length(ASKED), with_length(question(2, "www.example"))], [with_length(LONG), second])
    found = report(*frames[:3], *frames[5:])
    assert (list(found.findings), found.unexplained) == ([], ())


def test_the_copy_of_a_zone_counts_the_records_of_all_its_messages():
    told = [with_length(answer(1, "example", *[(1, bytes(4))] * 5, kind=252))] * 3
    frames = in_segments([with_length(question(1, "example", 252))], told)
    assert "with 15 records of the zone" in " ".join(report(*frames).story().split())


def test_the_root_is_told_by_its_name():
    message = struct.pack(">6H", 1, 0x100, 1, 0, 0, 0) + b"\0" + struct.pack(">HH", 2, 1)
    assert "for the NS record of the root (.)." in " ".join(report(ask(message)).story().split())


def with_reason(message, code, text=b""):
    """An answer with an extended error behind it (RFC 8914, 2)."""
    said = struct.pack(">HHH", 15, 2 + len(text), code) + text
    opt = struct.pack(">BHHIH", 0, 41, 1232, 0, len(said)) + said
    return message[:11] + b"\1" + message[12:] + opt


def test_what_the_server_says_of_its_failure_stands_in_the_verdict():
    failed = with_reason(answer(7, "a.test", rcode=2), 6, b"no valid signature")
    found = explain.explain(pcap(ask(question(7, "a.test")), tell(failed)))
    (finding,) = found.findings
    assert (finding.cause, finding.values["case"]) == ("dns-server-unreachable", "failed-told")
    assert finding.values["reasons"] == ('DNSSEC Bogus: "no valid signature"',)
    assert "(extended error): DNSSEC Bogus" in " ".join(found.story().split())


@pytest.mark.parametrize(
    ("code", "cause"), [(15, "dns-server-unreachable"), (17, "dns-server-unreachable"), (3, "name-does-not-exist")]
)
def test_a_name_that_the_server_says_it_blocks_is_not_called_absent(code, cause):
    denied = with_reason(answer(7, "a.test", rcode=3), code)
    assert causes(ask(question(7, "a.test")), tell(denied)) == [(cause, 1)]


def test_an_answer_may_carry_a_reason_too():
    stale = with_reason(answer(7, "a.test", (1, b"\xcb\0\x71\x05")), 3)
    (one,) = lookups(ask(question(7, "a.test")), tell(stale))
    assert (one.outcome, one.fields.reasons) == ("answered", ("Stale Answer",))


def test_an_option_that_runs_out_of_the_message_gives_no_reason():
    broken = with_reason(answer(7, "a.test", rcode=2), 6)[:-1]
    (one,) = lookups(ask(question(7, "a.test")), tell(broken))
    assert one.fields.reasons == ()


def test_of_an_alias_without_an_end_the_end_does_not_exist():
    denied = answer(7, "www.test", (5, wire("gone.test")), rcode=3)
    (finding,) = explain.explain(pcap(ask(question(7, "www.test")), tell(denied))).findings
    assert (finding.cause, finding.values["case"], finding.values["last"]) == (
        "name-does-not-exist",
        "alias",
        "gone.test",
    )


@pytest.mark.parametrize("rcode", ["FORMERR", "NOTIMP"])
def test_a_server_that_does_not_take_the_form_is_not_said_to_fail_behind(rcode):
    said = answer(7, "a.test", rcode={"FORMERR": 1, "NOTIMP": 4}[rcode])
    (finding,) = explain.explain(pcap(ask(question(7, "a.test")), tell(said))).findings
    assert (finding.values["case"], finding.values["rcode"]) == ("otherwise", rcode)


@pytest.mark.parametrize("opt", [b"", struct.pack(">BHHIH", 0, 41, 1232, 0, 0)])
def test_a_response_that_repeats_no_question_answers_the_one_with_its_id(opt):
    bare = struct.pack(">HHHHHH", 7, 0x8184, 0, 0, 0, len(opt) and 1) + opt
    found = explain.explain(pcap(ask(question(7, "a.test")), tell(bare)))
    (one,) = [one for one in found.exchanges if one.kind == "dns.lookup"]
    assert (one.outcome, one.fields.rcode, one.frames) == ("failed", "NOTIMP", ((1, 2),))
    assert "no DNS message" not in found.story()


def test_on_one_host_question_and_answer_are_told_apart_by_their_ports():
    asked = datagram(("127.0.0.1", 40000), ("127.0.0.1", 53), question(7, "a.example"))
    told = datagram(("127.0.0.1", 53), ("127.0.0.1", 40000), answer(7, "a.example", (1, bytes((192, 0, 2, 9)))))
    story = explain.explain(pcap(asked, told)).story()
    assert "\n        1  127.0.0.1 asked" in story
    assert "\n        2  127.0.0.1 answered" in story
