"""What follows from the numbers in a text."""

from __future__ import annotations

import pytest

from explain.causes.notes.derived import USUAL_LEASES_S, derived
from explain.symptoms.notes import read_notes
from explain.words import say

HOST = """\
$ ip addr
2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether {mac} brd ff:ff:ff:ff:ff:ff link-netns r1
    inet6 {address}/64 scope link
       valid_lft forever preferred_lft forever
"""
CLIENT = """\
root@h1:~# dhclient -v eth0
DHCPDISCOVER on eth0 to 255.255.255.255 port 67 interval 3 (xid=0x{first})
DHCPREQUEST for 192.0.2.55 on eth0 to 255.255.255.255 port 67 (xid=0x{second})
DHCPACK of 192.0.2.55 from 192.0.2.254
bound to 192.0.2.55 -- renewal in {renewal} seconds.
"""


def of(text):
    return list(derived(read_notes(text)))


@pytest.mark.parametrize(
    ("mac", "address", "shown"),
    [
        ("1a:2b:3c:4d:5e:6f", "fe80::182b:3cff:fe4d:5e6f", "1a = 0001 1010 becomes 0001 1000 = 18"),
        ("00:00:5e:00:53:01", "fe80::200:5eff:fe00:5301", "00 = 0000 0000 becomes 0000 0010 = 02"),
    ],
)
def test_how_the_link_local_address_follows_from_the_mac_is_shown_in_bits(mac, address, shown):
    (item,) = of(HOST.format(mac=mac, address=address))
    assert (item.name, item.spans) == ("derived.eui64", ((4, 4),))
    assert shown in say(f"notes.{item.name}", item.values, "en")


def test_an_address_that_hides_the_mac_is_not_said_to_follow_from_it():
    (item,) = of(HOST.format(mac="1a:2b:3c:4d:5e:6f", address="fe80::a1b2:c3d4:e5f6:1234"))
    assert (item.name, item.depth) == ("derived.not-eui64", 2)


def test_a_global_address_is_left_alone():
    assert of(HOST.format(mac="1a:2b:3c:4d:5e:6f", address="2001:db8::182b:3cff:fe4d:5e6f")) == []


def test_only_the_first_of_many_addresses_is_told_without_being_asked():
    text = HOST.format(mac="1a:2b:3c:4d:5e:6f", address="fe80::182b:3cff:fe4d:5e6f")
    assert [item.depth for item in of(text * 3)] == [1, 2, 2]


@pytest.mark.parametrize(("renewal", "lease"), [(1432, 3600), (1376, 3600), (1785, 3600), (21600, 43200), (300, 600)])
def test_a_renewal_suits_the_lease_that_dhclient_would_renew_then(renewal, lease):
    item = next(iter(of(CLIENT.format(first="1", second="1", renewal=renewal))))
    assert (item.name, item.values["lease_s"]) == ("derived.renewal", lease)
    assert item.values["early_s"] <= renewal <= item.values["half_s"]


@pytest.mark.parametrize("renewal", [0, 1, 3700, 9_999_999_999])
def test_a_renewal_that_suits_no_usual_lease_or_two_names_the_bounds(renewal):
    (item,) = of(CLIENT.format(first="1", second="1", renewal=renewal))
    assert item.name == "derived.renewal-between"
    bounds = item.values["least_s"], item.values["most_s"]
    assert sum(bounds[0] <= lease <= bounds[1] for lease in USUAL_LEASES_S) != 1
    assert "1 hour" not in say(f"notes.{item.name}", item.values, "en")


def test_two_transaction_ids_in_opposite_orders_of_octets_are_one():
    names = {item.name: item for item in of(CLIENT.format(first="11223344", second="44332211", renewal=1432))}
    assert names["derived.xid-turned"].values == {"turned": "0x44332211", "wire": "0x11223344"}
    assert names["derived.xid-turned"].spans == ((3, 3),)


@pytest.mark.parametrize(("first", "second"), [("11223344", "11223344"), ("11223344", "44332212"), ("11", "11")])
def test_other_transaction_ids_are_left_alone(first, second):
    assert "derived.xid-turned" not in {
        item.name for item in of(CLIENT.format(first=first, second=second, renewal=1432))
    }
