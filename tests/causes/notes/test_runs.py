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
