"""UDP: datagrams between two ends, and answers that come from elsewhere (RFC 768)."""
