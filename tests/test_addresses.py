"""Addresses by their keys, held against the standard library."""

from __future__ import annotations

from ipaddress import ip_address

import numpy as np

from explain.addresses import IPV6_KEY, Addresses

_ADDRESSES = ("224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "10.0.0.255", "ff02::1", "fe80::1", "::")


def test_groups_are_the_multicast_addresses_and_the_limited_broadcast() -> None:
    parsed = [ip_address(text) for text in _ADDRESSES]
    six = [int(one) for one in parsed if one.version == 6]
    addresses = Addresses(*(np.array([half(one) for one in six], np.uint64) for half in (_high, _low)))
    keys = [int(one) if one.version == 4 else IPV6_KEY + six.index(int(one)) for one in parsed]
    wanted = [one.is_multicast or one == ip_address("255.255.255.255") for one in parsed]
    assert addresses.are_groups(np.array(keys, np.uint64)).tolist() == wanted


def _high(address: int) -> int:
    return address >> 64


def _low(address: int) -> int:
    return address & (1 << 64) - 1
