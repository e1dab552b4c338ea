"""Each word of a pasted block is explained in its line, once, and a page stays readable."""

from __future__ import annotations

import io

import pytest

import explain
from explain.render.layout import display_width
from explain.story.line_by_line import FEW_WORDS, explained
from explain.symptoms.notes import read_notes

ADDRESS = """\
root@h1:~# ip address show dev eth0
2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 1a:2b:3c:4d:5e:6f brd ff:ff:ff:ff:ff:ff link-netns r1
    inet 192.0.2.1/24 scope global eth0
       valid_lft forever preferred_lft forever
"""
AGAIN = ADDRESS.replace("root@h1", "root@h2").replace("192.0.2.1", "192.0.2.2")


def words_at(text):
    return {
        number: [line.values["shown"] for line in lines if line.message == "notes.word"]
        for number, lines in explained(read_notes(text)).items()
    }


def test_every_word_is_explained_in_the_line_in_which_it_stands():
    found = words_at(ADDRESS)
    assert found[2] == [
        "@if5",
        "BROADCAST",
        "MULTICAST",
        "UP",
        "LOWER_UP",
        "mtu 1500",
        "qdisc noqueue",
        "state UP",
        "group default",
        "qlen 1000",
    ]
    assert found[3] == ["link/ether", "brd ff:ff:ff:ff:ff:ff", "link-netns r1"]
    assert found[4] == ["inet", "scope global"]


def test_a_word_is_explained_only_where_it_first_comes_up():
    assert list(words_at(ADDRESS + AGAIN)) == list(words_at(ADDRESS))


def test_a_short_text_is_explained_at_once_and_a_long_one_on_request():
    short = explained(read_notes(ADDRESS))
    assert sum(map(len, short.values())) <= FEW_WORDS
    assert {line.depth for lines in short.values() for line in lines} == {1}
    long = explained(read_notes(ADDRESS + AGAIN + AGAIN.replace("h2", "h3")))
    assert {line.depth for lines in long.values() for line in lines} == {2}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_explanation_stands_between_the_block_and_the_next(language):
    story = explain.explain(
        io.BytesIO((ADDRESS + "root@h1:~# ip route\ndefault via 192.0.2.254 dev eth0\n").encode())
    ).story(language)
    rows = story.splitlines()
    at = [next(number for number, row in enumerate(rows) if text in row) for text in ("L1-5 ", "LOWER_UP: ", "L6-7 ")]
    assert at == sorted(at)
    assert [row for row in rows if display_width(row) > 80] == []


@pytest.mark.parametrize(("text", "depth"), [(ADDRESS, 1), (ADDRESS + AGAIN + AGAIN.replace("h2", "h3"), 2)])
def test_a_hint_stands_there_only_if_v_shows_more(text, depth):
    lines = explain.explain(io.BytesIO(text.encode())).lines
    assert {line.depth for line in lines if line.message == "notes.word"} == {depth}
    assert sum(line.message == "notes.words" for line in lines) == depth - 1


def test_hostile_fields_are_shown_inert():
    text = ADDRESS.replace("link-netns r1", "link-netns \x1b[31mr1")
    assert "\x1b" not in explain.explain(io.BytesIO(text.encode())).story("en")


def test_the_options_of_tcpdump_are_explained_one_by_one_and_those_of_ping_are_not():
    typed = "root@h1:~# sudo tcpdump -nle -i any -vv -tttt -c 3 icmp\n"
    packet = "12:00:00.000000 IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1, length 64\n"
    found = words_at(typed + packet)
    assert found[1] == ["-n", "-l", "-e", "-i any", "-vv", "-tttt"]
    lines = explained(read_notes(typed + packet))[2]
    assert [line.values["term"] for line in lines if line.values.get("shown") == "seq 1"] == ["icmp_seq"]
    assert 1 not in words_at("root@h1:~# ping -n -c 1 192.0.2.1\nPING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.\n")


def test_the_line_buffering_of_tcpdump_is_told_where_it_was_typed():
    typed = "root@h1:~# tcpdump -l -e -i eth0 arp\n"
    packet = "12:00:00.000000 00:00:5e:00:53:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: "
    packet += "Request who-has 192.0.2.2 tell 192.0.2.1, length 28\n"
    story = " ".join(explain.explain(io.BytesIO((typed + packet).encode())).story("en").split())
    assert "-l: tcpdump writes each line as soon as it is complete (line buffering)" in story
    assert "-e: Show the Ethernet header of each frame too" in story
