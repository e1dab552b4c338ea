"""DHCP for IPv4: leases, and what their messages say (RFC 2131, 2132)."""
