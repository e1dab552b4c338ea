"""What the NetBIOS name service says: who asks, who has, who claims and who objects."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packets import A, B, datagram, pcap

import explain
from explain.decode.dissect import dissect
from explain.exchanges import closeup
from explain.exchanges.netbios import read

ALICE, BOB, ALL = "192.0.2.1", "192.0.2.9", "192.0.2.255"
ASKS, CLAIMS, RELEASES, LISTS, OBJECTS, HAS = 0x0110, 0x2910, 0x3010, 0x0010, 0xAD86, 0x8500


def spelled(name, kind):
    octets = name.encode("latin-1").ljust(15, b"\0" if name == "*" else b" ") + bytes([kind])
    return b"\x20" + bytes(65 + half for one in octets for half in (one >> 4, one & 15)) + b"\0"


def question(flags, name, kind, record=b"", sort=0x20):
    head = struct.pack(">6H", 7, flags, 1, 0, 0, 1 if record else 0)
    return head + spelled(name, kind) + struct.pack(">HH", sort, 1) + record


def owned(address, is_group=False):
    data = struct.pack(">H", 0x8000 if is_group else 0) + bytes(map(int, address.split(".")))
    return struct.pack(">HHIH", 0x20, 1, 300_000, len(data)) + data


def answer(flags, name, kind, record):
    return struct.pack(">6H", 7, flags, 0, 1, 0, 0) + spelled(name, kind) + record


def said(source, target, message):
    macs = (A, B) if source == ALICE else (B, A)
    return datagram((source, 137), (target, 137), message, macs=macs)


def story(*frames):
    report = explain.explain(pcap(*frames))
    assert not report.findings
    assert report.story("ja")
    return " ".join(report.story("en").split()), [
        one for each in report.exchanges if each.kind == "udp.flow" for one in each.fields.netbios
    ]


def test_a_question_to_all_and_who_answers_it():
    told, acts = story(
        said(ALICE, ALL, question(ASKS, "PRINTER", 0x20)), said(BOB, ALICE, answer(HAS, "PRINTER", 0x20, owned(BOB)))
    )
    assert f"{ALICE} asks everyone on its network who has PRINTER<20> (file server)" in told
    assert f"{BOB} answered." in told
    assert f"{BOB} tells: PRINTER<20> (file server) has the address {BOB}." in told
    assert "to one host alone, as the answer to what that host had said to all" in told
    assert [(one.act, one.by, one.answered_by) for one in acts] == [("asks", ALICE, (BOB,)), ("has", BOB, ())]


def test_who_answered_another_host_has_not_answered_this_one():
    other = datagram(("192.0.2.5", 137), (ALL, 137), question(ASKS, "PRINTER", 0x20))
    _, acts = story(
        said(ALICE, ALL, question(ASKS, "PRINTER", 0x20)),
        other,
        said(BOB, ALICE, answer(HAS, "PRINTER", 0x20, owned(BOB))),
    )
    assert [one.answered_by for one in acts if one.act == "asks"] == [(BOB,), ()]


def test_a_question_that_nobody_answers_is_told_as_that_and_is_no_finding():
    told, _ = story(said(ALICE, ALL, question(ASKS, "WPAD", 0)))
    assert "For WPAD<00> there is no answer in this capture" in told


def test_who_claims_a_name_tells_all_and_hears_nothing():
    told, acts = story(said(ALICE, ALL, question(CLAIMS, "ALICE", 0, b"\xc0\x0c" + owned(ALICE))))
    assert (
        f"{ALICE} wants to use these NetBIOS names and tells everyone on its network first: ALICE<00> (a computer)"
        in told
    )
    assert "objected" not in told
    assert [(one.is_group, one.addresses) for one in acts] == [(False, (ALICE,))]


def test_a_claim_to_a_name_that_is_taken_is_told_with_who_objects():
    claim = question(CLAIMS, "SERVER", 0x20, b"\xc0\x0c" + owned(ALICE))
    told, _ = story(said(ALICE, ALL, claim), said(BOB, ALICE, answer(OBJECTS, "SERVER", 0x20, owned(BOB))))
    assert f"{BOB} objected: SERVER<20> (file server) is taken, so {ALICE} may not use it." in told


def test_a_name_server_accepts_a_name():
    claim = question(0x2900, "ALICE", 0, b"\xc0\x0c" + owned(ALICE))
    told, _ = story(said(ALICE, BOB, claim), said(BOB, ALICE, answer(0xAD80, "ALICE", 0, owned(ALICE))))
    assert f"{ALICE} registers NetBIOS names with {BOB} (a name server, WINS): ALICE<00> (a computer)." in told
    assert f"{BOB} enters ALICE<00> (a computer) for {ALICE}." in told


def test_a_name_server_that_says_nothing_is_told_as_that():
    told, _ = story(said(ALICE, BOB, question(0x2900, "ALICE", 0, b"\xc0\x0c" + owned(ALICE))))
    assert f"{BOB} says nothing to that: it is no name server of NetBIOS" in told
    assert "no answer is no fault" not in told


def test_a_name_server_that_knows_no_such_name_answered():
    nothing = answer(0x8583, "GONE", 0, struct.pack(">HHIH", 0x0A, 1, 0, 0))
    told, _ = story(said(ALICE, BOB, question(0x0100, "GONE", 0)), said(BOB, ALICE, nothing))
    assert f"{BOB} answers that it knows no GONE<00>." in told
    assert "there is no answer" not in told


def test_the_names_of_a_host_are_listed():
    own = ("BOB", 0, 0x0400), ("WORK", 0, 0x8400), ("BOB", 0x20, 0x0400)
    entries = b"".join(name.ljust(15).encode() + struct.pack(">BH", kind, bits) for name, kind, bits in own)
    listed = struct.pack(">HHIHB", 0x21, 1, 0, 47 + len(entries), 3) + entries + bytes(46)
    told, _ = story(
        said(ALICE, BOB, question(LISTS, "*", 0, sort=0x21)), said(BOB, ALICE, answer(0x8400, "*", 0, listed))
    )
    assert f"{ALICE} asks {BOB} for the list of its NetBIOS names" in told
    assert "BOB<00> (a computer), WORK<00> (a workgroup or domain), BOB<20> (file server)" in told


def test_a_name_is_given_up():
    told, _ = story(said(ALICE, ALL, question(RELEASES, "ALICE", 3, b"\xc0\x0c" + owned(ALICE))))
    assert f"{ALICE} gives up NetBIOS names: ALICE<03> (messages)." in told


@pytest.mark.parametrize("name", ["\x01\x02__MSBROWSE__\x02", "A.B C", "caf\xe9"])
def test_odd_names_are_told_as_they_can_be_read(name):
    assert read(question(ASKS, name, 1)).name == {
        "A.B C": "A.B C<01>", "caf\xe9": "caf\\xe9<01>",
    }.get(name, "__MSBROWSE__<01>")  # fmt: skip


@given(st.binary(max_size=80), st.integers(0, 0xFFFF))
def test_any_octets_are_read_without_complaint(rest, flags):
    read(struct.pack(">6H", 1, flags, 1, 1, 1, 1) + rest)
    read(question(flags, "NAME", 0)[:50] + rest)
    read(answer(flags, "*", 0, struct.pack(">HHIHB", 0x21, 1, 0, 9, 255) + rest))


def test_one_message_is_shown_field_by_field_with_the_names_of_a_list():
    entries = b"ALICE          \0\x04\0" + b"WORKGROUP      \0\x84\0"
    data = b"\2" + entries + bytes.fromhex("00005e005301") + bytes(40)
    listed = answer(0x8400, "*", 0, struct.pack(">HHIH", 0x21, 1, 0, len(data)) + data)
    pointing = question(CLAIMS, "ALICE", 0, b"\xc0\x0c" + owned(ALICE))
    for message, names, more in (
        (listed, ["*"], {"nbns.netbios_name": ["ALICE<00>", "WORKGROUP<00>"], "nbns.name_flags.group": [0, 1]}),
        (pointing, ["ALICE<00>", "ALICE<00>"], {"nbns.addr": [ALICE], "nbns.flags.opcode": [5]}),
    ):
        frame = said(ALICE, BOB, message)
        layer = dissect(frame, 1, len(frame), closeup._CONTENTS)[-1]
        found = {name: [one.value for one in layer.fields if one.name == name] for name in ("nbns.name", *more)}
        assert found == {"nbns.name": names, **more}
        assert (layer.name, layer.is_cut, layer.size) == ("nbns", False, len(message))
