from __future__ import annotations

import pytest
from grading_scenes import FAR, ME, ROUTER, asked_and_pinged, mark
from neighbours import solicit
from packets import A, B, R, error, eth, icmp, ip, is_at, ping, pong, segment, who_has

REQUEST = """
[[check]]
id = "request"
points = 2
expect = "arp.request"
where = { sender.ip = "{roster.host_ip}", target.ip = "{roster.router_ip}", eth.dst = "broadcast", target.mac = "zero" }
as = "req"
pass = "Frame {req.frame}"
"""
REPLY = """
[[check]]
id = "reply"
points = 2
needs = ["request"]
expect = "arp.reply"
where = { answers = "{req}", eth.dst = "{req.sender.mac}" }
within = "1s after {req}"
"""
ORDER = """
[[check]]
id = "order"
points = 1
sequence = ["arp.request", "arp.reply", "icmp.echo"]
fail = "look at frame {first_violation.frame}"
"""
STORM = """
[[check]]
id = "storm"
points = -1
expect = "arp.request"
count = "<=3"
window = "10s"
"""
PINGS = """
[[check]]
id = "pings"
points = 3
expect = "icmp.echo"
where = { answered = true }
count = ">=3"
partial = "linear"
"""


def test_a_good_capture_gets_full_marks_with_its_frames(tmp_path):
    told, score = mark(tmp_path, REQUEST + REPLY + ORDER + STORM + PINGS, *asked_and_pinged(3))
    assert {one.verdict for one in told.values()} == {"met"}
    assert score == 8
    assert told["request"].says == "Frame 1"
    assert told["reply"].evidence[0].frames == ((2, 2),)


def test_what_builds_on_a_missing_thing_is_skipped_and_not_failed(tmp_path):
    told, score = mark(tmp_path, REQUEST + REPLY, ping(ME, FAR, 1), pong(FAR, ME, 1))
    assert [told["request"].verdict, told["reply"].verdict, score] == ["not-met", "skipped", 0]


def test_a_reply_that_comes_too_late_is_no_reply(tmp_path):
    frames = (0.0, who_has((A, ME), ROUTER)), (2.0, is_at((R, ROUTER), (A, ME)))
    assert mark(tmp_path, REQUEST + REPLY, *frames)[0]["reply"].verdict == "not-met"


def test_the_reply_may_answer_a_later_one_of_several_requests(tmp_path):
    frames = (0.0, who_has((A, ME), ROUTER)), (8.0, who_has((A, ME), ROUTER)), (8.1, is_at((R, ROUTER), (A, ME)))
    assert mark(tmp_path, REQUEST + REPLY, *frames)[0]["reply"].verdict == "met"


def test_the_first_frame_out_of_order_is_named(tmp_path):
    frames = ping(ME, FAR, 1), *asked_and_pinged()[:2]
    told, _ = mark(tmp_path, ORDER, *frames)
    assert (told["order"].verdict, told["order"].says) == ("not-met", "look at frame 1")


def test_a_penalty_counts_only_inside_its_window_and_never_below_zero(tmp_path):
    storm = [(0.1 * at, who_has((A, ME), ROUTER)) for at in range(5)]
    slow = [(9.0 * at, who_has((A, ME), ROUTER)) for at in range(5)]
    told, score = mark(tmp_path, STORM, *storm)
    assert (told["storm"].verdict, told["storm"].points, score) == ("not-met", -1, 0)
    assert mark(tmp_path, STORM, *slow)[0]["storm"].verdict == "met"


def test_some_of_several_pings_give_some_of_the_points(tmp_path):
    told, _ = mark(tmp_path, PINGS, *asked_and_pinged(2), ping(ME, FAR, 3))
    assert (told["pings"].verdict, told["pings"].points) == ("partly", 2)


def test_the_first_row_of_credit_that_matches_counts(tmp_path):
    text = """
[[check]]
id = "host"
points = 3
expect = "icmp.unreachable"
where = { code = "host" }
credit = [ { points = 3 }, { points = 1, where = { code = "net" }, say = "net, from {event.from}" } ]
"""
    asked = ping(ME, FAR, 1)
    told, _ = mark(tmp_path, text, asked, error(ROUTER, 3, 0, asked))
    assert (told["host"].verdict, told["host"].points, told["host"].says) == ("partly", 1, f"net, from {ROUTER}")
    assert mark(tmp_path, text, asked, error(ROUTER, 3, 1, asked))[0]["host"].points == 3


def test_what_an_error_quotes_can_be_asked_for(tmp_path):
    text = """
[[check]]
id = "ttl"
points = 2
expect = "icmp.time_exceeded"
where = { from = "192.0.2.254", about.ttl = { in = [0, 1] }, about.dst = "network(198.51.100.0/24)" }
"""
    asked = ping(ME, FAR, 1, ttl=1)
    assert mark(tmp_path, text, asked, error(ROUTER, 11, 0, asked))[0]["ttl"].verdict == "met"
    assert mark(tmp_path, text, asked, error(FAR, 11, 0, asked))[0]["ttl"].verdict == "not-met"


@pytest.mark.parametrize(("wanted", "verdict"), [("true", "met"), ('"True"', "met"), ("false", "not-met")])
def test_a_claim_of_a_field_may_stand_in_quotation_marks(tmp_path, wanted, verdict):
    text = f'[[check]]\nid = "q"\npoints = 1\nexpect = "icmp.echo"\nwhere = {{ answered = {wanted} }}\n'
    assert mark(tmp_path, text, ping(ME, FAR, 1), pong(FAR, ME, 1))[0]["q"].verdict == verdict


@pytest.mark.parametrize(
    ("wanted", "verdict"),
    [("64", "met"), (">=64", "met"), ("> 63", "met"), ("60-64", "met"), ("<64", "not-met"), ("1-5", "not-met")],
)
def test_a_field_that_is_a_number_may_be_compared_as_a_count_is(tmp_path, wanted, verdict):
    text = f'[[check]]\nid = "q"\npoints = 1\nexpect = "icmp.echo"\nwhere = {{ ttl = "{wanted}" }}\n'
    assert mark(tmp_path, text, ping(ME, FAR, 1))[0]["q"].verdict == verdict


def test_the_question_before_a_late_capture_was_asked_in_the_vlan_of_its_answer(tmp_path):
    text = '[[check]]\nid = "q"\npoints = 1\nexpect = "arp.request"\nwhere = {{ eth.vlan = {} }}\n'
    answer = is_at((R, ROUTER), (A, ME))
    tagged = answer[:12] + bytes.fromhex("8100000a") + answer[12:]
    verdicts = [mark(tmp_path, text.format(one), tagged)[0]["q"].verdict for one in (10, 20)]
    assert verdicts == ["cannot-tell", "not-met"]


def test_absence_cannot_be_told_from_an_empty_capture(tmp_path):
    text = '[[check]]\nid = "quiet"\npoints = 1\nnone = "tcp.retransmission"\n'
    told, score = mark(tmp_path, text)
    assert (told["quiet"].verdict, score) == ("cannot-tell", 0)


def test_absence_cannot_be_told_where_the_capture_began_late(tmp_path):
    text = '[[check]]\nid = "quiet"\npoints = 1\nnone = "tcp.reset"\n'
    talk = segment((ME, 4000), (FAR, 80), 0x10, seq=5, ack=7), segment((FAR, 80), (ME, 4000), 0x10, seq=7, ack=5)
    assert mark(tmp_path, text, *talk)[0]["quiet"].verdict == "cannot-tell"


HOPS = '[[check]]\nid = "q"\npoints = 1\nexpect = "traceroute.hop"\nwhere = { answered = true }\n'
SHAKE = '[[check]]\nid = "q"\npoints = 1\nexpect = "tcp.handshake"\n'


@pytest.mark.parametrize(("octets", "verdicts"), [(64, ["met", "met"]), (48, ["cannot-tell", "cannot-tell"])])
def test_what_was_cut_off_its_frames_cannot_be_told_and_costs_nothing_sooner(tmp_path, octets, verdicts):
    """Behind 64 octets of a frame lie the ports that an ICMP error quotes, behind 48 the flags of a SYN."""
    probes = [ping(ME, FAR, ttl, ttl=ttl) for ttl in (1, 2)]
    trace = [frame for one in probes for frame in (one, error(ROUTER, 11, 0, one))]
    talk = segment((ME, 4000), (FAR, 80), 0x02, seq=1), segment((FAR, 80), (ME, 4000), 0x12, seq=9, ack=2)
    told = [mark(tmp_path, text, *some, snaplen=octets)[0]["q"] for text, some in ((HOPS, trace), (SHAKE, talk))]
    assert [one.verdict for one in told] == verdicts


@pytest.mark.parametrize(("octets", "verdict"), [(200, "not-met"), (80, "cannot-tell")])
def test_options_of_neighbour_discovery_that_were_cut_off_cannot_be_told(tmp_path, octets, verdict):
    text = '[[check]]\nid = "q"\npoints = 1\nexpect = "ndp.resolution"\nwhere = { outcome = "answered" }\n'
    told, _ = mark(tmp_path, text, solicit(A, "2001:db8::1", "2001:db8::2"), snaplen=octets)
    assert told["q"].verdict == verdict


def test_absence_is_judged_where_the_whole_connection_was_seen(tmp_path):
    text = '[[check]]\nid = "quiet"\npoints = 1\nnone = "tcp.reset"\n'
    frames = (
        segment((ME, 4000), (FAR, 80), 0x02, seq=1),
        segment((FAR, 80), (ME, 4000), 0x12, seq=9, ack=2),
        segment((ME, 4000), (FAR, 80), 0x10, seq=2, ack=10),
    )
    assert mark(tmp_path, text, *frames)[0]["quiet"].verdict == "met"
    broken = (*frames, segment((FAR, 80), (ME, 4000), 0x04, seq=10))
    told, _ = mark(tmp_path, text, *broken)
    assert (told["quiet"].verdict, told["quiet"].evidence[0].frames) == ("not-met", ((4, 4),))


def test_a_check_that_compares_with_what_is_not_there_is_skipped_also_without_events(tmp_path):
    text = (
        '[[check]]\nid = "hs"\npoints = 1\nexpect = "tcp.handshake"\nas = "hs"\n'
        '[[check]]\nid = "quiet"\npoints = 1\nnone = "tcp.retransmission"\nwhere = { flow = "{hs.flow}" }\n'
    )
    told, score = mark(tmp_path, text, *asked_and_pinged())
    assert (told["quiet"].verdict, score) == ("skipped", 0)


def test_the_text_of_a_connection_is_read_in_order_and_once(tmp_path):
    text = """
[[check]]
id = "text"
points = 1
expect = "tcp.stream"
where = { client.text = { contains = "hello from {roster.sid}" } }
"""
    me, far = (ME, 4000), (FAR, 80)
    opened = (
        segment(me, far, 0x02, seq=1), segment(far, me, 0x12, seq=9, ack=2), segment(me, far, 0x10, seq=2, ack=10),
    )  # fmt: skip
    first = segment(me, far, 0x18, seq=2, ack=10, data=b"hello from ")
    second = segment(me, far, 0x18, seq=13, ack=10, data=b"s001\n")
    assert mark(tmp_path, text, *opened, second, first, first)[0]["text"].verdict == "met"
    assert mark(tmp_path, text, *opened, first)[0]["text"].verdict == "not-met"


def test_a_missing_column_of_the_roster_is_named_and_costs_nothing_else(tmp_path):
    told, _ = mark(tmp_path, REQUEST + PINGS, *asked_and_pinged(3), roster={})
    assert told["request"].verdict == "cannot-tell"
    assert "host_ip" in told["request"].says
    assert told["pings"].verdict == "met"


def test_a_message_never_obeys_what_a_packet_says(tmp_path):
    text = """
[[check]]
id = "text"
points = 1
expect = "tcp.stream"
pass = "you sent {event.client.text}"
as = "event"
"""
    me, far = (ME, 4000), (FAR, 80)
    frames = segment(me, far, 0x02, seq=1), segment(me, far, 0x18, seq=2, ack=1, data=b"{roster.sid}\x1b]52;c;eA==\x07")
    said = mark(tmp_path, text, *frames)[0]["text"].says
    assert "{roster.sid}" in said
    assert "\x1b" not in said


def test_a_ping_in_fragments_is_one_ping(tmp_path):
    whole = icmp(0, 0, 7 << 16 | 1, b"x" * 1600)
    frames = (
        ping(ME, FAR, 1),
        eth(B, A, 0x800, ip(FAR, ME, 1, whole[:1480], flags=0x2000)),
        eth(B, A, 0x800, ip(FAR, ME, 1, whole[1480:], flags=185)),
    )
    told, _ = mark(tmp_path, PINGS, *frames)
    assert (told["pings"].verdict, told["pings"].points) == ("partly", 1)


def test_the_size_of_a_ping_in_fragments_is_that_of_the_whole(tmp_path):
    whole, where = icmp(8, 0, 7 << 16 | 1, b"x" * 1600), "expect = 'icmp.echo'\nwhere = { size = 1600, df = false }\n"
    parts = "expect = 'ip.packet'\nwhere = { id = 1, fragment = { min = 1 }, more = false, eth.vlan = 10 }\n"
    frames = (
        eth(A, B, 0x800, ip(ME, FAR, 1, whole[:1480], flags=0x2000), vlan=10),
        eth(A, B, 0x800, ip(ME, FAR, 1, whole[1480:], flags=185), vlan=10),
    )
    text = f'[[check]]\nid = "size"\npoints = 1\n{where}[[check]]\nid = "rest"\npoints = 1\n{parts}'
    told, _ = mark(tmp_path, text, *frames)
    assert (told["size"].verdict, told["rest"].verdict) == ("met", "met")
    assert told["rest"].evidence[0].frames == ((2, 2),)


def test_what_is_one_too_many_is_named_by_its_frame(tmp_path):
    text = '[[check]]\nid = "few"\npoints = 1\nexpect = "icmp.echo"\ncount = "<=1"\n'
    assert "3 in all" in (says := mark(tmp_path, text, *asked_and_pinged(3))[0]["few"].says)
    assert "in frame 5" in says


HANDSHAKE = [
    segment((ME, 4000), (FAR, 80), 2, seq=100),
    segment((FAR, 80), (ME, 4000), 0x12, seq=200, ack=101),
    segment((ME, 4000), (FAR, 80), 0x10, seq=101, ack=201),
    segment((ME, 4000), (FAR, 80), 0x18, seq=101, ack=201, data=b"GET "),
    segment((ME, 4000), (FAR, 80), 0x18, seq=105, ack=201, data=b"/ HTTP/1.0\r\n\r\n"),
    segment((FAR, 80), (ME, 4000), 0x10, seq=201, ack=119),
]
WHOLE = """
[[check]]
id = "open"
points = 1
expect = "tcp.handshake"
where = { server.port = 80, complete = true }
[[check]]
id = "other"
points = 1
expect = "tcp.handshake"
where = { server.port = 81 }
[[check]]
id = "stream"
points = 0
expect = "tcp.stream"
as = "s"
[[check]]
id = "asked"
points = 1
assert = "'GET /' in s.client.text"
[[check]]
id = "port"
points = 1
assert = "s.server.port == 81"
"""


@pytest.mark.parametrize(
    ("lost", "verdicts"),
    [(None, ("met", "not-met", "met")), (1, ("cannot-tell", "not-met", "met")), (3, ("met", "not-met", "cannot-tell"))],
)
def test_what_arrived_and_was_not_recorded_cannot_be_told(tmp_path, lost, verdicts):
    told, _ = mark(tmp_path, WHOLE, *(one for at, one in enumerate(HANDSHAKE) if at != lost))
    assert tuple(told[name].verdict for name in ("open", "other", "asked")) == verdicts
    assert told["port"].verdict == "not-met"


@pytest.mark.parametrize(("octets", "verdict"), [(70, "met"), (54, "cannot-tell")])
def test_a_claim_about_octets_that_were_not_kept_cannot_be_told(tmp_path, octets, verdict):
    text = '[[check]]\nid = "e"\npoints = 0\nexpect = "icmp.unreachable"\nas = "e"\n'
    text += '[[check]]\nid = "about"\npoints = 1\nassert = "e.about.seq == 1"\n'
    told, _ = mark(tmp_path, text, error(ROUTER, 3, 1, ping(ME, FAR, 1)), snaplen=octets)
    assert told["about"].verdict == verdict
