from __future__ import annotations

from dhcp_packets import ADDRESS, CLIENT, SERVER, SERVER_MAC, ack, discover, offer, request
from packets import B, datagram, error, pcap

import explain


def hosts(*frames):
    return {
        host.addresses[0] if host.addresses else host.macs[0]: host for host in explain.explain(pcap(*frames)).hosts
    }


def test_the_ends_of_a_lease_are_a_client_that_has_its_new_address_and_a_dhcp_server():
    found = hosts(discover(), offer(), request(), ack())
    client, server = found[ADDRESS], found[SERVER]
    assert (client.macs, client.roles) == ((CLIENT,), ("client",))
    assert (server.macs, server.roles) == ((SERVER_MAC,), ("dhcp-server",))


def test_every_server_that_offers_is_a_dhcp_server():
    other = offer("192.0.2.77", server="192.0.2.66", mac=B)
    assert hosts(discover(), offer(), other, request(), ack())["192.0.2.66"].roles == ("dhcp-server",)


def test_a_client_without_a_lease_is_a_host_without_address():
    assert (hosts(discover())[CLIENT].addresses, hosts(discover())[CLIENT].roles) == ((), ("client",))


def test_who_reports_on_a_packet_between_two_others_is_a_router_and_who_reports_on_its_own_is_none():
    sent = datagram(("192.0.2.1", 40000), ("203.0.113.9", 9), b"x")
    assert hosts(sent, error("192.0.2.254", 3, 1, sent))["192.0.2.254"].roles == ("router",)
    near = datagram(("192.0.2.1", 40000), ("192.0.2.9", 9), b"x", macs=("00:00:5e:00:53:01", B))
    assert "router" not in hosts(near, error("192.0.2.9", 3, 3, near, macs=(B, "00:00:5e:00:53:01")))["192.0.2.9"].roles
