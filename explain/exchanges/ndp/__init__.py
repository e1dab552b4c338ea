"""IPv6 neighbours and routers (RFC 4861, 4862)."""
