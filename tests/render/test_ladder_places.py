from __future__ import annotations

from random import Random

import pytest
from asunder import skewed, split, told
from packets import pcap, ping, pong
from surroundings import TOP

import explain
from explain.cli.telling.times import between
from explain.exchanges.selection import Selection
from explain.pipeline import explain as explain_with
from explain.render.ladder.drawing import render
from explain.render.ladder.sheet import ASCII, BOX
from explain.render.layout import display_width


def ladder(case, width=80, language="en", strokes=BOX):
    return render(explain.explain(str(TOP / "pcaps" / case / "capture.pcapng")), language, width, strokes)


def row_of(text, *parts):
    return next(row for row in text.splitlines() if all(part in row for part in parts))


def test_each_place_has_a_rail_and_a_packet_is_one_line_with_its_frame_at_each():
    text = ladder("nat-tcp")
    assert text.splitlines()[0].split() == ["h1.eth0", "r1.eth0", "r1.eth1", "h2.eth0"]
    request, reply = row_of(text, "│5─"), row_of(text, "14<", "15│") if "14<" in text else row_of(text, "16│<")
    assert [int(word) for word in "".join(c if c.isdigit() else " " for c in request).split()] == [5, 6, 11, 12]
    assert [int(word) for word in "".join(c if c.isdigit() else " " for c in reply).split()] == [16, 15, 14, 13]
    assert reply.count("<") == 3


def test_what_a_nat_rewrote_stands_below_between_the_rails_where_it_did():
    rows = ladder("nat-tcp", 120).splitlines()
    at = rows.index(row_of("\n".join(rows), "│5─"))
    note = rows[at + 1]
    assert "NAT src 10.0.0.2 46980 > 203.0.113.1 46980" in note
    rails = [column for column, char in enumerate(rows[at + 3]) if char == "│"]
    inside, outside = rails[1], rails[2]  # r1.eth0 and r1.eth1
    middle = note.index("NAT") + len("NAT src 10.0.0.2 46980 > 203.0.113.1 46980") // 2
    assert inside < middle < outside
    # The link is plain, the way through the router is double.
    assert set(rows[at][rails[0] + 2 : rails[1] - 1]) == {"─"}
    assert set(rows[at][rails[1] + 2 : rails[2] - 1]) == {"═"}


def test_a_vanished_packet_is_a_broken_arrow_behind_the_place_that_saw_it_last():
    text = ladder("filter-on-router-forward")
    assert row_of(text, "│5─").rstrip().endswith("x")
    assert "was not seen there" in text
    assert "x" not in row_of(ladder("nat-tcp"), "│5─")


def test_a_vanished_reply_breaks_off_on_its_way_back():
    lost = row_of(ladder("filter-on-router-forward.reply"), "14│<", "13│")
    assert lost.index("x") < lost.index("14")


def test_a_packet_that_comes_back_through_a_switch_is_drawn_there_and_back():
    rows = ladder("hairpin-nat-missing").splitlines()
    at = rows.index(row_of("\n".join(rows), "│12─"))
    assert "28│<─" in rows[at + 1]
    assert "│28─" in rows[at + 2]
    assert "NAT dst 203.0.113.1 8080 > 10.0.0.3 80" in rows[at + 3]


def test_what_is_for_everybody_goes_both_ways_in_one_line():
    flood = row_of(ladder("hairpin-nat-missing"), "16╌")
    assert [flood.count(str(frame)) for frame in (16, 17, 18, 19, 20, 21, 22)] == [2, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("strokes", [BOX, ASCII])
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("case", ["nat-icmp", "two-routers", "bridge-ports-isolated", "hairpin-nat-missing"])
def test_no_row_is_wider_than_the_terminal(case, language, strokes):
    for width in (40, 80, 200):
        text = ladder(case, width, language, strokes)
        assert max(display_width(row) for row in text.splitlines()) <= width


def test_places_that_saw_nothing_of_each_other_leave_the_rails_to_the_hosts(tmp_path):
    for name, net in (("a", "192.0.2"), ("b", "198.51.100")):
        frames = ping(f"{net}.1", f"{net}.2", 1, ident=ord(name)), pong(f"{net}.2", f"{net}.1", 1, ident=ord(name))
        (tmp_path / f"{name}.pcap").write_bytes(pcap(*frames).read())
    report = explain.explain(f"a={tmp_path / 'a.pcap'}", f"b={tmp_path / 'b.pcap'}")
    assert "192.0.2.1" in render(report, "en", 100).splitlines()[0]


def test_only_what_lies_in_the_span_is_drawn_also_of_what_only_far_places_saw():
    source = str(TOP / "pcaps" / "filter-on-router-forward.reply" / "capture.pcapng")
    drawn = render(explain_with([source], Selection(between=between("1", "2", is_utc=True))), "en", 100)
    assert "Echo request seq=2" in drawn
    assert "Echo reply seq=2" in drawn
    assert not [seq for seq in (1, 3) if f"seq={seq}" in drawn]


def test_times_of_places_with_clocks_of_their_own_are_by_one_clock():
    places = skewed(split(TOP / "pcaps" / "filter-on-router-forward.reply" / "capture.pcapng"), Random(3))
    drawn = render(told(places), "en", 100)
    seconds = [float(line.split()[1]) for line in drawn.splitlines() if "Echo re" in line and line[:1].isdigit()]
    assert len(seconds) == 6
    assert seconds == sorted(seconds)
    assert seconds[-1] < 3
    assert "Times are by the clock of h1.eth0" in drawn
