"""What a case says of the nodes follows from what was asked, not only from the lab's file."""

from __future__ import annotations

import tomllib

import pytest

from explain.lab import recording
from explain.lab.case import case
from explain.lab.perform import Ran
from explain.lab.read import from_table
from explain.lab.recording import Recording, write_new
from explain.lab.records import Step

LAB = """
schema = 1
chapter = "test"
title = "Two routers"
links = [["h1.eth0", "r1.eth0"], ["r1.eth1", "r2.eth0"], ["r2.eth1", "h2.eth0"]]
nodes.h1.interfaces.eth0 = { address = "192.0.2.1/24" }
[nodes.r1]
kind = "router"
interfaces.eth0 = { address = "192.0.2.254/24" }
interfaces.eth1 = { address = "203.0.113.1/24" }
RULES
[nodes.r2]
kind = "router"
interfaces.eth0 = { address = "203.0.113.2/24" }
interfaces.eth1 = { address = "198.51.100.254/24" }
[nodes.h2]
interfaces.eth0 = { address = "198.51.100.1/24" }
"""
DNAT = """nft = '''
table ip nat {
  chain pre { type nat hook prerouting priority -100; ip daddr 203.0.113.1 dnat to 198.51.100.1; }
}
'''"""


def roles(*command, rules=""):
    """The letters of h1, r1, r2, h2 where such a command was run on h1."""
    text = LAB.replace("RULES", rules)
    lab = from_table(tomllib.loads(text), "test", "lab.toml", text)
    ran = Ran(Step("h1", command, is_main=True), "", 0, 1.0)
    told = case(Recording(lab, (), (), {}, {}, (ran,), {}, {}, (), 0, 1, {}))
    return [node["role"] for node in told["nodes"]]


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (("ping", "-c", "1", "198.51.100.1"), ["S", "R1", "R2", "T"]),
        (("ping", "-c", "1", "192.0.2.254"), ["S", "T", "R1", "X"]),
        (("tracepath", "198.51.100.254"), ["S", "R1", "T", "X"]),
        (("curl", "http://203.0.113.1/"), ["S", "R1", "R2", "T"]),
        (("ping", "-c", "1", "198.51.100.9"), ["S", "R1", "R2", "T"]),
    ],
)
def test_a_router_whose_own_address_is_pinged_is_the_target(command, wanted):
    assert roles(*command) == wanted


def test_a_router_that_may_stand_for_another_host_keeps_its_number():
    assert roles("ping", "-c", "1", "203.0.113.1", rules=DNAT) == ["S", "R1", "R2", "T"]


def test_a_disk_without_room_is_told_with_the_file_that_was_written(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recording.os, "link", full)
    with pytest.raises(OSError, match=r"capture.pcapng") as told:
        write_new(tmp_path / "capture.pcapng", b"")
    assert told.value.filename == str(tmp_path / "capture.pcapng")
