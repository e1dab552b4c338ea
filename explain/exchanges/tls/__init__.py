"""TLS: what can be read of it, the hellos and the alerts (RFC 8446, 5246)."""
