"""What a rubric may ask for, asked of recordings of real machines."""

from __future__ import annotations

import struct

import pytest
from dhcp_packets import ACK, ADDRESS, DECLINE, DISCOVER, INFORM, RELEASE, SERVER, answers, asks
from grading_scenes import mark, rubric_file
from packets import A, arp, segment
from surroundings import TOP

from explain.grade.events.table import EVENTS
from explain.grade.events.vocabulary import all_names, fields_of
from explain.grade.marking.telling import thing
from explain.grade.rubric.reading import load
from explain.grade.running.grading import grade_files
from explain.words import table

RECORDED = {
    "arp.request": "router", "arp.reply": "router", "icmp.echo": "router", "icmp.unreachable": "no-route-on-router",
    "icmp.time_exceeded": "traceroute", "icmp.redirect": "icmp-redirect", "tcp.handshake": "http",
    "tcp.refused": "tcp-refused", "tcp.close": "http", "tcp.reset": "tcp-refused",
    "tcp.retransmission": "dnat-to-absent-host", "tcp.stream": "http", "tcp.segment": "http",
    "udp.exchange": "dns", "dhcp.dora": "dhcp",
    "dhcp.discover": "dhcp", "dhcp.offer": "dhcp", "dhcp.request": "dhcp", "dhcp.ack": "dhcp",
    "dhcp.nak": "dhcp-request-wrong-subnet", "dns.query": "dns", "dns.answer": "dns",
    "dns.nxdomain": "name-does-not-exist", "nat.translation": "nat-tcp", "nat.port_rewrite": "dnat-port",
    "traceroute.hop": "traceroute", "ip.packet": "router", "tcp.*": "http", "icmp.*": "router", "dhcp.*": "dhcp",
}  # fmt: skip
MADE = {
    "arp.gratuitous": (arp(1, (A, "192.0.2.1"), ("00:00:00:00:00:00", "192.0.2.1")),),
    "dhcp.release": (asks(RELEASE, (54, SERVER), source=ADDRESS, target=SERVER, ciaddr=ADDRESS),),
    "dhcp.decline": (asks(DECLINE, (54, SERVER), (50, ADDRESS)),),
    "dhcp.inform": (asks(INFORM, source=ADDRESS, ciaddr=ADDRESS), answers(ACK)),
}


def over(folder, case, text, **more):
    """The verdicts over what a lab of ours recorded."""
    rubric, complaints = load(str(rubric_file(folder, text)))
    assert complaints == []
    graded = grade_files(rubric, "x", {"h1": TOP / "pcaps" / case / "capture.pcapng"}, None, more.get("roster", {}))
    return {one.id: one for one in graded.checks}


def test_every_event_is_asked_for_here():
    assert set(EVENTS) <= {*RECORDED, *MADE}


@pytest.mark.parametrize("name", ["ndp.router", "ndp.resolution", "ndp.duplicate-check", "http.request"])
def test_every_meaning_of_a_field_is_that_of_a_field_which_is_there(name):
    meant = {field.replace("-", "."): words for field, words in table("grade_fields")[name.replace(".", "-")].items()}
    assert meant.items() <= {field: {"en": text, "ja": fields_of(name, "ja")[field]}
                             for field, text in fields_of(name).items()}.items()  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_has_the_event_that_it_was_made_for(tmp_path, name):
    text = f'[[check]]\nid = "a"\npoints = 1\nexpect = "{name}"\n'
    other = "dhcp" if not name.startswith(("dhcp", "arp", "udp", "ip.", "icmp.")) else "tcp-bound-to-loopback"
    told = over(tmp_path, RECORDED[name], text)["a"]
    assert (told.verdict, bool(told.evidence)) == ("met", True)
    if name not in ("arp.request", "arp.reply", "ip.packet"):
        assert over(tmp_path, other, text)["a"].verdict == "not-met"


@pytest.mark.parametrize("name", MADE)
def test_what_no_lab_of_ours_records_is_found_in_frames_made_by_hand(tmp_path, name):
    text = f'[[check]]\nid = "a"\npoints = 1\nexpect = "{name}"\n'
    assert mark(tmp_path, text, *MADE[name])[0]["a"].verdict == "met"
    assert mark(tmp_path, text, asks(DISCOVER))[0]["a"].verdict == "not-met"


@pytest.mark.parametrize(
    ("field", "test", "verdict"),
    [
        ("server.port", "80", "met"), ("server.port", "81", "not-met"), ("server.port", '"80"', "met"),
        ("server.port", "{ in = [22, 80] }", "met"), ("server.port", "{ not_in = [22, 80] }", "not-met"),
        ("server.port", "{ min = 80, max = 80 }", "met"), ("server.port", "{ min = 81 }", "not-met"),
        ("server.port", "{ not = 81 }", "met"), ("server.port", "{ exists = true }", "met"),
        ("server.ip", '"network(SERVER/24)"', "met"), ("server.ip", '{ network = "203.0.113.0/24" }', "not-met"),
        ("server.ip", '{ in = "SERVER/24" }', "met"), ("server.ip", '"any"', "met"),
        ("server.ip", '"zero"', "not-met"), ("client.text", '{ contains = "GET /" }', "met"),
        ("client.text", '{ regex = "^GET /[^ ]* HTTP/1" }', "met"), ("client.text", '{ regex = "^POST" }', "not-met"),
        ("client.bytes", "{ min = 1 }", "met"),
    ],
)  # fmt: skip
def test_each_test_of_a_field_holds_where_it_should(tmp_path, field, test, verdict):
    base = '[[check]]\nid = "a"\npoints = 1\nexpect = "tcp.stream"\nas = "s"\npass = "{s.server.ip}:{s.server.port}"\n'
    server, _, port = over(tmp_path, "http", base)["a"].says.rpartition(":")
    given = test.replace("SERVER", server).replace("80", port).replace("81", str(int(port) + 1))
    assert over(tmp_path, "http", f"{base}where = {{ {field} = {given} }}\n")["a"].verdict == verdict


def test_the_ends_of_a_look_up_have_address_and_port_as_those_of_a_connection_have(tmp_path):
    text = '[[check]]\nid = "a"\npoints = 1\nexpect = "dns.answer"\nas = "d"\n'
    text += 'pass = "{d.server.ip} {d.server.port} {d.server}"\n'
    address, port, alone = over(tmp_path, "dns", text)["a"].says.split()
    assert (port, alone) == ("53", address)
    for verdict, end in (("met", "server"), ("met", "server.ip"), ("not-met", "client.ip")):
        assert over(tmp_path, "dns", f'{text}where = {{ {end} = "{address}" }}\n')["a"].verdict == verdict


def test_two_servers_are_told_by_what_is_distinct(tmp_path):
    text = (
        '[[check]]\nid = "one"\npoints = -2\nexpect = "dhcp.offer"\ndistinct = "server_id"\ncount = 1\n'
        'fail = "Two: {values}"\n'
    )
    rogue, honest = over(tmp_path, "dhcp-rogue-server", text)["one"], over(tmp_path, "dhcp", text)["one"]
    assert (rogue.verdict, rogue.points, rogue.says.count("192.0.2.")) == ("not-met", -2, 2)
    assert (honest.verdict, honest.points) == ("met", 0)


@pytest.mark.parametrize(
    ("within", "verdict"),
    [('"1s after {d.discover}"', "met"), ('"10s before {d.ack}"', "met"), ('"1s after {d.ack}"', "not-met"),
     ('["1s after {d.discover}", "10s before {d.ack}"]', "met")],
)  # fmt: skip
def test_a_window_opens_before_or_after_what_was_found(tmp_path, within, verdict):
    text = (
        '[[check]]\nid = "d"\npoints = 0\nexpect = "dhcp.dora"\nas = "d"\n'
        f'[[check]]\nid = "offer"\npoints = 1\nexpect = "dhcp.offer"\nwithin = {within}\n'
    )
    assert over(tmp_path, "dhcp", text)["offer"].verdict == verdict


def dropped(*frames, lost):
    """A pcapng whose statistics say how many frames the kernel threw away."""
    body = [(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), (1, struct.pack("<HHI", 1, 0, 0))]
    body += [(6, struct.pack("<IIIII", 0, 0, at, len(one), len(one)) + one + b"\0" * (-len(one) % 4))
             for at, one in enumerate(frames)]  # fmt: skip
    body.append((5, struct.pack("<III", 0, 0, 9) + struct.pack("<HHQ", 5, 8, lost) + b"\0\0\0\0"))
    return b"".join(struct.pack("<II", kind, len(one) + 12) + one + struct.pack("<I", len(one) + 12)
                    for kind, one in body)  # fmt: skip


@pytest.mark.parametrize(("lost", "verdicts"), [(0, ["met", "not-met", "met"]), (3, ["cannot-tell"] * 2 + ["met"])])
def test_what_a_capture_that_dropped_frames_lacks_cannot_be_told(tmp_path, lost, verdicts):
    text = (
        '[[check]]\nid = "quiet"\npoints = 1\nnone = "tcp.reset"\n'
        '[[check]]\nid = "ack"\npoints = 1\nexpect = "dhcp.ack"\n'
        '[[check]]\nid = "there"\npoints = 1\nexpect = "dhcp.discover"\n'
    )
    rubric, _ = load(str(rubric_file(tmp_path, text)))
    capture = tmp_path / "lab.pcapng"
    capture.write_bytes(dropped(asks(DISCOVER), lost=lost))
    graded = grade_files(rubric, "x", {"h1": capture}, None, {})
    assert [one.verdict for one in graded.checks] == verdicts


NAT = """
[[check]]
id = "t"
points = 3
expect = "nat.translation"
where = { proto = "tcp" }
as = "t"
skew = "SKEW"
[[check]]
id = "outside"
points = 1
capture = "outside"
none = "ip.packet"
where = { src.in = "192.0.2.0/24" }
[[check]]
id = "inside"
points = 1
capture = "inside"
expect = "ip.packet"
where = { src.in = "192.0.2.0/24" }
"""
TWO = 'rubric = 1\n[submission]\ncaptures = { inside = "in.pcap", outside = "out.pcap" }\n'


@pytest.mark.parametrize(("skew", "verdict"), [("5ms", "met"), ("1ns", "cannot-tell")])
def test_two_captures_are_joined_by_name_as_far_as_their_clocks_allow(tmp_path, skew, verdict):
    rubric, complaints = load(str(rubric_file(tmp_path, NAT.replace("SKEW", skew), TWO)))
    assert complaints == []
    files = {one: TOP / "rubrics" / "nat" / f"good-{one}.pcap" for one in ("inside", "outside")}
    graded = grade_files(rubric, "x", files, None, {})
    assert [one.verdict for one in graded.checks] == [verdict, "met", "met"]


def test_what_needs_a_capture_that_was_not_handed_in_says_so(tmp_path):
    rubric, _ = load(str(rubric_file(tmp_path, NAT.replace("SKEW", "5ms"), TWO)))
    graded = grade_files(rubric, "x", {"inside": TOP / "rubrics" / "nat" / "good-inside.pcap"}, None, {})
    told = {one.id: one for one in graded.checks}
    assert [told[one].verdict for one in ("t", "outside", "inside")] == ["not-met", "cannot-tell", "met"]
    assert "outside" in told["t"].says


def test_a_bonus_adds_to_the_score_and_not_to_the_total_and_takes_nothing_off(tmp_path):
    text = (
        '[[check]]\nid = "a"\npoints = 2\nexpect = "arp.gratuitous"\n'
        '[[check]]\nid = "b"\npoints = 1\nexpect = "arp.gratuitous"\noptional = true\n'
        '[[check]]\nid = "c"\npoints = 1\nexpect = "icmp.echo"\nbonus = true\n'
    )
    told, score = mark(tmp_path, text, *MADE["arp.gratuitous"])
    assert (score, [told[one].points for one in "abc"]) == (3, [2, 1, 0])
    assert load(str(rubric_file(tmp_path, text)))[0].total == 2


def test_a_segment_has_the_time_until_it_was_acknowledged_and_none_where_it_was_sent_twice(tmp_path):
    text = """
[[check]]
id = "seg"
points = 1
expect = "tcp.segment"
where = { by = "client" }
count = 3
pass = "{seg[0].rtt_ms} {seg[1].rtt_ms} {seg[2].rtt_ms} {seg[0].bytes} {seg[0].acked.frame} {sum(seg.bytes)}"
"""
    me, far, first = ("192.0.2.1", 4000), ("192.0.2.2", 80), 0xFFFFFFFA
    frames = (
        (0.0, segment(me, far, 0x02, seq=first)), (0.01, segment(far, me, 0x12, seq=9, ack=first + 1)),
        (0.02, segment(me, far, 0x10, seq=first + 1, ack=10)),
        (0.03, segment(me, far, 0x18, seq=first + 1, ack=10, data=b"0123456789")),
        (0.04, segment(me, far, 0x18, seq=5, ack=10, data=b"abc")),
        (0.08, segment(far, me, 0x10, seq=10, ack=5)),
        (0.5, segment(me, far, 0x18, seq=5, ack=10, data=b"abc")), (0.6, segment(far, me, 0x10, seq=10, ack=8)),
    )  # fmt: skip
    told = mark(tmp_path, text, *frames)[0]["seg"]
    assert told.verdict == "met", told
    assert told.says == "50 nothing nothing 10 6 16"


QUESTIONS = """
[[check]]
id = "handshake"
points = 0
expect = "tcp.handshake"
as = "hs"
[[check]]
id = "talk"
points = 0
expect = "tcp.stream"
where = { flow = "{hs.flow}" }
as = "talk"
[[check]]
id = "sent"
points = 0
expect = "tcp.segment"
where = { flow = "{hs.flow}", by = "client" }
[[check]]
id = "again"
points = 0
expect = "tcp.retransmission"
count = ">=0"
[[check]]
id = "web"
points = 0
expect = "http.request"
as = "web"
[[check]]
id = "asked"
points = 0
expect = "arp.request"
as = "asked"
"""
KEYS = {
    "server": ("ip:port", "{hs.server}"), "isn": ("uint32", "{hs.syn.seq}"), "window": ("int", "{hs.synack.window}"),
    "posted": ("int", "{talk.client.bytes}"), "first-rtt": ("number", "{sent[0].rtt_ms}"),
    "again": ("int", "{len(again)}"), "throughput": ("number", "{talk.server.bytes / talk.seconds}"),
    "longest": ("frame", "{largest(sent, 'rtt_ms').frame}"), "get": ("offset", "{offset(sent[0], 'data')}"),
    "type": ("hex", "{ether_type(asked)}"), "opcode": ("int", "{asked.opcode}"),
    "where-opcode": ("offset", "{offset(asked, 'arp.opcode')}"), "method": ("string", "{web.method}"),
}  # fmt: skip


def test_the_usual_questions_of_textbooks_have_a_key_in_a_recording(tmp_path):
    questions = "".join(f'[[answer]]\nid = "q-{name}"\ntype = "{kind}"\npoints = 1\nkey = "{key}"\ntolerance = 1\n'
                        for name, (kind, key) in KEYS.items())  # fmt: skip
    rubric, complaints = load(str(rubric_file(tmp_path, QUESTIONS + questions)))
    assert complaints == []
    files = {"h1": TOP / "pcaps" / "http" / "capture.pcapng"}
    keys = {one.id: one.key for one in grade_files(rubric, "x", files, None, {}).answers}
    assert [name for name, key in keys.items() if key is None] == []
    (tmp_path / "answers.toml").write_text("".join(f"{name} = '{key}'\n" for name, key in keys.items()))
    told = grade_files(rubric, "x", files, tmp_path / "answers.toml", {}).answers
    assert [(one.id, one.given, one.says) for one in told if one.verdict != "met"] == []


def test_a_student_reads_no_kind_of_exchange_by_the_name_that_a_rubric_has_for_it():
    assert {
        name for name in (*all_names(), "arp.*", "icmp.*", "dhcp.*", "dns.*", "ndp.*") if thing(name, "ja") == name
    } <= {"journey", "traceroute"}
