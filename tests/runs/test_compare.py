"""A run held against a good one: what real kernels recorded, and copies with other addresses, ports and times."""

from __future__ import annotations

import json

import pytest
from asunder import split
from packets import pcap
from surroundings import TOP
from two_places import INSIDE, SERVER, Walk, connection, datagram, ping, segment

import explain
from explain.pipeline import explain as explain_with


def recording(name):
    return str(TOP / "pcaps" / name / "capture.pcapng")


def compare(good, bad):
    return explain_with(bad, against=good).against


def named(good, bad):
    return compare([recording(good)], [recording(bad)])


@pytest.mark.parametrize(
    ("good", "bad", "form", "kind", "frames"),
    [
        ("router", "filter-on-router-forward", "outcome", "icmp.echo", (16, 5)),
        ("router", "no-route-on-router", "outcome", "icmp.echo", (16, 7)),
        ("two-routers", "routing-loop", "outcome", "icmp.echo", (24, 33)),
        ("dns", "dns-server-unreachable", "outcome", "dns.lookup", (20, 5)),
        ("dns", "name-resolves-to-wrong-address", "value", "dns.lookup", (20, 16)),
        ("dns", "name-does-not-exist", "value", "dns.lookup", (5, 5)),
        ("dhcp", "dhcp-no-server", "outcome", "dhcp.lease", (3, 1)),
        ("dhcp", "dhcp-rogue-server", "value", "dhcp.lease", None),
        ("nat-icmp", "masquerade-missing", "outcome", "nat.translation", (11, 12)),
        ("dnat-port", "dnat-to-wrong-port", "value", "nat.translation", (11, 11)),
        ("one-segment", "arp-disabled", "outcome", "arp.resolution", (4, 1)),
        ("http", "server-slow", "measure", "tcp.connection", None),
        ("router", "icmp-redirect", "added", "icmp.error", (None, 16)),
        ("router", "no-route-on-sender", "missing", "icmp.echo", (5, None)),
    ],
)
def test_the_first_difference_of_two_recordings_is_named_with_its_frames(good, bad, form, kind, frames):
    found = named(good, bad)
    first = found.first
    assert (first.form, first.kind) == (form, kind)
    assert found.is_same_thing
    if frames:
        assert tuple(side and side.frame for side in (first.there, first.here)) == frames


@pytest.mark.parametrize("name", ["router", "nat-tcp", "dhcp", "traceroute", "ipv6-slaac"])
def test_a_run_differs_in_nothing_from_its_copy_under_other_addresses(name, tmp_path):
    copy = other_names(recording(name), tmp_path)
    found = compare([copy], [recording(name)])
    assert found.is_same_thing
    assert found.first is None
    assert found.pairs == found.exchanges[0] == found.exchanges[1]


@pytest.mark.parametrize(
    ("good", "bad"),
    [("router", "filter-on-router-forward"), ("nat-icmp", "masquerade-missing"), ("dhcp", "dhcp-no-server")],
)
def test_other_addresses_do_not_change_the_first_difference(good, bad, tmp_path):
    plain, moved = named(good, bad), compare([other_names(recording(good), tmp_path)], [recording(bad)])
    assert (moved.first.kind, moved.first.form) == (plain.first.kind, plain.first.form)
    assert (moved.first.there.frame, moved.first.here.frame) == (plain.first.there.frame, plain.first.here.frame)
    assert [one.kind for one in moved.then] == [one.kind for one in plain.then]


def other_names(path, folder):
    from explain.cli import main

    copy = folder / "copy.pcapng"
    with pytest.raises(SystemExit) as ended:
        main(["--anonymise", "-w", str(copy), "-q", path])
    assert not ended.value.code
    return str(copy)


def test_where_the_packets_came_to_is_told_by_place():
    first = named("router", "filter-on-router-forward").first
    assert (first.there.place, first.here.place) == ("r1.eth1", "r1.eth0")


def side_by_side(lab):
    """The recording of a lab as captures that were taken at both interfaces of its router."""
    return [one.source() for one in split(TOP / "pcaps" / lab / "capture.pcapng") if one.name.startswith("r1.")]


def test_a_run_at_several_places_is_held_against_a_good_one_at_the_same_places():
    report = explain_with(side_by_side("filter-on-router-forward.reply"), against=side_by_side("router"))
    first = report.against.first
    assert (first.form, first.kind, first.here.lost) == ("outcome", "icmp.echo", "reply")
    assert (first.there.place, first.here.place) == ("r1.eth0", "r1.eth1")
    story = " ".join(report.story("en").split())
    assert "in frame 3 at r1.eth0; there in frame 4 at r1.eth0" in story
    assert "Held against r1.eth0=r1.eth0.pcap, r1.eth1=r1.eth1.pcap" in story
    assert "There the answer went on to r1.eth0; here r1.eth1 is the last place that saw it" in story


def test_several_good_captures_are_one_run_and_a_place_less_is_no_difference():
    (lan, wan), (own, _) = side_by_side("router"), side_by_side("router")
    assert explain_with([own], against=[lan, wan]).against.first is None


def test_what_followed_is_what_differs_later_and_once_each():
    then = named("dns", "dns-server-unreachable").then
    assert [(one.form, one.kind) for one in then][:2] == [("outcome", "dns.lookup"), ("missing", "icmp.echo")]


def shop(port=80, client=INSIDE, refused=False, start=1.0, client_port=40000, more=()):
    walk = Walk()
    walk.out(start, datagram((client, 5000), (SERVER, 514), b"log", ip_id=3), None)
    if refused:
        syn = segment((client, client_port), (SERVER, port), 2, 5)
        walk.out(start + 1, syn, None)
        walk.back(start + 1, segment((SERVER, port), (client, client_port), 20, 0, 6, ttl=63), None)
    else:
        connection(walk, start + 1, (client, client_port), (client, client_port), (SERVER, port))
    for seq in more:
        walk.out(start + 2 + seq, ping(client, SERVER, seq, ip_id=seq), None)
    return pcap(*walk.inner)


def test_ports_and_times_and_the_clients_address_are_no_difference():
    found = compare([shop()], [shop(client="192.0.2.77", client_port=51000, start=900.0)])
    assert found.first is None
    assert found.who == ((INSIDE, "192.0.2.77"),)


def test_the_frame_at_which_a_connection_takes_another_course_is_named_in_both():
    first = compare([shop()], [shop(refused=True, client_port=51000)]).first
    assert (first.there.last_alike.frame, first.here.last_alike.frame) == (2, 2)
    assert (first.there.step.says, first.here.step.says) == ("SYN ACK [S.]", "RST ACK [R.]")


def test_a_run_that_is_given_the_wrong_way_round_is_found_out():
    found = compare([shop(refused=True)], [shop()])
    assert found.is_swapped
    assert not compare([shop()], [shop(refused=True)]).is_swapped


def test_strangers_are_not_held_for_two_runs_of_the_same_thing():
    found = named("http", "one-segment")
    assert not found.is_same_thing


def test_what_the_good_run_shows_later_than_this_one_is_long_may_only_be_cut_off():
    found = compare([shop(more=[1, 2, 60])], [shop()])
    assert found.first is None  # nobody answers those pings in the good run either
    longer = [recording("dns")]
    assert not compare(longer, [recording("dns-server-unreachable")]).is_after_end


def test_the_report_has_the_comparison_and_without_one_a_null():
    report = explain_with([recording("filter-on-router-forward")], against=[recording("router")])
    held = json.loads(report.to_json())["against"]
    assert held["captures"][0]["packets"] == 32
    assert (held["first"]["there"]["frame"], held["first"]["here"]["frame"]) == (16, 5)
    assert json.loads(explain.explain(recording("router")).to_json())["against"] is None


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_story_names_both_frames_below_the_verdict_and_stays_whole(language):
    report = explain_with([recording("filter-on-router-forward")], against=[recording("router")])
    alone = explain.explain(recording("filter-on-router-forward")).story(language)
    story = report.story(language)
    assert set(alone.splitlines()) <= set(story.splitlines())
    added = [line for line in report.lines if line.message.startswith("against.")]
    assert added[0].depth == 0
    assert (added[0].values["there"], added[0].values["here"]) == (16, 5)


@pytest.mark.parametrize("good", sorted(path.parent.name for path in (TOP / "pcaps").glob("*/capture.pcapng"))[::6])
def test_any_recording_can_be_held_against_any_other(good):
    for bad in ("arp-disabled", "masquerade-missing", "ipv6-slaac", "dhcp-rogue-server"):
        for language in ("en", "ja"):
            assert explain_with([recording(bad)], against=[recording(good)]).story(language)
