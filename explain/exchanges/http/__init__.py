"""HTTP/1: requests and responses, heads only (RFC 9112)."""
