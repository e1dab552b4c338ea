"""A resolver that asks a server of its own: one failure is told once, where it lies."""

from __future__ import annotations

import struct

import pytest
from explained import report
from packets import datagram

HOST, LOCAL, UPSTREAM = "192.0.2.1", "127.0.0.53", "192.0.2.53"
PROGRAM = "127.0.0.1"
NXDOMAIN, SERVFAIL, REFUSED = 3, 2, 5


def said(when, client, server, *, rcode=None, name=b"\1a", kind=1, port=40000):
    flags = 0x0100 if rcode is None else 0x8180 | rcode
    message = struct.pack(">6H", 1, flags, 1, 0, 0, 0) + name + b"\7example\0" + struct.pack(">HH", kind, 1)
    ends = (client, port), (server, 53)
    return when, datagram(*(ends if rcode is None else ends[::-1]), message)


def handed_on(inner, outer, *, resolver=HOST, asked=LOCAL, client=PROGRAM):
    """A program asks, the resolver asks on; what each of them is told, None for nothing."""
    asks = [said(1, client, asked), said(1.001, resolver, UPSTREAM, port=40001)]
    told = [(1.002, resolver, UPSTREAM, inner, 40001), (1.003, client, asked, outer, 40000)]
    answers = [
        said(at, who, server, rcode=rcode, port=port) for at, who, server, rcode, port in told if rcode is not None
    ]
    return *asks, *answers, said(9, client, asked, name=b"\1b"), said(9.001, client, asked, name=b"\1b", rcode=0)


@pytest.mark.parametrize(
    ("inner", "outer", "cause"),
    [
        (NXDOMAIN, NXDOMAIN, "name-does-not-exist"), (REFUSED, REFUSED, "dns-server-unreachable"),
        (REFUSED, SERVFAIL, "dns-server-unreachable"), (None, SERVFAIL, "dns-server-unreachable"),
        (None, None, "dns-server-unreachable"),
    ],
)  # fmt: skip
def test_what_a_resolver_could_not_tell_is_told_where_it_was_not_told_itself(inner, outer, cause):
    found = report(*handed_on(inner, outer))
    (one,) = found.findings
    assert (one.cause, one.values["server"], one.values["count"], found.unexplained) == (cause, UPSTREAM, 1, ())


def test_a_resolver_that_fails_with_a_good_answer_in_its_hands_is_told_itself():
    (one,) = report(*handed_on(0, SERVFAIL)).findings
    assert one.values["server"] == LOCAL


def test_a_failure_that_is_remembered_is_the_same_failure():
    again = said(1.1, PROGRAM, LOCAL, port=40002), said(1.101, PROGRAM, LOCAL, rcode=SERVFAIL, port=40002)
    (one,) = report(*handed_on(REFUSED, SERVFAIL)[:4], *again).findings
    assert (one.values["server"], one.values["count"]) == (UPSTREAM, 1)


def test_two_silent_servers_of_two_clients_are_two_failures():
    found = report(*handed_on(None, None, resolver="192.0.2.7", asked="192.0.2.54", client=HOST)[:2], (9, b"")).findings
    assert sorted(one.values["server"] for one in found) == [UPSTREAM, "192.0.2.54"]
