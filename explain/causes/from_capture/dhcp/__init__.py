"""Addresses that clients get, or do not get, from a DHCP server."""
