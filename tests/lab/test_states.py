"""A state collected without iproute2 says what iproute2 says."""

from __future__ import annotations

import pytest

from explain.lab import plan as planning
from explain.lab.build import build
from explain.lab.catalogue import find
from explain.lab.holder import hold
from explain.lab.operations import Perform
from explain.lab.perform import Stage
from explain.lab.read import read
from explain.lab.run import settled
from explain.state.collecting import collect
from explain.state.collecting.collect import settings, without_processes
from explain.state.collecting.netlink import collect_netlink, neighbours

pytestmark = pytest.mark.needs("namespaces", "ip", "ping")
LABS = ("wrong-source-address-selected", "ipv6-router", "policy-rule-on-sender", "reject-route-on-sender.prohibit")


def both_ways(name):
    """Each node's state by iproute2 and by netlink, after the lab's steps."""

    def task(_tell):
        lab = read(find(name))
        places = build(planning.built(lab))
        stage = Stage(places)
        for act in planning.performed(lab):
            if isinstance(act, Perform):
                stage.run(act.step)
        stage.pump(lambda: settled(places), 3.0)  # the kernel tells late that an interface is up
        found = {}
        for node, place in places.items():
            with place.inside():
                found[node] = _at_rest()
        return found

    return hold(task, lambda _kind, _value: None)


def _at_rest():
    """Both, of a moment in which no neighbour went from one state to the next between the looks."""
    printed = collect.collect()
    for _ in range(9):
        before, asked, printed = printed, collect_netlink(), collect.collect()
        if before["neigh"] == printed["neigh"]:
            break
    return printed, asked


def comparable(key, rows):
    """Rows without what one side does not tell, or what counts on while one looks."""
    if key == "addr":  # who made an address is printed from iproute2 6.4 on
        made = [[{**one, "protocol": None} for one in row["addr_info"]] for row in rows]
        return [{**row, "addr_info": some} for row, some in zip(rows, made, strict=True)]
    if key != "link":
        return rows
    known = ("ifindex", "ifname", "flags", "mtu", "operstate", "address", "master", "link_netnsid", "linkinfo")
    return [{name: row.get(name) for name in known} for row in rows]


@pytest.mark.parametrize("name", LABS)
def test_netlink_fills_the_keys_as_iproute2_prints_them(name):
    for node, (printed, asked) in both_ways(name).items():
        for key in ("addr", "link", "route", "route6", "rule", "rule6", "neigh"):
            assert comparable(key, asked[key]) == comparable(key, printed[key]), (node, key)


def test_an_entry_that_ip_neigh_hides_is_listed_if_it_is_of_one_host():
    told = {"dst": "192.0.2.2", "dev": "eth0", "lladdr": "02:00:00:00:00:99", "state": ["NOARP"]}
    of_all = ("ff:ff:ff:ff:ff:ff", "33:33:00:00:00:02", "01:00:5e:00:00:16", "00:00:00:00:00:00")
    others = [{**told, "lladdr": mac} for mac in of_all]
    assert neighbours([told, *others, {"dst": "192.0.2.3", "dev": "eth0", "state": []}]) == [told]


def test_a_state_holds_every_key_of_the_contract():
    [(state, _), *_] = both_ways("nat-icmp").values()
    assert set(state) >= {
        *("addr", "link", "route", "route6", "rule", "rule6", "neigh", "proxy", "nft", "conntrack", "qdisc"),
        *("iptables_save", "ip6tables_save", "sockets", "sysctl", "counters"),
    }
    assert state["counters"]["IcmpMsgOutType8"] == 3


def test_what_cannot_be_collected_is_absent_and_not_empty(monkeypatch):
    monkeypatch.setattr(collect, "PATH", "/nonexistent")
    state = collect.collect()
    assert "nft" not in state
    assert "conntrack" not in state
    assert {"addr", "route", "neigh", "sysctl"} <= set(state)


def test_a_table_of_connections_that_is_too_large_to_list_is_unknown_and_its_count_is_told(monkeypatch):
    monkeypatch.setattr(collect, "MOST_FLOWS", 0)
    [state, *_] = [printed for node, (printed, _) in both_ways("nat-icmp").items() if node == "r1"]
    assert "conntrack" not in state
    assert int(state["sysctl"]["net.netfilter.nf_conntrack_count"]) > 0


def test_an_interface_with_a_dot_in_its_name_has_its_settings():
    assert "net.ipv4.conf.lo.rp_filter" in settings(["lo", "absent.7"])


def test_processes_can_be_left_out():
    line = 'tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:* users:(("httpd",pid=7,fd=3))'
    assert without_processes({"sockets": [line]})["sockets"] == ["tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:*"]
