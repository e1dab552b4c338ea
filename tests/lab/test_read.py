"""A lab file says what it means, or is refused with the key, what stands there and what may."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from explain.errors import ExplainError, InputError
from explain.lab.catalogue import everything, find
from explain.lab.check import LabFileError
from explain.lab.read import from_table, read
from explain.lab.services import service_argv

GOOD = """
schema = 1
chapter = "test"
title = { en = "A test", ja = "試験" }
links = [["h1.eth0", "r1.eth0"], ["r1.eth1", "h2.eth0"]]

[nodes.h1]
interfaces.eth0 = { address = "192.0.2.1/24" }
routes = ["default via 192.0.2.254"]

[nodes.r1]
kind = "router"
interfaces.eth0 = { address = ["192.0.2.254/24"] }

[nodes.h2]
interfaces.eth0 = { address = "198.51.100.1/24" }

[[steps]]
on = "h1"
run = ["ping", "-c", "1", "198.51.100.1"]
"""


def lab_of(text):
    return from_table(tomllib.loads(text), "test", "lab.toml", text)


def replaced(old, new):
    assert old in GOOD
    return GOOD.replace(old, new, 1)


BAD = {
    "an unknown key": (replaced("chapter =", "chapte ="), "chapte", "chapter"),
    "an unknown key of a node": (replaced("routes =", "route ="), "nodes.h1: route", "routes"),
    "IPv6 in a lab without it": (replaced('"192.0.2.1/24"', '"2001:db8::1/64"'), "interfaces.eth0", 'ipv6 = "quiet"'),
    "a route of IPv6 in a lab without it": (
        replaced('via 192.0.2.254"', 'via 192.0.2.254", "default via 2001:db8::2"'),
        "routes[1]",
        'ipv6 = "quiet"',
    ),
    "a command that is one text": (
        replaced('["ping", "-c", "1", "198.51.100.1"]', '"ping -c 1 198.51.100.1"'),
        "steps[0]: run",
        '["ping", "-c", "1"',
    ),
    "a kind that is no text": (replaced('kind = "router"', "kind = []"), "nodes.r1: kind", "router"),
    "an unknown node in a step": (replaced('on = "h1"', 'on = "h9"'), "steps[0]: on", "h1"),
    "an unknown program": (replaced('"ping", "-c"', '"pin", "-c"'), "run[0]", "ping"),
    "an address of somebody else": (replaced("192.0.2.1/24", "8.8.8.8/24"), "address[0]", "documentation"),
    "an address of somebody else in a command": (replaced('"1", "198.51.100.1"', '"1", "8.8.8.8"'), "run[3]", "only"),
    "an interface that is no end of a link": (replaced("interfaces.eth0 =", "interfaces.eth7 ="), "eth7", "eth0"),
    "an interface of two links": (replaced('["r1.eth1", "h2.eth0"]', '["r1.eth0", "h2.eth0"]'), "links[1]", "one link"),
    "a name that is a path": (replaced('"h1.eth0"', '"../h1.eth0"'), "links[0]", "stand here"),
    "a name longer than the kernel's": (replaced('"h1.eth0"', '"h1.abcdefghijklmnop"'), "links[0]", "15"),
    "a line for a shell": (replaced('["ping", "-c", "1", "198.51.100.1"]', '"ping 198.51.100.1"'), "run", "list"),
    "a route that is in no list": (
        replaced('["default via 192.0.2.254"]', '"default via 192.0.2.254"'),
        "routes",
        '["default via 192.0.2.254"]',
    ),
    "a word that no route has": (replaced("default via", "default vie"), "routes[0]", "via"),
    "a route by an absent interface": (replaced("default via 192.0.2.254", "default dev eth5"), "eth5", "eth0"),
    "a number where a text belongs": (replaced('chapter = "test"', "chapter = 3"), "chapter", "text"),
    "a missing language": (replaced(', ja = "試験"', ""), "title: ja", "required"),
    "a prefix length left out": (replaced("192.0.2.1/24", "192.0.2.1"), "address[0]", "prefix length"),
    "a schema of the future": (replaced("schema = 1", "schema = 2"), "schema", "1 stands here"),
    "a setting of the whole machine": (
        replaced("[nodes.h2]", '[nodes.h2]\nsysctl = { "net.core.rmem_max" = "1" }'),
        "net.core.rmem_max",
        "net.ipv4",
    ),
    "a setting that climbs out": (
        replaced("[nodes.h2]", '[nodes.h2]\nsysctl = { "net.ipv4.../../kernel.panic" = "1" }'),
        "sysctl",
        "net.ipv4",
    ),
    "a program of the host by ip": (
        replaced('["ping", "-c", "1", "198.51.100.1"]', '["ip", "netns", "exec", "x", "sh"]'),
        "run[1]",
        "start programs",
    ),
    "a file written by curl": (
        replaced('["ping", "-c", "1", "198.51.100.1"]', '["curl", "-o", "/etc/x", "http://198.51.100.1/"]'),
        "run[1]",
        "files",
    ),
    "a multicast MAC": (
        replaced('{ address = "198.51.100.1/24" }', '{ mac = "01:00:5e:00:00:01" }'),
        "mac",
        "unicast",
    ),
    "an unknown service": (GOOD + '\n[[services]]\non = "h1"\nkind = "htp"\n', "kind", "http"),
    "a script for dnsmasq": (
        GOOD + '\n[[services]]\non = "h1"\nkind = "dnsmasq"\noptions = ["--dhcp-script=/bin/sh"]\n',
        "options[0]",
        "--dhcp-range",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_no_lab_can_be_is_refused_with_the_key_and_what_may_stand_there(what):
    text, key, may = BAD[what]
    with pytest.raises(LabFileError) as caught:
        lab_of(text)
    said = str(caught.value)
    assert said.startswith("lab.toml: ")
    assert key in said
    assert may in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("old", "new", "on"),
    [
        ("chapter =", "chapte =", "chapte"), ('"ping"', '"pnig"', "pnig"), ("routes =", "route =", "route ="),
        ('"198.51.100.1/24"', '"198.51.100.1"', '"198.51.100.1" }'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path, old, new, on):
    file = tmp_path / "lab.toml"
    file.write_text(replaced(old, new), "utf-8")
    number = next(at for at, line in enumerate(replaced(old, new).splitlines(), 1) if on in line)
    with pytest.raises(LabFileError) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}:{number}: ")


def test_a_near_miss_names_the_word_that_was_meant():
    with pytest.raises(LabFileError, match=r"did you mean 'steps'\?"):
        lab_of(GOOD.replace("[[steps]]", "[[stepps]]"))


def test_what_does_not_stand_there_is_not_told_as_a_value_of_python():
    with pytest.raises(LabFileError, match=r"lab.toml: chapter: this key is required here$"):
        lab_of(replaced('chapter = "test"\n', ""))


def test_a_control_character_never_reaches_the_terminal():
    with pytest.raises(LabFileError) as caught:
        lab_of(replaced('chapter = "test"', r'chapter = "a\u001b[31m"'))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"a = [", b"", b"x" * 300_000])
def test_a_file_that_is_no_lab_is_refused_in_one_line(tmp_path, data):
    path = tmp_path / "lab.toml"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_interfaces_get_documentation_macs_in_order_and_naming_one_moves_no_other():
    plain = lab_of(GOOD)
    named = lab_of(replaced('"192.0.2.1/24" }', '"192.0.2.1/24", mac = "00:00:5e:00:53:aa" }'))
    macs = [nic.mac for node in plain.nodes for nic in node.nics]
    assert macs == [f"00:00:5e:00:53:0{i}" for i in (1, 2, 3, 4)]
    assert [nic.mac for node in named.nodes for nic in node.nics] == ["00:00:5e:00:53:aa", *macs[1:]]
    other = lab_of(replaced('"198.51.100.1/24" }', '"198.51.100.1/24", mac = "00:00:5e:00:53:02" }'))
    assert [nic.mac for node in other.nodes for nic in node.nics] == [
        macs[0], "00:00:5e:00:53:ff", macs[2], "00:00:5e:00:53:02",
    ]  # fmt: skip


def test_roles_follow_the_order_of_the_file():
    assert [node.role for node in lab_of(GOOD).nodes] == ["S", "R1", "T"]


def test_every_shipped_lab_can_be_read():
    paths = everything()
    assert len(paths) > 100
    for path in paths:
        lab = read(path)
        assert lab.name == path.parent.name
        assert set(lab.title) == {"en", "ja"}
        assert any(step.is_main for step in lab.steps if hasattr(step, "is_main"))


def test_every_shipped_lab_says_what_is_expected_and_has_its_recording():
    for path in everything():
        expected = tomllib.loads((path.parent / "expected.toml").read_text())
        assert expected["schema"] == 1
        recorded = path.resolve().parents[2] / "pcaps" / path.parent.name
        if recorded.parent.is_dir():
            assert (recorded / "capture.pcapng").is_file(), f"{path.parent.name} was never recorded"


def test_an_unknown_lab_is_answered_with_the_nearest_ones():
    with pytest.raises(ExplainError, match="router"):
        find("ruoter")


def test_a_lab_is_found_by_path_then_in_the_working_folder_then_among_the_shipped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find("router").parts[-3:-1] == ("fixtures", "router")
    own = tmp_path / "fixtures" / "router"
    own.mkdir(parents=True)
    (own / "lab.toml").write_text(GOOD)
    assert find("router") == Path("fixtures/router/lab.toml")
    assert find(str(own / "lab.toml")) == own / "lab.toml"


def test_a_title_may_be_one_text_for_both_languages():
    assert lab_of(replaced('{ en = "A test", ja = "試験" }', '"A test"')).title == {"en": "A test", "ja": "A test"}


def test_the_lab_that_the_page_shows_can_be_read():
    page = (Path(__file__).parents[2] / "docs/labs.md").read_text(encoding="utf-8")
    shown = page.split("```toml\n")[1].split("```")[0]
    assert lab_of(shown).chapter == "5 names and pages"


@pytest.mark.parametrize(
    ("options", "port", "serves_names"),
    [
        (["--dhcp-range=192.0.2.9,192.0.2.9"], 67, False),
        (["--address=/www.lab.test/192.0.2.1"], 53, True),
        (["--dhcp-range=192.0.2.9,192.0.2.9", "--address=/www.lab.test/192.0.2.1"], 67, True),
    ],
)
def test_dnsmasq_serves_what_its_options_speak_of_and_is_waited_for_there(options, port, serves_names):
    (served,) = lab_of(f'{GOOD}\n[[services]]\non = "h1"\nkind = "dnsmasq"\noptions = {options}\n').services
    assert (served.port, "--port=0" not in service_argv(served)) == (port, serves_names)
