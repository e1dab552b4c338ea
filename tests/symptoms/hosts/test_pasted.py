# ruff: noqa: E501 - output as it is printed
"""Pasted state of hosts: the same facts as iproute2's JSON gives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explain.symptoms.hosts.pasted import read_hosts
from explain.symptoms.witness import NothingUsableError


def state(text):
    (host,) = read_hosts(text)
    return host.state


ADDRESSES = """root@h1:/# ip addr
1: lo: <LOOPBACK> mtu 65536 qdisc noop state DOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP group default qlen 1000
    link/ether 02:00:00:00:00:0A brd ff:ff:ff:ff:ff:ff link-netnsid 0
    inet 192.0.2.1/24 brd 192.0.2.255 scope global dynamic eth0
       valid_lft 3590sec preferred_lft 1790sec
    inet 192.0.2.3/24 scope global secondary eth0:1
       valid_lft forever preferred_lft forever
    inet6 2001:db8::1/64 scope global tentative mngtmpaddr
       valid_lft forever preferred_lft forever
3: eth1.10@eth1: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default qlen 1000
    link/ether 02:00:00:00:00:0b brd ff:ff:ff:ff:ff:ff link-netns h2
    inet 198.18.0.1 peer 198.18.0.2/32 scope global eth1.10
"""


def test_ip_address_gives_the_rows_of_its_json():
    lo, eth0, vlan = state(ADDRESSES)["addr"]
    assert lo == {
        "ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK"], "mtu": 65536, "qdisc": "noop", "operstate": "DOWN", "group": "default", "txqlen": 1000,
        "link_type": "loopback", "address": "00:00:00:00:00:00", "broadcast": "00:00:00:00:00:00",
    }  # fmt: skip
    assert (eth0["link_index"], eth0["link_netnsid"], eth0["master"], eth0["address"]) == (
        5,
        0,
        "br0",
        "02:00:00:00:00:0a",
    )
    assert eth0["addr_info"] == [
        {"family": "inet", "local": "192.0.2.1", "prefixlen": 24, "broadcast": "192.0.2.255", "scope": "global", "dynamic": True, "label": "eth0", "valid_life_time": 3590, "preferred_life_time": 1790},
        {"family": "inet", "local": "192.0.2.3", "prefixlen": 24, "scope": "global", "secondary": True, "label": "eth0:1", "valid_life_time": 4294967295, "preferred_life_time": 4294967295},
        {"family": "inet6", "local": "2001:db8::1", "prefixlen": 64, "scope": "global", "tentative": True, "mngtmpaddr": True, "valid_life_time": 4294967295, "preferred_life_time": 4294967295},
    ]  # fmt: skip
    assert (vlan["link"], vlan["link_netns"]) == ("eth1", "h2")
    assert vlan["addr_info"][0] == {
        "family": "inet",
        "local": "198.18.0.1",
        "address": "198.18.0.2",
        "prefixlen": 32,
        "scope": "global",
        "label": "eth1.10",
    }


def test_the_brief_form_leaves_flags_unknown():
    found = state(
        "$ ip -br addr\nlo               UNKNOWN        127.0.0.1/8 ::1/128\neth0@if5         UP             192.0.2.1/24\neth9             DOWN\n"
    )["addr"]
    assert [row["ifname"] for row in found] == ["lo", "eth0", "eth9"]
    assert all("flags" not in row and "mtu" not in row for row in found)
    assert found[1]["addr_info"] == [{"family": "inet", "local": "192.0.2.1", "prefixlen": 24}]
    assert found[2]["addr_info"] == []


def test_the_brief_form_of_links_is_no_prompt():
    found = state(
        "$ ip -br link\nlo               UNKNOWN        00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP>\neth0@if5         UP             02:00:00:00:00:0a <BROADCAST,MULTICAST,UP,LOWER_UP>\n"
    )["link"]
    assert [(row["ifname"], row["address"], "LOWER_UP" in row["flags"]) for row in found] == [
        ("lo", "00:00:00:00:00:00", True),
        ("eth0", "02:00:00:00:00:0a", True),
    ]


def test_the_one_line_form_is_the_long_one():
    found = state(
        "$ ip -o addr\n2: eth0    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever preferred_lft forever\n"
    )["addr"]
    assert found[0]["addr_info"][0]["label"] == "eth0"
    assert found[0]["addr_info"][0]["valid_life_time"] == 4294967295


ROUTES = """h1# ip route
default via 192.0.2.254 dev eth0 proto dhcp src 192.0.2.1 metric 100 onlink
10.6.0.0/16 via 192.0.2.2 dev eth0 src 192.0.2.3 mtu lock 1300
10.7.0.0/16
	nexthop via 192.0.2.2 dev eth0 weight 1
	nexthop via 192.0.2.4 dev eth0 weight 2 dead linkdown
unreachable 10.8.0.0/16
blackhole 10.9.0.0/16 metric 5
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1 linkdown
198.51.100.7 via inet6 fe80::1 dev eth0
"""


def test_ip_route_gives_the_rows_of_its_json():
    found = state(ROUTES)["route"]
    assert found[0] == {
        "dst": "default",
        "gateway": "192.0.2.254",
        "dev": "eth0",
        "protocol": "dhcp",
        "prefsrc": "192.0.2.1",
        "metric": 100,
        "flags": ["onlink"],
    }
    assert found[1]["metrics"] == [{"mtu": 1300}]
    assert found[2]["nexthops"] == [
        {"gateway": "192.0.2.2", "dev": "eth0", "weight": 1, "flags": []},
        {"gateway": "192.0.2.4", "dev": "eth0", "weight": 2, "flags": ["dead", "linkdown"]},
    ]
    assert [row.get("type") for row in found[3:5]] == ["unreachable", "blackhole"]
    assert found[5] == {
        "dst": "192.0.2.0/24",
        "dev": "eth0",
        "protocol": "kernel",
        "scope": "link",
        "prefsrc": "192.0.2.1",
        "flags": ["linkdown"],
    }
    assert found[6]["via"] == {"family": "inet6", "host": "fe80::1"}


def test_families_are_kept_apart():
    text = "h1# ip -6 route\n2001:db8::/64 dev eth0 proto kernel metric 256 pref medium\ndefault via fe80::1 dev eth0 metric 1024 expires 1790sec pref medium\nh1# ip -6 rule\n0:\tfrom all lookup local\n"
    found = state(text)
    assert set(found) == {"route6", "rule6"}
    assert found["route6"][1] == {
        "dst": "default",
        "gateway": "fe80::1",
        "dev": "eth0",
        "metric": 1024,
        "expires": 1790,
        "pref": "medium",
        "flags": [],
    }


def test_an_empty_answer_is_collected_and_empty_and_a_part_is_marked():
    (host,) = read_hosts("h1# ip route\nh1# ip addr show dev eth0\n2: eth0: <UP> mtu 1500\n")
    assert host.state["route"] == []
    assert host.partial == ("addr",)


RULES = """# ip rule
0:	from all lookup local
50:	from 10.0.0.0/8 to 10.1.0.0/16 fwmark 0x1/0xff iif eth0 lookup 100
60:	from 192.0.2.77 unreachable
70:	not from 10.2.0.0/16 ipproto tcp dport 80 lookup 7
"""


def test_ip_rule_gives_the_rows_of_its_json():
    assert state(RULES)["rule"] == [
        {"priority": 0, "src": "all", "table": "local"},
        {
            "priority": 50,
            "src": "10.0.0.0",
            "srclen": 8,
            "dst": "10.1.0.0",
            "dstlen": 16,
            "fwmark": "0x1",
            "fwmask": "0xff",
            "iif": "eth0",
            "table": "100",
        },
        {"priority": 60, "src": "192.0.2.77", "action": "unreachable"},
        {"priority": 70, "not": None, "src": "10.2.0.0", "srclen": 16, "ipproto": "tcp", "dport": 80, "table": "7"},
    ]


def test_neighbours_are_read_from_old_and_new_tools():
    text = "h1# ip neigh\n192.0.2.9 dev eth0 lladdr 02:00:00:00:00:09 PERMANENT\nfe80::1 dev eth0 lladdr 02:00:00:00:00:fe router STALE\n192.0.2.2 dev eth0  FAILED\n"
    assert state(text)["neigh"] == [
        {"dst": "192.0.2.9", "dev": "eth0", "lladdr": "02:00:00:00:00:09", "state": ["PERMANENT"]},
        {"dst": "fe80::1", "dev": "eth0", "lladdr": "02:00:00:00:00:fe", "router": None, "state": ["STALE"]},
        {"dst": "192.0.2.2", "dev": "eth0", "state": ["FAILED"]},
    ]
    assert state(
        "h1# arp -an\n? (192.0.2.9) at 02:00:00:00:00:09 [ether] PERM on eth0\n? (192.0.2.2) at <incomplete> on eth0\n"
    )["neigh"][1]["state"] == ["INCOMPLETE"]


def test_old_routes_are_routes():
    text = "h1$ route -n\nKernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n0.0.0.0         192.0.2.254     0.0.0.0         UG    100    0        0 eth0\n192.0.2.0       0.0.0.0         255.255.255.0   U     0      0        0 eth0\n"
    assert state(text)["route"] == [
        {"dst": "default", "flags": [], "gateway": "192.0.2.254", "dev": "eth0", "metric": 100},
        {"dst": "192.0.2.0/24", "flags": [], "scope": "link", "dev": "eth0"},
    ]


def test_sysctls_by_name_and_by_path():
    assert state(
        "$ sysctl net.ipv4.ip_forward net.ipv4.conf.all.rp_filter\nnet.ipv4.ip_forward = 0\nnet.ipv4.conf.all.rp_filter = 2\n"
    )["sysctl"] == {"net.ipv4.ip_forward": "0", "net.ipv4.conf.all.rp_filter": "2"}
    assert state("$ cat /proc/sys/net/ipv4/ip_forward\n1\n")["sysctl"] == {"net.ipv4.ip_forward": "1"}
    assert state("$ sysctl -n net.ipv4.ip_forward\n1\n")["sysctl"] == {"net.ipv4.ip_forward": "1"}


def test_rules_of_iptables_s_become_lines_of_save():
    text = "# iptables -t nat -S\n-P POSTROUTING ACCEPT\n-N MINE\n-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE\n"
    assert state(text)["iptables_save"] == [
        "*nat",
        ":POSTROUTING ACCEPT [0:0]",
        ":MINE - [0:0]",
        "-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE",
        "COMMIT",
    ]


LISTED = """# iptables -L
Chain INPUT (policy ACCEPT)
target     prot opt source               destination
DROP       tcp  --  192.0.2.0/24         anywhere             tcp dpt:ssh /* a b */
           all  --  anywhere             anywhere

Chain FORWARD (policy DROP)
target     prot opt source               destination
"""
COUNTED = """# iptables -L -v -n --line-numbers
Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
num   pkts bytes target     prot opt in     out     source               destination
1        0     0 DROP       6    --  eth0   *       192.0.2.0/24         0.0.0.0/0            tcp dpt:22
2       3K   90K            0    --  *      *       0.0.0.0/0            0.0.0.0/0
"""


def test_a_listing_without_v_leaves_the_interfaces_unknown():
    first, second = state(LISTED)["iptables_list"]
    assert (first["chain"], first["policy"], second["policy"]) == ("INPUT", "ACCEPT", "DROP")
    assert first["rules"][0] == {
        "target": "DROP",
        "prot": "tcp",
        "opt": "--",
        "source": "192.0.2.0/24",
        "destination": "anywhere",
        "options": "tcp dpt:ssh /* a b */",
    }
    assert "target" not in first["rules"][1]
    assert "in" not in first["rules"][0]


def test_a_listing_with_v_shows_them():
    (chain,) = state(COUNTED)["iptables_list"]
    assert (chain["rules"][0]["in"], chain["rules"][0]["out"], chain["rules"][0]["number"]) == ("eth0", "*", 1)
    assert (chain["rules"][1]["packets"], chain["rules"][1].get("target")) == ("3K", None)


def test_bridges_and_sockets_are_read_as_they_are_printed():
    text = "sw# bridge fdb\n02:00:00:00:00:01 dev eth0 vlan 1 master br0 permanent\n33:33:00:00:00:01 dev eth0 self permanent\n02:00:00:00:00:02 dev eth1 master br0\nsw# bridge -d link\n3: eth0@if4: <BROADCAST,UP,LOWER_UP> mtu 1500 master br0 state forwarding priority 32 cost 2\n    hairpin off guard off learning on isolated on\nsw# ss -tln\nState  Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0      1            0.0.0.0:8080      0.0.0.0:*\n"
    found = state(text)
    assert found["fdb"][0] == {
        "mac": "02:00:00:00:00:01",
        "ifname": "eth0",
        "flags": [],
        "vlan": 1,
        "master": "br0",
        "state": "permanent",
    }
    assert (found["fdb"][1]["flags"], found["fdb"][2]["state"]) == (["self"], "")
    assert found["bridge_link"][0] == {
        "ifindex": 3,
        "ifname": "eth0",
        "flags": ["BROADCAST", "UP", "LOWER_UP"],
        "mtu": 1500,
        "master": "br0",
        "state": "forwarding",
        "priority": 32,
        "cost": 2,
        "hairpin": False,
        "guard": False,
        "learning": True,
        "isolated": True,
    }
    assert found["sockets"][0].split() == ["tcp", "LISTEN", "0", "1", "0.0.0.0:8080", "0.0.0.0:*"]


def test_several_hosts_and_unprompted_output():
    hosts = read_hosts(
        "# ip netns exec h1 ip route\ndefault via 192.0.2.254 dev eth0\n# ip -n h2 route\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2\n"
    )
    assert [host.node for host in hosts] == ["h1", "h2"]
    (bare,) = read_hosts(
        "default via 192.0.2.254 dev eth0\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1\n2: eth0: <UP> mtu 1500 state UP\n    inet 192.0.2.1/24 scope global eth0\n"
    )
    assert (bare.node, sorted(bare.state)) == (None, ["addr", "route"])


def test_commands_that_change_something_show_no_state():
    with pytest.raises(NothingUsableError):
        read_hosts("# ip route add default via 192.0.2.254\n# ip link set eth0 up\n")


@settings(max_examples=150)
@given(
    st.text(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                "ip addr\n",
                "# ip route\n",
                "2: eth0: <UP> ",
                "inet ",
                "192.0.2.1/24 ",
                "dev ",
                "via ",
                "nexthop ",
                "link/ether ",
                "brd ",
                "\n",
                "    ",
                "Chain X (policy DROP)\n",
                "target prot\n",
                "0:\tfrom all ",
                "# iptables -L\n",
                "*filter\n",
                "valid_lft 1sec preferred_lft x\n",
                "\\",
            ]
        ),
        max_size=30,
    ).map("".join)
)
def test_any_text_gives_hosts_or_one_clear_error(text):
    try:
        hosts = read_hosts(text)
    except NothingUsableError:
        return
    assert hosts


EMPTY = "target     prot opt source               destination\n\n"
FILTER = "".join(f"Chain {name} (policy ACCEPT)\n{EMPTY}" for name in ("INPUT", "FORWARD", "OUTPUT"))
NAT = "".join(
    f"Chain {name} (policy ACCEPT)\n{EMPTY}" for name in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")
).replace("\n\n", "\nMASQUERADE  all  --  192.0.2.0/24   anywhere\n\n")


@pytest.mark.parametrize(
    ("text", "tables"),
    [(FILTER, ["filter"]), (NAT, ["nat"]), (FILTER + NAT, ["filter", "nat"]), (NAT + FILTER, ["nat", "filter"])],
)
def test_a_listing_of_iptables_is_of_the_table_whose_chains_it_shows(text, tables):
    found = read_hosts(text)[0].state["iptables_list"]
    assert list(dict.fromkeys(chain["table"] for chain in found)) == tables


TWO_RULES = "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (TWO_RULES, {"rule6"}),
        (TWO_RULES + "32767:\tfrom all lookup default\n", {"rule"}),
        (TWO_RULES.replace("main\n", "main\n32767:\tfrom all lookup default\n") + TWO_RULES, {"rule", "rule6"}),
        ("1000:\tfrom 2001:db8::/32 lookup 100\n", {"rule6"}),
        ("1000:\tfrom 192.0.2.0/24 lookup 100\n", {"rule"}),
    ],
)
def test_rules_without_a_command_are_of_the_family_that_they_show(text, keys):
    assert set(read_hosts(text)[0].state) == keys


def test_what_ss_tells_below_a_socket_does_not_end_the_list():
    text = (
        "State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n"
        "LISTEN 0      128          0.0.0.0:22        0.0.0.0:*\n\t cubic rto:1000 mss:536 cwnd:10\n"
        "ESTAB  0      0          192.0.2.5:22      192.0.2.7:51234\n\t cubic wscale:7,7 rto:204 rtt:0.3/0.1 cwnd:10\n"
        "LISTEN 0      128             [::]:80           [::]:*\n"
    )
    assert [line.split()[1] for line in read_hosts(text)[0].state["sockets"]] == ["LISTEN", "ESTAB", "LISTEN"]


@pytest.mark.parametrize(("asked", "table"), [("table 200", "200"), ("vrf blue", "blue"), ("table main", None)])
def test_routes_of_a_table_that_was_asked_for_are_not_taken_for_those_of_main(asked, table):
    text = f"h1$ ip route\ndefault via 10.0.1.1 dev eth0\nh1$ ip route show {asked}\ndefault via 10.0.1.254 dev eth0\n"
    assert [each.get("table") for each in state(text)["route"]] == [None, table]


IN_JSON = '[{"type":"blackhole","dst":"198.51.100.0/24","flags":[]},{"dst":"default","gateway":"192.0.2.254","dev":"eth0","flags":[]}]'
LINKS_IN_JSON = '[ {\n        "ifindex": 2,\n        "ifname": "eth0",\n        "flags": [ "UP","LOWER_UP" ],\n        "addr_info": [ { "local": "192.0.2.1", "prefixlen": 24 } ]\n    } ]'


@pytest.mark.parametrize(
    ("command", "output", "key", "row"),
    [
        ("ip -j route", IN_JSON, "route", {"type": "blackhole", "dst": "198.51.100.0/24", "flags": []}),
        ("ip -json -p addr show", LINKS_IN_JSON, "addr", {"addr_info": [{"local": "192.0.2.1", "prefixlen": 24}]}),
        ("ip -6 -j route", "[ ]", "route6", None),
        ("bridge -j fdb", '[{"mac":"02:00:00:00:00:01","ifname":"p1","flags":[]}]', "fdb", {"ifname": "p1"}),
        ("nft -ja list ruleset", '{"nftables": [{"metainfo": {}}]}', "nft", {"metainfo": {}}),
        ("ip -j neigh", '[{"dst":"192.0.2.9","dev":"eth0","state":["FAILED"]}]', "neigh", {"state": ["FAILED"]}),
        ("", f"{LINKS_IN_JSON}\n{IN_JSON}", "addr", {"ifname": "eth0"}),
        ("", f"{LINKS_IN_JSON}\n{IN_JSON}", "route", {"dst": "198.51.100.0/24"}),
    ],
)
def test_json_of_a_tool_is_read_as_its_lines_are(command, output, key, row):
    rows = state(f"root@h1:/# {command}\n{output}\n" if command else output)[key]
    assert rows[0].items() >= row.items() if row is not None else rows == []


def test_a_long_line_of_json_is_read_whole_and_broken_json_not_at_all():
    routes = ",".join(f'{{"dst":"10.{each}.0.0/16","dev":"eth{each}","flags":[]}}' for each in range(200))
    text = f"root@h1:/# ip -j route\n[{routes}]\n"
    assert [row["dev"] for row in state(text)["route"]] == [f"eth{each}" for each in range(200)]
    with pytest.raises(NothingUsableError):
        read_hosts(text[:-9])
