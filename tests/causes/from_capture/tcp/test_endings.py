"""A server that refuses a request before it has all of it cuts the connection off; the reason is its answer."""

from __future__ import annotations

import pytest
from packets import pcap
from tcp_scenes import ACK, FIN, PUSH, RST, Play

import explain


def upload(answer: bytes, *, has_fin: bool = False, reset_after: float = 0.001, body: int = 3) -> Play:
    """A request whose body goes on, an answer, and the RST to what came behind it."""
    head = b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n"
    play, at = Play().shake().c(PUSH, 1, 1, head), 1 + len(head)
    for _ in range(body):
        play.c(ACK, at, 1, b"x" * 1000)
        at += 1000
    play.s(PUSH, 1, at, answer)
    if has_fin:
        play.s(FIN | ACK, 1 + len(answer), at).c(ACK, at, 1, b"x" * 1000)
    return play.s(RST, 1 + len(answer), after=reset_after)


def told(*plays: Play) -> list[tuple[str, object, object]]:
    findings = explain.explain(pcap(*(frame for play in plays for frame in play.frames))).findings
    return [(one.cause, one.values.get("case"), one.values.get("status")) for one in findings]


REFUSED = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("has_fin", [False, True])
def test_the_answer_is_the_reason_where_a_server_refused_a_request_whose_body_still_came(has_fin):
    assert told(upload(REFUSED, has_fin=has_fin)) == [("tcp-application-closes", "turned-down", "413")]


@pytest.mark.parametrize(
    "play",
    [
        upload(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        upload(REFUSED, reset_after=30.0),
        upload(REFUSED, body=0),
        upload(b"no answer of HTTP at all"),
    ],
    ids=["well answered", "much later", "no body", "no answer"],
)
def test_else_the_answer_is_not_the_reason(play):
    assert "turned-down" not in [case for _, case, _ in told(play)]
