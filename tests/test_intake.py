from __future__ import annotations

import io
import struct

import pytest
from packets import pcap, ping, pong

import explain
from explain.errors import UsageError

ALICE, BOB = "192.0.2.1", "198.51.100.1"


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def pcapng(*frames, names=("lan", "wan", None), first=1000):
    """Frames as (interface, octets), from so many microseconds on; one more interface has no name, as many files."""
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    for name in names:
        out += block(1, struct.pack("<HHI", 1, 0, 0) + (option(2, name.encode()) if name else b"") + option(0, b""))
    for number, (interface, frame) in enumerate(frames):
        head = struct.pack("<IIIII", interface, 0, first + number, len(frame), len(frame))
        out += block(6, head + frame)
    return io.BytesIO(out)


ROUTED = (
    (0, ping(ALICE, BOB, 1)),
    (1, ping(ALICE, BOB, 1, ttl=63)),
    (1, pong(BOB, ALICE, 1)),
    (0, pong(BOB, ALICE, 1)),
)


def write(path, stream):
    path.write_bytes(stream.getvalue())
    return str(path)


def test_the_same_traffic_at_two_interfaces_is_one_exchange_with_evidence_at_both():
    one, journey = explain.explain(pcapng(*ROUTED)).exchanges
    assert (journey.kind, journey.outcome) == ("journey", "delivered")
    assert (one.outcome, one.interface, one.frames, one.fields.sent) == ("answered", 0, ((1, 1), (4, 4)), 1)
    assert [(piece.interface, piece.frames) for piece in one.evidence] == [(0, ((1, 1), (4, 4))), (1, ((2, 3),))]


def test_the_same_traffic_in_two_files_is_one_exchange_and_each_file_counts_from_one(tmp_path):
    inside = write(tmp_path / "in.pcap", pcap(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1)))
    outside = write(tmp_path / "out.pcap", pcap(ping(ALICE, BOB, 1, ttl=63), pong(BOB, ALICE, 1)))
    report = explain.explain(f"inside={inside}", f"outside={outside}")
    one, _ = report.exchanges
    assert (one.capture, one.frames) == (0, ((1, 2),))
    assert [(piece.capture, piece.frames) for piece in one.evidence] == [(0, ((1, 2),)), (1, ((1, 2),))]
    assert [capture.vantage for capture in report.captures] == ["inside", "outside"]


def test_other_traffic_at_another_interface_is_an_exchange_of_its_own():
    frames = (0, ping(ALICE, BOB, 1)), (1, ping(ALICE, "198.51.100.2", 1)), (1, pong("198.51.100.2", ALICE, 1))
    found = [(one.interface, one.fields.dst, one.outcome) for one in explain.explain(pcapng(*frames)).exchanges]
    assert found == [(0, BOB, "unanswered"), (1, "198.51.100.2", "answered")]


def test_a_reply_that_reached_only_the_other_place_is_no_answer_for_the_asker():
    frames = (0, ping(ALICE, BOB, 1)), (1, ping(ALICE, BOB, 1, ttl=63)), (1, pong(BOB, ALICE, 1))
    (one,) = [one for one in explain.explain(pcapng(*frames)).exchanges if one.kind == "icmp.echo"]
    assert one.outcome == "unanswered"


def test_an_interface_that_the_file_has_is_selected_and_keeps_its_frame_numbers(tmp_path):
    path = write(tmp_path / "both.pcapng", pcapng(*ROUTED))
    report = explain.explain(f"router:wan={path}")
    assert [(one.interface, one.frames) for one in report.exchanges] == [(1, ((2, 3),))]
    assert report.captures[0].packets == 4
    assert [one.vantage for one in report.captures[0].interfaces] == [None, "router:wan", None]


def test_an_interface_that_the_file_has_not_is_a_label_of_the_whole_file(tmp_path):
    path = write(tmp_path / "both.pcapng", pcapng(*ROUTED))
    report = explain.explain(f"router:eth7={path}")
    assert [one.kind for one in report.exchanges] == ["icmp.echo", "journey"]
    assert report.captures[0].vantage == "router:eth7"


def test_several_interfaces_under_one_name_are_told_by_both(tmp_path):
    report = explain.explain(f"router={write(tmp_path / 'both.pcapng', pcapng(*ROUTED))}")
    assert report.captures[0].vantage == "router"
    assert [one.vantage for one in report.captures[0].interfaces] == ["router:lan", "router:wan", "router:#3"]
    assert [sight.vantage for sight in report.exchanges[1].fields.seen] == ["router:lan", "router:wan"]


def test_the_only_interface_under_a_name_has_that_name(tmp_path):
    report = explain.explain(f"router={write(tmp_path / 'one.pcapng', pcapng(ROUTED[0], names=('lan',)))}")
    assert [one.vantage for one in report.captures[0].interfaces] == ["router"]
    assert [place.name for place in report.packets.places] == ["router"]


def sections(*parts, names=("lan", "wan"), first=(1000, 2000)):
    return io.BytesIO(
        b"".join(pcapng(*some, names=names, first=at).getvalue() for some, at in zip(parts, first, strict=True))
    )


def test_an_interface_that_a_later_section_describes_again_is_the_same_place():
    report = explain.explain(sections(ROUTED[:2], ROUTED[2:]))
    one, journey = report.exchanges
    assert (one.outcome, journey.outcome, len(report.packets.places)) == ("answered", "delivered", 2)
    assert [(piece.interface, piece.frames) for piece in one.evidence] == [(0, ((1, 1), (4, 4))), (1, ((2, 3),))]
    assert [interface.name for interface in report.captures[0].interfaces] == ["lan", "wan", "lan", "wan"]


@pytest.mark.parametrize(
    "apart", [{"first": (1000, 1000)}, {"names": (None, None)}], ids=["recorded at once", "without a name"]
)
def test_an_interface_of_a_later_section_is_a_place_of_its_own_where_nothing_says_that_it_goes_on(apart):
    assert len(explain.explain(sections(ROUTED, ROUTED, **apart)).packets.places) == 4


def test_an_interface_is_selected_in_every_section(tmp_path):
    path = write(tmp_path / "both.pcapng", sections(ROUTED[:2], ROUTED[2:]))
    assert [one.frames for one in explain.explain(f"router:wan={path}").exchanges] == [((2, 3),)]


def test_a_name_with_a_slash_is_a_path(tmp_path):
    path = tmp_path / "a=b.pcap"
    write(path, pcap(ping(ALICE, BOB, 1)))
    assert explain.explain(str(path)).captures[0].vantage is None


def test_the_same_vantage_point_twice_is_refused(tmp_path):
    path = write(tmp_path / "x.pcap", pcap(ping(ALICE, BOB, 1)))
    with pytest.raises(UsageError):
        explain.explain(f"a={path}", f"a={path}")


def test_one_file_under_two_paths_is_not_two_places_unless_somebody_names_them(tmp_path):
    path = write(tmp_path / "x.pcap", pcap(ping(ALICE, BOB, 1)))
    link = tmp_path / "latest.pcap"
    link.symlink_to(path)
    with pytest.raises(UsageError, match=r"latest\.pcap is given twice"):
        explain.explain(str(path), str(link))
    assert len(explain.explain(f"a={path}", f"b={link}").captures) == 2


def test_a_stream_is_read_like_a_file():
    report = explain.explain(pcap(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1)))
    assert report.captures[0].packets == 2


@pytest.mark.parametrize(
    ("given", "kind"),
    [(b"\xd4\xc3\xb2\xa1", "bytes"), (["a.pcap"], "list"), (None, "NoneType"), (io.StringIO("text"), "StringIO")],
)
def test_what_is_neither_a_path_nor_a_stream_is_named_by_its_type(given, kind):
    with pytest.raises(UsageError, match=f"path or an open binary stream, and this is of type {kind}"):
        explain.explain(given)


def test_to_be_given_nothing_is_not_an_empty_capture():
    with pytest.raises(UsageError, match="nothing to explain was given"):
        explain.explain()


def test_counts_and_times_are_those_of_the_file():
    (capture,) = explain.explain(pcap((1.0, ping(ALICE, BOB, 1)), (0.5, pong(BOB, ALICE, 1)))).captures
    assert capture.last_ns - capture.first_ns == 500_000_000  # times need not rise
    assert capture.bytes == capture.captured_bytes == 2 * len(ping(ALICE, BOB, 1))


def test_interfaces_of_one_name_in_several_files_are_told_apart_by_the_file(tmp_path):
    near = write(tmp_path / "near.pcapng", pcapng(*ROUTED, names=("eth0", "eth1", None)))
    far = [(number, ping(ALICE, BOB, 1, ttl=62 - number)) for number in (0, 1)]
    one = write(tmp_path / "far.pcapng", pcapng(*far, names=("eth0", "eth1", None)))
    names = [place.label for place in explain.explain(near, one).packets.places]
    assert names == ["near.pcapng:eth0", "near.pcapng:eth1", "far.pcapng:eth0", "far.pcapng:eth1"]


def test_the_file_alone_names_the_only_interface_of_a_capture_where_another_has_one_of_that_name(tmp_path):
    near = write(tmp_path / "near.pcapng", pcapng((0, ping(ALICE, BOB, 1)), names=("eth0",)))
    far = write(tmp_path / "far.pcapng", pcapng((0, ping(ALICE, BOB, 1, ttl=63)), names=("eth0",)))
    report = explain.explain(near, far)
    assert [place.label for place in report.packets.places] == ["near.pcapng", "far.pcapng"]
    assert [one.interfaces[0].vantage for one in report.captures] == ["near.pcapng", "far.pcapng"]
