from __future__ import annotations

import struct

import pytest
from explained import report
from hypothesis import given
from hypothesis import strategies as st
from packets import A, B, datagram, packed, pcap, ping, pong

import explain
from explain.exchanges.dhcpv6 import message as dhcpv6_message

CLIENT, SERVER, ALL = "fe80::1", "fe80::2", "ff02::1:2"
DUID, SERVER_DUID = bytes.fromhex("0003000100005e005301"), bytes.fromhex("0003000100005e0053fe")
OTHER_DUID = bytes.fromhex("0003000100005e005377")
ADDRESS = "2001:db8::100"
SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, DECLINE = range(1, 10)
INFORMATION_REQUEST, RELAY_FORW, RELAY_REPL = 11, 12, 13


def option(code, data):
    return struct.pack(">HH", code, len(data)) + data


def status(code, text=b""):
    return option(13, struct.pack(">H", code) + text)


def address(text=ADDRESS, preferred=3000, valid=4000, inside=b""):
    given = option(5, packed(text) + struct.pack(">II", preferred, valid) + inside)
    return option(3, struct.pack(">III", 1, 1000, 2000) + given)


def prefix(text="2001:db8:100::", length=56):
    given = option(26, struct.pack(">IIB", 300, 400, length) + packed(text))
    return option(25, struct.pack(">III", 1, 100, 200) + given)


def message(kind, *options, xid=0xABCDEF, client=DUID, server=None):
    head = struct.pack(">I", kind << 24 | xid)
    return head + option(1, client) + (option(2, server) if server else b"") + b"".join(options)


def asks(kind, *options, source=CLIENT, **more):
    return datagram((source, 546), (ALL, 547), message(kind, *options, **more), (A, "33:33:00:01:00:02"))


def answers(kind, *options, to=CLIENT, **more):
    return datagram((SERVER, 547), (to, 546), message(kind, *options, server=SERVER_DUID, **more), (B, A))


def relayed(kind, inner, link="2001:db8::fe"):
    return bytes((kind, 0)) + packed(link) + packed(CLIENT) + option(9, inner)


def leases(*frames):
    return [one for one in report(*frames).exchanges if one.kind == "dhcpv6.lease"]


def only(*frames):
    (one,) = leases(*frames)
    return one


def test_solicit_to_reply_is_one_lease_although_the_transaction_id_changes():
    one = only(
        asks(SOLICIT, xid=1), answers(ADVERTISE, address(), xid=1), asks(REQUEST, address(), xid=2, server=SERVER_DUID),
        answers(REPLY, address(), xid=2),
    )  # fmt: skip
    assert (one.outcome, one.frames, one.fields.xids) == ("bound", ((1, 4),), (1, 2))
    fields = one.fields
    assert (fields.client_duid, fields.server_duid) == (DUID.hex(), SERVER_DUID.hex())
    assert (fields.addresses, fields.prefixes, fields.client_mac) == ((ADDRESS,), (), "00:00:5e:00:53:01")
    assert (fields.t1_s, fields.t2_s, fields.valid_s) == (1000, 2000, 4000)


def lasting(*seconds):
    t1, t2, valid = seconds
    given = option(5, packed(ADDRESS) + struct.pack(">II", valid, valid))
    story = report(asks(REQUEST), answers(REPLY, option(3, struct.pack(">III", 1, t1, t2) + given))).story()
    return " ".join(story.split())


def test_an_address_for_ever_is_told_as_that():
    said = lasting(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    assert "without an end" in said
    assert "days" not in said


def test_a_t1_behind_t2_is_named():
    assert "T1 may not lie behind T2" in lasting(2000, 1000, 4000)
    assert "T1" not in lasting(0, 0, 4000)


def test_a_prefix_may_be_delegated():
    assert only(asks(REQUEST), answers(REPLY, prefix())).fields.prefixes == ("2001:db8:100::/56",)


@pytest.mark.parametrize(
    ("asked", "told", "outcome"),
    [
        ((RENEW, address()), (REPLY, address()), "renewed"),
        ((REBIND, address()), (REPLY, address()), "renewed"),
        ((CONFIRM, address()), (REPLY, status(0)), "renewed"),
        ((CONFIRM, address()), (REPLY, status(4)), "refused"),
        ((RENEW, address()), (REPLY, option(3, struct.pack(">III", 1, 0, 0) + status(3))), "refused"),
        ((RELEASE, address()), (REPLY, status(0)), "released"),
        ((DECLINE, address()), (REPLY, status(0)), "declined"),
        ((INFORMATION_REQUEST, b""), (REPLY, option(23, packed("2001:db8::53"))), "informed"),
        ((SOLICIT, b""), (ADVERTISE, address()), "offered"),
        ((SOLICIT, b""), (ADVERTISE, status(2, b"none left")), "refused"),
        ((SOLICIT, option(14, b"")), (REPLY, address()), "bound"),
        ((REQUEST, b""), (REPLY, address(valid=0, preferred=0)), "refused"),
    ],
)
def test_each_question_ends_in_its_own_way(asked, told, outcome):
    assert only(asks(*asked), answers(*told)).outcome == outcome


def test_a_question_alone_is_unanswered():
    one = only(asks(SOLICIT), (1, asks(SOLICIT)), (3, asks(SOLICIT)))
    assert (one.outcome, one.fields.tries) == ("unanswered", 3)


def test_clients_that_speak_at_the_same_time_are_kept_apart():
    found = leases(
        asks(SOLICIT, xid=1), asks(SOLICIT, xid=1, client=OTHER_DUID, source="fe80::77"),
        answers(ADVERTISE, address("2001:db8::77"), xid=1, client=OTHER_DUID, to="fe80::77"),
        answers(ADVERTISE, address(), xid=1),
    )  # fmt: skip
    assert [(one.fields.client_duid, one.fields.addresses) for one in found] == [
        (DUID.hex(), (ADDRESS,)), (OTHER_DUID.hex(), ("2001:db8::77",)),
    ]  # fmt: skip


def test_messages_are_taken_out_of_the_envelopes_of_relays():
    asked = relayed(RELAY_FORW, relayed(RELAY_FORW, message(REQUEST), link="2001:db8:1::1"))
    told = relayed(RELAY_REPL, relayed(RELAY_REPL, message(REPLY, address()), link="2001:db8:1::1"))
    one = only(
        datagram(("2001:db8::fe", 547), ("2001:db8::1", 547), asked),
        datagram(("2001:db8::1", 547), ("2001:db8::fe", 547), told, (B, A)),
    )  # fmt: skip
    assert (one.outcome, one.fields.relays) == ("bound", ("2001:db8::fe", "2001:db8:1::1"))


def test_envelopes_without_end_are_opened_a_few_times_only():
    inner = message(REQUEST)
    for _ in range(20):
        inner = relayed(RELAY_FORW, inner)
    assert dhcpv6_message.parse(inner, len(inner)) is None


@given(st.binary(max_size=300), st.sampled_from([b"", b"\1abc", message(REPLY, address())[:30]]))
def test_any_octets_are_read_without_complaint(rest, first):
    dhcpv6_message.parse(first + rest, len(first + rest))


def test_an_option_that_reaches_beyond_the_message_is_left_out_and_told():
    octets = message(SOLICIT) + b"\0\x17\0\x20abc"
    assert dhcpv6_message.parse(octets, len(octets)).notes == ("overrun",)
    assert dhcpv6_message.parse(octets, len(octets) + 30).notes == ("cut",)


def test_a_lease_that_is_granted_and_released_is_healthy():
    found = report(
        asks(SOLICIT, xid=1), answers(ADVERTISE, address(), xid=1), asks(REQUEST, address(), xid=2),
        answers(REPLY, address(), xid=2), (60, asks(RELEASE, address(), xid=3)),
        (60.1, answers(REPLY, status(0), xid=3)),
    )  # fmt: skip
    assert (tuple(found.findings), found.unexplained) == ((), ())


def test_silence_is_a_missing_server_where_nothing_else_goes_on():
    (finding,) = report(asks(SOLICIT), (1, asks(SOLICIT)), (3, asks(SOLICIT))).findings
    assert (finding.cause, finding.certainty) == ("dhcp-no-server", "likely")


def test_where_a_relay_asks_in_vain_the_server_or_the_way_to_it_is_at_fault():
    asked = datagram(("2001:db8::fe", 547), ("2001:db8::1", 547), relayed(RELAY_FORW, message(SOLICIT)))
    (finding,) = report(asked, (1, asked)).findings
    assert (finding.cause, finding.values["case"]) == ("dhcp-no-server", "relay")
    assert (finding.values["relay"], finding.values["asked"]) == ("2001:db8::fe", "2001:db8::1")
    assert "no-return-route-on-target" in finding.rivals


def test_hosts_that_ask_just_in_case_are_no_trouble():
    found = report(
        ping("192.0.2.1", "192.0.2.2", 1), pong("192.0.2.2", "192.0.2.1", 1), asks(SOLICIT), (1, asks(SOLICIT))
    )
    assert (tuple(found.findings), found.unexplained) == ((), ())


def test_a_server_that_has_nothing_left_says_so():
    (finding,) = report(asks(SOLICIT), answers(ADVERTISE, status(2, b"none"))).findings
    assert (finding.cause, finding.values["status"]) == ("dhcp-pool-exhausted", "NoAddrsAvail")


def test_an_address_that_does_not_fit_the_link_is_refused():
    (finding,) = report(asks(CONFIRM, address()), answers(REPLY, status(4))).findings
    assert finding.cause == "dhcp-request-wrong-subnet"


def test_a_declined_address_is_a_duplicate():
    found = report(asks(DECLINE, address()), answers(REPLY, status(0)))
    assert [(one.cause, one.values["address"]) for one in found.findings] == [("duplicate-address", ADDRESS)]
    assert f"{ADDRESS} is in use by somebody else" in " ".join(found.story("en").split())


def test_a_hostile_name_is_shown_and_not_obeyed():
    name = option(39, b"\0\x08\x1b]0;x\x07\n!\0")
    one = only(asks(REQUEST, name), answers(REPLY, address()))
    assert one.fields.hostname == "\x1b]0;x\x07\n!"
    words = status(1, b"\x1b[31mred")
    assert "\x1b" not in report(asks(REQUEST), answers(REPLY, words)).story("en")


def test_a_question_in_the_last_moment_of_a_longer_capture_has_no_finding():
    first = (0.0, datagram((CLIENT, 5353), ("ff02::fb", 5353), b"hello", (A, "33:33:00:00:00:fb")))
    at_last = explain.explain(pcap(first, (9.0, asks(1))))
    assert [one.outcome for one in at_last.exchanges if one.kind == "dhcpv6.lease"] == ["unanswered"]
    assert list(at_last.findings) == []
    assert [one.cause for one in explain.explain(pcap(first, (9.0, asks(1)), (20.0, first[1]))).findings] == [
        "dhcp-no-server"
    ]


def test_the_ends_of_a_lease_are_a_client_and_a_dhcp_server():
    found = report(asks(SOLICIT, address()), answers(2, address()), asks(REQUEST, address()), answers(REPLY, address()))
    roles = {each.addresses[0]: each.roles for each in found.hosts}
    assert (roles[CLIENT], roles[SERVER]) == (("client",), ("dhcp-server",))


@pytest.mark.parametrize(("octets", "domains"), [
    (b"\x03lab\x07example\0\x03net\0", ("lab.example", "net")), (b"\x03lab\x07exam", ()), (b"", ()),
])  # fmt: skip
def test_the_domains_that_a_client_tries_are_told(octets, domains):
    frames = asks(INFORMATION_REQUEST), answers(REPLY, option(24, octets))
    assert [one.fields.domains for one in leases(*frames)] == [domains]
    assert ("Behind short names it tries" in report(*frames).story()) == bool(domains)


@pytest.mark.parametrize("kept", [14 + 40 + 8 + 4, 14 + 40 + 8 + 18, 96, 128])
def test_what_was_cut_off_an_answer_is_no_refusal(kept):
    asked = asks(SOLICIT, address(), xid=1), asks(REQUEST, address(), xid=2)
    told = answers(ADVERTISE, address(), xid=1), answers(REPLY, address(), xid=2)
    frames = [frame for pair in zip(asked, told, strict=True) for frame in pair]
    found = explain.explain(pcap(*frames, snaplen=kept))
    assert not found.findings
    assert "refuse" not in found.story("en")
