from __future__ import annotations

import itertools

import pytest
from explained import report
from hypothesis import given
from hypothesis import strategies as st
from packets import A, B, pcap, segment

import explain
from explain.exchanges.http.head import heads

CLIENT, SERVER = ("192.0.2.1", 40000), ("198.51.100.1", 80)
SYN, ACK, PUSH, FIN, RST = 2, 16, 24, 17, 20
HEAD = b"Host: www.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def get(path=b"/", rest=HEAD):
    return b"GET " + path + b" HTTP/1.1\r\n" + rest


class Talk:
    """A connection whose numbers count themselves."""

    def __init__(self, port=40000, seq=100, ack=900):
        self.client, self.seq, self.ack, self.acked = (CLIENT[0], port), seq, ack, ack

    def opens(self):
        syn = segment(self.client, SERVER, SYN, seq=self.seq - 1)
        syn_ack = segment(SERVER, self.client, SYN | ACK, (B, A), seq=self.ack - 1, ack=self.seq)
        return [syn, syn_ack, segment(self.client, SERVER, ACK, seq=self.seq, ack=self.ack)]

    def asks(self, data, flags=PUSH):
        """The client knows what it has confirmed, which ``hears`` moves on."""
        frame = segment(self.client, SERVER, flags, seq=self.seq, ack=self.acked, data=data)
        self.seq += len(data)
        return frame

    def hears(self):
        self.acked = self.ack
        return segment(self.client, SERVER, ACK, seq=self.seq, ack=self.ack)

    def tells(self, data, flags=PUSH):
        frame = segment(SERVER, self.client, flags, (B, A), seq=self.ack, ack=self.seq, data=data)
        self.ack += len(data)
        return frame

    def confirms(self):
        return segment(SERVER, self.client, ACK, (B, A), seq=self.ack, ack=self.seq)


def requests(*frames):
    return [one for one in report(*frames).exchanges if one.kind == "http.request"]


def test_a_request_and_its_response_are_one_exchange():
    talk = Talk()
    (one,) = requests(*talk.opens(), talk.asks(get(b"/index.html")), (0.05, talk.tells(OK)), talk.hears())
    assert (one.outcome, one.frames) == ("answered", ((4, 5),))
    fields = one.fields
    assert (fields.method, fields.host, fields.path, fields.status) == ("GET", "www.example", "/index.html", 200)
    assert (fields.status_class, fields.response_length, fields.version) == ("success", 5, "HTTP/1.1")
    assert (fields.client.port, fields.server.address) == (40000, SERVER[0])
    assert fields.wait_ns == 47_000_000


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("401 No", "has to log in first"), ("206 Part", "the part that was asked for"),
        ("504 Late", "did not answer in time"), ("418 Tea", "the request is at fault"),
    ],
)  # fmt: skip
def test_a_status_that_says_more_than_its_class_is_told_so(status, words):
    talk = Talk()
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    frames = [*talk.opens(), talk.asks(get(b"/")), (0.05, talk.tells(answer)), talk.hears()]
    assert words in " ".join(explain.explain(pcap(*frames)).story().split())


def test_requests_on_one_connection_keep_their_order():
    talk = Talk()
    frames = [*talk.opens()]
    for path, answer in ((b"/a", OK), (b"/b", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), (b"/c", OK)):
        frames += [talk.asks(get(path)), talk.tells(answer), talk.hears()]
    assert [(one.fields.path, one.fields.status) for one in requests(*frames)] == [
        ("/a", 200),
        ("/b", 404),
        ("/c", 200),
    ]


def test_pipelined_requests_are_answered_in_order():
    talk = Talk()
    frames = [
        *talk.opens(), talk.asks(get(b"/a")), talk.asks(get(b"/b")), talk.tells(OK),
        talk.tells(b"HTTP/1.1 500 Oops\r\n\r\n"),
    ]  # fmt: skip
    assert [(one.fields.path, one.fields.status) for one in requests(*frames)] == [("/a", 200), ("/b", 500)]


def test_several_requests_may_share_a_segment():
    talk = Talk()
    frames = [*talk.opens(), talk.asks(get(b"/a") + get(b"/b")), talk.tells(OK), talk.tells(OK)]
    assert [(one.fields.path, one.fields.status) for one in requests(*frames)] == [("/a", 200), ("/b", 200)]


def cut(data: bytes, *at: int) -> list[bytes]:
    """The data in segments that end there."""
    edges = [0, *at, len(data)]
    return [data[first:end] for first, end in itertools.pairwise(edges)]


def said(*frames):
    return [(one.fields.path, one.fields.status) for one in requests(*frames)]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6;x=y\r\nGET / \r\n5\r\nhello\r\n0\r\n\r\n"
ANSWERS = (
    CHUNKED
    + b"HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\nnot found"
    + b"HTTP/1.1 304 Not Modified\r\nContent-Length: 700\r\n\r\n"
    + OK
)
ASKED = get(b"/a") + b"POST /b HTTP/1.1\r\nContent-Length: 6\r\n\r\nGET / " + get(b"/c") + get(b"/d")
EXPECTED = [("/a", 200), ("/b", 404), ("/c", 304), ("/d", 200)]


@pytest.mark.parametrize("at", range(4, len(ASKED) - 4, 7))
def test_pipelined_requests_may_be_cut_anywhere(at):
    talk = Talk()
    frames = [*talk.opens(), *(talk.asks(piece) for piece in cut(ASKED, at)), talk.tells(ANSWERS)]
    assert said(*frames) == EXPECTED


@pytest.mark.parametrize("at", range(4, len(ANSWERS) - 4, 7))
def test_answers_to_pipelined_requests_may_begin_within_a_segment(at):
    talk = Talk()
    frames = [*talk.opens(), talk.asks(ASKED), *(talk.tells(piece) for piece in cut(ANSWERS, at))]
    assert said(*frames) == EXPECTED


def test_answers_that_were_merged_into_one_large_frame_are_all_found():
    talk = Talk()
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000
    frames = [*talk.opens(), talk.asks(get(b"/a")), talk.asks(get(b"/b")), talk.tells(large + OK)]
    assert said(*frames) == [("/a", 200), ("/b", 200)]
    assert requests(*frames)[1].frames == ((5, 6),)


def test_segments_sent_again_answer_no_request_twice():
    talk = Talk()
    first, second = cut(ANSWERS, 150)
    asked, answered = talk.asks(ASKED), talk.tells(first)
    assert said(*talk.opens(), asked, asked, answered, answered, talk.tells(second)) == EXPECTED


def test_what_looks_like_a_request_inside_a_body_is_none():
    talk = Talk()
    body = get(b"/evil")
    post = b"POST /in HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert [one.fields.path for one in requests(*talk.opens(), talk.asks(post), talk.tells(OK))] == ["/in"]


def test_connections_at_the_same_time_are_kept_apart():
    one, two = Talk(), Talk(40001, 5000, 9000)
    frames = [
        *one.opens(), *two.opens(), one.asks(get(b"/one")), two.asks(get(b"/two")),
        two.tells(b"HTTP/1.1 404 No\r\n\r\n"), one.tells(OK),
    ]  # fmt: skip
    assert {(r.fields.path, r.fields.status) for r in requests(*frames)} == {("/one", 200), ("/two", 404)}


def test_a_port_that_is_used_again_begins_anew():
    first, second = Talk(), Talk(seq=77_000, ack=99_000)
    frames = [
        *first.opens(), first.asks(get(b"/old")), first.tells(b"", RST), *second.opens(), second.asks(get(b"/new")),
        second.tells(OK),
    ]  # fmt: skip
    found = {one.fields.path: one.outcome for one in requests(*frames)}
    assert found == {"/old": "unanswered", "/new": "answered"}


def test_a_request_sent_again_is_the_same_exchange():
    talk = Talk()
    asked = talk.asks(get())
    (one,) = requests(*talk.opens(), asked, (0.3, asked), talk.tells(OK))
    assert one.frames == ((4, 6),)


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_request_may_travel_in_the_syn_and_again_if_it_was_not_taken(is_taken):
    talk, data = Talk(), get()
    syn = segment(talk.client, SERVER, SYN, seq=talk.seq - 1, data=data)  # TCP Fast Open
    taken = talk.seq + len(data) * is_taken
    syn_ack = segment(SERVER, talk.client, SYN | ACK, (B, A), seq=talk.ack - 1, ack=taken)
    again = [talk.asks(data)]
    (found,) = requests(syn, syn_ack, *([] if is_taken else again), talk.tells(OK))
    assert (found.outcome, found.fields.status) == ("answered", 200)


@pytest.mark.parametrize(("answer", "outcome"), [(b"+OK", "answered"), (b"", "unanswered")])
def test_who_asks_in_the_syn_had_nothing_yet_so_all_that_follows_answers_it(answer, outcome):
    talk, data = Talk(seq=2**31, ack=2**31 + 5), get()
    syn = segment(talk.client, SERVER, SYN, seq=talk.seq - 1, data=data)
    talk.seq += len(data)
    syn_ack = segment(SERVER, talk.client, SYN | ACK, (B, A), seq=talk.ack - 1, ack=talk.seq)
    (one,) = requests(syn, syn_ack, talk.hears(), *([talk.tells(answer)] if answer else []), talk.tells(b"", FIN))
    assert (one.outcome, one.fields.is_unrecorded) == (outcome, False)


def test_a_response_that_was_recorded_before_its_request_belongs_to_it():
    talk = Talk()
    opening, asked = talk.opens(), talk.asks(get())
    (one,) = requests(*opening, talk.tells(OK), asked)
    assert (one.outcome, one.fields.status, one.fields.path) == ("answered", 200, "/")


def test_an_interim_response_is_not_the_answer():
    talk = Talk()
    (one,) = requests(
        *talk.opens(), talk.asks(b"PUT /x HTTP/1.1\r\nExpect: 100-continue\r\n\r\n"),
        talk.tells(b"HTTP/1.1 100 Continue\r\n\r\n"), talk.asks(b"body"), talk.tells(b"HTTP/1.1 201 Created\r\n\r\n"),
    )  # fmt: skip
    assert (one.fields.status, one.fields.interim_responses) == (201, 1)


def test_only_the_response_was_recorded():
    talk = Talk()
    (one,) = requests(talk.tells(OK))
    assert (one.outcome, one.fields.method, one.fields.status) == ("answered", None, 200)
    assert (one.fields.client.port, one.fields.server.port) == (40000, 80)


def test_a_head_may_go_on_in_the_next_segments():
    talk = Talk()
    head = b"GET /" + b"long" * 500 + b" HTTP/1.1\r\nX-A: 1\r\n" + HEAD
    frames = [*talk.opens(), *(talk.asks(head[at : at + 900]) for at in range(0, len(head), 900)), talk.tells(OK)]
    (one,) = requests(*frames)
    assert (one.fields.path, one.fields.host, one.fields.is_whole) == ("/" + "long" * 500, "www.example", True)
    assert one.frames == ((4, 7),)


def test_an_answer_is_told_with_all_frames_of_its_head_and_none_before_it():
    talk = Talk()
    told = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"Server: x\r\n\r\nhello"]
    lines = explain.explain(pcap(*talk.opens(), talk.asks(get()), *map(talk.tells, told))).lines
    (answered,) = [line for line in lines if line.message == "http.answered"]
    assert answered.evidence[0].frames == ((6, 7),)


def test_the_rest_of_a_head_that_overtook_it_begins_no_head_of_its_own():
    talk = Talk()
    start, early, rest, new = (talk.asks(part) for part in (b"GET /a HTTP/1.1\r\n", b"\r", b"\n", get(b"/b")))
    found = requests(*talk.opens(), early, start, rest, new)
    assert [one.fields.path for one in found] == ["/a", "/b"]


@pytest.mark.parametrize("octets", [b"GET", b"PUT it there", b"GET out"])
def test_what_never_becomes_the_line_of_a_request_is_none(octets):
    talk = Talk()
    assert not requests(*talk.opens(), talk.asks(octets), talk.asks(b" and more"))


def test_an_answer_whose_head_was_not_recorded_still_answers():
    talk = Talk()
    frames = [*talk.opens(), talk.asks(get(b"/a")), talk.tells(b"not a head"), talk.hears(), talk.asks(get(b"/b"))]
    first, second = requests(*frames)
    assert (first.outcome, first.fields.status, first.frames) == ("answered", None, ((4, 5),))
    assert (second.outcome, second.fields.was_due) == ("unanswered", False)


def test_silence_counts_only_where_an_answer_was_due():
    talk = Talk()
    frames = [*talk.opens(), talk.asks(get()), talk.confirms()]
    found = report(*frames)
    (one,) = [one for one in found.exchanges if one.kind == "http.request"]
    assert (one.outcome, one.fields.was_due) == ("unanswered", False)
    assert (tuple(found.findings), found.unexplained) == ((), ())


def test_a_server_that_takes_the_request_and_keeps_silent_hangs():
    talk = Talk()
    found = report(*talk.opens(), talk.asks(get(b"/slow")), talk.confirms(), (20, talk.confirms()))
    (finding,) = found.findings
    assert (finding.cause, finding.values["path"]) == ("tcp-application-hangs", "/slow")


@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", [("GET", "/", None)]),
        (b"GET / HTTP/1.0\n\n", [("GET", "/", None)]),
        (b"GET /\r\n\r\n", []),
        (b"GET key\r\n", []),
        (b"HTTP/1.1 200\r\n\r\n", [(None, None, 200)]),
        (b"HTTP/1.1 2000 OK\r\n\r\n", []),
        (b"HTTP/2 please", []),
        (b"get / HTTP/1.1\r\n\r\n", []),
        (b"GET \t / HTTP/1.1\r\n\r\n", [("GET", "/", None)]),
        (b"GET\v/ HTTP/1.1\r\n\r\n", []),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", [("OPTIONS", "*", None)]),
    ],
)
def test_what_is_a_head_and_what_is_not(octets, lines):
    assert [(head.method, head.target, head.status) for head in heads(octets)] == lines


@given(st.binary(max_size=3000), st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"]))
def test_any_octets_are_read_without_complaint(rest, first):
    assert len(heads(first + rest)) <= 64


def test_a_length_of_absurd_size_is_no_length():
    (head,) = heads(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 500 + b"\r\n\r\n")
    assert head.length is None


def test_hostile_names_are_shown_and_not_obeyed():
    talk = Talk()
    evil = b"GET /\x1b]0;x\x07 HTTP/1.1\r\nHost: \x1b[31mred\xff\r\n\r\n"
    found = report(*talk.opens(), talk.asks(evil), talk.tells(OK))
    told = found.story("en")
    assert "\x1b" not in told
    assert "\\x1b[31mred\\xff" in "".join(told.split())


def test_a_syn_sent_again_in_the_middle_begins_no_new_connection():
    talk = Talk()
    opening = talk.opens()
    found = requests(*opening, talk.asks(get()), opening[0], talk.confirms(), talk.tells(OK))
    assert [(one.outcome, one.fields.status) for one in found] == [("answered", 200)]


def test_that_a_server_was_never_recorded_is_told_once_of_a_connection():
    talk = Talk()
    frames = [talk.opens()[0], talk.opens()[2], talk.asks(get()), talk.asks(get(b"/2")), talk.asks(b"", FIN)]
    told = [line.message for line in explain.explain(pcap(*frames)).lines if line.message.startswith("http.")]
    assert told == ["http.asked.first", "http.one-sided", "http.asked.again"]


def test_a_site_that_is_the_server_itself_is_not_named_twice():
    talk = Talk()
    (line,) = [
        line
        for line in explain.explain(pcap(*talk.opens(), talk.asks(get(b"/a", b"Host: 198.51.100.1\r\n\r\n")))).lines
        if line.message.startswith("http.asked")
    ]
    assert line.message == "http.asked-itself.first"


def test_where_the_server_was_never_recorded_no_answer_is_missed():
    talk = Talk()
    frames = [talk.opens()[0], talk.opens()[2], talk.asks(get()), talk.asks(b"", FIN)]
    report = explain.explain(pcap(*frames))
    (one,) = [each for each in report.exchanges if each.kind == "http.request"]
    assert (one.outcome, one.fields.was_due, one.fields.is_one_sided) == ("unanswered", False, True)
    assert "Nothing that 198.51.100.1:80 sent in this connection was recorded" in " ".join(report.story().split())
    assert report.unexplained == ()


@pytest.mark.parametrize(("was_sent", "causes"), [(True, []), (False, ["tcp-application-closes"])])
def test_an_end_whose_number_tells_of_data_was_no_silence(was_sent, causes):
    talk = Talk()
    frames = [*talk.opens(), talk.asks(get()), talk.confirms()]
    if was_sent:
        talk.tells(OK)  # and nobody recorded it
    found = report(*frames, talk.tells(b"", FIN))
    (one,) = [each for each in found.exchanges if each.kind == "http.request"]
    assert (one.outcome, one.fields.is_unrecorded) == ("unanswered", was_sent)
    assert [each.cause for each in found.findings] == causes
    assert ("is not in this capture, but one was sent" in " ".join(found.story().split())) is was_sent


def told(*frames):
    return " ".join(explain.explain(pcap(*frames)).story().split())


def broken_off(talk, head=b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", ask=None):
    """An answer of ten octets, and the server's FIN."""
    return [
        *talk.opens(), talk.asks(ask or get()), (0.05, talk.tells(head + b"0123456789")), talk.hears(),
        talk.tells(b"", FIN), talk.asks(b"", FIN),
    ]  # fmt: skip


def test_an_answer_that_ends_before_its_announced_length_is_a_finding_about_the_server():
    found = report(*broken_off(Talk()))
    (finding,) = found.findings
    assert (finding.cause, finding.values["case"]) == ("tcp-application-closes", "cut-short")
    assert (finding.values["announced"], finding.values["sent"]) == (50, 10)
    assert finding.evidence[0].frames == ((4, 5), (7, 7))
    assert "closed (FIN) after 10 bytes: the answer is incomplete" in told(*broken_off(Talk()))


@pytest.mark.parametrize(
    ("seconds", "length", "causes"), [(4, 50, ["tcp-application-hangs"]), (1, 50, []), (4, 10, [])]
)
def test_an_answer_that_stops_in_the_middle_until_the_client_gives_up_is_a_finding(seconds, length, causes):
    talk, head = Talk(), b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length
    begun = *talk.opens(), talk.asks(get()), (0.05, talk.tells(head + b"0123456789")), talk.hears()
    found = report(*begun, (seconds + 0.06, talk.asks(b"", FIN)))
    assert [one.cause for one in found.findings] == causes
    for one in found.findings:
        assert (one.values["case"], one.values["announced"], one.values["sent"]) == ("stalled", length, 10)
        assert one.evidence[0].frames == ((4, 5), (7, 7))


@pytest.mark.parametrize(
    ("head", "ask"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", b"HEAD / HTTP/1.1\r\n" + HEAD),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nServer: a\r\n\r\n", None),
    ],
)
def test_an_answer_with_all_that_was_due_is_not_called_incomplete(head, ask):
    assert not report(*broken_off(Talk(), head, ask)).findings


def test_a_client_that_closed_first_cut_the_answer_short_itself():
    talk = Talk()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
    frames = [
        *talk.opens(),
        talk.asks(get()),
        talk.tells(head),
        talk.hears(),
        talk.asks(b"", FIN),
        talk.tells(b"", FIN),
    ]
    assert not report(*frames).findings


def test_early_hints_are_not_called_100_continue():
    talk = Talk()
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n"
    frames = [*talk.opens(), talk.asks(get()), talk.tells(hints), talk.tells(OK), talk.hears()]
    (one,) = [one for one in report(*frames).exchanges if one.kind == "http.request"]
    assert (one.fields.status, one.fields.interim_statuses) == (200, (103,))
    assert "103 Early Hints" in told(*frames)
    assert "100 Continue" not in told(*frames)


def test_a_proxy_is_asked_for_a_way_through_and_opens_it():
    talk = Talk()
    asked = b"CONNECT www.example:443 HTTP/1.1\r\nHost: www.example:443\r\n\r\n"
    story = told(*talk.opens(), talk.asks(asked), talk.tells(b"HTTP/1.1 200 Established\r\n\r\n"), talk.hears())
    assert "asked the proxy 198.51.100.1:80 to open a way through to www.example:443 (CONNECT)" in story
    assert "the way is open" in story


def test_a_proxy_is_asked_for_a_whole_address():
    talk = Talk()
    story = told(*talk.opens(), talk.asks(get(b"http://www.example/a")), talk.tells(OK), talk.hears())
    assert "asked 198.51.100.1:80, as a proxy, for http://www.example/a (GET)" in story


def test_a_redirection_to_what_was_asked_for_goes_round():
    talk = Talk()
    moved = b"HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n"
    assert "goes round without end" in told(*talk.opens(), talk.asks(get(b"/a")), talk.tells(moved), talk.hears())
    talk = Talk()
    assert "goes round" not in told(*talk.opens(), talk.asks(get(b"/b")), talk.tells(moved), talk.hears())


def test_a_server_that_was_asked_for_nothing_in_its_time_says_so():
    talk = Talk()
    frames = [*talk.opens(), (5.0, talk.tells(b"HTTP/1.1 408 Request Timeout\r\n\r\n", FIN)), talk.hears()]
    assert "which had asked for nothing" in told(*frames)
    assert "which had asked for nothing" not in told(*frames[3:])


def test_what_is_no_head_of_http_is_not_called_unrecorded():
    talk = Talk()
    asked = [*talk.opens(), talk.asks(get())]
    assert "not with the head of a response" in told(*asked, talk.tells(b"<html>"), talk.hears())
    talk.ack += 1460
    assert "no head of a response was recorded" in told(*asked, talk.tells(b"<html>"), talk.hears())


def test_a_server_that_has_greeted_in_words_of_its_own_answers_with_no_head_of_http():
    talk = Talk()
    frames = [
        *talk.opens(),
        talk.tells(b"SSH-2.0-A\r\n"),
        talk.hears(),
        talk.asks(get()),
        talk.tells(b"Protocol mismatch."),
    ]
    assert "not with the head of a response" in told(*frames)
    talk = Talk()
    frames = [*talk.opens(), talk.asks(get()), talk.tells(OK), talk.hears(), talk.asks(get()), talk.tells(b"binary")]
    assert "not with the head of a response" not in told(*frames)
