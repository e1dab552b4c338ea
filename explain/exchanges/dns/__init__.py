"""DNS: look-ups, what their messages say, and what came of the answers (RFC 1035)."""
