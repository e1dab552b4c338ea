"""DHCP for IPv6: leases, and what their messages say (RFC 8415)."""
