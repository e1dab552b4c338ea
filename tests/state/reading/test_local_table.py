from __future__ import annotations

import json

import pytest
from surroundings import TOP

from explain.state.reading.state_file import host_state
from explain.state.routing.routes import Query, look_up

FOLDERS = sorted(path for path in (TOP / "pcaps").glob("*/state/*.json"))


def host(flags=("UP", "LOWER_UP"), routes=({"dst": "192.0.2.0/24", "dev": "eth0"},)):
    address = {"family": "inet", "local": "192.0.2.1", "prefixlen": 24, "scope": "global"}
    loopback = {"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host"}
    links = [
        {"ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "addr_info": [loopback]},
        {"ifindex": 2, "ifname": "eth0", "flags": list(flags), "addr_info": [address]},
    ]
    return host_state({"addr": links, "route": list(routes)}, "h1")


@pytest.mark.parametrize(
    ("destination", "kind"),
    [("192.0.2.1", "local"), ("192.0.2.255", "broadcast"), ("127.9.9.9", "local"), ("192.0.2.2", "unicast")],
)
def test_a_pasted_table_without_the_local_one_still_knows_the_hosts_own_addresses(destination, kind):
    assert look_up(host(), Query(4, destination)).kind == kind


def test_an_address_stays_the_hosts_own_while_its_interface_is_down():
    assert look_up(host(flags=(), routes=()), Query(4, "192.0.2.1")).kind == "local"


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_what_is_worked_out_decides_about_own_addresses_as_what_the_kernel_listed(path):
    whole = json.loads(path.read_text("utf-8"))
    pasted = {**whole, "route": [row for row in whole.get("route", ()) if row.get("table") != "local"]}
    listed, worked_out = host_state(whole, "h"), host_state(pasted, "h")
    own = [each.local for one in listed.interfaces or () for each in one.addresses or () if each.family == 4]
    for address in own:
        assert look_up(worked_out, Query(4, address)).kind == look_up(listed, Query(4, address)).kind, address
