"""What one run of a program in a terminal's text is told to have shown."""

from __future__ import annotations

import io

import pytest

import explain


@pytest.mark.parametrize(("target", "is_told"), [("192.0.2.300", True), ("192.0.2.30", False), ("a.b.c.300", False)])
def test_what_looks_like_an_address_and_is_none_was_taken_for_a_name(target, is_told):
    text = f"root@h1:~# ping -c 1 {target}\nping: {target}: Name or service not known\n"
    told = [line.message for line in explain.explain(io.BytesIO(text.encode())).lines]
    assert ("notes.result.no-address" in told) == is_told


def test_the_length_of_a_lease_is_told_with_its_unit():
    text = "dnsmasq-dhcp: DHCP, IP range 10.0.0.100 -- 10.0.0.150, lease time 1h\n"
    terms = [line.values.get("shown") for line in explain.explain(io.BytesIO(text.encode())).lines]
    assert "lease time 1h" in terms


AFTERWARDS = """root@h1:~# ping -c 1 198.51.100.1
PING 198.51.100.1 (198.51.100.1) 56(84) bytes of data.

--- 198.51.100.1 ping statistics ---
1 packets transmitted, 0 received, 100% packet loss, time 0ms

root@h1:~# ip -br addr
eth0@if2         UP             192.0.2.1/24
root@h1:~# ip route
default via 192.0.2.254 dev eth0
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1
root@r1:~# ip -br addr
eth0@if2         UP             192.0.2.254/24
eth1@if2         UP             198.51.100.254/24
root@r1:~# ip route
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.254
198.51.100.0/24 dev eth1 proto kernel scope link src 198.51.100.254
root@h2:~# ip -br addr
eth0@if3         UP             198.51.100.1/24
{between}root@h2:~# ip route
198.51.100.0/24 dev eth0 proto kernel scope link src 198.51.100.1
root@r1:~# sysctl net.ipv4.ip_forward
net.ipv4.ip_forward = 1
"""


@pytest.mark.parametrize(
    ("between", "is_told"),
    [("", True), ("root@h2:~# ip route del default\n", False), ("root@h2:~# ifdown eth1\n", False)],
)
def test_what_is_shown_after_a_ping_tells_why_it_failed_and_where_unless_something_was_changed_first(between, is_told):
    told = explain.explain(io.BytesIO(AFTERWARDS.format(between=between).encode())).story("en")
    assert ("Where: h2 (target)" in told) == is_told
    assert ("The state shows: no route to 192.0.2.1\n" in told) == is_told
    assert told.startswith("✗ The target gets the request but has no route back") == is_told
