"""TCP: connections, and what may be said of their segments (RFC 9293)."""
