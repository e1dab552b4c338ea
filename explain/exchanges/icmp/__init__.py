"""ICMP: pings, errors, and the packets that errors quote (RFC 792, 4443)."""
