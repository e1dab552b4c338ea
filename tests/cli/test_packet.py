from __future__ import annotations

import json
import sys
from functools import partial

import pytest
from command_line import called
from dhcp_packets import ADDRESS, RELEASE, SERVER, ack, asks, discover, offer, request
from packets import A, B, datagram, eth, icmp, ip, pcap, ping, pong, segment
from surroundings import TOP

ALICE, BOB = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def capture(tmp_path):
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1), ping(ALICE, BOB, 2)).read())
    return path


@pytest.fixture
def run(capsysbinary):
    return partial(called, capsysbinary)


def test_a_frame_is_shown_with_its_fields_and_the_frames_around_it(run, capture):
    status, out, err = run("packet", capture, 2)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert "   22  40                         ip.ttl = 64" in lines
    assert "   34  00                         icmp.type = 0 (echo reply)" in lines
    assert "  e1, frame 2 of 3: the ping 192.0.2.1 > 192.0.2.2 (icmp.echo): answered in" in lines
    assert "    before it: frame 1, 1 ms earlier: Echo request seq=1" in lines
    assert "    after it: frame 3, 1 ms later: Echo request seq=2" in lines


def test_a_clock_that_was_set_back_is_no_later_nor_earlier_than_it_shows(run, tmp_path):
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap((5, ping("192.0.2.1", "192.0.2.2", 1)), (2, pong("192.0.2.2", "192.0.2.1", 1))).read())
    first, second = (run("packet", path, frame)[1] for frame in (1, 2))
    assert "UTC; 98 bytes" in first
    assert "after it: frame 2, by the clock 3 s earlier: Echo reply" in first
    assert "UTC, by the clock 3 s before the first frame" in second
    assert "before it: frame 1, by the clock 3 s later: Echo request" in second


def test_flags_are_shown_as_bits_in_their_place(run, capture):
    out = run("packet", capture, 1)[1]
    assert ".0.. .... .... ....        ip.flags.df = 0" in out


def test_a_long_number_within_octets_is_shown_by_its_digits(run, tmp_path):
    frame = bytearray(ping("2001:db8::1", "2001:db8::2", 1))
    frame[14:18] = bytes.fromhex("6c0d8921")
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(bytes(frame)).read())
    out = run("packet", path, 1)[1]
    assert "   15  .d 89 21                   ipv6.flow = 0x0d8921" in out.splitlines()


def test_a_narrow_page_shows_what_octets_say_below_them(run, capture, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    out = run("packet", capture, 1)[1]
    assert max(len(row) for row in out.splitlines() if str(capture) not in row) <= 40
    assert "   22  40\n       ip.ttl = 64\n" in out


def test_a_word_for_which_there_is_no_room_beside_its_octets_stands_below_them(run, tmp_path):
    path = tmp_path / "c.pcap"
    get = f"GET /{'a' * 70} HTTP/1.1\r\n\r\n".encode()
    path.write_bytes(pcap(segment((ALICE, 50000), (BOB, 80), 0x18, data=get)).read())
    assert f"\n       http.request.uri =\n       /{'a' * 70}\n" in run("packet", path, 1)[1]


def test_the_number_of_an_option_of_dhcp_is_not_taken_for_its_value(run, tmp_path):
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(discover()).read())
    assert "dhcp.option.message-type (53) = DISCOVER" in run("packet", path, 1)[1]


def test_a_lease_by_broadcast_is_not_shown_as_a_datagram_without_an_answer(run, tmp_path):
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(discover(), offer(), request(), ack()).read())
    belongs = run("packet", path, 1)[1].split("What it belongs to")[1]
    assert "frame 1 of 4: the DHCP lease of" in belongs
    assert "udp.flow" not in belongs


def test_the_arithmetic_of_a_checksum_is_shown_when_asked_for(run, capture):
    assert "turned over" not in run("packet", capture, 1)[1]
    out = " ".join(run("packet", capture, 1, "-v")[1].split())
    expected = json.loads(run("packet", capture, 1, "--json")[1])["layers"][1]["checksums"][0]
    assert f"words 0x{expected['parts']['words']:x}; carries added back" in out
    assert f"in the packet 0x{expected['found']:04x}" in out


def test_json_has_every_field_with_its_octets(run, capture):
    status, out, _ = run("packet", capture, 1, "--json")
    told = json.loads(out)
    assert (status, told["schema"], told["frame"], told["length"]) == (0, "explain-packet/1", 1, 98)
    assert [layer["name"] for layer in told["layers"]] == ["eth", "ip", "icmp", "data"]
    ttl = next(field for field in told["layers"][1]["fields"] if field["name"] == "ip.ttl")
    assert (ttl["offset"], ttl["size"], ttl["raw"], ttl["value"], ttl["bits"]) == (22, 1, "40", 64, None)
    assert told["exchanges"][0] == {
        "id": "e1", "kind": "icmp.echo", "outcome": "partly-answered", "position": 1, "count": 3, "before": None,
        "after": {"frame": 2, "gap_ns": 1_000_000}, "causes": ["partial-loss"],
    }  # fmt: skip


def test_the_sentences_are_in_the_language_that_was_asked_for(run, capture):
    assert "どのやりとりの一部か" in run("packet", capture, 1, "--lang", "ja")[1]


def test_a_wrong_checksum_says_what_it_should_be(run, tmp_path):
    path = tmp_path / "c.pcap"
    frame = eth(A, B, 0x800, ip(ALICE, BOB, 1, icmp(8, 0, 1, b"abcd")))
    path.write_bytes(pcap(frame[:-1] + b"x").read())
    assert "wrong: it should be 0x" in run("packet", path, 1)[1]


@pytest.mark.parametrize("number", ["4", "0", "x"])
def test_a_frame_that_is_not_there_is_a_usage_error(run, capture, number):
    status, out, err = run("packet", capture, number)
    assert (status, out) == (2, "")
    assert "Traceback" not in err


def test_standard_input_is_refused_with_the_reason(run):
    status, _, err = run("packet", "-", 1)
    assert status == 2
    assert "twice" in err


def test_a_frame_of_no_exchange_says_so(run, tmp_path):
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(eth(A, B, 0x88CC, b"\x02\x07\x04")).read())
    assert "It belongs to no exchange" in run("packet", path, 1)[1]


def test_hostile_names_are_shown_and_never_obeyed(run, tmp_path):
    path = tmp_path / "c.pcap"
    question = b"\0\1\1\0\0\1\0\0\0\0\0\0\x07\x1b[31mxy\0\0\1\0\1"
    path.write_bytes(pcap(datagram((ALICE, 5000), (BOB, 53), question)).read())
    status, out, _ = run("packet", path, 1)
    assert status == 0
    assert "\x1b" not in out
    assert "dns.qry.name" in out


def test_a_frame_of_a_later_interface_is_found_by_its_number_in_the_file(run):
    path = TOP / "pcaps" / "tcp-handshake" / "capture.pcapng"
    told = json.loads(run("packet", path, 8, "--json")[1])
    assert (told["frame"], told["place"]) == (8, "h1.eth0")


def test_nothing_heavy_is_loaded_before_the_command_is_known():
    import subprocess

    code = "import explain.cli.packet, sys; print([m for m in ('numpy', 'pandas', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_exchanges_have_the_ids_of_the_report_and_the_frames_of_their_own_place(run):
    path = TOP / "pcaps" / "tcp-refused" / "capture.pcapng"
    report = json.loads(run(path, "--json")[1])
    told = json.loads(run("packet", path, 7, "--json")[1])
    of_frame = [
        (one["id"], one["kind"])
        for one in report["exchanges"]
        if any(first <= 7 <= last for at in one["evidence"] for first, last in at["frames"])
    ]
    assert [(one["id"], one["kind"]) for one in told["exchanges"]] == of_frame
    assert (told["place"], told["copies"], told["exchanges"][0]["before"]["frame"]) == ("h2.eth0", [8], 6)
    assert told["exchanges"][0]["causes"] == ["tcp-no-listener"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_kind_and_every_way_to_end_has_its_words(language):
    from importlib import import_module

    from explain.exchanges import FINDERS
    from explain.exchanges.over_places import journey, nat_translation
    from explain.story.exchanges.teller import TELLERS
    from explain.words import sentence

    modules = [import_module(f"explain.exchanges.{name}") for name, _ in FINDERS] + [journey, nat_translation]
    outcomes = {
        name
        for module in modules if module.__name__ != "explain.exchanges.icmp.error"
        for key, names in vars(module).items() if key.endswith("OUTCOMES")
        for name in names
    }  # fmt: skip
    assert {"refused", "vanished", "translated", "free", "declined", "announced"} <= outcomes
    assert all(sentence(f"exchange.outcome.{name}", language) for name in outcomes)
    assert all(sentence(f"exchange.what.{kind.replace('.', '-')}", language) for kind in TELLERS)


def test_a_frame_that_never_reached_the_asker_is_still_put_with_its_conversation(run):
    path = TOP / "pcaps" / "stateful-filter-asymmetric-path" / "capture.pcapng"
    told = json.loads(run("packet", path, 68, "--json")[1])
    assert [(one["id"], one["kind"], one["position"]) for one in told["exchanges"]][:1] == [
        ("e2", "tcp.connection", None)
    ]
    assert "on the way only" in run("packet", path, 68)[1]


def test_what_is_not_known_of_an_exchange_is_not_shown_as_nothing(run, tmp_path):
    path = tmp_path / "c.pcap"
    release = asks(RELEASE, source=ADDRESS, target=SERVER, ciaddr=ADDRESS)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    path.write_bytes(pcap(segment((BOB, 80), (ALICE, 40000), 24, (B, A), data=answer), release).read())
    told = [run("packet", path, frame)[1] for frame in (1, 2)]
    told.append(run("packet", TOP / "pcaps" / "router-advertisement-ignored" / "capture.pcapng", 53)[1])
    assert all("What it belongs to\n  e" in page and "None" not in page for page in told)
    assert "an HTTP answer of" in told[0]
