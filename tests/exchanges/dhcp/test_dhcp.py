from __future__ import annotations

import struct

import pytest
from dhcp_packets import (
    ACK,
    ADDRESS,
    BROADCAST,
    CLIENT,
    DECLINE,
    GIVEN,
    INFORM,
    NOWHERE,
    OFFER,
    OTHER,
    OTHER_MAC,
    RELEASE,
    SERVER,
    SERVER_MAC,
    XID,
    ack,
    answers,
    asks,
    discover,
    message,
    nak,
    offer,
    option,
    options,
    reboot,
    renew,
    request,
)  # fmt: skip
from hypothesis import given
from hypothesis import strategies as st
from packets import EVERYONE, datagram, is_at, pcap, who_has

import explain
from explain.exchanges.dhcp import message as dhcp_message
from explain.exchanges.dhcp.options import value

MOBILE = "00:00:5e:00:53:77"


def leases(*frames):
    return [one for one in explain.explain(pcap(*frames)).exchanges if one.kind == "dhcp.lease"]


def only(*frames):
    (one,) = leases(*frames)
    return one


def types(one):
    return [step.type for step in one.fields.messages]


def test_discover_offer_request_ack_are_one_lease():
    one = only(discover(), offer(), request(), ack())
    assert (one.outcome, one.frames) == ("bound", ((1, 4),))
    fields = one.fields
    assert (fields.client_mac, fields.xid, fields.offers, fields.address) == (CLIENT, XID, (ADDRESS,), ADDRESS)
    assert (fields.server, fields.lease_s, fields.router, fields.dns) == (SERVER, 3600, SERVER, (SERVER,))
    assert [(step.type, step.frame) for step in fields.messages] == [
        ("DISCOVER", 1), ("OFFER", 2), ("REQUEST", 3), ("ACK", 4),
    ]  # fmt: skip
    assert (fields.mask, fields.began, fields.requested_address) == ("255.255.255.0", "discover", ADDRESS)


def test_renewal_and_rebinding_are_due_after_a_half_and_seven_eighths_of_the_lease():
    fields = only(discover(), offer(), request(), ack()).fields
    assert (fields.t1_s, fields.t2_s) == (1800, 3150)


def test_a_server_may_say_itself_when_to_renew():
    fields = only(request(), ack(given=((51, 3600), (58, 60), (59, 90)))).fields
    assert (fields.t1_s, fields.t2_s) == (60, 90)


def test_a_lease_without_an_end_is_never_renewed():
    fields = only(request(), ack(given=((51, 0xFFFFFFFF),))).fields
    assert (fields.lease_s, fields.is_endless, fields.t1_s) == (None, True, None)


def test_a_repeated_discover_with_the_same_transaction_id_is_the_same_lease():
    one = only(discover(), (2, discover()), (6, discover()), (6.1, offer()), (6.2, request()), (6.3, ack()))
    assert (one.outcome, one.fields.tries, one.fields.offer_wait_ns) == ("bound", 3, 6_100_000_000)


def test_copies_of_one_message_are_no_further_tries():
    assert only(discover(), (0.00001, discover())).fields.tries == 1


def test_a_discover_with_another_transaction_id_is_another_exchange():
    found = leases(discover(), (3, discover(xid=7)), offer(xid=7), request(xid=7), ack(xid=7))
    assert [one.outcome for one in found] == ["unanswered", "bound"]


def test_clients_that_speak_at_the_same_time_are_kept_apart():
    found = leases(
        discover(), discover(client=MOBILE), offer(), offer("192.0.2.101", client=MOBILE), request(),
        request("192.0.2.101", client=MOBILE), ack("192.0.2.101", client=MOBILE), ack(),
    )  # fmt: skip
    assert [(one.fields.client_mac, one.fields.address, one.frames) for one in found] == [
        (CLIENT, ADDRESS, ((1, 1), (3, 3), (5, 5), (8, 8))),
        (MOBILE, "192.0.2.101", ((2, 2), (4, 4), (6, 7))),
    ]


def test_frames_out_of_order_are_told_in_the_order_of_their_times():
    one = only((0.001, offer()), (0, discover()), (0.003, ack()), (0.002, request()))
    assert (one.outcome, types(one)) == ("bound", ["DISCOVER", "OFFER", "REQUEST", "ACK"])


def test_a_renewal_asks_its_server_directly():
    one = only(renew(), ack(to=ADDRESS, ciaddr=ADDRESS))
    assert (one.outcome, one.fields.began, one.fields.requested_address) == ("renewed", "renew", ADDRESS)


def test_rebinding_asks_everybody():
    one = only(renew(target=BROADCAST), ack(ciaddr=ADDRESS))
    assert (one.outcome, one.fields.began) == ("renewed", "rebind")


def test_a_client_that_keeps_its_transaction_id_renews_in_an_exchange_of_its_own():
    found = leases(discover(), offer(), request(), ack(), (30, renew()), (30.1, ack(ciaddr=ADDRESS)))
    assert [one.outcome for one in found] == ["bound", "renewed"]


def test_a_remembered_address_that_the_server_agrees_to_is_bound():
    one = only(reboot(ADDRESS), ack())
    assert (one.outcome, one.fields.began) == ("bound", "reboot")


def test_a_remembered_address_that_the_server_denies_is_refused():
    one = only(reboot("198.51.100.7"), nak((56, b"wrong network")))
    assert (one.outcome, one.fields.address, one.fields.requested_address) == ("refused", None, "198.51.100.7")
    assert (one.fields.message, one.fields.refused_by) == ("wrong network", (SERVER,))


def test_the_refusal_of_a_server_that_was_not_chosen_does_not_count():
    one = only(
        discover(), offer(), offer("192.0.2.200", server=OTHER, mac=OTHER_MAC), request(),
        nak(server=OTHER, mac=OTHER_MAC), ack(),
    )  # fmt: skip
    assert (one.outcome, one.fields.server, one.fields.refused_by) == ("bound", SERVER, (OTHER,))
    assert one.fields.offers == (ADDRESS, "192.0.2.200")


def test_an_offer_that_nobody_takes_is_offered():
    assert only(discover(), offer()).outcome == "offered"


def test_a_request_that_names_a_server_shows_that_there_was_an_offer():
    assert only(discover(), request()).outcome == "offered"


def test_a_request_that_is_repeated_was_not_answered():
    assert only(discover(), offer(), request(), (3, request())).outcome == "unanswered"


def test_a_lone_discover_is_unanswered():
    one = only(discover())
    assert (one.outcome, one.fields.address, one.fields.server) == ("unanswered", None, None)


def test_an_answer_whose_question_was_not_recorded_is_told_all_the_same():
    one = only(ack())
    assert (one.outcome, one.fields.began, one.fields.address) == ("bound", "answer", ADDRESS)


def test_a_renewal_of_which_only_the_answer_was_recorded_shows_by_the_address_that_it_repeats():
    assert only(ack(ciaddr=ADDRESS, to=ADDRESS)).outcome == "renewed"


def test_an_address_found_in_use_is_declined():
    one = only(discover(), offer(), request(), ack(), asks(DECLINE, (50, ADDRESS), (54, SERVER)))
    assert (one.outcome, one.fields.address) == ("declined", ADDRESS)


def test_a_release_with_an_old_transaction_id_does_not_undo_the_lease():
    found = leases(
        discover(), offer(), request(), ack(),
        (60, asks(RELEASE, (54, SERVER), source=ADDRESS, target=SERVER, ciaddr=ADDRESS)),
    )  # fmt: skip
    assert [(one.outcome, one.fields.address) for one in found] == [("bound", ADDRESS), ("released", ADDRESS)]


def test_an_inform_gets_settings_and_no_lease():
    one = only(asks(INFORM, source=ADDRESS, ciaddr=ADDRESS), answers(ACK, (6, SERVER), ciaddr=ADDRESS))
    assert (one.outcome, one.fields.dns, one.fields.lease_s) == ("informed", (SERVER,), None)


def test_a_type_that_is_not_defined_is_no_question_that_waits_for_an_answer():
    told = explain.explain(pcap(asks(106))).story("en")
    assert "TYPE106" in told
    assert "answer" not in told


def test_two_messages_suffice_with_rapid_commit():
    assert only(asks(1, (80, b"")), ack(given=(*GIVEN, (80, b"")))).outcome == "bound"


def test_a_relay_keeps_client_and_transaction():
    relay = "203.0.113.1"
    frames = [
        datagram((relay, 67), (SERVER, 67), message(1, options(1), giaddr=relay), (OTHER_MAC, SERVER_MAC)),
        datagram((SERVER, 67), (relay, 67), message(2, options(2, (54, SERVER), *GIVEN), yiaddr=ADDRESS, giaddr=relay)),
        datagram((relay, 67), (SERVER, 67), message(1, options(3, (50, ADDRESS), (54, SERVER)), giaddr=relay)),
        datagram((SERVER, 67), (relay, 67), message(2, options(5, (54, SERVER), *GIVEN), yiaddr=ADDRESS, giaddr=relay)),
    ]
    found = explain.explain(pcap(*frames))
    (one,) = [one for one in found.exchanges if one.kind == "dhcp.lease"]
    assert (one.outcome, one.fields.relay, one.fields.client_mac) == ("bound", relay, CLIENT)
    assert (tuple(found.findings), found.unexplained) == ((), ())


def test_a_question_about_a_lease_and_its_answer_belong_together_although_the_answer_names_another_client():
    relay = "203.0.113.1"
    asked = datagram((relay, 67), (SERVER, 67), message(1, options(10), client="00:00:00:00:00:00", giaddr=relay))
    told = datagram((SERVER, 67), (relay, 67), message(2, options(13, (54, SERVER)), ciaddr=ADDRESS, giaddr=relay))
    one = only(asked, told)
    assert (one.outcome, types(one), one.fields.address) == ("informed", ["LEASEQUERY", "LEASEACTIVE"], ADDRESS)


def test_who_answers_without_an_identifier_is_named_and_an_address_given_back_without_its_name_is_told_as_that():
    asked = datagram((OTHER, 67), (SERVER, 67), message(1, options(10), giaddr=OTHER))
    told = datagram((SERVER, 67), (OTHER, 67), message(2, options(12), giaddr=OTHER))
    assert f"{SERVER} answered." in explain.explain(pcap(asked, told)).story()
    released = explain.explain(pcap(asks(RELEASE, (54, SERVER), source=ADDRESS, target=SERVER))).story()
    assert "gave an address that it does not name back" in " ".join(released.split())


def test_bootp_has_no_message_types():
    asked = datagram((NOWHERE, 68), (BROADCAST, 67), message(1, b"", cookie=b"\0" * 64), (CLIENT, EVERYONE))
    told = datagram(
        (SERVER, 67), (ADDRESS, 68), message(2, b"", yiaddr=ADDRESS, cookie=b"\0" * 64), (SERVER_MAC, CLIENT)
    )
    one = only(asked, told)
    assert (one.outcome, one.fields.address, one.fields.notes) == ("bound", ADDRESS, ("bootp",))
    assert types(one) == ["BOOTREQUEST", "BOOTREPLY"]


def said(rest, **fields):
    octets = message(2, rest, **fields)
    return dhcp_message.parse(octets, len(octets))


def test_options_go_on_in_the_fields_for_file_and_server_name():
    overload = option(53, bytes((OFFER,))) + option(52, b"\3") + b"\xff"
    one = said(overload, file=option(3, SERVER) + b"\xff", sname=option(6, OTHER) + b"\xff")
    assert one.options[3] + one.options[6] == bytes((192, 0, 2, 254, 192, 0, 2, 66))
    assert "overload" in one.notes


def test_an_overload_inside_an_overloaded_field_is_not_followed():
    one = said(option(52, b"\1") + b"\xff", file=option(52, b"\2") + b"\xff", sname=option(12, b"never") + b"\xff")
    assert 12 not in one.options


def test_parts_of_a_long_option_are_joined():
    assert (
        said(option(12, b"a" * 255) + option(3, SERVER) + option(12, b"b") + b"\xff").options[12] == b"a" * 255 + b"b"
    )


@pytest.mark.parametrize("rest", [option(53, b"\2") + b"\x0c\x20abc", option(53, b"\2") + b"\x0c"])
def test_an_option_that_reaches_beyond_the_message_is_left_out_and_told(rest):
    one = said(rest)
    assert (one.kind, sorted(one.options), one.notes) == ("OFFER", [53], ("overrun",))


def test_an_option_beyond_what_was_captured_is_unknown_and_no_overrun():
    octets = message(2, options(2, (12, b"hello")))
    assert dhcp_message.parse(octets[:-3], len(octets)).notes == ("cut",)


@given(st.binary(max_size=400))
def test_any_octets_behind_a_sound_head_are_read_without_complaint(rest):
    one = said(rest)
    assert all(isinstance(value(code, octets), str) for code, octets in one.options.items())


@pytest.mark.parametrize(
    ("code", "octets", "text"),
    [
        (1, b"\xff\xff\xff\0", "255.255.255.0"),
        (3, b"\xc0\0\2\1\xc0\0\2\2", "192.0.2.1, 192.0.2.2"),
        (3, b"\xc0\0\2", "c0:00:02"),
        (51, b"\0\0\x0e\x10", "3600 s"),
        (51, b"\xff\xff\xff\xff", "infinite"),
        (55, b"\1\3\xfa", "subnet-mask, router, option-250"),
        (61, b"\1\0\0\x5e\0\x53\1", "00:00:5e:00:53:01"),
        (119, b"\3eng\7example\0\5sales\xc0\4", "eng.example, sales.example"),
        (119, b"\xc0\0", "c0:00"),
        (121, b"\x18\xc6\x33\x64\xc0\0\2\1\0\xc0\0\2\2", "198.51.100.0/24 via 192.0.2.1, 0.0.0.0/0 via 192.0.2.2"),
        (121, b"\x21\1\2\3\4\5\6\7\x08\x09", "21:01:02:03:04:05:06:07:08:09"),
        (12, b"h1\0", "h1"),
        (12, b"\xff\x1b[31m", "\\xff\x1b[31m"),
        (82, b"\1\4eth0", "circuit-id 65:74:68:30"),
        (200, b"x" * 70, "78:" * 63 + "78..."),
    ],
)
def test_values_are_written_as_people_write_them(code, octets, text):
    assert value(code, octets) == text


def test_a_hostile_host_name_is_shown_and_not_obeyed():
    frames = (asks(1, (12, b"\x1b]0;owned\x07\n")), offer(), request(), ack())
    report = explain.explain(pcap(*frames))
    assert "\x1b" not in report.story("en")
    assert "\\x1b]0;owned\\x07\\x0a" in report.story("en").replace("\n", "")
    assert leases(*frames)[0].fields.hostname == "\x1b]0;owned\x07\n"


def test_datagrams_on_the_ports_that_are_no_dhcp_stay_flows():
    found = explain.explain(pcap(datagram(("192.0.2.1", 68), (SERVER, 67), struct.pack(">B", 9) * 300))).exchanges
    assert [one.kind for one in found] == ["udp.flow"]


def test_the_story_says_what_the_client_does_with_its_lease():
    report = explain.explain(pcap(discover(), offer(), request(), ack()))
    told = " ".join(report.story("en").split())
    assert "sets the address 192.0.2.100/24" in told
    assert "the router 192.0.2.254: its default route" in told
    assert "after 30 min (T1), every server after 52 min 30 s (T2)" in told


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((26, b"\x05\x78"), "at most 1400 bytes on this interface (MTU)"),
        ((15, b"lab.example"), "Behind short names it tries lab.example."),
        ((119, b"\x03lab\x07example\0\x03net\0"), "Behind short names it tries lab.example, net."),
        ((121, bytes((24, 10, 9, 0, 192, 0, 2, 1))), "routes to certain networks: 10.9.0.0/24 via 192.0.2.1 (option"),
        ((121, bytes((24, 10, 9, 0, 192, 0, 2))), "The routes that it gets (option 121) cannot be read"),
    ],
)
def test_the_story_says_what_else_the_client_sets(more, said):
    handed = (*GIVEN, more)
    frames = discover(), offer(given=handed), request(), ack(given=handed)
    assert said in " ".join(explain.explain(pcap(*frames)).story("en").split())


@pytest.mark.parametrize("times", [(0, 0), (0, 3150), (2000, 1000), (1800, 4000)])
def test_times_of_renewal_that_are_out_of_order_are_not_told_as_if_they_counted(times):
    given = (51, 3600), (58, times[0]), (59, times[1])
    said = " ".join(explain.explain(pcap(request(), ack(given=given))).story("en").split())
    assert f"{times[0]} s (T1) and {times[1]} s (T2), are no use" in said
    assert "after 0" not in said


def test_the_story_tells_a_renewal_in_vain_and_the_rebinding_after_it():
    frames = [renew(), (30, renew()), (60, renew(target=BROADCAST)), (60.1, ack(server=OTHER, mac=OTHER_MAC))]
    told = " ".join(explain.explain(pcap(*frames)).story("en").split())
    assert f"asked its server {SERVER} directly for more time (REQUEST, renewal at T1). 1-2 It asked 2 times" in told
    assert "asked every server for more time (REQUEST, rebinding at T2" in told
    assert f"{OTHER} agreed (ACK)" in told


@pytest.mark.parametrize("order", [(2, 3), (3, 2)])
def test_a_renewal_that_a_relay_copies_to_the_server_from_the_wrong_side_is_no_rebinding_and_was_not_refused(order):
    relay = "192.0.2.200"
    copy = asks(3, source=relay, target=SERVER, ciaddr=ADDRESS, giaddr=relay)
    refused = answers(6, giaddr=relay, to=relay)
    frames = renew(), copy, ack(ciaddr=ADDRESS, to=ADDRESS), refused
    report = explain.explain(pcap(*frames[:2], *(frames[at] for at in order)))
    (one,) = [one for one in report.exchanges if one.kind == "dhcp.lease"]
    assert (one.outcome, one.fields.address) == ("renewed", ADDRESS)
    assert not report.findings
    story = " ".join(report.story().split())
    assert "a copy of that request, which the relay 192.0.2.200 had made" in story
    assert "rebinding" not in story


def test_the_story_names_who_objected_to_a_declined_address():
    report = explain.explain(
        pcap(
            discover(), offer(), request(), ack(), (1, who_has((CLIENT, NOWHERE), ADDRESS)),
            (1.001, is_at((OTHER_MAC, ADDRESS), (CLIENT, NOWHERE))), (1.1, asks(DECLINE, (50, ADDRESS), (54, SERVER))),
        )
    )  # fmt: skip
    assert f"That somebody is {OTHER_MAC}" in " ".join(report.story("en").split())
    assert report.story("ja") != report.story("en")
